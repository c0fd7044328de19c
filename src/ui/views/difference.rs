//! What only one of two models predicts of a slice.

use super::Scene;
use super::words::{EDGE, Words};
use crate::gpu::{Difference, LabelColors, MaskDraw, SliceDraw};
use crate::label::{LabelId, LabelMap};
use crate::ui::theme::{self, canvas};
use crate::workspace::{DocumentId, translation, wanted_labels};
use egui::{Align2, CornerRadius, Rect, Vec2, pos2, vec2};

/// The labels of B as they were drawn last.
#[derive(Default)]
pub struct Kept {
    /// Image, slice, stamp, and the common label of each of B's own ids.
    of: Option<(DocumentId, usize, u64, Vec<LabelId>)>,
    map: Option<LabelMap>,
}

impl Kept {
    /// Draws what only A or only B predicts, in place of mask and prediction: as what accepting A would add to B, and take away.
    /// `draw`: the native slice in front with A's prediction. Why not, where it cannot be.
    pub fn put(
        &mut self,
        draw: &mut SliceDraw,
        [a, b]: [&Scene; 2],
        opacity: f32,
    ) -> Result<(), &'static str> {
        let z = a.cursor[2];
        let (Some(by_a), Some(by_b)) = (a.model(), b.model()) else { return Err("One of them has no model") };
        let labels = b.predicted_slices().and_then(|slices| slices.get(&z));
        let (Some(_), Some(labels)) = (a.predicted_labels(z), labels) else {
            return Err("Shown once both have predicted this slice");
        };
        if draw.prediction.is_none() {
            return Err("The prediction is rejected here");
        }
        let (_, of_a) = a.document.wanted_labels(&by_a.card);
        let (classes, table) = wanted_labels(&by_b.card, &of_a, a.document.left_out());
        let of = (a.document.id(), z, labels.stamp, translation(&by_b.card, &classes));
        if self.of.as_ref() != Some(&of) {
            let common = |own: &LabelId| of.3.get(usize::from(*own)).copied().unwrap_or(0);
            let slice: Vec<LabelId> = labels.labels.iter().map(common).collect();
            self.map = LabelMap::of_slice(a.document.volume().dims(), z, &slice);
            self.of = Some(of);
        }
        if let Some(map) = self.map.clone() {
            draw.mask = Some(MaskDraw { document: u64::MAX - a.document.id().0, map });
        }
        draw.colors = LabelColors::of(&table);
        (draw.style.heat, draw.style.difference) = (None, Some(Difference { opacity }));
        Ok(())
    }
}

/// In place of what cannot be shown.
pub fn missing(words: &mut Words, why: &str) {
    // A line lower where something is said already.
    for down in [0.0, 34.0] {
        let at = pos2(words.view().center().x, words.below() + down);
        if words.put(at, Align2::CENTER_TOP, why, theme::small(), canvas::WEAK).is_some() {
            return;
        }
    }
}

/// What the colours mean, at the lower left.
pub fn legend(over: &mut Words, [a, b]: [&str; 2]) {
    let (painter, image) = (over.painter(), over.view());
    const ROW: f32 = 18.0;
    let rows = [
        (Difference::ADDED, a),
        (Difference::REMOVED, b),
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
    let plate = Rect::from_min_size(pos2(image.left() + EDGE, image.bottom() - 34.0 - size.y), size);
    if !over.take(plate) {
        return;
    }
    painter.rect_filled(plate, CornerRadius::same(6), canvas::SHADE);
    let mut middle = plate.top() + 6.0 + ROW / 2.0;
    for (color, words) in rows {
        let square = Rect::from_center_size(pos2(plate.left() + 14.0, middle), Vec2::splat(10.0));
        painter.rect_filled(square, 2.0, color);
        painter.galley(pos2(plate.left() + 25.0, middle - words.size().y / 2.0), words, canvas::TEXT);
        middle += ROW;
    }
}
