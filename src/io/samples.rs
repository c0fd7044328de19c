//! Samples of any file type to the five types that a [`Volume`] holds, without changing a value where that is possible.

use super::{OpenError, Progress, source};
use crate::{
    geom::Grid,
    memory::{self, TooMuch},
    volume::{Modality, Samples, Volume},
};
use glam::DVec3;
use std::{ops::Range, path::Path};

/// Samples as a file stores them.
#[derive(Clone, Debug)]
pub enum Raw {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Rgb8(Vec<[u8; 3]>),
}

/// A type of numbers in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl Number {
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// The numbers that these bytes are, one after another; what is left at the end is no whole one.
pub fn numbers(
    path: &Path,
    number: Number,
    big_endian: bool,
    data: &[u8],
    progress: &dyn Progress,
) -> Result<Raw, OpenError> {
    macro_rules! read {
        ($variant:ident, $type:ty) => {
            read!($variant, $type, |n| n)
        };
        ($variant:ident, $type:ty, $convert:expr) => {{
            let mut all = source::reserve(path, (data.len() / size_of::<$type>()) as u128)?;
            for part in data.chunks(source::CHUNK) {
                if progress.cancelled() {
                    return Err(OpenError::Cancelled);
                }
                let (numbers, _) = part.as_chunks::<{ size_of::<$type>() }>();
                let read = if big_endian { <$type>::from_be_bytes } else { <$type>::from_le_bytes };
                all.extend(numbers.iter().map(|b| $convert(read(*b))));
            }
            Raw::$variant(all)
        }};
    }
    Ok(match number {
        Number::U8 => read!(U8, u8),
        Number::I8 => read!(I8, i8),
        Number::U16 => read!(U16, u16),
        Number::I16 => read!(I16, i16),
        Number::U32 => read!(U32, u32),
        Number::I32 => read!(I32, i32),
        Number::U64 => read!(U64, u64),
        Number::I64 => read!(I64, i64),
        Number::F16 => read!(F32, half::f16, half::f16::to_f32),
        Number::F32 => read!(F32, f32),
        Number::F64 => read!(F64, f64),
    })
}

/// Numbers written as text with white space between, at most `count` of them; an error names the one that is none.
pub fn numbers_of_text(path: &Path, number: Number, text: &str, count: usize) -> Result<Raw, OpenError> {
    macro_rules! read {
        ($variant:ident, $type:ty) => {{
            let mut all: Vec<$type> = source::reserve(path, count as u128)?;
            for word in text.split_ascii_whitespace().take(count) {
                all.push(word.parse().map_err(|_| {
                    OpenError::corrupt(
                        path,
                        format!("number {} of its data is \u{201c}{word}\u{201d}", all.len() + 1),
                    )
                })?);
            }
            Raw::$variant(all)
        }};
    }
    Ok(match number {
        Number::U8 => read!(U8, u8),
        Number::I8 => read!(I8, i8),
        Number::U16 => read!(U16, u16),
        Number::I16 => read!(I16, i16),
        Number::U32 => read!(U32, u32),
        Number::I32 => read!(I32, i32),
        Number::U64 => read!(U64, u64),
        Number::I64 => read!(I64, i64),
        Number::F16 | Number::F32 => read!(F32, f32),
        Number::F64 => read!(F64, f64),
    })
}

/// The same for the vector of any type.
macro_rules! each {
    ($raw:expr, $v:ident => $does:expr) => {
        match $raw {
            Raw::U8($v) => $does,
            Raw::I8($v) => $does,
            Raw::U16($v) => $does,
            Raw::I16($v) => $does,
            Raw::U32($v) => $does,
            Raw::I32($v) => $does,
            Raw::U64($v) => $does,
            Raw::I64($v) => $does,
            Raw::F32($v) => $does,
            Raw::F64($v) => $does,
            Raw::Rgb8($v) => $does,
        }
    };
}

/// Whole numbers up to this are exact in an `f32`.
const F32_EXACT: i128 = 1 << 24;

