//! A project of a program that was killed, with its bytes changed or cut: all of it is there, or what is missing is said and
//! what was there is kept.

use super::{Bench, open, start};
use fovea::workspace::{Command, NoticeLevel, Place, Workspace, WorkspaceOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

const STROKES: usize = 50;

/// The files of a project with its strokes, as they lie there.
struct Files {
    image: Vec<u8>,
    /// The project, its log, and the number of its entries.
    parts: [Vec<u8>; 3],
    /// The mask after each stroke, from none.
    masks: Vec<String>,
}

const SUFFIXES: [&str; 3] = ["", "-wal", "-open"];

fn part(project: &Path, suffix: &str) -> PathBuf {
    let mut name = project.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Files {
    /// Of a program that was killed after the last stroke, or that was closed.
    fn of(killed: bool) -> Self {
        let mut bench = Bench::opened();
        let id = bench.document().id();
        let mut masks = vec![bench.document().mask_hash()];
        for i in 0..STROKES {
            let at = [4.0 + 0.7 * i as f64, 3.0 + 0.6 * i as f64];
            bench.stroke(i % 5, 1, at, [at[0] + 1.0, at[1]]);
            assert!(bench.workspace.settle(id));
            masks.push(bench.document().mask_hash());
        }
        let project = bench.project();
        if !killed {
            bench.close();
        }
        let parts = SUFFIXES.map(|suffix| std::fs::read(part(&project, suffix)).unwrap_or_default());
        assert_eq!(parts[1].is_empty(), !killed);
        Self { image: std::fs::read(bench.image()).unwrap(), parts, masks }
    }

    /// Opens the project with other bytes. What must be so: never fewer strokes in silence.
    fn check(&self, workspace: &mut Workspace, parts: &[Vec<u8>; 3], what: &str) -> Outcome {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image.tif");
        let project = folder.path().join("image.tif.fovea");
        std::fs::write(&image, &self.image).unwrap();
        for (suffix, bytes) in SUFFIXES.iter().zip(parts) {
            if !bytes.is_empty() {
                std::fs::write(part(&project, suffix), bytes).unwrap();
            }
        }
        let told = workspace.notices().len();
        workspace.apply(Command::Open(image)).unwrap();
        let came =
            workspace.wait_until(super::PATIENCE, |w| w.openings().iter().all(|o| o.question().is_some()));
        assert!(came, "{what}");
        if let Some(asked) = workspace.openings().first().map(|o| o.job()) {
            // What the project says of its image is damaged: it is asked, and left.
            workspace.apply(Command::Cancel(asked)).unwrap();
            return Outcome::Refused;
        }
        let said: Vec<String> = workspace.notices()[told..]
            .iter()
            .filter(|n| n.level == NoticeLevel::Error)
            .map(|n| n.text.clone())
            .collect();
        let Some(document) = workspace.active() else {
            assert!(!said.is_empty(), "{what}: not opened, and nothing said");
            for (suffix, bytes) in SUFFIXES.iter().zip(parts).take(2) {
                let now = std::fs::read(part(&project, suffix)).unwrap_or_default();
                assert!(now == *bytes, "{what}: refused, and {suffix} was changed: {said:?}");
            }
            return Outcome::Refused;
        };
        let (id, all) = (document.id(), document.mask_hash() == self.masks[STROKES]);
        let stands = self.masks.iter().position(|mask| *mask == document.mask_hash());
        workspace.apply(Command::Close(id)).unwrap();
        workspace.settle(id);
        match all {
            true => Outcome::Whole,
            false => {
                assert!(!said.is_empty(), "{what}: {stands:?} of {STROKES} strokes, and nothing said");
                Outcome::Fewer(said)
            }
        }
    }
}

#[derive(Debug)]
enum Outcome {
    Whole,
    Fewer(Vec<String>),
    Refused,
}

fn workspace(data: &Path) -> Workspace {
    start(WorkspaceOptions {
        place: Place::BesideImage { data: data.to_owned() },
        ..WorkspaceOptions::default()
    })
}

/// Changes a byte, or cuts, `tries` times each, in one of the parts.
fn try_all(killed: bool, which: usize, tries: usize) -> [usize; 3] {
    let data = tempfile::tempdir().unwrap();
    let mut workspace = workspace(data.path());
    let files = Files::of(killed);
    let mut rng = ChaCha8Rng::seed_from_u64(which as u64 + 1);
    let mut counts = [0; 3];
    for i in 0..2 * tries {
        let mut parts = files.parts.clone();
        let at = rng.random_range(0..parts[which].len());
        let what = if i % 2 == 0 {
            let bit = 1u8 << rng.random_range(0..8);
            parts[which][at] ^= bit;
            format!("byte {at} of {:?} ^ {bit}", SUFFIXES[which])
        } else {
            parts[which].truncate(at);
            format!("{:?} cut at {at} of {}", SUFFIXES[which], files.parts[which].len())
        };
        let outcome = files.check(&mut workspace, &parts, &what);
        counts[match outcome {
            Outcome::Whole => 0,
            Outcome::Fewer(_) => 1,
            Outcome::Refused => 2,
        }] += 1;
    }
    println!("{:?}: whole, fewer and said, refused and said: {counts:?}", SUFFIXES[which]);
    counts
}

#[test]
fn a_log_with_a_wrong_byte_or_without_its_end_loses_nothing_in_silence() {
    let [whole, fewer, refused] = try_all(true, 1, 12);
    assert!(whole > 0 && fewer > 0, "{whole} {fewer}");
    assert_eq!(refused, 0, "what can be read is read");
}

#[test]
fn a_project_with_a_wrong_byte_or_without_its_end_loses_nothing_in_silence() {
    let [whole, fewer, refused] = try_all(false, 0, 12);
    assert!(whole > 0 && fewer + refused > 0, "{whole} {fewer} {refused}");
}

/// `cargo test --release --test workspace -- --ignored many_wrong_bytes --nocapture`
#[test]
#[ignore = "takes minutes"]
fn many_wrong_bytes() {
    for (killed, which) in [(true, 1), (false, 0), (true, 0)] {
        let [whole, fewer, refused] = try_all(killed, which, 500);
        assert!(whole > 0 && fewer + refused > 0);
    }
}

#[test]
fn one_wrong_byte_in_the_middle_of_the_log_costs_one_stroke_at_most_and_the_log_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let mut workspace = workspace(data.path());
    let files = Files::of(true);
    // A log of an older program has no number beside it.
    let mut parts = files.parts.clone();
    parts[2].clear();
    let middle = parts[1].len() / 2;
    parts[1][middle] ^= 0x10;
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image.tif");
    let project = folder.path().join("image.tif.fovea");
    std::fs::write(&image, &files.image).unwrap();
    std::fs::write(&project, &parts[0]).unwrap();
    std::fs::write(part(&project, "-wal"), &parts[1]).unwrap();
    open(&mut workspace, &image);
    let document = workspace.active().unwrap();
    assert!(document.journal()[0] >= STROKES as i64, "{:?}", document.journal());
    let said =
        workspace.notices().iter().find(|n| n.text.contains("the log of its last changes was damaged"));
    assert_eq!(said.unwrap().level, NoticeLevel::Error);
    let kept = part(&project, ".damaged-1");
    assert_eq!(std::fs::read(&kept).unwrap(), parts[0]);
    assert_eq!(std::fs::read(part(&kept, "-wal")).unwrap(), parts[1]);
}

#[test]
fn how_many_changes_a_shortened_log_has_lost_is_said() {
    let data = tempfile::tempdir().unwrap();
    let mut workspace = workspace(data.path());
    let files = Files::of(true);
    let mut parts = files.parts.clone();
    // A log that is gone altogether, as after copying the project file alone.
    parts[1].clear();
    let Outcome::Fewer(said) = files.check(&mut workspace, &parts, "no log") else { panic!("it is whole") };
    let said = said.join("\n");
    assert!(said.contains(&format!("to {STROKES} of the journal are missing")), "{said}");
}

#[test]
fn a_pause_takes_the_log_into_the_project() {
    let mut bench = Bench::opened();
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    let log = part(&bench.project(), "-wal");
    bench.wait("the log taken in", |w| w.is_idle() && log.metadata().is_ok_and(|m| m.len() == 0));
    // The project file alone, as a copy of it would be.
    let hash = bench.document().mask_hash();
    let copy = tempfile::tempdir().unwrap();
    let image = copy.path().join("image.tif");
    std::fs::copy(bench.image(), &image).unwrap();
    std::fs::copy(bench.project(), copy.path().join("image.tif.fovea")).unwrap();
    let mut other = workspace(&copy.path().join("data"));
    open(&mut other, &image);
    assert_eq!(other.active().unwrap().mask_hash(), hash);
}
