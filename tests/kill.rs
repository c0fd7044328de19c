//! What the project file promises: every finished stroke is on the disk within 250 ms, and after `kill -9` at any moment
//! at most the stroke in flight is missing.
//!
//! A child process (this binary again) edits an image by a seeded script and says each stroke that is on the disk. It is
//! killed at a random moment, the image is opened again, and the annotations must be those of the script up to the last
//! stroke that was said, or one more. The next child goes on from there.

use fovea::edit::{Limits, Shape};
use fovea::engine::{Engine, EngineOptions};
use fovea::geom::{Grid, Plane};
use fovea::io;
use fovea::nn::DeviceChoice;
use fovea::volume::{Modality, Samples, Volume};
use fovea::workspace::{
    Command, Document, EditCommand, LabelCommand, NoticeLevel, Place, Workspace, WorkspaceOptions,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Set for the child: the folder with the image and its project file, and the stroke to go on with.
const CHILD: &str = "FOVEA_KILL_CHILD";
const FIRST: &str = "FOVEA_KILL_FIRST";
const KILLS: usize = 60;
const SIZE: [usize; 3] = [96, 80, 6];
/// Little memory for undo: old edits come back from the project file.
const UNDO_BYTES: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(60);
/// What the project promises.
const DURABLE_WITHIN_MS: f64 = 250.0;

fn image_in(folder: &Path) -> PathBuf {
    folder.join("image.tif")
}

fn write_image(folder: &Path) {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let samples: Vec<u8> = (0..SIZE.iter().product()).map(|_| rng.random_range(0..=255)).collect();
    let grid = Grid::pixels(SIZE).unwrap();
    let volume = Volume::new(grid, Samples::U8(samples.into()), [1.0, 0.0], Modality::Other).unwrap();
    io::write_image_tiff(&image_in(folder), &volume).unwrap();
}

fn workspace(place: Place, undo_bytes: usize) -> Workspace {
    let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
    let options = WorkspaceOptions { place, undo_bytes, ..WorkspaceOptions::default() };
    Workspace::with_options(engine, options).unwrap()
}

fn open(workspace: &mut Workspace, image: &Path) {
    workspace.apply(Command::Open(image.to_owned())).unwrap();
    assert!(
        workspace.wait_until(PATIENCE, |w| w.openings().is_empty()),
        "the image was not opened: {:?}",
        workspace.notices()
    );
    assert!(workspace.active().is_some(), "the image was not opened: {:?}", workspace.notices());
}

/// The commands of stroke `i` (from 1): one journal entry, or none where nothing changes.
fn stroke(i: i64) -> Vec<Command> {
    let mut rng = ChaCha8Rng::seed_from_u64(1000 + i as u64);
    let z = rng.random_range(0..SIZE[2]);
    let mut at = || [rng.random_range(5.0..90.0), rng.random_range(5.0..75.0), z as f64];
    let edit = Command::Edit;
    let draw = |shape, label| edit(EditCommand::Draw { shape, label, limits: Limits::default() });
    let brush =
        |points: Vec<[f64; 3]>, radius| Shape::Brush { plane: Plane::Axial, points, radius, sphere: false };
    match i % 10 {
        0 => vec![edit(EditCommand::Undo)],
        1 if i > 10 => vec![edit(EditCommand::Redo)],
        3 => vec![Command::Labels(LabelCommand::Rename { id: 1, name: format!("structure {i}") })],
        5 => vec![edit(EditCommand::SetVerified { z, on: i % 20 == 5 })],
        _ => {
            let (a, b, c) = (at(), at(), at());
            let label = (i % 3 != 0) as u16;
            vec![
                edit(EditCommand::Begin { tool: "brush".into() }),
                draw(brush(vec![a, b], 3.0), label),
                draw(brush(vec![b, c], 2.0), 1),
                draw(Shape::Outline { plane: Plane::Axial, slice: z, points: vec![a, b, c] }, label),
                edit(EditCommand::Commit),
            ]
        }
    }
}

/// Makes stroke `i`; the number of the newest journal entry afterwards.
fn make(workspace: &mut Workspace, i: i64) -> i64 {
    for command in stroke(i) {
        workspace.apply(command.clone()).unwrap_or_else(|e| panic!("stroke {i}, {command:?}: {e}"));
    }
    workspace.active().unwrap().journal()[0]
}

/// Everything that must survive.
fn state(document: &Document) -> String {
    let names: Vec<&str> = document.labels().iter().map(|l| l.name.as_str()).collect();
    let undo: Vec<&str> = document.history().collect();
    format!(
        "{} {names:?} {:?} undo {} {:?} redo {:?}",
        document.mask_hash(),
        document.verified(),
        undo.len(),
        document.undo_title(),
        document.redo_title()
    )
}

/// Not a test of its own: what the child process runs.
#[test]
fn child_draws_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let mut workspace = workspace(Place::BesideImage { data: folder.join("data") }, UNDO_BYTES);
    open(&mut workspace, &image_in(&folder));
    let mut say = std::io::stdout();
    let id = workspace.active().unwrap().id();
    let first: i64 = std::env::var(FIRST).unwrap().parse().unwrap();
    for i in first..first + 100_000 {
        let asked = Instant::now();
        let entry = make(&mut workspace, i);
        let durable =
            workspace.wait_until(PATIENCE, |w| w.document(id).is_some_and(|d| d.journal()[1] >= entry));
        assert!(durable, "stroke {i} is not on the disk: {:?}", workspace.notices());
        let millis = asked.elapsed().as_secs_f64() * 1e3;
        writeln!(say, "\nDURABLE {i} {millis:.3}").unwrap();
        say.flush().unwrap();
    }
}

