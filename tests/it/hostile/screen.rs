//! What strangers wrote is seen on a terminal, and does nothing there.

use crate::binary::Run;
use crate::district::District;
use crate::drops::{self, through};

/// Clears the screen, turns the direction, begins a line.
const NAME: &str = "attendance-\u{1b}[2J\u{202e}\u{9b}31m\nforged.csv";

fn as_text(district: &District, args: &[&str]) -> Run {
    let mut command = district.command();
    command.arg("--config").arg(district.config_path()).args(["--now", &district.now]).args(args);
    command.output().expect("the binary starts").into()
}

fn acts(c: char) -> bool {
    c.is_control() && c != '\n' || ('\u{2028}'..='\u{202e}').contains(&c)
}

#[test]
fn a_files_name_does_nothing_on_a_terminal() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.up();
    let rows = drops::attendance(&[(1001, 3, "A"), through(20)])
        + "1001,100,\u{1b}[31m,A\r\n1001,100,8/30/2021,\u{202e}\r\n";
    district.drop(NAME, rows);
    for args in [
        &["plan"][..],
        &["up", "--once"],
        &["status"],
        &["rejects", "list"],
        &["rejects", "list", "--group"],
        &["student", "1001"],
        &["feeds", "list"],
        &["status", "--output", "json"],
        &["rejects", "list", "--output", "json"],
    ] {
        let run = as_text(&district, args);
        assert!(run.status.success(), "{args:?}: {run:?}");
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(acts), "{args:?}: {text:?}");
            assert!(!text.lines().any(|line| line.starts_with("forged")), "{args:?}: {text:?}");
        }
    }
    let rejects = as_text(&district, &["rejects", "list"]).stdout;
    assert!(rejects.contains("\\u202e"), "it is seen: {rejects}");
}

#[test]
fn whoever_decides_does_so_on_one_line() {
    let mut district = District::new();
    district.enroll(&[1000, 1001]);
    district.attend(&[(1001, 3, "A"), (1001, 4, "A"), (1001, 5, "A"), through(20)]);
    district.up();
    let flag = district.flags()[0]["flag_id"].as_str().expect("an id").to_owned();
    let ack = |by: &str, reason: &str| district.run(&["flags", "ack", &flag, "--by", by, "--reason", reason]);
    for by in ["Pat\n2021-11-02 acknowledged by the principal", "\u{1b}[1APat", " ", &"x".repeat(501)] {
        ack(by, "called home").exit(2);
        ack("Pat", by).exit(2);
    }
    ack("Zoë Müller", "called home").exit(0);
    let history = district.json(&["explain", &flag])["history"].to_string();
    assert!(history.contains("Zoë Müller") && !history.contains("principal"), "{history}");
}

#[test]
fn a_failure_is_json_too_where_that_is_asked_for() {
    let mut district = District::new();
    district.configure(|config| config.verbatim = Some("district: {id: [}".to_owned()));
    let run = district.run(&["status"]).exit(2);
    let failure: serde_json::Value = serde_json::from_str(&run.stderr).expect("one object on stderr");
    assert!(failure["problems"][0]["message"].is_string(), "{failure}");
    let elsewhere = District::new();
    std::fs::write(elsewhere.path().join("var"), "no folder").expect("writes");
    let run = elsewhere.run(&["up", "--once"]).exit(3);
    assert!(run.failure()[1].contains("set data_dir to a folder"), "{run:?}");
}
