//! What the project file promises: every finished stroke is on the disk within 250 ms, and after `kill -9` at any moment
//! at most the stroke in flight is missing; a training run goes on from its last checkpoint.
//!
//! A child process (this binary again) edits an image by a seeded script and says each stroke that is on the disk. It is
//! killed at a random moment, the image is opened again, and the annotations must be those of the script up to the last
//! stroke that was said, or one more. The next child goes on from there. Training is killed in the same way, and the run
//! that goes on must end where one that was never killed ends.

use fovea::edit::{Limits, Shape};
use fovea::engine::{Engine, EngineOptions};
use fovea::geom::{Grid, Plane};
use fovea::io;
use fovea::label::LabelTable;
use fovea::nn::{Channels, ComputeDevice, DeviceChoice, InputSpec, Model, ModelCard};
use fovea::volume::{Modality, Samples, Volume};
use fovea::workspace::{
    Command, Document, EditCommand, Export, ExportFormat, LabelCommand, ModelCommand, NoticeLevel, Place,
    ProjectCommand, TrainCommand, TrainOptions, TrainingState, Workspace, WorkspaceOptions, mask_hash,
    proposed_export,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Set for the child: the folder with the image and its project file, and the stroke to go on with.
const CHILD: &str = "FOVEA_KILL_CHILD";
const FIRST: &str = "FOVEA_KILL_FIRST";
/// What it does after each stroke that is on the disk.
const DOES: &str = "FOVEA_KILL_DOES";
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
    let mut id = workspace.active().unwrap().id();
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
        match std::env::var(DOES).as_deref() {
            Ok(SAVES) => {
                save(&mut workspace);
                workspace.apply(Command::Close(id)).unwrap();
                open(&mut workspace, &image_in(&folder));
                id = workspace.active().unwrap().id();
            }
            Ok(EXPORTS) => {
                for (name, format) in [
                    ("mask.nii.gz", ExportFormat::from_id("nifti").unwrap()),
                    ("masks.png", ExportFormat::from_id("png").unwrap()),
                ] {
                    let export = Export { path: folder.join(name), format, replace: true };
                    workspace.apply(Command::Project(ProjectCommand::Export(export))).unwrap();
                }
                assert!(workspace.wait_until(PATIENCE, Workspace::is_idle));
            }
            _ => {}
        }
    }
}

const SAVES: &str = "saves, closes and opens";
const EXPORTS: &str = "exports";
const TRAINS_LONG: &str = "trains long";

fn save(workspace: &mut Workspace) {
    let document = workspace.active().unwrap();
    let format = ExportFormat::of(document);
    let path = proposed_export(document, format);
    workspace
        .apply(Command::Project(ProjectCommand::Export(Export { path, format, replace: true })))
        .unwrap();
    assert!(workspace.wait_until(PATIENCE, Workspace::is_idle));
}

/// What a child has written beside the project is whole: masks that the script came by, and no half of one.
fn written_whole(folder: &Path, masks: &BTreeSet<String>) -> usize {
    let mut count = 0;
    for path in files_in(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('.') || path.is_dir() && name == "data" {
            continue;
        }
        let text = path.to_string_lossy().into_owned();
        if text.ends_with("mask.nii.gz") || text.ends_with("_labels.nii.gz") {
            let (mask, _, _) = io::open_labels(&path).unwrap();
            assert!(masks.contains(&mask_hash(&mask)), "{text} is no mask of the script");
            count += 1;
        } else if name.ends_with(".png") && path.is_file() {
            io::open_labels(&path).unwrap();
            count += 1;
        } else if name.ends_with(".txt") {
            assert!(io::read_table(&path).unwrap().iter().count() > 0, "{text}");
        }
    }
    count
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        }
        found.push(path);
    }
    found
}

