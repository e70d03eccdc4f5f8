//! The sections of `signalbox.yaml` as they are written, before anything is compared with anything.

#[cfg_attr(
    not(feature = "servers"),
    expect(dead_code, reason = "what is written of servers is read, and then refused")
)]
mod servers;

use std::fmt;

#[cfg(feature = "servers")]
pub(crate) use self::servers::Scram;
pub(crate) use self::servers::{Kafka, Postgres, Reader};
use jiff::civil::{Date, Weekday};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize as DeriveDeserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::json;
use signalbox_connector::Secret;
use signalbox_hub::calendar::CalendarSpec;
use signalbox_risk::{ChronicAbsence, FEDERAL_CHRONIC_ABSENCE, HalfDay, Ratio, Settings};

/// Whose hub this is.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct District {
    /// Stands in every event; never changes.
    pub(crate) id: String,
    /// An IANA name such as America/Chicago: it decides which day it is.
    pub(crate) timezone: String,
    /// Makes student keys unguessable. Without one, a random one is made in data_dir at the first start.
    pub(crate) secret: Option<Secret>,
}

/// The school days of one school year: `weekdays` less `closed`, and those that are `open`.
#[derive(Debug, Clone, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calendar {
    pub(crate) schools: Schools,
    /// The year in which it ends.
    pub(crate) school_year: u16,
    pub(crate) first: Day,
    pub(crate) last: Day,
    #[serde(default)]
    pub(crate) closed: Vec<Closed>,
    /// Days with school whatever the others say, such as make-up days on a Saturday.
    #[serde(default)]
    pub(crate) open: Vec<Day>,
    /// On which days of the week there is school; Monday to Friday without it.
    #[serde(default = "monday_to_friday")]
    pub(crate) weekdays: Vec<DayOfWeek>,
}

impl Calendar {
    /// The same as the hub reads it.
    pub(crate) fn spec(&self) -> CalendarSpec {
        CalendarSpec {
            schools: match &self.schools {
                Schools::All => None,
                Schools::These(ids) => Some(ids.clone()),
            },
            school_year: self.school_year,
            first: self.first.0,
            last: self.last.0,
            closed: self.closed.iter().map(|closed| (closed.from, closed.to)).collect(),
            open: self.open.iter().map(|day| day.0).collect(),
            weekdays: self.weekdays.iter().map(|day| (*day).into()).collect(),
        }
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DayOfWeek {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

fn monday_to_friday() -> Vec<DayOfWeek> {
    vec![DayOfWeek::Mon, DayOfWeek::Tue, DayOfWeek::Wed, DayOfWeek::Thu, DayOfWeek::Fri]
}

impl From<DayOfWeek> for Weekday {
    fn from(day: DayOfWeek) -> Self {
        match day {
            DayOfWeek::Mon => Self::Monday,
            DayOfWeek::Tue => Self::Tuesday,
            DayOfWeek::Wed => Self::Wednesday,
            DayOfWeek::Thu => Self::Thursday,
            DayOfWeek::Fri => Self::Friday,
            DayOfWeek::Sat => Self::Saturday,
            DayOfWeek::Sun => Self::Sunday,
        }
    }
}

/// A civil date, ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) Date);

/// `all`, or a list of school ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Schools {
    All,
    These(Vec<String>),
}

/// A day without school, or a range of them, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) from: Date,
    pub(crate) to: Date,
}

/// Who is told of a rule's flags.
#[derive(Debug, Clone, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Route {
    pub(crate) rule: String,
    /// A destination's name.
    pub(crate) to: String,
    /// Without it, tools are told at once and people by digest.
    pub(crate) when: Option<When>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    AtOnce,
    Digest,
}

/// The rules and their lines.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Risk {
    pub(crate) packs: Vec<String>,
    /// Known school days before anything is decided about a student.
    pub(crate) min_days: u32,
    /// A flag is raised at this share or above, e.g. 10%.
    pub(crate) enter: Ratio,
    /// A flag comes off below this share.
    pub(crate) leave: Ratio,
    /// What an absence of half a day counts.
    pub(crate) half_day: HalfDay,
    /// Rules with their lines, each with its own settings. Of several of one name the first that fits a student holds. With
    /// these, `packs` and the keys beside it count only where they are written.
    #[schemars(with = "Vec<AnyRule>")]
    pub(crate) rules: Option<IgnoredAny>,
}

