use std::net::IpAddr;

use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};

use super::answer::judge;
use super::guard::{Allowed, allowed, check_url, is_public};
use super::*;

fn now() -> Timestamp {
    "2026-09-21T23:10:02Z".parse().unwrap()
}

fn kind(code: u16, retry_after: Option<&'static str>) -> Option<ErrorKind> {
    let mut headers = HeaderMap::new();
    if let Some(text) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
    }
    judge("h.example", StatusCode::from_u16(code).unwrap(), &headers, now()).err().map(|error| error.kind)
}

#[test]
fn public_addresses_are_public() {
    for address in [
        "93.184.215.14",
        "8.8.8.8",
        "100.63.0.1",
        "172.32.0.1",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        // What carries a public IPv4 address leads there.
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ] {
        assert!(is_public(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn inner_addresses_are_not_public() {
    let inner = [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.9",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "2001:db8::1",
        "3fff::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
        "::127.0.0.1",
    ];
    for address in inner {
        assert!(!is_public(address.parse::<IpAddr>().unwrap()), "{address}");
    }
}

#[test]
fn addresses_in_urls_are_checked_however_they_are_written() {
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1:9000/",
        "https://[::1]/",
        "https://10.0.0.1./",
    ] {
        let refused = check_url(&Url::parse(url).unwrap(), false).unwrap_err().to_string();
        assert!(refused.contains("private address"), "{url}: {refused}");
        assert!(check_url(&Url::parse(url).unwrap(), true).is_ok(), "{url}");
    }
    assert!(check_url(&Url::parse("https://93.184.215.14/").unwrap(), false).is_ok());
}

#[test]
fn plain_http_leaves_the_network_only_when_asked() {
    let url = Url::parse("http://hooks.example.org/").unwrap();
    assert!(check_url(&url, false).unwrap_err().to_string().contains("https"));
    assert!(check_url(&url, true).is_ok(), "what it resolves to is seen at connect");
    for elsewhere in ["93.184.215.14", "[::ffff:8.8.8.8]", "[64:ff9b::808:808]", "224.0.0.1", "192.0.2.1"] {
        let url = Url::parse(&format!("http://{elsewhere}/")).unwrap();
        assert!(check_url(&url, true).unwrap_err().to_string().contains("in clear"), "{elsewhere}");
    }
    for own in ["10.1.2.3", "[::1]", "[fd12::1]", "[::ffff:192.168.1.1]", "100.64.0.1"] {
        assert!(check_url(&Url::parse(&format!("http://{own}/")).unwrap(), true).is_ok(), "{own}");
    }
    assert_eq!(allowed("http", true), Allowed::Private);
}

#[test]
fn a_status_means_what_standard_webhooks_says() {
    assert_eq!(kind(204, None), None);
    assert_eq!(kind(302, None), Some(ErrorKind::Transient));
    assert_eq!(kind(400, None), Some(ErrorKind::Transient));
    assert_eq!(kind(401, None), Some(ErrorKind::Unauthorized));
    assert_eq!(kind(403, None), Some(ErrorKind::Unauthorized));
    assert_eq!(kind(410, None), Some(ErrorKind::Permanent));
    assert_eq!(kind(500, Some("7")), Some(ErrorKind::Transient));
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    for code in [429, 502, 503, 504] {
        assert_eq!(kind(code, None), Some(ErrorKind::Transient));
        assert_eq!(kind(code, Some("120")), Some(ErrorKind::RateLimited { retry_after_s: 120 }));
    }
    let in_a_minute = Some("Mon, 21 Sep 2026 23:11:02 GMT");
    assert_eq!(kind(503, in_a_minute), Some(ErrorKind::RateLimited { retry_after_s: 60 }));
    let past = Some("Mon, 21 Sep 2026 23:00:00 GMT");
    assert_eq!(kind(503, past), Some(ErrorKind::RateLimited { retry_after_s: 0 }));
    assert_eq!(kind(429, Some("soon")), Some(ErrorKind::Transient));
}

fn a_client() -> Client {
    client(Options::default())
}

#[tokio::test]
async fn a_private_address_is_refused_before_sending() {
    let url = Url::parse("https://127.0.0.1:1/path?token=s3cret").unwrap();
    let error = a_client().send(Request::new(Method::POST, url), now()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotSent);
    assert!(error.message.contains("allow_private"), "{}", error.message);
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_name_of_a_private_address_is_refused_at_connect() {
    let url = Url::parse("https://localhost:1/path?token=s3cret").unwrap();
    let unguarded_by_url = a_client().for_scheme("https").unwrap().clone();
    let failure = unguarded_by_url.execute(Request::new(Method::POST, url)).await.unwrap_err();
    let error = a_client().failed("localhost", failure);
    assert!(error.message.contains("localhost is a private address"), "{}", error.message);
    assert!(!format!("{error:?}").contains("s3cret"));
}
