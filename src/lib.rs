//! Fovea: open a medical image, see a network's prediction, correct it, let the network learn from the correction.
//!
//! The modules stand in layer order: a module may use those above it, within the table that `tests/tidy.rs` holds.

// Tests may unwrap; what a person runs may not.
#![warn(clippy::unwrap_used)]
// What is printed goes through `cli/say.rs`, which escapes what files say and bears that nobody listens.
#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

pub mod memory;
pub mod watch;
pub mod words;

pub mod file;

pub mod replace;

pub mod geom;

pub mod label;
pub mod volume;

pub mod metrics;
pub mod phantom;

pub mod edit;

pub mod io;
pub mod nn;

pub mod gpu;

pub mod engine;
pub mod workspace;

pub mod tools;

pub mod cli;
pub mod ui;

pub mod testing;
pub mod time;
