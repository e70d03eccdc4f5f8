use super::*;

/// Each says what would be right for this key.
#[test]
fn every_setting_of_a_rule_that_cannot_be_read_has_a_mend() {
    for (rules, told) in [
        ("rule: course-failure, kind: posted, below: 60, §school: \"0420\"", "did you mean \"schools\"?"),
        ("rule: behavior, categories: [major], at_least: 2, §grade: [9]", "did you mean \"grades\"?"),
        ("rule: chronic-absence, §below: 10%", "enter, half_day, leave, min_days, rule, grades, schools"),
        ("rule: chronic-absence, schools: §\"0420\"", "write schools: [\"0420\"]"),
        ("rule: chronic-absence, grades: §9", "write grades: [\"9\"]"),
        ("rule: chronic-absence, schools: §[]", "e.g. schools: [\"0420\"], or leave schools out"),
        ("rule: chronic-absence, grades: §[[9]]", "grades is a list of names; e.g. grades: [\"09\", \"10\"]"),
        ("rule: chronic-absence, enter: §10", "write it with its sign, such as 10%"),
        ("rule: chronic-absence, leave: §0.09", "write it with its sign, such as 10%"),
        ("rule: chronic-absence, enter: §110%", "write a lower one"),
        ("rule: chronic-absence, enter: §10.125%", "write two, such as 7.25%"),
        ("rule: chronic-absence, min_days: §20.5", "write it without decimals"),
        ("rule: chronic-absence, min_days: §-1", "write a number that is not below 0"),
        ("rule: chronic-absence, half_day: §0.5", "known here: whole, half"),
        ("rule: course-failure, kind: §[posted], below: 60", "write one of in_progress, posted"),
        ("rule: course-failure, kind: posted, below: §60%", "write it without a sign, such as 60"),
        ("rule: course-failure, kind: posted, below: §-1", "write it without a sign, such as 60"),
        ("rule: course-failure, kind: posted, below: §[60]", "write a number from 0 to 200"),
        ("rule: course-failure, kind: posted, below: 60, leave: §high", "such as 60 or 59.5"),
        ("rule: course-failure, kind: posted, below: 60, scale: §[A, B]", "write keys with their values"),
        ("rule: course-failure, kind: posted, below: 60, scale: {A: §high}", "such as 60 or 59.5"),
        ("rule: course-failure, kind: in_progress, below: 60, stale_after: §10", "write {school_days: 10}"),
        ("rule: behavior, categories: §major, at_least: 2", "write a list: its items in brackets"),
        ("rule: behavior, categories: [major], at_least: §two", "write digits only"),
        ("rule: behavior, categories: [major], at_least: §5000000000", "write a smaller number"),
        ("rule: behavior, categories: [major], at_least: 2, within: §45", "write {school_days: 45}"),
        ("rule: behavior, categories: [major], at_least: 2, within: §[45]", "write {school_days: …}"),
        ("rule: behavior, categories: [major], at_least: 2, within: {§days: 45}", "known here: school_days"),
        ("rule: behavior, categories: [major], at_least: 2, within: {school_days: §many}", "digits only"),
        ("§rule: behavior, at_least: 2", "add \"categories: …\", a list of minor, major, suspension_in"),
        ("§rule: behavior, categories: [major]", "add \"at_least: …\", a whole number"),
    ] {
        let rules = if rules.starts_with('§') { rules.replace('§', "§{") } else { format!("{{{rules}") };
        let yaml = format!("{HEAD}risk: {{rules: [{rules}}}]}}\n");
        let (before, _) = yaml.split_once('§').expect("the YAML has a mark");
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
        let problem = only(&yaml.replace('§', ""));
        assert_eq!(problem.column, Some(column), "{yaml}{problem:#?}");
        assert!(!problem.help.is_empty(), "{yaml}{problem:#?}");
        let text = format!("{}; {}", problem.message, problem.help);
        assert!(text.contains(told), "{yaml}\n{text}");
    }
    check(
        &format!("{HEAD}risk: {{§grades: [\"09\"]}}\n"),
        "unknown_key",
        "rules: [{rule: chronic-absence, grades",
    );
    check(
        &format!("{HEAD}risk: {{§scale: {{A: 95}}}}\n"),
        "unknown_key",
        "rules: [{rule: course-failure, scale",
    );
    check(&format!("{HEAD}risk: {{packs: §federal-chronic-absence}}\n"), "invalid_type", "write a list");
    let both = problems(&format!("{HEAD}risk: {{rules: [{{rule: behavior}}]}}\n"));
    assert_eq!(both.len(), 2, "both keys that are missing: {both:#?}");
}

