mod rules;

use std::path::Path;

use signalbox_risk::{ChronicAbsence, HalfDay, Settings};

use super::*;
use crate::connectors;
#[cfg(feature = "servers")]
use crate::problem::Severity;

const HEAD: &str = "district: {id: lakeview, timezone: America/Chicago}\n";

const ENROLLMENT: &str = "\
csv: {path: e.csv, entity: roster.enrollment, covers: school_year, absent_rows: end,
    columns: {student: S, school: C, entry: E}}";

const ATTENDANCE: &str = "\
csv: {path: a.csv, entity: attendance.daily, rows: exceptions, covers: school_year, absent_rows: end,
    columns: {student: S, school: C, date: D, category: K}, codes: {category: {A: absent_unexcused}}}";

const CALENDAR: &str = "calendars: [{schools: all, school_year: 2027, first: 2026-08-17, last: 2027-05-28, closed: [2026-09-07]}]\n";

fn read(yaml: &str) -> Result<Loaded, Problems> {
    parse(Path::new("signalbox.yaml"), yaml, connectors::ALL)
}

fn problems(yaml: &str) -> Vec<Problem> {
    match read(yaml) {
        Ok(loaded) => loaded.problems,
        Err(problems) => problems.0,
    }
}

/// The only problem there is.
#[track_caller]
fn only(yaml: &str) -> Problem {
    let mut found = problems(yaml);
    assert_eq!(found.len(), 1, "{yaml}\n{found:#?}");
    found.remove(0)
}

/// The YAML has `§` where the only problem is expected.
#[track_caller]
fn check(marked: &str, code: &str, says: &str) {
    let (before, _) = marked.split_once('§').expect("the YAML has a mark");
    let line = before.lines().count().max(1) as u64 + u64::from(before.ends_with('\n'));
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    let yaml = marked.replace('§', "");
    let problem = only(&yaml);
    assert_eq!((problem.line, problem.column), (Some(line), Some(column)), "{yaml}\n{problem:#?}");
    assert_eq!(problem.code, code, "{yaml}\n{problem:#?}");
    let text = format!("{}; {}", problem.message, problem.help);
    assert!(text.contains(says), "{yaml}\n{text}");
}

#[test]
fn what_is_no_yaml_is_reported_where_it_breaks() {
    check("district: {id: x,\ntimezone: §[}\n", "yaml_syntax", "mind indentation");
    check("district: {id: a}\ndata_dir: x\n§district: {id: b}\n", "duplicate_key", "\"district\"");
    check("§", "empty_config", "no sections");
    check("§- a\n", "empty_config", "signalbox init");
    check("a: 1\n---\n§b: 1\n", "yaml_syntax", "more than one document");
}

#[test]
fn unknown_keys_are_refused_everywhere() {
    let feed = |inner: &str| format!("{HEAD}{CALENDAR}feeds:\n  - name: a\n    {inner}\n    {ENROLLMENT}\n");
    check(&format!("{HEAD}§fedes: []\n"), "unknown_key", "did you mean \"feeds\"");
    let district = "district: {id: a, timezone: UTC, §time_zone: UTC}";
    check(district, "unknown_key", "did you mean \"timezone\"");
    check(&feed("§rooster: true"), "unknown_key", "roster_of_record");
    check(&format!("{HEAD}risk: {{§entr: 10%}}\n"), "unknown_key", "did you mean \"enter\"");
    check(&format!("{HEAD}log: {{sqlite: {{§path: x}}}}\n"), "unknown_key", "path");
    let column = ENROLLMENT.replace("student:", "§studnet:");
    check(&format!("{HEAD}feeds:\n  - name: a\n    {column}\n"), "unknown_key", "\"student\"");
}

