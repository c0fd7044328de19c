//! What the targets share: bytes become a file in a folder of this process, and a reader is run on it.
//!
//! A target finds something when code of Fovea panics (an overflow of a sum included), when any code reads or writes out of
//! bounds, when more memory is taken than allowed, or when a reader does not come back. A panic inside another crate's
//! decoder, which the program fences in and shows as an error (`io::guard`), is none: it would end every run at once.

pub mod project;

use fovea::io::{self, OpenOptions, Opened, Quiet};
use std::{
    fs, panic,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The folder of this process; in memory where the system has such a place.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    forgive_other_crates();
    tempfile::TempDir::with_prefix_in("fovea-fuzz-", place).expect("a folder for the inputs")
});

/// libFuzzer's hook ends the process at every panic. A panic of another crate goes on here, to the fence that the program
/// has around it; where there is none, libFuzzer's main loop catches it and reports it all the same.
fn forgive_other_crates() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |about| {
        let file = about.location().map_or("", |place| place.file());
        if !file.contains("/registry/src/") && !file.starts_with("/rustc/") {
            report(about);
        }
    }));
}

/// The path that the next input is written to.
pub fn path(name: &str) -> PathBuf {
    FOLDER.path().join(name)
}

/// Writes the input and runs `read` on its path.
pub fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let path = path(name);
    fs::write(&path, bytes).expect("the input is written");
    read(&path)
}

/// Opens an image, and then every other series that it says it holds.
pub fn image(name: &str, bytes: &[u8]) {
    with_file(name, bytes, whole);
}

/// Opens a file or folder. What comes back must be whole, and an error must say something.
pub fn whole(path: &Path) {
    let Some(first) = open(path, None) else { return };
    for series in first.series.iter().filter(|s| !s.shown).take(4) {
        open(path, Some(series.id.clone()));
    }
}

fn open(path: &Path, series: Option<String>) -> Option<Opened> {
    let options = OpenOptions { series, ..OpenOptions::default() };
    match io::open(path, &options, &mut Quiet) {
        Ok(opened) => {
            let voxels: usize = opened.volume.dims().iter().product();
            assert_eq!(voxels, opened.volume.samples().len(), "a sample for each voxel");
            Some(opened)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            None
        }
    }
}
