//! The DICOM files of a folder, told by their content.

use super::file;
use crate::io::{HEAD_BYTES, OpenError, Progress, raster, source, tiff};
use std::{
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
        } else if is_dicom(&file) {
            return true;
        }
    }
    folders && !pictures && walk(path, &mut Vec::new(), &mut |_| ControlFlow::Break(())).is_break()
}

fn is_picture(file: &Path) -> bool {
    raster::FORMAT.has_extension_of(file) || tiff::FORMAT.has_extension_of(file)
}

/// Pipes and devices are none: reading them may never end.
fn is_dicom(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let Ok(file) = source::open(path) else { return false };
    let mut head = Vec::new();
    file.take(HEAD_BYTES as u64).read_to_end(&mut head).is_ok() && file::is_file(&head)
}

/// Every DICOM file in a folder and the folders in it, by name; what could not be looked into is said.
pub fn files_in(
    path: &Path,
    warnings: &mut Vec<String>,
    progress: &dyn Progress,
) -> Result<Vec<PathBuf>, OpenError> {
    let mut found = Vec::new();
    let ended = walk(path, warnings, &mut |file| match progress.cancelled() {
        true => ControlFlow::Break(()),
        false => {
            found.push(file);
            ControlFlow::Continue(())
        }
    });
    if ended.is_break() || progress.cancelled() {
        return Err(OpenError::Cancelled);
    }
    found.sort();
    Ok(found)
}

fn walk(
    path: &Path,
    warnings: &mut Vec<String>,
    each: &mut dyn FnMut(PathBuf) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                warnings.push(format!("A folder could not be read ({error}): {}", folder.display()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let file = entry.path();
            if file.is_dir() {
                match depth < MAX_DEPTH {
                    true => folders.push((file, depth + 1)),
                    false => warnings.push(format!(
                        "A folder is nested too deep and was not looked into: {}",
                        file.display()
                    )),
                }
            } else if !is_picture(&file) && is_dicom(&file) {
                each(file)?;
            }
        }
    }
    ControlFlow::Continue(())
}
