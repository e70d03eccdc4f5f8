//! The same hub without processes and disks: the real connectors and loops on stores in memory. Only what the binary adds
//! is missing: the command line, the YAML, HTTP.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use signalbox_connector::destination::Told;
use signalbox_connector::{
    Alert, Connector, DeliverCx, DeliverError, Destination, ParseCx, Receipt, Repeats, Source, async_trait,
    erased_serde,
};
use signalbox_event::data::Mode;
use signalbox_hub::Target;
use signalbox_hub::calendar::{CalendarSpec, Calendars, MONDAY_TO_FRIDAY};
use signalbox_hub::land::Landing;
use signalbox_hub::names::Names;
use signalbox_hub::{self as hub, Feed, Route, Settings, Topics};
use signalbox_ingest::Holder;
use signalbox_log::MemoryLog;
use signalbox_risk::{ChronicAbsence, Settings as RuleSettings};
use signalbox_roles::up::{self, Loops};
use signalbox_scoring::CONSUMER;
use signalbox_store::memory::{MemoryFeeds, MemoryState};
use signalbox_view as view;
use signalbox_view::flags::Which;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{ATTENDANCE, Hub, ROSTER, evening};

/// Few students on each, since a look at one reads its shard.
const SHARDS: u32 = 16;
/// Files are as old as the school year, each a minute newer than the one before.
const FIRST_FILE_SECS: u64 = 1_629_700_000;

type Heard = Arc<Mutex<Vec<Value>>>;

pub(in super::super) struct Inside {
    runtime: Runtime,
    hub: Arc<hub::Hub>,
    loops: Loops,
    heard: Heard,
    now: Timestamp,
    drops: u64,
    folder: TempDir,
}

impl Inside {
    /// `oneroster`: the roster is `roster.zip`, else `roster.csv`.
    pub(in super::super) fn new(oneroster: bool) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let heard = Heard::default();
        let settings = settings(folder.path(), oneroster, &heard);
        let topics = settings.topics.all();
        let states = Arc::new(MemoryState::default());
        let hub = Arc::new(hub::Hub {
            log: Arc::new(MemoryLog::with_topics(topics.iter().map(|(name, n)| (&**name, *n)))),
            states: states.clone(),
            outbox: states,
            feeds: Arc::new(MemoryFeeds::default()),
            landing: Landing::open(&folder.path().join("landing")).expect("a landing folder"),
            settings,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let opened = Loops::open(hub.clone(), Holder::embedded(), None);
        let loops = runtime.block_on(opened).expect("the loops open");
        Self { runtime, hub, loops, heard, now: Timestamp::UNIX_EPOCH, drops: 0, folder }
    }
}

impl Hub for Inside {
    fn drop(&mut self, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).expect("the scratch folder is writable");
        self.drops += 1;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(FIRST_FILE_SECS + 60 * self.drops);
        let file = fs::File::options().write(true).open(&path).expect("it was just written");
        file.set_modified(modified).expect("file times can be set here");
    }

    fn pass(&mut self, day: usize) {
        self.now = evening(day).parse().expect("a time");
        let (loops, hub, now) = (&mut self.loops, &self.hub, self.now);
        self.runtime.block_on(async {
            let report = loops.pass_to_end(now).await.expect("a pass");
            assert!(report.failed.is_empty(), "a feed could not be read: {:?}", report.failed);
            up::deliver(hub, || now).await.expect("delivers");
        });
    }

    fn status(&self) -> Value {
        let status =
            self.runtime.block_on(view::status::status_without_log(&self.hub, self.now)).expect("looks");
        serde_json::to_value(status).expect("it is JSON")
    }

    fn holds(&self) -> Vec<Value> {
        self.runtime.block_on(async {
            let mut shown = Vec::new();
            for line in view::repair::holds(&self.hub).await.expect("looks") {
                let hold = view::repair::hold(&self.hub, &line.id).await.expect("looks").expect("it waits");
                shown.push(serde_json::to_value(hold).expect("it is JSON"));
            }
            shown
        })
    }

    fn flags(&self) -> Vec<Value> {
        let flags = self.runtime.block_on(view::flags::flags(&self.hub, Which::default())).expect("looks");
        flags.iter().map(|flag| serde_json::to_value(flag).expect("it is JSON")).collect()
    }

