//! Commands: their JSON, their global flags, their exit codes.

use serde_json::Value;

use crate::district::{District, assert_counts, feed, list};
use crate::drops::{Row, through};
use crate::receiver::Receiver;

#[track_caller]
fn assert_keys(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(value.get(key).is_some(), "no {key} in {value}");
    }
}

const RUN: [&str; 11] = [
    "feed",
    "payload",
    "rows",
    "add",
    "change",
    "end",
    "unchanged",
    "duplicate",
    "reject",
    "unmatched",
    "hold",
];

fn loaded(receiver: &Receiver) -> District {
    let mut district = District::telling(receiver);
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "Q"), (1077, 5, "A"), through(21)]);
    district.up();
    district
}

#[test]
fn status_has_the_keys_of_the_contract() {
    let district = loaded(&Receiver::start());
    let status = district.status();
    assert_keys(
        &status,
        &["feeds", "consumers", "flags", "outbox", "holds", "rejects", "unmatched", "state_hash"],
    );
    assert_keys(&status, &["servers", "destinations"]);
    let servers = status["servers"].as_array().expect("servers");
    assert_eq!(servers.len(), if district.is_embedded() { 0 } else { 2 });
    assert!(servers.iter().all(|server| server["state"] == "ok"), "{status}");
    assert_keys(
        &status["destinations"][0],
        &["destination", "pending", "failing_since", "last_error", "next_try", "next_step"],
    );
    let modes: Vec<&Value> = ["enrollment", "attendance"].map(|name| &feed(&status, name)["mode"]).into();
    assert_eq!(modes, [&Value::Null, &"live".into()], "roster feeds have none");
    for feed in status["feeds"].as_array().expect("feeds") {
        assert_keys(feed, &["feed", "mode", "state", "covered_through", "last_run", "next_step"]);
        assert_keys(&feed["last_run"], &RUN);
    }
    for consumer in status["consumers"].as_array().expect("consumers") {
        assert_keys(consumer, &["consumer", "shard", "behind"]);
        assert_eq!(consumer["behind"], 0, "`up --once` drains");
    }
    assert_keys(&status["flags"], &["open", "cleared", "withdrawn"]);
    assert_keys(&status["outbox"], &["pending", "delivered", "dead", "withheld"]);
    assert_eq!(
        (&status["rejects"], &status["unmatched"], &status["holds"]),
        (&1.into(), &1.into(), &0.into())
    );
    assert_eq!(status["outbox"]["delivered"], 1);
}

#[test]
fn lists_have_the_keys_of_the_contract() {
    let district = loaded(&Receiver::start());
    let flags = district.flags();
    assert_keys(
        &flags[0],
        &["flag_id", "student_key", "student_id", "rule", "state", "since", "as_of", "acknowledged_by"],
    );
    assert!(flags[0]["acknowledged_by"].is_null());
    let alert = &district.alerts()[0];
    let keys =
        ["alert_id", "type", "flag_id", "student_id", "to", "because", "state", "attempts", "next_try"];
    assert_keys(alert, &keys);
    assert_eq!((&alert["state"], &alert["attempts"]), (&"delivered".into(), &1.into()));
    let groups = list(district.json(&["rejects", "list", "--group"]));
    assert_keys(&groups[0], &["feed", "code", "value_class", "count", "first", "help"]);
    assert_keys(&groups[0]["first"], &["file", "row", "column"]);
    assert_eq!(district.rejects().len(), 1);
    assert!(district.holds().is_empty(), "a list of none is a list");
    let topics: std::collections::BTreeSet<_> =
        district.events(&[]).iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect();
    assert!(topics.contains("org.signalbox.attendance.daily.v1"), "{topics:?}");
}

