//! A build without Kafka and PostgreSQL: there is never a connection to either.

use signalbox_runtime::hub::Topics;

use super::Stores;
use crate::exit::Failure;

pub(crate) enum Connected {}

impl Connected {
    pub(crate) async fn close(&self) {
        match *self {}
    }
}

pub(super) fn stores(connected: &Connected, _: Topics) -> Stores {
    match *connected {}
}

pub(super) enum Scratch {}

impl Scratch {
    pub(super) async fn remove(self) -> Result<(), Failure> {
        match self {}
    }
}
