//! `shaders/slice.wgsl` on the CPU, function by function: for tests, and for pictures where there is no graphics adapter.

use super::{
    Difference, LabelColors, PredictionSource, SliceDraw,
    draw::{DrawError, Frame},
    layout::*,
    texture::gather,
};
use crate::{label::LabelId, volume::Samples};
use image::{Rgba, RgbaImage};
use rayon::prelude::*;
use std::borrow::Cow;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TwinError {
    #[error("the prediction lies on the graphics device; read it back to draw it on the CPU")]
    OnDevice,
    #[error(transparent)]
    Draw(#[from] DrawError),
}

/// Draws a view of `width` x `height` pixels. Outside of the slice the picture is transparent.
pub fn draw(draw: &SliceDraw, [width, height]: [u32; 2]) -> Result<RgbaImage, TwinError> {
    let twin = Twin::of(draw)?;
    let mut out = RgbaImage::new(width, height);
    out.par_enumerate_pixels_mut().for_each(|(x, y, pixel)| *pixel = twin.pixel(x, y));
    Ok(out)
}

/// Label ids of a prediction as the plane shows them, row by row: what the shader decides at each pixel of the slice.
pub(crate) fn predicted_labels(draw: &SliceDraw) -> Result<Vec<LabelId>, TwinError> {
    let mut draw = draw.clone();
    draw.mask = None;
    draw.colors = LabelColors::default();
    let twin = Twin::of(&draw)?;
    let [width, height] = twin.view.size;
    let rows = (0..height).into_par_iter();
    let twin = &twin;
    // Label ids came from u16 tables.
    Ok(rows.flat_map_iter(|y| (0..width).map(move |x| twin.predicted_at([x, y]) as LabelId)).collect())
}

type Pair = [f32; 2];
type Color = [f32; 3];

#[derive(Clone, Copy, PartialEq)]
enum Layer {
    Mask,
    Prediction,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Area,
    Outline,
    Thin,
}

const BELOW_DASHES: f32 = 0.35;
const THIN_GAP: f32 = 0.5;
const LOST_SHADE: f32 = 0.45;
const LOST: u32 = 0x10000;

struct Twin<'a> {
    view: SliceUniform,
    variant: SliceVariant,
    tables: Vec<u32>,
    image: Texels<'a>,
    mask: Vec<LabelId>,
    predicted: &'a [LabelId],
    probabilities: &'a [f32],
}

