//! Every line of the list of keys, pressed: it changes what it says, and nothing else.

use super::App;
use crate::engine::{Engine, EngineOptions};
use crate::nn::DeviceChoice;
use crate::ui::arrangement::Arrangement;
use crate::ui::keys::{KeyCommand, Scope, keys};
use crate::ui::view_state::{Layout, Pane};
use crate::ui::{install, theme};
use crate::workspace::{Command, EditCommand, LabelCommand, Place, Workspace, WorkspaceOptions};
use egui::{Context, Event, KeyboardShortcut, Pos2, RawInput, Rect, ViewportCommand, ViewportId, vec2};
use std::collections::BTreeMap;
use std::time::Duration;

use KeyCommand as C;

/// What is to be seen of the window, each under a name.
type Facts = BTreeMap<&'static str, String>;

struct Bench {
    ctx: Context,
    app: App,
    time: f64,
    closes: bool,
}

impl Bench {
    /// A window in its first state on a workspace.
    fn on(workspace: Workspace) -> Self {
        let ctx = Context::default();
        install(&ctx);
        let mut this = Self { ctx, app: App::on(workspace, None), time: 0.0, closes: false };
        this.frames(3);
        this
    }

    fn frame(&mut self, events: Vec<Event>) {
        self.time += 0.02;
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(1280.0, 800.0)));
        let input =
            RawInput { events, screen_rect, time: Some(self.time), focused: true, ..RawInput::default() };
        let app = &mut self.app;
        let output = self.ctx.run_ui(input, |ui| app.frame(ui));
        self.closes |= output.viewport_output[&ViewportId::ROOT].commands.contains(&ViewportCommand::Close);
    }

    fn frames(&mut self, count: usize) {
        (0..count).for_each(|_| self.frame(Vec::new()));
    }

    /// Presses and releases, and waits for what comes of it.
    fn press(&mut self, shortcut: &KeyboardShortcut) {
        let mut modifiers = shortcut.modifiers;
        modifiers.ctrl |= modifiers.command;
        let key = |pressed| Event::Key {
            key: shortcut.logical_key,
            physical_key: None,
            pressed,
            repeat: false,
            modifiers,
        };
        self.frame(vec![key(true)]);
        self.frame(vec![key(false)]);
        self.settle();
    }

    fn settle(&mut self) {
        let app = &mut self.app;
        let workspace = app.workspace.as_mut().unwrap();
        assert!(workspace.wait_until(Duration::from_secs(60), Workspace::is_idle));
        self.frames(3);
    }

    fn apply(&mut self, command: Command) {
        self.app.workspace.as_mut().unwrap().apply(command).unwrap();
        self.settle();
    }

    fn facts(&mut self) -> Facts {
        let App { workspace, view_state, toolbox, shell, .. } = &mut self.app;
        let workspace = workspace.as_ref().unwrap();
        let Some(document) = workspace.active() else {
            return Facts::from([("images", workspace.documents().len().to_string())]);
        };
        let image = view_state.image(document);
        let (verified, cursor) = (document.verified(), document.cursor());
        let words = [
            ("images", workspace.documents().len().to_string()),
            ("image", document.name().to_owned()),
            ("slice", cursor[2].to_string()),
            ("layout", format!("{:?}", image.layout)),
            ("place in the view", format!("{:?}", image.planes)),
            ("window", format!("{:?}", image.tone.window)),
            ("inverted", image.tone.invert.to_string()),
            ("rejected", format!("{:?}", image.rejected)),
            ("mask shown", view_state.mask_shown.to_string()),
            ("mask strength", view_state.mask_opacity.to_string()),
            ("areas", view_state.area.title().to_owned()),
            ("heat", view_state.heat.to_string()),
            ("difference", view_state.difference.to_string()),
            ("suggestions", view_state.suggests.to_string()),
            ("crosshair", view_state.crosshair.to_string()),
            ("pixels", format!("{:?}", view_state.filter)),
            ("windowing", view_state.windowing.to_string()),
            ("tool", toolbox.tool().id.to_owned()),
            ("radius", toolbox.options.radius(document.volume().grid()).to_string()),
            ("label", document.selected_label().to_string()),
            ("labels", document.labels().iter().count().to_string()),
            ("mask", document.mask_hash()),
            ("verified", format!("{verified:?}")),
            ("undo", format!("{:?}", document.undo_title())),
            ("workspace", shell.arrangement.title().to_owned()),
            ("panel", shell.side.is_shown(1280.0).to_string()),
            ("front", shell.side.front(shell.arrangement).to_owned()),
            ("find", shell.find.is_open().to_string()),
            ("library", shell.library.is_open().to_string()),
            ("keys", shell.help.is_open().to_string()),
            ("messages", shell.notices.messages.shown.to_string()),
            ("dialog", shell.dialogs.is_open().to_string()),
            ("leaves", (self.closes || shell.closing.is_open()).to_string()),
            ("theme", format!("{:?}", self.ctx.theme())),
            ("scale", self.ctx.zoom_factor().to_string()),
            ("motion", theme::is_motion_reduced(&self.ctx).to_string()),
            ("keyboard", format!("{:?}", self.ctx.memory(|memory| memory.focused()).is_some())),
        ];
        words.into()
    }
}

