//! A view's description as the numbers that decide its pixels; the shader and its CPU twin start from the same.

use super::{ChannelMode, DrawError, Filter, OverlayStyle, PredictionSource, SliceDraw, description::Steps};
use crate::{
    gpu::{colormap::HEAT_MAP, layout::*},
    volume::Samples,
};
use glam::{DAffine2, DVec2};

/// Everything but how the data is laid out on the device (tiles, chunks), which the renderer fills in.
pub(crate) struct Frame {
    pub uniform: SliceUniform,
    pub variant: SliceVariant,
    /// Heat map, class labels, label colours.
    pub tables: Vec<u32>,
    /// Parts that cannot be shown.
    pub errors: Vec<DrawError>,
}

impl Frame {
    /// `target_origin`: the view's top left corner in the framebuffer, pixels.
    pub fn of(draw: &SliceDraw, target_origin: [f32; 2]) -> Self {
        let mut errors = Vec::new();
        let mut uniform: SliceUniform = bytemuck::Zeroable::zeroed();
        let size = draw.image.size();
        uniform.target_origin = target_origin;
        uniform.size = size.map(|v| v as i32);
        uniform.tile_size = uniform.size.map(|v| v.max(1));
        uniform.tiles_across = 1;
        uniform.classes_per_chunk = 1;
        let mut variant = SliceVariant { filter: geometry(&mut uniform, draw), ..SliceVariant::default() };
        tone(&mut uniform, draw);
        overlays(&mut uniform, draw);

        let mut tables = HEAT_MAP.to_vec();
        let colors = draw.colors.packed();
        uniform.color_count = colors.len() as u32;
        let dims = draw.image.volume.dims();
        if let Some(mask) = &draw.mask {
            if mask.map.dims() == dims {
                variant.mask = true;
            } else {
                errors.push(DrawError::MaskSize(mask.map.dims(), dims));
            }
        }
        match prediction(&mut uniform, draw) {
            Ok(source) => variant.prediction = source,
            Err(error) => errors.push(error),
        }
        if variant.prediction == SOURCE_PROBABILITIES
            && let Some(prediction) = &draw.prediction
        {
            tables.extend(prediction.class_labels.iter().map(|&l| u32::from(l)));
        }
        tables.extend_from_slice(colors);
        variant.heat = variant.prediction == SOURCE_PROBABILITIES && uniform.heat_class >= 0;
        variant.difference = uniform.difference > 0.0;
        variant.preview = uniform.preview > 0.0 && variant.prediction != SOURCE_NONE && !variant.difference;
        variant.mask_parts =
            variant.mask && (uniform.mask_outline > 0.0 || uniform.mask_thin != uniform.mask_fill);
        variant.prediction_parts = variant.prediction != SOURCE_NONE
            && (uniform.prediction_outline > 0.0 || uniform.prediction_thin != uniform.prediction_fill);
        Self { uniform, variant, tables, errors }
    }

    /// Where probabilities cannot be bound: `source` says what there is instead.
    pub fn without_probabilities(&mut self, source: u32) {
        let classes = self.uniform.classes as usize;
        self.tables.drain(TABLE_CLASSES..TABLE_CLASSES + classes);
        self.uniform.classes = 0;
        self.uniform.heat_class = -1;
        self.variant.prediction = source;
        self.variant.heat = false;
        self.variant.prediction_parts &= source != SOURCE_NONE;
    }
}

/// Returns the filter.
fn geometry(uniform: &mut SliceUniform, draw: &SliceDraw) -> u32 {
    let inverse: DAffine2 = draw.view.slice_from_target_affine();
    let (x, y) = (inverse.matrix2.row(0), inverse.matrix2.row(1));
    uniform.from_target_x = [x.x as f32, x.y as f32, inverse.translation.x as f32, 0.0];
    uniform.from_target_y = [y.x as f32, y.y as f32, inverse.translation.y as f32, 0.0];
    // Slice pixels on one target pixel, along the direction that has most of them.
    let footprint = inverse.matrix2.x_axis.length().max(inverse.matrix2.y_axis.length());
    uniform.filter_points = footprint.ceil().clamp(2.0, 4.0) as i32;
    patterns(uniform, draw, inverse);
    match draw.filter {
        Filter::Nearest => FILTER_NEAREST,
        Filter::Smooth if footprint <= 1.0 => FILTER_LINEAR,
        Filter::Smooth => FILTER_MEAN,
    }
}

