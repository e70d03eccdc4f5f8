//! One payload, from its landed bytes to the closed run.

use std::collections::HashSet;
use std::fs::File;
use std::io;

use jiff::Timestamp;
use jiff::civil::Date;
use signalbox_connector::Refusal;
use signalbox_event::StudentKey;
use signalbox_hub::{Feed, Hub, HubError};
use signalbox_store::feed::{CrosswalkRow, Decision, FeedLease, Hold, Run};

use super::diff::{By, Diff};
use super::emit::{Emitter, end_run, run_end};
use super::extent::{self, Judged};
use super::gate::{Gated, Tally};
use super::identity::{Change, Person, Resolver, Successor, two_persons};
use super::read::{self, Beside, ReadIn};
use super::rejects::RejectBook;
use super::returned::{Returned, Returning};
use super::same::{self, Accepted, Basis};
use super::settings::{FeedSettings, Remembered};
use super::steps::Few;
use super::waited::waited;
use super::{RunReport, cause};

/// What is to become of a payload.
struct Judgement {
    gated: Gated,
    /// To be stored, unless an earlier try has.
    decision: Option<Decision>,
    /// What came of it, as far as that is few.
    steps: Few,
    /// Students under whose id the payload has another person: it is to be read again, knowing.
    strangers: Vec<(StudentKey, Person)>,
    /// Rows that were in doubt and are back, where that puts others in doubt: it is to be read again, knowing.
    returned: Option<Returned>,
}

/// What passes over a payload have taught: of ids the resolver, which the next one finds there as if it had been known.
#[derive(Default)]
struct Taught {
    ids: Change,
    succeeded: HashSet<StudentKey>,
    returned: Returned,
}

impl Taught {
    fn extend(&mut self, read: &mut ReadIn) {
        self.ids.extend(std::mem::take(&mut read.ids));
        self.succeeded.extend(&read.succeeded);
        read.succeeded.clone_from(&self.succeeded);
    }
}

/// A run that is to be worked through.
#[derive(Clone, Copy)]
pub(super) struct OpenRun<'a> {
    pub hub: &'a Hub,
    pub feed: &'a Feed,
    pub lease: &'a FeedLease,
    pub run: &'a Run,
    pub now: Timestamp,
}

