//! Half a payload decides nothing (I20), and a run that wakes up late changes nothing.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use signalbox_event::data::{Acknowledged, Mode};
use signalbox_event::{Data, Event, topic};
use signalbox_log::{EventLog, LogError, Message, Record, Shard, Subscription};
use signalbox_view as view;
use signalbox_view::flags::Which;

use super::district::{District, now};

/// A log that refuses the ends of runs while it is told to: what was appended before is a run cut in half.
pub(crate) struct CutsRuns {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) cut: Arc<AtomicBool>,
    /// The type of the events that it does not take while it is cut.
    pub(crate) kind: &'static str,
    /// How it refuses them.
    pub(crate) with: fn() -> LogError,
}

#[async_trait]
impl EventLog for CutsRuns {
    async fn append(&self, messages: &[Message]) -> Result<(), LogError> {
        let is_cut =
            |message: &Message| message.headers.iter().any(|(_, value)| value == self.kind.as_bytes());
        if self.cut.load(Ordering::SeqCst) && messages.iter().any(is_cut) {
            return Err((self.with)());
        }
        self.log.append(messages).await
    }

    async fn join(&self, group: &str, topics: &[String]) -> Result<Box<dyn Subscription>, LogError> {
        self.log.join(group, topics).await
    }

    async fn read(&self, topic: &str, shard: Shard, from: u64, max: usize) -> Result<Vec<Record>, LogError> {
        self.log.read(topic, shard, from, max).await
    }

    async fn bounds(&self, topic: &str, shard: Shard) -> Result<Range<u64>, LogError> {
        self.log.bounds(topic, shard).await
    }

    async fn shards(&self, topic: &str) -> Result<Option<u32>, LogError> {
        self.log.shards(topic).await
    }
}

/// Three times the parser falls over the same payload: it is set aside, and the next one goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_no_parser_survives_is_set_aside() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance_as_text(super::district::FALLS_OVER);
    district.attendance(&[("1001", 9, "absent_excused"), ("1001", 20, "tardy")]);
    for _ in 0..2 {
        let report = district.pass().await;
        let (feed, error) = &report.failed[0];
        assert_eq!((feed.as_str(), report.failed.len()), ("attendance", 1));
        assert!(matches!(error, signalbox_hub::HubError::Failing { .. }), "{error}");
        assert!(!error.to_string().contains(super::district::FALLS_OVER), "{error}");
    }
    let report = district.pass().await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    let refused: Vec<bool> = report.runs.iter().map(|run| run.refused.is_some()).collect();
    assert_eq!(refused, [true, false], "{:?}", report.runs);
    assert_eq!(district.answer("1001").await.as_deref(), Some("1/20"));
    let rejects = view::repair::reject_groups(&district.hub).await.expect("lists");
    assert!(rejects.is_empty(), "the next payload took its place: {rejects:?}");
}

/// A record that the log does not take, now or ever: its payload is set aside at once, and nobody waits for its end.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_the_log_does_not_take_is_set_aside() {
    let mut district = District::new(Mode::Live);
    let unfit = || LogError::Unfit("too large".into());
    let cut = district.cut_with("org.signalbox.attendance.daily.v1", unfit);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 20, "tardy")]);
    district.pass().await;
    cut.store(true, Ordering::SeqCst);
    district.attendance(&[("1001", 9, "absent_excused"), ("1001", 21, "tardy")]);
    let report = district.pass().await;
    assert!(report.failed.is_empty() && report.runs[0].refused.is_some(), "{report:?}");
    cut.store(false, Ordering::SeqCst);
    district.attendance(&[("1001", 10, "absent_excused"), ("1001", 22, "tardy")]);
    district.pass().await;
    let status = district.status().await;
    assert!(status.warnings.is_empty(), "no shard waits: {:?}", status.warnings);
}

/// What was decided while the log was away is appended at once when it answers, not when a claim has lapsed.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_did_not_take_goes_out_once_it_answers() {
    let mut district = District::new(Mode::Live);
    let cut = district.cut("org.signalbox.risk.flag.raised.v1");
    district.roster(&["1001"]);
    district.attendance(&[
        ("1001", 9, "absent_excused"),
        ("1001", 10, "absent_excused"),
        ("1001", 20, "tardy"),
    ]);
    cut.store(true, Ordering::SeqCst);
    let error = district.loops().await.pass(now()).await.expect_err("the log is away");
    assert!(matches!(error, signalbox_hub::HubError::Log(LogError::Unavailable(_))), "{error}");
    cut.store(false, Ordering::SeqCst);
    assert_eq!(
        signalbox_consume::relay::step(&district.hub, now()).await.expect("relays"),
        1,
        "at the same moment"
    );
}

