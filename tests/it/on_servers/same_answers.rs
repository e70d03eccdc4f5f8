//! The same files, embedded and on servers: the same answers, the same state.

use serde_json::Value;

use super::pass_over;
use crate::district::District;
use crate::drops::{Row, through};
use crate::receiver::Receiver;
use crate::servers::Servers;
use crate::{grades, incidents};

const RULES: &str = "{rules: [{rule: chronic-absence}, \
     {rule: course-failure, kind: posted, below: 60, leave: 63, scale: {A: 95, F: 50}}, \
     {rule: behavior, categories: [major], at_least: 2, within: {school_days: 45}}]}";
const STUDENTS: std::ops::Range<u32> = 1000..1040;

/// On each night some absences, grades and incidents come, and some of the night before are gone or others.
fn night(district: &mut District, night: u32) {
    let few = |one: u32| STUDENTS.filter(move |id| (id + one).is_multiple_of(7));
    let absences = (0..=night).flat_map(|one| {
        let code = if one < night { "E" } else { "A" };
        few(one).flat_map(move |id| [(id, 3 + one as usize, code), (id, 10 + one as usize, "A")])
    });
    district.attend(&absences.chain([through(20)]).collect::<Vec<Row>>());
    let grade = |id: u32| match (id + night) % 5 {
        0 => "F",
        1 => "61",
        2 => "",
        3 => "B?",
        _ => "88",
    };
    let graded: Vec<grades::Grade<'_>> = STUDENTS
        .flat_map(|id| [(id, "ALG1", "Q1", "P", grade(id)), (id, "ENG9", "Q1", "P", grade(id + 1))])
        .collect();
    district.drop(&format!("grades-{night}.csv"), grades::export(&graded));
    let happened: Vec<incidents::Incident<'_>> =
        (0..=night).flat_map(few).enumerate().map(|(n, id)| (n as u32, id, 2 + n % 15, "2")).collect();
    district.drop(&format!("incidents-{night}.csv"), incidents::export(&happened));
    district.up();
    district.later(60 * 24);
}

#[test]
fn files_and_servers_agree_on_grades_incidents_and_attendance() {
    if pass_over("same_answers") {
        return;
    }
    let receivers = [Receiver::start(), Receiver::start()];
    let mut districts = [None, Some(Servers::new())].map(|servers| {
        let place = usize::from(servers.is_some());
        let mut district = District::on(servers, |config| {
            config.beside = [grades::FEED, incidents::FEED].concat();
            config.risk = RULES;
            config.webhooks = vec![("counselor".to_owned(), receivers[place].url())];
            config.told_of = vec!["chronic-absence", "course-failure", "behavior"];
        });
        district.enroll(&STUDENTS.collect::<Vec<_>>());
        district
    });
    for one in 0..3 {
        for district in &mut districts {
            night(district, one);
        }
        let [files, servers] = &districts;
        assert_eq!(files.state_hash(), servers.state_hash(), "night {one}");
        let flags: Vec<Value> = files.flags();
        assert!(!flags.is_empty());
        assert_eq!(flags, servers.flags(), "night {one}");
    }
    let [files, servers] = &districts;
    for id in STUDENTS {
        assert_eq!(files.student(id), servers.student(id));
    }
    assert!(receivers[0].ids().len() > 20);
    assert_eq!(receivers[0].ids(), receivers[1].ids());
}
