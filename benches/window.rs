//! What a frame of the window costs its thread: while scrolling, while the labels are turned in three dimensions, and while a
//! training run goes on beside either.
//!
//! `cargo bench --bench window`
//!
//! A frame here is everything between input and the list of triangles; drawing them is the graphics device's work and is
//! measured apart, on whatever adapter there is.

use egui::{Context, Event, Key, Modifiers, PointerButton, Pos2, RawInput, Rect, pos2, vec2};
use egui_kittest::{Harness, wgpu::WgpuTestRenderer};
use egui_wgpu::{RendererOptions, WgpuSetup};
use fovea::{
    edit::{Limits, Shape},
    engine::{Engine, EngineOptions},
    geom::Plane,
    gpu::{SliceRenderer, device},
    io,
    nn::{self, DeviceChoice},
    phantom::{self, Look},
    ui::{self, App},
    volume::Modality,
    workspace::{
        AcceptScope, Command, EditCommand, Place, TrainCommand, TrainOptions, Workspace, WorkspaceOptions,
    },
};
use std::time::{Duration, Instant};

const SIZE: [f32; 2] = [1440.0, 900.0];
const FRAMES: usize = 400;
const DRAWN: usize = 40;
const PATIENCE: Duration = Duration::from_secs(120);

fn main() {
    for dims in [[128, 128, 48], [512, 512, 100]] {
        edits(dims);
    }
    let (mut window, first) = Window::open(scene("oct", false));
    println!("window of {} x {}, OCT sample of 256 x 256 x 16, networks on the CPU", SIZE[0], SIZE[1]);
    println!("{:<34} {first:>8.1} ms", "from nothing to the first frame");
    report("frame while scrolling", scroll(&mut window, FRAMES));
    window.ctx.enable_accesskit();
    report("the same for a screen reader", scroll(&mut window, FRAMES));
    drop(window);
    let (mut window, _) = Window::open(scene("oct", true));
    report("frame while scrolling and training", scroll(&mut window, FRAMES));
    still_trains(&window);
    drop(window);
    println!("CT sample of 128 x 128 x 48, three planes and the surfaces of its labels");
    for (what, training) in [("frame while turning", false), ("frame while turning and training", true)] {
        let (mut window, _) = Window::open(scene("ct", training));
        report(what, turn(&mut window, FRAMES));
        if training {
            still_trains(&window);
        }
    }
    match nn::adapters().first() {
        None => println!("SKIPPED: drawing: there is no graphics adapter"),
        Some(adapter) => {
            println!("drawn on {} ({})", adapter.name, adapter.driver);
            report("two frames, drawn and read back", drawn(scene("oct", false)));
        }
    }
}

/// The longest that the window's thread is held by edits of a whole CT phantom: the command, then one look a frame at
/// what has come of it.
fn edits(dims: [usize; 3]) {
    let folder = tempfile::tempdir().expect("a folder");
    let [image, labels] = ["image.nii", "labels.nii"].map(|name| folder.path().join(name));
    let phantom = phantom::ct_sized(phantom::SAMPLE_SEED, Look::Standard, dims);
    io::write_volume_nifti(&image, &phantom.volume).expect("a disk");
    io::write_label_nifti(&labels, &phantom.truth, phantom.volume.grid()).expect("a disk");
    let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).expect("threads");
    let options = WorkspaceOptions {
        place: Place::BesideImage { data: folder.path().join("data") },
        ..WorkspaceOptions::default()
    };
    let mut workspace = Workspace::with_options(engine, options).expect("threads");
    let open = Command::OpenWith { path: image, series: None, modality: Some(Modality::Ct) };
    workspace.apply(open).expect("a valid command");
    assert!(workspace.wait_until(PATIENCE, |w| w.active().is_some()), "the phantom did not open");
    println!("edits of {} x {} x {} voxels, milliseconds of the window's thread", dims[0], dims[1], dims[2]);
    let flood = Shape::Flood { plane: Plane::Axial, seed: [0; 3], range: [f32::MIN, f32::MAX], volume: true };
    let draw = EditCommand::Draw { shape: flood, label: 1, limits: Limits::default() };
    for (what, commands) in [
        ("labels of a whole volume taken in", vec![EditCommand::Import { path: labels }]),
        ("undone", vec![EditCommand::Undo]),
        ("done again", vec![EditCommand::Redo]),
        (
            "its background filled",
            vec![EditCommand::Begin { tool: "fill".into() }, draw, EditCommand::Commit],
        ),
        ("undone", vec![EditCommand::Undo]),
    ] {
        let before = workspace.active().map(|d| d.revision());
        let timed = |run: &mut dyn FnMut()| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64() * 1e3
        };
        let start = Instant::now();
        let command = timed(&mut || {
            commands.iter().for_each(|c| workspace.apply(Command::Edit(c.clone())).expect("a valid command"));
        });
        let mut looks: f64 = 0.0;
        while workspace.active().map(|d| d.revision()) == before || !workspace.is_idle() {
            assert!(start.elapsed() < PATIENCE, "{what}: it did not come");
            looks = looks.max(timed(&mut || workspace.poll()));
            std::thread::sleep(Duration::from_millis(1));
        }
        let all = start.elapsed().as_secs_f64() * 1e3;
        println!(
            "{what:<34} {command:>8.2} command, {looks:>8.2} worst look, {all:>8.0} until it is on the disk"
        );
    }
}

fn still_trains(window: &Window) {
    let training = window.workspace().training().is_some_and(|t| t.is_under_way());
    assert!(training, "the run ended before the frames did; the numbers say nothing");
}

