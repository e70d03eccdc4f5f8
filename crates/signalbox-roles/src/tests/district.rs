//! A district whose tool writes lines: `student <id>`, or `<student> <date> <category>`.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use signalbox_connector::{
    AbsentRows, Alert, Claims, Contents, CoveredThrough, Covers, Cursor, DeliverCx, DeliverError,
    Destination, Draft, Entity, Extent, FetchCx, FetchError, Item, Mark, Page, Payload, ReadSeek, Receipt,
    Refusal, Repeats, Source, destination::Told,
};
use signalbox_event::data::{Mode, RowsMean};
use signalbox_event::rows::{AttendanceRow, Day, EnrollmentRow, SchoolRow, StudentRow};
use signalbox_event::{Body, Status as RowStatus};
use signalbox_hub::Target;
use signalbox_hub::calendar::{CalendarSpec, Calendars, MONDAY_TO_FRIDAY};
use signalbox_hub::consumer::Consumer;
use signalbox_hub::land::Landing;
use signalbox_hub::names::Names;
use signalbox_hub::{self as hub, Feed, Hub, Route, Settings, Topics};
use signalbox_ingest::{Holder, PassReport, RunReport};
use signalbox_log::{LogError, MemoryLog};
use signalbox_risk::{ChronicAbsence, Settings as RuleSettings};
use signalbox_scoring::Scoring;
use signalbox_scoring::cards::FLAG;
use signalbox_sql::sqlite::{SqliteFeeds, SqliteLog, SqliteState};
use signalbox_store::memory::{MemoryFeeds, MemoryState};
use signalbox_view as view;
use signalbox_view::status::Status;

use super::consistent::consistent;
use super::runs::CutsRuns;
use crate::up::{self, Loops};

const SCHOOL: &str = "100";
const CONSUMERS: &[Consumer] = &[signalbox_scoring::CONSUMER];

/// A line at which the parser panics.
pub(crate) const FALLS_OVER: &str = "surprise";

/// Drops that the source has not read yet.
type Drops = Arc<Mutex<VecDeque<String>>>;

pub(crate) struct District {
    pub(crate) hub: Arc<Hub>,
    loops: Option<Loops>,
    roster: Drops,
    attendance: Drops,
    covers: Arc<Mutex<Covers>>,
    _landing: Option<Arc<tempfile::TempDir>>,
}

impl District {
    pub(crate) fn new(mode: Mode) -> Self {
        Self::with(mode, CONSUMERS)
    }

    pub(crate) fn with(mode: Mode, consumers: &'static [Consumer]) -> Self {
        let (roster, attendance) = (Drops::default(), Drops::default());
        let covers = Arc::new(Mutex::new(Covers::SchoolYear));
        let folder = Arc::new(tempfile::tempdir().expect("a scratch folder"));
        let mut settings = settings(mode, &roster, &attendance, &covers);
        settings.topics.consumers = consumers;
        let topics = settings.topics.all();
        let states = Arc::new(MemoryState::default());
        let hub = Arc::new(Hub {
            log: Arc::new(MemoryLog::with_topics(topics.iter().map(|(name, n)| (&**name, *n)))),
            states: states.clone(),
            outbox: states,
            feeds: Arc::new(MemoryFeeds::default()),
            landing: Landing::open(folder.path()).expect("a landing folder"),
            settings,
        });
        Self { hub, loops: None, roster, attendance, covers, _landing: Some(folder) }
    }

    /// On files in a folder, which may have some already; live, with these consumers.
    pub(crate) async fn kept_in(folder: &Path, consumers: &'static [Consumer]) -> Self {
        let (roster, attendance) = (Drops::default(), Drops::default());
        let covers = Arc::new(Mutex::new(Covers::SchoolYear));
        let mut settings = settings(Mode::Live, &roster, &attendance, &covers);
        settings.topics.consumers = consumers;
        let log = SqliteLog::open(&folder.join("log.db")).await.expect("a log");
        let topics = settings.topics.all();
        let topics: Vec<(&str, u32)> = topics.iter().map(|(name, shards)| (&**name, *shards)).collect();
        log.create_topics(&topics).await.expect("its topics");
        let states = Arc::new(SqliteState::open(&folder.join("state.db")).await.expect("states"));
        let hub = Arc::new(Hub {
            log: Arc::new(log),
            states: states.clone(),
            outbox: states,
            feeds: Arc::new(SqliteFeeds::open(&folder.join("feeds.db")).await.expect("feeds")),
            landing: Landing::open(&folder.join("landing")).expect("a landing folder"),
            settings,
        });
        Self { hub, loops: None, roster, attendance, covers, _landing: None }
    }

    pub(crate) fn covering_days(self, days: u16) -> Self {
        *self.covers.lock().expect("not poisoned") = Covers::SchoolDays(days);
        self
    }