#[test]
fn a_rule_needs_a_word_that_a_feeds_codes_give() {
    let csv = |name: &str, entity: &str, columns: &str, codes: &str| {
        format!(
            "  - {{name: {name}, csv: {{path: {name}.csv, entity: {entity}, covers: school_year, absent_rows: end, \
             columns: {{student: S, school: C, {columns}}}{codes}}}}}\n"
        )
    };
    let incidents = |name, codes| csv(name, "behavior.incident", "incident: I, date: D, category: K", codes);
    let grades = |codes| csv("g", "gradebook.course_grade", "class: K, term: T, kind: P, grade: G", codes);
    let with = |feeds: &str, rule: &str| {
        format!("{HEAD}feeds:\n  - {{name: e, {ENROLLMENT}}}\n{feeds}risk: {{rules: [{{rule: §{rule}}}]}}\n")
    };
    let minor = incidents("i", ", codes: {category: {M: minor}}");
    let severe = "behavior, categories: [major, suspension_out], at_least: 2";
    check(&with(&minor, severe), "rule_without_code", "no feed's codes say major or suspension_out");
    let current = grades(", codes: {kind: {C: in_progress}}");
    let posted = "course-failure, kind: posted, below: 60";
    check(&with(&current, posted), "rule_without_code", "codes: {kind: {…: posted}} (line 5)");
    let other = incidents("j", ", codes: {category: {X: suspension_out, blank: minor}}");
    let without = incidents("j", "");
    for (feeds, rule) in [
        (&minor, "behavior, categories: [minor, major], at_least: 2"),
        (&format!("{minor}{other}"), severe),
        (&format!("{minor}{without}"), severe),
        (&current, "course-failure, kind: in_progress, below: 60"),
    ] {
        let yaml = with(feeds, rule).replace('§', "");
        assert!(problems(&yaml).iter().all(|problem| problem.code != "rule_without_code"), "{yaml}");
    }
    let faulty = with(&current.replace("covers", "cover"), posted).replace('§', "");
    assert!(
        problems(&faulty).iter().all(|problem| !problem.code.starts_with("rule_")),
        "its feed is not read"
    );
    let present = ATTENDANCE
        .replace("A: absent_unexcused", "P: present, T: tardy")
        .replace("codes: {category: ", "codes: {category: §");
    let pack = format!("{HEAD}{CALENDAR}feeds:\n  - {{name: e, {ENROLLMENT}}}\n  - {{name: a, {present}}}\n");
    check(&pack, "rule_without_code", "absent_excused or absent_unexcused or absent_half_day");
}

/// The hub's word for what it does not know is offered to nobody.
#[test]
fn only_words_that_may_be_written_are_offered() {
    let rule = |word: &str| {
        format!("{HEAD}risk: {{rules: [{{rule: behavior, categories: [{word}], at_least: 2}}]}}\n")
    };
    let problem = only(&rule("Major"));
    let known = "did you mean \"major\"? Known here: minor, major, suspension_in, suspension_out";
    assert_eq!((problem.code, problem.help.as_str()), ("unknown_word", known));
    assert_eq!(only(&rule("unknown")).code, "invalid_rule");
}

fn page() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules.md");
    std::fs::read_to_string(file).expect("the page on rules is there")
}

#[test]
fn the_page_on_rules_has_every_key_with_its_default() {
    let page = page();
    for (name, schema) in Settings::schemas(&mut schemars::SchemaGenerator::default()) {
        let (_, section) = page.split_once(&format!("## `{name}`\n")).expect("every rule has a section");
        let section = section.split("\n## ").next().unwrap_or_default();
        let schema = schema.to_value();
        let is_required =
            |key: &str| schema["required"].as_array().is_some_and(|all| all.contains(&key.into()));
        for (key, setting) in schema["properties"].as_object().expect("it has settings") {
            let start = format!("| `{key}`{} |", if is_required(key) { "\\*" } else { "" });
            let row = section.lines().find(|line| line.starts_with(&start));
            let row = row.unwrap_or_else(|| panic!("{name}: no row {start}"));
            if let Some(default) =
                setting.get("default").filter(|default| default.is_string() || default.is_u64())
            {
                let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
                assert!(row.contains(&format!("| `{default}` |")), "{name}: {key} is {default}: {row}");
            }
        }
    }
}

#[test]
fn every_example_of_the_page_on_rules_is_sound() {
    let feed = |entity: &str, columns: &str| {
        format!(
            "csv: {{path: x.csv, entity: {entity}, covers: school_year, absent_rows: end, columns: {{{columns}}}}}"
        )
    };
    let grades =
        feed("gradebook.course_grade", "student: S, school: C, class: K, term: T, kind: P, grade: G");
    let incidents = feed("behavior.incident", "incident: I, student: S, school: C, date: D, category: K");
    let feeds = [("e", ENROLLMENT), ("a", ATTENDANCE), ("g", &grades), ("i", &incidents)];
    let feeds = feeds.map(|(name, section)| format!("  - name: {name}\n    {section}\n")).concat();
    let page = page();
    let examples: Vec<_> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 5, "{}", examples.len());
    for example in examples {
        let found = problems(&format!("{HEAD}{CALENDAR}feeds:\n{feeds}{example}"));
        assert!(found.is_empty(), "{example}\n{found:#?}");
    }
}
