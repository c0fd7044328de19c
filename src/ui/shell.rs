use super::bars;
use super::closing::Closing;
use super::context::{Panel, PanelContext};
use super::dialogs::Dialogs;
use super::help;
use super::keys::KeyCommand;
use super::notices::Notices;
use super::other_image;
use super::outbox::{Outbox, Question, Request};
use super::panels::{info::Info, labels::Labels, learn::Learn, prediction::Prediction};
use super::stopping::Stopping;
use super::theme::{self, canvas, size};
use super::view_state::ViewState;
use super::views::{self, Scene, Views};
use super::welcome;
use crate::tools::Toolbox;
use crate::workspace::Workspace;
use egui::{CentralPanel, CornerRadius, Frame, Margin, Rect, ScrollArea, Sense, Stroke, Ui, Vec2};

/// The panels, in the order of their tabs. To add one, write its file and name it here.
fn panels() -> Vec<Box<dyn Panel>> {
    vec![
        Box::<Labels>::default(),
        Box::<Prediction>::default(),
        Box::<Learn>::default(),
        Box::<Info>::default(),
    ]
}

/// The hint and the cards over the views lie beside each other in views of this width.
const HINT_AND_CARDS: f32 = 730.0;

/// Where everything stands, and what it keeps from frame to frame.
pub struct Shell {
    pub(super) views: Views,
    images: bars::Images,
    panels: Vec<Box<dyn Panel>>,
    /// Index of the panel that is in front.
    front: usize,
    panels_shown: bool,
    dialogs: Dialogs,
    pub(super) closing: Closing,
    pub(super) stopping: Stopping,
    pub(super) notices: Notices,
    pub(super) help_shown: bool,
    hint_shown: bool,
    /// The selected label is to be named.
    pub(super) names: bool,
    /// A question about an image that is being opened stands.
    asks: bool,
    /// Since when the key that hides the mask has been down, and whether the mask was shown before.
    pub(super) hiding_since: Option<f64>,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            views: Views::default(),
            images: bars::Images::default(),
            panels: panels(),
            front: 1,
            panels_shown: true,
            dialogs: Dialogs::default(),
            closing: Closing::default(),
            stopping: Stopping::default(),
            notices: Notices::default(),
            help_shown: false,
            hint_shown: first_run(),
            names: false,
            asks: false,
            hiding_since: None,
        }
    }
}

impl Shell {
    /// Keys go to the window as long as no dialog stands over it.
    pub fn takes_keys(&self) -> bool {
        !self.dialogs.is_open() && !self.closing.is_open() && !self.stopping.is_open() && !self.asks
    }

    /// Before there is anything to show.
    pub fn show_empty(&mut self, ui: &mut Ui) {
        let dark = ui.visuals().dark_mode;
        let bar = |margin| theme::panel_frame(dark, margin);
        egui::Panel::top("top").exact_size(size::TOP_BAR).frame(bar(Margin::ZERO)).show(ui, |_| {});
        egui::Panel::bottom("status").exact_size(size::STATUS_BAR).frame(bar(Margin::ZERO)).show(ui, |_| {});
        CentralPanel::no_frame().show(ui, |ui| {
            welcome::show(ui, true, &mut Outbox::default());
        });
    }

    pub fn show(
        &mut self,
        ui: &mut Ui,
        workspace: &Workspace,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        let dark = ui.visuals().dark_mode;
        let frame = |x, y| theme::panel_frame(dark, Margin::symmetric(x, y));
        egui::Panel::top("top").exact_size(size::TOP_BAR).resizable(false).frame(frame(10, 0)).show(
            ui,
            |ui| {
                bars::top(ui, workspace, &mut self.images, view_state, self.panels_shown, out);
            },
        );
        egui::Panel::bottom("status").exact_size(size::STATUS_BAR).resizable(false).frame(frame(12, 0)).show(
            ui,
            |ui| {
                let dims = workspace.active().map(|d| d.volume().dims());
                bars::status(ui, workspace, dims.and_then(|dims| self.views.pointed_at(dims)));
            },
        );
        let document = workspace.active();
        egui::Panel::left("tools").exact_size(size::TOOL_STRIP).resizable(false).frame(frame(7, 8)).show(
            ui,
            |ui| {
                bars::strip(ui, toolbox, view_state, document.is_some(), out);
            },
        );
        if let (Some(document), true) = (document, self.panels_shown) {
            egui::Panel::right("panels")
                .exact_size(size::SIDE_PANEL)
                .resizable(false)
                .frame(frame(0, 0))
                .show(ui, |ui| {
                    let names = std::mem::take(&mut self.names);
                    self.side(ui, &mut PanelContext { workspace, document, view_state, out, names });
                });
        }
        if let Some(document) = document {
            egui::Panel::top("options")
                .exact_size(size::OPTIONS_ROW)
                .resizable(false)
                .frame(frame(12, 0))
                .show(ui, |ui| bars::options(ui, document, toolbox, view_state));
        }
        let middle =
            CentralPanel::no_frame().show(ui, |ui| self.middle(ui, workspace, view_state, toolbox, out));
        self.above(ui.ctx(), middle.response.rect, workspace, out);
    }

