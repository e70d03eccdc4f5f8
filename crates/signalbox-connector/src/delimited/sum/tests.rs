use proptest::prelude::*;

use super::*;
use crate::delimited::tests::rows_of;
use crate::draft::RejectCode;

fn sum(file: &[u8]) -> Option<RowSum> {
    sum_as("utf-8", file)
}

fn sum_as(encoding: &str, file: &[u8]) -> Option<RowSum> {
    let format = Format::new(Some(encoding), None).expect("a known encoding");
    line_sum(&mut &*file, format).expect("memory can be read")
}

/// The rows wherever they stand; `None`: the file is refused.
fn rows(file: &[u8]) -> Option<Vec<Result<Vec<String>, RejectCode>>> {
    let mut rows: Vec<_> = rows_of(file, Format::default()).ok()?.into_iter().map(|(_, row)| row).collect();
    rows.sort();
    Some(rows)
}

/// Lines of all that means anything to a reader.
fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[ab,\"\r]{0,5}|[ab],[ab]|\"[ab]*\",[ab]", 0..6)
}

fn file(header: &str, lines: &[String], end: &str) -> Vec<u8> {
    [header, "\n", &lines.join("\n"), end].concat().into_bytes()
}

proptest! {
    #[test]
    fn files_of_one_sum_have_the_same_rows(
        header in "a,b|a\r?|\"a\",b|[ab,\"\r]{0,4}",
        (one, shuffled) in lines().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        ends in ("\n?", "\n?"),
    ) {
        let (one, other) = (file(&header, &one, &ends.0), file(&header, &shuffled, &ends.1));
        if let Some(one_sum) = sum(&one) && sum(&other) == Some(one_sum) {
            prop_assert_eq!(rows(&one), rows(&other));
        }
    }

    #[test]
    fn plain_lines_sum_alike_exactly_when_they_are_the_same(
        (one, shuffled) in prop::collection::vec("[ab],[ab]", 0..4)
            .prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        other in prop::collection::vec("[ab],[ab]", 0..4),
    ) {
        let of = |lines: &[String]| sum(&file("x,y", lines, "\n")).expect("lines are rows here");
        prop_assert_eq!(of(&one), of(&shuffled));
        let (mut sorted, mut others) = (one.clone(), other.clone());
        sorted.sort();
        others.sort();
        prop_assert_eq!(of(&one) == of(&other), sorted == others);
    }
}

#[test]
fn the_header_is_no_row() {
    assert_ne!(sum(b"a\nb\n"), sum(b"b\na\n"));
    assert_eq!(sum(b"\na\nb\n"), None, "behind a blank line it could be any");
    assert_eq!(sum(b"\xEF\xBB\xBF\r\na\nb\n"), None);
    assert_eq!(sum(b"a"), None);
    assert_eq!(sum(b""), None);
}

#[test]
fn a_line_that_need_not_be_a_record_has_no_sum() {
    let cases: [(&[u8], bool); 8] = [
        (b"a,b\n\"1\",\"2\"\r\n", true),
        (b"a,b\n\"1, \"\"one\"\"\",2\n", true),
        (b"a,b\n5\" x 3\",2\n", true),
        (b"a,b\n\"1\n1\",2\n", false),
        (b"a,b\n\"1\"x,2\n", false),
        (b"a,b\n\"1\r1\",2\n", false),
        (b"a,b\n1,2\n3,\"4", false),
        (b"\"a\nb\",c\n", false),
    ];
    for (file, known) in cases {
        assert_eq!(sum(file).is_some(), known, "{}", String::from_utf8_lossy(file));
    }
}

#[test]
fn only_encodings_with_plain_line_ends_are_summed() {
    let utf16: Vec<u8> = "a,b\n1,2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(sum(&[b"\xFF\xFE", &*utf16].concat()), None);
    assert_eq!(sum_as("utf-16le", &utf16), None);
    assert_eq!(sum_as("gb18030", b"a,b\n1,2\n"), None);
    for encoding in ["utf-8", "windows-1252", "iso-8859-15"] {
        assert!(sum_as(encoding, b"a,b\nJos\xE9,2\n").is_some(), "{encoding}");
    }
}

#[test]
fn however_the_file_is_cut() {
    let line = [vec![b'x'; MAX_RECORD_BYTES / 3], b"\n".to_vec()].concat();
    let file = [b"a\n".to_vec(), line.repeat(7), b"end".to_vec()].concat();
    let turned = [b"a\nend\n".to_vec(), line.repeat(7)].concat();
    assert!(sum(&file).is_some());
    assert_eq!(sum(&file), sum(&turned));
    assert_eq!(sum(&[b"a\n".to_vec(), vec![b'x'; MAX_RECORD_BYTES]].concat()), None);
}
