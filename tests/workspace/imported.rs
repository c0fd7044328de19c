//! Masks that are imported: whose labels their ids are.

use super::{Bench, SIZE};
use fovea::io;
use fovea::label::{Label, LabelId, LabelMap, LabelTable};
use fovea::workspace::Command;
use fovea::workspace::{EditCommand, LabelCommand};
use std::path::PathBuf;

/// A mask with some ids, each on a row of its own.
fn mask(bench: &Bench, name: &str, ids: &[LabelId]) -> PathBuf {
    let mut values = vec![0; SIZE.iter().product()];
    for (row, &id) in ids.iter().enumerate() {
        values[row * SIZE[0]..][..10].fill(id);
    }
    let path = bench.folder.path().join(name);
    io::write_label_tiff(&path, &LabelMap::from_values(SIZE, &values).unwrap()).unwrap();
    path
}

fn table(labels: &[(LabelId, &str, [u8; 3])]) -> LabelTable {
    let mut table = LabelTable::default();
    for &(id, name, color) in labels {
        table.insert(Label { color, ..Label::new(id, name) });
    }
    table
}

fn import(bench: &mut Bench, path: PathBuf) {
    bench.edit(EditCommand::Import { path });
    bench.wait("the mask", |w| w.is_idle());
}

/// Id, name and voxels of each label.
fn labels(bench: &Bench) -> Vec<(LabelId, String, usize)> {
    let counts = bench.document().mask().counts();
    let of = |l: &Label| (l.id, l.name.clone(), counts.get(&l.id).copied().unwrap_or(0));
    bench.document().labels().iter().map(of).collect()
}

const LIVER: [u8; 3] = [200, 30, 40];
const SPLEEN: [u8; 3] = [20, 180, 60];

#[test]
fn names_and_colours_are_those_beside_the_mask() {
    let mut bench = Bench::opened();
    let path = mask(&bench, "mask.tif", &[1, 2, 7]);
    let beside = table(&[(1, "liver", LIVER), (2, "spleen", SPLEEN), (3, "kidney", [1, 2, 250])]);
    io::write_table(&bench.folder.path().join("labels.txt"), &beside).unwrap();
    import(&mut bench, path);
    let expected = [(1, "liver", 10), (2, "spleen", 10), (7, "label 7", 10)];
    assert_eq!(labels(&bench), expected.map(|(id, name, n)| (id, name.to_owned(), n)));
    assert_eq!([1, 2].map(|id| bench.document().labels().get(id).unwrap().color), [LIVER, SPLEEN]);
    bench.edit(EditCommand::Undo);
    assert_eq!(labels(&bench), [(1, "label 1".to_owned(), 0)]);
}

#[test]
fn a_structure_is_the_label_of_its_name_whatever_its_id() {
    let mut bench = Bench::opened();
    bench.workspace.apply(Command::Labels(LabelCommand::Rename { id: 1, name: "spleen".into() })).unwrap();
    let path = mask(&bench, "mask.tif", &[1, 2]);
    let beside = table(&[(1, "liver", LIVER), (2, "spleen", SPLEEN)]);
    // That of the mask alone counts before that of the folder.
    io::write_table(&bench.folder.path().join("mask.txt"), &beside).unwrap();
    io::write_table(&bench.folder.path().join("labels.txt"), &table(&[(1, "vessel", LIVER)])).unwrap();
    import(&mut bench, path);
    assert_eq!(labels(&bench), [(1, "spleen".to_owned(), 10), (2, "liver".to_owned(), 10)]);
    let mask = bench.document().mask();
    assert_eq!([mask.get([0, 0, 0]), mask.get([0, 1, 0])], [2, 1], "liver in the first row");
    assert_eq!(bench.document().labels().get(2).unwrap().color, LIVER);
}

#[test]
fn a_label_that_is_locked_is_no_other_structure() {
    let mut bench = Bench::opened();
    bench.stroke(4, 1, [5.0, 30.0], [30.0, 30.0]);
    let drawn = bench.document().mask().counts()[&1];
    bench.workspace.apply(Command::Labels(LabelCommand::Lock { id: 1, on: true })).unwrap();
    let path = mask(&bench, "mask.tif", &[255]);
    io::write_table(&bench.folder.path().join("labels.txt"), &table(&[(1, "liver", LIVER)])).unwrap();
    import(&mut bench, path);
    // A mask of one structure is the one label of its file, whatever its value.
    assert_eq!(labels(&bench), [(1, "label 1".to_owned(), drawn), (2, "liver".to_owned(), 10)]);
    assert_eq!(bench.document().labels().get(2).unwrap().color, LIVER);
}

#[test]
fn a_file_of_labels_that_is_none_is_said_and_ids_are_kept() {
    let mut bench = Bench::opened();
    let path = mask(&bench, "mask.tif", &[1, 2]);
    std::fs::write(bench.folder.path().join("mask.txt"), "measured on Monday").unwrap();
    import(&mut bench, path);
    assert_eq!(labels(&bench), [(1, "label 1".to_owned(), 10), (2, "label 2".to_owned(), 10)]);
    let said = bench.texts().join("\n");
    assert!(said.contains("no names of labels were read") && said.contains("mask.txt"), "{said}");
}
