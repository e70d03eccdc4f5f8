//! How fast states are kept in PostgreSQL here:
//! `eval "$(scripts/postgres start)"; cargo run --release -p signalbox-sql --example pg_state [students] [days]`.
//!
//! Each day every student has one event, in the same order. A batch of 2,000 is one transaction: position, states of
//! 536 bytes, and an outbox entry for every 200th event. With two connections, each has a shard with half the students.

use std::error::Error;
use std::time::Instant;

use signalbox_sql::postgres::{Options, PgState, connect, migrate};
use signalbox_store::StateStore;
use signalbox_store::outbox::{NewEntry, TO_LOG};
use signalbox_store::state::{Advance, Batch, Lease, Position, StateRow, Subject};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

const STUDENTS: u64 = 100_000;
const DAYS: u64 = 5;
const BATCH: usize = 2_000;
const STATE_BYTES: usize = 536;
const EVENTS_PER_ENTRY: usize = 200;

/// What happens to the due date, which is in an index.
#[derive(Clone, Copy)]
enum Due {
    Never,
    Stays,
    Moves,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example speaks to a person")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = std::env::var("SIGNALBOX_TEST_POSTGRES")
        .map_err(|_| "start a server first: eval \"$(scripts/postgres start)\"")?;
    let numbers: Vec<u64> =
        std::env::args().skip(1).map(|number| number.parse()).collect::<Result<_, _>>()?;
    let students = numbers.first().copied().unwrap_or(STUDENTS);
    let days = numbers.get(1).copied().unwrap_or(DAYS);
    println!("{students} students, {days} days after the first; events/s");
    println!("connections  due date   first day  later days  with load");
    for (connections, due, name) in [
        (1, Due::Never, "never"),
        (2, Due::Never, "never"),
        (1, Due::Stays, "stays"),
        (1, Due::Moves, "moves"),
        (2, Due::Moves, "moves"),
    ] {
        let store = fresh(&server).await?;
        let first = run(&store, connections, students, 0..1, due, false).await?;
        let later = run(&store, connections, students, 1..days + 1, due, false).await?;
        let loading = run(&store, connections, students, days + 1..2 * days + 1, due, true).await?;
        println!("{connections:>11}  {name:<8} {first:>11.0} {later:>11.0} {loading:>10.0}");
    }
    Ok(())
}

async fn fresh(server: &str) -> Result<PgState, Box<dyn Error>> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql("DROP SCHEMA IF EXISTS example CASCADE; CHECKPOINT").execute(&mut connection).await?;
    connection.close().await?;
    let url = format!("{server}{}schema=example", if server.contains('?') { '&' } else { '?' });
    migrate(&url).await?;
    Ok(connect(&url, &Options::default()).await?.state())
}

/// Events per second.
async fn run(
    store: &PgState,
    connections: u32,
    students: u64,
    days: std::ops::Range<u64>,
    due: Due,
    load: bool,
) -> Result<f64, Box<dyn Error>> {
    let events = students * (days.end - days.start);
    let begun = Instant::now();
    let mut shards = tokio::task::JoinSet::new();
    for shard in 0..connections {
        let (store, days) = (store.clone(), days.clone());
        let own: Vec<Subject> = (0..students)
            .filter(|student| student % u64::from(connections) == u64::from(shard))
            .map(subject)
            .collect();
        shards.spawn(async move { consume(&store, shard, &own, days, due, load).await });
    }
    while let Some(done) = shards.join_next().await {
        done??;
    }
    Ok(events as f64 / begun.elapsed().as_secs_f64())
}

async fn consume(
    store: &PgState,
    shard: u32,
    students: &[Subject],
    days: std::ops::Range<u64>,
    due: Due,
    load: bool,
) -> Result<(), signalbox_store::StoreError> {
    let mut lease = store.acquire("risk@1", shard).await?;
    for day in days {
        for batch in students.chunks(BATCH) {
            if load {
                store.load(&lease, batch).await?;
            }
            commit(store, &mut lease, batch, day, due).await?;
        }
    }
    Ok(())
}

async fn commit(
    store: &PgState,
    lease: &mut Lease,
    subjects: &[Subject],
    day: u64,
    due: Due,
) -> Result<(), signalbox_store::StoreError> {
    let from = lease.positions.first().map_or(0, |position| position.next);
    let to = Position { topic: "attendance".into(), next: from + subjects.len() as u64, last_id: None };
    let due_ms = match due {
        Due::Never => None,
        Due::Stays => Some(0),
        Due::Moves => Some(from as i64),
    };
    let state = |subject: &Subject| StateRow {
        subject: subject.clone(),
        state: vec![day as u8; STATE_BYTES].into(),
        due_ms,
    };
    let outbox = subjects.iter().step_by(EVENTS_PER_ENTRY).map(|subject| entry(subject, day)).collect();
    let batch = Batch {
        advances: vec![Advance { from, to: to.clone() }],
        states: subjects.iter().map(state).collect(),
        outbox,
        ..Batch::default()
    };
    store.commit(lease, &batch).await?;
    lease.positions = vec![to];
    Ok(())
}

/// Keys as a hash would give them: neighbours in a batch are no neighbours in the index.
fn subject(student: u64) -> Subject {
    let mixed = student.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    [mixed.to_be_bytes(), student.to_be_bytes()].concat()
}

fn entry(subject: &Subject, day: u64) -> NewEntry {
    let key = u128::from_be_bytes(*subject.first_chunk().expect("a subject has 16 bytes"));
    NewEntry {
        id: Uuid::from_u128(key ^ u128::from(day)),
        target: TO_LOG.into(),
        lane: Uuid::from_u128(key).to_string(),
        kind: "risk.flag.raised".into(),
        flag_id: None,
        body: vec![7; STATE_BYTES],
        created_ms: 0,
        withheld: None,
        part: false,
        end_of: None,
    }
}
