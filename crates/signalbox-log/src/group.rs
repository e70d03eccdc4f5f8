//! Consumer groups inside one process, for logs that have no broker to keep them.
//!
//! [`Groups`] knows who is in which group and who holds which shard. Shards are shared by *range* (Kafka's
//! assignor of that name): members in the order they joined, each a run of neighbouring shards, the first ones a
//! shard more where it does not divide. A shard changes hands in two steps: its holder takes the revocation, then
//! the next member the assignment, so no shard is ever held twice. A member that never asks for its next delivery
//! keeps its shards.
//!
//! [`LocalSubscription`] makes a [`Subscription`](crate::Subscription) of it for any [`LocalLog`].

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::{Delivery, Shard};

mod subscription;
#[cfg(test)]
mod tests;

pub use subscription::{LocalLog, LocalSubscription};

/// The groups of one log in this process. Clones share them.
#[derive(Debug, Clone)]
pub struct Groups {
    inner: Arc<Inner>,
}

/// A place in a group; left when dropped.
#[derive(Debug)]
pub struct Membership {
    groups: Groups,
    group: String,
    id: MemberId,
    bell: watch::Receiver<()>,
}

/// Every member of a group reads the same topics.
#[derive(Debug, thiserror::Error)]
#[error("group \"{group}\" reads other topics, or the same in another order")]
pub struct OtherTopics {
    pub group: String,
}

type MemberId = u64;

#[derive(Debug)]
struct Inner {
    groups: Mutex<Registry>,
    /// Rung when records were appended or shards may change hands.
    bell: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Registry {
    joined: MemberId,
    groups: HashMap<String, Group>,
}

#[derive(Debug)]
struct Group {
    topics: Vec<String>,
    shards: u32,
    /// In the order they joined.
    members: Vec<MemberId>,
    /// Who was told that it owns a shard, and not yet that it no longer does.
    held: BTreeMap<Shard, MemberId>,
}

impl Default for Groups {
    fn default() -> Self {
        let inner = Inner { groups: Mutex::default(), bell: watch::Sender::new(()) };
        Self { inner: Arc::new(inner) }
    }
}

impl Groups {
    /// Joins `group`, which shares out shards `0..shards`.
    pub fn join(&self, group: &str, topics: &[String], shards: u32) -> Result<Membership, OtherTopics> {
        let id = self.registry().join(group, topics, shards)?;
        self.ring();
        let bell = self.inner.bell.subscribe();
        Ok(Membership { groups: self.clone(), group: group.to_owned(), id, bell })
    }

    /// Wakes every waiting member: call it after an append.
    pub fn ring(&self) {
        self.inner.bell.send_replace(());
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.inner.groups.lock().expect("nothing panics while the registry is held")
    }
}

impl Membership {
    /// From here on, what happens ends the next [`Membership::wait`].
    pub fn listen(&mut self) {
        self.bell.mark_unchanged();
    }

    /// Waits until records were appended or shards may have changed hands since [`Membership::listen`].
    /// Cancel-safe.
    pub async fn wait(&mut self) {
        self.bell.changed().await.expect("the membership keeps the sender alive");
    }

    /// What this member has to be told next about its shards. Telling is what moves them: call it only to pass the
    /// delivery on.
    pub fn change(&mut self) -> Option<Delivery> {
        let change = self.with_group(|group, id| group.revoke(id).or_else(|| group.assign(id)));
        if matches!(change, Some(Delivery::Revoked(_))) {
            self.groups.ring();
        }
        change
    }

    /// Whether this member was told that it owns `shard`.
    pub fn holds(&self, shard: Shard) -> bool {
        self.with_group(|group, id| group.held.get(&shard) == Some(&id))
    }

    fn with_group<T>(&self, f: impl FnOnce(&mut Group, MemberId) -> T) -> T {
        let mut registry = self.groups.registry();
        let group = registry.groups.get_mut(&self.group).expect("a group lives as long as a member of it");
        f(group, self.id)
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.groups.registry().leave(&self.group, self.id);
        self.groups.ring();
    }
}

impl Registry {
    fn join(&mut self, name: &str, topics: &[String], shards: u32) -> Result<MemberId, OtherTopics> {
        let group = self.groups.entry(name.to_owned()).or_insert_with(|| Group {
            topics: topics.to_vec(),
            shards,
            members: Vec::new(),
            held: BTreeMap::new(),
        });
        if group.topics != topics {
            return Err(OtherTopics { group: name.to_owned() });
        }
        self.joined += 1;
        group.members.push(self.joined);
        Ok(self.joined)
    }

    fn leave(&mut self, name: &str, id: MemberId) {
        let group = self.groups.get_mut(name).expect("a group lives as long as a member of it");
        group.members.retain(|member| *member != id);
        group.held.retain(|_, holder| *holder != id);
        if group.members.is_empty() {
            self.groups.remove(name);
        }
    }
}

impl Group {
    /// Takes from `id` what it holds and should not.
    fn revoke(&mut self, id: MemberId) -> Option<Delivery> {
        let share = self.share(id);
        let surplus = |shard: &Shard, holder: &mut MemberId| *holder == id && !share.contains(shard);
        let revoked: Vec<Shard> = self.held.extract_if(.., surplus).map(|(shard, _)| shard).collect();
        (!revoked.is_empty()).then_some(Delivery::Revoked(revoked))
    }

    /// Gives `id` what it should hold and nobody does.
    fn assign(&mut self, id: MemberId) -> Option<Delivery> {
        let free: Vec<Shard> = self.share(id).filter(|shard| !self.held.contains_key(shard)).collect();
        self.held.extend(free.iter().map(|shard| (*shard, id)));
        (!free.is_empty()).then_some(Delivery::Assigned(free))
    }

    /// The range of shards that should be `id`'s.
    fn share(&self, id: MemberId) -> Range<Shard> {
        let place = self.members.iter().position(|member| *member == id).expect("a member is listed");
        let (place, members) = (place as u32, self.members.len() as u32);
        let (each, rest) = (self.shards / members, self.shards % members);
        let first = place * each + place.min(rest);
        first..first + each + u32::from(place < rest)
    }
}
