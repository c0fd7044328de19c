//! The write-ahead log beside a sound project file.
#![no_main]

use fovea_fuzz::project::{SOUND, changed, rebuild};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rebuild(&SOUND.file, Some(&changed(&SOUND.log, bytes))));
