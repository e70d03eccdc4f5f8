//! `signalbox events list`: what stands on the log.

use std::io::{self, Write};

use anyhow::anyhow;
use serde_json::json;
use signalbox_connector::words::counted;
use signalbox_consume::dead_letters;
use signalbox_event::codec::to_structured;
use signalbox_event::{Domain, Event, Kind};
use signalbox_hub::Hub;
use signalbox_roles::up;
use signalbox_view::events::{Filter, events};

use super::up::fingerprint;
use super::{open_hub, the_student};
use crate::cli::{Events, EventsList, EventsWhat, Global, Output};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::open::Opened;
use crate::screen;

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Events) -> Result<Done, Failure> {
    let opened = open_hub(global).await?;
    let EventsWhat::List(args) = &args.what else { return redrive(out, global, opened).await };
    let filter = filter(&opened.hub, args).await?;
    if args.count {
        count(out, global, &opened.hub, &filter).await?;
    } else {
        list(out, global, &opened.hub, &filter).await?;
    }
    Ok(Done::Ok)
}

async fn redrive(out: &mut dyn Write, global: &Global, opened: Opened) -> Result<Done, Failure> {
    let redriven = dead_letters::redrive(&opened.hub).await?;
    let company = opened.company(&fingerprint(global)?)?;
    up::folded(&opened.hub, company.beside, Clock::new(global.now).frozen()).await?;
    match global.output {
        Output::Json => screen::json(out, &redriven)?,
        Output::Text => writeln!(
            out,
            "{} appended again; {} can still not be read by this version.",
            counted(redriven.again, "record was", "records were"),
            redriven.left
        )?,
    }
    opened.close().await?;
    Ok(Done::Ok)
}

async fn filter(hub: &Hub, args: &EventsList) -> Result<Filter, Failure> {
    let domain = match &args.topic {
        None => None,
        Some(topic) => {
            let found = Domain::ALL
                .into_iter()
                .find(|domain| domain.as_str() == topic || hub.settings.topics.name(*domain) == *topic);
            let names: Vec<&str> = Domain::ALL.into_iter().map(Domain::as_str).collect();
            let help = format!("topics are {}", names.join(", "));
            Some(found.ok_or_else(|| Failure::input(anyhow!("there is no topic \"{topic}\""), help))?)
        }
    };
    let kind: Option<Kind> = args
        .kind
        .as_ref()
        .map(|kind| {
            let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.short()).collect();
            kind.parse().map_err(|error: signalbox_event::kind::UnknownKind| {
                Failure::input(error, format!("types are {}", names.join(", ")))
            })
        })
        .transpose()?;
    let student = match &args.student {
        None => None,
        Some(id) => Some(the_student(hub, id).await?),
    };
    Ok(Filter { domain, kind, student })
}

async fn count(out: &mut dyn Write, global: &Global, hub: &Hub, filter: &Filter) -> Result<(), Failure> {
    let mut count = 0_u64;
    events(hub, filter, |_| {
        count += 1;
        true
    })
    .await?;
    match global.output {
        Output::Json => screen::json(out, &json!({"count": count}))?,
        Output::Text => writeln!(out, "{count}")?,
    }
    Ok(())
}

async fn list(out: &mut dyn Write, global: &Global, hub: &Hub, filter: &Filter) -> Result<(), Failure> {
    let mut failed: Option<io::Error> = None;
    events(hub, filter, |event| {
        let written = match global.output {
            Output::Json => writeln!(out, "{}", to_structured(&event)),
            Output::Text => line(out, &event),
        };
        failed = written.err();
        failed.is_none()
    })
    .await?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn line(out: &mut dyn Write, event: &Event) -> io::Result<()> {
    let subject = event.subject.map(|key| key.to_string()).unwrap_or_default();
    let data = String::from_utf8_lossy(&event.data.to_json()).into_owned();
    writeln!(out, "{}  {}  {subject}  r{}  {data}", event.time, event.kind().short(), event.revision)
}
