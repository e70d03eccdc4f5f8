//! `schemas/asyncapi.yaml` (AsyncAPI 3.0.0: generators read all of it, of 3.1.0 the first message only): topics as channels, kinds as messages.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Ordered, publish};
use crate::Entity;
use crate::codec::to_binary;
use crate::kind::{Domain, Kind};
use crate::schema::path;
use crate::topic::{DEFAULT_PREFIX, DEFAULT_SHARDS, name};

const HEAD: &str = "\
# Made from the types in crates/signalbox-event; do not edit.
# UPDATE_SCHEMAS=1 cargo test -p signalbox-event
";

#[test]
fn the_asyncapi_document_is_published_as_the_types_say() {
    let yaml = serde_saphyr::to_string(&Ordered(&document())).expect("a document serialises");
    let read: Value = serde_saphyr::from_str(&yaml).expect("the YAML reads back");
    assert_eq!(read, document());
    publish("asyncapi.yaml", &format!("{HEAD}{yaml}"));
}

#[test]
fn the_header_schema_names_what_the_codec_writes() {
    let schema = headers();
    let named: BTreeSet<&str> =
        schema["properties"].as_object().expect("properties").keys().map(String::as_str).collect();
    let event = crate::codec::arbitrary::full_event();
    let (written, _) = to_binary(&event);
    assert_eq!(named, written.iter().map(|(name, _)| *name).collect());
}

fn document() -> Value {
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Signalbox events",
            "version": "1",
            "description": "What Signalbox writes to a district's own Kafka topics: CloudEvents 1.0.2 in binary mode. \
                            A topic is a privacy boundary, with an access list of its own.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": by_name(Domain::ALL, |domain| (domain.as_str(), channel(domain))),
        "operations": by_name(Domain::ALL, |domain| (domain.as_str(), operation(domain))),
        "components": {
            "messages": by_name(Kind::ALL.iter().copied(), |kind| (kind.short(), message(kind))),
            "schemas": {"headers": headers()},
        },
    })
}

fn by_name<T>(all: impl IntoIterator<Item = T>, one: impl Fn(T) -> (&'static str, Value)) -> Value {
    let named = all.into_iter().map(one).map(|(name, value)| (name.to_owned(), value));
    Value::Object(named.collect::<Map<_, _>>())
}

fn channel(domain: Domain) -> Value {
    let partitions = if domain.is_sharded() { DEFAULT_SHARDS } else { 1 };
    json!({
        "address": name("{prefix}", domain),
        "title": domain.as_str(),
        "description": about(domain),
        "parameters": {"prefix": {
            "description": "What the district's configuration puts before every topic (`log.kafka.prefix`).",
            "default": DEFAULT_PREFIX,
        }},
        "messages": by_name(carried(domain), |kind| {
            (kind.short(), json!({"$ref": format!("#/components/messages/{}", kind.short())}))
        }),
        "bindings": {"kafka": {
            "partitions": partitions,
            "topicConfiguration": {"cleanup.policy": ["delete"]},
            "bindingVersion": "0.5.0",
        }},
    })
}

/// The kinds of the domain, and the end of runs where a feed's runs write.
fn carried(domain: Domain) -> Vec<Kind> {
    let takes_runs = Entity::feed_domains().contains(&domain);
    Kind::ALL
        .iter()
        .copied()
        .filter(|kind| match kind {
            Kind::OpsRunEnded => takes_runs,
            kind => kind.domain() == domain,
        })
        .collect()
}

fn about(domain: Domain) -> &'static str {
    match domain {
        Domain::Roster => "Students and their enrolments. Holds names and birth dates.",
        Domain::Attendance => "Days of attendance, one event per student, school and day.",
        Domain::Gradebook => "Grades, one event per student, class, term and kind.",
        Domain::Behavior => "Students' parts in discipline incidents. Holds who did what.",
        Domain::Intervention => "What people do about flags.",
        Domain::Risk => "Flags: raised, cleared, withdrawn.",
        Domain::Ops => "What changed in the hub itself; speaks of no student.",
        Domain::Reference => {
            "What is true of the district rather than of a student: schools, calendars. One partition."
        }
    }
}

fn operation(domain: Domain) -> Value {
    json!({
        "action": "send",
        "channel": {"$ref": format!("#/channels/{}", domain.as_str())},
        "summary": format!("Signalbox appends to the {} topic.", domain.as_str()),
    })
}

fn message(kind: Kind) -> Value {
    json!({
        "name": kind.type_name(),
        "title": kind.short(),
        "summary": kind.about(),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": format!("./{}", path(kind))},
        "bindings": {"kafka": {
            "key": {"type": "string", "description": "The record's key; that of a student is `ce_partitionkey`."},
            "bindingVersion": "0.5.0",
        }},
    })
}

/// The headers of a record, all of them UTF-8 text.
pub(super) fn headers() -> Value {
    let text = |description: &str| json!({"type": "string", "minLength": 1, "description": description});
    let number =
        |description: &str| json!({"type": "string", "pattern": "^[0-9]+$", "description": description});
    json!({
        "type": "object",
        "required": ["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "ce_partitionkey",
                     "ce_dataclass", "ce_revision"],
        "properties": {
            "content-type": {"type": "string", "const": "application/json", "description": "Of the value."},
            "ce_specversion": {"type": "string", "const": "1.0", "description": "The version of CloudEvents."},
            "ce_id": {"type": "string", "format": "uuid", "description":
                      "Derived from what the event says: the same record read again is the same event."},
            "ce_source": text("`/districts/<district>/feeds/<feed>`, or `/districts/<district>/<role>` for what the \
                               hub itself says."),
            "ce_type": {"type": "string", "enum": Kind::ALL.iter().map(|kind| kind.type_name()).collect::<Vec<_>>(),
                        "description": "What the value says; its schema is `events/<type>/v1.json`."},
            "ce_subject": {"type": "string", "pattern": "^students/[0-9a-f-]{36}$", "description":
                           "Whom it is about, by pseudonym; absent where it is about no student."},
            "ce_time": {"type": "string", "format": "date-time", "description":
                        "Business time, with the offset of the district's zone."},
            "ce_partitionkey": text("`<district>/<student key>`: decides the shard of a student's events."),
            "ce_schoolyear": number("The spring year of the school year, e.g. 2022 for 2021-22."),
            "ce_revision": number("The hub's own revision of what the event is about; the highest counts."),
            "ce_run": number("The run of the feed that brought it."),
            "ce_dataclass": {"type": "string", "enum": ["operational", "directory", "education_record", "sensitive"],
                             "description": "How sensitive the value is: the class of its most sensitive field."},
            "ce_traceparent": text("W3C trace context of the run that made it."),
        },
    })
}
