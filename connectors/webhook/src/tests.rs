use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use signalbox_connector::jiff::tz::TimeZone;
use signalbox_connector::serde_json::{self, Value, json};
use signalbox_connector::uuid::Uuid;
use signalbox_connector::{
    Alert, DeliverCx, DeliverError, Destination, ErrorKind, ParseCx, Receipt, Repeats, erased_serde,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::CONNECTOR;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OTHER_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn try_parse(section: Value) -> Result<Box<dyn Destination>, erased_serde::Error> {
    let parse = CONNECTOR.destination.expect("webhook is a destination");
    let cx = ParseCx { base: Path::new("/nowhere"), zone: &TimeZone::UTC };
    parse(&mut <dyn erased_serde::Deserializer<'_>>::erase(section), &cx)
}

fn webhook(section: Value) -> Box<dyn Destination> {
    try_parse(section).unwrap()
}

fn refused(section: Value) -> String {
    try_parse(section).err().expect("the section is refused").to_string()
}

fn alert() -> Alert {
    Alert {
        id: Uuid::from_u128(0x0190_7e6e),
        kind: "risk.flag.raised".to_owned(),
        decided: "2026-09-21T23:10:02.750Z".parse().unwrap(),
        data: json!({"alert_id": "00000000-0000-0000-0000-000001907e6e", "student": {"grade": null, "id": "1001"}}),
    }
}

fn cx() -> DeliverCx {
    DeliverCx { now: "2026-09-21T23:10:05Z".parse().unwrap(), attempt: 1 }
}

/// One request as the receiver saw it.
struct Seen {
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        line.unwrap_or_else(|| panic!("no header {name}"))
    }
}

/// Answers one request with `answer` after `delay`.
async fn receiver(answer: &'static str, delay: Duration) -> (String, JoinHandle<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?token=t0ken", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let seen = loop {
            let mut chunk = [0; 1024];
            let n = stream.read(&mut chunk).await.unwrap();
            bytes.extend_from_slice(&chunk[..n]);
            if let Some(seen) = complete(&bytes) {
                break seen;
            }
        };
        tokio::time::sleep(delay).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        seen
    });
    (url, task)
}

fn complete(bytes: &[u8]) -> Option<Seen> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let seen =
        Seen { head: String::from_utf8(bytes[..end].to_vec()).unwrap(), body: bytes[end + 4..].to_vec() };
    let length: usize = seen.header("content-length").parse().unwrap();
    (seen.body.len() == length).then_some(seen)
}

async fn answered(answer: &'static str) -> Result<Receipt, DeliverError> {
    let (url, task) = receiver(answer, Duration::ZERO).await;
    let result =
        webhook(json!({"url": url, "secret": SECRET, "allow_private": true})).deliver(&cx(), &alert()).await;
    task.await.unwrap();
    result
}

/// HMAC-SHA256 as RFC 2104 writes it, for a key of at most 64 bytes.
fn hmac_by_hand(secret: &str, message: &[u8]) -> String {
    let mut key = STANDARD.decode(&secret["whsec_".len()..]).unwrap();
    key.resize(64, 0);
    let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36).as_slice(), message].concat());
    STANDARD.encode(Sha256::digest([pad(0x5c).as_slice(), inner.as_slice()].concat()))
}

