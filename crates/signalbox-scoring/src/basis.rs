//! What flags were judged by: kept, so that it can be computed again at its own place on the log.

use jiff::civil::Date;
use signalbox_hub::shard::Place;
use signalbox_risk::{Announced, Flag, FlagState, Measured, Rule};

use super::student::{Basis, RuleState};

/// What a flag says, without what people did.
#[derive(PartialEq)]
pub(super) struct Said {
    number: u32,
    state: FlagState,
    start: Date,
    until: Date,
    measured: Measured,
}

impl Said {
    fn of(flag: &Flag) -> Self {
        let Flag { number, state, start, until, ref measured, .. } = *flag;
        Self { number, state, start, until, measured: measured.clone() }
    }
}

/// What the live flags say.
pub(super) fn said(announced: &Announced) -> Vec<Said> {
    announced.flags().iter().filter(|flag| flag.state.is_live()).map(Said::of).collect()
}

/// Keeps what each flag was judged by that was told anew, or was told the same by other settings. `before` is what the
/// live flags said until then.
pub(super) fn note(state: &mut RuleState, before: &[Said], rule: &Rule, as_of: Date, place: &Place) {
    let was_live = |flag: &Flag| before.iter().any(|said| said.number == flag.number);
    let judged = state
        .announced
        .flags()
        .iter()
        .filter(|flag| !flag.unconfirmed && (flag.state.is_live() || was_live(flag)));
    for flag in judged {
        let number = flag.number;
        let held = state.bases.iter_mut().find(|basis| basis.number == number);
        let stands = held.as_ref().is_some_and(|held| held.rule == *rule) && before.contains(&Said::of(flag));
        if stands {
            continue;
        }
        let basis = Basis { number, as_of, rule: rule.clone(), place: place.clone() };
        match held {
            Some(held) => *held = basis,
            None => state.bases.push(basis),
        }
    }
}
