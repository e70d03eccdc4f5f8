//! `signalbox run ROLE…`: some of the hub's roles, in as many processes as wanted.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::anyhow;
use signalbox_hub::HubError;
use tokio::task::JoinSet;

use super::load;
use super::roles::{self, Post, ready_to_deliver, until_signal};
use super::up::fingerprint;
use crate::cli::{Global, Role, Run};
use crate::clock::Clock;
use crate::config::{Backing, Config};
use crate::consumers::CONSUMERS;
use crate::exit::{Done, Failure};
use crate::open::{self, Opened};

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Run) -> Result<Done, Failure> {
    let stopped = until_signal()?;
    let configuration = fingerprint(global)?;
    let mut loaded = load(global)?;
    if matches!(loaded.config.backing, Backing::Embedded) {
        return Err(Failure::environment(
            anyhow!("an embedded hub is one process with all roles"),
            "signalbox up runs it; roles of their own need log: {kafka: …} and store: {postgres: …}",
        ));
    }
    let only = only(&mut loaded.config, &args.only)?;
    let opened = open::open_to_run(loaded, &configuration).await?;
    let roles: BTreeSet<Role> = args.roles.iter().copied().collect();
    let post = Post { hub: opened.hub.clone(), clock: Clock::new(global.now), stopped };
    forever(out, opened, post, &configuration, &roles, only).await
}

/// Runs roles until asked to stop, or until one of them cannot go on.
pub(super) async fn forever(
    out: &mut dyn Write,
    opened: Opened,
    post: Post,
    configuration: &str,
    roles: &BTreeSet<Role>,
    only: Option<Vec<String>>,
) -> Result<Done, Failure> {
    if roles.contains(&Role::Deliver) {
        ready_to_deliver(&opened.hub)?;
    }
    let (holder, _slot) = opened.holder(configuration)?;
    let names = &opened.hub.settings.names;
    let only = only.map(|only| only.iter().map(|name| names.kept_as(name).to_owned()).collect::<Vec<_>>());
    let mut tasks: JoinSet<Result<(), HubError>> = JoinSet::new();
    for role in roles {
        let post = post.clone();
        match role {
            Role::Ingest => tasks.spawn(post.ingest(holder.clone(), only.clone())),
            Role::Consume(at) => tasks.spawn(post.consumer(&CONSUMERS[*at])),
            Role::Deliver => tasks.spawn(post.deliver()),
        };
    }
    drop(post);
    writeln!(out, "The hub is running. Ctrl-C stops it; signalbox status shows it.")?;
    out.flush()?;
    let mut ended = Ok(());
    while ended.is_ok()
        && let Some(task) = tasks.join_next().await
    {
        ended = roles::end_of(task);
    }
    tasks.shutdown().await;
    opened.close().await?;
    ended?;
    writeln!(out, "Stopped. Start again to go on.")?;
    Ok(Done::Ok)
}

/// The feeds that `--only` names, by name or by connector; other destinations are left to other processes.
fn only(config: &mut Config, words: &[String]) -> Result<Option<Vec<String>>, Failure> {
    if words.is_empty() {
        return Ok(None);
    }
    let names = |name: &str, connector: &str| words.iter().any(|word| word == name || word == connector);
    for word in words {
        let feeds = config.feeds.iter().map(|feed| (feed.name.as_str(), feed.connector));
        let destinations = config.destinations.iter().map(|one| (one.name.as_str(), one.connector));
        let mut known = feeds.chain(destinations);
        if !known.any(|(name, connector)| word == name || word == connector) {
            return Err(Failure::input(
                anyhow!("no feed or destination is called \"{word}\", and none has a connector of that name"),
                "signalbox status lists the feeds",
            ));
        }
    }
    config.destinations.retain(|one| names(&one.name, one.connector));
    let feeds = config.feeds.iter().filter(|feed| names(&feed.name, feed.connector));
    Ok(Some(feeds.map(|feed| feed.name.clone()).collect()))
}
