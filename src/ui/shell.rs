use super::arrangement::Arrangement;
use super::bars;
use super::closing::Closing;
use super::context::{Panel, PanelContext};
use super::dialogs::Dialogs;
use super::find::Find;
use super::help::Help;
use super::keys::{KeyCommand, with_keys};
use super::library::Library;
use super::notices::{Notices, Room};
use super::open_images;
use super::other_image;
use super::outbox::{Outbox, Question, Request};
use super::panels::{
    compare::Compare, effect::EffectPanel, info::Info, labels::Labels, learn::Learn, measure::Measure,
    prediction::Prediction, queue::Queue,
};
use super::parts::{self, Part};
use super::scale::Scale;
use super::seen_pictures::LeftOff;
use super::side::{Side, whole};
use super::stopping::Stopping;
use super::tap::Space;
use super::theme::{self, canvas, size};
use super::tooltips;
use super::view_state::ViewState;
use super::views::{self, Scene, Views};
use super::welcome;
use crate::tools::{self, Toolbox};
use crate::workspace::{Document, StartFrom, Workspace};
use egui::{CentralPanel, Margin, Ui, UiBuilder};

/// The panels. To add one, write its file, name it here, and say in `arrangement.rs` where its tab is.
fn panels() -> Vec<Box<dyn Panel>> {
    vec![
        Box::<Labels>::default(),
        Box::<Prediction>::default(),
        Box::<Queue>::default(),
        Box::<Learn>::default(),
        Box::<Measure>::default(),
        Box::<Info>::default(),
        Box::<Compare>::default(),
        Box::<EffectPanel>::default(),
    ]
}

/// Where everything stands, and what it keeps from frame to frame.
pub struct Shell {
    pub(super) views: Views,
    pub(super) arrangement: Arrangement,
    case: bars::Case,
    strip: bars::Strip,
    pub(super) side: Side,
    pub(super) find: Find,
    pub(super) library: Library,
    pub(super) dialogs: Dialogs,
    pub(super) closing: Closing,
    pub(super) stopping: Stopping,
    pub(super) notices: Notices,
    pub(super) help: Help,
    pub(super) scale: Scale,
    /// The selected label is to be named.
    pub(super) names: bool,
    /// What a run is to start from was just chosen.
    start_from: Option<StartFrom>,
    /// A question about an image that is being opened stands.
    asks: bool,
    /// Something stood over the window in the last frame.
    covered: bool,
    /// Since when the key that hides the mask has been down, and whether the mask was shown before.
    pub(super) hiding_since: Option<f64>,
    /// Space since it went down.
    pub(super) space: Space,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            views: Views::default(),
            arrangement: Arrangement::default(),
            case: bars::Case::default(),
            strip: bars::Strip::default(),
            side: Side::new(panels()),
            find: Find::default(),
            library: Library::default(),
            dialogs: Dialogs::default(),
            closing: Closing::default(),
            stopping: Stopping::default(),
            notices: Notices::default(),
            help: Help::default(),
            scale: Scale::default(),
            names: false,
            start_from: None,
            asks: false,
            covered: false,
            hiding_since: None,
            space: Space::default(),
        }
    }
}

impl Shell {
    /// Keys go to the window as long as no dialog stands over it.
    pub fn takes_keys(&self) -> bool {
        let over = self.dialogs.is_open() || self.closing.is_open() || self.stopping.is_open();
        let sheet = self.find.is_open() || self.library.is_open() || self.help.is_open();
        !over && !self.asks && !sheet && !self.notices.messages.shown
    }

    /// Before there is anything to show.
    pub fn show_empty(&mut self, ui: &mut Ui) {
        let dark = ui.visuals().dark_mode;
        let bar = |margin| theme::panel_frame(dark, margin);
        egui::Panel::top("top").exact_size(size::TOP_BAR).frame(bar(Margin::ZERO)).show(ui, |_| {});
        egui::Panel::bottom("status").exact_size(size::STATUS_BAR).frame(bar(Margin::ZERO)).show(ui, |_| {});
        CentralPanel::no_frame().show(ui, |ui| {
            ui.painter().rect_filled(ui.max_rect(), 0.0, canvas::GROUND);
        });
    }

