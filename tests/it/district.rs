//! A district in a folder of its own: configuration, drops, and runs of the real binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{self, Run};
use crate::config::Config;
use crate::receiver::{HOOK_SECRET, Receiver};
use crate::servers::{self, Servers, User};

/// The day on which most tests run: a Monday, school day 50.
pub(crate) const NOW: &str = "2021-11-01T23:00:00Z";

/// File times start here (2021-10-30) and go up by a minute with each file.
const FIRST_FILE_SECS: u64 = 1_635_552_000;

#[derive(Debug)]
pub(crate) struct District {
    folder: TempDir,
    pub(crate) config: Config,
    /// `--now` of each run.
    pub(crate) now: String,
    files: u64,
    /// `None`: embedded.
    pub(crate) servers: Option<Servers>,
}

impl District {
    /// With the default configuration and nothing dropped.
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// With a changed configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::on(servers::asked_for().then(Servers::new), change)
    }

    /// On these servers, or embedded, wherever other districts stand.
    pub(crate) fn on(servers: Option<Servers>, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::create_dir(folder.path().join("drop")).expect("the scratch folder is writable");
        let config = Config::default();
        let mut district = Self { folder, config, now: NOW.to_owned(), files: 0, servers: None };
        if let Some(servers) = servers {
            district.move_to(servers);
        }
        district.configure(change);
        district
    }

    /// A live district whose flags go to `receiver`.
    pub(crate) fn telling(receiver: &Receiver) -> Self {
        Self::with(|config| config.webhooks = vec![("counselor".to_owned(), receiver.url())])
    }

    /// Changes the configuration, at one stroke: a process may be starting on it.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
        let half = self.path().join("half-written.yaml");
        fs::write(&half, self.config.render()).expect("the scratch folder is writable");
        fs::rename(&half, self.config_path()).expect("both are in the scratch folder");
    }

    /// From here on the configuration names these servers, which have what a hub needs.
    pub(crate) fn move_to(&mut self, servers: Servers) {
        self.config.servers = servers.sections();
        self.servers = Some(servers);
        self.make_ready();
    }

    /// Topics and tables.
    fn make_ready(&mut self) {
        self.configure(|_| ());
        self.json(&["topics", "apply"]);
        self.json(&["migrate"]);
    }

    /// Everything that the hub remembers is gone; the drops still stand.
    pub(crate) fn lose_everything(&mut self) {
        fs::remove_dir_all(self.path().join("var")).expect("the data_dir is there");
        if let Some(servers) = &self.servers {
            servers.remove();
            self.make_ready();
        }
    }

    /// Lets minutes go by.
    pub(crate) fn later(&mut self, minutes: i64) {
        let now: jiff::Timestamp = self.now.parse().expect("a time");
        self.now = (now + jiff::SignedDuration::from_mins(minutes)).to_string();
    }

    fn user(&self) -> Option<&User> {
        self.servers.as_ref().and_then(|servers| servers.user.as_ref())
    }

    pub(crate) fn is_embedded(&self) -> bool {
        self.servers.is_none()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.path().join("signalbox.yaml")
    }

    /// Writes `drop/NAME`, newer than every file before it.
    pub(crate) fn drop(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join("drop").join(name);
        let half = self.path().join("half-written");
        fs::create_dir_all(path.parent().expect("a file in drop")).expect("the scratch folder is writable");
        fs::write(&half, bytes).expect("the scratch folder is writable");
        self.files += 1;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(FIRST_FILE_SECS + 60 * self.files);
        let file = fs::File::options().write(true).open(&half).expect("it was just written");
        file.set_modified(modified).expect("file times can be set here");
        fs::rename(&half, &path).expect("both are in the scratch folder");
        path
    }

    /// Drops an enrolment file of its own name.
    pub(crate) fn enroll(&mut self, students: &[u32]) -> PathBuf {
        let name = format!("enrollment-{:03}.csv", self.files);
        self.drop(&name, crate::drops::enrollment(students))
    }

    /// Drops an attendance file of its own name.
    pub(crate) fn attend(&mut self, rows: &[crate::drops::Row]) -> PathBuf {
        let name = format!("attendance-{:03}.csv", self.files);
        self.drop(&name, crate::drops::attendance(rows))
    }

    /// The bare command: no flags, the district's environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(binary::path());
        command
            .current_dir(self.path())
            .env_remove("SIGNALBOX_FAILPOINT")
            .env_remove("RUST_LOG")
            .env("SIGNALBOX_SECRET", "a secret of the test district, long enough")
            .env("HOOK", HOOK_SECRET)
            .env("KAFKA_PASSWORD", self.user().map(|user| user.password.as_str()).unwrap_or_default())
            .env("DATABASE_URL", self.servers.as_ref().map(Servers::database_url).unwrap_or_default())
            .stdin(Stdio::null());
        command
    }

    /// The command with this district's `--config`, `--output json` and `--now`.
    pub(crate) fn command_of(&self, args: &[&str]) -> Command {
        let mut command = self.command();
        command
            .arg("--config")
            .arg(self.config_path())
            .args(["--output", "json", "--now", &self.now])
            .args(args);
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.command_of(args).output().expect("the binary starts").into()
    }

    /// What people read.
    pub(crate) fn text(&self, args: &[&str]) -> String {
        self.run(&[args, &["--output", "text"]].concat()).exit(0).stdout
    }

    pub(crate) fn json(&self, args: &[&str]) -> Value {
        self.run(args).json()
    }

    /// `up --once`; its status.
    pub(crate) fn up(&self) -> Value {
        self.json(&["up", "--once"])
    }

    /// `up --once` that dies at the `n`-th hit of a failpoint; whether it did.
    pub(crate) fn up_dying_at(&self, failpoint: &str, n: u32) -> bool {
        let run: Run = self
            .command_of(&["up", "--once"])
            .env("SIGNALBOX_FAILPOINT", format!("{failpoint}:{n}"))
            .output()
            .expect("the binary starts")
            .into();
        match run.status.code() {
            None => true,
            Some(0) => false,
            Some(code) => panic!("{failpoint}:{n} ended with {code}:\n{}", run.stderr),
        }
    }

    /// `up` in the background, at the district's time.
    pub(crate) fn start(&self) -> Up {
        Self::spawn(self.command_of(&["up"]))
    }

    /// `run` with these arguments in the background, at the district's time.
    pub(crate) fn start_run(&self, args: &[&str]) -> Up {
        Self::spawn(self.command_of(&[&["run"], args].concat()))
    }

    /// `up` in the background, by the clock on the wall.
    pub(crate) fn start_by_the_clock(&self) -> Up {
        let mut command = self.command();
        command.arg("--config").arg(self.config_path()).arg("up");
        Self::spawn(command)
    }

    pub(crate) fn spawn(mut command: Command) -> Up {
        Self::spawn_of(&mut command)
    }

    pub(crate) fn spawn_of(command: &mut Command) -> Up {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        Up(Some(child))
    }

    pub(crate) fn status(&self) -> Value {
        self.json(&["status"])
    }

    pub(crate) fn state_hash(&self) -> String {
        self.status()["state_hash"].as_str().expect("a string").to_owned()
    }

    pub(crate) fn count_events(&self) -> u64 {
        self.json(&["events", "list", "--count"])["count"].as_u64().expect("a number")
    }

    /// Events by `events list` with further arguments.
    pub(crate) fn events(&self, args: &[&str]) -> Vec<Value> {
        let args = [&["events", "list"], args].concat();
        self.run(&args).json_lines()
    }

    pub(crate) fn flags(&self) -> Vec<Value> {
        list(self.json(&["flags", "list"]))
    }

    pub(crate) fn alerts(&self) -> Vec<Value> {
        list(self.json(&["alerts", "list"]))
    }

    pub(crate) fn holds(&self) -> Vec<Value> {
        list(self.json(&["holds", "list"]))
    }

    pub(crate) fn rejects(&self) -> Vec<Value> {
        list(self.json(&["rejects", "list"]))
    }

    pub(crate) fn student(&self, id: u32) -> Value {
        self.json(&["student", &id.to_string()])
    }

    /// A student's answer for chronic absence.
    pub(crate) fn answer(&self, id: u32) -> Value {
        let student = self.student(id);
        let answers = student["answers"].as_array().expect("answers").clone();
        answers
            .into_iter()
            .find(|answer| answer["indicator"] == "chronic-absence")
            .unwrap_or_else(|| panic!("student {id} has no answer: {student}"))
    }
}

