//! The process dies at every dangerous place, and nobody can tell afterwards.

use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::district::{District, eventually};
use crate::drops::{Row, through};
use crate::receiver::Receiver;
use crate::servers::{self, Servers};

const STUDENTS: [u32; 8] = [1000, 1001, 1002, 1003, 1004, 2000, 2001, 2002];

fn two_days(student: u32, first: usize) -> [Row; 2] {
    [(student, first, "A"), (student, first + 1, "A")]
}

/// 1004 is flagged while history is loaded.
fn sunday() -> Vec<Row> {
    [&two_days(1004, 7)[..], &[(2000, 20, "T"), through(20), (1003, 9, "A")]].concat()
}

/// Raises flags for 1001, 1002 and 2001.
fn monday() -> Vec<Row> {
    [&sunday()[..], &two_days(1001, 2), &two_days(1002, 3), &two_days(2001, 5)].concat()
}

/// Takes the flag of 1001 back and raises one for 1003.
fn tuesday() -> Vec<Row> {
    let mut rows: Vec<Row> = monday().into_iter().filter(|row| (row.0, row.1) != (1001, 3)).collect();
    rows.push(OF_TUESDAY);
    rows
}

/// Raises a flag for 1003.
const OF_TUESDAY: Row = (1003, 10, "E");

/// A district with two recipients, through a week.
pub(crate) struct Week {
    pub(crate) district: District,
    receivers: [Receiver; 2],
    pub(crate) died: bool,
}

impl Week {
    fn new() -> Self {
        Self::on(servers::asked_for().then(Servers::new))
    }

    pub(crate) fn on(servers: Option<Servers>) -> Self {
        let receivers = [Receiver::start(), Receiver::start()];
        let names = ["counselor", "office"];
        let webhooks =
            names.iter().zip(&receivers).map(|(name, receiver)| ((*name).to_owned(), receiver.url()));
        let district = District::on(servers, |config| config.webhooks = webhooks.collect());
        Self { district, receivers, died: false }
    }

    /// Alone, as history.
    pub(crate) fn drop_sunday(&mut self) {
        self.district.configure(|config| config.mode = "history");
        self.district.enroll(&STUDENTS);
        self.district.attend(&sunday());
    }

    pub(crate) fn turn_live(&mut self) {
        self.district.configure(|config| config.mode = "live");
    }

    pub(crate) fn drop_monday(&mut self) {
        self.district.enroll(&STUDENTS);
        self.district.attend(&monday());
    }

    /// What Tuesday brings, while all that Monday said stands: nothing is taken back.
    pub(crate) fn drop_early_tuesday(&mut self) {
        self.district.attend(&[&monday()[..], &[OF_TUESDAY]].concat());
    }

    pub(crate) fn drop_tuesday(&mut self) {
        self.district.enroll(&[&STUDENTS[..], &[1005]].concat());
        self.district.attend(&tuesday());
    }

    fn up(&mut self, crash: Option<(&str, u32)>) {
        if let Some((failpoint, n)) = crash
            && self.district.up_dying_at(failpoint, n)
        {
            self.died = true;
            // On servers the next process waits until the claims of the dead one lapse.
            self.district.later(5);
        }
        self.district.up();
    }

    /// History is loaded, the feed turns live, two files follow; each with a process of its own.
    fn play(&mut self, crash: Option<(&str, u32)>) {
        self.drop_sunday();
        self.up(crash);
        self.turn_live();
        self.up(crash);
        self.drop_monday();
        self.up(crash);
        self.drop_tuesday();
        self.up(crash);
    }

    /// The same, but from the day on which the feed turns live one process runs, and is started again when it dies.
    fn play_running(&mut self, crash: (&str, u32)) {
        self.drop_sunday();
        self.district.up();
        self.turn_live();
        self.run_from_live_to_tuesday(&["up"], crash);
        self.finish();
    }