    /// The same stores under a configuration with another mode.
    pub(crate) fn turn(mut self, mode: Mode) -> Self {
        self.loops = None;
        let mut settings = settings(mode, &self.roster, &self.attendance, &self.covers);
        settings.topics.consumers = self.hub.settings.topics.consumers;
        let hub = Hub {
            settings,
            log: self.hub.log.clone(),
            states: self.hub.states.clone(),
            outbox: self.hub.outbox.clone(),
            feeds: self.hub.feeds.clone(),
            landing: self.hub.landing.clone(),
        };
        self.hub = Arc::new(hub);
        self
    }

    /// An empty feed store beside the log and the states as they are.
    pub(crate) fn lose_feeds(&mut self) {
        self.loops = None;
        let hub = Arc::get_mut(&mut self.hub).expect("nothing runs any more");
        hub.feeds = Arc::new(MemoryFeeds::default());
    }

    /// The n-th school day, from 1.
    pub(crate) fn calendar_day(&self, n: usize) -> Date {
        let calendar = self.hub.settings.calendars.of(SCHOOL, 2022).expect("declared");
        calendar.days[n - 1]
    }

    pub(crate) fn roster(&self, students: &[&str]) {
        let lines: Vec<String> = students.iter().map(|id| format!("student {id}")).collect();
        self.roster.lock().expect("not poisoned").push_back(lines.join("\n"));
    }

    pub(crate) fn attendance(&self, rows: &[(&str, usize, &str)]) {
        let lines: Vec<String> = rows
            .iter()
            .map(|(student, day, category)| format!("{student} {} {category}", self.calendar_day(*day)))
            .collect();
        self.attendance.lock().expect("not poisoned").push_back(lines.join("\n"));
    }

    pub(crate) fn attendance_as_text(&self, text: &str) {
        self.attendance.lock().expect("not poisoned").push_back(text.to_owned());
    }

    pub(crate) async fn loops(&mut self) -> &mut Loops {
        if self.loops.is_none() {
            self.loops = Some(Loops::open(self.hub.clone(), Holder::embedded(), None).await.expect("joins"));
        }
        self.loops.as_mut().expect("just made")
    }

    pub(crate) async fn pass(&mut self) -> PassReport {
        self.loops().await.pass(now()).await.expect("a pass")
    }

    /// Reads the feed's last payload again.
    pub(crate) async fn retry(&mut self, feed: &str) -> Option<RunReport> {
        self.loops = None;
        up::retry(&self.hub, feed, Holder::embedded(), up::Beside::Nobody, now()).await.expect("a retry")
    }

    /// Folds and evaluates without reading anything new.
    pub(crate) async fn drain(&mut self) {
        self.loops().await.settle(now()).await.expect("settles");
    }

    /// From here on runs can be cut in half.
    pub(crate) fn cut_runs(&mut self) -> Arc<AtomicBool> {
        self.cut("org.signalbox.ops.run.ended.v1")
    }

    /// From here on the log can refuse events of a type.
    pub(crate) fn cut(&mut self, kind: &'static str) -> Arc<AtomicBool> {
        self.cut_with(kind, || LogError::Unavailable("cut".into()))
    }

    pub(crate) fn cut_with(&mut self, kind: &'static str, with: fn() -> LogError) -> Arc<AtomicBool> {
        let cut = Arc::new(AtomicBool::new(false));
        let hub = Arc::get_mut(&mut self.hub).expect("nothing runs yet");
        hub.log = Arc::new(CutsRuns { log: hub.log.clone(), cut: cut.clone(), kind, with });
        cut
    }

    pub(crate) async fn deliver(&self) {
        up::deliver(&self.hub, now).await.expect("delivers");
    }

    /// Every alert as `type student state`.
    pub(crate) async fn told(&self) -> Vec<String> {
        consistent::<Scoring>(&self.hub, FLAG).await;
        let alerts = view::flags::alerts(&self.hub).await.expect("lists");
        alerts
            .iter()
            .map(|a| format!("{} {} {}", a.kind, a.student_id.as_deref().unwrap_or("-"), a.state))
            .collect()
    }

    pub(crate) async fn events(&self) -> usize {
        let mut count = 0;
        let filter = view::events::Filter::default();
        view::events::events(&self.hub, &filter, |_| {
            count += 1;
            true
        })
        .await
        .expect("reads");
        count
    }

    pub(crate) async fn status(&self) -> Status {
        view::status::status(&self.hub, now()).await.expect("looks")
    }

    pub(crate) async fn answer(&self, student: &str) -> Option<String> {
        let key = view::find_student(&self.hub, student).await.expect("looks").pop().expect("is known");
        let view = view::student::student(&self.hub, key, now()).await.expect("looks");
        view.answers.last().and_then(|answer| answer.value.clone())
    }
}

pub(crate) fn now() -> Timestamp {
    "2021-12-01T18:00:00Z".parse().expect("a time")
}

