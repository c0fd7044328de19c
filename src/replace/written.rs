//! Which files are still as this program wrote them. Only those may be replaced without being told to.
//!
//! The hash of each written file is kept in a list, and not in the files: not every format has room for a mark, and a
//! mark would stay in a mask that a person has corrected with another program.

use crate::{
    file,
    watch::{self, Stopped},
};
use std::{
    collections::HashSet,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Beyond this size the older half of the list is dropped. Files that are forgotten count as somebody else's.
const MOST_BYTES: u64 = 4 << 20;

/// What this process has written, in memory.
static HERE: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

static REMEMBERS: AtomicBool = AtomicBool::new(false);

/// From now on, written files are remembered for later runs of the program too. Only the program itself calls this:
/// tests write hundreds of files that do not belong in a person's list.
pub fn remember() {
    REMEMBERS.store(true, Ordering::Relaxed);
}

/// The list of what this person's programs have written on this machine, a line for each file. `None` if there is no
/// place for it.
fn list() -> Option<PathBuf> {
    let dirs = REMEMBERS.load(Ordering::Relaxed).then(|| directories::ProjectDirs::from("", "", "fovea"));
    dirs.flatten().map(|dirs| dirs.data_local_dir().join("written"))
}

/// The line of a file: the hash of its path, its size, and the hash of its content, which is read from `content`.
pub fn line(path: &Path, content: &Path) -> io::Result<String> {
    let mut file = file::open(content)?;
    let mut hash = blake3::Hasher::new();
    let mut piece = vec![0; super::CHUNK];
    loop {
        if watch::current().stop() {
            return Err(Stopped.into());
        }
        match file.read(&mut piece)? {
            0 => break,
            n => hash.update(&piece[..n]),
        };
    }
    Ok(format!("{} {} {}", place(path)?, hash.count(), hash.finalize().to_hex()))
}

/// The hash of where a file is, in hex.
fn place(path: &Path) -> io::Result<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let place = fs::canonicalize(path).or_else(|_| {
        Ok::<_, io::Error>(fs::canonicalize(folder)?.join(path.file_name().unwrap_or_default()))
    })?;
    Ok(blake3::hash(place.as_os_str().as_encoded_bytes()).to_hex()[..16].to_owned())
}

/// Records a file that is about to be moved to its place. If it cannot be recorded, later runs will not replace it
/// unasked.
pub fn note(line: String) {
    if let Some(list) = list()
        && let Err(e) = append(&list, &line)
    {
        log::warn!("{}: {e}", list.display());
    }
    HERE.lock().unwrap_or_else(PoisonError::into_inner).insert(line);
}

fn append(list: &Path, line: &str) -> io::Result<()> {
    if let Some(folder) = list.parent() {
        file::make_folder(folder)?;
    }
    // One write, so that two programs do not mix their lines.
    fs::File::options().create(true).append(true).open(list)?.write_all(format!("{line}\n").as_bytes())?;
    if fs::metadata(list)?.len() > MOST_BYTES {
        let text = file::read_text(list)?;
        let lines: Vec<&str> = text.lines().collect();
        let newer = lines[lines.len() / 2..].join("\n") + "\n";
        // The list is no output, and recording it would cut it again.
        let whole = |new: &Path| super::same_bytes(new, newer.as_bytes());
        let new = super::filled(list, list, |out| out.write_all(newer.as_bytes()), whole);
        let (_listed, new) = new.map_err(io::Error::other)?;
        new.persist(list).map_err(|e| e.error)?;
    }
    Ok(())
}

/// The list, read once for many files.
#[derive(Debug)]
pub struct Own {
    lines: HashSet<String>,
    /// Hashing a large file takes its time: only where some file was written.
    places: HashSet<String>,
}

impl Own {
    pub fn read() -> Self {
        let here = HERE.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let list = list().and_then(|list| file::read_text(&list).ok()).unwrap_or_default();
        Self::of(here.into_iter().chain(list.lines().map(str::to_owned)).collect())
    }

    fn of(lines: HashSet<String>) -> Self {
        let place = |line: &String| line.split_once(' ').map(|(place, _)| place.to_owned());
        Self { places: lines.iter().filter_map(place).collect(), lines }
    }

    /// Whether the file at `path` is as this program has written it there.
    pub fn has(&self, path: &Path) -> bool {
        place(path).is_ok_and(|place| self.places.contains(&place))
            && line(path, path).is_ok_and(|now| self.lines.contains(&now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replace::write_bytes;

    #[test]
    fn a_file_is_own_where_it_was_written_and_as_long_as_nobody_changes_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let is_own = |path: &Path| Own::read().has(path);
        fs::write(at("mask.nii"), b"mask").unwrap();
        assert!(!is_own(&at("mask.nii")), "the person's");
        write_bytes(&at("mask.nii"), b"mask").unwrap();
        assert!(is_own(&at("mask.nii")) && is_own(&folder.path().join("./mask.nii")));
        fs::copy(at("mask.nii"), at("final.nii")).unwrap();
        assert!(!is_own(&at("final.nii")), "a copy is the person's");
        fs::write(at("mask.nii"), b"mash").unwrap();
        assert!(!is_own(&at("mask.nii")), "a change of the same length");
        assert!(!is_own(&at("none.nii")) && !is_own(folder.path()));
    }

    #[test]
    fn a_long_list_keeps_its_newer_half() {
        let folder = tempfile::tempdir().unwrap();
        let (path, list) = (folder.path().join("mask"), folder.path().join("written"));
        let old = "0123456789abcdef 1 old\n";
        fs::write(&list, old.repeat(MOST_BYTES as usize / old.len() + 1)).unwrap();
        fs::write(&path, b"mask").unwrap();
        append(&list, &line(&path, &path).unwrap()).unwrap();
        let text = fs::read_to_string(&list).unwrap();
        assert!(Own::of(text.lines().map(str::to_owned).collect()).has(&path));
        assert!((text.len() as u64) < MOST_BYTES * 2 / 3);
    }
}
