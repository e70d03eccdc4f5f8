//! A flag as lists show it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_consume::folder::Who;
use signalbox_event::StudentKey;
use signalbox_event::id::flag_id;
use signalbox_hub::Settings;
use signalbox_risk::{Enrollment, Flag, FlagState};
use signalbox_store::card::Card;
use uuid::Uuid;

use super::ScoredShard;
use super::student::{RuleState, StudentState, StudentYear};

/// The kind of these cards.
pub const FLAG: &str = "flag";

/// A line of `signalbox flags list`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagLine {
    pub flag_id: Uuid,
    pub student_key: StudentKey,
    pub student_id: Option<String>,
    /// As the roster has it: family name, given name.
    pub name: Option<String>,
    pub rule: String,
    /// What people work on because of it: `attendance`, `course`, `behavior`.
    pub domain: String,
    /// Of the enrolment that holds today, while the flag is live; later, of the one that held on `as_of`.
    pub school: Option<String>,
    pub grade: Option<String>,
    /// What was measured; of several reasons the first.
    pub value: Option<String>,
    pub state: String,
    /// Whether it goes on depends on days that are unknown: it stands as it was told.
    pub unconfirmed: bool,
    /// The day on which the line was reached.
    pub since: Date,
    /// The last covered day that was used.
    pub as_of: Date,
    pub acknowledged_by: Option<String>,
}

/// The lines of one student in one school year, as of `today`.
pub fn lines(
    shard: &ScoredShard,
    settings: &Settings,
    (who, state): (StudentYear, &StudentState),
    today: Date,
) -> Vec<FlagLine> {
    let of_rule = |kept: &RuleState| {
        let flags = kept.announced.flags().iter();
        flags.map(|flag| line(shard, settings, (who, state), (kept, flag), today)).collect::<Vec<_>>()
    };
    state.rules.iter().flat_map(of_rule).collect()
}

fn line(
    shard: &ScoredShard,
    settings: &Settings,
    (who, state): (StudentYear, &StudentState),
    (kept, flag): (&RuleState, &Flag),
    today: Date,
) -> FlagLine {
    let enrollment = enrollment(shard, settings, state, flag, today);
    let rule = kept.basis(flag.number).map(|basis| &basis.rule);
    let reasons = rule.map(|rule| rule.settings.reasons(flag)).unwrap_or_default();
    FlagLine {
        flag_id: flag_id(&settings.district.id, who.student, who.school_year, &kept.rule, flag.number),
        student_key: who.student,
        student_id: state.profile.as_ref().map(|profile| profile.id.clone()),
        name: state.name(|feed| shard.authority(settings, feed)),
        rule: kept.rule.clone(),
        domain: flag.measured.domain().to_owned(),
        school: enrollment.map(|enrollment| enrollment.school.to_owned()),
        grade: enrollment.and_then(|enrollment| enrollment.grade.map(str::to_owned)),
        value: reasons.into_iter().next().map(|reason| reason.value),
        state: flag.state.as_str().to_owned(),
        unconfirmed: flag.unconfirmed,
        since: flag.start,
        as_of: flag.until,
        acknowledged_by: flag.acknowledgement.as_ref().map(|act| act.by.clone()),
    }
}

/// Where a flag says that its student is: of what is live, today; of the rest, on the last day that it used.
pub fn enrollment<'a>(
    shard: &ScoredShard,
    settings: &Settings,
    state: &'a StudentState,
    flag: &Flag,
    today: Date,
) -> Option<Enrollment<'a>> {
    let on = if flag.state.is_live() { today } else { flag.until };
    state.registers.enrollment_on(on, |feed| shard.authority(settings, feed))
}

/// The cards of a student's flags, as of the day on which the shard was judged last.
pub(super) fn cards(
    shard: &ScoredShard,
    settings: &Settings,
    who: StudentYear,
    state: &StudentState,
) -> Vec<Card> {
    let Some(today) = shard.as_of.filter(|_| !state.rules.is_empty()) else { return Vec::new() };
    lines(shard, settings, (who, state), today).into_iter().map(|line| card(who, line)).collect()
}

/// Open flags are listed first, then by student, then by when.
fn card(who: StudentYear, line: FlagLine) -> Card {
    let rank = u8::from(line.state != FlagState::Open.as_str());
    Card {
        kind: FLAG.to_owned(),
        id: line.flag_id,
        subject: who.subject(),
        sort: format!("{rank} {} {}", line.student_id.as_deref().unwrap_or_default(), line.since),
        body: serde_json::to_string(&line).expect("plain data always serialises"),
        state: line.state,
        about: line.rule,
        school: line.school,
    }
}
