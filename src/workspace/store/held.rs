//! A small file beside an open project file. It is locked as long as the project is open, and holds the number of the newest
//! entry on the disk, so that a log that has lost its end is noticed. It goes when the project is closed.

use super::StoreError;
use super::look::{HELD, beside};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"FOVEOPEN";

#[derive(Debug)]
pub(super) struct Held {
    file: File,
    path: PathBuf,
    /// Everything is in the project file: it is removed when it is let go of.
    pub done: bool,
}

impl Held {
    /// Takes the lock; the number of the newest entry, where a program that was killed has left one. `None` where no such
    /// file can be made or locked: SQLite's own lock then stands alone.
    pub fn take(project: &Path) -> Result<(Option<Self>, Option<i64>), StoreError> {
        let path = beside(project, HELD);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = match opened {
            Ok(file) => file,
            Err(e) => {
                log::warn!("{} cannot be made: {e}", path.display());
                return Ok((None, None));
            }
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(project.to_owned())),
            Err(TryLockError::Error(e)) => log::warn!("{} cannot be locked: {e}", path.display()),
            Ok(()) => {}
        }
        let mut bytes = Vec::new();
        // What cannot be read counts as not there.
        let _ = (&mut file).take(64).read_to_end(&mut bytes);
        let count = read(&bytes);
        Ok((Some(Self { file, path, done: count.is_none() }), count))
    }

    /// Entry `seq` is on the disk. Not forced to the disk itself: after a power cut it says too little, never too much.
    pub fn note(&mut self, seq: i64) {
        self.done = false;
        let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&bytes(seq)));
        if let Err(e) = written {
            log::warn!("{}: {e}", self.path.display());
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.done {
            // Another program that waits for it takes it up as it is.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn bytes(seq: i64) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&seq.to_le_bytes());
    let sum = blake3::hash(&bytes[..16]);
    bytes[16..].copy_from_slice(&sum.as_bytes()[..8]);
    bytes
}

fn read(found: &[u8]) -> Option<i64> {
    let seq = i64::from_le_bytes(*found.get(8..16)?.first_chunk()?);
    (found == bytes(seq)).then_some(seq)
}
