//! What happened in a seed so far, for whoever looks at a failure.

use super::oracle::Outcome;

#[derive(Debug)]
pub(super) struct Trail {
    seed: u64,
    nights: Vec<String>,
}

impl Trail {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, nights: Vec::new() }
    }

    pub(super) fn night(&mut self, day: usize, roster: &[String], attendance: &[String]) {
        let said = |how: &[String]| if how.is_empty() { "good".to_owned() } else { how.join(" + ") };
        self.nights.push(format!("day {day}: roster {}; attendance {}", said(roster), said(attendance)));
    }

    pub(super) fn became(&mut self, outcomes: &[Outcome; 2]) {
        let said = |outcome: &Outcome| match (outcome.used, &outcome.held_schools[..]) {
            (false, _) => "not used".to_owned(),
            (true, []) => "used".to_owned(),
            (true, schools) => format!("used but for schools {schools:?}"),
        };
        if let Some(night) = self.nights.last_mut() {
            let [roster, attendance] = outcomes.each_ref().map(said);
            night.extend([" => ", &roster, "; ", &attendance]);
        }
    }
}

impl Drop for Trail {
    #[expect(clippy::print_stderr, reason = "what a failed test needs")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("SIGNALBOX_WRECK_SEED={}\n{}", self.seed, self.nights.join("\n"));
        }
    }
}
