//! The random walker in a slice (Grady, "Random walks for image segmentation", PAMI 28, 2006), 4 neighbours.

use crate::watch::{self, Stopped};

/// How much a difference of values counts.
pub(super) const BETA: f64 = 90.0;
/// The residual at which the solution is good enough, as a part of the first one.
const GOOD_ENOUGH: f64 = 1e-4;
const MOST_ROUNDS: usize = 4000;

/// What a pixel is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seed {
    /// To be found out.
    Open,
    /// Of the set, or not.
    Is(bool),
    /// Not looked at: nothing walks through it.
    Outside,
}

/// The values of a slice and how hard it is to walk from pixel to pixel.
pub(super) struct Walks {
    width: usize,
    /// Of the step to the right and of the step down.
    right: Vec<f64>,
    down: Vec<f64>,
}

impl Walks {
    /// `values` row by row; `sd` their standard deviation, `step` the size of a pixel.
    pub fn new(values: &[f32], width: usize, step: [f64; 2], sd: f64) -> Self {
        let weight = |a: usize, b: usize, step: f64| {
            let difference = f64::from(values[a] - values[b]) / (10.0 * sd.max(1e-12));
            let alike = (-BETA * difference * difference).exp();
            // What is no number is like nothing.
            (if alike.is_nan() { 0.0 } else { alike } + 1e-6) / (step * step)
        };
        let count = values.len();
        let right = |i: usize| if i % width + 1 < width { weight(i, i + 1, step[0]) } else { 0.0 };
        let down = |i: usize| if i + width < count { weight(i, i + width, step[1]) } else { 0.0 };
        Self { width, right: (0..count).map(right).collect(), down: (0..count).map(down).collect() }
    }

    /// How probable it is that a walk from each pixel comes to the set first. Seeds have 0 or 1.
    pub fn probability(&self, seeds: &[Seed]) -> Result<Vec<f32>, Stopped> {
        let Open { pixels, near, diagonal, to_set } = self.open(seeds);
        let mut x = vec![0.0; pixels.len()];
        let mut residual = to_set;
        let scaled = |residual: &[f64], out: &mut [f64]| {
            for ((out, r), d) in out.iter_mut().zip(residual).zip(&diagonal) {
                *out = if *d > 0.0 { r / d } else { 0.0 };
            }
        };
        let mut z = vec![0.0; pixels.len()];
        scaled(&residual, &mut z);
        let (mut direction, mut product) = (z.clone(), z.clone());
        let mut rz = dot(&residual, &z);
        let first = rz;
        let watch = watch::current();
        for round in 0..MOST_ROUNDS {
            if rz <= first * GOOD_ENOUGH * GOOD_ENOUGH || rz == 0.0 {
                break;
            }
            if round % 32 == 0 && watch.stop() {
                return Err(Stopped);
            }
            for (i, (product, near)) in product.iter_mut().zip(&near).enumerate() {
                let beside: f64 = near.iter().map(|&(j, weight)| weight * direction[j as usize]).sum();
                *product = diagonal[i] * direction[i] - beside;
            }
            let step = rz / dot(&direction, &product);
            for i in 0..pixels.len() {
                x[i] += step * direction[i];
                residual[i] -= step * product[i];
            }
            scaled(&residual, &mut z);
            let next = dot(&residual, &z);
            let share = next / rz;
            direction.iter_mut().zip(&z).for_each(|(direction, z)| *direction = z + share * *direction);
            rz = next;
        }
        let mut all: Vec<f32> =
            seeds.iter().map(|seed| f32::from(u8::from(*seed == Seed::Is(true)))).collect();
        pixels.iter().zip(x).for_each(|(&pixel, p)| all[pixel] = p.clamp(0.0, 1.0) as f32);
        Ok(all)
    }

    /// The system of equations over the open pixels alone, which may be few.
    fn open(&self, seeds: &[Seed]) -> Open {
        let pixels: Vec<usize> = (0..seeds.len()).filter(|&i| seeds[i] == Seed::Open).collect();
        let mut place = vec![0_u32; seeds.len()];
        pixels.iter().enumerate().for_each(|(at, &pixel)| place[pixel] = at as u32);
        let mut open = Open { near: Vec::new(), diagonal: Vec::new(), to_set: Vec::new(), pixels };
        for &pixel in &open.pixels {
            // A neighbour that is not open counts for nothing in place of one.
            let (mut near, mut diagonal, mut to_set) = ([(0, 0.0); 4], 0.0, 0.0);
            for (slot, (j, weight)) in near.iter_mut().zip(self.neighbours(pixel)) {
                match seeds[j] {
                    Seed::Outside => continue,
                    Seed::Open => *slot = (place[j], weight),
                    Seed::Is(true) => to_set += weight,
                    Seed::Is(false) => {}
                }
                diagonal += weight;
            }
            open.near.push(near);
            open.diagonal.push(diagonal);
            open.to_set.push(to_set);
        }
        open
    }

    fn neighbours(&self, i: usize) -> impl Iterator<Item = (usize, f64)> {
        let width = self.width;
        let left = (!i.is_multiple_of(width)).then(|| (i - 1, self.right[i - 1]));
        let up = (i >= width).then(|| (i - width, self.down[i - width]));
        let right = (self.right[i] > 0.0).then(|| (i + 1, self.right[i]));
        let down = (self.down[i] > 0.0).then(|| (i + width, self.down[i]));
        [left, up, right, down].into_iter().flatten()
    }
}

/// Equations for the open pixels: `diagonal * p - sum of weight * p of neighbours = to_set`.
struct Open {
    /// Their places in the slice.
    pixels: Vec<usize>,
    /// Of each, its open neighbours, by their number among the open ones, and the weights of the steps to them.
    near: Vec<[(u32, f64); 4]>,
    diagonal: Vec<f64>,
    /// The weights of the steps to the set.
    to_set: Vec<f64>,
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Mean and population standard deviation of the finite ones; 0 of none.
pub(super) fn spread(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let values = values.filter(|value| value.is_finite());
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    [mean, (values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt()]
}
