//! The real binary, a real receiver.

use serde_json::Value;

use super::{Hub, evening};
use crate::district::{District, list};
use crate::receiver::Receiver;

pub(in super::super) struct Outside {
    district: District,
    receiver: Receiver,
    seen: usize,
}

impl Outside {
    pub(in super::super) fn new(roster: &str) -> Self {
        let receiver = Receiver::start();
        let mut district = District::telling(&receiver);
        district.configure(|config| roster.clone_into(&mut config.roster));
        Self { district, receiver, seen: 0 }
    }
}

impl Hub for Outside {
    fn drop(&mut self, name: &str, bytes: &[u8]) {
        self.district.drop(name, bytes);
    }

    fn pass(&mut self, day: usize) {
        self.district.now = evening(day);
        self.district.up();
    }

    fn status(&self) -> Value {
        self.district.status()
    }

    fn holds(&self) -> Vec<Value> {
        let shown = |hold: Value| {
            let id = hold["id"].as_str().expect("an id");
            self.district.json(&["holds", "show", id])
        };
        self.district.holds().into_iter().map(shown).collect()
    }

    fn flags(&self) -> Vec<Value> {
        list(self.district.json(&["flags", "list"]))
    }

    fn student(&self, id: &str) -> Option<Value> {
        let run = self.district.run(&["student", id]);
        run.status.success().then(|| run.any_json())
    }

    fn told(&mut self) -> Vec<Value> {
        let all = self.receiver.deliveries();
        let new = all[self.seen..].iter().map(crate::receiver::Delivery::json).collect();
        self.seen = all.len();
        new
    }
}
