//! What each key does.

use super::arrangement::Arrangement;
use super::keys::keys;
use super::keys::{KeyCommand, Scope};
use super::outbox::{Outbox, Question, Request};
use super::panels::labels::free_name;
use super::panels::queue::Step;
use super::shell::Shell;
use super::tap::TAP_SECS;
use super::view_state::{Drawn, ViewState, can_apply, layouts};
use super::views;
use super::welcome;
use crate::edit::effects;
use crate::geom::Plane;
use crate::gpu::Filter;
use crate::label::LabelId;
use crate::tools::{self, Input, Modifiers, PointerEvent, Toolbox};
use crate::volume::presets;
use crate::workspace::{AcceptScope, Command, Document, EditCommand, LabelCommand, SaveState, Workspace};
use glam::DVec3;

impl Shell {
    pub fn dispatch(
        &mut self,
        command: KeyCommand,
        workspace: &Workspace,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        match command {
            KeyCommand::OpenFile => out.ask(Question::OpenFile),
            KeyCommand::OpenFolder => out.ask(Question::OpenFolder),
            KeyCommand::Theme
            | KeyCommand::Quit
            | KeyCommand::Scale(_)
            | KeyCommand::Panel
            | KeyCommand::ReduceMotion
            | KeyCommand::Suggest
            | KeyCommand::Part(_) => out.key(command),
            KeyCommand::Find => self.find.open(),
            KeyCommand::Models => out.requests.push(Request::Models),
            KeyCommand::Help => self.help.open(),
            KeyCommand::Messages => self.notices.messages.shown = true,
            _ => match workspace.active() {
                Some(document) => self.on_document(command, workspace, document, view_state, toolbox, out),
                // The keys of labels are those of the start screen.
                None => {
                    if let KeyCommand::LabelNumber(index) = command {
                        welcome::begin(index, out);
                    }
                }
            },
        }
    }

    fn on_document(
        &mut self,
        command: KeyCommand,
        workspace: &Workspace,
        document: &Document,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        let z = document.cursor()[2];
        match command {
            // A tool that has something under way hears these first.
            KeyCommand::Abort if !toolbox.busy() && view_state.leave_effect(document) => {}
            KeyCommand::Abort if !toolbox.busy() && view_state.leave_comparison(document) => {}
            KeyCommand::Abort => self.tool_key(Input::Escape, document, view_state, toolbox, out),
            KeyCommand::Accept(Scope::Slice) if toolbox.busy() => {
                self.tool_key(Input::Enter, document, view_state, toolbox, out);
            }
            KeyCommand::Reject if toolbox.busy() => {
                self.tool_key(Input::Backspace, document, view_state, toolbox, out);
            }
            KeyCommand::BrushSize(factor) => {
                let input = if factor > 1.0 { Input::Grow } else { Input::Shrink };
                self.tool_key(input, document, view_state, toolbox, out);
            }
            KeyCommand::Tool(id) => {
                view_state.windowing = false;
                if let Some(tool) = tools::find(id) {
                    let actions = toolbox.select(tool);
                    self.views.pointer.take(actions, out);
                }
            }
            KeyCommand::Effect(id) => {
                let begun = |effect| Request::Effect { effect, scope: None, at_once: false };
                out.requests.extend(effects::effect(id).map(begun));
            }
            KeyCommand::WindowMode => {
                let actions = toolbox.cancel();
                self.views.pointer.take(actions, out);
                view_state.windowing = !view_state.windowing;
            }
            KeyCommand::SwapBrushEraser => {
                view_state.windowing = false;
                let actions = toolbox.swap();
                self.views.pointer.take(actions, out);
            }
            KeyCommand::Accept(scope) => self.accept(scope, workspace, document, view_state, out),
            KeyCommand::Reject => reject(document, view_state, z),
            KeyCommand::Verify => out.edit(EditCommand::SetVerified { z, on: !document.is_verified(z) }),
            KeyCommand::CopyFrom(by) => {
                let from = z as i64 + by;
                if (0..document.depth() as i64).contains(&from) {
                    out.edit(EditCommand::CopySlice { from: from as usize, to: z });
                }
            }
            KeyCommand::Queue(by) if view_state.is_comparing(document) => {
                view_state.compare_key(by, workspace, out);
            }
            KeyCommand::Undo => out.edit(EditCommand::Undo),
            KeyCommand::Redo => out.edit(EditCommand::Redo),
            KeyCommand::Save => self.save(document, out),
            KeyCommand::Arrange(arrangement) => self.arrangement = arrangement,
            KeyCommand::Export => out.ask(Question::Export),
            KeyCommand::CloseImage => out.command(Command::Close(document.id())),
            KeyCommand::Image(by) => {
                let documents = workspace.documents();
                let at = documents.iter().position(|d| d.id() == document.id()).unwrap_or(0) as i64;
                let next = (at + by).rem_euclid(documents.len() as i64) as usize;
                out.command(Command::Activate(documents[next].id()));
            }
            // The tap of the key: `Shell::tap_to_go_on`.
            KeyCommand::AcceptVerifyNext => {}
            KeyCommand::NameLabel => {
                self.show_panel("labels");
                self.names = true;
            }
            KeyCommand::NewLabel => {
                let name = free_name(document);
                out.command(Command::Labels(LabelCommand::Add { name }));
                self.show_panel("labels");
            }
            KeyCommand::Label(by) => select_label(document, by, out),
            KeyCommand::LabelNumber(index) => {
                if let Some(label) = document.labels().iter().nth(index) {
                    out.command(Command::Labels(LabelCommand::Select(label.id)));
                }
            }
            KeyCommand::Slice(_)
            | KeyCommand::FirstSlice
            | KeyCommand::LastSlice
            | KeyCommand::Queue(_)
            | KeyCommand::Fit
            | KeyCommand::CenterOnCrosshair
            | KeyCommand::NextLayout
            | KeyCommand::Layout(_) => navigate(command, document, view_state, out),
            _ => change_view_state(command, document, view_state),
        }
    }

