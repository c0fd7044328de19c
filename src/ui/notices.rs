//! What the person should know, at the lower right of the views.

use super::closing::keep_elsewhere;
use super::messages::{Messages, look};
use super::outbox::{Outbox, Request};
use super::panels::learn::time_left;
use super::reading::in_words;
use super::side::Side;
use super::stack::{Corner, Stack};
use super::theme::{self, size};
use super::widgets::{Icon, IconButton, quiet};
use crate::words::capital;
use crate::workspace::{
    Activity, Asks, Command, DocumentId, NoticeLevel, ProjectCommand, TrainCommand, Training, Workspace,
};
use egui::{Align, Context, Frame, Layout, Margin, Rect, RichText, Sense, Stroke, Ui, Vec2, pos2};
use std::{cell::Cell, time::Duration};

/// The cards over the views.
#[derive(Default)]
pub struct Notices {
    cards: Stack<Card>,
    /// What there is to say and since when, oldest first.
    since: Vec<(Card, f64)>,
    /// Why something that was asked for was not done; the newest replaces the older.
    told: Option<Told>,
    last_told: u64,
    /// Everything that was said.
    pub messages: Messages,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq)]
enum Card {
    /// Of the workspace, by its id.
    Notice(u64),
    Told(u64),
}

struct Told {
    id: u64,
    text: String,
    times: usize,
}

/// Where cards may be.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    pub views: Rect,
    /// The panel, where it lies over the views.
    pub drawer: Option<Rect>,
}

impl Room {
    /// Beside the drawer; where there is too little room, over it, but not over its footer. And whether it is over it.
    fn free(self) -> (Rect, bool) {
        let Some(drawer) = self.drawer else { return (self.views, false) };
        let beside = self.views.with_max_x(drawer.left());
        match beside.width() >= LEAST + SLIDER {
            true => (beside, false),
            false => (self.views.with_max_y(drawer.bottom() - size::FOOTER), true),
        }
    }
}

/// What a card shows.
struct Words<'a> {
    card: Card,
    level: NoticeLevel,
    text: &'a str,
    stays: bool,
    /// Goes by itself.
    passes: bool,
    asks: Option<Asks>,
    document: Option<DocumentId>,
}

/// Something that merely informs goes by itself after this many seconds.
const INFO_SECS: f64 = 6.0;
/// It stays at least so long after the pointer has left it.
const AFTER_POINTER_SECS: f64 = 2.0;
const WIDTH: f32 = 348.0;
/// Narrower cards would be towers of single words.
const LEAST: f32 = 200.0;
/// More would hide the image.
const MOST: usize = 3;
/// Of the rail beside a view.
const SLIDER: f32 = 40.0;
/// Of the words in a view's upper corners.
const WORDS: f32 = 32.0;
/// Of the scale bar and of what stands in a view's lower corners.
const FOOT: f32 = 40.0;
/// Of the card of an image on its way in, at the middle of the views' lower edge.
const OPENING: f32 = 124.0;

impl Notices {
    /// Says for a few seconds why something was not done.
    pub fn tell(&mut self, text: impl Into<String>) {
        let text = text.into();
        match &mut self.told {
            Some(told) if told.text == text => {
                told.times += 1;
                self.since.retain(|(card, _)| *card != Card::Told(told.id));
            }
            told => {
                self.last_told += 1;
                *told = Some(Told { id: self.last_told, text, times: 1 });
            }
        }
    }

