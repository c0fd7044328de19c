//! A slice with its mask drawn over it, as a PNG: what the window shows, drawn on the CPU.

use crate::{
    gpu::{LabelColors, MaskDraw, SliceDraw, SliceImage, ViewTransform, cpu_twin},
    label::{LabelMap, LabelTable},
    volume::Volume,
};
use anyhow::Context;
use std::path::Path;

/// The longer side of the picture, pixels.
const SIDE: f64 = 768.0;

/// Draws native slice `z` with the shape that its pixel size gives it.
pub fn write(
    path: &Path,
    volume: &Volume,
    mask: &LabelMap,
    labels: &LabelTable,
    z: usize,
) -> anyhow::Result<()> {
    let grid = volume.grid();
    let axes = grid.plane_axes(grid.native_plane());
    let (size, pixel) = (axes.size(grid.dims()), axes.pixel_size(grid));
    let extent = [size[0] as f64 * pixel[0], size[1] as f64 * pixel[1]];
    let zoom = SIDE / extent[0].max(extent[1]);
    let target = extent.map(|e| (e * zoom).round().max(1.0));
    let image = SliceImage { volume: volume.clone(), axes, slice: z };
    let mut draw = SliceDraw::of_image(image, ViewTransform::fit(target, pixel, size));
    draw.mask = Some(MaskDraw { document: 0, map: mask.clone() });
    draw.colors = LabelColors::of(labels);
    let picture = cpu_twin::draw(&draw, target.map(|t| t as u32))?;
    picture.save(path).with_context(|| format!("cannot write {}", path.display()))
}
