//! What waits to be sent when nobody is to be told any more, and when people are again.

use jiff::Timestamp;
use signalbox_consume::folder::Decided;
use signalbox_event::id::{alert_id, flag_id};
use signalbox_event::webhook::STANDING;
use signalbox_risk::{Flag, FlagState};
use signalbox_store::outbox::{Amended, Amendment, WithheldBecause};
use uuid::Uuid;

use super::super::student::{RuleState, StudentYear, Told};
use super::Announcer;

impl Announcer<'_> {
    /// What waits does not go while nobody is told, nor to whom no route leads any more. When people are told again, what is
    /// open goes.
    pub(crate) fn hold(&self, state: &mut RuleState, said: &mut Decided) {
        self.hold_or_send(state, said, true);
    }

    /// Where it is not known whether anybody may be told: mode and routes are, and say who may not.
    pub(crate) fn hold_what_is_known(&self, state: &mut RuleState, said: &mut Decided) {
        self.hold_or_send(state, said, false);
    }

    fn hold_or_send(&self, state: &mut RuleState, said: &mut Decided, may_send: bool) {
        let at_ms = self.now.as_millisecond();
        for told in &mut state.told {
            let Some(flag) = state.announced.flag(told.number) else { continue };
            let by_mode = self.withheld(self.mode_in_evidence(flag).unwrap_or_else(|| self.mode_of_all()));
            let is_routed = self.recipients().any(|to| to == told.to);
            let withheld = if is_routed { by_mode } else { by_mode.or(Some(WithheldBecause::NotRouted)) };
            // What is unconfirmed goes when it is confirmed: perhaps nobody has heard of it.
            let may_go = may_send && !(flag.unconfirmed && flag.state.is_live());
            if told.held == withheld || withheld.is_none() && !may_go {
                continue;
            }
            let to = match withheld {
                _ if !flag.state.is_live() => {
                    if told.held.is_some() {
                        continue;
                    }
                    Amended::Over { end: end_of(self.flag_id(flag), flag, &told.to) }
                }
                Some(because) => Amended::Withheld(because),
                None => Amended::ToBeSent { listed_as: STANDING },
            };
            told.held = withheld;
            said.amendments.push(Amendment { id: told.alert_id, to, at_ms });
        }
    }
}

/// The alert that tells the recipient of the flag's end, if one does.
fn end_of(flag_id: Uuid, flag: &Flag, to: &str) -> Option<Uuid> {
    let is_told = matches!(flag.state, FlagState::Cleared | FlagState::Withdrawn);
    is_told.then(|| alert_id(flag_id, flag.state.as_str(), to))
}

/// Of flags of a year that is over nobody is told any more.
pub(crate) fn over(
    district: &str,
    who: StudentYear,
    state: &mut RuleState,
    now: Timestamp,
) -> Vec<Amendment> {
    let at_ms = now.as_millisecond();
    let (flags, rule) = (&state.announced, &state.rule);
    let of = |told: &Told| {
        let flag = flags.flag(told.number)?;
        let id = flag_id(district, who.student, who.school_year, rule, flag.number);
        let to = Amended::Over { end: end_of(id, flag, &told.to) };
        Some(Amendment { id: told.alert_id, to, at_ms })
    };
    state.told.drain(..).filter_map(|told| of(&told)).collect()
}
