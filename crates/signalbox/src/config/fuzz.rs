//! What is put into `signalbox.yaml`.

use std::path::Path;
use std::time::{Duration, Instant};

use signalbox_fuzz::Edited;

use super::*;
use crate::connectors;
use crate::problem::has_errors;

/// Stands in the samples where a secret belongs.
const SECRET: &str = "zebedee-quillfeather";

const SAMPLES: [&str; 4] = [
    include_str!("../../../../examples/contract/signalbox.yaml"),
    include_str!("../../../../examples/grand-bend/signalbox.yaml"),
    "district: {id: a, timezone: America/Chicago, secret: zebedee-quillfeather}\n\
     feeds:\n- {name: sis, roster_of_record: true, oneroster: {path: ./drop/sis}}\n\
     destinations:\n- name: x\n  webhook: {url: \"http://127.0.0.1:9/\", secret: \"zebedee-quillfeather\", allow_private: yes}\n\
     routes: [{rule: chronic-absence, to: x}]\n",
    "district: {id: a, timezone: America/Chicago}\n\
     log: {kafka: {brokers: [\"127.0.0.1:9092\"], prefix: k12, shards: 12, replication: 1, tls: {ca: ./ca.pem},\n\
     \x20 scram_sha_512: {user: signalbox, password: zebedee-quillfeather}}}\n\
     store: {postgres: {url: \"postgres://x:zebedee-quillfeather@localhost/x\"}}\n",
];

/// A file of a few KiB is read at once.
const AT_ONCE: Duration = Duration::from_secs(10);

fn read(yaml: &str) -> (bool, Vec<Problem>) {
    match parse(Path::new("signalbox.yaml"), yaml, connectors::ALL) {
        Ok(loaded) => (true, loaded.problems),
        Err(problems) => (false, problems.0),
    }
}

/// Whether every place is one that an editor can go to.
fn stands_in(problem: &Problem, yaml: &str) -> bool {
    // A CR ends a line of YAML, too.
    let lines = yaml.split(['\n', '\r']).count() as u64;
    match (problem.line, problem.column) {
        (Some(line), Some(column)) => (1..=lines + 1).contains(&line) && column >= 1,
        (line, column) => line.is_none() && column.is_none(),
    }
}

/// Whether the secret stands somewhere, whole and alone, as the value of a key that is known to hold none.
fn is_said_in_the_open(yaml: &str) -> bool {
    let words = schema::words();
    let mut found = false;
    if let Ok(tree) = Node::parse(yaml) {
        tree.each_scalar("", &mut |key, text, _| {
            found |= text.contains(SECRET) && words.take_text.contains(key) && !secrets::names_secret(key);
        });
    }
    found
}

#[test]
fn signalbox_yaml() {
    for sample in SAMPLES {
        assert!(!read(sample).1.iter().any(|problem| problem.code == "yaml_syntax"), "the samples are YAML");
    }
    bolero::check!().with_iterations(800).with_type::<Edited>().for_each(|input| {
        let Ok(yaml) = String::from_utf8(input.bytes(&SAMPLES)) else { return };
        let begun = Instant::now();
        let (usable, problems) = read(&yaml);
        assert!(begun.elapsed() < AT_ONCE, "it took {:?}", begun.elapsed());
        assert_eq!((usable, &problems), (read(&yaml).0, &read(&yaml).1), "the same file, the same problems");
        assert_eq!(usable, !has_errors(&problems), "a file is used if and only if no error was found in it");
        for problem in &problems {
            assert!(stands_in(problem, &yaml), "{problem:?}");
            assert!(!problem.message.is_empty());
            let shown = format!("{} {}", problem.message, problem.help);
            assert!(!shown.contains(SECRET) || is_said_in_the_open(&yaml), "{problem:?}\n{yaml}");
        }
    });
}

/// Ten lists of ten of the one before.
#[test]
fn aliases_do_not_multiply() {
    use std::fmt::Write as _;

    let mut yaml = "a0: &a0 [x]\n".to_owned();
    for n in 1..10 {
        let items = vec![format!("*a{}", n - 1); 10].join(", ");
        writeln!(yaml, "a{n}: &a{n} [{items}]").expect("writing to a string cannot fail");
    }
    let begun = Instant::now();
    assert!(!read(&yaml).0);
    assert!(begun.elapsed() < AT_ONCE);
}

/// The main thread has 8 MiB of stack, and reads the configuration.
#[test]
fn depth_is_no_way_to_the_end_of_the_stack() {
    let read_deep = || {
        for deep in ["[", "{a: ", "- "] {
            assert!(!read(&format!("feeds: {}", deep.repeat(100_000))).0);
        }
    };
    let main = std::thread::Builder::new().stack_size(8 << 20).spawn(read_deep).expect("a thread starts");
    main.join().expect("every depth is a problem, not a panic");
}
