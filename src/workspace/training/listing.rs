//! What a training run would learn from, for a person to look through first, and to be kept with what it makes.

use super::StartFrom;
use crate::label::{LabelId, LabelTable};
use crate::words::counted;
use crate::workspace::documents::Documents;
use crate::workspace::labels_by_name::by_name;
use crate::workspace::model_library::ModelLibrary;
use crate::workspace::{Document, DocumentId, Unlabelled};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

/// An image whose verified slices a run learns from or is measured on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingImage {
    /// The image's file, folder or `sample:ID`.
    pub path: PathBuf,
    /// Tells it from the others of the run.
    pub name: String,
    /// Its verified slices, those kept out included.
    pub slices: usize,
    /// Those of them that show a label.
    pub labelled: usize,
    /// In how many of them each label is painted, by its name; what is painted in none is not here.
    pub labels: BTreeMap<String, usize>,
}

/// Fewer slices than these are said to be few.
const FEW: usize = 5;

impl TrainingImage {
    fn of(document: &Document) -> Self {
        let mut image = Self {
            path: document.source().to_owned(),
            name: document.name().to_owned(),
            slices: document.verified().len(),
            ..Self::default()
        };
        for &z in document.verified() {
            let shown = labels_on(document, z);
            image.labelled += usize::from(!shown.is_empty());
            for id in shown {
                let name = document.labels().get(id).map_or(format!("label {id}"), |l| l.name.clone());
                *image.labels.entry(name).or_default() += 1;
            }
        }
        image
    }

    /// "eye.png (3 slices: vessel in 3, disc in 1)"
    pub fn words(&self) -> String {
        let slices = counted(self.slices, "slice");
        let labels: Vec<String> = self.labels.iter().map(|(name, n)| format!("{name} in {n}")).collect();
        match labels.is_empty() {
            true => format!("{} ({slices}, no label)", self.name),
            false => format!("{} ({slices}: {})", self.name, labels.join(", ")),
        }
    }
}

/// The labels that a native slice shows.
pub(super) fn labels_on(document: &Document, z: usize) -> BTreeSet<LabelId> {
    let [width, height, _] = document.volume().dims();
    let mut shown = BTreeSet::new();
    let mut last = 0;
    document.mask().for_each_run(z * width * height, width * height, |_, _, label| {
        if label != last {
            last = label;
            if label != 0 {
                shown.insert(label);
            }
        }
    });
    shown
}

/// "3 verified slices in Fovea, 1 of them kept out: eye.png (3 slices: vessel in 3)"
pub(super) fn summary(images: &[TrainingImage], learned_from: usize, held_out: usize) -> String {
    const MOST: usize = 20;
    let mut words = counted(learned_from + held_out, "verified slice") + " in Fovea";
    if held_out > 0 {
        let _ = write!(words, ", {held_out} of them kept out");
    }
    let named: Vec<String> = images.iter().take(MOST).map(TrainingImage::words).collect();
    if !named.is_empty() {
        let _ = write!(words, ": {}", named.join("; "));
    }
    if images.len() > MOST {
        let _ = write!(words, "; and {}", counted(images.len() - MOST, "more image"));
    }
    words
}

