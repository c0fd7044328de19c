//! NumPy: one array, or a zip of several.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let name = if bytes.starts_with(b"PK") { "a.npz" } else { "a.npy" };
    fovea_fuzz::image(name, bytes);
});
