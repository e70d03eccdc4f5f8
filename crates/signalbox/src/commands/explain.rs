//! `signalbox explain FLAG`: why it stands, and what it rests on.

use std::io::{self, Write};

use anyhow::anyhow;
use signalbox_connector::words::plural;
use signalbox_view::explain::{Explanation, explain};

use super::flags::the_flag;
use super::open_hub;
use crate::cli::{Explain, Global, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::screen;

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Explain) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    let found = the_flag(&opened.hub, &args.flag).await?;
    let now = Clock::new(global.now).frozen();
    let explanation = explain(&opened.hub, &found, args.verify, now).await?;
    let explanation = explanation.ok_or_else(|| {
        Failure::input(anyhow!("there is no flag \"{}\"", args.flag), "signalbox flags list shows them")
    })?;
    match global.output {
        Output::Json => screen::json(out, &explanation)?,
        Output::Text => text(out, &explanation)?,
    }
    Ok(Done::Ok)
}

/// Why it is not certain that the flag goes on.
fn unknown(out: &mut dyn Write, why: &Explanation) -> io::Result<()> {
    if !why.unconfirmed {
        return Ok(());
    }
    for one in &why.unknown {
        writeln!(out, "Unknown    {one}.")?;
    }
    writeln!(out, "           It stands as of {} and comes or goes when that is known.", why.told_as_of)
}

fn text(out: &mut dyn Write, why: &Explanation) -> io::Result<()> {
    let student = &why.student;
    writeln!(
        out,
        "Student {}, school {}, grade {}: {}, {}{}",
        student.id,
        student.school.as_deref().unwrap_or("unknown"),
        student.grade.as_deref().unwrap_or("unknown"),
        why.rule.replace('-', " "),
        why.state,
        if why.unconfirmed { ", unconfirmed while something is unknown" } else { "" }
    )?;
    for reason in &why.reasons {
        writeln!(out, "Why        {}", reason.text)?;
        match &reason.dates {
            Some(dates) => {
                let dates: Vec<String> = dates.iter().map(ToString::to_string).collect();
                writeln!(out, "Days       {}", dates.join(", "))?;
            }
            None => {
                for one in &reason.evidence {
                    let what = one.reference.as_deref().unwrap_or_default();
                    writeln!(out, "           {}  {what}: {}", one.date, one.what)?;
                }
            }
        }
    }
    unknown(out, why)?;
    if let Some(clears_when) = &why.clears_when {
        writeln!(out, "Next       {clears_when}")?;
    }
    for one in &why.together {
        writeln!(out, "Also       {} since {}: {}", one.rule.replace('-', " "), one.since, one.text)?;
    }
    for entry in &why.history {
        writeln!(out, "{}  {}: {}", entry.at, entry.kind, entry.text)?;
    }
    writeln!(
        out,
        "Rests on   {}, as of {}, rules {}, {}",
        plural(why.certificate.events.len() as u64, "event"),
        why.certificate.as_of,
        why.certificate.policy_hash,
        why.certificate.reference_version
    )?;
    match why.verified {
        None => Ok(()),
        Some(true) => writeln!(out, "Computed again from the log: the same."),
        Some(false) => writeln!(out, "Computed again from the log: NOT the same. Do not rely on this flag."),
    }
}