/// Sizes in points become whole pixels, so that dots, dashes and lines are equal everywhere.
fn patterns(uniform: &mut SliceUniform, draw: &SliceDraw, inverse: DAffine2) {
    let style = &draw.style;
    let scale = if style.scale.is_finite() && style.scale > 0.0 { f64::from(style.scale) } else { 1.0 };
    let pixels = |points: f32| (f64::from(points) * scale).round().clamp(1.0, 1e3);
    let patterns = [OverlayStyle::DOTS, OverlayStyle::DASHES, OverlayStyle::HATCH];
    let [dots, dashes, hatch] = patterns.map(|[period, drawn]| {
        let period = pixels(period).max(2.0);
        [period, pixels(drawn).min(period - 1.0)]
    });
    uniform.pattern =
        [1.0 / dots[0], dots[1] / dots[0], 1.0 / dashes[0], dashes[1] / dashes[0]].map(|v| v as f32);
    uniform.hatch = [1.0 / hatch[0], hatch[1] / hatch[0]].map(|v| v as f32);
    // Where all patterns begin anew, so that numbers stay small.
    let period = (dots[0] * dashes[0] * hatch[0]) as i32;
    let corner = draw.view.target_from_slice(DVec2::ZERO);
    uniform.pattern_origin =
        [corner.x, corner.y].map(|v| (v.round().clamp(-1e8, 1e8) as i32).rem_euclid(period));

    let step = |length: f64, i: usize| {
        let angle = std::f64::consts::TAU * i as f64 / 8.0;
        // Exact along the axes, where sine and cosine are not.
        let unit = DVec2::new(angle.cos(), angle.sin()).map(|v| if v.abs() < 1e-12 { 0.0 } else { v });
        inverse.transform_vector2(unit * length).as_vec2()
    };
    // Whole pixels: with 1.5 a side would be one pixel thick or two, by where it happens to lie.
    let [mask, prediction] = [style.mask.width, style.prediction.width]
        .map(|width| if width.is_finite() { pixels(width.max(0.0)) } else { 1.0 });
    uniform.ring = std::array::from_fn(|i| {
        let (m, p) = (step(mask, i), step(prediction, i));
        [m.x, m.y, p.x, p.y]
    });
    // A little smaller than half of the least width, and the farthest disc beside a pixel a little farther away, because
    // the nearest of eight directions is seldom the very one that is meant. No disc is smaller than an outline is thick.
    let radius = (f64::from(OverlayStyle::THIN) * scale / 2.0).max(mask + 1.0).max(prediction + 1.0);
    let (rim, middle) = (radius * 11.0 / 12.0, radius * 3.0 / 8.0);
    uniform.disc = std::array::from_fn(|i| {
        let (r, m) = (step(rim, i), step(middle, i));
        [r.x, r.y, m.x, m.y]
    });
}

