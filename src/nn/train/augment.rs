use crate::volume::Modality;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How a patch is varied before the network sees it. Geometry moves image and labels alike, labels always by the
/// nearest pixel; intensities change before the card's mean and deviation are applied, on values from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    pub flip_x: bool,
    pub flip_y: bool,
    /// Quarter turns.
    pub turns: bool,
    /// Largest rotation either way, degrees.
    pub rotate_deg: f32,
    /// Largest scaling either way: 0.2 is from 1/1.2 to 1.2.
    pub scale: f32,
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
}

impl Augment {
    pub fn for_modality(modality: Modality) -> Self {
        match modality {
            // An eye has no up or left to a vessel, and cameras differ in colour more than in anything else.
            Modality::Fundus => Self {
                flip_x: true,
                flip_y: true,
                turns: true,
                rotate_deg: 30.0,
                scale: 0.25,
                brightness: 0.15,
                contrast: 0.35,
                gamma: 0.35,
                saturation: 0.5,
                tint: 0.15,
                noise: 0.03,
            },
            Modality::Endoscopy => Self {
                flip_x: true,
                flip_y: true,
                turns: true,
                rotate_deg: 30.0,
                scale: 0.25,
                brightness: 0.1,
                contrast: 0.2,
                gamma: 0.2,
                saturation: 0.2,
                tint: 0.1,
                noise: 0.02,
            },
            // Layers lie one above the other: left and right may change places, up and down may not.
            Modality::Oct => Self {
                flip_x: true,
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
                flip_x: true,
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
        let [fx, fy] = [rng.random::<bool>(), rng.random::<bool>()];
        let turns = rng.random_range(0..4u32);
        let angle = spread(rng, self.rotate_deg).to_radians();
        let scale = ratio(rng, self.scale);
        if self.flip_x && fx {
            m[0][0] = -1.0;
        }
        if self.flip_y && fy {
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

    /// Changes `planes` (`[channels][pixels]`, values around 0 to 1) in place. `colour` where the channels are red, green
    /// and blue.
    pub(super) fn intensity(&self, planes: &mut [f32], channels: usize, colour: bool, rng: &mut ChaCha8Rng) {
        let pixels = planes.len() / channels.max(1);
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
                let grey = 0.299 * r + 0.587 * g + 0.114 * b;
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
    }
}

/// Uniform in ±`limit`.
fn spread(rng: &mut ChaCha8Rng, limit: f32) -> f32 {
    (2.0 * rng.random::<f32>() - 1.0) * limit
}

/// Between 1/(1+limit) and 1+limit, its logarithm uniform.
fn ratio(rng: &mut ChaCha8Rng, limit: f32) -> f32 {
    ((2.0 * rng.random::<f32>() - 1.0) * limit.ln_1p()).exp()
}
