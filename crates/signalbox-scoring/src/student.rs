//! What is kept of one student in one school year.
//!
//! A state is a row of sections, each with a tag and a format: what another version of the hub has beside is kept as it is. A
//! section that this version has too, in a format that it cannot read, is not passed over: nothing is judged without it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_consume::folder::{State, Who};
use signalbox_event::StudentKey;
use signalbox_hub::HubError;
use signalbox_hub::shard::Place;
use signalbox_risk::{Announced, Registers, Rule, Settings};
use signalbox_store::state::Subject;
use uuid::Uuid;

/// The first byte of every stored state: which shape follows.
const FORMAT: u8 = 3;
const STUDENT: u8 = b's';

/// Tags of sections; those of registers are their own.
const PROFILE: u8 = 1;
const RULE: u8 = 2;
const NAMES: u8 = 3;
/// The format that sections have.
const SECTION_FORMAT: u8 = 1;

/// The state of one student in one school year.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StudentState {
    pub profile: Option<Profile>,
    /// What feeds call the student, one of each feed.
    names: Vec<Named>,
    pub registers: Registers,
    /// In the order of their names, those that have flags.
    pub rules: Vec<RuleState>,
    /// What this version does not know.
    others: Vec<(u8, u8, Box<[u8]>)>,
}

/// What is kept of one rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleState {
    /// Its name.
    pub rule: String,
    pub announced: Announced,
    /// Which alert told whom of which flag: what a withdrawal takes back.
    pub told: Vec<Told>,
    /// What each flag was last judged by.
    pub bases: Vec<Basis>,
}

/// How the district's own tools know the student.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub id: String,
    pub id_system: String,
}

/// What a feed calls the student.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Named {
    feed: String,
    revision: u64,
    /// Family name, given name; `None`: the feed says it no more.
    name: Option<String>,
}

/// A recipient that was told of a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub number: u32,
    pub to: String,
    pub alert_id: Uuid,
}

/// What a flag was judged by when it last changed: it can be judged by the same again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    pub number: u32,
    /// The day of the evaluation.
    pub as_of: Date,
    pub rule: Rule,
    pub place: Place,
}

impl RuleState {
    pub fn basis(&self, number: u32) -> Option<&Basis> {
        self.bases.iter().find(|basis| basis.number == number)
    }
}

impl StudentState {
    /// What the first of the feeds that say it calls the student; `rank`: the least is heard, none not at all.
    pub fn name(&self, rank: impl Fn(&str) -> Option<usize>) -> Option<String> {
        let said = self.names.iter().filter(|named| named.name.is_some());
        let ranked = said.filter_map(|named| Some((rank(&named.feed)?, named)));
        ranked.min_by_key(|(rank, _)| *rank)?.1.name.clone()
    }

    /// A feed calls the student so. `true`: that is news. The higher revision wins, and of two of one the greater.
    pub(super) fn call(&mut self, feed: &str, revision: u64, name: impl FnOnce() -> Option<String>) -> bool {
        let place = self.names.binary_search_by(|named| named.feed.as_str().cmp(feed));
        if place.is_ok_and(|at| self.names[at].revision > revision) {
            return false;
        }
        let said = Named { feed: feed.to_owned(), revision, name: name() };
        match place {
            Err(at) => self.names.insert(at, said),
            Ok(at) if self.names[at] < said => self.names[at] = said,
            Ok(_) => return false,
        }
        true
    }

    pub fn rule(&self, name: &str) -> Option<&RuleState> {
        self.rules.iter().find(|state| state.rule == name)
    }
}

impl State for StudentState {
    fn decode(bytes: &[u8]) -> Result<Self, HubError> {
        let Some((&FORMAT, mut rest)) = bytes.split_first() else { return Err(damaged()) };
        let mut state = Self::default();
        while !rest.is_empty() {
            let (section, behind): ((u8, u8, &[u8]), _) =
                postcard::take_from_bytes(rest).map_err(|_| damaged())?;
            state.take(section)?;
            rest = behind;
        }
        // A rule that another version kept stands behind its own.
        state.rules.sort_by(|a, b| a.rule.cmp(&b.rule));
        Ok(state)
    }

    fn encode(&self) -> Vec<u8> {
        let Self { profile, names, registers, rules, others } = self;
        let mut state = vec![FORMAT];
        if profile.is_some() {
            push(&mut state, PROFILE, SECTION_FORMAT, &plain(profile));
        }
        if !names.is_empty() {
            push(&mut state, NAMES, SECTION_FORMAT, &plain(names));
        }
        for rule in rules {
            push(&mut state, RULE, SECTION_FORMAT, &plain(rule));
        }
        registers.sections(&mut |tag, bytes| push(&mut state, tag, SECTION_FORMAT, bytes));
        for (tag, format, bytes) in others {
            push(&mut state, *tag, *format, bytes);
        }
        state
    }