    /// The process is one of this command.
    pub(crate) fn run_from_live_to_tuesday(&mut self, command: &[&str], crash: (&str, u32)) {
        let mut running = Running::start(&self.district, command, Some(crash));
        self.wait_until_told(&mut running, command, TOLD_LIVE);
        self.drop_monday();
        self.wait_until_told(&mut running, command, TOLD_MONDAY);
        self.drop_tuesday();
        self.wait_until_told(&mut running, command, TOLD_TUESDAY);
        self.died |= !running.stop();
    }

    /// The last answer may not have been written down.
    pub(crate) fn finish(&mut self) {
        NOW_AT_THE_END.clone_into(&mut self.district.now);
        self.district.up();
    }

    fn wait_until_told(&mut self, running: &mut Running, command: &[&str], alerts: usize) {
        eventually("both recipients know", || {
            if running.has_died() {
                self.died = true;
                NOW_AFTER_DEATH.clone_into(&mut self.district.now);
                *running = Running::start(&self.district, command, None);
            }
            self.is_told(alerts)
        });
    }

    pub(crate) fn is_told(&self, alerts: usize) -> bool {
        self.receivers.iter().all(|receiver| receiver.ids().len() >= alerts)
    }

    fn lose_data_dir(&mut self) {
        self.district.lose_everything();
    }

    pub(crate) fn deliveries(&self) -> [usize; 2] {
        self.receivers.each_ref().map(|receiver| receiver.deliveries().len())
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let status = self.district.status();
        assert_eq!(status["outbox"]["pending"], 0, "everything was sent: {status}");
        let flags = self.district.flags();
        let flags = flags.iter().map(|f| format!("{} {} {}", f["flag_id"], f["student_id"], f["state"]));
        Outcome {
            told: self.receivers.each_ref().map(told),
            flags: flags.collect(),
            state_hash: self.district.state_hash(),
        }
    }
}

/// Time does not go back while a process runs on and another takes over: later than any of them gets.
pub(crate) const NOW_AFTER_DEATH: &str = "2021-11-01T23:15:00Z";
pub(crate) const NOW_AT_THE_END: &str = "2021-11-01T23:30:00Z";

/// How many alerts a recipient has got: the standing list, then 3 raised, then 1 raised and 1 withdrawn.
pub(crate) const TOLD_LIVE: usize = 1;
pub(crate) const TOLD_MONDAY: usize = TOLD_LIVE + 3;
pub(crate) const TOLD_EARLY_TUESDAY: usize = TOLD_MONDAY + 1;
pub(crate) const TOLD_TUESDAY: usize = TOLD_MONDAY + 2;

/// A process in the background; killed when dropped.
struct Running(Child);

impl Running {
    fn start(district: &District, command: &[&str], crash: Option<(&str, u32)>) -> Self {
        let mut command = district.command_of(command);
        if let Some((failpoint, n)) = crash {
            command.env("SIGNALBOX_FAILPOINT", format!("{failpoint}:{n}"));
        }
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Self(child.expect("the binary starts"))
    }

    /// By a signal, that is; it must not give up by itself.
    fn has_died(&mut self) -> bool {
        let status = self.0.try_wait().expect("it is our child");
        status.inspect(|status| assert_eq!(status.code(), None, "the process ended by itself")).is_some()
    }