/// A run is open on the shard: neither another feed's rows nor a person's act nor a change of mode evaluates anybody
/// there, until the run is finished.
#[tokio::test(flavor = "multi_thread")]
async fn i20_while_a_run_is_open_nobody_is_evaluated() {
    let mut district = District::new(Mode::Live);
    let cut = district.cut_runs();
    district.roster(&["1001"]);
    district.attendance(&[
        ("1001", 9, "absent_excused"),
        ("1001", 10, "absent_excused"),
        ("1001", 20, "tardy"),
    ]);
    district.pass().await;
    district.deliver().await;
    assert_eq!(district.told().await, ["risk.flag.raised 1001 delivered"]);

    cut.store(true, Ordering::SeqCst);
    district.attendance(&[("1001", 10, "absent_excused"), ("1001", 20, "tardy")]);
    let error = district.loops().await.pass(now()).await.expect_err("the run is cut in half");
    assert!(matches!(error, signalbox_hub::HubError::Log(LogError::Unavailable(_))));

    acknowledge(&district).await;
    district.roster(&["1001", "1002"]);
    district.drain().await;
    assert_eq!(district.told().await.len(), 1, "the withdrawal waits for the end of the run");
    let flags = view::flags::flags(&district.hub, Which::default()).await.expect("lists");
    assert_eq!((&*flags[0].state, flags[0].acknowledged_by.as_deref()), ("open", Some("R. Ortiz")));

    cut.store(false, Ordering::SeqCst);
    district.pass().await;
    assert_eq!(
        district.told().await,
        ["risk.flag.raised 1001 delivered", "risk.flag.withdrawn 1001 pending"]
    );
}

async fn acknowledge(district: &District) {
    let flag = view::flags::flags(&district.hub, Which::default()).await.expect("lists").remove(0);
    let event = Event {
        id: signalbox_event::id::derived(&[b"test"]),
        source: "/districts/d/people".to_owned(),
        subject: Some(flag.student_key),
        time: now().to_string(),
        partition_key: topic::student_key("d", &flag.student_key),
        school_year: Some(2022),
        revision: 1,
        run: None,
        traceparent: None,
        data: Data::InterventionAcknowledged(Acknowledged {
            flag_id: flag.flag_id,
            by: "R. Ortiz".to_owned(),
            reason: None,
        }),
    };
    signalbox_hub::act::append(&district.hub, &event).await.expect("appends");
}

/// An ingest that was paused in mid-run while another took its feed and finished the run: what it still appends are
/// repetitions, and it can record nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_ingest_raises_clears_and_ends_nothing() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance(&[
        ("1001", 9, "absent_excused"),
        ("1001", 10, "absent_excused"),
        ("1001", 20, "tardy"),
    ]);
    district.pass().await;
    district.deliver().await;
    let before = district.status().await.state_hash;
    let topic = district.hub.settings.topics.name(signalbox_event::Domain::Attendance);
    for shard in 0..3 {
        for record in district.hub.log.read(&topic, shard, 0, 100).await.expect("reads") {
            district.hub.log.append(&[record.into()]).await.expect("appends");
        }
    }
    district.drain().await;
    assert_eq!(district.told().await, ["risk.flag.raised 1001 delivered"]);
    assert_eq!(district.status().await.state_hash, before);

    let term = signalbox_store::feed::Term { holder: "another", now_ms: 0, until_ms: 0 };
    let old = district.hub.feeds.take("attendance", term).await.expect("leases");
    district.hub.feeds.take("attendance", term).await.expect("another takes it");
    let error = district.hub.feeds.save_settings(&old, "{}").await.expect_err("is fenced");
    assert!(matches!(error, signalbox_store::StoreError::Fenced));
}

/// The feed store was lost, the states were not: revisions would begin anew below those that the registers hold.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_store_that_was_lost_alone_is_refused() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 20, "tardy")]);
    district.pass().await;
    district.lose_feeds();
    district.roster(&["1001"]);
    let error = district.loops().await.pass(now()).await.expect_err("refused");
    assert!(matches!(error, signalbox_hub::HubError::FeedsLost { .. }), "{error}");
}