#[test]
fn a_student_is_found_by_source_id_and_by_key() {
    let district = loaded(&Receiver::start());
    let student = district.student(1001);
    assert_keys(&student, &["student_key", "ids", "enrollments", "answers", "flags"]);
    let answer_keys = ["indicator", "status", "value", "n", "as_of", "missing", "days_left"];
    assert_keys(&student["answers"][0], &answer_keys);
    let key = student["student_key"].as_str().expect("a key");
    assert_eq!(district.json(&["student", key]), student);
    assert_eq!(student["flags"].as_array().map(Vec::len), Some(1));
    assert_eq!(district.json(&["student", &key[..8]]), student, "as far as it is the only one");
    let absent = district.run(&["student", "424242"]);
    assert_ne!(absent.status.code(), Some(0), "nobody has this id: {absent:?}");
    let [_, help] = district.run(&["student", "01001"]).exit(2).failure();
    assert!(help.contains("1001 is the id of one"), "{help}");
}

#[test]
fn explain_has_the_keys_of_the_contract_and_verifies() {
    let district = loaded(&Receiver::start());
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    let explained = district.json(&["explain", &flag]);
    let keys =
        ["flag_id", "student", "reasons", "days_left", "clears_when", "history", "certificate", "verified"];
    assert_keys(&explained, &keys);
    let certificate = ["policy_hash", "code_version", "as_of", "reference_version", "events"];
    assert_keys(&explained["certificate"], &certificate);
    assert_keys(&explained["history"][0], &["at", "kind", "text"]);
    assert_eq!(explained["reasons"][0]["value"], "2/20");
    assert_eq!(district.json(&["explain", &flag, "--verify"])["verified"], true);
    let at = explained["history"][0]["at"].as_str().expect("a time");
    assert!(at.ends_with("-05:00"), "times are those of the district: {at}");
}

/// People know students, not ids of flags.
#[test]
fn a_flag_is_found_by_its_student() {
    let district = loaded(&Receiver::start());
    let flag = &district.flags()[0];
    let student = flag["student_id"].as_str().expect("an id");
    assert_eq!(district.json(&["explain", student])["flag_id"], flag["flag_id"]);
    let id = flag["flag_id"].as_str().expect("an id");
    for named in [&id[..8], &id.replace('-', "")[..20], &id.to_uppercase(), &format!("F-{id}")] {
        assert_eq!(district.json(&["explain", named])["flag_id"], flag["flag_id"], "{named}");
    }
    for named in ["1", "", "-", &id[..4], &format!("{id}0")] {
        assert_eq!(
            district.run(&["explain", named]).status.code(),
            Some(2),
            "{named} is too little to be meant"
        );
    }
    let run = district.run(&["explain", "1"]);
    assert_eq!(run.status.code(), Some(2), "the beginning of a student's id names nobody: {run:?}");
}

#[test]
fn acknowledged_is_an_attribute_of_open() {
    let receiver = Receiver::start();
    let district = loaded(&receiver);
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    district.run(&["flags", "ack", &flag, "--by", "R. Ortiz", "--reason", "called home"]).exit(0);
    district.up();
    let flags = district.flags();
    assert_eq!((&flags[0]["state"], &flags[0]["acknowledged_by"]), (&"open".into(), &"R. Ortiz".into()));
    assert_eq!(receiver.kinds().len(), 1, "an act is no news for the receiver");
    let history = district.json(&["explain", &flag])["history"].clone();
    assert_eq!(history[1]["kind"], "acknowledged", "{history}");
}

#[test]
fn events_are_cloudevents_and_can_be_narrowed() {
    let district = loaded(&Receiver::start());
    let all = district.events(&[]);
    assert_eq!(all.len() as u64, district.count_events());
    for event in &all {
        assert_keys(event, &["specversion", "id", "source", "type", "time", "data"]);
        assert_eq!(event["specversion"], "1.0");
    }
    let narrow = |args: &[&str]| district.events(args).len();
    let (short, long) =
        (narrow(&["--type", "attendance.daily"]), narrow(&["--type", "org.signalbox.attendance.daily.v1"]));
    assert_eq!(
        (short, long),
        (4, 4),
        "three absences and rows, one of them unknown; the unmatched one waits"
    );
    assert_eq!(narrow(&["--type", "attendance.daily", "--student", "1001"]), 3);
    let prefix = district.servers.as_ref().map_or("k12", |servers| &servers.prefix);
    let attendance = narrow(&["--topic", &format!("{prefix}.attendance.events.v1")]);
    assert!((short..all.len()).contains(&attendance), "{attendance}");
    let counted = district.json(&["events", "list", "--count", "--type", "attendance.daily"]);
    assert_eq!(counted["count"], 4);
    let ids: std::collections::BTreeSet<_> = all.iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), narrow(&[]), "ids are unique");
}