const NO_CONTENT: &str = "HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn an_alert_arrives_signed() {
    let (url, task) = receiver(NO_CONTENT, Duration::ZERO).await;
    let hook = webhook(json!({"url": url, "secret": SECRET, "allow_private": true}));
    hook.deliver(&cx(), &alert()).await.unwrap();
    let seen = task.await.unwrap();

    assert!(seen.head.starts_with("POST /hook?token=t0ken HTTP/1.1"));
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("user-agent"), concat!("signalbox/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.header("webhook-id"), "00000000-0000-0000-0000-000001907e6e");
    assert_eq!(seen.header("webhook-timestamp"), "1790032205");
    let signed = [b"00000000-0000-0000-0000-000001907e6e.1790032205.", seen.body.as_slice()].concat();
    assert_eq!(seen.header("webhook-signature"), format!("v1,{}", hmac_by_hand(SECRET, &signed)));
    let expected = concat!(
        r#"{"type":"risk.flag.raised","timestamp":"2026-09-21T23:10:02Z","#,
        r#""data":{"alert_id":"00000000-0000-0000-0000-000001907e6e","student":{"grade":null,"id":"1001"}}}"#
    );
    assert_eq!(String::from_utf8(seen.body).unwrap(), expected);
}

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign() {
    let (url, task) = receiver(NO_CONTENT, Duration::ZERO).await;
    let hook = webhook(json!({"url": url, "secret": [SECRET, OTHER_SECRET], "allow_private": true}));
    hook.deliver(&cx(), &alert()).await.unwrap();
    let seen = task.await.unwrap();
    let signed = [b"00000000-0000-0000-0000-000001907e6e.1790032205.", seen.body.as_slice()].concat();
    let [new, old] = [SECRET, OTHER_SECRET].map(|secret| format!("v1,{}", hmac_by_hand(secret, &signed)));
    assert_eq!(seen.header("webhook-signature"), format!("{new} {old}"));
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let (elsewhere, untouched) = receiver(NO_CONTENT, Duration::ZERO).await;
    let answer =
        format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n");
    let error = answered(answer.leak()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(error.message.contains("redirects (307)"), "{error}");
    assert!(!untouched.is_finished());
    untouched.abort();
}

#[tokio::test]
async fn gone_is_for_good() {
    let error = answered("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Permanent);
}

#[tokio::test]
async fn retry_after_is_handed_on() {
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 90\r\nContent-Length: 0\r\n\r\n";
    let error = answered(busy).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::RateLimited { retry_after_s: 90 });
}

#[tokio::test]
async fn a_refused_signature_is_for_a_person() {
    let error = answered("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_slow_receiver_is_given_up() {
    let (url, task) = receiver(NO_CONTENT, Duration::from_secs(30)).await;
    let hook = webhook(json!({"url": url, "secret": SECRET, "allow_private": true, "timeout_s": 1}));
    let error = hook.deliver(&cx(), &alert()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(error.message.contains("did not answer within 1s"), "{error}");
    task.abort();
}

#[tokio::test]
async fn nobody_listening_is_tried_again() {
    let (url, task) = receiver(NO_CONTENT, Duration::ZERO).await;
    task.abort();
    assert!(task.await.is_err_and(|error| error.is_cancelled()));
    let hook = webhook(json!({"url": url, "secret": SECRET, "allow_private": true}));
    let error = hook.deliver(&cx(), &alert()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreached);
    assert!(error.message.contains("127.0.0.1 cannot be reached"), "{error}");
    assert!(!format!("{error:?}").contains("t0ken"));
}

#[test]
fn an_address_that_will_never_be_told_is_refused_when_it_is_read() {
    for (url, allow_private, said) in [
        ("http://127.0.0.1:9/", false, "allow_private: true"),
        ("http://hooks.example.org/", false, "use https"),
        ("http://93.184.215.14/", true, "use https"),
        ("https://hub:zebedee@hooks.example.org/", true, "no place for a user"),
    ] {
        let refused = refused(json!({"url": url, "secret": SECRET, "allow_private": allow_private}));
        assert!(refused.contains(said), "{url}: {refused}");
        assert!(!refused.contains("zebedee"), "{refused}");
    }
}

#[tokio::test]
async fn a_missing_secret_sends_nothing_and_says_what_to_do() {
    let (url, task) = receiver(NO_CONTENT, Duration::ZERO).await;
    let secret = "SECRET[env.SIGNALBOX_TEST_NOT_SET]";
    let hook = webhook(json!({"url": url, "secret": secret, "allow_private": true}));
    let error = hook.deliver(&cx(), &alert()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotSent);
    assert!(error.message.contains("SIGNALBOX_TEST_NOT_SET is not set; set it"), "{error}");
    assert!(!task.is_finished());
    task.abort();
}

#[test]
fn a_secret_shows_nowhere() {
    let section: super::Section =
        serde_json::from_value(json!({"url": "https://h.example/t0ken", "secret": SECRET})).unwrap();
    let shown = format!("{section:?} {}", refused(json!({"url": "x", "secret": "whsec_c2hvcnQ="})));
    let short = refused(json!({"url": "https://h.example/t0ken", "secret": "whsec_c2hvcnQ="}));
    assert!(short.contains("5 bytes instead of 24 to 64"), "{short}");
    for hidden in ["C2FVsBQI", "c2hvcnQ", "short", "t0ken"] {
        assert!(!shown.contains(hidden) && !short.contains(hidden), "{hidden}");
    }
}

#[test]
fn wrong_sections_are_refused() {
    let good = json!({"url": "https://h.example/", "secret": "SECRET[env.HOOK]"});
    assert!(try_parse(good.clone()).is_ok());
    let wrong = [
        ("url", json!("h.example"), "https://"),
        ("url", json!("ftp://h.example/"), "https://"),
        ("secret", json!([]), "at least one secret"),
        ("secret", json!("plain text"), "whsec_"),
        ("timeout_s", json!(0), "1 to 60 seconds"),
        ("timeout_s", json!(61), "1 to 60 seconds"),
        ("retries", json!(3), "unknown field"),
    ];
    for (key, value, expected) in wrong {
        let mut section = good.clone();
        section[key] = value;
        let message = refused(section);
        assert!(message.contains(expected), "{key}: {message}");
    }
    assert!(refused(json!({"url": "https://h.example/"})).contains("missing field `secret`"));
}

#[test]
fn the_schema_knows_every_key_and_no_other() {
    let schema = (CONNECTOR.config_schema)().to_value();
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["allow_private", "secret", "timeout_s", "url"]);
    assert_eq!(schema["additionalProperties"], json!(false));
    assert_eq!(schema["required"], json!(["url", "secret"]));
}

#[test]
fn a_receiver_can_tell_repetitions() {
    let hook = webhook(json!({"url": "https://h.example/", "secret": SECRET}));
    assert_eq!(hook.repeats(), Repeats::Harmless);
}

#[test]
fn the_readme_example_parses() {
    let readme = include_str!("../README.md");
    let yaml =
        readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let destinations: Value = serde_saphyr::from_str(yaml).unwrap();
    for destination in destinations["destinations"].as_array().expect("a list") {
        try_parse(destination["webhook"].clone()).unwrap();
    }
}
