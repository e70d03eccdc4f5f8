//! From the configuration to a hub on its stores.
//!
//! # Layout
//! - this file: [`Opened`], and what both kinds of hub have in common
//! - `embedded`: on files of the data folder; `servers`: on Kafka and PostgreSQL (`no_servers`: of a build without them);
//!   `moving`: from one to the other
//! - `look`: though a server be away
//! - `remembered`: what a hub remembers of its first start, and refuses to change
//! - `scratch`: where trials work on copies
//! - `data_dir`: the folder, its secret and its lock; `slot`: which of its processes this one is

mod data_dir;
mod embedded;
pub(crate) mod look;
#[cfg(feature = "servers")]
pub(crate) mod moving;
mod remembered;
mod scratch;
#[cfg(not(feature = "servers"))]
#[path = "open/no_servers.rs"]
mod servers;
#[cfg(feature = "servers")]
pub(crate) mod servers;
mod slot;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use secrecy::SecretSlice;
use signalbox_event::topic::{DEFAULT_PREFIX, DEFAULT_SHARDS};
use signalbox_hub::Target;
use signalbox_hub::calendar::Calendars;
use signalbox_hub::land::Landing;
use signalbox_hub::names::Names;
use signalbox_hub::{District, Feed, Hub, Route, Settings, Topics};
use signalbox_ingest::{Holder, Known};
use signalbox_roles::up::Beside;

use crate::config::sections::Calendar;
use crate::config::{Backing, Config, Loaded};
use crate::consumers::CONSUMERS;
use crate::exit::Failure;

pub(crate) use data_dir::{DataDir, Lock};
use remembered::Purpose;
use servers::Connected;
pub(crate) use slot::Slot;

/// The largest payload that is landed: 8 GiB.
const MAX_PAYLOAD_BYTES: u64 = 8 << 30;
/// A process that is silent for this long loses its feeds to another.
pub(crate) const FEED_TERM: Duration = Duration::from_secs(30);

/// A hub, and what lives as long as it does.
pub(crate) struct Opened {
    pub(crate) hub: Arc<Hub>,
    pub(crate) data_dir: DataDir,
    /// `None`: embedded.
    servers: Option<Connected>,
    /// Of a process that runs on.
    slot: Option<Slot>,
    scratch: Option<Scratch>,
}

/// What a trial was tried on.
struct Scratch {
    /// Vanishes with this.
    folder: scratch::Folder,
    database: Option<servers::Scratch>,
}

/// Who else may be at work beside a command.
pub(crate) struct Company {
    pub(crate) beside: Beside,
    /// Held while the command is alone on an embedded hub.
    _lock: Option<Lock>,
}

/// Opens the hub on its own data, making what is missing of an embedded one.
pub(crate) async fn open(loaded: Loaded) -> Result<Opened, Failure> {
    open_as(loaded, None, Purpose::Look).await
}

/// As [`open`], for a process that runs on: on servers it is known by its slot, so that one that is started again in its
/// place has its feeds and shards at once. `configuration` names what it runs with.
pub(crate) async fn open_to_run(loaded: Loaded, configuration: &str) -> Result<Opened, Failure> {
    open_as(loaded, Some(configuration), Purpose::Run).await
}

/// As [`open`], to work through what is there, once.
pub(crate) async fn open_to_run_once(loaded: Loaded) -> Result<Opened, Failure> {
    open_as(loaded, None, Purpose::Run).await
}

/// As [`open`], though the roster of record has another name than the one that is remembered: to rename it.
pub(crate) async fn open_to_rename(loaded: Loaded) -> Result<Opened, Failure> {
    open_as(loaded, None, Purpose::Rename).await
}

async fn open_as(loaded: Loaded, running: Option<&str>, purpose: Purpose) -> Result<Opened, Failure> {
    let Loaded { config, .. } = loaded;
    let data_dir = DataDir::make(&config.data_dir)?;
    let slot = match (&config.backing, running) {
        #[cfg(feature = "servers")]
        (Backing::Servers(_), Some(configuration)) => Some(Slot::take(data_dir.path(), configuration)?),
        _ => None,
    };
    let servers = match &config.backing {
        Backing::Embedded => None,
        #[cfg(feature = "servers")]
        Backing::Servers(servers) => {
            let instance = slot.as_ref().map(|slot| slot.name.as_str());
            let connected = servers::connect(servers, &config.base, instance).await?;
            Some((servers::topics(servers), connected))
        }
    };
    assemble(config, data_dir, slot, servers, purpose).await
}

