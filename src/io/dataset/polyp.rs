//! The polyp sets as medical-segmentation-pytorch lays them out: `train`, `validation` and `test`, each with `images` and
//! `masks` of the same names. Masks are JPEG, near 0 and 255: above 128 is polyp.
//!
//! The reference makes its masks two-valued with Floyd and Steinberg's dithering, which sprinkles wrong pixels along the
//! edges; that is not copied.

use super::{Case, DatasetError, Layout, Listed, Split, Values, entries, is_picture, stem, with_stem};
use crate::volume::Modality;
use std::path::Path;

pub static LAYOUT: Layout = Layout {
    id: "polyp",
    title: "train with images and masks, validation, test",
    recognise: |root| ["images", "masks"].iter().all(|part| root.join("train").join(part).is_dir()),
    list,
};

fn list(root: &Path, listed: &mut Listed) -> Result<(), DatasetError> {
    listed.values = Values::above(128, "polyp");
    listed.modality = Some(Modality::Endoscopy);
    for (set, split) in [("train", Split::Train), ("validation", Split::Val), ("test", Split::Test)] {
        let folder = root.join(set);
        if !folder.is_dir() {
            continue;
        }
        let masks = entries(&folder.join("masks"))?;
        let mut used = vec![];
        for image in entries(&folder.join("images"))?.into_iter().filter(|p| is_picture(p)) {
            let id = stem(&image);
            let Some(mask) = with_stem(&masks, &id) else {
                listed.fault(id, format!("it has no mask in {}", folder.join("masks").display()));
                continue;
            };
            used.push(mask);
            listed.push(Case { id, image, label: Some(mask.clone()), valid: None, split, patient: None });
        }
        for mask in masks.iter().filter(|m| is_picture(m) && !used.contains(m)) {
            listed.fault(stem(mask), format!("{} has no image", mask.display()));
        }
    }
    Ok(())
}
