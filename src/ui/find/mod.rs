//! Find anything: one field for every command, tool, label, image, model and setting.

mod entries;
mod matcher;

use super::keys::keys;
use super::library::{self, Choice, Verb};
use super::outbox::{Outbox, Request};
use super::reading::as_painted;
use super::theme::{self, size};
use super::view_state::Where;
use super::widgets::{Icon, cut_at_the_end, key_cap};
use crate::tools::Toolbox;
use crate::workspace::{Command, Document, LabelCommand, Workspace};
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, Area, Color32, Context, CornerRadius, FocusDirection, Frame, Id, Key, Margin, Modifiers, Order,
    Rect, RichText, Role, ScrollArea, Sense, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use entries::{Action, Entry};
use matcher::Rank;

const WIDTH: f32 = 660.0;
const HEIGHT: f32 = 420.0;
/// Below the window's upper edge, and the most of its height that this may be.
const TOP: f32 = 88.0;
const SHARE_OF_TOP: f32 = 0.1;
const FIELD: f32 = 40.0;
const ROW: f32 = 44.0;
/// What was chosen last stands first where nothing is typed; so many of them.
const REMEMBERED: usize = 5;

#[derive(Default)]
pub struct Find {
    shown: bool,
    /// It has just been opened.
    fresh: bool,
    typed: String,
    /// Which of those that fit is chosen.
    at: usize,
    /// Names of what was chosen, the newest first.
    used: Vec<String>,
    /// Where an effect that is chosen changes something.
    reach: Reach,
}

/// The keys of the sheet that were pressed in a frame.
struct Pressed {
    /// So many rows down.
    moves: isize,
    /// Enter; with Ctrl what is chosen is done at once.
    enter: Option<bool>,
    tabs: bool,
    leaves: bool,
}

impl Pressed {
    fn take(ctx: &Context) -> Self {
        let pressed = ctx.input_mut(|input| {
            let mut pressed = |modifiers, key| input.count_and_consume_key(modifiers, key);
            let [down, up] = [Key::ArrowDown, Key::ArrowUp].map(|key| pressed(Modifiers::NONE, key) as isize);
            let at_once = (pressed(Modifiers::COMMAND, Key::Enter) > 0).then_some(true);
            let enter = at_once.or((pressed(Modifiers::NONE, Key::Enter) > 0).then_some(false));
            let tabs = pressed(Modifiers::NONE, Key::Tab) % 2 > 0;
            let leaves = pressed(Modifiers::NONE, Key::Escape) + pressed(Modifiers::COMMAND, Key::K) > 0;
            Self { moves: down - up, enter, tabs, leaves }
        });
        // egui would take the keyboard from the field.
        ctx.memory_mut(|memory| memory.move_focus(FocusDirection::None));
        pressed
    }
}

/// Where an effect changes something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reach {
    #[default]
    Volume,
    /// The slice in front.
    Slice,
    /// From the first to the last slice that has a label.
    Labelled,
}

impl Reach {
    fn next(self) -> Self {
        match self {
            Reach::Volume => Reach::Slice,
            Reach::Slice => Reach::Labelled,
            Reach::Labelled => Reach::Volume,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Reach::Volume => "whole volume",
            Reach::Slice => "this slice",
            Reach::Labelled => "labelled slices",
        }
    }

    fn scope(self, document: &Document) -> Where {
        let labelled = |z: &usize| !document.mask().is_slice_empty(*z);
        let all = 0..document.depth();
        match self {
            _ if document.depth() == 1 => Where::Slice,
            Reach::Volume => Where::Volume,
            Reach::Slice => Where::Slice,
            Reach::Labelled => match (all.clone().find(labelled), all.rev().find(labelled)) {
                (Some(first), Some(last)) => Where::Slices([first, last]),
                _ => Where::Volume,
            },
        }
    }
}

impl Find {
    pub fn open(&mut self) {
        *self = Self { shown: true, fresh: true, used: std::mem::take(&mut self.used), ..Self::default() };
    }

    /// Names of what was chosen, the newest first.
    pub fn used(&self) -> &[String] {
        &self.used
    }

    pub fn restore(&mut self, used: Vec<String>) {
        self.used = used;
    }

    pub fn is_open(&self) -> bool {
        self.shown
    }

