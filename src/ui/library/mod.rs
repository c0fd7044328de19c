//! The model library: a sheet over the window in which a model is found, looked at and used.

mod details;
mod entries;
mod row;
mod speed;

use super::outbox::{Outbox, Question, Request};
use super::theme::{self, size};
use super::widgets::{Icon, IconButton, quiet};
use crate::volume::Modality;
use crate::workspace::{Command, Document, ModelCommand, Workspace};
use egui::{
    Align, Checkbox, Frame, Id, Key, Layout, Margin, Modal, Modifiers, Rect, RichText, Role, ScrollArea,
    TextEdit, Ui, UiBuilder, WidgetInfo, vec2,
};
use entries::{Choice, Entry, Filter, Show, entries, found};

const WIDEST: f32 = 1300.0;
const HIGHEST: f32 = 872.0;
/// Between the sheet and the window's edge.
const AROUND: f32 = 24.0;
const HEADER: f32 = 56.0;
const LEFT: f32 = 196.0;
const DETAILS: f32 = 340.0;
/// Narrower sheets have no column of this width: first the left one goes, then the details.
const LEFT_AWAY: f32 = 1100.0;
const DETAILS_AWAY: f32 = 760.0;

/// What it keeps from frame to frame.
#[derive(Default)]
pub struct Library {
    shown: bool,
    filter: Filter,
    /// The row that is chosen.
    at: Option<Choice>,
    /// Keys have just chosen it.
    moved: bool,
}

impl Library {
    pub fn is_open(&self) -> bool {
        self.shown
    }

    /// Shows it with nothing typed, at the model in use.
    pub fn open(&mut self, document: &Document) {
        let at = document.model().map(|version| Choice::Use(version.to_string()));
        *self = Self { shown: true, at, ..Self::default() };
    }

    pub fn show(&mut self, ctx: &egui::Context, workspace: &Workspace, out: &mut Outbox) {
        let Some(document) = workspace.active().filter(|_| self.shown) else {
            self.shown = false;
            return;
        };
        let all = entries(workspace, document);
        let rows = self.filter.of(&all);
        let enters = self.keys(ctx, &rows);
        let window = ctx.content_rect().size() - vec2(2.0 * AROUND, 2.0 * AROUND);
        let whole = vec2(window.x.min(WIDEST), window.y.min(HIGHEST));
        let p = theme::of(ctx.theme() == egui::Theme::Dark);
        let frame =
            Frame::popup(&ctx.global_style()).fill(p.panel).corner_radius(10).inner_margin(Margin::ZERO);
        let mut used = enters.then(|| self.at.clone()).flatten();
        let modal = Modal::new(Id::unique("model library")).frame(frame).show(ctx, |ui| {
            let (rect, _) = ui.allocate_exact_size(whole, egui::Sense::hover());
            let (top, body) = rect.split_top_bottom_at_y(rect.top() + HEADER);
            ui.painter().hline(rect.x_range(), top.bottom(), (1.0, p.line));
            self.header(&mut part(ui, top.shrink2(vec2(16.0, 12.0)), "header"), out);
            let mut middle = body;
            if whole.x >= LEFT_AWAY {
                let (left, rest) = middle.split_left_right_at_x(middle.left() + LEFT);
                ui.painter().vline(left.right(), left.y_range(), (1.0, p.line));
                self.left(&mut part(ui, left.shrink2(vec2(10.0, 12.0)), "kinds"), &all, &rows);
                middle = rest;
            }
            let chosen = rows.iter().copied().find(|row| Some(&row.choice) == self.at.as_ref());
            let side = if whole.x >= DETAILS_AWAY {
                let (rest, side) = middle.split_left_right_at_x(middle.right() - DETAILS);
                ui.painter().vline(side.left(), side.y_range(), (1.0, p.line));
                middle = rest;
                side
            } else {
                let (rest, below) = middle.split_top_bottom_at_y(middle.bottom() - middle.height() * 0.45);
                ui.painter().hline(below.x_range(), below.top(), (1.0, p.line));
                middle = rest;
                below
            };
            if let Some(choice) = self.list(&mut part(ui, middle, "list"), &rows) {
                let again = self.at.as_ref() == Some(&choice);
                self.at = Some(choice.clone());
                if again && ui.input(|i| i.pointer.button_double_clicked(egui::PointerButton::Primary)) {
                    used = Some(choice);
                }
            }
            if let Some(choice) = details::show(&mut part(ui, side, "details"), chosen, workspace) {
                used = Some(choice);
            }
        });
        if let Some(choice) = used {
            use_it(choice, out);
            self.shown = false;
        } else if modal.should_close() {
            self.shown = false;
        }
        if !self.shown {
            ctx.request_repaint();
        }
    }

