//! `signalbox unmatched list`: rows whose student is not found, id by id.

use std::io::Write;

use signalbox_connector::words::plural;
use signalbox_ingest::unmatched::{UnmatchedLine, unmatched};

use super::open_hub;
use crate::cli::{Global, Output, Unmatched, UnmatchedWhat};
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Unmatched) -> Result<Done, Failure> {
    let UnmatchedWhat::List = args.what;
    let opened = open_hub(global).await?;
    let lines = unmatched(&opened.hub).await?;
    match global.output {
        Output::Json => screen::json(out, &lines)?,
        Output::Text if lines.is_empty() => {
            writeln!(out, "No row of a file that was used waits for its student.")?;
        }
        Output::Text => print(out, &lines)?,
    }
    opened.close().await?;
    Ok(Done::Ok)
}

fn print(out: &mut dyn Write, lines: &[UnmatchedLine]) -> Result<(), Failure> {
    let mut table = Table::new(["feed", "id", "rows", "first at", "what to do"]);
    for line in lines {
        let hint = line
            .hint
            .as_deref()
            .unwrap_or("add the student to the roster; the rows are used by themselves then");
        table.row(vec![
            line.feed.clone(),
            line.id.clone(),
            line.rows.to_string(),
            format!("{} row {}", line.first.file, line.first.row),
            hint.to_owned(),
        ]);
    }
    table.print(out)?;
    let rows: u64 = lines.iter().map(|line| line.rows).sum();
    let (rows, students) = (plural(rows, "row"), plural(lines.len() as u64, "student"));
    writeln!(out, "{rows} of {students} not found.")?;
    Ok(())
}
