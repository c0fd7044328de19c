//! Slices and label slices as textures of their native samples.
//!
//! A slice larger than the adapter's textures is cut into tiles of equal size, which are the layers of one array texture:
//! every pixel stays within reach of one draw call, so that no filter, outline or overlay sees a seam.

use super::{SliceImage, draw::DrawError};
use crate::{
    geom::{Axis, PixelSteps, PlaneAxes},
    label::{LabelId, LabelMap},
    volume::Samples,
};
use rayon::prelude::*;
use std::borrow::Cow;

/// How large textures and bindings may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest side of a texture, pixels.
    pub texture_side: u32,
    pub texture_layers: u32,
    /// Bytes of one storage binding.
    pub binding: u64,
    /// Bytes of textures and buffers that are kept for slices seen before.
    pub cache: u64,
}

impl Limits {
    pub fn of(device: &wgpu::Device) -> Self {
        let limits = device.limits();
        Self {
            texture_side: limits.max_texture_dimension_2d,
            texture_layers: limits.max_texture_array_layers,
            binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
            cache: 512 << 20,
        }
    }
}

/// How a slice is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiling {
    pub size: [u32; 2],
    pub tile: [u32; 2],
    pub across: u32,
    pub layers: u32,
}

impl Tiling {
    pub fn new([width, height]: [usize; 2], limits: &Limits) -> Result<Self, DrawError> {
        let side = limits.texture_side.max(1) as usize;
        let (across, down) = (width.div_ceil(side).max(1), height.div_ceil(side).max(1));
        if across * down > limits.texture_layers as usize {
            return Err(DrawError::TooLarge(width, height, across * down, limits.texture_layers));
        }
        // The shader counts pixels in i32; a slice of that many would need more layers than any adapter has.
        let tile = [width.div_ceil(across).max(1) as u32, height.div_ceil(down).max(1) as u32];
        let size = [width as u32, height as u32];
        Ok(Self { size, tile, across: across as u32, layers: (across * down) as u32 })
    }

    pub fn texels(&self) -> u64 {
        u64::from(self.tile[0]) * u64::from(self.tile[1]) * u64::from(self.layers)
    }

    /// The parts of a rectangle `[x, y, width, height]` in each tile that it meets: layer, texel, and the part itself.
    fn parts(&self, [x, y, w, h]: [u32; 4]) -> impl Iterator<Item = TilePart> + use<> {
        let ([tw, th], across) = (self.tile, self.across);
        let tiles = move |from: u32, len: u32, side: u32| from / side..(from + len).div_ceil(side);
        tiles(y, h, th).flat_map(move |row| {
            tiles(x, w, tw).map(move |column| {
                let (left, top) = (x.max(column * tw), y.max(row * th));
                let (right, bottom) = ((x + w).min((column + 1) * tw), (y + h).min((row + 1) * th));
                TilePart {
                    layer: row * across + column,
                    texel: [left - column * tw, top - row * th],
                    rect: [left, top, right - left, bottom - top],
                }
            })
        })
    }
}

struct TilePart {
    layer: u32,
    texel: [u32; 2],
    rect: [u32; 4],
}

/// A slice on the device.
#[derive(Debug)]
pub(crate) struct TiledTexture {
    pub tiling: Tiling,
    texture: wgpu::Texture,
    pub view: wgpu::TextureView,
    texel_bytes: u32,
}

