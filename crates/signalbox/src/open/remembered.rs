//! What a hub remembers of its first start, and what it refuses to go on with.
//!
//! Every student's key is made of the district's secret and the name of the roster of record, every event's id of the
//! district's id. With another of them, all that was remembered would be about other students.

use anyhow::anyhow;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signalbox_hub::names::Names;
use signalbox_store::{FORMAT_OF_STORES, FeedStore};

use super::data_dir::{DataDir, hex};
use crate::config::Config;
use crate::exit::Failure;

/// The note that holds it.
const NOTE: &str = "identity";
/// A secret that is shorter can be guessed, and with it every student's key.
const SECRET_BYTES_AT_LEAST: usize = 16;
/// Bytes of the hash by which a secret is known again.
const HASH_BYTES: usize = 16;

const ANOTHER_DISTRICT: &str = "for another district begin anew: embedded with a fresh data_dir, on servers with another \
     log.kafka.prefix and another schema";
const BEGIN_ANEW: &str = "begin anew: embedded with a fresh data_dir, on servers with another log.kafka.prefix and another \
     schema. The files are read again";

/// Whose hub it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    /// The format of the stores when the hub began.
    format: u32,
    district: String,
    /// A hash of the district's secret.
    secret: String,
    /// The name that the roster of record is kept under.
    roster: String,
}

/// What the hub is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To work: whose hub it is, is remembered from its first start on.
    Run,
    /// To look at it, or to do one thing: nothing is fixed by that.
    Look,
    /// To rename feeds: the roster of record may have another name than the one that is remembered.
    Rename,
}

/// The secret of the district, and what feeds are called, once it is sure that this is the hub of before, or a new one.
pub(super) async fn meet(
    config: &Config,
    data_dir: &DataDir,
    feeds: &dyn FeedStore,
    purpose: Purpose,
    make: impl FnOnce(&DataDir) -> Result<SecretSlice<u8>, Failure>,
) -> Result<(SecretSlice<u8>, Names), Failure> {
    let before = load(feeds).await?;
    let secret = match &config.district.secret {
        Some(_) => configured_secret(config)?,
        None if before.is_some() || data_dir.has_secret() => data_dir.remembered_secret()?,
        None => make(data_dir)?,
    };
    let district = &config.district.id;
    let known = before.as_ref();
    refuse_another(known.map(|known| &known.district), district, |before| {
        another_district(before, district)
    })?;
    let hash = hash_of(&secret);
    refuse_another(known.map(|known| &known.secret), &hash, |_| another_secret())?;
    let names = Names::load(feeds).await?;
    if purpose == Purpose::Rename {
        return Ok((secret, names));
    }
    let (roster, kept) = roster_of(config, &names);
    refuse_another(known.map(|known| &known.roster), &kept, |before| {
        another_roster(names.called(before), roster)
    })?;
    if before.is_none() && purpose == Purpose::Run {
        let ours =
            Identity { format: FORMAT_OF_STORES, district: district.clone(), secret: hash, roster: kept };
        remember(feeds, &ours).await?;
    }
    let configured = config.feeds.iter().map(|feed| feed.name.as_str());
    Ok((secret, Names::of_configured(feeds, configured).await?))
}

/// As the first of those who begin at once says.
async fn remember(feeds: &dyn FeedStore, ours: &Identity) -> Result<(), Failure> {
    let json = serde_json::to_string(ours).expect("an identity always serialises");
    if feeds.remember(NOTE, &json).await? == json {
        return Ok(());
    }
    Err(Failure::input(
        anyhow!(
            "another process began this hub at the same time, as another district or with another secret or roster"
        ),
        "give every process the same district.id, district.secret and roster of record",
    ))
}

/// `None`: the hub has not begun.
async fn load(feeds: &dyn FeedStore) -> Result<Option<Identity>, Failure> {
    let Some(json) = feeds.note(NOTE).await? else {
        return if feeds.feeds().await?.is_empty() {
            Ok(None)
        } else {
            Err(other_format("an earlier version"))
        };
    };
    match serde_json::from_str::<Identity>(&json) {
        Ok(identity) if identity.format == FORMAT_OF_STORES => Ok(Some(identity)),
        Ok(identity) if identity.format > FORMAT_OF_STORES => Err(other_format("a later version")),
        _ => Err(other_format("an earlier version")),
    }
}

#[cfg(any(feature = "servers", test))]
/// Refuses stores of another version.
pub(super) async fn check_format(feeds: &dyn FeedStore) -> Result<(), Failure> {
    load(feeds).await.map(drop)
}

fn other_format(who: &str) -> Failure {
    Failure::input(
        anyhow!("the stores are those of {who} of signalbox, which keeps them otherwise"),
        BEGIN_ANEW,
    )
}