    pub fn show(
        &mut self,
        ctx: &Context,
        views: Rect,
        workspace: &Workspace,
        toolbox: &Toolbox,
        out: &mut Outbox,
    ) {
        if !self.shown {
            return;
        }
        let window = ctx.content_rect();
        let width = WIDTH.min(window.width() - 24.0);
        let top = TOP.min(window.height() * SHARE_OF_TOP);
        let height = HEIGHT.min(window.height() - top - 12.0);
        let left = (views.center().x - width / 2.0).clamp(12.0, window.right() - width - 12.0);
        let place = Rect::from_min_size(pos2(left, top), vec2(width, height));
        // Below the sheet itself, whichever of the two was drawn first.
        let dim = ctx.layer_painter(egui::LayerId::new(Order::Middle, Id::unique("find dims")));
        dim.rect_filled(views, 0.0, Color32::from_black_alpha(97));

        let pressed = Pressed::take(ctx);
        let mut chosen = None;
        let area = Area::new(Id::unique("find")).order(Order::Foreground).fixed_pos(place.min);
        let shown = area.show(ctx, |ui| {
            let p = theme::palette(ui);
            let frame = Frame::new()
                .fill(p.panel)
                .stroke(Stroke::new(1.0, p.active))
                .corner_radius(10)
                .inner_margin(Margin::same(8));
            frame.shadow(ui.visuals().window_shadow).show(ui, |ui| {
                ui.set_width(place.width() - 16.0);
                self.field(ui, workspace);
                ui.add_space(6.0);
                // What was typed in this frame counts before its other keys do.
                let found = found(&entries::all(workspace, &keys(ctx)), &self.typed, &self.used);
                let last = found.len().saturating_sub(1);
                self.at = self.at.saturating_add_signed(pressed.moves).min(last);
                let deep = workspace.active().is_some_and(|document| document.depth() > 1);
                if pressed.tabs && deep {
                    self.reach = self.reach.next();
                }
                let reach = deep.then_some(self.reach);
                chosen = pressed.enter.and_then(|at_once| Some((found.get(self.at)?.entry.clone(), at_once)));
                let room = place.height() - FIELD - 60.0;
                ScrollArea::vertical().max_height(room).auto_shrink([false, true]).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    for (index, found) in found.iter().enumerate() {
                        if row(ui, found, index == self.at, reach, toolbox) {
                            chosen = Some((found.entry.clone(), false));
                        }
                    }
                    if found.is_empty() {
                        ui.add_space(8.0);
                        ui.label(RichText::new("Nothing has this name").color(p.weak));
                        ui.add_space(8.0);
                    }
                });
                let is_effect = |found: &Found| matches!(found.entry.action, Action::Effect(_));
                foot(ui, found.len(), found.get(self.at).is_some_and(is_effect), deep);
            });
        });
        let outside = ctx.input(|i| {
            let pressed = i.pointer.any_pressed();
            pressed && i.pointer.interact_pos().is_some_and(|at| !shown.response.rect.contains(at))
        });
        if let Some((entry, at_once)) = chosen.filter(|(entry, _)| !entry.blocked) {
            self.used.retain(|name| *name != entry.name);
            self.used.insert(0, entry.name.clone());
            self.used.truncate(REMEMBERED);
            let scope = workspace.active().map(|document| self.reach.scope(document));
            carry_out(entry.action, scope, at_once, out);
            self.shown = false;
        } else if pressed.leaves || outside {
            self.shown = false;
        }
        self.fresh = false;
        if !self.shown {
            ctx.request_repaint();
        }
    }

    fn field(&mut self, ui: &mut Ui, workspace: &Workspace) {
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), FIELD), Sense::hover());
        let p = theme::palette(ui);
        let ground = ui.visuals().extreme_bg_color;
        let round = CornerRadius::same(8);
        ui.painter().rect(rect, round, ground, Stroke::new(2.0, p.accent), egui::StrokeKind::Inside);
        let icon = Rect::from_center_size(pos2(rect.left() + 20.0, rect.center().y), Vec2::splat(17.0));
        Icon::Search.paint(ui.painter(), icon, p.weak);
        let selected = workspace.active().and_then(|d| d.labels().get(d.selected_label()));
        let on = selected.map_or(String::new(), |label| format!("on {}", as_painted(&label.name)));
        let right = ui.painter().layout_no_wrap(on, theme::small(), p.weak);
        let end = rect.right() - 12.0 - right.size().x;
        ui.painter().galley(pos2(end, rect.center().y - right.size().y / 2.0), right, p.weak);
        let text = rect.with_min_x(rect.left() + 36.0).with_max_x(end - 8.0);
        let before = self.typed.clone();
        let edit = TextEdit::singleline(&mut self.typed)
            .id(Id::unique("find field"))
            .frame(Frame::NONE)
            .font(theme::find())
            .hint_text("Find anything")
            .align(egui::Align2::LEFT_CENTER);
        if self.fresh {
            // What was typed behind its key is in this frame.
            ui.memory_mut(|memory| memory.request_focus(Id::unique("find field")));
        }
        let field = ui.put(text, edit);
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Find anything"));
        if !field.has_focus() {
            field.request_focus();
        }
        if self.typed != before {
            self.at = 0;
        }
    }
}

