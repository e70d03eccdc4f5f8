//! The command line.

mod role;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

pub(crate) use self::role::Role;

/// Joins a district's tools and says early which student is slipping. Replaces none of them.
#[derive(Debug, Parser)]
#[command(name = "signalbox", version, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  signalbox init --from ./exports      write a signalbox.yaml from your own CSV files
  signalbox check                      say what is wrong with it, and where
  signalbox check --feed attendance --sample ./exports/att.csv
                                       try one file against it; nothing is read in
  signalbox plan                       what would happen now; nothing is written
  signalbox up                         run the hub
  signalbox status                     is it healthy, what waits, what do I do

Exit codes: 0 done, 1 failed while running, 2 invalid input, 3 the surroundings are not ready.
Logs go to stderr; SIGNALBOX_LOG, or RUST_LOG, says how much: e.g. SIGNALBOX_LOG=debug, or signalbox_ingest=trace.";

const STATUS_HELP: &str = "\
Exit code 0, whatever waits for you or fails at a receiver. Exit code 3 when Kafka or PostgreSQL does not answer within a \
few seconds: what can be known without it is printed all the same, beginning with the server that is away. With \
--output json, `servers` says which; what only Kafka knows is then null.";

/// What stands before or after any command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The district's configuration
    #[arg(long, global = true, value_name = "FILE", default_value = "./signalbox.yaml")]
    pub(crate) config: PathBuf,
    /// For people, or for scripts
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) output: Output,
    /// Act as if it were this time, e.g. 2026-10-19T06:00:00-05:00
    #[arg(long, global = true, value_name = "RFC3339")]
    pub(crate) now: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a signalbox.yaml to start from
    Init(Init),
    /// Say what is wrong with the configuration, or with a file for one of its feeds
    Check(Check),
    /// Say what `up --once` would do now; nothing is written, nobody is alerted
    Plan,
    /// Run the hub: read what is new, decide, deliver
    Up(Up),
    /// Run some of the hub's roles, on Kafka and PostgreSQL, in as many processes as wanted
    Run(Run),
    /// See or make the Kafka topics that the hub needs, and who may read them
    #[cfg(feature = "servers")]
    Topics(Topics),
    /// Make or bring up to date the tables that the hub needs in PostgreSQL; move an embedded hub there
    #[cfg(feature = "servers")]
    Migrate(Migrate),
    /// Show the whole hub at a glance
    #[command(after_help = STATUS_HELP)]
    Status,
    /// Show one student: ids, enrolments, answers, flags
    Student(Student),
    /// Look at events on the log
    Events(Events),
    /// Look at feeds, give one another name, or end what one that is gone had said
    Feeds(Feeds),
    /// Look at flags, or take one on
    Flags(Flags),
    /// Look at alerts: who was told what, and what waits
    Alerts(Alerts),
    /// Try the way to a destination with a message about nobody
    Send(Send),
    /// Say why a flag stands, and what it rests on
    Explain(Explain),
    /// Look at rows that could not be used
    Rejects(Rejects),
    /// Look at rows whose student is not found yet
    Unmatched(Unmatched),
    /// Look at payloads that wait for your decision, and decide
    Holds(Holds),
    /// Read a feed's last payload again with today's configuration
    Retry(Retry),
    /// Print the JSON Schema of signalbox.yaml, for editors
    Schema,
    /// List where a test can make the process die (SIGNALBOX_FAILPOINT=name:n)
    Failpoints,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Ctrl-C or SIGTERM stops it after the step in hand. A second `up` on the same data folder exits with 3."
)]
pub(crate) struct Up {
    /// Read what is there now, deliver what is due, print the status and end
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  signalbox run ingest risk deliver\n  signalbox run ingest --only attendance\n\n\
        Processes share the work among them. Starting or killing one loses nothing and tells nobody twice."
)]
pub(crate) struct Run {
    /// What this process does
    #[arg(required = true, value_enum, value_name = "ROLE")]
    pub(crate) roles: Vec<Role>,
    /// Only these feeds and destinations: by name, or by connector
    #[arg(long, value_name = "CONNECTOR")]
    pub(crate) only: Vec<String>,
}

#[cfg(feature = "servers")]
#[derive(Debug, Args)]
#[command(
    after_help = "Moving an embedded hub to Kafka and PostgreSQL:\n  1. stop it\n  2. write log: {kafka: …} and \
        store: {postgres: …} into the configuration; data_dir stays\n  3. signalbox topics apply\n  4. signalbox \
        migrate --from DATA_DIR\n  5. signalbox up\n\nNothing is told twice, and no history is lost."
)]
pub(crate) struct Migrate {
    /// The data folder of an embedded hub: its log and everything it remembers are copied
    #[arg(long, value_name = "DATA_DIR")]
    pub(crate) from: Option<PathBuf>,
}

