//! One student, judged by every rule: what becomes of the flags, and who is told.

use jiff::civil::Date;
use signalbox_consume::folder::{Decided, Deciding};
use signalbox_hub::shard::Year;
use signalbox_risk::{Fits, Judgement, Judging, Rule};

use super::Scoring;
use super::alerts::{Announcer, Whom, over};
use super::basis::{self, note};
use super::student::{RuleState, StudentState, StudentYear};

pub(super) struct Judge<'a>(pub(super) &'a Deciding<'a, Scoring>);

impl Judge<'_> {
    /// Only the running school year is judged.
    pub(super) fn decide(&self, who: StudentYear, state: &mut StudentState) -> Decided {
        match self.0.shard.year(who.school_year) {
            Year::Running => self.judge(who, state),
            Year::Over => self.end_year(who, state, true),
            // What was judged in it went by calendars that were corrected since.
            Year::ToCome => self.end_year(who, state, false),
        }
    }

    fn end_year(&self, who: StudentYear, state: &mut StudentState, is_over: bool) -> Decided {
        let Deciding { hub, now, .. } = *self.0;
        let mut said = Decided::default();
        for rule in &mut state.rules {
            rule.announced.end_year(is_over, now);
            said.amendments.extend(over(&hub.settings.district.id, who, rule, now));
        }
        said
    }

    fn judge(&self, who: StudentYear, state: &mut StudentState) -> Decided {
        let Deciding { shard, reference: against, as_of, .. } = *self.0;
        let heard = against.law.hear(shard, &state.registers);
        let (school_year, reference) = (who.school_year, &against.reference);
        let on = Judging { registers: &heard.registers, reference, school_year, as_of };
        let is_enrolled = heard.is_undecided || on.is_enrolled();
        let whom = Whom { who, profile: state.profile.as_ref(), on: &on, is_enrolled };
        if heard.is_undecided {
            let mut said = Decided::default();
            for kept in &mut state.rules {
                kept.announced.unconfirm();
                self.hold_what_is_known(&whom, kept, &mut said);
            }
            return said;
        }
        let mut said = Decided { looks_again: heard.registers.moves_after(as_of), ..Decided::default() };
        let mut rules = std::mem::take(&mut state.rules);
        for name in against.law.names(&rules).collect::<Vec<_>>() {
            let at = rules.binary_search_by(|state| state.rule.as_str().cmp(name));
            let mut fresh = RuleState::default();
            let kept = match at {
                Ok(at) => &mut rules[at],
                Err(_) => &mut fresh,
            };
            let again = self.by_rule(&whom, name, kept, &mut said);
            said.looks_again = said.looks_again.into_iter().chain(again).min();
            if let (Err(at), false) = (at, fresh.announced.flags().is_empty()) {
                rules.insert(at, RuleState { rule: name.to_owned(), ..fresh });
            }
        }
        drop(heard);
        state.rules = rules;
        said
    }

    /// Judges by the rules of one name; answers when to look again.
    fn by_rule(&self, whom: &Whom<'_>, name: &str, kept: &mut RuleState, said: &mut Decided) -> Option<Date> {
        let Deciding { reference: against, place, now, .. } = *self.0;
        let before = basis::said(&kept.announced);
        let (rule, judgement, changes) = match against.law.fitting(name, whom.on) {
            Fits::Rule(rule) => {
                let judgement = rule.judge(whom.on);
                let changes = judgement.announce(&mut kept.announced, now);
                (rule, Some(judgement), changes)
            }
            Fits::No => {
                let rule = &kept.bases.last()?.rule.clone();
                let changes = kept.announced.no_longer_fits(now);
                note(kept, &before, rule, whom.on.as_of, place);
                self.announcer(whom, rule, None).say(kept, &changes, said);
                return None;
            }
            Fits::Unknown => {
                kept.announced.unconfirm();
                let rule = &kept.bases.last()?.rule.clone();
                self.announcer(whom, rule, None).hold(kept, said);
                return None;
            }
        };
        if judgement.as_ref().is_some_and(Judgement::decides) {
            note(kept, &before, rule, whom.on.as_of, place);
        }
        self.announcer(whom, rule, judgement.as_ref()).say(kept, &changes, said);
        judgement.and_then(|judgement| judgement.looks_again())
    }

    fn announcer<'b>(
        &'b self,
        whom: &'b Whom<'b>,
        rule: &'b Rule,
        judgement: Option<&'b Judgement>,
    ) -> Announcer<'b> {
        let Deciding { hub, shard, reference: against, now, .. } = *self.0;
        Announcer { hub, shard, in_force: &against.law.in_force, whom, rule, judgement, now }
    }

    /// Whether the student is enrolled is not known.
    fn hold_what_is_known(&self, whom: &Whom<'_>, kept: &mut RuleState, said: &mut Decided) {
        if let Some(rule) = kept.bases.last().map(|basis| basis.rule.clone()) {
            self.announcer(whom, &rule, None).hold_what_is_known(kept, said);
        }
    }
}