#[test]
fn global_flags_stand_before_or_after_the_command() {
    let district = loaded(&Receiver::start());
    let config = district.config_path();
    let config = config.to_str().expect("UTF-8");
    let flags = ["--config", config, "--output", "json", "--now", &district.now];
    let run = |args: &[&str]| {
        let out = district.command().args(args).output().expect("the binary starts");
        crate::binary::Run::from(out).json()
    };
    let before = run(&[&flags[..], &["flags", "list"]].concat());
    let after = run(&[&["flags", "list"], &flags[..]].concat());
    let between = run(&[&["flags"], &flags[..], &["list"]].concat());
    assert_eq!((&before, &before), (&after, &between));
    let text = district.command().args(["--config", config, "status"]).output().expect("the binary starts");
    assert!(serde_json::from_slice::<Value>(&text.stdout).is_err(), "text is for people");
}

#[test]
fn check_says_where_and_reads_nothing_in() {
    let mut district = District::telling(&Receiver::start());
    district.enroll(&[1000]);
    district.attend(&[(1000, 3, "A")]);
    let ok = district.json(&["check"]);
    assert_eq!((&ok["ok"], &ok["problems"]), (&true.into(), &serde_json::json!([])));
    assert!(!district.path().join("var").exists(), "reads nothing in");

    let yaml = district.config.render().replace("absent_rows: end,\n", "absent_rows: endd,\n");
    district.configure(|config| config.verbatim = Some(yaml));
    let bad = district.run(&["check"]).exit(2).any_json();
    assert_eq!(bad["ok"], false);
    let problem = &bad["problems"][0];
    assert_keys(problem, &["severity", "code", "path", "line", "column", "message", "help"]);
    assert_eq!(problem["severity"], "error");
    assert!(problem["path"].as_str().is_some_and(|path| path.ends_with("signalbox.yaml")), "{problem}");
    assert!(problem["line"].as_u64().is_some_and(|line| line > 1), "{problem}");
}

#[test]
fn check_names_unmapped_codes_of_a_sample() {
    let mut district = District::new();
    let rows: [Row; 3] = [(1001, 3, "VIR"), (1001, 4, "VIR"), (1001, 5, "A")];
    let sample = district.attend(&rows);
    let run = district.run(&["check", "--feed", "attendance", "--sample", sample.to_str().expect("UTF-8")]);
    let told = run.exit(2).any_json();
    assert!(told["problems"].to_string().contains("VIR"), "{told}");
    assert!(!district.path().join("var").exists(), "reads nothing in");
}

#[test]
fn a_bad_configuration_exits_2_everywhere() {
    let mut district = District::new();
    let yaml = district.config.render();
    let broken = [
        yaml.replace("data_dir:", "data_dirr:"),
        yaml.replace("mode: live", "mode: loud"),
        yaml.replace("America/Chicago", "America/Chicagoo"),
        yaml.replace("rows: exceptions, ", ""),
        yaml.replace(
            "covers: school_year, absent_rows: end,\n          columns: {student: Student_Number, school",
            "columns: {student: Student_Number, school",
        ),
        yaml.replace("leave: 9%", "leave: 11%"),
        yaml.replace("A: absent_unexcused", "A: absentt"),
        yaml.replace("entity: attendance.daily", "entity: attendance.dayly"),
        yaml.replace("name: attendance", "name: enrollment"),
        yaml.replace("mode: live", "roster_of_record: true"),
        yaml.clone() + "routes: [{rule: chronic-absence, to: nobody}]\n",
        yaml.clone() + "log: {kafka: {brokers: [\"127.0.0.1:1\"]}}\n",
    ];
    for text in broken {
        assert_ne!(text, yaml, "the replacement found its place");
        district.configure(|config| config.verbatim = Some(text.clone()));
        for command in [&["status"][..], &["up", "--once"], &["plan"], &["check"]] {
            let run = district.run(command);
            assert_eq!(run.status.code(), Some(2), "{command:?} with\n{text}\n{run:?}");
        }
    }
    for command in ["status", "up"] {
        let missing =
            district.command().args(["--config", "nowhere.yaml", command]).output().expect("starts");
        let missing = crate::binary::Run::from(missing).exit(2);
        assert!(missing.stderr.contains("nowhere.yaml") && missing.stderr.contains("Mend"), "{missing:?}");
    }
}

