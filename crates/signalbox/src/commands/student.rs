//! `signalbox student ID`: one student.

use std::io::{self, Write};

use jiff::civil::Date;
use signalbox_connector::words::{counted, plural};
use signalbox_view::student::{EnrollmentLine, StudentView, student};

use super::{open_hub, the_student};
use crate::cli::{Global, Output, Student};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::screen;

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Student) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    let key = the_student(&opened.hub, &args.id).await?;
    let view = student(&opened.hub, key, Clock::new(global.now).frozen()).await?;
    match global.output {
        Output::Json => screen::json(out, &view)?,
        Output::Text => text(out, &view)?,
    }
    Ok(Done::Ok)
}

fn text(out: &mut dyn Write, view: &StudentView) -> io::Result<()> {
    let ids: Vec<String> = view.ids.iter().map(|id| format!("{} {}", id.kind, id.id)).collect();
    writeln!(out, "Student {} ({})", view.student_key, ids.join(", "))?;
    for one in &view.enrollments {
        let exit = one.exit.as_deref().unwrap_or("now");
        writeln!(
            out,
            "  school {}, {} to {exit}, grade {}",
            one.school,
            one.entry,
            one.grade.as_deref().unwrap_or("unknown")
        )?;
    }
    if view.answers.is_empty() {
        writeln!(out, "  no rule is for this student")?;
    }
    for answer in &view.answers {
        write!(out, "  {} {}: {}", answer.rule, answer.school_year, answer.text)?;
        // That a number is sound is no word about the student.
        match answer.status {
            "ok" => writeln!(out, ".")?,
            status => writeln!(out, ", {status}")?,
        }
        for missing in &answer.missing {
            writeln!(out, "    {missing}")?;
        }
        let is_there = |one: &EnrollmentLine| {
            one.school_year == answer.school_year && (one.exit.is_none() || one.exit > answer.as_of)
        };
        let stays = view.enrollments.iter().any(is_there);
        if let Some(days) = answer.days_left.filter(|days| *days > 0 && stays) {
            let more = plural(days.into(), "more absence");
            writeln!(out, "    With {more} it is chronic at the end of the school year, with fewer not.")?;
        }
        if answer.unknown_days > 0 {
            let unknown = counted(answer.unknown_days.into(), "day is", "days are");
            let dates = shown(&answer.unknown_dates);
            writeln!(
                out,
                "    {unknown} unknown, neither present nor absent: {dates}. A row of that day could not be used, or no file \
                 speaks for it."
            )?;
        }
        if answer.unused_rows > 0 {
            let rows = counted(answer.unused_rows.into(), "row counts", "rows count");
            writeln!(out, "    {rows} nowhere: not enrolled there, no school that day, or not covered.")?;
        }
        if let Some(as_of) = &answer.as_of {
            writeln!(out, "    Known through {as_of}.")?;
        }
    }
    for flag in &view.flags {
        let unconfirmed =
            if flag.unconfirmed { ", unconfirmed: it stands until what is unknown is known" } else { "" };
        let since = if flag.state == "open" { "since" } else { "now, raised for" };
        let (rule, id) = (&flag.rule, flag.flag_id);
        writeln!(out, "  flag {id} {rule} {} {since} {}{unconfirmed}", flag.state, flag.since)?;
    }
    Ok(())
}

/// The dates, of many the first ones.
fn shown(dates: &[Date]) -> String {
    const MOST: usize = 10;
    let first: Vec<String> = dates.iter().take(MOST).map(ToString::to_string).collect();
    match dates.len().checked_sub(MOST + 1) {
        None => first.join(", "),
        Some(more) => format!("{} and {} more", first.join(", "), more + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_student_of_whom_no_rule_is_says_so() {
        let view = StudentView {
            student_key: "00000000-0000-0000-0000-000000000001".parse().expect("a key"),
            name: None,
            ids: Vec::new(),
            enrollments: Vec::new(),
            answers: Vec::new(),
            flags: Vec::new(),
        };
        let mut out = Vec::new();
        text(&mut out, &view).expect("written");
        let said = String::from_utf8(out).expect("text");
        assert!(said.ends_with("\n  no rule is for this student\n"), "{said}");
    }
}