    fn digest_into(&self, sink: &mut dyn FnMut(&[u8])) {
        self.registers.digest_into(sink);
        sink(b"|");
        for rule in &self.rules {
            sink(rule.rule.as_bytes());
            rule.announced.digest_into(sink);
        }
    }
}

impl StudentState {
    fn take(&mut self, (tag, format, bytes): (u8, u8, &[u8])) -> Result<(), HubError> {
        let is_known = match tag {
            PROFILE | RULE | NAMES if format != SECTION_FORMAT => return Err(damaged()),
            tag if Registers::TAGS.contains(&tag) && format != SECTION_FORMAT => return Err(damaged()),
            PROFILE => {
                self.profile = postcard::from_bytes(bytes).map_err(|_| damaged())?;
                true
            }
            NAMES => {
                self.names = postcard::from_bytes(bytes).map_err(|_| damaged())?;
                true
            }
            RULE => self.take_rule(bytes)?,
            tag => self.registers.take_section(tag, bytes).map_err(|_| damaged())?,
        };
        if !is_known {
            self.others.push((tag, format, bytes.into()));
        }
        Ok(())
    }

    /// A rule that this version does not know has flags that it cannot read.
    fn take_rule(&mut self, bytes: &[u8]) -> Result<bool, HubError> {
        let (name, _): (&str, _) = postcard::take_from_bytes(bytes).map_err(|_| damaged())?;
        let is_known = Settings::NAMES.contains(&name);
        if is_known {
            self.rules.push(postcard::from_bytes(bytes).map_err(|_| damaged())?);
        }
        Ok(is_known)
    }
}

fn damaged() -> HubError {
    HubError::Stored("student's state")
}

fn plain<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_extend(value, Vec::new()).expect("a buffer that grows takes any state")
}

fn push(state: &mut Vec<u8>, tag: u8, format: u8, bytes: &[u8]) {
    state.extend([tag, format]);
    let section = postcard::to_extend(&bytes.len(), std::mem::take(state));
    *state = section.expect("a buffer that grows takes any length");
    state.extend_from_slice(bytes);
}

/// Whom a state row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudentYear {
    pub school_year: u16,
    pub student: StudentKey,
}

impl Who for StudentYear {
    fn subject(self) -> Subject {
        let mut subject = Vec::with_capacity(19);
        subject.push(STUDENT);
        subject.extend_from_slice(&self.school_year.to_be_bytes());
        subject.extend_from_slice(self.student.as_uuid().as_bytes());
        subject
    }

    fn of_subject(subject: &[u8]) -> Option<Self> {
        let (&[STUDENT, high, low], uuid) = subject.split_first_chunk::<3>()? else { return None };
        let uuid = Uuid::from_slice(uuid).ok()?;
        Some(Self { school_year: u16::from_be_bytes([high, low]), student: StudentKey::from_uuid(uuid) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In a rolling upgrade a process of the version before reads what one of the next has written.
    #[test]
    fn what_another_version_has_beside_is_kept_as_it_is() {
        let profile = Some(Profile { id: "1001".to_owned(), id_system: "sis".to_owned() });
        let state = StudentState { profile, ..StudentState::default() };
        let (ours, newer_rule) = (state.encode(), plain(&("tardiness", 7_u8)));
        let mut bytes = ours.clone();
        push(&mut bytes, 99, 1, b"a section");
        push(&mut bytes, 99, 2, b"of another format");
        push(&mut bytes, RULE, SECTION_FORMAT, &newer_rule);
        let mut read = StudentState::decode(&bytes).expect("reads");
        assert_eq!(read.others.len(), 3);
        assert_eq!(read.encode(), bytes);
        read.profile = None;
        let written = StudentState::decode(&read.encode()).expect("reads");
        assert_eq!(written.others, read.others);
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for bytes in [&b""[..], &[2], &[FORMAT, 1], &[FORMAT, PROFILE, SECTION_FORMAT, 9, 0]] {
            assert!(StudentState::decode(bytes).is_err(), "{bytes:?}");
        }
        for tag in Registers::TAGS.iter().copied().chain([PROFILE, RULE, NAMES]) {
            let mut newer = vec![FORMAT];
            push(&mut newer, tag, SECTION_FORMAT + 1, b"of a later version");
            assert!(StudentState::decode(&newer).is_err(), "nothing is judged without section {tag}");
        }
    }

    /// A newer process finds its own rule behind those that an older one wrote.
    #[test]
    fn rules_are_in_the_order_of_their_names_whoever_wrote_them() {
        let of = |rule: &str| RuleState { rule: rule.to_owned(), ..RuleState::default() };
        let mut bytes = vec![FORMAT];
        for rule in ["chronic-absence", "behavior"] {
            push(&mut bytes, RULE, SECTION_FORMAT, &plain(&of(rule)));
        }
        let state = StudentState::decode(&bytes).expect("reads");
        assert_eq!(state.rules, [of("behavior"), of("chronic-absence")]);
    }
}
