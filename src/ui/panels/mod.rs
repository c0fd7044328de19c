//! The panels at the right: one file each, listed in `shell.rs`.

pub mod info;
pub mod labels;
pub mod learn;
pub mod prediction;
