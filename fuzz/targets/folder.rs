//! A folder of three DICOM files: the input cut into three.
#![no_main]

use fovea_fuzz::{path, whole, with_file};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = std::fs::create_dir(path("series"));
    for (i, part) in bytes.chunks(bytes.len().div_ceil(3).max(1)).enumerate() {
        with_file(&format!("series/{i}.dcm"), part, |_| ());
    }
    whole(&path("series"));
});
