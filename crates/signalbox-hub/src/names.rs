//! What a feed is called, and the name under which it is kept.
//!
//! A feed is kept under the first name that it had: in the stores, on the log and in every student's registers. The
//! name in the configuration leads there. So renaming a feed moves a word and nothing that was remembered, and a feed
//! that takes the name of one that is gone gets a name of its own to be kept under.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use signalbox_store::FeedStore;

use crate::HubError;

/// The note that holds them.
const NOTE: &str = "feed-names";

/// No name of a configuration has it.
const APART: char = '~';

/// The names of all feeds that were ever configured, as far as they are not what one would think.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// From the configured name to the one that the feed is kept under.
    kept_as: BTreeMap<String, String>,
    /// Kept names of feeds that a person retired: nothing that they said counts, and nobody gets their name.
    retired: BTreeSet<String>,
}

impl Names {
    pub async fn load(feeds: &dyn FeedStore) -> Result<Self, HubError> {
        match feeds.note(NOTE).await? {
            None => Ok(Self::default()),
            Some(json) => serde_json::from_str(&json).map_err(|_| HubError::Stored("note of feed names")),
        }
    }

    /// Writes them down.
    pub async fn save(&self, feeds: &dyn FeedStore) -> Result<(), HubError> {
        let json = serde_json::to_string(self).expect("names always serialise");
        Ok(feeds.save_note(NOTE, &json).await?)
    }

    /// As [`load`](Self::load), with a name to be kept under for every configured feed.
    pub async fn of_configured<'a>(
        feeds: &dyn FeedStore,
        configured: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, HubError> {
        let before = Self::load(feeds).await?;
        let mut names = before.clone();
        for name in configured {
            names.settle(name);
        }
        if names != before {
            names.save(feeds).await?;
        }
        Ok(names)
    }

    /// The name under which a feed is kept that is called `name`.
    pub fn kept_as<'a>(&'a self, name: &'a str) -> &'a str {
        self.kept_as.get(name).map_or(name, String::as_str)
    }

    /// What people call a feed that is kept under `kept`.
    pub fn called<'a>(&'a self, kept: &'a str) -> &'a str {
        self.kept_as.iter().find(|(_, as_name)| *as_name == kept).map_or(kept, |(name, _)| name)
    }

    pub fn is_retired(&self, kept: &str) -> bool {
        self.retired.contains(kept)
    }

    /// From here on what is kept under `kept` is called `new`, and by no other name.
    pub fn rename(&mut self, kept: &str, new: &str) {
        self.kept_as.retain(|_, as_name| as_name != kept);
        self.kept_as.insert(new.to_owned(), kept.to_owned());
    }

    /// Nothing that the feed said counts from here on, and nobody gets its name.
    pub fn retire(&mut self, kept: &str) {
        self.kept_as.retain(|_, as_name| as_name != kept);
        self.retired.insert(kept.to_owned());
    }

    /// Sees that the name leads to no other feed's facts.
    fn settle(&mut self, name: &str) {
        if self.kept_as.contains_key(name) || !self.is_taken(name) {
            return;
        }
        let free = (2..=u32::MAX).map(|n| format!("{name}{APART}{n}")).find(|kept| !self.is_taken(kept));
        let free = free.expect("fewer names are taken than there are numbers");
        self.kept_as.insert(name.to_owned(), free);
    }

    fn is_taken(&self, kept: &str) -> bool {
        self.retired.contains(kept) || self.kept_as.values().any(|as_name| as_name == kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_what_was_kept_under_the_first_one() {
        let mut names = Names::default();
        names.rename("sis", "students");
        assert_eq!((names.kept_as("students"), names.called("sis")), ("sis", "students"));
        names.rename("sis", "pupils");
        assert_eq!((names.kept_as("pupils"), names.called("sis")), ("sis", "pupils"));
        assert_eq!(names.kept_as("students"), "students", "the name is free again");
        names.rename("sis", "sis");
        assert_eq!((names.kept_as("sis"), names.called("sis")), ("sis", "sis"));
    }

    #[test]
    fn who_takes_the_name_of_another_is_kept_apart_from_it() {
        let mut names = Names::default();
        names.rename("sis", "students");
        names.settle("sis");
        assert_eq!((names.kept_as("sis"), names.called("sis~2")), ("sis~2", "sis"));
        assert_eq!(names.kept_as("students"), "sis");
        names.retire("sis~2");
        names.settle("sis");
        assert_eq!(names.kept_as("sis"), "sis~3");
        assert!(names.is_retired("sis~2"));
    }
}
