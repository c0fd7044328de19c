//! How a picture is varied before the network sees it.

mod colour;
mod filter;
#[cfg(test)]
pub(super) mod tests;

use crate::volume::Modality;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Deserializer, Serialize};

/// How a patch is varied before the network sees it. Geometry moves image and labels alike, labels always by the
/// nearest pixel; intensities change before the card's mean and deviation are applied, on values from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Chance of changing left and right.
    #[serde(deserialize_with = "chance")]
    pub flip_x: f32,
    /// Chance of changing up and down.
    #[serde(deserialize_with = "chance")]
    pub flip_y: f32,
    /// Quarter turns.
    pub turns: bool,
    /// Largest rotation either way, degrees.
    pub rotate_deg: f32,
    /// Largest scaling either way: 0.2 is from 1/1.2 to 1.2.
    pub scale: f32,
    /// Resizing before a patch is cut out, both sides alike.
    pub zoom: Option<Zoom>,
    /// What is seen beyond the picture's edge.
    pub padding: Padding,
    /// Largest amount added to all values.
    pub brightness: f32,
    /// Largest relative change of the distance to the patch's mean.
    pub contrast: f32,
    /// Largest change of the tone curve: 0.3 is an exponent from 1/1.3 to 1.3.
    pub gamma: f32,
    /// Largest relative change of the distance to grey; colour images only.
    pub saturation: f32,
    /// Largest relative change of each channel by itself; colour images only.
    pub tint: f32,
    /// Largest standard deviation of white noise.
    pub noise: f32,
    /// Factors and a shift of the hue, as PIL and torchvision have them.
    pub jitter: Option<Jitter>,
    pub blur: Option<Blur>,
    /// Range of the factor by which a picture differs from its smoothed self: 0 is smooth, 1 nothing (PIL's
    /// `ImageEnhance.Sharpness`).
    pub sharpness: Option<[f32; 2]>,
}

/// A factor drawn from a range, with a chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoom {
    pub range: [f32; 2],
    pub chance: f32,
}

/// What lies beyond the edge of a picture. Only [`Padding::Mirror`] has labels there; elsewhere nothing is known, where the
/// retinal edema system wrote a class and SA-UNet background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// The outermost pixels go on.
    #[default]
    Edge,
    /// The lowest value, black.
    Zero,
    /// The picture and its labels mirrored, the outermost pixels not repeated (reflect 101).
    Mirror,
}

/// Each operation draws from its range: factors for the first three (1 changes nothing), turns of the colour circle for hue
/// (0 changes nothing).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jitter {
    pub chance: f32,
    pub brightness: [f32; 2],
    pub contrast: [f32; 2],
    pub saturation: [f32; 2],
    pub hue: [f32; 2],
    /// In an order drawn anew each time, instead of saturation, brightness, contrast, hue.
    pub shuffled: bool,
}

impl Default for Jitter {
    fn default() -> Self {
        let same = [1.0; 2];
        Self {
            chance: 1.0,
            brightness: same,
            contrast: same,
            saturation: same,
            hue: [0.0; 2],
            shuffled: true,
        }
    }
}

/// Gaussian blur with a deviation in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    pub sigma: [f32; 2],
    pub chance: f32,
}

/// A chance; older runs say true for an even one.
fn chance<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Chance {
        Switch(bool),
        Share(f32),
    }
    Ok(match Chance::deserialize(from)? {
        Chance::Switch(on) => f32::from(u8::from(on)) / 2.0,
        Chance::Share(share) => share,
    })
}

impl Augment {
    pub fn for_modality(modality: Modality) -> Self {
        match modality {
            // An eye has no up or left to a vessel, and cameras differ in colour more than in anything else.
            Modality::Fundus => Self {
                flip_x: 0.5,
                flip_y: 0.5,
                turns: true,
                rotate_deg: 30.0,
                scale: 0.25,
                brightness: 0.15,
                contrast: 0.35,
                gamma: 0.35,
                saturation: 0.5,
                tint: 0.15,
                noise: 0.03,
                ..Self::default()
            },
            Modality::Endoscopy => Self {
                flip_x: 0.5,
                flip_y: 0.5,
                turns: true,
                rotate_deg: 30.0,
                scale: 0.25,
                brightness: 0.1,
                contrast: 0.2,
                gamma: 0.2,
                saturation: 0.2,
                tint: 0.1,
                noise: 0.02,
                ..Self::default()
            },
            // Layers lie one above the other: left and right may change places, up and down may not.
            Modality::Oct => Self {
                flip_x: 0.5,
                rotate_deg: 5.0,
                scale: 0.1,
                brightness: 0.08,
                contrast: 0.2,
                gamma: 0.2,
                noise: 0.03,
                ..Self::default()
            },
            // The liver is on the right: no flips. HU mean something: little change of intensity.
            Modality::Ct => Self {
                rotate_deg: 8.0,
                scale: 0.1,
                brightness: 0.03,
                contrast: 0.05,
                noise: 0.02,
                ..Self::default()
            },
            Modality::Other => Self {
                flip_x: 0.5,
                rotate_deg: 10.0,
                scale: 0.1,
                brightness: 0.05,
                contrast: 0.1,
                gamma: 0.1,
                noise: 0.02,
                ..Self::default()
            },
        }
    }

