//! NIfTI, as it is or within gzip.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let name = if bytes.starts_with(&[0x1f, 0x8b]) { "a.nii.gz" } else { "a.nii" };
    fovea_fuzz::image(name, bytes);
});
