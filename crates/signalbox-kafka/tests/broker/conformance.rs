//! The suite that every log runs.

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{ClientConfig, Offset as Place, TopicPartitionList};
use signalbox_log::conformance::{Fixture, overtaken};

use crate::support::{Prefixed, variable};

async fn fresh(topics: &[(&str, u32)]) -> Fixture {
    Fixture::new(Prefixed::with_topics(topics).await)
}

signalbox_log::log_conformance!(fresh);

#[tokio::test]
async fn retention_overtakes_a_member() {
    let log = Prefixed::with_topics(&[("a", 1)]).await;
    let prefix = log.prefix.clone();
    overtaken(Fixture::new(log), async |topic, shard, before| {
        trim(&format!("{prefix}{topic}"), shard, before).await;
    })
    .await;
}

/// Drops the records below an offset, as retention does.
async fn trim(topic: &str, shard: u32, before: u64) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", variable("SIGNALBOX_TEST_KAFKA"))
        .create()
        .expect("a client can be made");
    let mut list = TopicPartitionList::new();
    let place = Place::Offset(before.cast_signed());
    list.add_partition_offset(topic, shard.cast_signed(), place).expect("an offset is a place");
    let trimmed = admin.delete_records(&list, &AdminOptions::new()).await.expect("the broker answers");
    trimmed.elements()[0].error().expect("the records can be deleted");
}
