//! Ranges that are known for a kind of image.

use super::super::{
    EffectError, Scene,
    rows::{Block, Rows},
};
use crate::volume::{Modality, Samples};

/// A preset by its id.
pub struct Preset {
    pub id: &'static str,
    /// The kind of image whose values it is about.
    pub modality: Modality,
    pub range: Range,
}

pub enum Range {
    /// Values, both ends included.
    Values([f32; 2]),
    /// Shares of the voxels, by their values: 0 to 1.
    Shares([f64; 2]),
    /// Bright and without a colour: the luma, and the largest saturation.
    Glare { luma: f32, saturation: f32 },
}

const TOP: f32 = f32::INFINITY;
const BOTTOM: f32 = f32::NEG_INFINITY;

/// In the order in which they are offered.
pub static PRESETS: &[Preset] = &[
    of("ct-air", Modality::Ct, Range::Values([BOTTOM, -950.0])),
    of("ct-lung", Modality::Ct, Range::Values([-950.0, -400.0])),
    of("ct-fat", Modality::Ct, Range::Values([-190.0, -30.0])),
    of("ct-soft-tissue", Modality::Ct, Range::Values([0.0, 120.0])),
    of("ct-liver", Modality::Ct, Range::Values([70.0, 180.0])),
    of("ct-vessels", Modality::Ct, Range::Values([150.0, 500.0])),
    of("ct-bone", Modality::Ct, Range::Values([200.0, 3000.0])),
    of("ct-metal", Modality::Ct, Range::Values([2500.0, TOP])),
    of("oct-fluid", Modality::Oct, Range::Shares([0.0, 0.2])),
    of("oct-bright", Modality::Oct, Range::Shares([0.97, 1.0])),
    of("fundus-disc", Modality::Fundus, Range::Shares([0.98, 1.0])),
    of("endoscopy-glare", Modality::Endoscopy, Range::Glare { luma: 230.0, saturation: 0.25 }),
];

const fn of(id: &'static str, modality: Modality, range: Range) -> Preset {
    Preset { id, modality, range }
}

/// The kind of image that a preset of this id is for; none where there is no such preset.
pub fn preset_modality(id: &str) -> Option<Modality> {
    PRESETS.iter().find(|preset| preset.id == id).map(|preset| preset.modality)
}

impl Preset {
    /// What there is to say of using it on a kind of image; an error where it means nothing there.
    pub fn doubt(&self, modality: Modality) -> Result<Option<String>, EffectError> {
        let (id, own) = (self.id, self.modality.title());
        match modality {
            same if same == self.modality => Ok(None),
            Modality::Other => {
                Ok(Some(format!("{id} is for {own}, and the image does not say what kind of image it is")))
            }
            other => {
                let told = format!("{id} is for {own}, and the image is {}", other.title());
                Err(EffectError::Refused(told))
            }
        }
    }

    /// The voxels of a box that it means.
    pub fn rows(&self, scene: &Scene<'_>, block: &Block) -> Result<Rows, EffectError> {
        let between = |[low, high]: [f64; 2]| scene.valued(block, |value| value >= low && value <= high);
        match self.range {
            Range::Values(range) => Ok(between(range.map(f64::from))?),
            Range::Shares(shares) => {
                let mut sorted = scene.values(block)?;
                sorted.retain(|value| !value.is_nan());
                let last = sorted.len().saturating_sub(1) as f64;
                let [low, high] = shares.map(|share| match sorted.len() {
                    0 => f64::NAN,
                    _ => f64::from(
                        *sorted.select_nth_unstable_by((share * last).round() as usize, f32::total_cmp).1,
                    ),
                });
                Ok(between([low, high])?)
            }
            Range::Glare { luma, saturation } => {
                let Samples::Rgb8(colors) = scene.volume.samples() else {
                    return Err(EffectError::lacks("an image in colour", ""));
                };
                let is_pale = |at: usize| {
                    let color = colors[block.index(at)];
                    let (low, high) = (color.iter().min(), color.iter().max());
                    let [low, high] = [low, high].map(|c| f32::from(*c.unwrap_or(&0)));
                    (high - low) <= saturation * high
                };
                Ok(between([f64::from(luma), f64::INFINITY])?.and(&Rows::of_each(block.size, is_pale)))
            }
        }
    }
}