fn settings(mode: Mode, roster: &Drops, attendance: &Drops, covers: &Arc<Mutex<Covers>>) -> Settings {
    let feed = |name: &str, is_roster: bool, drops: &Drops| Feed {
        name: name.to_owned(),
        mode,
        roster_of_record: is_roster,
        source: Arc::new(Lines { is_roster, drops: drops.clone(), covers: covers.clone() }),
    };
    Settings {
        district: hub::District {
            id: "d".to_owned(),
            zone: TimeZone::get("America/Chicago").expect("is known"),
            secret: b"a district's secret".to_vec().into(),
        },
        topics: Topics { prefix: "k12".to_owned(), shards: 3, consumers: CONSUMERS },
        calendars: Calendars::new(&[CalendarSpec {
            schools: None,
            school_year: 2022,
            first: date(2021, 8, 23),
            last: date(2022, 5, 27),
            closed: vec![(date(2021, 9, 6), date(2021, 9, 6))],
            open: Vec::new(),
            weekdays: MONDAY_TO_FRIDAY.to_vec(),
        }]),
        feeds: vec![feed("roster", true, roster), feed("attendance", false, attendance)],
        targets: vec![Target { name: "counselor".to_owned(), destination: Arc::new(Accepts) }],
        routes: vec![Route { rule: "chronic-absence".to_owned(), to: "counselor".to_owned() }],
        rules: vec![RuleSettings::ChronicAbsence(ChronicAbsence::default()).into()],
        names: Names::default(),
        max_payload_bytes: 1 << 20,
    }
}

struct Lines {
    is_roster: bool,
    drops: Drops,
    covers: Arc<Mutex<Covers>>,
}

#[async_trait]
impl Source for Lines {
    fn entities(&self) -> &[Entity] {
        if self.is_roster { &[Entity::Student, Entity::Enrollment] } else { &[Entity::Attendance] }
    }

    fn mapping(&self) -> String {
        String::new()
    }

    async fn fetch(&self, cx: &FetchCx<'_>, cursor: &Cursor) -> Result<Page, FetchError> {
        let at: usize = cursor.0.get("at").map_or(0, |at| at.parse().expect("a number"));
        let Some(text) = self.drops.lock().expect("not poisoned").pop_front() else {
            return Ok(Page::default());
        };
        let payload = Payload {
            name: format!("{at}.txt"),
            modified: cx.now,
            landed: Ok(cx.land.land(&mut text.as_bytes()).expect("lands")),
            marks: vec![Mark { name: "at".to_owned(), value: Some((at + 1).to_string()) }],
        };
        Ok(Page { payloads: vec![payload], more: true })
    }

    fn normalize(
        &self,
        payload: &mut dyn ReadSeek,
        emit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> Result<Contents, Refusal> {
        for (n, line) in BufReader::new(payload).lines().enumerate() {
            let line = line.expect("reads");
            assert_ne!(line, FALLS_OVER, "the parser's own fault");
            let words: Vec<&str> = line.split(' ').collect();
            for (claims, body) in rows(&words) {
                let draft = Draft {
                    file: None,
                    row: n as u64 + 1,
                    status: RowStatus::Active,
                    claims,
                    body,
                    fault: None,
                    left_out: Vec::new(),
                };
                if emit(Item::Draft(draft)).is_break() {
                    break;
                }
            }
        }
        let covers =
            if self.is_roster { Covers::SchoolYear } else { *self.covers.lock().expect("unpoisoned") };
        let extent = |entity| Extent {
            entity,
            covers,
            absent_rows: AbsentRows::End,
            rows: (!self.is_roster).then_some(RowsMean::Exceptions),
            covered_through: CoveredThrough::LatestRow,
        };
        Ok(Contents { extents: self.entities().iter().copied().map(extent).collect() })
    }
}

fn rows<'a>(words: &[&'a str]) -> Vec<(Claims<'a>, Body<'a>)> {
    let claims = |id: &'a str| Claims { student: Some(id.into()), school: Some(SCHOOL.into()), date: None };
    match words {
        ["student", id] => {
            let school = SchoolRow { id: SCHOOL.into(), identifier: None, name: None };
            let student = StudentRow {
                id: (*id).into(),
                ids: Vec::new(),
                given_name: None,
                family_name: None,
                birth_date: None,
            };
            let enrollment = EnrollmentRow {
                key: None,
                school: Cow::default(),
                entry: date(2021, 8, 23).into(),
                exit: None,
                grade: None,
            };
            vec![
                (Claims::default(), school.into()),
                (Claims::default(), student.into()),
                (claims(id), enrollment.into()),
            ]
        }
        [student, day, category] => {
            let date = day.parse().expect("a date");
            let day = AttendanceRow {
                school: Cow::default(),
                date: Day::from(date),
                category: serde_json::from_value((*category).into()).expect("a category"),
                source_code: None,
            };
            vec![(Claims { date: Some(date), ..claims(student) }, day.into())]
        }
        other => panic!("no row: {other:?}"),
    }
}

struct Accepts;

#[async_trait]
impl Destination for Accepts {
    fn repeats(&self) -> Repeats {
        Repeats::Harmless
    }

    fn told(&self) -> Told {
        Told::AtOnce
    }

    async fn deliver(&self, _: &DeliverCx, _: &Alert) -> Result<Receipt, DeliverError> {
        Ok(Receipt::default())
    }
}