/// A workspace with a sample and its prediction; where `training`, with a run that outlasts the measurement.
fn scene(sample: &str, training: bool) -> Workspace {
    let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).expect("threads");
    let options = WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() };
    let mut workspace = Workspace::with_options(engine, options).expect("threads");
    let apply = |workspace: &mut Workspace, command| workspace.apply(command).expect("a valid command");
    apply(&mut workspace, Command::Open(format!("sample:{sample}").into()));
    assert!(workspace.wait_until(PATIENCE, |w| w.active().is_some()), "the sample did not open");
    let id = workspace.active().expect("it is open").id();
    workspace.look_at(id, 0);
    assert!(workspace.wait_until(PATIENCE, |w| w.prediction(id, 0).is_some()), "no prediction came");
    if training {
        apply(&mut workspace, Command::Edit(EditCommand::Accept { scope: AcceptScope::Volume }));
        assert!(
            workspace.wait_until(PATIENCE, |w| w.activities().next().is_none()),
            "no volume was predicted"
        );
        for z in 0..5 {
            apply(&mut workspace, Command::Edit(EditCommand::SetVerified { z, on: true }));
        }
        let options = TrainOptions { steps: Some(100_000), ..TrainOptions::default() };
        apply(&mut workspace, Command::Train(TrainCommand::Start(options)));
        let learns = |w: &Workspace| w.training().is_some_and(|t| t.steps()[0] > 0);
        assert!(workspace.wait_until(PATIENCE, learns), "training did not begin");
    }
    workspace
}

/// The window without a screen: its context, and the time that it believes.
struct Window {
    ctx: Context,
    app: App,
    frames: u32,
}

impl Window {
    /// Also the milliseconds of its first frame.
    fn open(workspace: Workspace) -> (Self, f64) {
        let start = Instant::now();
        let ctx = Context::default();
        ui::install(&ctx);
        let mut window = Self { ctx, app: App::on(workspace, None), frames: 0 };
        window.frame(Vec::new());
        (window, start.elapsed().as_secs_f64() * 1e3)
    }

    /// Milliseconds of one frame, from its input to its triangles.
    fn frame(&mut self, events: Vec<Event>) -> f64 {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE.into())),
            time: Some(f64::from(self.frames) / 60.0),
            events,
            focused: true,
            ..RawInput::default()
        };
        self.frames += 1;
        let start = Instant::now();
        let output = self.ctx.run_ui(input, |ui| self.app.frame(ui));
        let triangles = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        let millis = start.elapsed().as_secs_f64() * 1e3;
        assert!(!triangles.is_empty(), "nothing was drawn");
        millis
    }

    fn workspace(&self) -> &Workspace {
        self.app.workspace().expect("it is open")
    }
}

/// The keys of one slice on or back, by turns of four.
fn on_and_back(i: usize) -> Key {
    if (i / 4).is_multiple_of(2) { Key::ArrowUp } else { Key::ArrowDown }
}

/// Milliseconds of each frame in which a key leads one slice on or back; the frames in which it comes up are not counted.
fn scroll(window: &mut Window, frames: usize) -> Vec<f64> {
    let millis = (0..frames).map(|i| {
        let key = |pressed| Event::Key {
            key: on_and_back(i),
            physical_key: None,
            pressed,
            repeat: false,
            modifiers: Modifiers::NONE,
        };
        let before = window.workspace().active().map(|document| document.cursor());
        let millis = window.frame(vec![key(true)]);
        window.frame(vec![key(false)]);
        let after = window.workspace().active().map(|document| document.cursor());
        assert_ne!(before, after, "the key did nothing");
        millis
    });
    millis.collect()
}

/// Milliseconds of each frame with the drawing on the graphics device and the picture read back. The harness draws one frame
/// for the key that goes down and one for the same key that comes up.
fn drawn(workspace: Workspace) -> Vec<f64> {
    let setup = WgpuSetup::CreateNew(device::wgpu_setup());
    let graphics = egui_kittest::wgpu::create_render_state(setup, RendererOptions::PREDICTABLE);
    SliceRenderer::install(&graphics);
    let app = App::on(workspace, Some(graphics.clone()));
    let mut harness = Harness::builder()
        .with_size(SIZE)
        .with_context_setup(ui::install)
        .renderer(WgpuTestRenderer::from_render_state(graphics))
        .build_ui_state(|ui, app: &mut App| app.frame(ui), app);
    let millis = (0..DRAWN).map(|i| {
        harness.key_press(on_and_back(i));
        let start = Instant::now();
        harness.step();
        harness.render().expect("a picture");
        start.elapsed().as_secs_f64() * 1e3
    });
    millis.collect()
}

/// In the 3-D view of a window of [`SIZE`].
const LABELS: Pos2 = pos2(872.0, 674.0);

/// Milliseconds of each frame while the pointer turns the labels.
fn turn(window: &mut Window, frames: usize) -> Vec<f64> {
    let start = Instant::now();
    while window.workspace().surface().is_none_or(|surface| surface.is_empty()) {
        assert!(start.elapsed() < PATIENCE, "no surface came");
        window.frame(Vec::new());
    }
    let press = |pressed| Event::PointerButton {
        pos: LABELS,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.frame(vec![Event::PointerMoved(LABELS)]);
    window.frame(vec![press(true)]);
    let millis = (0..frames)
        .map(|i| {
            let to = LABELS + vec2((i % 80) as f32 - 40.0, (i / 80) as f32);
            window.frame(vec![Event::PointerMoved(to)])
        })
        .collect();
    window.frame(vec![press(false)]);
    millis
}

fn report(what: &str, mut millis: Vec<f64>) {
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis[((millis.len() - 1) as f64 * share) as usize];
    println!(
        "{what:<34} {:>8.2} ms median, {:.2} ms p95, {:.2} ms worst of {}",
        at(0.5),
        at(0.95),
        at(1.0),
        millis.len()
    );
}
