use crate::io::{OpenError, samples::Raw};
use nifti::Endianness;
use std::path::Path;

/// A voxel type that is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Voxel {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
    /// Shown as its magnitude.
    Complex64,
    Complex128,
    Rgb24,
    /// Shown without its alpha.
    Rgba32,
}

impl Voxel {
    const ALL: [Self; 14] = [
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::U64,
        Self::I64,
        Self::F32,
        Self::F64,
        Self::Complex64,
        Self::Complex128,
        Self::Rgb24,
        Self::Rgba32,
    ];

    pub fn of(path: &Path, code: i16) -> Result<Self, OpenError> {
        match code {
            1 => Err(unsupported(path, "one-bit voxels")),
            1536 | 2048 => Err(unsupported(path, "128-bit numbers")),
            other => Self::ALL.into_iter().find(|v| v.code() == other).ok_or_else(|| {
                OpenError::corrupt(path, format!("its header has the unknown voxel type {other}"))
            }),
        }
    }

    /// The header's `datatype` (nifti1.h, DT_...).
    pub fn code(self) -> i16 {
        match self {
            Self::U8 => 2,
            Self::I8 => 256,
            Self::U16 => 512,
            Self::I16 => 4,
            Self::U32 => 768,
            Self::I32 => 8,
            Self::U64 => 1280,
            Self::I64 => 1024,
            Self::F32 => 16,
            Self::F64 => 64,
            Self::Complex64 => 32,
            Self::Complex128 => 1792,
            Self::Rgb24 => 128,
            Self::Rgba32 => 2304,
        }
    }

    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::Rgb24 => 3,
            Self::U32 | Self::I32 | Self::F32 | Self::Rgba32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::Complex64 => 8,
            Self::Complex128 => 16,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
            Self::Rgb24 => "rgb24",
            Self::Rgba32 => "rgba32",
        }
    }

    /// Colour is never scaled (nifti1.h: "does not apply to RGB"); a magnitude already is.
    pub fn takes_scaling(self) -> bool {
        !matches!(self, Self::Complex64 | Self::Complex128 | Self::Rgb24 | Self::Rgba32)
    }

    /// What of the file is not shown, for a person to read.
    pub fn note(self) -> Option<String> {
        Some(match self {
            Self::Complex64 | Self::Complex128 => {
                "The values are complex numbers; their magnitude is shown".to_owned()
            }
            Self::Rgba32 => "The colours' alpha is not shown".to_owned(),
            _ => return None,
        })
    }

    /// Bytes of whole voxels to samples.
    pub fn decode(self, bytes: &[u8], order: Endianness, scaling: Option<[f32; 2]>) -> Raw {
        let [slope, intercept] = scaling.unwrap_or([1.0, 0.0]).map(f64::from);
        let magnitude = |re: f64, im: f64| ((re * slope + intercept).powi(2) + (im * slope).powi(2)).sqrt();
        macro_rules! numbers {
            ($type:ty) => {{
                let from = match order {
                    Endianness::Little => <$type>::from_le_bytes,
                    Endianness::Big => <$type>::from_be_bytes,
                };
                let (numbers, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                numbers.iter().map(|b| from(*b)).collect::<Vec<$type>>()
            }};
        }
        match self {
            Self::U8 => Raw::U8(bytes.to_vec()),
            Self::I8 => Raw::I8(numbers!(i8)),
            Self::U16 => Raw::U16(numbers!(u16)),
            Self::I16 => Raw::I16(numbers!(i16)),
            Self::U32 => Raw::U32(numbers!(u32)),
            Self::I32 => Raw::I32(numbers!(i32)),
            Self::U64 => Raw::U64(numbers!(u64)),
            Self::I64 => Raw::I64(numbers!(i64)),
            Self::F32 => Raw::F32(numbers!(f32)),
            Self::F64 => Raw::F64(numbers!(f64)),
            Self::Complex64 => {
                let parts = numbers!(f32);
                let (pairs, _) = parts.as_chunks::<2>();
                Raw::F32(pairs.iter().map(|&[re, im]| magnitude(re.into(), im.into()) as f32).collect())
            }
            Self::Complex128 => {
                let parts = numbers!(f64);
                let (pairs, _) = parts.as_chunks::<2>();
                Raw::F64(pairs.iter().map(|&[re, im]| magnitude(re, im)).collect())
            }
            Self::Rgb24 => Raw::Rgb8(bytes.as_chunks::<3>().0.to_vec()),
            Self::Rgba32 => {
                let (voxels, _) = bytes.as_chunks::<4>();
                Raw::Rgb8(voxels.iter().map(|&[r, g, b, _]| [r, g, b]).collect())
            }
        }
    }
}

fn unsupported(path: &Path, what: &str) -> OpenError {
    OpenError::unsupported(path, format!("NIfTI with {what}"), "Save it with another voxel type first")
}
