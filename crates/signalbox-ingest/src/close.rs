//! How a run ends: its payload went in, waits for a person, or is not used at all.

use signalbox_connector::Refusal;
use signalbox_connector::words::noun;
use signalbox_event::id::derived;
use signalbox_hub::HubError;
use signalbox_store::feed::{Closing, Hold, HoldState, Outcome, Run, Superseded};

use super::gate::{Gated, Held, SchoolEnds, UNUSABLE};
use super::read::Notes;
use super::rejects::RejectBook;
use super::run::OpenRun;
use super::same::Basis;
use super::settings::FeedSettings;
use super::{HoldReport, RunReport, Warning, cause};

impl OpenRun<'_> {
    /// `is_delta`: the payload does not say again what earlier ones said, and supersedes none.
    pub(super) async fn accept(
        &self,
        rejects: RejectBook,
        gated: &Gated,
        settings: FeedSettings,
        is_delta: bool,
    ) -> Result<RunReport, HubError> {
        let mut report = self.report(gated);
        let hold = match &gated.hold {
            Some(held) => self.kept_back(held).await?,
            None => None,
        };
        report.hold =
            hold.as_ref().map(|hold| HoldReport { reason: hold.reason.clone(), would_end: hold.would_end });
        let settings = FeedSettings {
            last: Some(report.clone()),
            accepted_run: Some(self.run.number),
            found_since: Vec::new(),
            reads_again: false,
            unusable_basis: None,
            says_again: self.says_again(settings.says_again),
            ..settings
        };
        let closing = Closing {
            rejects: Some(rejects.into_parts()),
            hold,
            decided_hold: self.approved(HoldState::Done),
            superseded: if is_delta { Superseded::None } else { self.superseded().await? },
            ..closing(Outcome::Accepted, &report, &settings)
        };
        self.close(report, closing).await
    }

    /// The hold of schools whose rows stand on while the rest goes in: the one that waits for them already, now about this
    /// payload; a new one; or none, when a person has refused these bytes.
    async fn kept_back(&self, held: &Held) -> Result<Option<Hold>, HubError> {
        if self.earlier_hold().await?.is_some_and(|hold| hold.state == HoldState::Refused) {
            return Ok(None);
        }
        let new = self.new_hold(held);
        let names = |schools: &str| -> Vec<String> {
            let schools: Vec<SchoolEnds> = serde_json::from_str(schools).unwrap_or_default();
            schools.into_iter().map(|school| school.school).collect()
        };
        let holds = self.hub.feeds.holds(&[HoldState::Waiting]).await?;
        let waiting = holds.into_iter().find(|hold| {
            hold.feed == new.feed && hold.reason == new.reason && names(&hold.schools) == names(&new.schools)
        });
        Ok(Some(match waiting {
            Some(waiting) => Hold { id: waiting.id, since_ms: waiting.since_ms, ..new },
            None => new,
        }))
    }

    /// Closes a run that a person must decide on. Bytes that were held or refused before are not held again: the hold
    /// that waits goes on waiting, and what was refused stays refused.
    pub(super) async fn hold(
        &self,
        rejects: RejectBook,
        gated: &Gated,
        held: &Held,
        settings: FeedSettings,
    ) -> Result<RunReport, HubError> {
        let earlier = self.earlier_hold().await?;
        let mut report = self.report(gated);
        let refused = earlier.as_ref().filter(|hold| hold.state == HoldState::Refused);
        // What was approved and would end more by now is asked about anew.
        let asked_anew = self.approved(HoldState::Superseded);
        let opens = earlier.is_none() || asked_anew.is_some();
        let outcome = if let Some(refused) = refused {
            let by = refused.decided_by.as_deref().unwrap_or("somebody");
            report.refused = Some(format!("The same file was refused by {by}. Drop a good one."));
            Outcome::Refused
        } else {
            report.hold = Some(HoldReport { reason: held.reason.clone(), would_end: held.would_end });
            Outcome::Held
        };
        let unusable = held.reason == UNUSABLE;
        let settings = FeedSettings {
            last: Some(report.clone()),
            unusable_basis: unusable.then(|| gated.basis.clone()),
            ..settings
        };
        // A hold that waits already is from now on about what was found now.
        let hold = match earlier {
            _ if opens => Some(self.new_hold(held)),
            Some(waiting) if waiting.state == HoldState::Waiting => {
                Some(Hold { id: waiting.id, since_ms: waiting.since_ms, ..self.new_hold(held) })
            }
            _ => None,
        };
        let closing = Closing {
            // Nothing of the payload is used, so open rejects stay, unless they are what a person has to see.
            rejects: unusable.then(|| rejects.into_parts()),
            hold,
            decided_hold: asked_anew,
            ..closing(outcome, &report, &settings)
        };
        self.close(report, closing).await
    }

    /// Closes a run whose payload cannot be used at all.
    pub(super) async fn refuse(&self, refusal: &Refusal) -> Result<RunReport, HubError> {
        let mut rejects = RejectBook::new(&self.run.feed, &self.run.name);
        rejects.refuse(refusal);
        let report = RunReport {
            feed: self.run.feed.clone(),
            payload: self.run.name.clone(),
            refused: Some(sentences(&refusal.message, &refusal.help)),
            ..RunReport::default()
        };
        let settings = self.remembering(&report).await?;
        let closing = Closing {
            rejects: Some(rejects.into_parts()),
            // What a person approved is refused by now: it is over, and not taken up at every pass.
            decided_hold: self.approved(HoldState::Done),
            ..closing(Outcome::Refused, &report, &settings)
        };
        self.close(report, closing).await
    }

    async fn close(&self, report: RunReport, closing: Closing) -> Result<RunReport, HubError> {
        self.hub.feeds.close_run(self.lease, self.run.number, closing).await?;
        signalbox_hub::failpoint!("run.close");
        Ok(report)
    }

    /// The settings, with what `status` shows of a payload that is not used.
    async fn remembering(&self, report: &RunReport) -> Result<FeedSettings, HubError> {
        let mut settings = FeedSettings::load(self.hub, &report.feed).await?;
        settings.last = Some(report.clone());
        if settings.unusable_basis.is_some() && cause::is_retry(&self.run.cause) {
            // It was judged anew, and waits for the next change.
            let undecided = Run { gated: None, ..self.run.clone() };
            settings.unusable_basis =
                Some(Basis::load(self.hub, self.feed, self.run_day()).await?.of(&undecided));
        }
        Ok(settings)
    }

    /// What came between a payload that was approved and now, beside what is to be read again anyway.
    fn says_again(&self, due: Option<(u64, u64)>) -> Option<(u64, u64)> {
        if cause::approved_hold(&self.run.cause).is_none() {
            return due;
        }
        let first = cause::came_with(self.run);
        Some((due.map_or(first, |(after, _)| after.min(first)), self.run.number))
    }

    /// The hold that this run was approved as, and what becomes of it.
    fn approved(&self, becomes: HoldState) -> Option<(String, HoldState)> {
        cause::approved_hold(&self.run.cause).map(|id| (id.to_owned(), becomes))
    }

    /// The holds of payloads that are no newer than this one, which is accepted: a new drop is the newest there is.
    async fn superseded(&self) -> Result<Superseded, HubError> {
        if self.run.cause == cause::DROP {
            return Ok(Superseded::All);
        }
        let mut ids = Vec::new();
        let undone = self.hub.feeds.holds(&[HoldState::Waiting, HoldState::Approved]).await?;
        for hold in undone.into_iter().filter(|hold| hold.feed == self.run.feed) {
            let held = self.hub.feeds.run(&hold.feed, hold.run).await?;
            if held.is_none_or(|held| cause::came_with(&held) <= cause::came_with(self.run)) {
                ids.push(hold.id);
            }
        }
        Ok(Superseded::These(ids))
    }

    /// The last hold of the same bytes that waits or was refused.
    async fn earlier_hold(&self) -> Result<Option<Hold>, HubError> {
        let holds = self.hub.feeds.holds(&[HoldState::Waiting, HoldState::Refused]).await?;
        for hold in holds.into_iter().filter(|hold| hold.feed == self.run.feed).rev() {
            let held = self.hub.feeds.run(&hold.feed, hold.run).await?;
            if held.is_some_and(|held| held.payload == self.run.payload) {
                return Ok(Some(hold));
            }
        }
        Ok(None)
    }

    fn new_hold(&self, held: &Held) -> Hold {
        let run = self.run;
        let id = derived(&[b"hold", run.feed.as_bytes(), &run.number.to_be_bytes(), run.payload.as_bytes()]);
        Hold {
            id: id.simple().to_string()[..12].to_owned(),
            feed: run.feed.clone(),
            run: run.number,
            reason: held.reason.clone(),
            would_end: held.would_end,
            schools: serde_json::to_string(&held.schools).expect("schools always serialise"),
            since_ms: self.now.as_millisecond(),
            state: HoldState::Waiting,
            decided_by: None,
            decided_reason: None,
        }
    }

    fn report(&self, gated: &Gated) -> RunReport {
        RunReport {
            feed: self.run.feed.clone(),
            payload: self.run.name.clone(),
            counts: gated.counts.clone(),
            hold: None,
            refused: None,
            warnings: warnings(&gated.notes),
        }
    }
}

