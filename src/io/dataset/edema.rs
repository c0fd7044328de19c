//! The AI Challenger retinal edema set as its reference lays it out: `Edema_trainingset` and `Edema_validationset`, each
//! with `original_images/<cube>.img/` of numbered B-scans and `label_images/<cube>_labelMark/`; `Edema_testset` has
//! images alone. A cube is one case. Masks: 255 REA (retinal edema area), 191 SRF (sub-retinal fluid), 128 PED (pigment
//! epithelial detachment).

use super::{Case, DatasetError, Layout, Listed, Split, Values, entries, name};
use crate::volume::Modality;
use std::path::Path;

pub static LAYOUT: Layout = Layout {
    id: "edema",
    title: "Edema_trainingset with original_images and label_images",
    recognise: |root| root.join(SETS[0].0).join(IMAGES).is_dir(),
    list,
};

const IMAGES: &str = "original_images";

const SETS: [(&str, Split); 3] = [
    ("Edema_trainingset", Split::Train),
    ("Edema_validationset", Split::Val),
    ("Edema_testset", Split::Test),
];

fn list(root: &Path, listed: &mut Listed) -> Result<(), DatasetError> {
    listed.values = Values::named([(255, "REA"), (191, "SRF"), (128, "PED")]);
    listed.modality = Some(Modality::Oct);
    for (set, split) in SETS {
        let images = root.join(set).join(IMAGES);
        if !images.is_dir() {
            continue;
        }
        for cube in entries(&images)?.into_iter().filter(|p| p.is_dir()) {
            let id = name(&cube).trim_end_matches(".img").to_owned();
            let label = root.join(set).join("label_images").join(format!("{id}_labelMark"));
            let label = Some(label).filter(|l| split != Split::Test || l.exists());
            // P0012_MacularCube…: both eyes and all visits of a person.
            let patient = id.split_once('_').map(|(patient, _)| patient.to_owned());
            listed.push(Case { id, image: cube, label, valid: None, split, patient });
        }
    }
    Ok(())
}
