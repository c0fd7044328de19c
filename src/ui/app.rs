use super::fonts::Fonts;
use super::keyboard::Keyboard;
use super::outbox::{Outbox, Question};
use super::remembered::Memory;
use super::shell::Shell;
use super::view_state::ViewState;
use super::{UiOptions, closing, dialogs, keys};
use crate::engine::{Engine, EngineOptions, JobId, interrupt};
use crate::gpu::{self, SliceRenderer, interop};
use crate::nn::DeviceChoice;
use crate::tools::Toolbox;
use crate::words::capital;
use crate::workspace::{
    Command, CommandError, Document, DocumentId, ModelCommand, Opening, ProjectCommand, Workspace,
};
use eframe::egui_wgpu::RenderState;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// What is needed to start working, once the window shows something.
pub struct Start {
    /// When the program began.
    pub began: Instant,
    pub options: UiOptions,
    pub graphics: Option<RenderState>,
    /// How the window was when it was closed last.
    pub memory: Memory,
}

/// The window's whole state.
pub struct App {
    /// Waits for the first frame.
    start: Option<Start>,
    workspace: Option<Workspace>,
    view_state: ViewState,
    toolbox: Toolbox,
    shell: Shell,
    keyboard: Keyboard,
    fonts: Fonts,
    memory: Memory,
    /// The images whose place was brought back.
    placed: BTreeSet<DocumentId>,
    /// Of several images that the program was started with, the one that is to be looked at.
    first: Option<JobId>,
    graphics: Option<RenderState>,
    /// As the window has it.
    title: String,
    frames: u64,
}

impl App {
    /// An empty window; everything else comes after its first frame.
    pub fn starting(start: Start) -> Self {
        Self {
            graphics: start.graphics.clone(),
            start: Some(start),
            workspace: None,
            view_state: ViewState::default(),
            toolbox: Toolbox::default(),
            shell: Shell::default(),
            keyboard: Keyboard::default(),
            fonts: Fonts::default(),
            memory: Memory::default(),
            placed: BTreeSet::new(),
            first: None,
            title: String::new(),
            frames: 0,
        }
    }

    /// A window on a workspace that exists already.
    pub fn on(workspace: Workspace, graphics: Option<RenderState>) -> Self {
        let memory = Memory::default();
        let start = Start { began: Instant::now(), options: UiOptions::default(), graphics, memory };
        Self { workspace: Some(workspace), start: None, ..Self::starting(start) }
    }

    pub fn workspace(&self) -> Option<&Workspace> {
        self.workspace.as_ref()
    }

    /// Starts the engine and opens what was asked for. Networks, weights and files are read on the engine's threads.
    fn begin(&mut self, ctx: &egui::Context, Start { options, graphics, memory, .. }: Start) {
        memory.restore(ctx, &mut self.shell, &mut self.view_state, &mut self.toolbox);
        self.memory = memory;
        let wake = ctx.clone();
        // The window's device is shared with burn only where burn may compute on it: a software rasteriser counts as no
        // GPU unless it is asked for.
        let software =
            graphics.as_ref().is_none_or(|g| gpu::device::AdapterDescription::of(&g.adapter).software);
        let wanted = match options.device {
            DeviceChoice::Cpu => false,
            DeviceChoice::Gpu => true,
            DeviceChoice::Auto => !software,
        };
        let shared = match graphics
            .as_ref()
            .filter(|_| wanted)
            .map(|g| interop::share(&g.instance, &g.adapter, &g.device, &g.queue))
        {
            Some(Ok(shared)) => Some(shared),
            Some(Err(e)) => {
                self.shell.notices.tell(format!("Networks cannot use the window's graphics device: {e}"));
                None
            }
            None => None,
        };
        let engine = Engine::start(EngineOptions {
            device: options.device,
            gpu: shared,
            export: Some(Box::new(interop::export)),
            wake: Arc::new(move || wake.request_repaint()),
        });
        let mut workspace = match engine.and_then(Workspace::new) {
            Ok(workspace) => workspace,
            Err(e) => {
                self.shell.notices.tell(format!(
                    "The program cannot start its threads: {e}. Close other programs and try again."
                ));
                return;
            }
        };
        for path in options.paths {
            let open = match options.modality {
                None => Command::Open(path),
                modality => Command::OpenWith { path, series: None, modality },
            };
            if let Err(e) = workspace.apply(open) {
                self.shell.notices.tell(e.to_string());
            }
        }
        self.first = workspace.openings().first().map(Opening::job);
        self.workspace = Some(workspace);
        let wake = ctx.clone();
        interrupt::listen_and(move || wake.request_repaint());
    }

