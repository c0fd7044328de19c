//! What a run reads and what it is going to write, compared before the first byte is written and before any long work
//! begins: no output may be an input, no two outputs may be one file, and what lies there already is left
//! unless this program wrote it or a person says otherwise. Everything that writes files goes through it.

use crate::{
    file,
    label::{LabelId, LabelTable},
    replace,
};
use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io, iter,
    path::{Component, Path, PathBuf},
    slice,
};

/// Folders in folders that are looked into, as readers of folders do.
const MAX_DEPTH: usize = 4;

/// Why nothing was written.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TargetError {
    #[error("{}, which this reads; nothing was written. Choose another place", over(output, input))]
    Input { output: PathBuf, input: PathBuf },
    #[error("{} and {} would be the same file; nothing was written. Choose another place for one of them", first.display(), second.display())]
    Twice { first: PathBuf, second: PathBuf },
    #[error("{} exists already, and is {}; nothing was written. Choose another place", .0.display(), if .0.is_file() { "a file, not a folder" } else { "no regular file" })]
    NotAFile(PathBuf),
    #[error("{} is a link to {}, which does not exist; nothing was written. Name {} itself, or choose another place", link.display(), to.display(), to.display())]
    Dangling { link: PathBuf, to: PathBuf },
    #[error("{} is a link, and {} would be replaced; nothing was written. Name {} itself, or choose another place", link.display(), to.display(), to.display())]
    Link { link: PathBuf, to: PathBuf },
    #[error("{} there already and would be lost: {} not as Fovea wrote {} there, or would say something else. Nothing was written. Choose another place", are(.0), they_are(.0), them(.0))]
    Exists(Vec<PathBuf>),
    #[error("{} not as the run left {}: somebody has changed {}, or put {} there, and the run would replace {}. Nothing was written. Move {} to another place, and the run makes its own again", are(.0), them(.0), them(.0), them(.0), them(.0), them(.0))]
    Changed(Vec<PathBuf>),
}

impl TargetError {
    /// The files that a person may say that they want replaced.
    pub fn replaceable(&self) -> &[PathBuf] {
        match self {
            Self::Exists(files) | Self::Changed(files) => files,
            Self::Link { to, .. } => slice::from_ref(to),
            Self::Input { .. } | Self::Twice { .. } | Self::NotAFile(_) | Self::Dangling { .. } => &[],
        }
    }
}

fn over(output: &Path, input: &Path) -> String {
    match output == input {
        true => format!("the output would replace {}", input.display()),
        false => format!("{} would replace {}", output.display(), input.display()),
    }
}

fn them(paths: &[PathBuf]) -> &'static str {
    if paths.len() == 1 { "it" } else { "them" }
}

fn they_are(paths: &[PathBuf]) -> &'static str {
    if paths.len() == 1 { "it is" } else { "they are" }
}

/// Files that are named in a message; more would not be read.
const NAMED: usize = 12;

fn are(paths: &[PathBuf]) -> String {
    let mut names: Vec<String> = paths.iter().take(NAMED).map(|path| path.display().to_string()).collect();
    if paths.len() > NAMED {
        names.push(format!("{} more", paths.len() - NAMED));
    }
    match &names[..] {
        [one] => format!("{one} is"),
        [others @ .., last] => format!("{} and {last} are", others.join(", ")),
        [] => String::new(),
    }
}

/// The inputs and outputs of one run.
#[derive(Debug, Default)]
pub struct Targets {
    overwrite: bool,
    /// Only these, or what is in these folders, may be replaced as the program's own.
    known: Option<Vec<PathBuf>>,
    inputs: HashMap<Identity, PathBuf>,
    outputs: Vec<Output>,
}

#[derive(Debug)]
struct Output {
    path: PathBuf,
    kind: Kind,
    /// Outputs of one number are never written together: of two endings, only one will be.
    group: usize,
}

#[derive(Debug, PartialEq)]
enum Kind {
    File,
    /// A file that is there with these bytes may stay as it is.
    Bytes(Vec<u8>),
    /// Of a run that goes on, and whether it is known to be as the run left it; else the program's list says it.
    OfRun(Option<bool>),
    /// A folder, whose files are outputs of their own.
    Folder,
}

/// What makes two paths one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// The real folder, and the name as a file system that ignores letter case and the forms of accents compares it.
    Place(PathBuf, String),
    /// Device and number of a file, which hard links share.
    File(u64, u64),
}

impl Targets {
    /// What this program wrote, and nobody has changed since, may be replaced; with `overwrite`, any file that is there;
    /// inputs never.
    pub fn new(overwrite: bool) -> Self {
        Self { overwrite, ..Self::default() }
    }