    pub fn show(
        &mut self,
        ui: &mut Ui,
        workspace: &Workspace,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        seen: LeftOff,
        out: &mut Outbox,
    ) {
        bars::look_again(ui.ctx(), workspace);
        let dark = ui.visuals().dark_mode;
        let frame = |x, y| theme::panel_frame(dark, Margin::symmetric(x, y));
        let document = workspace.active();
        let window = ui.max_rect().width();
        let has_views = self.arrangement != Arrangement::DataSet;
        let compares = has_views && document.is_some_and(|document| view_state.is_comparing(document));
        view_state.learned.refresh(workspace, self.arrangement, compares);
        let sets_up = has_views && document.is_some_and(|document| view_state.effect(document).is_some());
        let effect = sets_up.then_some("effect");
        self.side.put_first(effect.or(compares.then_some("compare")));
        let (panel, drawer) = (self.side.is_shown(window), Side::is_drawer(window));
        egui::Panel::top("top").exact_size(size::TOP_BAR).resizable(false).frame(frame(10, 0)).show(
            ui,
            |ui| {
                Part::Top.begin(ui);
                bars::top(ui, workspace, &mut self.case, self.arrangement, view_state, panel, out);
            },
        );
        // Its place is taken now and filled last: Tab comes to it last.
        let status = egui::Panel::bottom("status")
            .exact_size(size::STATUS_BAR)
            .resizable(false)
            .frame(frame(12, 0))
            .show(ui, whole);
        let hint = document.map(|document| hint(ui.ctx(), document, toolbox, view_state)).unwrap_or_default();
        let listed = self.arrangement == Arrangement::DataSet && document.is_some();
        if document.is_some() && !listed && window >= bars::STRIP_AWAY {
            egui::Panel::left("tools").exact_size(size::TOOL_STRIP).resizable(false).frame(frame(7, 8)).show(
                ui,
                |ui| {
                    Part::Tools.begin(ui);
                    self.strip.show(ui, toolbox, view_state, true, out);
                },
            );
        }
        let side = (document.is_some() && panel && !drawer)
            .then(|| self.side.take_place(ui, self.arrangement, window, frame(0, 0)));
        let above = ui.available_rect_before_wrap();
        if let (Some(document), false) = (document, listed) {
            egui::Panel::top("options")
                .exact_size(size::OPTIONS_ROW)
                .resizable(false)
                .frame(frame(12, 0))
                .show(ui, |ui| {
                    Part::Options.begin(ui);
                    bars::options(ui, workspace, document, self.arrangement, toolbox, view_state, out);
                });
        }
        let middle = CentralPanel::no_frame().show(ui, |ui| {
            Part::Views.begin(ui);
            self.middle(ui, workspace, view_state, toolbox, seen, out);
        });
        let mut notices = Room { views: middle.response.rect, drawer: None };
        if let Some(document) = document {
            let names = std::mem::take(&mut self.names);
            let start_from = self.start_from.take();
            let mut context = PanelContext { workspace, document, view_state, out, names, start_from };
            match side {
                Some(place) => self.side.show(ui, place, self.arrangement, &mut context),
                None if panel => {
                    let place = self.side.show_drawer(ui, self.arrangement, above, frame(0, 0), &mut context);
                    notices.drawer = Some(place);
                }
                None => {}
            }
        }
        ui.scope_builder(UiBuilder::new().max_rect(status.inner), |ui| {
            Part::Status.begin(ui);
            let dims = document.map(|d| d.volume().dims());
            let pointed_at = dims.and_then(|dims| self.views.pointed_at(dims));
            let compared = document.and_then(|document| view_state.compared(workspace, document));
            let compared = compared.filter(|compared| document.is_some_and(|d| d.id() == compared.document));
            let other = compared.as_ref().and_then(|compared| compared.version.as_ref());
            let shown = document.and_then(|document| view_state.learned.version(document));
            bars::status(ui, workspace, (pointed_at, [shown, other]), &hint, out);
        });
        self.above(ui.ctx(), notices, workspace, toolbox, out);
        let covered = !self.takes_keys();
        parts::show_focus(ui.ctx(), covered);
        if covered && !std::mem::replace(&mut self.covered, covered) {
            tooltips::end(ui.ctx());
        }
        self.covered = covered;
    }

    fn middle(
        &mut self,
        ui: &mut Ui,
        workspace: &Workspace,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        seen: LeftOff,
        out: &mut Outbox,
    ) {
        ui.painter().rect_filled(ui.max_rect(), 0.0, canvas::GROUND);
        match (workspace.active(), workspace.openings().last()) {
            // What is on its way in is what the person asked for last.
            (_, Some(opening)) => views::show_preview(ui, opening, out),
            (Some(_), None) if self.arrangement == Arrangement::DataSet => {
                open_images::show(ui, workspace, out)
            }
            (Some(document), None) => {
                let shown = view_state.learned.volume_by(document).cloned();
                let scene = Scene::new(workspace, document, self.arrangement).by(shown.as_ref());
                self.views.show(ui, &scene, view_state, toolbox, out);
            }
            (None, None) => welcome::show(ui, seen, out),
        }
    }

