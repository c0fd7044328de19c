use super::findings::Findings;
use super::frame::ViewFrame;
use super::{Scene, SliceMarks};
use crate::geom::Axis;
use crate::ui::outbox::Outbox;
use crate::ui::theme::{self, canvas};
use crate::workspace::Command;
use egui::{Pos2, Rect, Role, Sense, Ui, WidgetInfo, pos2};

pub const WIDTH: f32 = 24.0;

/// How wide the mark of a slice is: the width tells its state without any colour.
const PREDICTED: f32 = 3.0;
const LABELLED: f32 = 6.0;
const VERIFIED: f32 = 10.0;
const THUMB: f32 = 13.0;
/// Slices that are lower than this on screen share their marks: the strongest is shown, and "verified" only where all are.
const LOWEST: f32 = 3.0;

/// The rail at a view's right: where one is among the slices, and in the plane of acquisition what is known of each:
/// verified (wide, green), labelled (white), predicted (narrow, accent), and at its left what is found in it.
#[expect(clippy::too_many_arguments, reason = "the parts of the window that a slider shows, borrowed apart")]
pub fn show(
    ui: &mut Ui,
    strip: Rect,
    frame: &ViewFrame,
    count: usize,
    scene: &Scene,
    marks: &SliceMarks,
    findings: Option<&Findings>,
    out: &mut Outbox,
) {
    let response = ui.interact(strip, ui.scope_id().with("slices"), Sense::click_and_drag());
    let (plane, slice) = (frame.plane, frame.slice);
    response.widget_info(|| {
        let mut info = WidgetInfo::slider(true, (slice + 1) as f64, format!("{} slice", plane.title()));
        info.role = Role::Slider;
        info
    });
    let middle = strip.right() - WIDTH / 2.0;
    let rail =
        Rect::from_min_max(pos2(middle - 5.0, strip.top() + 10.0), pos2(middle + 5.0, strip.bottom() - 10.0));
    let p = theme::of(true);
    let painter = ui.painter();
    let y_of = |slice: f32| rail.top() + rail.height() * slice / count as f32;
    let rows = |z: usize| {
        let (top, bottom) = (y_of(z as f32), y_of(z as f32 + 1.0));
        [top, if bottom - top > LOWEST { bottom - 1.0 } else { bottom.max(top + 1.0) }]
    };
    painter.rect_filled(Rect::from_center_size(rail.center(), egui::vec2(1.0, rail.height())), 0.0, p.active);
    if let Some(findings) = findings {
        findings.paint(painter, strip.with_max_x(strip.right() - WIDTH), rows);
    }
    if frame.axes.normal == Axis::Z {
        let state = |z: usize| State::of(scene, marks, z);
        let together = (LOWEST * count as f32 / rail.height()).ceil().max(1.0) as usize;
        for first in (0..count).step_by(together) {
            let last = (first + together).min(count) - 1;
            let (width, color) = match State::merged((first..=last).map(state)) {
                State::Nothing => continue,
                State::Predicted => (PREDICTED, p.accent.gamma_multiply(0.55)),
                State::Labelled => (LABELLED, canvas::TEXT),
                State::Verified => (VERIFIED, p.good),
            };
            let (top, bottom) = (rows(first)[0], rows(last)[1]);
            let at = pos2(rail.center().x, (top + bottom) / 2.0);
            painter.rect_filled(Rect::from_center_size(at, egui::vec2(width, bottom - top)), 0.0, color);
        }
    }
    let height = (rail.height() / count as f32).max(5.0) + 3.0;
    let middle = y_of(frame.slice as f32 + 0.5);
    let thumb = Rect::from_center_size(pos2(rail.center().x, middle), egui::vec2(THUMB, height));
    for (width, color) in [(3.5, canvas::SHADE), (1.5, canvas::CURSOR)] {
        painter.rect_stroke(thumb, 2.0, egui::Stroke::new(width, color), egui::StrokeKind::Middle);
    }

    let slice_at = |at: Pos2| {
        let share = ((at.y - rail.top()) / rail.height()).clamp(0.0, 1.0);
        ((share * count as f32) as usize).min(count - 1)
    };
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on()) {
        let slice = slice_at(at);
        if slice != frame.slice {
            let mut cursor = frame.cursor;
            cursor[frame.axes.normal.index()] = slice;
            out.command(Command::Cursor(cursor));
        }
    }
    let found = response.hover_pos().zip(findings).and_then(|(at, findings)| {
        let z = slice_at(at);
        Some(format!("Slice {}: {}", z + 1, findings.words(z)?))
    });
    response.on_hover_text_at_pointer(match found {
        Some(found) => found,
        None if frame.axes.normal == Axis::Z => {
            "Slices: wide and green is verified, white is labelled, narrow and blue is predicted".to_owned()
        }
        None => "Slices".to_owned(),
    });
}

/// What is known of a slice; the later, the more a person has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Nothing,
    Predicted,
    Labelled,
    Verified,
}

impl State {
    fn of(scene: &Scene, marks: &SliceMarks, z: usize) -> Self {
        let document = scene.document;
        if document.is_verified(z) {
            State::Verified
        } else if marks.is_labelled(z) {
            State::Labelled
        } else if scene.predicted_labels(z).is_some() {
            State::Predicted
        } else {
            State::Nothing
        }
    }

    /// What stands for several slices: the strongest, and "verified" only where all are.
    fn merged(states: impl Iterator<Item = State> + Clone) -> Self {
        let all = states.clone().all(|state| state == State::Verified);
        let strongest = states.max().unwrap_or(State::Nothing);
        if strongest == State::Verified && !all { State::Labelled } else { strongest }
    }
}

#[cfg(test)]
mod tests {
    use super::State::{self, *};

    #[test]
    fn verified_stands_for_several_slices_only_where_all_are() {
        assert_eq!(State::merged([Verified, Verified].into_iter()), Verified);
        assert_eq!(State::merged([Verified, Nothing].into_iter()), Labelled);
        assert_eq!(State::merged([Nothing, Predicted].into_iter()), Predicted);
        assert_eq!(State::merged([].into_iter()), Nothing);
    }
}