/// What the image texture holds.
enum Texels<'a> {
    U8(Cow<'a, [u8]>),
    I16(Cow<'a, [i16]>),
    U16(Cow<'a, [u16]>),
    F32(Cow<'a, [f32]>),
    Rgb8(Cow<'a, [[u8; 3]]>),
}

impl<'a> Texels<'a> {
    fn of(draw: &'a SliceDraw) -> Self {
        let (dims, axes, slice) = (draw.image.volume.dims(), draw.image.axes, draw.image.slice);
        match draw.image.volume.samples() {
            Samples::U8(s) => Self::U8(gather(s, dims, axes, slice)),
            Samples::I16(s) => Self::I16(gather(s, dims, axes, slice)),
            Samples::U16(s) => Self::U16(gather(s, dims, axes, slice)),
            Samples::F32(s) => Self::F32(gather(s, dims, axes, slice)),
            Samples::Rgb8(s) => Self::Rgb8(gather(s, dims, axes, slice)),
        }
    }
}

impl<'a> Twin<'a> {
    fn of(draw: &'a SliceDraw) -> Result<Self, TwinError> {
        let Frame { uniform, variant, tables, errors } = Frame::of(draw, [0.0; 2]);
        if let Some(error) = errors.into_iter().next() {
            return Err(error.into());
        }
        let (mut predicted, mut probabilities): (&[LabelId], &[f32]) = (&[], &[]);
        match draw.prediction.as_ref().map(|p| &p.source) {
            Some(PredictionSource::Host(values)) => probabilities = values,
            Some(PredictionSource::Labels(labels)) => predicted = labels,
            Some(PredictionSource::Buffer(_)) => return Err(TwinError::OnDevice),
            None => {}
        }
        let mask = draw.mask.as_ref().map(|m| m.map.plane_slice(draw.image.axes, draw.image.slice));
        let mask = mask.unwrap_or_default();
        Ok(Self { view: uniform, variant, tables, image: Texels::of(draw), mask, predicted, probabilities })
    }

    fn pixel(&self, x: u32, y: u32) -> Rgba<u8> {
        let at = [x as f32 + 0.5, y as f32 + 0.5];
        let here = self.slice_from_target(at);
        let pixel = floor(here);
        if !self.inside(pixel) {
            return Rgba([0; 4]);
        }
        let [left, top] = self.view.pattern_origin;
        let pattern = [(x as i32 - left) as f32 + 0.5, (y as i32 - top) as f32 + 0.5];
        let mut color = self.image_shade(at, here).map(|c| c.clamp(0.0, 1.0) * self.view.light);
        if self.variant.heat {
            color = self.with_heat(color, pixel);
        }
        color = if self.variant.difference {
            self.with_difference(color, pixel)
        } else {
            let with_mask = self.with_mask(color, here, pixel);
            if self.variant.preview {
                self.with_preview(with_mask, here, pixel, pattern)
            } else {
                self.with_prediction(with_mask, here, pixel, pattern)
            }
        };
        let [r, g, b] = color.map(|c| (c.clamp(0.0, 1.0) * 255.0).round() as u8);
        Rgba([r, g, b, 255])
    }

    fn slice_from_target(&self, [x, y]: Pair) -> Pair {
        let (row_x, row_y) = (self.view.from_target_x, self.view.from_target_y);
        [row_x[0] * x + (row_x[1] * y + row_x[2]), row_y[1] * y + (row_y[0] * x + row_y[2])]
    }

    fn inside(&self, [x, y]: [i32; 2]) -> bool {
        x >= 0 && y >= 0 && x < self.view.size[0] && y < self.view.size[1]
    }

    fn index(&self, [x, y]: [i32; 2]) -> usize {
        (y * self.view.size[0] + x) as usize
    }

    fn float_shade(&self, raw: f32) -> f32 {
        if raw.is_nan() {
            return 0.0;
        }
        if raw.is_infinite() {
            return if (raw > 0.0) == (self.view.gain >= 0.0) { 1.0 } else { 0.0 };
        }
        (raw * self.view.gain + self.view.bias).clamp(-1e4, 1e4)
    }

    fn texel_shade(&self, [x, y]: [i32; 2]) -> Color {
        let [width, height] = self.view.size;
        let at = self.index([x.clamp(0, width - 1), y.clamp(0, height - 1)]);
        let shade = |raw: f32| raw * self.view.gain + self.view.bias;
        match &self.image {
            Texels::U8(s) => [shade(f32::from(s[at])); 3],
            Texels::U16(s) => [shade(f32::from(s[at])); 3],
            Texels::I16(s) => [shade(f32::from(s[at])); 3],
            Texels::F32(s) => [self.float_shade(s[at]); 3],
            Texels::Rgb8(s) => {
                let [r, g, b] = s[at].map(f32::from);
                match self.view.channels {
                    CHANNELS_COLOR => [r, g, b].map(shade),
                    CHANNELS_RED => [shade(r); 3],
                    CHANNELS_GREEN => [shade(g); 3],
                    CHANNELS_BLUE => [shade(b); 3],
                    _ => [shade(0.299 * r + 0.587 * g + 0.114 * b); 3],
                }
            }
        }
    }

    fn image_shade(&self, at: Pair, here: Pair) -> Color {
        if self.variant.filter == FILTER_NEAREST {
            return self.texel_shade(floor(here));
        }
        if self.variant.filter == FILTER_LINEAR {
            let corner = here.map(|v| (v - 0.5).floor());
            let part = [here[0] - 0.5 - corner[0], here[1] - 0.5 - corner[1]];
            let [x, y] = corner.map(|v| v as i32);
            let [a, b] = [self.texel_shade([x, y]), self.texel_shade([x + 1, y])];
            let [c, d] = [self.texel_shade([x, y + 1]), self.texel_shade([x + 1, y + 1])];
            return std::array::from_fn(|i| {
                let upper = a[i] + (b[i] - a[i]) * part[0];
                let lower = c[i] + (d[i] - c[i]) * part[0];
                upper + (lower - upper) * part[1]
            });
        }
        let points = self.view.filter_points;
        let mut sum = [0.0; 3];
        let step = 1.0 / points as f32;
        for j in 0..points {
            for i in 0..points {
                let offset = [i, j].map(|k| (k as f32 + 0.5) * step - 0.5);
                let point = self.slice_from_target([at[0] + offset[0], at[1] + offset[1]]);
                let shade = self.texel_shade(floor(point));
                sum = std::array::from_fn(|c| sum[c] + shade[c]);
            }
        }
        sum.map(|s| s * (step * step))
    }

    fn label_color(&self, label: u32) -> u32 {
        if label >= self.view.color_count {
            return LabelColors::UNKNOWN;
        }
        self.tables[TABLE_CLASSES + self.view.classes as usize + label as usize]
    }

    fn shown(&self, label: u32) -> u32 {
        if self.label_color(label) >> 24 == 0 { 0 } else { label }
    }

    fn mask_at(&self, pixel: [i32; 2]) -> u32 {
        if !self.variant.mask || !self.inside(pixel) {
            return 0;
        }
        self.shown(u32::from(self.mask[self.index(pixel)]))
    }

    fn probability(&self, class: i32, [x, y]: [i32; 2]) -> f32 {
        let [offset, right, down, plane] = self.view.prediction_steps;
        self.probabilities[(class * plane + offset + x * right + y * down) as usize]
    }

    fn predicted_at(&self, pixel: [i32; 2]) -> u32 {
        if self.variant.prediction == SOURCE_NONE || !self.inside(pixel) {
            return 0;
        }
        if self.variant.prediction == SOURCE_LABELS {
            let label = u32::from(self.predicted[self.index(pixel)]);
            return if label == NOT_PREDICTED { label } else { self.shown(label) };
        }
        let mut best = 0;
        let mut highest = self.probability(0, pixel);
        for class in 1..self.view.classes {
            let p = self.probability(class, pixel);
            if p > highest {
                (best, highest) = (class as usize, p);
            }
        }
        self.shown(self.tables[TABLE_CLASSES + best])
    }

    fn ends(&self, layer: Layer, at: Pair, label: u32) -> bool {
        let pixel = floor(at);
        match layer {
            Layer::Mask => self.mask_at(pixel) != label,
            Layer::Prediction => {
                let other = self.predicted_at(pixel);
                other != label && other != NOT_PREDICTED
            }
        }
    }

    fn part_of(&self, layer: Layer, here: Pair, label: u32) -> Part {
        const COMPASS: [[i32; 2]; 8] = [[7, 0], [5, 5], [0, 7], [-5, 5], [-7, 0], [-5, -5], [0, -7], [5, -5]];
        let beside = |[x, y]: Pair, step: [f32; 2]| [x + step[0], y + step[1]];
        let disc = &self.view.disc;
        let mut near = false;
        let mut sum = [0; 2];
        for (step, [x, y]) in disc.iter().zip(COMPASS) {
            if self.ends(layer, beside(here, [step[0], step[1]]), label) {
                near = true;
                sum = [sum[0] + x, sum[1] + y];
            }
        }
        if !near {
            return Part::Area;
        }
        if sum == [0, 0] {
            return Part::Thin;
        }
        let [.., x, y] = disc[opposite(sum)];
        let mut middle = beside(beside(beside(here, [x, y]), [x, y]), [x, y]);
        let mut thin = true;
        for _ in 0..3 {
            thin = disc.iter().any(|step| self.ends(layer, beside(middle, [step[0], step[1]]), label));
            if !thin {
                break;
            }
            middle = beside(middle, [-x, -y]);
        }
        if thin {
            return Part::Thin;
        }
        let outlined = self.view.ring.iter().any(|[mask_x, mask_y, x, y]| {
            let step = if layer == Layer::Mask { [*mask_x, *mask_y] } else { [*x, *y] };
            self.ends(layer, beside(here, step), label)
        });
        if outlined { Part::Outline } else { Part::Area }
    }

    fn with_heat(&self, below: Color, pixel: [i32; 2]) -> Color {
        let p = self.probability(self.view.heat_class, pixel).clamp(0.0, 1.0);
        let color = unpack_color(self.tables[(p * 255.0 + 0.5).floor() as usize]);
        over(below, color, self.view.heat_opacity * (p * 10.0).min(1.0))
    }

    fn with_difference(&self, below: Color, pixel: [i32; 2]) -> Color {
        let opacity = self.view.difference;
        let color = |c: [u8; 3]| c.map(|v| f32::from(v) / 255.0);
        match (self.mask_at(pixel), self.predicted_at(pixel)) {
            (0, 0) | (_, NOT_PREDICTED) => below,
            (held, proposed) if held == proposed => {
                over(below, color(Difference::KEPT), opacity * Difference::KEPT_SHARE)
            }
            (0, _) => over(below, color(Difference::ADDED), opacity),
            (_, 0) => over(below, color(Difference::REMOVED), opacity),
            _ => over(below, color(Difference::CHANGED), opacity),
        }
    }

    fn changed(&self, pixel: [i32; 2]) -> u32 {
        match (self.mask_at(pixel), self.predicted_at(pixel)) {
            (held, proposed) if held == proposed || proposed == NOT_PREDICTED => 0,
            (held, 0) => LOST | held,
            (_, proposed) => proposed,
        }
    }

    fn with_preview(&self, below: Color, here: Pair, pixel: [i32; 2], pattern: Pair) -> Color {
        let opacity = self.view.preview;
        let change = self.changed(pixel);
        if change == 0 {
            return below;
        }
        let at_rim = self
            .view
            .ring
            .iter()
            .any(|[x, y, ..]| self.changed(floor([here[0] + 0.5 * x, here[1] + 0.5 * y])) != change);
        if at_rim {
            return over(below, [1.0; 3], self.view.preview_rim);
        }
        let color = unpack_color(self.label_color(change & 0xffff));
        if change < LOST {
            return if self.on_hatch(pattern) { over(below, color, opacity) } else { below };
        }
        let dark = over(below, [0.0; 3], LOST_SHADE * opacity);
        if self.on_dot(pattern) { over(dark, color, opacity) } else { dark }
    }

    fn with_mask(&self, below: Color, here: Pair, pixel: [i32; 2]) -> Color {
        let (view, label) = (&self.view, self.mask_at(pixel));
        if label == 0 {
            return below;
        }
        let color = unpack_color(self.label_color(label));
        let part = if self.variant.mask_parts { self.part_of(Layer::Mask, here, label) } else { Part::Area };
        if part == Part::Thin {
            return over(below, color, view.mask_thin);
        }
        let filled = over(below, color, view.mask_fill);
        if part == Part::Outline { over(filled, color, view.mask_outline) } else { filled }
    }

    fn with_prediction(&self, below: Color, here: Pair, pixel: [i32; 2], pattern: Pair) -> Color {
        let (view, label) = (&self.view, self.predicted_at(pixel));
        if label == 0 || label == NOT_PREDICTED {
            return below;
        }
        let color = unpack_color(self.label_color(label));
        let parts = self.variant.prediction_parts;
        let part = if parts { self.part_of(Layer::Prediction, here, label) } else { Part::Area };
        let dash = self.on_dash(pattern);
        if part == Part::Thin {
            return over(below, color, view.prediction_thin * if dash { 1.0 } else { THIN_GAP });
        }
        let mut filled = over(below, color, view.prediction_fill);
        if self.on_dot(pattern) {
            filled = over(filled, color, view.dots);
        }
        if part != Part::Outline {
            return filled;
        }
        let dark = over(filled, [0.0; 3], BELOW_DASHES * view.prediction_outline);
        if dash { over(dark, color, view.prediction_outline) } else { dark }
    }

    fn on_dot(&self, at: Pair) -> bool {
        let [per_pixel, share, ..] = self.view.pattern;
        at.iter().all(|v| part(v * per_pixel) < share)
    }

    fn on_hatch(&self, [x, y]: Pair) -> bool {
        let [per_pixel, share] = self.view.hatch;
        part((x + y) * per_pixel) < share
    }

    fn on_dash(&self, [x, y]: Pair) -> bool {
        let [.., per_pixel, share] = self.view.pattern;
        part((x + 2.0 * y) * per_pixel) < share
    }
}

fn opposite(sum: [i32; 2]) -> usize {
    let [x, y] = sum.map(i32::abs);
    let index = if 5 * x.min(y) > 2 * x.max(y) {
        match (sum[0] > 0, sum[1] > 0) {
            (true, true) => 1,
            (false, true) => 3,
            (false, false) => 5,
            (true, false) => 7,
        }
    } else if x > y {
        if sum[0] > 0 { 0 } else { 4 }
    } else if sum[1] > 0 {
        2
    } else {
        6
    };
    (index + 4) & 7
}

/// Between a number and the whole one below it, as `fract` of the shader.
fn part(v: f32) -> f32 {
    v - v.floor()
}

fn floor(at: Pair) -> [i32; 2] {
    at.map(|v| v.floor() as i32)
}

fn unpack_color(packed: u32) -> Color {
    [0, 8, 16].map(|shift| (packed >> shift & 0xff) as f32 / 255.0)
}

fn over(below: Color, color: Color, opacity: f32) -> Color {
    std::array::from_fn(|i| below[i] + (color[i] - below[i]) * opacity)
}