#[test]
fn faults_inside_a_connectors_section_keep_their_place() {
    let feed = |section: &str| {
        format!("{HEAD}{CALENDAR}feeds:\n  - name: e\n    {ENROLLMENT}\n  - name: a\n    {section}\n")
    };
    let word = ATTENDANCE.replace("absent_unexcused", "§absent_unexcusd");
    check(&feed(&word), "invalid_value", "absent_unexcused");
    let rows = ATTENDANCE.replace("rows: exceptions", "rows: §exception");
    check(&feed(&rows), "unknown_word", "did you mean \"exceptions\"");
    let entity = ATTENDANCE.replace("attendance.daily", "§attendance");
    check(&feed(&entity), "unknown_word", "did you mean \"attendance.daily\"");
    check(&feed("§csv: {path: a.csv, entity: attendance.daily}"), "missing_key", "\"columns\" is missing");
    let covers = ATTENDANCE.replace("covers: school_year", "covers: {school_days: §many}");
    check(&feed(&covers), "invalid_type", "found text");
    check(&feed("csv: §[1]"), "invalid_type", "expected a map of keys, found a list");
    let zone = ATTENDANCE.replace("date: D", "date: §{from: D, format: \"%Y-%m-%dT%H:%M:%SZ\"}");
    check(&feed(&zone), "invalid_value", "write %z");
    let names = ATTENDANCE.replace("category: K", "category: {from: [K, §{a: b}]}");
    check(&feed(&names), "invalid_type", "expected text, found a map");
    // Found only after the section was read: the message begins with the key that it speaks of.
    let several = ATTENDANCE.replace("student: S", "student: §{from: [S, T]}");
    check(&feed(&several), "invalid_value", "columns.student takes one column");
    let erase = ATTENDANCE.replace("absent_rows: end", "absent_rows: §erase");
    check(&feed(&erase), "invalid_value", "erase is for enrolments");
    let format = ATTENDANCE.replace("category: K", "category: §{from: K, format: \"%m/%d/%Y\"}");
    check(&feed(&format), "invalid_value", "columns.category is no date");
}

#[test]
fn the_district_is_required_and_its_zone_is_real() {
    check("§data_dir: ./var\n", "missing_key", "\"district\"");
    check("§district: {id: a}\n", "missing_key", "\"timezone\"");
    check("district: {id: a, timezone: §America/Chigaco}\n", "unknown_timezone", "America/Chicago");
    check("district: {id: a, timezone: §EST}\n", "fixed_timezone", "America/New_York");
    check("district: {id: §a b, timezone: UTC}\n", "invalid_name", "district");
    check("district: {id: §[a], timezone: UTC}\n", "invalid_type", "expected text, found a list");
}

#[test]
fn calendars_fit_themselves_and_each_other() {
    let calendar =
        |text: &str| format!("{HEAD}calendars:\n  - {{schools: all, school_year: 2027, {text}}}\n");
    check(&calendar("first: 2027-05-28, last: §2026-08-17"), "calendar_reversed", "before it begins");
    check(&calendar("first: 2026-08-17, last: §2062-05-28"), "calendar_too_long", "days");
    check(
        &calendar("first: 2026-08-17, §last: 2027-05-28")
            .replace("§last", "last")
            .replace("first: ", "first: §"),
        "no_closed_day",
        "holidays",
    );
    check(&calendar("first: §2026-13-17, last: 2027-05-28"), "invalid_value", "write YYYY-MM-DD");
    check(&calendar("first: §8/17/2026, last: 2027-05-28"), "invalid_value", "write YYYY-MM-DD");
    let closed = |text: &str| calendar(&format!("first: 2026-08-17, last: 2027-05-28, closed: [{text}]"));
    check(&closed("§2025-09-01"), "closed_outside", "outside the school year");
    check(&closed("§{from: 2026-12-24, to: 2026-12-20}"), "closed_reversed", "before it begins");
    check(&closed("{from: 2026-12-24, §until: 2026-12-20}"), "unknown_key", "from, to");
    let more =
        |text: &str| calendar(&format!("first: 2026-08-17, last: 2027-05-28, closed: [2026-09-07], {text}"));
    check(&more("open: [2026-10-17, §2027-06-05]"), "open_outside", "outside the school year");
    check(&more("open: [§10/17/2026]"), "invalid_value", "write YYYY-MM-DD");
    check(&more("weekdays: [mon, §tues]"), "unknown_word", "did you mean \"tue\"");
    check(&more("weekdays: §[]"), "no_weekday", "mon, tue, wed, thu, fri");
    let schools =
        calendar("first: 2026-08-17, last: 2027-05-28, closed: [2026-09-07]").replace("all", "§100");
    check(&schools, "invalid_type", "\"all\" or a list of school ids");
    let second =
        "  - §{schools: all, school_year: 2028, first: 2027-05-01, last: 2028-05-26, closed: [2027-09-06]}\n";
    let two = calendar("first: 2026-08-17, last: 2027-05-28, closed: [2026-09-07]") + second;
    check(&two, "calendar_overlap", "same days");
    let year =
        calendar("first: 2026-08-17, last: 2027-05-28, closed: [2026-09-07]").replace("2027, f", "§2026, f");
    check(&year, "calendar_year", "write school_year: 2027");
    let own = two
        .replace('§', "")
        .replace("schools: all, school_year: 2028", "schools: [100, 007], school_year: 2028");
    let loaded = read(&own).expect("a school's own calendar may stand beside that of all");
    let ids = vec!["100".to_owned(), "007".to_owned()];
    assert_eq!(loaded.config.calendars[1].schools, sections::Schools::These(ids), "ids keep their zeros");
}