/// What a person should know before a run learns these `classes` from these images. `apart`: whole images judge.
fn warnings(
    classes: &[&str],
    untrained: bool,
    unlabelled: Unlabelled,
    images: &[&TrainingImage],
    apart: bool,
) -> Vec<String> {
    let total = |of: fn(&TrainingImage) -> usize| images.iter().map(|image| of(image)).sum::<usize>();
    let (slices, labelled) = (total(|i| i.slices), total(|i| i.labelled));
    let painted = |name: &str| images.iter().map(|i| i.labels.get(name).copied().unwrap_or(0)).sum::<usize>();
    let mut found = Vec::new();
    match slices {
        0 => return found,
        1 => found.push(
            "One slice is verified: none can be kept out, so nothing will say whether the result is better. \
             Verify a second one."
                .to_owned(),
        ),
        n if n < FEW => {
            found.push(format!(
                "{n} verified slices are few: the result will be rough. Verify {FEW} or more."
            ));
        }
        _ => {}
    }
    let unknown: BTreeSet<&str> = (images.iter().flat_map(|i| i.labels.keys()))
        .map(String::as_str)
        .filter(|name| !classes.contains(name) && !is_background(name))
        .collect();
    if !unknown.is_empty() {
        found.push(format!(
            "Painted, but not among the labels that this model tells apart: {}. These pixels teach nothing; an untrained \
             network learns all labels of the image.",
            quoted(unknown)
        ));
    }
    if labelled == 0 {
        found.push("No verified slice shows a label: there is nothing but background to learn.".to_owned());
        return found;
    }
    let nowhere: Vec<&str> = classes.iter().copied().filter(|name| painted(name) == 0).collect();
    if !nowhere.is_empty() {
        let what = match (untrained, unlabelled) {
            (true, _) => "it cannot be learned",
            (false, Unlabelled::Background) => {
                "these slices teach that it is nowhere, and what the model knows of it may be lost"
            }
            (false, Unlabelled::Ignored) => "nothing is learned of it",
        };
        found.push(format!("Painted in none of these slices: {}; {what}.", quoted(nowhere)));
    }
    let once: Vec<&str> = classes.iter().copied().filter(|name| painted(name) == 1).collect();
    if slices > 1 && !once.is_empty() {
        found.push(format!(
            "Painted in one slice only, too little to learn and to measure: {}.",
            quoted(once)
        ));
    }
    if slices > 1 && labelled == 1 {
        found.push(
            "One slice shows a label, and it is learned from: nothing will say whether the result is better."
                .to_owned(),
        );
    }
    let of_stacks = images.iter().any(|i| i.slices > 1);
    if slices > 1 && images.iter().filter(|i| i.slices > 0).count() == 1 {
        found.push(
            "All slices are of one image. Teaching and judging slices are neighbours: the result will look better than it \
             is on other images."
                .to_owned(),
        );
    } else if of_stacks && !apart {
        found.push(
            "Teaching and judging slices are neighbours in the same images: the result will look better than it is. Let a \
             whole image judge."
                .to_owned(),
        );
    }
    found
}

/// A label of this name says where nothing is.
pub(in crate::workspace) fn is_background(name: &str) -> bool {
    name.eq_ignore_ascii_case("background")
}

/// "“a”, “b” and 3 more"
fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 6;
    let all: Vec<String> = names.into_iter().map(|name| format!("“{name}”")).collect();
    let more = all.len().saturating_sub(MOST);
    let words = all[..all.len() - more].join(", ");
    if more == 0 { words } else { format!("{words} and {more} more") }
}

/// The images that the active document's model, or a new network in its place, could learn from: those that use the same
/// model and have verified slices. Where it uses none that has learned something, images of the same kind without one.
pub(in crate::workspace) fn training_images(documents: &Documents) -> Vec<(DocumentId, TrainingImage)> {
    let Ok(active) = documents.active() else { return Vec::new() };
    let kind = active.volume().modality();
    let of_its_kind = |d: &Document| active.predictor().is_some() || d.volume().modality() == kind;
    let with_it =
        |d: &&Document| d.id() == active.id() || (d.predictor() == active.predictor() && of_its_kind(d));
    let users = documents.list().iter().filter(with_it);
    let ids: Vec<DocumentId> = users.filter(|d| !d.verified().is_empty()).map(Document::id).collect();
    let images = images_of(documents, &ids);
    ids.into_iter().zip(images).collect()
}

pub(super) fn images_of(documents: &Documents, ids: &[DocumentId]) -> Vec<TrainingImage> {
    let documents = ids.iter().filter_map(|&id| documents.get(id));
    let mut images: Vec<TrainingImage> = documents.map(TrainingImage::of).collect();
    let namesakes = images.clone();
    for image in &mut images {
        if namesakes.iter().filter(|other| other.name == image.name).count() > 1 {
            image.name = image.path.display().to_string();
        }
    }
    images
}

/// The labels that verified slices of these documents show, but for one that says where nothing is: what a new network is
/// made for. Labels of one name are one, with the number that `home` has for it. None where they show no label.
pub(super) fn painted(documents: &Documents, home: DocumentId, ids: &[DocumentId]) -> Option<LabelTable> {
    let mut table = LabelTable::default();
    let others = ids.iter().copied().filter(|id| *id != home);
    let home = ids.contains(&home).then_some(home);
    for document in home.into_iter().chain(others).filter_map(|id| documents.get(id)) {
        let shown: BTreeSet<LabelId> =
            document.verified().iter().flat_map(|&z| labels_on(document, z)).collect();
        let labels = document.labels().iter().filter(|l| shown.contains(&l.id) && !is_background(&l.name));
        table = by_name(labels, &table).1;
    }
    (!table.is_empty()).then_some(table)
}

