//! The `signalbox` binary: found or built once per test process, and what a run of it left behind.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::sync::LazyLock;

use serde_json::Value;

/// `$SIGNALBOX_BIN`, or a fresh debug build (debug builds have failpoints).
pub(crate) fn path() -> &'static Path {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| match std::env::var_os("SIGNALBOX_BIN") {
        Some(path) => PathBuf::from(path),
        None => build(),
    });
    &PATH
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is a folder of the repository")
}

pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root());
    // What `cargo test` says of this package is no part of a build: build scripts that look at it would run again, and
    // with them everything above them would be compiled again.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// With the features that the workspace's tests were built with: for the package alone, or without some test beside it (here
/// a small one), Cargo would compile everything once more.
fn build() -> PathBuf {
    let out = cargo()
        .args([
            "build",
            "--quiet",
            "--workspace",
            "--bin",
            "signalbox",
            "--test",
            "conformance",
            "--message-format=json-render-diagnostics",
        ])
        .output()
        .expect("cargo starts");
    assert!(out.status.success(), "signalbox does not build:\n{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == "signalbox")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .expect("cargo names the executable that it built")
}

/// What one run of the binary left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(out: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the binary writes UTF-8");
        Self { status: out.status, stdout: text(out.stdout), stderr: text(out.stderr) }
    }
}

impl Run {
    /// The run ended with this exit code.
    #[track_caller]
    pub(crate) fn exit(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{}; stdout:\n{}\nstderr:\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// The object that says why the run failed; lines of the log may stand around it.
    pub(crate) fn told_failure(&self) -> Option<&str> {
        self.stderr.lines().rfind(|line| line.starts_with('{'))
    }

    /// Why the run failed and what to do, of the object that it wrote to standard error.
    #[track_caller]
    pub(crate) fn failure(&self) -> [String; 2] {
        let told = self.told_failure().unwrap_or_else(|| panic!("no failure is told: {self:?}"));
        let failure: Value = serde_json::from_str(told).unwrap_or_else(|e| panic!("{e}: {self:?}"));
        let text = |key: &str| failure[key].as_str().unwrap_or_default().to_owned();
        [text("error"), text("help")]
    }

    /// The run ended well, and its standard output is one JSON value.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let run = self.exit(0);
        run.any_json()
    }

    /// Standard output as one JSON value, whatever the exit code.
    #[track_caller]
    pub(crate) fn any_json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr))
    }

    /// The run ended well, and each line of its standard output is a JSON object.
    #[track_caller]
    pub(crate) fn json_lines(self) -> Vec<Value> {
        let run = self.exit(0);
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        run.stdout.lines().map(parse).collect()
    }
}
