//! Files in and out: one file or folder per format, listed in [`FORMATS`].
//!
//! Readers return a [`Volume`] in Fovea's own world (LPS, millimetres), warnings in plain words, and what else the file
//! holds. Writers go through [`crate::replace`]. Nothing here starts a thread or knows the window.

mod case_name;
pub mod dataset;
mod dicom;
mod error;
mod folder;
mod guard;
mod gzip;
mod labels;
pub mod list;
mod look;
mod measurements;
mod nifti;
mod npy;
mod nrrd;
mod picture;
mod raster;
mod sample;
mod samples;
mod source;
mod table;
mod targets;
pub mod text;
mod tiff;
mod unsupported;
mod write;
mod writer;

pub use crate::replace::WriteError;
pub use case_name::{case_name, case_of, composed, file_stem, has_ending};
pub use error::OpenError;
pub use folder::{not_one_image, separate_pictures};
pub use labels::{
    laid_on, open_exact_labels, open_labels, open_labels_in, open_labels_of, open_labels_on, put_on, softened,
};
pub use look::{guess_note, modality_by_look};
pub use measurements::measurements_csv;
pub use nifti::{pair_of, write_label_nifti, write_probability_nifti, write_volume_nifti};
pub use picture::turned_mask;
pub use sample::{is_sample, sample_of};
pub use source::UnderWatch;
pub use table::{csv_number, plain_cell, read_table, table_beside, table_of, table_text, write_table};
pub use targets::{FolderError, TargetError, Targets, label_words};
pub use write::{
    write_image_png, write_image_tiff, write_label_png, write_label_tiff, write_probability_png, write_text,
};
pub use writer::{Mask, Writer, Written, usual_endings, usual_writer, writer_of, writers, written_endings};

use crate::volume::{Modality, Volume};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A file format: how to recognise it, how to open it, and how it is written.
#[derive(Debug)]
pub struct Format {
    pub id: &'static str,
    pub title: &'static str,
    /// Lower case, without the first dot, longest first (`nii.gz` before `nii`). Empty for folders.
    pub extensions: &'static [&'static str],
    /// What of the format is read, for the page of formats.
    pub reads: &'static str,
    /// Decides by the first [`HEAD_BYTES`] bytes (none for a folder). Where no format knows the bytes, the one with the
    /// file's extension opens it, to say what is wrong with it.
    pub sniff: fn(path: &Path, head: &[u8]) -> bool,
    pub open: fn(&Path, &OpenOptions, &mut dyn Progress) -> Result<Opened, OpenError>,
    /// `None` where it is only read.
    pub writer: Option<&'static Writer>,
}

/// Asked in this order; the first that recognises the file opens it. DICOM before TIFF: its mark comes late, and what
/// stands before it may look like another format on purpose.
pub static FORMATS: &[&Format] = &[
    &sample::FORMAT,
    &nifti::FORMAT,
    &dicom::FORMAT,
    &raster::FORMAT,
    &tiff::FORMAT,
    &nrrd::FORMAT,
    &npy::FORMAT,
    &folder::FORMAT,
];

/// How much of a file's beginning [`Format::sniff`] is shown.
pub const HEAD_BYTES: usize = 512;

#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Which of several series (DICOM) or volumes (4-D NIfTI) to open: a [`SeriesInfo::id`].
    pub series: Option<String>,
    /// What the image is, where the caller knows; otherwise the reader's own finding stands.
    pub modality: Option<Modality>,
    /// The file is a mask, so the numbers that it stores are wanted: a palette's index is the value, and what a file
    /// says for looking at it (that its zero is white) changes nothing.
    pub as_mask: bool,
}

/// Told how loading goes on, and asked whether to go on.
pub trait Progress {
    /// `done` of `total` units of work (bytes or slices).
    fn report(&mut self, done: u64, total: u64);
    /// One slice (`slice.dims()[2] == 1`) that will be slice `z` of `depth`, as soon as it is there: the middle one.
    fn preview(&mut self, slice: Volume, z: usize, depth: usize);
    /// True once the caller no longer wants the result; the reader then stops with [`OpenError::Cancelled`].
    fn cancelled(&self) -> bool;
}

