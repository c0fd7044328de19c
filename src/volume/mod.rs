//! The image: native samples on a grid. A `Volume` never changes after loading.

mod samples;
mod stats;
mod window;

use samples::luma;
pub use samples::{SampleKind, Samples, Shared};
pub use stats::Stats;
pub use window::{Window, WindowPreset, presets};

use crate::geom::Grid;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};

/// What made the image; decides window presets, the default network and whether values are called HU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    Ct,
    Oct,
    Fundus,
    Endoscopy,
    /// Anything else, or unknown.
    Other,
}

impl Modality {
    pub const ALL: [Modality; 5] =
        [Modality::Ct, Modality::Oct, Modality::Fundus, Modality::Endoscopy, Modality::Other];

    /// As the project file and serde write it.
    pub fn id(self) -> &'static str {
        match self {
            Modality::Ct => "ct",
            Modality::Oct => "oct",
            Modality::Fundus => "fundus",
            Modality::Endoscopy => "endoscopy",
            Modality::Other => "other",
        }
    }

    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.id() == id)
    }

    pub fn title(self) -> &'static str {
        match self {
            Modality::Ct => "CT",
            Modality::Oct => "OCT",
            Modality::Fundus => "Fundus",
            Modality::Endoscopy => "Endoscopy",
            Modality::Other => "Image",
        }
    }
}

/// The unit of a CT's values.
pub const HOUNSFIELD: &str = "HU";

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum VolumeError {
    #[error("the image has {samples} samples but its size {dims:?} asks for {expected}")]
    SampleCount { dims: [usize; 3], expected: usize, samples: usize },
}

/// An image volume; a 2-D image has depth 1. Immutable and cheap to clone.
#[derive(Clone, Debug)]
pub struct Volume(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    grid: Grid,
    samples: Samples,
    slope: f32,
    intercept: f32,
    modality: Modality,
    low_is_white: bool,
    has_no_unit: bool,
    stats: OnceLock<Stats>,
}

impl Volume {
    /// `samples` are stored x fastest, then y, then z; `value = raw * slope + intercept`.
    pub fn new(
        grid: Grid,
        samples: Samples,
        [slope, intercept]: [f32; 2],
        modality: Modality,
    ) -> Result<Self, VolumeError> {
        if samples.len() != grid.voxel_count() {
            return Err(VolumeError::SampleCount {
                dims: grid.dims(),
                expected: grid.voxel_count(),
                samples: samples.len(),
            });
        }
        let (low_is_white, has_no_unit, stats) = (false, false, OnceLock::new());
        let inner = Inner { grid, samples, slope, intercept, modality, low_is_white, has_no_unit, stats };
        Ok(Self(Arc::new(inner)))
    }

    /// The same image, made by something else; the samples are shared.
    pub fn with_modality(&self, modality: Modality) -> Self {
        Self(Arc::new(Inner { modality, ..Inner::clone(&self.0) }))
    }

    /// The same image, to be shown with its low values white (or not).
    pub fn with_low_white(&self, low_is_white: bool) -> Self {
        Self(Arc::new(Inner { low_is_white, ..Inner::clone(&self.0) }))
    }

    /// The same image, whose values are not in the unit that its modality has.
    pub fn without_unit(&self) -> Self {
        Self(Arc::new(Inner { has_no_unit: true, ..Inner::clone(&self.0) }))
    }

    /// Unit of the values, where the modality has one, they are no colours, and nothing says otherwise.
    pub fn value_unit(&self) -> Option<&'static str> {
        let has_one = self.modality() == Modality::Ct && self.channels() == 1 && !self.0.has_no_unit;
        has_one.then_some(HOUNSFIELD)
    }

    pub fn grid(&self) -> &Grid {
        &self.0.grid
    }

    pub fn dims(&self) -> [usize; 3] {
        self.0.grid.dims()
    }

    pub fn samples(&self) -> &Samples {
        &self.0.samples
    }

    /// `[slope, intercept]` of `value = raw * slope + intercept`.
    pub fn rescale(&self) -> [f32; 2] {
        [self.0.slope, self.0.intercept]
    }

    pub fn modality(&self) -> Modality {
        self.0.modality
    }

    /// The image looks right with its low values white and its high values black (MONOCHROME1 of DICOM, PS3.3
    /// C.7.6.3.1.2). How it is shown and what networks see follow this; the values themselves are as stored.
    pub fn low_is_white(&self) -> bool {
        self.0.low_is_white
    }

    /// 1, or 3 for colour.
    pub fn channels(&self) -> usize {
        self.0.samples.kind().channels()
    }

    /// The value (HU for CT) of one voxel, one entry per channel; unused entries are 0.
    pub fn value(&self, voxel: [usize; 3]) -> [f32; 3] {
        let i = self.0.grid.index(voxel);
        let [slope, intercept] = self.rescale();
        match &self.0.samples {
            Samples::Rgb8(s) => s[i].map(f32::from),
            other => [other.scalar(i) * slope + intercept, 0.0, 0.0],
        }
    }

    /// One number for the voxel of a linear index: its value, or the luma of its colour.
    pub fn scalar_value(&self, index: usize) -> f32 {
        let raw = self.0.samples.scalar(index);
        match &self.0.samples {
            Samples::Rgb8(_) => raw,
            _ => raw * self.0.slope + self.0.intercept,
        }
    }

    /// Puts the [scalar values](Self::scalar_value) of the voxels from a linear index on into `out`: all of one kind at once, many
    /// times quicker than one by one.
    pub fn read_scalars(&self, start: usize, out: &mut [f32]) {
        fn read<T: Copy>(samples: &[T], out: &mut [f32], of: impl Fn(T) -> f32) {
            out.iter_mut().zip(samples).for_each(|(out, sample)| *out = of(*sample));
        }
        let [slope, intercept] = self.rescale();
        let range = start..start + out.len();
        match &self.0.samples {
            Samples::U8(s) => read(&s[range], out, |raw| f32::from(raw) * slope + intercept),
            Samples::I16(s) => read(&s[range], out, |raw| f32::from(raw) * slope + intercept),
            Samples::U16(s) => read(&s[range], out, |raw| f32::from(raw) * slope + intercept),
            Samples::F32(s) => read(&s[range], out, |raw| raw * slope + intercept),
            Samples::Rgb8(s) => read(&s[range], out, luma),
        }
    }

    /// Values of slice `z` as planes `[channels][height][width]`.
    pub fn slice_values(&self, z: usize) -> Vec<f32> {
        let [w, h, _] = self.dims();
        let range = z * w * h..(z + 1) * w * h;
        let [slope, intercept] = self.rescale();
        match &self.0.samples {
            Samples::Rgb8(s) => {
                let s = &s[range];
                (0..3).flat_map(|c| s.iter().map(move |p| f32::from(p[c]))).collect()
            }
            other => range.map(|i| other.scalar(i) * slope + intercept).collect(),
        }
    }

    /// Minimum, maximum and mean of the values over all voxels and channels; computed once.
    pub fn stats(&self) -> &Stats {
        self.0.stats.get_or_init(|| Stats::of(self))
    }
}
