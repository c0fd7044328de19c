//! JMedSeg's sets: `train_label.json`, `val_label.json`, `test_label.json` beside `data/` and `label/`. An index maps person
//! to scan to `{"list": ["name.npy", …]}`; a mask is `label/name.npy` (class indices), its image `data/name` with the
//! suffix of a picture. A slice is one case; its person is the patient.

use super::{Case, DatasetError, Layout, Listed, NAMELESS, Split, Values, index};
use serde_json::Value;
use std::path::{Path, PathBuf};

pub static LAYOUT: Layout = Layout {
    id: "jmedseg",
    title: "train_label.json with data and label",
    recognise: |root| root.join(INDICES[0].0).is_file() && root.join("data").is_dir(),
    list,
};

const INDICES: [(&str, Split); 3] =
    [("train_label.json", Split::Train), ("val_label.json", Split::Val), ("test_label.json", Split::Test)];

/// `.jpg` of the lumbar sets, `.png` of the pancreas.
const SUFFIXES: [&str; 3] = ["jpg", "png", "jpeg"];

fn list(root: &Path, listed: &mut Listed) -> Result<(), DatasetError> {
    // Two classes: any other value than 0 and 1 is a fault.
    listed.values = Values::named([(1, NAMELESS)]);
    for (file, split) in INDICES {
        let path = root.join(file);
        if !path.exists() {
            continue;
        }
        let refuse = |what: &str| DatasetError::Index { path: path.clone(), what: what.to_owned() };
        let index = index(&path)?;
        let people = index.as_object().ok_or_else(|| refuse("its top level is not an object of persons"))?;
        for (person, scans) in people {
            let scans = scans.as_object().ok_or_else(|| refuse("a person is not an object of scans"))?;
            for scan in scans.values() {
                let slices = scan["list"].as_array().ok_or_else(|| refuse("a scan has no \"list\""))?;
                for slice in slices.iter().filter_map(Value::as_str) {
                    // As the reference: other files may stand in the list.
                    if let Some(stem) = strip_npy(slice) {
                        listed.push(case(root, stem, slice, split, person));
                    }
                }
            }
        }
    }
    Ok(())
}

fn strip_npy(name: &str) -> Option<&str> {
    let stem = name.get(..name.len().checked_sub(4)?)?;
    name[stem.len()..].eq_ignore_ascii_case(".npy").then_some(stem)
}

fn case(root: &Path, stem: &str, mask: &str, split: Split, person: &str) -> Case {
    let image = |suffix: &str| -> PathBuf { root.join("data").join(format!("{stem}.{suffix}")) };
    let there = SUFFIXES.iter().map(|s| image(s)).find(|p| p.exists());
    Case {
        id: stem.replace(['/', '\\'], "_"),
        image: there.unwrap_or_else(|| image(SUFFIXES[0])),
        label: Some(root.join("label").join(mask)),
        valid: None,
        split,
        patient: Some(person.to_owned()),
    }
}