    /// Takes what is drawn over the mask into it, where it can be.
    fn accept(
        &mut self,
        scope: Scope,
        workspace: &Workspace,
        document: &Document,
        view_state: &mut ViewState,
        out: &mut Outbox,
    ) {
        let its_panel = self.side.front(self.arrangement) == "effect";
        if view_state.drawn(document) == Drawn::Effect && scope == Scope::Slice && its_panel {
            return match can_apply(workspace) {
                Ok(()) => view_state.apply_effect(document, out),
                Err(why) => self.notices.tell(why),
            };
        }
        if let Err(why) = view_state.can_accept(document) {
            return self.notices.tell(why);
        }
        let scope = match scope {
            Scope::Slice => AcceptScope::Slice(document.cursor()[2]),
            Scope::Volume => AcceptScope::Volume,
            Scope::Component => AcceptScope::Component { voxel: document.cursor(), volume: false },
        };
        out.edit(EditCommand::Accept { scope });
    }

    /// Tells the tool of a key, at the place where the pointer was last.
    fn tool_key(
        &mut self,
        input: Input,
        document: &Document,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        let plane = view_state.image(document).focus_plane(document);
        let at = self.views.pointer.last_voxel(plane).unwrap_or_else(|| document.cursor().map(|c| c as f64));
        let event = PointerEvent { input, plane, voxel: at, modifiers: Modifiers::default() };
        let scene = tools::Scene::of(document, 1.0);
        let actions = toolbox.event(&event, &scene);
        self.views.pointer.take(actions, out);
    }

    /// Every finished stroke is on the disk by itself: says so, or asks where to export to if no project is kept.
    fn save(&mut self, document: &Document, out: &mut Outbox) {
        match document.save_state() {
            SaveState::Saved if document.project().is_some() => {
                self.notices.tell("Everything is on disk: each stroke is written when it ends");
            }
            SaveState::Saving(_) => self.notices.tell("The last changes are being written"),
            SaveState::Failing(reason) => self.notices.tell(format!("Not on disk: {reason}")),
            SaveState::Saved | SaveState::NotKept => out.ask(Question::Export),
        }
    }

    /// Space in Review: a tap accepts the prediction, verifies the slice and goes on; held it moves the image, as everywhere.
    pub fn tap_to_go_on(
        &mut self,
        ctx: &egui::Context,
        pressed: bool,
        workspace: &Workspace,
        view_state: &ViewState,
        out: &mut Outbox,
    ) {
        let in_front =
            self.arrangement == Arrangement::Review && self.side.front(self.arrangement) == "queue";
        let listens = in_front && !ctx.text_edit_focused() && self.takes_keys();
        if self.space.is_tapped(ctx, pressed, listens) {
            self.go_on(workspace, view_state, out);
        }
    }

    pub(super) fn go_on(&mut self, workspace: &Workspace, view_state: &ViewState, out: &mut Outbox) {
        let Some(document) = workspace.active() else { return };
        if let Err(why) = go_on(document, workspace, view_state, out) {
            self.notices.tell(why);
        }
    }

    /// As long as its key is held the mask is hidden, or the other of two predictions shown; a tap does so for good. `pressed`: it
    /// went down, without another key.
    pub fn hold_to_hide(
        &mut self,
        ctx: &egui::Context,
        pressed: bool,
        front: Option<&Document>,
        view_state: &mut ViewState,
    ) {
        let (down, now, free) = (
            keys(ctx).is_down(ctx, KeyCommand::HideMask),
            ctx.input(|i| i.time),
            !ctx.text_edit_focused() && self.takes_keys(),
        );
        if pressed {
            self.hiding_since = Some(now);
        }
        view_state.hold(front, false);
        match self.hiding_since {
            Some(_) if down && free => view_state.hold(front, true),
            Some(since) => {
                self.hiding_since = None;
                if now - since < TAP_SECS {
                    view_state.tap(front);
                }
            }
            None => {}
        }
    }
}

