//! What a file of exceptions says.

use std::collections::{BTreeMap, BTreeSet};

use super::super::export::{Export, Line, Reads};
use super::doubt::Doubt;
use super::{ABSENT, Oracle, Outcome, PRESENT, Right, Span, UNKNOWN};

/// A file as it is read: what its rows say, and what may be missing.
struct Reading<'f> {
    said: BTreeMap<(usize, usize), Right>,
    /// By school: its latest row. None: nothing is said of the school.
    latest: BTreeMap<usize, Span>,
    doubt: Doubt,
    /// Whether doubt is certain to be new.
    certain: bool,
    /// Rows that the file before could not use either.
    lost_before: BTreeSet<(usize, usize)>,
    outcome: &'f Outcome,
}

/// One day of one student that no row speaks of.
struct Silent {
    student: usize,
    school: usize,
    day: usize,
    /// What was right before.
    before: Right,
    covered: Span,
    latest: Span,
}

impl Oracle {
    pub(super) fn read_attendance(&mut self, file: &Export, outcome: &Outcome, tonight: usize) {
        let reading = self.reading(file, outcome);
        for (&(student, day), right) in &reading.said {
            // What was said at the student's own school is another row than one at a school that nobody knows.
            let beside = if is_of_no_school(*right) { ABSENT | PRESENT | UNKNOWN } else { UNKNOWN };
            let rest = if reading.stands(student, self.schools[student], day) { beside } else { 0 };
            self.days[student][day] = *right | self.days[student][day] & rest;
        }
        for student in 0..self.days.len() {
            let school = self.schools[student];
            let Some(latest) = reading.latest.get(&school) else { continue };
            let covered = self.covered[school];
            for day in 1..=covered.high.max(latest.high).min(tonight) {
                if !reading.said.contains_key(&(student, day)) {
                    let before = self.days[student][day];
                    let silent = Silent { student, school, day, before, covered, latest: *latest };
                    self.days[student][day] = reading.silence(&silent);
                }
            }
        }
        for (school, latest) in &reading.latest {
            let covered = &mut self.covered[*school];
            *covered = Span { low: covered.low.max(latest.low), high: covered.high.max(latest.high) };
        }
        self.attendance_doubt = reading.doubt;
    }

    fn reading<'f>(&self, file: &Export, outcome: &'f Outcome) -> Reading<'f> {
        let mut doubt = Doubt::of(file, |student| self.is_known(student));
        let mut codes: BTreeMap<(usize, usize), BTreeSet<&str>> = BTreeMap::new();
        let (mut said, mut latest) = (BTreeMap::new(), BTreeMap::new());
        for line in &file.lines {
            let Some(student) = line.student else { continue };
            let is_found = self.is_known(student);
            note(&mut latest, line, is_found);
            // Rows of a student who is not found yet are used by themselves later.
            if let Some(right) = right(line) {
                said.insert((student, line.day), right);
                codes.entry((student, line.day)).or_default().insert(&line.cells[3]);
            }
        }
        for ((student, day), _) in codes.iter().filter(|(_, codes)| codes.len() > 1) {
            said.insert((*student, *day), UNKNOWN);
            doubt.disagree(*student, *day);
        }
        let certain = !doubt.is_old(&self.attendance_doubt);
        let lost_before = self.attendance_doubt.lost.clone();
        Reading { said, latest, doubt, certain, lost_before, outcome }
    }
}

/// What a row says of its day, if anything.
fn right(line: &Line) -> Option<Right> {
    let said = if line.is_absence() { ABSENT } else { PRESENT };
    match line.reads {
        Reads::Fully => Some(said),
        Reads::NotTheCode => Some(UNKNOWN),
        // It cannot be about another school; whether that helps is the hub's to say.
        Reads::NotTheSchool => Some(UNKNOWN | said),
        Reads::Not { .. } | Reads::OfAnother => None,
    }
}

/// Whether it is what a row says whose school cannot be used.
const fn is_of_no_school(right: Right) -> bool {
    right & UNKNOWN != 0 && right != UNKNOWN
}

/// Notes how far the row says that its school has been recorded.
fn note(latest: &mut BTreeMap<usize, Span>, line: &Line, is_found: bool) {
    let (low, high) = match line.reads {
        Reads::Fully | Reads::NotTheCode if is_found => (line.day, line.day),
        Reads::OfAnother => return,
        _ => (0, line.day),
    };
    let span = latest.entry(line.school).or_default();
    *span = Span { low: span.low.max(low), high: span.high.max(high) };
}

impl Reading<'_> {
    /// What is right for a day without a row.
    fn silence(&self, at: &Silent) -> Right {
        let for_the_first_time = self.first_covered(at);
        if at.day > at.covered.high {
            return for_the_first_time;
        }
        let covered_before = self.again_covered(at);
        if at.day > at.covered.low { for_the_first_time | covered_before } else { covered_before }
    }

    /// Nobody is away without a row, unless a row that could not be used may be his, or too many of the school are gone.
    fn first_covered(&self, at: &Silent) -> Right {
        if self.outcome.held_schools.contains(&at.school) {
            UNKNOWN
        } else if !self.doubt.covers(at.student, at.school, at.day) {
            PRESENT
        } else if self.is_lost(at) {
            UNKNOWN
        } else {
            PRESENT | UNKNOWN
        }
    }

    /// A row that is gone has ended, except on the school's latest day and later.
    fn again_covered(&self, at: &Silent) -> Right {
        let stands = if at.before & UNKNOWN != 0 { at.before | PRESENT } else { at.before };
        if at.day >= at.latest.high {
            return stands;
        }
        let ends = self.ends(at);
        if at.day >= at.latest.low { stands | ends | UNKNOWN } else { ends }
    }

    fn ends(&self, at: &Silent) -> Right {
        if at.before == PRESENT {
            return PRESENT;
        }
        let in_doubt = self.doubt.covers(at.student, at.school, at.day);
        let unknown = if in_doubt { UNKNOWN } else { 0 };
        if self.outcome.held_schools.contains(&at.school) {
            return at.before | unknown;
        }
        if in_doubt {
            return at.before | UNKNOWN | if self.is_lost(at) { 0 } else { PRESENT };
        }
        // Doubt of an earlier file may go on as long as any is left.
        let goes_on = self.doubt.is_any() || self.a_school_waits();
        let rest = if goes_on && at.before & UNKNOWN != 0 { at.before } else { 0 };
        PRESENT | rest
    }

    /// Whether what an earlier file said of the day beside this row, say at a school that nobody knows, may stand on.
    fn stands(&self, student: usize, school: usize, day: usize) -> bool {
        // The file may end within its last day.
        let is_late = self.latest.get(&school).is_none_or(|latest| day >= latest.low);
        is_late || self.a_school_waits() || self.doubt.covers(student, school, day)
    }

    /// An earlier row of no known school may be one of those that wait.
    fn a_school_waits(&self) -> bool {
        !self.outcome.held_schools.is_empty()
    }

    /// Whether the very row of this day could not be used, and that is certain to be new.
    fn is_lost(&self, at: &Silent) -> bool {
        let row = (at.student, at.day);
        self.certain && self.doubt.lost.contains(&row) && !self.lost_before.contains(&row)
    }
}
