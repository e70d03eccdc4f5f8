//! Records that nobody can read are kept whole, passed, and driven again.

use std::sync::atomic::Ordering;

use signalbox_consume::dead_letters::{self, Redriven};
use signalbox_event::Domain;
use signalbox_event::data::Mode;
use signalbox_hub::{Hub, dead_letter_topic};
use signalbox_log::{LogError, Message, Record};
use signalbox_store::outbox::{EntryState, TO_LOG};

use super::district::District;

fn named(record: &Record, name: &str) -> String {
    String::from_utf8(record.headers.get(name).expect("the header is there").to_vec()).expect("text")
}

async fn records(hub: &Hub, topic: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for shard in 0..hub.settings.topics.shards {
        records.extend(hub.log.read(topic, shard, 0, 100).await.expect("reads"));
    }
    records
}

/// The first attendance event on the log, as a message with one header changed.
async fn changed(hub: &Hub, header: &str, value: &'static str) -> Message {
    let topic = hub.settings.topics.name(Domain::Attendance);
    let records = records(hub, &topic).await;
    let day = records.into_iter().find(|record| named(record, "ce_type").contains("attendance.daily"));
    with(day.expect("a day was published").into(), header, value)
}

async fn district() -> District {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 9, "absent_excused"), ("1001", 20, "tardy")]);
    district.pass().await;
    district
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept_whole_with_the_reason_and_holds_up_nobody() {
    let mut district = district().await;
    let hub = district.hub.clone();
    let newer = changed(&hub, "ce_type", "org.signalbox.attendance.daily.v2").await;
    let mut corrupt = changed(&hub, "ce_type", "org.signalbox.attendance.daily.v1").await;
    corrupt.value = "{".into();
    hub.log.append(&[newer.clone(), corrupt]).await.expect("appends");
    district.drain().await;

    let status = district.status().await;
    assert!(status.consumers.iter().all(|consumer| consumer.behind == Some(0)), "they were passed");
    assert_eq!(status.dead_letters, Some(2));
    let kept = records(&hub, &dead_letter_topic(&newer.topic, "risk")).await;
    let reasons: Vec<String> =
        kept.iter().map(|record| named(record, "__connect.errors.exception.class.name")).collect();
    assert_eq!(reasons, ["unknown_version", "malformed"]);
    assert_eq!((&kept[0].key, &kept[0].value), (&newer.key, &newer.value));
    assert_eq!(named(&kept[0], "ce_type"), "org.signalbox.attendance.daily.v2");
    assert_eq!(named(&kept[0], "__connect.errors.topic"), newer.topic);
    assert!(!named(&kept[1], "__connect.errors.exception.message").contains("1001"), "no student data");
}

