//! What can happen to a file as a whole.

use super::super::damage::{OF_ALL_DATES, id_as, spoil_attendance, spoil_enrollment};
use super::super::dice::Dice;
use super::super::export::{Claims, Encoding, Export, Line, Reads};
use super::{FAR_BEYOND, Kind, Must, Wrecked};

impl Wrecked {
    /// What is read as if nothing had happened.
    pub(super) fn written_otherwise(&mut self, dice: &mut Dice) {
        let style = &mut self.export.style;
        let how = match dice.below(7) {
            0 => {
                style.encoding = Encoding::Utf8Mark;
                "byte order mark"
            }
            1 => {
                style.encoding = Encoding::Utf16LeMark;
                "UTF-16, little end first"
            }
            2 => {
                style.encoding = Encoding::Utf16BeMark;
                "UTF-16, big end first"
            }
            3 => {
                style.encoding = Encoding::Windows1252;
                "windows-1252"
            }
            4 => {
                style.line_end = "\n";
                "LF"
            }
            5 => {
                dice.shuffle(&mut style.order);
                "columns in another order"
            }
            _ => {
                dice.shuffle(&mut self.export.lines);
                "shuffled"
            }
        };
        self.how.push(how.to_owned());
    }

    pub(super) fn not_text_of_ours(&mut self, dice: &mut Dice) {
        let style = &mut self.export.style;
        match dice.below(5) {
            0 => style.delimiter = ";",
            1 => style.delimiter = "\t",
            2 => style.encoding = Encoding::Utf16NoMark,
            3 => style.instead = Some(""),
            _ => style.instead = Some("<html><body>Session expired, please sign in</body></html>\n"),
        }
        self.must = Must::NotUse;
        self.how.push(format!("no table of ours: {style:?}"));
    }

    pub(super) fn header_otherwise(&mut self, dice: &mut Dice) {
        let style = &mut self.export.style;
        match dice.below(3) {
            0 => style.lower_header = true,
            1 => (style.header_ends_in, style.rows_end_in) = (",", ","),
            // What many tools write: read as if nothing had happened, or refused.
            _ => style.rows_end_in = ",",
        }
        self.either();
        self.how.push(format!("header: {:?}", self.export.style));
    }

    /// Sorted by day or by student, and the end is missing.
    pub(super) fn cut(&mut self, dice: &mut Dice) {
        if self.must == Must::NotUse {
            return;
        }
        let lines = &mut self.export.lines;
        let by_day = self.export.style.order.len() == 5 && dice.percent(50);
        lines.sort_by_key(|line| if by_day { (line.day, line.student) } else { (0, line.student) });
        let (percent, before) = (*dice.pick(&[0, 50, 80, 90, 94, 97, 99]), lines.len());
        lines.truncate(lines.len() * percent / 100);
        let lost = before - lines.len();
        // One that was spoilt before says still less.
        let whole = |line: &&mut Line| line.reads == Reads::Fully;
        if let Some(line) = lines.last_mut().filter(|_| dice.percent(30)).filter(whole) {
            line.cells.truncate(2);
            line.reads = Reads::Not { claims: Claims::default(), kind: "cut in the middle" };
        }
        self.either();
        if lost * 100 >= FAR_BEYOND.0 * before && lost >= FAR_BEYOND.1 {
            self.must = Must::Wait;
        }
        // The header alone would end everybody in a roster, and says nothing in attendance.
        if self.is_empty_attendance() {
            self.must = Must::Either;
        }
        self.how.push(format!("cut to {percent} %, sorted by {}", if by_day { "day" } else { "student" }));
    }

    fn is_empty_attendance(&self) -> bool {
        self.export.is_attendance() && self.export.lines.is_empty()
    }

    pub(super) fn lose_a_school(&mut self, dice: &mut Dice) {
        let school = dice.below(3);
        self.export.lines.retain(|line| line.school != school);
        self.either();
        // What was cut before may have left that school only.
        if self.is_empty_attendance() {
            self.must = Must::Either;
        }
        self.how.push(format!("school {school} is missing"));
    }

