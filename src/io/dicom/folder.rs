//! The DICOM files of a folder, told by their content.

use super::{FORMAT, file};
use crate::io::{HEAD_BYTES, OpenError, Progress, left_over, raster, source, tiff};
use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    io::Read,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Folders in folders that are looked into.
const MAX_DEPTH: usize = 4;

/// A folder with DICOM files, or without pictures and with DICOM files further down.
pub fn is_folder(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    let (mut folders, mut pictures) = (false, false);
    for entry in entries.flatten() {
        let file = entry.path();
        if file.is_dir() {
            folders = true;
        } else if is_picture(&file) {
            pictures = true;
        } else if is_dicom(&file).unwrap_or(false) {
            return true;
        }
    }
    let mut found = |file: Result<PathBuf, OpenError>| match file {
        Ok(_) => ControlFlow::Break(()),
        Err(_) => ControlFlow::Continue(()),
    };
    folders && !pictures && walk(path, &mut Vec::new(), &mut found).is_break()
}

fn is_picture(file: &Path) -> bool {
    raster::FORMAT.has_extension_of(file) || tiff::FORMAT.has_extension_of(file)
}

/// Whether a file is DICOM; an error where it cannot be looked at, or is called so and is none.
fn is_dicom(path: &Path) -> Result<bool, OpenError> {
    let called_so = FORMAT.has_extension_of(path) && !left_over(path);
    let looked = head_of(path).and_then(|head| match file::is_file(&head) {
        false if called_so => Err(OpenError::corrupt(path, not_dicom(&head))),
        is => Ok(is),
    });
    match looked {
        // What is neither called so nor a file (a pipe, a device) is nobody's slice.
        Err(_) if !called_so && !path.is_file() => Ok(false),
        looked => looked,
    }
}

fn head_of(path: &Path) -> Result<Vec<u8>, OpenError> {
    let mut head = Vec::new();
    let read = source::open(path)?.take(HEAD_BYTES as u64).read_to_end(&mut head);
    read.map(|_| head).map_err(|e| OpenError::io(path, e))
}

fn not_dicom(head: &[u8]) -> &'static str {
    if head.is_empty() { "it is empty (0 bytes)" } else { "it does not begin like a DICOM file" }
}

/// The DICOM files in a folder and the folders in it, by name.
#[derive(Default)]
pub struct Files {
    pub found: Vec<PathBuf>,
    /// Those that could not be looked at, or are none although they are called so.
    pub broken: Vec<OpenError>,
}

/// Looks through a folder; what could not be looked into is said.
pub fn files_in(
    path: &Path,
    warnings: &mut Vec<String>,
    progress: &dyn Progress,
) -> Result<Files, OpenError> {
    let mut files = Files::default();
    let ended = walk(path, warnings, &mut |file| match (progress.cancelled(), file) {
        (true, _) => ControlFlow::Break(()),
        (false, Ok(file)) => {
            files.found.push(file);
            ControlFlow::Continue(())
        }
        (false, Err(broken)) => {
            files.broken.push(broken);
            ControlFlow::Continue(())
        }
    });
    if ended.is_break() || progress.cancelled() {
        return Err(OpenError::Cancelled);
    }
    files.found.sort();
    Ok(files)
}

fn walk(
    path: &Path,
    warnings: &mut Vec<String>,
    each: &mut dyn FnMut(Result<PathBuf, OpenError>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // The nearest first: links may lead back, and each folder is looked into once.
    let mut folders = VecDeque::from([(path.to_owned(), 0)]);
    let mut seen = BTreeSet::new();
    let [mut unread, mut too_deep] = [Vec::new(), Vec::new()];
    while let Some((folder, depth)) = folders.pop_front() {
        let entries = fs::canonicalize(&folder).and_then(|place| match seen.insert(place) {
            true => fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>(),
            false => Ok(Vec::new()),
        });
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                unread.push(format!("{} ({error})", folder.display()));
                continue;
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let file = entry.path();
            if file.is_dir() {
                match depth < MAX_DEPTH {
                    true => folders.push_back((file, depth + 1)),
                    false => too_deep.push(file.display().to_string()),
                }
            } else if !is_picture(&file) {
                match is_dicom(&file) {
                    Ok(true) => each(Ok(file))?,
                    Ok(false) => {}
                    Err(broken) => each(Err(broken))?,
                }
            }
        }
    }
    for (folders, [one, more]) in [
        (unread, ["folder could not be read", "folders could not be read"]),
        (
            too_deep,
            [
                "folder is nested too deep and was not looked into",
                "folders are nested too deep and were not looked into",
            ],
        ),
    ] {
        match &folders[..] {
            [] => {}
            [folder] => warnings.push(format!("1 {one}: {folder}")),
            [first, ..] => warnings.push(format!("{} {more}; the first: {first}", folders.len())),
        }
    }
    ControlFlow::Continue(())
}
