//! The workspace as the window and the command line use it: commands in, annotations out.

mod across;
mod aside;
mod choosing;
mod commands;
mod damage;
mod dismissed;
mod effects;
mod exports;
mod history;
mod imported;
mod large;
mod learning;
mod measuring;
mod modality;
mod places;
mod prediction;
mod project;
mod sent;
mod turned;

use fovea::edit::{Limits, Shape};
use fovea::engine::{Engine, EngineOptions};
use fovea::geom::{Grid, Plane};
use fovea::io;
use fovea::label::{LabelId, LabelTable};
use fovea::nn::{Channels, ComputeDevice, DeviceChoice, InputSpec, Model, ModelCard};
use fovea::volume::{Modality, Samples, Volume};
use fovea::workspace::{Command, Document, EditCommand, Place, Workspace, WorkspaceOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SIZE: [usize; 3] = [48, 40, 5];
const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with an image, and a workspace that keeps its project files beside it.
struct Bench {
    folder: tempfile::TempDir,
    workspace: Workspace,
}

impl Bench {
    fn new() -> Self {
        Self::with(WorkspaceOptions::default())
    }

    fn with(options: WorkspaceOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_image(&folder.path().join("image.tif"));
        let place = Place::BesideImage { data: folder.path().join("data") };
        let workspace = start(WorkspaceOptions { place, ..options });
        Self { folder, workspace }
    }

    /// With the image open.
    fn opened() -> Self {
        let mut bench = Self::new();
        bench.open();
        bench
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image.tif")
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("image.tif.fovea")
    }

    fn open(&mut self) {
        let image = self.image();
        open(&mut self.workspace, &image);
    }

    fn close(&mut self) {
        let id = self.document().id();
        self.workspace.apply(Command::Close(id)).unwrap();
        self.workspace.settle(id);
    }

    fn reopen(&mut self) {
        self.close();
        self.open();
    }

    fn document(&self) -> &Document {
        self.workspace.active().expect("an image is open")
    }

    fn edit(&mut self, command: EditCommand) {
        self.workspace.apply(Command::Edit(command.clone())).unwrap_or_else(|e| panic!("{command:?}: {e}"));
    }

    /// A brush stroke on slice `z`.
    fn stroke(&mut self, z: usize, label: LabelId, from: [f64; 2], to: [f64; 2]) {
        self.edit(EditCommand::Begin { tool: "brush".into() });
        self.edit(brush(z, label, from, to));
        self.edit(EditCommand::Commit);
    }

    fn texts(&self) -> Vec<String> {
        self.workspace.notices().iter().map(|n| n.text.clone()).collect()
    }

    fn wait(&mut self, what: &str, is_so: impl Fn(&Workspace) -> bool) {
        let came = self.workspace.wait_until(PATIENCE, is_so);
        assert!(came, "{what} did not happen: {:?}", self.texts());
    }
}

fn start(options: WorkspaceOptions) -> Workspace {
    let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
    Workspace::with_options(engine, options).unwrap()
}

fn open(workspace: &mut Workspace, image: &Path) {
    workspace.apply(Command::Open(image.to_owned())).unwrap();
    assert!(workspace.wait_until(PATIENCE, |w| w.openings().is_empty()), "{image:?} is still being opened");
    assert!(workspace.active().is_some(), "{image:?} was not opened: {:?}", workspace.notices());
}

fn volume(first: u8) -> Volume {
    let [w, h, _] = SIZE;
    let mut samples: Vec<u8> = (0..SIZE.iter().product())
        .map(|i| ((i % w) * 5 + (i / w % h) * 3 + i / (w * h) * 17) as u8)
        .collect();
    samples[0] = first;
    let grid = Grid::pixels(SIZE).unwrap();
    Volume::new(grid, Samples::U8(samples.into()), [1.0, 0.0], Modality::Other).unwrap()
}

fn write_image(path: &Path) {
    io::write_image_tiff(path, &volume(0)).unwrap();
}

fn brush(z: usize, label: LabelId, from: [f64; 2], to: [f64; 2]) -> EditCommand {
    let points = [from, to].map(|[x, y]| [x, y, z as f64]).to_vec();
    let shape = Shape::Brush { plane: Plane::Axial, points, radius: 2.5, sphere: false };
    EditCommand::Draw { shape, label, limits: Limits::default() }
}

/// A small network with random weights that tells all its classes apart on every slice, written to a file; its version.
/// `seed` and those after it are tried.
fn write_model(path: &Path, labels: &[&str], seed: u64) -> String {
    let card = ModelCard {
        volume: None,
        version: String::new(),
        title: "random".into(),
        network: "edema/unet".into(),
        config: serde_json::json!({ "in_channels": 1, "n_classes": labels.len() + 1, "feature_scale": 16 }),
        input: InputSpec { mean: vec![0.5], std: vec![0.2], ..InputSpec::unit(Channels::Grey) },
        labels: LabelTable::named(labels),
        modality: Modality::Other,
        trained_on: "nothing".into(),
        licence: "CC0".into(),
        parent: None,
        teacher: None,
        metrics: Default::default(),
        notice: String::new(),
        command: String::new(),
        created: String::new(),
    };
    let image = volume(0);
    for seed in seed..seed + 200 {
        let mut model = Model::build(card.clone(), seed, &ComputeDevice::cpu("test")).unwrap();
        let tells = (0..SIZE[2]).all(|z| {
            let predicted = model.predict_slice(&image, z).unwrap().labels(&model.card).unwrap();
            (1..=labels.len()).all(|class| predicted.contains(&model.card.label_of(class)))
        });
        if tells {
            model.save(path).unwrap();
            return model.card.version.clone();
        }
    }
    panic!("no seed gives a model that tells {labels:?} apart");
}