/// Something that fits what was typed, with the letters of its name that were.
struct Found {
    entry: Entry,
    letters: Vec<usize>,
}

/// What fits, best first. With nothing typed: what was used last, then the rest in its own order.
fn found(all: &[Entry], typed: &str, used: &[String]) -> Vec<Found> {
    let mut found: Vec<_> = all
        .iter()
        .filter_map(|entry| {
            let (rank, letters) = matcher::fit(&entry.name, &entry.about, typed)?;
            let recent = used.iter().position(|name| *name == entry.name).unwrap_or(usize::MAX);
            // The many names of models would stand before what the window can do.
            let is_model = !typed.trim().is_empty() && matches!(entry.action, Action::Model(_));
            // "Smooth" comes before "Smooth or nearest pixels".
            let more = if typed.trim().is_empty() { 0 } else { entry.name.split_whitespace().count() };
            let order = (rank.max(Rank::Word), is_model, rank, entry.blocked, recent, more);
            Some((order, Found { entry: entry.clone(), letters }))
        })
        .collect();
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, found)| found).collect()
}

/// `scope`: where an effect changes something; `at_once`: it is applied as it was set up last.
fn carry_out(action: Action, scope: Option<Where>, at_once: bool, out: &mut Outbox) {
    match action {
        Action::Key(command) => out.key(command),
        Action::Label(id) => out.command(Command::Labels(LabelCommand::Select(id))),
        Action::Image(id) => out.command(Command::Activate(id)),
        Action::Model(choice) => {
            if matches!(choice, Choice::Use(_)) {
                out.requests.push(Request::ShowPanel("prediction"));
            }
            library::carry_out(Verb::Use, choice, out);
        }
        Action::Sample(id) => out.open(format!("sample:{id}")),
        Action::ShowPanel(id) => out.requests.push(Request::ShowPanel(id)),
        Action::Compare => out.requests.push(Request::Compare),
        Action::Effect(effect) => out.requests.push(Request::Effect { effect, scope, at_once }),
    }
}

/// True where it was clicked.
fn row(ui: &mut Ui, found: &Found, chosen: bool, reach: Option<Reach>, toolbox: &Toolbox) -> bool {
    let entry = &found.entry;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let blocked = entry.blocked;
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, !blocked, chosen, &entry.name));
    if chosen && !response.rect.is_negative() {
        response.scroll_to_me(None);
    }
    let p = theme::palette(ui);
    if chosen || response.hovered() {
        let ground = if chosen { p.accent_ground } else { p.raised };
        ui.painter().rect_filled(rect, CornerRadius::same(size::RADIUS), ground);
    }
    let color = if blocked { p.faint } else { p.text };
    let icon = Rect::from_center_size(pos2(rect.left() + 20.0, rect.center().y), Vec2::splat(18.0));
    icon_of(&entry.action, toolbox).paint(ui.painter(), icon, if blocked { p.faint } else { p.weak });
    let mut name = LayoutJob::default();
    for (at, letter) in as_painted(&entry.name).chars().enumerate() {
        let color = if found.letters.contains(&at) && !blocked { p.accent } else { color };
        name.append(&letter.to_string(), 0.0, TextFormat::simple(theme::body(), color));
    }
    let left = rect.left() + 42.0;
    let mut right = rect.right() - 12.0;
    if let Some(key) = &entry.key {
        let at = pos2(right, rect.center().y);
        right = ui.painter().text(at, Align2::RIGHT_CENTER, key, theme::key_cap(), p.weak).left() - 14.0;
    }
    let at = pos2(right, rect.center().y);
    let kind = match (reach, &entry.action) {
        (Some(reach), Action::Effect(_)) if chosen => format!("{} · {}", entry.kind, reach.title()),
        _ => entry.kind.to_owned(),
    };
    let kind_color = if chosen { p.weak } else { p.faint };
    right = ui.painter().text(at, Align2::RIGHT_CENTER, kind, theme::small(), kind_color).left() - 12.0;
    name.wrap = TextWrapping::truncate_at_width(right - left);
    let name = ui.painter().layout_job(name);
    if entry.about.is_empty() {
        ui.painter().galley(pos2(left, rect.center().y - name.size().y / 2.0), name, color);
    } else {
        ui.painter().galley(pos2(left, rect.top() + 5.0), name, color);
        let color = if blocked { p.faint } else { p.weak };
        let about = cut_at_the_end(ui.painter(), &entry.about, theme::small(), color, right - left);
        ui.painter().galley(pos2(left, rect.bottom() - 5.0 - about.size().y), about, color);
    }
    response.clicked()
}

