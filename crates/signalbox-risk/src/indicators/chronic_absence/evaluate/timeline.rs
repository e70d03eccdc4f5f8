use std::ops::Range;

use super::walk::Walk;
use crate::reference::{SchoolYear, Silence};

/// Tells the expected days of one school, from the rows there are and the silence between them. Days present
/// in a row are told together: walking them costs the same as one day.
pub(super) struct Timeline<'a> {
    year: &'a SchoolYear,
    walk: &'a mut Walk,
    /// Positions up to here are dealt with.
    next: usize,
    /// Of these, those from here on are present and not told yet.
    present: usize,
    /// Feeds that decided a day, by rank.
    feeds: u64,
}

impl<'a> Timeline<'a> {
    pub(super) fn new(year: &'a SchoolYear, start: usize, walk: &'a mut Walk) -> Timeline<'a> {
        Timeline { year, walk, next: start, present: start, feeds: 0 }
    }

    /// A row of the feed with this rank decides `position`, which comes after every earlier one;
    /// `absent_half_days` is `None` when the day is unknown.
    #[inline]
    pub(super) fn row(&mut self, position: usize, rank: u8, absent_half_days: Option<u32>) {
        self.silence_until(position);
        self.feeds |= 1 << rank;
        self.next = position + 1;
        if absent_half_days == Some(0) {
            return;
        }
        self.tell_present(position);
        self.present = self.next;
        let day = self.year.days(position..self.next);
        match absent_half_days {
            Some(half_days) => self.walk.absent(day[0], half_days),
            None => self.walk.unknown(day),
        }
    }

    /// No row decides `position`, and one that could not be used may belong there.
    #[cold]
    pub(super) fn doubt(&mut self, position: usize) {
        if let Some(ruling) = self.year.ruling(position).filter(|ruling| ruling.silence == Silence::Present) {
            self.row(position, ruling.rank, None);
        }
    }

    /// There are no more rows before `end`. Answers the feeds that decided a day.
    pub(super) fn finish(mut self, end: usize) -> u64 {
        self.silence_until(end);
        self.tell_present(end);
        self.feeds
    }

    /// No row from `next` until `end`: whoever covers each day answers for it.
    #[inline]
    fn silence_until(&mut self, end: usize) {
        if self.next < end {
            self.tell_silence(end);
        }
    }

    #[inline(never)]
    fn tell_silence(&mut self, end: usize) {
        self.tell_present(self.next);
        while self.next < end {
            let run = self.next..self.year.run_end(self.next).min(end);
            self.next = run.end;
            self.silence(run);
        }
        self.present = end;
    }

    fn silence(&mut self, run: Range<usize>) {
        let Some(ruling) = self.year.ruling(run.start) else { return };
        self.feeds |= 1 << ruling.rank;
        match ruling.silence {
            Silence::Present => self.walk.present(self.year.days(run)),
            Silence::Doubtful | Silence::Unknown => self.walk.unknown(self.year.days(run)),
        }
    }

    fn tell_present(&mut self, end: usize) {
        if self.present < end {
            self.walk.present(self.year.days(self.present..end));
        }
    }
}
