//! One student: ids, enrolments, answers, flags.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use signalbox_event::StudentKey;
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::{Hub, HubError};
use signalbox_ingest::identity::is_the_hubs_own;
use signalbox_risk::{
    Answer, Enrollment, Fits, Flag, Judgement, Judging, Missing, Registers, Rule, school_days_after,
    unused_rows,
};
use signalbox_scoring::ScoredShard;
use signalbox_scoring::cards::{enrollment, lines};
use signalbox_scoring::coverage;
use signalbox_scoring::law::Law;
use signalbox_scoring::student::{StudentState, StudentYear};
use signalbox_store::feed::Named;

use super::flags::{FlagLine, Found};
use super::{shard_of, shard_state, states_of};

/// `signalbox student ID`
#[derive(Debug, Serialize)]
pub struct StudentView {
    pub student_key: StudentKey,
    /// As the roster has it: family name, given name.
    pub name: Option<String>,
    pub ids: Vec<IdLine>,
    pub enrollments: Vec<EnrollmentLine>,
    pub answers: Vec<AnswerLine>,
    pub flags: Vec<FlagLine>,
}

#[derive(Debug, Serialize)]
pub struct IdLine {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: String,
}

#[derive(Debug, Serialize)]
pub struct EnrollmentLine {
    pub feed: String,
    pub school: String,
    pub school_year: u16,
    pub entry: String,
    pub exit: Option<String>,
    pub grade: Option<String>,
}

/// The answer of one rule for one school year.
#[derive(Debug, Serialize)]
pub struct AnswerLine {
    pub rule: &'static str,
    pub indicator: &'static str,
    /// What people work on because of it: `attendance`, `course`, `behavior`.
    pub domain: &'static str,
    pub school_year: u16,
    pub status: &'static str,
    /// What was measured: absent days over school days (`2/20`), failed grades over known ones, a number of incidents;
    /// `None` when nothing is known.
    pub value: Option<String>,
    /// The same in words.
    #[serde(skip)]
    pub text: String,
    /// Of how many that are known: school days, grades, incidents.
    pub n: u32,
    /// How many nobody knows of.
    pub unknown: u32,
    pub unknown_days: u32,
    /// Which: a row of that day could not be used, or no file speaks for it.
    pub unknown_dates: Vec<Date>,
    pub as_of: Option<String>,
    /// What the answer lacks, in plain words.
    pub missing: Vec<String>,
    /// How many more absences would make it chronic; 0 when it is.
    pub days_left: Option<u32>,
    pub source: Vec<String>,
    /// Rows of attendance that count nowhere: not enrolled there, no school that day, outside coverage.
    pub unused_rows: u32,
}

/// Looks at one student.
pub async fn student(hub: &Hub, key: StudentKey, now: Timestamp) -> Result<StudentView, HubError> {
    let ids = hub.feeds.ids_of(Named::Student, &key.to_string()).await?;
    let mut view = StudentView {
        student_key: key,
        name: None,
        ids: ids
            .into_iter()
            .filter(|row| !is_the_hubs_own(&row.id_type))
            .map(|row| IdLine { kind: row.id_type, id: row.id })
            .collect(),
        enrollments: Vec::new(),
        answers: Vec::new(),
        flags: Vec::new(),
    };
    let states = states_of(hub, key).await?;
    let judge = Judge::load(hub, key, now).await?;
    let mut is_answered = false;
    for (who, state) in &states {
        let heard = judge.hear(state);
        view.enrollments.extend(enrollments(hub, *who, &heard));
        // Of a year without the student, such as one that was mistyped, there is nothing to answer.
        let was_here = heard.live_enrollments().next().is_some() || !state.rules.is_empty();
        if was_here || who.school_year == judge.running_year {
            view.answers.extend(judge.answers(*who, state));
            is_answered = true;
        }
        view.flags.extend(lines(&judge.shard, &hub.settings, (*who, state), judge.as_of));
        view.name = state.name(|feed| judge.shard.authority(&hub.settings, feed)).or(view.name);
    }
    if !is_answered {
        let who = StudentYear { school_year: judge.running_year, student: key };
        view.answers.extend(judge.answers(who, &StudentState::default()));
    }
    Ok(view)
}

/// Evaluates a student as the consumer would.
pub(crate) struct Judge<'a> {
    hub: &'a Hub,
    reference: signalbox_risk::Reference,
    shard: ScoredShard,
    law: Law,
    as_of: Date,
    running_year: u16,
}

impl<'a> Judge<'a> {
    pub(crate) async fn load(hub: &'a Hub, key: StudentKey, now: Timestamp) -> Result<Self, HubError> {
        let mut calendars = ReferenceView::default();
        calendars.refresh(hub).await?;
        let shard = shard_state(hub, shard_of(hub, key)).await?;
        let as_of = shard.day(hub.settings.district.local_date(now));
        let running_year =
            calendars.running_year(as_of).unwrap_or_else(|| hub.settings.calendars.school_year(as_of));
        let law = Law::of(&shard, &hub.settings);
        let reference = coverage::reference(&shard, &law.in_force, &calendars);
        Ok(Self { hub, reference, shard, law, as_of, running_year })
    }

