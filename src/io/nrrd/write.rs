//! Writes NRRD as 3D Slicer and ITK do: gzip, little-endian, in LPS.

use crate::{
    geom::{Frame, Grid, Unit},
    io::{
        WriteError,
        write::{has_wide_ids, label_samples, same_as, same_place},
        writer::Written,
    },
    label::LabelMap,
    replace::{Out, write_checked},
    volume::{Samples, Volume},
    watch,
};
use flate2::{Compression, write::GzEncoder};
use std::{
    io::{self, Write},
    path::Path,
};

/// Writes a mask in the grid's own geometry: 8 bits, 16 where an id is above 255.
pub fn write_mask(path: &Path, map: &LabelMap, grid: &Grid) -> Written {
    if map.dims() != grid.dims() {
        let what = format!("the mask's size is {:?} and the image's {:?}", map.dims(), grid.dims());
        return Err(WriteError::unfit(path, what));
    }
    write(path, &label_samples(map.to_values(), has_wide_ids(map)), grid)
}

/// Writes an image with its values as they are meant: the format has no place for a rescale, so it is applied.
pub fn write_image(path: &Path, volume: &Volume) -> Written {
    write(path, &rescaled(volume), volume.grid())
}

/// Writes one probability (a slice each, row by row; 0 to 1) as 32-bit real numbers.
pub fn write_probability(path: &Path, slices: &[&[f32]], grid: &Grid) -> Written {
    let values = slices.concat();
    if values.len() != grid.voxel_count() {
        let what = format!("there are {} values for {:?} voxels", values.len(), grid.dims());
        return Err(WriteError::unfit(path, what));
    }
    write(path, &Samples::F32(values.into()), grid)
}

/// Whole numbers where all values are such (a CT in Hounsfield units), else real ones.
fn rescaled(volume: &Volume) -> Samples {
    if volume.rescale() == [1.0, 0.0] {
        return volume.samples().clone();
    }
    let values: Vec<f32> = (0..volume.dims()[2]).flat_map(|z| volume.slice_values(z)).collect();
    let is_whole = |v: &f32| v.fract() == 0.0 && (f32::from(i16::MIN)..=f32::from(i16::MAX)).contains(v);
    match values.iter().all(is_whole) {
        true => Samples::I16(values.iter().map(|&v| v as i16).collect()),
        false => Samples::F32(values.into()),
    }
}

/// The lines before the data, in the order in which ITK writes them.
fn header(samples: &Samples, grid: &Grid) -> String {
    let colours = matches!(samples, Samples::Rgb8(_));
    let kind = match samples {
        Samples::U8(_) | Samples::Rgb8(_) => "unsigned char",
        Samples::I16(_) => "short",
        Samples::U16(_) => "unsigned short",
        Samples::F32(_) => "float",
    };
    let [w, h, d] = grid.dims();
    let (dimension, first_size, first_kind, first_direction) =
        if colours { (4, "3 ", "RGB-color ", "none ") } else { (3, "", "", "") };
    let mut lines = vec![
        "NRRD0004".to_owned(),
        format!("# Made by Fovea {}; for research only", env!("CARGO_PKG_VERSION")),
    ];
    lines.push(format!("type: {kind}"));
    lines.push(format!("dimension: {dimension}"));
    let is_placed = grid.unit() == Unit::Millimetre;
    if is_placed {
        lines.push(match grid.frame() {
            Frame::Patient => "space: left-posterior-superior".to_owned(),
            Frame::Image => "space dimension: 3".to_owned(),
        });
    }
    lines.push(format!("sizes: {first_size}{w} {h} {d}"));
    let affine = grid.patient_from_voxel();
    if is_placed {
        let m = affine.matrix3;
        let columns = [m.x_axis, m.y_axis, m.z_axis].map(|v| format!("({},{},{})", v.x, v.y, v.z));
        lines.push(format!("space directions: {first_direction}{}", columns.join(" ")));
    }
    lines.push(format!("kinds: {first_kind}domain domain domain"));
    lines.push("endian: little".to_owned());
    lines.push("encoding: gzip".to_owned());
    if is_placed {
        let o = affine.translation;
        lines.push(format!("space origin: ({},{},{})", o.x, o.y, o.z));
    }
    lines.join("\n") + "\n\n"
}

fn write(path: &Path, samples: &Samples, grid: &Grid) -> Written {
    let header = header(samples, grid);
    write_checked(
        path,
        |out| {
            out.write_all(header.as_bytes())?;
            let mut gz = GzEncoder::new(out, Compression::new(6));
            match samples {
                Samples::U8(v) => pieces(&mut gz, v, |v| [*v])?,
                Samples::I16(v) => pieces(&mut gz, v, |v| v.to_le_bytes())?,
                Samples::U16(v) => pieces(&mut gz, v, |v| v.to_le_bytes())?,
                Samples::F32(v) => pieces(&mut gz, v, |v| v.to_le_bytes())?,
                Samples::Rgb8(v) => pieces(&mut gz, v, |v| *v)?,
            }
            gz.finish().map(drop)
        },
        |new| same_as(new, samples, grid.dims(), |back| same_place(grid, back)),
    )?;
    let unequal = "The slices are unequally spaced, which NRRD cannot say: their mean gap was written";
    Ok(grid.has_unequal_slices().then(|| unequal.to_owned()).into_iter().collect())
}

/// Voxels between two looks at whether to stop.
const PIECE: usize = 1 << 18;

fn pieces<T, const N: usize>(
    gz: &mut GzEncoder<&mut Out<'_>>,
    values: &[T],
    bytes: impl Fn(&T) -> [u8; N],
) -> io::Result<()> {
    for (i, piece) in values.chunks(PIECE).enumerate() {
        watch::step("writing", i * PIECE, values.len())?;
        gz.write_all(&piece.iter().flat_map(&bytes).collect::<Vec<u8>>())?;
    }
    Ok(watch::step("writing", values.len(), values.len())?)
}