fn spawn(folder: &Path, first: i64) -> Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_draws_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .env(FIRST, first.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Runs a child, kills it `after` its first durable stroke (or after its start, for an opening that is cut off), and
/// returns the strokes that it said, with their milliseconds.
fn run_and_kill(folder: &Path, first: i64, at_start: bool, after: Duration) -> Vec<(i64, f64)> {
    let mut child = spawn(folder, first);
    let stdout = child.stdout.take().unwrap();
    let (sender, said) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(rest) = line.strip_prefix("DURABLE ") {
                let (i, millis) = rest.split_once(' ').unwrap();
                sender.send((i.parse::<i64>().unwrap(), millis.parse::<f64>().unwrap())).unwrap();
            }
        }
    });
    let mut durable = Vec::new();
    if !at_start {
        match said.recv_timeout(PATIENCE) {
            Ok(stroke) => durable.push(stroke),
            Err(e) => panic!("the child made no stroke: {e}; {:?}", child.try_wait()),
        }
    }
    std::thread::sleep(after);
    // SIGKILL: nothing of the child runs any more.
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    durable.extend(said.try_iter());
    durable
}

#[test]
fn at_most_the_stroke_in_flight_is_lost_when_the_program_is_killed() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write_image(folder.path());
    let image = image_in(folder.path());
    let mut reopened = workspace(Place::BesideImage { data: folder.path().join("data") }, UNDO_BYTES);
    // The same script in memory, never interrupted.
    let mut reference = workspace(Place::Nowhere, 1 << 30);
    open(&mut reference, &image);

    let mut rng = ChaCha8Rng::seed_from_u64(42);
    let mut millis = Vec::new();
    let (mut made, mut in_flight) = (0, 0);
    let began = Instant::now();
    for kill in 0..KILLS {
        let at_start = kill % 6 == 5;
        let after =
            Duration::from_millis(if at_start { rng.random_range(0..200) } else { rng.random_range(0..250) });
        let durable = run_and_kill(folder.path(), made + 1, at_start, after);
        let promised = durable.last().map_or(made, |&(i, _)| i);
        millis.extend(durable.iter().map(|d| d.1));
        while made < promised {
            made += 1;
            make(&mut reference, made);
        }
        let before = reference.active().unwrap().journal()[0];

        open(&mut reopened, &image);
        let document = reopened.active().unwrap();
        let [found, _] = document.journal();
        if found != before {
            made += 1;
            in_flight += 1;
            let after = make(&mut reference, made);
            assert_eq!(found, after, "kill {kill}: {promised} strokes ({before} entries) were on the disk");
        }
        assert_eq!(
            state(document),
            state(reference.active().unwrap()),
            "kill {kill} after stroke {promised}"
        );
        let bad: Vec<_> = reopened.notices().iter().filter(|n| n.level > NoticeLevel::Info).collect();
        assert!(bad.is_empty(), "kill {kill}: {bad:?}");
        let id = document.id();
        reopened.apply(Command::Close(id)).unwrap();
        // The file is let go of when this answers.
        reopened.settle(id);
    }

    assert!(millis.len() > KILLS, "only {} strokes were made", millis.len());
    millis.sort_by(f64::total_cmp);
    let (median, max) = (millis[millis.len() / 2], millis[millis.len() - 1]);
    println!(
        "{KILLS} kills in {:.0} s, {made} strokes kept, {in_flight} of them in flight; on the disk after {median:.1} ms (median), {max:.1} ms (longest of {})",
        began.elapsed().as_secs_f64(),
        millis.len()
    );
    assert!(
        max < DURABLE_WITHIN_MS,
        "a stroke took {max:.0} ms to the disk, {DURABLE_WITHIN_MS} are promised"
    );
}