impl Raw {
    /// The type as `fovea info` names it.
    pub fn name(&self) -> &'static str {
        match self {
            Raw::U8(_) => "uint8",
            Raw::I8(_) => "int8",
            Raw::U16(_) => "uint16",
            Raw::I16(_) => "int16",
            Raw::U32(_) => "uint32",
            Raw::I32(_) => "int32",
            Raw::U64(_) => "uint64",
            Raw::I64(_) => "int64",
            Raw::F32(_) => "float32",
            Raw::F64(_) => "float64",
            Raw::Rgb8(_) => "rgb8",
        }
    }

    /// Number of voxels.
    pub fn len(&self) -> usize {
        each!(self, v => v.len())
    }

    /// Makes room for so many voxels more, so that adding them takes no memory; or says that there is none.
    pub fn reserve(&mut self, path: &Path, more: u128) -> Result<(), OpenError> {
        each!(self, v => source::more(path, v, more))
    }

    /// A copy of some of the voxels.
    pub fn part(&self, range: Range<usize>) -> Raw {
        match self {
            Raw::U8(v) => Raw::U8(v[range].to_vec()),
            Raw::I8(v) => Raw::I8(v[range].to_vec()),
            Raw::U16(v) => Raw::U16(v[range].to_vec()),
            Raw::I16(v) => Raw::I16(v[range].to_vec()),
            Raw::U32(v) => Raw::U32(v[range].to_vec()),
            Raw::I32(v) => Raw::I32(v[range].to_vec()),
            Raw::U64(v) => Raw::U64(v[range].to_vec()),
            Raw::I64(v) => Raw::I64(v[range].to_vec()),
            Raw::F32(v) => Raw::F32(v[range].to_vec()),
            Raw::F64(v) => Raw::F64(v[range].to_vec()),
            Raw::Rgb8(v) => Raw::Rgb8(v[range].to_vec()),
        }
    }

    /// The samples at these places, in this order; places that do not exist are left out.
    pub fn taken(&self, places: impl Iterator<Item = usize>) -> Raw {
        fn pick<T: Copy>(v: &[T], places: impl Iterator<Item = usize>) -> Vec<T> {
            places.filter_map(|i| v.get(i).copied()).collect()
        }
        match self {
            Raw::U8(v) => Raw::U8(pick(v, places)),
            Raw::I8(v) => Raw::I8(pick(v, places)),
            Raw::U16(v) => Raw::U16(pick(v, places)),
            Raw::I16(v) => Raw::I16(pick(v, places)),
            Raw::U32(v) => Raw::U32(pick(v, places)),
            Raw::I32(v) => Raw::I32(pick(v, places)),
            Raw::U64(v) => Raw::U64(pick(v, places)),
            Raw::I64(v) => Raw::I64(pick(v, places)),
            Raw::F32(v) => Raw::F32(pick(v, places)),
            Raw::F64(v) => Raw::F64(pick(v, places)),
            Raw::Rgb8(v) => Raw::Rgb8(pick(v, places)),
        }
    }

    /// Adds the next slice; the names of both types where they differ. Grey beside colour becomes colour, exactly.
    pub fn append(&mut self, next: Raw) -> Result<(), [&'static str; 2]> {
        let names = [self.name(), next.name()];
        if let (Raw::U8(grey), Raw::Rgb8(_)) = (&*self, &next) {
            *self = Raw::Rgb8(grey.iter().map(|&v| [v; 3]).collect());
        }
        match (self, next) {
            (Raw::Rgb8(a), Raw::U8(b)) => a.extend(b.into_iter().map(|v| [v; 3])),
            (Raw::U8(a), Raw::U8(b)) => a.extend(b),
            (Raw::I8(a), Raw::I8(b)) => a.extend(b),
            (Raw::U16(a), Raw::U16(b)) => a.extend(b),
            (Raw::I16(a), Raw::I16(b)) => a.extend(b),
            (Raw::U32(a), Raw::U32(b)) => a.extend(b),
            (Raw::I32(a), Raw::I32(b)) => a.extend(b),
            (Raw::U64(a), Raw::U64(b)) => a.extend(b),
            (Raw::I64(a), Raw::I64(b)) => a.extend(b),
            (Raw::F32(a), Raw::F32(b)) => a.extend(b),
            (Raw::F64(a), Raw::F64(b)) => a.extend(b),
            (Raw::Rgb8(a), Raw::Rgb8(b)) => a.extend(b),
            _ => return Err(names),
        }
        Ok(())
    }

    /// Each value in `f64`; colours stay. 64-bit whole numbers may be rounded.
    fn into_f64(self) -> Result<Vec<f64>, Raw> {
        fn all<T: Into<f64>>(v: Vec<T>) -> Vec<f64> {
            v.into_iter().map(Into::into).collect()
        }
        Ok(match self {
            Raw::U8(v) => all(v),
            Raw::I8(v) => all(v),
            Raw::U16(v) => all(v),
            Raw::I16(v) => all(v),
            Raw::U32(v) => all(v),
            Raw::I32(v) => all(v),
            Raw::F32(v) => all(v),
            Raw::F64(v) => v,
            Raw::U64(v) => v.into_iter().map(|x| x as f64).collect(),
            Raw::I64(v) => v.into_iter().map(|x| x as f64).collect(),
            Raw::Rgb8(_) => return Err(self),
        })
    }

    /// In the type in which every kind of slice can stand beside others; colours stay.
    pub fn widened(self) -> Raw {
        match self {
            Raw::U8(v) => Raw::I32(v.into_iter().map(Into::into).collect()),
            Raw::I8(v) => Raw::I32(v.into_iter().map(Into::into).collect()),
            Raw::U16(v) => Raw::I32(v.into_iter().map(Into::into).collect()),
            Raw::I16(v) => Raw::I32(v.into_iter().map(Into::into).collect()),
            other => other,
        }
    }

    /// Values in `f32` after their scale, for slices that are scaled one by one (PET); colours have none.
    pub fn scaled(self, [slope, intercept]: [f64; 2]) -> Raw {
        let scaled = |v: Vec<f64>| v.into_iter().map(|v| (v * slope + intercept) as f32).collect();
        self.into_f64().map_or_else(|colours| colours, |v| Raw::F32(scaled(v)))
    }

    /// The smallest of the volume's types that holds every value exactly; `f32` and a warning where none does. Memory
    /// that is not there is an error.
    pub fn narrow(self, path: &Path) -> Result<(Samples, Option<String>), OpenError> {
        let narrowed = match self {
            Raw::U8(v) => Ok((Samples::U8(v.into()), None)),
            Raw::U16(v) => Ok((Samples::U16(v.into()), None)),
            Raw::I16(v) => Ok((Samples::I16(v.into()), None)),
            Raw::F32(v) => Ok((Samples::F32(v.into()), None)),
            Raw::Rgb8(v) => Ok((Samples::Rgb8(v.into()), None)),
            Raw::I8(v) => {
                memory::collect(v.into_iter().map(i16::from)).map(|v| (Samples::I16(v.into()), None))
            }
            Raw::U32(v) => whole(&v, "uint32", |x| x.into(), |x| x as f32),
            Raw::I32(v) => whole(&v, "int32", |x| x.into(), |x| x as f32),
            Raw::U64(v) => whole(&v, "uint64", |x| x.into(), |x| x as f32),
            Raw::I64(v) => whole(&v, "int64", |x| x.into(), |x| x as f32),
            Raw::F64(v) if v.iter().all(|x| x.fract() == 0.0 && x.abs() < F32_EXACT as f64) => {
                whole(&v, "float64", |x| x as i128, |x| x as f32)
            }
            Raw::F64(v) => {
                let exact = v.iter().all(|&x| f64::from(x as f32) == x || x.is_nan());
                let warning = (!exact).then(|| rounded("float64"));
                memory::collect(v.into_iter().map(|x| x as f32)).map(|v| (Samples::F32(v.into()), warning))
            }
        };
        narrowed.map_err(|e| OpenError::too_large(path, e))
    }
}

