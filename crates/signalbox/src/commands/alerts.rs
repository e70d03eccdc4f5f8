//! `signalbox alerts list`: who was told what, and what waits.

use std::io::Write;

use signalbox_runtime::view::flags::alerts;

use super::open_hub;
use crate::cli::{Global, Output};
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

pub(super) async fn run(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    let lines = alerts(&opened.hub).await?;
    match global.output {
        Output::Json => screen::json(out, &lines)?,
        Output::Text if lines.is_empty() => writeln!(out, "No alerts.")?,
        Output::Text => {
            let mut table = Table::new(["alert", "what", "student", "to", "state", "tries", "next try"]);
            for line in lines {
                table.row(vec![
                    line.alert_id.to_string(),
                    line.kind,
                    line.student_id.unwrap_or_default(),
                    line.to,
                    line.state.to_owned(),
                    line.attempts.to_string(),
                    line.next_try.unwrap_or_default(),
                ]);
            }
            table.print(out)?;
        }
    }
    Ok(Done::Ok)
}
