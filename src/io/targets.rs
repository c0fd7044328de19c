//! What a run reads and what it is going to write, compared before the first byte is written and before any long work
//! begins: no output may be an input, no two outputs may be one file, and what lies there already is left
//! unless this program wrote it or a person says otherwise. Everything that writes files goes through it.

use crate::{
    label::{LabelId, LabelTable},
    replace,
};
use std::{
    cell::LazyCell,
    collections::{BTreeMap, HashMap},
    fs, iter,
    path::{Component, Path, PathBuf},
};
use unicode_normalization::UnicodeNormalization;

/// Folders in folders that are looked into, as readers of folders do.
const MAX_DEPTH: usize = 4;

/// Why nothing was written.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TargetError {
    #[error("{}, which this reads; nothing was written. Choose another place", over(output, input))]
    Input { output: PathBuf, input: PathBuf },
    #[error("{} and {} would be one file; nothing was written", first.display(), second.display())]
    Twice { first: PathBuf, second: PathBuf },
    #[error("{} is there, and is {}; nothing was written. Choose another place", .0.display(), if .0.is_file() { "a file, not a folder" } else { "no regular file" })]
    NotAFile(PathBuf),
    #[error("{} there already and would be lost: {} not as Fovea wrote {} there, or would say something else. Nothing was written. Choose another place, or say --overwrite to replace {}", listed(.0), it_is(.0).1, it_is(.0).0, it_is(.0).0)]
    Exists(Vec<PathBuf>),
}

fn over(output: &Path, input: &Path) -> String {
    match output == input {
        true => format!("the output would replace {}", input.display()),
        false => format!("{} would replace {}", output.display(), input.display()),
    }
}

fn it_is(paths: &[PathBuf]) -> (&'static str, &'static str) {
    if paths.len() == 1 { ("it", "it is") } else { ("them", "they are") }
}