    /// Nothing else may be replaced than these files, and what is in these folders, as long as they are as this program wrote
    /// them: what it wrote of another image is not this image's to replace.
    pub fn replacing_only(known: &[PathBuf]) -> Self {
        Self { known: Some(known.to_vec()), ..Self::default() }
    }

    /// A file that is read, with the other half of a `.hdr`/`.img` pair; of a folder, every file in it that a reader of
    /// folders may take. What is not there (a sample, an id of a bundled model) is no file.
    pub fn read(&mut self, path: &Path) -> &mut Self {
        let mut waiting = vec![(path.to_owned(), 0)];
        while let Some((path, depth)) = waiting.pop() {
            if !path.is_dir() {
                self.read_file(&path);
                continue;
            }
            for entry in fs::read_dir(&path).into_iter().flatten().flatten() {
                let inner = entry.path();
                let folder = inner.is_dir() && depth < MAX_DEPTH;
                if folder || (!inner.is_dir() && is_read_in_folders(&inner)) {
                    waiting.push((inner, depth + 1));
                }
            }
        }
        self
    }

    fn read_file(&mut self, path: &Path) {
        let halves = super::nifti::halves(path);
        for file in iter::once(path).chain(halves.iter().map(PathBuf::as_path)).filter(|p| p.exists()) {
            for identity in identities(file) {
                self.inputs.entry(identity).or_insert_with(|| file.to_owned());
            }
        }
    }

    /// A file that is going to be written.
    pub fn write(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.write_one_of([path.into()])
    }

    /// A file of which only the work tells which of these it will be.
    pub fn write_one_of(&mut self, paths: impl IntoIterator<Item = PathBuf>) -> &mut Self {
        let group = self.outputs.last().map_or(0, |last| last.group + 1);
        self.outputs.extend(paths.into_iter().map(|path| Output { path, kind: Kind::File, group }));
        self
    }

    fn write_as(&mut self, path: impl Into<PathBuf>, kind: Kind) -> &mut Self {
        self.write(path);
        if let Some(last) = self.outputs.last_mut() {
            last.kind = kind;
        }
        self
    }

    /// A file whose content is known, and which may be about more than this run's outputs (a folder's `labels.txt`): only one
    /// that has this content already may be there, whoever wrote it.
    pub fn write_bytes(&mut self, path: impl Into<PathBuf>, bytes: Vec<u8>) -> &mut Self {
        self.write_as(path, Kind::Bytes(bytes))
    }

    /// A file of a run that goes on, which may be written again if it is as the run left it.
    pub fn write_again(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.write_as(path, Kind::OfRun(None))
    }

    /// As [`Targets::write_again`], of a file of which something else than the program's list says whether it `is_own`.
    pub fn write_on(&mut self, path: impl Into<PathBuf>, is_own: bool) -> &mut Self {
        self.write_as(path, Kind::OfRun(Some(is_own)))
    }

    /// A folder that is going to be filled with slices.
    pub fn write_folder(&mut self, path: &Path) -> &mut Self {
        for entry in fs::read_dir(path).into_iter().flatten().flatten().filter(|entry| !entry.path().is_dir())
        {
            self.write(entry.path());
        }
        self.write_as(path, Kind::Folder)
    }

    /// Whether all of it may be written. An output that is an input is told first, whatever `overwrite` says. From now on
    /// nothing is replaced that comes there later ([`replace::expect`]).
    pub fn check(&self) -> Result<(), TargetError> {
        let mut seen: HashMap<Identity, &Output> = HashMap::new();
        for output in &self.outputs {
            let path = &output.path;
            if let Some(to) = led_to(path).filter(|_| !path.exists()) {
                return Err(TargetError::Dangling { link: path.clone(), to });
            }
            let fits = if output.kind == Kind::Folder { path.is_dir() } else { path.is_file() };
            if path.exists() && !fits {
                return Err(TargetError::NotAFile(path.clone()));
            }
            for identity in identities(path) {
                if let Some(input) = self.inputs.get(&identity) {
                    return Err(TargetError::Input { output: path.clone(), input: input.clone() });
                }
                if let Some(other) = seen.insert(identity, output).filter(|other| other.group != output.group)
                {
                    let (first, second) = (other.path.clone(), path.clone());
                    return Err(TargetError::Twice { first, second });
                }
            }
        }
        for output in &self.outputs {
            match output.kind {
                Kind::Folder => replace::expect_in(&output.path),
                _ => replace::expect(&output.path),
            }
        }
        if self.overwrite {
            return Ok(());
        }
        if let Some((link, to)) = self.links().into_iter().next() {
            return Err(TargetError::Link { link, to });
        }
        let own = LazyCell::new(replace::Own::read);
        let known =
            |path: &Path| self.known.as_ref().is_none_or(|known| known.iter().any(|k| path.starts_with(k)));
        let (mut kept, mut changed) = (vec![], vec![]);
        for Output { path, kind, .. } in self.outputs.iter().filter(|output| output.path.exists()) {
            let (may, lost) = match kind {
                Kind::Folder => continue,
                // Other masks may lie beside it that mean what it says.
                Kind::Bytes(bytes) => (file::read(path).is_ok_and(|there| there == *bytes), &mut kept),
                Kind::File => (known(path) && own.has(path), &mut kept),
                Kind::OfRun(is_own) => (is_own.unwrap_or_else(|| own.has(path)), &mut changed),
            };
            if !may {
                lost.push(path.clone());
            }
        }
        match (kept.is_empty(), changed.is_empty()) {
            (_, false) => Err(TargetError::Changed(changed)),
            (false, _) => Err(TargetError::Exists(kept)),
            (true, true) => Ok(()),
        }
    }

