use super::{data::Voxel, geometry, header::Header, stream::Stream};
use crate::{
    geom::Grid,
    io::{
        OpenError, Quiet, WriteError,
        write::{has_wide_ids, same_place},
    },
    label::LabelMap,
    replace::write_checked,
    volume::{Samples, Volume},
    watch,
};
use flate2::{Compression, write::GzEncoder};
use nifti::NiftiHeader;
use std::{
    io::{self, Write},
    ops::Range,
    path::Path,
};

/// Writes a mask as NIfTI (`.nii` or `.nii.gz`) in the grid's own geometry: sform and qform equal and both with code
/// 1; the sform alone where the axes are not at right angles. 8 bits, 16 where an id is above 255. Returns warnings.
pub fn write_label_nifti(path: &Path, map: &LabelMap, grid: &Grid) -> Result<Vec<String>, WriteError> {
    if map.dims() != grid.dims() {
        let what = format!("the mask's size is {:?} and the image's {:?}", map.dims(), grid.dims());
        return Err(WriteError::unfit(path, what));
    }
    let wide = has_wide_ids(map);
    let part = |voxels: Range<usize>, bytes: &mut Vec<u8>| {
        let mut ids = vec![0; voxels.len()];
        map.read(voxels.start, &mut ids);
        match wide {
            true => bytes.extend(ids.iter().flat_map(|id| id.to_le_bytes())),
            false => bytes.extend(ids.iter().map(|&id| id as u8)),
        }
    };
    let voxel = if wide { Voxel::U16 } else { Voxel::U8 };
    write(path, grid, Content { voxel, part: &part, rescale: [1.0, 0.0], what: "mask" })
}

/// Writes a volume as NIfTI in its own type, rescale and geometry. Returns warnings.
pub fn write_volume_nifti(path: &Path, volume: &Volume) -> Result<Vec<String>, WriteError> {
    let samples = volume.samples();
    let part = |voxels: Range<usize>, bytes: &mut Vec<u8>| match samples {
        Samples::U8(v) => bytes.extend_from_slice(&v[voxels]),
        Samples::I16(v) => bytes.extend(v[voxels].iter().flat_map(|v| v.to_le_bytes())),
        Samples::U16(v) => bytes.extend(v[voxels].iter().flat_map(|v| v.to_le_bytes())),
        Samples::F32(v) => bytes.extend(v[voxels].iter().flat_map(|v| v.to_le_bytes())),
        Samples::Rgb8(v) => bytes.extend_from_slice(v[voxels].as_flattened()),
    };
    let voxel = match samples {
        Samples::U8(_) => Voxel::U8,
        Samples::I16(_) => Voxel::I16,
        Samples::U16(_) => Voxel::U16,
        Samples::F32(_) => Voxel::F32,
        Samples::Rgb8(_) => Voxel::Rgb24,
    };
    write(path, volume.grid(), Content { voxel, part: &part, rescale: volume.rescale(), what: "image" })
}

/// Writes one probability (a slice each, row by row; 0 to 1) as a float32 NIfTI. Returns warnings.
pub fn write_probability_nifti(
    path: &Path,
    slices: &[&[f32]],
    grid: &Grid,
) -> Result<Vec<String>, WriteError> {
    let [width, height, depth] = grid.dims();
    let area = width * height;
    if slices.len() != depth || slices.iter().any(|slice| slice.len() != area) {
        let values = slices.iter().map(|slice| slice.len()).sum::<usize>();
        let what =
            format!("there are {values} values in {} slices for {:?} voxels", slices.len(), grid.dims());
        return Err(WriteError::unfit(path, what));
    }
    let part = |mut voxels: Range<usize>, bytes: &mut Vec<u8>| {
        while !voxels.is_empty() {
            let (z, at) = (voxels.start / area, voxels.start % area);
            let values = &slices[z][at..area.min(at + voxels.len())];
            bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
            voxels.start += values.len();
        }
    };
    write(path, grid, Content { voxel: Voxel::F32, part: &part, rescale: [1.0, 0.0], what: "probability" })
}

/// What is in a file, a piece at a time, so that it is never in memory a second time.
struct Content<'a> {
    voxel: Voxel,
    /// Adds the bytes of some of the voxels as the file has them.
    part: &'a dyn Fn(Range<usize>, &mut Vec<u8>),
    rescale: [f32; 2],
    what: &'a str,
}

/// Voxels of a piece.
const PIECE: usize = 1 << 18;