    /// What lies over the rest.
    fn above(
        &mut self,
        ctx: &egui::Context,
        room: Room,
        workspace: &Workspace,
        toolbox: &Toolbox,
        out: &mut Outbox,
    ) {
        let views = room.views;
        self.notices.show(ctx, room, workspace, out);
        welcome::drop_sign(ctx, views);
        self.find.show(ctx, views, workspace, toolbox, out);
        self.library.show(ctx, workspace, out);
        self.asks = other_image::show(ctx, workspace, out);
        self.dialogs.show(ctx, workspace, out);
        if self.closing.is_open() && !self.dialogs.is_open() {
            self.closing.show(ctx, workspace, out);
        } else {
            self.stopping.show(ctx, workspace, out);
        }
        self.help.show(ctx);
        self.notices.messages.show(ctx);
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
            Request::Key(KeyCommand::Scale(by)) => {
                if !self.scale.change(ctx, by) {
                    self.notices.tell("This window is too small for a larger interface");
                }
            }
            Request::Key(KeyCommand::ReduceMotion) => {
                theme::reduce_motion(ctx, !theme::is_motion_reduced(ctx));
            }
            Request::Key(KeyCommand::Suggest) => view_state.suggests = !view_state.suggests,
            Request::Key(KeyCommand::Part(by)) => {
                parts::go(ctx, by);
                parts::set_walking(ctx, true);
            }
            Request::Key(KeyCommand::Panel) => self.side.toggle(ctx.content_rect().width()),
            Request::Key(KeyCommand::AcceptVerifyNext) => self.go_on(workspace, view_state, out),
            Request::Key(command) => self.dispatch(command, workspace, view_state, toolbox, out),
            Request::Ask(question) => self.ask(question, workspace),
            Request::Models => {
                if let Some(document) = workspace.active() {
                    self.library.open(document, self.arrangement == Arrangement::Learn);
                }
            }
            Request::Compare => {
                if let Some(document) = workspace.active() {
                    view_state.compare(document);
                }
            }
            Request::Effect { effect, scope, at_once } => {
                if let Some(document) = workspace.active() {
                    if at_once && view_state.effect(document).is_some() {
                        let title = effect.title.to_lowercase();
                        let words = "First apply the effect that is set up, or leave it: then";
                        return self.notices.tell(format!("{words} {title} can be applied at once"));
                    }
                    view_state.begin_effect(document, effect, scope);
                    if at_once {
                        return view_state.apply_effect(document, out);
                    }
                    if self.arrangement == Arrangement::DataSet {
                        self.arrangement = Arrangement::Label;
                    }
                    self.side.open();
                }
            }
            Request::DismissNotice(id) => workspace.dismiss(id),
            Request::ShowPanel(id) => self.show_panel(id),
            Request::Learn(start) => {
                self.start_from = Some(start);
                self.show_panel("learn");
            }
            Request::Arrange(arrangement) => self.arrangement = arrangement,
        }
    }

    /// Brings a panel to the front, in another arrangement where this one has it not.
    pub(super) fn show_panel(&mut self, id: &str) {
        if !self.arrangement.panels().contains(&id)
            && let Some(other) = Arrangement::ALL.into_iter().rev().find(|a| a.panels().contains(&id))
        {
            self.arrangement =
                if Arrangement::Label.panels().contains(&id) { Arrangement::Label } else { other };
        }
        self.side.bring_to_front(self.arrangement, id);
    }
}

/// What to do next with the tool in hand.
fn hint(ctx: &egui::Context, document: &Document, toolbox: &Toolbox, view_state: &ViewState) -> String {
    if view_state.windowing {
        return "Drag sideways for the window, up and down for the level".to_owned();
    }
    if view_state.effect(document).is_some() && !toolbox.busy() {
        let applies = "{Accept in this slice, or close the polygon} applies, Escape leaves";
        return with_keys(ctx, &format!("Hatched: gained. Dark with dots: lost · {applies}"));
    }
    if view_state.is_comparing(document) && !toolbox.busy() {
        return "Both show the place of the crosshair · Escape leaves the comparison".to_owned();
    }
    let words = toolbox.hint(&tools::Scene::of(document, 1.0));
    with_keys(ctx, &words)
}