fn refuse_another(
    before: Option<&String>,
    now: &String,
    why: impl FnOnce(&str) -> Failure,
) -> Result<(), Failure> {
    match before {
        Some(before) if before != now => Err(why(before)),
        _ => Ok(()),
    }
}

fn another_district(before: &str, now: &str) -> Failure {
    Failure::input(
        anyhow!("district.id is \"{now}\", and this hub began as \"{before}\""),
        format!("put district.id back to \"{before}\"; {ANOTHER_DISTRICT}"),
    )
}

fn another_secret() -> Failure {
    Failure::input(
        anyhow!(
            "district.secret is another than the one that this hub began with: every student would get another key"
        ),
        format!(
            "put it back, and give every process the same district.secret: in the configuration, or the file `secret` of \
             the first data_dir; {ANOTHER_DISTRICT}"
        ),
    )
}

fn another_roster(before: &str, now: &str) -> Failure {
    Failure::input(
        anyhow!(
            "the roster of record is \"{now}\", and this hub began with \"{before}\": every student would get another key"
        ),
        format!(
            "call it \"{before}\" again, or, if it is the same roster under another name: signalbox feeds rename {before} \
             {now}; to begin with another roster, take a fresh data_dir (on servers another prefix and schema)"
        ),
    )
}

/// What the roster of record is called, and the name it is kept under.
fn roster_of<'a>(config: &'a Config, names: &'a Names) -> (&'a str, String) {
    let roster = config.feeds.iter().find(|feed| feed.roster_of_record);
    let called = roster.map_or("", |feed| feed.name.as_str());
    (called, names.kept_as(called).to_owned())
}

/// The secret that the configuration names.
pub(super) fn configured_secret(config: &Config) -> Result<SecretSlice<u8>, Failure> {
    let secret = config.district.secret.as_ref().expect("asked for only where there is one");
    let found = secret.resolve(&config.base).map_err(|error| {
        Failure::environment(error, "set it, or take `secret` out of `district` to have one made")
    })?;
    let bytes = found.expose_secret().as_bytes();
    if bytes.len() < SECRET_BYTES_AT_LEAST {
        return Err(Failure::input(
            anyhow!(
                "district.secret is shorter than {SECRET_BYTES_AT_LEAST} bytes: student keys made with it can be guessed"
            ),
            "put the secret back that the hub began with; for a new hub make one, e.g. openssl rand -hex 32",
        ));
    }
    Ok(bytes.to_vec().into())
}

fn hash_of(secret: &SecretSlice<u8>) -> String {
    let digest = Sha256::new_with_prefix(b"signalbox district secret").chain_update(secret.expose_secret());
    hex(&digest.finalize()[..HASH_BYTES])
}

#[cfg(test)]
mod tests {
    use signalbox_store::feed::Term;
    use signalbox_store::memory::MemoryFeeds;

    use super::*;

    fn identity(format: u32) -> Identity {
        let text = str::to_owned;
        Identity { format, district: text("lakeside"), secret: text("aa"), roster: text("sis") }
    }

    async fn said(feeds: &MemoryFeeds) -> String {
        match check_format(feeds).await {
            Ok(()) => "nothing".to_owned(),
            Err(Failure::Other { kind, error, help }) => format!("{kind:?}: {error}; {help}"),
            Err(Failure::Config(_)) => panic!("nobody read a configuration"),
        }
    }

    #[tokio::test]
    async fn stores_of_another_version_are_refused_with_the_mend() {
        let feeds = MemoryFeeds::default();
        assert_eq!(said(&feeds).await, "nothing", "a new hub");
        for (format, who) in
            [(FORMAT_OF_STORES - 1, "an earlier version"), (FORMAT_OF_STORES + 1, "a later version")]
        {
            let json = serde_json::to_string(&identity(format)).expect("serialises");
            feeds.save_note(NOTE, &json).await.expect("saves");
            let said = said(&feeds).await;
            assert!(
                said.starts_with("Input") && said.contains(who) && said.contains("fresh data_dir"),
                "{said}"
            );
        }
    }

    #[tokio::test]
    async fn stores_of_before_anything_was_remembered_are_refused() {
        let feeds = MemoryFeeds::default();
        feeds.take("sis", Term { holder: "one", now_ms: 0, until_ms: 1 }).await.expect("takes");
        assert!(said(&feeds).await.contains("an earlier version"));
    }

    #[tokio::test]
    async fn of_two_who_begin_at_once_the_second_is_refused_if_it_differs() {
        let feeds = MemoryFeeds::default();
        assert!(remember(&feeds, &identity(FORMAT_OF_STORES)).await.is_ok());
        assert!(remember(&feeds, &identity(FORMAT_OF_STORES)).await.is_ok());
        let other = Identity { roster: "other".to_owned(), ..identity(FORMAT_OF_STORES) };
        assert!(remember(&feeds, &other).await.is_err());
    }
}