    pub(super) fn older(&mut self, dice: &mut Dice, earlier: &[Export]) {
        let nights = *dice.pick(&[1, 1, 2, 5, 15]);
        if earlier.len() >= nights && self.how.is_empty() {
            self.export.lines.clone_from(&earlier[earlier.len() - nights].lines);
            self.either();
            self.how.push(format!("{nights} nights old"));
        }
    }

    /// All dates or all ids in another way.
    pub(super) fn every_row(&mut self, dice: &mut Dice, kind: Kind) {
        if kind.oneroster && dice.percent(60) {
            self.other_ids(dice);
            return;
        }
        let ids = dice.percent(40);
        let how =
            if ids { *dice.pick(&["id without its zero", "id of nobody"]) } else { *dice.pick(OF_ALL_DATES) };
        let columns = self.export.style.order.len();
        // An id of the roster's own has no zero to lose.
        let keeps = |line: &Line| how == "id without its zero" && line.cells[0].starts_with("u-");
        let all = !self.export.lines.iter().any(keeps);
        let lines = self.export.lines.iter_mut().filter(|line| line.cells.len() == columns && !keeps(line));
        for line in lines {
            match (ids, columns == 5) {
                (_, true) => drop(spoil_attendance(line, how)),
                (false, false) => spoil_enrollment(line, how),
                (true, false) => {
                    line.cells[0] = id_as(how, &line.cells[0]).0;
                    line.reads = Reads::OfAnother;
                }
            }
        }
        if !all {
            self.either();
        } else if !self.export.lines.is_empty() {
            self.must = Must::NotUse;
        }
        self.how.push(format!("every row: {how}"));
    }

    /// Ids that the roster knows as well: nothing is wrong with them.
    fn other_ids(&mut self, dice: &mut Dice) {
        let part = *dice.pick(&[5, 50, 100]);
        for line in &mut self.export.lines {
            if line.reads == Reads::Fully && !line.cells[0].starts_with("u-") && dice.percent(part) {
                line.cells[0] = format!("u-{}", line.cells[0]);
                line.cells[1] = format!("s-{}", line.cells[1]);
            }
        }
        self.how.push(format!("{part} % of the rows with the roster's own ids"));
    }

    /// Rows that stand twice, and a footer.
    pub(super) fn more_rows(&mut self, dice: &mut Dice) {
        if dice.percent(60) {
            let of = self.export.lines.len();
            let part = *dice.pick(&[1, 2, 20]);
            let twice = dice.some(of / part, of);
            let copies: Vec<Line> = twice.into_iter().map(|at| self.export.lines[at].clone()).collect();
            self.how.push(format!("{} rows stand twice", copies.len()));
            self.export.lines.extend(copies);
            return;
        }
        let reads = Reads::Not { claims: Claims::default(), kind: "footer" };
        let cells = vec!["Total".to_owned(), self.export.lines.len().to_string()];
        self.export.lines.push(Line { cells, student: None, school: 0, day: 0, reads, window: (0, None) });
        self.either();
        self.how.push("footer".to_owned());
    }

    /// What can happen to a OneRoster package here.
    pub(super) fn package_step(&mut self, dice: &mut Dice, earlier: &[Export]) {
        match dice.below(5) {
            0 => self.older(dice, earlier),
            1 => self.lose_a_school(dice),
            2 => self.cut_package(dice),
            3 => {
                dice.shuffle(&mut self.export.lines);
                self.how.push("shuffled".to_owned());
            }
            _ => {
                self.export.style.instead = Some("PK");
                self.must = Must::NotUse;
                self.how.push("no zip".to_owned());
            }
        }
    }

    fn cut_package(&mut self, dice: &mut Dice) {
        let (percent, before) = (*dice.pick(&[50, 94, 97, 99]), self.export.lines.len());
        self.export.lines.truncate(before * percent / 100);
        self.must = if percent == 50 { Must::Wait } else { Must::Either };
        self.how.push(format!("{percent} % of the students"));
    }
}
