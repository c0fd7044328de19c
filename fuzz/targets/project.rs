//! A project file: opened and replayed.
#![no_main]

use fovea_fuzz::project::{SOUND, changed, rebuild};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rebuild(&changed(&SOUND.file, bytes), None));
