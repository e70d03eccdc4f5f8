//! `signalbox send test`: the way to a destination, tried with a message about nobody. Needs no hub and leaves nothing.

use std::io::Write;

use anyhow::anyhow;
use serde::Serialize;
use signalbox_connector::{Alert, DeliverCx};
use signalbox_event::id::derived;
use signalbox_event::webhook::{TEST, TestMessage};

use super::{load, roles};
use crate::cli::{Global, Output, Send, SendTest, SendWhat};
use crate::clock::Clock;
use crate::config::place::did_you_mean;
use crate::exit::{Done, Failure};
use crate::screen;

const TEXT: &str = "A test of the way from Signalbox to this receiver. It is about nobody.";

/// What came of it.
#[derive(Debug, Serialize)]
struct Sent {
    to: String,
    alert_id: uuid::Uuid,
    delivered: bool,
}

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Send) -> Result<Done, Failure> {
    let SendWhat::Test(SendTest { to }) = &args.what;
    let config = load(global)?.config;
    let Some(destination) = config.destinations.iter().find(|one| one.name == *to) else {
        let known = config.destinations.iter().map(|one| one.name.as_str());
        return Err(Failure::input(anyhow!("there is no destination \"{to}\""), did_you_mean(to, known)));
    };
    roles::ready(to, &*destination.channel)?;
    let now = Clock::new(global.now).running();
    let id =
        derived(&[b"test", config.district.id.as_bytes(), to.as_bytes(), &now.as_nanosecond().to_be_bytes()]);
    let data = TestMessage { alert_id: id, text: TEXT.to_owned() };
    let alert = Alert {
        id,
        kind: TEST.to_owned(),
        decided: now,
        data: serde_json::to_value(data).expect("two texts always serialise"),
    };
    destination.channel.deliver(&DeliverCx { now, attempt: 1 }, &alert).await.map_err(|error| {
        let help =
            "nothing is wrong with the hub: mend the receiver, or where the destination leads, and try again";
        Failure::runtime(anyhow!("{to} did not take it: {}", error.message), help)
    })?;
    let sent = Sent { to: to.clone(), alert_id: id, delivered: true };
    match global.output {
        Output::Json => screen::json(out, &sent)?,
        Output::Text => writeln!(out, "{to} took it (webhook-id {id}).")?,
    }
    Ok(Done::Ok)
}
