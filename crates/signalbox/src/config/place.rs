//! Where something stands in the configuration file, and what is wrong there.

/// A position in the YAML, both from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

/// Something wrong at a place of the YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `None` when only the section it stands in is known.
    pub(crate) place: Option<Place>,
    /// A stable word for scripts.
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: String,
}

/// A word of the configuration in quotes, if it looks like one: a slip of the pen can make a key of a URL with a
/// password in it, and messages are shown to everybody.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    if word.chars().count() <= 40 && word.chars().all(is_plain) {
        format!("\"{word}\"")
    } else {
        "(not shown: it may hold a secret)".to_owned()
    }
}

/// Says which of `known` was probably meant, and which there are.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let list = known.join(", ");
    match closest(word, &known) {
        Some(meant) => format!("did you mean \"{meant}\"? Known here: {list}"),
        None if known.is_empty() => "there is none to choose from".to_owned(),
        None => format!("known here: {list}"),
    }
}

/// The most similar of `known`, when it is similar enough to be meant: a slip in three letters, or a part left out.
pub(crate) fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    const WORTH_COMPLETING: usize = 3;
    let word = word.to_lowercase();
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let whole = word.len() >= WORTH_COMPLETING && candidate.starts_with(&word);
        if whole { 1 } else { strsim::osa_distance(&word, &candidate) }
    };
    let slips = (word.chars().count() / 3).max(1);
    known
        .iter()
        .map(|candidate| (distance(candidate), *candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let known = ["name", "mode", "roster_of_record", "csv"];
        assert!(did_you_mean("rooster_of_record", known).starts_with("did you mean \"roster_of_record\"?"));
        assert!(did_you_mean("cvs", known).starts_with("did you mean \"csv\"?"));
        assert!(did_you_mean("roster", known).starts_with("did you mean \"roster_of_record\"?"));
        assert!(did_you_mean("Mode", known).starts_with("did you mean \"mode\"?"));
        assert_eq!(did_you_mean("zzz", known), "known here: name, mode, roster_of_record, csv");
    }

    #[test]
    fn what_may_be_a_secret_is_not_quoted() {
        assert_eq!(quoted("roster_of_recrod"), "\"roster_of_recrod\"");
        assert!(!quoted("url\"postgres://x:PASSWORD@h/x\"").contains("PASSWORD"));
    }
}