/// Nobody listens where the configuration says: `status` says so soon, in words and for scripts.
#[test]
fn status_says_which_servers_are_away() {
    let servers = "log: {kafka: {brokers: [\"127.0.0.1:1\"]}}\n\
                   store: {postgres: {url: \"SECRET[env.DATABASE_URL]\"}}\n";
    let district = District::on(None, |config| servers.clone_into(&mut config.servers));
    let mut command = district.command_of(&["status"]);
    let began = std::time::Instant::now();
    let out = command.env("DATABASE_URL", "postgres://hub:hunter2@127.0.0.1:2/hub").output();
    let run = crate::binary::Run::from(out.expect("the binary starts")).exit(3);
    assert!(began.elapsed().as_secs() < 25, "{:?}", began.elapsed());
    assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    let said = run.any_json();
    let servers = list(said["servers"].clone());
    let states: Vec<_> = servers.iter().map(|server| (&server["server"], &server["state"])).collect();
    assert_eq!(states, [(&"kafka".into(), &"away".into()), (&"postgres".into(), &"away".into())]);
    assert!(servers.iter().all(|server| server["message"].is_string() && server["next_step"].is_string()));
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(1), "nothing else is known: {said}");
}

#[test]
fn a_wrong_command_line_exits_2_and_a_missing_secret_3() {
    let mut district = District::new();
    for args in
        [&["frobnicate"][..], &["holds", "approve"], &["flags", "ack", "x"], &["--now", "noon", "status"]]
    {
        let out = district.command().args(args).output().expect("the binary starts");
        assert_eq!(out.status.code(), Some(2), "{args:?} {out:?}");
    }
    let yaml = district.config.render().replace("SIGNALBOX_SECRET", "SIGNALBOX_NOT_SET");
    district.configure(|config| config.verbatim = Some(yaml));
    district.enroll(&[1000]);
    let run = district.run(&["up", "--once"]);
    assert!(matches!(run.status.code(), Some(2 | 3)), "{run:?}");
    assert!(run.stderr.contains("SIGNALBOX_NOT_SET"), "{}", run.stderr);
}

#[test]
fn a_data_dir_that_cannot_be_is_an_environment_error() {
    let district = District::new();
    std::fs::write(district.path().join("var"), "a file in its place").expect("the folder is writable");
    let run = district.run(&["up", "--once"]);
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(run.failure()[1].contains("set data_dir"), "says what to do: {}", run.stderr);
}

#[test]
fn an_unknown_flag_or_hold_is_invalid_input() {
    let district = loaded(&Receiver::start());
    let nobody = "00000000-0000-5000-8000-000000000000";
    for args in
        [&["explain", nobody][..], &["flags", "ack", nobody, "--by", "Pat"], &["holds", "show", nobody]]
    {
        let run = district.run(args);
        assert_eq!(run.status.code(), Some(2), "{args:?} {run:?}");
    }
    assert_eq!(district.run(&["retry", "nosuchfeed"]).status.code(), Some(2));
}

#[test]
fn without_a_drop_everything_is_empty_and_well() {
    let district = District::new();
    let status = district.up();
    assert_eq!(
        (&status["flags"]["open"], &status["holds"], &status["rejects"]),
        (&0.into(), &0.into(), &0.into())
    );
    for feed in status["feeds"].as_array().expect("feeds") {
        assert!(feed["last_run"].is_null(), "{feed}");
        assert!(feed["next_step"].is_string(), "says what to do next: {feed}");
    }
    assert!(district.flags().is_empty() && district.alerts().is_empty() && district.holds().is_empty());
    assert!(district.events(&[]).is_empty() || district.count_events() > 0);
}