impl TiledTexture {
    pub fn new(device: &wgpu::Device, tiling: Tiling, format: wgpu::TextureFormat) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("slice"),
            size: wgpu::Extent3d {
                width: tiling.tile[0],
                height: tiling.tile[1],
                depth_or_array_layers: tiling.layers,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor {
            dimension: Some(wgpu::TextureViewDimension::D2Array),
            ..Default::default()
        });
        Self { tiling, texture, view, texel_bytes: format.block_copy_size(None).unwrap_or(4) }
    }

    pub fn bytes(&self) -> u64 {
        self.tiling.texels() * u64::from(self.texel_bytes)
    }

    /// Writes a rectangle `[x, y, width, height]` whose samples are in `data`, row by row.
    pub fn write(&self, queue: &wgpu::Queue, rect: [u32; 4], data: &[u8]) {
        let row_bytes = rect[2] * self.texel_bytes;
        for part in self.tiling.parts(rect) {
            let [x, y, width, height] = part.rect;
            let start =
                u64::from(y - rect[1]) * u64::from(row_bytes) + u64::from((x - rect[0]) * self.texel_bytes);
            queue.write_texture(
                wgpu::TexelCopyTextureInfo {
                    texture: &self.texture,
                    mip_level: 0,
                    origin: wgpu::Origin3d { x: part.texel[0], y: part.texel[1], z: part.layer },
                    aspect: wgpu::TextureAspect::All,
                },
                data,
                wgpu::TexelCopyBufferLayout {
                    offset: start,
                    bytes_per_row: Some(row_bytes),
                    rows_per_image: None,
                },
                wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            );
        }
    }

    pub fn write_all(&self, queue: &wgpu::Queue, data: &[u8]) {
        let [width, height] = self.tiling.size;
        self.write(queue, [0, 0, width, height], data);
    }
}

/// The samples of a slice as a plane shows it, in the type that the texture holds.
pub(crate) struct SliceSamples<'a> {
    pub format: wgpu::TextureFormat,
    samples: Box<dyn AsBytes + 'a>,
}

trait AsBytes {
    fn as_bytes(&self) -> &[u8];
}

impl<T: bytemuck::Pod> AsBytes for Cow<'_, [T]> {
    fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }
}

impl<'a> SliceSamples<'a> {
    /// Signed and float samples go as their bits in an unsigned texture: one shader reads them all. Only colour grows,
    /// by a fourth byte, since there are no textures of three.
    pub fn of(image: &'a SliceImage) -> Self {
        let (dims, axes, slice) = (image.volume.dims(), image.axes, image.slice);
        let (format, samples): (_, Box<dyn AsBytes + 'a>) = match image.volume.samples() {
            Samples::U8(s) => (wgpu::TextureFormat::R8Uint, Box::new(gather(s, dims, axes, slice))),
            Samples::I16(s) => (wgpu::TextureFormat::R16Uint, Box::new(gather(s, dims, axes, slice))),
            Samples::U16(s) => (wgpu::TextureFormat::R16Uint, Box::new(gather(s, dims, axes, slice))),
            Samples::F32(s) => (wgpu::TextureFormat::R32Uint, Box::new(gather(s, dims, axes, slice))),
            Samples::Rgb8(s) => {
                let rgb = gather(s, dims, axes, slice);
                let rgba: Vec<[u8; 4]> = rgb.par_iter().map(|&[r, g, b]| [r, g, b, 255]).collect();
                (wgpu::TextureFormat::Rgba8Uint, Box::new(Cow::Owned(rgba)))
            }
        };
        Self { format, samples }
    }

    pub fn bytes(&self) -> &[u8] {
        self.samples.as_bytes()
    }
}

/// A slice row by row from the top left of the screen; borrowed where the volume holds it in that order.
pub(crate) fn gather<T: Copy + Send + Sync>(
    samples: &[T],
    dims: [usize; 3],
    axes: PlaneAxes,
    slice: usize,
) -> Cow<'_, [T]> {
    let [width, height] = axes.size(dims);
    let strides = [1, dims[0] as isize, (dims[0] * dims[1]) as isize];
    let PixelSteps { first, right, down } = axes.steps(dims, strides, slice);
    if width == 0 || height == 0 {
        return Cow::Borrowed(&[]);
    }
    if right == 1 && down == width as isize {
        return Cow::Borrowed(&samples[first as usize..first as usize + width * height]);
    }
    let row = |y: usize| {
        let first = first + y as isize * down;
        (0..width).map(move |x| samples[(first + x as isize * right) as usize])
    };
    Cow::Owned((0..height).into_par_iter().flat_map_iter(row).collect())
}