/// One that touches neither rejects nor holds.
fn closing(outcome: Outcome, report: &RunReport, settings: &FeedSettings) -> Closing {
    let summary = serde_json::to_string(report).expect("a report with text keys always serialises");
    Closing { settings: Some(settings.to_json()), ..Closing::new(outcome, summary) }
}

/// Two sentences, whether or not the first ends like one.
pub(super) fn sentences(message: &str, help: &str) -> String {
    let message = message.trim_end_matches('.');
    format!("{message}. {help}").trim_end().to_owned()
}

fn warnings(notes: &Notes) -> Vec<Warning> {
    let at: Vec<&str> = notes.no_calendar_at.iter().map(String::as_str).collect();
    let at = if at.is_empty() { String::new() } else { format!(", e.g. at school {}", at.join(", ")) };
    let no_calendar = format!("on a date that no calendar covers{at}: counted nowhere");
    let counted = [
        ("non_instructional_day", notes.non_instructional, "on a day without school: kept, counted nowhere"),
        ("no_calendar", notes.no_calendar, &no_calendar),
        (
            "before_coverage",
            notes.before_coverage,
            "on days before those that the file speaks for (`covers`): counted nowhere. If it always has more days, widen \
             `covers` and drop it again",
        ),
        (
            "ambiguous_id",
            notes.ambiguous,
            "not matched because two students fit: mend the ids in the roster, or set `ids:` to say which id it is",
        ),
        (
            "two_persons",
            notes.two_persons,
            "not matched because the roster has two persons under the id, or another than before: mend it, unless the \
             id is another child's by now; a roster of a later day settles that",
        ),
    ];
    let counted = counted.into_iter().map(|(code, count, which)| warning(code, count, which));
    let hints = notes.hints.iter().map(|(hint, count)| warning(hint.code(), *count, hint.mend()));
    let empty = notes.empty.then(|| Warning {
        code: "empty".to_owned(),
        count: 1,
        message: "file has a header and no rows: it says nothing, and ends nothing".to_owned(),
    });
    counted.chain(hints).filter(|warning| warning.count > 0).chain(empty).collect()
}

fn warning(code: &str, count: u64, which: &str) -> Warning {
    Warning { code: code.to_owned(), count, message: format!("{} {which}", noun(count, "row")) }
}
