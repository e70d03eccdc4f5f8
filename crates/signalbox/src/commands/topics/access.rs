//! Access lists: what is declared against what the brokers keep.
//!
//! A topic is a privacy boundary. Declared are the hub's own user, and readers of whole domains. Entries are only ever
//! added: one that nobody declared may be somebody's, so it is told of and left.

mod text;

use serde::Serialize;
use signalbox_kafka::acl::{Entry, Operation, Pattern, Permission, Resource};
use signalbox_kafka::{AccessError, AccessLists, TopicAdmin};
use signalbox_log::LogError;

use crate::cli::TopicsWhat;
use crate::config::Servers;
use crate::config::sections::Reader;
use crate::open::servers::topics;

/// Everywhere: entries do not say from where somebody comes.
const ANY_HOST: &str = "*";
const EVERY_NAME: &str = "*";

/// What is told of access lists.
#[derive(Debug, Serialize)]
pub(super) struct Access {
    #[serde(rename = "access_lists")]
    lists: Lists,
    #[serde(rename = "access")]
    declared: Vec<Declared>,
    /// Entries that open the hub's topics to somebody of whom the configuration does not speak.
    not_declared: Vec<Described>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Lists {
    Shown,
    /// This user may not see them.
    Hidden,
    /// The brokers keep none: everybody may do everything. They only say so to who adds to them.
    None,
}

/// What somebody may do with something, as declared.
#[derive(Debug, Serialize)]
struct Declared {
    principal: String,
    /// `topic` or `group`.
    resource: &'static str,
    /// `prefixed`: everything whose name begins so.
    pattern: &'static str,
    name: String,
    operations: Vec<&'static str>,
    /// Null when that is not known.
    state: Option<State>,
    #[serde(skip)]
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// To be made; after `apply`: made.
    Create,
    /// It is not there, and this user may not make it.
    Missing,
}

/// One entry that is there.
#[derive(Debug, Serialize)]
struct Described {
    principal: String,
    resource: &'static str,
    pattern: &'static str,
    name: String,
    operation: &'static str,
    host: String,
}

/// Compares what is declared with what is there and, if asked to, makes what is missing.
pub(super) async fn care(
    admin: &TopicAdmin,
    servers: &Servers,
    what: TopicsWhat,
) -> Result<Access, LogError> {
    let mut access = Access::new(servers, admin.access().await?);
    let missing = access.missing();
    if matches!(what, TopicsWhat::Apply) && !missing.is_empty() {
        match admin.allow(missing).await {
            Ok(()) => {}
            Err(AccessError::NotAllowed) => access.cannot_create(),
            Err(AccessError::NotKept) => access.lists = Lists::None,
            Err(AccessError::Log(error)) => return Err(error),
        }
    }
    Ok(access)
}

impl Access {
    fn new(servers: &Servers, found: AccessLists) -> Self {
        let mut declared = declared(servers);
        let (lists, there) = match found {
            AccessLists::Entries(there) => (Lists::Shown, there),
            AccessLists::NotShown => (Lists::Hidden, Vec::new()),
        };
        if lists == Lists::Shown {
            for one in &mut declared {
                let is_there = one.entries.iter().all(|entry| there.contains(entry));
                one.state = Some(if is_there { State::Ok } else { State::Create });
            }
        }
        let known: Vec<&Entry> = declared.iter().flat_map(|one| &one.entries).collect();
        let not_declared = there.iter().filter(|entry| !known.contains(entry) && opens(entry, servers));
        Self { lists, not_declared: not_declared.map(Described::of).collect(), declared }
    }

    fn missing(&self) -> Vec<Entry> {
        let missing = self.declared.iter().filter(|one| one.state == Some(State::Create));
        missing.flat_map(|one| one.entries.clone()).collect()
    }

    fn cannot_create(&mut self) {
        for one in self.declared.iter_mut().filter(|one| one.state == Some(State::Create)) {
            one.state = Some(State::Missing);
        }
    }
}

/// What the hub's user and the readers need; the hub's only where its user has a name.
fn declared(servers: &Servers) -> Vec<Declared> {
    let topics = topics(servers);
    let mut declared = Vec::new();
    if let Some(hub) = &servers.kafka.scram_sha_512 {
        let ours = || format!("{}.", topics.prefix);
        let topic = [Operation::Read, Operation::Write, Operation::Describe];
        declared.push(Declared::new(&hub.user, (Resource::Topic, Pattern::Prefixed), ours(), &topic));
        let group = [Operation::Read, Operation::Describe];
        declared.push(Declared::new(&hub.user, (Resource::Group, Pattern::Prefixed), ours(), &group));
    }
    for Reader { user, domains } in &servers.kafka.readers {
        let read = [Operation::Read];
        for domain in domains {
            let topic = topics.name(domain.0);
            declared.push(Declared::new(user, (Resource::Topic, Pattern::Literal), topic, &read));
        }
        let own = format!("{user}.");
        declared.push(Declared::new(user, (Resource::Group, Pattern::Prefixed), own, &read));
    }
    declared
}

/// Whether an entry lets somebody else than the hub and its administrator do more than look at names.
fn opens(entry: &Entry, servers: &Servers) -> bool {
    let Entry { resource, pattern, name, principal, operation, permission, .. } = entry;
    let kafka = &servers.kafka;
    let mut ours = [&kafka.scram_sha_512, &kafka.administrator].into_iter().flatten();
    let is_ours = ours.any(|scram| *principal == format!("User:{}", scram.user));
    let is_harmless = matches!(operation, Operation::Describe | Operation::DescribeConfigs);
    let is_about = |topic: &str| match pattern {
        Pattern::Literal => name == EVERY_NAME || name == topic,
        Pattern::Prefixed => topic.starts_with(name),
    };
    *resource == Resource::Topic
        && *permission == Permission::Allow
        && !is_ours
        && !is_harmless
        && topics(servers).all().iter().any(|(topic, _)| is_about(topic))
}

impl Declared {
    fn new(
        user: &str,
        (resource, pattern): (Resource, Pattern),
        name: String,
        operations: &[Operation],
    ) -> Self {
        let principal = format!("User:{user}");
        let entry = |operation: &Operation| Entry {
            resource,
            pattern,
            name: name.clone(),
            principal: principal.clone(),
            host: ANY_HOST.to_owned(),
            operation: *operation,
            permission: Permission::Allow,
        };
        let entries = operations.iter().map(entry).collect();
        let operations = operations.iter().map(|operation| operation.as_str()).collect();
        let (resource, pattern) = (resource.as_str(), pattern.as_str());
        Self { principal, resource, pattern, name, operations, state: None, entries }
    }
}

impl Described {
    fn of(entry: &Entry) -> Self {
        let Entry { resource, pattern, name, principal, host, operation, .. } = entry.clone();
        let (resource, pattern, operation) = (resource.as_str(), pattern.as_str(), operation.as_str());
        Self { principal, resource, pattern, name, operation, host }
    }
}
