//! The entries in the brokers' access lists that the hub's user needs.
//!
//! The hub does not make them: a user that may change access lists may do everything.

use std::io::{self, Write};

use crate::config::Servers;
use crate::open::servers::topics;
use serde::Serialize;

/// One entry, in the words of Kafka's `kafka-acls`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Access {
    principal: String,
    /// `topic` or `group`.
    resource: &'static str,
    /// `prefixed`: everything whose name begins so.
    pattern: &'static str,
    name: String,
    operations: &'static [&'static str],
}

/// What the user of the configuration needs to run; none where no user is named.
pub(super) fn needed(servers: &Servers) -> Vec<Access> {
    let Some(scram) = &servers.kafka.scram_sha_512 else { return Vec::new() };
    let entry = |resource, operations| Access {
        principal: format!("User:{}", scram.user),
        resource,
        pattern: "prefixed",
        name: format!("{}.", topics(servers).prefix),
        operations,
    };
    vec![entry("topic", &["Read", "Write", "Describe"]), entry("group", &["Read", "Describe"])]
}

/// As commands for an administrator.
pub(super) fn text(out: &mut dyn Write, needed: &[Access]) -> io::Result<()> {
    if !needed.is_empty() {
        writeln!(
            out,
            "\nTo run, the user needs these entries in the access lists, which an administrator makes:"
        )?;
    }
    for Access { principal, resource, pattern, name, operations } in needed {
        write!(
            out,
            "  kafka-acls --bootstrap-server … --command-config … --add --allow-principal {principal}"
        )?;
        write!(out, " --resource-pattern-type {pattern} --{resource} {name}")?;
        operations.iter().try_for_each(|operation| write!(out, " --operation {operation}"))?;
        writeln!(out)?;
    }
    Ok(())
}
