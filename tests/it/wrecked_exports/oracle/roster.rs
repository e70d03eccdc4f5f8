//! What a roster says.

use std::collections::{BTreeMap, BTreeSet};

use super::super::export::{Export, Reads};
use super::doubt::Doubt;
use super::{Oracle, Outcome, Window};

impl Oracle {
    pub(super) fn read_roster(&mut self, file: &Export, outcome: &Outcome, tonight: usize) {
        let doubt = Doubt::of(file, |student| self.is_known(student));
        let certain = !doubt.is_old(&self.roster_doubt);
        let said: BTreeMap<usize, Window> = file
            .lines
            .iter()
            .filter(|line| line.reads == Reads::Fully)
            .filter_map(|line| line.student.map(|student| (student, line.window)))
            .collect();
        self.keeps_whole_schools(file, &doubt, outcome);
        for student in 0..self.windows.len() {
            let school = self.schools[student];
            let windows = &self.windows[student];
            let ended = windows.iter().map(|window| end(*window, tonight)).collect();
            self.windows[student] = if let Some(window) = said.get(&student) {
                vec![*window]
            } else if outcome.held_schools.contains(&school) {
                windows.clone()
            } else if !doubt.covers(student, school, 0) {
                ended
            } else if certain && doubt.lost.contains(&(student, 0)) {
                windows.clone()
            } else {
                merged(windows.clone(), ended)
            };
        }
        self.roster_doubt = doubt;
    }

    /// A school that vanishes from a roster waits, whatever its size, unless doubt keeps it.
    fn keeps_whole_schools(&self, file: &Export, doubt: &Doubt, outcome: &Outcome) {
        let there: BTreeSet<usize> = file.lines.iter().map(|line| line.school).collect();
        for (student, school) in self.schools.iter().enumerate() {
            let is_gone =
                self.is_known(student) && !there.contains(school) && !doubt.covers(student, *school, 0);
            assert!(
                !is_gone || outcome.held_schools.contains(school),
                "school {school} vanished from the roster, and nobody was asked"
            );
        }
    }
}

/// It ended on the day before.
fn end((entry, exit): Window, tonight: usize) -> Window {
    (entry, Some(exit.map_or(tonight - 1, |exit| exit.min(tonight - 1))))
}

fn merged(mut windows: Vec<Window>, more: Vec<Window>) -> Vec<Window> {
    windows.extend(more);
    windows.sort_unstable();
    windows.dedup();
    windows
}
