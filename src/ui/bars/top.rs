use super::ends::RightEnd;
use super::{Case, jobs};
use crate::phantom::SAMPLES;
use crate::ui::arrangement::Arrangement;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::outbox::{Outbox, Question, Request};
use crate::ui::theme::{self, size};
use crate::ui::view_state::ViewState;
use crate::ui::widgets::{Icon, IconButton, Segmented, divider, menu};
use crate::workspace::{Document, Workspace};
use egui::{
    Align, Button, CornerRadius, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder,
    Vec2, WidgetInfo, pos2, vec2,
};

/// Of the field that finds anything.
const FIND: f32 = 196.0;
/// Below this width of the window, in points: the field becomes an icon, and "Open" one.
const NARROW: f32 = 1080.0;
/// Below this one the workspaces are a menu.
const NARROWEST: f32 = 680.0;
/// Below this one "Redo" has its key and its line among what is rarely needed.
const NO_REDO: f32 = 560.0;

/// What is open at the left, the workspaces in the middle, and at the right what takes time, finding, history and the rest.
pub fn show(
    ui: &mut Ui,
    workspace: &Workspace,
    case: &mut Case,
    arrangement: Arrangement,
    view_state: &ViewState,
    panel_shown: bool,
    out: &mut Outbox,
) {
    let bar = ui.max_rect();
    let narrow = bar.width() < NARROW;
    let document = workspace.active();
    let choices = Arrangement::ALL.map(|a| (a, if narrow { a.short_title() } else { a.title() }));
    let choice = Segmented::new(arrangement, choices)
        .padding(12.0)
        .enabled(document.is_some())
        .named(|a| format!("{} workspace", a.title()));
    let listed = bar.width() < NARROWEST;
    let wide = if listed { 0.0 } else { choice.width(ui) };
    let middle = Rect::from_center_size(bar.center(), vec2(wide, size::BUTTON));

    let right = RightEnd::of(ui, "right", bar);
    let jobs = RightEnd::of(ui, "jobs", bar.with_max_x(right.left() - 4.0));

    let left = Rect::from_min_max(bar.min, pos2(middle.left() - 8.0, bar.bottom()));
    let mut left_ui = child(ui, left, Layout::left_to_right(Align::Center), "left");
    left_ui.spacing_mut().item_spacing.x = 0.0;
    open(&mut left_ui, document, narrow, out);
    divider(&mut left_ui);
    let room = match listed {
        true => jobs.left() - left_ui.cursor().left() - 8.0,
        false => left.right() - left_ui.cursor().left(),
    };
    case.show(&mut left_ui, workspace, room, out);

    if !listed {
        let mut ui = child(ui, middle, Layout::left_to_right(Align::Center), "middle");
        let ctx = ui.ctx().clone();
        let tip = |a: Arrangement| {
            let key = shortcut_of(&ctx, KeyCommand::Arrange(a)).unwrap_or_default();
            format!("{}   {key}", a.about())
        };
        if let Some(chosen) = choice.show(&mut ui, tip) {
            out.requests.push(Request::Arrange(chosen));
        }
    }

    let room = right.left() - middle.right() - 12.0;
    jobs.show(ui, |ui| {
        if room > 90.0 {
            jobs::show(ui, workspace, room, out);
        }
    });
    right.show(ui, |ui| {
        if listed && document.is_some() {
            workspaces(ui, arrangement, out);
        }
        find(ui, narrow, out);
        if document.is_some() {
            history(ui, workspace, bar.width() < NO_REDO, out);
            let panel = IconButton::new(Icon::Panel, "Panels").key(KeyCommand::Panel).selected(panel_shown);
            if ui.add(panel).clicked() {
                out.key(KeyCommand::Panel);
            }
        }
        rest(ui, document, view_state, out);
    });
}

fn child(ui: &mut Ui, rect: Rect, layout: Layout, id: &str) -> Ui {
    ui.new_child(UiBuilder::new().max_rect(rect).layout(layout).id_salt(id))
}

/// A button for a file, and beside it whatever else can be opened.
fn open(ui: &mut Ui, document: Option<&Document>, narrow: bool, out: &mut Outbox) {
    let command = KeyCommand::OpenFile;
    let clicked = match narrow {
        true => ui.add(IconButton::new(Icon::Open, "Open").key(command)).clicked(),
        false => {
            let button = ui.add(Button::new("Open").min_size(vec2(0.0, size::BUTTON)));
            button.on_hover_text(shortcut_of(ui.ctx(), command).unwrap_or_default()).clicked()
        }
    };
    if clicked {
        out.key(command);
    }
    let more = ui.add(IconButton::new(Icon::Down, "More to open").side(22.0));
    menu(&more, |ui| {
        ui.set_min_width(210.0);
        for (name, command) in
            [("File…", KeyCommand::OpenFile), ("Folder or DICOM series…", KeyCommand::OpenFolder)]
        {
            item(ui, name, command, out);
        }
        if document.is_some() && ui.button("Import a label image…").clicked() {
            out.ask(Question::ImportLabels);
        }
        ui.separator();
        ui.label(RichText::new("Samples").font(theme::small()).color(theme::palette(ui).weak));
        for sample in SAMPLES {
            if ui.button(sample.title).clicked() {
                out.open(format!("sample:{}", sample.id));
            }
        }
    });
}

