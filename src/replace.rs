//! The one way to write a file: beside its place, read back, compared, forced to disk, swapped in, and remembered as
//! the program's own.

mod expected;
mod written;

pub use expected::{Displaced, displaced, expect, expect_in};
pub use written::{Own, remember};

use crate::{
    file,
    watch::{self, Stopped, Watch},
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Why a file was not written. If there was an old file, it is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{} cannot be written: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    /// Reading the new file back gave something else than was written.
    #[error("{} was not written: reading the new file back gave something else ({what}). The disk may be full or failing", path.display())]
    NotWhatWasMeant { path: PathBuf, what: String },
    #[error("{} cannot hold this: {what}", path.display())]
    Unfit { path: PathBuf, what: String },
    /// A file has appeared or changed at the target since the work began ([`expect`]).
    #[error("{} has appeared or was changed meanwhile, and is left as it is. What was to be written there is in {}: keep the one that you want", path.display(), kept.display())]
    Taken { path: PathBuf, kept: PathBuf },
    /// The work was stopped ([`watch::under`]).
    #[error("{} was not written: {cause}", path.display())]
    Stopped { path: PathBuf, cause: Stopped },
}

impl WriteError {
    /// The system's reason alone, without the name of the temporary file that `tempfile` adds.
    pub fn io(path: &Path, cause: io::Error) -> Self {
        let cause = match cause.downcast::<Stopped>() {
            Ok(cause) => return Self::Stopped { path: path.to_owned(), cause },
            Err(cause) => cause,
        };
        let text = cause.to_string();
        let plain = text.split_once(" at path \"").map(|(reason, _)| reason.to_owned());
        let kind = cause.kind();
        let cause = plain.map_or(cause, |reason| io::Error::new(kind, reason));
        Self::Io { path: path.to_owned(), cause }
    }

    pub fn unfit(path: &Path, what: impl Into<String>) -> Self {
        Self::Unfit { path: path.to_owned(), what: what.into() }
    }
}