    /// A map from offsets in the patch to offsets in the source, `source = m · patch`, rows first.
    pub(super) fn geometry(&self, rng: &mut ChaCha8Rng) -> [[f32; 2]; 2] {
        let mut m = [[1.0f32, 0.0], [0.0, 1.0]];
        // Draws are made whatever is switched on, so that one switch does not change what the others do.
        let [flip_x, flip_y] = [self.flip_x, self.flip_y].map(|chance| happens(rng, chance));
        let turns = rng.random_range(0..4u32);
        let angle = spread(rng, self.rotate_deg).to_radians();
        let scale = ratio(rng, self.scale);
        if flip_x {
            m[0][0] = -1.0;
        }
        if flip_y {
            m[1][1] = -1.0;
        }
        if self.turns {
            for _ in 0..turns {
                m = [[-m[1][0], -m[1][1]], [m[0][0], m[0][1]]];
            }
        }
        if self.rotate_deg > 0.0 || self.scale > 0.0 {
            let (sin, cos) = angle.sin_cos();
            let (sin, cos) = (sin / scale, cos / scale);
            m = [
                [cos * m[0][0] - sin * m[1][0], cos * m[0][1] - sin * m[1][1]],
                [sin * m[0][0] + cos * m[1][0], sin * m[0][1] + cos * m[1][1]],
            ];
        }
        m
    }

    /// The size to which a picture of `size` is resized before a patch is cut out.
    pub(super) fn zoomed(&self, size: [usize; 2], rng: &mut ChaCha8Rng) -> [usize; 2] {
        let Some(Zoom { range, chance }) = self.zoom else { return size };
        let (zooms, factor) = (happens(rng, chance), within(rng, range));
        if zooms { size.map(|n| ((n as f32 * factor) as usize).max(1)) } else { size }
    }

    /// Changes `planes` (`[channels][height][width]`, values around 0 to 1) in place. `colour` where the channels are red, green
    /// and blue.
    pub(super) fn intensity(
        &self,
        planes: &mut [f32],
        [channels, width, height]: [usize; 3],
        colour: bool,
        rng: &mut ChaCha8Rng,
    ) {
        let pixels = width * height;
        if pixels == 0 {
            return;
        }
        let brightness = spread(rng, self.brightness);
        let contrast = ratio(rng, self.contrast);
        let gamma = ratio(rng, self.gamma);
        let saturation = ratio(rng, self.saturation);
        let tint = [0; 3].map(|_| ratio(rng, self.tint));
        let noise = self.noise * rng.random::<f32>();

        if colour && channels == 3 && (self.saturation > 0.0 || self.tint > 0.0) {
            for i in 0..pixels {
                let [r, g, b] = [0, 1, 2].map(|c| planes[c * pixels + i]);
                let grey = colour::luma([r, g, b]);
                for (c, v) in [r, g, b].into_iter().enumerate() {
                    planes[c * pixels + i] = (grey + (v - grey) * saturation) * tint[c];
                }
            }
        }
        if self.gamma > 0.0 {
            for v in planes.iter_mut() {
                *v = v.clamp(0.0, 1.0).powf(gamma);
            }
        }
        if self.contrast > 0.0 || self.brightness > 0.0 {
            let mean = planes.iter().sum::<f32>() / planes.len() as f32;
            for v in planes.iter_mut() {
                *v = (*v - mean) * contrast + mean + brightness;
            }
        }
        if self.noise > 0.0 {
            for v in planes.iter_mut() {
                // Sum of four uniforms: near enough to a normal, and of deviation √(4/12).
                let u: f32 = (0..4).map(|_| rng.random::<f32>()).sum::<f32>() - 2.0;
                *v += u * 1.732 * noise;
            }
        }
        let colour = colour && channels == 3;
        if let Some(jitter) = &self.jitter
            && happens(rng, jitter.chance)
        {
            jitter.apply(planes, colour, rng);
        }
        if let Some(Blur { sigma, chance }) = self.blur
            && happens(rng, chance)
        {
            filter::gaussian(planes, [width, height], within(rng, sigma));
        }
        if let Some(range) = self.sharpness {
            filter::sharpness(planes, [width, height], within(rng, range));
        }
    }
}

impl Jitter {
    fn apply(&self, planes: &mut [f32], colour: bool, rng: &mut ChaCha8Rng) {
        let mut order = [0, 1, 2, 3];
        if self.shuffled {
            for i in (1..order.len()).rev() {
                order.swap(i, rng.random_range(0..=i));
            }
        }
        let [saturation, brightness, contrast, hue] =
            [self.saturation, self.brightness, self.contrast, self.hue].map(|range| within(rng, range));
        for operation in order {
            match operation {
                0 if colour => colour::saturation(planes, saturation),
                1 => colour::brightness(planes, brightness),
                2 => colour::contrast(planes, colour, contrast),
                3 if colour => colour::hue(planes, hue),
                _ => {}
            }
        }
    }
}

fn happens(rng: &mut ChaCha8Rng, chance: f32) -> bool {
    rng.random::<f32>() >= 1.0 - chance
}

fn within(rng: &mut ChaCha8Rng, [low, high]: [f32; 2]) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

/// Uniform in ±`limit`.
fn spread(rng: &mut ChaCha8Rng, limit: f32) -> f32 {
    (2.0 * rng.random::<f32>() - 1.0) * limit
}

/// Between 1/(1+limit) and 1+limit, its logarithm uniform.
fn ratio(rng: &mut ChaCha8Rng, limit: f32) -> f32 {
    ((2.0 * rng.random::<f32>() - 1.0) * limit.ln_1p()).exp()
}
