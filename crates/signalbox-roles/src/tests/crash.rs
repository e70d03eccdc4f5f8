//! Two consumers in one process that is killed wherever it can be: what they know and say in the end is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use signalbox_consume::folder::{Decided, Deciding, Folder, Folding, State, StateChange, Who, of_row};
use signalbox_consume::listed;
use signalbox_event::id::derived;
use signalbox_event::{Data, Domain, Event};
use signalbox_hub::consumer::Consumer;
use signalbox_hub::failpoint;
use signalbox_hub::reference::ReferenceView;
use signalbox_hub::shard::{ShardChange, ShardState};
use signalbox_hub::{HubError, Settings};
use signalbox_scoring::cards::FLAG;
use signalbox_scoring::student::StudentYear;
use signalbox_scoring::{self as scoring, Scoring};
use signalbox_store::card::Card;
use signalbox_store::outbox::NewEntry;

use super::consistent::consistent;
use super::district::District;

pub(super) const CONSUMERS: &[Consumer] = &[scoring::CONSUMER, listed::<Tally>()];
/// Names the folder to a child.
const FOLDER: &str = "SIGNALBOX_TEST_FOLDER";
/// How often a failpoint is hit before the process dies of it, at most.
const HITS: u32 = 3;

/// Says once of each student that scoring flagged them, and keeps their absences.
struct Tally;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Days {
    /// By date, with the revision that said so.
    absent: BTreeMap<Date, (u64, bool)>,
    is_flagged: bool,
    is_told: bool,
}

impl State for Days {
    fn decode(bytes: Bytes) -> Result<Self, HubError> {
        postcard::from_bytes(&bytes).map_err(|_| HubError::Stored("tally"))
    }

    fn encode(&self, bytes: &mut Vec<u8>, known: &mut Vec<u8>) {
        let all = postcard::to_stdvec(self).expect("plain data");
        bytes.extend_from_slice(&all);
        known.extend_from_slice(&all);
    }
}

impl Folder for Tally {
    const NAME: &'static str = "tally";
    const ABOUT: &'static str = "Count absences";
    const KEPT_AS: &'static str = "tally@1";
    const DOMAINS: &'static [Domain] = &[Domain::Ops, Domain::Attendance, Domain::Risk];

    type Who = StudentYear;
    type State = Days;
    /// Feeds whose runs have ended.
    type Shard = BTreeSet<String>;
    type Reference = usize;

    fn who(event: &Event) -> Option<StudentYear> {
        Some(StudentYear { school_year: event.school_year?, student: event.subject? })
    }

    fn hear(own: &mut BTreeSet<String>, event: &Event) -> ShardChange {
        match &event.data {
            Data::OpsRunEnded(ended) if own.insert(ended.feed.clone()) => ShardChange::Turned,
            _ => ShardChange::Same,
        }
    }

    fn fold(_: &Folding<'_>, state: &mut Days, event: &Event) -> Result<StateChange, HubError> {
        match &event.data {
            Data::AttendanceDaily(day) => {
                let said = (event.revision, day.status.is_active());
                let kept = state.absent.entry(day.date).or_default();
                if kept.0 >= said.0 {
                    return Ok(StateChange::Same);
                }
                *kept = said;
            }
            Data::RiskFlagRaised(_) if !state.is_flagged => state.is_flagged = true,
            _ => return Ok(StateChange::Same),
        }
        Ok(StateChange::Changed)
    }

    fn reference(shard: &ShardState<BTreeSet<String>>, _: &Settings, _: &ReferenceView) -> usize {
        shard.own.len()
    }

    fn cards(
        _: &ShardState<BTreeSet<String>>,
        _: &Settings,
        who: StudentYear,
        state: &mut Days,
    ) -> Result<Vec<Card>, HubError> {
        let card = Card {
            kind: "days".to_owned(),
            id: who.student.as_uuid().to_owned(),
            subject: who.subject(),
            state: "known".to_owned(),
            about: Self::NAME.to_owned(),
            school: None,
            sort: String::new(),
            body: serde_json::to_string(state).expect("plain data"),
        };
        Ok(vec![card])
    }

