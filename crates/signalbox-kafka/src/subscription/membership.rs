//! Being in the group: a client that reads nothing, on its own thread.
//!
//! The library calls back on the thread that polls. [`Desk`] is where that thread leaves what happened, and where the
//! subscription picks it up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset as Place, TopicPartitionList};
use signalbox_log::{Delivery, LogError, Offset, Shard};
use tokio::sync::Notify;

use super::fetch::FetchClient;
use crate::client::{Client, Context, Reports, is_refusal, log_error};
use crate::cluster::TopicShard;
use crate::config::Config;
use crate::reminder::Reminder;
use crate::threads;

/// How long the thread waits for something to happen; the longest that leaving waits for the thread.
const POLL: Duration = Duration::from_millis(50);

/// How long a rebalance waits for this member to finish what it has begun. Who takes longer is fenced by the store.
const HAND_OVER: Duration = Duration::from_secs(3);

/// How long a member that was fenced waits before it joins again: two processes that were given one name by mistake
/// would take the place from each other without end.
const FENCED_FOR: Duration = Duration::from_secs(1);

/// How long a question may take that only finds out whether the brokers are back.
const KNOCK: Duration = Duration::from_millis(500);

/// What the thread and the subscription share.
#[derive(Debug, Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    /// Something happened.
    pub(super) rung: Notify,
    /// The subscription has picked up a revocation, or is gone.
    picked_up: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What the group decided and the subscription has not heard.
    changes: VecDeque<Delivery>,
    /// The shards that are this member's by now, heard of or not.
    held: BTreeSet<Shard>,
    /// How far the member is, as it reported and the brokers were not told yet.
    reports: BTreeMap<TopicShard, Offset>,
    problem: Option<LogError>,
    /// Since when no broker can be reached.
    down_since: Option<Instant>,
    closing: bool,
}

impl Desk {
    /// What the group decided next.
    pub(super) fn change(&self) -> Option<Delivery> {
        let change = self.state().changes.pop_front();
        if let Some(Delivery::Revoked(_)) = change {
            self.picked_up.notify_all();
        }
        change
    }

    pub(super) fn problem(&self) -> Option<LogError> {
        self.state().problem.take()
    }

    pub(super) fn holds(&self, shard: Shard) -> bool {
        self.state().held.contains(&shard)
    }

    pub(super) fn down_since(&self) -> Option<Instant> {
        self.state().down_since
    }

    /// The outage was reported: the next report is due as much later.
    pub(super) fn outage_reported(&self) {
        if let Some(since) = &mut self.state().down_since {
            *since = Instant::now();
        }
    }

    /// Leaves word of how far this member is.
    pub(super) fn leave_report(&self, at: TopicShard, offset: Offset) {
        self.state().reports.insert(at, offset);
    }

    fn reports(&self) -> Option<TopicPartitionList> {
        let reports = std::mem::take(&mut self.state().reports);
        let mut list = TopicPartitionList::with_capacity(reports.len());
        for ((topic, shard), offset) in reports {
            let place = Place::Offset(offset.cast_signed());
            if let Err(error) = list.add_partition_offset(&topic, shard.cast_signed(), place) {
                tracing::debug!(%error, topic, shard, "no offset to report");
            }
        }
        (list.count() > 0).then_some(list)
    }

    /// The subscription is gone.
    pub(super) fn close(&self) {
        self.state().closing = true;
        self.picked_up.notify_all();
    }

    fn assigned(&self, shards: BTreeSet<Shard>) {
        let mut state = self.state();
        if !shards.is_empty() && !state.closing {
            state.changes.push_back(Delivery::Assigned(shards.iter().copied().collect()));
        }
        state.held = shards;
        state.down_since = None;
        drop(state);
        self.rung.notify_one();
    }

    /// Takes every shard back, and waits a while for the subscription to have heard of it.
    fn revoked(&self) {
        let mut state = self.state();
        let held = std::mem::take(&mut state.held);
        // Who was not told of an assignment need not be told of its end.
        let untold = matches!(state.changes.back(), Some(Delivery::Assigned(_)));
        if untold {
            state.changes.pop_back();
        } else if !held.is_empty() {
            state.changes.push_back(Delivery::Revoked(held.into_iter().collect()));
        }
        drop(state);
        self.rung.notify_one();
        self.wait_until_heard();
    }

