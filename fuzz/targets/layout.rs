//! The index of an nnU-Net data set, `dataset.json`, and what names files in it.
#![no_main]

use fovea_fuzz::{path, with_file};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for folder in ["Dataset001_a", "Dataset001_a/imagesTr", "Dataset001_a/labelsTr"] {
        let _ = std::fs::create_dir(path(folder));
    }
    with_file("Dataset001_a/imagesTr/a_0000.png", b"", |_| ());
    with_file("Dataset001_a/labelsTr/a.png", b"", |_| ());
    with_file("Dataset001_a/dataset.json", bytes, |_| {
        let _ = fovea::io::dataset::read(&path("Dataset001_a"));
    });
});
