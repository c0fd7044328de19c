//! What tests of every kind share.

use crate::{
    io::Progress,
    nn::{ComputeDevice, DeviceError, SharedGpu},
    volume::Volume,
};
use std::{cell::Cell, fmt::Display, io::Write, path::PathBuf, process::Command};

/// Says that a test did not do its work, and why. Not by `eprintln!`, which the test runner keeps to itself where a test
/// passes: a skip must be seen.
pub fn skipped(why: impl Display) {
    // A closed standard error is no reason for a test to fail.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Skips a test because something is missing. If the environment variable `required` is set, the test fails instead: setting it
/// says that nothing is missing on that machine.
///
/// # Panics
/// Where `required` is set.
pub fn lacking(required: &str, why: impl Display) {
    assert!(std::env::var_os(required).is_none(), "{required} is set, but {why}");
    skipped(why);
}

/// False, said as a skip, where whoever started the tests has signals ignored (`nohup`, `&` in a script); children inherit
/// that, and the program then leaves them ignored. Linux only says so; elsewhere they are taken to arrive.
pub fn signals_arrive() -> bool {
    const HUP_INT_TERM: u64 = 1 | 1 << 1 | 1 << 14;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let arrive = ignored & HUP_INT_TERM == 0;
    if !arrive {
        skipped("signals are ignored here");
    }
    arrive
}

/// A [`Progress`] that cancels when it has been asked so often.
pub struct CancelsAfter(Cell<usize>);

impl CancelsAfter {
    pub fn new(questions: usize) -> Self {
        Self(Cell::new(questions))
    }
}

impl Progress for CancelsAfter {
    fn report(&mut self, _: u64, _: u64) {}
    fn preview(&mut self, _: Volume, _: usize, _: usize) {}
    fn cancelled(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        self.0.get() == 0
    }
}

/// A command whose child keeps nothing for the person who runs the tests: neither what it has written, nor settings.
pub fn forgets(command: &mut Command) -> &mut Command {
    let beside = std::env::current_exe().unwrap_or_default();
    let apart = beside.with_file_name("kept-by-tests");
    command.env("XDG_DATA_HOME", apart.join("data")).env("XDG_CONFIG_HOME", apart.join("config"))
}

/// A file or folder of the reference data, which lie in `../shared` or where `FOVEA_SHARED` says. Where it is absent the
/// test that asks is skipped, visibly, or fails if `FOVEA_REQUIRE_SHARED` is set.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FOVEA_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    lacking("FOVEA_REQUIRE_SHARED", format_args!("{} is not there", path.display()));
    None
}

/// A file of published vectors.
pub fn vectors(file: &str) -> Option<serde_json::Value> {
    let path = shared(&format!("parity/vectors/{file}"))?;
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

/// The graphics adapter of this machine, or a visible line and nothing; a failure where `FOVEA_REQUIRE_GPU` is set.
pub fn gpu() -> Option<SharedGpu> {
    match SharedGpu::headless() {
        Ok(gpu) => Some(gpu),
        Err(DeviceError::NoAdapter(reason)) | Err(DeviceError::SelfTest { reason, .. }) => {
            lacking("FOVEA_REQUIRE_GPU", format_args!("there is no graphics adapter ({reason})"));
            None
        }
    }
}

/// The same where it computes in half precision, or a visible line and nothing.
pub fn gpu_with_halves() -> Option<ComputeDevice> {
    let gpu = gpu()?.compute("test");
    if !gpu.has_halves() {
        skipped(format_args!("half precision: {} has none", gpu.name()));
        return None;
    }
    Some(gpu)
}

#[cfg(test)]
mod tests {
    use super::lacking;

    #[test]
    fn a_test_is_skipped_where_nothing_is_required() {
        lacking("FOVEA_A_VARIABLE_THAT_NOBODY_SETS", "this line shows what a skip looks like");
    }

    /// Cargo sets `CARGO_MANIFEST_DIR` for every test.
    #[test]
    #[should_panic(expected = "CARGO_MANIFEST_DIR is set, but the reference data are not there")]
    fn a_test_fails_for_want_of_what_is_required() {
        lacking("CARGO_MANIFEST_DIR", "the reference data are not there");
    }
}
