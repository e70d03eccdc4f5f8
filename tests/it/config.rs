//! `signalbox.yaml` for tests: a value with knobs, rendered to the text of the contract.

use std::fmt::Write as _;

/// A district with a CSV roster of record `enrollment` and an attendance feed `attendance`.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Whole text in place of everything below.
    pub(crate) verbatim: Option<String>,
    pub(crate) calendars: String,
    /// Feeds before `attendance`, as YAML items.
    pub(crate) roster: String,
    /// `attendance`: its mode, and the keys of its `csv` section.
    pub(crate) mode: &'static str,
    pub(crate) rows: &'static str,
    pub(crate) covers: &'static str,
    pub(crate) absent_rows: &'static str,
    pub(crate) codes: &'static str,
    /// Further keys of the attendance feed's `csv` section, e.g. `encoding: windows-1252`.
    pub(crate) csv_extra: &'static str,
    /// Feeds after `attendance`, as YAML items.
    pub(crate) beside: String,
    /// (name, URL); each is routed the rules of `told_of`.
    pub(crate) webhooks: Vec<(String, String)>,
    pub(crate) told_of: Vec<&'static str>,
    pub(crate) risk: &'static str,
    /// The sections `log` and `store`; empty: embedded.
    pub(crate) servers: String,
}

pub(crate) const CODES: &str =
    "{P: present, A: absent_unexcused, E: absent_excused, T: tardy, H: absent_half_day}";

/// Enrolment from CSV, roster of record.
pub(crate) const CSV_ROSTER: &str = r#"  - name: enrollment
    roster_of_record: true
    csv: {path: "./drop/enrollment*.csv", entity: roster.enrollment, covers: school_year, absent_rows: end,
          columns: {student: Student_Number, last_name: Last_Name, first_name: First_Name, birth_date: DOB, school: School_ID,
                    entry: {from: Entry_Date, format: "%m/%d/%Y"}, exit: {from: Exit_Date, format: "%m/%d/%Y"}}}
"#;

impl Default for Config {
    fn default() -> Self {
        Self {
            verbatim: None,
            calendars: "[{schools: all, school_year: 2022, first: 2021-08-23, last: 2022-05-27, \
                        closed: [2021-09-06, {from: 2021-12-18, to: 2022-01-03}]}]"
                .to_owned(),
            roster: CSV_ROSTER.to_owned(),
            mode: "live",
            rows: "exceptions",
            covers: "school_year",
            absent_rows: "end",
            codes: CODES,
            csv_extra: "",
            beside: String::new(),
            webhooks: Vec::new(),
            told_of: vec!["chronic-absence"],
            risk: "{packs: [federal-chronic-absence], min_days: 20, enter: 10%, leave: 9%}",
            servers: String::new(),
        }
    }
}

impl Config {
    pub(crate) fn render(&self) -> String {
        if let Some(text) = &self.verbatim {
            let own = text.contains("\nlog:") || text.contains("\nstore:");
            return if own { text.clone() } else { format!("{text}\n{}", self.servers) };
        }
        let mut yaml = String::new();
        let Self {
            calendars, roster, mode, rows, covers, absent_rows, codes, csv_extra, beside, risk, ..
        } = self;
        let comma = if csv_extra.is_empty() { "" } else { ", " };
        write!(
            yaml,
            r#"district: {{id: lakeside, timezone: America/Chicago, secret: "SECRET[env.SIGNALBOX_SECRET]"}}
data_dir: ./var
calendars: {calendars}
feeds:
{roster}  - name: attendance
    mode: {mode}
    csv: {{path: "./drop/attendance*.csv", entity: attendance.daily, rows: {rows}, covers: {covers}, absent_rows: {absent_rows}{comma}{csv_extra},
          columns: {{student: Student_Number, school: School_ID, date: {{from: Att_Date, format: "%m/%d/%Y"}}, category: Att_Code}},
          codes: {{category: {codes}}}}}
{beside}risk: {risk}
"#
        )
        .expect("writing to a string cannot fail");
        self.render_webhooks(&mut yaml);
        yaml + &self.servers
    }

    fn render_webhooks(&self, yaml: &mut String) {
        if self.webhooks.is_empty() {
            return;
        }
        yaml.push_str("destinations:\n");
        for (name, url) in &self.webhooks {
            let line = format!(
                "  - {{name: {name}, webhook: {{url: \"{url}\", secret: \"SECRET[env.HOOK]\", allow_private: true}}}}\n"
            );
            yaml.push_str(&line);
        }
        yaml.push_str("routes:\n");
        for (name, _) in &self.webhooks {
            for rule in &self.told_of {
                writeln!(yaml, "  - {{rule: {rule}, to: {name}}}").expect("writing to a string cannot fail");
            }
        }
    }
}
