//! What districts' files do to a reader.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{DateFormat, Format, MAX_RECORD_BYTES, MAX_TEXT_BYTES, Misread, Reader};
use crate::draft::RejectCode;
use crate::source::Refusal;

/// A row's line, and its values or the reject's code.
pub(super) type Found = (u64, Result<Vec<String>, RejectCode>);

pub(super) fn rows_of(input: impl Read, format: Format) -> Result<Vec<Found>, Refusal> {
    let mut reader = Reader::open(input, format, None)?;
    let columns: Vec<_> = (0..reader.header().names().len()).map(super::Column).collect();
    let mut found = Vec::new();
    let flow = reader.rows(|row| {
        found.push(match row {
            Err(Misread { reject, .. }) => (reject.row.expect("a row's reject has a line"), Err(reject.code)),
            Ok(row) => {
                let values = columns.iter().map(|column| row.text(*column).map(str::to_owned)).collect();
                let values: Result<Vec<_>, _> = values;
                (row.line(), values.map_err(|reject| reject.code))
            }
        });
        ControlFlow::Continue(())
    })?;
    assert!(flow.is_continue());
    Ok(found)
}

fn rows(bytes: &[u8]) -> Vec<Found> {
    rows_of(bytes, Format::default()).expect("the file is readable")
}

fn good(line: u64, values: &[&str]) -> Found {
    (line, Ok(values.iter().map(|value| (*value).to_owned()).collect()))
}

fn bad(line: u64, code: RejectCode) -> Found {
    (line, Err(code))
}

#[test]
fn counts_lines_whatever_ends_them() {
    for end in ["\n", "\r\n", "\r"] {
        let file = ["a,b", "1,2", "", "", "3,4", "\"5", "5\",6", "7,8", ""].join(end);
        let quoted = format!("5{end}5");
        let expected =
            [good(2, &["1", "2"]), good(5, &["3", "4"]), good(6, &[&quoted, "6"]), good(8, &["7", "8"])];
        assert_eq!(rows(file.as_bytes()), expected, "{end:?}");
    }
}

#[test]
fn counts_blank_lines_before_the_header_and_mixed_line_ends() {
    assert_eq!(
        rows(b"\n\r\na,b\r\n1,2\n\r3,4\r\r\n5,6"),
        [good(4, &["1", "2"]), good(6, &["3", "4"]), good(8, &["5", "6"]),]
    );
}

#[test]
fn a_quoted_value_may_hold_quotes_delimiters_and_line_ends() {
    assert_eq!(
        rows(b"a,b\n\"x \"\"y\"\"\n,z\",1\n2,3\n"),
        [good(2, &["x \"y\"\n,z", "1"]), good(4, &["2", "3"])]
    );
}

#[test]
fn a_wrong_number_of_fields_is_a_reject_of_that_row() {
    let wrong = RejectCode::WrongFieldCount;
    assert_eq!(
        rows(b"a,b\n1,2,3\n1,2\n1\n,\n"),
        [bad(2, wrong), good(3, &["1", "2"]), bad(4, wrong), good(5, &["", ""]),]
    );
}

#[test]
fn an_unclosed_quote_gives_up_its_own_line_only() {
    let wrong = RejectCode::WrongFieldCount;
    // Never closed; closed by a later row's quote with a wrong count; and with the right count.
    assert_eq!(rows(b"a,b\n1,\"2\n3,4\n5,6\n"), [bad(2, wrong), good(3, &["3", "4"]), good(4, &["5", "6"])]);
    assert_eq!(
        rows(b"a,b\n1,\"2\r\n3,\"4\"\r\n5,6"),
        [bad(2, wrong), good(3, &["3", "4"]), good(4, &["5", "6"])]
    );
    assert_eq!(rows(b"a,b\n1,2\n3,\"4"), [good(2, &["1", "2"]), bad(3, wrong)]);
}

