//! The whole hub on memory stores: a scripted source in, alerts out.

mod consistent;
mod crash;
mod dead_letters;
mod district;
mod runs;
mod same;

use district::District;
use jiff::civil::date;
use signalbox_event::data::Mode;
use signalbox_store::feed::HoldState;
use signalbox_store::state::Batch;
use signalbox_view as view;

/// Twenty school days with two absences flag at ten percent; taking one back withdraws the flag.
#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_raised_and_withdrawn_after_a_correction() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001", "1002"]);
    district.attendance(&[
        ("1001", 10, "absent_excused"),
        ("1001", 20, "absent_unexcused"),
        ("1002", 20, "tardy"),
    ]);
    district.pass().await;
    assert_eq!(district.told().await, ["risk.flag.raised 1001 pending"]);

    district.attendance(&[("1001", 10, "absent_excused"), ("1002", 21, "tardy")]);
    district.pass().await;
    assert_eq!(
        district.told().await,
        ["risk.flag.raised 1001 superseded", "risk.flag.withdrawn 1001 superseded"],
        "raised and taken back before it was sent: not sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_payload_again_appends_nothing() {
    let mut district = District::new(Mode::Live);
    let rows = [("1001", 10, "absent_excused"), ("1001", 20, "absent_unexcused")];
    district.roster(&["1001", "1002"]);
    district.attendance(&rows);
    district.pass().await;
    let (events, hash) = (district.events().await, district.status().await.state_hash);
    district.roster(&["1001", "1002"]);
    district.attendance(&rows);
    let report = district.pass().await;
    assert_eq!(report.runs.len(), 2, "each payload is a run");
    assert_eq!(report.runs[1].counts.unchanged, 2);
    assert_eq!((district.events().await, district.status().await.state_hash), (events, hash));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_waits_for_its_student() {
    let mut district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance(&[
        ("1002", 10, "absent_excused"),
        ("1002", 20, "absent_excused"),
        ("1001", 20, "tardy"),
    ]);
    let report = district.pass().await;
    assert_eq!(report.runs[1].counts.unmatched, 2);
    assert_eq!(district.status().await.unmatched, 2);
    assert!(district.told().await.is_empty());

    district.roster(&["1001", "1002"]);
    district.pass().await;
    assert_eq!(district.status().await.unmatched, 0);
    assert_eq!(district.told().await, ["risk.flag.raised 1002 pending"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_turns_live_with_one_standing_list() {
    let mut district = District::new(Mode::History);
    district.roster(&["1001", "1002"]);
    district.attendance(&[
        ("1001", 10, "absent_excused"),
        ("1001", 20, "absent_excused"),
        ("1002", 9, "absent_excused"),
        ("1002", 20, "absent_excused"),
    ]);
    district.pass().await;
    assert!(district.told().await.is_empty(), "nobody is alerted of history");
    assert_eq!(district.status().await.flags.open, 2);

    let mut district = district.turn(Mode::Live);
    district.pass().await;
    district.deliver().await;
    assert_eq!(district.told().await, ["risk.flags.standing - delivered"]);
}

/// Each consumer knows of the feeds that its topics tell of.
#[tokio::test(flavor = "multi_thread")]
async fn a_standing_list_is_whole_beside_another_consumer() {
    let mut district = District::with(Mode::History, crash::CONSUMERS);
    district.roster(&["1001", "1002"]);
    district.attendance(&[("1001", 19, "absent_excused"), ("1001", 20, "absent_excused")]);
    district.pass().await;
    let mut district = district.turn(Mode::Live);
    district.pass().await;
    district.deliver().await;
    let told = district.told().await;
    assert!(told.contains(&"risk.flags.standing - delivered".to_owned()), "{told:?}");
}

/// Other processes turn other shards, at moments of their own.
#[tokio::test(flavor = "multi_thread")]
async fn a_standing_list_waits_for_the_last_shard() {
    let mut district = District::new(Mode::History);
    district.roster(&["1001", "1002"]);
    district.attendance(&[("1001", 19, "absent_excused"), ("1001", 20, "absent_excused")]);
    district.pass().await;
    let mut district = district.turn(Mode::Live);
    district.pass().await;

    let states = district.hub.states.clone();
    for shard in 0..district.hub.settings.topics.shards {
        let lease = states.acquire(signalbox_scoring::CONSUMER.kept_as, shard).await.unwrap();
        let mut rows = states.scan(signalbox_scoring::CONSUMER.kept_as, shard, None, 1).await.unwrap();
        rows[0].due_ms = Some(0);
        states.commit(&lease, &Batch { states: rows, ..Batch::default() }).await.unwrap();
    }
    district.deliver().await;
    assert_eq!(district.told().await, ["risk.flags.standing 1001 pending"]);
    let mut district = district.turn(Mode::Live);
    district.drain().await;
    district.deliver().await;
    assert_eq!(district.told().await, ["risk.flags.standing - delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_corrects_only_inside_itself() {
    let mut district = District::new(Mode::Live).covering_days(10);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 5, "absent_excused"), ("1001", 10, "tardy")]);
    district.pass().await;
    // Days 11 to 20 are covered now, 10 is outside: both rows stay.
    district.attendance(&[("1001", 15, "absent_excused"), ("1001", 20, "tardy")]);
    let report = district.pass().await;
    assert_eq!(report.runs[0].counts.end, 0);
    district.attendance(&[("1001", 20, "tardy")]);
    let report = district.pass().await;
    assert_eq!(report.runs[0].counts.end, 1, "day 15 is gone inside the window");
    assert_eq!(district.answer("1001").await.as_deref(), Some("1/20"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_file_leaves_a_gap_that_nobody_calls_present() {
    let mut district = District::new(Mode::Live).covering_days(5);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 5, "absent_excused")]);
    district.pass().await;
    district.attendance(&[("1001", 20, "tardy")]);
    district.pass().await;
    assert_eq!(district.answer("1001").await.as_deref(), Some("1/10"), "days 6 to 15 are not known");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_file_waits_and_is_superseded_by_a_good_one() {
    let mut district = District::new(Mode::Live);
    let students: Vec<String> = (0..40).map(|n| format!("{}", 1000 + n)).collect();
    let students: Vec<&str> = students.iter().map(String::as_str).collect();
    let mut rows: Vec<_> = students.iter().map(|id| (*id, 20, "absent_excused")).collect();
    rows[0].1 = 21;
    district.roster(&students);
    district.attendance(&rows);
    district.pass().await;
    let events = district.events().await;
    district.attendance(&rows[..25]);
    let report = district.pass().await;
    let hold = report.runs[0].hold.as_ref().expect("15 of 40 would end");
    assert_eq!((&*hold.reason, hold.would_end), ("file", 15));
    assert_eq!(district.events().await, events, "nothing of a payload that waits goes out");
    assert_eq!(district.status().await.holds, 1);

    district.attendance(&rows[..39]);
    district.pass().await;
    let status = district.status().await;
    assert_eq!(status.holds, 0, "superseded");
    assert_eq!(status.feeds[1].last_run.as_ref().map(|run| run.counts.end), Some(1));
    assert_eq!(district.calendar_day(20), date(2021, 9, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_or_refused_is_not_held_again() {
    let mut district = District::new(Mode::Live);
    let students: Vec<String> = (0..40).map(|n| format!("{}", 1000 + n)).collect();
    let students: Vec<&str> = students.iter().map(String::as_str).collect();
    let rows: Vec<_> = students.iter().map(|id| (*id, 20, "absent_excused")).collect();
    district.roster(&students);
    district.attendance(&rows);
    district.attendance(&rows[..25]);
    district.attendance(&rows[..25]);
    district.pass().await;
    let holds = view::repair::holds(&district.hub).await.expect("lists");
    assert_eq!(holds.len(), 1, "the same bytes wait once");

    let feeds = &district.hub.feeds;
    let decided = feeds.decide_hold(&holds[0].id, HoldState::Refused, "office", "cut short").await;
    assert!(decided.expect("decides"));
    district.attendance(&rows[..25]);
    let report = district.pass().await;
    assert_eq!(report.runs[0].hold, None);
    assert!(report.runs[0].refused.as_ref().expect("stays refused").contains("office"));
    assert_eq!(district.status().await.holds, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_payload_ends_what_was_shown() {
    let mut district = District::new(Mode::Live);
    let students: Vec<String> = (0..40).map(|n| format!("{}", 1000 + n)).collect();
    let students: Vec<&str> = students.iter().map(String::as_str).collect();
    let rows: Vec<_> = students.iter().map(|id| (*id, 20, "absent_excused")).collect();
    district.roster(&students);
    district.attendance(&rows);
    district.attendance(&rows[..25]);
    district.pass().await;
    let hold = view::repair::holds(&district.hub).await.expect("lists").remove(0);
    let decided = district.hub.feeds.decide_hold(&hold.id, HoldState::Approved, "office", "true").await;
    assert!(decided.expect("decides"));
    let report = district.pass().await;
    assert_eq!(report.runs[0].counts.end, hold.would_end);
    assert_eq!(district.status().await.holds, 0);
    assert!(district.pass().await.runs.is_empty(), "once");
}