/// A record that is too large with the headers that say why it was not used, or whatever else the log never takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_never_takes_holds_up_nothing_else() {
    let mut district = District::new(Mode::Live);
    let cut = district.cut_with("org.signalbox.risk.flag.raised.v1", || LogError::Unfit("too large".into()));
    district.roster(&["1001", "1002"]);
    district.attendance(&[("1002", 9, "absent_excused"), ("1001", 20, "tardy")]);
    district.pass().await;
    let hub = district.hub.clone();
    let mut corrupt = changed(&hub, "ce_type", "org.signalbox.attendance.daily.v1").await;
    corrupt.value = "{".into();
    hub.log.append(&[corrupt]).await.expect("appends");
    cut.store(true, Ordering::SeqCst);
    district.attendance(&[
        ("1001", 9, "absent_excused"),
        ("1001", 10, "absent_excused"),
        ("1001", 21, "tardy"),
    ]);
    district.pass().await;
    assert_eq!(district.status().await.dead_letters, Some(1), "it went out beside what never will");
    let entries = hub.outbox.entries(0, 100).await.expect("reads");
    let of_log: Vec<_> = entries.iter().filter(|entry| entry.target == TO_LOG).collect();
    let mut states: Vec<_> = of_log.iter().map(|entry| (entry.kind.as_str(), entry.state)).collect();
    states.sort_by_key(|(kind, _)| *kind);
    assert_eq!(
        states,
        [("dead-letter", EntryState::Delivered), ("risk.flag.raised", EntryState::Dead)],
        "kept for a person to see"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_version_can_read_is_driven_again_once() {
    let mut district = district().await;
    let hub = district.hub.clone();
    let before = district.status().await.state_hash;
    let unknown = changed(&hub, "ce_type", "org.signalbox.attendance.daily.v9").await;
    hub.log.append(std::slice::from_ref(&unknown)).await.expect("appends");
    district.drain().await;
    assert_eq!(dead_letters::redrive(&hub).await.expect("drives"), Redriven { again: 0, left: 1 });

    // As if an earlier version had put a record there that this one knows.
    let known = changed(&hub, "ce_type", "org.signalbox.attendance.daily.v1").await;
    let shelved = Message { topic: dead_letter_topic(&known.topic, "risk"), ..known.clone() };
    hub.log.append(&[shelved]).await.expect("appends");
    assert_eq!(district.status().await.dead_letters, Some(2));
    let count = records(&hub, &known.topic).await.len();
    assert_eq!(dead_letters::redrive(&hub).await.expect("drives"), Redriven { again: 1, left: 1 });
    assert_eq!(dead_letters::redrive(&hub).await.expect("drives"), Redriven { again: 0, left: 1 });
    let after = records(&hub, &known.topic).await;
    assert_eq!(after.len(), count + 1);
    let again = after.iter().rfind(|record| record.shard == known.shard).expect("it is there");
    assert_eq!((&again.headers, &again.value), (&known.headers, &known.value));
    district.drain().await;
    let status = district.status().await;
    assert_eq!(
        (status.dead_letters, status.state_hash),
        (Some(1), before),
        "it changed nothing: its revision was known"
    );
}

/// The first record of that kind in a domain, as a message.
async fn first(hub: &Hub, domain: Domain, kind: &str) -> Message {
    let records = records(hub, &hub.settings.topics.name(domain)).await;
    let found = records.into_iter().find(|record| named(record, "ce_type").contains(kind));
    found.expect("one was published").into()
}

fn with(mut message: Message, header: &str, text: &str) -> Message {
    let others = message.headers.iter().filter(|(name, _)| *name != header);
    let said = (!text.is_empty()).then_some((header, text.as_bytes()));
    message.headers = others.chain(said).collect();
    message
}

fn saying(mut message: Message, from: &str, to: &str) -> Message {
    let text = String::from_utf8(message.value.to_vec()).expect("JSON");
    assert!(text.contains(from), "{text}");
    message.value = text.replace(from, to).into();
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_what_the_stores_know_is_believed_by_nobody() {
    const HIGHEST: &str = "18446744073709551615";
    let mut district = district().await;
    let hub = district.hub.clone();
    let before = district.status().await.state_hash;
    let day = first(&hub, Domain::Attendance, "attendance.daily").await;
    let end = first(&hub, Domain::Attendance, "ops.run.ended").await;
    let policy = first(&hub, Domain::Ops, "ops.policy.changed").await;
    let mode = first(&hub, Domain::Ops, "ops.feed.mode").await;
    let elsewhere = (day.shard + 1) % hub.settings.topics.shards;
    let ended = |run: &str| saying(with(end.clone(), "ce_run", run), "\"run\":1", &format!("\"run\":{run}"));
    let forged = [
        ("another_district", with(day.clone(), "ce_source", "/districts/elsewhere/feeds/attendance")),
        ("another_district", with(day.clone(), "ce_partitionkey", "elsewhere/1")),
        ("wrong_key", Message { key: Some("another".into()), ..day.clone() }),
        ("wrong_key", Message { shard: elsewhere, ..day.clone() }),
        ("wrong_key", with(day.clone(), "ce_subject", "")),
        ("no_run", with(day.clone(), "ce_run", "")),
        ("no_run", with(day.clone(), "ce_source", &format!("/districts/{}/risk", hub.settings.district.id))),
        ("unknown_run", with(day.clone(), "ce_run", "99")),
        ("unknown_run", with(day.clone(), "ce_run", HIGHEST)),
        (
            "unknown_run",
            with(day.clone(), "ce_source", &format!("/districts/{}/feeds/sis", hub.settings.district.id)),
        ),
        ("unknown_run", ended("99")),
        ("unknown_run", ended(HIGHEST)),
        ("unknown_run", with(end.clone(), "ce_run", "99")),
        ("unknown_revision", with(day.clone(), "ce_revision", "7")),
        ("unknown_revision", with(day.clone(), "ce_revision", HIGHEST)),
        ("unknown_revision", saying(policy, "\"number\":1", &format!("\"number\":{HIGHEST}"))),
        ("unknown_feed", saying(mode, "\"feed\":\"attendance\"", "\"feed\":\"another\"")),
    ];
    for (count, (code, message)) in (1..).zip(forged) {
        hub.log.append(std::slice::from_ref(&message)).await.expect("appends");
        district.drain().await;
        let kept = records(&hub, &dead_letter_topic(&message.topic, "risk")).await;
        let newest = kept.iter().rfind(|kept| kept.shard == message.shard).expect("was kept");
        assert_eq!(named(newest, "__connect.errors.exception.class.name"), code);
        assert_eq!((&newest.key, &newest.value), (&message.key, &message.value));
        let status = district.status().await;
        assert_eq!((status.dead_letters, status.state_hash), (Some(count), before.clone()), "{code}");
    }
    assert_eq!(dead_letters::redrive(&hub).await.expect("drives"), Redriven { again: 0, left: 17 });
    district.attendance(&[("1001", 9, "absent_excused"), ("1001", 20, "absent_excused")]);
    district.pass().await;
    assert_eq!(district.told().await.len(), 1, "the hub goes on");
}