/// Between two stray quotes rows read as one value, in as many fields as there should be.
#[test]
fn rows_between_two_stray_quotes_are_found() {
    let wrong = RejectCode::WrongFieldCount;
    let swallowed = |file: &str| {
        let found = rows(file.as_bytes());
        assert_eq!(found[0], bad(2, wrong), "{file}");
        assert_eq!(
            found.len(),
            file.trim_end().lines().filter(|line| !line.trim().is_empty()).count() - 1,
            "{file}"
        );
    };
    swallowed("id,date,code\n1,8/4/2026,\"A\n23,8/5/2026,A\n3,12/5/2026,A\"\n7,8/8/2026,A\n");
    swallowed("id,date,code\r\n1,\"8/4/2026,A\r\n3,8/4/2026,A\r\n5,8/4/2026\",A\r\n");
    swallowed("id,date,code\n\"1,8/4/2026,A\n23,8/5/2026,A\n3\",8/6/2026,A\n7,8/8/2026,A\n");
    swallowed("name,id,date\n\"Ng,1,8/4/2026\nO'Hara,2,8/5/2026\nLi\",3,8/6/2026\nDu,4,8/8/2026\n");
    for note in ["left at 10", "went home, sick", "a, b, c, d, e"] {
        swallowed(&format!(
            "id,date,note\n1,8/4/2026,\"{note}\n3,8/5/2026, \n\n5,8/6/2026,{note}\"\n7,8/8/2026,\n"
        ));
    }
}

#[test]
fn notes_of_several_lines_are_notes() {
    for note in
        ["left at 10, came\nback, was late", "P1,P2,P3\nexcused", "8\n9\n10", "1,2\n3,4", "a\n\nb,c,d"]
    {
        let file = format!("id,date,note\n1,8/4/2026,\"{note}\"\n2,8/5/2026,x\n");
        let lines = note.lines().count() as u64;
        assert_eq!(
            rows(file.as_bytes()),
            [good(2, &["1", "8/4/2026", note]), good(2 + lines, &["2", "8/5/2026", "x"])],
            "{note}"
        );
    }
}

#[test]
fn a_record_without_end_does_not_fill_memory() {
    let endless = "x,".repeat(MAX_RECORD_BYTES);
    let file = format!("a,b\n1,2\n{endless}\n3,4\n\"{endless}\n5,6\n");
    let found = rows(file.as_bytes());
    let too_large = RejectCode::TooLarge;
    assert_eq!(
        found,
        [
            good(2, &["1", "2"]),
            bad(3, too_large),
            good(4, &["3", "4"]),
            bad(5, too_large),
            good(6, &["5", "6"])
        ]
    );
}

#[test]
fn a_file_of_nothing_but_open_quotes_is_refused_in_bounded_time() {
    let file = format!("a,b\n{}", "a\",\"\n".repeat(400_000));
    let refusal = rows_of(file.as_bytes(), Format::default()).expect_err("it is no CSV file");
    assert_eq!(refusal.code, RejectCode::UnreadableFile);
}

#[test]
fn reads_byte_order_marks() {
    let expected = [good(2, &["é", "2"])];
    let text = "a,b\r\né,2\r\n";
    let with_mark = format!("\u{FEFF}{text}");
    assert_eq!(rows(with_mark.as_bytes()), expected);
    let utf16 = |bytes: fn(u16) -> [u8; 2]| with_mark.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
    assert_eq!(rows(&utf16(u16::to_le_bytes)), expected);
    assert_eq!(rows(&utf16(u16::to_be_bytes)), expected);
    let windows = Format::new(Some("windows-1252"), None).expect("a known label");
    assert_eq!(rows_of(&b"a,b\n\xE9,2\n"[..], windows), Ok(expected.to_vec()));
    assert_eq!(rows_of(with_mark.as_bytes(), windows), Ok(expected.to_vec()), "the mark outranks the label");
}

