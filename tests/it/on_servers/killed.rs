//! `up --once` is killed at any moment, several times over: whoever comes after is through, and nobody can tell.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::pass_over;
use crate::district::District;
use crate::drops::{Row, through};
use crate::receiver::Receiver;
use crate::servers::Servers;

/// Kills before a run may end.
const KILLS: u32 = 5;
/// How long whoever comes after may take.
const THROUGH_WITHIN: Duration = Duration::from_mins(1);

fn history(servers: Option<Servers>, receiver: &Receiver) -> District {
    let mut district = District::on(servers, |config| {
        config.webhooks = vec![("counselor".to_owned(), receiver.url())];
    });
    district.enroll(&(1000..1060).collect::<Vec<_>>());
    let absent = |id: u32| [(id, 3, "A"), (id, 4, "A")];
    let rows: Vec<Row> = (1001..1030).flat_map(absent).chain([through(20)]).collect();
    district.attend(&rows);
    district
}

/// Kills a run after so long, unless it has ended.
fn killed_after(district: &District, wait: Duration) -> bool {
    let mut command = district.command_of(&["up", "--once"]);
    let mut up = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
    std::thread::sleep(wait);
    let lives = up.try_wait().expect("it can be asked").is_none();
    // SIGKILL.
    up.kill().expect("it is ours");
    up.wait().expect("it ends");
    lives
}

/// How many such histories are played; 40 by hand.
fn runs() -> u32 {
    std::env::var("SIGNALBOX_KILL_RUNS").map_or(2, |runs| runs.parse().expect("a number of runs"))
}

#[test]
fn whoever_comes_after_a_kill_is_through_within_a_minute() {
    if pass_over("killed") {
        return;
    }
    let receiver = Receiver::start();
    let expected = {
        let district = history(None, &receiver);
        district.up();
        district.state_hash()
    };
    let (mut killed, mut longest) = (0, Duration::ZERO);
    for run in 0..runs() {
        let receiver = Receiver::start();
        let mut district = history(Some(Servers::new()), &receiver);
        for kill in 0..KILLS {
            // Spread over what a run takes: from its start to some seconds into its work.
            let wait = Duration::from_millis(u64::from((run * 7_919 + kill * 1_237) % 3_000) + 20);
            killed += u32::from(killed_after(&district, wait));
        }
        let begun = Instant::now();
        let status = district.up();
        longest = longest.max(begun.elapsed());
        assert!(begun.elapsed() < THROUGH_WITHIN, "run {run}: {:?}", begun.elapsed());
        assert_eq!(district.state_hash(), expected, "run {run}: {status}");
        // What a killed process was just sending is its own until its claim lapses.
        district.now = "2021-11-01T23:10:00Z".to_owned();
        district.up();
        assert_eq!(receiver.ids().len(), 29, "run {run}: each alert id once, however often it was tried");
    }
    eprintln!("killed {killed} times in {} runs; the one after took {longest:?} at most", runs());
    assert!(killed > 0, "nobody was killed");
}