#[test]
fn a_feed_has_a_name_and_one_connector() {
    let feeds = |text: &str| format!("{HEAD}feeds:\n{text}");
    check(&feeds("  - §name: a\n"), "no_connector", "csv");
    check(&feeds(&format!("  - §{{{ENROLLMENT}}}\n")), "missing_key", "no name");
    check(&feeds(&format!("  - name: §A b\n    {ENROLLMENT}\n")), "invalid_name", "small letters");
    check(&feeds("  - name: a\n    §webhook: {}\n"), "wrong_connector", "under destinations");
    check(&feeds("  - name: a\n    §cvs: {}\n"), "unknown_key", "did you mean \"csv\"");
    check(&feeds(&format!("  - name: a\n    mode: §alive\n    {ENROLLMENT}\n")), "unknown_word", "live");
    check(&feeds("  - §csv\n"), "invalid_type", "a feed is a map");
    check(&format!("{HEAD}feeds: §{{a: 1}}\n"), "invalid_type", "is a list");
    let twice = format!("  - name: a\n    {ENROLLMENT}\n  - name: §a\n    {ATTENDANCE}\n");
    check(&format!("{HEAD}{CALENDAR}feeds:\n{twice}"), "duplicate_name", "line 4");
}

#[test]
fn so_many_attendance_feeds_are_refused() {
    let feeds = |count: usize, mark: &str| {
        let feed = |n: usize| {
            let mark = if n == 64 { mark } else { "" };
            format!("  - name: {mark}school-{n}\n    {ATTENDANCE}\n")
        };
        let attendance: String = (0..count).map(feed).collect();
        format!("{HEAD}{CALENDAR}feeds:\n  - name: roster\n    {ENROLLMENT}\n{attendance}")
    };
    read(&feeds(64, "")).expect("64 are sound");
    check(&feeds(66, "§"), "too_many_feeds", "let one feed read the files of many schools");
}

#[test]
fn exactly_one_feed_is_the_roster_of_record() {
    let feed = |name: &str, extra: &str, section: &str| format!("  - name: {name}\n{extra}    {section}\n");
    let of_record = "    roster_of_record: true\n";
    let marked = "    roster_of_record: §true\n";
    let config = |feeds: &[String]| format!("{HEAD}{CALENDAR}feeds:\n{}", feeds.concat());

    let loaded = read(&config(&[feed("a", "", ATTENDANCE), feed("e", "", ENROLLMENT)])).expect("sound");
    let flags: Vec<bool> = loaded.config.feeds.iter().map(|feed| feed.roster_of_record).collect();
    assert_eq!(flags, [false, true], "the only roster feed is the roster of record");

    let none = config(&[feed("§e", "", ENROLLMENT), feed("f", "", ENROLLMENT)]);
    check(&none, "no_roster_of_record", "add roster_of_record: true");
    let two = config(&[feed("e", of_record, ENROLLMENT), feed("f", marked, ENROLLMENT)]);
    check(&two, "two_rosters", "keep it");
    let wrong = config(&[feed("e", "", ENROLLMENT), feed("a", marked, ATTENDANCE)]);
    check(&wrong, "not_a_roster", "carries no roster");
    let lonely = config(&[feed("a", "", ATTENDANCE)]);
    assert_eq!(only(&lonely).code, "no_roster");
    let no_calendar = format!("{HEAD}feeds:\n{}{}", feed("e", "", ENROLLMENT), feed("§a", "", ATTENDANCE));
    check(&no_calendar, "no_calendar", "calendars:");
}

