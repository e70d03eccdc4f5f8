//! Consumer state, cards and the outbox. States are written and read in each database's own way, which is where most of
//! the time goes; cards are looked at, and the outbox is kept, in the same way in both.
//!
//! # Layout
//! - `cards`: what lists show; `outbox`: what is to be sent

mod cards;
pub(crate) mod outbox;

/// [`StateStore`](signalbox_store::StateStore), [`Outbox`](signalbox_store::Outbox) and
/// [`Cards`](signalbox_store::card::Cards) in the tables of a database.
#[derive(Debug, Clone)]
pub struct States<E> {
    pub(crate) engine: E,
}
