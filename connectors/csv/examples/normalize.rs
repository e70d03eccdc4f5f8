//! How fast attendance rows are normalised, against the bare parse of the same bytes by the csv crate.
//!
//! `cargo run --release -p connector-csv --example normalize`

#![expect(clippy::print_stdout, reason = "an example prints what it measured")]

use std::fmt::Write;
use std::hint::black_box;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use connector_csv::CONNECTOR;
use signalbox_connector::serde_json::json;
use signalbox_connector::testing;

/// Days of a school year times the students of a district of ten thousand.
const ROWS: usize = 1_700_000;
const PASSES: usize = 5;

fn main() {
    let file = attendance();
    let bare = best(|| parse(&file));
    let normalised = best(|| normalize(&file));
    let per_s = |time: Duration| ROWS as f64 / time.as_secs_f64();
    println!("{ROWS} attendance rows, {} MiB", file.len() >> 20);
    println!("bare parse  {:>10.0} rows/s", per_s(bare));
    println!("normalize   {:>10.0} rows/s", per_s(normalised));
    println!("normalize takes {:.2} times as long", normalised.as_secs_f64() / bare.as_secs_f64());
}

fn attendance() -> Vec<u8> {
    let mut file = String::from("Student_Number,School_ID,Att_Date,Att_Code,Comment\r\n");
    for row in 0..ROWS {
        let (student, school, day) = (600_000 + row % 10_000, 255_901_001 + row % 12, row % 28 + 1);
        let (month, code) = (row % 9 + 1, ["P", "A", "E", "T"][row % 4]);
        write!(file, "{student},{school},{month}/{day}/2022,{code},Absent\r\n").expect("text takes any text");
    }
    file.into_bytes()
}

/// The best of several passes: the machine may have other work.
fn best(mut pass: impl FnMut() -> usize) -> Duration {
    let times = (0..PASSES).map(|_| {
        let start = Instant::now();
        assert_eq!(pass(), ROWS);
        start.elapsed()
    });
    times.min().expect("there is more than one pass")
}

fn parse(file: &[u8]) -> usize {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record).expect("memory can be read") {
        black_box(&record);
        rows += 1;
    }
    rows
}

fn normalize(file: &[u8]) -> usize {
    let section = json!({
        "path": "attendance.csv", "entity": "attendance.daily",
        "rows": "every_day", "covers": "school_year", "absent_rows": "end",
        "columns": {"student": "Student_Number", "school": "School_ID",
                    "date": {"from": "Att_Date", "format": "%m/%d/%Y"}, "category": "Att_Code"},
        "codes": {"category": {"P": "present", "A": "absent_unexcused", "E": "absent_excused", "T": "tardy"}},
    });
    let source = testing::parse(&CONNECTOR, &section).expect("the section is right");
    let mut rows = 0;
    let outcome = source.normalize(&mut Cursor::new(file), &mut |item| {
        black_box(&item);
        rows += 1;
        ControlFlow::Continue(())
    });
    outcome.expect("the file is readable");
    rows
}