#[test]
fn routes_lead_from_rules_to_destinations() {
    let url = "webhook: {url: \"https://tool.example/\", secret: \"SECRET[env.PATH]\"}";
    let config = |route: &str| {
        format!(
            "{HEAD}destinations:\n  - {{name: counselor, {url}}}\nroutes:\n  - {{rule: chronic-absence, to: counselor}}\n{route}"
        )
    };
    assert!(problems(&config("")).is_empty());
    check(&config("  - {rule: §chronic-absense, to: counselor}\n"), "unknown_rule", "did you mean");
    check(&config("  - {rule: chronic-absence, to: §counsellor}\n"), "unknown_destination", "did you mean");
    check(&config("  - §{rule: chronic-absence, to: counselor}\n"), "duplicate_route", "twice");
    let unused = format!("{HEAD}destinations:\n  - {{name: §counselor, {url}}}\n");
    check(&unused, "no_route", "told of nothing");
    let late = config("").replace("to: counselor}\n", "to: counselor, when: §digest}\n");
    check(&late, "not_in_this_build", "at_once");
}

#[test]
fn lines_of_risk_are_percentages_in_order() {
    let risk = |text: &str| format!("{HEAD}risk: {{{text}}}\n");
    check(&risk("enter: 10%, leave: §12%"), "invalid_policy", "lower leave");
    check(&risk("enter: §5%"), "invalid_policy", "lower leave");
    check(&risk("enter: §10"), "invalid_value", "percentage");
    check(&risk("min_days: §0"), "invalid_policy", "at least 1");
    check(&risk("min_days: §soon"), "invalid_type", "expected a whole number, found text");
    check(&risk("packs: [§federal-absence]"), "unknown_pack", "federal-chronic-absence");
    let loaded = read(&risk("enter: 7.5%, leave: 5%, min_days: 30")).expect("sound");
    let pack = |enter: &str, leave: &str, min_days| {
        let (enter, leave) = (enter.parse().expect("valid"), leave.parse().expect("valid"));
        let pack = ChronicAbsence::new(enter, leave, min_days, HalfDay::Whole).expect("sound");
        vec![Rule::from(Settings::ChronicAbsence(pack))]
    };
    assert_eq!(loaded.config.rules, pack("7.5%", "5%", 30));
    let default = read(HEAD).expect("sound");
    assert_eq!(default.config.rules, pack("10%", "9%", 20));
}

#[test]
fn a_rule_waits_for_no_more_school_days_than_a_year_has() {
    let behavior = "{rule: behavior, categories: [major], at_least: 2}";
    for risk in [
        "{packs: [federal-chronic-absence], min_days: §500}".to_owned(),
        format!("{{rules: [{behavior}, {{rule: chronic-absence, min_days: §500}}]}}"),
    ] {
        let text = format!("{HEAD}{CALENDAR}risk: {risk}\n");
        let problems = problems(&text.replace('§', ""));
        let at = text.lines().last().and_then(|line| line.find('§')).map(|at| at as u64 + 1);
        let found: Vec<_> = problems.iter().filter(|one| one.code == "rule_never_fires").collect();
        assert_eq!(found.iter().map(|one| one.column).collect::<Vec<_>>(), [at], "{text}");
    }
}