impl Content<'_> {
    /// Piece after piece, as long as `take` wants more; whether it took all of them.
    fn each(
        &self,
        stage: &'static str,
        voxels: usize,
        mut take: impl FnMut(&[u8]) -> io::Result<bool>,
    ) -> io::Result<bool> {
        let mut bytes = Vec::with_capacity(PIECE * self.voxel.bytes());
        for start in (0..voxels).step_by(PIECE) {
            watch::step(stage, start, voxels)?;
            bytes.clear();
            (self.part)(start..(start + PIECE).min(voxels), &mut bytes);
            if !take(&bytes)? {
                return Ok(false);
            }
        }
        watch::step(stage, voxels, voxels)?;
        Ok(true)
    }

    /// Whether a file holds this on a grid; what differs.
    fn same_in(&self, path: &Path, grid: &Grid) -> io::Result<Result<(), String>> {
        let begin = || -> Result<(Stream, Header), OpenError> {
            let mut stream = Stream::open(path)?;
            let header = Header::read(&mut stream)?;
            stream.check_can_hold(header.extent(), header.data_offset)?;
            stream.skip(header.data_offset, &mut Quiet)?;
            Ok((stream, header))
        };
        let (mut stream, header) = match begin() {
            Ok(begun) => begun,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let back = geometry::read(&header.raw, header.dims, &mut Vec::new());
        if let Err(what) = back.and_then(|back| same_place(grid, &back)) {
            return Ok(Err(what));
        }
        if (header.voxel, header.volumes, header.rescale()) != (self.voxel, 1, self.rescale) {
            return Ok(Err("type or scale differ".to_owned()));
        }
        let mut back = Vec::new();
        let same = self.each("checking", grid.voxel_count(), |meant| {
            back.clear();
            Ok(stream.fill(&mut back, meant.len()).is_ok() && back == meant)
        })?;
        if !same {
            return Ok(Err("voxels differ".to_owned()));
        }
        Ok(stream.finish(&mut Quiet).map(drop).map_err(|e| e.to_string()))
    }
}

fn write(path: &Path, grid: &Grid, content: Content<'_>) -> Result<Vec<String>, WriteError> {
    let name = path.to_string_lossy().to_lowercase();
    let compressed = name.ends_with(".nii.gz");
    if !compressed && !name.ends_with(".nii") {
        return Err(WriteError::unfit(path, "a NIfTI file is named .nii or .nii.gz"));
    }
    let dims = grid.dims();
    if let Some(axis) = dims.iter().position(|&d| d > i16::MAX as usize) {
        return Err(WriteError::unfit(
            path,
            format!("NIfTI-1 has no room for {} voxels in a row", dims[axis]),
        ));
    }
    let [slope, intercept] = content.rescale;
    let mut header = NiftiHeader { scl_slope: slope, scl_inter: intercept, ..NiftiHeader::default() };
    header.dim = [3, dims[0] as u16, dims[1] as u16, dims[2] as u16, 1, 1, 1, 1];
    header.datatype = content.voxel.code();
    header.bitpix = content.voxel.bytes() as i16 * 8;
    let note = format!("Fovea {} {}; for research only", env!("CARGO_PKG_VERSION"), content.what);
    header.descrip[..note.len()].copy_from_slice(note.as_bytes());
    let warnings = geometry::write(&mut header, grid);
    let bytes = header_bytes(&header);
    let voxels = grid.voxel_count();
    write_checked(
        path,
        |out| {
            if compressed {
                let mut gz = GzEncoder::new(out, Compression::new(6));
                gz.write_all(&bytes)?;
                content.each("writing", voxels, |piece| gz.write_all(piece).map(|()| true))?;
                gz.finish().map(drop)
            } else {
                out.write_all(&bytes)?;
                content.each("writing", voxels, |piece| out.write_all(piece).map(|()| true)).map(drop)
            }
        },
        |new| content.same_in(new, grid),
    )?;
    Ok(warnings)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Modality;

    #[test]
    fn a_flipped_byte_of_a_new_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nii");
        let grid = Grid::spaced([70, 80, 90], [0.5, 0.75, 2.0]).unwrap();
        let samples: Vec<i16> = (0..grid.voxel_count()).map(|i| (i % 3000) as i16 - 1000).collect();
        let volume =
            Volume::new(grid.clone(), Samples::I16(samples.into()), [2.0, -5.0], Modality::Ct).unwrap();
        write_volume_nifti(&path, &volume).unwrap();
        let part = |voxels: Range<usize>, bytes: &mut Vec<u8>| {
            bytes.extend(voxels.flat_map(|i| ((i % 3000) as i16 - 1000).to_le_bytes()));
        };
        let content = Content { voxel: Voxel::I16, part: &part, rescale: [2.0, -5.0], what: "image" };
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(content.same_in(&path, &grid).unwrap(), Ok(()));
        // The type, the slope, a step, the first and the last voxel, one between two pieces.
        for at in [70, 113, 81, 352, whole.len() - 1, 352 + 2 * PIECE] {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            std::fs::write(&path, &flipped).unwrap();
            assert!(content.same_in(&path, &grid).unwrap().is_err(), "{at}");
        }
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(content.same_in(&path, &grid).unwrap().is_err());
    }
}
