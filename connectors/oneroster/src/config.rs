//! A feed's `oneroster` section.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_connector::delimited::Format;
use signalbox_connector::drop_folder;

/// OneRoster 1.1 or 1.2 CSV from a drop folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// A zip, a pattern for zips (`./drop/roster*.zip`), or a folder of bare CSV files, relative to the
    /// configuration file.
    path: String,
    /// `utf-8` by default, as the standard has it; any label of the WHATWG encoding standard.
    #[serde(default)]
    encoding: Option<String>,
}

/// A feed whose section was checked.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Config")]
pub(crate) struct Feed {
    pub(crate) path: String,
    pub(crate) format: Format,
}

impl TryFrom<Config> for Feed {
    type Error = String;

    fn try_from(config: Config) -> Result<Self, String> {
        drop_folder::check_pattern(&config.path)?;
        if config.path.to_ascii_lowercase().ends_with(".csv") {
            return Err("path names a single CSV file: name the folder it lies in, or the zip".to_owned());
        }
        Ok(Self { path: config.path, format: Format::new(config.encoding.as_deref(), None)? })
    }
}