/// Runs one of this file's tests, `child_…`, in a process of its own.
fn spawn(child: &str, folder: &Path, first: i64, does: &str) -> Child {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", child, "--nocapture", "--test-threads=1"])
        .env(CHILD, folder)
        .env(FIRST, first.to_string())
        .env(DOES, does)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Runs a child, kills it `after` its first durable stroke (or after its start, for an opening that is cut off), and
/// returns the strokes that it said, with their milliseconds.
fn run_and_kill(folder: &Path, first: i64, does: &str, at_start: bool, after: Duration) -> Vec<(i64, f64)> {
    let mut child = spawn("child_draws_until_it_is_killed", folder, first, does);
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
    let mut millis = kill_while("paints", KILLS);
    assert!(millis.len() > KILLS, "only {} strokes were made", millis.len());
    millis.sort_by(f64::total_cmp);
    let max = millis[millis.len() - 1];
    assert!(
        max < DURABLE_WITHIN_MS,
        "a stroke took {max:.0} ms to the disk, {DURABLE_WITHIN_MS} are promised"
    );
}

/// `cargo test --release --test kill -- --ignored --nocapture`; the result is in `benches/README.md`.
#[test]
#[ignore = "takes a quarter of an hour"]
fn five_hundred_kills() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    for does in ["paints", SAVES, EXPORTS] {
        kill_while(does, 125);
    }
    kill_while_training(125);
}