    /// The outputs that are links, each with the file that it leads to: this is what would be replaced.
    pub fn links(&self) -> Vec<(PathBuf, PathBuf)> {
        let files = self.outputs.iter().filter(|output| output.kind != Kind::Folder);
        files.filter_map(|output| Some((output.path.clone(), led_to(&output.path)?))).collect()
    }

    /// Makes the folders that the outputs are in, where they are not there yet.
    pub fn make_folders(&self) -> Result<(), FolderError> {
        let folders: BTreeSet<&Path> =
            self.outputs.iter().filter_map(|output| output.path.parent()).collect();
        for folder in folders.into_iter().filter(|folder| !folder.as_os_str().is_empty()) {
            file::make_folder(folder).map_err(|cause| FolderError { folder: folder.to_owned(), cause })?;
        }
        Ok(())
    }
}

/// Why a folder for outputs was not made.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} cannot be made: {cause}", folder.display())]
pub struct FolderError {
    folder: PathBuf,
    cause: io::Error,
}

/// The file that a link leads to, over all links on the way where there is one; None of what is no link.
fn led_to(path: &Path) -> Option<PathBuf> {
    let to = fs::read_link(path).ok()?;
    Some(fs::canonicalize(path).unwrap_or_else(|_| path.parent().unwrap_or(Path::new("")).join(to)))
}

/// Whether a reader of folders (DICOM series, numbered pictures) may take this file of one.
fn is_read_in_folders(file: &Path) -> bool {
    let ending = file.extension().map(|e| e.to_string_lossy().to_lowercase());
    let beside = ["txt", "json", "csv", "html", "fovea", "safetensors"];
    !super::left_over(file)
        && !super::nifti::FORMAT.has_extension_of(file)
        && !ending.is_some_and(|e| beside.contains(&&*e))
}

/// Everything that another path to the same file shares with this one.
fn identities(path: &Path) -> Vec<Identity> {
    let mut found = vec![place(path)];
    if let Ok(real) = fs::canonicalize(path) {
        found.push(place(&real));
    }
    #[cfg(unix)]
    if let Ok(about) = fs::metadata(path) {
        use std::os::unix::fs::MetadataExt;
        found.push(Identity::File(about.dev(), about.ino()));
    }
    found.dedup();
    found
}

/// Where a path leads, whether or not there is something yet: links are followed as far as there is anything, and what
/// is to be made below that is compared without letter case.
fn place(path: &Path) -> Identity {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (mut known, mut rest) = (PathBuf::new(), Vec::new());
    let last = absolute.components().count().saturating_sub(1);
    for (i, part) in absolute.components().enumerate() {
        match part {
            Component::Prefix(_) | Component::RootDir => known.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                if rest.pop().is_none() {
                    known.pop();
                }
            }
            Component::Normal(name) => match fs::canonicalize(known.join(name)) {
                Ok(real) if rest.is_empty() && i < last => known = real,
                _ => rest.push(folded(&name.to_string_lossy())),
            },
        }
    }
    Identity::Place(known, rest.join("/"))
}

/// A name as a file system sees it that ignores letter case and the forms of accents.
fn folded(name: &str) -> String {
    super::composed(&name.to_lowercase())
}

/// The labels' names as parts of file names; where two would be one file (on some file system), the label's id tells them
/// apart.
pub fn label_words(labels: &LabelTable) -> BTreeMap<LabelId, String> {
    let word = |name: &str| -> String {
        name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect()
    };
    let mut words: BTreeMap<LabelId, String> =
        labels.iter().map(|label| (label.id, word(&label.name))).collect();
    let mut count: HashMap<String, usize> = HashMap::new();
    words.values().for_each(|word| *count.entry(folded(word)).or_default() += 1);
    for (id, word) in &mut words {
        match word.is_empty() {
            true => *word = id.to_string(),
            false if count.get(&folded(word)).is_some_and(|n| *n > 1) => *word = format!("{word}-{id}"),
            false => {}
        }
    }
    words
}

#[cfg(test)]
mod tests;