fn icon_of(action: &Action, toolbox: &Toolbox) -> Icon {
    use super::keys::KeyCommand;
    match action {
        Action::Key(KeyCommand::Tool(id)) => Icon::Of(crate::tools::find(id).unwrap_or(toolbox.tool()).icon),
        Action::Key(KeyCommand::Undo) => Icon::Undo,
        Action::Key(KeyCommand::Redo) => Icon::Redo,
        Action::Key(KeyCommand::Export) => Icon::Export,
        Action::Key(KeyCommand::WindowMode | KeyCommand::Preset(_)) => Icon::Window,
        Action::Key(KeyCommand::Verify | KeyCommand::Accept(_) | KeyCommand::AcceptVerifyNext) => Icon::Check,
        Action::Key(KeyCommand::Arrange(_) | KeyCommand::Panel) | Action::ShowPanel(_) => Icon::Panel,
        Action::Key(KeyCommand::Help) => Icon::Help,
        Action::Key(_) => Icon::Right,
        Action::Compare => Icon::Two,
        Action::Effect(_) => Icon::Effects,
        Action::Label(_) => Icon::List,
        Action::Image(_) | Action::Sample(_) => Icon::Open,
        Action::Model(_) => Icon::Layers,
    }
}

/// `effect`: one is chosen; `deep`: in an image of several slices.
fn foot(ui: &mut Ui, count: usize, effect: bool, deep: bool) {
    /// Narrower feet have no room for the keys of an effect. In points.
    const ROOMY: f32 = 520.0;
    let effect = effect && ui.available_width() >= ROOMY;
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        let p = theme::palette(ui);
        let enter = if effect { "set up" } else { "do it" };
        let all = [
            (&["Up", "Down"][..], "choose", true),
            (&["Enter"], enter, true),
            (&["Ctrl+Enter"], "apply at once", effect),
            (&["Tab"], "where", effect && deep),
            (&["Esc"], "leave", true),
        ];
        for (keys, words, _) in all.into_iter().filter(|(.., shown)| *shown) {
            keys.iter().for_each(|key| _ = key_cap(ui, key));
            ui.label(RichText::new(words).font(theme::small()).color(p.weak));
            ui.add_space(8.0);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(RichText::new(count.to_string()).font(theme::small()).color(p.weak));
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, blocked: bool) -> Entry {
        let action = Action::ShowPanel("info");
        Entry { name: name.to_owned(), about: String::new(), kind: "", key: None, action, blocked }
    }

    fn names(all: &[Entry], typed: &str, used: &[&str]) -> Vec<String> {
        let used: Vec<String> = used.iter().map(|name| (*name).to_owned()).collect();
        found(all, typed, &used).into_iter().map(|found| found.entry.name).collect()
    }

    #[test]
    fn what_begins_with_it_comes_first_then_what_can_be_done_and_was_used() {
        let all =
            [entry("Undo", true), entry("Remove unused", false), entry("Under", false), entry("Unit", false)];
        assert_eq!(names(&all, "un", &[]), ["Under", "Unit", "Undo", "Remove unused"]);
        assert_eq!(names(&all, "un", &["Unit"]), ["Unit", "Under", "Undo", "Remove unused"]);
        let untyped = names(&all, "", &["Remove unused"]);
        assert_eq!(untyped, ["Remove unused", "Under", "Unit", "Undo"]);
        assert!(names(&all, "x", &[]).is_empty());
    }

    #[test]
    fn what_is_called_so_comes_before_what_begins_so() {
        let all = [entry("Smooth or nearest pixels", false), entry("Smooth", false)];
        assert_eq!(names(&all, "smo", &[]), ["Smooth", "Smooth or nearest pixels"]);
        assert_eq!(names(&all, "smooth", &["Smooth or nearest pixels"])[0], "Smooth or nearest pixels");
    }

    #[test]
    fn what_the_window_can_do_comes_before_models() {
        let model = |name| Entry { action: Action::Model(Choice::Use("v".into())), ..entry(name, false) };
        let all = [model("LightNet"), entry("Theme: dark or light", false), entry("Highlight", false)];
        assert_eq!(names(&all, "light", &[]), ["Theme: dark or light", "LightNet", "Highlight"]);
        assert_eq!(names(&all, "", &["LightNet"]), ["LightNet", "Theme: dark or light", "Highlight"]);
    }
}