fn rounded(from: &str) -> String {
    format!("The file's {from} values do not fit exactly; they are held as float32, rounded to 7 digits")
}

fn whole<T: Copy>(
    v: &[T],
    name: &str,
    wide: impl Fn(T) -> i128,
    float: impl Fn(T) -> f32,
) -> Result<(Samples, Option<String>), TooMuch> {
    let (min, max) = v.iter().fold((i128::MAX, i128::MIN), |(lo, hi), &x| {
        let x = wide(x);
        (lo.min(x), hi.max(x))
    });
    if min >= 0 && max <= 255 {
        return Ok((Samples::U8(memory::collect(v.iter().map(|&x| wide(x) as u8))?.into()), None));
    }
    if min >= i16::MIN.into() && max <= i16::MAX.into() {
        return Ok((Samples::I16(memory::collect(v.iter().map(|&x| wide(x) as i16))?.into()), None));
    }
    if min >= 0 && max <= u16::MAX.into() {
        return Ok((Samples::U16(memory::collect(v.iter().map(|&x| wide(x) as u16))?.into()), None));
    }
    let exact = min >= -F32_EXACT && max <= F32_EXACT;
    let samples = memory::collect(v.iter().map(|&x| float(x)))?;
    Ok((Samples::F32(samples.into()), (!exact).then(|| rounded(name))))
}

