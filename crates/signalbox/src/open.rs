//! From the configuration to a hub on its stores.

mod data_dir;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use secrecy::{ExposeSecret, SecretSlice};
use signalbox_event::topic::{DEFAULT_PREFIX, DEFAULT_SHARDS};
use signalbox_runtime::calendar::{CalendarSpec, Calendars};
use signalbox_runtime::deliver::Target;
use signalbox_runtime::hub::{District, Feed, Hub, Route, Settings, Topics};
use signalbox_runtime::land::Landing;
use signalbox_sql::sqlite::{SqliteFeeds, SqliteLog, SqliteState};
use signalbox_store::Outbox;

use crate::config::sections::{Log, Schools, Store};
use crate::config::{Config, Loaded};
use crate::exit::Failure;

pub(crate) use data_dir::{DataDir, Lock};

/// The largest payload that is landed: 8 GiB.
const MAX_PAYLOAD_BYTES: u64 = 8 << 30;

/// A hub, and what lives as long as it does.
pub(crate) struct Opened {
    pub(crate) hub: Arc<Hub>,
    pub(crate) data_dir: DataDir,
    /// Scratch copies vanish with this.
    _scratch: Option<tempfile::TempDir>,
}

/// Opens the hub on its own data, making what is missing.
pub(crate) async fn open(loaded: Loaded) -> Result<Opened, Failure> {
    let data_dir = DataDir::make(&loaded.config.data_dir)?;
    let secret = district_secret(&loaded.config, || data_dir.secret())?;
    let landing = Landing::open(&data_dir.landing()).map_err(|e| cannot_use(&data_dir, e))?;
    let hub = hub(loaded.config, secret, data_dir.path(), landing).await?;
    Ok(Opened { hub: Arc::new(hub), data_dir, _scratch: None })
}

/// Opens the hub on a copy of its data: nothing that happens to it lasts.
pub(crate) async fn open_copy(loaded: Loaded) -> Result<Opened, Failure> {
    let data_dir = DataDir::at(&loaded.config.data_dir);
    let scratch = tempfile::tempdir().context("no scratch folder can be made").map_err(environment)?;
    copy(&data_dir, scratch.path()).await?;
    let secret = district_secret(&loaded.config, || data_dir.secret_if_any())?;
    let landing = Landing::over(&scratch.path().join("landing"), &data_dir.landing())
        .context("no scratch folder can be made")
        .map_err(environment)?;
    let hub = hub(loaded.config, secret, scratch.path(), landing).await?;
    Ok(Opened { hub: Arc::new(hub), data_dir, _scratch: Some(scratch) })
}

async fn copy(from: &DataDir, to: &Path) -> Result<(), Failure> {
    if from.has("log.db") {
        let log = SqliteLog::open(&from.file("log.db")).await.map_err(Failure::from)?;
        log.snapshot_to(&to.join("log.db")).await.map_err(Failure::from)?;
    }
    if from.has("feeds.db") {
        let feeds = SqliteFeeds::open(&from.file("feeds.db")).await.map_err(Failure::from)?;
        feeds.snapshot_to(&to.join("feeds.db")).await.map_err(Failure::from)?;
    }
    if from.has("state.db") {
        let states = SqliteState::open(&from.file("state.db")).await.map_err(Failure::from)?;
        states.snapshot_to(&to.join("state.db")).await.map_err(Failure::from)?;
    }
    Ok(())
}

async fn hub(
    config: Config,
    secret: SecretSlice<u8>,
    folder: &Path,
    landing: Landing,
) -> Result<Hub, Failure> {
    let settings = settings(config, secret)?;
    let log = SqliteLog::open(&folder.join("log.db")).await?;
    let topics = settings.topics.all();
    let topics: Vec<(&str, u32)> = topics.iter().map(|(name, shards)| (name.as_str(), *shards)).collect();
    log.create_topics(&topics).await.map_err(|error| environment(anyhow!(error)))?;
    let states = Arc::new(SqliteState::open(&folder.join("state.db")).await?);
    let feeds = Arc::new(SqliteFeeds::open(&folder.join("feeds.db")).await?);
    let outbox: Arc<dyn Outbox> = states.clone();
    Ok(Hub { settings, log: Arc::new(log), states, outbox, feeds, landing })
}

fn settings(config: Config, secret: SecretSlice<u8>) -> Result<Settings, Failure> {
    if !matches!((&config.log, &config.store), (Log::Sqlite(_), Store::Sqlite(_))) {
        return Err(Failure::environment(
            anyhow!("this build has no Kafka and no PostgreSQL"),
            "use log: {sqlite: {}} and store: {sqlite: {}}, which are the default",
        ));
    }
    let calendars = calendars(&config);
    let feeds = config.feeds.into_iter().map(|feed| Feed {
        name: feed.name,
        mode: feed.mode,
        roster_of_record: feed.roster_of_record,
        source: feed.source,
    });
    let targets =
        config.destinations.into_iter().map(|one| Target { name: one.name, destination: one.channel });
    Ok(Settings {
        district: District { id: config.district.id, zone: config.district.zone, secret },
        topics: Topics { prefix: DEFAULT_PREFIX.to_owned(), shards: DEFAULT_SHARDS },
        calendars,
        feeds: feeds.collect(),
        targets: targets.collect(),
        routes: config.routes.into_iter().map(|route| Route { rule: route.rule, to: route.to }).collect(),
        policy: config.policy,
        max_payload_bytes: MAX_PAYLOAD_BYTES,
    })
}

/// The secret of the configuration, or that of the data folder.
fn district_secret(
    config: &Config,
    own: impl FnOnce() -> Result<SecretSlice<u8>, Failure>,
) -> Result<SecretSlice<u8>, Failure> {
    let Some(secret) = &config.district.secret else { return own() };
    let found = secret.resolve(&config.base).map_err(|error| {
        Failure::environment(error, "set it, or take `secret` out of `district` to have one made")
    })?;
    Ok(found.expose_secret().as_bytes().to_vec().into())
}

/// The school years and days that the district declared.
pub(crate) fn calendars(config: &Config) -> Calendars {
    let specs: Vec<CalendarSpec> = config
        .calendars
        .iter()
        .map(|calendar| CalendarSpec {
            schools: match &calendar.schools {
                Schools::All => None,
                Schools::These(ids) => Some(ids.clone()),
            },
            school_year: calendar.school_year,
            first: calendar.first.0,
            last: calendar.last.0,
            closed: calendar.closed.iter().map(|closed| (closed.from, closed.to)).collect(),
        })
        .collect();
    Calendars::new(&specs)
}

fn cannot_use(data_dir: &DataDir, error: std::io::Error) -> Failure {
    let context = format!("the data folder {} cannot be used", data_dir.path().display());
    environment(anyhow::Error::new(error).context(context))
}

fn environment(error: anyhow::Error) -> Failure {
    Failure::environment(error, "")
}