#[test]
fn rules_are_sound_and_each_can_fire() {
    let grades = "csv: {path: g.csv, entity: gradebook.course_grade, covers: school_year, absent_rows: end,
    columns: {student: S, school: C, class: K, term: T, kind: P, grade: G}}";
    let head = format!("{HEAD}feeds:\n  - {{name: e, {ENROLLMENT}}}\n  - {{name: g, {grades}}}\n");
    let risk = |rules: &str| format!("{head}risk: {{rules: [{rules}]}}\n");
    let course = "rule: course-failure, kind: posted, below: 60";
    for (rules, code, told) in [
        ("{rule: §course-failur, below: 60}", "unknown_rule", "did you mean"),
        ("§{below: 60}", "missing_key", "course-failure"),
        ("{rule: course-failure, kind: posted, below: §0}", "invalid_rule", "e.g. below: 60"),
        ("{rule: course-failure, kind: posted, below: 60, leave: §59.5}", "invalid_rule", "60 or more"),
        ("{rule: course-failure, kind: §final, below: 60}", "unknown_word", "posted"),
        ("{rule: course-failure, kind: posted, below: §250}", "invalid_value", "such as 60 or 59.5"),
        ("§{rule: course-failure, below: 60}", "missing_key", "one of in_progress, posted"),
        ("{rule: course-failure, kind: posted, below: 60, §at_least: 2}", "unknown_key", "below"),
        ("{rule: course-failure, kind: posted, below: 60, grades: §[]}", "invalid_rule", "leave grades out"),
        (
            "{rule: course-failure, kind: posted, below: 60}, §{rule: course-failure, kind: posted, below: 50, grades: [\"09\"]}",
            "rule_never_fires",
            "for fewer first",
        ),
        (
            "{rule: behavior, categories: [major], at_least: 2, grades: [\"09\"]}, {rule: behavior, categories: [major], at_least: 2, grades: [\"10\"]}, §{rule: behavior, categories: [major], at_least: 3, grades: [\"10\", \"09\"], schools: [\"100\"]}",
            "rule_never_fires",
            "for fewer first",
        ),
        ("{rule: chronic-absence, enter: 10%, leave: §12%}", "invalid_rule", "lower leave"),
        ("{rule: behavior, categories: §[], at_least: 2}", "invalid_rule", "major"),
        ("{rule: behavior, categories: [major], at_least: 2, leave: §3}", "invalid_rule", "comes off below"),
    ] {
        check(&risk(rules), code, told);
    }
    let loaded = read(&risk(&format!("{{{course}, grades: [\"09\", 10]}}, {{{course}}}"))).expect("sound");
    let [first, second] = &loaded.config.rules[..] else {
        panic!("two rules and no pack: {:?}", loaded.config.rules)
    };
    assert_eq!((first.grades.as_slice(), second.grades.len()), (&["09".to_owned(), "10".to_owned()][..], 0));
    let with_pack = format!("{head}risk: {{packs: [federal-chronic-absence], rules: [{{{course}}}]}}\n");
    let names: Vec<_> = read(&with_pack).expect("sound").config.rules.iter().map(Rule::name).collect();
    assert_eq!(names, ["chronic-absence", "course-failure"]);
    check(&format!("{head}risk: {{rules: §[]}}\n"), "no_rule", "leave rules out");
    let lonely = risk("{rule: behavior, categories: [major], at_least: 2}");
    assert_eq!(only(&lonely).code, "rule_without_feed");
    let url = "webhook: {url: \"https://tool.example/\", secret: \"SECRET[env.PATH]\"}";
    let routed = format!(
        "{}destinations:\n  - {{name: c, {url}}}\nroutes:\n  - {{rule: §behavior, to: c}}\n",
        risk(&format!("{{{course}}}"))
    );
    check(&routed, "no_such_rule", "risk: rules");
    let half = format!(
        "{with_pack}destinations:\n  - {{name: c, {url}}}\nroutes:\n  - {{rule: course-failure, to: c}}\n"
    );
    let found = only(&half);
    assert_eq!(
        (found.code, found.help.as_str()),
        ("rule_without_route", "add to routes: {rule: chronic-absence, to: c}")
    );
}

#[cfg(feature = "servers")]
#[test]
fn log_and_store_go_together() {
    let kafka = "log: §{kafka: {brokers: [\"127.0.0.1:9092\"], tls: {ca: ./ca.pem}}}\n";
    check(&format!("{HEAD}{kafka}"), "log_and_store", "go together");
    let both =
        format!("{HEAD}{}store: {{postgres: {{url: \"SECRET[env.PATH]\"}}}}\n", kafka.replace('§', ""));
    let loaded = read(&both).expect("sound");
    assert!(matches!(loaded.config.backing, Backing::Servers(_)));
    let none = "log: {kafka: {brokers: §[]}}\nstore: {postgres: {url: \"SECRET[env.PATH]\"}}\n";
    let found = problems(&format!("{HEAD}{}", none.replace('§', "")));
    let error = found.iter().find(|problem| problem.severity == Severity::Error).expect("an error");
    assert_eq!((error.code, error.line, error.column), ("invalid_kafka", Some(2), Some(24)));
    check(&format!("{HEAD}log: {{§kafak: {{}}}}\n"), "unknown_word", "did you mean \"kafka\"");
}

#[cfg(feature = "servers")]
#[test]
fn readers_read_domains_that_there_are() {
    let kafka = |readers: &str| {
        format!(
            "{HEAD}log: {{kafka: {{brokers: [\"127.0.0.1:9092\"], readers: [{readers}]}}}}\n\
             store: {{postgres: {{url: \"SECRET[env.PATH]\"}}}}\n"
        )
    };
    check(&kafka("{user: bi, domains: [§grades]}"), "invalid_value", "roster, attendance");
    check(&kafka("§{user: bi, domains: []}"), "invalid_reader", "domains: [attendance, risk]");
    let twice = "{user: bi, domains: [risk]}, §{user: bi, domains: [roster]}";
    check(&kafka(twice), "duplicate_reader", "in one place");
    let loaded = read(&kafka("{user: bi, domains: [attendance, risk]}")).expect("sound");
    let Backing::Servers(servers) = loaded.config.backing else { panic!("it names servers") };
    assert_eq!(servers.kafka.readers[0].domains.len(), 2);
}

