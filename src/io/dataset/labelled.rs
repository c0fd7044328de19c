use super::{Case, DatasetError, Fault, Listed, Split, Values, entries};
use crate::{
    io::{self, OpenError, OpenOptions, source},
    label::LabelMap,
    volume::{Modality, Volume},
};
use std::path::{Path, PathBuf};

/// A case in memory: an image and a mask of its size.
#[derive(Clone, Debug)]
pub struct Labelled {
    pub id: String,
    pub split: Split,
    pub patient: String,
    pub volume: Volume,
    /// As it is stored, until [`Labelled::with_values`].
    pub mask: LabelMap,
    /// Pixels other than 0 count.
    pub valid: Option<LabelMap>,
    /// What it was read from, each with the BLAKE3 of its bytes in hex; of a folder, of the hashes of its files in the order
    /// of their names.
    pub files: Vec<(PathBuf, String)>,
    /// What the readers said of the image and the masks.
    pub warnings: Vec<String>,
}

impl Labelled {
    /// The mask in labels.
    pub fn with_values(self, values: &Values) -> Result<Self, Fault> {
        let Self { id, mask, .. } = &self;
        let mask = values.apply(mask.clone()).map_err(|what| Fault { case: id.clone(), what })?;
        Ok(Self { mask, ..self })
    }
}

impl Listed {
    /// Opens a case, its mask as it is stored. Everything that is wrong with it is in the fault.
    pub fn open(&self, case: &Case, modality: Option<Modality>) -> Result<Labelled, Fault> {
        let (mut wrong, mut warnings): (Vec<String>, Vec<String>) = (vec![], vec![]);
        let modality = modality.or(self.modality);
        let options = OpenOptions { modality, ..OpenOptions::default() };
        let image = io::open(&case.image, &options, &mut io::Quiet);
        let image = image.map_err(|e| wrong.push(e.to_string())).ok();
        if let Some(opened) = &image {
            warnings.extend(opened.warnings.iter().cloned());
            if opened.by_look {
                warnings.push(io::guess_note(opened.volume.modality()));
            }
            if let Some(what) = io::not_one_image(&case.image, opened) {
                wrong.push(format!("{}: {what}", case.image.display()));
            }
        }
        let mut mask = |path: &PathBuf, whose: &str, colours: &[[u8; 3]]| {
            let map = match &image {
                Some(image) => io::open_labels_on(path, colours, image.volume.grid()),
                None => io::open_labels_of(path, colours).map(|(map, _, told)| (map, told)),
            };
            match map {
                Ok((map, told)) => {
                    warnings.extend(told.iter().map(|told| format!("its {whose}: {told}")));
                    Some(map)
                }
                Err(e) => {
                    // A turned photograph does not fit its mask, and its reader says why.
                    let told = image.iter().flat_map(|image| &image.warnings);
                    let told: String = told.map(|told| format!(". Of the image: {told}")).collect();
                    wrong.push(format!("{e}{told}"));
                    None
                }
            }
        };
        let label = case.label.as_ref().map(|path| mask(path, "mask", self.values.colours()));
        let valid = case.valid.as_ref().and_then(|path| mask(path, "valid mask", &[]));
        if label.is_none() {
            wrong.push("it has no label".to_owned());
        }
        let paths = [Some(&case.image), case.label.as_ref(), case.valid.as_ref()];
        let hashed = |path: &PathBuf| hash(path).map(|hash| (path.clone(), hash));
        let files: Result<Vec<_>, OpenError> = paths.into_iter().flatten().map(hashed).collect();
        let files = files.map_err(|e| wrong.push(e.to_string())).ok();
        match (image, label.flatten(), files, wrong.is_empty()) {
            (Some(image), Some(mask), Some(files), true) => Ok(Labelled {
                id: case.id.clone(),
                split: case.split,
                patient: case.patient().to_owned(),
                volume: image.volume,
                mask,
                valid,
                files,
                warnings,
            }),
            _ => {
                wrong.dedup();
                Err(Fault { case: case.id.clone(), what: wrong.join("; ") })
            }
        }
    }

    /// [`Listed::open`] with the mask in labels.
    pub fn open_labelled(&self, case: &Case, modality: Option<Modality>) -> Result<Labelled, Fault> {
        self.open(case, modality)?.with_values(&self.values)
    }
}

/// The BLAKE3 of a file, or of a folder's files.
pub(super) fn hash(path: &Path) -> Result<String, OpenError> {
    if !path.is_dir() {
        return source::hash_file(path);
    }
    let files = entries(path).map_err(|e| match e {
        DatasetError::Io { path, cause } => OpenError::io(&path, cause),
        other => OpenError::corrupt(path, other),
    })?;
    let hashes: Vec<String> =
        files.iter().filter(|f| f.is_file()).map(|f| source::hash_file(f)).collect::<Result<_, _>>()?;
    Ok(source::hash_of_hashes(hashes.iter().map(String::as_str)))
}
