//! A student's state as it is stored, and as far as it was read.
//!
//! It is a row of sections, each with a tag and a format. Whoever folds an absence into it reads no grades: a section that
//! nobody asked for is written back as it is, and so is what another version of the hub has beside. A section that this version
//! has too, in a format that it cannot read, is not passed over: nothing is judged without it.

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use signalbox_consume::folder::State;
use signalbox_hub::HubError;
use signalbox_risk::{Fact, Registers, Settings};
use xxhash_rust::xxh3::xxh3_128;

use super::{RuleState, StudentState};

/// The first byte of every stored state: which shape follows.
const FORMAT: u8 = 4;

/// Tags of sections; those of registers are their own.
const PROFILE: u8 = 1;
const RULE: u8 = 2;
const NAMES: u8 = 3;

/// The section's value.
const PLAIN: u8 = 1;
/// The same behind the digest of what it says: who does not read the section knows it by that.
const DIGESTED: u8 = 2;
const DIGEST_BYTES: usize = size_of::<u128>();

/// A student's state in one process.
#[derive(Debug, Clone, Default)]
pub struct StudentInHand {
    read: StudentState,
    /// As they are stored: sections that nobody asked for, and those that this version does not know.
    unread: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq)]
struct Section {
    tag: u8,
    format: u8,
    bytes: Bytes,
}

impl From<StudentState> for StudentInHand {
    fn from(read: StudentState) -> Self {
        Self { read, unread: Vec::new() }
    }
}

impl StudentInHand {
    /// All of it.
    pub fn whole(&mut self) -> Result<&mut StudentState, HubError> {
        self.read(|_| true)
    }

    pub fn into_whole(mut self) -> Result<StudentState, HubError> {
        self.whole()?;
        Ok(self.read)
    }

    /// What the feeds call the student; nothing else may be used.
    pub(crate) fn with_names(&mut self) -> Result<&mut StudentState, HubError> {
        self.read(|tag| tag == NAMES)
    }

    /// The profile, and the register of such a fact; nothing else may be used.
    pub(crate) fn with_register_of(&mut self, fact: &Fact<'_>) -> Result<&mut StudentState, HubError> {
        let of_fact = Registers::tag_of(fact);
        let names_student = matches!(fact, Fact::Enrollment { .. });
        self.read(|tag| tag == of_fact || names_student && tag == PROFILE)
    }

    /// Whether a rule ever decided something.
    pub(crate) fn has_rules(&self) -> bool {
        !self.read.rules.is_empty() || self.unread.iter().any(|section| section.tag == RULE)
    }

    fn read(&mut self, is_wanted: impl Fn(u8) -> bool) -> Result<&mut StudentState, HubError> {
        let mut at = 0;
        while let Some(section) = self.unread.get(at) {
            if is_wanted(section.tag) && self.read.take(section)? {
                self.unread.remove(at);
            } else {
                at += 1;
            }
        }
        Ok(&mut self.read)
    }
}

impl State for StudentInHand {
    fn decode(bytes: Bytes) -> Result<Self, HubError> {
        let Some((&FORMAT, mut rest)) = bytes.split_first() else { return Err(damaged()) };
        let mut unread = Vec::with_capacity(4);
        while !rest.is_empty() {
            let ((tag, format, section), behind) =
                postcard::take_from_bytes::<(u8, u8, &[u8])>(rest).map_err(|_| damaged())?;
            unread.push(Section { tag, format, bytes: bytes.slice_ref(section) });
            rest = behind;
        }
        if !unread.iter().all(Section::is_readable) {
            return Err(damaged());
        }
        Ok(Self { read: StudentState::default(), unread })
    }

    fn encode(&self, bytes: &mut Vec<u8>, known: &mut Vec<u8>) {
        let mut sections = Sections { bytes, digest: 0 };
        sections.bytes.push(FORMAT);
        for tag in tags() {
            self.read.write(tag, &mut sections);
            self.unread
                .iter()
                .filter(|section| section.tag == tag)
                .for_each(|section| sections.copy(section));
        }
        let others = self.unread.iter().filter(|section| tags().all(|tag| section.tag != tag));
        others.for_each(|section| sections.copy(section));
        known.extend_from_slice(&sections.digest.to_be_bytes());
    }
}

/// The tags of the sections that this version knows, in the order in which they are written.
fn tags() -> impl Iterator<Item = u8> {
    [PROFILE, NAMES, RULE].into_iter().chain(Registers::TAGS.iter().copied())
}

/// Whether a section says something that is known or decided: names and profile are for people.
fn is_digested(tag: u8) -> bool {
    tag == RULE || Registers::TAGS.contains(&tag)
}

