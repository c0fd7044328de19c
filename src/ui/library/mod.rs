//! The model library: a sheet over the window in which a model is found, looked at and used.

mod details;
mod entries;
mod filter;
mod left;
mod list;
mod row;
mod speed;

pub use entries::{Choice, Entry, Fit, entries};

use super::outbox::{Outbox, Question, Request};
use super::theme;
use super::widgets::{Icon, IconButton, Segmented, quiet};
use crate::workspace::{Command, Document, ModelCommand, StartFrom, Workspace};
use egui::{
    Align, Frame, Id, Key, Layout, Margin, Modal, Modifiers, Rect, RichText, Role, TextEdit, Ui, UiBuilder,
    WidgetInfo, vec2,
};
use filter::{Filter, Show};
use speed::Speed;

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
/// In lower ones either the list or the details are there.
const LOW: f32 = 330.0;
/// With less room the header has icons and lists for words.
const NARROW: f32 = 700.0;

/// What it keeps from frame to frame.
#[derive(Default)]
pub struct Library {
    shown: bool,
    /// It was opened to choose what learns.
    learns: bool,
    filter: Filter,
    /// The row that is chosen.
    at: Option<Choice>,
    /// Keys have just chosen it.
    moved: bool,
    /// In a low sheet: the details are there, and not the list.
    about: bool,
}

/// What becomes of a chosen row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Predicts with it; a network that has learned nothing goes to Learn.
    Use,
    /// Goes to Learn, where it is the beginning.
    Learn,
}

impl Library {
    pub fn is_open(&self) -> bool {
        self.shown
    }

    /// Shows it with nothing typed, at the model in use. `learns`: to choose what learns.
    pub fn open(&mut self, document: &Document, learns: bool) {
        let at = document.model().map(|version| Choice::Use(version.to_string()));
        *self = Self { shown: true, learns, at, moved: true, ..Self::default() };
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
        let chosen = rows.iter().copied().find(|row| Some(&row.choice) == self.at.as_ref());
        let first = self.first_verb(chosen);
        let mut done = self.at.clone().filter(|_| enters).map(|choice| (first, choice));
        let modal = Modal::new(Id::unique("model library")).frame(frame).show(ctx, |ui| {
            let (rect, _) = ui.allocate_exact_size(whole, egui::Sense::hover());
            let (top, body) = rect.split_top_bottom_at_y(rect.top() + HEADER);
            ui.painter().hline(rect.x_range(), top.bottom(), (1.0, p.line));
            self.header(&mut part(ui, top.shrink2(vec2(16.0, 12.0)), "header"), out);
            let mut middle = body;
            if whole.x >= LEFT_AWAY {
                let (column, rest) = middle.split_left_right_at_x(middle.left() + LEFT);
                ui.painter().vline(column.right(), column.y_range(), (1.0, p.line));
                let mut ui = part(ui, column.shrink2(vec2(10.0, 12.0)), "kinds");
                left::show(&mut ui, &mut self.filter, &all, &rows, &Speed::of(workspace, document));
                middle = rest;
            }
            let low = whole.x < DETAILS_AWAY && middle.height() < LOW;
            let side = if whole.x >= DETAILS_AWAY {
                let (rest, side) = middle.split_left_right_at_x(middle.right() - DETAILS);
                ui.painter().vline(side.left(), side.y_range(), (1.0, p.line));
                middle = rest;
                side
            } else if low {
                let (rest, foot) = middle.split_top_bottom_at_y(middle.bottom() - details::FOOTER);
                middle = rest;
                if self.about { rest.union(foot) } else { foot }
            } else {
                let (rest, below) = middle.split_top_bottom_at_y(middle.bottom() - middle.height() * 0.45);
                ui.painter().hline(below.x_range(), below.top(), (1.0, p.line));
                middle = rest;
                below
            };
            let mut ui_list = part(ui, middle, "list");
            if low && self.about {
                // The details have its place.
            } else if rows.is_empty() {
                list::nothing(&mut ui_list, &mut self.filter);
            } else if let Some(choice) = list::show(&mut ui_list, &rows, self.at.as_ref(), self.moved) {
                let again = self.at.as_ref() == Some(&choice);
                self.at = Some(choice.clone());
                if again && ui.input(|i| i.pointer.button_double_clicked(egui::PointerButton::Primary)) {
                    done = Some((first, choice));
                }
            }
            let flips = low.then_some(&mut self.about);
            let verb = details::show(&mut part(ui, side, "details"), chosen, workspace, first, flips);
            if let (Some(verb), Some(entry)) = (verb, chosen) {
                done = Some((verb, entry.choice.clone()));
            }
        });
        if let Some((verb, choice)) = done {
            carry_out(verb, choice, out);
            self.shown = false;
        } else if modal.should_close() {
            self.shown = false;
        }
        if !self.shown {
            ctx.request_repaint();
        }
    }