/// What a person should know before a document's model, or a new network, learns from these images.
pub(in crate::workspace) fn warnings_of(
    document: &Document,
    library: &ModelLibrary,
    start: StartFrom,
    images: &[&TrainingImage],
    unlabelled: Unlabelled,
    apart: bool,
) -> Vec<String> {
    let model = document.model().and_then(|version| library.find(version));
    let (classes, untrained): (Vec<&str>, bool) = match (start, model) {
        (StartFrom::Fresh(_), _) => {
            let names: BTreeSet<&str> =
                images.iter().flat_map(|image| image.labels.keys()).map(String::as_str).collect();
            (names.into_iter().filter(|name| !is_background(name)).collect(), true)
        }
        (StartFrom::InUse, Some(model)) => {
            (model.card.labels.iter().map(|label| label.name.as_str()).collect(), model.is_untrained())
        }
        (StartFrom::InUse, None) => return Vec::new(),
    };
    warnings(&classes, untrained, unlabelled, images, apart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, slices: usize, labels: &[(&str, usize)]) -> TrainingImage {
        let labels: BTreeMap<_, _> = labels.iter().map(|(name, n)| (name.to_string(), *n)).collect();
        let labelled = labels.values().copied().max().unwrap_or(0);
        TrainingImage { path: name.into(), name: name.into(), slices, labelled, labels }
    }

    fn said(classes: &[&str], untrained: bool, images: &[TrainingImage]) -> String {
        let images: Vec<&TrainingImage> = images.iter().collect();
        warnings(classes, untrained, Unlabelled::Background, &images, true).join("\n")
    }

    #[test]
    fn enough_of_everything_needs_no_warning() {
        let images = [image("a", 4, &[("liver", 3), ("background", 1)]), image("b", 3, &[("liver", 3)])];
        assert_eq!(said(&["liver"], true, &images), "");
        assert_eq!(said(&["liver"], true, &[]), "");
    }

    #[test]
    fn neighbours_that_judge_each_other_are_said() {
        let images = [image("a", 4, &[("liver", 4)]), image("b", 3, &[("liver", 3)])];
        let listed: Vec<&TrainingImage> = images.iter().collect();
        let said = |apart| warnings(&["liver"], true, Unlabelled::Background, &listed, apart).join("\n");
        assert!(
            said(false).contains("neighbours in the same images: the result will look better than it is")
        );
        assert_eq!(said(true), "", "a whole image judges");
        // Photographs have no neighbours.
        let pictures = [image("a", 1, &[("vessel", 1)]), image("b", 1, &[("vessel", 1)])];
        let pictures: Vec<&TrainingImage> = pictures.iter().collect();
        assert!(
            !warnings(&["vessel"], true, Unlabelled::Background, &pictures, false)
                .join("")
                .contains("neighbours")
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let one = said(&["liver"], true, &[image("a", 1, &[("liver", 1)])]);
        assert!(one.contains("One slice is verified") && !one.contains("Painted in one"), "{one}");
        let few = said(&["liver", "spleen"], true, &[image("a", 3, &[("liver", 3), ("spleen", 1)])]);
        assert!(few.contains("3 verified slices are few") && few.contains("measure: “spleen”."), "{few}");
        assert!(few.contains("All slices are of one image"), "{few}");
        let nothing = said(&["liver"], true, &[image("a", 6, &[])]);
        assert!(nothing.contains("No verified slice shows a label"), "{nothing}");
        let images = [image("a", 6, &[("Liver", 6)]), image("b", 6, &[("spleen", 1)])];
        let unlearned = said(&["liver", "spleen"], false, &images);
        assert!(unlearned.contains("tells apart: “Liver”."), "names are matched exactly: {unlearned}");
        assert!(unlearned.contains("none of these slices: “liver”; these slices teach"), "{unlearned}");
        assert!(said(&["liver"], true, &images).contains("“liver”; it cannot be learned"));
    }

    #[test]
    fn a_version_says_what_it_learned_from() {
        let images = [image("a.png", 3, &[("disc", 1), ("vessel", 3)]), image("b.png", 1, &[])];
        assert_eq!(
            summary(&images, 3, 1),
            "4 verified slices in Fovea, 1 of them kept out: a.png (3 slices: disc in 1, vessel in 3); b.png (1 slice, no label)"
        );
        let many: Vec<TrainingImage> = (0..25).map(|n| image(&n.to_string(), 1, &[])).collect();
        assert!(summary(&many, 25, 0).ends_with("; and 5 more images"));
    }
}
