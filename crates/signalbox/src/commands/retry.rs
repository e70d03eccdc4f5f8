//! `signalbox retry FEED`: the feed's last payload again, with today's configuration.

use std::io::Write;

use anyhow::anyhow;
use signalbox_roles::up;
use signalbox_view::status::called;

use super::runs;
use super::{load, up as up_command};
use crate::cli::{Global, Output, Retry};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::open;
use crate::screen;

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Retry) -> Result<Done, Failure> {
    let loaded = load(global)?;
    if !loaded.config.feeds.iter().any(|feed| feed.name == args.feed) {
        let names: Vec<&str> = loaded.config.feeds.iter().map(|feed| feed.name.as_str()).collect();
        return Err(Failure::input(
            anyhow!("there is no feed \"{}\"", args.feed),
            format!("feeds are {}", names.join(", ")),
        ));
    }
    let configuration = up_command::fingerprint(global)?;
    let opened = open::open(loaded).await?;
    let company = opened.company(&configuration)?;
    if opened.runs_otherwise(&company, &configuration)? {
        return Err(Failure::environment(
            anyhow!("a hub is running with another configuration"),
            "restart it: a changed mapping re-runs the last payload at the next start",
        ));
    }
    let now = Clock::new(global.now).frozen();
    let (holder, _slot) = opened.holder(&configuration)?;
    let kept = opened.hub.settings.names.kept_as(&args.feed);
    let report = up::retry(&opened.hub, kept, holder, company.beside, now).await?.ok_or_else(|| {
        Failure::input(anyhow!("feed \"{}\" has no payload yet", args.feed), "drop its first file")
    })?;
    let report = called(&opened.hub, report);
    match global.output {
        Output::Json => screen::json(out, &report)?,
        Output::Text => runs::print(out, &[report])?,
    }
    opened.close().await?;
    Ok(Done::Ok)
}
