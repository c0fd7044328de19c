//! Weights of another program: PyTorch (zip and legacy), pickled arrays, safetensors.
#![no_main]

use fovea_fuzz::with_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_file("weights.pth", bytes, |path| {
        let _ = fovea::nn::import::read(path);
    });
});