const EVERYTHING: &str = "everything";

/// What a command changes; the first always, the others as it comes.
fn changes(command: KeyCommand) -> &'static [&'static str] {
    match command {
        C::Slice(_) | C::FirstSlice | C::LastSlice | C::Queue(_) => &["slice"],
        C::Fit | C::CenterOnCrosshair => &["place in the view"],
        C::NextLayout => &["layout", "place in the view"],
        // What compares has a panel of its own.
        C::Layout(_) => &["layout", "place in the view", "front"],
        C::Crosshair => &["crosshair"],
        C::Filter => &["pixels"],
        C::Preset(_) => &["window"],
        C::Invert => &["inverted"],
        C::HideMask => &["mask shown"],
        C::MaskOpacity(_) => &["mask strength"],
        C::MaskStyle => &["areas"],
        C::HeatMap => &["heat"],
        C::Difference => &["difference"],
        C::Tool(_) | C::SwapBrushEraser => &["tool"],
        C::Effect(_) => &["front"],
        C::WindowMode => &["windowing"],
        C::BrushSize(_) => &["radius"],
        C::Label(_) | C::LabelNumber(_) => &["label"],
        C::NewLabel => &["labels", "label", "front", "undo"],
        C::NameLabel => &["keyboard", "front"],
        C::Accept(_) => &["mask", "undo", "labels", "label"],
        C::Reject => &["rejected"],
        C::Verify => &["verified", "undo"],
        C::CopyFrom(_) => &["mask", "undo"],
        C::Undo | C::Redo => &["mask", "undo", "slice"],
        C::OpenFile | C::OpenFolder | C::Save | C::Export => &["dialog", "keyboard"],
        C::CloseImage => &["leaves"],
        C::Quit => &["leaves"],
        // With the image come its own slice, labels and history.
        C::Image(_) => &["image", EVERYTHING],
        C::Arrange(_) => &["workspace", "front"],
        C::Find => &["find", "keyboard"],
        C::Models => &["library", "keyboard"],
        C::Panel => &["panel"],
        C::AcceptVerifyNext => &["verified", "mask", "undo", "slice", "labels", "label"],
        C::Scale(_) => &["scale"],
        C::Theme => &["theme"],
        C::ReduceMotion => &["motion"],
        C::Suggest => &["suggestions"],
        C::Part(_) => &["keyboard"],
        C::Messages => &["messages"],
        C::Help => &["keys", "keyboard"],
        // Cancels what is being drawn: tests/ui says what that means.
        C::Abort => &[],
    }
}

/// Of the CT, with organs on it and on its neighbours.
const SLICE: usize = 24;

/// What a command needs so that it has something to change.
fn prepare(bench: &mut Bench, command: KeyCommand) {
    let app = &mut bench.app;
    let document = app.workspace.as_ref().unwrap().active().unwrap();
    let image = app.view_state.image(document);
    match command {
        C::Fit => image.planes[document.native_plane() as usize].magnify = 3.0,
        // Another than the one that is to come.
        C::Layout(0) => image.layout = Layout::Four,
        C::Layout(_) => image.layout = Layout::One(Pane::Plane(document.native_plane())),
        C::Preset(_) => image.tone.window.width += 1.0,
        C::BrushSize(_) => _ = app.toolbox.select(crate::tools::find("brush").unwrap()),
        C::Tool("navigate") => _ = app.toolbox.select(crate::tools::find("brush").unwrap()),
        C::Redo => bench.apply(Command::Edit(EditCommand::Undo)),
        C::Scale(-1 | 0) => bench.ctx.set_zoom_factor(1.5),
        C::Arrange(Arrangement::Label) => app.shell.arrangement = Arrangement::Review,
        C::AcceptVerifyNext => {
            app.shell.arrangement = Arrangement::Review;
            app.shell.side.bring_to_front(Arrangement::Review, "queue");
        }
        C::LabelNumber(at) => {
            // One that is not the wanted one.
            let other = document.labels().iter().nth(usize::from(at == 0)).unwrap().id;
            bench.apply(Command::Labels(LabelCommand::Select(other)));
        }
        _ => {}
    }
    bench.frames(3);
}

