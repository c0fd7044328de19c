//! The window without a display: keys and mouse through egui, what comes of them read from the workspace.

mod compare;
mod drawing;
mod effects;
mod files;
mod frame;
mod keys;
mod labels;
mod learn;
mod library;
mod long_states;
mod measuring;
mod other_image;
mod pictures;
mod prediction;
mod renaming;
mod review;
mod room;
mod states;
mod still;
mod surface;
mod tools;
mod unsaved;
mod whole;

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2, vec2};
use egui_kittest::{Harness, Node, kittest::NodeT, kittest::Queryable, wgpu::WgpuTestRenderer};
use egui_wgpu::{RenderState, RendererOptions, WgpuSetup};
use fovea::{
    engine::{Engine, EngineOptions},
    gpu::{SliceRenderer, SurfaceRenderer, device},
    nn::{self, DeviceChoice},
    ui::{self, App},
    workspace::{Command, Document, ModelCommand, Place, Workspace, WorkspaceOptions},
};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const SIZE: [f32; 2] = [1280.0, 800.0];

/// Over the large view's middle.
const MIDDLE: Pos2 = pos2(480.0, 420.0);

struct Window {
    harness: Harness<'static, App>,
}

impl Window {
    fn on(sample: &str) -> Self {
        Self::with(sample, None, None)
    }

    /// `model` instead of the one that the sample opens with.
    fn with(sample: &str, model: Option<&str>, graphics: Option<RenderState>) -> Self {
        let mut workspace = workspace(EngineOptions::headless(DeviceChoice::Cpu));
        workspace.apply(Command::Open(format!("sample:{sample}").into())).unwrap();
        if let Some(model) = model {
            assert!(workspace.wait_until(Duration::from_secs(120), |w| w.active().is_some()));
            let version = Some(model.to_owned());
            workspace.apply(Command::Model(ModelCommand::Use { version })).unwrap();
        }
        let mut this = Self::of(workspace, SIZE, graphics);
        this.until("the sample is open", |w| w.active().is_some());
        this.steps(3);
        this
    }

    /// On a workspace, in a window of this size.
    fn of(workspace: Workspace, size: [f32; 2], graphics: Option<RenderState>) -> Self {
        let mut builder = Harness::builder().with_size(size).with_context_setup(ui::install);
        if let Some(graphics) = &graphics {
            builder = builder.renderer(WgpuTestRenderer::from_render_state(graphics.clone()));
        }
        let app = App::on(workspace, graphics);
        let harness = builder.build_ui_state(|ui, app: &mut App| app.frame(ui), app);
        Self { harness }
    }

    /// Frames, until something is so.
    fn until(&mut self, what: &str, is_so: impl Fn(&Workspace) -> bool) {
        let end = Instant::now() + Duration::from_secs(120);
        while !self.harness.state().workspace().is_some_and(&is_so) {
            assert!(Instant::now() < end, "after 120 s still not: {what}");
            std::thread::sleep(Duration::from_millis(5));
            self.harness.step();
        }
    }

    fn steps(&mut self, frames: usize) {
        for _ in 0..frames {
            self.harness.step();
        }
    }

    fn document(&self) -> &Document {
        self.workspace().active().expect("an image is open")
    }

    fn press(&mut self, key: Key) {
        self.press_with(Modifiers::NONE, key);
    }

    fn press_with(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.steps(2);
    }

    fn drag(&mut self, from: Pos2, to: Pos2) {
        self.draw(PointerButton::Primary, &[from, to]);
    }

    /// Presses a button at the first point, moves through the others in small steps, and releases.
    fn draw(&mut self, button: PointerButton, points: &[Pos2]) {
        let (first, last) = (points[0], points[points.len() - 1]);
        self.button(button, first, true);
        for leg in points.windows(2) {
            for i in 1..=8 {
                self.harness.event(Event::PointerMoved(leg[0].lerp(leg[1], i as f32 / 8.0)));
                self.harness.step();
            }
        }
        self.button(button, last, false);
        self.steps(1);
    }

    fn button(&mut self, button: PointerButton, pos: Pos2, pressed: bool) {
        self.harness.event(Event::PointerMoved(pos));
        self.harness.step();
        self.harness.event(Event::PointerButton { pos, button, pressed, modifiers: Modifiers::NONE });
        self.harness.step();
    }

    /// Clicks the widget of this name.
    fn click(&mut self, name: &str) {
        self.harness.get_by_label(name).click();
        self.steps(3);
    }

    /// The button of the panel Learn that begins a run, whatever time is written on it; enabled or not.
    fn press_learn(&mut self) {
        let is_it = |label: &str| label == "Learn" || label.starts_with("Learn, a");
        let labels = |node: &Node| node.accesskit_node().label().is_some_and(|label| is_it(label.as_ref()));
        let buttons = self.harness.query_all_by_role(Role::Button);
        let found: Vec<Node> = buttons.filter(labels).collect();
        assert_eq!(found.len(), 1, "one button begins a run");
        found[0].click();
        self.steps(3);
    }

    /// Uses an untrained network, by the model library.
    fn network(&mut self, id: &str) {
        self.click("Model");
        self.harness.event(Event::Text(id.to_owned()));
        self.steps(3);
        let spec = nn::find(id).expect("a network of the registry");
        self.harness.get_by_role_and_label(Role::ListItem, spec.title).click();
        self.steps(3);
        self.press(Key::Enter);
        self.until("the network is in use", |w| {
            let model = w.active().and_then(|d| d.model()).and_then(|v| w.model(v));
            model.is_some_and(|m| m.is_untrained())
        });
        self.steps(3);
    }