#[test]
fn bytes_that_are_no_text_reject_their_row() {
    let wrong = RejectCode::InvalidEncoding;
    assert_eq!(rows(b"a,b\n\xE9,2\n3,4\n"), [bad(2, wrong), good(3, &["3", "4"])]);
    assert_eq!(rows(b"a,b\n\xC3,\xA9\n"), [bad(2, wrong)], "one letter does not span two values");
    let shift_jis = Format::new(Some("shift_jis"), None).expect("a known label");
    assert_eq!(rows_of(&b"a,b\n\xFF,2\n3,4\n"[..], shift_jis), Ok(vec![bad(2, wrong), good(3, &["3", "4"])]));
}

#[test]
fn trims_values_and_header() {
    let found = rows("a , b\n 1\t,\u{a0}x y \n".as_bytes());
    assert_eq!(found, [good(2, &["1", "x y"])]);
    let reader = Reader::open(&b" a ,\"b \"\n"[..], Format::default(), None).expect("it has a header");
    assert_eq!(reader.header().names(), ["a", "b"]);
}

#[test]
fn reads_other_delimiters() {
    let tabs = Format::new(None, Some("\t")).expect("a tab is a delimiter");
    assert_eq!(rows_of(&b"a\tb\n1,5\t2\n"[..], tabs), Ok(vec![good(2, &["1,5", "2"])]));
    for wrong in ["", ",,", "a", "\"", "é"] {
        assert!(Format::new(None, Some(wrong)).is_err(), "{wrong:?}");
    }
    assert!(Format::new(Some("utf-9"), None).is_err());
}

#[test]
fn refuses_what_is_no_text_file() {
    let utf16_without_mark: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [&b""[..], b"\n\r\n", b"\xEF\xBB\xBF", b"PK\x03\x04rest", &utf16_without_mark] {
        let refusal = rows_of(bytes, Format::default()).expect_err("no header");
        assert_eq!(refusal.code, RejectCode::UnreadableFile, "{bytes:?}");
    }
}

fn missing(header: &str, names: &[&str]) -> Refusal {
    let reader = Reader::open(header.as_bytes(), Format::default(), None).expect("it has a header");
    reader.header().require(names).expect_err("a column is missing")
}

#[test]
fn a_header_that_may_be_a_students_row_is_only_counted() {
    let alone = missing("Zebedee\n", &["id"]).message;
    assert!(alone.ends_with("; its only field is no column this feed knows"), "{alone}");
    let three = missing("1,Zebedee,100\n", &["id"]).message;
    assert!(three.ends_with("; none of its 3 fields is a column this feed knows"), "{three}");
}

#[test]
fn a_missing_column_is_named_with_those_there() {
    let refusal = missing("Student_Number,School_ID\n", &["Student_Number", "Att_Date"]);
    assert_eq!((refusal.code, refusal.column.as_deref()), (RejectCode::MissingColumn, Some("Att_Date")));
    assert!(refusal.message.contains("\"Student_Number\", \"School_ID\""), "{}", refusal.message);
    let refusal = missing("student_number,STUDENT_NUMBER\n", &["Student_Number"]);
    assert!(refusal.help.contains("\"student_number\""), "{}", refusal.help);
    let refusal = missing("Student_Number;School_ID\n", &["Student_Number"]);
    assert!(refusal.help.contains("delimiter"), "{}", refusal.help);
    assert!(missing("a,b,a\n", &["b", "a"]).message.contains("more than once"));
}

#[test]
fn a_name_in_other_case_is_found_if_it_is_the_only_one() {
    let header = |line: &str| {
        let reader = Reader::open(line.as_bytes(), Format::default(), None).expect("it has a header");
        reader.header().clone()
    };
    let found = |line: &str, name| header(line).columns([name]).map(|[column]| column.0);
    assert_eq!(found("x, STUDENT_number ,y\n", "Student_Number"), Ok(1));
    assert_eq!(
        found("student_number,Student_Number\n", "Student_Number"),
        Ok(1),
        "the exact name goes first"
    );
    assert_eq!(found("École\n", "école"), Ok(0));
    assert_eq!(found("\u{FEFF}\u{FEFF}a,b\n", "a"), Ok(0), "marks are no part of a name");
    assert!(
        found("student_number,STUDENT_NUMBER\n", "Student_Number").is_err(),
        "which is meant is not guessed"
    );
    assert!(header("STATUS,x\n").has("status"));
    assert_eq!(header("A,a\n").optional(Some("b")), None);
}

