//! Secrets in the configuration: `SECRET[env.NAME]` and `SECRET[file./path]`.

use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};

use crate::regular_file;

/// No secret is longer.
const MOST_BYTES: u64 = 64 << 10;

/// A secret or where to find it. Never prints, never serialises.
#[derive(Clone, JsonSchema)]
#[schemars(with = "String")]
pub struct Secret(Place);

#[derive(Clone)]
enum Place {
    Env(String),
    File(PathBuf),
    Literal(SecretString),
}

/// The secret is not where the configuration says.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("environment variable {0} is not set")]
    Env(String),
    #[error("secret file {path} cannot be read")]
    File { path: PathBuf, source: std::io::Error },
}

impl Secret {
    /// Looks the secret up now. Files are relative to `base`; a trailing line end is not part of the secret.
    pub fn resolve(&self, base: &Path) -> Result<SecretString, SecretError> {
        match &self.0 {
            Place::Env(name) => {
                std::env::var(name).map(SecretString::from).map_err(|_| SecretError::Env(name.clone()))
            }
            Place::File(path) => regular_file::read_text(&base.join(path), MOST_BYTES)
                .map(|text| SecretString::from(text.trim_end_matches(['\r', '\n'])))
                .map_err(|source| SecretError::File { path: path.clone(), source }),
            Place::Literal(secret) => Ok(secret.clone()),
        }
    }

    /// Whether the secret stands in the configuration itself, where others may read it.
    pub const fn is_literal(&self) -> bool {
        matches!(self.0, Place::Literal(_))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = SecretString::from(String::deserialize(deserializer)?);
        parse(&text).map_err(de::Error::custom)
    }
}

fn parse(text: &SecretString) -> Result<Secret, &'static str> {
    let Some(inner) = text.expose_secret().strip_prefix("SECRET[") else {
        return Ok(Secret(Place::Literal(text.clone())));
    };
    let inner = inner.strip_suffix(']').ok_or("a secret reference ends with ]")?;
    match inner.split_once('.') {
        Some(("env", name)) if !name.is_empty() => Ok(Secret(Place::Env(name.to_owned()))),
        Some(("file", path)) if !path.is_empty() => Ok(Secret(Place::File(path.into()))),
        _ => Err("a secret is SECRET[env.NAME] or SECRET[file./path]"),
    }
}
