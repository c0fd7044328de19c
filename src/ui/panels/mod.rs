//! The panels at the right: one file each, listed in `shell.rs`; and parts that they share.

pub mod compare;
pub mod info;
pub mod labels;
pub mod learn;
pub mod prediction;
pub mod queue;
mod volumes;
