//! What is on several sides of a split, so that scores flatter.

use super::{entries, labelled::hash, seen::shortened};
use crate::io::{OpenError, list::Split};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A case, and the side that it is on.
#[derive(Clone, Debug)]
pub struct Side {
    pub id: String,
    pub split: Split,
    pub patient: String,
    pub image: PathBuf,
}

/// Warnings that name the patients with images on several sides of a split, and the images that are on several. Only files
/// of one size are read, to be compared by their content.
pub fn on_both_sides(cases: &[Side]) -> Result<Vec<String>, OpenError> {
    let mut told = vec![];
    let by_patient = grouped(cases.iter().map(|case| (case.patient.clone(), case)));
    if let Some(warning) =
        named("patient", by_patient.iter().map(|(patient, cases)| (patient.as_str(), &cases[..])))
    {
        told.push(warning);
    }
    let mut by_content: BTreeMap<String, Vec<&Side>> = BTreeMap::new();
    for (_, cases) in grouped(cases.iter().map(|case| (size(&case.image), case))) {
        if sides(&cases).len() > 1 {
            for case in cases {
                by_content.entry(hash(&case.image)?).or_default().push(case);
            }
        }
    }
    if let Some(warning) = named("image", by_content.values().map(|cases| ("", &cases[..]))) {
        told.push(warning);
    }
    Ok(told)
}

fn grouped<'a, K: Ord>(cases: impl Iterator<Item = (K, &'a Side)>) -> BTreeMap<K, Vec<&'a Side>> {
    let mut groups: BTreeMap<K, Vec<&Side>> = BTreeMap::new();
    cases.for_each(|(key, case)| groups.entry(key).or_default().push(case));
    groups
}

fn sides(cases: &[&Side]) -> BTreeSet<&'static str> {
    cases.iter().map(|case| case.split.name()).collect()
}

/// Of groups that should be on one side each: a warning that names those that are not.
fn named<'a>(kind: &str, groups: impl Iterator<Item = (&'a str, &'a [&'a Side])>) -> Option<String> {
    let shared = groups.filter(|(_, cases)| sides(cases).len() > 1);
    let texts: Vec<String> = shared
        .map(|(name, cases)| {
            let of = |split: Split| {
                let ids: Vec<&str> =
                    cases.iter().filter(|c| c.split == split).map(|c| c.id.as_str()).collect();
                (!ids.is_empty()).then(|| format!("{} {}", split.name(), shortened(&ids)))
            };
            let each: Vec<String> =
                [Split::Train, Split::Val, Split::Test].into_iter().filter_map(of).collect();
            match name {
                "" => each.join(" = "),
                name => format!("{name} ({})", each.join("; ")),
            }
        })
        .collect();
    let (s, are) = if texts.len() == 1 { ("", "is") } else { ("s", "are") };
    (!texts.is_empty()).then(|| {
        format!(
            "{} {kind}{s} {are} on more than one side of the split, so that the scores there are too good: {}",
            texts.len(),
            shortened(&texts)
        )
    })
}

/// Of a file, or of what a folder holds; 0 where it cannot be told.
fn size(path: &Path) -> u64 {
    let of = |path: &Path| fs::metadata(path).map_or(0, |about| about.len());
    match entries(path) {
        Ok(files) => files.iter().map(|file| of(file)).sum(),
        Err(_) => of(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_and_images_on_both_sides_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let case = |id: &str, split, patient: &str, bytes: &[u8]| {
            let image = folder.path().join(format!("{id}.png"));
            fs::write(&image, bytes).unwrap();
            Side { id: id.to_owned(), split, patient: patient.to_owned(), image }
        };
        let clean = [
            case("a", Split::Train, "A", b"1"),
            case("a2", Split::Train, "A", b"1"),
            case("b", Split::Val, "B", b"2"),
            case("c", Split::Test, "C", b"33"),
        ];
        assert_eq!(on_both_sides(&clean).unwrap(), Vec::<String>::new(), "twice on one side is no matter");
        let mixed = [
            case("a", Split::Train, "A", b"1"),
            case("b", Split::Val, "A", b"2"),
            case("c", Split::Train, "C", b"44"),
            case("d", Split::Test, "D", b"44"),
            case("e", Split::Val, "E", b"55"),
        ];
        let [patients, images] = &on_both_sides(&mixed).unwrap()[..] else { panic!("two warnings") };
        assert!(
            patients.starts_with("1 patient is") && patients.contains("A (train a; val b)"),
            "{patients}"
        );
        assert!(images.starts_with("1 image is") && images.contains("train c = test d"), "{images}");
        assert!(!images.contains('e'.to_string().as_str()) || !images.contains("val e"), "{images}");
    }
}
