//! From judged rows to events on the log; the ledger is written before.
//!
//! # Layout
//! - this file: `Emitter`, a row as an event; events of a run or the hub as a whole
//! - `chunk`: what is written at a time; `writer`: writing it beside making the next
//! - `unsent`: what a process may have recorded and not published when it died

mod chunk;
mod unsent;
mod writer;

use std::collections::HashMap;

use jiff::civil::Date;
use signalbox_connector::Entity;
use signalbox_event::data::{RowsMean, RunEnded, SchoolCoverage};
use signalbox_event::envelope::feed_source;
use signalbox_event::id::{derived, event_id};
use signalbox_event::rows::Subject;
use signalbox_event::{Data, Domain, Event, Status, topic};
use signalbox_hub::publish::{address, format_zoned, on_every_shard, rfc3339};
use signalbox_hub::{Hub, HubError};
use signalbox_log::Message;
use signalbox_store::feed::{Decision, FeedLease, LedgerRow, LedgerStatus, Run};

use self::chunk::Chunk;
use self::writer::Writer;
use super::diff::Step;
use super::identity::Resolver;
use super::row::Row;

pub(crate) use self::unsent::send_again;

/// Publishes the steps of one run.
pub(crate) struct Emitter<'a> {
    hub: &'a Hub,
    run: &'a Run,
    resolver: &'a Resolver,
    /// The name of the roster of record: the system of first ids.
    id_system: &'a str,
    source: String,
    traceparent: String,
    times: HashMap<Date, String>,
    chunk: Chunk,
    writer: Writer,
    has_sent: bool,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(
        hub: &'a Hub,
        lease: &'a FeedLease,
        run: &'a Run,
        resolver: &'a Resolver,
        id_system: &'a str,
    ) -> Self {
        let district = &hub.settings.district.id;
        Self {
            hub,
            run,
            resolver,
            id_system,
            source: feed_source(district, &run.feed),
            traceparent: traceparent(district, run),
            times: HashMap::new(),
            chunk: Chunk::default(),
            writer: Writer::new(hub, lease),
            has_sent: false,
        }
    }

    /// The decision is stored with the first rows.
    pub(crate) fn deciding(self, decision: Option<Decision>) -> Self {
        Self { writer: self.writer.deciding(decision), ..self }
    }

    pub(crate) async fn step(&mut self, step: Step) -> Result<(), HubError> {
        let Some(new) = step.new else { return Ok(()) };
        let scope = step.slot.scope(step.school_year);
        if self.chunk.is_closed_to(scope, &new.key) {
            self.write().await?;
        }
        if let Some(status) = step.publish {
            let event = self.event(step.slot.entity, step.school_year, &new, status)?;
            let (topic, shard) = address(self.hub, &event);
            self.chunk.push_event(&event, &topic, shard);
            self.has_sent = true;
        }
        self.chunk.push_row(scope, new);
        Ok(())
    }

    /// Whether any step was one to publish: the run is to be ended on its shards.
    pub(crate) fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Publishes a row of the ledger again, as it stands there.
    fn again(&mut self, entity: Entity, school_year: u16, row: &LedgerRow) -> Result<(), HubError> {
        // The end of a row has no content; an enrolment that a student left has its last day.
        let is_end = row.status == LedgerStatus::Ended && row.content == 0;
        let status = if is_end { Status::ToBeDeleted } else { Status::Active };
        let event = self.event(entity, school_year, row, status)?;
        let (topic, shard) = address(self.hub, &event);
        self.chunk.push_event(&event, &topic, shard);
        Ok(())
    }

    /// Returns when every step is recorded and appended.
    pub(crate) async fn flush(&mut self) -> Result<(), HubError> {
        let last = std::mem::take(&mut self.chunk);
        self.writer.write_last(last).await
    }

    /// As [`flush`](Self::flush), and the run is ended after it. With the last rows, where the log takes both or neither:
    /// elsewhere a shard might hear of the end and miss a row before it.
    pub(crate) async fn finish(&mut self, end: Vec<Message>) -> Result<(), HubError> {
        let log = self.hub.log.clone();
        if log.appends_whole() {
            for message in end {
                self.chunk.push_message(message);
            }
            self.flush().await?;
        } else {
            self.flush().await?;
            log.append(&end).await?;
        }
        signalbox_hub::failpoint!("run.end");
        Ok(())
    }

    async fn write(&mut self) -> Result<(), HubError> {
        let full = std::mem::take(&mut self.chunk);
        self.chunk = self.writer.write(full).await?;
        Ok(())
    }

    fn event(
        &mut self,
        entity: Entity,
        school_year: u16,
        new: &LedgerRow,
        status: Status,
    ) -> Result<Event, HubError> {
        let row = Row::decode(&new.detail)?;
        let district = &self.hub.settings.district;
        let subject = row.student_key();
        let first_id = subject.and_then(|key| self.resolver.first_id(key)).unwrap_or_default();
        let is_reference = !entity.domain().is_sharded();
        Ok(Event {
            id: event_id(
                &district.id,
                &self.run.feed,
                entity.as_str(),
                &row.natural_key(school_year),
                u64::from(new.revision),
                &new.content.to_be_bytes(),
            ),
            source: self.source.clone(),
            subject,
            time: self.time(row.date(), new.read_ms),
            partition_key: match &subject {
                Some(key) => topic::student_key(&district.id, key),
                None => district.id.clone(),
            },
            school_year: (!is_reference).then_some(school_year),
            revision: u64::from(new.revision),
            run: Some(self.run.number),
            traceparent: Some(self.traceparent.clone()),
            data: row.data(status, Subject { first_id, id_system: self.id_system }),
        })
    }

    /// The start of the day in the district's zone; for rows without a date when they were read first, also where they are
    /// published again.
    fn time(&mut self, date: Option<Date>, read_ms: i64) -> String {
        let zone = &self.hub.settings.district.zone;
        let Some(date) = date else { return rfc3339(read_ms, zone) };
        self.times.entry(date).or_insert_with(|| start_of_day(date, zone)).clone()
    }
}

