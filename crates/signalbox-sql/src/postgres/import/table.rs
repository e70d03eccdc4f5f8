//! Which columns go where.

/// A table of the new hub and what of the old one goes into it.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// What SQLite reads it from.
    from: &'static str,
    pub(super) columns: &'static [Column],
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// What SQLite calls it.
    source: &'static str,
    pub(super) kind: Kind,
}

/// What a column holds, as PostgreSQL stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int2,
    Int4,
    Int8,
    Bool,
    Text,
    Bytes,
    Uuid,
}

use Kind::{Bool, Bytes, Int2, Int4, Int8, Text, Uuid};

/// Of `state.db`. A table comes after those that its rows refer to. Claims stay behind, and so lapse.
pub(super) const OF_STATE: &[Table] = &[
    table("consumer", &[column("id", Int4), column("name", Text)]),
    Table {
        from: "shard",
        ..table("lease", &[column("consumer", Int4), column("shard", Int4), column("epoch", Int8)])
    },
    Table {
        from: "position JOIN topic ON topic.id = position.topic",
        ..table(
            "position",
            &[
                column("consumer", Int4),
                column("shard", Int4),
                Column { source: "topic.name", ..column("topic", Text) },
                column("next", Int8),
                column("last_id", Text),
            ],
        )
    },
    table(
        "state",
        &[
            column("consumer", Int4),
            column("shard", Int4),
            column("subject", Bytes),
            column("state", Bytes),
            column("due_ms", Int8),
        ],
    ),
    table(
        "card",
        &[
            column("consumer", Int4),
            column("kind", Text),
            column("id", Uuid),
            column("subject", Bytes),
            column("state", Text),
            column("about", Text),
            column("school", Text),
            column("sort", Text),
            column("body", Text),
        ],
    ),
    table(
        "outbox",
        &[
            column("seq", Int8),
            column("id", Uuid),
            column("target", Text),
            column("lane", Text),
            column("kind", Text),
            column("flag_id", Uuid),
            column("body", Bytes),
            column("created_ms", Int8),
            column("part", Bool),
            column("state", Text),
            column("attempts", Int4),
            column("next_try_ms", Int8),
            column("last_error", Text),
            column("tried_before", Int4),
            column("bundled_into", Uuid),
            column("is_over", Bool),
            column("held", Text),
            column("not_sent", Int4),
        ],
    ),
];

/// Of `feeds.db`. A table comes after those that its rows refer to. Holders stay behind: nobody has a feed.
pub(super) const OF_FEEDS: &[Table] = &[
    table(
        "feed",
        &[column("id", Int4), column("name", Text), column("epoch", Int8), column("settings", Text)],
    ),
    table(
        "run",
        &[
            column("feed", Int4),
            column("number", Int8),
            column("payload", Text),
            column("name", Text),
            column("opened_ms", Int8),
            column("marks", Text),
            column("cause", Text),
            column("gated", Text),
            column("unsent", Bytes),
            column("outcome", Text),
            column("summary", Text),
        ],
    ),
    table("mark", &[column("feed", Int4), column("name", Text), column("value", Text)]),
    table(
        "ledger",
        &[
            column("id", Int4),
            column("feed", Int4),
            column("entity", Int4),
            column("school_year", Int4),
            column("live", Int8),
            column("ended", Int8),
            column("unmatched", Int8),
            column("highest_revision", Int8),
        ],
    ),
    table("ledger_page", &[column("ledger", Int4), column("from_key", Bytes), column("body", Bytes)]),
    table(
        "crosswalk",
        &[
            column("what", Int2),
            column("id_type", Text),
            column("id", Text),
            column("target", Text),
            column("is_first", Bool),
        ],
    ),
    table(
        "hold",
        &[
            column("id", Text),
            column("feed", Text),
            column("run", Int8),
            column("reason", Text),
            column("would_end", Int8),
            column("schools", Text),
            column("since_ms", Int8),
            column("state", Text),
            column("decided_by", Text),
            column("decided_reason", Text),
        ],
    ),
    table(
        "reject_group",
        &[
            column("id", Int8),
            column("feed", Text),
            column("code", Text),
            column("value_class", Text),
            column("count", Int8),
            column("first_file", Text),
            column("first_row", Int8),
            column("first_column", Text),
            column("help", Text),
        ],
    ),
    table(
        "reject",
        &[
            column("id", Int8),
            column("feed", Text),
            column("code", Text),
            column("value_class", Text),
            column("file", Text),
            column("row", Int8),
            column("column_name", Text),
            column("help", Text),
        ],
    ),
    table("note", &[column("name", Text), column("value", Text)]),
];

/// A table that is called the same in both.
const fn table(name: &'static str, columns: &'static [Column]) -> Table {
    Table { name, from: name, columns }
}

/// A column that is called the same in both.
const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, source: name, kind }
}

impl Table {
    /// Reads the columns in their order.
    pub(super) fn select(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|column| column.source).collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.from)
    }

    /// Writes many rows, one array a column.
    pub(super) fn insert(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let arrays: Vec<String> =
            (1..).zip(self.columns).map(|(n, column)| format!("${n}::{}[]", column.kind.name())).collect();
        format!(
            "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest({})",
            self.name,
            names.join(", "),
            arrays.join(", ")
        )
    }
}

impl Kind {
    /// As PostgreSQL calls it.
    const fn name(self) -> &'static str {
        match self {
            Int2 => "int2",
            Int4 => "int4",
            Int8 => "int8",
            Bool => "bool",
            Text => "text",
            Bytes => "bytea",
            Uuid => "uuid",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::tables::TABLES;

    #[test]
    fn every_table_is_imported() {
        let names: Vec<&str> = OF_STATE.iter().chain(OF_FEEDS).map(|table| table.name).collect();
        assert_eq!(names, TABLES);
    }

    #[test]
    fn statements_name_the_columns_of_each_side() {
        let position = &OF_STATE[2];
        assert_eq!(
            position.select(),
            "SELECT consumer, shard, topic.name, next, last_id FROM position JOIN topic ON topic.id = position.topic"
        );
        assert_eq!(
            position.insert(),
            "INSERT INTO position (consumer, shard, topic, next, last_id) OVERRIDING SYSTEM VALUE \
             SELECT * FROM unnest($1::int4[], $2::int4[], $3::text[], $4::int8[], $5::text[])"
        );
    }
}
