//! `signalbox rejects list`: rows that could not be used, why, and the mend.

use std::io::Write;

use serde_json::json;
use signalbox_connector::draft::shown_class;
use signalbox_hub::Hub;
use signalbox_store::feed::RejectGroup;
use signalbox_view::repair::{reject_groups, rejects};

use super::open_hub;
use crate::cli::{Global, Output, Rejects, RejectsWhat};
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

/// How many rejects are listed one by one.
const LISTED: usize = 10_000;

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Rejects) -> Result<Done, Failure> {
    let RejectsWhat::List { group } = args.what;
    let opened = open_hub(global).await?;
    if group {
        grouped(out, global, &opened.hub).await?;
    } else {
        single(out, global, &opened.hub).await?;
    }
    Ok(Done::Ok)
}

async fn grouped(out: &mut dyn Write, global: &Global, hub: &Hub) -> Result<(), Failure> {
    let groups = reject_groups(hub).await?;
    match global.output {
        Output::Json => screen::json(out, &groups)?,
        Output::Text if groups.is_empty() => writeln!(out, "Every row of the latest files could be used.")?,
        Output::Text => {
            for group in &groups {
                print_group(out, group)?;
            }
        }
    }
    Ok(())
}

pub(super) fn print_group(out: &mut dyn Write, group: &RejectGroup) -> Result<(), Failure> {
    let place = place(&group.first.file, group.first.row, group.first.column.as_deref());
    let RejectGroup { count, code, value_class, feed, help, .. } = group;
    let value = shown_class(code, value_class);
    writeln!(out, "{count}x {code} {value} in {feed}, first at {place}")?;
    Ok(writeln!(out, "   Mend: {help}")?)
}

async fn single(out: &mut dyn Write, global: &Global, hub: &Hub) -> Result<(), Failure> {
    let rejects = rejects(hub, LISTED).await?;
    match global.output {
        Output::Json => {
            let lines: Vec<_> = rejects
                .iter()
                .map(|reject| {
                    json!({
                        "feed": reject.feed,
                        "code": reject.code,
                        "value_class": reject.value_class,
                        "file": reject.place.file,
                        "row": reject.place.row,
                        "column": reject.place.column,
                        "help": reject.help,
                    })
                })
                .collect();
            screen::json(out, &lines)?;
        }
        Output::Text if rejects.is_empty() => writeln!(out, "Every row of the latest files could be used.")?,
        Output::Text => {
            let mut table = Table::new(["feed", "why", "value", "where", "mend"]);
            for reject in rejects {
                let place = place(&reject.place.file, reject.place.row, reject.place.column.as_deref());
                let value = shown_class(&reject.code, &reject.value_class);
                table.row(vec![reject.feed, reject.code, value, place, reject.help]);
            }
            table.print(out)?;
        }
    }
    Ok(())
}

fn place(file: &str, row: Option<u64>, column: Option<&str>) -> String {
    let row = row.map(|row| format!(" row {row}")).unwrap_or_default();
    let column = column.map(|column| format!(" column {column}")).unwrap_or_default();
    format!("{file}{row}{column}")
}
