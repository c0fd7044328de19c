//! What a run learns from: the verified slices, and nothing else.

use super::SliceRef;
use super::listing::is_background;
use crate::label::LabelId;
use crate::nn::ModelCard;
use crate::nn::train::{IGNORE, SampleError, TrainSample};
use crate::workspace::documents::Documents;
use crate::workspace::labels_by_name::class_labels;
use crate::workspace::{CommandError, Document, DocumentId, Unlabelled};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Divides verified slices into those to learn from and those held out. The same slices and seed divide the same way.
/// Those that show a label are divided by themselves, where there are two: on slices without any there is nothing to compare.
pub(super) fn split(
    slices: Vec<SliceRef>,
    fraction: f32,
    seed: u64,
    labelled: impl Fn(&SliceRef) -> bool,
) -> (Vec<SliceRef>, Vec<SliceRef>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut divide = |mut slices: Vec<SliceRef>, at_least: usize| {
        slices.sort();
        let count = slices.len();
        if count < 2 || fraction <= 0.0 {
            return (slices, Vec::new());
        }
        slices.shuffle(&mut rng);
        let held = ((count as f32 * fraction).round() as usize).clamp(at_least, count - 1);
        (slices.split_off(held), slices)
    };
    let (with, without): (Vec<_>, Vec<_>) = slices.into_iter().partition(labelled);
    let (mut learned_from, mut held_out) = match with.len() {
        0 => divide(without, 1),
        // The only one is there to be learned from.
        1 if without.len() == 1 && fraction > 0.0 => (with, without),
        1 => {
            let (learn, held) = divide(without, 1);
            ([with, learn].concat(), held)
        }
        _ => {
            let ((learn, held), (learn_too, held_too)) = (divide(with, 1), divide(without, 0));
            ([learn, learn_too].concat(), [held, held_too].concat())
        }
    };
    learned_from.sort();
    held_out.sort();
    (learned_from, held_out)
}

/// The network's class of each pixel of a slice of labels, row by row; [`IGNORE`] where it is not known.
fn classes(slice: &[LabelId], card: &ModelCard, document: &Document, unlabelled: Unlabelled) -> Arc<[u16]> {
    // Labels that the table lacks are in no mask, so the completed table adds nothing here.
    let (labels, _) = class_labels(card, document.labels());
    let mut class_of: BTreeMap<LabelId, u16> = BTreeMap::new();
    for (class, &label) in labels.iter().enumerate().skip(1) {
        if let Ok(class) = u16::try_from(class) {
            class_of.insert(label, class);
        }
    }
    for label in document.labels().iter().filter(|l| is_background(&l.name)) {
        class_of.insert(label.id, 0);
    }
    let nothing = match unlabelled {
        Unlabelled::Background => 0,
        Unlabelled::Ignored => IGNORE,
    };
    class_of.insert(0, nothing);
    slice.iter().map(|label| class_of.get(label).copied().unwrap_or(IGNORE)).collect()
}

/// Slices as a network learns from them.
#[derive(Default)]
pub(super) struct TrainingSet {
    pub samples: Vec<TrainSample>,
    /// Whose slices they are, one for each.
    pub documents: Vec<DocumentId>,
    /// Names of slices that are left out, because no pixel of them has a label that the network knows.
    pub left_out: Vec<String>,
}

/// The verified slices of these documents.
pub(super) fn verified_slices(documents: &Documents, ids: &[DocumentId]) -> Vec<SliceRef> {
    let documents = ids.iter().filter_map(|&id| documents.get(id));
    documents
        .flat_map(|d| d.verified().iter().map(|&z| SliceRef { path: d.source().to_owned(), z }))
        .collect()
}

/// Samples of slices as their documents are now. A slice without a known pixel is left out; one that is not verified
/// any more, or whose image is not open, is an error.
pub(super) fn of(
    documents: &Documents,
    card: &ModelCard,
    slices: &[SliceRef],
    unlabelled: Unlabelled,
) -> Result<TrainingSet, CommandError> {
    let mut training_set = TrainingSet::default();
    for SliceRef { path, z } in slices {
        let document = documents.of_source(path).ok_or_else(|| {
            CommandError::NothingToTrain(format!("open {} first: the run uses its slices", path.display()))
        })?;
        if !document.is_verified(*z) {
            return Err(CommandError::NothingToTrain(format!(
                "slice {} of {} is not verified any more",
                z + 1,
                document.name()
            )));
        }
        // A resumed run knows its slices by their names: nothing of this session may be in them.
        let namesake = |other: &SliceRef| other.path != *path && other.path.file_name() == path.file_name();
        let image = match slices.iter().any(namesake) {
            true => path.display().to_string(),
            false => document.name().to_owned(),
        };
        let name = format!("{image}, slice {}", z + 1);
        let classes = classes(&document.mask().slice(*z), card, document, unlabelled);
        match TrainSample::new(name, document.volume().clone(), *z, classes) {
            Ok(sample) => {
                training_set.samples.push(sample);
                training_set.documents.push(document.id());
            }
            Err(SampleError::Unlabelled { name }) => training_set.left_out.push(name),
            Err(e) => return Err(CommandError::NothingToTrain(e.to_string())),
        }
    }
    Ok(training_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(n: usize) -> Vec<SliceRef> {
        (0..n).map(|z| SliceRef { path: "a.nii".into(), z }).collect()
    }

    #[test]
    fn every_slice_is_on_one_side_and_the_seed_decides_which() {
        let split = |slices, seed| split(slices, 0.2, seed, |_| true);
        let (learn, held) = split(slices(10), 3);
        assert_eq!((learn.len(), held.len()), (8, 2));
        let mut all = [learn.clone(), held.clone()].concat();
        all.sort();
        assert_eq!(all, slices(10));
        assert_eq!(split(slices(10).into_iter().rev().collect(), 3), (learn, held.clone()));
        assert!((0..20).any(|seed| split(slices(10), seed).1 != held));
    }

    #[test]
    fn one_slice_is_learned_from_and_two_give_one_to_compare_on() {
        let held_out = |n, fraction| split(slices(n), fraction, 1, |_| true).1.len();
        assert_eq!(held_out(1, 0.2), 0);
        assert_eq!(held_out(2, 0.2), 1);
        assert_eq!(held_out(2, 1.0), 1);
    }

    #[test]
    fn what_is_held_out_shows_a_label_where_two_slices_do() {
        for seed in 0..20 {
            let (learn, held) = split(slices(12), 0.1, seed, |s| s.z == 4 || s.z == 7);
            let labelled = |slices: &[SliceRef]| slices.iter().filter(|s| s.z == 4 || s.z == 7).count();
            assert_eq!((labelled(&learn), labelled(&held)), (1, 1));
            assert_eq!(held.len(), 2, "and a tenth of the others");
        }
        for seed in 0..20 {
            // The only slice with a label is learned from.
            assert_eq!(split(slices(2), 0.2, seed, |s| s.z == 1).1, slices(1));
            let (learn, held) = split(slices(12), 0.2, seed, |s| s.z == 4);
            assert!(learn.iter().any(|s| s.z == 4) && held.len() == 2, "{learn:?}");
        }
    }
}
