mod headers;
mod meanings;
mod proposals;

use std::fs;

use super::*;
use crate::config;
use crate::connectors;

fn init(from: Option<&Path>, config: &Path) -> Result<String, Failure> {
    let global = Global { config: config.to_owned(), output: Output::Text, now: None };
    let mut out = Vec::new();
    run(&mut out, &global, &Init { from: from.map(Path::to_owned) })?;
    Ok(String::from_utf8(out).expect("text"))
}

fn exports(folder: &Path) {
    let enrollment = "\u{feff}Student_Number,Last_Name,First_Name,DOB,School_ID,Entry_Date,Exit_Date\n\
                      1001,A,B,2010-02-03,100,8/17/2026,\n1002,C,D,2010-12-03,100,8/17/2026,\n";
    let attendance = "Student_Number,School_ID,Att_Date,Att_Code\n\
                      1001,100,9/15/2026,A\n1001,100,10/2/2026,VIR\n1002,100,9/15/2026,E\n";
    fs::write(folder.join("enrollment.csv"), enrollment).expect("written");
    fs::write(folder.join("att_0901.csv"), attendance).expect("written");
    fs::write(folder.join("att_0902.csv"), attendance).expect("written");
    fs::write(folder.join("menu.csv"), "Day,Dish\nMonday,Soup\n").expect("written");
}

#[test]
fn without_a_folder_the_written_file_is_sound() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let config = folder.path().join("signalbox.yaml");
    init(None, &config).expect("written");
    let loaded = config::load(&config, connectors::ALL).expect("no errors");
    assert!(loaded.problems.is_empty(), "{:#?}", loaded.problems);
}

/// As a spreadsheet in Europe, an old database and a report writer export it.
#[test]
fn other_delimiters_and_encodings_are_seen_and_written_down() {
    let header = "Student_Number;Last_Name;School_ID;Entry_Date\n";
    let text = format!("{header}1001;Ibáñez;100;8/23/2026\n");
    let latin = |text: &str| text.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect::<Vec<u8>>();
    let utf16 = |text: &str| {
        let marked = format!("\u{feff}{text}");
        marked.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    for (bytes, said, unsaid) in [
        (text.clone().into_bytes(), "delimiter: \";\"", "encoding:"),
        (latin(&text.replace(';', ",")), "encoding: windows-1252", "delimiter:"),
        (utf16(&text.replace(';', "\t")), "delimiter: \"\\t\"", "encoding:"),
    ] {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let drop = folder.path().join("drop");
        fs::create_dir(&drop).expect("made");
        fs::write(drop.join("enrollment.csv"), bytes).expect("written");
        let config = folder.path().join("signalbox.yaml");
        init(Some(&drop), &config).expect("written");
        let text = fs::read_to_string(&config).expect("readable");
        assert!(text.contains(said) && !text.contains(unsaid), "{said}: {text}");
        config::load(&config, connectors::ALL).expect("no errors");
    }
}

/// `0/0/0` beside dates is a word for none, in whatever way the dates are written.
#[test]
fn words_for_no_date_do_not_hide_the_format() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let drop = folder.path().join("drop");
    fs::create_dir(&drop).expect("made");
    let rows = "1001,100,8/23/2026,0/0/0,3/22/2010\n1002,100,8/24/2026,10/30/2026,0/0/0\n";
    let header = "Student_Number,School_ID,Entry_Date,Exit_Date,DOB\n";
    fs::write(drop.join("enrollment.csv"), format!("{header}{rows}")).expect("written");
    let config = folder.path().join("signalbox.yaml");
    init(Some(&drop), &config).expect("written");
    let text = fs::read_to_string(&config).expect("readable");
    let exit = "exit: {from: Exit_Date, format: \"%m/%d/%Y\", none: [\"0/0/0\"]}";
    assert!(text.contains(exit) && text.contains("birth_date: {from: DOB, format: \"%m/%d/%Y\"}"), "{text}");
    config::load(&config, connectors::ALL).expect("no errors");
}

#[test]
fn a_folder_of_exports_gives_feeds_that_read_it() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let drop = folder.path().join("drop");
    fs::create_dir(&drop).expect("made");
    exports(&drop);
    let config = folder.path().join("signalbox.yaml");
    let said = init(Some(&drop), &config).expect("written");
    assert!(said.contains("not used: menu.csv"), "{said}");
    assert!(said.contains("feed att: code VIR has no meaning yet"), "{said}");

    let text = fs::read_to_string(&config).expect("readable");
    assert!(text.contains("path: \"./drop/att_*.csv\""), "{text}");
    assert!(text.contains("entry: {from: Entry_Date, format: \"%m/%d/%Y\"}"), "{text}");
    let exit = "exit: {from: Exit_Date, format: \"%m/%d/%Y\"}";
    assert!(text.contains(exit), "a date without values yet is written like the entry: {text}");
    assert!(text.contains("birth_date: DOB\n"), "ISO 8601 needs no format: {text}");
    assert!(text.contains("category: {A: absent_unexcused, E: absent_excused}"), "{text}");

    let loaded = config::load(&config, connectors::ALL).expect("no errors");
    let codes: Vec<&str> = loaded.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["no_closed_day"], "which days are holidays, no export says: {:#?}", loaded.problems);
    let names: Vec<_> = loaded.config.feeds.iter().map(|feed| feed.name.as_str()).collect();
    assert_eq!(names, ["enrollment", "att"], "the roster goes first, drops of one name are one feed");
    assert!(loaded.config.feeds[0].roster_of_record);
}

#[test]
fn a_file_that_is_there_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let config = folder.path().join("signalbox.yaml");
    fs::write(&config, "mine").expect("written");
    let failure = init(None, &config).expect_err("it is there");
    assert!(matches!(failure, Failure::Other { kind: crate::exit::Kind::Input, .. }));
    assert_eq!(fs::read_to_string(&config).expect("readable"), "mine");
}

#[test]
fn a_folder_that_is_not_there_is_invalid_input() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let failure = init(Some(Path::new("/no/such")), &folder.path().join("s.yaml")).expect_err("not there");
    assert!(matches!(failure, Failure::Other { kind: crate::exit::Kind::Input, .. }));
}
