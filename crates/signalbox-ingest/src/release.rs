//! Late arrivals: rows whose student or school was not found are released when the roster brings them. They are a
//! payload of their own: compared with the ledger like any other, and keyed anew.

use std::collections::BTreeSet;

use signalbox_connector::Contents;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::feed::{Closing, LedgerRow, LedgerStatus, NewRun, Outcome, Run};

use super::diff::{Diff, Step, Verdict};
use super::doubt::{Doubts, Place, cast_by};
use super::emit::{Emitter, end_run};
use super::identity::{FIRST_ID, Found, Resolver};
use super::read::ReadIn;
use super::rejects::RejectBook;
use super::row::{Row, Slot, Waiting, content_hash};
use super::run::{OpenRun, id_system};
use super::settings::{FeedSettings, Remembered, mapping_of, waiting_scopes};
use super::sort::{ENDS, Head, INFERRED, Sorter};
use super::{Ingest, RunReport, Taken, cause, same};

const PAGE: usize = 20_000;

/// Opens a release run if rows of the feed wait for what the roster has brought since this was looked at last.
pub(super) async fn waiting(
    ingest: &mut Ingest,
    taken: Taken<'_>,
    runs: &mut Vec<RunReport>,
) -> Result<(), HubError> {
    let Taken { feed, lease, now } = taken;
    // Whom an id names depends on both.
    let looked_up_by = format!("{} {}", mapping_of(feed), same::crosswalk(&ingest.hub).await?);
    let mut settings = FeedSettings::load(&ingest.hub, &feed.name).await?;
    if settings.released_by.as_deref() == Some(&*looked_up_by) {
        return Ok(());
    }
    let known = ingest.take_resolver().await?;
    let mut released = Released::new(&ingest.hub, feed, &known.resolver);
    let found = released.look(1).await?;
    ingest.resolver = Some(known);
    if found {
        let run = NewRun {
            payload: String::new(),
            name: String::new(),
            opened_ms: now.as_millisecond(),
            marks: Vec::new(),
            cause: cause::RELEASE.to_owned(),
        };
        let run = ingest.open(lease, run).await?;
        ingest.work(taken, run, runs).await?;
        settings = FeedSettings::load(&ingest.hub, &feed.name).await?;
    }
    settings.released_by = Some(looked_up_by);
    settings.save(&ingest.hub, lease).await
}

/// What the last payload covers at schools that were not known when it was read, and which of its rows disagree with one
/// that waited, is known by reading it again, unless another went in since.
pub(super) async fn read_again_if_due(
    ingest: &mut Ingest,
    taken: Taken<'_>,
    runs: &mut Vec<RunReport>,
) -> Result<(), HubError> {
    let mut settings = FeedSettings::load(&ingest.hub, &taken.feed.name).await?;
    if !settings.reads_again {
        return Ok(());
    }
    ingest.read_again(taken, runs).await?;
    settings = FeedSettings::load(&ingest.hub, &taken.feed.name).await?;
    settings.reads_again = false;
    settings.save(&ingest.hub, taken.lease).await
}

/// Works a release run through.
pub(super) async fn finish(
    ingest: &mut Ingest,
    Taken { feed, lease, now }: Taken<'_>,
    run: &Run,
) -> Result<(), HubError> {
    let known = ingest.take_resolver().await?;
    let hub = &*ingest.hub;
    let mut settings = FeedSettings::load(hub, &feed.name).await?;
    let book = Remembered::load(hub, &feed.name, &settings).await?.book;
    let mut released = Released { of_book: book.places(), ..Released::new(hub, feed, &known.resolver) };
    released.look(usize::MAX).await?;
    // From here on the ledger is no longer that of the last accepted payload.
    released.remember(&mut settings);
    settings.save(hub, lease).await?;
    let read = released.finish()?;
    let open = OpenRun { hub, feed, lease, run, now };
    let mut emitter = Emitter::new(hub, lease, run, &known.resolver, id_system(hub));
    let mut diff = Diff::new(open.by(&[], open.run_day()), &read)?;
    while let Some(mut step) = diff.next().await? {
        settings.reads_again |= disagrees(&mut step)?;
        emitter.step(step).await?;
    }
    emitter.flush().await?;
    settings.save(hub, lease).await?;
    end_run(hub, run, feed.domain(), None, &[]).await?;
    let closing = Closing::new(Outcome::Accepted, String::new());
    hub.feeds.close_run(lease, run.number, closing).await?;
    signalbox_hub::failpoint!("run.close");
    ingest.resolver = Some(known);
    Ok(())
}

