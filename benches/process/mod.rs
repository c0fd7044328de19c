//! What several benchmarks share: a process for each network, and what a process has used.

use std::process::Command;

/// What the command line asks for, where this is not the process of one network.
pub enum Asked {
    /// Of these networks, or of all where there are none.
    Several(Vec<String>),
    One(String),
}

pub fn asked() -> Asked {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match &asked[..] {
        [flag, id] if flag == "--one" => Asked::One(id.clone()),
        _ => Asked::Several(asked),
    }
}

/// The row that a process of its own prints for a network, so that the peak of one is not another's.
pub fn row_of(id: &str) -> String {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).args(["--one", id]).output().expect("a process for the network");
    assert!(output.status.success(), "{id}: {}", String::from_utf8_lossy(&output.stderr));
    let row = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{row}");
    row
}

/// The most memory that this process has held.
pub fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}
