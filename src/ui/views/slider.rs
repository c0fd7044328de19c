use super::findings::Findings;
use super::frame::ViewFrame;
use super::{Scene, SliceMarks};
use crate::geom::Axis;
use crate::ui::outbox::Outbox;
use crate::ui::theme::{self, canvas};
use crate::workspace::Command;
use egui::{CornerRadius, Pos2, Rect, Role, Sense, Ui, WidgetInfo, pos2};

pub const WIDTH: f32 = 18.0;

/// The strip at a view's right: where one is among the slices, and in the plane of acquisition what is known of each:
/// verified (green), labelled (light), predicted (accent), and at its left what is found in it.
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
    let document = scene.document;
    let response = ui.interact(strip, ui.scope_id().with("slices"), Sense::click_and_drag());
    let (plane, slice) = (frame.plane, frame.slice);
    response.widget_info(|| {
        let mut info = WidgetInfo::slider(true, (slice + 1) as f64, format!("{} slice", plane.title()));
        info.role = Role::Slider;
        info
    });
    let middle = strip.right() - WIDTH / 2.0;
    let rail =
        Rect::from_min_max(pos2(middle - 4.0, strip.top() + 10.0), pos2(middle + 4.0, strip.bottom() - 10.0));
    let p = theme::of(true);
    let painter = ui.painter();
    let y_of = |slice: f32| rail.top() + rail.height() * slice / count as f32;
    let rows = |z: usize| {
        let (top, bottom) = (y_of(z as f32), y_of(z as f32 + 1.0));
        [top, if bottom - top > 3.0 { bottom - 1.0 } else { bottom.max(top + 1.0) }]
    };
    painter.rect_filled(Rect::from_center_size(rail.center(), egui::vec2(2.0, rail.height())), 1.0, p.active);
    if let Some(findings) = findings {
        findings.paint(painter, strip.with_max_x(strip.right() - WIDTH), rows);
    }
    if frame.axes.normal == Axis::Z {
        for z in 0..count {
            let color = if document.is_verified(z) {
                p.good
            } else if marks.is_labelled(z) {
                canvas::WEAK
            } else if scene.workspace.predicted_labels(document.id(), z).is_some() {
                p.accent.gamma_multiply(0.45)
            } else {
                continue;
            };
            let [top, bottom] = rows(z);
            let mark = Rect::from_min_max(pos2(rail.left() + 2.0, top), pos2(rail.right() - 2.0, bottom));
            painter.rect_filled(mark, CornerRadius::same(1), color);
        }
    }
    let height = (rail.height() / count as f32).max(4.0);
    let middle = y_of(frame.slice as f32 + 0.5);
    let thumb = Rect::from_center_size(pos2(rail.center().x, middle), egui::vec2(12.0, height));
    let color = if response.hovered() || response.dragged() { canvas::TEXT } else { canvas::WEAK };
    painter.rect_stroke(thumb, 2.0, egui::Stroke::new(1.5, color), egui::StrokeKind::Outside);

    let slice_at = |at: Pos2| {
        let share = ((at.y - rail.top()) / rail.height()).clamp(0.0, 1.0);
        ((share * count as f32) as usize).min(count - 1)
    };
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on()) {
        let slice = slice_at(at);
        if slice != frame.slice {
            let mut cursor = document.cursor();
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
            "Slices: green is verified, light is labelled, blue is predicted".to_owned()
        }
        None => "Slices".to_owned(),
    });
}
