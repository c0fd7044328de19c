//! The random walker in a slice (Grady, "Random walks for image segmentation", PAMI 28, 2006), 4 neighbours.

use crate::watch::{self, Stopped};

/// How much a difference of values counts.
pub(super) const BETA: f64 = 90.0;
/// The residual at which the solution is good enough, as a part of the first one.
const GOOD_ENOUGH: f64 = 1e-6;
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
            ((-BETA * difference * difference).exp() + 1e-6) / (step * step)
        };
        let count = values.len();
        let right = |i: usize| if i % width + 1 < width { weight(i, i + 1, step[0]) } else { 0.0 };
        let down = |i: usize| if i + width < count { weight(i, i + width, step[1]) } else { 0.0 };
        Self { width, right: (0..count).map(right).collect(), down: (0..count).map(down).collect() }
    }

    /// How probable it is that a walk from each pixel comes to the set first. Seeds have 0 or 1.
    pub fn probability(&self, seeds: &[Seed]) -> Result<Vec<f32>, Stopped> {
        let count = seeds.len();
        let is_open = |i: usize| seeds[i] == Seed::Open;
        let set = |i: usize| f64::from(u8::from(seeds[i] == Seed::Is(true)));
        let mut x: Vec<f64> = (0..count).map(set).collect();
        let mut diagonal = vec![0.0; count];
        for i in 0..count {
            for (j, weight) in self.neighbours(i) {
                if seeds[i] != Seed::Outside && seeds[j] != Seed::Outside {
                    diagonal[i] += weight;
                }
            }
        }
        // Of the system over the open pixels: the residual of x, which is 0 at them.
        let apply = |x: &[f64], out: &mut [f64]| {
            for i in (0..count).filter(|&i| is_open(i)) {
                let near = self.neighbours(i).filter(|&(j, _)| seeds[j] != Seed::Outside);
                out[i] = diagonal[i] * x[i] - near.map(|(j, weight)| weight * x[j]).sum::<f64>();
            }
        };
        let mut product = vec![0.0; count];
        apply(&x, &mut product);
        let mut residual: Vec<f64> = product.iter().map(|value| -value).collect();
        let scaled = |residual: &[f64]| -> Vec<f64> {
            let part = |(r, d): (&f64, &f64)| if *d > 0.0 { r / d } else { 0.0 };
            residual.iter().zip(&diagonal).map(part).collect()
        };
        let mut z = scaled(&residual);
        let mut direction = z.clone();
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
            apply(&direction, &mut product);
            let step = rz / dot(&direction, &product);
            for i in (0..count).filter(|&i| is_open(i)) {
                x[i] += step * direction[i];
                residual[i] -= step * product[i];
            }
            z = scaled(&residual);
            let next = dot(&residual, &z);
            let share = next / rz;
            direction.iter_mut().zip(&z).for_each(|(direction, z)| *direction = z + share * *direction);
            rz = next;
        }
        Ok(x.into_iter().map(|p| p.clamp(0.0, 1.0) as f32).collect())
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

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Mean and population standard deviation; 0 of nothing.
pub(super) fn spread(values: impl Iterator<Item = f64> + Clone) -> [f64; 2] {
    let count = values.clone().count().max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    [mean, (values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / count).sqrt()]
}