/// A rule of any name.
struct AnyRule;

impl JsonSchema for AnyRule {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Rule".into()
    }

    /// The settings of each rule, with its name and for whom it is.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let names = |about: &str| json_schema!({"type": "array", "items": {"type": "string"}, "minItems": 1, "description": about});
        let rules = Settings::schemas(generator).into_iter().map(|(name, settings)| {
            let mut rule = settings;
            let properties = rule.ensure_object().entry("properties").or_insert_with(|| json!({}));
            properties["rule"] = json!({"const": name});
            properties["grades"] =
                names("Grade levels that it is for, as the roster writes them; without it all.").into();
            properties["schools"] =
                names("Schools that it is for, by their first id; without it all.").into();
            rule
        });
        json_schema!({"oneOf": rules.collect::<Vec<_>>()})
    }
}

impl Default for Risk {
    fn default() -> Self {
        let federal = ChronicAbsence::default();
        Self {
            packs: vec![FEDERAL_CHRONIC_ABSENCE.to_owned()],
            min_days: federal.min_days(),
            enter: federal.enter(),
            leave: federal.leave(),
            half_day: federal.half_day(),
            rules: None,
        }
    }
}

/// Where events are kept.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Log {
    /// In data_dir.
    Sqlite(Embedded),
    Kafka(Box<Kafka>),
}

/// Where state is kept.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Store {
    /// In data_dir.
    Sqlite(Embedded),
    Postgres(
        #[cfg_attr(not(feature = "servers"), expect(dead_code, reason = "read, and then refused"))] Postgres,
    ),
}

/// Nothing to set: `{}`.
#[derive(Debug, Default, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Embedded {}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        day(&String::deserialize(deserializer)?).map(Self)
    }
}

/// Strictly YYYY-MM-DD: a date with a time would lose its time silently.
fn day<E: de::Error>(text: &str) -> Result<Date, E> {
    let date = if text.len() == "YYYY-MM-DD".len() { text.parse().ok() } else { None };
    date.ok_or_else(|| E::custom(format!("\"{text}\" is not a date; write YYYY-MM-DD")))
}

impl JsonSchema for Day {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date"})
    }
}

impl<'de> Deserialize<'de> for Schools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SchoolsVisitor)
    }
}

struct SchoolsVisitor;

impl<'de> Visitor<'de> for SchoolsVisitor {
    type Value = Schools;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"all\" or a list of school ids")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Schools, E> {
        match text {
            "all" => Ok(Schools::All),
            one => Err(E::custom(format!("expected \"all\" or a list of school ids; write all, or [{one}]"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Schools, A::Error> {
        let mut ids = Vec::new();
        while let Some(id) = seq.next_element()? {
            ids.push(id);
        }
        if ids.is_empty() {
            return Err(de::Error::custom(
                "the list of schools is empty; write all, or name at least one school",
            ));
        }
        Ok(Schools::These(ids))
    }
}

impl JsonSchema for Schools {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Schools".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"oneOf": [
            {"const": "all"},
            {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}},
        ]})
    }
}

impl<'de> Deserialize<'de> for Closed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClosedVisitor)
    }
}

struct ClosedVisitor;

#[derive(DeriveDeserialize)]
#[serde(deny_unknown_fields)]
struct ClosedRange {
    from: Day,
    to: Day,
}

impl<'de> Visitor<'de> for ClosedVisitor {
    type Value = Closed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date or {from: date, to: date}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Closed, E> {
        day(text).map(|date| Closed { from: date, to: date })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Closed, A::Error> {
        let ClosedRange { from, to } = ClosedRange::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Closed { from: from.0, to: to.0 })
    }
}

impl JsonSchema for Closed {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Closed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"oneOf": [
            {"type": "string", "format": "date"},
            {
                "type": "object",
                "properties": {
                    "from": {"type": "string", "format": "date"},
                    "to": {"type": "string", "format": "date"},
                },
                "required": ["from", "to"],
                "additionalProperties": false,
            },
        ]})
    }
}
