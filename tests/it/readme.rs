//! The README's code blocks, run as they are printed.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use tempfile::TempDir;

use crate::binary;
use crate::district::eventually;
use crate::{real_input, servers};

/// The block that has this line.
fn block(having: &str) -> Vec<String> {
    let readme = fs::read_to_string(binary::root().join("README.md")).expect("the README is there");
    let blocks = readme.split("\n```").skip(1).step_by(2);
    let mut found = blocks.filter(|block| block.lines().any(|line| line.contains(having)));
    let block = found.next().unwrap_or_else(|| panic!("no block of the README has {having}"));
    block.lines().skip(1).map(str::to_owned).collect()
}

/// What is printed before `…`.
fn printed(line: &str) -> &str {
    line.split('…').next().unwrap_or_default().trim_end()
}

/// A command without the comment behind it.
fn command(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim_end()
}

/// Times of day go on while the demo runs.
fn without_times(text: &str) -> String {
    let word = |word: &str| match word.split_once('T') {
        Some((date, _)) if date.len() == 10 && date.starts_with("2026-") => date.to_owned(),
        _ => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A checkout without the sources: what the README's reader stands in.
struct Checkout(TempDir);

impl Checkout {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        for name in ["scripts", "examples"] {
            let copied =
                Command::new("cp").arg("-R").arg(binary::root().join(name)).arg(folder.path()).status();
            assert!(copied.expect("cp is there").success());
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A shell that knows the binary as `signalbox`.
    fn shell(&self, line: &str) -> Command {
        let bin = binary::path().canonicalize().expect("it is built");
        let path = std::env::var("PATH").expect("there is a PATH");
        let folder = bin.parent().expect("it stands in a folder").display();
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.path());
        shell.env("SIGNALBOX_BIN", &bin).env("PATH", format!("{folder}:{path}"));
        shell
    }

    fn run(&self, line: &str) -> String {
        let out = self.shell(line).output().expect("a shell");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{line}\n{text}{}", String::from_utf8_lossy(&out.stderr));
        text
    }
}

/// What runs on, and what it has printed so far.
struct Running {
    child: Child,
    printed: Arc<Mutex<Vec<u8>>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let printed: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (mut out, kept) = (child.stdout.take().expect("it is piped"), printed.clone());
        thread::spawn(move || {
            let mut bytes = [0; 4_096];
            while let Ok(read @ 1..) = out.read(&mut bytes) {
                kept.lock().expect("unpoisoned").extend_from_slice(&bytes[..read]);
            }
        });
        Self { child, printed }
    }

    fn has_printed(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.printed.lock().expect("unpoisoned")).contains(text)
    }
}

/// As Ctrl-C does, and it is waited for.
impl Drop for Running {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        if told.is_ok_and(|status| status.success()) {
            drop(self.child.wait());
        }
    }
}

#[test]
fn the_demo_prints_what_the_readme_says() {
    if servers::asked_for() {
        return;
    }
    let checkout = Checkout::new();
    let start = block("scripts/demo");
    let demo = Running::start(checkout.shell(&format!("exec {}", command(&start[0]))));
    for line in block("alert: raised").iter().map(|line| printed(line)).filter(|line| !line.is_empty()) {
        eventually(line, || demo.has_printed(line));
    }

    let (mut output, mut told) = (Vec::new(), 0);
    for line in block("$ cp examples") {
        if let Some(command) = line.strip_prefix("$ ") {
            output = checkout.run(command).lines().map(without_times).collect();
        } else if line.contains("alert: ") {
            eventually(&line, || demo.has_printed(printed(&line)));
            told += 1;
        } else if !line.is_empty() {
            assert!(output.contains(&without_times(&line)), "{line}\nis not in\n{}", output.join("\n"));
            told += 1;
        }
    }
    assert!(told > 8, "the README shows alerts and an explanation");
}

#[test]
fn a_districts_own_exports_go_the_way_that_the_readme_says() {
    if servers::asked_for() {
        return;
    }
    let checkout = Checkout::new();
    let exports = checkout.path().join("exports");
    fs::rename(checkout.path().join("examples/lakeview/drop"), &exports).expect("they are there");
    fs::rename(exports.join("attendance_1016.csv"), exports.join("attendance.csv")).expect("it is there");
    let mut up = None;
    for line in block("signalbox init --from") {
        match command(&line) {
            "signalbox up" => {
                let running = Running::start(checkout.shell("exec signalbox up"));
                eventually("the hub runs", || running.has_printed("The hub is running."));
                up = Some(running);
            }
            command => drop(checkout.run(command)),
        }
    }
    assert!(up.is_some(), "the README says how the hub is run");
}

/// The two sections that make the same hub one on servers.
#[test]
fn the_sections_for_servers_are_sound() {
    let checkout = Checkout::new();
    let config: PathBuf = checkout.path().join("examples/lakeview/signalbox.yaml");
    let sections = block("log: {kafka:").join("\n");
    let yaml = fs::read_to_string(&config).expect("the example is there");
    fs::write(&config, format!("{yaml}\n{sections}\n")).expect("is writable");
    fs::write(checkout.path().join("examples/lakeview/ca.pem"), "").expect("is writable");
    let checked = checkout.shell("signalbox check --config examples/lakeview/signalbox.yaml --output json");
    let out = { checked }.output().expect("a shell");
    let said: serde_json::Value = serde_json::from_slice(&out.stdout).expect("JSON");
    assert_eq!(said["ok"], true, "{said:#}");
}

#[test]
fn the_plan_of_grand_bend_is_as_printed() {
    let Some(samples) = real_input::samples("readme_plan") else { return };
    let plan = real_input::grand_bend(&samples).text(&["plan"]);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<String> = plan.lines().map(words).collect();
    for line in block("enrollment.csv").iter().filter(|line| !line.is_empty()) {
        assert!(said.contains(&words(line)), "{line}\nis not in\n{plan}");
    }
}
