//! The same facts again are no news: equal events, equal state.

use crate::district::{District, assert_counts, last_run};
use crate::drops::{self, Row, through};

fn rows() -> Vec<Row> {
    vec![(1001, 3, "A"), (1001, 4, "E"), (1002, 9, "T"), (1003, 12, "H"), (2001, 20, "A"), through(20)]
}

fn dropped_once() -> (District, u64, String) {
    let mut district = District::new();
    district.enroll(&[1000, 1001, 1002, 1003, 2001]);
    district.attend(&rows());
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 6), ("add", 6)]);
    assert_counts(last_run(&status, "enrollment"), &[("rows", 5), ("add", 5)]);
    let (count, hash) = (district.count_events(), district.state_hash());
    assert!(count >= 11, "a row is an event: {count}");
    (district, count, hash)
}

#[test]
fn the_same_bytes_emit_nothing() {
    let (mut district, count, hash) = dropped_once();
    district.attend(&rows());
    district.enroll(&[1000, 1001, 1002, 1003, 2001]);
    let status = district.up();
    assert_counts(last_run(&status, "attendance"), &[("rows", 6), ("unchanged", 6)]);
    assert_counts(last_run(&status, "enrollment"), &[("rows", 5), ("unchanged", 5)]);
    assert_eq!((district.count_events(), district.state_hash()), (count, hash));
}

#[test]
fn shuffled_rows_other_line_ends_and_duplicates_emit_nothing() {
    let (mut district, count, hash) = dropped_once();
    let mut shuffled = rows();
    shuffled.reverse();
    shuffled.swap(0, 3);
    shuffled.push(rows()[0]);
    shuffled.insert(2, rows()[4]);
    district.drop("attendance-lf.csv", drops::attendance(&shuffled).replace("\r\n", "\n"));
    let status = district.up();
    let expected = [("rows", 8), ("unchanged", 6), ("duplicate", 2)];
    assert_counts(last_run(&status, "attendance"), &expected);
    assert_eq!((district.count_events(), district.state_hash()), (count, hash));
}

#[test]
fn a_file_that_stands_is_not_read_again() {
    let (district, count, hash) = dropped_once();
    let first = last_run(&district.status(), "attendance").clone();
    let again = last_run(&district.up(), "attendance").clone();
    assert_eq!(first, again, "no new run");
    assert_eq!((district.count_events(), district.state_hash()), (count, hash));
}

/// Two hubs that read the same facts from differently written files hold the same state.
#[test]
fn the_state_does_not_depend_on_how_the_file_is_written() {
    let (_, _, hash) = dropped_once();
    let mut district = District::new();
    district.enroll(&[2001, 1003, 1000, 1002, 1001]);
    let mut shuffled = rows();
    shuffled.rotate_left(2);
    district.drop("attendance-lf.csv", drops::attendance(&shuffled).replace("\r\n", "\n"));
    district.up();
    assert_eq!(district.state_hash(), hash);
}
