//! The first letters of labels on their areas: names for who cannot tell the colours apart.

use super::Scene;
use super::frame::ViewFrame;
use crate::geom::Axis;
use crate::label::{LabelId, LabelTable};
use crate::ui::reading::as_painted;
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::ViewState;
use crate::workspace::{DocumentId, translation};
use egui::{Align2, Color32, Painter, vec2};
use glam::DVec3;
use std::collections::BTreeMap;

/// Pixels along a side that are looked at: a larger slice is looked at in steps.
const MOST: usize = 512;
/// An area that is narrower than this has no room for a letter, in points.
const NARROW: f64 = 14.0;
/// More letters than this make no name shorter.
const LETTERS: usize = 3;

/// Where each label of a slice is widest, kept until the slice changes.
#[derive(Default)]
pub struct Initials {
    of: Option<Key>,
    widest: BTreeMap<LabelId, Widest>,
}

/// Image and slice, revision of the mask, stamp of the prediction and what its labels mean here.
type Key = (DocumentId, usize, Option<u64>, Option<(u64, Vec<LabelId>)>);

/// The middle of the largest square of one label that fits into its area.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Widest {
    /// Column and row.
    at: [usize; 2],
    /// In pixels.
    side: usize,
}

impl Initials {
    /// Over a native slice; nothing over others. What is hidden has no letters.
    pub fn paint(&mut self, painter: &Painter, frame: &ViewFrame, scene: &Scene, view_state: &ViewState) {
        if frame.axes.normal != Axis::Z || !view_state.letters || view_state.difference {
            return;
        }
        let (document, z) = (scene.document, frame.slice);
        let predicted = scene.predicted_slices().and_then(|slices| slices.get(&z));
        let predicted = predicted
            .filter(|_| view_state.prediction_shown && !scene.is_rejected(view_state, z))
            .zip(scene.model());
        let mut table = document.labels().clone();
        let predicted = predicted.map(|(slice, model)| {
            let (classes, with_its_own) = document.wanted_labels(&model.card);
            table = with_its_own;
            (slice, translation(&model.card, &classes))
        });
        let mask = view_state.mask_visible().then(|| document.mask());
        let stamp = predicted.as_ref().map(|(slice, common)| (slice.stamp, common.clone()));
        let of = (document.id(), z, mask.map(|mask| mask.revision()), stamp);
        if self.of.as_ref() != Some(&of) {
            let [width, height, _] = document.volume().dims();
            let step = width.max(height).div_ceil(MOST);
            let (columns, rows) = (width.div_ceil(step), height.div_ceil(step));
            let mut labels = vec![0; columns * rows];
            let mut row = vec![0; width];
            for (y, labels) in labels.chunks_mut(columns).enumerate() {
                if let Some(mask) = mask {
                    mask.read((z * height + y * step) * width, &mut row);
                }
                for (x, label) in labels.iter_mut().enumerate() {
                    let by_model = predicted.as_ref().and_then(|(slice, common)| {
                        let own = slice.labels.get(y * step * width + x * step)?;
                        common.get(usize::from(*own)).copied()
                    });
                    *label = if row[x * step] != 0 { row[x * step] } else { by_model.unwrap_or(0) };
                }
            }
            self.widest = widest(&labels, columns);
            for Widest { at, side } in self.widest.values_mut() {
                (*at, *side) = (at.map(|along| along * step), *side * step);
            }
            self.of = Some(of);
        }
        let names = short(&table);
        for (id, Widest { at: [x, y], side }) in &self.widest {
            let shown = table.get(*id).is_some_and(|label| label.visible);
            let Some(name) = names.get(id).filter(|_| shown) else { continue };
            let corner = DVec3::new(*x as f64, *y as f64, z as f64);
            let [from, to] =
                [corner, corner + DVec3::new(*side as f64, 0.0, 0.0)].map(|at| frame.point_of(at));
            if f64::from(from.distance(to)) < NARROW || !frame.rect.contains(from) {
                continue;
            }
            let text = |by, color| {
                _ = painter.text(from + by, Align2::CENTER_CENTER, name, theme::small_title(), color)
            };
            for edge in [vec2(-1.0, 0.0), vec2(1.0, 0.0), vec2(0.0, -1.0), vec2(0.0, 1.0)] {
                text(edge, Color32::BLACK);
            }
            text(egui::Vec2::ZERO, canvas::TEXT);
        }
    }
}

