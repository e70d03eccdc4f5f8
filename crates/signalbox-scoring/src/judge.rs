//! One student, judged by every rule: what becomes of the flags, and who is told.

use jiff::civil::Date;
use signalbox_consume::folder::{Decided, Deciding};
use signalbox_hub::shard::Year;
use signalbox_risk::{Fits, FlagChange, Judgement, Judging, Rule};

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
            Year::Over => self.end_year(state, true),
            // What was judged in it went by calendars that were corrected since.
            Year::ToCome => self.end_year(state, false),
        }
    }

    fn end_year(&self, state: &mut StudentState, is_over: bool) -> Decided {
        let mut said = Decided::default();
        for rule in &mut state.rules {
            let live = rule.announced.flags().iter().filter(|flag| flag.state.is_live());
            let live: Vec<u32> = live.map(|flag| flag.number).collect();
            rule.announced.end_year(is_over, self.0.now);
            said.amendments.extend(rule.told.iter().filter(|told| live.contains(&told.number)).map(over));
        }
        said
    }

    fn judge(&self, who: StudentYear, state: &mut StudentState) -> Decided {
        let Deciding { shard, reference: against, as_of, .. } = *self.0;
        let heard = against.law.hear(shard, &state.registers);
        if heard.is_undecided {
            return Decided::default();
        }
        let (school_year, reference) = (who.school_year, &against.reference);
        let on = Judging { registers: &heard.registers, reference, school_year, as_of };
        let whom = Whom { who, profile: state.profile.as_ref(), on: &on, is_enrolled: on.is_enrolled() };
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
                self.tell(whom, rule, None, kept, &changes, said);
                return None;
            }
            Fits::Unknown => {
                kept.announced.may_not_fit();
                return None;
            }
        };
        if judgement.as_ref().is_some_and(Judgement::decides) {
            note(kept, &before, rule, whom.on.as_of, place);
        }
        self.tell(whom, rule, judgement.as_ref(), kept, &changes, said);
        judgement.and_then(|judgement| judgement.looks_again())
    }

    fn tell(
        &self,
        whom: &Whom<'_>,
        rule: &Rule,
        judgement: Option<&Judgement>,
        kept: &mut RuleState,
        changes: &[FlagChange],
        said: &mut Decided,
    ) {
        let Deciding { hub, shard, reference: against, now, .. } = *self.0;
        let announcer = Announcer { hub, shard, in_force: &against.law.in_force, whom, rule, judgement, now };
        announcer.say(kept, changes, said);
    }
}