#[test]
fn trailing_commas_are_no_fields() {
    let wrong = RejectCode::WrongFieldCount;
    assert_eq!(
        rows(b"a,b\n1,2,,\n1,2, ,\t\n1,,\n1,2,,x\n1,2,\"\"\n3,4\n"),
        [
            good(2, &["1", "2"]),
            good(3, &["1", "2"]),
            good(4, &["1", ""]),
            bad(5, wrong),
            good(6, &["1", "2"]),
            good(7, &["3", "4"])
        ]
    );
    // A value of several lines in front of them is one row.
    assert_eq!(rows(b"a,b\n1,\"2\n3\",,\n4,5\n"), [good(2, &["1", "2\n3"]), good(4, &["4", "5"])]);
    let quoted = rows(b"a,b\n1,2,\"\n\"\n3,4\n");
    assert_eq!(quoted.first(), Some(&bad(2, wrong)), "a line break is not blank");
    // Those of the header name no column, which a row may lack.
    assert_eq!(
        rows(b"a,b,,\n1,2\n1,2,\n1,2,,\n1\n1,2,,,x\n"),
        [
            good(2, &["1", "2", "", ""]),
            good(3, &["1", "2", "", ""]),
            good(4, &["1", "2", "", ""]),
            bad(5, wrong),
            bad(6, wrong)
        ]
    );
}

/// A row that is cut off and one with a comma too many are mended in different ways.
#[test]
fn short_and_long_rows_have_words_of_their_own() {
    let help = |file: &[u8]| {
        let mut reader = Reader::open(file, Format::default(), None).expect("it has a header");
        let mut said = String::new();
        let read = reader.rows(|row| {
            said = row.expect_err("the row does not fit").reject.help;
            ControlFlow::Continue(())
        });
        assert_eq!(read, Ok(ControlFlow::Continue(())));
        said
    };
    assert!(help(b"a,b\n1\n").contains("cut off"));
    assert!(help(b"a,b\n1,2,3\n").contains("comma"));
}

/// Of a row that is cut short the last value may be cut, too.
#[test]
fn what_stands_in_its_place_is_read_of_short_and_long_rows() {
    let parts = |row: &str| {
        let file = format!("a,b,c\n{row}\n");
        let mut reader = Reader::open(file.as_bytes(), Format::default(), None).expect("it has a header");
        let columns = reader.header().columns(["a", "b", "c"]).expect("they are there");
        let mut found = None;
        let read = reader.rows(|row| {
            let parts = row.expect_err("the row does not fit").parts;
            found = parts.map(|row| {
                columns.map(|column| row.optional(Some(column)).expect("text").map(str::to_owned))
            });
            ControlFlow::Continue(())
        });
        assert_eq!(read, Ok(ControlFlow::Continue(())));
        found.map(|cells| cells.map(Option::unwrap_or_default).join("|"))
    };
    for (row, expected) in [
        ("1", Some("||")),
        ("1,2", Some("1||")),
        ("1,2,3,4", Some("1|2|3")),
        ("\"1\",2,3,4,5", Some("1|2|3")),
        ("\"1,2,3", None),
    ] {
        assert_eq!(parts(row).as_deref(), expected, "{row}");
    }
}

#[test]
fn lines_and_tabs_in_a_cell_become_a_space() {
    let file = b"a,b\n\"Ana\r\n Maria\",\"x\ty\n\nz\"\n";
    let mut reader = Reader::open(&file[..], Format::default(), None).expect("it has a header");
    let [a, b] = reader.header().columns(["a", "b"]).expect("they are there");
    let flow = reader.rows(|row| {
        let row = row.expect("the row is whole");
        assert_eq!(row.line_of(a).expect("it is text"), "Ana Maria");
        assert_eq!(row.optional_line(Some(b)).expect("it is text").as_deref(), Some("x y z"));
        assert!(row.id(a).is_err(), "an id is one line");
        ControlFlow::Continue(())
    });
    assert_eq!(flow, Ok(ControlFlow::Continue(())));
}

