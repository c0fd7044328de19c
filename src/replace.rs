//! The one way in which a file is written: beside its place, read back, compared, forced to disk, swapped in.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Why a file was not written. The old file, where there was one, is then still as it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("{} cannot be written: {cause}", path.display())]
    Io { path: PathBuf, cause: io::Error },
    /// The new file did not read back as what was meant to be in it.
    #[error("{} was not written: reading the new file back gave something else ({what}). The disk may be full or failing", path.display())]
    NotWhatWasMeant { path: PathBuf, what: String },
    #[error("{} cannot hold this: {what}", path.display())]
    Unfit { path: PathBuf, what: String },
}

impl WriteError {
    /// The system's reason alone: the name of the temporary file, which `tempfile` adds, is nobody's.
    pub fn io(path: &Path, cause: io::Error) -> Self {
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

/// Writes `path` so that at every moment either the old or the whole new file is there, also after a power cut.
///
/// `write` fills a new file in the same folder (with the same extension); `verify` reads that file again and says what
/// differs; then it is forced to disk, renamed over `path`, and the folder is forced to disk. The file has the mode of the
/// one that it replaces, or else that of any new file.
pub fn write_checked(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
    verify: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), WriteError> {
    let io_error = |cause| WriteError::io(path, cause);
    // A link is followed: what it points to is replaced, not the link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary = temporary_beside(folder, &target).map_err(io_error)?;
    {
        let mut out = BufWriter::with_capacity(1 << 16, temporary.as_file_mut());
        write(&mut out).and_then(|()| out.flush()).map_err(io_error)?;
    }
    temporary.as_file().sync_all().map_err(io_error)?;
    verify(temporary.path()).map_err(|what| WriteError::NotWhatWasMeant { path: path.to_owned(), what })?;
    if let Ok(old) = fs::metadata(&target) {
        temporary.as_file().set_permissions(old.permissions()).map_err(io_error)?;
    }
    temporary.persist(&target).map_err(|e| io_error(e.error))?;
    sync_folder(folder).map_err(io_error)
}

/// Writes bytes through [`write_checked`], compared byte for byte.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_checked(
        path,
        |out| out.write_all(bytes),
        |new| {
            let back = fs::read(new).map_err(|e| e.to_string())?;
            if back == bytes {
                Ok(())
            } else {
                Err(format!("{} of {} bytes agree", same(&back, bytes), bytes.len()))
            }
        },
    )
}

fn same(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).filter(|(a, b)| a == b).count()
}

fn temporary_beside(folder: &Path, target: &Path) -> io::Result<tempfile::NamedTempFile> {
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
    builder.tempfile_in(folder)
}

/// Forces a rename to disk. Windows has no such call for folders and keeps renames in its journal.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_check_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.nii.gz");
        write_bytes(&path, b"old").unwrap();
        let err =
            write_checked(&path, |out| out.write_all(b"new"), |_| Err("one voxel".to_owned())).unwrap_err();
        assert!(matches!(err, WriteError::NotWhatWasMeant { .. }));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        write_bytes(&path, b"newer").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
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
