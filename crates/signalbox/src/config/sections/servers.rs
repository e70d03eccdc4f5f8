//! The sections that name servers.

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize as DeriveDeserialize;
use serde::de::{self, Deserialize, Deserializer};
use signalbox_connector::Secret;
use signalbox_event::Domain;

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kafka {
    pub(crate) brokers: Vec<String>,
    /// What stands before every topic name (k12).
    pub(crate) prefix: Option<String>,
    /// Partitions of every student topic (12); fixed for the log's life.
    pub(crate) shards: Option<u32>,
    /// Copies of every record (3).
    pub(crate) replication: Option<u16>,
    pub(crate) tls: Option<Tls>,
    /// Reaches brokers of other machines in clear: whoever is on the way can read along and change what passes.
    #[serde(default)]
    pub(crate) plaintext: bool,
    pub(crate) scram_sha_512: Option<Scram>,
    /// Who makes topics and access lists, where the hub's own user may not: only `topics plan` and `topics apply` come
    /// in as this user.
    pub(crate) administrator: Option<Scram>,
    /// Who else may read events of the district, and of which domains.
    #[serde(default)]
    pub(crate) readers: Vec<Reader>,
}

/// A user of the brokers that reads whole domains, e.g. a data team of the district's own.
#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reader {
    pub(crate) user: String,
    pub(crate) domains: Vec<DomainName>,
}

/// A domain by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DomainName(pub(crate) Domain);

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    /// The certificate authority's PEM file; without it, the system's.
    pub(crate) ca: Option<PathBuf>,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scram {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

#[derive(Debug, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Postgres {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`; another machine is reached with `sslmode=verify-full`.
    pub(crate) url: Secret,
    /// Lets `sslmode` say something else: whoever is on the way can read along and change what passes.
    #[serde(default)]
    pub(crate) plaintext: bool,
}

impl<'de> Deserialize<'de> for DomainName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let found = Domain::ALL.into_iter().find(|domain| domain.as_str() == name);
        found.map(Self).ok_or_else(|| {
            let known = Domain::ALL.map(Domain::as_str).join(", ");
            de::Error::custom(format!("there is no domain \"{name}\"; there are {known}"))
        })
    }
}

impl JsonSchema for DomainName {
    fn schema_name() -> Cow<'static, str> {
        "DomainName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": Domain::ALL.map(Domain::as_str)})
    }
}
