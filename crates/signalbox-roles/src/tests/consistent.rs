//! What stands beside states, for those who look.

use signalbox_consume::digest;
use signalbox_consume::folder::{Folder, Who, of_row};
use signalbox_hub::Hub;
use signalbox_hub::shard::ShardState;
use signalbox_store::card::CardQuery;

/// What is kept beside states, for those who look, is what the states say.
pub(crate) async fn consistent<F: Folder>(hub: &Hub, kind: &str) {
    let mut cards = Vec::new();
    for shard in 0..hub.settings.topics.shards {
        let (kept, _) = ShardState::<F::Shard>::stored(hub, F::KEPT_AS, shard).await.expect("reads");
        let mut sum = 0_u128;
        for row in hub.states.scan(F::KEPT_AS, shard, None, 1_000).await.expect("reads") {
            let Some(who) = F::Who::of_subject(&row.subject) else { continue };
            let mut state: F::State = of_row(&row).expect("its own");
            let told = digest(&row.subject, &state);
            sum = sum.wrapping_add(told);
            cards.extend(F::cards(&kept, &hub.settings, who, &mut state).expect("its own"));
            assert_eq!(digest(&row.subject, &state), told, "read whole, it says what it said in sections");
        }
        assert_eq!(sum, kept.digest, "the digests of shard {shard} of {}", F::NAME);
    }
    cards.sort_by(|a, b| (&a.sort, a.id).cmp(&(&b.sort, b.id)));
    let which = CardQuery { kind, ..CardQuery::default() };
    let stored = hub.states.cards(F::KEPT_AS, &which, None, 1_000).await.expect("reads");
    assert_eq!(stored, cards, "the cards of {}", F::NAME);
}