#[test]
fn schema_and_init_answer() {
    let district = loaded(&Receiver::start());
    let schema = district.json(&["schema"]);
    assert!(schema.is_object() && schema.to_string().contains("roster_of_record"), "a JSON Schema");
    let folder = tempfile::tempdir().expect("a scratch folder");
    let out =
        district.command().current_dir(folder.path()).args(["init"]).output().expect("the binary starts");
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert!(folder.path().join("signalbox.yaml").exists());
    let again = district.command().current_dir(folder.path()).args(["init"]).output().expect("starts");
    assert_ne!(again.status.code(), Some(0), "never writes over a configuration");
}

#[test]
fn retry_without_a_change_changes_nothing() {
    let district = loaded(&Receiver::start());
    let before = (district.count_events(), district.state_hash());
    let run = district.json(&["retry", "attendance"]);
    let run = run.get("feeds").map_or(&run, |feeds| &feeds[0]);
    let expected = [("rows", 5), ("unchanged", 3), ("reject", 1), ("unmatched", 1)];
    assert_counts(run, &expected);
    district.up();
    assert_eq!((district.count_events(), district.state_hash()), before);
}

#[test]
fn every_example_passes_check() {
    let examples = std::fs::read_dir(crate::binary::root().join("examples")).expect("there are examples");
    let mut checked = 0;
    for example in examples.map(|entry| entry.expect("the folder can be read").path().join("signalbox.yaml"))
    {
        if example.exists() {
            let district = District::new();
            let out =
                district.command().args(["--output", "json", "check", "--config"]).arg(&example).output();
            let told = crate::binary::Run::from(out.expect("the binary starts")).json();
            assert_eq!(told["ok"], true, "{}: {told}", example.display());
            checked += 1;
        }
    }
    assert!(checked >= 2, "{checked}");
}

/// What can be known without reading anything in is said by `check`.
#[test]
fn check_says_what_can_be_known() {
    let mut district = District::new();
    let codes = |district: &District| -> Vec<(String, String)> {
        let checked = district.run(&["check"]).any_json();
        let problems = list(checked["problems"].clone());
        let text = |problem: &serde_json::Value, key: &str| problem[key].as_str().expect("text").to_owned();
        problems.iter().map(|one| (text(one, "code"), text(one, "message") + &text(one, "help"))).collect()
    };
    let says = |found: &[(String, String)], code: &str, words: &str| {
        found.iter().any(|(known, said)| known == code && said.contains(words))
    };
    let found = codes(&district);
    assert!(says(&found, "nothing_there", "attendance"), "{found:?}");
    district.enroll(&[1000]);
    district.attend(&[(1000, 3, "A")]);
    assert!(!codes(&district).iter().any(|(code, _)| code == "nothing_there"));

    let yaml = district.config.render();
    let zone = yaml.replace("America/Chicago", "CST");
    district.configure(|config| config.verbatim = Some(zone));
    let found = codes(&district);
    assert!(says(&found, "unknown_timezone", "America/Chicago"), "{found:?}");
    let (before, after) = yaml.split_once("closed: [").expect("days are closed");
    let (_, after) = after.split_once(']').expect("the list ends");
    let open = format!("{before}closed: []{after}");
    district.configure(|config| config.verbatim = Some(open));
    let found = codes(&district);
    assert!(says(&found, "no_closed_day", "holidays"), "{found:?}");
    let (before, after) = yaml.split_once("feeds:").expect("it has feeds");
    let (_, after) = after.split_once("risk:").expect("and rules");
    district.configure(|config| config.verbatim = Some(format!("{before}risk:{after}")));
    let found = codes(&district);
    assert!(says(&found, "no_feeds", "init --from"), "{found:?}");
}

/// A receiver that nobody can sign for is found before the first alert.
#[test]
fn a_secret_that_is_none_is_said_before_anything_is_sent() {
    let receiver = Receiver::start();
    let mut district = District::telling(&receiver);
    let yaml = district.config.render().replace("SECRET[env.HOOK]", "SECRET[env.NO_SUCH_SECRET]");
    assert!(yaml.contains("NO_SUCH_SECRET"), "{yaml}");
    district.configure(|config| config.verbatim = Some(yaml));
    let checked = district.run(&["check"]).any_json();
    let found = list(checked["problems"].clone());
    assert!(found.iter().any(|problem| problem["code"] == "not_ready"), "{found:?}");
    let [error, help] = district.run(&["send", "test", "--to", "counselor"]).exit(3).failure();
    assert!(error.contains("NO_SUCH_SECRET") && help.contains("secret"), "{error} {help}");
    assert_eq!(receiver.kinds(), Vec::<String>::new());
}

