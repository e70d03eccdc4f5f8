//! `enrollments.csv`: who is enrolled where, from when to when.

use std::borrow::Cow;
use std::ops::ControlFlow;

use signalbox_connector::delimited::{Column, DateFormat, Header, Row};
use signalbox_connector::draft::{LeftOut, or_left_out};
use signalbox_connector::event::rows::EnrollmentRow;
use signalbox_connector::jiff::Span;
use signalbox_connector::jiff::civil::{Date, date};
use signalbox_connector::{Claims, Draft, Refusal, Reject, RejectCode};

use super::Roster;
use super::known::Known;
use super::rows::{claimed, claiming, deleted, draft, is_student, status, unknown};
use crate::manifest::Manifest;
use crate::package::FileName;

pub(super) fn read(roster: &mut Roster<'_, '_, '_>) -> Result<ControlFlow<()>, Refusal> {
    let manifest = roster.manifest;
    roster.rows(FileName::Enrollments, Columns::new, Columns::claims, |known, columns, row| {
        columns.take(manifest, known, row)
    })
}

/// An enrolment counts in the year in which it is read, however long ago it began.
const LONG_AGO: Date = date(1900, 1, 1);

struct Columns {
    id: Column,
    state: Column,
    class: Column,
    school: Column,
    user: Column,
    role: Column,
    begin: Column,
    end: Column,
}

impl Columns {
    fn new(header: &Header) -> Result<Self, Refusal> {
        let [id, state, class, school, user, role, begin, end] = header.columns([
            "sourcedId",
            "status",
            "classSourcedId",
            "schoolSourcedId",
            "userSourcedId",
            "role",
            "beginDate",
            "endDate",
        ])?;
        Ok(Self { id, state, class, school, user, role, begin, end })
    }

    fn take<'r>(
        &self,
        manifest: &Manifest,
        known: &Known,
        row: &Row<'r>,
    ) -> Result<Option<Draft<'r>>, Reject> {
        if !is_student(row, self.role)? {
            return Ok(None);
        }
        let status = status(row, self.state)?;
        let (key, student, school) = (row.id(self.id)?, row.id(self.user)?, row.id(self.school)?);
        let claims = Claims { student: Some(student.into()), school: Some(school.into()), date: None };
        if status.is_active() {
            self.check(manifest, known, row)?;
        }
        let mut left_out = Vec::new();
        let (entry, exit) = match self.days(known, row, &mut left_out) {
            // The dates of what is taken back are no matter.
            Err(_) if !status.is_active() => (LONG_AGO, None),
            days => days?,
        };
        let enrollment = EnrollmentRow {
            key: Some(Cow::Borrowed(key)),
            school: Cow::default(),
            entry: entry.into(),
            exit: exit.map(Into::into),
            grade: known.grade(student).map(|grade| Cow::Owned(grade.to_owned())),
        };
        let left_out = claiming(left_out, &claims);
        let draft = draft(FileName::Enrollments, row, status, enrollment, left_out);
        Ok(Some(Draft { claims, ..draft }))
    }

    fn claims<'r>(&self, row: &Row<'r>) -> Claims<'r> {
        Claims { student: claimed(row, self.user), school: claimed(row, self.school), date: None }
    }

    /// Whether what the row points to is there. A file that holds only what changed cannot tell.
    fn check(&self, manifest: &Manifest, known: &Known, row: &Row<'_>) -> Result<(), Reject> {
        let (student, school, class) = (row.id(self.user)?, row.id(self.school)?, row.id(self.class)?);
        let points = |file, column, id, is_there: bool, what| match is_there || !manifest.is_whole(file) {
            true => Ok(()),
            false if known.is_deleted(file, id) => Err(deleted(row, column, id, file)),
            false => Err(unknown(row, column, id, what)),
        };
        let (has_student, has_school) = (known.has_student(student), known.schools.contains(school));
        let has_class = known.classes.contains_key(class);
        points(FileName::Users, self.user, student, has_student, "a user who is no student in users.csv")?;
        let no_school = "an organisation that is no school in orgs.csv";
        points(FileName::Orgs, self.school, school, has_school, no_school)?;
        points(FileName::Classes, self.class, class, has_class, "a class that classes.csv does not have")
    }

    /// First and last day. A blank date is that of the class's terms; without them a student is enrolled until told
    /// otherwise, but not without a first day. `endDate`, own or a term's, is the first day out. Of one that cannot be
    /// read nothing is known.
    fn days(
        &self,
        known: &Known,
        row: &Row<'_>,
        left_out: &mut Vec<LeftOut>,
    ) -> Result<(Date, Option<Date>), Reject> {
        let begin = row.optional_date(Some(self.begin), &DateFormat::ISO)?;
        let end = or_left_out(
            row.optional_date(Some(self.end), &DateFormat::ISO),
            Some(EnrollmentRow::EXIT),
            left_out,
        );
        let class = row.text(self.class)?;
        let terms = known.classes.get(class).copied().flatten();
        let end = if left_out.is_empty() { end.or(terms.map(|(_, end)| end)) } else { end };
        let Some(entry) = begin.or(terms.map(|(first, _)| first)) else {
            let what = "a class without terms that are known, and the enrolment has no beginDate of its own";
            return Err(unknown(row, self.class, class, what));
        };
        match end {
            Some(end) if end < entry => Err(self.ends_before_it_begins(row)?),
            _ => Ok((entry, end.map(day_before))),
        }
    }

    #[cold]
    fn ends_before_it_begins(&self, row: &Row<'_>) -> Result<Reject, Reject> {
        let help =
            "It ends before it begins: mend \"beginDate\" or \"endDate\" in the source, or the class's terms";
        Ok(row.reject(self.end, RejectCode::InvalidRange, row.text(self.end)?, help.to_owned()))
    }
}

fn day_before(date: Date) -> Date {
    date.saturating_sub(Span::new().days(1))
}
