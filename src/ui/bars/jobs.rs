use crate::ui::notices::activity_words;
use crate::ui::outbox::Outbox;
use crate::ui::panels::learn::time_left;
use crate::ui::reading::in_words;
use crate::ui::theme::{self, size};
use crate::ui::widgets::{Icon, progress_bar, quiet};
use crate::words::capital;
use crate::workspace::{Activity, Command, Workspace};
use egui::{
    Align, CornerRadius, Layout, Popup, PopupCloseBehavior, Rect, RichText, Role, Sense, Stroke, StrokeKind,
    Ui, Vec2, WidgetInfo, pos2, vec2,
};
use std::time::Duration;

/// What takes less than this is not shown: it would only flash.
const SHOW_AFTER: Duration = Duration::from_millis(200);
/// Between two looks at how far training has come: it lasts, and the frames are taken from it. Somewhat more than half a
/// second, as egui draws a frame's time too early.
const LOOK_AT_TRAINING: Duration = Duration::from_millis(550);
/// The same for what is soon over.
const LOOK_AT_JOBS: Duration = Duration::from_millis(100);
const LIST: f32 = 340.0;
const BAR: f32 = 40.0;

/// Has the window look again at how far things have come.
pub fn look_again(ctx: &egui::Context, workspace: &Workspace) {
    let training = workspace.training().map(|training| training.job());
    for activity in workspace.activities() {
        let again = if Some(activity.job) == training { LOOK_AT_TRAINING } else { LOOK_AT_JOBS };
        ctx.request_repaint_after(again);
    }
}

/// What takes time: the newest in the top bar, and at a click all of it, to be cancelled. `widest` in points.
pub fn show(ui: &mut Ui, workspace: &Workspace, widest: f32, out: &mut Outbox) {
    // An image on its way in has a card of its own.
    let opening = workspace.openings().last().map(|opening| opening.job());
    let activities: Vec<&Activity> = workspace
        .activities()
        .filter(|a| a.since.elapsed() >= SHOW_AFTER && Some(a.job) != opening)
        .collect();
    let Some(newest) = activities.last() else { return };
    let words = match activities.len() {
        1 => short_words(newest),
        several => format!("{several} things under way"),
    };
    let p = theme::palette(ui);
    let galley = {
        let mut job = egui::text::LayoutJob::simple_singleline(words.clone(), theme::small(), p.text);
        job.wrap = egui::text::TextWrapping::truncate_at_width((widest - BAR - 44.0).max(40.0));
        ui.painter().layout_job(job)
    };
    let wide = galley.size().x + BAR + 44.0;
    let (rect, chip) = ui.allocate_exact_size(vec2(wide, size::BUTTON), Sense::click());
    chip.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Under way: {words}")));
    let round = CornerRadius::same((size::BUTTON / 2.0) as u8);
    let ground = if chip.hovered() { p.hover } else { p.raised };
    ui.painter().rect(rect, round, ground, Stroke::new(1.0, p.line), StrokeKind::Inside);
    let icon = Rect::from_center_size(pos2(rect.left() + 17.0, rect.center().y), Vec2::splat(14.0));
    Icon::Clock.paint(ui.painter(), icon, p.accent);
    let at = pos2(icon.right() + 7.0, rect.center().y - galley.size().y / 2.0);
    let left = at.x + galley.size().x + 8.0;
    ui.painter().galley(at, galley, p.text);
    let bar = Rect::from_min_size(pos2(left, rect.center().y - 2.0), vec2(BAR, 4.0));
    let mut inner = ui.new_child(egui::UiBuilder::new().max_rect(bar));
    progress_bar(&mut inner, share(newest), &newest.title);
    Popup::menu(&chip).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.set_width(LIST);
        for activity in activities {
            progress(ui, activity, out);
            ui.add_space(4.0);
        }
    });
}

fn share(activity: &Activity) -> Option<f32> {
    (activity.total > 0).then(|| activity.done as f32 / activity.total as f32)
}

/// "Learning, 1 min left"
fn short_words(activity: &Activity) -> String {
    let title = in_words(&capital(&activity.title));
    match activity.eta_secs {
        Some(secs) => format!("{title} · {}", time_left(secs)),
        None => title,
    }
}

fn progress(ui: &mut Ui, activity: &Activity, out: &mut Outbox) {
    ui.horizontal(|ui| {
        let width = ui.available_width() - 70.0;
        let title = egui::Label::new(in_words(&capital(&activity.title))).truncate();
        ui.allocate_ui_with_layout(vec2(width, 20.0), Layout::left_to_right(Align::Center), |ui| {
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
    progress_bar(ui, share(activity), &activity.title);
}