impl OpenRun<'_> {
    /// Reads, compares, gates, publishes and closes.
    pub(super) async fn process(
        &self,
        resolver: &mut Resolver,
        basis: &Basis,
        settings: FeedSettings,
    ) -> Result<RunReport, HubError> {
        let returned = self.decided()?.unwrap_or_default().returned;
        self.pass(resolver, basis, settings, Taught { returned, ..Taught::default() }).await
    }

    async fn pass(
        &self,
        resolver: &mut Resolver,
        basis: &Basis,
        mut settings: FeedSettings,
        mut taught: Taught,
    ) -> Result<RunReport, HubError> {
        let Self { hub, feed, .. } = *self;
        let remembered = Remembered::load(hub, &feed.name, &settings).await?;
        let (read, size_bytes) = self.read(&remembered, &taught.returned, resolver).await?;
        let mut read = match read {
            Ok(read) => read,
            Err(refusal) => return self.set_aside(&refusal).await,
        };
        read.succeeded.extend(&settings.succeeded);
        taught.extend(&mut read);
        read.scopes.extend(remembered.waiting.iter().map(|(slot, year)| (slot.number(), *year)));
        let read_on = remembered.read_on.map_or(self.run_day(), |last| last.max(self.run_day()));
        let judged = extent::judged(&read, &hub.settings.calendars, self.run_day(), settings.has_inferred);
        let by = self.by(&judged, read_on);
        let Judgement { gated, mut decision, steps, strangers, returned } =
            self.gate(&mut read, by, &remembered, &taught.returned, basis, &mut settings).await?;
        if !strangers.is_empty() || returned.is_some() {
            taught.ids.new.extend(self.teach_strangers(resolver, &strangers));
            taught.returned = taught.returned.union(returned.unwrap_or_default());
            return Box::pin(self.pass(resolver, basis, settings, taught)).await;
        }
        read.ids = taught.ids;
        // Where only rows follow, the decision goes with the first of them.
        let with_rows = gated.publishes() && read.ids.is_empty();
        if let Some(decision) = decision.take_if(|_| !with_rows) {
            self.decide(&decision).await?;
        }
        if let Some(held) = gated.hold.as_ref().filter(|held| held.is_whole()) {
            self.end_what_went_out().await?;
            return self.hold(read.rejects, &gated, held, settings).await;
        }
        if !read.succeeded.is_empty() {
            // Before anything of it is out: whoever takes the run up after a crash knows.
            settings.succeeded = read.succeeded.iter().copied().collect();
            settings.save(hub, self.lease).await?;
        }
        if !read.ids.is_empty() {
            self.teach(&read).await?;
        }
        if gated.publishes() {
            let emitter =
                Emitter::new(hub, self.lease, self.run, resolver, id_system(hub)).deciding(decision);
            self.publish(&read, by, &gated, steps, emitter, &mut settings).await?;
        } else {
            self.cover(&read, &gated, &mut settings).await?;
        }
        settings.accepted = Accepted::of(basis.context(), size_bytes, &read, &gated);
        settings.has_inferred |= read.infers;
        settings.spoken.extend(&read, &gated.covered, self.run_day());
        settings.terms.clone_from(read.speaks.terms());
        settings.succeeded.retain(|key| read.doubt.is_about(*key) || !gated.kept_back.is_empty());
        let is_delta = read.is_delta();
        self.accept(read.rejects, &gated, settings, is_delta).await
    }

    /// Nobody is found by an id that another person has alone, until the payload of a later day says so too: one night's slip
    /// of the pen gives no child another one's days.
    fn teach_strangers(
        &self,
        resolver: &mut Resolver,
        strangers: &[(StudentKey, Person)],
    ) -> Vec<CrosswalkRow> {
        let rows = strangers.iter().map(|(key, person)| {
            let successor = Successor { fingerprint: person.fingerprint(), day: self.run_day() };
            let row = two_persons(resolver, *key, Some(successor));
            resolver.add(&row);
            row
        });
        rows.collect()
    }

    /// Refuses the payload, of which rows may be on the log.
    pub(super) async fn set_aside(&self, refusal: &Refusal) -> Result<RunReport, HubError> {
        self.end_what_went_out().await?;
        self.refuse(refusal).await
    }

    /// A run that was cut short may have rows on the log, whatever is decided of it now: it ends there, covering nothing.
    async fn end_what_went_out(&self) -> Result<(), HubError> {
        if self.run.unsent.is_none() {
            return Ok(());
        }
        end_run(self.hub, self.run, self.feed.domain(), None, &[]).await
    }

    fn payload(&self) -> Result<File, HubError> {
        self.hub.landing.payload(&self.run.payload).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => HubError::NotLanded,
            _ => HubError::Io(error),
        })
    }

    /// What was decided of the run before it was cut short.
    fn decided(&self) -> Result<Option<Gated>, HubError> {
        let decided = self.run.gated.as_deref().map(serde_json::from_str).transpose();
        decided.map_err(|_| HubError::Stored("run's decision"))
    }

    async fn read(
        &self,
        remembered: &Remembered,
        returned: &Returned,
        resolver: &mut Resolver,
    ) -> Result<(Result<ReadIn, Refusal>, u64), HubError> {
        let Self { hub, feed, run, .. } = *self;
        let mut payload = self.payload()?;
        let size_bytes = payload.metadata()?.len();
        // Dropped once more, the same rows speak of the days since too.
        let is_reread = remembered.payload.as_ref() == Some(&run.payload) && run.cause != cause::DROP;
        let waited = waited(&*hub.feeds, &feed.name, &remembered.waiting).await?;
        let beside = Beside {
            book: &remembered.book,
            returned,
            is_reread,
            spoke_from: (is_reread && cause::is_retry(&run.cause)).then_some(&remembered.spoke_from),
            spoken: &remembered.spoken,
            terms: &remembered.terms,
            doubtful: &remembered.doubtful,
            covered: &remembered.covered,
            some_wait: !remembered.waiting.is_empty(),
            waited: &waited,
            run_day: self.run_day(),
            scratch: hub.landing.scratch(),
        };
        let read = tokio::task::block_in_place(|| {
            read::read(&hub.settings, feed, &run.name, &mut payload, &beside, resolver)
        })?;
        Ok((read, size_bytes))
    }

    /// Works a run through whose rows are those of the last accepted payload (see [`same`]). `None`: they are not, or
    /// the run is for looking twice.
    pub(super) async fn recognised(
        &self,
        basis: &Basis,
        settings: &FeedSettings,
    ) -> Result<Option<RunReport>, HubError> {
        let Self { hub, feed, run, .. } = *self;
        let Some(accepted) = &settings.accepted else { return Ok(None) };
        if run.cause != cause::DROP || run.gated.is_some() {
            return Ok(None);
        }
        let (run_day, context) = (self.run_day(), basis.context());
        let payload = self.payload()?;
        let read =
            tokio::task::block_in_place(|| accepted.recognise(feed, &context, run_day, &run.name, payload))?;
        let Some(mut read) = read else { return Ok(None) };
        read.spoken = settings.spoken.clone();
        read.covered = extent::coverage(&read, &hub.settings.calendars, run_day);
        read.windows = extent::windows(&read, &hub.settings.calendars, run_day);
        let gated = accepted.gated(&read);
        self.decide(&self.decision(&gated, None)).await?;
        let mut settings = settings.clone();
        self.cover(&read, &gated, &mut settings).await?;
        settings.spoken.extend(&read, &gated.covered, run_day);
        let is_delta = read.is_delta();
        self.accept(read.rejects, &gated, settings, is_delta).await.map(Some)
    }

    pub(super) fn run_day(&self) -> Date {
        run_day(self.hub, self.run)
    }

    /// What the payload is compared by.
    pub(super) fn by<'a>(&'a self, judged: &'a [Judged], read_on: Date) -> By<'a> {
        let Self { hub, feed, run, .. } = *self;
        By {
            feeds: &*hub.feeds,
            feed: &feed.name,
            settings: &hub.settings,
            read_on,
            read_ms: run.opened_ms,
            judged,
        }
    }

    /// Counts what the payload would do and decides what becomes of it. A resumed run keeps what was decided before, while
    /// that rests on the same.
    async fn gate(
        &self,
        read: &mut ReadIn,
        by: By<'_>,
        remembered: &Remembered,
        known: &Returned,
        basis: &Basis,
        settings: &mut FeedSettings,
    ) -> Result<Judgement, HubError> {
        let Self { feed, run, .. } = *self;
        let basis = basis.of(run);
        let mut rejects = std::mem::replace(&mut read.rejects, RejectBook::new(&feed.name, &run.name));
        let mut tally = Tally::new(feed.source.entities(), read, self.run_day());
        let mut diff = Diff::new(by, read)?;
        let mut steps = Few::default();
        let mut strangers = Vec::new();
        let book = Some(&remembered.book).filter(|_| !read.doubt.is_none());
        let mut returning = book.and_then(|book| Returning::to(&remembered.covered, book));
        while let Some(step) = diff.next().await? {
            strangers.extend(step.stranger(read)?);
            if let Some(returning) = &mut returning {
                returning.step(&step)?;
            }
            tally.step(&step, &mut rejects)?;
            steps.keep(step);
        }
        drop(diff);
        read.rejects = rejects;
        let before = self.decided()?.unwrap_or_default();
        let is_decided = before.basis == basis;
        let returned = returning.map(Returning::finish).filter(|_| !is_decided);
        let returned = returned.filter(|returned| read.doubt.is_renewed(&remembered.book, returned));
        if is_decided || !strangers.is_empty() || returned.is_some() {
            return Ok(Judgement { gated: before, decision: None, steps, strangers, returned });
        }
        let approved = self.approved_hold().await?;
        let gated = tally.finish(read, &remembered.book, approved.as_ref());
        let gated = Gated { basis, returned: known.clone(), ..gated };
        // From here on the ledger is no longer that of the last accepted payload.
        let forgets = gated.publishes() && settings.accepted.take().is_some();
        let decision = Some(self.decision(&gated, forgets.then_some(&*settings)));
        Ok(Judgement { gated, decision, steps, strangers, returned: None })
    }

    /// The hold that a person approved, if that is why the payload is worked through.
    async fn approved_hold(&self) -> Result<Option<Hold>, HubError> {
        let Some(id) = cause::approved_hold(&self.run.cause) else { return Ok(None) };
        Ok(self.hub.feeds.hold(id).await?)
    }

    fn decision(&self, gated: &Gated, settings: Option<&FeedSettings>) -> Decision {
        let gated = serde_json::to_string(gated).expect("a decision always serialises");
        Decision { run: self.run.number, gated, settings: settings.map(FeedSettings::to_json) }
    }

    /// Remembers what was decided, so that a resumed run does not decide again.
    async fn decide(&self, decision: &Decision) -> Result<(), HubError> {
        self.hub.feeds.gate_run(self.lease, decision, None).await?;
        signalbox_hub::failpoint!("run.gate");
        Ok(())
    }

    /// What the payload says of ids.
    async fn teach(&self, read: &ReadIn) -> Result<(), HubError> {
        let Self { hub, lease, run, .. } = *self;
        same::crosswalk_grows(hub, lease, run, "before").await?;
        hub.feeds.change_crosswalk(lease, &read.ids.gone, &read.ids.new).await?;
        same::crosswalk_grows(hub, lease, run, "after").await
    }

    /// Records and publishes what changes, and ends the run on the log.
    async fn publish(
        &self,
        read: &ReadIn,
        by: By<'_>,
        gated: &Gated,
        steps: Few,
        mut emitter: Emitter<'_>,
        settings: &mut FeedSettings,
    ) -> Result<(), HubError> {
        let Self { hub, run, .. } = *self;
        let mut steps = steps.or_anew(by, read)?;
        while let Some(step) = steps.next().await? {
            emitter.step(gated.allowed(step)?).await?;
        }
        if emitter.has_sent() || self.has_to_end(read, gated, settings) {
            emitter.finish(run_end(hub, run, self.feed.domain(), read.rows_mean(), &gated.covered)).await?;
            settings.rows_mean = read.rows_mean();
        } else {
            emitter.flush().await?;
        }
        settings.extend(&gated.covered);
        Ok(())
    }

    /// Whether an earlier try opened the run on its shards, or it covers more than was covered, or its rows mean another
    /// thing. What it covers is saved when the run is closed: until then it is said again.
    fn has_to_end(&self, read: &ReadIn, gated: &Gated, settings: &FeedSettings) -> bool {
        self.run.unsent.is_some()
            || settings.extends(&gated.covered)
            || settings.rows_mean.is_some() && settings.rows_mean != read.rows_mean()
    }

    /// Ends a run that changes nothing, if it has to be.
    async fn cover(&self, read: &ReadIn, gated: &Gated, settings: &mut FeedSettings) -> Result<(), HubError> {
        if self.has_to_end(read, gated, settings) {
            end_run(self.hub, self.run, self.feed.domain(), read.rows_mean(), &gated.covered).await?;
            settings.rows_mean = read.rows_mean();
            settings.extend(&gated.covered);
        }
        Ok(())
    }
}

/// The local day on which the run was opened.
pub(super) fn run_day(hub: &Hub, run: &Run) -> Date {
    let opened = Timestamp::from_millisecond(run.opened_ms).unwrap_or_default();
    hub.settings.district.local_date(opened)
}

/// The name under which first ids are known: that of the roster of record.
pub(crate) fn id_system(hub: &Hub) -> &str {
    hub.settings.feeds.iter().find(|feed| feed.roster_of_record).map_or("", |feed| &feed.name)
}
