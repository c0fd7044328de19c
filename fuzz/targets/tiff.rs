//! TIFF, with ImageJ's and OME's descriptions.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fovea_fuzz::image("a.tif", bytes));
