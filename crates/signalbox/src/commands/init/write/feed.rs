//! One entry of `feeds`.

use std::fmt::{self, Write};
use std::path::Path;

use signalbox_connector::Entity;
use signalbox_event::rows::{Column, Holds, Unread};

use super::{in_quotes, quoted, remark};
use crate::commands::init::codes::Code;
use crate::commands::init::dates::Dates;
use crate::commands::init::scan::Feed;
use crate::commands::init::table::{Mapped, Table};

/// A feed that can be read as it is.
pub(super) fn feed(out: &mut String, feed: &Feed, base: &Path, is_of_record: bool) -> fmt::Result {
    writeln!(out, "  - name: {}", feed.name)?;
    writeln!(out, "    mode: test               # history | test: alerts are shown, none is sent | live")?;
    if is_of_record {
        writeln!(out, "    roster_of_record: true   # its ids are the district's")?;
    }
    let path = quoted(&relative(&feed.path, base));
    match &feed.table {
        None => writeln!(out, "    oneroster: {{path: {path}}}"),
        Some(table) => csv(out, table, &path),
    }
}

/// A feed that lacks something, as a comment to be completed by hand.
pub(super) fn skeleton(out: &mut String, of: &Feed, table: &Table, base: &Path) -> fmt::Result {
    let header: Vec<String> = table.header.iter().map(|name| in_quotes(name)).collect();
    let why = format!("{} looks like {}, but {}.", of.file, table.entity, table.why_not());
    writeln!(out, "  # {}", remark(&why))?;
    writeln!(out, "  # Its columns: {}", header.join(", "))?;
    writeln!(out, "  # Complete what stands as ???, then take the comment signs away:")?;
    let mut text = String::new();
    feed(&mut text, of, base, false)?;
    text.lines().try_for_each(|line| writeln!(out, "  # {}", line.strip_prefix("  ").unwrap_or(line)))
}

fn csv(out: &mut String, table: &Table, path: &str) -> fmt::Result {
    writeln!(out, "    csv:")?;
    writeln!(out, "      path: {path}")?;
    writeln!(out, "      entity: {}", table.entity)?;
    if table.entity == Entity::Attendance {
        writeln!(out, "      rows: {}", rows(table))?;
    }
    extent(out, table.entity)?;
    if let Some(encoding) = table.how.encoding {
        writeln!(out, "      encoding: {encoding}")?;
    }
    if let Some(delimiter) = table.how.delimiter {
        writeln!(out, "      delimiter: {}", in_quotes(delimiter))?;
    }
    writeln!(out, "      columns:")?;
    for column in table.entity.columns() {
        match table.columns.iter().find(|mapped| mapped.column == column) {
            Some(mapped) => self::column(out, mapped)?,
            None if column.required => missing(out, column)?,
            None => {}
        }
    }
    unused(out, table)?;
    codes(out, table)
}

/// The file's columns that nothing is read from, and what else could be: without an exit nobody ever leaves.
fn unused(out: &mut String, table: &Table) -> fmt::Result {
    let unused: Vec<String> = table.unused().into_iter().map(in_quotes).collect();
    if unused.is_empty() {
        return Ok(());
    }
    writeln!(out, "        # Columns that are not used: {}", unused.join(", "))?;
    let is_mapped = |column: &Column| table.columns.iter().any(|mapped| mapped.column == column);
    let columns = table.entity.columns().iter();
    let left: Vec<_> = columns.filter(|column| !column.required && !is_mapped(column)).collect();
    if !left.is_empty() {
        writeln!(out, "        # If one of them holds one of these, name it:")?;
    }
    for Column { name, about, holds, .. } in left {
        writeln!(out, "        # {name}: \"???\"   # {about}: {}", holds.plain())?;
    }
    Ok(())
}

/// Files that name present students usually name all of them.
fn rows(table: &Table) -> &'static str {
    let mut codes = table.columns.iter().flat_map(|mapped| &mapped.codes);
    if codes.any(|code| code.word == Some("present")) {
        "every_day        # every student has a row every day; exceptions: no row means present"
    } else {
        "exceptions       # no row means present; every_day: no row means unknown"
    }
}