    fn workspace(&self) -> &Workspace {
        self.harness.state().workspace().expect("it is there")
    }

    /// Frames, until all that was asked for is done.
    fn settle(&mut self) {
        self.until("all is done", |w| w.is_idle());
        self.steps(2);
    }

    fn painted(&self) -> usize {
        self.document().mask().counts().values().sum()
    }
}

/// Without a place for project files.
fn workspace(engine: EngineOptions) -> Workspace {
    // A sample's mask is saved where the program was started, which for tests is among its sources.
    static STARTED_IN: OnceLock<TempDir> = OnceLock::new();
    let folder = STARTED_IN.get_or_init(|| tempfile::tempdir().unwrap());
    std::env::set_current_dir(folder).unwrap();
    let options = WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() };
    Workspace::with_options(Engine::start(engine).unwrap(), options).unwrap()
}

#[test]
fn a_stroke_paints_and_undo_takes_it_back() {
    let mut window = Window::on("fundus");
    window.press(Key::B);
    assert_eq!(window.painted(), 0);
    window.drag(MIDDLE, MIDDLE + vec2(120.0, 0.0));
    let painted = window.painted();
    assert!(painted > 50, "the brush painted {painted} pixels");
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.painted(), 0);
    window.press_with(Modifiers::COMMAND, Key::Y);
    assert_eq!(window.painted(), painted);
}

#[test]
fn escape_leaves_a_stroke_without_a_trace() {
    let mut window = Window::on("fundus");
    window.press(Key::B);
    let button = |pressed| Event::PointerButton {
        pos: MIDDLE,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.harness.event(Event::PointerMoved(MIDDLE));
    window.harness.step();
    window.harness.event(button(true));
    window.steps(2);
    window.harness.event(Event::PointerMoved(MIDDLE + vec2(60.0, 20.0)));
    window.steps(2);
    assert!(window.painted() > 0, "a stroke shows while it is drawn");
    window.press(Key::Escape);
    window.harness.event(button(false));
    window.steps(2);
    assert_eq!(window.painted(), 0);
    assert!(!window.document().can_undo());
}

#[test]
fn keys_and_wheel_move_through_the_slices() {
    let mut window = Window::on("oct");
    let start = window.document().cursor()[2];
    window.press(Key::ArrowDown);
    assert_eq!(window.document().cursor()[2], start + 1);
    window.press_with(Modifiers::SHIFT, Key::PageUp);
    assert_eq!(window.document().cursor()[2], start - 4);
    window.press(Key::Home);
    assert_eq!(window.document().cursor()[2], 0);
    window.press(Key::ArrowUp);
    assert_eq!(window.document().cursor()[2], 0, "there is nothing before the first slice");
    window.press(Key::End);
    assert_eq!(window.document().cursor()[2], window.document().depth() - 1);
}

#[test]
fn a_prediction_is_accepted_and_a_verified_slice_is_left_alone() {
    let mut window = Window::on("oct");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.steps(2);
    window.press(Key::Enter);
    window.until("the prediction is in the mask", |w| w.active().is_some_and(|d| !d.mask().is_empty()));
    let accepted = window.painted();
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.painted(), 0);
    let z = window.document().cursor()[2];
    window.press_with(Modifiers::COMMAND, Key::Enter);
    assert!(window.document().is_verified(z));
    window.press(Key::Enter);
    window.steps(20);
    assert_eq!(window.painted(), 0, "a model changed {accepted} pixels of a verified slice");
}

#[test]
fn the_list_of_keys_is_a_key_away() {
    let mut window = Window::on("fundus");
    let listed = |window: &Window| window.harness.query_by_label_contains("Next slice: Down").is_some();
    assert!(!listed(&window), "the list is not open yet");
    window.press(Key::F1);
    assert!(listed(&window));
    window.press(Key::Escape);
    window.steps(20);
    assert!(!listed(&window), "Escape closes the list");
}

/// A graphics device for a window; `None` (said aloud) without an adapter.
fn graphics() -> Option<RenderState> {
    if nn::adapters().is_empty() {
        fovea::testing::lacking(
            "FOVEA_REQUIRE_GPU",
            "there is no graphics adapter to draw the window on (Debian: libvulkan1 and mesa-vulkan-drivers)",
        );
        return None;
    }
    let setup = WgpuSetup::CreateNew(device::wgpu_setup());
    let graphics = egui_kittest::wgpu::create_render_state(setup, RendererOptions::PREDICTABLE);
    SliceRenderer::install(&graphics);
    SurfaceRenderer::install(&graphics);
    Some(graphics)
}

#[test]
fn the_window_shows_the_picture() {
    let Some(graphics) = graphics() else { return };
    let mut window = Window::with("fundus", None, Some(graphics.clone()));
    let picture = window.harness.render().unwrap();
    let [red, green, blue, _] = picture.get_pixel(MIDDLE.x as u32, MIDDLE.y as u32).0;
    assert!(red > 100 && red > green && green > blue, "no fundus in the middle: {red} {green} {blue}");
    assert_eq!(SliceRenderer::take_errors(&graphics), []);
}
