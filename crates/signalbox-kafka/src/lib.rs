//! The event log on Apache Kafka, and the care of its topics.
//!
//! [`KafkaLog`] is an [`EventLog`](signalbox_log::EventLog): a shard is a partition, a group a Kafka consumer group.
//! Kafka holds the bytes and shares out the shards; positions are the store's, so nothing is ever read from the
//! group's committed offsets. [`TopicAdmin`] makes the topics that the hub needs and says what differs.
//!
//! A member of a group has two Kafka clients. One is in the group and reads nothing: rebalances never wait for
//! records. The other is in no group and reads the started shards, each partition through a queue of its own, so that
//! a slow shard holds back nobody else and what is read ahead stays bounded.
//!
//! # Layout
//! - `config`: [`Config`], and what every client has in common
//! - `client`: what clients report, and which of their errors may pass
//! - `cluster`: topics, shards and where they begin and end
//! - `append`: the producer
//! - `read`: reading without a group
//! - `subscription`: a member of a group
//! - `reminder`: clients that know no broker any more
//! - `threads`: what blocks
//! - `topics`: [`TopicAdmin`]; `access`: its care of access lists

mod access;
mod append;
mod client;
mod cluster;
mod config;
mod log;
mod read;
mod record;
mod reminder;
mod subscription;
mod threads;
mod topics;

pub use access::{AccessError, AccessLists};
pub use config::{Config, Scram, Tls};
pub use log::KafkaLog;
pub use signalbox_kafka_native::acl;
pub use topics::{
    Cleanup, CreateTopic, OtherShards, SettingChange, TopicAdmin, TopicPlan, TopicSpec, TopicsError,
};