fn tone(uniform: &mut SliceUniform, draw: &SliceDraw) {
    let samples = draw.image.volume.samples();
    let (kind, [slope, intercept]) = match samples {
        Samples::U8(_) | Samples::U16(_) => (KIND_UNSIGNED, draw.image.volume.rescale()),
        Samples::I16(_) => (KIND_SIGNED_16, draw.image.volume.rescale()),
        Samples::F32(_) => (KIND_FLOAT, draw.image.volume.rescale()),
        Samples::Rgb8(_) => (KIND_RGB, [1.0, 0.0]),
    };
    uniform.kind = kind;
    let in_colour = kind == KIND_RGB && draw.tone.channels == ChannelMode::Color;
    let least = if in_colour && draw.has_overlay() { OverlayStyle::DIM } else { 0.0 };
    uniform.light = 1.0 - if draw.dim.is_finite() { draw.dim.clamp(least, 1.0) } else { least };
    let (low, width) = (f64::from(draw.tone.window.low()), f64::from(draw.tone.window.width));
    let width = if width > 0.0 { width } else { f64::from(f32::MIN_POSITIVE) };
    let (mut gain, mut bias) = (f64::from(slope) / width, (f64::from(intercept) - low) / width);
    if draw.tone.invert {
        (gain, bias) = (-gain, 1.0 - bias);
    }
    // A window so narrow that these overflow would make 0 * infinity.
    let finite = |v: f64| v.clamp(-1e30, 1e30) as f32;
    (uniform.gain, uniform.bias) = (finite(gain), finite(bias));
    uniform.channels = match draw.tone.channels {
        ChannelMode::Color => CHANNELS_COLOR,
        ChannelMode::Red => CHANNELS_RED,
        ChannelMode::Green => CHANNELS_GREEN,
        ChannelMode::Blue => CHANNELS_BLUE,
        ChannelMode::Luma => CHANNELS_LUMA,
    };
}

fn overlays(uniform: &mut SliceUniform, draw: &SliceDraw) {
    let style = &draw.style;
    let opacity = |v: f32| if v.is_finite() { v.clamp(0.0, 1.0) } else { 0.0 };
    uniform.mask_fill = opacity(style.mask.fill);
    uniform.mask_outline = opacity(style.mask.outline);
    uniform.prediction_fill = opacity(style.prediction.fill);
    uniform.prediction_outline = opacity(style.prediction.outline);
    uniform.mask_thin = opacity(style.mask.thin);
    uniform.prediction_thin = opacity(style.prediction.thin);
    uniform.dots = opacity(style.prediction.dots);
    uniform.difference = style.difference.map_or(0.0, |d| opacity(d.opacity));
    uniform.preview = opacity(style.preview);
    uniform.preview_rim = OverlayStyle::RIM * uniform.preview;
    uniform.heat_class = -1;
}

/// Returns where the prediction comes from.
fn prediction(uniform: &mut SliceUniform, draw: &SliceDraw) -> Result<u32, DrawError> {
    let Some(prediction) = &draw.prediction else { return Ok(SOURCE_NONE) };
    let (classes, dims) = (prediction.class_labels.len(), draw.image.volume.dims());
    let plane = draw.image.size()[0] * draw.image.size()[1];
    let values = match &prediction.source {
        PredictionSource::Host(values) => values.len(),
        PredictionSource::Buffer(buffer) => (buffer.size / 4) as usize,
        PredictionSource::Labels(labels) => labels.len(),
    };
    let of_labels = matches!(prediction.source, PredictionSource::Labels(_));
    let expected = if of_labels { plane } else { classes.max(1) * dims[0] * dims[1] };
    if values != expected {
        let [width, height, _] = dims;
        return Err(DrawError::PredictionSize { classes, width, height, expected, values });
    }
    if of_labels {
        return Ok(SOURCE_LABELS);
    }
    let Some(steps) = Steps::of_native(draw.image.axes, dims) else { return Ok(SOURCE_NONE) };
    uniform.classes = classes as i32;
    uniform.classes_per_chunk = classes.max(1) as i32;
    uniform.prediction_steps = [steps.offset, steps.right, steps.down, plane as i32];
    if let Some(heat) = draw.style.heat
        && heat.class < classes
    {
        uniform.heat_class = heat.class as i32;
        uniform.heat_opacity = if heat.opacity.is_finite() { heat.opacity.clamp(0.0, 1.0) } else { 0.0 };
    }
    Ok(SOURCE_PROBABILITIES)
}
