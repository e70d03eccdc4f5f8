//! Late arrivals: rows whose student was not found are released when the roster brings the student.

use signalbox_connector::Entity;
use signalbox_store::feed::{Closing, LedgerRow, LedgerStatus, NewRun, Outcome, Run, Scope};

use super::diff::{Step, Verdict};
use super::emit::{Emitter, end_run};
use super::identity::{Found, Resolver};
use super::row::{Row, content_hash};
use super::run::id_system;
use super::{Ingest, Taken, cause};
use crate::hub::{Feed, Hub, HubError};

const PAGE: usize = 20_000;

/// Opens a release run if rows of the feed wait for a student who is known by now.
pub(super) async fn unmatched(ingest: &mut Ingest, taken: Taken<'_>) -> Result<(), HubError> {
    let Taken { feed, lease, now } = taken;
    if ingest.hub.feeds.ledger_counts(&feed.name).await?.unmatched == 0 {
        return Ok(());
    }
    let known = ingest.take_resolver().await?;
    let found = !releasable(&ingest.hub, feed, &known.resolver, 1).await?.is_empty();
    ingest.resolver = Some(known);
    if !found {
        return Ok(());
    }
    let run = NewRun {
        payload: String::new(),
        name: String::new(),
        opened_ms: now.as_millisecond(),
        cursor: None,
        cause: cause::RELEASE.to_owned(),
    };
    let run = ingest.open(lease, run).await?;
    finish(ingest, taken, &run).await
}

/// Works a release run through.
pub(super) async fn finish(
    ingest: &mut Ingest,
    Taken { feed, lease, .. }: Taken<'_>,
    run: &Run,
) -> Result<(), HubError> {
    let known = ingest.take_resolver().await?;
    let resolver = &known.resolver;
    let hub = &*ingest.hub;
    let steps = releasable(hub, feed, resolver, usize::MAX).await?;
    let mut emitter = Emitter::new(hub, lease, run, resolver, id_system(hub));
    for step in steps {
        emitter.step(step).await?;
    }
    emitter.flush().await?;
    end_run(hub, run, feed.domain(), None, &[]).await?;
    let closing = Closing {
        outcome: Outcome::Accepted,
        summary: String::new(),
        rejects: None,
        hold: None,
        hold_done: None,
        supersede_holds: false,
    };
    hub.feeds.close_run(lease, run.number, closing).await?;
    crate::failpoint!("run.close");
    ingest.resolver = Some(known);
    Ok(())
}

/// Up to `max` waiting rows whose student is found now, in the order of the ledger.
async fn releasable(hub: &Hub, feed: &Feed, resolver: &Resolver, max: usize) -> Result<Vec<Step>, HubError> {
    let mut steps = Vec::new();
    for entity in Entity::ALL {
        for school_year in hub.feeds.ledger_years(&feed.name, entity as u16).await? {
            let scope = Scope { entity: entity as u16, school_year };
            let mut after = None;
            loop {
                let rows = hub.feeds.ledger(&feed.name, scope, after.as_ref(), PAGE).await?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key);
                for old in rows.iter().filter(|row| row.status == LedgerStatus::Unmatched) {
                    if let Some(step) = release(feed, resolver, entity, school_year, old)? {
                        steps.push(step);
                    }
                    if steps.len() >= max {
                        return Ok(steps);
                    }
                }
            }
        }
    }
    Ok(steps)
}

fn release(
    feed: &Feed,
    resolver: &Resolver,
    entity: Entity,
    school_year: u16,
    old: &LedgerRow,
) -> Result<Option<Step>, HubError> {
    let mut row = Row::decode(&old.detail)?;
    let Some(id) = row.claimed_student() else { return Ok(None) };
    let Found::One(key) = resolver.student(id, feed.source.student_id_type()) else { return Ok(None) };
    row.student = Some(*key.as_uuid());
    let mut detail = Vec::with_capacity(old.detail.len() + 16);
    row.encode(&mut detail);
    let new = LedgerRow {
        key: old.key,
        content: content_hash(&detail),
        revision: old.revision + 1,
        status: LedgerStatus::Live,
        detail,
    };
    Ok(Some(Step {
        entity,
        school_year,
        verdict: Verdict::Add,
        old: None,
        new,
        rows: 0,
        lines: Vec::new(),
        conflict: false,
        fault: false,
    }))
}
