//! The hub under test: files go in, JSON of the contract comes out.

mod inside;
mod outside;

use serde_json::Value;

use super::oracle::Answer;

pub(super) use inside::Inside;
pub(super) use outside::Outside;

pub(super) const ROSTER: &str = "roster";
pub(super) const ATTENDANCE: &str = "attendance";

/// A hub that reads `roster.csv` or `roster.zip` and `attendance.csv`.
pub(super) trait Hub {
    fn drop(&mut self, name: &str, bytes: &[u8]);

    /// One pass, on the evening of the n-th school day.
    fn pass(&mut self, day: usize);

    /// `signalbox status`
    fn status(&self) -> Value;

    /// `signalbox holds show` of every hold that waits.
    fn holds(&self) -> Vec<Value>;

    /// `signalbox flags list`
    fn flags(&self) -> Vec<Value>;

    /// `signalbox student ID`; `None`: nobody has this id.
    fn student(&self, id: &str) -> Option<Value>;

    /// Every alert that arrived since it was last asked, as `{"type", "data"}`.
    fn told(&mut self) -> Vec<Value>;
}

/// The evening of a school day, in Chicago and in UTC.
fn evening(day: usize) -> String {
    format!("{}T23:00:00Z", crate::drops::day(day))
}

/// The answer about chronic absence, with its status.
pub(super) fn answer(student: &Value) -> (Answer, &str) {
    let answers = student["answers"].as_array().expect("answers");
    let answer = answers
        .iter()
        .find(|answer| answer["indicator"] == "chronic-absence" && answer["school_year"] != 2021)
        .unwrap_or_else(|| panic!("no answer: {student}"));
    let number = |key: &str| usize::try_from(answer[key].as_u64().expect("a number")).expect("small");
    let known = number("n");
    let absent = match answer["value"].as_str() {
        None => 0,
        Some(value) => {
            let (absent, of) = value.split_once('/').expect("a fraction");
            assert_eq!(of, known.to_string(), "value and n differ: {answer}");
            absent.parse().expect("whole days")
        }
    };
    (Answer { absent, known, unknown: number("unknown_days") }, answer["status"].as_str().expect("a status"))
}
