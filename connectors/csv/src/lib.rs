//! CSV files with mapped columns: any tool that can export a table.
//!
//! The feed's section says which entity the rows are, which column holds what, what each code means and what the
//! file speaks for. Files are taken from a drop folder as they come; see the crate's README for an example.
//!
//! # Layout
//! - `config`: the section of the YAML and what is checked about it
//! - `normalize`: rows to drafts and rejects

mod config;
mod normalize;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use signalbox_connector::delimited::line_sum;
use signalbox_connector::drop_folder::{self, Dropped, NotOpened};
use signalbox_connector::{
    Connector, Contents, Cursor, Entity, FetchCx, FetchError, Item, Land, Newest, Page, ParseCx, ReadSeek,
    Refusal, RowSum, Source, async_trait, erased_serde, regular_file,
};

use crate::config::{Config, Feed};

/// The connector, for the binary's list.
pub const CONNECTOR: Connector = Connector {
    name: "csv",
    about: "Reads CSV files from a drop folder: rows of any entity, with columns and codes mapped in the feed",
    config_schema: || schemars::schema_for!(Config),
    source: Some(parse),
    destination: None,
};

fn parse(
    section: &mut dyn erased_serde::Deserializer<'_>,
    cx: &ParseCx<'_>,
) -> Result<Box<dyn Source>, erased_serde::Error> {
    let feed: Feed = erased_serde::deserialize(section)?;
    Ok(Box::new(CsvSource { base: cx.base.to_owned(), feed: feed.in_zone(cx.zone) }))
}

struct CsvSource {
    base: PathBuf,
    feed: Feed,
}

impl CsvSource {
    fn drops(&self) -> Result<Vec<Dropped>, FetchError> {
        let found = drop_folder::matching(&self.base, &self.feed.path)?;
        let files = found.paths.into_iter().filter(|path| !path.is_dir());
        Ok(files.chain(found.shut).map(Dropped::alone).collect())
    }

    fn opener(&self) -> impl Fn(&Dropped, &dyn Land) -> Result<File, NotOpened> {
        let root = drop_folder::root(&self.base, &self.feed.path);
        move |dropped, _| Ok(regular_file::open_within(&dropped.path, &root)?)
    }
}

#[async_trait]
impl Source for CsvSource {
    fn entities(&self) -> &[Entity] {
        std::slice::from_ref(&self.feed.extent.entity)
    }

    fn mapping(&self) -> String {
        self.feed.mapping.clone()
    }

    fn student_id_type(&self) -> Option<&str> {
        self.feed.student_id_type.as_deref()
    }

    fn newest(&self, land: &dyn Land) -> Option<Newest> {
        Some(drop_folder::newest(&self.base, &self.feed.path, self.drops(), land, &self.opener()))
    }

    async fn fetch(&self, cx: &FetchCx<'_>, cursor: &Cursor) -> Result<Page, FetchError> {
        drop_folder::next_page(cx, cursor, &self.base, &self.drops()?, &self.opener())
    }

    fn normalize(
        &self,
        payload: &mut dyn ReadSeek,
        emit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
    ) -> Result<Contents, Refusal> {
        normalize::normalize(&self.feed, payload, emit)
    }

    fn row_sum(&self, payload: &mut dyn ReadSeek) -> io::Result<Option<RowSum>> {
        line_sum(payload, self.feed.format)
    }
}
