//! The panels at the right: one file or folder each, listed in `shell.rs`.

pub mod compare;
pub mod effect;
pub mod info;
pub mod labels;
pub mod learn;
pub mod measure;
pub mod prediction;
pub mod queue;
