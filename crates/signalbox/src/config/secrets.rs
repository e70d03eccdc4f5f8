//! What `check` says about secrets, wherever in the file they stand.

use std::path::Path;

use super::place::Place;
use super::tree::Node;
use crate::problem::Report;

/// Warns of secrets that stand in the file itself, or that are not where the file says.
pub(super) fn check(tree: &Node, base: &Path, report: &mut Report) {
    tree.each_scalar("", &mut |key, text, place| match reference(text) {
        Some(Reference::Env(name)) if std::env::var_os(name).is_none() => {
            let message = format!("the environment variable {name} is not set here");
            report.warning(place, "secret_missing", message, "set it where the hub runs");
        }
        Some(Reference::File(file)) if !base.join(file).is_file() => {
            let message = format!("the secret file {file} is not there");
            report.warning(place, "secret_missing", message, "put it where the hub runs");
        }
        None if is_literal_secret(key, text) => warn_of_literal(key, place, report),
        _ => {}
    });
}

pub(super) enum Reference<'a> {
    Env(&'a str),
    File(&'a str),
}

/// What `SECRET[…]` points to.
pub(super) fn reference(text: &str) -> Option<Reference<'_>> {
    let inner = text.strip_prefix("SECRET[")?.strip_suffix(']')?;
    match inner.split_once('.')? {
        ("env", name) => Some(Reference::Env(name)),
        ("file", path) => Some(Reference::File(path)),
        _ => None,
    }
}

/// Whether a value that stands under `key` is a secret in plain sight.
pub(crate) fn is_literal_secret(key: &str, text: &str) -> bool {
    let holds_password = key == "url" && text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    (names_secret(key) || holds_password) && !text.is_empty() && !text.starts_with("SECRET[")
}

/// Whether what stands under `key` is a secret.
pub(super) fn names_secret(key: &str) -> bool {
    ["secret", "password", "token"].iter().any(|word| key.ends_with(word))
}

fn warn_of_literal(key: &str, place: Place, report: &mut Report) {
    let message = format!("\"{key}\" stands here for everybody who can read this file");
    let help = "write SECRET[env.NAME] or SECRET[file./path] and keep the value there";
    report.warning(place, "literal_secret", message, help);
}
