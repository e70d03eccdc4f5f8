//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

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

Exit codes: 0 done, 1 failed while running, 2 invalid input, 3 the surroundings are not ready.";

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
    /// Say what is wrong with the configuration, or with a file for one of its feeds
    Check(Check),
    /// Write a signalbox.yaml to start from
    Init(Init),
    /// Print the JSON Schema of signalbox.yaml, for editors
    Schema,
    /// List where a test can make the process die (SIGNALBOX_FAILPOINT=name:n)
    Failpoints,
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