    /// Lets it finish its pass. `false`: it died there.
    fn stop(mut self) -> bool {
        let term = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        term.expect("kill starts");
        let status = self.0.wait().expect("it is our child");
        assert!(matches!(status.code(), None | Some(0)), "the process ended with {status}");
        status.success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().expect("it is our child");
        self.0.wait().expect("it was killed");
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// To each recipient: alert ids and their kinds. An id that said two things would be here twice.
    told: [BTreeSet<String>; 2],
    flags: BTreeSet<String>,
    state_hash: String,
}

fn told(receiver: &Receiver) -> BTreeSet<String> {
    receiver.deliveries().iter().map(|one| format!("{} {}", one.id(), one.kind())).collect()
}

pub(crate) static CRASH_FREE: LazyLock<Outcome> = LazyLock::new(|| {
    let mut week = Week::new();
    week.play(None);
    let outcome = week.outcome();
    assert_eq!(outcome.told.each_ref().map(BTreeSet::len), [TOLD_TUESDAY; 2]);
    assert_eq!(week.deliveries(), [TOLD_TUESDAY; 2], "each once");
    outcome
});

pub(crate) fn failpoints() -> BTreeSet<String> {
    let listed = District::new().json(&["failpoints"]);
    let names: BTreeSet<String> = serde_json::from_value(listed).expect("a list of names");
    assert!(names.len() >= 10, "{names:?}");
    names
}

/// Held while weeks are played: together they would be too many processes for the machine, and on servers too many
/// connections for the database.
static PLAYING: Mutex<()> = Mutex::new(());

/// As many weeks at a time: they wait for leases and answers more than they work.
const BESIDE: usize = 7;

/// Plays a week for every failpoint, some beside each other; the failpoints at which no process died.
fn survived(play: impl Fn(&mut Week, &str) + Sync) -> BTreeSet<String> {
    survived_among(failpoints(), play)
}

/// As [`survived`], for some of the failpoints.
pub(crate) fn survived_among(
    failpoints: BTreeSet<String>,
    play: impl Fn(&mut Week, &str) + Sync,
) -> BTreeSet<String> {
    let _playing = PLAYING.lock().unwrap_or_else(PoisonError::into_inner);
    let (waiting, survived) = (Mutex::new(failpoints), Mutex::new(BTreeSet::new()));
    let next = || waiting.lock().expect("no thread panics with it").pop_last();
    let one_after_the_other = || {
        while let Some(failpoint) = next() {
            let mut week = Week::new();
            play(&mut week, &failpoint);
            assert_eq!(week.outcome(), *CRASH_FREE, "with a crash at {failpoint}");
            if !week.died {
                survived.lock().expect("no thread panics with it").insert(failpoint);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..BESIDE {
            scope.spawn(one_after_the_other);
        }
    });
    survived.into_inner().expect("no thread has panicked")
}

#[test]
fn death_at_the_first_hit_of_every_failpoint_changes_nothing() {
    let survived = survived(|week, failpoint| week.play(Some((failpoint, 1))));
    assert_eq!(survived, BTreeSet::new(), "every failpoint is passed in a week");
}

/// One pass relays a thousand events at once: only a process that runs on relays twice.
#[test]
fn death_at_the_second_hit_in_a_pass_changes_nothing() {
    let survived = survived(|week, failpoint| week.play(Some((failpoint, 2))));
    assert_eq!(survived, BTreeSet::from(["relay".to_owned()]), "the others are passed twice");
}

#[test]
fn death_at_the_second_hit_of_every_failpoint_while_running_on_changes_nothing() {
    let survived = survived(|week, failpoint| week.play_running((failpoint, 2)));
    assert_eq!(survived, BTreeSet::new(), "every failpoint is passed twice from live to Tuesday");
}

/// The disk was lost; the drops still stand: the same state, and the same alerts under the same ids.
#[test]
fn a_lost_data_dir_changes_nothing() {
    let mut week = Week::new();
    week.drop_monday();
    week.drop_tuesday();
    week.up(None);
    let before = week.outcome();
    assert_eq!(before.told.each_ref().map(BTreeSet::len), [4; 2]);
    week.lose_data_dir();
    week.up(None);
    assert_eq!(week.outcome(), before);
    assert_eq!(week.deliveries(), [8; 2], "each twice, under its own id");
}

#[test]
fn a_data_dir_lost_between_two_drops_changes_nothing() {
    let mut week = Week::new();
    week.drop_monday();
    week.up(None);
    week.drop_tuesday();
    week.up(None);
    let expected = week.outcome();

    let mut week = Week::new();
    week.drop_monday();
    week.up(None);
    week.lose_data_dir();
    week.up(None);
    week.drop_tuesday();
    week.up(None);
    assert_eq!(week.outcome(), expected);
}
