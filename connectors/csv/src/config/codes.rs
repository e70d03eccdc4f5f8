//! `codes`: what a file's codes mean, for each column of words. Which words there are, the entities say.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use signalbox_connector::Entity;
use signalbox_connector::event::rows::{Column, Holds};
use signalbox_connector::serde_json::{Map, Value, json};

use super::one_of::OneOf;

/// What codes mean, by column: from the file's code, letter by letter, to the hub's word.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Codes(BTreeMap<Name, BTreeMap<String, String>>);

/// The key for an empty cell.
const BLANK: &str = "blank";

/// The words of a column.
type Words = &'static [&'static str];

/// Every column of words that some entity has, by name.
static WORDS: LazyLock<BTreeMap<&'static str, Vec<(Entity, Words)>>> = LazyLock::new(|| {
    let mut of_names = BTreeMap::<_, Vec<_>>::new();
    for entity in Entity::mapped() {
        for (name, words) in columns_of_words(entity) {
            of_names.entry(name).or_default().push((entity, words));
        }
    }
    of_names
});

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| WORDS.keys().copied().collect());

fn columns_of_words(entity: Entity) -> impl Iterator<Item = (&'static str, Words)> {
    entity.columns().iter().filter_map(|column| match column.holds {
        Holds::Word(words) | Holds::Code(words) => Some((column.name, words)),
        _ => None,
    })
}

/// The name of a column of words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name(&'static str);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OneOf { names: &NAMES, what: "a column of codes, such as category" }
            .deserialize(deserializer)
            .map(Name)
    }
}

/// What the codes of one column mean, as the places of words among the column's.
#[derive(Debug, Default)]
pub(crate) struct Meanings {
    /// Sorted by code.
    pub(crate) codes: Vec<(String, usize)>,
    /// What an empty cell means, if anything.
    pub(crate) blank: Option<usize>,
}

impl Codes {
    /// What they mean, for every column of words of the entity.
    pub(super) fn meanings(mut self, entity: Entity) -> Result<BTreeMap<&'static str, Meanings>, String> {
        let mut all = BTreeMap::new();
        for Column { name, holds, .. } in entity.columns() {
            let (words, says_itself) = match *holds {
                Holds::Word(words) => (words, true),
                Holds::Code(words) => (words, false),
                _ => continue,
            };
            let codes = self.0.remove(&Name(name)).unwrap_or_default();
            let says_itself = says_itself && codes.is_empty();
            let meanings =
                if says_itself { Meanings::of_words(words) } else { Meanings::new(name, words, codes)? };
            all.insert(*name, meanings);
        }
        match self.0.first_key_value() {
            Some((Name(other), _)) => Err(format!("codes.{other} has no place in a {entity} feed")),
            None => Ok(all),
        }
    }
}

impl Meanings {
    fn new(name: &str, words: &[&str], codes: BTreeMap<String, String>) -> Result<Self, String> {
        let place = |(code, word): (String, String)| {
            let place = words
                .iter()
                .position(|known| *known == word)
                .ok_or_else(|| no_word(name, &code, &word, words))?;
            Ok::<_, String>((code.trim().to_owned(), place))
        };
        let mut codes = codes.into_iter().map(place).collect::<Result<Vec<_>, _>>()?;
        codes.sort();
        if codes.iter().any(|(code, _)| code.is_empty()) {
            return Err(format!("codes.{name} maps an empty code: write the word blank for an empty cell"));
        }
        if let Some(pair) = codes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("codes.{name} maps \"{}\" twice", pair[0].0));
        }
        let blank = codes.iter().position(|(code, _)| code == BLANK).map(|at| codes.remove(at).1);
        Ok(Self { codes, blank })
    }

    /// The words mean themselves: a file may be written with them.
    fn of_words(words: &[&str]) -> Self {
        let mut codes: Vec<_> = words.iter().enumerate().map(|(at, word)| ((*word).to_owned(), at)).collect();
        codes.sort();
        Self { codes, blank: None }
    }

    /// Which word a code means.
    #[inline]
    pub(crate) fn of(&self, code: &str) -> Option<usize> {
        let found = self.codes.binary_search_by(|(mapped, _)| mapped.as_str().cmp(code));
        found.ok().map(|at| self.codes[at].1)
    }

    /// As canonical JSON.
    pub(super) fn mapping(&self, words: &[&str]) -> Value {
        let mapped: Map<_, _> =
            self.codes.iter().map(|(code, at)| (code.clone(), json!(words[*at]))).collect();
        json!({"codes": mapped, "blank": self.blank.map(|at| words[at])})
    }
}

fn no_word(name: &str, code: &str, word: &str, words: &[&str]) -> String {
    format!("codes.{name}.{code} is wrong: \"{word}\" is no word for {name}; one of {}", words.join(", "))
}

impl JsonSchema for Codes {
    fn schema_name() -> Cow<'static, str> {
        "Codes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let properties: Map<_, _> =
            WORDS.iter().map(|(name, of)| ((*name).to_owned(), schema_of(of))).collect();
        json_schema!({
            "description": "What codes mean, by column: from the file's code, letter by letter, to the hub's word. `blank` stands \
                            for an empty cell.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

/// The words of all entities that have a column of one name.
fn schema_of(of: &[(Entity, Words)]) -> Value {
    let about = of.iter().map(|(entity, words)| format!("{entity}: {}.", words.join(", ")));
    let mut words: Vec<_> = of.iter().flat_map(|(_, words)| words.iter().copied()).collect();
    words.sort_unstable();
    words.dedup();
    json!({
        "description": about.collect::<Vec<_>>().join(" "),
        "type": "object",
        "additionalProperties": {"type": "string", "enum": words},
    })
}
