//! OneRoster 1.1 and 1.2 CSV: schools, students and enrolments of a student information system.
//!
//! A drop is a zip, or a folder of bare CSV files, which is landed as a zip. Only the files that say who is enrolled
//! where are opened; `demographics.csv`, with its protected attributes, is neither read nor landed from a folder.
//!
//! # Layout
//! - `config`: the section of the YAML
//! - `folder`: what lies in the drop folder, and a folder as one zip
//! - `package`: a zip that is not trusted; `manifest`: version, and whether files are bulk or delta
//! - `roster`: the files, one after the other, to drafts and rejects

mod config;
mod folder;
mod manifest;
mod package;
mod roster;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;

use signalbox_connector::drop_folder::{Dropped, NotOpened};
use signalbox_connector::{
    Connector, Contents, Cursor, Entity, FetchCx, FetchError, Item, Land, Newest, Page, ParseCx, ReadSeek,
    Refusal, Source, async_trait, drop_folder, erased_serde,
};

use crate::config::{Config, Feed};
use crate::package::Package;

/// The connector, for the binary's list.
pub const CONNECTOR: Connector = Connector {
    name: "oneroster",
    about: "Reads OneRoster 1.1 and 1.2 CSV from a drop folder: schools, students and enrolments",
    config_schema: || schemars::schema_for!(Config),
    source: Some(parse),
    destination: None,
};

fn parse(
    section: &mut dyn erased_serde::Deserializer<'_>,
    cx: &ParseCx<'_>,
) -> Result<Box<dyn Source>, erased_serde::Error> {
    let feed: Feed = erased_serde::deserialize(section)?;
    Ok(Box::new(OneRosterSource { base: cx.base.to_owned(), feed }))
}

struct OneRosterSource {
    base: PathBuf,
    feed: Feed,
}

impl OneRosterSource {
    fn opener(&self) -> impl Fn(&Dropped, &dyn Land) -> Result<File, NotOpened> {
        let root = drop_folder::root(&self.base, &self.feed.path);
        move |dropped, land| folder::open(dropped, &root, land)
    }
}

#[async_trait]
impl Source for OneRosterSource {
    fn entities(&self) -> &[Entity] {
        &[Entity::School, Entity::Student, Entity::Enrollment]
    }

    fn mapping(&self) -> String {
        format!("oneroster/2 {}", self.feed.format.encoding.name())
    }

    fn newest(&self, land: &dyn Land) -> Option<Newest> {
        let drops = folder::drops(&self.base, &self.feed.path);
        Some(drop_folder::newest(&self.base, &self.feed.path, drops, land, &self.opener()))
    }

    async fn fetch(&self, cx: &FetchCx<'_>, cursor: &Cursor) -> Result<Page, FetchError> {
        let drops = folder::drops(&self.base, &self.feed.path)?;
        drop_folder::next_page(cx, cursor, &self.base, &drops, &self.opener())
    }

    fn normalize(
        &self,
        payload: &mut dyn ReadSeek,
        emit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> Result<Contents, Refusal> {
        roster::read(&mut Package::open(payload)?, self.feed.format, emit)
    }
}