/// A [`Progress`] that says nothing and never cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn report(&mut self, _done: u64, _total: u64) {}
    fn preview(&mut self, _slice: Volume, _z: usize, _depth: usize) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// One image of several in a file or folder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesInfo {
    /// What [`OpenOptions::series`] takes.
    pub id: String,
    pub title: String,
    /// Columns, rows, slices; 0 where it is not known before opening.
    pub dims: [usize; 3],
    /// This is the one that was opened.
    pub shown: bool,
}

/// An opened image.
#[derive(Clone, Debug)]
pub struct Opened {
    pub volume: Volume,
    pub source: PathBuf,
    /// In plain words, for the person who opened the file.
    pub warnings: Vec<String>,
    /// Every image that the file or folder holds, where there are several; empty where there is one.
    pub series: Vec<SeriesInfo>,
    /// BLAKE3 of the file's bytes, in hex; of several files, of their hashes in slice order.
    pub content_hash: String,
    /// Where pictures were turned to stand upright, as their files say they were held: the orientation (EXIF, 1 to 8) of each
    /// slice with a space between, or one number where all have it. `None` of an image that is as it is stored.
    pub turned: Option<String>,
    /// The volume's modality was told from the look of the picture alone (see [`modality_by_look`]).
    pub by_look: bool,
    /// What the format says beyond that, for `fovea info --json`. Never names or dates of patients.
    pub facts: serde_json::Value,
}

/// Opens an image file, a folder, or `sample:ID`.
pub fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let format = find_format(path)?;
    let mut opened = guard::decode(path, || (format.open)(path, options, progress))?;
    let by_look = || modality_by_look(&opened.volume).filter(|_| opened.volume.modality() == Modality::Other);
    let guess = if options.modality.is_none() { by_look() } else { None };
    if let Some(modality) = options.modality.or(guess) {
        opened.volume = opened.volume.with_modality(modality);
    }
    opened.by_look = guess.is_some();
    Ok(opened)
}

/// Refuses a wish for one of several images, in a file that holds one; its own name is that one.
fn only_image(path: &Path, options: &OpenOptions) -> Result<(), OpenError> {
    let own = path.file_name().map(|name| name.to_string_lossy());
    match &options.series {
        Some(asked) if own.as_deref() != Some(asked) => Err(OpenError::NoSuchSeries {
            path: path.to_owned(),
            asked: asked.clone(),
            available: String::new(),
        }),
        _ => Ok(()),
    }
}

/// Whether a file is none of a person's: hidden, a companion that macOS or Windows makes, or left by a program that was stopped
/// or keeps what was there before. Wherever a folder is looked through, such files are passed over.
pub fn left_over(path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy().to_lowercase()) else { return false };
    name.starts_with('.')
        || ["~", ".tmp", ".bak", ".part", ".crdownload"].iter().any(|end| name.ends_with(end))
        || ["thumbs.db", "desktop.ini", "__macosx"].contains(&name.as_str())
}

/// The format of a file by its content (and name), without opening it further.
pub fn find_format(path: &Path) -> Result<&'static Format, OpenError> {
    if sample::is_sample(path) {
        return Ok(&sample::FORMAT);
    }
    let head = source::head(path)?;
    let by_content = FORMATS.iter().copied().find(|f| (f.sniff)(path, &head));
    let by_name = || FORMATS.iter().copied().find(|f| f.has_extension_of(path) && !head.is_empty());
    by_content.or_else(by_name).ok_or_else(|| unsupported::explain(path, &head))
}

impl Format {
    pub fn has_extension_of(&self, path: &Path) -> bool {
        let name = path.file_name().map(|n| n.to_string_lossy().to_lowercase()).unwrap_or_default();
        self.extensions.iter().any(|e| name.strip_suffix(e).is_some_and(|stem| stem.ends_with('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_left_over_files_are_told_by_their_names() {
        for name in [
            "._a.nii.gz",
            ".DS_Store",
            "Thumbs.db",
            ".fovea-Ab12Cd.nii.gz",
            "a.png~",
            "a.png.tmp",
            "__MACOSX",
        ] {
            assert!(left_over(&Path::new("folder").join(name)), "{name}");
        }
        for name in ["a.nii.gz", "a~1.png", "tmp", "a.tmp.png", "thumbs.png"] {
            assert!(!left_over(&Path::new(".hidden").join(name)), "{name}");
        }
    }
}