    /// Up and Down choose, whatever has the keyboard; true where Enter was pressed on a row.
    fn keys(&mut self, ctx: &egui::Context, rows: &[&Entry]) -> bool {
        let mut at = rows.iter().position(|row| Some(&row.choice) == self.at.as_ref());
        // Something is chosen as long as there is something.
        at = at.or((!rows.is_empty()).then_some(0));
        let before = at;
        let enters = ctx.input_mut(|input| {
            for (key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1)] {
                if input.consume_key(Modifiers::NONE, key) {
                    at = at.map(|at| at.saturating_add_signed(by).min(rows.len() - 1));
                }
            }
            input.consume_key(Modifiers::NONE, Key::Enter)
        });
        self.moved = at != before;
        self.at = at.map(|at| rows[at].choice.clone());
        enters && self.at.is_some()
    }

    fn header(&mut self, ui: &mut Ui, out: &mut Outbox) {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 10.0;
            ui.label(RichText::new("Models").size(theme::size::TITLE + 1.5).strong());
            let room = ui.available_width();
            let field = TextEdit::singleline(&mut self.filter.text)
                .id(Id::unique("model search"))
                .hint_text("Name, structure, network, paper")
                .desired_width((room - 540.0).clamp(90.0, 350.0))
                .margin(Margin::symmetric(8, 6));
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Search the models"));
            if !field.has_focus() {
                field.request_focus();
            }
            for (show, words) in Show::ALL {
                let chosen = self.filter.show == show;
                if ui.selectable_label(chosen, words).clicked() {
                    self.filter.show = show;
                }
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(IconButton::new(Icon::Close, "Close the model library")).clicked() {
                    self.shown = false;
                }
                if quiet(ui, true, "Import a file…").clicked() {
                    out.ask(Question::ImportModel);
                    self.shown = false;
                }
            });
        });
    }

    fn left(&mut self, ui: &mut Ui, all: &[Entry], rows: &[&Entry]) {
        const MOST: usize = 8;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for modality in Modality::ALL {
                let any =
                    Filter { modality: Some(modality), finds: Default::default(), ..self.filter.clone() };
                let words = format!("{}   {}", modality.title(), any.of(all).len());
                let chosen = self.filter.modality == Some(modality);
                if ui.selectable_label(chosen, words).clicked() {
                    self.filter.modality = if chosen { None } else { Some(modality) };
                }
            }
            ui.add_space(16.0);
            ui.label(RichText::new("Finds").font(theme::small()).color(theme::palette(ui).weak));
            for (name, count) in found(rows).into_iter().take(MOST) {
                let mut on = self.filter.finds.contains(&name);
                if ui.add(Checkbox::new(&mut on, format!("{name}   {count}"))).clicked() {
                    match on {
                        true => _ = self.filter.finds.insert(name),
                        false => _ = self.filter.finds.remove(&name),
                    }
                }
            }
        });
    }

    /// The rows under the titles of their groups; the choice that was clicked.
    fn list(&mut self, ui: &mut Ui, rows: &[&Entry]) -> Option<Choice> {
        let p = theme::palette(ui);
        let mut clicked = None;
        row::head(ui);
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for group in rows.chunk_by(|a, b| a.group == b.group) {
                row::title(ui, group[0].group.title(), group.len());
                for entry in group {
                    let chosen = Some(&entry.choice) == self.at.as_ref();
                    if row::show(ui, entry, chosen, chosen && self.moved) {
                        clicked = Some(entry.choice.clone());
                    }
                }
            }
            if rows.is_empty() {
                ui.add_space(size::GAP);
                let words = "No model is like this. Look under All, or import a file.";
                ui.label(RichText::new(words).color(p.weak));
            }
        });
        clicked
    }
}

/// An untrained network would predict noise: it leads to Learn.
fn use_it(choice: Choice, out: &mut Outbox) {
    match choice {
        Choice::Use(version) => out.command(Command::Model(ModelCommand::Use { version: Some(version) })),
        Choice::Learn(network) => {
            out.command(Command::Model(ModelCommand::Fresh { network: network.to_owned() }));
            out.requests.push(Request::ShowPanel("learn"));
        }
    }
}

fn part(ui: &mut Ui, rect: Rect, name: &str) -> Ui {
    ui.new_child(UiBuilder::new().max_rect(rect).id_salt(name).layout(Layout::top_down(Align::Min)))
}
