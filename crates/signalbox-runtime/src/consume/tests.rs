use std::time::Duration;

use signalbox_event::data::Mode;

use super::RiskConsumer;
use crate::ingest::{Holder, Ingest};
use crate::tests::district::{District, now};

/// Evaluating against no calendar would take every flag back.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_never_had_a_quiet_moment_knows_the_calendars() {
    let district = District::new(Mode::Live);
    district.roster(&["1001"]);
    district.attendance(&[("1001", 10, "absent_excused"), ("1001", 20, "absent_excused")]);
    let mut ingest = Ingest::new(district.hub.clone(), Holder::embedded(), None);
    ingest.pass(now()).await.expect("a pass");

    let mut risk = RiskConsumer::join(district.hub.clone()).await.expect("joins");
    while !risk.was_assigned || risk.behind().await.expect("looks") > 0 {
        risk.turn(Duration::from_hours(1), now).await.expect("a turn");
    }
    assert_eq!(district.told().await, ["risk.flag.raised 1001 pending"]);
}
