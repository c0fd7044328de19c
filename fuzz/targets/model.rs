//! A model file of the program's own: the card in its header, then the tensors.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = fovea::nn::weights::from_bytes(bytes);
});
