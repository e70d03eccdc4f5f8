//! The ways to wreck a night's file, and what the hub must do with it.

mod whole;

use super::damage::{OF_ATTENDANCE, OF_ROSTER, counts_nowhere, spoil_attendance, spoil_enrollment};
use super::dice::Dice;
use super::export::{Export, Line, Reads};

/// A student and a school day (0 in a roster).
pub(super) type Key = (Option<usize>, usize);

/// Whether the file may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Must {
    Use,
    NotUse,
    /// It waits, or the ends of a school do.
    Wait,
    Either,
}

#[derive(Debug, Clone)]
pub(super) struct Wrecked {
    pub(super) export: Export,
    pub(super) must: Must,
    /// In words, for whoever looks at a failure.
    pub(super) how: Vec<String>,
    /// Which rows were spoilt, to spoil them again.
    pub(super) rows: Vec<(Key, &'static str)>,
}

/// What the district is like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// The roster is a OneRoster package, which also knows the ids `u-…` and `s-…`.
    pub(super) oneroster: bool,
}

/// Rows more than this part of a hundred, and more than so many, are far beyond the guard's lines.
const FAR_BEYOND: (usize, usize) = (25, 15);

/// The file as it should be.
pub(super) fn good(export: Export) -> Wrecked {
    Wrecked { export, must: Must::Use, how: Vec::new(), rows: Vec::new() }
}

/// Wrecks a file; `earlier` are the good ones of the nights before, `again` the rows to spoil once more.
pub(super) fn wreck(
    dice: &mut Dice,
    good_file: Export,
    earlier: &[Export],
    again: &[(Key, &'static str)],
    kind: Kind,
) -> Wrecked {
    let mut wrecked = good(good_file);
    if kind.oneroster && !wrecked.export.is_attendance() {
        wrecked.package_step(dice, earlier);
        return wrecked;
    }
    let (rows, steps) = *dice.pick(&[(true, 0), (true, 0), (true, 1), (false, 1), (false, 1), (false, 2)]);
    if !again.is_empty() {
        wrecked.spoil(again.to_vec());
    } else if rows {
        let chosen = wrecked.choose(dice);
        wrecked.spoil(chosen);
    }
    (0..steps).for_each(|_| wrecked.step(dice, earlier, kind));
    wrecked.export.tell_what_stands_in_its_place();
    wrecked.judge();
    if earlier.is_empty() && wrecked.must == Must::Wait {
        // Nothing was there that could be missing.
        wrecked.must = Must::Either;
    }
    wrecked
}

impl Wrecked {
    pub(super) fn is_good(&self) -> bool {
        self.how.is_empty()
    }

    /// Rows to spoil: one kind, few or many of them.
    fn choose(&self, dice: &mut Dice) -> Vec<(Key, &'static str)> {
        let lines = &self.export.lines;
        let kind = *dice.pick(if self.export.is_attendance() { OF_ATTENDANCE } else { OF_ROSTER });
        let n = *dice.pick(&[1, 2, 5, lines.len() / 50, lines.len() / 20, lines.len() / 12, lines.len() / 3]);
        let tonight = lines.iter().map(|line| line.day).max().unwrap_or(0);
        // Often the newest rows: nobody knows them yet.
        let newest = self.export.is_attendance() && dice.percent(30);
        let all: Vec<&Line> = lines.iter().filter(|line| !newest || line.day == tonight).collect();
        dice.some(n.max(1), all.len()).into_iter().map(|at| (key(all[at]), kind)).collect()
    }

    fn spoil(&mut self, rows: Vec<(Key, &'static str)>) {
        let (mut second, mut spoilt) = (Vec::new(), 0);
        let is_attendance = self.export.is_attendance();
        for (of, kind) in &rows {
            let Some(line) = self.export.lines.iter_mut().find(|line| key(line) == *of) else { continue };
            spoilt += 1;
            if is_attendance {
                second.extend(spoil_attendance(line, kind));
            } else {
                spoil_enrollment(line, kind);
            }
        }
        self.export.lines.extend(second);
        if let Some((_, kind)) = rows.first().filter(|_| spoilt > 0) {
            self.must = Must::Either;
            self.how.push(format!("{spoilt} rows: {kind}"));
        }
        self.rows = rows;
    }

    /// One thing that happens to a whole file.
    fn step(&mut self, dice: &mut Dice, earlier: &[Export], kind: Kind) {
        match dice.below(10) {
            // It would undo what makes a file no table of ours.
            0 | 1 if self.must != Must::NotUse => self.written_otherwise(dice),
            2 => self.not_text_of_ours(dice),
            3 => self.header_otherwise(dice),
            4 | 5 => self.cut(dice),
            6 => self.lose_a_school(dice),
            7 => self.older(dice, earlier),
            8 => self.every_row(dice, kind),
            _ => self.more_rows(dice),
        }
    }

    /// Whether it is used is no more certain.
    pub(super) fn either(&mut self) {
        if self.must == Must::Use {
            self.must = Must::Either;
        }
    }

    /// Many rows that cannot be used: nothing of it may be used.
    fn judge(&mut self) {
        let lines = &self.export.lines;
        let unusable = lines
            .iter()
            .filter(|line| matches!(line.reads, Reads::Not { kind, .. } if !counts_nowhere(kind)))
            .count();
        if unusable >= FAR_BEYOND.1 && unusable * 100 >= FAR_BEYOND.0 * lines.len() {
            self.must = Must::NotUse;
        }
    }
}

fn key(line: &Line) -> Key {
    (line.student, line.day)
}
