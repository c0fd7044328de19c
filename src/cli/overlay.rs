//! A slice with its mask drawn over it: what the window shows, drawn on the CPU.

use crate::{
    gpu::{LabelColors, MaskDraw, SliceDraw, SliceImage, ViewTransform, cpu_twin},
    label::{LabelMap, LabelTable},
    replace::write_bytes,
    volume::Volume,
};
use image::{ExtendedColorType, ImageEncoder, RgbaImage, codecs::png::PngEncoder};
use std::path::Path;

/// The longer side of a picture that is written, pixels.
const SIDE: u32 = 768;

/// Writes native slice `z` as a PNG.
pub fn write(
    path: &Path,
    volume: &Volume,
    mask: &LabelMap,
    labels: &LabelTable,
    z: usize,
) -> anyhow::Result<()> {
    let picture = picture(volume, mask, labels, z, SIDE)?;
    let mut png = vec![];
    PngEncoder::new(&mut png).write_image(
        &picture,
        picture.width(),
        picture.height(),
        ExtendedColorType::Rgba8,
    )?;
    Ok(write_bytes(path, &png)?)
}

/// Draws native slice `z` with the shape that its pixel size gives it; the longer side has `side` pixels.
pub fn picture(
    volume: &Volume,
    mask: &LabelMap,
    labels: &LabelTable,
    z: usize,
    side: u32,
) -> anyhow::Result<RgbaImage> {
    let grid = volume.grid();
    let axes = grid.plane_axes(grid.native_plane());
    let (size, pixel) = (axes.size(grid.dims()), axes.pixel_size(grid));
    let extent = [size[0] as f64 * pixel[0], size[1] as f64 * pixel[1]];
    let zoom = f64::from(side) / extent[0].max(extent[1]);
    let target = extent.map(|e| (e * zoom).round().max(1.0));
    let image = SliceImage { volume: volume.clone(), axes, slice: z };
    let mut draw = SliceDraw::of_image(image, ViewTransform::fit(target, pixel, size));
    draw.mask = Some(MaskDraw { document: 0, map: mask.clone() });
    draw.colors = LabelColors::of(labels);
    Ok(cpu_twin::draw(&draw, target.map(|t| t as u32))?)
}