fn extent(out: &mut String, entity: Entity) -> fmt::Result {
    let has_day = entity.columns().iter().any(|column| column.holds == Holds::Day);
    if has_day && entity != Entity::Attendance {
        writeln!(
            out,
            "      covers: own_rows       # each file speaks for its own rows; school_year: for all of the year"
        )?;
        return writeln!(out, "      absent_rows: keep      # a row that is no longer there means nothing");
    }
    let covers = if has_day || entity == Entity::Enrollment {
        "school_year    # each file holds the whole year, or {school_days: N}"
    } else {
        "school_year    # each file holds the whole year, or whole terms of it"
    };
    writeln!(out, "      covers: {covers}")?;
    writeln!(
        out,
        "      absent_rows: end       # a row that is no longer there ended; keep: it means nothing"
    )
}

fn column(out: &mut String, Mapped { column, from, dates, none, .. }: &Mapped) -> fmt::Result {
    let Column { name, required, holds, .. } = **column;
    let from = quoted(from);
    if holds == Holds::LastDay {
        writeln!(
            out,
            "        # {name}: read as the last day there; if yours is the first day away, add exclusive: true"
        )?;
    }
    if *dates == Some(Dates::NotUnderstood) && !required && holds != Holds::LastDay {
        return writeln!(
            out,
            "        # {name}: {{from: {from}, format: \"???\"}}   # its dates are not understood"
        );
    }
    let format = dates.and_then(Dates::format).map(|format| format!(", format: \"{format}\""));
    let words: Vec<String> = none.iter().map(|word| format!("\"{word}\"")).collect();
    let none = (!words.is_empty()).then(|| format!(", none: [{}]", words.join(", ")));
    let more: String = format.into_iter().chain(none).collect();
    let said = if more.is_empty() { from } else { format!("{{from: {from}{more}}}") };
    match dates {
        Some(Dates::NoneYet) => {
            writeln!(out, "        {name}: {said}   # no date yet; with a format, where it is not 2026-08-31")
        }
        Some(Dates::Fit { or: Some(or), .. }) => {
            writeln!(out, "        {name}: {said}   # or \"{or}\": every date fits both")
        }
        _ => writeln!(out, "        {name}: {said}"),
    }
}

fn missing(out: &mut String, Column { name, about, holds, .. }: &Column) -> fmt::Result {
    let words = if let Holds::Word(words) | Holds::Code(words) = holds {
        format!(" ({})", words.join(", "))
    } else {
        String::new()
    };
    writeln!(out, "        {name}: \"???\"   # {about}: {}{words}", holds.plain())?;
    if words.is_empty() {
        return Ok(());
    }
    let such_as = if *name == "kind" { ", such as the term's" } else { "" };
    writeln!(
        out,
        "        # No column says it? One whose values tell it will do{such_as}: say under codes: {{{name}: …}} what each means"
    )
}

fn codes(out: &mut String, table: &Table) -> fmt::Result {
    let columns = table.entity.columns().iter().filter_map(|column| match column.holds {
        Holds::Word(words) | Holds::Code(words) => Some((column, words)),
        _ => None,
    });
    let mut is_first = true;
    for (column, words) in columns {
        let mapped = table.columns.iter().find(|mapped| mapped.column == column);
        let codes = mapped.map_or(&[][..], |mapped| &mapped.codes);
        // Without a code, words mean themselves, but in attendance.
        if codes.is_empty() && table.entity != Entity::Attendance {
            continue;
        }
        if std::mem::take(&mut is_first) {
            writeln!(out, "      codes:")?;
        }
        codes_of(out, column, words, codes)?;
    }
    Ok(())
}

fn codes_of(out: &mut String, column: &Column, words: &[&str], codes: &[Code]) -> fmt::Result {
    writeln!(out, "        # Guessed from the letters; each is one of {}", words.join(", "))?;
    let known = codes.iter().filter_map(|code| Some(format!("{}: {}", quoted(&code.text), code.word?)));
    writeln!(out, "        {}: {{{}}}", column.name, known.collect::<Vec<_>>().join(", "))?;
    let until = match column.unread {
        Unread::Rejects => "a row with it is rejected",
        Unread::Disputes => "what it stands for is unknown",
        Unread::LeftOut | Unread::Kept(_) => "it is left out",
    };
    for code in codes.iter().filter(|code| code.word.is_none()) {
        writeln!(
            out,
            "        # {}: ???   # until it stands above with a word, {until}",
            quoted(&code.text)
        )?;
    }
    Ok(())
}

/// `path` as seen from `base`, where that is simple.
fn relative(path: &Path, base: &Path) -> String {
    let full = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match full(path).strip_prefix(full(base)) {
        Ok(inside) => format!("./{}", inside.display()),
        Err(_) => full(path).display().to_string(),
    }
}