    /// What counts of what is known of a student.
    fn hear(&self, state: &StudentState) -> Registers {
        self.law.hear(&self.shard, &state.registers).registers.into_owned()
    }

    /// By a rule, as things stand now.
    pub(crate) fn judge(&self, who: StudentYear, state: &StudentState, rule: &Rule) -> Judgement {
        rule.judge(&self.judging(who, &self.hear(state)))
    }

    fn judging<'r>(&'r self, who: StudentYear, registers: &'r Registers) -> Judging<'r> {
        Judging { registers, reference: &self.reference, school_year: who.school_year, as_of: self.as_of }
    }

    /// Where a flag says that its student is.
    pub(crate) fn enrollment_of<'s>(&self, state: &'s StudentState, flag: &Flag) -> Option<Enrollment<'s>> {
        enrollment(&self.shard, &self.hub.settings, state, flag, self.as_of)
    }

    /// School days that the student's school year still has after `date`.
    pub(crate) fn school_days_after(&self, found: &Found, date: Date) -> u32 {
        let heard = self.hear(&found.state);
        school_days_after(&heard, &self.reference, found.who.school_year, date)
    }

    /// Of a flag that is unconfirmed, what is to be known before it is certain that it goes on, by the rules in force: days,
    /// and everything in sentences without their stop.
    pub(crate) fn open_questions(&self, found: &Found, flag: &Flag) -> (Vec<Date>, Vec<String>) {
        let heard = self.law.hear(&self.shard, &found.state.registers);
        let on = self.judging(found.who, &heard.registers);
        match self.law.fitting(&found.rule, &on) {
            _ if heard.is_undecided => (Vec::new(), vec![Missing::Enrollment.to_string()]),
            Fits::Rule(rule) => {
                let judgement = rule.judge(&on);
                (judgement.answer().unknown_dates, judgement.open_questions(flag))
            }
            Fits::Unknown => (Vec::new(), vec![hides_whether_it_fits(&on).to_string()]),
            Fits::No => (Vec::new(), Vec::new()),
        }
    }

    /// One of each rule that is the student's.
    fn answers(&self, who: StudentYear, state: &StudentState) -> Vec<AnswerLine> {
        let heard = self.hear(state);
        let on = self.judging(who, &heard);
        let answer = |name| match self.law.fitting(name, &on) {
            Fits::Rule(rule) => Some(self.answer(who, rule, &rule.judge(&on).answer(), &heard)),
            Fits::Unknown => {
                let rule = self.law.in_force.rules.iter().find(|rule| rule.name() == name)?;
                Some(self.answer(who, rule, &Answer::lacking(hides_whether_it_fits(&on)), &heard))
            }
            Fits::No => None,
        };
        self.law.names(&[]).filter_map(answer).collect()
    }

    fn answer(&self, who: StudentYear, rule: &Rule, answer: &Answer, heard: &Registers) -> AnswerLine {
        let unused_rows = match rule.domain() {
            "attendance" => unused_rows(heard, &self.reference, who.school_year, self.as_of),
            _ => 0,
        };
        AnswerLine {
            rule: rule.name(),
            indicator: rule.name(),
            domain: rule.domain(),
            school_year: who.school_year,
            status: answer.status.as_str(),
            value: answer.value.clone(),
            text: answer.text.clone(),
            n: answer.n,
            unknown: answer.unknown,
            unknown_days: answer.unknown_dates.len() as u32,
            unknown_dates: answer.unknown_dates.clone(),
            as_of: answer.as_of.map(|date| date.to_string()),
            missing: answer.missing.iter().map(ToString::to_string).collect(),
            days_left: answer.days_left,
            source: answer.feeds.iter().map(|feed| self.hub.settings.names.called(feed).to_owned()).collect(),
            unused_rows,
        }
    }
}

fn enrollments(hub: &Hub, who: StudentYear, heard: &Registers) -> Vec<EnrollmentLine> {
    heard
        .live_enrollments()
        .map(|live| EnrollmentLine {
            feed: hub.settings.names.called(live.feed).to_owned(),
            school: live.enrollment.school.to_owned(),
            school_year: who.school_year,
            entry: live.enrollment.entry.to_string(),
            exit: live.enrollment.exit.map(|date| date.to_string()),
            grade: live.enrollment.grade.map(str::to_owned),
        })
        .collect()
}

/// Why it is not known whether a rule is one for the student.
fn hides_whether_it_fits(on: &Judging<'_>) -> Missing {
    if on.enrollment().is_some() { Missing::GradeLevel } else { Missing::Enrollment }
}
