//! The three steps at the panel's top: where one is, and going back to look.

use crate::ui::theme;
use crate::ui::widgets::Icon;
use egui::{Align2, Rect, Role, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Choose,
    Learn,
    Decide,
}

impl Step {
    pub const ALL: [Step; 3] = [Step::Choose, Step::Learn, Step::Decide];

    pub fn title(self) -> &'static str {
        match self {
            Step::Choose => "Choose",
            Step::Learn => "Learn",
            Step::Decide => "Decide",
        }
    }
}

const CIRCLE: f32 = 20.0;

/// The steps; the one that was clicked. `now`: where the work stands. `has`: whether there is something to look at.
pub fn show(ui: &mut Ui, shown: Step, now: Step, has: impl Fn(Step) -> bool) -> Option<Step> {
    let p = theme::palette(ui);
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let mut clicked = None;
    let third = row.width() / 3.0;
    for (i, step) in (0u8..).zip(Step::ALL) {
        let left = row.left() + f32::from(i) * third;
        let color = if step == shown { p.text } else { p.weak };
        let words = ui.painter().layout_no_wrap(step.title().to_owned(), theme::body(), color);
        let width = CIRCLE + 8.0 + words.size().x;
        let place = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
        let there = has(step) || step == now;
        let sense = if there { Sense::click() } else { Sense::hover() };
        let response = ui.interact(place, ui.scope_id().with(("step", step.title())), sense);
        let name = format!("{}, step {} of 3", step.title(), i + 1);
        response.widget_info(|| WidgetInfo::selected(Role::Button, there, step == shown, &name));
        let circle = Rect::from_center_size(pos2(left + CIRCLE / 2.0, row.center().y), Vec2::splat(CIRCLE));
        let painter = ui.painter();
        let (ground, mark) = match step {
            step if step == shown => (p.accent, p.on_accent),
            step if step < now => (p.accent_ground, p.accent),
            _ => (p.raised, p.weak),
        };
        painter.circle_filled(circle.center(), CIRCLE / 2.0, ground);
        if step < now && step != shown {
            Icon::Check.paint(painter, circle.shrink(4.0), mark);
        } else {
            let number = (i + 1).to_string();
            painter.text(circle.center(), Align2::CENTER_CENTER, number, theme::small(), mark);
        }
        if response.hovered() || response.has_focus() {
            let ring = Stroke::new(if response.has_focus() { 2.0 } else { 1.0 }, p.accent);
            painter.circle_stroke(circle.center(), CIRCLE / 2.0 + 1.0, ring);
        }
        painter.galley(pos2(circle.right() + 8.0, row.center().y - words.size().y / 2.0), words, color);
        let (from, to) = (place.right() + 10.0, left + third - 10.0);
        if step != Step::Decide && to > from {
            painter.hline(from..=to, row.center().y, Stroke::new(1.0, p.active));
        }
        if response.clicked() {
            clicked = Some(step);
        }
    }
    ui.add_space(6.0);
    clicked
}
