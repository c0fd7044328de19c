//! What only one of two models predicts.

use super::super::{Scene, overlay, slice_view};
use super::{Other, drawn_over, frame_of};
use crate::gpu::{Difference, LabelColors, MaskDraw, SliceCallback};
use crate::label::{LabelId, LabelMap};
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::ViewState;
use crate::workspace::{DocumentId, class_labels, translation};
use egui::{Align2, CornerRadius, Painter, Rect, Ui, Vec2, pos2, vec2};

/// The labels of B as they were drawn last.
#[derive(Default)]
pub struct Kept {
    /// Image, slice, stamp, and the common label of each of B's own ids.
    of: Option<(DocumentId, usize, u64, Vec<LabelId>)>,
    map: Option<LabelMap>,
}

const OPACITY: f32 = 0.85;

pub fn show(ui: &Ui, image: Rect, [a, b]: [&Scene; 2], view_state: &mut ViewState, other: &mut Other) {
    let painter = ui.painter().with_clip_rect(image.intersect(ui.clip_rect()));
    let z = a.cursor[2];
    let missing = |words: &str| {
        let at = image.center_top() + vec2(0.0, 34.0);
        overlay::text(&painter, at, Align2::CENTER_TOP, words, theme::small(), canvas::WEAK);
    };
    let (Some(by_a), Some(by_b)) = (a.model(), b.model()) else { return missing("A or B has no model") };
    let labels = b.predicted_slices().and_then(|slices| slices.get(&z));
    let (Some(_), Some(labels)) = (a.predicted_labels(z), labels) else {
        return missing("Shown once both have predicted this slice");
    };
    let (_, of_a) = class_labels(&by_a.card, a.document.labels());
    let (classes, table) = class_labels(&by_b.card, &of_a);
    let common = translation(&by_b.card, &classes);
    let volume = a.document.volume();
    let of = (a.document.id(), z, labels.stamp, common);
    if other.difference.of.as_ref() != Some(&of) {
        let by = |own: &LabelId| of.3.get(usize::from(*own)).copied().unwrap_or(0);
        let slice: Vec<LabelId> = labels.labels.iter().map(by).collect();
        other.difference.map = LabelMap::of_slice(volume.dims(), z, &slice);
        other.difference.of = Some(of);
    }
    let Some(map) = other.difference.map.clone() else { return };
    let look = view_state.image(a.document).planes[a.document.native_plane() as usize];
    let ppp = ui.ctx().pixels_per_point();
    let frame = frame_of(volume, a.cursor, image, look, ppp);
    let reformat = &mut other.views.reformats[frame.plane as usize];
    let mut draw = slice_view::describe(a, &frame, view_state, reformat, ppp);
    if draw.prediction.is_none() {
        return missing("The prediction of A is rejected here");
    }
    // As what accepting A would add to B, and take away: sky and orange.
    draw.mask = Some(MaskDraw { document: u64::MAX - a.document.id().0, map });
    draw.colors = LabelColors::of(&table);
    (draw.style.heat, draw.style.difference) = (None, Some(Difference { opacity: OPACITY }));
    painter.add(SliceCallback::shape(image, draw));
    drawn_over(&painter, a, &frame, view_state);
    legend(&painter, image);
}

/// What the colours mean, at the lower left.
fn legend(painter: &Painter, image: Rect) {
    const ROW: f32 = 18.0;
    let rows = [
        (Difference::ADDED, "only A"),
        (Difference::REMOVED, "only B"),
        (Difference::CHANGED, "another label"),
        (Difference::KEPT, "both"),
    ];
    let rows = rows.map(|(color, words)| {
        let words = painter.layout_no_wrap(words.to_owned(), theme::small(), canvas::TEXT);
        (theme::label_color(color), words)
    });
    let wide = rows.iter().map(|(_, words)| words.size().x).fold(0.0, f32::max);
    let size = vec2(wide + 34.0, ROW * rows.len() as f32 + 12.0);
    // Above the window's figures.
    let plate = Rect::from_min_size(pos2(image.left() + overlay::EDGE, image.bottom() - 34.0 - size.y), size);
    painter.rect_filled(plate, CornerRadius::same(6), canvas::SHADE);
    let mut middle = plate.top() + 6.0 + ROW / 2.0;
    for (color, words) in rows {
        let square = Rect::from_center_size(pos2(plate.left() + 14.0, middle), Vec2::splat(10.0));
        painter.rect_filled(square, 2.0, color);
        painter.galley(pos2(plate.left() + 25.0, middle - words.size().y / 2.0), words, canvas::TEXT);
        middle += ROW;
    }
}
