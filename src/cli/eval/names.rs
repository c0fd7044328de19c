//! What the ids of the masks mean, and two masks that are given as files.

use super::{EvalArgs, pairs::Pair};
use crate::{
    io::{self, dataset},
    label::LabelTable,
};
use anyhow::{Result, bail};
use std::path::Path;

/// Names of the ids in the predictions and in the truth, where files beside them say so.
#[derive(Debug, Default)]
pub struct Tables {
    pub pred: Option<LabelTable>,
    pub truth: Option<LabelTable>,
    /// What could not be read of them.
    pub notes: Vec<String>,
}

impl Tables {
    /// Of the predictions what `fovea segment` writes beside them; of the truth a file of labels beside it, or what the index of
    /// the data set that it is of says.
    pub fn read(args: &EvalArgs) -> Result<Self> {
        let folder = |path: &Path| match path.is_dir() {
            true => path.to_owned(),
            false => path.parent().unwrap_or(Path::new("")).to_owned(),
        };
        let in_folder =
            |folder: &Path| dataset::labels_in(folder).map(|file| io::read_table(&file)).transpose();
        let [of_pred, of_truth] = [&args.pred, &args.truth].map(|path| folder(path));
        let pred = in_folder(&of_pred)?;
        let truth: Result<Option<LabelTable>> = match () {
            () if is_list(&args.truth) => Ok(dataset::read(&args.truth)?.beside),
            () if of_truth == of_pred => Ok(None),
            () => match in_folder(&of_truth) {
                Ok(None) => dataset::labels_of_nnunet(&of_truth).map_err(Into::into),
                found => found.map_err(Into::into),
            },
        };
        // The predictions' own names do.
        let (truth, notes) = match truth {
            Ok(truth) => (truth, vec![]),
            Err(e) => (None, vec![format!("the labels of the truth have no names: {e:#}")]),
        };
        Ok(Self { pred, truth, notes })
    }

    /// Of the predictions, or else of the truth.
    pub fn either(&self) -> Option<&LabelTable> {
        self.pred.as_ref().or(self.truth.as_ref()).filter(|table| !table.is_empty())
    }
}

/// A file of any name that is no image is taken for a list, and told what it lacks where it is none.
fn is_list(path: &Path) -> bool {
    let named = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    path.is_file() && (named || io::find_format(path).is_err())
}

/// The one pair where both masks are given as files; None where both are folders, or the truth a list.
pub fn of_files(args: &EvalArgs, labels: &LabelTable) -> Result<Option<Pair>> {
    let EvalArgs { pred, truth, .. } = args;
    for (option, path) in [("--pred", pred), ("--truth", truth)] {
        if !path.exists() {
            bail!("{option} {} does not exist", path.display());
        }
    }
    match (pred.is_dir(), truth.is_dir() || is_list(truth)) {
        (true, true) => return Ok(None),
        (false, false) => {}
        (true, false) => bail!(
            "--truth {} is one mask and --pred {} a folder: give two masks, or two folders, or a LIST.csv as --truth",
            truth.display(),
            pred.display()
        ),
        (false, true) => bail!(
            "--pred {} is one mask and --truth {} is none: give two masks, or two folders, or a folder and a LIST.csv",
            pred.display(),
            truth.display()
        ),
    }
    if args.split.is_some() {
        bail!("--split goes with a LIST.csv as --truth");
    }
    let (stem, id) = (io::file_stem(pred), io::case_name(pred));
    let beside = |name: String| ["png", "nii.gz"].map(|e| pred.with_file_name(format!("{name}.{e}")));
    let map = |word: &str| beside(format!("{stem}_{word}")).into_iter().find(|path| path.is_file());
    let words = io::label_words(labels);
    let probabilities = words.iter().filter_map(|(id, word)| Some((*id, map(word)?))).collect();
    let image = args.images.clone().filter(|image| image.is_file());
    Ok(Some(Pair { id, pred: pred.clone(), truth: truth.clone(), valid: None, image, probabilities }))
}
