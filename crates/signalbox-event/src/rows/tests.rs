//! `docs/entities.md` is what the entities say. `UPDATE_SCHEMAS=1 cargo test -p signalbox-event` rewrites it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::*;

const HEAD: &str = "# Entities: kinds of rows\n\n\
    What a row is about. A feed of mapped columns (`csv`) names one as its `entity` and says which column holds what. Columns with a star\n\
    have to be mapped, and a row without their value cannot be used.\n";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for entity in Entity::ALL {
        write!(page, "\n## `{entity}`\n\n{} One row each: {}.\n", entity.about(), entity.key())
            .expect("text");
        if entity.columns().is_empty() {
            page.push_str("\nComes with rosters (`oneroster`, `roster.enrollment`); no feed maps it.\n");
            continue;
        }
        page.push_str("\n| column | holds | |\n|---|---|---|\n");
        for Column { name, about, holds, required, .. } in entity.columns() {
            let star = if *required { "\\*" } else { "" };
            let words = match holds {
                Holds::Word(words) | Holds::Code(words) => format!(": `{}`", words.join("`, `")),
                _ => String::new(),
            };
            writeln!(page, "| `{name}`{star} | {about} | {}{words} |", holds.plain()).expect("text");
        }
    }
    page
}

#[test]
fn the_page_on_entities_says_what_they_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/entities.md");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, page()).expect("writes the page");
    }
    let published = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(published == page(), "docs/entities.md is stale: UPDATE_SCHEMAS=1 cargo test -p signalbox-event");
}

/// Numbers stand in stores, names in configurations.
#[test]
fn entities_are_told_apart_by_number_and_name_and_their_columns_by_name() {
    let numbers: BTreeSet<u16> = Entity::ALL.iter().map(|entity| *entity as u16).collect();
    let names: BTreeSet<&str> = Entity::ALL.iter().map(|entity| entity.as_str()).collect();
    assert_eq!((numbers.len(), names.len()), (Entity::ALL.len(), Entity::ALL.len()));
    for entity in Entity::mapped() {
        let columns: BTreeSet<&str> = entity.columns().iter().map(|column| column.name).collect();
        assert_eq!(columns.len(), entity.columns().len(), "{entity}");
        assert!(columns.len() <= COLUMNS_AT_MOST, "{entity}");
        assert_eq!(entity.as_str().parse::<Entity>().expect("it is one"), entity);
    }
}

/// A row of which everything is known but what may be left out is drafted, and knows what its key needs.
#[test]
fn every_entity_with_columns_makes_a_row_of_its_cells() {
    for entity in Entity::mapped() {
        let mut cells = Cells::default();
        for (at, column) in entity.columns().iter().enumerate().filter(|(_, column)| column.required) {
            cells[at] = match column.holds {
                Holds::Word(_) | Holds::Code(_) => Cell::Word(Some(0), None),
                holds if holds.is_date() => Cell::Date(jiff::civil::date(2026, 9, 16)),
                _ => Cell::Text(column.name.into()),
            };
        }
        let mut last = None;
        entity.of_cells(&mut cells, &mut |body| last = Some(body));
        let row = last.unwrap_or_else(|| panic!("{entity} makes no row"));
        assert_eq!(row.entity(), entity);
        let disputes = entity.columns().iter().any(|column| column.unread == Unread::Disputes);
        assert_eq!(row.disputed().is_some(), disputes, "{entity}");
    }
}
