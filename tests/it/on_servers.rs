//! What only a hub on Kafka and PostgreSQL can do or suffer. Without `SIGNALBOX_TEST_ON=servers` these tests pass over.
//!
//! # Layout
//! - `moving`: an embedded hub becomes one on servers
//! - `ownership`: one student, one shard, one process at a time
//! - `zombies`: a process goes on after the others gave it up

mod moving;
mod ownership;
mod zombies;

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
