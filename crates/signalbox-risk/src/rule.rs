//! Rules: what is measured, where the line is, and for whom.

use std::cell::LazyCell;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::indicators::{Judgement, SettingFault, Settings};
use crate::judged::Judging;
use crate::observation::Enrollment;

/// A rule of the district's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub settings: Settings,
    /// The grade levels that it is for, as the roster writes them; empty: all.
    pub grades: Vec<String>,
    /// The schools that it is for, by their first id in the roster of record; empty: all.
    pub schools: Vec<String>,
}

impl From<Settings> for Rule {
    /// For every student.
    fn from(settings: Settings) -> Self {
        Self { settings, grades: Vec::new(), schools: Vec::new() }
    }
}

/// Whether a rule is one for a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits<'a> {
    /// It is this one.
    Rule(&'a Rule),
    /// None of its name is.
    No,
    /// One of its name may be: where the student is, or in which grade level, is not known.
    Unknown,
}

/// Why a rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("a rule has a name: rule: {}", Settings::NAMES.join(", "))]
    Unnamed,
    #[error("there is no rule \"{0}\"")]
    Unknown(String),
    /// A setting that is missing, unknown or of another kind.
    #[error("{0}")]
    Unreadable(String),
    #[error("{0}")]
    Fault(SettingFault),
}

impl Rule {
    pub const fn name(&self) -> &'static str {
        self.settings.name()
    }

    /// `attendance`, `course`, `behavior`: what people work on because of it.
    pub const fn domain(&self) -> &'static str {
        self.settings.domain()
    }

    pub fn judge(&self, on: &Judging<'_>) -> Judgement {
        self.settings.judge(on)
    }

    /// Reads a rule as the configuration and the log have it: `{rule: NAME, grades: […], schools: […], …}`.
    ///
    /// # Errors
    /// When it is none, or its thresholds contradict each other.
    pub fn from_json(mut json: Map<String, Value>) -> Result<Self, RuleError> {
        let Some(Value::String(name)) = json.remove("rule") else { return Err(RuleError::Unnamed) };
        let (grades, schools) =
            (list(json.remove("grades"), "grades")?, list(json.remove("schools"), "schools")?);
        let settings = Settings::read(&name, Value::Object(json)).ok_or(RuleError::Unknown(name))?;
        let settings = settings.map_err(|error| RuleError::Unreadable(error.to_string()))?;
        match settings.fault() {
            Some(fault) => Err(RuleError::Fault(fault)),
            None => Ok(Self { settings, grades, schools }),
        }
    }

    /// What [`from_json`](Self::from_json) reads, with defaults spelled out.
    pub fn to_json(&self) -> Map<String, Value> {
        let settings = self.settings.to_json().expect("plain settings always serialise");
        let Value::Object(mut json) = settings else { unreachable!("settings are a struct") };
        json.insert("rule".to_owned(), self.name().into());
        for (key, names) in [("grades", &self.grades), ("schools", &self.schools)] {
            if !names.is_empty() {
                json.insert(key.to_owned(), names.clone().into());
            }
        }
        json
    }

    fn is_for_all(&self) -> bool {
        self.schools.is_empty() && self.grades.is_empty()
    }

    /// `None`: that depends on what is not known of the enrolment.
    fn is_for(&self, enrollment: &Enrollment<'_>) -> Option<bool> {
        let is_in = |names: &[String], name: &str| names.is_empty() || names.iter().any(|one| one == name);
        match (is_in(&self.schools, enrollment.school), enrollment.grade) {
            (false, _) => Some(false),
            (true, Some(grade)) => Some(is_in(&self.grades, grade)),
            (true, None) => self.grades.is_empty().then_some(true),
        }
    }

    /// Whether it is for a student who is enrolled so: by one of the enrolments is enough.
    fn is_for_one_of(&self, enrollments: &[Enrollment<'_>]) -> Option<bool> {
        let fits: Vec<Option<bool>> = enrollments.iter().map(|at| self.is_for(at)).collect();
        match (fits.contains(&Some(true)), fits.is_empty() || fits.contains(&None)) {
            (true, _) => Some(true),
            (false, true) => None,
            (false, false) => Some(false),
        }
    }
}