    /// What Enter and the filled button do. A network of whole volumes is not trained in the window.
    fn first_verb(&self, chosen: Option<&Entry>) -> Verb {
        if self.learns && chosen.is_some_and(|entry| !entry.at_once) { Verb::Learn } else { Verb::Use }
    }

    /// Up and Down choose, whatever has the keyboard; true where Enter was pressed on a row.
    fn keys(&mut self, ctx: &egui::Context, rows: &[&Entry]) -> bool {
        let mut at = rows.iter().position(|row| Some(&row.choice) == self.at.as_ref());
        // Something is chosen as long as there is something.
        let recommended = || rows.iter().position(|row| row.recommended.is_some()).unwrap_or(0);
        let lost = at.is_none() && !rows.is_empty();
        if lost {
            at = Some(recommended());
        }
        let before = at;
        let enters = ctx.input_mut(|input| {
            for (key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1)] {
                if input.consume_key(Modifiers::NONE, key) {
                    at = at.map(|at| at.saturating_add_signed(by).min(rows.len() - 1));
                }
            }
            input.consume_key(Modifiers::NONE, Key::Enter)
        });
        self.moved = std::mem::take(&mut self.moved) || lost || at != before;
        self.at = at.map(|at| rows[at].choice.clone());
        enters && self.at.is_some()
    }

    fn header(&mut self, ui: &mut Ui, out: &mut Outbox) {
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 10.0;
            ui.label(
                RichText::new(if self.learns { "What learns" } else { "Models" }).font(theme::large_title()),
            );
            let show = Segmented::new(self.filter.show, Show::ALL);
            let narrow = ui.available_width() < NARROW;
            let rest = if narrow { 230.0 } else { show.width(ui) + 200.0 };
            let field = TextEdit::singleline(&mut self.filter.text)
                .id(Id::unique("model search"))
                .hint_text("Name, structure, network, paper")
                .desired_width((ui.available_width() - rest).clamp(90.0, 350.0))
                .margin(Margin::symmetric(8, 6));
            let field = ui.add(field);
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Search the models"));
            if !field.has_focus() {
                field.request_focus();
            }
            let none = |_| String::new();
            let chosen = match narrow {
                true => show.list(ui, "Which models are listed", none),
                false => show.show(ui, none),
            };
            self.filter.show = chosen.unwrap_or(self.filter.show);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(IconButton::new(Icon::Close, "Close the model library")).clicked() {
                    self.shown = false;
                }
                let import = "Import a file…";
                let clicked = match narrow {
                    true => ui.add(IconButton::new(Icon::Plus, import)).clicked(),
                    false => quiet(ui, true, import).clicked(),
                };
                if clicked {
                    out.ask(Question::ImportModel);
                    self.shown = false;
                }
            });
        });
    }
}

/// An untrained network would predict noise: it leads to Learn.
pub fn carry_out(verb: Verb, choice: Choice, out: &mut Outbox) {
    let learns = verb == Verb::Learn || matches!(choice, Choice::Learn(_));
    out.command(Command::Model(match choice {
        Choice::Use(version) => ModelCommand::Use { version: Some(version) },
        Choice::Learn(network) => ModelCommand::Fresh { network: network.to_owned() },
    }));
    if learns {
        out.requests.push(Request::Learn(StartFrom::InUse));
    }
}

fn part(ui: &mut Ui, rect: Rect, name: &str) -> Ui {
    ui.new_child(UiBuilder::new().max_rect(rect).id_salt(name).layout(Layout::top_down(Align::Min)))
}
