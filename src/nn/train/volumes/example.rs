//! From a labelled volume to a network's grid.

use crate::{
    geom::{Frame, Grid, Oriented, Unit},
    label::LabelMap,
    nn::{
        ModelCard,
        pipeline::{Region, onto_grid, standardise},
    },
    volume::{Modality, Samples, Volume},
};
use glam::{DAffine3, DMat3, DVec3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A volume with the network's class of each voxel, in the order in which the volume is stored.
#[derive(Clone, Debug)]
pub struct LabelledVolume {
    pub volume: Volume,
    pub classes: Arc<[u8]>,
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CaseError {
    #[error("the mask has {mask:?} voxels and the image {image:?}")]
    Size { mask: [usize; 3], image: [usize; 3] },
    #[error("no voxel has a label that the model knows")]
    Unlabelled,
    #[error("{0}")]
    Grid(String),
}

/// What a network is shown of a case.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Framing {
    Whole,
    /// The box of all labels, so much larger on every side.
    Organs {
        margin_mm: f64,
    },
}

/// Random changes, drawn for each example; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VolumeAugment {
    /// With this chance each side of the box is drawn between a third of `box_mm` into the organs' box and `box_mm`
    /// out of it.
    pub box_chance: f64,
    pub box_mm: f64,
    /// With this chance for each label its voxels are brighter or darker by one whole number of this range, both ends
    /// included.
    pub shift_chance: f64,
    pub shift_hu: [i32; 2],
}

/// One training example on the network's grid, x fastest: standardised values and the class of each voxel.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    pub values: Vec<f32>,
    pub classes: Vec<u8>,
}

const SPACING: &str = "spacing";

/// A CT whose voxels are stored to the right, to the front and to the head.
fn upright(dims: [usize; 3], spacing: [f64; 3], samples: Vec<i16>) -> Result<Volume, CaseError> {
    let scale = DVec3::from_array(spacing) * DVec3::new(-1.0, -1.0, 1.0);
    let affine = DAffine3 { matrix3: DMat3::from_diagonal(scale), translation: DVec3::ZERO };
    let grid = Grid::new(dims, affine, Unit::Millimetre, Frame::Patient);
    let grid = grid.map_err(|e| CaseError::Grid(e.to_string()))?;
    let volume = Volume::new(grid, Samples::I16(samples.into()), [1.0, 0.0], Modality::Ct);
    volume.map_err(|e| CaseError::Grid(e.to_string()))
}

impl LabelledVolume {
    /// Labels that the card does not know are background.
    pub fn new(volume: Volume, mask: &LabelMap, card: &ModelCard) -> Result<Self, CaseError> {
        if mask.dims() != volume.dims() {
            return Err(CaseError::Size { mask: mask.dims(), image: volume.dims() });
        }
        let class = |label| card.class_of(label).and_then(|class| u8::try_from(class).ok()).unwrap_or(0);
        let classes: Arc<[u8]> = mask.to_values().into_iter().map(class).collect();
        if classes.iter().all(|class| *class == 0) {
            return Err(CaseError::Unlabelled);
        }
        Ok(Self { volume, classes })
    }

    /// The whole case on a grid `[x, y, z]`, as it is kept for the coarse network: values rounded to whole numbers,
    /// along the patient's axes.
    pub fn resized(&self, grid: [usize; 3]) -> Result<Self, CaseError> {
        let oriented = Oriented::new(self.volume.grid());
        let whole = Region::whole(&oriented);
        let values = onto_grid(&self.volume, &oriented, &whole, grid, f32::from(i16::MIN));
        let samples: Vec<i16> = values.iter().map(|v| v.round() as i16).collect();
        let spacing: [f64; 3] =
            std::array::from_fn(|a| oriented.spacing()[a] * oriented.dims()[a] as f64 / grid[a] as f64);
        let volume = upright(grid, spacing, samples)?;
        let classes = self.classes_on(&oriented, &whole, grid)?.into();
        Ok(Self { volume, classes })
    }