/// The rectangle `[x, y, width, height]` in which a plane shows a box of voxels (from, past the end).
pub(crate) fn rect_of_box(axes: PlaneAxes, dims: [usize; 3], [from, end]: [[usize; 3]; 2]) -> [u32; 4] {
    let along = |axis: Axis, flipped: bool| {
        let (a, from, end) = (axis.index(), from[axis.index()], end[axis.index()]);
        let start = if flipped { dims[a] - end } else { from };
        [start as u32, (end - from) as u32]
    };
    let ([x, width], [y, height]) =
        (along(axes.right, axes.right_flipped), along(axes.down, axes.down_flipped));
    [x, y, width, height]
}

/// Labels of a rectangle of a slice as a plane shows it, row by row.
pub(crate) fn labels_in_rect(
    map: &LabelMap,
    axes: PlaneAxes,
    slice: usize,
    [x, y, width, height]: [u32; 4],
) -> Vec<LabelId> {
    let dims = map.dims();
    let mut voxel = [0; 3];
    voxel[axes.normal.index()] = slice;
    let place = |axis: Axis, flipped: bool, at: u32| {
        if flipped { dims[axis.index()] - 1 - at as usize } else { at as usize }
    };
    let mut out = Vec::with_capacity((width * height) as usize);
    for row in y..y + height {
        voxel[axes.down.index()] = place(axes.down, axes.down_flipped, row);
        for column in x..x + width {
            voxel[axes.right.index()] = place(axes.right, axes.right_flipped, column);
            out.push(map.get(voxel));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{Frame, Grid, Plane, Unit};
    use glam::{DAffine3, DMat3, DVec3};

    const LIMITS: Limits = Limits { texture_side: 64, texture_layers: 6, binding: 1 << 20, cache: 0 };

    #[test]
    fn tiles_have_equal_size_and_cover_the_slice() {
        let t = Tiling::new([130, 64], &LIMITS).unwrap();
        assert_eq!(t, Tiling { size: [130, 64], tile: [44, 64], across: 3, layers: 3 });
        let mut seen = vec![0; 130 * 64];
        for part in t.parts([0, 0, 130, 64]) {
            let [x, y, w, h] = part.rect;
            for (px, py) in (y..y + h).flat_map(|py| (x..x + w).map(move |px| (px, py))) {
                seen[(py * 130 + px) as usize] += 1;
                assert_eq!(px / 44, part.layer);
                assert_eq!(part.texel[0] + px - x, px % 44);
            }
        }
        assert!(seen.iter().all(|&n| n == 1));
        assert_eq!(Tiling::new([300, 128], &LIMITS), Err(DrawError::TooLarge(300, 128, 10, 6)));
    }

    #[test]
    fn a_slice_is_gathered_as_its_plane_shows_it() {
        let dims = [4, 3, 5];
        let samples: Vec<u16> = (0..60).collect();
        let map = LabelMap::from_values(dims, &samples).unwrap();
        for signs in 0..8 {
            let diagonal =
                DVec3::from_array(std::array::from_fn(|a| if signs >> a & 1 == 1 { -1.0 } else { 1.0 }));
            let affine = DAffine3 { matrix3: DMat3::from_diagonal(diagonal), translation: DVec3::ZERO };
            let grid = Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap();
            for plane in Plane::ALL {
                let axes = grid.plane_axes(plane);
                let [width, height] = axes.size(dims);
                for slice in 0..axes.slice_count(dims) {
                    let whole = gather(&samples, dims, axes, slice);
                    assert_eq!(*whole, map.plane_slice(axes, slice), "{plane:?} {signs}");
                    let rect = [1, 1, width as u32 - 1, height as u32 - 1];
                    let part = labels_in_rect(&map, axes, slice, rect);
                    assert_eq!(part[0], whole[width + 1]);
                    assert_eq!(part.last(), whole.last());
                }
            }
        }
    }
}
