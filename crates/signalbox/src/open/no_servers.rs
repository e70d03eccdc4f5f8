//! A build without Kafka and PostgreSQL: there is never a connection to either.

use signalbox_hub::Topics;

use super::Stores;
use crate::exit::Failure;

pub(crate) enum Connected {}

impl Connected {
    #[expect(clippy::unused_async, reason = "as of a connection that there is")]
    pub(crate) async fn close(&self) {
        match *self {}
    }
}

pub(super) fn stores(connected: &Connected, _: Topics) -> Stores {
    match *connected {}
}

pub(super) enum Scratch {}

#[expect(clippy::unused_async, reason = "as of a copy that there is")]
pub(super) async fn remove(copy: Scratch) -> Result<(), Failure> {
    match copy {}
}
