//! What shaders read as uniforms, in their memory layout.

use bytemuck::{Pod, Zeroable};
use std::mem::offset_of;

/// Of `shaders/slice.wgsl`; what the fields mean is said there.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct SliceUniform {
    pub from_target_x: [f32; 4],
    pub from_target_y: [f32; 4],
    pub target_origin: [f32; 2],
    pub size: [i32; 2],
    pub tile_size: [i32; 2],
    pub tiles_across: i32,
    pub filter_points: i32,
    pub gain: f32,
    pub bias: f32,
    pub kind: u32,
    pub channels: u32,
    pub mask_fill: f32,
    pub mask_outline: f32,
    pub prediction_fill: f32,
    pub prediction_outline: f32,
    pub mask_thin: f32,
    pub prediction_thin: f32,
    pub dots: f32,
    pub light: f32,
    pub heat_opacity: f32,
    pub heat_class: i32,
    pub difference: f32,
    pub preview: f32,
    pub preview_rim: f32,
    pub color_count: u32,
    pub classes: i32,
    pub classes_per_chunk: i32,
    pub hatch: [f32; 2],
    pub pattern_origin: [i32; 2],
    pub pattern: [f32; 4],
    pub prediction_steps: [i32; 4],
    pub chunk_base: [i32; 4],
    pub ring: [[f32; 4]; 8],
    pub disc: [[f32; 4]; 8],
}

/// Of `shaders/surface.wgsl`; what the fields mean is said there.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct SurfaceUniform {
    /// By columns.
    pub clip_from_patient: [[f32; 4]; 4],
    pub to_light: [f32; 4],
    pub to_viewer: [f32; 4],
}

/// What a pipeline of `shaders/slice.wgsl` is made for: its pipeline-overridable constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SliceVariant {
    /// `FILTER_…`.
    pub filter: u32,
    pub tiled: bool,
    pub mask: bool,
    /// Areas, outlines and thin parts look different.
    pub mask_parts: bool,
    /// `SOURCE_…`.
    pub prediction: u32,
    pub prediction_parts: bool,
    pub chunked: bool,
    pub heat: bool,
    pub difference: bool,
    pub preview: bool,
}

impl SliceVariant {
    /// By the shader's names.
    pub fn constants(&self) -> [(&'static str, f64); 10] {
        let flag = |b: bool| f64::from(u8::from(b));
        [
            ("FILTER", self.filter.into()),
            ("TILED", flag(self.tiled)),
            ("MASK", flag(self.mask)),
            ("MASK_PARTS", flag(self.mask_parts)),
            ("PREDICTION", self.prediction.into()),
            ("PREDICTION_PARTS", flag(self.prediction_parts)),
            ("CHUNKED", flag(self.chunked)),
            ("HEAT", flag(self.heat)),
            ("DIFFERENCE", flag(self.difference)),
            ("PREVIEW", flag(self.preview)),
        ]
    }
}

pub const FILTER_NEAREST: u32 = 0;
pub const FILTER_LINEAR: u32 = 1;
pub const FILTER_MEAN: u32 = 2;

/// As the labels' textures hold it.
pub const NOT_PREDICTED: u32 = crate::label::NOT_PREDICTED as u32;

pub const KIND_UNSIGNED: u32 = 0;
pub const KIND_SIGNED_16: u32 = 1;
pub const KIND_FLOAT: u32 = 2;
pub const KIND_RGB: u32 = 3;

pub const SOURCE_NONE: u32 = 0;
pub const SOURCE_LABELS: u32 = 1;
pub const SOURCE_PROBABILITIES: u32 = 2;

pub const CHANNELS_COLOR: u32 = 0;
pub const CHANNELS_RED: u32 = 1;
pub const CHANNELS_GREEN: u32 = 2;
pub const CHANNELS_BLUE: u32 = 3;
pub const CHANNELS_LUMA: u32 = 4;

/// Entries of `tables` before the class labels: the heat map's colours.
pub const TABLE_CLASSES: usize = 256;

macro_rules! offsets {
    ($of:ty: $($field:ident),* $(,)?) => { &[$((stringify!($field), offset_of!($of, $field))),*] };
}

/// Name and offset in bytes of every field, for the comparison with the shader.
pub const SLICE_UNIFORM_OFFSETS: &[(&str, usize)] = offsets![
    SliceUniform:
    from_target_x,
    from_target_y,
    target_origin,
    size,
    tile_size,
    tiles_across,
    filter_points,
    gain,
    bias,
    kind,
    channels,
    mask_fill,
    mask_outline,
    prediction_fill,
    prediction_outline,
    mask_thin,
    prediction_thin,
    dots,
    light,
    heat_opacity,
    heat_class,
    difference,
    preview,
    preview_rim,
    color_count,
    classes,
    classes_per_chunk,
    hatch,
    pattern_origin,
    pattern,
    prediction_steps,
    chunk_base,
    ring,
    disc,
];

/// As [`SLICE_UNIFORM_OFFSETS`].
pub const SURFACE_UNIFORM_OFFSETS: &[(&str, usize)] =
    offsets![SurfaceUniform: clip_from_patient, to_light, to_viewer];