    pub fn show(&mut self, ctx: &Context, room: Room, workspace: &Workspace, out: &mut Outbox) {
        let (views, over) = room.free();
        let told = self.told.as_ref().map(|told| match told.times {
            1 => told.text.clone(),
            times => format!("{} ({times} ×)", told.text),
        });
        let told = self.told.as_ref().zip(told.as_ref()).map(|(told, text)| Words {
            card: Card::Told(told.id),
            level: NoticeLevel::Warning,
            text,
            stays: false,
            passes: true,
            asks: None,
            document: None,
        });
        let of_workspace = workspace.notices().iter().map(|notice| Words {
            card: Card::Notice(notice.id),
            level: notice.level,
            text: &notice.text,
            stays: notice.stays,
            passes: notice.level == NoticeLevel::Info && !notice.stays && notice.asks.is_none(),
            asks: notice.asks,
            document: notice.document,
        });
        let words: Vec<Words> = of_workspace.chain(told).collect();
        let mut gone = self.passed(ctx, &words);

        let opens = !workspace.openings().is_empty();
        let corner = Corner {
            id: "notices",
            at: pos2(views.right() - SLIDER, views.bottom() - if opens { OPENING } else { FOOT }),
            down: false,
            width: WIDTH.min(views.width() - 40.0),
            room: views.height() - WORDS - FOOT,
            most: MOST,
            over: over.then(Side::drawer),
        };
        let wanted: Vec<Card> = self.since.iter().map(|(card, _)| *card).collect();
        let draw = |ui: &mut Ui, of: Card| {
            let Some(words) = words.iter().find(|w| w.card == of) else { return };
            let buttons = |ui: &mut Ui| match (words.asks, words.document) {
                (Some(Asks::Adopt), _) => adopt(ui, workspace, out),
                (Some(Asks::KeepElsewhere), Some(document)) => {
                    ui.add_space(4.0);
                    keep_elsewhere(ui, document, out);
                }
                (Some(Asks::TakeBack(aside)), Some(document)) => {
                    ui.add_space(4.0);
                    take_back(ui, document, aside, out);
                }
                _ => {}
            };
            if card(ui, words.level, words.text, !words.stays, buttons) {
                gone.push(of);
            }
        };
        let all = Cell::new(false);
        let waiting = |ui: &mut Ui, count: usize| {
            let words = RichText::new(format!("and {count} more")).font(theme::small());
            frame(ui).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(words.color(theme::palette(ui).weak));
                    all.set(quiet(ui, true, "Dismiss all").clicked());
                });
            });
        };
        self.cards.show(ctx, corner, &wanted, draw, waiting);
        if all.get() {
            gone.extend(words.iter().filter(|w| !w.stays && w.asks.is_none()).map(|w| w.card));
        }
        for card in gone {
            match card {
                Card::Notice(id) => out.requests.push(Request::DismissNotice(id)),
                Card::Told(_) => self.told = None,
            }
        }
    }

    /// Keeps account of what there is to say; the cards that have been shown long enough.
    fn passed(&mut self, ctx: &Context, words: &[Words]) -> Vec<Card> {
        let now = ctx.input(|i| i.time);
        self.since.retain(|(card, _)| words.iter().any(|w| w.card == *card));
        for w in words {
            if !self.since.iter().any(|(card, _)| *card == w.card) {
                self.since.push((w.card, now));
                self.messages.keep(w.level, w.text);
            }
        }
        let hovered = self.cards.is_hovered(ctx);
        let mut passed = Vec::new();
        for (card, since) in &mut self.since {
            if !words.iter().any(|w| w.card == *card && w.passes) {
                continue;
            }
            if hovered {
                *since = since.max(now - INFO_SECS + AFTER_POINTER_SECS);
            }
            match *since + INFO_SECS - now {
                left if left <= 0.0 => passed.push(*card),
                left => ctx.request_repaint_after(Duration::from_secs_f64(left + 0.05)),
            }
        }
        passed
    }
}

fn frame(ui: &Ui) -> Frame {
    let p = theme::palette(ui);
    Frame::new()
        .fill(p.panel)
        .stroke(Stroke::new(1.0, p.active))
        .corner_radius(8)
        .inner_margin(Margin::symmetric(12, 10))
        .shadow(ui.visuals().popup_shadow)
}

/// The decision on what a training run has made, wherever the person is.
fn adopt(ui: &mut Ui, workspace: &Workspace, out: &mut Outbox) {
    let Some(training) = workspace.training().filter(|t| t.candidate().is_some()) else { return };
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let tip = format!("Predict with it from now on: {}", training.about());
        // The button that stands out is the panel's.
        if quiet(ui, true, "Adopt").on_hover_text(tip).clicked() {
            out.command(Command::Train(TrainCommand::Adopt));
        }
        if quiet(ui, true, "Compare").on_hover_text("Old and new beside each other").clicked() {
            look_at(workspace, training, out);
        }
    });
}

/// Opens annotations that were set aside, wherever they are named.
pub fn take_back(ui: &mut Ui, document: DocumentId, aside: usize, out: &mut Outbox) {
    let tip = "Opens the image again with these annotations; the ones that are shown now are set aside";
    if quiet(ui, true, "Open them").on_hover_text(tip).clicked() {
        out.command(Command::Project(ProjectCommand::TakeBack(document, aside)));
    }
}

/// Brings an image of the run to the front, and the panel that compares.
fn look_at(workspace: &Workspace, training: &Training, out: &mut Outbox) {
    let its_own = |id| training.uses(id);
    if !workspace.active().is_some_and(|d| its_own(d.id()))
        && let Some(document) = workspace.documents().iter().find(|d| its_own(d.id()))
    {
        out.command(Command::Activate(document.id()));
    }
    out.requests.push(Request::ShowPanel("learn"));
}

/// True where it is dismissed.
fn card(
    ui: &mut Ui,
    level: NoticeLevel,
    text: &str,
    dismissible: bool,
    buttons: impl FnOnce(&mut Ui),
) -> bool {
    let p = theme::palette(ui);
    let (icon, color) = look(level, &p);
    let shown = frame(ui).show(ui, |ui| {
        // As wide as those beside it that can be dismissed.
        ui.set_width(ui.available_width());
        let row = ui.horizontal_top(|ui| {
            let (square, _) = ui.allocate_exact_size(Vec2::splat(17.0), Sense::hover());
            icon.paint(ui.painter(), square, color);
            let text_width = ui.available_width() - 30.0;
            ui.allocate_ui_with_layout(Vec2::new(text_width, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(text_width);
                ui.label(in_words(text));
                buttons(ui);
            });
            dismissible && ui.add(IconButton::new(Icon::Close, "Dismiss").side(20.0)).clicked()
        });
        row.inner
    });
    shown.inner
}

/// "Finding the organs, about 20 s left", as far as it is known.
pub fn activity_words(activity: &Activity) -> String {
    let left = activity.eta_secs.map(time_left);
    let stage = Some(capital(activity.stage)).filter(|stage| !stage.is_empty());
    [stage, left].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
