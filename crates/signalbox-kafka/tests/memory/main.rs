//! How much a member reads ahead. A program of its own: it looks at the memory of its process.

#[path = "../broker/support.rs"]
#[expect(dead_code, reason = "made for the other tests")]
mod support;

use std::time::Duration;

use signalbox_log::{Delivery, EventLog, Message};

use crate::support::{connect, make_topic, message, unique};

const SHARDS: u32 = 4;

/// Of one shard, in MiB.
const BACKLOG_MIB: usize = 64;

/// What may be read ahead of one shard, in MiB: a queue of 8, what one request brings beside it, and as much again for
/// what the allocator keeps.
const AHEAD_MIB: usize = 24;

/// The memory of this process that is in use, in MiB.
fn resident_mib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux tells");
    let kib = line.trim().trim_end_matches("kB").trim();
    kib.parse::<usize>().expect("a number") / 1024
}

/// Sixteen KiB that shrink to about an eighth, as events do.
fn large(shard: u32, number: usize) -> Message {
    let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let block: Vec<u8> = (0..256).flat_map(|_| random()).collect();
    Message { value: block.repeat(8).into(), ..message("", shard, 0) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_ahead_is_bounded() {
    let (log, topic) = (connect().await, unique("a"));
    make_topic(&log, &topic, SHARDS).await;
    for shard in 0..SHARDS {
        for mib in 0..BACKLOG_MIB {
            // In small parts, so that little memory is left over from appending.
            let part = (0..64).map(|n| Message { topic: topic.clone(), ..large(shard, mib * 64 + n) });
            log.append(&part.collect::<Vec<_>>()).await.expect("the log takes them");
        }
    }
    let mut member = log.join(&unique("g"), std::slice::from_ref(&topic)).await.expect("it can be joined");
    let Delivery::Assigned(shards) = member.next(1).await.expect("the log delivers") else {
        panic!("first comes the assignment")
    };
    let before = resident_mib();
    for shard in shards {
        member.start(shard, &[]).await.expect("the shard is in hand");
    }
    let Delivery::Records { .. } = member.next(1).await.expect("the log delivers") else {
        panic!("records are there")
    };
    let mut most = 0;
    for _ in 0..30 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        most = most.max(resident_mib().saturating_sub(before));
    }
    assert!(most > 0, "nothing is read ahead");
    assert!(most < SHARDS as usize * AHEAD_MIB, "{most} MiB are read ahead of {SHARDS} shards");
}