/// The hub on these servers, or on the files of its folder.
async fn assemble(
    config: Config,
    data_dir: DataDir,
    slot: Option<Slot>,
    servers: Option<(Topics, Connected)>,
    purpose: Purpose,
) -> Result<Opened, Failure> {
    if config.district.secret.is_some() {
        // Before anything is made.
        remembered::configured_secret(&config)?;
    }
    if matches!(purpose, Purpose::Run) {
        scratch::sweep(&data_dir).map_err(|e| cannot_use(&data_dir, e))?;
    }
    let landing = Landing::open(&data_dir.landing()).map_err(|e| cannot_use(&data_dir, e))?;
    let (stores, servers) = match servers {
        None => {
            data_dir.has_not_moved()?;
            (embedded::open(data_dir.path()).await?, None)
        }
        Some((topics, connected)) => (servers::stores(&connected, topics), Some(connected)),
    };
    let whose = remembered::meet(&config, &data_dir, &*stores.feeds, purpose, DataDir::make_secret).await?;
    let hub = hub(config, whose, stores, landing);
    Ok(Opened { hub: Arc::new(hub), data_dir, servers, slot, scratch: None })
}

/// Opens the hub on a copy of its data: nothing that happens to it lasts.
pub(crate) async fn open_copy(loaded: Loaded) -> Result<Opened, Failure> {
    let Loaded { config, .. } = loaded;
    let data_dir = DataDir::make(&config.data_dir)?;
    let folder = scratch::Folder::make(&data_dir)?;
    let landing = Landing::over(&folder.path().join("landing"), &data_dir.landing())
        .context("no scratch folder can be made")
        .map_err(environment)?;
    let (stores, servers, database) = match &config.backing {
        Backing::Embedded => (embedded::open_copy(&data_dir, folder.path()).await?, None, None),
        #[cfg(feature = "servers")]
        Backing::Servers(servers) => {
            let connected = servers::connect(servers, &config.base, None).await?;
            let copied = servers::copy(servers, &config.base).await?;
            let topics = servers::topics(servers);
            let stores = servers::stores_of_copy(&connected, topics, &copied, folder.path()).await?;
            (stores, Some(connected), Some(copied))
        }
    };
    let whose = {
        let purpose = Purpose::Look;
        remembered::meet(&config, &data_dir, &*stores.feeds, purpose, DataDir::secret_for_once).await?
    };
    let hub = hub(config, whose, stores, landing);
    let scratch = Some(Scratch { folder, database });
    Ok(Opened { hub: Arc::new(hub), data_dir, servers, slot: None, scratch })
}

impl Opened {
    /// Whether other processes may work on the same hub.
    pub(crate) fn is_shared(&self) -> bool {
        self.servers.is_some()
    }

    /// Who else may be at work. `configuration` names what this process runs with.
    pub(crate) fn company(&self, configuration: &str) -> Result<Company, Failure> {
        if self.is_shared() {
            return Ok(Company { beside: Beside::Processes, _lock: None });
        }
        let lock = self.data_dir.try_lock(configuration)?;
        let beside = if lock.is_some() { Beside::Nobody } else { Beside::Up };
        Ok(Company { beside, _lock: lock })
    }

    /// The name under which this process reads feeds; it is the process's as long as the slot is held.
    /// `configuration` names what it runs with.
    pub(crate) fn holder(&self, configuration: &str) -> Result<(Holder, Option<Slot>), Failure> {
        if !self.is_shared() {
            return Ok((Holder::embedded(), None));
        }
        if let Some(slot) = &self.slot {
            return Ok((Holder { name: slot.name.clone(), term: FEED_TERM }, None));
        }
        let slot = Slot::take(self.data_dir.path(), configuration)?;
        Ok((Holder { name: slot.name.clone(), term: FEED_TERM }, Some(slot)))
    }

    /// Whether what runs on this data folder, if anything does, was started with other configurations only. Locks nothing.
    pub(crate) fn was_started_otherwise(&self, configuration: &str) -> Result<bool, Failure> {
        if self.is_shared() {
            let others = Slot::others(self.data_dir.path())?;
            return Ok(!others.is_empty() && others.iter().all(|other| other != configuration));
        }
        Ok(self.data_dir.running_configuration().is_some_and(|running| running != configuration))
    }

    /// Whether a process of this data folder runs with another configuration.
    pub(crate) fn runs_otherwise(&self, company: &Company, configuration: &str) -> Result<bool, Failure> {
        Ok(match company.beside {
            Beside::Nobody => false,
            Beside::Up => self.data_dir.running_configuration().as_deref() != Some(configuration),
            Beside::Processes => {
                Slot::others(self.data_dir.path())?.iter().any(|other| other != configuration)
            }
        })
    }