    fn middle(
        &mut self,
        ui: &mut Ui,
        workspace: &Workspace,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        ui.painter().rect_filled(ui.max_rect(), 0.0, canvas::GROUND);
        match (workspace.active(), workspace.openings().last()) {
            // What is on its way in is what the person asked for last.
            (_, Some(opening)) => views::show_preview(ui, opening, out),
            (Some(document), None) => {
                self.views.show(ui, &Scene { workspace, document }, view_state, toolbox, out);
            }
            (None, None) => welcome::show(ui, false, out),
        }
    }

    /// What lies over the rest.
    fn above(&mut self, ctx: &egui::Context, views: Rect, workspace: &Workspace, out: &mut Outbox) {
        self.notices.show(ctx, views, workspace, out);
        // In a small window what there is to say, and what takes time, has the place.
        let free = views.width() > HINT_AND_CARDS || !self.notices.shows_any();
        if self.hint_shown && free && workspace.active().is_some() && !self.help_shown {
            welcome::hint(ctx, views, out);
        }
        welcome::drop_sign(ctx, views);
        self.asks = other_image::show(ctx, workspace, out);
        self.dialogs.show(ctx, workspace, out);
        if self.closing.is_open() && !self.dialogs.is_open() {
            self.closing.show(ctx, workspace, out);
        } else {
            self.stopping.show(ctx, workspace, out);
        }
        if self.help_shown && help::show(ctx) {
            self.help_shown = false;
        }
    }

    fn side(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        // The other tab is shown in the next frame, so that a text field of this panel can end first.
        let front = self.front;
        Frame::new()
            .inner_margin(Margin { left: 12, right: 12, top: 8, bottom: 0 })
            .show(ui, |ui| self.tabs(ui));
        ui.add_space(-1.0);
        let line = Rect::from_min_size(ui.cursor().min, Vec2::new(ui.available_width(), 1.0));
        ui.painter().rect_filled(line, 0.0, theme::palette(ui).line);
        let panel = &mut self.panels[front];
        ScrollArea::vertical().id_salt(panel.id()).auto_shrink(false).show(ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(16, 14)).show(ui, |ui| panel.ui(ui, context));
        });
    }

    fn tabs(&mut self, ui: &mut Ui) {
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (index, panel) in self.panels.iter().enumerate() {
                let front = index == self.front;
                let color = if front { p.text } else { p.weak };
                let text = ui.painter().layout_no_wrap(panel.title().to_owned(), theme::body(), color);
                let (rect, response) =
                    ui.allocate_exact_size(Vec2::new(text.size().x + 14.0, 30.0), Sense::click());
                let title = panel.title();
                response.widget_info(|| {
                    egui::WidgetInfo::selected(egui::Role::Tab, true, front, format!("{title} panel"))
                });
                if response.hovered() && !front {
                    ui.painter().rect_filled(
                        rect.shrink2(Vec2::new(0.0, 3.0)),
                        CornerRadius::same(size::RADIUS),
                        p.raised,
                    );
                }
                ui.painter().galley(rect.center() - text.size() / 2.0, text, color);
                if front {
                    let from = rect.left_bottom() + Vec2::new(7.0, -1.0);
                    let to = rect.right_bottom() + Vec2::new(-7.0, -1.0);
                    ui.painter().line_segment([from, to], Stroke::new(2.0, p.accent));
                }
                if response.clicked() {
                    self.front = index;
                    ui.ctx().request_repaint();
                }
            }
        });
    }

    /// Opens a dialog.
    pub fn ask(&mut self, question: Question, workspace: &Workspace) {
        self.dialogs.ask(question, workspace);
    }

    /// Does what was asked for and is no change of data.
    pub fn request(
        &mut self,
        ctx: &egui::Context,
        request: Request,
        workspace: &mut Workspace,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        match request {
            Request::Key(KeyCommand::Theme) => {
                let dark = ctx.theme() == egui::Theme::Dark;
                ctx.set_theme(if dark { egui::ThemePreference::Light } else { egui::ThemePreference::Dark });
            }
            Request::Key(KeyCommand::Quit) => self.closing.quit(),
            Request::Key(command) => self.dispatch(command, workspace, view_state, toolbox, out),
            Request::Ask(question) => self.ask(question, workspace),
            Request::DismissNotice(id) => workspace.dismiss(id),
            Request::DismissHint => {
                self.hint_shown = false;
                remember_hint();
            }
            Request::ShowPanel(id) => self.show_panel(id),
            Request::TogglePanels => self.panels_shown = !self.panels_shown,
        }
    }

    pub(super) fn show_panel(&mut self, id: &str) {
        if let Some(index) = self.panels.iter().position(|p| p.id() == id) {
            self.front = index;
            self.panels_shown = true;
        }
    }
}

/// Where it is remembered that the hint has been read.
fn hint_mark() -> Option<std::path::PathBuf> {
    directories::ProjectDirs::from("", "", "fovea").map(|dirs| dirs.config_dir().join("hint-read"))
}

fn first_run() -> bool {
    hint_mark().is_none_or(|path| !path.exists())
}

/// Where it cannot be remembered the hint comes once more, which does no harm.
fn remember_hint() {
    if let Some(path) = hint_mark() {
        let _ = path.parent().map(std::fs::create_dir_all);
        let _ = std::fs::write(path, "");
    }
}
