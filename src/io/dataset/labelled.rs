use super::{Case, DatasetError, Fault, Listed, Split, entries};
use crate::{
    io::{self, OpenError, OpenOptions, source},
    label::LabelMap,
    volume::{Modality, Volume},
};
use std::path::{Path, PathBuf};

/// A case in memory: an image and a mask of its size, in labels.
#[derive(Clone, Debug)]
pub struct Labelled {
    pub id: String,
    pub split: Split,
    pub patient: String,
    pub volume: Volume,
    pub mask: LabelMap,
    /// Pixels other than 0 count.
    pub valid: Option<LabelMap>,
    /// What it was read from, each with the BLAKE3 of its bytes in hex; of a folder, of the hashes of its files in the order
    /// of their names.
    pub files: Vec<(PathBuf, String)>,
}

impl Listed {
    /// Opens a case. Everything that is wrong with it is in the fault.
    pub fn open(&self, case: &Case, modality: Option<Modality>) -> Result<Labelled, Fault> {
        let mut wrong: Vec<String> = vec![];
        let modality = modality.or(self.modality);
        let options = OpenOptions { modality, ..OpenOptions::default() };
        let volume = io::open(&case.image, &options, &mut io::Quiet).map(|opened| opened.volume);
        let volume = volume.map_err(|e| wrong.push(e.to_string())).ok();
        let mut mask = |path: &PathBuf| {
            let map = match &volume {
                Some(volume) => io::open_labels_on(path, volume.grid()).map(|(map, _)| map),
                None => io::open_labels(path).map(|(map, ..)| map),
            };
            map.map_err(|e| wrong.push(e.to_string())).ok()
        };
        let label = case.label.as_ref().map(&mut mask);
        let valid = case.valid.as_ref().and_then(mask);
        let label = match label {
            None => {
                wrong.push("it has no label".to_owned());
                None
            }
            Some(label) => label.and_then(|map| self.values.apply(map).map_err(|what| wrong.push(what)).ok()),
        };
        let paths = [Some(&case.image), case.label.as_ref(), case.valid.as_ref()];
        let hashed = |path: &PathBuf| hash(path).map(|hash| (path.clone(), hash));
        let files: Result<Vec<_>, OpenError> = paths.into_iter().flatten().map(hashed).collect();
        let files = files.map_err(|e| wrong.push(e.to_string())).ok();
        match (volume, label, files, wrong.is_empty()) {
            (Some(volume), Some(mask), Some(files), true) => Ok(Labelled {
                id: case.id.clone(),
                split: case.split,
                patient: case.patient().to_owned(),
                volume,
                mask,
                valid,
                files,
            }),
            _ => {
                wrong.dedup();
                Err(Fault { case: case.id.clone(), what: wrong.join("; ") })
            }
        }
    }
}

/// The BLAKE3 of a file, or of a folder's files.
fn hash(path: &Path) -> Result<String, OpenError> {
    if !path.is_dir() {
        return source::hash_file(path);
    }
    let files = entries(path).map_err(|e| match e {
        DatasetError::Io { path, source } => OpenError::io(&path, source),
        other => OpenError::corrupt(path, other),
    })?;
    let hashes: Vec<String> =
        files.iter().filter(|f| f.is_file()).map(|f| source::hash_file(f)).collect::<Result<_, _>>()?;
    Ok(source::hash_of_hashes(hashes.iter().map(String::as_str)))
}
