//! Kafka and PostgreSQL, where a hub stands on them: topics of a prefix of its own, a schema of the same name.

use std::cell::RefCell;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};
use tokio::runtime::Runtime;

use signalbox_event::topic::DEFAULT_SHARDS;

/// Where both are.
#[derive(Debug, Clone)]
pub(crate) struct Servers {
    pub(crate) brokers: String,
    database: String,
}

impl Servers {
    /// As `scripts/kafka start` and `scripts/postgres start` say it; `None`: cases of servers are left out.
    pub(crate) fn from_env() -> Option<Self> {
        let place = |name| std::env::var(name).ok();
        Some(Self { brokers: place("SIGNALBOX_TEST_KAFKA")?, database: place("SIGNALBOX_TEST_POSTGRES")? })
    }

    /// The sections of `signalbox.yaml`.
    pub(crate) fn sections(&self, prefix: &str) -> String {
        let brokers = &self.brokers;
        format!(
            "log: {{kafka: {{brokers: [\"{brokers}\"], prefix: {prefix}, shards: {DEFAULT_SHARDS}, replication: 1}}}}\n\
             store: {{postgres: {{url: \"SECRET[env.DATABASE_URL]\"}}}}\n"
        )
    }

    pub(crate) fn url(&self, prefix: &str) -> String {
        format!("{}?schema={prefix}", self.database)
    }
}

/// A prefix that nobody has used.
pub(crate) fn prefix(of: &str) -> String {
    format!("bench{}{of}", std::process::id())
}

/// Looks at what a hub has committed, beside it.
pub(crate) struct Watch {
    pub(crate) runtime: Runtime,
    connection: RefCell<PgConnection>,
}

/// A row of the outbox that goes to the log.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) seq: i64,
    pub(crate) student: String,
    pub(crate) raised: bool,
}

impl Watch {
    pub(crate) fn open(servers: &Servers, prefix: &str) -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let connection = runtime.block_on(async {
            let mut connection = PgConnection::connect(&servers.database).await?;
            let set = sqlx::query("SELECT set_config('search_path', $1, false)");
            set.bind(prefix).execute(&mut connection).await?;
            Ok::<_, sqlx::Error>(connection)
        })?;
        Ok(Self { runtime, connection: connection.into() })
    }

    /// Records of a topic that are folded, over all shards.
    pub(crate) fn folded(&self, topic: &str) -> anyhow::Result<u64> {
        self.count(
            sqlx::query_scalar("SELECT coalesce(sum(next), 0)::bigint FROM position WHERE topic = $1")
                .bind(topic),
        )
    }

    /// Whether nobody is due at once and everything that was decided is on the log.
    pub(crate) fn is_idle(&self) -> anyhow::Result<bool> {
        let left = "SELECT EXISTS (SELECT FROM state WHERE due_ms = 0)::int::bigint
                         + EXISTS (SELECT FROM outbox WHERE state = 'pending')::int::bigint";
        Ok(self.count(sqlx::query_scalar(left))? == 0)
    }

    /// Payloads that were worked through.
    pub(crate) fn runs(&self) -> anyhow::Result<u64> {
        self.count(sqlx::query_scalar("SELECT count(*) FROM run WHERE outcome IS NOT NULL"))
    }

    pub(crate) fn students(&self) -> anyhow::Result<u64> {
        // The shards' own rows have a subject of one byte.
        self.count(sqlx::query_scalar("SELECT count(*) FROM state WHERE length(subject) > 1"))
    }

    pub(crate) fn announced(&self) -> anyhow::Result<u64> {
        self.count(sqlx::query_scalar("SELECT count(*) FROM outbox"))
    }

    /// The last row of the outbox.
    pub(crate) fn last_seq(&self) -> anyhow::Result<i64> {
        let last = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM outbox");
        Ok(self.runtime.block_on(last.fetch_one(&mut *self.connection.borrow_mut()))?)
    }

    /// What came into the outbox after a row.
    pub(crate) fn announced_after(&self, seq: i64) -> anyhow::Result<Vec<Announced>> {
        let rows =
            sqlx::query("SELECT seq, lane, kind FROM outbox WHERE seq > $1 AND target = 'log' ORDER BY seq");
        let mut connection = self.connection.borrow_mut();
        let rows = rows.bind(seq).fetch_all(&mut *connection);
        let announced = |row: &sqlx::postgres::PgRow| {
            let kind: String = row.try_get("kind")?;
            Ok(Announced {
                seq: row.try_get("seq")?,
                student: row.try_get("lane")?,
                raised: kind.ends_with("raised"),
            })
        };
        self.runtime.block_on(rows)?.iter().map(announced).collect()
    }

    fn count(
        &self,
        query: sqlx::query::QueryScalar<'_, sqlx::Postgres, i64, sqlx::postgres::PgArguments>,
    ) -> anyhow::Result<u64> {
        Ok(self.runtime.block_on(query.fetch_one(&mut *self.connection.borrow_mut()))? as u64)
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}
