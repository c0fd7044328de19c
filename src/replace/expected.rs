//! Which file each output would replace, as it was before the work began. The work may take hours. A file that appears or changes
//! there in the meantime is not replaced: the new file gets a free name beside it.

use super::{WriteError, written};
use std::{
    collections::{HashMap, HashSet},
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf, absolute},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};
use tempfile::NamedTempFile;

/// Global, because checking and writing happen on different threads.
static LOOKED_AT: LazyLock<Mutex<LookedAt>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct LookedAt {
    /// By absolute path.
    files: HashMap<PathBuf, Expected>,
    /// Folders in which every file that is not listed above counts as new.
    folders: HashSet<PathBuf>,
    displaced: Vec<Displaced>,
}

#[derive(Clone, Debug, Default)]
struct Expected {
    /// None where there was nothing.
    there: Option<Stamp>,
    /// The record of what this program has written there since, for file systems with coarse time stamps.
    line: Option<String>,
    /// Where this output goes instead, once its place is taken.
    kept: Option<PathBuf>,
}

/// What differs after a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    written: Option<SystemTime>,
    /// Seconds and nanoseconds: set by whatever is done to a file, a rename too.
    #[cfg(unix)]
    changed: (i64, i64),
}

impl From<Metadata> for Stamp {
    fn from(about: Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            bytes: about.len(),
            written: about.modified().ok(),
            #[cfg(unix)]
            changed: (about.ctime(), about.ctime_nsec()),
        }
    }
}

/// An output whose place was taken, and where it is instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displaced {
    pub place: PathBuf,
    pub kept: PathBuf,
}

/// Remembers the file that an output would replace, as it is now. That file, and what the program itself writes there, may be
/// replaced.
pub fn expect(path: &Path) {
    let expected = Expected { there: stamp(path), ..Expected::default() };
    looked_at().files.insert(key(path), expected);
}

/// Remembers that a folder is going to be filled: a file in it that was not passed to [`expect`] counts as new.
pub fn expect_in(folder: &Path) {
    looked_at().folders.insert(key(folder));
}

/// Where a new file goes: a link that was there is followed, so that what it leads to is replaced and not the link.
pub(super) fn target(path: &Path) -> PathBuf {
    let is_new = looked_at().of(&key(path)).is_some_and(|expected| expected.there.is_none());
    let there = (!is_new).then(|| fs::canonicalize(path).ok()).flatten();
    there.unwrap_or_else(|| path.to_owned())
}

/// The outputs of this process that are not where they were meant to be.
pub fn displaced() -> Vec<Displaced> {
    looked_at().displaced.clone()
}

