use super::*;
use crate::{
    io::{write_image_png, write_image_tiff, write_label_nifti, write_label_png, write_volume_nifti},
    label::{LabelMap, LabelTable},
    phantom::{self, Look, Phantom},
};
use image::ExtendedColorType::L8;

/// Side of the pictures.
const SIDE: usize = 64;

fn fundus(seed: u64) -> Phantom {
    phantom::fundus_sized(seed, Look::Standard, SIDE)
}

fn folder(root: &Path, parts: &[&str]) -> PathBuf {
    let folder = parts.iter().fold(root.to_owned(), |f, part| f.join(part));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The truth with other values for its ids.
fn with_values(truth: &LabelMap, value: impl Fn(u16) -> u16) -> LabelMap {
    let values: Vec<u16> = truth.to_values().into_iter().map(value).collect();
    LabelMap::from_values(truth.dims(), &values).unwrap()
}

/// Id, split, patient and the labels' ids of every case; opens them all.
fn opened(listed: &Listed) -> Vec<(String, Split, String, Vec<u16>)> {
    assert!(listed.faults.is_empty(), "{:?}", listed.faults);
    let labelled = listed.cases.iter().filter(|c| c.label.is_some());
    labelled
        .map(|case| {
            let case = listed.open_labelled(case, None).unwrap();
            assert_eq!(case.volume.dims(), case.mask.dims());
            let ids = case.mask.counts().into_keys().filter(|&id| id != 0).collect();
            (case.id, case.split, case.patient, ids)
        })
        .collect()
}

fn names(listed: &Listed) -> Vec<String> {
    listed.values.labels().unwrap().iter().map(|l| l.name.clone()).collect()
}

fn write_cube(root: &Path, set: &str, cube: &str, values: [u8; 3]) -> PathBuf {
    let images = folder(root, &[set, "original_images", &format!("{cube}.img")]);
    let labels = folder(root, &[set, "label_images", &format!("{cube}_labelMark")]);
    let p = phantom::oct_sized(3, Look::Standard, [32, 32, 3]);
    for z in 0..3 {
        let file = |folder: &Path| folder.join(format!("{}.bmp", z + 1));
        let image: Vec<u8> = p.volume.slice_values(z).iter().map(|&v| v as u8).collect();
        image::save_buffer(file(&images), &image, 32, 32, L8).unwrap();
        // Every value in every cube: one pixel each, in the first slice.
        let mut label = vec![0; 32 * 32];
        if z == 0 {
            label[..3].copy_from_slice(&values);
        }
        image::save_buffer(file(&labels), &label, 32, 32, L8).unwrap();
    }
    labels
}

#[test]
fn edema_cubes() {
    let root = tempfile::tempdir().unwrap();
    write_cube(root.path(), "Edema_trainingset", "P0012_Cube_a", [255, 191, 128]);
    write_cube(root.path(), "Edema_trainingset", "P0012_Cube_b", [128, 0, 0]);
    write_cube(root.path(), "Edema_validationset", "P0099_Cube", [191, 0, 255]);
    let listed = read(root.path()).unwrap();
    assert_eq!((listed.layout, listed.modality), ("edema", Some(Modality::Oct)));
    assert_eq!(names(&listed), ["REA", "SRF", "PED"]);
    let case = |id: &str, split, patient: &str, ids: &[u16]| {
        (id.to_owned(), split, patient.to_owned(), ids.to_vec())
    };
    assert_eq!(
        opened(&listed),
        [
            case("P0012_Cube_a", Split::Train, "P0012", &[1, 2, 3]),
            case("P0012_Cube_b", Split::Train, "P0012", &[3]),
            case("P0099_Cube", Split::Val, "P0099", &[1, 2]),
        ]
    );
    let cube = listed.open_labelled(&listed.cases[0], None).unwrap();
    assert_eq!(cube.volume.dims(), [32, 32, 3]);
    assert_eq!(cube.mask.slice(0)[..4], [1, 2, 3, 0], "255, 191, 128 are REA, SRF, PED");
    assert_eq!(cube.files.len(), 2);
}

fn write_npy(path: &Path, map: &LabelMap) {
    let [width, height, _] = map.dims();
    let header = format!("{{'descr': '<i8', 'fortran_order': False, 'shape': ({height}, {width}), }}\n");
    let mut bytes =
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
    bytes.extend(map.to_values().into_iter().flat_map(|v| i64::from(v).to_le_bytes()));
    fs::write(path, bytes).unwrap();
}

#[test]
fn jmedseg_lists_slices_of_persons() {
    let root = tempfile::tempdir().unwrap();
    let [data, label] = ["data", "label"].map(|part| folder(root.path(), &[part, "p1"]));
    for (i, suffix) in ["png", "jpg", "png"].iter().enumerate() {
        let p = fundus(i as u64);
        let pixels: Vec<u8> = p.volume.slice_values(0)[..SIDE * SIDE].iter().map(|&v| v as u8).collect();
        image::save_buffer(data.join(format!("s{i}.{suffix}")), &pixels, SIDE as u32, SIDE as u32, L8)
            .unwrap();
        write_npy(&label.join(format!("s{i}.npy")), &p.truth);
    }
    let index = |slices: &str| format!("{{\"anna\": {{\"ct 1\": {{\"list\": [{slices}], \"n\": 2}}}}}}");
    fs::write(root.path().join("train_label.json"), index("\"p1/s0.npy\", \"p1/s1.NPY\", \"readme.txt\""))
        .unwrap();
    fs::rename(label.join("s1.npy"), label.join("s1.NPY")).unwrap();
    fs::write(root.path().join("val_label.json"), index("\"p1/s2.npy\"")).unwrap();
    let listed = read(root.path()).unwrap();
    let case = |id: &str, split| (id.to_owned(), split, "anna".to_owned(), vec![1]);
    assert_eq!(
        opened(&listed),
        [case("p1_s0", Split::Train), case("p1_s1", Split::Train), case("p1_s2", Split::Val)]
    );
}

#[test]
fn polyp_sets_pair_names() {
    let root = tempfile::tempdir().unwrap();
    for (i, set) in ["train", "train", "validation", "test"].iter().enumerate() {
        let p = fundus(i as u64);
        let [images, masks] = ["images", "masks"].map(|part| folder(root.path(), &[set, part]));
        write_image_png(&images.join(format!("{i}.png")), &p.volume).unwrap();
        // As a JPEG leaves it: near 0 and 255.
        let soft = with_values(&p.truth, |v| if v > 0 { 250 } else { 6 });
        let soft: Vec<u8> = soft.to_values().into_iter().map(|v| v as u8).collect();
        image::save_buffer(masks.join(format!("{i}.jpg")), &soft, SIDE as u32, SIDE as u32, L8).unwrap();
    }
    let listed = read(root.path()).unwrap();
    assert_eq!((listed.layout, names(&listed)), ("polyp", vec!["polyp".to_owned()]));
    let splits: Vec<_> = opened(&listed).into_iter().map(|(id, split, _, ids)| (id, split, ids)).collect();
    let case = |id: &str, split| (id.to_owned(), split, vec![1]);
    let all =
        [case("0", Split::Train), case("1", Split::Train), case("2", Split::Val), case("3", Split::Test)];
    assert_eq!(splits, all);
}

#[test]
fn drive_and_chase_name_their_vessels() {
    let root = tempfile::tempdir().unwrap();
    for (set, number, suffix) in [("training", 21, "training"), ("test", 1, "test")] {
        let [images, manual, fields] =
            ["images", "1st_manual", "mask"].map(|part| folder(root.path(), &[set, part]));
        let p = fundus(number);
        write_image_tiff(&images.join(format!("{number:02}_{suffix}.tif")), &p.volume).unwrap();
        write_label_png(
            &manual.join(format!("{number:02}_manual1.png")),
            &with_values(&p.truth, |v| v * 255),
        )
        .unwrap();
        write_label_png(
            &fields.join(format!("{number:02}_{suffix}_mask.png")),
            &with_values(&p.truth, |_| 255),
        )
        .unwrap();
    }
    let listed = read(root.path()).unwrap();
    let found: Vec<_> = opened(&listed).into_iter().map(|(id, split, ..)| (id, split)).collect();
    let case = |id: &str, split| (id.to_owned(), split);
    assert_eq!(found, [case("21_training", Split::Train), case("01_test", Split::Test)]);
    assert!(listed.cases.iter().all(|c| c.valid.is_some()), "the field of view counts");

    let root = tempfile::tempdir().unwrap();
    for id in ["01L", "01R", "11L"] {
        let p = fundus(7);
        write_image_png(&root.path().join(format!("Image_{id}.png")), &p.volume).unwrap();
        for observer in ["1stHO", "2ndHO"] {
            write_label_png(
                &root.path().join(format!("Image_{id}_{observer}.png")),
                &with_values(&p.truth, |v| v * 255),
            )
            .unwrap();
        }
    }
    let listed = read(root.path()).unwrap();
    let case = |id: &str, split, patient: &str| (id.to_owned(), split, patient.to_owned(), vec![1]);
    assert_eq!(
        opened(&listed),
        [
            case("Image_01L", Split::Train, "1"),
            case("Image_01R", Split::Train, "1"),
            case("Image_11L", Split::Test, "11"),
        ]
    );
}

fn write_nnunet(root: &Path, index: &str) {
    let [images, labels] = ["imagesTr", "labelsTr"].map(|part| folder(root, &[part]));
    fs::write(root.join("dataset.json"), index).unwrap();
    for i in 0..2 {
        let p = phantom::ct_sized(i, Look::Standard, [24, 20, 6]);
        write_volume_nifti(&images.join(format!("case_{i:03}_0000.nii.gz")), &p.volume).unwrap();
        write_label_nifti(&labels.join(format!("case_{i:03}.nii.gz")), &p.truth, p.volume.grid()).unwrap();
    }
}

#[test]
fn nnunet_of_both_versions() {
    let root = tempfile::tempdir().unwrap();
    let labels = phantom::ct_sized(0, Look::Standard, [24, 20, 6]).labels;
    let one = labels.iter().next().unwrap();
    let rest =
        |write: fn(&crate::label::Label) -> String| labels.iter().map(write).collect::<Vec<_>>().join(", ");
    let second = rest(|l| format!("\"{}\": {}", l.name, l.id));
    let index = format!(
        r#"{{"channel_names": {{"0": "CT"}}, "labels": {{"background": 0, "ignore": 999, {second}}}, "file_ending": ".nii.gz"}}"#
    );
    write_nnunet(root.path(), &index);
    let listed = read(root.path()).unwrap();
    assert_eq!((listed.layout, listed.modality), ("nnunet", Some(Modality::Ct)));
    assert_eq!(names(&listed)[0], one.name);
    assert_eq!(opened(&listed).iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["case_000", "case_001"]);
    let before = opened(&listed);

    let first = rest(|l| format!("\"{}\": \"{}\"", l.id, l.name));
    let index = format!(r#"{{"modality": {{"0": "CT"}}, "labels": {{"0": "background", {first}}}}}"#);
    fs::write(root.path().join("dataset.json"), index).unwrap();
    assert_eq!(opened(&read(root.path()).unwrap()), before);

    // The index says which cases there are, and what is not as it says is told.
    let index = format!(
        r#"{{"labels": {{"0": "background", {first}}}, "numTraining": 1, "training": [{{"image": "./imagesTr/case_001.nii.gz"}}]}}"#
    );
    fs::write(root.path().join("dataset.json"), index).unwrap();
    let listed = read(root.path()).unwrap();
    assert_eq!(opened(&listed).iter().map(|c| c.0.as_str()).collect::<Vec<_>>(), ["case_001"]);
    let told = listed.notes.join("; ");
    assert!(told.contains("1 training case, and imagesTr has 2") && told.contains("case_000"), "{told}");
    for (index, words) in [
        (r#"{"labels": {"background": 0}, "dataset": {"z1": {}}}"#, "under \"dataset\""),
        (r#"{"labels": {"a": 0, "background": 1, "b": 2}}"#, "\"background\" has the id 1"),
    ] {
        fs::write(root.path().join("dataset.json"), index).unwrap();
        let told = read(root.path()).unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }

    let regions = r#"{"labels": {"background": 0, "tumour": [1, 2]}}"#;
    fs::write(root.path().join("dataset.json"), regions).unwrap();
    assert!(read(root.path()).unwrap_err().to_string().contains("region"));

    let twice = r#"{"labels": {"background": 0, "liver": 1, "spleen": 1}}"#;
    fs::write(root.path().join("dataset.json"), twice).unwrap();
    let told = read(root.path()).unwrap_err().to_string();
    assert!(told.contains("\"liver\" and \"spleen\" both have the id 1"), "{told}");
}

#[test]
fn every_broken_pair_is_told_at_once() {
    let root = tempfile::tempdir().unwrap();
    let [images, masks] = ["images", "masks"].map(|part| folder(root.path(), &["train", part]));
    let p = fundus(1);
    for name in ["a", "b", "no_mask"] {
        write_image_png(&images.join(format!("{name}.png")), &p.volume).unwrap();
    }
    write_label_png(&masks.join("a.png"), &p.truth).unwrap();
    write_label_png(&masks.join("b.png"), &phantom::fundus_sized(1, Look::Standard, 80).truth).unwrap();
    write_label_png(&masks.join("no_image.png"), &p.truth).unwrap();
    let listed = read(root.path()).unwrap();
    let told: Vec<&str> = listed.faults.iter().map(|f| f.case.as_str()).collect();
    assert_eq!(told, ["no_mask", "no_image"]);
    let b = listed.open_labelled(&listed.cases[1], None).unwrap_err();
    assert!(b.what.contains("80 × 80 × 1") && b.what.contains("64 × 64 × 1"), "{b}");

    let root = tempfile::tempdir().unwrap();
    write_cube(root.path(), "Edema_trainingset", "P1_x", [255, 77, 3]);
    write_cube(root.path(), "Edema_trainingset", "P2_x", [255, 0, 0]);
    let labels = root.path().join("Edema_trainingset/label_images/P2_x_labelMark");
    fs::remove_file(labels.join("2.bmp")).unwrap();
    let listed = read(root.path()).unwrap();
    let told = |i: usize| listed.open_labelled(&listed.cases[i], None).unwrap_err().to_string();
    assert!(told(0).starts_with("P1_x: ") && told(0).contains("3, 77"), "{}", told(0));
    assert!(told(1).contains("32 × 32 × 2"), "{}", told(1));
}

#[test]
fn a_folder_of_no_layout_names_those_that_there_are() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("a.txt"), "").unwrap();
    let told = read(root.path()).unwrap_err().to_string();
    for layout in LAYOUTS {
        assert!(told.contains(layout.id), "{told}");
    }
}

#[test]
fn pixels_of_the_ignored_value_are_of_no_class() {
    let values = Values::named([(1, "a")]).ignoring(Some(9));
    let map = LabelMap::from_values([3, 1, 1], &[0, 1, 9]).unwrap();
    assert_eq!(values.apply(map.clone()).unwrap().to_values(), [0, 1, u16::MAX]);
    assert!(Values::named([(1, "a")]).apply(map).unwrap_err().contains("9"));
}

#[test]
fn labels_are_read_as_they_are_written() {
    let values = Values::written(&["liver=5", "kidneys=2+3", "fat=128..255", "ignore=9"], None).unwrap();
    let table = values.labels().unwrap();
    assert_eq!(
        table.iter().map(|l| (l.id, &*l.name)).collect::<Vec<_>>(),
        [(1, "liver"), (2, "kidneys"), (3, "fat")]
    );
    let map = LabelMap::from_values([9, 1, 1], &[0, 1, 2, 3, 5, 9, 128, 255, 256]).unwrap();
    assert_eq!(values.apply(map).unwrap().to_values(), [0, 0, 2, 2, 1, u16::MAX, 3, 3, 0]);
}

#[test]
fn labels_of_a_model_keep_their_ids() {
    let known = LabelTable::named(&["liver", "kidneys", "spleen"]);
    let values = Values::written(&["spleen=1", "liver=5"], Some(&known)).unwrap();
    let map = LabelMap::from_values([3, 1, 1], &[0, 1, 5]).unwrap();
    assert_eq!(values.apply(map).unwrap().to_values(), [0, 3, 1]);
    let refused = Values::written(&["stomach=6"], Some(&known)).unwrap_err();
    assert!(refused.contains("stomach") && refused.contains("liver, kidneys, spleen"), "{refused}");
}

#[test]
fn colours_are_values_too() {
    let values = Values::written(&["liver=#ff0000", "kidneys=#00ff00+#0000ff"], None).unwrap();
    assert_eq!(values.colours(), [[255, 0, 0], [0, 255, 0], [0, 0, 255]]);
    let map = LabelMap::from_values([4, 1, 1], &[0, 1, 2, 3]).unwrap();
    assert_eq!(values.apply(map).unwrap().to_values(), [0, 1, 2, 2]);
}

#[test]
fn labels_that_are_written_wrong_are_refused() {
    for (texts, said) in [
        (&["liver"][..], "liver"),
        (&["liver=five"], "five"),
        (&["liver=70000"], "70000"),
        (&["liver=9..5"], "9..5"),
        (&["liver=5", "spleen=1..6"], "\"liver\""),
        (&["liver=5", "liver=6"], "already used"),
        (&["liver=5", "spleen"], "spleen"),
        (&["ignore=1+2"], "one value"),
        (&["ignore=1"], "no label"),
        (&["liver=#ff00"], "not a colour"),
        (&["liver=#ff0000", "spleen=5"], "some values are numbers and some are colours"),
        (&["liver=#ff0000", "spleen=#FF0000"], "twice"),
    ] {
        let refused = Values::written(texts, None).unwrap_err();
        assert!(refused.contains(said), "{texts:?}: {refused}");
    }
}
