//! What the journal holds: edits and snapshots. Their checksums are put right, which no change by chance would do.
#![no_main]

use fovea::{
    edit::{Edit, Marks},
    workspace::{
        Annotations,
        store::{ProjectFile, Snapshot, replay},
    },
};
use fovea_fuzz::{
    path,
    project::{DIMS, SOUND, changed, facts},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 8 {
        0 => snapshot(&changed(&SOUND.snapshot, rest)),
        _ => edit(&changed(&SOUND.edit, rest)),
    }
});

fn edit(bytes: &[u8]) {
    let sum = blake3::hash(bytes);
    let Ok(edit) = Edit::decode(&[bytes, &sum.as_bytes()[..16]].concat()) else { return };
    let mut now = Annotations::empty(DIMS, facts().initial_labels);
    let before = now.mask.to_values();
    let mut marks = Marks { mask: &mut now.mask, labels: &mut now.labels, verified: &mut now.verified };
    if edit.apply(&mut marks).is_ok() {
        edit.revert(&mut marks).expect("what was made can be taken back");
    }
    assert!(now.mask.to_values() == before, "nothing stays of it");
}

fn snapshot(bytes: &[u8]) {
    let place = path("snapshot.fovea");
    let _ = std::fs::remove_file(&place);
    let mut file = ProjectFile::create(&place, &facts()).expect("a new project file");
    let labels = facts().initial_labels;
    let payload = bytes.to_vec();
    file.write_snapshot(&Snapshot { seq: 0, payload, labels, verified: vec![] }).expect("it is written");
    let _ = replay(&file, DIMS);
}
