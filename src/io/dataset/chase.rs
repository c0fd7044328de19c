//! CHASE_DB1 as it is distributed: one folder of `Image_01L.jpg` with `Image_01L_1stHO.png` (and `_2ndHO`, which is not
//! used). The first 20 images, both eyes of children 1 to 10, are to learn from and the last 8 to test on, as SA-UNet and most
//! others take it.

use super::{Case, DatasetError, Layout, Listed, Split, Values, entries, is_picture, stem, with_stem};
use crate::volume::Modality;
use std::path::Path;

pub static LAYOUT: Layout = Layout {
    id: "chase",
    title: "Image_01L.jpg with Image_01L_1stHO.png",
    recognise: |root| {
        entries(root).is_ok_and(|files| files.iter().any(|f| is_picture(f) && stem(f).ends_with(TRUTH)))
    },
    list,
};

const TRUTH: &str = "_1stHO";
/// The last child whose eyes are learned from.
const LEARNED: u32 = 10;

fn list(root: &Path, listed: &mut Listed) -> Result<(), DatasetError> {
    listed.values = Values::above(127, "vessel");
    listed.modality = Some(Modality::Fundus);
    let files = entries(root)?;
    let is_mask = |id: &str| id.ends_with(TRUTH) || id.ends_with("_2ndHO");
    for image in files.iter().filter(|p| is_picture(p) && !is_mask(&stem(p))) {
        let id = stem(image);
        let Some(label) = with_stem(&files, &format!("{id}{TRUTH}")) else {
            listed.fault(&*id, format!("there is no {id}{TRUTH}"));
            continue;
        };
        let digits: String = id.chars().filter(char::is_ascii_digit).collect();
        let child: Option<u32> = digits.parse().ok();
        let split = if child.is_some_and(|c| c > LEARNED) { Split::Test } else { Split::Train };
        let (image, label) = (image.clone(), Some(label.clone()));
        listed.push(Case { id, image, label, valid: None, split, patient: child.map(|c| c.to_string()) });
    }
    for mask in files.iter().filter(|p| is_picture(p)) {
        let stem = stem(mask);
        if let Some(id) = stem.strip_suffix(TRUTH)
            && with_stem(&files, id).is_none()
        {
            listed.fault(id, format!("{} has no image", mask.display()));
        }
    }
    Ok(())
}
