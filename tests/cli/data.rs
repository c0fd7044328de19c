//! What `fovea train` learns from: how it reads masks, what it says of the data, and what it refuses.

use super::*;
use fovea::{
    geom::{Frame, Unit},
    label::{LabelId, LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use glam::{DAffine3, DMat3, DVec3};
use image::{GrayImage, Luma, RgbImage};

const TINY: &str = r#"--network vessel/sa_unet --config {"start_neurons":4,"block_size":3} --longer-side 0 --patch 32 --batch 2 --steps 1"#;

fn run(data: &Path, options: &str) -> Vec<String> {
    train(data, &format!("{TINY} {options}"))
}

/// What a run that must succeed prints.
fn told(data: &Path, options: &str) -> String {
    let owned = run(data, options);
    said(&owned.iter().map(String::as_str).collect::<Vec<_>>())
}

fn told_refusing(owned: Vec<String>) -> String {
    refused(&owned.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Whether a pixel of the pictures is of the structure.
fn inside(x: u32, y: u32) -> bool {
    (8..24).contains(&x) && (10..20).contains(&y)
}

/// Pictures whose masks say the structure by these values, the last of the split val.
fn pictures(folder: &Path, values: &[u8]) -> std::path::PathBuf {
    let mut list = String::from("id,image,label,split,patient\n");
    for (i, &value) in (0..).zip(values) {
        RgbImage::from_fn(32, 32, |x, y| image::Rgb([if inside(x, y) { 200 } else { 60 }, i as u8, 90]))
            .save(folder.join(format!("i{i}.png")))
            .unwrap();
        GrayImage::from_fn(32, 32, |x, y| Luma([if inside(x, y) { value } else { 0 }]))
            .save(folder.join(format!("m{i}.png")))
            .unwrap();
        let split = if i + 1 == values.len() { "val" } else { "train" };
        list += &format!("c{i},i{i}.png,m{i}.png,{split},P{}\n", i % 3);
    }
    let path = folder.join("list.csv");
    std::fs::write(&path, list).unwrap();
    path
}

#[test]
fn masks_of_one_structure_are_one_label_however_they_say_it_and_the_run_keeps_what_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let list = pictures(folder.path(), &[255, 1, 255, 1]);
    let runs = folder.path().join("run");
    let told = told(&list, &format!("--run {}", text(&runs)));
    assert!(
        told.contains("label 1 label 1: 480 voxels in 3 cases of train, 160 voxels in 1 case of val"),
        "{told}"
    );
    assert!(told.contains("255 in 2 masks (c0, c2)") && told.contains("1 in 2 masks (c1, c3)"), "{told}");
    assert!(
        told.contains("1 patient is on more than one side") && told.contains("P0 (train c0; val c3)"),
        "{told}"
    );
    let data = json(&runs.join("data.json"));
    assert_eq!(data["labels"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&data["labels"][0]["voxels"]["train"], &data["cases"]["val"][0]),
        (&480.into(), &"c3".into())
    );
    assert_eq!(data["warnings"].as_array().unwrap().len(), 2, "{data}");
}

#[test]
fn warnings_of_images_and_masks_are_said_once_for_all_cases() {
    let folder = tempfile::tempdir().unwrap();
    let list = pictures(folder.path(), &[1, 1, 1, 1]);
    for i in 0..4 {
        let path = folder.path().join(format!("i{i}.png"));
        let colour = image::open(&path).unwrap().into_rgb8();
        let clear =
            |x, y| image::Rgba([colour.get_pixel(x, y)[0], i as u8, 90, if x == 3 { 0 } else { 255 }]);
        image::RgbaImage::from_fn(32, 32, clear).save(&path).unwrap();
    }
    let told = told(&list, &format!("--out {}", text(&folder.path().join("m.safetensors"))));
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("transparen")).collect();
    assert_eq!(lines.len(), 1, "{told}");
    assert!(lines[0].starts_with("warning: 4 cases (c0, c1, c2, c3): "), "{told}");
}

#[test]
fn an_image_without_an_orientation_goes_with_its_mask_by_size_and_spacing() {
    let folder = tempfile::tempdir().unwrap();
    let dims = [32, 32, 2];
    let values: Vec<LabelId> =
        (0..32 * 32 * 2u32).map(|i| LabelId::from(inside(i % 32, i / 32 % 32))).collect();
    let samples: Vec<i16> = values.iter().map(|v| (*v * 100) as i16).collect();
    let image = Grid::spaced(dims, [0.8, 0.8, 3.0]).unwrap();
    // As programs write that take the array alone: other axes, and an origin.
    let matrix = DMat3::from_diagonal(DVec3::new(0.8, -0.8, 3.0));
    let place = DAffine3::from_mat3_translation(matrix, DVec3::new(-12.4, 12.4, -1.5));
    let mask = Grid::new(dims, place, Unit::Millimetre, Frame::Patient).unwrap();
    let far = Grid::spaced(dims, [0.8, 0.8, 2.0]).unwrap();
    for (name, grid) in [("v", &image), ("far", &far)] {
        let volume =
            Volume::new(grid.clone(), Samples::I16(samples.clone().into()), [1.0, 0.0], Modality::Other)
                .unwrap();
        io::write_volume_nifti(&folder.path().join(format!("{name}.nii.gz")), &volume).unwrap();
    }
    let map = LabelMap::from_values(dims, &values).unwrap();
    io::write_label_nifti(&folder.path().join("m.nii.gz"), &map, &mask).unwrap();
    let list = folder.path().join("list.csv");
    std::fs::write(&list, "id,image,label\nv,v.nii.gz,m.nii.gz\n").unwrap();
    let out = folder.path().join("m.safetensors");
    let options = format!("--out {}", text(&out));
    let said = told(&list, &options);
    assert!(said.contains("label 1 label 1: 320 voxels in 1 case of train"), "{said}");
    assert!(said.contains("the image does not say how it lies in the patient"), "{said}");
    std::fs::write(&list, "id,image,label\nv,far.nii.gz,m.nii.gz\n").unwrap();
    std::fs::remove_file(&out).unwrap();
    let refused = told_refusing(run(&list, &options));
    assert!(refused.contains("its spacing is 0.8000 × 0.8000 × 3.0000"), "{refused}");
}

#[test]
fn an_index_with_a_byte_order_mark_and_left_over_files_are_no_matter() {
    let root = tempfile::tempdir().unwrap();
    let [images, labels] = ["imagesTr", "labelsTr"].map(|part| root.path().join(part));
    [&images, &labels].iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
    let index =
        r#"{"channel_names": {"0": "x"}, "labels": {"background": 0, "polyp": 1}, "file_ending": ".png"}"#;
    std::fs::write(root.path().join("dataset.json"), format!("\u{feff}{index}")).unwrap();
    for name in ["a", "b"] {
        GrayImage::from_fn(32, 32, |x, y| Luma([if inside(x, y) { 200 } else { 9 }]))
            .save(images.join(format!("{name}_0000.png")))
            .unwrap();
        GrayImage::from_fn(32, 32, |x, y| Luma([if inside(x, y) { 255 } else { 0 }]))
            .save(labels.join(format!("{name}.png")))
            .unwrap();
    }
    for name in ["._a_0000.png", ".DS_Store", "Thumbs.db", ".fovea-Ab12Cd.png", "a_0000.png~"] {
        std::fs::write(images.join(name), b"x").unwrap();
        std::fs::write(labels.join(name), b"x").unwrap();
    }
    let said = told(root.path(), &format!("--out {}", text(&root.path().join("m.safetensors"))));
    assert!(said.contains("label 1 polyp: 320 voxels in 2 cases of train"), "{said}");
    assert!(said.contains("255 in 2 masks (a, b)"), "{said}");
}

#[test]
fn data_with_other_labels_than_the_model_are_refused_or_mapped_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let list = pictures(folder.path(), &[1, 1, 1, 1]);
    let model = folder.path().join("vessels.safetensors");
    told(&list, &format!("--labels vessel --out {}", text(&model)));
    io::write_table(&folder.path().join("labels.txt"), &LabelTable::named(&["tumour"])).unwrap();
    let out = folder.path().join("tuned.safetensors");
    let tune = |more: &str| {
        train(&list, &format!("--init {} --steps 1 --patch 32 --out {} {more}", text(&model), text(&out)))
    };
    let refused = told_refusing(tune(""));
    assert!(refused.contains("called \"tumour\"") && refused.contains("\"vessel\""), "{refused}");
    assert!(!out.exists());
    let owned = tune("--labels vessel=1");
    let said = said(&owned.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(said.contains("label 1 vessel: 480 voxels in 3 cases of train"), "{said}");
}

#[test]
fn a_mask_that_is_imported_into_one_label_is_that_label_and_others_keep_their_ids() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path(), &[255, 2]);
    let grid = Grid::pixels([32, 32, 1]).unwrap();
    let read = |name: &str, table: &LabelTable| {
        let (map, warnings) = io::open_labels_in(&folder.path().join(name), &grid, table).unwrap();
        (map.counts(), warnings)
    };
    let one = |id: LabelId| std::collections::BTreeMap::from([(id, 160)]);
    let vessel = LabelTable::named(&["vessel"]);
    let (counts, warnings) = read("m0.png", &vessel);
    assert_eq!(counts, one(1));
    assert!(warnings[0].contains("255 was read as \"vessel\""), "{warnings:?}");
    assert_eq!(read("m0.png", &LabelTable::default()).0, one(1));
    assert_eq!(read("m0.png", &LabelTable::named(&["artery", "vein"])), (one(255), vec![]));
    assert_eq!(read("m1.png", &vessel), (one(2), vec![]), "2 may be another structure");
}

#[test]
fn colours_are_labels_where_that_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let list = pictures(folder.path(), &[1, 1]);
    for i in 0..2 {
        let colour = |x, y| image::Rgb(if inside(x, y) { [0, 0, 255] } else { [0; 3] });
        RgbImage::from_fn(32, 32, colour).save(folder.path().join(format!("m{i}.png"))).unwrap();
    }
    let out = folder.path().join("m.safetensors");
    let refused = told_refusing(run(&list, &format!("--out {}", text(&out))));
    assert!(refused.contains("#0000ff") && refused.contains("--labels NAME=#rrggbb"), "{refused}");
    let told = told(&list, &format!("--labels vein=#ff0000,artery=#0000ff --out {}", text(&out)));
    assert!(told.contains("label 1 vein: in no mask"), "{told}");
    assert!(told.contains("label 2 artery: 160 voxels in 1 case of train"), "{told}");
}
