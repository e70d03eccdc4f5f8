use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Section {
    text: Option<String>,
    number: Option<u16>,
    share: Option<f64>,
    flag: Option<bool>,
    list: Option<Vec<String>>,
    map: Option<BTreeMap<String, String>>,
    either: Option<Either>,
    shape: Option<Shape>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Either {
    Name(String),
    Settings { from: String },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Whole,
    Days(u16),
}

fn section(yaml: &str) -> Result<Section, Fault> {
    let node = Node::parse(yaml).expect("sound YAML");
    let key = Key { text: "section".to_owned(), place: Place { line: 1, column: 1 } };
    let direct: Result<Section, Fault> = read(&key, &node);
    let erased = read_erased(&key, &node, |deserializer| erased_serde::deserialize(deserializer));
    assert_eq!(direct, erased, "erasing loses neither value nor place");
    direct
}

#[test]
fn scalars_read_as_what_is_asked_for() {
    let all =
        section("{text: 007, number: 12, share: 1, flag: true, list: [1, no, ~x], map: {N: 010, 5: Y}}");
    let all = all.expect("sound");
    assert_eq!(all.text.as_deref(), Some("007"), "text keeps its zeros");
    assert_eq!((all.number, all.share, all.flag), (Some(12), Some(1.0), Some(true)));
    assert_eq!(all.list, Some(vec!["1".to_owned(), "no".to_owned(), "~x".to_owned()]));
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(all.map, Some(BTreeMap::from([pair("5", "Y"), pair("N", "010")])));
}

#[test]
fn either_form_of_a_setting_reads() {
    assert_eq!(section("{either: a}").expect("a name").either, Some(Either::Name("a".to_owned())));
    let settings = Either::Settings { from: "a".to_owned() };
    assert_eq!(section("{either: {from: a}}").expect("settings").either, Some(settings));
    assert_eq!(section("{shape: whole}").expect("a word").shape, Some(Shape::Whole));
    assert_eq!(section("{shape: {days: 3}}").expect("settings").shape, Some(Shape::Days(3)));
    assert_eq!(section("{text: }").expect("nothing").text, None);
}

#[test]
fn the_innermost_place_is_kept() {
    for (yaml, place, says) in [
        ("text: a\nnumber: 70000\n", (2, 9), "70000"),
        ("flag: yes\n", (1, 7), "expected true or false, found text"),
        ("list:\n  - a\n  - [b]\n", (3, 5), "expected text, found a list"),
        ("map: {a: b, c: {d: e}}\n", (1, 16), "expected text, found a map"),
        ("shape: hole\n", (1, 8), "\"hole\" is not known here"),
        ("shape: {days: x}\n", (1, 15), "a whole number"),
        ("shape: {whole: 1}\n", (1, 9), "stands alone"),
        ("shape: days\n", (1, 8), "needs its settings"),
        ("txet: a\n", (1, 1), "unknown key"),
    ] {
        let fault = section(yaml).expect_err(yaml);
        assert_eq!(fault.place.map(|p| (p.line, p.column)), Some(place), "{yaml}{fault:?}");
        assert!(fault.message.contains(says), "{yaml}{fault:?}");
    }
}

#[test]
fn an_alias_reads_as_what_it_stands_for() {
    let section = section("text: &a 007\nlist: [*a]\n").expect("sound");
    assert_eq!(section.list, Some(vec!["007".to_owned()]));
}