/// Of the rules of this name the first that fits a student who is enrolled so. Who is at two schools is at both.
pub fn fitting<'a, 'e>(
    rules: &'a [Rule],
    name: &str,
    enrollments: impl FnOnce() -> Vec<Enrollment<'e>>,
) -> Fits<'a> {
    // Most rules are for all, whoever they are.
    let enrollments = LazyCell::new(enrollments);
    for rule in rules.iter().filter(|rule| rule.name() == name) {
        let fits = if rule.is_for_all() { Some(true) } else { rule.is_for_one_of(&enrollments) };
        match fits {
            Some(true) => return Fits::Rule(rule),
            Some(false) => {}
            None => return Fits::Unknown,
        }
    }
    Fits::No
}

/// 32 hexadecimal digits that differ when the rules, or the meaning of their settings, differ: FNV-1a over
/// the canonical text. It tells rules apart; it is no signature.
pub fn policy_hash(rules: &[Rule]) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let texts = rules.iter().map(|rule| format!("1 {}\n", Value::Object(rule.to_json())));
    let text: String = texts.collect();
    let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    format!("{hash:032x}")
}

fn list(json: Option<Value>, key: &'static str) -> Result<Vec<String>, RuleError> {
    let names: Vec<String> = match json {
        None => return Ok(Vec::new()),
        Some(json) => serde_json::from_value(json).map_err(|_| {
            let example = if key == "schools" { "\"0420\"" } else { "\"09\", \"10\"" };
            let help = format!("e.g. {key}: [{example}]; quotes keep leading zeros");
            RuleError::Fault(SettingFault::new(key, format!("{key} is a list of names in quotes"), help))
        })?,
    };
    if names.is_empty() {
        let help = format!("name at least one, or leave {key} out: the rule is then for all");
        return Err(RuleError::Fault(SettingFault::new(
            key,
            format!("{key} is empty: the rule can never fire"),
            help,
        )));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(json: Value) -> Rule {
        let Value::Object(json) = json else { panic!("an object") };
        Rule::from_json(json).expect("a sound rule")
    }

    /// Certificates on disk carry this hash: it may change only together with the meaning of the rule.
    #[test]
    fn the_hash_is_stable_and_tells_rules_apart() {
        let federal = rule(json!({"rule": "chronic-absence"}));
        assert_eq!(policy_hash(std::slice::from_ref(&federal)), "e8d12106cede0cff2439e9cca4ed10e6");
        let others = [
            json!({"rule": "chronic-absence", "enter": "10.01%"}),
            json!({"rule": "chronic-absence", "leave": "9.01%"}),
            json!({"rule": "chronic-absence", "min_days": 21}),
            json!({"rule": "chronic-absence", "half_day": "half"}),
            json!({"rule": "chronic-absence", "grades": ["09"]}),
        ];
        for other in others {
            assert_ne!(
                policy_hash(&[rule(other.clone())]),
                policy_hash(std::slice::from_ref(&federal)),
                "{other}"
            );
        }
        assert_eq!(rule(Value::Object(federal.to_json())), federal);
    }

    #[test]
    fn the_first_rule_of_a_name_that_fits_holds() {
        let rules = [
            rule(
                json!({"rule": "chronic-absence", "grades": ["09", "10"], "schools": ["100"], "min_days": 10}),
            ),
            rule(json!({"rule": "chronic-absence", "grades": ["11"], "min_days": 30})),
        ];
        let at = |school, grade| {
            let entry = jiff::civil::date(2026, 8, 24);
            Some(Enrollment { school, entry, exit: None, grade })
        };
        for (enrollment, expected) in [
            (at("100", Some("09")), Fits::Rule(&rules[0])),
            (at("200", Some("09")), Fits::No),
            (at("200", Some("11")), Fits::Rule(&rules[1])),
            (at("100", Some("9")), Fits::No),
            (at("100", None), Fits::Unknown),
            (at("200", None), Fits::Unknown),
            (None, Fits::Unknown),
        ] {
            let enrollments = || enrollment.into_iter().collect();
            assert_eq!(fitting(&rules, "chronic-absence", enrollments), expected, "{enrollment:?}");
        }
        assert_eq!(fitting(&rules, "behavior", Vec::new), Fits::No);
        let at_both = || [at("200", Some("09")), at("100", Some("09"))].into_iter().flatten().collect();
        assert_eq!(fitting(&rules, "chronic-absence", at_both), Fits::Rule(&rules[0]), "at two schools");
        let first_unknown = || [at("200", Some("12")), at("100", None)].into_iter().flatten().collect();
        assert_eq!(fitting(&rules, "chronic-absence", first_unknown), Fits::Unknown);
    }
}
