//! What waits to be sent when nobody is to be told any more, and when people are again.

use signalbox_consume::folder::Decided;
use signalbox_event::id::{alert_id, flag_id};
use signalbox_risk::{Flag, FlagState};
use signalbox_store::outbox::{Amended, Amendment};
use uuid::Uuid;

use super::super::student::{RuleState, StudentYear, Told};
use super::Announcer;

impl Announcer<'_> {
    /// What waits does not go while nobody is told. When people are again, what is open does.
    pub(crate) fn hold(&self, state: &mut RuleState, said: &mut Decided) {
        let withheld = self.withheld(self.mode_in_evidence().unwrap_or_else(|| self.mode_of_all()));
        let flags = &state.announced;
        for told in state.told.iter_mut().filter(|told| told.held != withheld) {
            let Some(flag) = flags.flag(told.number) else { continue };
            let to = match withheld {
                _ if !flag.state.is_live() => {
                    if told.held.is_some() {
                        continue;
                    }
                    Amended::Over { end: end_of(self.flag_id(flag), flag, &told.to) }
                }
                Some(because) => Amended::Withheld(because),
                None => Amended::ToBeSent { at_ms: self.now.as_millisecond() },
            };
            told.held = withheld;
            said.amendments.push(Amendment { id: told.alert_id, to });
        }
    }

    /// Where it is not known whether anybody may be told: only the mode is.
    pub(crate) fn hold_by_mode(&self, state: &mut RuleState, said: &mut Decided) {
        if self.withheld(self.mode_of_all()).is_some() {
            self.hold(state, said);
        }
    }
}

/// The alert that tells the recipient of the flag's end, if one does.
fn end_of(flag_id: Uuid, flag: &Flag, to: &str) -> Option<Uuid> {
    let is_told = matches!(flag.state, FlagState::Cleared | FlagState::Withdrawn);
    is_told.then(|| alert_id(flag_id, flag.state.as_str(), to))
}

/// Of flags of a year that is over nobody is told any more.
pub(crate) fn over(district: &str, who: StudentYear, state: &mut RuleState) -> Vec<Amendment> {
    let (flags, rule) = (&state.announced, &state.rule);
    let of = |told: &Told| {
        let flag = flags.flag(told.number)?;
        let id = flag_id(district, who.student, who.school_year, rule, flag.number);
        Some(Amendment { id: told.alert_id, to: Amended::Over { end: end_of(id, flag, &told.to) } })
    };
    state.told.drain(..).filter_map(|told| of(&told)).collect()
}
