//! Records on the log that are not the hub's. Only a log on servers can be written to by others.

use signalbox_log::{EventLog as _, Message, Record};

use crate::district::District;
use crate::drops::through;
use crate::receiver::Receiver;
use crate::servers::{self, Servers};

const HIGHEST: &str = "18446744073709551615";

fn said(record: &Record, name: &str) -> String {
    record.headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

/// The record once more, with other words in its headers and its value.
fn forged(record: &Record, headers: &[(&str, &str)], value: &[(&str, &str)]) -> Message {
    let mut text = String::from_utf8(record.value.to_vec()).expect("JSON");
    for (from, to) in value {
        assert!(text.contains(from), "{text}");
        text = text.replace(from, to);
    }
    assert!(headers.iter().all(|(name, _)| record.headers.get(name).is_some()), "it has the headers");
    let said = |name: &str| headers.iter().find(|(held, _)| *held == name).map(|(_, to)| to.as_bytes());
    let all = record.headers.iter().map(|(name, value)| (name, said(name).unwrap_or(value))).collect();
    Message { headers: all, value: text.into(), ..record.clone().into() }
}

#[test]
fn records_of_strangers_raise_no_flag_silence_no_shard_and_stop_nobody() {
    if !servers::asked_for() {
        eprintln!("hostile::records: passed over, it needs SIGNALBOX_TEST_ON=servers");
        return;
    }
    let receiver = Receiver::start();
    let mut district = District::on(Some(Servers::new()), |config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "T"), through(20)]);
    district.up();
    let then = district.state_hash();
    let servers = district.servers.as_ref().expect("it is on servers");

    let attendance = servers.records("attendance");
    let of = |kind: &str| {
        attendance.iter().find(|record| said(record, "ce_type").contains(kind)).expect("one was published")
    };
    let (day, end) = (of("attendance.daily"), of("ops.run.ended"));
    let absent = ("\"category\":\"tardy\"", "\"category\":\"absent_unexcused\"");
    let stranger = "/districts/elsewhere/feeds/attendance";
    let modes = servers.records("ops");
    let mode = modes.iter().find(|record| said(record, "ce_type").contains("ops.feed.mode")).expect("one is");
    let attack = [
        forged(mode, &[], &[("\"feed\":\"attendance\"", "\"feed\":\"another\"")]),
        forged(day, &[("ce_source", stranger), ("ce_revision", "2")], &[absent]),
        forged(day, &[("ce_revision", HIGHEST)], &[absent]),
        forged(day, &[("ce_run", HIGHEST), ("ce_revision", "2")], &[absent]),
        forged(day, &[("ce_run", "77"), ("ce_revision", "2")], &[absent]),
        forged(end, &[("ce_run", "77")], &[("\"run\":1", "\"run\":77")]),
        forged(end, &[("ce_run", HIGHEST)], &[("\"run\":1", &format!("\"run\":{HIGHEST}"))]),
        Message { key: Some("somebody".into()), ..forged(day, &[], &[]) },
        Message { value: vec![b'{'; 1 << 20].into(), ..forged(day, &[], &[]) },
        Message { headers: [("ce_id", [0; 64])].into_iter().collect(), ..forged(day, &[], &[]) },
    ];
    servers.on_kafka(async |kafka| kafka.append(&attack).await.expect("the broker takes everything"));

    let status = district.up();
    assert_eq!(status["dead_letters"], attack.len(), "{status}");
    assert_eq!(status["warnings"], serde_json::json!([]), "nothing holds decisions up");
    assert_eq!(district.state_hash(), then, "and nothing is believed");
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised"]);
    district.attend(&[(1001, 3, "T"), through(20)]);
    district.up();
    assert_eq!(receiver.kinds(), ["risk.flag.raised", "risk.flag.withdrawn"]);
}
