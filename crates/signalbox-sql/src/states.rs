//! Consumer state, cards and the outbox. A batch is read and written in each database's own way, for that is where most of
//! the time goes; the rest is the same for both.
//!
//! # Layout
//! - `paging`: states page by page; `cards`: what lists show; `outbox`: what is to be sent

mod cards;
pub(crate) mod outbox;
pub(crate) mod paging;

/// [`StateStore`](signalbox_store::StateStore), [`Outbox`](signalbox_store::Outbox) and
/// [`Cards`](signalbox_store::card::Cards) in the tables of a database.
#[derive(Debug, Clone)]
pub struct States<E> {
    pub(crate) engine: E,
}
