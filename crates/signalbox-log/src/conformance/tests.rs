use super::{Fixture, overtaken};
use crate::MemoryLog;

async fn fresh(topics: &[(&str, u32)]) -> Fixture {
    Fixture::new(MemoryLog::with_topics(topics.iter().copied()))
}

crate::log_conformance!(fresh);

#[tokio::test]
async fn retention_overtakes_a_member() {
    let log = MemoryLog::with_topics([("a", 1)]);
    let trim = async |topic: &str, shard, before| log.trim(topic, shard, before).expect("it is there");
    overtaken(Fixture::new(log.clone()), trim).await;
}
