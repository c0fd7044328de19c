//! What lies where a project file belongs, found out before anything there is changed.

use super::StoreError;
use super::schema;
use super::wal::{HEAD, Log};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// What the file beside an open project file ends in, see [`super::held`].
pub(super) const HELD: &str = "-open";

#[derive(Debug)]
pub(super) enum Found {
    /// Nothing, or a file in which nothing has been written yet.
    Nothing,
    /// A project file of a version that this program knows.
    Project,
}

/// Looks at a project file without changing it or what lies beside it.
pub(super) fn look(path: &Path) -> Result<Found, StoreError> {
    match path.symlink_metadata() {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return nothing_but_a_log(path);
        }
        Err(e) => return Err(e.into()),
        Ok(_) => {}
    }
    // A link to nowhere is not followed either: SQLite would make a file where it points.
    let meta = path.metadata().map_err(|_| not_a_file(path))?;
    if !meta.is_file() {
        return Err(not_a_file(path));
    }
    check_companions(path)?;
    if meta.len() == 0 {
        return nothing_but_a_log(path);
    }
    let mut head = Vec::new();
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    let Some(mut head) = head.first_chunk::<HEAD>().copied().filter(|head| head.starts_with(MAGIC)) else {
        return Err(StoreError::NotAProject);
    };
    let log = Log::read(&beside(path, "-wal"), page_size(&head))?;
    // Before the first checkpoint the database's own first page says nothing.
    if let Some(newer) = log.as_ref().and_then(Log::head) {
        head = newer;
    }
    let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (version, application) = (word(60) as usize, word(68));
    if application != schema::APPLICATION_ID.cast_unsigned() {
        // One that was being made when the program was killed: not a table in it.
        let tables = u16::from_be_bytes([head[103], head[104]]);
        let begun = (version, application, head[100], tables) == (0, 0, 13, 0);
        return if begun { Ok(Found::Nothing) } else { Err(StoreError::NotAProject) };
    }
    if version > schema::VERSION {
        return Err(StoreError::Newer { file: version, program: schema::VERSION });
    }
    Ok(Found::Project)
}

/// The log of a project file that is there.
pub(super) fn log_of(path: &Path) -> io::Result<Option<Log>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    Log::read(&beside(path, "-wal"), head.first_chunk::<HEAD>().map_or(4096, page_size))
}

/// Where there is no project, its log and the number of its entries must be gone too: they would be written over.
fn nothing_but_a_log(path: &Path) -> Result<Found, StoreError> {
    check_companions(path)?;
    let log = beside(path, "-wal");
    if log.metadata().is_ok_and(|meta| meta.len() > 0) {
        return Err(StoreError::LogAlone(log));
    }
    Ok(Found::Nothing)
}

/// SQLite follows a link under the name of a log and writes over what is there, and a rollback journal may name any file to be
/// removed. This program writes none, so that one has come with the file.
pub(in crate::workspace) fn check_companions(path: &Path) -> Result<(), StoreError> {
    for name in ["-wal", "-shm", HELD] {
        let path = beside(path, name);
        if path.symlink_metadata().is_ok_and(|meta| !meta.is_file()) {
            return Err(not_a_file(&path));
        }
    }
    let journal = beside(path, "-journal");
    if journal.symlink_metadata().is_ok() {
        return Err(StoreError::Journal(journal));
    }
    Ok(())
}

fn not_a_file(path: &Path) -> StoreError {
    StoreError::NotAFile(path.to_owned())
}

/// `scan.nii.fovea` and `-wal` give `scan.nii.fovea-wal`.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn page_size(head: &[u8; HEAD]) -> usize {
    match u16::from_be_bytes([head[16], head[17]]) {
        1 => 1 << 16,
        size if size.is_power_of_two() && size >= 512 => size.into(),
        _ => 4096,
    }
}
