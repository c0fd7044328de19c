//! What the person should know, and what takes time: cards at the lower right of the views.

use super::outbox::{Outbox, Request};
use super::panels::learn::{capital, time_left};
use super::theme;
use super::widgets::{Icon, IconButton, primary, progress_bar, quiet};
use crate::workspace::{Activity, Asks, Command, NoticeLevel, TrainCommand, Training, Verdict, Workspace};
use egui::{Align, Area, Frame, Id, Layout, Margin, Order, Rect, RichText, Sense, Stroke, Ui, Vec2, pos2};
use std::collections::BTreeMap;
use std::time::Duration;

/// Since when each notice has been shown.
#[derive(Default)]
pub struct Notices {
    since: BTreeMap<u64, f64>,
    /// Why something that was asked for was not done; the newest replaces the older.
    told: Option<(String, Option<f64>)>,
}

/// Something that merely informs goes by itself after this many seconds.
const INFO_SECS: f64 = 6.0;
/// What takes less than this needs no progress bar: it would only flash.
const SHOW_AFTER: Duration = Duration::from_millis(200);
const WIDTH: f32 = 340.0;
/// More would hide the image.
const MOST: usize = 4;

impl Notices {
    /// Says for a few seconds why something was not done.
    pub fn tell(&mut self, text: impl Into<String>) {
        self.told = Some((text.into(), None));
    }

    pub fn show(&mut self, ctx: &egui::Context, views: Rect, workspace: &Workspace, out: &mut Outbox) {
        let now = ctx.input(|i| i.time);
        let notices = workspace.notices();
        self.since.retain(|id, _| notices.iter().any(|n| n.id == *id));
        for notice in notices {
            let since = *self.since.entry(notice.id).or_insert(now);
            if notice.level == NoticeLevel::Info && !notice.stays && notice.asks.is_none() {
                if now - since > INFO_SECS {
                    out.requests.push(Request::DismissNotice(notice.id));
                } else {
                    ctx.request_repaint_after(Duration::from_secs_f64(INFO_SECS - (now - since) + 0.05));
                }
            }
        }
        if let Some((_, since)) = &mut self.told {
            let since = *since.get_or_insert(now);
            let left = INFO_SECS - (now - since);
            if left <= 0.0 {
                self.told = None;
            } else {
                ctx.request_repaint_after(Duration::from_secs_f64(left + 0.05));
            }
        }
        let (activities, young): (Vec<&Activity>, Vec<&Activity>) =
            workspace.activities().partition(|a| a.since.elapsed() >= SHOW_AFTER);
        if !young.is_empty() {
            ctx.request_repaint_after(SHOW_AFTER);
        }
        if notices.is_empty() && activities.is_empty() && self.told.is_none() {
            return;
        }
        let corner = pos2(views.right() - 34.0, views.bottom() - 40.0);
        Area::new(Id::unique("notices"))
            .order(Order::Foreground)
            .pivot(egui::Align2::RIGHT_BOTTOM)
            .fixed_pos(corner)
            .show(ctx, |ui| {
                ui.set_width(WIDTH.min(views.width() - 40.0));
                ui.spacing_mut().item_spacing.y = 8.0;
                for notice in notices.iter().rev().take(MOST).rev() {
                    let buttons = |ui: &mut Ui| match notice.asks {
                        Some(Asks::Adopt) => adopt(ui, workspace, out),
                        None => {}
                    };
                    if card(ui, notice.level, &notice.text, !notice.stays, buttons) {
                        out.requests.push(Request::DismissNotice(notice.id));
                    }
                }
                if let Some((text, _)) = &self.told
                    && card(ui, NoticeLevel::Warning, text, true, |_| {})
                {
                    self.told = None;
                }
                for activity in activities {
                    progress(ui, activity, out);
                }
            });
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
        // Only what is known to be better is the button that stands out.
        let better = training.candidate().is_some_and(|c| matches!(c.verdict(), Verdict::Better(_)));
        let button = if better { primary } else { quiet };
        if button(ui, true, "Adopt").on_hover_text(tip).clicked() {
            out.command(Command::Train(TrainCommand::Adopt));
        }
        if quiet(ui, true, "Compare").on_hover_text("Old and new beside each other").clicked() {
            look_at(workspace, training, out);
        }
    });
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
    let (icon, color) = match level {
        NoticeLevel::Info => (Icon::Info, p.accent),
        NoticeLevel::Warning => (Icon::Warning, p.warn),
        NoticeLevel::Error => (Icon::Warning, p.bad),
    };
    let shown = frame(ui).show(ui, |ui| {
        let row = ui.horizontal_top(|ui| {
            let (square, _) = ui.allocate_exact_size(Vec2::splat(17.0), Sense::hover());
            icon.paint(ui.painter(), square, color);
            let text_width = ui.available_width() - 30.0;
            ui.allocate_ui_with_layout(Vec2::new(text_width, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(text_width);
                ui.label(text);
                buttons(ui);
            });
            dismissible && ui.add(IconButton::new(Icon::Close, "Dismiss").side(20.0)).clicked()
        });
        row.inner
    });
    shown.inner
}

fn progress(ui: &mut Ui, activity: &Activity, out: &mut Outbox) {
    frame(ui).show(ui, |ui| {
        ui.horizontal(|ui| {
            let width = ui.available_width() - 70.0;
            let title = egui::Label::new(capital(&activity.title)).truncate();
            ui.allocate_ui_with_layout(Vec2::new(width, 20.0), Layout::left_to_right(Align::Center), |ui| {
                ui.set_width(width);
                ui.add(title);
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if quiet(ui, true, "Cancel").clicked() {
                    out.command(Command::Cancel(activity.job));
                }
            });
        });
        let words = activity_words(activity);
        if !words.is_empty() {
            ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
        }
        let share = (activity.total > 0).then(|| activity.done as f32 / activity.total as f32);
        progress_bar(ui, share, &activity.title);
    });
}

/// "Finding the organs, about 20 s left", as far as it is known.
pub fn activity_words(activity: &Activity) -> String {
    let left = activity.eta_secs.map(time_left);
    let stage = Some(capital(activity.stage)).filter(|stage| !stage.is_empty());
    [stage, left].into_iter().flatten().collect::<Vec<_>>().join(", ")
}