fn listed(paths: &[PathBuf]) -> String {
    match paths {
        [path] => format!("{} is", path.display()),
        [first, others @ ..] => format!("{} and {} more files are", first.display(), others.len()),
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
    /// A file that is there with these bytes may stay as it is.
    bytes: Option<Vec<u8>>,
    own: bool,
    /// It is a folder, whose files are outputs of their own.
    folder: bool,
    /// Outputs of one number are never written together: of two endings, only one will be.
    group: usize,
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
        self.outputs.extend(paths.into_iter().map(|path| Output {
            path,
            bytes: None,
            own: false,
            folder: false,
            group,
        }));
        self
    }

    /// A file whose content is known, and which may be about more than this run's outputs (a folder's `labels.txt`): only one
    /// that has this content already may be there, whoever wrote it.
    pub fn write_bytes(&mut self, path: impl Into<PathBuf>, bytes: Vec<u8>) -> &mut Self {
        self.write(path);
        if let Some(last) = self.outputs.last_mut() {
            last.bytes = Some(bytes);
        }
        self
    }

    /// A file of a run that goes on, which may be written again.
    pub fn write_own(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.write(path);
        if let Some(last) = self.outputs.last_mut() {
            last.own = true;
        }
        self
    }

    /// A folder of slices that is going to be filled, and emptied of other slices.
    pub fn write_folder(&mut self, path: &Path) -> &mut Self {
        for entry in fs::read_dir(path).into_iter().flatten().flatten().filter(|entry| !entry.path().is_dir())
        {
            self.write(entry.path());
        }
        self.write(path);
        if let Some(last) = self.outputs.last_mut() {
            last.folder = true;
        }
        self
    }

    /// Whether all of it may be written. An output that is an input is told first, whatever `overwrite` says.
    pub fn check(&self) -> Result<(), TargetError> {
        let mut seen: HashMap<Identity, &Output> = HashMap::new();
        for output in &self.outputs {
            let fits = if output.folder { output.path.is_dir() } else { output.path.is_file() };
            if output.path.exists() && !fits {
                return Err(TargetError::NotAFile(output.path.clone()));
            }
            for identity in identities(&output.path) {
                if let Some(input) = self.inputs.get(&identity) {
                    return Err(TargetError::Input { output: output.path.clone(), input: input.clone() });
                }
                if let Some(other) = seen.insert(identity, output).filter(|other| other.group != output.group)
                {
                    let (first, second) = (other.path.clone(), output.path.clone());
                    return Err(TargetError::Twice { first, second });
                }
            }
        }
        if self.overwrite {
            return Ok(());
        }
        let own = LazyCell::new(replace::Own::read);
        let known =
            |path: &Path| self.known.as_ref().is_none_or(|known| known.iter().any(|k| path.starts_with(k)));
        let kept = |output: &&Output| match &output.bytes {
            _ if output.own || output.folder || !output.path.exists() => false,
            // Other masks may lie beside it that mean what it says.
            Some(bytes) => !crate::file::read(&output.path).is_ok_and(|there| there == *bytes),
            None => !(known(&output.path) && own.has(&output.path)),
        };
        let kept: Vec<PathBuf> = self.outputs.iter().filter(kept).map(|o| o.path.clone()).collect();
        if kept.is_empty() { Ok(()) } else { Err(TargetError::Exists(kept)) }
    }
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
    name.to_lowercase().nfc().collect()
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
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Scan.png");
        fs::write(&path, b"image").unwrap();
        (folder, path)
    }

    fn is_input(input: &Path, output: &Path) -> bool {
        let mut targets = Targets::new(true);
        targets.read(input).write(output);
        matches!(targets.check(), Err(TargetError::Input { .. }))
    }

    #[test]
    fn an_output_is_no_input_by_whatever_path() {
        let (folder, image) = folder();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        for name in ["Scan.png", "./Scan.png", "sub/../Scan.png", "new/../Scan.png", "scan.PNG"] {
            assert!(is_input(&image, &at(name)), "{name}");
        }
        for name in ["other.png", "sub/Scan.png", "Scan.nii.gz"] {
            assert!(!is_input(&image, &at(name)), "{name}");
        }
        assert!(!is_input(Path::new("sample:oct"), &at("sample:oct")));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_from_both_sides() {
        let (folder, image) = folder();
        let [soft, hard, linked] = ["soft.png", "hard.png", "folder"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink(&image, &soft).unwrap();
        fs::hard_link(&image, &hard).unwrap();
        std::os::unix::fs::symlink(folder.path(), &linked).unwrap();
        for path in [&soft, &hard, &linked.join("Scan.png"), &linked.join("hard.png")] {
            assert!(is_input(&image, path) && is_input(path, &image), "{}", path.display());
        }
    }

    #[test]
    fn files_of_a_folder_and_the_other_half_of_a_pair_are_inputs() {
        let (folder, image) = folder();
        assert!(is_input(folder.path(), &image));
        assert!(!is_input(folder.path(), &folder.path().join("mask.nii.gz")));
        let inner = folder.path().join("series");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("IM0"), b"").unwrap();
        assert!(is_input(folder.path(), &inner.join("IM0")));
        let [header, data] = ["a.hdr", "a.img"].map(|name| folder.path().join(name));
        fs::write(&header, b"").unwrap();
        fs::write(&data, b"").unwrap();
        assert!(is_input(&header, &data) && is_input(&data, &header));
    }

    #[test]
    fn two_outputs_of_one_name_are_told_and_so_is_what_would_be_lost() {
        let (folder, image) = folder();
        let at = |name: &str| folder.path().join(name);
        let check = |overwrite, paths: &[PathBuf]| {
            let mut targets = Targets::new(overwrite);
            paths.iter().for_each(|path| {
                targets.write(path);
            });
            targets.check()
        };
        for (first, second) in
            [("a.png", "a.png"), ("a.png", "A.PNG"), ("new/a.png", "New/a.png"), ("\u{e9}", "e\u{301}")]
        {
            let told = check(true, &[at(first), at(second)]);
            assert_eq!(told, Err(TargetError::Twice { first: at(first), second: at(second) }));
        }
        assert_eq!(check(false, &[at("a.png"), at("b.png")]), Ok(()));
        assert_eq!(check(false, std::slice::from_ref(&image)), Err(TargetError::Exists(vec![image.clone()])));
        assert_eq!(check(true, std::slice::from_ref(&image)), Ok(()));
        let mut same = Targets::new(false);
        assert_eq!(same.write_bytes(&image, b"image".to_vec()).check(), Ok(()));
        let mut other = Targets::new(false);
        assert_eq!(
            other.write_bytes(&image, b"else".to_vec()).check(),
            Err(TargetError::Exists(vec![image.clone()]))
        );
        replace::write_bytes(&at("own.png"), b"mask").unwrap();
        assert_eq!(check(false, &[at("own.png")]), Ok(()));
        fs::write(at("own.png"), b"mash").unwrap();
        assert_eq!(check(false, &[at("own.png")]), Err(TargetError::Exists(vec![at("own.png")])));
        fs::remove_file(at("own.png")).unwrap();
        // A table that the program wrote for other labels: the masks beside it would mean something else.
        replace::write_bytes(&at("labels.txt"), b"1 Vein").unwrap();
        let mut table = Targets::new(false);
        let told = table.write_bytes(at("labels.txt"), b"1 Oedema".to_vec()).check();
        assert_eq!(told, Err(TargetError::Exists(vec![at("labels.txt")])));
        fs::remove_file(at("labels.txt")).unwrap();
        let mut either = Targets::new(false);
        assert_eq!(either.write_one_of([at("c.png"), at("c.nii.gz")]).check(), Ok(()));
        let mut onto_folder = Targets::new(true);
        let told = onto_folder.write(folder.path()).check();
        assert_eq!(told, Err(TargetError::NotAFile(folder.path().to_owned())));
        let mut into_file = Targets::new(true);
        assert_eq!(into_file.write_folder(&image).check(), Err(TargetError::NotAFile(image.clone())));
        let mut slices = Targets::new(false);
        assert_eq!(slices.write_folder(folder.path()).check(), Err(TargetError::Exists(vec![image])));
    }

    #[test]
    fn words_of_labels_are_told_apart() {
        let words = label_words(&LabelTable::named(&["Soft Drusen", "soft-drusen", "Vein", ""]));
        let words: Vec<&str> = words.values().map(String::as_str).collect();
        assert_eq!(words, ["soft-drusen-1", "soft-drusen-2", "vein", "4"]);
    }
}