#[test]
fn several_faults_are_found_at_once() {
    let yaml = format!(
        "district: {{id: a, timezone: Mars}}\nfeeds:\n  - name: a\n    csv: {{}}\n  - name: b\n    {ENROLLMENT}\nrisk: {{enter: 1}}\n"
    );
    let lines: Vec<_> = problems(&yaml).into_iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [Some(1), Some(4), Some(8)]);
}

#[test]
fn secrets_are_looked_for_and_never_printed() {
    let district = |secret: &str| format!("district: {{id: a, timezone: UTC, secret: {secret}}}\n");
    check(&district("§hunter2"), "literal_secret", "SECRET[env.NAME]");
    check(&district("§\"SECRET[env.SIGNALBOX_NO_SUCH]\""), "secret_missing", "SIGNALBOX_NO_SUCH");
    check(&district("§\"SECRET[file./no/such]\""), "secret_missing", "/no/such");
    check(&district("§\"SECRET[vault.x]\""), "invalid_value", "SECRET[env.NAME]");
    assert!(problems(&district("\"SECRET[env.PATH]\"")).is_empty());

    let loaded = read(&district("hunter2")).expect("a warning only");
    assert!(!format!("{:?}", loaded.config).contains("hunter2"));
    let misplaced = problems(&district("hunter2").replace("secret: hunter2", "secret: [hunter2]"));
    assert!(!format!("{misplaced:?}").contains("hunter2"));
}

#[test]
fn paths_start_at_the_files_folder() {
    let loaded = parse(Path::new("/etc/hub/signalbox.yaml"), HEAD, connectors::ALL).expect("sound");
    assert_eq!(loaded.config.data_dir, Path::new("/etc/hub/./var"));
    assert_eq!(loaded.config.base, Path::new("/etc/hub"));
    let here = std::env::current_dir().expect("there is a working directory");
    for name in ["signalbox.yaml", "./signalbox.yaml", "../{here}/signalbox.yaml"] {
        let own = here.file_name().expect("it has a name").to_string_lossy();
        let loaded = parse(Path::new(&name.replace("{here}", &own)), HEAD, connectors::ALL).expect("sound");
        assert!(loaded.config.base.is_absolute(), "{name}");
        let base = loaded.config.base.canonicalize().expect("it is there");
        assert_eq!(base, here.canonicalize().expect("it is there"), "{name}");
    }
}

#[test]
fn calendars_have_make_up_days_and_weeks_of_their_own() {
    let yaml = format!(
        "{HEAD}calendars: [{{schools: all, school_year: 2027, first: 2026-08-17, last: 2027-05-28, \
         closed: [2026-10-12], open: [2026-10-12, 2026-10-17], weekdays: [mon, wed]}}]\n"
    );
    let calendars = crate::open::calendars(&read(&yaml).expect("sound").config);
    let year = calendars.of("100", 2027).expect("all schools have one");
    let october = year.days.iter().filter(|day| (day.year(), day.month()) == (2026, 10)).map(|day| day.day());
    assert_eq!(october.collect::<Vec<_>>(), [5, 7, 12, 14, 17, 19, 21, 26, 28]);
}

#[test]
fn every_example_is_sound() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut seen = 0;
    for entry in std::fs::read_dir(examples).expect("the examples are there") {
        let path = entry.expect("an entry").path().join("signalbox.yaml");
        if path.is_file() {
            seen += 1;
            let loaded = load(&path, connectors::ALL).expect("no errors");
            let others: Vec<_> =
                loaded.problems.iter().filter(|problem| problem.code != "secret_missing").collect();
            assert!(others.is_empty(), "{}: {others:#?}", path.display());
        }
    }
    assert!(seen >= 3, "only {seen} examples");
}

#[test]
fn a_configuration_that_is_not_there_says_so() {
    let Problems(found) = load(Path::new("/no/such/signalbox.yaml"), connectors::ALL).expect_err("not there");
    assert_eq!((found[0].code, found[0].line), ("config_unreadable", None));
    assert!(found[0].help.contains("signalbox init"));
}