    /// For a file: what [`Self::resized`] has made, as a safetensors file with `image`, `classes` and the spacing.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let Samples::I16(samples) = self.volume.samples() else {
            return Err("only volumes of 16 bits are kept".to_owned());
        };
        let shape: Vec<usize> = self.volume.dims().into_iter().rev().collect();
        let image: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
        let view = |kind, bytes| TensorView::new(kind, shape.clone(), bytes).map_err(|e| e.to_string());
        let views = [("image", view(Dtype::I16, &image)?), ("classes", view(Dtype::U8, &self.classes)?)];
        let spacing = serde_json::to_string(&self.volume.grid().spacing()).map_err(|e| e.to_string())?;
        safetensors::serialize(views, Some([(SPACING.to_owned(), spacing)].into())).map_err(|e| e.to_string())
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| e.to_string())?;
        let spacing = header.metadata().as_ref().and_then(|m| m.get(SPACING)).ok_or("it has no spacing")?;
        let spacing: [f64; 3] = serde_json::from_str(spacing).map_err(|e| e.to_string())?;
        let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
        let tensor = |name| file.tensor(name).map_err(|e| e.to_string());
        let (image, classes) = (tensor("image")?, tensor("classes")?);
        let &[depth, height, width] = image.shape() else { return Err("it is not a volume".to_owned()) };
        let samples: Vec<i16> =
            image.data().as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)).collect();
        let case = upright([width, height, depth], spacing, samples).map_err(|e| e.to_string())?;
        if classes.data().len() != case.grid().voxel_count() {
            return Err("image and classes differ in size".to_owned());
        }
        Ok(Self { volume: case, classes: classes.data().into() })
    }

    /// Each class is resized by itself and counts where it is at least a half; a later class replaces an earlier one.
    fn classes_on(
        &self,
        oriented: &Oriented,
        region: &Region,
        grid: [usize; 3],
    ) -> Result<Vec<u8>, CaseError> {
        let mut out = vec![0; grid.iter().product()];
        for class in 1..=self.classes.iter().copied().max().unwrap_or(0) {
            let mask: Vec<u8> = self.classes.iter().map(|&c| u8::from(c == class)).collect();
            let place = self.volume.grid().clone();
            let mask = Volume::new(place, Samples::U8(mask.into()), [1.0, 0.0], Modality::Other)
                .map_err(|e| CaseError::Grid(e.to_string()))?;
            let shares = onto_grid(&mask, oriented, region, grid, 0.0);
            out.iter_mut().zip(shares).filter(|(_, share)| *share >= 0.5).for_each(|(out, _)| *out = class);
        }
        Ok(out)
    }

    /// First and last voxel of the labels' box along the patient's axes.
    fn bounds(&self, oriented: &Oriented) -> [[usize; 3]; 2] {
        let [width, height, depth] = oriented.dims();
        let (mut low, mut high) = ([usize::MAX; 3], [0; 3]);
        for (z, y) in (0..depth).flat_map(|z| (0..height).map(move |y| (z, y))) {
            for x in (0..width).filter(|&x| self.classes[oriented.index([x, y, z])] > 0) {
                for (axis, at) in [x, y, z].into_iter().enumerate() {
                    low[axis] = low[axis].min(at);
                    high[axis] = high[axis].max(at);
                }
            }
        }
        [low, high]
    }

    /// The part of the case that a network is shown. The upper side is as the reference has it, a voxel tighter than
    /// the lower one.
    pub(super) fn region(
        &self,
        oriented: &Oriented,
        framing: Framing,
        augment: &VolumeAugment,
        rng: &mut ChaCha8Rng,
    ) -> Region {
        let Framing::Organs { margin_mm } = framing else { return Region::whole(oriented) };
        let [low, high] = self.bounds(oriented);
        let (dims, spacing) = (oriented.dims(), oriented.spacing());
        let drawn = rng.random_bool(augment.box_chance);
        let mut region = Region { start: low, end: high };
        for axis in 0..3 {
            let most = if drawn { augment.box_mm } else { margin_mm };
            let margin = (most / spacing[axis]) as i64;
            let mut by = |fixed: i64| match drawn && margin > 0 {
                true => rng.random_range(-(margin + 2) / 3..margin),
                false => fixed,
            };
            let clip = |at: i64| at.clamp(0, dims[axis] as i64) as usize;
            let start = clip(low[axis] as i64 + by(-margin)).min(dims[axis] - 1);
            region.start[axis] = start;
            region.end[axis] = clip(high[axis] as i64 + by(margin)).max(start + 1);
        }
        region
    }

    /// What the network learns from, decided by the seed alone.
    pub fn example(
        &self,
        grid: [usize; 3],
        window: [f32; 2],
        framing: Framing,
        augment: &VolumeAugment,
        seed: u64,
    ) -> Result<Example, CaseError> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let oriented = Oriented::new(self.volume.grid());
        let region = self.region(&oriented, framing, augment, &mut rng);
        let mut values = onto_grid(&self.volume, &oriented, &region, grid, window[0]);
        let classes = self.classes_on(&oriented, &region, grid)?;
        for class in 1..=classes.iter().copied().max().unwrap_or(0) {
            if !rng.random_bool(augment.shift_chance) {
                continue;
            }
            let [low, high] = augment.shift_hu;
            let by = rng.random_range(low..=high) as f32;
            let voxels = values.iter_mut().zip(&classes).filter(|(_, c)| **c == class);
            voxels.for_each(|(value, _)| *value += by);
        }
        standardise(&mut values, window, &[], &[]);
        Ok(Example { values, classes })
    }
}