    fn student(&self, id: &str) -> Option<Value> {
        self.runtime.block_on(async {
            let key = view::find_student(&self.hub, id).await.expect("looks").pop()?;
            let student = view::student::student(&self.hub, key, self.now).await.expect("looks");
            Some(serde_json::to_value(student).expect("it is JSON"))
        })
    }

    fn told(&mut self) -> Vec<Value> {
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn settings(folder: &Path, oneroster: bool, heard: &Heard) -> Settings {
    let roster = if oneroster {
        source(&connector_oneroster::CONNECTOR, &json!({"path": "roster.zip"}), folder)
    } else {
        source(&connector_csv::CONNECTOR, &enrollment(), folder)
    };
    let attendance = source(&connector_csv::CONNECTOR, &attendance(), folder);
    let feed = |name: &str, source| Feed {
        name: name.to_owned(),
        mode: Mode::Live,
        roster_of_record: name == ROSTER,
        source,
    };
    let listens = Arc::new(Listens(heard.clone()));
    Settings {
        district: hub::District {
            id: "lakeside".to_owned(),
            zone: zone(),
            secret: b"a secret of the test district".to_vec().into(),
        },
        topics: Topics { prefix: "k12".to_owned(), shards: SHARDS, consumers: &[CONSUMER] },
        calendars: Calendars::new(&[CalendarSpec {
            schools: None,
            school_year: 2022,
            first: date(2021, 8, 23),
            last: date(2022, 5, 27),
            closed: vec![(date(2021, 9, 6), date(2021, 9, 6)), (date(2021, 12, 18), date(2022, 1, 3))],
            open: Vec::new(),
            weekdays: MONDAY_TO_FRIDAY.to_vec(),
        }]),
        feeds: vec![feed(ROSTER, roster), feed(ATTENDANCE, attendance)],
        targets: vec![Target { name: "counselor".to_owned(), destination: listens }],
        routes: vec![Route { rule: "chronic-absence".to_owned(), to: "counselor".to_owned() }],
        rules: vec![RuleSettings::ChronicAbsence(ChronicAbsence::default()).into()],
        names: Names::default(),
        max_payload_bytes: 1 << 24,
    }
}

fn zone() -> TimeZone {
    TimeZone::get("America/Chicago").expect("is known")
}

fn source(connector: &Connector, section: &Value, folder: &Path) -> Arc<dyn Source> {
    let parse = connector.source.expect("it reads");
    let mut section = <dyn erased_serde::Deserializer<'_>>::erase(section);
    parse(&mut section, &ParseCx { base: folder, zone: &zone() }).expect("a section").into()
}

fn enrollment() -> Value {
    let date = |from: &str| json!({"from": from, "format": "%m/%d/%Y"});
    json!({
        "path": "roster.csv", "entity": "roster.enrollment", "covers": "school_year", "absent_rows": "end",
        "columns": {
            "student": "Student_Number", "last_name": "Last_Name", "first_name": "First_Name",
            "birth_date": date("DOB"), "school": "School_ID", "entry": date("Entry_Date"), "exit": date("Exit_Date"),
        },
    })
}

fn attendance() -> Value {
    json!({
        "path": "attendance.csv", "entity": "attendance.daily", "rows": "exceptions", "covers": "school_year",
        "absent_rows": "end",
        "columns": {
            "student": "Student_Number", "school": "School_ID",
            "date": {"from": "Att_Date", "format": "%m/%d/%Y"}, "category": "Att_Code",
        },
        "codes": {"category": {
            "P": "present", "A": "absent_unexcused", "E": "absent_excused", "T": "tardy", "H": "absent_half_day",
        }},
    })
}

/// Takes every alert.
struct Listens(Heard);

#[async_trait]
impl Destination for Listens {
    fn repeats(&self) -> Repeats {
        Repeats::Harmless
    }

    fn told(&self) -> Told {
        Told::AtOnce
    }

    async fn deliver(&self, _: &DeliverCx, alert: &Alert) -> Result<Receipt, DeliverError> {
        let said = json!({"type": alert.kind, "data": alert.data});
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(said);
        Ok(Receipt::default())
    }
}