impl Section {
    fn is_readable(&self) -> bool {
        let is_known = tags().any(|tag| tag == self.tag);
        let has_digest = self.format == DIGESTED && self.bytes.len() >= DIGEST_BYTES;
        !is_known || if is_digested(self.tag) { has_digest } else { self.format == PLAIN }
    }

    /// 0 where it says nothing that is known or decided. Of a section that this version does not know the format tells.
    fn digest(&self) -> u128 {
        let digest = self.bytes.first_chunk().filter(|_| self.format == DIGESTED);
        digest.map_or(0, |digest| u128::from_be_bytes(*digest))
    }

    fn value<T: DeserializeOwned>(&self) -> Result<T, HubError> {
        postcard::from_bytes(self.value_bytes()).map_err(|_| damaged())
    }

    fn value_bytes(&self) -> &[u8] {
        if is_digested(self.tag) { &self.bytes[DIGEST_BYTES..] } else { &self.bytes }
    }
}

impl StudentState {
    /// `false`: the section is of no version that this one knows.
    fn take(&mut self, section: &Section) -> Result<bool, HubError> {
        match section.tag {
            PROFILE => self.profile = section.value()?,
            NAMES => self.names = section.value()?,
            RULE => return self.take_rule(section),
            tag => {
                let taken = self.registers.take_section(tag, section.digest(), section.value_bytes());
                return taken.map_err(|_| damaged());
            }
        }
        Ok(true)
    }

    /// A rule that this version does not know has flags that it cannot read. One that another version kept may stand behind
    /// its own: here they are in the order of their names.
    fn take_rule(&mut self, section: &Section) -> Result<bool, HubError> {
        let (name, _): (&str, _) = postcard::take_from_bytes(section.value_bytes()).map_err(|_| damaged())?;
        if !Settings::NAMES.contains(&name) {
            return Ok(false);
        }
        let at = self.rules.partition_point(|rule| rule.rule.as_str() < name);
        self.rules.insert(at, section.value()?);
        Ok(true)
    }

    /// Writes what it has of the sections with this tag.
    fn write(&self, tag: u8, sections: &mut Sections<'_>) {
        match tag {
            PROFILE if self.profile.is_some() => sections.plain(tag, &self.profile),
            NAMES if !self.names.is_empty() => sections.plain(tag, &self.names),
            RULE => {
                for rule in &self.rules {
                    sections.digested(tag, |bytes| {
                        append(bytes, rule);
                        Some(rule.digest())
                    });
                }
            }
            tag => sections.digested(tag, |bytes| self.registers.write_section(tag, bytes)),
        }
    }
}

impl RuleState {
    /// Of what is decided.
    fn digest(&self) -> u128 {
        let mut decided = self.rule.clone().into_bytes();
        self.announced.digest_into(&mut decided);
        xxh3_128(&decided)
    }
}

/// Sections in the making.
struct Sections<'a> {
    bytes: &'a mut Vec<u8>,
    /// The sum of theirs.
    digest: u128,
}

impl Sections<'_> {
    fn copy(&mut self, section: &Section) {
        self.digest = self.digest.wrapping_add(section.digest());
        append(self.bytes, &(section.tag, section.format, section.bytes.len()));
        self.bytes.extend_from_slice(&section.bytes);
    }

    fn plain(&mut self, tag: u8, value: &impl Serialize) {
        let begin = self.bytes.len();
        append(self.bytes, value);
        self.head(begin, tag, PLAIN);
    }

    /// `write` appends the section and answers its digest; `None`: it is empty.
    fn digested(&mut self, tag: u8, write: impl FnOnce(&mut Vec<u8>) -> Option<u128>) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&[0; DIGEST_BYTES]);
        let Some(digest) = write(self.bytes) else {
            self.bytes.truncate(begin);
            return;
        };
        self.digest = self.digest.wrapping_add(digest);
        self.bytes[begin..begin + DIGEST_BYTES].copy_from_slice(&digest.to_be_bytes());
        self.head(begin, tag, DIGESTED);
    }

    /// Puts the head of a section before its bytes, which begin there.
    fn head(&mut self, begin: usize, tag: u8, format: u8) {
        let before = self.bytes.len();
        append(self.bytes, &(tag, format, before - begin));
        let head = self.bytes.len() - before;
        self.bytes[begin..].rotate_right(head);
    }
}

fn append(bytes: &mut Vec<u8>, value: &impl Serialize) {
    let longer = postcard::to_extend(value, std::mem::take(bytes));
    *bytes = longer.expect("a buffer that grows takes any state");
}

fn damaged() -> HubError {
    HubError::Stored("student's state")
}

#[cfg(test)]
mod tests;