    /// One frame.
    pub fn frame(&mut self, ui: &mut egui::Ui) {
        self.frames += 1;
        self.shell.scale.keep_within(ui.ctx());
        self.fonts.install(ui.ctx());
        // The first frame is on screen before anything else begins.
        if self.frames > 1
            && let Some(start) = self.start.take()
        {
            log::info!("the first frame was there after {} ms", start.began.elapsed().as_millis());
            self.begin(&ui.ctx().clone(), start);
        }
        let Some(workspace) = &mut self.workspace else {
            self.shell.show_empty(ui);
            ui.ctx().request_repaint();
            return;
        };
        workspace.poll();
        if workspace.openings().is_empty()
            && let Some(first) = self.first.take()
            && let Some(id) = workspace.documents().iter().find(|d| d.opened_by() == first).map(Document::id)
            && let Err(e) = workspace.apply(Command::Activate(id))
        {
            self.shell.notices.tell(capital(&e.to_string()));
        }
        self.shell.closing.hear(ui.ctx());
        // Where it was left, it goes on.
        if let Some(document) = workspace.active().filter(|d| self.placed.insert(d.id()))
            && let Some(cursor) = self.memory.cursor_of(document.opened())
            && let Err(e) = workspace.apply(Command::Cursor(cursor))
        {
            self.shell.notices.tell(capital(&e.to_string()));
        }
        self.placed.retain(|id| workspace.document(*id).is_some());
        self.view_state.keep_only(|id| workspace.document(id).is_some());
        let mut out = Outbox::default();
        let pressed = self.keyboard.pressed(ui.ctx(), self.shell.takes_keys());
        if self.keyboard.has_refused() {
            self.shell
                .notices
                .tell("Keys go to the selected row of the list: move the pointer over the image first");
        }
        let hides = pressed.contains(&keys::KeyCommand::HideMask);
        for command in pressed {
            self.shell.dispatch(command, workspace, &mut self.view_state, &mut self.toolbox, &mut out);
        }
        self.shell.hold_to_hide(ui.ctx(), hides, workspace.active(), &mut self.view_state);
        let space = self.keyboard.has_space();
        self.shell.tap_to_go_on(ui.ctx(), space, workspace, &self.view_state, &mut out);
        for path in dropped(ui.ctx()) {
            if dialogs::is_model(&path) {
                out.command(Command::Model(ModelCommand::Import { path }));
            } else {
                out.open(path);
            }
        }
        let seen = self.memory.left_off();
        self.shell.show(ui, workspace, &mut self.view_state, &mut self.toolbox, seen, &mut out);
        if let Some(words) = self.fonts.go_on(ui.ctx(), workspace.engine()) {
            self.shell.notices.tell(words);
        }
        self.carry_out(ui.ctx(), out);
        if let Some(workspace) = &self.workspace {
            let Self { shell, view_state, toolbox, memory, .. } = self;
            memory.go_on(ui.ctx(), shell, view_state, toolbox, workspace);
            view_state.begin_with(&memory.now().layouts);
        }
        self.keyboard.end_frame(ui.ctx());
        if let Some(workspace) = &mut self.workspace {
            self.shell.closing.go_on(ui.ctx(), workspace);
        }
        self.title(ui.ctx());
    }

    /// What the frame has asked for.
    fn carry_out(&mut self, ctx: &egui::Context, mut out: Outbox) {
        let Some(workspace) = &mut self.workspace else { return };
        let changed = !(out.first.is_empty()
            && out.commands.is_empty()
            && out.sure.is_empty()
            && out.requests.is_empty());
        for command in std::mem::take(&mut out.first) {
            if let Err(e) = workspace.apply(command) {
                self.shell.notices.tell(capital(&e.to_string()));
            }
        }
        // A request may lead to another, as the click on a button that does what a key does and asks a question.
        while !out.requests.is_empty() {
            for request in std::mem::take(&mut out.requests) {
                self.shell.request(
                    ctx,
                    request,
                    workspace,
                    &mut self.view_state,
                    &mut self.toolbox,
                    &mut out,
                );
            }
        }
        let stopping = &mut self.shell.stopping;
        let mut commands: Vec<Command> = std::mem::take(&mut out.sure);
        commands.extend(stopping.due(workspace));
        commands.extend(out.commands.into_iter().filter_map(|command| stopping.pass(command, workspace)));
        for command in commands {
            let saves = command == Command::Project(ProjectCommand::Save);
            let closes = if let Command::Close(id) = command { Some(id) } else { None };
            let Err(e) = workspace.apply(command) else { continue };
            match (e, closes) {
                // The question shows what would be replaced.
                (CommandError::Exists(_), _) if saves => self.shell.ask(Question::Export, workspace),
                (CommandError::NotSafe(_), Some(image)) => self.shell.closing.ask(image),
                (e, _) => self.shell.notices.tell(capital(&e.to_string())),
            }
        }
        if let Some(document) = workspace.active() {
            let (id, z) = (document.id(), document.cursor()[2]);
            workspace.look_at(id, z);
        }
        let compared = workspace.active().and_then(|d| {
            let compared = self.view_state.compared(workspace, d);
            compared.or_else(|| self.view_state.learned.beside(d))
        });
        workspace.look_beside(compared);
        let surface =
            workspace.active().and_then(|d| Some((d.id(), self.view_state.surface_of(workspace, d)?)));
        workspace.want_surface(surface);
        let effect = workspace.active().and_then(|d| Some((d.id(), self.view_state.effect_order(d)?)));
        workspace.want_effect(effect);
        if let Some(graphics) = &self.graphics {
            for error in SliceRenderer::take_errors(graphics) {
                self.shell.notices.tell(capital(&error.to_string()));
            }
        }
        if changed {
            ctx.request_repaint();
        }
    }

    /// Not asked of the system, which on Linux does not know its window's title: each command brings another frame.
    fn title(&mut self, ctx: &egui::Context) {
        let name = self.workspace.as_ref().and_then(|w| w.active()).map(|d| d.name());
        let title = name.map_or("Fovea".to_owned(), |name| format!("{name} – Fovea"));
        if self.title != title {
            self.title.clone_from(&title);
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title));
        }
    }
}

impl eframe::App for App {
    /// Before each frame, and instead of it while the window is minimised or covered.
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        if self.workspace.is_some() && closing::is_hidden(ctx) {
            self.shell.closing.hear(ctx);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        self.frame(ui);
    }

    fn on_exit(&mut self) {
        self.memory.close();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

#[cfg(test)]
mod every_key;

fn dropped(ctx: &egui::Context) -> Vec<PathBuf> {
    ctx.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect())
}
