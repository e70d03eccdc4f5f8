//! Cards: what lists show of states.

use std::ops::RangeInclusive;

use async_trait::async_trait;
use uuid::Uuid;

use crate::StoreError;
use crate::state::Subject;

/// What a list shows of a part of a state: written with it, so that nobody reads states to list them. No second truth:
/// whoever has the states can make the cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What it is a card of, e.g. `flag`. With the id its key inside the consumer.
    pub kind: String,
    pub id: Uuid,
    /// The state that it is a part of.
    pub subject: Subject,
    /// What lists are asked for: how it stands, what it is about (a flag's rule), and where.
    pub state: String,
    pub about: String,
    pub school: Option<String>,
    /// Lists are in the order of its bytes, then of ids.
    pub sort: String,
    /// What is shown, as JSON.
    pub body: String,
}

/// Which cards to look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct CardQuery<'a> {
    pub kind: &'a str,
    /// `None`: any.
    pub state: Option<&'a str>,
    pub about: Option<&'a str>,
    pub school: Option<&'a str>,
}

impl CardQuery<'_> {
    /// Whether it asks for this card.
    pub fn takes(&self, card: &Card) -> bool {
        self.kind == card.kind
            && self.state.is_none_or(|state| state == card.state)
            && self.about.is_none_or(|about| about == card.about)
            && self.school.is_none_or(|school| card.school.as_deref() == Some(school))
    }
}

/// Looks at cards, which come with the batches of a [`StateStore`](crate::StateStore). Needs no lease.
#[async_trait]
pub trait Cards: Send + Sync {
    /// Up to `max` of the consumer's cards, on whatever shard, in the order of `sort` and id, after `after`.
    async fn cards(
        &self,
        consumer: &str,
        which: &CardQuery<'_>,
        after: Option<&Card>,
        max: usize,
    ) -> Result<Vec<Card>, StoreError>;

    /// The cards of a kind whose ids are in the range, up to `max`, in the order of their ids.
    async fn cards_by_id(
        &self,
        consumer: &str,
        kind: &str,
        ids: RangeInclusive<Uuid>,
        max: usize,
    ) -> Result<Vec<Card>, StoreError>;

    /// How many cards of a kind stand how, in the order of `state`.
    async fn count_cards(&self, consumer: &str, kind: &str) -> Result<Vec<(String, u64)>, StoreError>;
}
