//! What tests of every kind share.

use std::{fmt::Display, io::Write};

/// Says that a test did not do its work, and why. Not by `eprintln!`, which the test runner keeps to itself where a test
/// passes: a skip must be seen.
pub fn skipped(why: impl Display) {
    // A closed standard error is no reason for a test to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}