#[cfg(feature = "servers")]
#[derive(Debug, Args)]
pub(crate) struct Topics {
    #[command(subcommand)]
    pub(crate) what: TopicsWhat,
}

#[cfg(feature = "servers")]
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum TopicsWhat {
    /// Print what `apply` would do
    Plan,
    /// Make what is missing, set what differs
    Apply,
}

#[derive(Debug, Args)]
pub(crate) struct Student {
    /// An id as a tool writes it, or a student key
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    #[command(subcommand)]
    pub(crate) what: EventsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsWhat {
    /// Print events, one a line
    #[command(after_help = "Example:\n  signalbox events list --type attendance.daily --student 1001")]
    List(EventsList),
    /// Append records again that an earlier version could not read, now that this one can
    Redrive,
}

#[derive(Debug, Args)]
pub(crate) struct EventsList {
    /// A topic or its domain, e.g. attendance
    #[arg(long)]
    pub(crate) topic: Option<String>,
    /// An event type, short or whole, e.g. attendance.daily
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// An id as a tool writes it, or a student key
    #[arg(long, value_name = "ID")]
    pub(crate) student: Option<String>,
    /// Only say how many there are
    #[arg(long)]
    pub(crate) count: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Feeds {
    #[command(subcommand)]
    pub(crate) what: FeedsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeedsWhat {
    /// Print every feed that is configured or remembered
    List,
    /// Move all that is remembered of a feed to the name that it has in the configuration now
    #[command(
        after_help = "Example:\n  signalbox feeds rename sis students\n\nBefore the first `up` with the new name: a feed \
            that has read files under it already cannot take another's memory too."
    )]
    Rename {
        /// What it is called so far
        #[arg(value_name = "OLD")]
        old: String,
        /// What the configuration calls it now
        #[arg(value_name = "NEW")]
        new: String,
    },
    /// End what a feed said that is no longer configured: its enrolments, rows and covered days count nowhere
    Retire(Retire),
}

#[derive(Debug, Args)]
pub(crate) struct Retire {
    /// The feed's last name
    pub(crate) feed: String,
    /// Who decides
    #[arg(long, value_name = "NAME", value_parser = one_line)]
    pub(crate) by: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) what: FlagsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlagsWhat {
    /// Print every flag, the open ones first
    #[command(
        after_help = "Examples:\n  signalbox flags list --state open --school 100\n  signalbox flags list --rule course-failure"
    )]
    List(FlagsList),
    /// Take an open flag on, so that others see that somebody has it
    #[command(
        after_help = "Example:\n  signalbox flags ack 1b9d6bcd --by \"R. Ortiz\" --reason \"calling home today\""
    )]
    Ack(FlagsAck),
}

#[derive(Debug, Args)]
pub(crate) struct FlagsAck {
    /// The flag's id, enough of its beginning, or an id of its student's
    pub(crate) flag: String,
    /// Who takes it on
    #[arg(long, value_name = "NAME", value_parser = one_line)]
    pub(crate) by: String,
    /// Why, or what is going to be done
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Alerts {
    #[command(subcommand)]
    pub(crate) what: AlertsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AlertsWhat {
    /// Print alerts, oldest first
    #[command(after_help = "Example:\n  signalbox alerts list --to counselor --state dead")]
    List(AlertsList),
    /// Send alerts again that were given up or delivered, under their ids; what waits for its next try is due now
    #[command(
        after_help = "Examples:\n  signalbox alerts resend 1b9d6bcd --by \"R. Ortiz\" --reason \"it was lost there\"\n  signalbox alerts resend --to counselor --by \"R. Ortiz\" --reason \"the tool is back\"\n\nThe running hub sends them, or the next `signalbox up`. Flags that are over are not told again: a list of several\ngoes out anew without them."
    )]
    Resend(AlertsResend),
}

#[derive(Debug, Args)]
pub(crate) struct Send {
    #[command(subcommand)]
    pub(crate) what: SendWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SendWhat {
    /// Send a test message, signed like an alert; its schema is schemas/webhooks/signalbox.test.json
    #[command(
        after_help = "Example:\n  signalbox send test --to counselor\n\nExit code 1 when it was not taken."
    )]
    Test(SendTest),
}

