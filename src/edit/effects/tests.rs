use super::*;
use crate::{
    geom::Grid,
    label::LabelTable,
    testing::shared,
    volume::{Modality, Samples},
};
use flate2::read::GzDecoder;
use std::{
    collections::{BTreeSet, HashSet},
    io::Read,
    path::Path,
};

fn volume(dims: [usize; 3]) -> Volume {
    let voxels = dims.iter().product();
    Volume::new(Grid::pixels(dims).unwrap(), Samples::U8(vec![0; voxels].into()), [1.0, 0.0], Modality::Other)
        .unwrap()
}

/// The mask after an effect on label 1, and how many voxels have changed.
fn after(
    id: &str,
    said: &[(&str, &str)],
    (dims, labels): ([usize; 3], &[u16]),
    change: impl FnOnce(&mut Scene<'_>),
    verified: &BTreeSet<usize>,
) -> (Vec<u16>, usize) {
    let effect = effect(id).unwrap();
    let (volume, mut mask) = (volume(dims), LabelMap::from_values(dims, labels).unwrap());
    let table = LabelTable::named(&["a", "b"]);
    let mut scene =
        Scene { volume: &volume, mask: &mask, label: 1, slices: 0..=dims[2] - 1, also_verified: false };
    change(&mut scene);
    let values = Values::new(effect.parameters, said.iter().copied()).unwrap();
    let rules = MaskRules::new(&table, verified);
    let origin = Origin::Person { tool: id.to_owned() };
    let patch = effect.patch(&scene, &values, &rules, origin).unwrap();
    patch.apply(&mut mask).unwrap();
    (mask.to_values(), patch.voxel_count())
}

#[test]
fn the_list_names_each_once_and_says_what_it_does() {
    let mut ids = HashSet::new();
    for listed in EFFECTS {
        assert!(ids.insert(listed.id) && effect(listed.id).is_some_and(|found| found.id == listed.id));
        let sentences = listed.parameters.iter().map(|p| p.help).chain([listed.summary]);
        for sentence in sentences {
            assert!(sentence.ends_with('.') && sentence.len() > 20, "{}: {sentence}", listed.id);
        }
        let keys: HashSet<&str> = listed.parameters.iter().map(|p| p.key).collect();
        assert_eq!(keys.len(), listed.parameters.len(), "{}", listed.id);
        Values::new(listed.parameters, []).unwrap();
        // A mask without the label does not change.
        let empty = after(
            listed.id,
            &[],
            ([3, 2, 2], &[0, 2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 2]),
            |_| {},
            &BTreeSet::new(),
        );
        assert_eq!(empty.1, 0, "{}", listed.id);
    }
}

#[test]
fn only_the_slices_in_question_change_and_no_verified_one() {
    // Two parts in each of three slices, of 2 and 1 voxels, which are connected over the slices.
    let slice = [1, 1, 0, 1];
    let labels: Vec<u16> = [slice; 3].concat();
    let rows = |kept: [bool; 3]| kept.map(|kept| if kept { slice } else { [1, 1, 0, 0] }).concat();
    let dims = [4, 1, 3];
    let run = |change: fn(&mut Scene<'_>), verified: &[usize]| {
        after("islands", &[], (dims, &labels), change, &verified.iter().copied().collect()).0
    };
    assert_eq!(run(|_| {}, &[]), rows([false; 3]));
    assert_eq!(run(|scene| scene.slices = 1..=1, &[]), rows([true, false, true]));
    assert_eq!(run(|_| {}, &[2]), rows([false, false, true]));
    assert_eq!(run(|scene| scene.also_verified = true, &[2]), rows([false; 3]));
}

#[test]
fn a_locked_label_neither_gains_nor_loses() {
    let dims = [3, 3, 1];
    let ring = [1, 1, 1, 1, 0, 1, 1, 1, 1];
    assert_eq!(after("fill-holes", &[], (dims, &ring), |_| {}, &BTreeSet::new()), (vec![1; 9], 1));
    let mut table = LabelTable::named(&["a"]);
    table.get_mut(1).unwrap().locked = true;
    let (volume, mask) = (volume(dims), LabelMap::from_values(dims, &ring).unwrap());
    let scene = Scene { volume: &volume, mask: &mask, label: 1, slices: 0..=0, also_verified: false };
    let effect = effect("fill-holes").unwrap();
    let values = Values::new(effect.parameters, []).unwrap();
    let verified = BTreeSet::new();
    let patch = effect.patch(
        &scene,
        &values,
        &MaskRules::new(&table, &verified),
        Origin::Person { tool: String::new() },
    );
    assert!(patch.unwrap().is_empty());
}

/// A gzipped NumPy array of 8-bit numbers.
fn array(path: &Path) -> Vec<u16> {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[10 + header..].iter().map(|&v| v.into()).collect()
}

/// The reference cases of the folder, those for which `said` knows how the program is told the same.
fn compare(
    id: &str,
    folder: &str,
    said: impl Fn(&serde_json::Value) -> Option<Vec<(&'static str, &'static str)>>,
) -> usize {
    let Some(folder) = shared(&format!("bench/cases/{folder}")) else { return 0 };
    let mut compared = 0;
    for case in std::fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        let facts: serde_json::Value =
            serde_json::from_slice(&std::fs::read(case.join("case.json")).unwrap()).unwrap();
        let Some(said) = said(&facts["params"]) else { continue };
        let shape: Vec<usize> = serde_json::from_value(facts["arrays"]["labels"]["shape"].clone()).unwrap();
        let labels = array(&case.join("labels.npy.gz"));
        let (found, _) =
            after(id, &said, ([shape[2], shape[1], shape[0]], &labels), |_| {}, &BTreeSet::new());
        assert!(found == array(&case.join("expected.npy.gz")), "{}", case.display());
        compared += 1;
    }
    assert!(compared > 0, "no case of {id} was compared");
    compared
}

#[test]
fn islands_of_the_reference_cases() {
    compare("islands", "islands", |params| {
        let neighbours = ("neighbours", if params["connectivity"] == 6 { "6" } else { "26" });
        match params["operation"].as_str() {
            Some("keep_largest") | None => Some(vec![neighbours]),
            Some("remove_small") if params["min_voxels"] == 20 => {
                Some(vec![neighbours, ("keep", "large"), ("min_voxels", "20")])
            }
            // A voxel to be chosen, and new labels: neither is a parameter yet.
            _ => None,
        }
    });
}

#[test]
fn holes_of_the_reference_cases() {
    compare("fill-holes", "holes", |params| {
        Some(vec![("within", if params["mode"] == "2d" { "slice" } else { "volume" })])
    });
}