    fn wait_until_heard(&self) {
        let unheard = |state: &mut State| {
            !state.closing && state.changes.iter().any(|change| matches!(change, Delivery::Revoked(_)))
        };
        let waited = self.picked_up.wait_timeout_while(self.state(), HAND_OVER, unheard);
        if waited.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
            tracing::warn!("shards go to another member before this one has finished a batch");
        }
    }

    fn report(&self, problem: LogError) {
        self.state().problem = Some(problem);
        self.rung.notify_one();
    }

    fn went_down(&self) {
        self.state().down_since.get_or_insert_with(Instant::now);
        self.rung.notify_one();
    }

    fn came_up(&self) {
        self.state().down_since = None;
    }

    fn is_closing(&self) -> bool {
        self.state().closing
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins a group; whoever closes the desk leaves it. `left` is let go when that is done.
pub(super) fn join(
    group: Group,
    desk: Arc<Desk>,
    fetch: Arc<FetchClient>,
    reports: Reports,
    left: impl Send + 'static,
) -> Result<(), LogError> {
    let mut client = group.client(&desk, &reports)?;
    let a_topic = group.topics.keys().next().cloned();
    let name = format!("kafka {}", group.name);
    let of_client = Reminder::new(&group.config);
    let of_fetch = Reminder::new(&group.config);
    let begun = threads::begin(&name, move || {
        let mut standing = Standing::Member;
        while !desk.is_closing() {
            if standing == Standing::Member {
                standing = serve(&client, &fetch, &desk);
            }
            if standing == Standing::Fenced {
                desk.revoked();
                std::thread::sleep(FENCED_FOR);
                match group.client(&desk, &reports) {
                    Ok(next) => {
                        // The one before is of no use any more, and may take its time to end.
                        drop(Client::new(std::mem::replace(&mut client, next)));
                        standing = Standing::Member;
                    }
                    Err(error) => desk.report(error),
                }
            }
            if desk.down_since().is_some() {
                let a_topic = a_topic.as_deref();
                let member = is_answered(&client, a_topic, &of_client);
                let reader = is_answered(&*fetch, a_topic, &of_fetch);
                if member && reader {
                    desk.came_up();
                }
            }
        }
        drop(fetch);
        // Leaves the group; with the brokers gone this may take long.
        drop(client);
        drop(left);
    });
    begun.map_err(|error| LogError::Failed(Box::new(error)))
}

/// Whether a broker answers this client, and knows of any.
fn is_answered<C: ConsumerContext>(
    client: &BaseConsumer<C>,
    a_topic: Option<&str>,
    reminder: &Reminder,
) -> bool {
    let answer = client.fetch_metadata(a_topic, KNOCK);
    let is_answered = answer.is_ok_and(|metadata| !metadata.brokers().is_empty());
    if !is_answered {
        reminder.remind(client.client());
    }
    is_answered
}

/// What is joined.
pub(super) struct Group {
    pub(super) config: Config,
    pub(super) name: String,
    /// The topics and how many shards each has.
    pub(super) topics: BTreeMap<String, u32>,
}

impl Group {
    /// A new member.
    fn client(&self, desk: &Arc<Desk>, reports: &Reports) -> Result<BaseConsumer<GroupContext>, LogError> {
        let context = GroupContext {
            context: Context { reports: reports.clone() },
            desk: desk.clone(),
            topics: self.topics.clone(),
        };
        let client: BaseConsumer<GroupContext> =
            self.settings().create_with_context(context).map_err(log_error)?;
        let names: Vec<&str> = self.topics.keys().map(String::as_str).collect();
        client.subscribe(&names).map_err(log_error)?;
        Ok(client)
    }

    fn settings(&self) -> ClientConfig {
        let session_ms = self.config.session_timeout.as_millis();
        let mut settings = self.config.consumer();
        settings
            .set("group.id", &self.name)
            .set("partition.assignment.strategy", "range")
            .set("session.timeout.ms", session_ms.to_string())
            // Must not be shorter; the thread polls all the time.
            .set("max.poll.interval.ms", session_ms.max(300_000).to_string())
            .set("heartbeat.interval.ms", (session_ms / 4).to_string());
        if let Some(instance) = &self.config.instance {
            settings.set("group.instance.id", instance);
        }
        settings
    }
}

/// What a client is to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Member,
    /// The brokers take its place for another's, and it will never be one again.
    ///
    /// That happens without another: after a broker was killed, a member whose answer was lost asks to join once more,
    /// gets a new number, and its next heartbeat still bears the old one.
    Fenced,
}

