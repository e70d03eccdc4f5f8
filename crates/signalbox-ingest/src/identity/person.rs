//! Who a roster says that somebody is: one id may be given to another child.

use jiff::civil::Date;
use xxhash_rust::xxh3::xxh3_64;

/// What tells one person from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    born: Date,
    /// Hashes of the words of the name, in order.
    words: Vec<u64>,
}

/// Who an id may be by now: one payload had another person under it, and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Successor {
    pub fingerprint: u64,
    /// The day on which that payload was read. One of a later day that says the same is believed.
    pub day: Date,
}

impl Person {
    /// `None`: there is too little to tell anybody apart by.
    pub(crate) fn of(names: [Option<&str>; 2], born: Option<Date>) -> Option<Self> {
        let mut words: Vec<u64> = names.into_iter().flatten().flat_map(words).collect();
        words.sort_unstable();
        Some(Self { born: born?, words })
    }

    /// Whether birth date and every word of the name differ.
    pub(crate) fn is_another_than(&self, other: &Self) -> bool {
        let have_names = !self.words.is_empty() && !other.words.is_empty();
        have_names && self.born != other.born && !self.words.iter().any(|word| other.words.contains(word))
    }

    /// The same for the same person, and hardly ever for another.
    pub(crate) fn fingerprint(&self) -> u64 {
        let words = self.words.iter().flat_map(|word| word.to_be_bytes());
        xxh3_64(&self.born.to_string().into_bytes().into_iter().chain(words).collect::<Vec<_>>())
    }
}

/// In the crosswalk it stands as a type of id.
impl Successor {
    const TYPE: &str = "!another_person";

    pub(crate) fn id_type(self) -> String {
        format!("{} {:016x} {}", Self::TYPE, self.fingerprint, self.day)
    }

    pub(crate) fn of_type(id_type: &str) -> Option<Self> {
        let (fingerprint, day) = id_type.strip_prefix(Self::TYPE)?.trim_start().split_once(' ')?;
        Some(Self { fingerprint: u64::from_str_radix(fingerprint, 16).ok()?, day: day.parse().ok()? })
    }
}

fn words(name: &str) -> impl Iterator<Item = u64> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| xxh3_64(word.to_lowercase().as_bytes()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn person(given: &str, family: &str, born: Date) -> Person {
        Person::of([Some(given), Some(family)], Some(born)).expect("a birth date")
    }

    #[test]
    fn another_is_who_shares_neither_birth_date_nor_a_word_of_the_name() {
        let ana = person("Ana Maria", "Quill", date(2007, 3, 30));
        assert!(person("Ben", "Marsh", date(2009, 11, 30)).is_another_than(&ana));
        for same in [
            person("Ben", "Marsh", date(2007, 3, 30)),
            person("maria", "Marsh-Quill", date(2009, 11, 30)),
            Person::of([None, None], Some(date(2009, 11, 30))).expect("a birth date"),
        ] {
            assert!(!same.is_another_than(&ana), "{same:?}");
        }
        assert_eq!(Person::of([Some("Ana"), None], None), None);
    }

    #[test]
    fn a_successor_reads_as_written() {
        let fingerprint = person("Ben", "Marsh", date(2009, 11, 30)).fingerprint();
        let successor = Successor { fingerprint, day: date(2026, 9, 12) };
        assert_eq!(Successor::of_type(&successor.id_type()), Some(successor));
        assert_eq!(Successor::of_type("!two_persons"), None);
    }
}
