use std::path::Path;

use crate::config::parse;
use crate::connectors;

/// Where a secret comes to stand when a hand slips.
const SECRET: &str = "zebedee-quillfeather";

fn said(yaml: &str) -> String {
    let problems = match parse(Path::new("signalbox.yaml"), yaml, connectors::ALL) {
        Ok(loaded) => loaded.problems,
        Err(problems) => problems.0,
    };
    let said: Vec<String> =
        problems.iter().map(|problem| format!("{} {}", problem.message, problem.help)).collect();
    said.join("\n")
}

#[test]
fn a_slip_of_the_pen_shows_no_secret() {
    let head = "district: {id: a, timezone: America/Chicago}\n";
    let layouts = [
        "destinations:\n- name: x\n  webhook: {url: \"https://h.example/\", zebedee-quillfeather}\n",
        "destinations:\n- name: x\n  webhook: {url: \"https://h.example/\", secret, zebedee-quillfeather}\n",
        "destinations:\n- name: x\n  webhook: {url: \"https://h.example/\", secret zebedee-quillfeather}\n",
        "destinations:\n- name: x\n  webhook: {url: \"https://h.example/\", secert: zebedee-quillfeather}\n",
        "destinations:\n- name: x\n  webhook: {url: \"https://h.example/\", zebedee-quillfeather: secret}\n",
        "destinations:\n- name: x\n  webhook: {url: zebedee-quillfeather, secret: \"https://h.example/\"}\n",
        "destinations:\n- name: x\n  webhook: {url: \"ftp://zebedee-quillfeather@h.example/\", secret: whsec_x}\n",
        "destinations:\n- name: x\n  webhook: {url: \"https://hub:zebedee-quillfeather@h.example/\", secret: whsec_x}\n",
        "destinations:\n- name: x\n  webhook: {url: \"https://h.example/\", allow_private: zebedee-quillfeather}\n",
        "destinations:\n- name: x\n  webhook: {url: \"https://h.example/\", timeout_s: zebedee-quillfeather}\n",
        "destinations:\n- name: x\n  webhook: zebedee-quillfeather\n",
        "destinations:\n- name: x\n  zebedee-quillfeather: {}\n",
        "destinations:\n- zebedee-quillfeather\n",
        "destinations: zebedee-quillfeather\n",
        "zebedee-quillfeather\n",
        "zebedee-quillfeather: {}\n",
        "destinations:\n- name: x\n    secret\n    zebedee-quillfeather\n  webhook: {}\n",
        "log: zebedee-quillfeather\n",
        "log: {zebedee-quillfeather: {}}\n",
        "log: {kafka: {brokers: [\"hub:zebedee-quillfeather@kafka:9092\"]}}\n",
        "log: {kafka: {brokers: [\"kafka:9092\"], scram_sha_512: zebedee-quillfeather}}\n",
        "log: {kafka: {brokers: [\"kafka:9092\"], scram_sha_512: [zebedee-quillfeather]}}\n",
        "log: {kafka: {brokers: [\"kafka:9092\"], scram_sha_512: {user: a, password: {zebedee-quillfeather: }}}}\n",
        "log: {kafka: {brokers: [\"kafka:9092\"], readers: [{user: a, domains: [secret: zebedee-quillfeather]}]}}\n",
        "store: {postgres: zebedee-quillfeather}\n",
        "store: {postgres: {url: x, zebedee-quillfeather: x}}\n",
        "store: {zebedee-quillfeather: {url: x}}\n",
        "store: {postgres: {url: \"postgres://x:zebedee-quillfeather@h/x\", pasword: a}}\n",
        "store: {postgres: {url: *zebedee-quillfeather}}\n",
        "store: {postgres: {url: !zebedee-quillfeather x}}\n",
        "store: {postgres: {url: \"zebedee-quillfeather}}\n",
        "store: {postgres: {url: SECRET[zebedee-quillfeather]}}\n",
        "store: {postgres: {url: SECRET[env.zebedee-quillfeather}}\n",
        "store: {postgres: {url: {zebedee-quillfeather: a, zebedee-quillfeather: b}}}\n",
        "risk: {packs: [secret: zebedee-quillfeather]}\n",
        "routes: [{rule: chronic-absence, to: x, secret: zebedee-quillfeather}]\n",
        "feeds: [{name: a, csv: {password: zebedee-quillfeather}}]\n",
    ];
    for layout in layouts {
        let said = said(&format!("{head}{layout}"));
        assert!(!said.is_empty(), "nothing is wrong with {layout}");
        assert!(!said.contains(SECRET), "{layout}{said}");
    }
}

/// A mend is of no use without its words.
#[test]
fn the_words_of_a_mend_are_shown() {
    let head = "district: {id: a, timezone: America/Chicago}\n";
    let feed = |codes: &str| {
        format!(
            "{head}feeds: [{{name: a, csv: {{path: x.csv, entity: attendance.daily, rows: exceptions, covers: school_year, \
             columns: {{student: S, school: C, date: D, category: K}}, codes: {{category: {codes}}}}}}}]\n"
        )
    };
    for (yaml, shown) in [
        (feed("{A: absent}"), "absent_excused"),
        (feed("{A: absent}"), "\"absent\""),
        (
            format!(
                "{head}destinations: [{{name: x, webhook: {{url: \"http://127.0.0.1/\", secret: \"SECRET[env.HOOK]\"}}}}]\nfeeds: [{{name: a, roster_of_record: true}}]\n"
            ),
            "allow_private: true",
        ),
        (
            format!(
                "{head}calendars: [{{schools: all, school_year: 2026, first: 2026-08-24, last: 2027-05-28}}]\n"
            ),
            "2026",
        ),
    ] {
        let said = said(&yaml);
        assert!(said.contains(shown), "{yaml}{said}");
    }
}

#[test]
fn what_holds_no_secret_is_shown() {
    for (yaml, shown) in [
        ("district: {id: a, timezone: America/Chikago}\n", "America/Chikago"),
        (
            "district: {id: a, timezone: America/Chicago}\nfeeds: [{name: sis, rooster_of_record: true}]\n",
            "rooster_of_record",
        ),
        (
            "district: {id: a, timezone: America/Chicago}\nroutes: [{rule: chronic-absense, to: x}]\n",
            "chronic-absense",
        ),
        (
            "district: {id: a, timezone: America/Chicago}\nstore: {postgres: {url: \"SECRET[file./run/secrets/database]\"}}\n",
            "/run/secrets/database",
        ),
    ] {
        let said = said(yaml);
        assert!(said.contains(shown), "{said}");
    }
}
