//! PNG, JPEG, BMP and GIF, which are told apart by their first bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fovea_fuzz::image("a.png", bytes));