/// A line of a menu that does what a key does.
fn item(ui: &mut Ui, name: &str, command: KeyCommand, out: &mut Outbox) {
    let key = shortcut_of(ui.ctx(), command).unwrap_or_default();
    if ui.add(Button::new(name).shortcut_text(key)).clicked() {
        out.key(command);
    }
}

/// The workspaces where there is no room for them beside each other.
fn workspaces(ui: &mut Ui, arrangement: Arrangement, out: &mut Outbox) {
    ui.menu_button(arrangement.title(), |ui| {
        for other in Arrangement::ALL {
            let line = ui.selectable_label(other == arrangement, other.title());
            if line.on_hover_text(other.about()).clicked() {
                out.requests.push(Request::Arrange(other));
                ui.close();
            }
        }
    });
}

/// What is rarely needed.
fn rest(ui: &mut Ui, document: Option<&Document>, view_state: &ViewState, out: &mut Outbox) {
    let more = ui.add(IconButton::new(Icon::More, "More"));
    let dark = ui.visuals().dark_mode;
    menu(&more, |ui| {
        ui.set_min_width(220.0);
        if document.is_some() {
            if ui.ctx().content_rect().width() < NO_REDO {
                item(ui, "Redo", KeyCommand::Redo, out);
            }
            item(ui, "Export the mask…", KeyCommand::Export, out);
            item(ui, "Close the image", KeyCommand::CloseImage, out);
            ui.separator();
        }
        item(ui, if dark { "Light theme" } else { "Dark theme" }, KeyCommand::Theme, out);
        item(ui, "Larger interface", KeyCommand::Scale(1), out);
        item(ui, "Smaller interface", KeyCommand::Scale(-1), out);
        let mut reduced = theme::is_motion_reduced(ui.ctx());
        let mut suggests = view_state.suggests;
        if ui.checkbox(&mut suggests, "Suggest what to do next").clicked() {
            out.key(KeyCommand::Suggest);
        }
        if ui.checkbox(&mut reduced, "Reduce motion").clicked() {
            out.key(KeyCommand::ReduceMotion);
        }
        ui.separator();
        item(ui, "Messages", KeyCommand::Messages, out);
        item(ui, "Keys and mouse", KeyCommand::Help, out);
        item(ui, "Quit", KeyCommand::Quit, out);
    });
}

fn history(ui: &mut Ui, workspace: &Workspace, undo_only: bool, out: &mut Outbox) {
    let document = workspace.active();
    let undo = document.and_then(Document::undo_title);
    let redo = document.and_then(Document::redo_title);
    let both = [(Icon::Undo, "Undo", undo, KeyCommand::Undo), (Icon::Redo, "Redo", redo, KeyCommand::Redo)];
    for (icon, name, what, command) in both.into_iter().take(if undo_only { 1 } else { 2 }) {
        let name = what.map_or_else(|| name.to_owned(), |what| format!("{name}: {}", named(what, workspace)));
        let button = IconButton::new(icon, name).key(command).enabled(what.is_some());
        if ui.add(button).clicked() {
            out.key(command);
        }
    }
}

/// What a step is called, with the name of a model for its version.
fn named(step: &str, workspace: &Workspace) -> String {
    let version = step.rsplit(' ').next().and_then(|last| workspace.model(last));
    match version.and_then(|model| Some((model, step.strip_suffix(model.version())?))) {
        Some((model, before)) => format!("{before}{}", model.card.title),
        None => step.to_owned(),
    }
}

/// Looks like a field; what is typed goes into the one that it opens.
fn find(ui: &mut Ui, narrow: bool, out: &mut Outbox) {
    let command = KeyCommand::Find;
    let clicked = match narrow {
        true => ui.add(IconButton::new(Icon::Search, "Find anything").key(command)).clicked(),
        false => {
            let (rect, field) = ui.allocate_exact_size(vec2(FIND, size::BUTTON), Sense::click());
            field.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Find anything"));
            let p = theme::palette(ui);
            let round = CornerRadius::same(size::RADIUS);
            let ground = if field.hovered() { p.hover } else { ui.visuals().extreme_bg_color };
            ui.painter().rect(rect, round, ground, Stroke::new(1.0, p.line), StrokeKind::Inside);
            let icon = Rect::from_center_size(pos2(rect.left() + 16.0, rect.center().y), Vec2::splat(15.0));
            Icon::Search.paint(ui.painter(), icon, p.weak);
            let at = pos2(rect.left() + 30.0, rect.center().y);
            ui.painter().text(at, egui::Align2::LEFT_CENTER, "Find anything", theme::body(), p.weak);
            let at = pos2(rect.right() - 8.0, rect.center().y);
            ui.painter().text(
                at,
                egui::Align2::RIGHT_CENTER,
                shortcut_of(ui.ctx(), command).unwrap_or_default(),
                theme::key_cap(),
                p.faint,
            );
            field.clicked()
        }
    };
    if clicked {
        out.key(command);
    }
}
