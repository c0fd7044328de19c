use super::{data::Voxel, geometry, open};
use crate::{
    geom::Grid,
    io::{OpenOptions, Quiet, WriteError, labels::labels_of, samples::same_samples},
    label::LabelMap,
    replace::write_checked,
    volume::{Samples, Volume},
};
use flate2::{Compression, write::GzEncoder};
use glam::DVec3;
use nifti::NiftiHeader;
use std::{
    io::{self, Write},
    path::Path,
};

/// Corners of what was written must read back within this.
const GEOMETRY_MM: f64 = 1e-4;

/// Writes a mask as NIfTI (`.nii` or `.nii.gz`) in the grid's own geometry: sform and qform equal and both with code
/// 1; the sform alone where the axes are not at right angles. 8 bits, 16 where an id is above 255. Returns warnings.
pub fn write_label_nifti(path: &Path, map: &LabelMap, grid: &Grid) -> Result<Vec<String>, WriteError> {
    let values = map.to_values();
    let narrow: Option<Vec<u8>> = values.iter().map(|&v| u8::try_from(v).ok()).collect();
    let samples = match narrow {
        Some(bytes) => Samples::U8(bytes.into()),
        None => Samples::U16(values.clone().into()),
    };
    write(path, grid, &samples, [1.0, 0.0], "mask", |volume| {
        let (back, _) = labels_of(path, volume, &[]).map_err(|e| e.to_string())?;
        let same = back.to_values() == values;
        if same { Ok(()) } else { Err("labels differ".to_owned()) }
    })
}

/// Writes a volume as NIfTI in its own type, rescale and geometry. Returns warnings.
pub fn write_volume_nifti(path: &Path, volume: &Volume) -> Result<Vec<String>, WriteError> {
    let samples = volume.samples();
    write(path, volume.grid(), samples, volume.rescale(), "image", |back| {
        same_samples(samples, back.samples())
    })
}

/// Writes one probability (`values` x fastest, then y, then z; 0 to 1) as a float32 NIfTI. Returns warnings.
pub fn write_probability_nifti(path: &Path, values: &[f32], grid: &Grid) -> Result<Vec<String>, WriteError> {
    let samples = Samples::F32(values.into());
    write(path, grid, &samples, [1.0, 0.0], "probability", |back| same_samples(&samples, back.samples()))
}

fn write(
    path: &Path,
    grid: &Grid,
    samples: &Samples,
    [slope, intercept]: [f32; 2],
    what: &str,
    same: impl FnOnce(&Volume) -> Result<(), String>,
) -> Result<Vec<String>, WriteError> {
    let name = path.to_string_lossy().to_lowercase();
    let compressed = name.ends_with(".nii.gz");
    if !compressed && !name.ends_with(".nii") {
        return Err(WriteError::unfit(path, "a NIfTI file is named .nii or .nii.gz"));
    }
    if samples.len() != grid.voxel_count() {
        return Err(WriteError::unfit(
            path,
            format!("there are {} values for {} voxels", samples.len(), grid.voxel_count()),
        ));
    }
    let dims = grid.dims();
    if let Some(axis) = dims.iter().position(|&d| d > i16::MAX as usize) {
        return Err(WriteError::unfit(
            path,
            format!("NIfTI-1 has no room for {} voxels in a row", dims[axis]),
        ));
    }
    let voxel = match samples {
        Samples::U8(_) => Voxel::U8,
        Samples::I16(_) => Voxel::I16,
        Samples::U16(_) => Voxel::U16,
        Samples::F32(_) => Voxel::F32,
        Samples::Rgb8(_) => Voxel::Rgb24,
    };
    let mut header = NiftiHeader { scl_slope: slope, scl_inter: intercept, ..NiftiHeader::default() };
    header.dim = [3, dims[0] as u16, dims[1] as u16, dims[2] as u16, 1, 1, 1, 1];
    header.datatype = voxel.code();
    header.bitpix = voxel.bytes() as i16 * 8;
    let note = format!("Fovea {} {what}; for research only", env!("CARGO_PKG_VERSION"));
    header.descrip[..note.len()].copy_from_slice(note.as_bytes());
    let warnings = geometry::write(&mut header, grid);
    let bytes = header_bytes(&header);
    write_checked(
        path,
        |out| {
            if compressed {
                let mut gz = GzEncoder::new(out, Compression::new(6));
                gz.write_all(&bytes)?;
                write_samples(&mut gz, samples)?;
                gz.finish().map(drop)
            } else {
                out.write_all(&bytes)?;
                write_samples(out, samples)
            }
        },
        |new| {
            let back = open(new, &OpenOptions::default(), &mut Quiet).map_err(|e| e.to_string())?;
            same_place(grid, back.volume.grid())?;
            same(&back.volume)
        },
    )?;
    Ok(warnings)
}