/// Both hold the same bits; what is read back of a file against what was meant.
pub fn same_samples(meant: &Samples, back: &Samples) -> Result<(), String> {
    let same = match (meant, back) {
        (Samples::U8(a), Samples::U8(b)) => a == b,
        (Samples::I16(a), Samples::I16(b)) => a == b,
        (Samples::U16(a), Samples::U16(b)) => a == b,
        (Samples::F32(a), Samples::F32(b)) => a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits())),
        (Samples::Rgb8(a), Samples::Rgb8(b)) => a == b,
        _ => false,
    };
    if same { Ok(()) } else { Err("voxels differ".to_owned()) }
}

pub fn build(
    path: &Path,
    grid: Grid,
    samples: Samples,
    rescale: [f32; 2],
    modality: Modality,
) -> Result<Volume, OpenError> {
    Volume::new(grid, samples, rescale, modality).map_err(|e| OpenError::volume(path, e))
}

/// Slice `z` of a volume on `grid` as a volume of its own, for the preview; `None` where the samples do not make one
/// (the full reading then says why).
pub fn slice(grid: &Grid, z: usize, raw: Raw, rescale: [f32; 2], modality: Modality) -> Option<Volume> {
    let [width, height, _] = grid.dims();
    let mut affine = grid.patient_from_voxel();
    affine.translation = grid.patient_of(DVec3::new(0.0, 0.0, z as f64));
    let grid = Grid::new([width, height, 1], affine, grid.unit(), grid.frame()).ok()?;
    Volume::new(grid, raw.narrow(Path::new("")).ok()?.0, rescale, modality).ok()
}

/// What is to be said of voxels that have no value.
pub fn not_numbers(volume: &Volume) -> Option<String> {
    let count = volume.stats().not_finite;
    (count > 0).then(|| format!("{count} voxels are not numbers (NaN or infinite)"))
}

/// CT where a format does not say: signed values that reach from air to bone.
pub fn guess_modality(
    grid: &Grid,
    samples: Samples,
    rescale: [f32; 2],
    path: &Path,
) -> Result<Volume, OpenError> {
    let volume = build(path, grid.clone(), samples, rescale, Modality::Other)?;
    let stats = volume.stats();
    let like_hounsfield = (-4096.0..=-500.0).contains(&stats.min) && (200.0..=32_767.0).contains(&stats.max);
    if volume.channels() == 1 && volume.dims()[2] > 1 && like_hounsfield {
        return Ok(volume.with_modality(Modality::Ct));
    }
    Ok(volume)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::SampleKind;

    #[test]
    fn smallest_exact_type_is_chosen() {
        let kind = |raw: Raw| {
            let (samples, warning) = raw.narrow(Path::new("a.nii")).unwrap();
            (samples.kind(), warning.is_some())
        };
        assert_eq!(kind(Raw::I32(vec![0, 255])), (SampleKind::U8, false));
        assert_eq!(kind(Raw::I32(vec![-1024, 3071])), (SampleKind::I16, false));
        assert_eq!(kind(Raw::U32(vec![0, 65_535])), (SampleKind::U16, false));
        assert_eq!(kind(Raw::U32(vec![0, 1 << 24])), (SampleKind::F32, false));
        assert_eq!(kind(Raw::I64(vec![0, (1 << 24) + 1])), (SampleKind::F32, true));
        assert_eq!(kind(Raw::F64(vec![0.0, 7.0])), (SampleKind::U8, false));
        assert_eq!(kind(Raw::F64(vec![0.5, f64::NAN])), (SampleKind::F32, false));
        assert_eq!(kind(Raw::F64(vec![0.1])), (SampleKind::F32, true));
        assert_eq!(kind(Raw::I8(vec![-128])), (SampleKind::I16, false));
    }
}
