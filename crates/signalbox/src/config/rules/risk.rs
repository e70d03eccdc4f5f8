//! The rules: those of packs, and those that are written out.

mod setting;

use std::collections::BTreeSet;

use signalbox_connector::Entity;
use signalbox_hub::calendar::Calendars;
use signalbox_risk::{
    CHRONIC_ABSENCE, ChronicAbsence, ChronicAbsenceError, FEDERAL_CHRONIC_ABSENCE, Rule, SettingFault,
    Settings,
};

pub(in crate::config) use self::setting::of_a_rule;
use super::Rules;
use crate::config::parts::Feed;
use crate::config::place::{Place, did_you_mean, quoted};
use crate::config::read;
use crate::config::sections::{Calendar, Risk, Route};
use crate::config::tree::{Key, Node, Value};

/// The keys that go on meaning the pack of chronic absence.
const OF_PACK: [&str; 5] = ["packs", "enter", "leave", "min_days", "half_day"];

impl Rules<'_> {
    /// `None` where one cannot be read; every fault is in the report.
    pub(in crate::config) fn risk(&mut self, risk: &Risk) -> Option<Vec<Rule>> {
        let written = self.tree.get("risk").and_then(|risk| risk.get("rules"));
        let mut rules: Vec<(Rule, Place)> = Vec::new();
        let mut is_sound = true;
        if written.is_none() || OF_PACK.iter().any(|key| self.risk_has(key)) {
            match self.pack(risk) {
                Some(pack) => rules.push((pack, self.place(&["risk"]))),
                None => is_sound = false,
            }
        }
        if let Some(list) = written {
            is_sound &= self.written(list, &mut rules);
        }
        is_sound.then(|| rules.into_iter().map(|(rule, _)| rule).collect())
    }

    /// Adds the rules that are written out; whether all can be read.
    fn written(&mut self, list: &Node, rules: &mut Vec<(Rule, Place)>) -> bool {
        if list.items().is_empty() {
            let help = format!("e.g. rules: [{{rule: {CHRONIC_ABSENCE}}}], or leave rules out");
            self.report.error(list.place, "no_rule", "rules is a list of rules, and names none", help);
        }
        let mut read = 0;
        for (index, node) in list.items().iter().enumerate() {
            let Some(rule) = self.rule(index, node) else { continue };
            if self.can_fire(&rule, node.place, rules) {
                rules.push((rule, node.place));
                read += 1;
            }
        }
        read > 0 && read == list.items().len()
    }

    fn pack(&mut self, risk: &Risk) -> Option<Rule> {
        let is_sound = self.packs(risk);
        let pack = ChronicAbsence::new(risk.enter, risk.leave, risk.min_days, risk.half_day);
        let pack = pack.map_err(|error| self.policy_fault(risk, error)).ok()?;
        is_sound.then(|| Settings::ChronicAbsence(pack).into())
    }

    fn risk_has(&self, key: &str) -> bool {
        self.tree.get("risk").is_some_and(|risk| risk.get(key).is_some())
    }

    fn packs(&mut self, risk: &Risk) -> bool {
        let mut is_sound = true;
        for (at, pack) in risk.packs.iter().enumerate().filter(|(_, pack)| *pack != FEDERAL_CHRONIC_ABSENCE) {
            let place = self.place(&["risk", "packs", &at.to_string()]);
            let (message, help) =
                (format!("there is no pack \"{pack}\""), did_you_mean(pack, [FEDERAL_CHRONIC_ABSENCE]));
            self.report.error(place, "unknown_pack", message, help);
            is_sound = false;
        }
        if risk.packs.is_empty() {
            let place = self.place(&["risk", "packs"]);
            let help = format!("write packs: [{FEDERAL_CHRONIC_ABSENCE}]");
            self.report.error(place, "no_pack", "without a pack there are no rules", help);
            is_sound = false;
        }
        is_sound
    }

    fn policy_fault(&mut self, risk: &Risk, error: ChronicAbsenceError) {
        let (key, help) = match error {
            ChronicAbsenceError::EnterIsZero => {
                ("enter", "a line at 0 % flags every student; write e.g. 10%".to_owned())
            }
            ChronicAbsenceError::LeaveAboveEnter => {
                let key = if self.risk_has("leave") { "leave" } else { "enter" };
                (key, format!("enter is {}, leave is {}: lower leave", risk.enter, risk.leave))
            }
            ChronicAbsenceError::NoMinDays => ("min_days", "write at least 1; 20 is usual".to_owned()),
        };
        let place = self.place(&["risk", key]);
        self.report.error(place, "invalid_policy", error.to_string(), help);
    }

    fn rule(&mut self, index: usize, node: &Node) -> Option<Rule> {
        let at = index.to_string();
        let Some(name) = node.get("rule").and_then(Node::text) else {
            let help =
                format!("e.g. {{rule: {CHRONIC_ABSENCE}, …}}; there are {}", Settings::NAMES.join(", "));
            self.report.error(node.place, "missing_key", "a rule has a name", help);
            return None;
        };
        let (grades, schools) = (self.names(node, "grades"), self.names(node, "schools"));
        let settings = self.settings(name, node, &at)?;
        let fault = |fault: SettingFault| (fault.key, fault.message, fault.help);
        if let Some((key, message, help)) = settings.fault().map(fault) {
            let place = self.place(&["risk", "rules", &at, key]);
            self.report.error(place, "invalid_rule", message, help);
            return None;
        }
        Some(Rule { settings, grades: grades?, schools: schools? })
    }

    fn settings(&mut self, name: &str, node: &Node, at: &str) -> Option<Settings> {
        if !Settings::NAMES.contains(&name) {
            let place = self.place(&["risk", "rules", at, "rule"]);
            let help = did_you_mean(name, Settings::NAMES.iter().copied());
            self.report.error(place, "unknown_rule", format!("there is no rule {}", quoted(name)), help);
            return None;
        }
        let mut own = node.clone();
        if let Value::Map(entries) = &mut own.value {
            entries.retain(|(key, _)| !setting::OF_ALL.contains(&key.text.as_str()));
        }
        let key = Key { text: "rule".to_owned(), place: node.place };
        let settings = read::read_erased(&key, &own, |reader| {
            Settings::read(name, reader).expect("it is one of those that there are")
        });
        settings.map_err(|fault| setting::faults(name, node, fault, self.report)).ok()
    }

    /// The grades or schools that a rule is for; none: all.
    fn names(&mut self, node: &Node, key: &str) -> Option<Vec<String>> {
        let Some(list) = node.get(key) else { return Some(Vec::new()) };
        let names: Vec<String> = list.items().iter().filter_map(Node::text).map(str::to_owned).collect();
        if names.is_empty() || names.len() != list.items().len() {
            let (message, help) = setting::no_names(key, list);
            self.report.error(list.place, "invalid_rule", message, help);
            return None;
        }
        Some(names)
    }

    /// Whether a rule is for anybody for whom none of its name before it is.
    fn can_fire(&mut self, rule: &Rule, place: Place, before: &[(Rule, Place)]) -> bool {
        let before = || before.iter().filter(|(earlier, _)| earlier.name() == rule.name());
        let mut lines = BTreeSet::new();
        for grade in each(&rule.grades) {
            for school in each(&rule.schools) {
                let hides = |earlier: &Rule| is_in(&earlier.grades, grade) && is_in(&earlier.schools, school);
                let Some((_, earlier)) = before().find(|(earlier, _)| hides(earlier)) else { return true };
                lines.insert(earlier.line);
            }
        }
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let before = match lines.as_slice() {
            [line] => format!("the one in line {line} is"),
            lines => format!("those in lines {} are", lines.join(", ")),
        };
        let message = format!("this rule can never fire: {before} for all its students");
        let help = "of rules of one name the first that fits a student holds: put the one for fewer first, or take one out";
        self.report.error(place, "rule_never_fires", message, help);
        false
    }

    /// Rules that wait for more school days than any year has.
    pub(in crate::config) fn rules_have_time(&mut self, rules: &[Rule], calendars: &[Calendar]) {
        let years: Vec<_> = calendars.iter().map(Calendar::spec).collect();
        let years = Calendars::new(&years);
        // Of a year without a day, which is a fault of its own, nothing is to be said.
        let longest = years.iter().map(|(_, year)| year.days.len()).max().unwrap_or_default();
        for (index, rule) in rules.iter().enumerate() {
            let Settings::ChronicAbsence(policy) = &rule.settings else { continue };
            if longest == 0 || policy.min_days() as usize <= longest {
                continue;
            }
            let place = match self.written_at(rules, index) {
                Some(written) => self.place(&["risk", "rules", &written, "min_days"]),
                None => self.place(&["risk", "min_days"]),
            };
            let message =
                format!("this rule can never fire: no school year has more than {longest} school days");
            self.report.error(place, "rule_never_fires", message, "20 is usual".to_owned());
        }
    }

    /// Rules that are written out, and of which no feed brings what they measure.
    pub(in crate::config) fn rules_have_feeds(&mut self, rules: &[Rule], feeds: &[Feed]) {
        for (index, node) in self.written_rules().iter().enumerate() {
            let name = node.get("rule").and_then(Node::text).unwrap_or_default();
            let Some(rule) = rules.iter().find(|rule| rule.name() == name) else { continue };
            let reads = rule.settings.reads();
            let brings = |entity: &Entity| entity.as_str() == reads;
            if !feeds.iter().any(|feed| feed.source.entities().iter().any(brings)) {
                let place = self.place(&["risk", "rules", &index.to_string(), "rule"]);
                let message = format!("no feed brings {reads}: by this rule nobody is ever flagged");
                let help = format!("add a feed with entity: {reads}");
                self.report.warning(place, "rule_without_feed", message, help);
            }
        }
    }

    /// Rules of which a flag needs a word that no feed's codes give.
    pub(in crate::config) fn rules_have_codes(&mut self, rules: &[Rule], feeds: &[Feed]) {
        for (index, rule) in rules.iter().enumerate() {
            let (column, words) = rule.settings.needs();
            let Some((codes, given)) = self.codes(rule.settings.reads(), column, feeds) else { continue };
            if words.iter().any(|word| given.iter().any(|given| given == word)) {
                continue;
            }
            let place = match self.written_at(rules, index) {
                Some(written) => self.place(&["risk", "rules", &written, "rule"]),
                None => codes,
            };
            let (name, any) = (rule.name(), words.join(" or "));
            let message = format!("no feed's codes say {any}: by the rule {name} nobody is ever flagged");
            let line = codes.line;
            let help =
                format!("map a code of yours to it: codes: {{{column}: {{…: {}}}}} (line {line})", words[0]);
            self.report.warning(place, "rule_without_code", message, help);
        }
    }

    /// Where a feed maps the codes of a column of such rows, and to what words feeds map them. `None`: none does, or one has
    /// such rows without codes.
    fn codes(&self, entity: &str, column: &str, feeds: &[Feed]) -> Option<(Place, Vec<String>)> {
        let brings = |feed: &&Feed| feed.source.entities().iter().any(|brought| brought.as_str() == entity);
        let (mut first, mut words) = (None, Vec::new());
        for feed in feeds.iter().filter(brings) {
            let path = ["feeds", &feed.index.to_string(), feed.connector, "codes", column];
            let written = self.tree.get("feeds")?.items().get(feed.index)?;
            let codes = written.get(feed.connector)?.get("codes")?.get(column)?;
            words.extend(codes.entries().iter().filter_map(|(_, word)| word.text()).map(str::to_owned));
            first = first.or_else(|| Some(self.place(&path)));
        }
        Some((first?, words))
    }

    /// Rules of whose flags nobody hears. Without any route, [`live_feeds`](Self::live_feeds) says so; beside a route from a
    /// rule that is not there, that is what is to be mended.
    pub(in crate::config) fn rules_have_routes(&mut self, rules: &[Rule], routes: &[Route]) {
        let Some(to) = routes.first().map(|route| &route.to) else { return };
        let mut names: Vec<&str> = rules.iter().map(Rule::name).collect();
        names.sort_unstable();
        names.dedup();
        if !routes.iter().all(|route| names.contains(&route.rule.as_str())) {
            return;
        }
        for name in names.into_iter().filter(|name| routes.iter().all(|route| route.rule != *name)) {
            let is_it = |node: &Node| node.get("rule").and_then(Node::text) == Some(name);
            let place = match self.written_rules().iter().position(is_it) {
                Some(index) => self.place(&["risk", "rules", &index.to_string(), "rule"]),
                None => self.place(&["routes"]),
            };
            let message = format!("no route leads from \"{name}\": nobody is told of its flags");
            let help = format!("add to routes: {{rule: {name}, to: {to}}}");
            self.report.warning(place, "rule_without_route", message, help);
        }
    }

    /// Which of the rules that are written out it is: that of the packs stands before them.
    fn written_at(&self, rules: &[Rule], index: usize) -> Option<String> {
        let packs = rules.len().saturating_sub(self.written_rules().len());
        index.checked_sub(packs).map(|written| written.to_string())
    }

    fn written_rules(&self) -> Vec<Node> {
        let rules = self.tree.get("risk").and_then(|risk| risk.get("rules"));
        rules.map(Node::items).unwrap_or_default().to_vec()
    }
}

/// Each of the names that a rule is for; none: any other.
fn each(names: &[String]) -> impl Iterator<Item = Option<&String>> {
    let any = names.is_empty().then_some(None);
    names.iter().map(Some).chain(any)
}

fn is_in(names: &[String], name: Option<&String>) -> bool {
    names.is_empty() || name.is_some_and(|name| names.contains(name))
}
