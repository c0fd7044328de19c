//! A mask, in one of the formats that masks come in; the first byte chooses.
#![no_main]

use fovea_fuzz::with_file;

const NAMES: [&str; 8] = ["m.nii", "m.nii.gz", "m.png", "m.tif", "m.gif", "m.bmp", "m.npy", "m.dcm"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    with_file(NAMES[usize::from(first) % NAMES.len()], rest, |path| {
        if let Ok((map, grid, _)) = fovea::io::open_labels(path) {
            assert_eq!(map.dims(), grid.dims());
        }
    });
});
