//! `signalbox feeds`: what they are called, and which are gone.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::anyhow;
use signalbox_ingest::feeds::{self, ChangeError};
use signalbox_roles::up;
use signalbox_view::feeds::FeedLine;

use super::{load, up as up_command};
use crate::cli::{Feeds, FeedsWhat, Global, Output, Retire};
use crate::clock::Clock;
use crate::exit::{Done, Failure};
use crate::open::{self, Opened};
use crate::screen::{self, Table};

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Feeds) -> Result<Done, Failure> {
    let opened = match &args.what {
        FeedsWhat::List => return list(out, global).await,
        FeedsWhat::Rename { old, new } => rename(global, old, new).await?,
        FeedsWhat::Retire(args) => retire(global, args).await?,
    };
    print(out, global, &signalbox_view::feeds::list(&opened.hub, &connectors(global)?).await?)?;
    opened.close().await?;
    Ok(Done::Ok)
}

async fn list(out: &mut dyn Write, global: &Global) -> Result<Done, Failure> {
    let opened = open::open(load(global)?).await?;
    print(out, global, &signalbox_view::feeds::list(&opened.hub, &connectors(global)?).await?)?;
    opened.close().await?;
    Ok(Done::Ok)
}

/// Opens the hub anew after it: only then are feeds called as they are called now.
async fn rename(global: &Global, old: &str, new: &str) -> Result<Opened, Failure> {
    let (now, configuration) = (Clock::new(global.now).frozen(), up_command::fingerprint(global)?);
    let opened = open::open_to_rename(load(global)?).await?;
    let (holder, slot) = opened.holder(&configuration)?;
    let renamed = feeds::rename(&opened.hub, old, new, &holder, now).await;
    drop(slot);
    opened.close().await?;
    renamed?;
    open::open(load(global)?).await
}

async fn retire(global: &Global, args: &Retire) -> Result<Opened, Failure> {
    let (now, configuration) = (Clock::new(global.now).frozen(), up_command::fingerprint(global)?);
    let opened = open::open(load(global)?).await?;
    let company = opened.company(&configuration)?;
    if opened.runs_otherwise(&company, &configuration)? {
        return Err(Failure::environment(
            anyhow!("a hub is running with another configuration"),
            "restart it without the feed, then retire it",
        ));
    }
    let (holder, _slot) = opened.holder(&configuration)?;
    feeds::retire(&opened.hub, &args.feed, (&args.by, &args.reason), &holder, now).await?;
    up::folded(&opened.hub, company.beside, now).await?;
    drop(company);
    opened.close().await?;
    open::open(load(global)?).await
}

/// The configured feeds' names with their connectors.
fn connectors(global: &Global) -> Result<BTreeMap<String, String>, Failure> {
    let feeds = load(global)?.config.feeds.into_iter();
    Ok(feeds.map(|feed| (feed.name, feed.connector.to_owned())).collect())
}

fn print(out: &mut dyn Write, global: &Global, lines: &[FeedLine]) -> Result<(), Failure> {
    if global.output == Output::Json {
        return Ok(screen::json(out, &lines)?);
    }
    let mut table = Table::new(["feed", "connector", "brings", "state", "last read"]);
    for line in lines {
        table.row(vec![
            line.feed.clone(),
            line.connector.clone().unwrap_or_default(),
            line.entities.join(", "),
            line.state.replace('_', " "),
            line.last_read.clone().unwrap_or_default(),
        ]);
    }
    Ok(table.print(out)?)
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        let help = match &error {
            ChangeError::Hub(_) => "",
            ChangeError::Unknown(_) => "signalbox feeds list shows what is remembered, and under which names",
            ChangeError::HasRead(_) => {
                "what one feed remembers cannot be added to what another does. Either end what the old one said \
                 (signalbox feeds retire OLD), or take the new one out of the configuration, retire it, put it back and \
                 rename"
            }
            ChangeError::Configured(_) => "take the feed out of the configuration first, and restart the hub",
        };
        match error {
            ChangeError::Hub(error) => error.into(),
            error => Self::input(error, help),
        }
    }
}