/// Kills a child that draws and `does` something beside, over and over; milliseconds from each stroke to the disk.
fn kill_while(does: &str, kills: usize) -> Vec<f64> {
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
    let mut masks = BTreeSet::from([reference.active().unwrap().mask_hash()]);
    let (mut written, mut most) = (0, 0);
    let began = Instant::now();
    for kill in 0..kills {
        let at_start = kill % 6 == 5;
        let after =
            Duration::from_millis(if at_start { rng.random_range(0..200) } else { rng.random_range(0..250) });
        let durable = run_and_kill(folder.path(), made + 1, does, at_start, after);
        let promised = durable.last().map_or(made, |&(i, _)| i);
        millis.extend(durable.iter().map(|d| d.1));
        while made < promised {
            made += 1;
            make(&mut reference, made);
            masks.insert(reference.active().unwrap().mask_hash());
        }
        written = written_whole(folder.path(), &masks);
        assert!(written >= most, "kill {kill}: {written} of {most} files that were written");
        most = written;
        let before = reference.active().unwrap().journal()[0];

        open(&mut reopened, &image);
        let document = reopened.active().unwrap();
        let [found, _] = document.journal();
        if found != before {
            made += 1;
            in_flight += 1;
            let after = make(&mut reference, made);
            masks.insert(reference.active().unwrap().mask_hash());
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

    assert!(does == "paints" || written > 0, "nothing was written while it {does}");
    let mut sorted = millis.clone();
    sorted.sort_by(f64::total_cmp);
    println!(
        "{kills} kills while it {does}, in {:.0} s: {made} strokes kept, {in_flight} of them in flight; on the disk after {:.1} ms (median), {:.1} ms (longest of {})",
        began.elapsed().as_secs_f64(),
        sorted[sorted.len() / 2],
        sorted[sorted.len() - 1],
        sorted.len()
    );
    millis
}

/// Kills a training run over and over: each time the strokes are there, and the run goes on from a checkpoint that can be
/// read, or had none yet.
fn kill_while_training(kills: usize) {
    let folder = tempfile::tempdir().unwrap();
    write_image(folder.path());
    write_model(folder.path());
    let image = image_in(folder.path());
    let checkpoint = folder.path().join("image.tif.fovea.checkpoint");
    let mut rng = ChaCha8Rng::seed_from_u64(43);
    let (mut mask, mut resumed) = (None, 0);
    let began = Instant::now();
    for kill in 0..kills {
        let mut child = spawn("child_trains_until_it_is_killed", folder.path(), 0, TRAINS_LONG);
        let end = Instant::now() + PATIENCE;
        while kill == 0 && !checkpoint.exists() {
            assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "no checkpoint was written");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(rng.random_range(0..1500)));
        child.kill().unwrap();
        child.wait().unwrap();

        let mut reopened = workspace(Place::BesideImage { data: folder.path().join("data") }, UNDO_BYTES);
        open(&mut reopened, &image);
        let document = reopened.active().unwrap();
        let now = document.mask_hash();
        assert_eq!(*mask.get_or_insert_with(|| now.clone()), now, "kill {kill}");
        assert!(reopened.notices().iter().all(|n| n.level < NoticeLevel::Error), "{:?}", reopened.notices());
        if reopened.interrupted_training().is_some() && checkpoint.exists() {
            resume(&mut reopened);
            let at = reopened.training().unwrap().steps()[0];
            let goes_on =
                |w: &Workspace| w.training().is_some_and(|t| t.steps()[0] > at || !t.is_under_way());
            assert!(reopened.wait_until(PATIENCE, goes_on), "kill {kill}: {:?}", reopened.notices());
            let state = reopened.training().unwrap().state();
            assert!(!matches!(state, TrainingState::Failed(_)), "kill {kill}: {state:?}");
            resumed += 1;
        }
    }
    println!(
        "{kills} kills while it trains, in {:.0} s: the annotations were there each time, {resumed} runs went on from their checkpoint",
        began.elapsed().as_secs_f64()
    );
    assert!(resumed > kills / 2);
}

/// Until its model has been read from the project file it says to try again.
fn resume(workspace: &mut Workspace) {
    let end = Instant::now() + PATIENCE;
    while let Err(reason) = workspace.apply(Command::Train(TrainCommand::Resume)) {
        assert!(Instant::now() < end, "{reason}");
        workspace.wait_until(Duration::from_millis(20), |_| false);
    }
}

/// Steps of a training run, which the window saves every 25.
const STEPS: u64 = 45;

fn model_in(folder: &Path) -> PathBuf {
    folder.join("model.safetensors")
}

/// A network small enough to learn in seconds, with the dropout that a resumed run must repeat.
fn write_model(folder: &Path) {
    let card = ModelCard {
        volume: None,
        version: String::new(),
        title: "test".into(),
        network: "vessel/sa_unet".into(),
        config: serde_json::json!({"in_channels": 1, "start_neurons": 4, "block_size": 3, "keep_prob": 0.9}),
        input: InputSpec::unit(Channels::Grey),
        labels: LabelTable::named(&["structure"]),
        modality: Modality::Other,
        trained_on: "nothing".into(),
        licence: String::new(),
        parent: None,
        teacher: None,
        metrics: Default::default(),
        notice: String::new(),
        command: String::new(),
        created: String::new(),
    };
    Model::build(card, 5, &ComputeDevice::cpu("test")).unwrap().save(&model_in(folder)).unwrap();
}

/// Draws on four slices, verifies them, and trains on them.
fn start_training(workspace: &mut Workspace, folder: &Path, steps: u64) {
    open(workspace, &image_in(folder));
    workspace.apply(Command::Model(ModelCommand::Import { path: model_in(folder) })).unwrap();
    assert!(workspace.wait_until(PATIENCE, |w| w.activities().next().is_none()), "{:?}", workspace.notices());
    for z in 0..4 {
        let points = vec![[20.0, 30.0, z as f64], [60.0, 40.0, z as f64]];
        let shape = Shape::Brush { plane: Plane::Axial, points, radius: 8.0, sphere: false };
        let draw = EditCommand::Draw { shape, label: 1, limits: Limits::default() };
        workspace.apply(Command::Edit(draw)).unwrap();
        workspace.apply(Command::Edit(EditCommand::SetVerified { z, on: true })).unwrap();
    }
    let options = TrainOptions { steps: Some(steps), ..TrainOptions::default() };
    workspace.apply(Command::Train(TrainCommand::Start(options))).unwrap();
}

/// The version that a run under way makes, and its loss at each step, which is a single-precision number: the project file's
/// JSON does not give every last digit of a double back.
fn trained(workspace: &mut Workspace) -> (String, Vec<(u64, f32)>) {
    let over = workspace.wait_until(PATIENCE, |w| w.training().is_some_and(|t| !t.is_under_way()));
    assert!(over, "training did not end: {:?}", workspace.notices());
    let training = workspace.training().unwrap();
    assert_eq!(*training.state(), TrainingState::Finished, "{:?}", workspace.notices());
    let losses = training.curves().loss.iter().map(|&[step, loss]| (step as u64, loss as f32)).collect();
    (training.candidate().unwrap().card.version.clone(), losses)
}

/// Not a test of its own: what the child process runs.
#[test]
fn child_trains_until_it_is_killed() {
    let Some(folder) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let mut workspace = workspace(Place::BesideImage { data: folder.join("data") }, UNDO_BYTES);
    open(&mut workspace, &image_in(&folder));
    let steps = if std::env::var(DOES).as_deref() == Ok(TRAINS_LONG) { 20_000 } else { STEPS };
    match workspace.interrupted_training() {
        Some(_) => resume(&mut workspace),
        None => start_training(&mut workspace, &folder, steps),
    }
    workspace.wait_until(PATIENCE, |_| false);
}

#[test]
fn a_training_run_that_is_killed_is_offered_again_and_ends_as_if_it_had_not_been() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    write_image(folder.path());
    write_model(folder.path());
    let image = image_in(folder.path());
    let checkpoint = folder.path().join("image.tif.fovea.checkpoint");

    let mut child = spawn("child_trains_until_it_is_killed", folder.path(), 0, "trains");
    let end = Instant::now() + PATIENCE;
    while !checkpoint.exists() {
        assert!(Instant::now() < end && child.try_wait().unwrap().is_none(), "no checkpoint was written");
        std::thread::sleep(Duration::from_millis(2));
    }
    std::thread::sleep(Duration::from_millis(rand::rng().random_range(0..200)));
    child.kill().unwrap();
    child.wait().unwrap();

    let mut whole = workspace(Place::Nowhere, UNDO_BYTES);
    start_training(&mut whole, folder.path(), STEPS);
    let (version, losses) = trained(&mut whole);
    assert_eq!(losses.iter().map(|p| p.0).collect::<Vec<_>>(), (1..=STEPS).collect::<Vec<_>>());

    let mut reopened = workspace(Place::BesideImage { data: folder.path().join("data") }, UNDO_BYTES);
    // Another image comes first this time, and lies in front when the run is taken up.
    open(&mut reopened, Path::new("sample:fundus"));
    let other = reopened.active().unwrap().id();
    open(&mut reopened, &image);
    let id = reopened.active().unwrap().id();
    assert_eq!(reopened.interrupted_training(), Some(id));
    assert!(reopened.notices().iter().any(|n| n.text.contains("interrupted")), "{:?}", reopened.notices());
    reopened.apply(Command::Activate(other)).unwrap();
    resume(&mut reopened);
    assert_eq!(reopened.interrupted_training(), None);
    let first = reopened.training().unwrap().steps()[0];
    let (resumed_version, resumed_losses) = trained(&mut reopened);
    println!("taken up at step {first} of {STEPS}");
    assert_eq!(resumed_version, version);
    assert!(resumed_losses.iter().all(|p| losses.contains(p)), "{resumed_losses:?} {losses:?}");
    assert_eq!(resumed_losses.last(), losses.last());

    // The run is decided on where it was kept, and is not offered again.
    reopened.apply(Command::Train(TrainCommand::Discard)).unwrap();
    assert!(!checkpoint.exists());
    reopened.apply(Command::Close(id)).unwrap();
    reopened.settle(id);
    open(&mut reopened, &image);
    assert_eq!(reopened.interrupted_training(), None);
}
