use super::{
    data::Voxel,
    stream::{BYTES, Stream},
};
use crate::io::{OpenError, gzip::GzMembers, source::Extent};
use nifti::NiftiHeader;
use std::{io::Read, path::Path};

const NIFTI_2_BYTES: i32 = 540;
/// Dimensions are signed 16-bit in the standard; above this they are negative.
const DIM_MAX: u16 = i16::MAX as u16;

/// More than any scanner makes in one series; each is listed.
const MOST_VOLUMES: usize = 1 << 16;

/// A checked header.
pub struct Header {
    pub raw: NiftiHeader,
    pub voxel: Voxel,
    /// Columns, rows, slices of one volume.
    pub dims: [usize; 3],
    /// Product of the dimensions above the third.
    pub volumes: usize,
    /// The voxels are in another file (`.hdr` + `.img`).
    pub pair: bool,
    pub data_offset: u64,
    /// `[slope, intercept]` where the header asks for it.
    pub scaling: Option<[f32; 2]>,
    pub warnings: Vec<String>,
}

/// True for the beginning of a NIfTI-1 or NIfTI-2 file, also a compressed one.
pub fn sniff(head: &[u8]) -> bool {
    if !head.starts_with(&[0x1f, 0x8b]) {
        return looks_like(head);
    }
    let mut plain = Vec::new();
    // The beginning of a stream ends in an error; what came before counts.
    let _ = GzMembers::new(head).take(BYTES as u64).read_to_end(&mut plain);
    looks_like(&plain)
}

fn looks_like(head: &[u8]) -> bool {
    let Some(first) = head.first_chunk::<4>() else { return false };
    let sizes = [i32::from_le_bytes(*first), i32::from_be_bytes(*first)];
    let magic = head.get(344..348);
    sizes.contains(&NIFTI_2_BYTES) && head.get(4..7) == Some(b"n+2")
        || matches!(magic, Some(b"n+1\0" | b"ni1\0"))
        // A damaged or an Analyze header is still ours to explain.
        || sizes.contains(&(BYTES as i32))
}

impl Header {
    pub fn read(stream: &mut Stream) -> Result<Self, OpenError> {
        let path = &stream.path().to_owned();
        let mut bytes = Vec::with_capacity(BYTES);
        stream.fill(&mut bytes, BYTES)?;
        let size =
            [i32::from_le_bytes, i32::from_be_bytes].map(|f| f([bytes[0], bytes[1], bytes[2], bytes[3]]));
        if size.contains(&NIFTI_2_BYTES) {
            return Err(OpenError::unsupported(path, "NIfTI-2", "Save it as NIfTI-1 first"));
        }
        let magic = &bytes[344..348];
        if magic != b"n+1\0" && magic != b"ni1\0" {
            return Err(match size.contains(&(BYTES as i32)) {
                true => OpenError::unsupported(
                    path,
                    "Analyze 7.5 (a header without NIfTI's mark, so without orientation)",
                    "Convert it to NIfTI first",
                ),
                false => OpenError::corrupt(path, "it has a NIfTI name but not a NIfTI header"),
            });
        }
        let raw = NiftiHeader::from_reader(bytes.as_slice()).map_err(|e| OpenError::corrupt(path, e))?;
        Self::check(path, raw, magic == b"ni1\0")
    }

    fn check(path: &Path, raw: NiftiHeader, pair: bool) -> Result<Self, OpenError> {
        let corrupt = |what: String| Err(OpenError::corrupt(path, what));
        let mut warnings = Vec::new();
        let rank = usize::from(raw.dim[0]);
        if !(1..=7).contains(&rank) {
            return corrupt(format!("its header says that it has {rank} dimensions"));
        }
        let sizes = &raw.dim[1..=rank];
        if let Some(bad) = sizes.iter().position(|&d| d == 0 || d > DIM_MAX) {
            return corrupt(format!("its header says that dimension {} is {}", bad + 1, sizes[bad] as i16));
        }
        let voxel = Voxel::of(path, raw.datatype)?;
        if usize::try_from(raw.bitpix) != Ok(voxel.bytes() * 8) {
            warnings.push(format!(
                "The header says {} bits per voxel, its type {} has {}; the type was believed",
                raw.bitpix,
                voxel.name(),
                voxel.bytes() * 8
            ));
        }
        let size = |i: usize| sizes.get(i).map_or(1, |&d| usize::from(d));
        let dims = [size(0), size(1), size(2)];
        let volumes: u128 = sizes.iter().skip(3).map(|&d| u128::from(d)).product();
        let offset = f64::from(raw.vox_offset);
        let least = if pair { 0.0 } else { 352.0 };
        let data_offset = if offset.is_finite() && offset >= least && offset < 1e12 {
            offset as u64
        } else if offset == 0.0 || !pair && (348.0..352.0).contains(&offset) {
            least as u64
        } else {
            return corrupt(format!("its header says that the voxels begin at byte {offset}"));
        };
        let scaling = match (raw.scl_slope, raw.scl_inter) {
            (slope, _) if slope == 0.0 || !slope.is_finite() => {
                if slope != 0.0 && !slope.is_nan() {
                    return corrupt(format!("its header scales the values by {slope}"));
                }
                None
            }
            (_, inter) if !inter.is_finite() => {
                return corrupt(format!("its header adds {inter} to every value"));
            }
            (1.0, 0.0) => None,
            (slope, inter) => Some([slope, inter]),
        };
        let volumes = usize::try_from(volumes).ok().filter(|&n| n <= MOST_VOLUMES).ok_or_else(|| {
            OpenError::unsupported(
                path,
                format!("A file of {volumes} volumes"),
                format!("Save a part of it: at most {MOST_VOLUMES} volumes are listed"),
            )
        })?;
        Ok(Self { raw, voxel, dims, volumes, pair, data_offset, scaling, warnings })
    }

    /// `[slope, intercept]` of the decoded samples.
    pub fn rescale(&self) -> [f32; 2] {
        self.scaling.filter(|_| self.voxel.takes_scaling()).unwrap_or([1.0, 0.0])
    }

    /// All volumes.
    pub fn extent(&self) -> Extent {
        let [columns, rows, slices] = self.dims;
        Extent::new(&[columns, rows, slices, self.volumes], self.voxel.bytes())
    }

    pub fn facts(&self) -> serde_json::Value {
        let h = &self.raw;
        serde_json::json!({
            "format": "nifti-1",
            "dim": h.dim[1..=usize::from(h.dim[0])],
            "pixdim": h.pixdim[..=usize::from(h.dim[0])].iter().map(|p| finite(*p)).collect::<Vec<_>>(),
            "qform_code": h.qform_code,
            "sform_code": h.sform_code,
            "scl_slope": finite(h.scl_slope),
            "scl_inter": finite(h.scl_inter),
            "intent_code": h.intent_code,
            "big_endian": h.endianness == nifti::Endianness::Big,
        })
    }
}

/// JSON has no NaN.
fn finite(value: f32) -> Option<f32> {
    value.is_finite().then_some(value)
}