/// What a person refused is refused: nothing of it ended.
#[test]
fn a_refused_file_is_said_to_be_refused() {
    let mut district = District::new();
    district.enroll(&(1000..1040).collect::<Vec<_>>());
    let rows: Vec<Row> = (1000..1040).map(|id| (id, 3, "A")).collect();
    district.attend(&[&rows[..], &[through(20)]].concat());
    district.up();
    let spoilt =
        crate::drops::attendance(&[&rows[..], &[through(20)]].concat()).replace("8/25/2021", "25.8.");
    district.drop("attendance-9.csv", spoilt);
    assert_eq!(district.up()["feeds"][1]["state"], "waiting");
    let hold = district.run(&["holds", "list"]).exit(0).json()[0]["id"].as_str().expect("an id").to_owned();
    district.run(&["holds", "show", &hold[..4]]).exit(0);
    district
        .run(&["holds", "refuse", &hold[..4], "--by", "Pat", "--reason", "half of it is missing"])
        .exit(0);
    let feed = &district.status()["feeds"][1];
    assert_eq!(feed["state"], "refused", "{feed}");
    assert!(feed["next_step"].as_str().is_some_and(|step| step.contains("refused")), "{feed}");
}

/// Two files in a night, of which the first is a sign-in page: the second hides it from nobody.
#[test]
fn a_file_that_was_not_used_is_said_though_another_came_after_it() {
    let mut district = District::new();
    district.enroll(&[1000]);
    district.drop("attendance-1.csv", "<html>Please sign in</html>");
    district.drop("attendance-2.csv", crate::drops::attendance(&[through(20)]));
    let not_used = |status: &serde_json::Value| list(status["feeds"][1]["not_used"].clone());
    let status = district.up();
    let files = not_used(&status);
    assert_eq!((files.len(), &files[0]["file"]), (1, &"attendance-1.csv".into()), "{status}");
    let text = district.text(&["status"]);
    assert!(text.contains("attendance: attendance-1.csv is not used: "), "{text}");
    district.drop("attendance-1.csv", crate::drops::attendance(&[through(21)]));
    assert_eq!(not_used(&district.up()), [] as [serde_json::Value; 0]);

    district.drop("attendance-3.csv", "<html>Please sign in</html>");
    district.drop("attendance-4.csv", crate::drops::attendance(&[through(21)]));
    assert_eq!(not_used(&district.up()).len(), 1);
    district.later(8 * 24 * 60);
    assert_eq!(not_used(&district.status()), [] as [serde_json::Value; 0], "a week is enough");
}

/// A running hub says so, since when and when it looked last; one that ended does not.
#[test]
fn status_says_whether_the_hub_runs() {
    let mut district = District::new();
    district.enroll(&[1000]);
    assert_eq!(district.up()["running"], serde_json::json!([]));
    let up = district.start_by_the_clock();
    let by_the_clock = || {
        let mut command = district.command();
        command.arg("--config").arg(district.config_path()).args(["--output", "json", "status"]);
        crate::binary::Run::from(command.output().expect("the binary starts")).exit(0).json()
    };
    crate::district::eventually("every role says that it runs", || {
        let status = by_the_clock();
        let roles = list(status["running"].clone());
        roles.len() == 3
            && roles.iter().all(|role| role["since"].is_string() && role["last_pass"].is_string())
    });
    up.signal("TERM");
    up.end().exit(0);
    assert_eq!(by_the_clock()["running"], serde_json::json!([]));
}

/// What is refused changes nothing: the hub begins as it would have.
#[test]
fn a_hub_begins_after_any_command_that_looked_first() {
    let district = District::new();
    let refused = district.run(&["retry", "attendance"]).exit(2);
    assert!(refused.failure()[0].contains("no payload yet"), "{refused:?}");
    district.run(&["up", "--once"]).exit(0);
}
