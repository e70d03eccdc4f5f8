//! Golden files: `<stem>.in.<ext>` is normalised and compared with `<stem>.out.json`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use signalbox_event::rows::Subject;

use super::{Reading, parse, read};
use crate::Connector;
use crate::draft::{Claims, Draft, Item, Reject};
use crate::source::{AbsentRows, CoveredThrough, Covers, Extent};

/// Checks every `*.in.*` of a folder against its `.out.json`, under the section in `<stem>.config.json`, or in
/// `config.json` without one. With `UPDATE_GOLDEN=1` in the environment the expectation is written instead.
/// Answers how many there were.
pub fn golden(connector: &Connector, folder: &Path) -> usize {
    let mut inputs: Vec<_> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a fixture can be listed").path())
        .filter(|path| stem(path).is_some())
        .collect();
    inputs.sort();
    for input in &inputs {
        check(connector, input);
    }
    inputs.len()
}

/// `late` of `late.in.csv`.
fn stem(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()?.split_once(".in.").map(|(stem, _)| stem)
}

fn check(connector: &Connector, input: &Path) {
    let stem = stem(input).expect("only inputs are checked");
    let own = input.with_file_name(format!("{stem}.config.json"));
    let config = if own.exists() { own } else { input.with_file_name("config.json") };
    let section = serde_json::from_slice(&bytes(&config)).expect("a fixture's section is JSON");
    let source = parse(connector, &section).unwrap_or_else(|error| panic!("{}: {error}", config.display()));
    assert_golden(&read(source.as_ref(), &bytes(input)), &input.with_file_name(format!("{stem}.out.json")));
}

/// Checks a reading against the file `expected`, or writes it with `UPDATE_GOLDEN=1` in the environment.
pub fn assert_golden(reading: &Reading, expected: &Path) {
    let found = text(reading);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(expected, found).expect("a golden file can be written");
        return;
    }
    let wanted = String::from_utf8(bytes(expected)).expect("a golden file is UTF-8");
    assert!(wanted == found, "{} differs; found:\n{found}", expected.display());
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A reading as JSON, one item a line.
fn text(reading: &Reading) -> String {
    let outcome = match &reading.outcome {
        Ok(contents) => json!({"extents": contents.extents.iter().map(extent).collect::<Vec<_>>()}),
        Err(refusal) => json!({"refused": {
            "code": refusal.code.as_str(), "file": refusal.file, "column": refusal.column,
            "message": refusal.message, "help": refusal.help,
        }}),
    };
    let lines: Vec<_> =
        reading.items.iter().map(item).chain([outcome]).map(|line| line.to_string()).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

fn item(item: &Item<'_>) -> Value {
    match item {
        Item::Draft(found) => draft(found),
        Item::Reject(found) => reject(found),
    }
}

fn draft(draft: &Draft<'_>) -> Value {
    let mut value = json!({"row": draft.row, draft.body.entity().as_str(): said(draft)});
    if let Some(file) = draft.file {
        value["file"] = file.into();
    }
    if draft.claims != Claims::default() {
        value["claims"] = claims(&draft.claims);
    }
    if let Some(fault) = &draft.fault {
        value["fault"] = reject(fault);
    }
    if !draft.left_out.is_empty() {
        value["left_out"] = draft.left_out.iter().map(|left_out| reject(&left_out.why)).collect();
    }
    value
}

/// What the event will say, but for ids that are looked up.
fn said(draft: &Draft<'_>) -> Value {
    let nobody = Subject { first_id: "", id_system: "" };
    let data = draft.body.data(draft.status, nobody);
    serde_json::from_slice(&data.to_json()).expect("data is JSON")
}

fn claims(Claims { student, school, date }: &Claims<'_>) -> Value {
    json!({"student": student, "school": school, "date": date})
}

fn reject(reject: &Reject) -> Value {
    let mut value = json!({
        "row": reject.row, "file": reject.file, "column": reject.column, "reject": reject.code.as_str(),
        "value_class": reject.value_class, "help": reject.help,
    });
    if *reject.claims != Claims::default() {
        value["claims"] = claims(&reject.claims);
    }
    value
}

fn extent(extent: &Extent) -> Value {
    json!({
        "entity": extent.entity.as_str(),
        "covers": match extent.covers {
            Covers::SchoolYear => json!("school_year"),
            Covers::SchoolDays(days) => json!({"school_days": days}),
            Covers::OwnRows => json!("own_rows"),
        },
        "absent_rows": match extent.absent_rows {
            AbsentRows::End => "end",
            AbsentRows::Erase => "erase",
            AbsentRows::Keep => "keep",
        },
        "rows": extent.rows,
        "covered_through": match extent.covered_through {
            CoveredThrough::LatestRow => "latest_row",
            CoveredThrough::RunDay => "run_day",
            CoveredThrough::DayBeforeRun => "day_before_run",
        },
    })
}