fn looked_at() -> MutexGuard<'static, LookedAt> {
    LOOKED_AT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(path: &Path) -> PathBuf {
    absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// None where there is nothing; a link that leads nowhere is something.
fn stamp(path: &Path) -> Option<Stamp> {
    fs::metadata(path).or_else(|_| fs::symlink_metadata(path)).ok().map(Stamp::from)
}

impl LookedAt {
    fn of(&self, path: &Path) -> Option<Expected> {
        let in_folder = || path.parent().is_some_and(|folder| self.folders.contains(folder));
        self.files.get(path).cloned().or_else(|| in_folder().then(Expected::default))
    }
}

impl Expected {
    /// Whether the file is the one that was there before. A file that is gone needs no care.
    fn still(&self, path: &Path) -> bool {
        match (stamp(path), self.there) {
            (None, _) => true,
            (Some(now), Some(then)) if now == then => true,
            (Some(_), _) => {
                self.line.as_ref().is_some_and(|line| written::line(path, path).is_ok_and(|now| now == *line))
            }
        }
    }
}

/// Moves a new file, whose record is `line`, to `target`, to which `path` leads. If the place was taken since
/// [`expect`], the new file is kept beside it, and the error names both.
pub(super) fn put(path: &Path, target: &Path, new: NamedTempFile, line: String) -> Result<(), WriteError> {
    let io_error = |cause| WriteError::io(path, cause);
    let place = key(path);
    let Some(mut expected) = looked_at().of(&place) else {
        written::note(line);
        return new.persist(target).map(|_| ()).map_err(|e| io_error(e.error));
    };
    let mut left = Some(new);
    if expected.kept.is_none() && expected.still(target) {
        // Recorded before it is moved: if the program ends between the two, it still knows its own file.
        written::note(line.clone());
        let new_there = expected.there.is_none();
        left = left.map(|new| swap_in(new, target, new_there)).transpose().map_err(io_error)?.flatten();
        if left.is_none() {
            expected = Expected { there: stamp(target), line: Some(line), kept: None };
            looked_at().files.insert(place, expected);
            return Ok(());
        }
    }
    let Some(new) = left else { return Ok(()) };
    let kept = keep_beside(target, expected.kept.take(), new).map_err(io_error)?;
    let displaced = Displaced { place: path.to_owned(), kept: kept.clone() };
    let mut all = looked_at();
    if !all.displaced.contains(&displaced) {
        all.displaced.push(displaced);
    }
    all.files.insert(place, Expected { kept: Some(kept.clone()), ..expected });
    Err(WriteError::Taken { path: path.to_owned(), kept })
}

/// Renames over what is there; or, if nothing should be there, only into an empty place. Returns the file if the place
/// is taken.
fn swap_in(new: NamedTempFile, target: &Path, new_there: bool) -> io::Result<Option<NamedTempFile>> {
    if !new_there {
        return new.persist(target).map(|_| None).map_err(|e| e.error);
    }
    match new.persist_noclobber(target) {
        Ok(_) => Ok(None),
        Err(e) if stamp(target).is_some() => Ok(Some(e.file)),
        // Not every file system can do both at once.
        Err(e) => e.file.persist(target).map(|_| None).map_err(|e| e.error),
    }
}

/// A free name beside the target that no other output has; the same as before, if this output has one already.
fn keep_beside(target: &Path, before: Option<PathBuf>, mut new: NamedTempFile) -> io::Result<PathBuf> {
    if let Some(before) = before.filter(|before| written::Own::read().has(before)) {
        written::note(written::line(&before, new.path())?);
        return new.persist(&before).map(|_| before).map_err(|e| e.error);
    }
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (stem, ending) = name.split_at(name.find('.').filter(|dot| *dot > 0).unwrap_or(name.len()));
    for number in 1.. {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        let beside = target.with_file_name(format!("{stem}-new{number}{ending}"));
        if looked_at().files.contains_key(&key(&beside)) || stamp(&beside).is_some() {
            continue;
        }
        written::note(written::line(&beside, new.path())?);
        match swap_in(new, &beside, true)? {
            None => return Ok(beside),
            Some(back) => new = back,
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replace::{Own, write_bytes};

    fn names_in(folder: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn what_appears_or_changes_after_the_look_is_kept_and_so_is_the_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("there.nii.gz"), b"old").unwrap();
        for name in ["there.nii.gz", "none.png", "none-new.png", "free.png"] {
            expect(&at(name));
        }
        fs::write(at("there.nii.gz"), b"mine").unwrap();
        fs::write(at("none.png"), b"mine").unwrap();
        for (name, kept) in [("there.nii.gz", "there-new.nii.gz"), ("none.png", "none-new-2.png")] {
            // The second time it goes to where the first went.
            for new in [b"one", b"two"] {
                let told = write_bytes(&at(name), new).unwrap_err();
                let WriteError::Taken { path, kept: found } = told else { panic!("{told}") };
                assert_eq!((path, &found), (at(name), &at(kept)), "{name}");
                assert_eq!(
                    (fs::read(at(name)).unwrap(), fs::read(found).unwrap()),
                    (b"mine".to_vec(), new.to_vec())
                );
            }
            assert!(displaced().contains(&Displaced { place: at(name), kept: at(kept) }));
            assert!(Own::read().has(&at(kept)) && !Own::read().has(&at(name)));
        }
        write_bytes(&at("free.png"), b"one").unwrap();
        write_bytes(&at("free.png"), b"two").unwrap();
        assert_eq!(fs::read(at("free.png")).unwrap(), b"two", "its own it may write again");
        fs::remove_file(at("free.png")).unwrap();
        write_bytes(&at("free.png"), b"three").unwrap();
        assert_eq!(
            names_in(folder.path()),
            ["free.png", "none-new-2.png", "none.png", "there-new.nii.gz", "there.nii.gz"]
        );
    }

    #[test]
    fn what_appears_in_a_folder_that_is_filled_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("0001.png"), b"old").unwrap();
        expect(&at("0001.png"));
        expect_in(folder.path());
        fs::write(at("0002.png"), b"mine").unwrap();
        write_bytes(&at("0001.png"), b"new").unwrap();
        write_bytes(&at("0003.png"), b"new").unwrap();
        assert!(matches!(write_bytes(&at("0002.png"), b"new"), Err(WriteError::Taken { .. })));
        assert_eq!(names_in(folder.path()), ["0001.png", "0002-new.png", "0002.png", "0003.png"]);
        assert_eq!(fs::read(at("0002.png")).unwrap(), b"mine");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_appears_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("private"), b"mine").unwrap();
        for (link, to) in [("mask.png", "private"), ("other.png", "nowhere")] {
            expect(&at(link));
            std::os::unix::fs::symlink(at(to), at(link)).unwrap();
            assert!(matches!(write_bytes(&at(link), b"new"), Err(WriteError::Taken { .. })), "{link}");
        }
        assert_eq!(fs::read(at("private")).unwrap(), b"mine");
        assert_eq!(
            names_in(folder.path()),
            ["mask-new.png", "mask.png", "other-new.png", "other.png", "private"]
        );
    }
}
