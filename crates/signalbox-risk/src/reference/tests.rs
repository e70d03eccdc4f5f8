use jiff::civil::{Date, date};

use super::*;

fn calendar(days: &[Date]) -> Calendar {
    Calendar::new(2027, date(2026, 8, 1), date(2027, 6, 1), days.iter().copied()).expect("a sound calendar")
}

#[test]
fn a_calendar_must_be_sound() {
    let new = |first, last, day| Calendar::new(2027, first, last, [day]);
    let (start, end) = (date(2026, 8, 1), date(2027, 6, 1));
    assert_eq!(new(end, start, start), Err(CalendarError::EndsBeforeItBegins));
    assert_eq!(new(start, date(2062, 6, 1), start), Err(CalendarError::TooLong));
    assert_eq!(new(start, end, date(2026, 7, 31)), Err(CalendarError::DayOutside));
    assert_eq!(new(start, end, date(2027, 6, 2)), Err(CalendarError::DayOutside));
}

#[test]
fn a_school_keeps_its_own_calendar_and_others_the_default() {
    let (monday, tuesday) = (date(2026, 9, 7), date(2026, 9, 8));
    let builder = Reference::builder("r1").default_calendar(calendar(&[monday]));
    let reference = builder.calendar("200", calendar(&[tuesday])).build().expect("sound");
    assert_eq!(reference.is_instructional("100", monday), Some(true));
    assert_eq!(reference.is_instructional("200", monday), Some(false));
    assert_eq!(reference.is_instructional("200", tuesday), Some(true));
    assert_eq!(reference.is_instructional("100", date(2027, 6, 2)), None);
    assert_eq!(reference.school_year_on("100", date(2026, 8, 1)), Some(2027));
    assert_eq!(reference.school_year_on("100", date(2026, 7, 31)), None);
    assert_eq!(reference.version(), "r1");
}

#[test]
fn spans_and_positions_hold_at_the_edges() {
    let days = [date(2026, 9, 7), date(2026, 9, 8), date(2026, 9, 10)];
    let year = SchoolYear::new(&calendar(&days), &[], &DateRanges::new());
    let span = |from, to| year.span(Day::of(from), Day::of(to));
    assert_eq!(span(date(2026, 1, 1), date(2028, 1, 1)), 0..3);
    assert_eq!(span(Date::MIN, Date::MAX), 0..3);
    assert_eq!(span(days[0], days[0]), 0..1);
    assert_eq!(span(date(2026, 9, 9), date(2026, 9, 9)), 2..2);
    assert_eq!(span(days[2], days[0]), 2..2, "an inverted span is empty");
    assert_eq!(span(date(2027, 6, 1), date(2027, 6, 1)), 3..3);
    assert_eq!(span(date(2026, 7, 1), date(2026, 7, 31)), 0..0);
    assert_eq!(span(date(2027, 6, 2), Date::MAX), 3..3);
    assert_eq!(year.position(Day::of(days[2])), Some(2));
    for closed in [date(2026, 9, 9), date(2026, 7, 1), date(2028, 7, 1)] {
        assert_eq!(year.position(Day::of(closed)), None);
    }
}

#[test]
fn the_first_feed_in_authority_order_that_covers_a_day_rules_it() {
    let days = [date(2026, 9, 7), date(2026, 9, 8), date(2026, 9, 9), date(2026, 9, 10)];
    let (early, late) = (DateRanges::from((days[0], days[1])), DateRanges::from((days[1], days[2])));
    let covers = [
        Cover { rank: 0, rows: Rows::EveryDay, ranges: &late },
        Cover { rank: 1, rows: Rows::Exceptions, ranges: &early },
    ];
    let year = SchoolYear::new(&calendar(&days), &covers, &DateRanges::new());
    let ranks: Vec<_> = (0..4).map(|at| year.ruling(at).map(|ruling| ruling.rank)).collect();
    assert_eq!(ranks, [Some(1), Some(0), Some(0), None]);
    assert_eq!((0..4).map(|at| year.run_end(at)).collect::<Vec<_>>(), [1, 3, 3, 4]);
    assert!(year.is_covered_by(Day::of(days[0])) && !year.is_covered_by(Day::of(date(2026, 9, 6))));
}

#[test]
fn a_feed_is_named_once() {
    let builder = Reference::builder("").attendance_feed("a", Rows::Exceptions);
    let twice = builder.attendance_feed("a", Rows::EveryDay).build();
    assert_eq!(twice.err(), Some(ReferenceError::DuplicateFeed("a".into())));
    let many = (0..65).fold(Reference::builder(""), |builder, at| {
        builder.attendance_feed(format!("feed-{at}"), Rows::Exceptions)
    });
    assert_eq!(many.build().err(), Some(ReferenceError::TooManyFeeds));
}