/// The corners are where they were meant to be (for equally spaced slices).
fn same_place(meant: &Grid, back: &Grid) -> Result<(), String> {
    if meant.dims() != back.dims() {
        return Err(format!("size {:?} instead of {:?}", back.dims(), meant.dims()));
    }
    let dims = meant.dims().map(|d| d as f64 - 1.0);
    for corner in 0..8 {
        let at = |axis: usize| if corner >> axis & 1 == 1 { dims[axis] } else { 0.0 };
        let voxel = DVec3::new(at(0), at(1), at(2));
        let [a, b] = [meant, back].map(|g| g.patient_from_voxel().transform_point3(voxel));
        // What a 32-bit number can say of a place far from the origin.
        let rounding = a.abs().max_element() * f64::from(f32::EPSILON) * 4.0;
        if (a - b).length() > GEOMETRY_MM.max(rounding) {
            return Err(format!("a corner lies at {b} instead of {a}"));
        }
    }
    Ok(())
}

fn write_samples(out: &mut impl Write, samples: &Samples) -> io::Result<()> {
    fn all<T: Copy, const N: usize>(
        out: &mut impl Write,
        values: &[T],
        bytes: impl Fn(T) -> [u8; N],
    ) -> io::Result<()> {
        let mut buffer = Vec::with_capacity(N << 14);
        for chunk in values.chunks(1 << 14) {
            buffer.clear();
            buffer.extend(chunk.iter().flat_map(|&v| bytes(v)));
            out.write_all(&buffer)?;
        }
        Ok(())
    }
    match samples {
        Samples::U8(v) => out.write_all(v),
        Samples::I16(v) => all(out, v, i16::to_le_bytes),
        Samples::U16(v) => all(out, v, u16::to_le_bytes),
        Samples::F32(v) => all(out, v, f32::to_le_bytes),
        Samples::Rgb8(v) => out.write_all(v.as_flattened()),
    }
}

/// The 348 bytes of a NIfTI-1 header and the four that say that no extension follows, little-endian.
fn header_bytes(h: &NiftiHeader) -> Vec<u8> {
    let mut b = Vec::with_capacity(352);
    b.extend(348i32.to_le_bytes());
    b.resize(39, 0);
    b.push(h.dim_info);
    b.extend(h.dim.iter().flat_map(|v| v.to_le_bytes()));
    b.extend([h.intent_p1, h.intent_p2, h.intent_p3].iter().flat_map(|v| v.to_le_bytes()));
    b.extend([h.intent_code, h.datatype, h.bitpix, h.slice_start].iter().flat_map(|v| v.to_le_bytes()));
    b.extend(h.pixdim.iter().flat_map(|v| v.to_le_bytes()));
    b.extend([352.0, h.scl_slope, h.scl_inter].iter().flat_map(|v: &f32| v.to_le_bytes()));
    b.extend(h.slice_end.to_le_bytes());
    b.extend([h.slice_code, h.xyzt_units]);
    b.extend([h.cal_max, h.cal_min, h.slice_duration, h.toffset].iter().flat_map(|v| v.to_le_bytes()));
    b.extend([0; 8]);
    b.extend(&h.descrip[..80]);
    b.extend(h.aux_file);
    b.extend([h.qform_code, h.sform_code].iter().flat_map(|v| v.to_le_bytes()));
    let quaternion = [h.quatern_b, h.quatern_c, h.quatern_d, h.quatern_x, h.quatern_y, h.quatern_z];
    b.extend(quaternion.iter().flat_map(|v| v.to_le_bytes()));
    b.extend([h.srow_x, h.srow_y, h.srow_z].as_flattened().iter().flat_map(|v| v.to_le_bytes()));
    b.extend(h.intent_name);
    b.extend(b"n+1\0");
    b.extend([0; 4]);
    debug_assert_eq!(b.len(), 352);
    b
}
