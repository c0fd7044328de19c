//! What a network finds in whole slices: a column for each finding beside the slider.

use super::Scene;
use crate::ui::theme;
use crate::workspace::SliceLabels;
use egui::{Color32, Painter, Rect, pos2};
use std::collections::BTreeMap;

/// The findings of the model in use: one for each of its labels.
pub struct Findings<'a> {
    /// Name and colour; none of what is left out.
    labels: Vec<Option<(String, Color32)>>,
    slices: &'a BTreeMap<usize, SliceLabels>,
}

/// Of a column, and between two, in points.
const COLUMN: f32 = 6.0;
const GAP: f32 = 1.0;

impl<'a> Findings<'a> {
    /// `None` where the model has no head for them, or has predicted nothing yet.
    pub fn of(scene: &Scene<'a>) -> Option<Self> {
        let slices = scene.predicted_slices()?;
        let count = slices.values().find_map(|slice| Some(slice.detection.as_ref()?.len()))?;
        let card = &scene.model()?.card;
        let (classes, table) = scene.document.wanted_labels(card);
        let label = |id| table.get(id).map(|l| (l.name.clone(), theme::label_color(l.color)));
        let labels = classes.into_iter().skip(1).take(count).map(label).collect();
        Some(Self { labels, slices })
    }

    /// In points.
    pub fn width(&self) -> f32 {
        self.labels.iter().flatten().count() as f32 * (COLUMN + GAP) + GAP
    }

    /// The more probable, the brighter. `rows`: where a slice is, from its top to its bottom.
    pub fn paint(&self, painter: &Painter, area: Rect, rows: impl Fn(usize) -> [f32; 2]) {
        for (&z, slice) in self.slices {
            let [top, bottom] = rows(z);
            for (i, (p, (_, color))) in self.found(slice).enumerate() {
                let left = area.left() + GAP + i as f32 * (COLUMN + GAP);
                let cell = Rect::from_min_max(pos2(left, top), pos2(left + COLUMN, bottom));
                painter.rect_filled(cell, 0.0, color.gamma_multiply(0.08 + 0.92 * p.clamp(0.0, 1.0)));
            }
        }
    }

    /// "REA 93 %, SRF 4 %", where the slice is predicted.
    pub fn words(&self, z: usize) -> Option<String> {
        let slice = self.slices.get(&z).filter(|slice| slice.detection.is_some())?;
        let one = |(p, (name, _)): (f32, &(String, Color32))| format!("{name} {:.0} %", p * 100.0);
        Some(self.found(slice).map(one).collect::<Vec<_>>().join(", "))
    }

    fn found(&self, slice: &SliceLabels) -> impl Iterator<Item = (f32, &(String, Color32))> {
        let found = slice.detection.iter().flat_map(|found| found.iter().copied()).collect::<Vec<_>>();
        found.into_iter().zip(&self.labels).filter_map(|(p, label)| Some((p, label.as_ref()?)))
    }
}