    fn decide(on: &Deciding<'_, Self>, who: StudentYear, state: &mut Days) -> Result<Decided, HubError> {
        assert_eq!(*on.reference, on.shard.own.len(), "what is decided against is of today");
        if !state.is_flagged || std::mem::replace(&mut state.is_told, true) {
            return Ok(Decided::default());
        }
        let entry = NewEntry {
            id: derived(&[b"tally", &who.subject()]),
            target: Self::NAME.to_owned(),
            lane: who.student.to_string(),
            kind: "tally".to_owned(),
            flag_id: None,
            body: Vec::new(),
            created_ms: on.now.as_millisecond(),
            withheld: None,
            part: false,
            end_of: None,
        };
        Ok(Decided { entries: vec![entry], ..Decided::default() })
    }
}

/// What both know, and what left.
#[derive(Debug, PartialEq)]
struct Outcome {
    risk: String,
    told: Vec<String>,
    tally: Vec<(StudentYear, Days)>,
}

#[test]
fn two_consumers_end_alike_wherever_the_process_is_killed() {
    let undisturbed = tempfile::tempdir().expect("a folder");
    assert!(child(undisturbed.path(), None), "a process that nobody kills ends well");
    let expected = outcome(undisturbed.path());
    let told = [
        "risk.flag.raised 1001 delivered",
        "risk.flag.raised 1002 delivered",
        "tally - pending",
        "tally - pending",
    ];
    assert_eq!(expected.told, told);

    let mut killed = BTreeSet::new();
    for name in failpoint::NAMES {
        for hit in 1..=HITS {
            let folder = tempfile::tempdir().expect("a folder");
            if child(folder.path(), Some(&format!("{name}:{hit}"))) {
                break;
            }
            killed.insert(*name);
            assert!(child(folder.path(), None), "what {name}:{hit} left cannot be gone on from");
            assert_eq!(outcome(folder.path()), expected, "after {name}:{hit}");
        }
    }
    // Lists are made of flags of a feed that turns live, which this one is from the start.
    let spared: Vec<_> = failpoint::NAMES.iter().filter(|name| !killed.contains(*name)).collect();
    assert_eq!(spared, [&"bundle"]);
}

/// `false`: it was killed.
fn child(folder: &Path, failpoint: Option<&str>) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "tests::crash::a_process", "--ignored", "--quiet"]).env(FOLDER, folder);
    if let Some(failpoint) = failpoint {
        command.env("SIGNALBOX_FAILPOINT", failpoint);
    }
    let out = command.output().expect("it starts");
    let is_test_failure = out.status.code() == Some(101);
    assert!(!is_test_failure, "{failpoint:?}: {}", String::from_utf8_lossy(&out.stdout));
    out.status.success()
}

/// Runs as a process of its own, see [`child`].
#[tokio::test(flavor = "multi_thread")]
#[ignore = "another test starts it"]
async fn a_process() {
    let folder = std::env::var_os(FOLDER).expect("the test that starts it names a folder");
    let mut district = District::kept_in(Path::new(&folder), CONSUMERS).await;
    district.hub.outbox.release_claims().await.expect("claims of the one that was killed");
    // The same files again, if those were read before: they change nothing.
    district.roster(&["1001", "1002", "1003"]);
    district.attendance(&[
        ("1001", 10, "absent_excused"),
        ("1001", 20, "absent_excused"),
        ("1002", 19, "absent_excused"),
        ("1002", 20, "absent_unexcused"),
        ("1003", 20, "absent_unexcused"),
    ]);
    district.pass().await;
    district.deliver().await;
}

fn outcome(folder: &Path) -> Outcome {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let district = District::kept_in(folder, CONSUMERS).await;
        let (mut tally, hub) = (Vec::new(), &district.hub);
        for shard in 0..hub.settings.topics.shards {
            let rows = hub.states.scan(Tally::KEPT_AS, shard, None, 100).await.expect("reads");
            let of_students =
                rows.iter().filter_map(|row| Some((StudentYear::of_subject(&row.subject)?, row)));
            tally.extend(of_students.map(|(who, row)| (who, of_row(row).expect("its own"))));
        }
        consistent::<Scoring>(hub, FLAG).await;
        consistent::<Tally>(hub, "days").await;
        let mut told = district.told().await;
        told.sort();
        Outcome { risk: district.status().await.state_hash, told, tally }
    })
}
