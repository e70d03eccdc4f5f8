//! An id under which the roster has somebody else.

use super::*;

/// `1001` is Zebedee's; one night somebody else has it.
fn roster_with(other: &str) -> String {
    drops::enrollment(&[1000]) + &format!("1001,{other},100,8/23/2021,\r\n")
}

const ZEBEDEE: &str = "Quillfeather1001,Zebedee1001,2007-03-03";
const ODILE: &str = "Marsh,Odile,2009-11-30";

#[test]
fn an_id_that_has_another_name_for_one_night_is_nobodys_that_night() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    for (n, (who, value)) in [(ZEBEDEE, "3/20"), (ODILE, "3/20"), (ZEBEDEE, "3/20")].iter().enumerate() {
        district.drop(&format!("enrollment-{n}.csv"), roster_with(who));
        district.attend(&ABSENCES);
        let status = district.up();
        assert_eq!(receiver.kinds(), RAISED, "night {n}: {status}");
        assert_eq!(district.answer(1001)["value"], *value, "night {n}: {status}");
        let warned = last_run(&status, "enrollment")["warnings"].to_string();
        assert_eq!(warned.contains("two_persons"), *who == ODILE, "night {n}: {warned}");
    }
    assert_eq!(district.status()["unmatched"], 0, "healed");
}

/// Two rows of the other child that differ in a letter are no less another child's.
#[test]
fn an_id_that_two_rows_give_to_somebody_else_is_nobodys() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.attend(&ABSENCES[2..]);
    district.up();
    let twice = roster_with(ODILE) + "1001,Marsh,Odile J,2009-11-30,100,8/23/2021,\r\n";
    district.drop("enrollment-2.csv", twice);
    district.attend(&ABSENCES);
    let status = district.up();
    assert_eq!(last_run(&status, "attendance")["unmatched"], 3, "{status}");
    assert_eq!(receiver.kinds(), Vec::<String>::new());
}

/// What else the roster of that night teaches about ids is learnt.
#[test]
fn a_roster_with_a_stranger_brings_its_new_children() {
    let mut district = District::new();
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.up();
    district.drop(
        "enrollment-2.csv",
        roster_with(ODILE)
            + &roster(&[(1050, 100, AUGUST, "")])
                .lines()
                .nth(1)
                .map(|line| format!("{line}\r\n"))
                .expect("a line"),
    );
    district.attend(&[(1050, 3, "A"), through(20)]);
    district.up();
    assert_eq!(district.answer(1050)["value"], "1/20");
}

/// The next day says so too: it is another child by now, who has nothing of what the first one had before.
#[test]
fn an_id_that_is_given_to_another_child_takes_nothing_along() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.attend(&ABSENCES);
    district.up();
    let entry = format!("2009-11-30,100,{}", us(day(30)));
    let since_day_30 = roster_with(ODILE).replace("2009-11-30,100,8/23/2021", &entry);
    for n in 2..4 {
        // Of the same day a second file proves nothing.
        district.drop(&format!("enrollment-{n}.csv"), &since_day_30);
        assert_eq!(district.up()["holds"], 0);
        assert_eq!(
            (receiver.kinds(), enrollments(&district, 1001).len()),
            (RAISED.map(str::to_owned).to_vec(), 1)
        );
    }
    district.later(24 * 60);
    district.drop("enrollment-4.csv", &since_day_30);
    assert_eq!(district.up()["holds"], 0);
    district.attend(&[ABSENCES[0], ABSENCES[1], ABSENCES[2], (1001, 31, "A"), through(40)]);
    district.up();
    let enrolled = enrollments(&district, 1001);
    assert_eq!((enrolled.len(), &enrolled[0]["entry"]), (1, &day(30).to_string().into()), "{enrolled:?}");
    assert_eq!(district.answer(1001)["value"], "1/11");
    assert_eq!(receiver.kinds()[1..], ["risk.flag.withdrawn"], "of whom there is no trace left");
    district.drop("enrollment-5.csv", &since_day_30);
    assert_eq!(last_run(&district.up(), "enrollment")["unchanged"], 2, "and so it stays");
}

/// On the day on which it is believed a row of the child cannot be read, or the hub dies: a day later it is settled.
#[test]
fn an_id_that_is_given_away_takes_nothing_along_whatever_happens_that_day() {
    let entry = format!("2009-11-30,100,{}", us(day(30)));
    let odile = roster_with(ODILE).replace("2009-11-30,100,8/23/2021", &entry);
    let unread = odile.clone() + "1001,Marsh,Odile,2009-11-30,200,xx,\r\n";
    for (name, second, failpoint) in [
        ("a bad row", &unread, None),
        ("a death", &odile, Some("append")),
        ("another", &odile, Some("ledger")),
    ] {
        let mut district = District::new();
        district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
        district.attend(&ABSENCES);
        district.up();
        for (n, file) in [&odile, second, &odile].into_iter().enumerate() {
            district.later(24 * 60);
            district.drop(&format!("enrollment-{}.csv", n + 2), file);
            if let Some(failpoint) = failpoint.filter(|_| n == 1) {
                district.up_dying_at(failpoint, 1);
            }
            district.up();
        }
        district.attend(&[ABSENCES[0], ABSENCES[1], ABSENCES[2], (1001, 31, "A"), through(40)]);
        district.up();
        let enrolled = enrollments(&district, 1001);
        assert_eq!(enrolled.len(), 1, "{name}: {enrolled:?}");
        assert_eq!(district.answer(1001)["value"], "1/11", "{name}");
    }
}

/// One child's id is believed on the day on which another's is not yet.
#[test]
fn two_ids_that_are_given_away_on_two_days_are_believed_one_after_the_other() {
    let mut district = District::new();
    let roster =
        |first: &str, second: &str| roster_with(first) + &format!("1002,{second},100,8/23/2021,\r\n");
    let (other, third) = ("Reed1002,Tilda1002,2007-03-04", "Stone,Uma,2010-04-01");
    for (n, (first, second, nobody)) in
        [(ZEBEDEE, other, 0), (ODILE, other, 1), (ODILE, third, 1), (ODILE, third, 0)].iter().enumerate()
    {
        district.drop(&format!("enrollment-{n}.csv"), roster(first, second));
        district.attend(&[(1001, 3, "A"), (1002, 3, "A"), through(20)]);
        let status = district.up();
        assert_eq!(last_run(&status, "attendance")["unmatched"], *nobody, "night {n}: {status}");
        district.later(24 * 60);
    }
    assert_eq!(district.status()["unmatched"], 0);
}

/// The name and the birth date of a child were placeholders, and are mended.
#[test]
fn a_child_whose_placeholders_are_mended_keeps_everything() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    district.drop("enrollment-1.csv", roster_with(ZEBEDEE));
    district.attend(&ABSENCES);
    district.up();
    for n in 2..5 {
        district.later(24 * 60);
        district.drop(&format!("enrollment-{n}.csv"), roster_with(ODILE));
        district.up();
        assert_eq!(
            (district.answer(1001)["value"].clone(), receiver.kinds().len()),
            ("3/20".into(), 1),
            "night {n}"
        );
    }
    assert_eq!(district.status()["unmatched"], 0);
}
