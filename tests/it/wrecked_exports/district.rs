//! What is true: who goes where, who was away when, and what the office corrects.

use std::collections::BTreeMap;

use super::dice::Dice;

/// The school day on which the hub is first fed, and the last one.
pub(super) const FIRST_NIGHT: usize = 11;
pub(super) const LAST_NIGHT: usize = 50;

pub(super) const SCHOOLS: [&str; 3] = ["100", "200", "300"];
const SIZES: [usize; 3] = [150, 110, 40];
/// Further students, who come in the middle of the year.
const JOINERS: usize = 8;

#[derive(Debug, Clone)]
pub(super) struct Student {
    /// As every good export writes it: it begins with a zero.
    pub(super) id: String,
    /// A place in [`SCHOOLS`].
    pub(super) school: usize,
    /// The first school day.
    pub(super) entry: usize,
    /// The last one.
    pub(super) exit: Option<usize>,
    /// Percent of days away.
    away: usize,
}

/// The district as its office knows it after a night.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub(super) students: Vec<Student>,
    /// Student and day, with the code of its row. Whoever has none was present.
    pub(super) codes: BTreeMap<(usize, usize), char>,
    /// The last school day that was recorded.
    pub(super) through: usize,
}

impl Truth {
    /// Before the hub is first fed.
    pub(super) fn new(dice: &mut Dice) -> Self {
        let mut students = Vec::new();
        for (school, size) in SIZES.into_iter().enumerate() {
            for n in 0..size {
                students.push(student(school, n, 1, dice));
            }
        }
        let mut truth = Self { students, codes: BTreeMap::new(), through: 0 };
        (1..FIRST_NIGHT).for_each(|_| truth.record(dice));
        truth
    }

    /// Another school day: somebody comes or leaves, some are away, the office corrects.
    pub(super) fn night(&mut self, dice: &mut Dice) {
        if self.students.len() < SIZES.iter().sum::<usize>() + JOINERS && dice.percent(25) {
            let school = dice.below(SCHOOLS.len());
            let n = 900 + self.students.len() - SIZES.iter().sum::<usize>();
            self.students.push(student(school, n, self.through + 1, dice));
        }
        if dice.percent(20) {
            let leaver = dice.below(self.students.len());
            let through = self.through;
            let student = &mut self.students[leaver];
            if student.exit.is_none() && student.entry < through {
                student.exit = Some(through);
            }
        }
        self.record(dice);
        (0..dice.below(5)).for_each(|_| self.correct(dice));
    }

    fn record(&mut self, dice: &mut Dice) {
        self.through += 1;
        for (at, student) in self.students.iter().enumerate() {
            if student.is_enrolled(self.through) && dice.percent(student.away) {
                self.codes.insert((at, self.through), *dice.pick(&['A', 'E', 'H']));
            }
        }
        // Somebody is always late: a school's latest row is of the day itself.
        for school in 0..SCHOOLS.len() {
            for _ in 0..2 + dice.below(3) {
                let here = |student: &Student| student.school == school && student.is_enrolled(self.through);
                let all: Vec<usize> =
                    (0..self.students.len()).filter(|at| here(&self.students[*at])).collect();
                self.codes.entry((*dice.pick(&all), self.through)).or_insert('T');
            }
        }
    }

    /// A row of an earlier day goes, comes or has another code.
    fn correct(&mut self, dice: &mut Dice) {
        let earlier: Vec<(usize, usize)> =
            self.codes.keys().copied().filter(|(_, day)| *day < self.through).collect();
        let key = *dice.pick(&earlier);
        match dice.below(4) {
            0 | 1 => drop(self.codes.remove(&key)),
            2 => drop(self.codes.insert(key, *dice.pick(&['A', 'T', 'E']))),
            _ => {
                let late = (dice.below(self.students.len()), 1 + dice.below(self.through - 1));
                if self.students[late.0].is_enrolled(late.1) {
                    self.codes.insert(late, 'A');
                }
            }
        }
    }

    pub(super) fn is_absent(&self, student: usize, day: usize) -> bool {
        self.codes.get(&(student, day)).is_some_and(|code| is_absence(*code))
    }
}

impl Student {
    pub(super) fn is_enrolled(&self, day: usize) -> bool {
        self.entry <= day && self.exit.is_none_or(|exit| day <= exit)
    }
}

pub(super) fn is_absence(code: char) -> bool {
    matches!(code, 'A' | 'E' | 'H')
}

/// Most are rarely away; enough come near the line from both sides.
fn student(school: usize, n: usize, entry: usize, dice: &mut Dice) -> Student {
    let away = *dice.pick(&[1, 1, 1, 2, 2, 2, 3, 9, 10, 13]);
    Student { id: format!("0{}{n:03}", school + 1), school, entry, exit: None, away }
}
