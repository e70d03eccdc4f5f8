//! I19 over all registers and all rules: any order and any repetition of the same observations gives equal registers, down to
//! their bytes, and equal judgements; and what was told before is brought to the same by either.

use jiff::Timestamp;
use jiff::civil::Date;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::announce::Announced;
use crate::observation::{
    Category, CourseGrade, Enrollment, Fact, GradeKind, GradeOf, Incident, IncidentCategory, Mark,
    Observation,
};
use crate::student::{YEAR, build, bytes, day, read_back, with_feeds};
use crate::{Judging, Reference, Registers, Rows, Rule};

const RULES: [&str; 5] = [
    r#"{"rule": "chronic-absence", "min_days": 5}"#,
    r#"{"rule": "course-failure", "kind": "posted", "below": 60, "leave": 63, "scale": {"F": 50}}"#,
    r#"{"rule": "course-failure", "kind": "in_progress", "below": 60, "stale_after": {"school_days": 10}}"#,
    r#"{"rule": "behavior", "categories": ["major"], "at_least": 2, "within": {"school_days": 10}}"#,
    r#"{"rule": "behavior", "categories": ["major", "minor"], "at_least": 3, "leave": 2}"#,
];

fn rules() -> Vec<Rule> {
    let rule = |json: &str| Rule::from_json(serde_json::from_str(json).expect("an object")).expect("a rule");
    RULES.into_iter().map(rule).collect()
}

fn reference() -> Reference {
    let builder = with_feeds(&[("att", Rows::Exceptions)], 40);
    let builder = builder.read("office", ["behavior.incident".to_owned()]);
    build(builder.read("tool", ["behavior.incident".to_owned(), "gradebook.course_grade".to_owned()]))
}

fn feed() -> impl Strategy<Value = &'static str> {
    select(vec!["office", "tool", "unlisted"])
}

fn mark() -> impl Strategy<Value = Mark<&'static str>> {
    let points = select(vec!["59.99", "60", "62", "63", "90"]);
    prop_oneof![
        4 => points.prop_map(|text| Mark::Points(text.parse().expect("a grade"))),
        1 => select(vec!["F", "P"]).prop_map(Mark::Letter),
        1 => Just(Mark::None),
        1 => Just(Mark::Unknown),
    ]
}

fn grade() -> impl Strategy<Value = Observation<'static>> {
    let of = (select(vec!["ALG", "ENG"]), select(vec!["Q1", "Q2"]), select(GradeKind::ALL));
    let value = prop::option::weighted(0.8, (mark(), 1_i64..40));
    (feed(), 1_u64..4, of, value).prop_map(|(feed, revision, (class, term, kind), value)| {
        let value = value.map(|(mark, at)| CourseGrade { mark, date: day(at) });
        Observation {
            feed,
            revision,
            fact: Fact::CourseGrade { of: GradeOf { school: "100", class, term, kind }, value },
        }
    })
}

fn incident() -> impl Strategy<Value = Observation<'static>> {
    let date = prop::option::weighted(0.9, (1_i64..40).prop_map(day));
    let value = prop::option::weighted(0.8, (date, select(IncidentCategory::ALL)));
    (feed(), 1_u64..4, select(vec!["a", "b", "c", "d"]), value).prop_map(
        |(feed, revision, incident, value)| {
            let value = value.map(|(date, category)| Incident { school: "100", date, category });
            Observation { feed, revision, fact: Fact::Incident { incident, value } }
        },
    )
}

fn attendance() -> impl Strategy<Value = Observation<'static>> {
    let value = prop::option::weighted(0.9, select(Category::ALL));
    (1_i64..40, 1_u64..4, value).prop_map(|(at, revision, value)| {
        let fact = Fact::Attendance { school: "100", date: day(at), value };
        Observation { feed: "att", revision, fact }
    })
}

