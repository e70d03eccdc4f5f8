//! `signalbox topics`: the topics that the hub needs on Kafka, declared once. `access`: who may use them.

mod access;

use std::io::{self, Write};

use anyhow::anyhow;
use serde::Serialize;
use signalbox_connector::words::{counted, plural};
use signalbox_kafka::{TopicPlan, TopicsError};

use super::load;
use crate::cli::{Global, Output, Topics, TopicsWhat};
use crate::config::Backing;
use crate::exit::{Done, Failure};
use crate::open::servers::{connect_administrator, declared};
use crate::screen;

pub(super) async fn run(out: &mut dyn Write, global: &Global, args: &Topics) -> Result<Done, Failure> {
    let config = load(global)?.config;
    let told = match &config.backing {
        Backing::Embedded => Told::default(),
        Backing::Servers(servers) => {
            let admin = connect_administrator(&servers.kafka, &config.base).await?.topic_admin()?;
            let declared = declared(servers);
            let plan = match args.what {
                TopicsWhat::Plan => admin.plan(&declared).await?,
                TopicsWhat::Apply => admin.apply(&declared).await?,
            };
            Told { plan, access: Some(access::care(&admin, servers, args.what).await?) }
        }
    };
    match global.output {
        Output::Json => screen::json(out, &told)?,
        Output::Text => {
            text(out, &told.plan, args.what, matches!(config.backing, Backing::Embedded))?;
            told.access.iter().try_for_each(|access| access.text(out, args.what))?;
        }
    }
    Ok(Done::Ok)
}

/// What is told: the plan, and who may use the topics.
#[derive(Default, Serialize)]
struct Told {
    #[serde(flatten)]
    plan: TopicPlan,
    #[serde(flatten)]
    access: Option<access::Access>,
}

fn text(out: &mut dyn Write, plan: &TopicPlan, what: TopicsWhat, embedded: bool) -> io::Result<()> {
    if embedded {
        return writeln!(out, "This hub is embedded: it makes its topics by itself.");
    }
    let (make, set) = match what {
        TopicsWhat::Plan => ("would make", "would set"),
        TopicsWhat::Apply => ("made", "set"),
    };
    for topic in &plan.create {
        let (shards, copies) =
            (plural(topic.shards.into(), "shard"), counted(topic.replication.into(), "copy", "copies"));
        writeln!(out, "{make} {}: {shards}, {copies}", topic.topic)?;
    }
    for change in &plan.change {
        let from = change.from.as_deref().unwrap_or("nothing");
        writeln!(out, "{set} {} of {}: {from} becomes {}", change.setting, change.topic, change.to)?;
    }
    for refused in &plan.refuse {
        writeln!(out, "CANNOT: {refused}")?;
    }
    if !plan.unseen.is_empty() {
        let topics = plural(plan.unseen.len() as u64, "topic");
        writeln!(out, "not known of {topics}: the settings, which this user may not see (DESCRIBE_CONFIGS)")?;
    }
    writeln!(out, "as declared: {}", plural(plan.ok.len() as u64, "topic"))
}

impl From<TopicsError> for Failure {
    fn from(error: TopicsError) -> Self {
        let help = match &error {
            TopicsError::OtherShards(_) => {
                "nothing was changed; the number of shards is fixed for the log's life: set it back, or use another prefix"
            }
            TopicsError::Refused { .. } => {
                "see the brokers' log; the user needs CREATE and ALTER_CONFIGS, and replication at most as many brokers"
            }
            TopicsError::Log(_) => "see that the brokers run and that this machine reaches them",
        };
        Self::environment(anyhow!(error), help)
    }
}
