//! What `schemas/events/<type>/v1.json` holds: the JSON Schema (2020-12) of the data of each kind of event.
//!
//! A schema stands alone (no `$ref`) and stays open: a reader tolerates fields that it doesn't know. Every leaf, that
//! is every field which is not itself an object with fields, says who may see it:
//!
//! - [`X_NDPA`]: its category in Exhibit B of the SDPC's National Data Privacy Agreement, one of
//!   [`NDPA_CATEGORIES`]; a vendor's subscription is its signed list of these.
//! - [`X_DATA_CLASS`]: a [`DataClass`](crate::DataClass).

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};

use crate::kind::Kind;

/// Where the files of `schemas/` stand in every `$id`.
pub const BASE_URL: &str = "https://signalbox.example/schemas/";

/// The keyword with a leaf's category in Exhibit B of the NDPA.
pub const X_NDPA: &str = "x-ndpa";

/// The keyword with a leaf's data class.
pub const X_DATA_CLASS: &str = "x-data-class";

/// The categories of data in Exhibit B of the NDPA (version 1), in its words.
pub const NDPA_CATEGORIES: [&str; 24] = [
    "Application Technology Meta Data",
    "Application Use Statistics",
    "Assessment",
    "Attendance",
    "Communications",
    "Conduct",
    "Demographics",
    "Enrollment",
    "Parent/Guardian Contact",
    "Parent/Guardian ID",
    "Parent/Guardian Name",
    "Schedule",
    "Special Indicator",
    "Student Contact",
    "Student Identifiers",
    "Student Name",
    "Student In-App Performance",
    "Student Program Membership",
    "Student Survey Responses",
    "Student Work",
    "Transcript",
    "Transportation",
    "Other",
    "None",
];

/// The schema's file below `schemas/`, e.g. `events/attendance.daily/v1.json`.
pub fn path(kind: Kind) -> String {
    format!("events/{}/v1.json", kind.short())
}

/// The schema's `$id`.
pub fn url(kind: Kind) -> String {
    format!("{BASE_URL}{}", path(kind))
}

/// The schema of `T` as the data of events of `kind`.
pub(crate) fn of<T: JsonSchema>(kind: Kind) -> Schema {
    let mut schema = inlined::<T>();
    schema.insert("$id".to_owned(), url(kind).into());
    schema.insert("title".to_owned(), kind.short().into());
    schema.insert("description".to_owned(), kind.about().into());
    schema
}

/// The schema of `T`, which stands alone.
pub(crate) fn inlined<T: JsonSchema>() -> Schema {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    RecursiveTransform(drop_number_format).transform(&mut schema);
    schema
}

/// `uint16` and its like are words of OpenAPI, which a strict JSON Schema validator refuses.
fn drop_number_format(schema: &mut Schema) {
    let format = schema.get("format").and_then(|format| format.as_str());
    if format.is_some_and(|format| format.starts_with("uint")) {
        schema.remove("format");
    }
}

#[cfg(test)]
mod tests;