/// Whether it is said otherwise already, by a row that may stand in the same payload: then a day is unknown.
fn disagrees(step: &mut Step) -> Result<bool, HubError> {
    let (Verdict::Change, Some(old), Some(new)) = (step.verdict, &step.old, &mut step.new) else {
        return Ok(false);
    };
    let Some(disputed) = Row::decode(&new.detail)?.disputed() else { return Ok(false) };
    if !Row::decode(&old.detail)?.is_counted() {
        return Ok(false);
    }
    let mut encoded = Vec::with_capacity(new.detail.len());
    disputed.encode(&mut encoded);
    new.content = content_hash(&encoded);
    new.detail = encoded;
    Ok(true)
}

/// Rows that waited and are found now.
struct Released<'a> {
    hub: &'a Hub,
    feed: &'a Feed,
    resolver: &'a Resolver,
    sorter: Sorter,
    scopes: BTreeSet<(u8, u16)>,
    count: usize,
    /// Where rows of the last accepted payload cast doubt.
    of_book: BTreeSet<&'a Place>,
    /// Where of these they may have, while they waited.
    places: Doubts,
    /// Some waited for their school.
    found_schools: bool,
}

impl<'a> Released<'a> {
    fn new(hub: &'a Hub, feed: &'a Feed, resolver: &'a Resolver) -> Self {
        let sorter = Sorter::new(hub.landing.scratch());
        Self {
            hub,
            feed,
            resolver,
            sorter,
            scopes: BTreeSet::new(),
            count: 0,
            of_book: BTreeSet::new(),
            places: Doubts::default(),
            found_schools: false,
        }
    }

    /// Collects up to `max` of them; whether there is any.
    async fn look(&mut self, max: usize) -> Result<bool, HubError> {
        let feeds = &self.hub.feeds;
        for (slot, school_year) in waiting_scopes(&**feeds, &self.feed.name).await? {
            let mut after = None;
            loop {
                let scope = slot.scope(school_year);
                let rows = feeds.ledger(&self.feed.name, scope, after.as_ref(), PAGE).await?;
                let Some(last) = rows.last() else { break };
                after = Some(last.key);
                for row in rows.iter().filter(|row| row.status != LedgerStatus::Ended) {
                    self.take(slot, school_year, row)?;
                    if self.count >= max {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(self.count > 0)
    }

    fn take(&mut self, slot: Slot, school_year: u16, waits: &LedgerRow) -> Result<(), HubError> {
        let LedgerRow { key, ref detail, status, read_ms, .. } = *waits;
        let waiting = Waiting::decode(detail)?;
        let Some(row) = self.found(&waiting) else { return Ok(()) };
        // Who waits for the student is unmatched; the others wait for their school.
        self.found_schools |= status != LedgerStatus::Unmatched;
        for (place, mark) in
            cast_by(&row, (&waiting.student, &waiting.school), status == LedgerStatus::Unmatched)
        {
            if self.of_book.contains(&place) {
                self.places.on(place, mark);
            }
        }
        let (mut encoded, mut natural_key) = (Vec::new(), String::new());
        row.encode(&mut encoded);
        let matched = Slot { waits: false, ..slot };
        let head = Head {
            slot: matched.number(),
            school_year,
            key: row.ledger_key(&mut natural_key),
            line: waiting.line,
            flags: 0,
            content: content_hash(&encoded),
            read_ms,
        };
        self.sorter.push(head, &encoded)?;
        let gone = Head { slot: slot.number(), key, flags: ENDS | INFERRED, ..head };
        self.sorter.push(gone, detail)?;
        self.scopes.extend([(matched.number(), school_year), (slot.number(), school_year)]);
        self.count += 1;
        Ok(())
    }

    /// The row with its student and school, if both are found.
    fn found<'w>(&self, waiting: &Waiting<'w>) -> Option<Row<'w>> {
        let id_type =
            if self.feed.roster_of_record { Some(FIRST_ID) } else { self.feed.source.student_id_type() };
        let id_of_school = self.feed.roster_of_record.then_some(FIRST_ID);
        let Found::One(key) = self.resolver.student(&waiting.student, id_type) else { return None };
        let mut row = Row { student: Some(*key.as_uuid()), ..waiting.row.clone() };
        if !waiting.school.is_empty() {
            let Found::One(first) = self.resolver.school(&waiting.school, id_of_school) else { return None };
            row.body.set_school(first.to_owned().into());
        }
        Some(row)
    }

    /// Before the first row goes out. What a crash makes count twice only leaves more room for doubt.
    fn remember(&mut self, settings: &mut FeedSettings) {
        settings.found_since.extend(std::mem::take(&mut self.places).into_places());
        settings.reads_again |= self.found_schools;
        settings.accepted = None;
    }

    fn finish(self) -> Result<ReadIn, HubError> {
        let rejects = RejectBook::new(&self.feed.name, "");
        let empty = ReadIn::empty(Contents::default(), rejects, 0);
        Ok(ReadIn { sorted: self.sorter.finish()?, scopes: self.scopes, ..empty })
    }
}
