//! Lists of what was open when a feed turned live.

use serde_json::Value;

use super::*;

fn part(number: u128, student: &str, flag: &str, as_of: Option<&str>) -> NewEntry {
    let data = json!({"flag_id": flag, "student": {"id": student}, "as_of": as_of,
                      "owner": {"name": "counselor", "because": "route"}});
    let body = data.to_string().into_bytes();
    NewEntry {
        kind: signalbox_event::webhook::STANDING.to_owned(),
        part: true,
        body,
        ..entry(number, student)
    }
}

#[tokio::test]
async fn standing_flags_go_out_as_one_list() {
    let parts = [
        part(1, "1002", "b", Some("2026-09-21")),
        part(2, "1001", "d", Some("2026-09-18")),
        part(3, "1001", "c", None),
    ];
    let store = outbox(parts).await;
    let script = Script::of([]);
    let done = run(&store, script, START_MS).await;
    assert_eq!(done, Delivered { attempted: 1, delivered: 1, ..Delivered::default() });

    let list = script.seen.lock().unwrap()[0].0.clone();
    assert_eq!(list.kind, "risk.flags.standing");
    assert_eq!(list.data["alert_id"], json!(list.id));
    assert_eq!(list.data["as_of"], json!("2026-09-21"));
    assert_eq!(list.data["owner"], json!({"name": "counselor", "because": "route"}));
    let flags: Vec<&Value> =
        list.data["flags"].as_array().unwrap().iter().map(|flag| &flag["flag_id"]).collect();
    assert_eq!(flags, ["c", "d", "b"]);
    let states: Vec<EntryState> = all(&store).await.iter().map(|entry| entry.state).collect();
    assert_eq!(
        states,
        [EntryState::Bundled, EntryState::Bundled, EntryState::Bundled, EntryState::Delivered]
    );

    assert_eq!(run(&store, script, START_MS + 1_000).await, Delivered::default());
}

/// A receiver that takes 256 KiB takes every message, and every flag is in one of them.
#[tokio::test]
async fn a_long_list_goes_out_in_parts() {
    let long = "x".repeat(2_000);
    for (flags, name, parts) in [(401, "1", 3), (200, "1", 1), (300, &*long, 3)] {
        let parts_of_it = (1..=flags).map(|number| part(number, &format!("{number:05}"), name, None));
        let store = outbox(parts_of_it).await;
        let script = Script::of([]);
        run(&store, script, START_MS).await;
        let seen = script.seen.lock().unwrap();
        let numbers: Vec<_> =
            seen.iter().map(|(list, _)| (&list.data["part"], &list.data["parts"])).collect();
        let expected: Vec<_> = (1..=parts).map(|part| (json!(part), json!(parts))).collect();
        assert_eq!(numbers, expected.iter().map(|(part, parts)| (part, parts)).collect::<Vec<_>>());
        let of = |list: &Alert| list.data["flags"].as_array().unwrap().len();
        assert_eq!(seen.iter().map(|(list, _)| of(list)).sum::<usize>() as u128, flags);
        assert!(seen.iter().all(|(list, _)| of(list) <= 200 && list.data.to_string().len() <= 256 << 10));
    }
}

#[tokio::test]
async fn the_list_has_the_same_id_in_whatever_order_its_parts_came() {
    let parts = [part(1, "1001", "a", None), part(2, "1002", "b", None)];
    let turned = [parts[1].clone(), parts[0].clone()];
    let (one, other) = (Script::of([]), Script::of([]));
    run(&outbox(parts).await, one, START_MS).await;
    run(&outbox(turned).await, other, START_MS + 5).await;
    assert_eq!(one.seen_ids(), other.seen_ids());
    let data = |script: &Script| script.seen.lock().unwrap()[0].0.data.clone();
    assert_eq!(data(one), data(other));
}
