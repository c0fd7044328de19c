//! Measurements over a slice: their lines, their points while one can be moved, and what they say.

use super::frame::ViewFrame;
use super::live::{beside_the_pointer, measured_line, on_screen};
use crate::tools::Preview;
use crate::ui::readings::Readings;
use crate::ui::theme::canvas;
use crate::ui::widgets::cut_in_the_middle;
use crate::workspace::Document;
use egui::{Painter, Stroke};

/// In the slices beside their own they are drawn this strong.
const BESIDE: f32 = 0.35;
/// Of a name.
const LETTERS: usize = 32;
/// Of a point that can be moved, in points of the screen.
const HANDLE: f32 = 4.0;

#[derive(Default)]
pub struct Measured {
    readings: Readings,
}

impl Measured {
    /// `measures`: their points can be moved.
    pub fn paint(
        &mut self,
        painter: &Painter,
        frame: &ViewFrame,
        document: &Document,
        preview: Option<&Preview>,
        measures: bool,
    ) {
        let moved = preview.and_then(|preview| preview.instead_of);
        let here = document.measurements().iter().filter(|m| m.normal == frame.axes.normal);
        for measurement in here.filter(|m| Some(m.id) != moved) {
            let strength = match measurement.slice().abs_diff(frame.slice) {
                0 => 1.0,
                1 => BESIDE,
                _ => continue,
            };
            for line in measurement.lines() {
                measured_line(painter, on_screen(frame, &line), strength);
            }
            if strength < 1.0 {
                continue;
            }
            let points = on_screen(frame, &measurement.points);
            if measures {
                for point in &points {
                    painter.circle(*point, HANDLE, canvas::MEASURE, Stroke::new(1.5, canvas::SHADE));
                }
            }
            let text = self.readings.text(document, measurement);
            let words = match &*measurement.name {
                "" => text.to_owned(),
                name => format!("{}: {text}", cut_in_the_middle(name, LETTERS)),
            };
            if let Some(last) = points.last() {
                beside_the_pointer(painter, *last, &words);
            }
        }
    }
}