fn enrollment() -> impl Strategy<Value = Observation<'static>> {
    let value = (1_i64..20, prop::option::of(20_i64..40));
    (1_u64..4, prop::option::weighted(0.9, value)).prop_map(|(revision, value)| {
        let value = value.map(|(entry, exit)| Enrollment {
            school: "100",
            entry: day(entry),
            exit: exit.map(day),
            grade: Some("09"),
        });
        Observation { feed: "sis", revision, fact: Fact::Enrollment { key: "e1", value } }
    })
}

/// Observations, and the same in another order with some of them repeated.
fn shuffled() -> impl Strategy<Value = (Vec<Observation<'static>>, Vec<Observation<'static>>)> {
    let one = prop_oneof![4 => grade(), 4 => incident(), 2 => attendance(), 1 => enrollment()];
    (prop::collection::vec(one, 0..30), prop::collection::vec(any::<Index>(), 0..10)).prop_flat_map(
        |(observations, again)| {
            let mut all = observations.clone();
            if !observations.is_empty() {
                all.extend(again.iter().map(|index| *index.get(&observations)));
            }
            (Just(observations), Just(all).prop_shuffle())
        },
    )
}

fn registers(observations: &[Observation<'_>]) -> Registers {
    let mut registers = Registers::default();
    for observation in observations {
        registers.apply(observation);
    }
    registers
}

fn announced(registers: &Registers, rule: &Rule, reference: &Reference, as_of: Date, told: &mut Announced) {
    let on = Judging { registers, reference, school_year: YEAR, as_of };
    let judgement = rule.judge(&on);
    judgement.announce(told, Timestamp::UNIX_EPOCH);
    assert_eq!(judgement.announce(told, Timestamp::UNIX_EPOCH), [], "said once");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn i19_any_order_and_repetition_gives_equal_registers_and_judgements(
        (straight, shuffled) in shuffled(), as_of in 1_i64..60, before in 0_usize..30,
    ) {
        let reference = reference();
        let (one, other) = (registers(&straight), registers(&shuffled));
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(bytes(&one), bytes(&other));
        prop_assert_eq!(read_back(&bytes(&one)), Ok(one.clone()));
        let added_up_again = one.added_up_again();
        let digest = |registers: &Registers| {
            let of = |tag: &u8| registers.write_section(*tag, &mut Vec::new()).unwrap_or_default();
            Registers::TAGS.iter().map(of).collect::<Vec<u128>>()
        };
        prop_assert_eq!(digest(&added_up_again), digest(&one));
        let earlier = registers(&straight[..before.min(straight.len())]);
        for rule in rules() {
            let judge = |registers| {
                rule.judge(&Judging { registers, reference: &reference, school_year: YEAR, as_of: day(as_of) })
            };
            prop_assert_eq!(judge(&one), judge(&other));
            let mut told = Announced::default();
            announced(&earlier, &rule, &reference, day(as_of), &mut told);
            announced(&one, &rule, &reference, day(as_of), &mut told);
            let once = told.clone();
            announced(&one, &rule, &reference, day(as_of), &mut told);
            prop_assert_eq!(&told, &once, "deciding again on the same changes nothing");
            // What is open and confirmed is what is judged now; each raise is open, cleared or withdrawn.
            for flag in told.flags().iter().filter(|flag| flag.state.is_live() && !flag.unconfirmed) {
                prop_assert!(judge(&one).gives(flag), "{:?}", flag);
            }
            // Of what is not, it can be said why; also under a rule of the name with other settings.
            for other in rules().iter().filter(|other| other.name() == rule.name()) {
                let on = Judging { registers: &one, reference: &reference, school_year: YEAR, as_of: day(as_of) };
                let judgement = other.judge(&on);
                judgement.announce(&mut told, Timestamp::UNIX_EPOCH);
                for flag in told.flags().iter().filter(|flag| flag.state.is_live() && flag.unconfirmed) {
                    prop_assert!(!judgement.open_questions(flag).is_empty(), "{:?}", flag);
                }
            }
        }
    }
}