    /// Lets go of what others wait for, and of what was only a trial. Nothing may use the hub any more.
    pub(crate) async fn close(self) -> Result<(), Failure> {
        let Self { scratch, servers, hub, .. } = self;
        drop(hub);
        let removed = match scratch {
            Some(scratch) => scratch.remove().await,
            None => Ok(()),
        };
        if let Some(servers) = servers {
            servers.close().await;
        }
        removed
    }
}

impl Scratch {
    async fn remove(self) -> Result<(), Failure> {
        let folder = self.folder.path().display().to_string();
        let vanished = self.folder.close().map_err(|error| {
            let error = anyhow::Error::new(error).context(format!("the scratch folder {folder} stays"));
            Failure::environment(error, "remove it: it has data of students")
        });
        // Each goes though the other cannot.
        let dropped = match self.database {
            Some(database) => servers::remove(database).await,
            None => Ok(()),
        };
        vanished.and(dropped)
    }
}

/// The ids that an embedded hub has read of its rosters. `None`: it has not started, or its files cannot be read.
pub(crate) fn known_ids(config: &Config) -> Option<Known> {
    let has_started = matches!(config.backing, Backing::Embedded) && embedded::has_started(&config.data_dir);
    if !has_started {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(embedded::known_ids(&config.data_dir)).ok()
}

/// The log and the stores of a hub.
struct Stores {
    topics: Topics,
    log: Arc<dyn signalbox_log::EventLog>,
    states: Arc<dyn signalbox_store::StateStore>,
    outbox: Arc<dyn signalbox_store::Outbox>,
    feeds: Arc<dyn signalbox_store::FeedStore>,
}

fn hub(config: Config, whose: (SecretSlice<u8>, Names), stores: Stores, landing: Landing) -> Hub {
    let Stores { topics, log, states, outbox, feeds } = stores;
    let settings = settings(config, whose, topics);
    Hub { settings, log, states, outbox, feeds, landing }
}

fn default_topics() -> Topics {
    Topics { prefix: DEFAULT_PREFIX.to_owned(), shards: DEFAULT_SHARDS, consumers: CONSUMERS }
}

fn settings(config: Config, (secret, names): (SecretSlice<u8>, Names), topics: Topics) -> Settings {
    let calendars = calendars(&config);
    let feeds = config.feeds.into_iter().map(|feed| Feed {
        name: names.kept_as(&feed.name).to_owned(),
        mode: feed.mode,
        roster_of_record: feed.roster_of_record,
        source: feed.source,
    });
    let targets =
        config.destinations.into_iter().map(|one| Target { name: one.name, destination: one.channel });
    Settings {
        district: District { id: config.district.id, zone: config.district.zone, secret },
        topics,
        calendars,
        feeds: feeds.collect(),
        names: names.clone(),
        targets: targets.collect(),
        routes: config.routes.into_iter().map(|route| Route { rule: route.rule, to: route.to }).collect(),
        rules: config.rules,
        max_payload_bytes: MAX_PAYLOAD_BYTES,
    }
}

/// What files are tried by: nothing of them is kept, and nobody is told.
pub(crate) fn settings_to_try(config: &Config) -> Settings {
    let feeds = config.feeds.iter().map(|feed| Feed {
        name: feed.name.clone(),
        mode: feed.mode,
        roster_of_record: feed.roster_of_record,
        source: feed.source.clone(),
    });
    let (id, zone) = (config.district.id.clone(), config.district.zone.clone());
    Settings {
        district: District { id, zone, secret: Vec::new().into() },
        topics: default_topics(),
        calendars: calendars(config),
        feeds: feeds.collect(),
        names: Names::default(),
        targets: Vec::new(),
        routes: Vec::new(),
        rules: Vec::new(),
        max_payload_bytes: MAX_PAYLOAD_BYTES,
    }
}

/// The school years and days that the district declared.
pub(crate) fn calendars(config: &Config) -> Calendars {
    let specs: Vec<_> = config.calendars.iter().map(Calendar::spec).collect();
    Calendars::new(&specs)
}

fn cannot_use(data_dir: &DataDir, error: std::io::Error) -> Failure {
    let context = format!("the data folder {} cannot be used", data_dir.path().display());
    environment(anyhow::Error::new(error).context(context))
}

fn environment(error: anyhow::Error) -> Failure {
    Failure::environment(error, "")
}
