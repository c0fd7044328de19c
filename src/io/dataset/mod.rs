//! Data sets in the layouts of those who published them, beside LIST.csv ([`super::list`]): one file each, listed in
//! [`LAYOUTS`]. Every one becomes the same [`Case`]s.
//!
//! Nothing is read here but names and small indices; a pair that is broken is a [`Fault`] beside the cases that are not, so
//! that the caller can report everything that is wrong at once.

mod chase;
mod drive;
mod edema;
mod jmedseg;
mod labelled;
mod nnunet;
mod polyp;
mod seen;
mod sides;
#[cfg(test)]
mod tests;
mod values;

pub use labelled::Labelled;
pub use nnunet::labels_of as labels_of_nnunet;
pub use seen::{Known, ONE_STRUCTURE, Seen, shortened};
pub use sides::{Side, on_both_sides};
pub use values::{Class, Others, UNKNOWN, Values};

use super::{
    composed, left_over,
    list::{self, Case, ListError, Split},
    read_table, text,
};
use crate::{label::LabelTable, volume::Modality};
use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

/// What a class is called by a layout that has no name for it.
const NAMELESS: &str = "foreground";

/// A published folder structure: how to recognise it and how to list its cases.
pub struct Layout {
    pub id: &'static str,
    /// What must be there, in words.
    pub title: &'static str,
    recognise: fn(&Path) -> bool,
    list: fn(&Path, &mut Listed) -> Result<(), DatasetError>,
}

/// Asked in this order; the first that recognises the folder lists it.
pub static LAYOUTS: &[&Layout] =
    &[&nnunet::LAYOUT, &jmedseg::LAYOUT, &edema::LAYOUT, &polyp::LAYOUT, &drive::LAYOUT, &chase::LAYOUT];

/// The cases of a data set, and what is wrong with the others.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The id of its [`Layout`], or `list`.
    pub layout: &'static str,
    pub cases: Vec<Case>,
    pub faults: Vec<Fault>,
    /// How the values of the masks become labels.
    pub values: Values,
    /// What the images are, where the layout is of one kind.
    pub modality: Option<Modality>,
    /// Names of the masks' ids, from a file of labels beside a list or its masks.
    pub beside: Option<LabelTable>,
    /// What a person should know of the data as a whole.
    pub notes: Vec<String>,
}

/// A case that cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Id of the case, or where it stands.
    pub case: String,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.what)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error(transparent)]
    List(#[from] ListError),
    #[error("{} cannot be read: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
    #[error("{} is not the index that its layout asks for: {what}", path.display())]
    Index { path: PathBuf, what: String },
    #[error("{} has none of the layouts that are known: {}. A LIST.csv describes any other", path.display(), known())]
    Unknown { path: PathBuf },
}

fn known() -> String {
    LAYOUTS.iter().map(|l| format!("{} ({})", l.id, l.title)).collect::<Vec<_>>().join("; ")
}

/// Lists a LIST.csv, or a folder in one of the [`LAYOUTS`].
pub fn read(path: &Path) -> Result<Listed, DatasetError> {
    let mut listed = Listed {
        layout: "list",
        cases: vec![],
        faults: vec![],
        values: Values::Ids,
        modality: None,
        beside: None,
        notes: vec![],
    };
    if !path.is_dir() {
        let (cases, rows) = list::scan(path)?;
        listed.cases = cases;
        listed.find_labels(path);
        listed.faults =
            rows.into_iter().map(|r| Fault { case: format!("line {}", r.line), what: r.what }).collect();
        return Ok(listed);
    }
    let layout = LAYOUTS.iter().find(|l| (l.recognise)(path));
    let layout = layout.ok_or_else(|| DatasetError::Unknown { path: path.to_owned() })?;
    listed.layout = layout.id;
    (layout.list)(path, &mut listed)?;
    Ok(listed)
}

impl Listed {
    /// With what a person says of the masks' values instead of what the layout says.
    pub fn with_values(self, values: Option<Values>) -> Self {
        Self { values: values.unwrap_or(self.values), ..self }
    }

    /// The names of the ids, where a file of them lies beside the list, or beside all masks of it.
    fn find_labels(&mut self, list: &Path) {
        let folders = self.cases.iter().filter_map(|c| c.label.as_deref()?.parent());
        let mut folders: Vec<&Path> = list.parent().into_iter().chain(folders).collect();
        folders.sort();
        folders.dedup();
        let files: Vec<PathBuf> = folders.iter().filter_map(|folder| labels_in(folder)).collect();
        let mut tables = vec![];
        for file in &files {
            match read_table(file) {
                Ok(table) => tables.push(table),
                Err(e) => self.notes.push(format!("no names of labels were read: {e}")),
            }
        }
        tables.dedup();
        match &tables[..] {
            [] => {}
            [table] => self.beside = Some(table.clone()),
            _ => {
                let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
                self.notes
                    .push(format!("{} name the labels differently: none was used", names.join(" and ")));
            }
        }
    }

    fn fault(&mut self, case: impl Into<String>, what: impl Into<String>) {
        self.faults.push(Fault { case: case.into(), what: what.into() });
    }

    /// Takes a case in, or its faults: an id that is there already, a file that is not.
    fn push(&mut self, case: Case) {
        let mut wrong = vec![];
        if self.cases.iter().any(|c| c.id == case.id) {
            wrong.push("another case has this name".to_owned());
        }
        for file in [Some(&case.image), case.label.as_ref(), case.valid.as_ref()].into_iter().flatten() {
            if !file.exists() {
                wrong.push(format!("{} does not exist", file.display()));
            }
        }
        match wrong.is_empty() {
            true => self.cases.push(case),
            false => self.fault(case.id, wrong.join("; ")),
        }
    }
}

/// The file of labels in a folder, as `fovea segment` and ITK-SNAP write them.
pub fn labels_in(folder: &Path) -> Option<PathBuf> {
    ["labels.txt", "labels.json"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file())
}

/// A small index in JSON.
fn index(path: &Path) -> Result<serde_json::Value, DatasetError> {
    let text = text::read(path).map_err(|cause| DatasetError::Io { path: path.to_owned(), cause })?;
    serde_json::from_str(&text)
        .map_err(|e| DatasetError::Index { path: path.to_owned(), what: e.to_string() })
}

/// What a folder holds, hidden and left-over files left out, in the order of the names.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let refuse = |cause| DatasetError::Io { path: folder.to_owned(), cause };
    let mut found = vec![];
    for entry in fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        if !left_over(&path) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name without its last extension.
fn stem(path: &Path) -> String {
    path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_picture(path: &Path) -> bool {
    super::raster::FORMAT.has_extension_of(path) || super::tiff::FORMAT.has_extension_of(path)
}

/// The file of a folder with this stem, whatever kind of picture it is, and however its accents are written.
fn with_stem<'a>(files: &'a [PathBuf], wanted: &str) -> Option<&'a PathBuf> {
    let wanted = composed(wanted);
    let is_wanted = |stem: String| stem == wanted || (!stem.is_ascii() && composed(&stem) == wanted);
    files.iter().find(|f| is_picture(f) && is_wanted(stem(f)))
}