#[derive(Debug, Args)]
pub(crate) struct SendTest {
    /// The destination's name
    #[arg(long, value_name = "NAME")]
    pub(crate) to: String,
}

#[derive(Debug, Default, Args)]
pub(crate) struct FlagsList {
    /// Only those of students of this school, by its first id in the roster of record
    #[arg(long, value_name = "ID")]
    pub(crate) school: Option<String>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = ["open", "dismissed", "cleared", "withdrawn", "ended"])]
    pub(crate) state: Option<String>,
    /// Only those of this rule
    #[arg(long, value_name = "NAME", value_parser = signalbox_risk::Settings::NAMES.to_vec())]
    pub(crate) rule: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AlertsList {
    /// Only those for this destination
    #[arg(long, value_name = "NAME")]
    pub(crate) to: Option<String>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_parser = ["pending", "delivered", "dead", "superseded", "withheld"])]
    pub(crate) state: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AlertsResend {
    /// The alert's id, or enough of its beginning
    #[arg(required_unless_present = "to", conflicts_with = "to")]
    pub(crate) id: Option<String>,
    /// All that this destination did not take: what was given up, and what waits
    #[arg(long, value_name = "NAME")]
    pub(crate) to: Option<String>,
    /// Who decides
    #[arg(long, value_name = "NAME", value_parser = one_line)]
    pub(crate) by: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The flag's id, enough of its beginning, or an id of its student's
    pub(crate) flag: String,
    /// Compute it again from the log, and compare
    #[arg(long)]
    pub(crate) verify: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Rejects {
    #[command(subcommand)]
    pub(crate) what: RejectsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RejectsWhat {
    /// Print rows of the latest payloads that could not be used
    List {
        /// One line per cause
        #[arg(long)]
        group: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Unmatched {
    #[command(subcommand)]
    pub(crate) what: UnmatchedWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UnmatchedWhat {
    /// Print each id that is not found, how many rows it has, and what may be wrong with how it is written
    List,
}

#[derive(Debug, Args)]
pub(crate) struct Holds {
    #[command(subcommand)]
    pub(crate) what: HoldsWhat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HoldsWhat {
    /// Print payloads that wait for your decision
    List,
    /// Print one, with what would end at which school
    Show {
        /// The hold's id, or enough of its beginning
        id: String,
    },
    /// Let it through: what was shown will end
    Approve(Decision),
    /// Drop it: nothing of a file that waits is used; where only schools wait, their rows stand as they did
    Refuse(Decision),
}

#[derive(Debug, Args)]
pub(crate) struct Decision {
    /// The hold's id, or enough of its beginning
    pub(crate) id: String,
    /// Who decides
    #[arg(long, value_name = "NAME", value_parser = one_line)]
    pub(crate) by: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = one_line)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The feed's name
    pub(crate) feed: String,
}

#[derive(Debug, Args)]
#[command(after_help = "Opens no connection and reads nothing in. Exit code 2 when there are errors.")]
pub(crate) struct Check {
    /// The feed that the sample is for
    #[arg(long, value_name = "FEED", requires = "sample")]
    pub(crate) feed: Option<String>,
    /// A file to try, as the feed would read it
    #[arg(long, value_name = "FILE", requires = "feed")]
    pub(crate) sample: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Writes to the place that --config names, and never over a file that is there.")]
pub(crate) struct Init {
    /// A folder with your own exports: their headers give the mapping
    #[arg(long, value_name = "FOLDER")]
    pub(crate) from: Option<PathBuf>,
}

/// What is kept with a decision, and shown to whoever looks at it later.
fn one_line(text: &str) -> Result<String, String> {
    const LONGEST: usize = 500;
    if text.trim().is_empty() {
        return Err("it is blank".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("it has a line break, or another character that cannot be printed".to_owned());
    }
    if text.chars().count() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for line in [
            "signalbox --config a.yaml --output json --now 2026-10-19T06:00:00-05:00 check",
            "signalbox check --now 2026-10-19T11:00:00Z --output json --config a.yaml",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).expect(line);
            assert_eq!(cli.global.config, PathBuf::from("a.yaml"));
            assert_eq!(cli.global.output, Output::Json);
            assert_eq!(cli.global.now, Some("2026-10-19T11:00:00Z".parse().expect("a time")));
        }
    }

    #[test]
    fn a_sample_needs_its_feed() {
        let error = Cli::try_parse_from(["signalbox", "check", "--sample", "att.csv"]).expect_err("no feed");
        assert_eq!(error.exit_code(), 2);
    }
}
