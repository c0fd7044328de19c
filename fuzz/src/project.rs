//! A sound project file with a few strokes, and what an input makes of it.

use crate::path;
use fovea::{
    edit::{Change, EditLog, Marks, MaskRules, Origin, Patch, Region},
    geom::Grid,
    label::LabelTable,
    volume::{Modality, Samples, Volume},
    workspace::{
        Annotations,
        store::{Action, CaseFacts, Entry, ProjectFile, Snapshot, replay},
    },
};
use std::{fs, path::Path, sync::LazyLock};

/// Columns, rows and slices of the image that the project files belong to.
pub const DIMS: [usize; 3] = [8, 8, 2];

/// What a project file is told of that image.
pub fn facts() -> CaseFacts {
    CaseFacts {
        path: path("a.png"),
        content_hash: "0".repeat(64),
        turned: None,
        dims: DIMS,
        series: None,
        initial_labels: LabelTable::named(&["Vein", "Artery"]),
    }
}

/// A project file and the log beside it, as a program leaves them that is killed.
pub struct Sound {
    pub file: Vec<u8>,
    pub log: Vec<u8>,
    /// An edit of its journal, without its checksum.
    pub edit: Vec<u8>,
    pub snapshot: Vec<u8>,
}

pub static SOUND: LazyLock<Sound> = LazyLock::new(|| {
    let place = path("sound.fovea");
    let mut file = ProjectFile::create(&place, &facts()).expect("a new project file");
    let mut now = Annotations::empty(DIMS, facts().initial_labels);
    let grid = Grid::pixels(DIMS).expect("a grid");
    let samples = Samples::U8(vec![0; DIMS.iter().product()].into());
    let volume = Volume::new(grid, samples, [1.0, 0.0], Modality::Other).expect("an image");
    let mut log = EditLog::new(1 << 20);
    let (mut last, mut snapshot) = (Vec::new(), Vec::new());
    for seq in 1..=6 {
        let region = Region::from_runs(volume.grid(), vec![(seq as usize * 7, 20)]);
        let rules = MaskRules::new(&now.labels, &now.verified);
        let origin = Origin::Person { tool: "brush".into() };
        let label = 1 + seq as u16 % 2;
        let patch = Patch::paint(&now.mask, &volume, &region, label, &rules, origin);
        let mut marks = Marks { mask: &mut now.mask, labels: &mut now.labels, verified: &mut now.verified };
        let edit =
            log.record(&mut marks, Change::Mask(patch)).expect("it fits").expect("it changes something");
        last = edit.encode();
        file.append(&[&Entry::new(seq, Action::Do(edit))]).expect("it is written");
        if seq == 3 {
            let made = Snapshot::of(seq, &now).expect("it fits");
            file.write_snapshot(&made).expect("it is written");
            snapshot = made.payload;
        }
    }
    let read = |path: &Path| fs::read(path).expect("it is there");
    last.truncate(last.len() - 16);
    Sound { file: read(&place), log: read(&path("sound.fovea-wal")), edit: last, snapshot }
});

/// The input itself where it begins with an even byte; otherwise the sound bytes with some of them put right by the input:
/// a place and the new byte, again and again. Hardly any file of random bytes is a database.
pub fn changed(sound: &[u8], input: &[u8]) -> Vec<u8> {
    match input.split_first() {
        Some((first, patches)) if first % 2 == 1 => {
            let mut bytes = sound.to_vec();
            for patch in patches.chunks_exact(4) {
                let at = u32::from_le_bytes([patch[0], patch[1], patch[2], 0]) as usize % bytes.len();
                bytes[at] = patch[3];
            }
            bytes
        }
        Some((_, raw)) => raw.to_vec(),
        None => Vec::new(),
    }
}

/// Opens the project file `a.png.fovea` made of these bytes, and its log, and rebuilds what is in it.
pub fn rebuild(file: &[u8], log: Option<&[u8]>) {
    for end in ["-shm", "-wal", "-journal"] {
        let _ = fs::remove_file(path(&format!("a.png.fovea{end}")));
    }
    fs::write(path("a.png.fovea"), file).expect("it is written");
    if let Some(log) = log {
        fs::write(path("a.png.fovea-wal"), log).expect("it is written");
    }
    if let Ok(file) = ProjectFile::open(&path("a.png.fovea"), &facts())
        && let Ok(restored) = replay(&file, DIMS)
    {
        assert_eq!(restored.annotations.mask.dims(), DIMS);
    }
    // Copies that it keeps of what is damaged would fill the memory.
    for entry in fs::read_dir(path("")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("a.png.fovea") {
            let _ = fs::remove_file(entry.path());
        }
    }
}
