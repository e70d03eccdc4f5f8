//! Files of a `csv` feed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use bolero::TypeGenerator;
use connector_csv::CONNECTOR;
use signalbox_connector::delimited::{Format, Reader};
use signalbox_connector::event::Body;
use signalbox_connector::event::rows::{AttendanceCategory, Grade, IncidentCategory, SchoolRow, StudentRow};
use signalbox_connector::testing::{self, Reading};
use signalbox_connector::{Item, Source};

use signalbox_fuzz::Edited;

use crate::memory;

/// Stands in the samples as a student's id and name, and nowhere else.
const STUDENT: &str = "QuillfeatherZebedee";

/// A feed, how its files are written, and samples of them.
struct Feed {
    source: Box<dyn Source>,
    format: Format,
    samples: Vec<Vec<u8>>,
    /// Items of a row without a fault.
    drafts: usize,
}

static FEEDS: LazyLock<[Feed; 4]> = LazyLock::new(|| {
    let attendance = Feed {
        source: source(include_str!("../../connectors/csv/fixtures/config.json")),
        format: Format::default(),
        samples: vec![
            include_bytes!("../../connectors/csv/fixtures/attendance-quirks.in.csv").to_vec(),
            format!(
                "Student_Number,School_ID,Att_Date,Att_Code\n{STUDENT},100,8/31/2021,E\n\
                 {STUDENT},100,9/1/2021,\"A\"\n1001,100,9/1/2021,A\n{STUDENT},100,9/1/2021,{STUDENT}\n"
            )
            .into_bytes(),
        ],
        drafts: 1,
    };
    let enrollment = Feed {
        source: source(include_str!("../../connectors/csv/fixtures/enrollment-quirks.config.json")),
        format: Format::new(Some("windows-1252"), Some("\t")).expect("known labels"),
        samples: vec![
            include_bytes!("../../connectors/csv/fixtures/enrollment-quirks.in.tsv").to_vec(),
            format!(
                "Student_Number\tLast_Name\tFirst_Name\tGrade\tDOB\tSchool_ID\tEntry_Date\tExit_Date\n\
                 {STUDENT}\t{STUDENT}\t{STUDENT}\t09\t3/1/2007\t100\t8/23/2021\t\n\
                 1001\t{STUDENT}\t{STUDENT}\t09\t3/1/2007\t100\t8/23/2021\t8/1/2021\n"
            )
            .into_bytes(),
        ],
        drafts: 3,
    };
    let course_grades = Feed {
        source: source(include_str!("../../connectors/csv/fixtures/course-grades.config.json")),
        format: Format::default(),
        samples: vec![
            include_bytes!("../../connectors/csv/fixtures/course-grades.in.csv").to_vec(),
            format!("Student,School,Section,Term,Type,Grade,Entered\n{STUDENT},100,ALG1,Q1,P,{STUDENT},\n")
                .into_bytes(),
        ],
        drafts: 1,
    };
    let incidents = Feed {
        source: source(include_str!("../../connectors/csv/fixtures/incidents.config.json")),
        format: Format::default(),
        samples: vec![
            include_bytes!("../../connectors/csv/fixtures/incidents.in.csv").to_vec(),
            format!(
                "Incident,Student,School,Date,Level,Action,Note\n7,{STUDENT},100,9/16/2021,{STUDENT},,\n"
            )
            .into_bytes(),
        ],
        drafts: 1,
    };
    [attendance, enrollment, course_grades, incidents]
});

fn source(section: &str) -> Box<dyn Source> {
    let section = serde_json::from_str(section).expect("the fixture is JSON");
    testing::parse(&CONNECTOR, &section).expect("the fixture is right")
}

#[derive(Debug, Clone, TypeGenerator)]
struct Input {
    feed: u8,
    file: Edited,
}

/// The rows of a file: where each begins.
fn rows(feed: &Feed, file: &[u8]) -> Vec<u64> {
    let mut rows = Vec::new();
    let mut reader = Reader::open(file, feed.format, None).expect("the feed has read it");
    let flow = reader.rows(|row| {
        rows.push(row.map_or_else(|misread| misread.reject.row.expect("a row's reject"), |row| row.line()));
        ControlFlow::Continue(())
    });
    assert_eq!(flow, Ok(ControlFlow::Continue(())));
    rows
}

