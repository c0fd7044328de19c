//! Random fields that a picture is built from.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A generator for one part of a picture, so that changing one part leaves the others as they are.
pub(super) fn generator(seed: u64, part: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(part);
    rng
}

pub(super) fn uniform(rng: &mut impl Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * rng.random::<f32>()
}

/// A standard normal number (Box and Muller).
pub(super) fn normal(rng: &mut impl Rng) -> f32 {
    let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
}

/// Smooth noise over three coordinates in about [-1, 1]: random values on a lattice, smoothly joined.
pub(super) struct Smooth {
    seed: u64,
}

impl Smooth {
    pub(super) fn new(rng: &mut impl Rng) -> Self {
        Self { seed: rng.random() }
    }

    /// One lattice cell per unit.
    pub(super) fn at(&self, p: [f32; 3]) -> f32 {
        let base = p.map(f32::floor);
        let f: [f32; 3] = std::array::from_fn(|a| {
            let t = p[a] - base[a];
            t * t * (3.0 - 2.0 * t)
        });
        let mut sum = 0.0;
        for corner in 0..8usize {
            let mut weight = 1.0;
            let mut hash = self.seed;
            for a in 0..3 {
                let far = corner >> a & 1;
                weight *= if far == 1 { f[a] } else { 1.0 - f[a] };
                let cell = base[a] as i64 + far as i64;
                hash = mix(hash ^ (cell as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            }
            sum += weight * ((hash >> 40) as f32 / (1u64 << 23) as f32 - 1.0);
        }
        sum
    }

    /// Three octaves.
    pub(super) fn rough(&self, p: [f32; 3]) -> f32 {
        (self.at(p) + 0.5 * self.at(p.map(|c| 2.0 * c + 17.0)) + 0.25 * self.at(p.map(|c| 4.0 * c + 31.0)))
            / 1.75
    }
}

/// SplitMix64's finaliser (Steele, Lea and Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Blurs rows and columns of planes of `width * height` with a small kernel `[a, 1 - 2a, a]`, edges repeated.
pub(super) fn soften(plane: &mut [f32], width: usize, a: f32) {
    let height = plane.len() / width;
    let mut line = Vec::new();
    let mut pass = |start: usize, step: usize, count: usize, plane: &mut [f32]| {
        line.clear();
        line.extend((0..count).map(|i| plane[start + i * step]));
        for i in 0..count {
            let (before, after) = (line[i.saturating_sub(1)], line[(i + 1).min(count - 1)]);
            plane[start + i * step] = a * (before + after) + (1.0 - 2.0 * a) * line[i];
        }
    };
    for y in 0..height {
        pass(y * width, 1, width, plane);
    }
    for x in 0..width {
        pass(x, width, height, plane);
    }
}
