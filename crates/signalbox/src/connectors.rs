//! Every connector this binary speaks. A new one is a line here and one in Cargo.toml.

use signalbox_connector::Connector;

pub(crate) const ALL: &[Connector] =
    &[connector_csv::CONNECTOR, connector_oneroster::CONNECTOR, connector_webhook::CONNECTOR];

/// Those that a feed can read from.
pub(crate) fn sources() -> impl Iterator<Item = &'static Connector> {
    ALL.iter().filter(|connector| connector.source.is_some())
}

/// Those that alerts can go to.
pub(crate) fn destinations() -> impl Iterator<Item = &'static Connector> {
    ALL.iter().filter(|connector| connector.destination.is_some())
}
