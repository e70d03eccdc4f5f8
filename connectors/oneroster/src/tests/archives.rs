//! Zips that are not what they should be.

use std::io::{Cursor, Write};

use signalbox_connector::testing;
use signalbox_connector::{Refusal, RejectCode};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{crate_folder, packed, source, zipped};

fn refusal(payload: &[u8]) -> Refusal {
    let reading = testing::read(source().as_ref(), payload);
    assert_eq!(reading.items, [], "nothing is said of an archive that is refused for its list");
    reading.outcome.expect_err("the archive is refused")
}

#[test]
fn names_that_lead_elsewhere_are_unsafe() {
    for name in
        ["../users.csv", "/users.csv", "a/../../users.csv", "C:\\users.csv", "a\\users.csv", "sis/users.csv"]
    {
        let refusal = refusal(&zipped(&[(name, b"x")]));
        assert_eq!(refusal.code, RejectCode::UnsafeArchive, "{name}");
        assert!(
            !format!("{refusal:?}").contains("users.csv"),
            "names from outside are not repeated: {refusal:?}"
        );
    }
    assert!(refusal(&zipped(&[("sis/users.csv", b"x")])).help.contains("not the folder"));
}

#[test]
fn what_a_mac_adds_is_passed_over() {
    let files: &[(&str, &[u8])] =
        &[("__MACOSX/._users.csv", b"x"), (".DS_Store", b"x"), ("readme.txt", b"x")];
    assert_eq!(refusal(&zipped(files)).code, RejectCode::MissingFile);
}

#[test]
fn two_files_of_one_name_are_unsafe() {
    assert_eq!(refusal(&zipped(&[("users.csv", b"x"), ("Users.csv", b"y")])).code, RejectCode::UnsafeArchive);
}

#[test]
fn too_many_files_are_unsafe() {
    let names: Vec<String> = (0..201).map(|at| format!("{at}.csv")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    assert_eq!(refusal(&zipped(&files)).code, RejectCode::UnsafeArchive);
}

#[test]
fn a_bomb_is_unsafe_whether_it_declares_itself_or_not() {
    let zeros = vec![b'0'; 12 << 20];
    let honest = zipped(&[("users.csv", &zeros)]);
    assert_eq!(refusal(&honest).code, RejectCode::UnsafeArchive);
    let small = 1000_u32.to_le_bytes();
    let mut lying = honest;
    let declared = ((12 << 20) as u32).to_le_bytes();
    for at in 0..lying.len() - 4 {
        if lying[at..at + 4] == declared {
            lying[at..at + 4].copy_from_slice(&small);
        }
    }
    let refusal = refusal(&lying);
    assert_eq!((refusal.code, refusal.file.as_deref()), (RejectCode::UnreadableFile, Some("users.csv")));
}

#[test]
fn a_zip_with_a_password_is_refused_with_the_mend() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("users.csv", options).expect("the zip takes a file");
    zip.write_all(b"sourcedId\n").expect("the zip takes bytes");
    let mut bytes = zip.finish().expect("the zip can be closed").into_inner();
    // Bit 0 of the general purpose flags, in the local header (at 6) and the central one (at 8).
    let central = bytes.windows(4).position(|window| window == b"PK\x01\x02").expect("there is a directory");
    bytes[6] |= 1;
    bytes[central + 8] |= 1;
    let refusal = refusal(&bytes);
    assert_eq!((refusal.code, refusal.file.as_deref()), (RejectCode::UnreadableFile, Some("users.csv")));
    assert!(refusal.message.contains("encrypted"), "{}", refusal.message);
}

#[test]
fn damaged_bytes_refuse_the_file_by_name() {
    let mut bytes = packed(&crate_folder().join("fixtures/v1.2-bulk"));
    let at =
        bytes.windows(10).position(|window| window == b"Grand Bend").expect("the school's name is stored");
    bytes[at] = b'B';
    let reading = testing::read(source().as_ref(), &bytes);
    let refusal = reading.outcome.expect_err("the checksum is wrong");
    assert_eq!((refusal.code, refusal.file.as_deref()), (RejectCode::UnreadableFile, Some("orgs.csv")));
}

#[test]
fn what_is_no_zip_is_unreadable() {
    for bytes in [&b""[..], b"sourcedId,status\n", b"PK\x03\x04", b"PK\x05\x06"] {
        assert_eq!(refusal(bytes).code, RejectCode::UnreadableFile);
    }
}