pub(crate) fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => panic!("not a list: {other}"),
    }
}

/// The entry of a feed in a status, a plan or the like.
#[track_caller]
pub(crate) fn feed<'a>(value: &'a Value, name: &str) -> &'a Value {
    let feeds = value["feeds"].as_array().unwrap_or_else(|| panic!("no feeds: {value}"));
    feeds.iter().find(|feed| feed["feed"] == name).unwrap_or_else(|| panic!("no feed {name}: {value}"))
}

/// The last run of a feed in a status.
#[track_caller]
pub(crate) fn last_run<'a>(status: &'a Value, name: &str) -> &'a Value {
    let run = &feed(status, name)["last_run"];
    assert!(run.is_object(), "feed {name} has no run: {status}");
    run
}

/// Asserts the counts of a run; those not named must be 0.
#[track_caller]
pub(crate) fn assert_counts(run: &Value, expected: &[(&str, u64)]) {
    for key in ["rows", "add", "change", "end", "unchanged", "duplicate", "reject", "unmatched"] {
        let expected = expected.iter().find(|(name, _)| *name == key).map_or(0, |(_, n)| *n);
        assert_eq!(run[key], expected, "{key} of {run}");
    }
}

/// A running `up`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Up(Option<Child>);

impl Up {
    /// Sends a signal by name (`TERM`, `KILL`).
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.as_ref().expect("it runs").id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill starts");
        assert!(status.success(), "kill -{name}");
    }

    /// Waits for the end, as long as [`eventually`].
    pub(crate) fn end(mut self) -> Run {
        // Taken out only then: one that does not end is killed when this is dropped.
        let child = self.0.as_mut().expect("it runs");
        eventually("the process ends", || child.try_wait().expect("it is our child").is_some());
        self.0.take().expect("it ran").wait_with_output().expect("it ended").into()
    }
}

impl Drop for Up {
    #[expect(clippy::print_stderr, reason = "what a failed test needs")]
    fn drop(&mut self) {
        let Some(mut child) = self.0.take() else { return };
        child.kill().expect("it is our child");
        let out = child.wait_with_output().expect("it was killed");
        if std::thread::panicking() {
            eprintln!("a process that ran by then had said: {}", String::from_utf8_lossy(&out.stderr));
        }
    }
}

/// Waits until `is_so`, at most three minutes: what a process was sending when its server died is sent again after one.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(3), "waited three minutes in vain until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
