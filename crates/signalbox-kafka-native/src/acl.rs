//! Access lists of Kafka brokers.
//!
//! [`entries`] and [`add`] block until the brokers answer.

mod native;

use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::AdminClient;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};

/// One entry: who may, or may not, do what with what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub resource: Resource,
    pub pattern: Pattern,
    /// A name, or what names begin with; `*` as a literal name is every name.
    pub name: String,
    /// `User:NAME`; `User:*` is everybody.
    pub principal: String,
    /// An address to come from; `*` is everywhere.
    pub host: String,
    pub operation: Operation,
    pub permission: Permission,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    Topic,
    Group,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pattern {
    /// The one of that name.
    Literal,
    /// All whose names begin so.
    Prefixed,
}

/// What is done; Kafka's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    ClusterAction,
    DescribeConfigs,
    AlterConfigs,
    IdempotentWrite,
}

/// A denial wins over everything that is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    Allow,
    Deny,
}

impl Resource {
    /// As options of Kafka's own tool are called.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Group => "group",
        }
    }
}

impl Pattern {
    /// As Kafka's own tool has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Literal => "literal",
            Self::Prefixed => "prefixed",
        }
    }
}

impl Operation {
    /// As Kafka's own tool has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::Alter => "Alter",
            Self::Describe => "Describe",
            Self::ClusterAction => "ClusterAction",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::AlterConfigs => "AlterConfigs",
            Self::IdempotentWrite => "IdempotentWrite",
        }
    }
}

/// Every entry about topics and groups, in no order. Entries of kinds that this version does not know are left out.
/// Brokers that keep no lists have no entries.
///
/// # Errors
/// [`AdminOp`](KafkaError::AdminOp) with `ClusterAuthorizationFailed` when this user may not see them (it takes
/// DESCRIBE on the cluster), with `OperationTimedOut` and others when the brokers do not answer within `timeout`.
pub fn entries<C: ClientContext>(client: &AdminClient<C>, timeout: Duration) -> KafkaResult<Vec<Entry>> {
    // librdkafka (2.12) passes over the refusal that brokers answer with: it would look like an empty list.
    if !native::rights(client, timeout)?.contains(&Operation::Describe) {
        return Err(KafkaError::AdminOp(Code::ClusterAuthorizationFailed));
    }
    let mut all = native::describe(client, Resource::Topic, timeout)?;
    all.extend(native::describe(client, Resource::Group, timeout)?);
    Ok(all)
}

/// Adds entries. One that is there already is none the worse.
///
/// # Errors
/// As [`entries`], where the right that it takes is ALTER on the cluster; `SecurityDisabled` when the brokers keep no
/// lists; [`Nul`](KafkaError::Nul) for a text with a zero byte. On an error some of the entries may have been added.
pub fn add<C: ClientContext>(
    client: &AdminClient<C>,
    entries: &[Entry],
    timeout: Duration,
) -> KafkaResult<()> {
    if entries.is_empty() {
        return Ok(());
    }
    native::create(client, entries, timeout)
}
