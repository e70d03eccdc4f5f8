//! What a process does: ingest, deliver, and one role for each consumer.

use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::consumers::CONSUMERS;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Ingest,
    /// That at this place of the list.
    Consume(usize),
    Deliver,
}

static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
    let consumers = (0..CONSUMERS.len()).map(Role::Consume);
    [Role::Ingest].into_iter().chain(consumers).chain([Role::Deliver]).collect()
});

impl ValueEnum for Role {
    fn value_variants<'a>() -> &'a [Self] {
        &ROLES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, about) = match *self {
            Self::Ingest => ("ingest", "Read feeds and publish events"),
            Self::Consume(at) => (CONSUMERS[at].name, CONSUMERS[at].about),
            Self::Deliver => ("deliver", "Send alerts"),
        };
        Some(PossibleValue::new(name).help(about))
    }
}