/// Each row is one reject, or all of its drafts.
fn every_row_counts(feed: &Feed, file: &[u8], reading: &Reading) {
    let mut said: BTreeMap<u64, (usize, usize)> = BTreeMap::new();
    for item in &reading.items {
        match item {
            Item::Draft(draft) => said.entry(draft.row).or_default().0 += 1,
            Item::Reject(reject) => said.entry(reject.row.expect("a row's reject")).or_default().1 += 1,
        }
    }
    assert_eq!(said.keys().copied().collect::<Vec<_>>(), rows(feed, file), "rows read and rows told of");
    for (row, (drafts, rejects)) in said {
        assert!((drafts, rejects) == (feed.drafts, 0) || (drafts, rejects) == (0, 1), "row {row}");
    }
}

/// Nothing is guessed: an unknown day has its reason with it, and ids are never blank.
fn is_honest(item: &Item<'_>) {
    let Item::Draft(draft) = item else { return };
    let is_blank = |id: &Option<Cow<'_, str>>| id.as_ref().map(|id| id.trim().is_empty());
    let (student, school) = (is_blank(&draft.claims.student), is_blank(&draft.claims.school));
    match &draft.body {
        Body::Attendance(day) => {
            assert_eq!(day.category == AttendanceCategory::Unknown, draft.fault.is_some());
            if let Some(fault) = &draft.fault {
                assert_eq!(*fault.claims, draft.claims);
            }
            assert_eq!(student, Some(false));
            assert!(school.map_or(draft.fault.is_some(), |is_blank| !is_blank));
            assert_eq!(draft.claims.date, draft.body.date());
        }
        Body::Enrollment(row) => {
            assert_eq!((student, school), (Some(false), Some(false)));
            assert!(row.exit.is_none_or(|exit| exit >= row.entry), "ends before it begins");
        }
        Body::CourseGrade(row) => {
            assert!(row.grade == Grade::Unknown || draft.fault.is_none());
            assert!(![&row.class, &row.term].iter().any(|part| part.trim().is_empty()));
            assert_eq!((student, school), (Some(false), Some(false)));
        }
        Body::Incident(row) => {
            assert!(row.category == IncidentCategory::Unknown || draft.fault.is_none());
            assert!(!row.incident.trim().is_empty());
            assert_eq!(student, Some(false));
        }
        Body::School(SchoolRow { id, .. }) | Body::Student(StudentRow { id, .. }) => {
            assert!(!id.trim().is_empty());
        }
    }
}

/// What people are told of a file's faults says nothing of its students.
fn tells_of_no_student(file: &[u8], reading: &Reading) {
    let first_line = file.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.is_empty());
    let in_header = |text: &[u8]| text.windows(STUDENT.len()).any(|part| part == STUDENT.as_bytes());
    if first_line.is_some_and(in_header) {
        return;
    }
    let faults = reading.items.iter().flat_map(|item| match item {
        Item::Draft(draft) => draft
            .fault
            .as_deref()
            .into_iter()
            .chain(draft.left_out.iter().map(|left_out| &left_out.why))
            .collect(),
        Item::Reject(reject) => vec![reject],
    });
    for fault in faults {
        assert!(!format!("{fault:?}").contains(STUDENT), "{fault:?}");
    }
    if let Err(refusal) = &reading.outcome {
        assert!(!format!("{refusal:?}").contains(STUDENT), "{refusal:?}");
    }
}

#[test]
fn csv_feed() {
    bolero::check!().with_iterations(800).with_type::<Input>().for_each(|input| {
        let feed = &FEEDS[usize::from(input.feed) % FEEDS.len()];
        let file = input.file.bytes(&feed.samples);
        let reading = testing::read(feed.source.as_ref(), &file);
        assert_eq!(reading, testing::read(feed.source.as_ref(), &file), "the same bytes, the same items");
        reading.items.iter().for_each(is_honest);
        tells_of_no_student(&file, &reading);
        if reading.outcome.is_ok() {
            every_row_counts(feed, &file, &reading);
        } else {
            assert!(reading.items.is_empty(), "a file is refused before its first row");
        }
    });
}

#[test]
fn csv_feed_in_bounded_memory() {
    bolero::check!().with_iterations(60).with_type::<Input>().for_each(|input| {
        let feed = &FEEDS[usize::from(input.feed) % FEEDS.len()];
        let file = input.file.bytes(&feed.samples).repeat(400);
        let mut count = 0_u32;
        // The outcome is another target's; here, only what was held on the way to it counts.
        let _outcome = memory::at_most(2 << 20, || {
            feed.source.normalize(&mut Cursor::new(&file), &mut |_| {
                count += 1;
                ControlFlow::Continue(())
            })
        });
    });
}
