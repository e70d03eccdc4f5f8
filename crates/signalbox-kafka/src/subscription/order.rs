//! Whose turn it is: what an earlier topic of a shard has goes out before what a later one has.
//!
//! Records of a later topic are taken from their queue, then the brokers are asked where the earlier topics end, and the
//! records go out when these are read as far. One question is for all shards that are ready by then.

use std::time::{Duration, Instant};

use signalbox_log::{LogError, Offset, Record, Shard};
use tokio::task::JoinHandle;

use super::KafkaSubscription;
use super::fetch::{Before, Lane};

/// How long to await records of an earlier topic that have to be there, before asking whether the offsets are empty.
pub(super) const AWAITED: Duration = Duration::from_millis(300);

/// What a look at the queues found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) records: Option<(Shard, Vec<Record>)>,
    /// Records of later topics are there, each of a shard and a lane, but are the earlier topics at their ends?
    pub(super) unsure: Vec<(Shard, usize)>,
    pub(super) awaited: Vec<Awaited>,
}

/// What one shard has.
enum Next {
    /// Records of this lane, whose turn it is.
    Ready(usize),
    Unsure(usize),
    Awaits(Awaited),
    Nothing,
}

/// A question under way: where the topics before these lanes end. It goes on when the call that began it is given up.
pub(super) struct Asking {
    lanes: Vec<(Shard, usize)>,
    pub(super) answer: JoinHandle<Result<Vec<Offset>, LogError>>,
}

/// Records of a topic that have to be handed out before others that are there.
pub(super) struct Awaited {
    topic: String,
    shard: Shard,
    end: Offset,
}

impl KafkaSubscription {
    /// Looks into the queues of the shards in hand, in turn, until one has records whose turn it is.
    pub(super) fn look(&mut self, max: usize) -> Found {
        let (mut found, mut ahead) = (Found::default(), 0);
        let served = self.served;
        for shard in self.fetch().turn(served) {
            if !self.desk.holds(shard) {
                continue;
            }
            match self.look_into(shard, max) {
                Next::Ready(lane) => {
                    self.served = shard;
                    let records = self.fetch().lanes_mut(shard)[lane].hand_out(max);
                    found.records = Some((shard, records));
                    break;
                }
                Next::Unsure(lane) => found.unsure.push((shard, lane)),
                Next::Awaits(records) => found.awaited.push(records),
                Next::Nothing => {}
            }
            ahead += self.fetch().lanes_mut(shard).iter().map(Lane::ahead).sum::<usize>();
            if !found.unsure.is_empty() && ahead >= max {
                break;
            }
        }
        found
    }

    /// Looks into the queues of one shard, in the order of the topics. What a later topic has goes out when every
    /// earlier one is read to where it ended after that was taken.
    fn look_into(&mut self, shard: Shard, max: usize) -> Next {
        let fetch = self.fetch.as_mut().expect("only drop takes it");
        let lanes = fetch.lanes_mut(shard);
        for lane in &mut *lanes {
            if let Err(error) = lane.take(max) {
                self.broken.insert(shard, (lane.topic.to_string(), error));
            }
            if lane.ahead() > 0 || self.broken.contains_key(&shard) {
                break;
            }
        }
        let Some(index) = lanes.iter().position(|lane| lane.ahead() > 0) else { return Next::Nothing };
        let (earlier, rest) = lanes.split_at_mut(index);
        let ends = match &rest[0].before {
            _ if earlier.is_empty() => return Next::Ready(index),
            Before::Unasked => return Next::Unsure(index),
            Before::Asked => return Next::Nothing,
            Before::Ends(ends) => ends,
        };
        match earlier.iter_mut().zip(ends).find(|(lane, end)| !lane.is_through(**end)) {
            None => Next::Ready(index),
            Some((lane, &end)) => {
                lane.awaited_since.get_or_insert_with(Instant::now);
                Next::Awaits(Awaited { topic: lane.topic.to_string(), shard, end })
            }
        }
    }

    /// Begins to ask where the earlier topics end, for all of `lanes` at once.
    pub(super) fn ask(&mut self, lanes: Vec<(Shard, usize)>) {
        let mut asked = Vec::new();
        for (shard, index) in &lanes {
            let (earlier, rest) = self.fetch().lanes_mut(*shard).split_at_mut(*index);
            asked.extend(earlier.iter().map(|lane| (lane.topic.to_string(), *shard)));
            rest[0].before = Before::Asked;
        }
        let cluster = self.cluster.clone();
        let answer = tokio::spawn(async move { cluster.ends(asked).await });
        self.asking = Some(Asking { lanes, answer });
    }

    /// Waits for the answer to the question under way.
    pub(super) async fn answer(&mut self) -> Result<(), LogError> {
        let Some(Asking { answer, .. }) = &mut self.asking else { return Ok(()) };
        let answer = answer.await.unwrap_or_else(|error| Err(LogError::Failed(Box::new(error))));
        let lanes = self.asking.take().map(|asking| asking.lanes).unwrap_or_default();
        let (mut ends, failed) = match answer {
            Ok(ends) => (ends.into_iter(), None),
            Err(error) => (Vec::new().into_iter(), Some(error)),
        };
        for (shard, index) in lanes {
            let ends: Vec<Offset> = ends.by_ref().take(index).collect();
            // Who was stopped meanwhile has other lanes, or none.
            let lane = self.fetch().lanes_mut(shard).get_mut(index);
            let Some(lane) = lane.filter(|lane| lane.before == Before::Asked) else { continue };
            lane.before = if failed.is_none() { Before::Ends(ends) } else { Before::Unasked };
        }
        failed.map_or(Ok(()), Err)
    }

    /// Records that the brokers count may not be there: a transaction's end is counted, and so is what was compacted
    /// away. Asks for those that have been awaited for long; whether any of them turned out not to be there.
    pub(super) async fn settle(&mut self, awaited: &[Awaited]) -> Result<bool, LogError> {
        let mut settled = false;
        for Awaited { topic, shard, end } in awaited {
            let Some(lane) = self.fetch().lane_mut(*shard, topic) else { continue };
            if lane.awaited_since.is_none_or(|since| since.elapsed() < AWAITED) {
                continue;
            }
            let from = lane.next;
            let found = self.readers.read(topic, *shard, from, 1).await?;
            let Some(lane) = self.fetch().lane_mut(*shard, topic) else { continue };
            lane.awaited_since = None;
            if found.first().is_none_or(|record| record.offset >= *end) {
                lane.empty_until = *end;
                settled = true;
            }
        }
        Ok(settled)
    }
}
