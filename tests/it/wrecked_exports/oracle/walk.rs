//! Chronic absence, walked day by day.

use super::Right;

const MIN_DAYS: usize = 20;
const ENTER_PERCENT: usize = 10;
const LEAVE_PERCENT: usize = 9;

/// Whether the line is crossed in the end: on at 10 % or more from the 20th day, off strictly below 9 %.
pub(in super::super) fn is_open(days: &[Right], is_absent: impl Fn(Right) -> bool) -> bool {
    let (mut absent, mut open) = (0, false);
    for (before, right) in days.iter().enumerate() {
        let expected = before + 1;
        absent += usize::from(is_absent(*right));
        open = if open {
            absent * 100 >= LEAVE_PERCENT * expected
        } else {
            expected >= MIN_DAYS && absent * 100 >= ENTER_PERCENT * expected
        };
    }
    open
}

#[test]
fn the_line_is_crossed_at_ten_and_left_below_nine_percent() {
    use super::{ABSENT, PRESENT};
    let open = |absent: usize, present: usize| {
        let days = [vec![ABSENT; absent], vec![PRESENT; present]].concat();
        is_open(&days, |right| right == ABSENT)
    };
    assert!(!open(2, 17), "19 days are too few");
    assert!(open(2, 18) && open(2, 20), "2 of 22 are 9.1 %");
    assert!(!open(2, 21), "2 of 23 are 8.7 %");
}