#[test]
fn what_cannot_be_printed_or_kept_is_a_fault_of_its_cell() {
    let long = "x".repeat(MAX_TEXT_BYTES + 1);
    let controls = ["A\0na", "A\u{1b}[31mna", "A\u{85}na"].map(|text| (text, RejectCode::InvalidText));
    for (text, code) in controls.into_iter().chain([(long.as_str(), RejectCode::TooLarge)]) {
        let file = format!("a,b\n{text},Ana\n");
        let mut reader = Reader::open(file.as_bytes(), Format::default(), None).expect("it has a header");
        let [a, b] = reader.header().columns(["a", "b"]).expect("they are there");
        let flow = reader.rows(|row| {
            let row = row.expect("the row is whole");
            let fault = row.optional_line(Some(a)).expect_err("it is no line");
            assert_eq!((fault.code, fault.column.as_deref()), (code, Some("a")));
            assert_eq!(row.line_of(a).expect_err("it is no line").code, code);
            assert!(row.id(a).is_err());
            assert_eq!(row.line_of(b).expect("the other cell is well"), "Ana");
            ControlFlow::Continue(())
        });
        assert_eq!(flow, Ok(ControlFlow::Continue(())));
    }
}

#[test]
fn a_first_line_that_may_be_a_student_is_not_repeated() {
    let refusal = missing("604822,Woods,Lisa\n", &["Student_Number"]);
    assert!(!format!("{refusal:?}").contains("Woods"), "{refusal:?}");
}

