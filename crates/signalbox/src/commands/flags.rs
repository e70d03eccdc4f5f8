//! `signalbox flags list` and `flags ack`.

use std::io::Write;

use anyhow::anyhow;
use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_event::data::Acknowledged;
use signalbox_hub::Hub;
use signalbox_hub::act;
use signalbox_risk::FlagState;
use signalbox_roles::up;
use signalbox_view::flags::{FlagLine, Found, Which, find, flag, flags, scopes};
use uuid::Uuid;

use super::open_hub;
use super::up as up_command;
use crate::cli::{Flags, FlagsAck, FlagsList, FlagsWhat, Global, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::screen::{self, Table};

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Flags) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    let now = Clock::new(global.now).frozen();
    match &args.what {
        FlagsWhat::List(args) => {
            let FlagsList { school, state, rule } = args;
            let which = Which { school: school.as_deref(), state: state.as_deref(), rule: rule.as_deref() };
            let lines = flags(&opened.hub, which).await?;
            if let (Some(school), true) = (&args.school, lines.is_empty()) {
                tell_of_school(&opened.hub, school).await?;
            }
            show(out, global, lines)?;
        }
        FlagsWhat::Ack(args) => {
            let flag_id = acknowledge(&opened.hub, args, now).await?;
            // The act counts at once; beside a running `up` that one folds it.
            let company = opened.company(&up_command::fingerprint(global)?)?;
            up::folded(&opened.hub, company.beside, now).await?;
            // To a person only the one that they have just taken on.
            let lines = match global.output {
                Output::Json => flags(&opened.hub, Which::default()).await?,
                Output::Text => flag(&opened.hub, flag_id).await?.into_iter().collect(),
            };
            show(out, global, lines)?;
        }
    }
    opened.close().await?;
    Ok(Done::Ok)
}

/// No flags at a school that nobody is enrolled at is no good news.
async fn tell_of_school(hub: &Hub, school: &str) -> Result<(), Failure> {
    let schools = scopes(hub).await?.schools;
    if schools.has(school) == Some(false) {
        let help = match schools.like(school) {
            Some(like) => format!("the rosters write \"{like}\""),
            None => "schools are named as rosters write them".to_owned(),
        };
        tracing::warn!("nobody is enrolled at a school \"{school}\"; {help}");
    }
    Ok(())
}

fn show(out: &mut dyn Write, global: &Global, lines: Vec<FlagLine>) -> Result<(), Failure> {
    match global.output {
        Output::Json => screen::json(out, &lines)?,
        Output::Text if lines.is_empty() => writeln!(out, "No flags.")?,
        Output::Text => {
            let mut table = Table::new([
                "flag",
                "student",
                "name",
                "school",
                "grade",
                "rule",
                "value",
                "state",
                "raised for",
                "as of",
                "taken on by",
            ]);
            for line in lines {
                table.row(vec![
                    line.flag_id.to_string(),
                    line.student_id.unwrap_or_default(),
                    line.name.unwrap_or_default(),
                    line.school.unwrap_or_default(),
                    line.grade.unwrap_or_default(),
                    line.rule,
                    line.value.unwrap_or_default(),
                    if line.unconfirmed { format!("{}, unconfirmed", line.state) } else { line.state },
                    line.since.to_string(),
                    line.as_of.to_string(),
                    line.acknowledged_by.unwrap_or_default(),
                ]);
            }
            table.print(out)?;
        }
    }
    Ok(())
}

/// The one flag that an id, its beginning, or an id of its student's names.
pub(super) async fn the_flag(hub: &Hub, id: &str) -> Result<Found, Failure> {
    let mut found = find(hub, id).await?;
    match found.len() {
        0 => Err(Failure::input(anyhow!("there is no flag \"{id}\""), "signalbox flags list shows them")),
        1 => Ok(found.remove(0)),
        _ => Err(several(hub, id, &found)),
    }
}

fn several(hub: &Hub, id: &str, found: &[Found]) -> Failure {
    let line = |one: &Found| {
        let (_, flag) = one.kept()?;
        let flag_id = signalbox_view::flags::id(hub, one.who, &one.rule, one.number);
        Some(Meant { flag_id, rule: one.rule.clone(), state: flag.state, since: flag.start })
    };
    let help = one_of(found.iter().filter_map(line).collect());
    Failure::input(anyhow!("{} flags are meant by \"{id}\"", found.len()), help)
}

/// A flag that may be meant.
struct Meant {
    flag_id: Uuid,
    rule: String,
    state: FlagState,
    since: Date,
}

/// The mend where several are meant: the flags to choose from, the open ones first.
fn one_of(mut meant: Vec<Meant>) -> String {
    meant.sort_by_key(|one| (one.state != FlagState::Open, one.since));
    let lines = meant.iter().map(|Meant { flag_id, rule, state, since }| {
        format!("\n   {flag_id}  {rule}, {}, raised for {since}", state.as_str())
    });
    format!("give the id of one:{}", lines.collect::<String>())
}

async fn acknowledge(hub: &Hub, args: &FlagsAck, now: Timestamp) -> Result<Uuid, Failure> {
    let found = the_flag(hub, &args.flag).await?;
    if found.kept().is_none_or(|(_, flag)| flag.state != FlagState::Open) {
        return Err(Failure::input(anyhow!("this flag is not open"), "only an open flag can be taken on"));
    }
    let flag_id = signalbox_view::flags::id(hub, found.who, &found.rule, found.number);
    let act = Acknowledged { flag_id, by: args.by.clone(), reason: args.reason.clone() };
    act::acknowledge(hub, found.who.school_year, found.who.student, act, now).await?;
    Ok(flag_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_flags_each_is_named_with_its_rule_and_state() {
        let meant = |id: u128, rule: &str, state, day| Meant {
            flag_id: Uuid::from_u128(id),
            rule: rule.to_owned(),
            state,
            since: jiff::civil::date(2026, 9, day),
        };
        let help = one_of(vec![
            meant(1, "behavior", FlagState::Cleared, 2),
            meant(2, "chronic-absence", FlagState::Open, 21),
            meant(3, "course-failure", FlagState::Open, 4),
        ]);
        let expected = "give the id of one:
   00000000-0000-0000-0000-000000000003  course-failure, open, raised for 2026-09-04
   00000000-0000-0000-0000-000000000002  chronic-absence, open, raised for 2026-09-21
   00000000-0000-0000-0000-000000000001  behavior, cleared, raised for 2026-09-02";
        assert_eq!(help, expected);
    }
}
