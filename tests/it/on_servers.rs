//! What only a hub on Kafka and PostgreSQL can do or suffer. Without `SIGNALBOX_TEST_ON=servers` these tests pass over.
//!
//! # Layout
//! - `moving`: an embedded hub becomes one on servers
//! - `crashes`: processes die beside others; `killed`: at any moment, alone; `outages`: so do the servers
//! - `others_read_us`: a client of other people on our topics
//! - `ownership`: one student, one shard, one process at a time
//! - `refusals`: what a hub does not start on
//! - `same_answers`: as an embedded hub gives them
//! - `secured`: passwords, TLS and access lists
//! - `strangers`: somebody else writes into the hub's topics
//! - `zombies`: a process goes on after the others gave it up

mod crashes;
mod killed;
mod moving;
mod others_read_us;
mod outages;
mod ownership;
mod refusals;
mod same_answers;
mod secured;
mod strangers;
mod zombies;

use crate::district::Up;
use crate::servers;

/// Whether there is nothing to stand on.
#[expect(clippy::print_stderr, reason = "a test that did nothing says so")]
fn pass_over(test: &str) -> bool {
    let over = !servers::asked_for();
    if over {
        eprintln!("{test}: passed over, it needs SIGNALBOX_TEST_ON=servers");
    }
    over
}

/// Asks the process to end; it must not have ended by itself.
fn end(process: Up) {
    process.signal("TERM");
    process.end().exit(0);
}
