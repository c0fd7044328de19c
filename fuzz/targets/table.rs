//! What is written by hand: a LIST.csv, and a label table (ids, colours, names).
#![no_main]

use fovea_fuzz::with_file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    with_file("list.csv", bytes, |path| {
        let _ = fovea::io::list::scan(path);
    });
    with_file("labels.txt", bytes, |path| {
        let _ = fovea::io::read_table(path);
    });
});
