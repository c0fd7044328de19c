//! DRIVE as it is distributed: `training` and `test`, each with `images/21_training.tif`, `1st_manual/21_manual1.gif` and
//! `mask/21_training_mask.gif`, the field of view. The vessels of the first observer are the truth.

use super::{Case, DatasetError, Layout, Listed, Split, Values, entries, is_picture, stem, with_stem};
use crate::volume::Modality;
use std::path::Path;

pub static LAYOUT: Layout = Layout {
    id: "drive",
    title: "training with images and 1st_manual, test",
    recognise: |root| ["images", "1st_manual"].iter().all(|part| root.join("training").join(part).is_dir()),
    list,
};

fn list(root: &Path, listed: &mut Listed) -> Result<(), DatasetError> {
    listed.values = Values::above(127, "vessel");
    listed.modality = Some(Modality::Fundus);
    for (set, split) in [("training", Split::Train), ("test", Split::Test)] {
        let folder = root.join(set);
        if !folder.is_dir() {
            continue;
        }
        let files = |part: &str| Some(folder.join(part)).filter(|f| f.is_dir()).map(|f| entries(&f));
        let manual = files("1st_manual").transpose()?.unwrap_or_default();
        let fields = files("mask").transpose()?.unwrap_or_default();
        for image in entries(&folder.join("images"))?.into_iter().filter(|p| is_picture(p)) {
            let id = stem(&image);
            let number = id.split('_').next().unwrap_or_default().to_owned();
            let label = with_stem(&manual, &format!("{number}_manual1")).cloned();
            if label.is_none() && split == Split::Train {
                let what = format!("it has no {number}_manual1 in 1st_manual");
                listed.fault(id, what);
                continue;
            }
            let valid = with_stem(&fields, &format!("{id}_mask")).cloned();
            listed.push(Case { id, image, label, valid, split, patient: None });
        }
    }
    Ok(())
}
