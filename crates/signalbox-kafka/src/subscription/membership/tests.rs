use super::*;

fn desk_with(shards: &[Shard]) -> Desk {
    let desk = Desk::default();
    desk.assigned(shards.iter().copied().collect());
    desk
}

#[test]
fn a_shard_is_in_hand_when_every_topic_that_has_it_is() {
    let topics = BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 3), ("reference".to_owned(), 1)]);
    let all = [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("b", 2), ("reference", 0)];
    assert_eq!(in_hand(&topics, &BTreeSet::from(all)), BTreeSet::from([0, 1, 2]));
    let without_reference = BTreeSet::from([("a", 0), ("b", 0), ("a", 1), ("b", 1)]);
    assert_eq!(in_hand(&topics, &without_reference), BTreeSet::from([1]));
    assert_eq!(in_hand(&topics, &BTreeSet::from([("a", 2), ("reference", 0)])), BTreeSet::new());
}

#[test]
fn who_was_not_told_of_an_assignment_is_not_told_of_its_end() {
    let desk = desk_with(&[0, 1]);
    desk.revoked();
    assert_eq!(desk.change(), None);
    assert!(!desk.holds(0));
}

#[test]
fn a_rebalance_waits_until_the_member_has_heard() {
    let desk = Arc::new(desk_with(&[0, 1]));
    assert_eq!(desk.change(), Some(Delivery::Assigned(vec![0, 1])));
    let thread = std::thread::spawn({
        let desk = desk.clone();
        move || desk.revoked()
    });
    std::thread::sleep(Duration::from_millis(100));
    assert!(!thread.is_finished(), "the member still works");
    assert_eq!(desk.change(), Some(Delivery::Revoked(vec![0, 1])));
    thread.join().expect("the rebalance goes on");
}

#[test]
fn a_rebalance_does_not_wait_for_a_member_that_is_gone() {
    let desk = desk_with(&[0]);
    assert!(desk.change().is_some());
    desk.close();
    let begun = Instant::now();
    desk.revoked();
    assert!(begun.elapsed() < HAND_OVER);
}

#[test]
fn an_outage_ends_with_the_next_answer() {
    let desk = desk_with(&[0]);
    desk.went_down();
    let since = desk.down_since().expect("it is down");
    desk.went_down();
    assert_eq!(desk.down_since(), Some(since), "an outage begins once");
    desk.came_up();
    assert_eq!(desk.down_since(), None);
}

#[test]
fn the_latest_report_counts() {
    let desk = Desk::default();
    desk.leave_report(("a".to_owned(), 1), 5);
    desk.leave_report(("a".to_owned(), 1), 9);
    let reports = desk.reports().expect("there is one");
    assert_eq!(reports.count(), 1);
    assert_eq!(reports.find_partition("a", 1).expect("it is there").offset(), Place::Offset(9));
    assert!(desk.reports().is_none(), "the brokers are told once");
}