/// A run's last record, on every shard of its topic.
pub(crate) async fn end_run(
    hub: &Hub,
    run: &Run,
    domain: Domain,
    rows: Option<RowsMean>,
    covered: &[SchoolCoverage],
) -> Result<(), HubError> {
    hub.log.append(&run_end(hub, run, domain, rows, covered)).await?;
    signalbox_hub::failpoint!("run.end");
    Ok(())
}

pub(crate) fn run_end(
    hub: &Hub,
    run: &Run,
    domain: Domain,
    rows: Option<RowsMean>,
    covered: &[SchoolCoverage],
) -> Vec<Message> {
    let data = Data::OpsRunEnded(RunEnded {
        feed: run.feed.clone(),
        run: run.number,
        rows,
        covered: covered.to_vec(),
    });
    let source = feed_source(&hub.settings.district.id, &run.feed);
    let name = format!("{}/{}", run.feed, run.number);
    on_every_shard(hub, domain, &source, &name, run.opened_ms, Some(run.number), &data)
}

fn start_of_day(date: Date, zone: &jiff::tz::TimeZone) -> String {
    date.to_zoned(zone.clone()).map_or_else(|_| format!("{date}T00:00:00Z"), |at| format_zoned(&at))
}

/// A W3C trace context of the run, derived from it.
fn traceparent(district: &str, run: &Run) -> String {
    let trace = derived(&[b"trace", district.as_bytes(), run.feed.as_bytes(), &run.number.to_be_bytes()]);
    let span = derived(&[b"span", trace.as_bytes()]);
    let span = &span.simple().to_string()[..16];
    format!("00-{}-{span}-01", trace.simple())
}