/// A CT with a dozen labels and some strokes, predicted around the middle, and a second image beside it.
fn workspace() -> Workspace {
    let options = WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() };
    let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
    let mut workspace = Workspace::with_options(engine, options).unwrap();
    let until = |workspace: &mut Workspace, is_so: &dyn Fn(&Workspace) -> bool| {
        assert!(workspace.wait_until(Duration::from_secs(120), is_so));
    };
    for sample in ["sample:fundus", "sample:ct"] {
        let count = workspace.documents().len();
        workspace.apply(Command::Open(sample.into())).unwrap();
        until(&mut workspace, &|w| w.documents().len() > count && w.is_idle());
    }
    let [w, h, _] = workspace.active().unwrap().volume().dims();
    workspace.apply(Command::Cursor([w / 2, h / 2, SLICE])).unwrap();
    let id = workspace.active().unwrap().id();
    workspace.look_at(id, SLICE);
    until(&mut workspace, &|w| (SLICE - 1..=SLICE + 1).all(|z| w.prediction(id, z).is_some()));
    for n in 0..9 {
        workspace.apply(Command::Labels(LabelCommand::Add { name: format!("part {n}") })).unwrap();
    }
    // Neighbours have other labels than the slice in front, and the last step can be undone.
    for z in [SLICE + 1, SLICE - 1] {
        workspace
            .apply(Command::Edit(EditCommand::Accept { scope: crate::workspace::AcceptScope::Slice(z) }))
            .unwrap();
        until(&mut workspace, &Workspace::is_idle);
    }
    workspace
}

#[test]
fn every_key_changes_what_it_says_and_nothing_else() {
    let (mut left, mut wrong) = (Some(workspace()), Vec::new());
    for line in keys(&Context::default()).lines().to_vec() {
        let Some(shortcut) = line.keys.first() else { continue };
        let mut bench = Bench::on(left.take().unwrap());
        prepare(&mut bench, line.command);
        bench.settle();
        let before = bench.facts();
        bench.press(shortcut);
        let after = bench.facts();
        let name = format!("{} ({shortcut:?})", line.title);
        let expected = changes(line.command);
        for (fact, now) in &after {
            let changed = before.get(fact) != Some(now);
            if expected.first() == Some(fact) && !changed {
                wrong.push(format!("{name} leaves “{fact}” as it was: {now}"));
            } else if changed && !expected.contains(fact) && !expected.contains(&EVERYTHING) {
                wrong.push(format!("{name} changes “{fact}” to {now}"));
            }
        }
        says(&name, line.command, &before, &after);
        // What it has done is taken back, as far as it would stand in the way of the next.
        let mut workspace = bench.app.workspace.take().unwrap();
        if let C::NewLabel | C::Accept(_) | C::AcceptVerifyNext | C::CopyFrom(_) | C::Verify = line.command {
            workspace.apply(Command::Edit(EditCommand::Undo)).unwrap();
        }
        if line.command == C::Undo {
            workspace.apply(Command::Edit(EditCommand::Redo)).unwrap();
        }
        let ct = workspace.documents().iter().find(|d| d.depth() > 1).unwrap();
        let (id, [w, h, _]) = (ct.id(), ct.volume().dims());
        workspace.apply(Command::Activate(id)).unwrap();
        workspace.apply(Command::Cursor([w / 2, h / 2, SLICE])).unwrap();
        left = Some(workspace);
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Which way it changes, where there are several.
fn says(name: &str, command: KeyCommand, before: &Facts, after: &Facts) {
    let number = |facts: &Facts, fact| facts[fact].parse::<f64>().unwrap();
    let by = |fact| number(after, fact) - number(before, fact);
    match command {
        C::Slice(by_slices) => assert_eq!(by("slice"), by_slices as f64, "{name}"),
        C::FirstSlice => assert_eq!(after["slice"], "0", "{name}"),
        C::MaskOpacity(more) => assert_eq!(by("mask strength") > 0.0, more > 0.0, "{name}"),
        C::BrushSize(times) => assert_eq!(by("radius") > 0.0, times > 1.0, "{name}"),
        C::Tool(id) => assert_eq!(after["tool"], id, "{name}"),
        C::Arrange(arrangement) => assert_eq!(after["workspace"], arrangement.title(), "{name}"),
        C::Scale(1) => assert!(by("scale") > 0.0, "{name}"),
        C::Scale(-1) => assert!(by("scale") < 0.0, "{name}"),
        C::Scale(0) => assert_eq!(after["scale"], "1", "{name}"),
        C::Queue(steps) => assert_eq!(by("slice"), steps as f64, "{name}"),
        C::Accept(Scope::Slice) => assert_eq!(after["verified"], before["verified"], "{name}"),
        _ => {}
    }
}