/// For each label but background, where it is widest. `labels`: row by row, of this width.
fn widest(labels: &[LabelId], width: usize) -> BTreeMap<LabelId, Widest> {
    // Steps to the nearest pixel of another label, in eight directions: one pass down, one up.
    let mut steps = vec![0_usize; labels.len()];
    let rows = labels.len() / width.max(1);
    let mut found = BTreeMap::new();
    let near = |steps: &[usize], at: usize, [dx, dy]: [isize; 2]| {
        let (x, y) = (at % width, at / width);
        let to =
            (x.checked_add_signed(dx).filter(|x| *x < width), y.checked_add_signed(dy).filter(|y| *y < rows));
        match to {
            (Some(x), Some(y)) if labels[y * width + x] == labels[at] => steps[y * width + x],
            _ => 0,
        }
    };
    let before = [[-1, 0], [-1, -1], [0, -1], [1, -1]];
    let inside = |at: &usize| labels[*at] != 0;
    for at in (0..labels.len()).filter(inside) {
        steps[at] = 1 + before.map(|to| near(&steps, at, to)).into_iter().min().unwrap_or(0);
    }
    for at in (0..labels.len()).rev().filter(inside) {
        let after = before.map(|[dx, dy]| near(&steps, at, [-dx, -dy]));
        steps[at] = steps[at].min(1 + after.into_iter().min().unwrap_or(0));
        let here = Widest { at: [at % width, at / width], side: 2 * steps[at] - 1 };
        let best = found.entry(labels[at]).or_insert(here);
        if here.side > best.side {
            *best = here;
        }
    }
    found
}

/// As few first letters of each name as tell it from the others, at most three: "L", "Ki".
fn short(table: &LabelTable) -> BTreeMap<LabelId, String> {
    let first = |name: &str, count: usize| -> String {
        let mut letters = name.chars();
        let capital = letters.next().into_iter().flat_map(char::to_uppercase);
        as_painted(&capital.chain(letters.take(count - 1)).collect::<String>())
    };
    let short_of = |id: LabelId, name: &str| {
        let alone = |count: &usize| {
            table.iter().all(|other| other.id == id || first(&other.name, *count) != first(name, *count))
        };
        first(name, (1..LETTERS).find(alone).unwrap_or(LETTERS))
    };
    table.iter().map(|label| (label.id, short_of(label.id, &label.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_named_where_it_is_widest() {
        #[rustfmt::skip]
        let labels = [
            1, 1, 0, 2, 2, 2, 2,
            1, 1, 0, 2, 2, 2, 0,
            0, 0, 0, 2, 2, 2, 0,
            1, 0, 0, 0, 0, 0, 3,
        ];
        let found = widest(&labels, 7);
        assert_eq!(found[&2], Widest { at: [4, 1], side: 3 });
        assert_eq!(found[&1].side, 1, "two pixels have no middle");
        assert_eq!(found[&3], Widest { at: [6, 3], side: 1 }, "the edge of the slice ends an area");
        assert!(!found.contains_key(&0));
        assert!(widest(&[], 0).is_empty());
    }

    #[test]
    fn letters_tell_names_apart() {
        let table = LabelTable::named(&["liver", "left kidney", "spleen", "lesion a", "lesion b", "élan"]);
        let short: Vec<String> = short(&table).into_values().collect();
        assert_eq!(short, ["Li", "Lef", "S", "Les", "Les", "É"]);
    }
}
