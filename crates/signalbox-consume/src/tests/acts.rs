//! A consumer that says once of each student that somebody acted, and how many calendars it knew then; and once more a day
//! later.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use signalbox_event::data::{Acknowledged, Calendar};
use signalbox_event::id::derived;
use signalbox_event::{Data, Domain, Event, Status, StudentKey};
use signalbox_hub::calendar::Calendars;
use signalbox_hub::consumer::Consumer;
use signalbox_hub::land::Landing;
use signalbox_hub::names::Names;
use signalbox_hub::publish::{hub_source, rfc3339};
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::{ShardChange, ShardState};
use signalbox_hub::{District, Hub, HubError, Settings, Topics, act};
use signalbox_log::MemoryLog;
use signalbox_store::card::Card;
use signalbox_store::memory::{MemoryFeeds, MemoryState};
use signalbox_store::outbox::NewEntry;
use signalbox_store::state::Subject;
use uuid::Uuid;

use crate::folder::{Decided, Deciding, Folder, Folding, State, StateChange, Who};
use crate::listed;

const CONSUMERS: &[Consumer] = &[listed::<Acts>()];
/// What the rows of students begin with.
const STUDENT: u8 = 1;
/// The day after [`now`].
const A_DAY_LATER: Date = date(2021, 12, 2);

pub(super) struct Acts;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Student(StudentKey);

impl Who for Student {
    fn subject(self) -> Subject {
        [&[STUDENT][..], self.0.as_uuid().as_bytes()].concat()
    }

    fn of_subject(subject: &[u8]) -> Option<Self> {
        let id = subject.strip_prefix(&[STUDENT])?;
        Some(Self(StudentKey::from_uuid(Uuid::from_slice(id).ok()?)))
    }
}

#[derive(Debug, Default)]
pub(super) struct Known {
    has_acted: bool,
    /// How often that was told.
    told: u8,
}

impl State for Known {
    fn decode(bytes: Bytes) -> Result<Self, HubError> {
        match &bytes[..] {
            &[has_acted, told] => Ok(Self { has_acted: has_acted == 1, told }),
            _ => Err(HubError::Stored("act")),
        }
    }

    fn encode(&self, bytes: &mut Vec<u8>, known: &mut Vec<u8>) {
        let all = [self.has_acted.into(), self.told];
        bytes.extend(all);
        known.extend(all);
    }
}

impl Folder for Acts {
    const NAME: &'static str = "acts";
    const ABOUT: &'static str = "Count acts";
    const KEPT_AS: &'static str = "acts@1";
    const DOMAINS: &'static [Domain] = &[Domain::Ops, Domain::Intervention];

    type Who = Student;
    type State = Known;
    type Shard = ();
    /// Changes of the calendars.
    type Reference = u64;

    fn who(event: &Event) -> Option<Student> {
        event.subject.map(Student)
    }

    fn hear((): &mut (), _: &Event) -> ShardChange {
        ShardChange::Same
    }

    fn fold(_: &Folding<'_>, state: &mut Known, _: &Event) -> Result<StateChange, HubError> {
        let was_known = std::mem::replace(&mut state.has_acted, true);
        Ok(if was_known { StateChange::Same } else { StateChange::Changed })
    }

    fn reference(_: &ShardState, _: &Settings, calendars: &ReferenceView) -> u64 {
        calendars.changes()
    }

    fn cards(_: &ShardState, _: &Settings, _: Student, _: &mut Known) -> Result<Vec<Card>, HubError> {
        Ok(Vec::new())
    }

    fn decide(on: &Deciding<'_, Self>, who: Student, state: &mut Known) -> Result<Decided, HubError> {
        let is_later = on.as_of >= A_DAY_LATER;
        let kind = match (state.has_acted, state.told) {
            (true, 0) => format!("acted, calendars: {}", on.reference),
            (true, 1) if is_later => "a day later".to_owned(),
            _ => return Ok(Decided::default()),
        };
        state.told += 1;
        let entry = NewEntry {
            id: derived(&[b"acts", &who.subject(), &[state.told]]),
            target: Self::NAME.to_owned(),
            lane: who.0.to_string(),
            kind,
            flag_id: None,
            body: Vec::new(),
            created_ms: on.now.as_millisecond(),
            withheld: None,
            part: false,
            end_of: None,
        };
        Ok(Decided {
            entries: vec![entry],
            looks_again: (!is_later).then_some(A_DAY_LATER),
            ..Decided::default()
        })
    }
}

pub(super) fn now() -> Timestamp {
    "2021-12-01T18:00:00Z".parse().expect("a time")
}

pub(super) fn student(n: u128) -> Student {
    Student(StudentKey::from_uuid(Uuid::from_u128(n)))
}

pub(super) fn hub() -> Arc<Hub> {
    let settings = Settings {
        district: District { id: "d".to_owned(), zone: TimeZone::UTC, secret: b"secret".to_vec().into() },
        topics: Topics { prefix: "k12".to_owned(), shards: 3, consumers: CONSUMERS },
        calendars: Calendars::default(),
        feeds: Vec::new(),
        targets: Vec::new(),
        routes: Vec::new(),
        rules: Vec::new(),
        names: Names::default(),
        max_payload_bytes: 0,
    };
    let topics = settings.topics.all();
    let states = Arc::new(MemoryState::default());
    let folder = tempfile::tempdir().expect("a scratch folder");
    Arc::new(Hub {
        log: Arc::new(MemoryLog::with_topics(topics.iter().map(|(name, n)| (&**name, *n)))),
        states: states.clone(),
        outbox: states,
        feeds: Arc::new(MemoryFeeds::default()),
        // Nothing lands.
        landing: Landing::open(folder.path()).expect("a landing folder"),
        settings,
    })
}

/// Somebody acts for the student.
pub(super) async fn acts(hub: &Hub, who: Student) {
    let acted = Acknowledged { flag_id: Uuid::nil(), by: "R. Ortiz".to_owned(), reason: None };
    act::acknowledge(hub, 2022, who.0, acted, now()).await.expect("appends");
}

pub(super) async fn a_calendar(hub: &Hub) {
    let event = Event {
        id: derived(&[b"calendar"]),
        source: hub_source(hub, "configuration"),
        subject: None,
        time: rfc3339(now().as_millisecond(), &hub.settings.district.zone),
        partition_key: "d/calendar/*/2022".to_owned(),
        school_year: Some(2022),
        revision: 1,
        run: None,
        traceparent: None,
        data: Data::ReferenceCalendar(Calendar {
            school: None,
            school_year: 2022,
            first: date(2021, 8, 23),
            last: date(2022, 5, 27),
            days: vec![date(2021, 8, 23)],
            status: Status::Active,
        }),
    };
    act::append(hub, &event).await.expect("appends");
}

/// What was said, in the order in which it was.
pub(super) async fn told(hub: &Hub) -> Vec<String> {
    let entries = hub.outbox.entries(0, usize::MAX).await.expect("reads");
    entries.into_iter().map(|entry| entry.kind).collect()
}
