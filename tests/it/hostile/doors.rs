//! Doors: nothing about students goes anywhere in clear unless the configuration says so by name.

use crate::district::District;
use crate::receiver::Receiver;

/// The problems that `check` finds with `more` at the end of the file.
fn codes(district: &mut District, more: &str) -> Vec<String> {
    let yaml = format!("{}{more}", district.config.render());
    district.configure(|config| config.verbatim = Some(yaml));
    let checked = district.run(&["check"]).any_json();
    district.configure(|config| config.verbatim = None);
    let problems = checked["problems"].as_array().expect("a list").iter();
    let errors = problems.filter(|problem| problem["severity"] == "error");
    errors.map(|problem| problem["code"].as_str().expect("a word").to_owned()).collect()
}

#[test]
fn kafka_is_reached_encrypted_or_by_name_in_clear() {
    let mut district = District::on(None, |_| {});
    let postgres = "store: {postgres: {url: \"SECRET[env.DATABASE_URL]\"}}\n";
    for (kafka, expected) in [
        ("brokers: [\"kafka-1.example.org:9092\"]", &["in_clear"][..]),
        ("brokers: [\"127.0.0.1:9092\", \"10.0.0.7:9092\"]", &["in_clear"]),
        (
            "brokers: [\"kafka-1.example.org:9092\"], scram_sha_512: {user: hub, password: \"SECRET[env.X]\"}",
            &["in_clear"],
        ),
        ("brokers: [\"kafka-1.example.org:9092\"], plaintext: true", &[]),
        ("brokers: [\"kafka-1.example.org:9092\"], tls: {}", &[]),
        ("brokers: [\"kafka-1.example.org:9092\"], tls: {}, plaintext: true", &["in_clear"]),
        ("brokers: [\"127.0.0.1:9092\", \"[::1]:9092\", \"localhost:9092\"]", &[]),
        ("brokers: [\"hub:zebedee@127.0.0.1:9092\"]", &["invalid_kafka"]),
        ("brokers: [\"127.0.0.1:9092\"], readers: [{user: \"*\", domains: [risk]}]", &["invalid_reader"]),
        (
            "brokers: [\"127.0.0.1:9092\"], readers: [{user: \"team-*\", domains: [risk]}]",
            &["invalid_reader"],
        ),
        ("brokers: [\"127.0.0.1:9092\"], readers: [{user: analytics, domains: [risk]}]", &[]),
    ] {
        let found = codes(&mut district, &format!("log: {{kafka: {{{kafka}}}}}\n{postgres}"));
        assert_eq!(found, expected, "{kafka}");
    }
}

/// Refused before a connection is made: with the password on it, it would be too late.
#[test]
fn postgres_is_reached_verified_or_by_name_in_clear() {
    let refused = |url: &str, more: &str| {
        let servers = format!(
            "log: {{kafka: {{brokers: [\"127.0.0.1:1\"]}}}}\nstore: {{postgres: {{url: \"SECRET[env.DATABASE_URL]\"{more}}}}}\n"
        );
        let district = District::on(None, |config| config.servers = servers);
        let out = district.command_of(&["migrate"]).env("DATABASE_URL", url).output();
        let run = crate::binary::Run::from(out.expect("the binary starts"));
        assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
        run.status.code() == Some(2) && run.stderr.contains("sslmode=verify-full")
    };
    let elsewhere = "postgres://hub:hunter2@db.invalid/hub";
    for weak in ["disable", "allow", "prefer", "require", "verify-ca"] {
        assert!(refused(&format!("{elsewhere}?sslmode={weak}"), ""), "{weak}");
        assert!(!refused(&format!("{elsewhere}?sslmode={weak}"), ", plaintext: true"), "{weak}");
    }
    assert!(!refused(&format!("{elsewhere}?sslmode=verify-full"), ""));
    assert!(!refused(elsewhere, ""), "it is reached verified");
    assert!(!refused("postgres://hub:hunter2@127.0.0.1:1/hub?sslmode=disable", ""), "nobody is on the way");
}

#[test]
fn a_webhook_in_clear_stays_on_the_districts_own_network() {
    let mut district = District::telling(&Receiver::start());
    let yaml = district.config.render();
    let (before, url) = yaml.split_once("url: \"").expect("there is a webhook");
    let (_, after) = url.split_once('"').expect("it ends");
    for (url, allowed) in [
        ("https://hooks.example.org/x", true),
        ("http://10.0.0.7/x", true),
        ("http://93.184.215.14/x", false),
        ("https://hub:hunter2@hooks.example.org/x", false),
    ] {
        let yaml = format!("{before}url: \"{url}\"{after}");
        district.configure(|config| config.verbatim = Some(yaml));
        let run = district.run(&["check"]);
        assert_eq!(run.status.code(), Some(if allowed { 0 } else { 2 }), "{url}: {run:?}");
        assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    }
}