#[test]
fn dates_are_read_in_their_format_only() {
    let iso = DateFormat::ISO;
    let us = DateFormat::new("%m/%d/%Y").expect("a date format");
    let day_first = DateFormat::new("%d/%m/%Y").expect("a date format");
    let german = DateFormat::new("%d.%m.%Y").expect("a date format");
    let with_time = DateFormat::new("%Y-%m-%d %H:%M:%S").expect("a date format");
    let august = Some(date(2021, 8, 3));
    for (format, text) in [
        (&iso, "2021-08-03"),
        (&iso, "2021-8-3"),
        (&us, "08/03/2021"),
        (&us, "8/3/2021"),
        (&day_first, "3/8/2021"),
        (&german, "03.08.2021"),
        (&with_time, "2021-08-03 00:00:00"),
    ] {
        assert_eq!(format.parse(text), august, "{text}");
    }
    for text in
        ["2021-08-03T00:00:00", "2021-08-03 00:00", "20210803", "21-08-03", "2021-13-01", "2021-02-29"]
    {
        assert_eq!(iso.parse(text), None, "{text}");
    }
    for text in ["1899-12-31", "2201-01-01", "2021-08", "2021-08-03-", "-2021-08-03", "2021--3", "", "44439"]
    {
        assert_eq!(iso.parse(text), None, "{text}");
    }
    for text in ["2021-08-03", "13/03/2021", "8/3/21", "8/3", "8/3/2021 0:00", "8/3/1021"] {
        assert_eq!(us.parse(text), None, "{text}");
    }
    for pattern in ["", "%m/%Y", "YYYY-MM-DD", "%Q", "%H:%M"] {
        assert!(DateFormat::new(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn a_moment_is_a_day_of_the_districts() {
    let chicago = TimeZone::get("America/Chicago").expect("the zone is known");
    for pattern in ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S%:z"] {
        let format = DateFormat::new(pattern).expect("a moment's format").in_zone(&chicago);
        assert!(format.names_a_moment());
        for (text, day) in [
            ("2021-09-01T02:00:00Z", 31),
            ("2021-09-01T02:00:00+00:00", 31),
            ("2021-09-01T02:00:00+0000", 31),
            ("2021-08-31T23:59:59-0500", 31),
            ("2021-08-31T23:59:59-06:00", 1),
        ] {
            assert_eq!(format.parse(text).map(Date::day), Some(day), "{text} in {pattern}");
        }
        for text in
            ["2021-09-01T02:00:00", "2021-09-01T02:00:00 EST", "2021-09-01", "Z", "2021-09-01T02:00:00ZZ"]
        {
            assert_eq!(format.parse(text), None, "{text} in {pattern}");
        }
    }
    let example = DateFormat::new("%Y-%m-%dT%H:%M%z").expect("a moment's format").example();
    assert_eq!(example, "2021-08-31T21:00-0500");
}

#[test]
fn a_zone_that_is_mere_text_is_refused_with_the_mend() {
    for pattern in [
        "%Y-%m-%dT%H:%M:%SZ",
        "%Y-%m-%dT%H:%M:%S.000Z",
        "%Y-%m-%d%.fZ",
        "%Y-%m-%d %H:%M UTC",
        "%Y-%m-%dT%H:%M:%S+00:00",
        "%m/%d/%Y %I:%M %p est",
    ] {
        let error = DateFormat::new(pattern).expect_err(pattern).to_string();
        assert!(error.contains("write %z"), "{pattern}: {error}");
    }
    for pattern in ["%Y-%m-%d%z", "%Y-%m-%d %I:%M %z", "%H:%M %z"] {
        let error = DateFormat::new(pattern).expect_err(pattern).to_string();
        assert!(error.contains("whole time"), "{pattern}: {error}");
    }
    for pattern in ["%Y-%m-%dT%H:%M:%S", "%d. %B %Y", "%Y%m%d", "%m/%d/%Y %I:%M %p", "%Y-%m-%d 00:00"] {
        assert!(DateFormat::new(pattern).is_ok(), "{pattern}");
    }
}

/// Gives its bytes in small pieces, as a pipe does.
struct Trickle<'b>(Cursor<&'b [u8]>, usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 11] = [
        b"\n",
        b"\r",
        b"\r\n",
        b"\"",
        b"\"\"",
        b",",
        b"x",
        b"\xC3\xA9",
        b"\xFF",
        b"\xEF\xBB\xBF",
        b"\xFF\xFE",
    ];
    let piece = prop::sample::select(&PIECES[..]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Three marks and a line end, in pieces of one byte, once made the decoder lose the line.
#[test]
fn marks_in_small_pieces_are_read_alike() {
    let bytes = b"\xFF\xFE\xFF\xFE\xFF\xFE\r\n";
    let trickled = rows_of(Trickle(Cursor::new(bytes), 1), Format::default());
    assert_eq!(rows_of(&bytes[..], Format::default()), trickled);
}

proptest! {
    #[test]
    fn pieces_do_not_matter(bytes in hostile(), piece in 1_usize..5) {
        let whole = rows_of(&bytes[..], Format::default());
        let trickled = rows_of(Trickle(Cursor::new(&bytes), piece), Format::default());
        prop_assert_eq!(whole, trickled);
    }

    #[test]
    fn a_row_starts_where_its_line_does(values in prop::collection::vec(("[a-z]{1,3}", "[a-z\n\r\",]{0,6}", 0_usize..3), 1..20)) {
        let mut file = "k,v\n".to_owned();
        let mut expected = Vec::new();
        for (key, value, blank_lines) in &values {
            file.push_str(&"\n".repeat(*blank_lines));
            let lines_before = file.replace("\r\n", "\n").replace('\r', "\n").matches('\n').count() as u64;
            expected.push((lines_before + 1, Ok(vec![key.clone(), value.trim().to_owned()])));
            file.extend([key, ",\"", &value.replace('"', "\"\""), "\"\n"]);
        }
        prop_assert_eq!(rows(file.as_bytes()), expected);
    }
}
