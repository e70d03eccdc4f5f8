//! Black-box tests: the real binary, real files, a real webhook receiver. One module per feature.
//!
//! # Layout
//! - [`binary`], [`config`], [`district`], [`drops`], [`receiver`], [`servers`]: the harness
//! - the others: one feature each, in the words of the people who rely on it

mod bad_input;
mod binary;
mod boundary;
mod changes;
mod columns;
mod commands;
mod config;
mod correction;
mod crash;
mod district;
mod doubt;
mod drops;
mod first_day;
mod floors;
mod grades;
mod guard;
mod half_payload;
mod hostile;
mod incidents;
mod kept_back;
mod leaving;
mod on_servers;
mod oneroster;
mod plan;
mod process;
mod random_drops;
mod read_first;
mod readme;
mod real_input;
mod receiver;
mod reconfigured;
mod revisions;
mod rules;
mod second_drop;
mod servers;
mod slips;
mod two_walks;
mod unmapped;
mod unmatched;
mod unsaid;
mod unsent;
mod webhook;
mod who;
mod window;
mod wrecked_exports;
mod years;
