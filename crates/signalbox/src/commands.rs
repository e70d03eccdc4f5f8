//! One module per command.

mod alerts;
mod check;
mod events;
mod explain;
mod failpoints;
mod feeds;
mod flags;
mod holds;
mod init;
#[cfg(feature = "servers")]
mod migrate;
mod plan;
mod rejects;
mod retry;
mod roles;
mod run;
mod runs;
mod schema;
mod send;
mod status;
mod student;
#[cfg(feature = "servers")]
mod topics;
mod trial;
mod unmatched;
mod up;

use std::future::Future;
use std::io::{self, Write};

use anyhow::anyhow;
use signalbox_event::StudentKey;
use signalbox_hub::Hub;

use crate::cli::{Cli, Command, Global};
use crate::config::{self, Loaded};
use crate::connectors;
use crate::exit::{Done, Failure};
use crate::open::{self, Opened};
use crate::screen::Escaping;

/// Runs the command. What scripts read goes to stdout.
pub(crate) fn run(cli: &Cli) -> Result<Done, Failure> {
    let out = &mut Escaping::new(io::BufWriter::new(io::stdout().lock()));
    let global = &cli.global;
    let done = match &cli.command {
        Command::Init(args) => init::run(out, global, args),
        Command::Check(args) => check::run(out, global, args),
        Command::Schema => schema::run(out),
        Command::Failpoints => failpoints::run(out, global),
        Command::Plan => wait(plan::run(out, global)),
        Command::Up(args) => wait(up::run(out, global, args)),
        Command::Run(args) => wait(run::run(out, global, args)),
        #[cfg(feature = "servers")]
        Command::Topics(args) => wait(topics::run(out, global, args)),
        #[cfg(feature = "servers")]
        Command::Migrate(args) => wait(migrate::run(out, global, args)),
        Command::Status => wait(status::run(out, global)),
        Command::Student(args) => wait(student::run(out, global, args)),
        Command::Events(args) => wait(events::run(out, global, args)),
        Command::Feeds(args) => wait(feeds::run(out, global, args)),
        Command::Flags(args) => wait(flags::run(out, global, args)),
        Command::Alerts(args) => wait(alerts::run(out, global, args)),
        Command::Send(args) => wait(send::run(out, global, args)),
        Command::Explain(args) => wait(explain::run(out, global, args)),
        Command::Rejects(args) => wait(rejects::run(out, global, args)),
        Command::Unmatched(args) => wait(unmatched::run(out, global, args)),
        Command::Holds(args) => wait(holds::run(out, global, args)),
        Command::Retry(args) => wait(retry::run(out, global, args)),
    }?;
    Write::flush(out)?;
    Ok(done)
}

fn wait(command: impl Future<Output = Result<Done, Failure>>) -> Result<Done, Failure> {
    signalbox_connector::http::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::environment(error, "see how many threads and files this user may have"))?;
    let done = runtime.block_on(command);
    runtime.shutdown_background();
    done
}

/// The configuration, its warnings left to `check`.
fn load(global: &Global) -> Result<Loaded, Failure> {
    Ok(config::load(&global.config, connectors::ALL)?)
}

/// The hub for a command that looks or writes beside a running `up`.
async fn open_hub(global: &Global) -> Result<Opened, Failure> {
    open::open(load(global)?).await
}

/// The one student that an id names.
async fn the_student(hub: &Hub, id: &str) -> Result<StudentKey, Failure> {
    match signalbox_view::find_student(hub, id).await?.as_slice() {
        [key] => Ok(*key),
        [] => {
            let help = match signalbox_view::similar_id(hub, id).await? {
                Some(similar) => format!("ids are compared as text; {similar} is the id of one"),
                None => "ids are compared as text: \"0012\" and \"12\" are two ids".to_owned(),
            };
            Err(Failure::input(anyhow!("no student of the roster has this id"), help))
        }
        _ => Err(Failure::input(anyhow!("this id names several students"), "use the student key")),
    }
}
