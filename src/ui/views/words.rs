//! Words over a view, the more important ones first: what would lie over others is left out.

use crate::ui::theme::canvas;
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, vec2};

/// Between what stands in a view's corner and its edges, in points.
pub const EDGE: f32 = 10.0;
/// How high a line of small words is, in points.
const LINE: f32 = 16.0;
/// Between what stands at the upper edge and what is said below it.
const BELOW: f32 = 7.0;

/// What stands over a view by now.
pub struct Words<'a> {
    painter: &'a Painter,
    view: Rect,
    taken: Vec<Rect>,
    /// Where what stands at the upper edge ends.
    header: f32,
}

impl<'a> Words<'a> {
    pub fn over(painter: &'a Painter, view: Rect) -> Self {
        Self { painter, view, taken: Vec::new(), header: view.top() + EDGE + LINE }
    }

    pub fn painter(&self) -> &'a Painter {
        self.painter
    }

    pub fn view(&self) -> Rect {
        self.view
    }

    /// Whether there is room, and nothing stands there.
    pub fn is_free(&self, place: Rect) -> bool {
        self.view.contains_rect(place) && !self.taken.iter().any(|taken| taken.intersects(place))
    }

    /// A place, where it is free.
    pub fn take(&mut self, place: Rect) -> bool {
        let free = self.is_free(place);
        if free {
            self.taken.push(place);
        }
        free
    }

    /// Words at a place, where it is free: where they stand.
    pub fn put(
        &mut self,
        at: Pos2,
        align: Align2,
        words: &str,
        font: FontId,
        color: Color32,
    ) -> Option<Rect> {
        let galley = self.painter.layout_no_wrap(words.to_owned(), font.clone(), color);
        let place = align.anchor_size(at, galley.size());
        self.take(place.expand(1.0)).then(|| text(self.painter, at, align, words, font, color))
    }

    /// The same at the upper edge.
    pub fn head(
        &mut self,
        at: Pos2,
        align: Align2,
        words: &str,
        font: FontId,
        color: Color32,
    ) -> Option<Rect> {
        let place = self.put(at, align, words, font, color)?;
        self.header = self.header.max(place.bottom());
        Some(place)
    }

    /// Where what is said below the upper edge begins: as far below it in every view.
    pub fn below(&self) -> f32 {
        self.header + BELOW
    }
}

/// Text that can be read on any image.
pub fn text(painter: &Painter, at: Pos2, align: Align2, text: &str, font: FontId, color: Color32) -> Rect {
    painter.text(at + vec2(0.0, 1.0), align, text, font.clone(), canvas::SHADE);
    painter.text(at, align, text, font, color)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::theme;
    use egui::{Context, pos2};

    #[test]
    fn what_would_lie_over_others_or_has_no_room_is_left_out() {
        let ctx = Context::default();
        crate::ui::install(&ctx);
        let view = Rect::from_min_size(Pos2::ZERO, vec2(100.0, 80.0));
        let _ = ctx.run_ui(Default::default(), |ui| {
            let painter = ui.painter().clone();
            let mut words = Words::over(&painter, view);
            let first = words.below();
            let mut put = |x: f32, align, what: &str| {
                words.head(pos2(x, 30.0), align, what, theme::small(), Color32::WHITE).is_some()
            };
            assert!(put(10.0, Align2::LEFT_TOP, "Axial"));
            assert!(!put(20.0, Align2::LEFT_TOP, "A"), "over the first");
            assert!(put(90.0, Align2::RIGHT_TOP, "A"));
            assert!(!put(98.0, Align2::LEFT_TOP, "A"), "beyond the edge");
            assert!(words.below() > first, "what is said stands below all of them");
            let taken = Rect::from_min_size(pos2(10.0, 60.0), vec2(20.0, 10.0));
            assert!(words.take(taken) && !words.take(taken.translate(vec2(5.0, 0.0))));
        });
    }
}