/// Writes a new file in small pieces; an error once the work is stopped.
pub struct Out<'a> {
    file: BufWriter<&'a mut File>,
    watch: Arc<dyn Watch>,
    /// Encoders of other crates wrap errors.
    stopped: bool,
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.watch.stop() {
            self.stopped = true;
            return Err(Stopped.into());
        }
        // A single buffer may be large, and disks are slow.
        self.file.write(&bytes[..bytes.len().min(CHUNK)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Out<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Bytes written or compared between two checks whether to stop.
const CHUNK: usize = 1 << 20;

/// Writes `path` so that at every moment either the old or the whole new file is there, also after a power cut.
///
/// `write` fills a new file in the same folder (with the same extension); `verify` reads that file again and says what
/// differs; then it is forced to disk, renamed over `path`, and the folder is forced to disk. The file has the mode of
/// the one that it replaces, or else that of any new file. Under [`watch::under`] it can be stopped, and the new file
/// is then removed. If a file has appeared or changed there since [`expect`], it is not replaced: the new file is kept
/// beside it ([`WriteError::Taken`]).
pub fn write_checked(
    path: &Path,
    write: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
    verify: impl FnOnce(&Path) -> io::Result<Result<(), String>>,
) -> Result<(), WriteError> {
    let target = expected::target(path);
    let (_listed, new) = filled(path, &target, write, verify)?;
    let line = written::line(&target, new.path()).map_err(|cause| WriteError::io(path, cause))?;
    expected::put(path, &target, new, line)?;
    sync_folder(folder_of(&target)).map_err(|cause| WriteError::io(path, cause))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The new file, whole and on the disk, under a name of its own in the folder of `target`. If it is dropped, it is removed
/// before it is listed no more.
fn filled(
    path: &Path,
    target: &Path,
    write: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
    verify: impl FnOnce(&Path) -> io::Result<Result<(), String>>,
) -> Result<(Listed, tempfile::NamedTempFile), WriteError> {
    let io_error = |cause| WriteError::io(path, cause);
    let (listed, mut temporary) = temporary_beside(folder_of(target), target).map_err(io_error)?;
    let watch = watch::current();
    {
        let file = BufWriter::with_capacity(1 << 16, temporary.as_file_mut());
        let mut out = Out { file, watch: Arc::clone(&watch), stopped: false };
        let written = write(&mut out).and_then(|()| out.flush());
        let written = if out.stopped { Err(Stopped.into()) } else { written };
        written.map_err(io_error)?;
    }
    temporary.as_file().sync_all().map_err(io_error)?;
    verify(temporary.path())
        .map_err(io_error)?
        .map_err(|what| WriteError::NotWhatWasMeant { path: path.to_owned(), what })?;
    if let Ok(old) = fs::metadata(target) {
        temporary.as_file().set_permissions(old.permissions()).map_err(io_error)?;
    }
    if watch.stop() {
        return Err(io_error(Stopped.into()));
    }
    Ok((listed, temporary))
}

/// Removes a file if it is still as this program wrote it. Returns whether there is no file now.
pub fn remove_own(path: &Path) -> io::Result<bool> {
    if fs::symlink_metadata(path).is_err() {
        return Ok(true);
    }
    let own = Own::read().has(path);
    if own {
        fs::remove_file(path)?;
    }
    Ok(own)
}

/// Writes bytes through [`write_checked`], compared byte for byte.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_checked(path, |out| out.write_all(bytes), |new| same_bytes(new, bytes))
}

/// Checks that a file holds exactly these bytes; the error says what differs.
pub fn same_bytes(path: &Path, bytes: &[u8]) -> io::Result<Result<(), String>> {
    let mut file = file::open(path)?;
    let mut back = vec![0; CHUNK];
    for meant in bytes.chunks(CHUNK) {
        if watch::current().stop() {
            return Err(Stopped.into());
        }
        let back = &mut back[..meant.len()];
        if file.read_exact(back).is_err() || *back != *meant {
            return Ok(Err(format!("its {} bytes are not those that were meant", bytes.len())));
        }
    }
    match file.read(&mut back[..1])? {
        0 => Ok(Ok(())),
        _ => Ok(Err(format!("it has more than its {} bytes", bytes.len()))),
    }
}

/// New files that are not in place yet.
static TEMPORARIES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A new file that is listed until it is in place or gone.
struct Listed(PathBuf);

impl Drop for Listed {
    fn drop(&mut self) {
        temporaries().remove(&self.0);
    }
}

fn temporaries() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes the new files that are not in place yet: for a program that ends while it writes. Whoever wants to make another
/// one from now on waits until the program has ended.
pub fn remove_temporaries() {
    let listed = temporaries();
    for path in &*listed {
        // A file that is gone already need not be removed.
        let _ = fs::remove_file(path);
    }
    std::mem::forget(listed);
}

fn temporary_beside(folder: &Path, target: &Path) -> io::Result<(Listed, tempfile::NamedTempFile)> {
    let name = target.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    // Readers choose by extension, and the new file is read back before it has its name.
    let suffix = name.find('.').map_or("", |dot| &name[dot..]);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".fovea-").suffix(suffix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file: what the umask leaves of rw-rw-rw-.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    // Made and listed in one step: the program may be told to end between the two.
    let mut listed = temporaries();
    let new = builder.tempfile_in(folder)?;
    listed.insert(new.path().to_owned());
    Ok((Listed(new.path().to_owned()), new))
}

/// Forces a rename to disk. Windows has no such call for folders and keeps renames in its journal.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn failed_check_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.nii.gz");
        write_bytes(&path, b"old").unwrap();
        let err = write_checked(&path, |out| out.write_all(b"new"), |_| Ok(Err("one voxel".to_owned())))
            .unwrap_err();
        assert!(matches!(err, WriteError::NotWhatWasMeant { .. }));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write_bytes(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// Stops once it has been asked so often.
    struct Patience(AtomicUsize);

    impl Watch for Patience {
        fn stop(&self) -> bool {
            self.0.fetch_sub(1, Ordering::Relaxed) <= 1
        }
    }

    #[test]
    fn what_is_not_wanted_any_more_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.nii");
        write_bytes(&path, b"old").unwrap();
        let bytes = vec![7; 5 * CHUNK];
        // Five pieces are written, five compared; it is asked once before the swap, and at five pieces and their end for the hash.
        for asked in 1..=17 {
            let watch: Arc<dyn Watch> = Arc::new(Patience(AtomicUsize::new(asked)));
            let stopped = watch::under(&watch, || write_bytes(&path, &bytes)).unwrap_err();
            assert!(matches!(stopped, WriteError::Stopped { .. }), "{stopped}");
            assert_eq!(fs::read(&path).unwrap(), b"old");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        let watch: Arc<dyn Watch> = Arc::new(Patience(AtomicUsize::new(18)));
        watch::under(&watch, || write_bytes(&path, &bytes)).unwrap();
        assert_eq!(fs::read(&path).unwrap().len(), bytes.len());
        // The watch has gone with its work.
        write_bytes(&path, b"newer").unwrap();
    }

    #[test]
    fn a_flipped_byte_is_seen_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let meant = vec![7; CHUNK + 100];
        for at in [0, CHUNK - 1, CHUNK, CHUNK + 99] {
            let mut flipped = meant.clone();
            flipped[at] ^= 1;
            fs::write(&path, &flipped).unwrap();
            assert!(same_bytes(&path, &meant).unwrap().is_err(), "{at}");
        }
        for (length, same) in [(CHUNK + 100, true), (CHUNK + 99, false), (CHUNK + 101, false)] {
            fs::write(&path, vec![7; length]).unwrap();
            assert_eq!(same_bytes(&path, &meant).unwrap().is_ok(), same, "{length}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_an_ordinary_mode_and_a_replaced_one_keeps_its_own() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let (ordinary, path) = (folder.path().join("ordinary"), folder.path().join("model.safetensors"));
        fs::write(&ordinary, b"x").unwrap();
        write_bytes(&path, b"new").unwrap();
        assert_eq!(mode(&path), mode(&ordinary), "what the umask leaves of rw-rw-rw-");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        write_bytes(&path, b"newer").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap()), (0o640, b"newer".to_vec()));
    }

    #[test]
    fn missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let err = write_bytes(&folder.path().join("no/such/folder.png"), b"x").unwrap_err();
        let told = format!("{:#}", anyhow::Error::new(err));
        assert!(told.contains("folder.png") && !told.contains(".fovea-"), "{told}");
        assert_eq!(told.matches("No such file").count(), usize::from(cfg!(unix)), "{told}");
    }
}
