//! What a feed's files speak for: what belongs together there, and what an entity has no place for.

use signalbox_connector::event::data::RowsMean;
use signalbox_connector::event::rows::Holds;
use signalbox_connector::serde_json::{Value, json};
use signalbox_connector::{AbsentRows, CoveredThrough, Covers, Entity, Extent};

use super::{Config, Missing, Span, Through};

pub(super) fn extent(config: &Config) -> Result<Extent, String> {
    let covers = config.covers.ok_or(
        "covers is missing and has no default: school_year, {school_days: N} or own_rows says what a file speaks for",
    )?;
    let absent_rows = config.absent_rows.ok_or(
        "absent_rows is missing and has no default: end or keep says what a row means that is no longer there",
    )?;
    let entity = config.entity.0;
    check_covers(entity, covers)?;
    check_absent_rows(entity, covers, absent_rows)?;
    check_rows(entity, config.rows)?;
    if entity != Entity::Attendance && config.covered_through.is_some() {
        return Err(format!("covered_through has no place in a {entity} feed: it is about school days"));
    }
    Ok(Extent {
        entity,
        covers: covers.into(),
        absent_rows: absent_rows.into(),
        rows: config.rows,
        covered_through: config.covered_through.unwrap_or_default().into(),
    })
}

fn check_covers(entity: Entity, covers: Span) -> Result<(), String> {
    let mend = if has_days(entity) { "write school_year or {school_days: N}" } else { "write school_year" };
    match covers {
        Span::OwnRows if !is_of_happenings(entity) => {
            let happenings = Entity::mapped().filter(|one| is_of_happenings(*one)).map(Entity::as_str);
            let happenings = happenings.collect::<Vec<_>>().join(", ");
            Err(format!(
                "covers takes no own_rows in a {entity} feed: that is for what happens on a day of its own ({happenings}); {mend}"
            ))
        }
        Span::SchoolDays(_) if !has_days(entity) => Err(format!(
            "covers takes no {{school_days: N}} in a {entity} feed: its rows have no day to count back from; {mend}"
        )),
        _ => Ok(()),
    }
}

fn check_absent_rows(entity: Entity, covers: Span, absent_rows: Missing) -> Result<(), String> {
    if covers == Span::OwnRows && absent_rows != Missing::Keep {
        return Err(
            "absent_rows is keep where covers is own_rows: a stream of happenings ends nothing".to_owned()
        );
    }
    if entity != Entity::Enrollment && absent_rows == Missing::Erase {
        return Err(
            "absent_rows is end or keep here: erase is for enrolments, and a row that ends is taken back"
                .to_owned(),
        );
    }
    Ok(())
}

fn check_rows(entity: Entity, rows: Option<RowsMean>) -> Result<(), String> {
    match (entity, rows) {
        (Entity::Attendance, None) => {
            Err("rows is missing and has no default: exceptions (no row means present), or every_day"
                .to_owned())
        }
        (Entity::Attendance, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err(format!("rows has no place in a {entity} feed: it is about school days")),
    }
}

/// Whether its rows have a day that school days can be counted back from.
fn has_days(entity: Entity) -> bool {
    entity == Entity::Enrollment || has_a_day(entity)
}

/// Whether its rows happen one by one, where those of attendance speak of every day.
fn is_of_happenings(entity: Entity) -> bool {
    entity != Entity::Attendance && has_a_day(entity)
}

fn has_a_day(entity: Entity) -> bool {
    entity.columns().iter().any(|column| column.holds == Holds::Day)
}

impl From<Span> for Covers {
    fn from(span: Span) -> Self {
        match span {
            Span::SchoolYear => Self::SchoolYear,
            Span::SchoolDays(days) => Self::SchoolDays(days.get()),
            Span::OwnRows => Self::OwnRows,
        }
    }
}

impl From<Missing> for AbsentRows {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::End => Self::End,
            Missing::Erase => Self::Erase,
            Missing::Keep => Self::Keep,
        }
    }
}

impl From<Through> for CoveredThrough {
    fn from(through: Through) -> Self {
        match through {
            Through::LatestRow => Self::LatestRow,
            Through::RunDay => Self::RunDay,
            Through::DayBeforeRun => Self::DayBeforeRun,
        }
    }
}

/// All of it as canonical JSON, by key.
pub(super) fn mapping(extent: &Extent) -> [(&'static str, Value); 5] {
    [
        ("entity", json!(extent.entity.as_str())),
        ("rows", json!(extent.rows.map(rows_word))),
        ("covers", covers_word(extent.covers)),
        ("absent_rows", json!(absent_word(extent.absent_rows))),
        ("covered_through", json!(through_word(extent.covered_through))),
    ]
}

fn rows_word(rows: RowsMean) -> &'static str {
    match rows {
        RowsMean::Exceptions => "exceptions",
        RowsMean::EveryDay => "every_day",
    }
}

fn covers_word(covers: Covers) -> Value {
    match covers {
        Covers::SchoolYear => json!("school_year"),
        Covers::SchoolDays(days) => json!(days),
        Covers::OwnRows => json!("own_rows"),
    }
}

fn absent_word(absent: AbsentRows) -> &'static str {
    match absent {
        AbsentRows::End => "end",
        AbsentRows::Erase => "erase",
        AbsentRows::Keep => "keep",
    }
}

fn through_word(through: CoveredThrough) -> &'static str {
    match through {
        CoveredThrough::LatestRow => "latest_row",
        CoveredThrough::RunDay => "run_day",
        CoveredThrough::DayBeforeRun => "day_before_run",
    }
}