/// Does what is due of the slice in front, and goes to the next one that is not verified. Why it verifies nothing, where it
/// does not.
fn go_on(
    document: &Document,
    workspace: &Workspace,
    view_state: &ViewState,
    out: &mut Outbox,
) -> Result<(), &'static str> {
    view_state.can_accept(document)?;
    let z = document.cursor()[2];
    let step = Step::of(workspace, document, view_state);
    match step {
        Step::Wait => {
            return Err("This slice is still being predicted: wait a moment, or reject the prediction");
        }
        Step::Accept => out.edit(EditCommand::AcceptAndVerify { z }),
        Step::Verify | Step::VerifyEmpty => out.edit(EditCommand::SetVerified { z, on: true }),
        Step::Pass | Step::Leave => {}
    }
    next_unverified(document, 1, out);
    if step == Step::Leave {
        return Err("Not verified: the prediction is rejected, and nothing is labelled in that slice");
    }
    Ok(())
}

/// Round the whole volume once, from the slice after this one.
fn next_unverified(document: &Document, by: i64, out: &mut Outbox) {
    let depth = document.depth() as i64;
    let mut cursor = document.cursor();
    let next = (1..depth)
        .map(|step| (cursor[2] as i64 + by * step).rem_euclid(depth) as usize)
        .find(|&z| !document.is_verified(z));
    if let Some(z) = next {
        cursor[2] = z;
        out.command(Command::Cursor(cursor));
    }
}

fn navigate(command: KeyCommand, document: &Document, view_state: &mut ViewState, out: &mut Outbox) {
    let dims = document.volume().dims();
    let image = view_state.image(document);
    let plane = image.focus_plane(document);
    let axis = document.volume().grid().plane_axes(plane).normal.index();
    let cursor = document.cursor();
    match command {
        KeyCommand::Slice(by) => views::move_slice(document, plane, by, out),
        KeyCommand::FirstSlice => views::move_slice(document, plane, -(cursor[axis] as i64), out),
        KeyCommand::LastSlice => views::move_slice(document, plane, dims[axis] as i64, out),
        KeyCommand::Queue(by) => next_unverified(document, by, out),
        KeyCommand::Fit => image.fit(),
        KeyCommand::CenterOnCrosshair => {
            for plane in Plane::ALL {
                let axes = document.volume().grid().plane_axes(plane);
                let (_, pixel) = axes.pixel_of_voxel(dims, DVec3::from(cursor.map(|c| c as f64)));
                image.plane_mut(plane).center = Some(glam::DVec2::from(pixel) + 0.5);
            }
        }
        KeyCommand::Layout(index) => {
            let layout = layouts(document.native_plane()).get(index).map(|(layout, _)| *layout);
            if let Some(layout) = layout.filter(|layout| dims[2] > 1 || !layout.needs_slices()) {
                image.arrange(layout);
            }
        }
        KeyCommand::NextLayout => {
            let focus = image.focus;
            views::maximise(image, focus, dims);
        }
        _ => {}
    }
}

fn change_view_state(command: KeyCommand, document: &Document, view_state: &mut ViewState) {
    match command {
        KeyCommand::Preset(index) => {
            if let Some(preset) = presets(document.volume()).get(index) {
                view_state.image(document).tone.window = preset.window;
            }
        }
        KeyCommand::Invert => {
            let tone = &mut view_state.image(document).tone;
            tone.invert = !tone.invert;
        }
        KeyCommand::MaskOpacity(by) => {
            view_state.mask_opacity = (view_state.mask_opacity + by).clamp(0.0, 1.0)
        }
        KeyCommand::MaskStyle => view_state.area = view_state.area.next(),
        KeyCommand::HeatMap => view_state.heat = !view_state.heat,
        KeyCommand::Difference => view_state.difference = !view_state.difference,
        KeyCommand::Crosshair => view_state.crosshair = !view_state.crosshair,
        KeyCommand::Filter => {
            view_state.filter =
                if view_state.filter == Filter::Smooth { Filter::Nearest } else { Filter::Smooth };
        }
        _ => {}
    }
}

/// Hides the prediction of a slice, or shows it again.
fn reject(document: &Document, view_state: &mut ViewState, z: usize) {
    let Some(version) = view_state.learned.version(document) else { return };
    let key = (version.clone(), z);
    let rejected = &mut view_state.image(document).rejected;
    if !rejected.remove(&key) {
        rejected.insert(key);
    }
}

fn select_label(document: &Document, by: i64, out: &mut Outbox) {
    let ids: Vec<LabelId> = document.labels().iter().map(|l| l.id).collect();
    if ids.is_empty() {
        return;
    }
    let at = ids.iter().position(|&id| id == document.selected_label()).unwrap_or(0) as i64;
    let next = ids[(at + by).rem_euclid(ids.len() as i64) as usize];
    out.command(Command::Labels(LabelCommand::Select(next)));
}