/// One turn of the thread.
fn serve(client: &BaseConsumer<GroupContext>, fetch: &FetchClient, desk: &Desk) -> Standing {
    match client.poll(POLL) {
        Some(Err(error)) if error.rdkafka_error_code() == Some(Code::FencedInstanceId) => {
            tracing::warn!(%error, "this process lost its place in the group and joins again");
            return Standing::Fenced;
        }
        Some(Err(error)) => heed(error, desk),
        Some(Ok(_)) | None => {}
    }
    // Records come through their shards' queues; here it only has errors to tell.
    while let Some(event) = fetch.poll(Duration::ZERO) {
        if let Err(error) = event {
            heed(error, desk);
        }
    }
    if let Some(offsets) = desk.reports()
        && let Err(error) = client.commit(&offsets, CommitMode::Async)
    {
        tracing::debug!(%error, "kafka takes no report of progress");
    }
    Standing::Member
}

/// Most errors of a client pass by themselves.
fn heed(error: KafkaError, desk: &Desk) {
    let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
    match error.rdkafka_error_code() {
        Some(Code::AllBrokersDown) => desk.went_down(),
        // A topic that was just made is not known to every broker at once.
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
            desk.report(LogError::Unavailable(Box::new(error)));
        }
        Some(
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::InvalidGroupId
            | Code::InconsistentGroupProtocol
            | Code::InvalidSessionTimeout,
        ) => desk.report(log_error(error)),
        _ if fatal || is_refusal(&error) => desk.report(log_error(error)),
        _ => tracing::debug!(%error, "kafka member waits"),
    }
}

/// Answers the group's decisions.
struct GroupContext {
    context: Context,
    desk: Arc<Desk>,
    topics: BTreeMap<String, u32>,
}

impl ClientContext for GroupContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }
}

impl ConsumerContext for GroupContext {
    /// Whatever is assigned, this client reads nothing of it.
    fn rebalance(
        &self,
        client: &BaseConsumer<Self>,
        decision: RDKafkaRespErr,
        shards: &mut TopicPartitionList,
    ) {
        let answered = if decision == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let assigned = shards.elements();
            let assigned =
                assigned.iter().map(|element| (element.topic(), element.partition().cast_unsigned()));
            self.desk.assigned(in_hand(&self.topics, &assigned.collect()));
            client.assign(&TopicPartitionList::new())
        } else {
            self.desk.revoked();
            client.unassign()
        };
        if let Err(error) = answered {
            self.desk.report(log_error(error));
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            tracing::debug!(%error, "kafka takes no report of progress");
        }
    }
}

/// The shards whose partitions are assigned in every topic that has them.
fn in_hand(topics: &BTreeMap<String, u32>, assigned: &BTreeSet<(&str, Shard)>) -> BTreeSet<Shard> {
    let complete = |shard: Shard| {
        let mut with_shard = topics.iter().filter(|(_, shards)| shard < **shards);
        with_shard.all(|(topic, _)| assigned.contains(&(topic.as_str(), shard)))
    };
    let shards: BTreeSet<Shard> = assigned.iter().map(|(_, shard)| *shard).collect();
    shards.into_iter().filter(|shard| complete(*shard)).collect()
}

#[cfg(test)]
mod tests;
