//! The servers die under running processes, which wait and go on by themselves.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{end, pass_over};
use crate::binary::{Run, root};
use crate::crash::{CRASH_FREE, NOW_AT_THE_END, TOLD_EARLY_TUESDAY, TOLD_LIVE, TOLD_TUESDAY, Week};
use crate::district::{District, eventually, list};
use crate::servers::Servers;

/// A server that a test may kill, started and ended by its script.
struct Own {
    script: &'static str,
    folder: PathBuf,
}

impl Own {
    /// And the value of the variable that says where it is.
    fn start(script: &'static str, folder: &Path, variable: &str) -> (Self, String) {
        let own = Self { script, folder: folder.to_owned() };
        let said = own.tell("start");
        let start = format!("export {variable}=");
        let place = said.lines().find_map(|line| line.strip_prefix(&start)).expect("it says where it is");
        (own, place.to_owned())
    }

    fn tell(&self, command: &str) -> String {
        let out = Command::new(root().join("scripts").join(self.script))
            .args([command, "--dir"])
            .arg(&self.folder)
            .output()
            .expect("the script starts");
        assert!(out.status.success(), "{} {command}: {}", self.script, String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("the script writes UTF-8")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let stopped = Command::new(root().join("scripts").join(self.script))
            .args(["stop", "--dir"])
            .arg(&self.folder)
            .status();
        assert!(stopped.is_ok_and(|status| status.success()), "{} is left behind", self.script);
    }
}

/// PostgreSQL runs as another user, who has to reach it.
fn folder() -> TempDir {
    let all_may_enter = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().permissions(all_may_enter).tempdir().expect("a scratch folder")
}

#[test]
fn killed_servers_come_back_and_the_hub_goes_on() {
    if pass_over("outages") {
        return;
    }
    let folder = folder();
    let (kafka, brokers) = Own::start("kafka", &folder.path().join("kafka"), "SIGNALBOX_TEST_KAFKA");
    let (postgres, database) = Own::start("postgres", &folder.path().join("pg"), "SIGNALBOX_TEST_POSTGRES");
    let mut week = Week::on(Some(Servers::at(brokers, database)));
    week.drop_sunday();
    week.district.up();
    week.turn_live();
    let roles: [&[&str]; 4] = [&["ingest"], &["risk"], &["risk"], &["deliver"]];
    let running = roles.map(|roles| week.district.start_run(roles));
    eventually("both have the standing list", || week.is_told(TOLD_LIVE));

    let before = week.district.status();
    kafka.tell("kill-broker");
    week.drop_monday();
    wait();
    kafka_is_away(&week.district, &before);
    kafka.tell("restart-broker");
    // In the midst of sending: what was told may not be written down, and is told again under its id when the claim
    // lapses, after two minutes.
    eventually("both know of something on Monday", || week.is_told(TOLD_LIVE + 1));
    postgres.tell("kill");
    // Takes nothing back: what of Monday was not decided or sent yet would be told to nobody.
    week.drop_early_tuesday();
    wait();
    postgres_is_away(&week.district);
    postgres.tell("restart");
    eventually("both know of all that was raised", || week.is_told(TOLD_EARLY_TUESDAY));
    week.drop_tuesday();
    eventually("both know of what was taken back", || week.is_told(TOLD_TUESDAY));

    // None of them had ended.
    running.into_iter().for_each(end);
    NOW_AT_THE_END.clone_into(&mut week.district.now);
    week.district.up();
    assert_eq!(week.outcome(), *CRASH_FREE);
}

/// What the database knows is told; what only the log knows is unknown.
fn kafka_is_away(district: &District, before: &Value) {
    let status = status_soon(&mut district.command_of(&["status"])).any_json();
    assert_eq!(states(&status), ["away", "ok"], "{status}");
    assert_eq!((&status["flags"], &status["state_hash"]), (&before["flags"], &before["state_hash"]));
    let consumers = list(status["consumers"].clone());
    assert_eq!(consumers.len(), list(before["consumers"].clone()).len());
    assert!(consumers.iter().all(|consumer| consumer["behind"].is_null()), "unknown is not 0: {status}");
    assert!(status["dead_letters"].is_null(), "{status}");

    let mut in_words = district.command();
    in_words.arg("--config").arg(district.config_path()).arg("status");
    let words = status_soon(&mut in_words).stdout;
    let (first, rest) = words.split_once('\n').expect("lines");
    assert!(first.starts_with("Kafka at 127.0.0.1:") && first.contains("does not answer"), "{words}");
    assert!(rest.contains("Flags:"), "{words}");
}

/// Only who is away can be told.
fn postgres_is_away(district: &District) {
    let status = status_soon(&mut district.command_of(&["status"])).any_json();
    assert_eq!(states(&status), ["ok", "away"], "{status}");
    assert_eq!(status.as_object().map(serde_json::Map::len), Some(1), "{status}");
}

/// Nobody waits half a minute to hear that something is wrong.
fn status_soon(command: &mut Command) -> Run {
    let began = std::time::Instant::now();
    let run = Run::from(command.output().expect("the binary starts")).exit(3);
    assert!(began.elapsed().as_secs() < 25, "{:?}", began.elapsed());
    run
}

fn states(status: &Value) -> Vec<&str> {
    let servers = status["servers"].as_array().expect("servers");
    servers.iter().map(|server| server["state"].as_str().expect("a word")).collect()
}

/// Long enough for everybody to have noticed that the server is away, and to have read the drop.
fn wait() {
    std::thread::sleep(std::time::Duration::from_secs(5));
}
