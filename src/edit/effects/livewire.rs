//! Paths along edges of a slice (Mortensen and Barrett, "Intelligent scissors", SIGGRAPH 1995).

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish};
use crate::{
    edit::outline,
    geom::{Axis, Plane},
};
use std::{cmp::Reverse, collections::BinaryHeap};

pub static EFFECT: Effect = Effect {
    id: "livewire",
    title: "Livewire",
    summary: "Draws an outline in a slice that follows edges between the points that it is told, and fills it.",
    on: On::One,
    needs_image: true,
    parameters: &[
        Parameter {
            key: "points",
            title: "Points",
            help: "Pixels of the slice that the outline goes through, RIGHT,DOWN each, at least two.",
            when: None,
            kind: Kind::Points,
        },
        Parameter {
            key: "slice",
            title: "Slice",
            help: "The slice that it is drawn in, from 0.",
            when: None,
            kind: Kind::Number { default: Some(0.0), range: [0.0, 1e6], whole: true, unit: "" },
        },
    ],
    work,
};

/// What it costs to go through each pixel of a slice: little on edges.
#[derive(Clone, Debug)]
pub struct EdgeCosts {
    width: usize,
    costs: Vec<f32>,
}

/// The cheapest ways from one pixel.
#[derive(Clone, Debug)]
pub struct EdgePaths {
    width: usize,
    /// Where each pixel was come to from; itself at the start and where nothing came.
    before: Vec<u32>,
}

/// Deviation of the Gaussian, in pixels.
const SIGMA: f64 = 1.0;
/// Where its kernel ends.
const REACH: usize = 4;

impl EdgeCosts {
    /// From the values of a slice, row by row.
    pub fn of_slice(values: &[f32], width: usize) -> Self {
        let gradient = gradient(values, width);
        let mut sorted = gradient.clone();
        sorted.sort_by(f64::total_cmp);
        let place = 0.95 * (sorted.len().saturating_sub(1)) as f64;
        let at = |i: usize| sorted.get(i).or(sorted.last()).copied().unwrap_or(0.0);
        let low = at(place as usize);
        let p95 = low + (at(place as usize + 1) - low) * place.fract();
        let cost = |g: &f64| 0.01 + 1.0 / (1.0 + (4.0 * g / p95.max(1e-12)).powi(2));
        Self { width, costs: gradient.iter().map(|g| cost(g) as f32).collect() }
    }

    /// Of each pixel, row by row.
    pub fn costs(&self) -> &[f32] {
        &self.costs
    }

    /// The cheapest ways from a pixel (right, down) to the others within `window` pixels: a step costs the mean of its two
    /// pixels, times its length.
    pub fn paths(&self, [u, v]: [usize; 2], window: usize) -> EdgePaths {
        let (width, height) = (self.width, self.costs.len() / self.width);
        let mut total = vec![f32::INFINITY; self.costs.len()];
        let mut before: Vec<u32> = (0..self.costs.len() as u32).collect();
        let start = v * width + u;
        let mut open = BinaryHeap::new();
        if let Some(first) = total.get_mut(start) {
            *first = 0.0;
            open.push(Reverse((0_u32, start as u32)));
        }
        let columns = u.saturating_sub(window)..(u + window + 1).min(width);
        let rows = v.saturating_sub(window)..(v + window + 1).min(height);
        while let Some(Reverse((cost, at))) = open.pop() {
            let at = at as usize;
            // Numbers from 0 up are in the order of their bits.
            if total[at].to_bits() != cost {
                continue;
            }
            let (x, y) = (at % width, at / width);
            for (dx, dy) in (0..9_isize).filter(|n| *n != 4).map(|n| (n % 3 - 1, n / 3 - 1)) {
                let next = x.checked_add_signed(dx).zip(y.checked_add_signed(dy));
                let Some((x, y)) = next.filter(|(x, y)| columns.contains(x) && rows.contains(y)) else {
                    continue;
                };
                let next = y * width + x;
                let length = if dx == 0 || dy == 0 { 1.0 } else { std::f32::consts::SQRT_2 };
                let cost = total[at] + (self.costs[at] + self.costs[next]) / 2.0 * length;
                if cost < total[next] {
                    (total[next], before[next]) = (cost, at as u32);
                    open.push(Reverse((cost.to_bits(), next as u32)));
                }
            }
        }
        EdgePaths { width, before }
    }
}

impl EdgePaths {
    /// From the start to a pixel (right, down), both included; the pixel alone where no way leads there.
    pub fn to(&self, [u, v]: [usize; 2]) -> Vec<[usize; 2]> {
        let mut path = Vec::new();
        let mut at = v * self.width + u;
        while at < self.before.len() {
            path.push([at % self.width, at / self.width]);
            let before = self.before[at] as usize;
            if before == at {
                break;
            }
            at = before;
        }
        path.reverse();
        path
    }
}

/// Magnitude of the gradient of the smoothed slice; beyond the border its pixels are repeated.
fn gradient(values: &[f32], width: usize) -> Vec<f64> {
    let height = values.len() / width.max(1);
    let bell = |x: f64| (-0.5 * (x / SIGMA).powi(2)).exp();
    let offsets = || (0..=2 * REACH).map(|at| at as f64 - REACH as f64);
    let sum: f64 = offsets().map(bell).sum();
    let smooth: Vec<f64> = offsets().map(|x| bell(x) / sum).collect();
    let slope: Vec<f64> = offsets().map(|x| x / (SIGMA * SIGMA) * bell(x) / sum).collect();
    let along = |values: &[f64], kernel: &[f64], is_row: bool| -> Vec<f64> {
        let pixel = |at: usize| {
            let (x, y) = (at % width, at / width);
            let tap = |(k, weight): (usize, &f64)| {
                let shifted = |at: usize, count: usize| (at + k).saturating_sub(REACH).min(count - 1);
                let from =
                    if is_row { y * width + shifted(x, width) } else { shifted(y, height) * width + x };
                weight * values[from]
            };
            kernel.iter().enumerate().map(tap).sum()
        };
        (0..values.len()).map(pixel).collect()
    };
    let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    let across = along(&along(&values, &slope, true), &smooth, false);
    let down = along(&along(&values, &smooth, true), &slope, false);
    across.into_iter().zip(down).map(|(a, b)| a.hypot(b)).collect()
}

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let points = values.points("points");
    if points.len() < 2 {
        return Err(EffectError::lacks("at least two points", "points=\"X,Y X,Y\""));
    }
    let normal = scene.scope.normal;
    let [u, v] = match normal {
        Axis::X => [1, 2],
        Axis::Y => [0, 2],
        Axis::Z => [0, 1],
    };
    let slice = values.number("slice") as usize;
    let boxes = scene.block().slices(normal);
    let Some(block) = boxes.iter().find(|block| block.low[normal.index()] == slice) else {
        return Err(EffectError::Nothing(format!("there is no slice {slice} here")));
    };
    let size = [block.size[u], block.size[v]];
    let image = scene.values(block)?;
    let costs = EdgeCosts::of_slice(&image, size[0]);
    let pixels = points.iter().map(|[x, y, _]| [(*x, size[0]), (*y, size[1])]);
    let pixels: Vec<[usize; 2]> =
        pixels.map(|pair| pair.map(|(at, count)| (at.round().max(0.0) as usize).min(count - 1))).collect();
    let mut path = Vec::new();
    for (at, from) in pixels.iter().enumerate() {
        crate::watch::step("following edges", at, pixels.len())?;
        path.extend(costs.paths(*from, usize::MAX / 4).to(pixels[(at + 1) % pixels.len()]));
    }
    let voxel = |[x, y]: &[usize; 2]| {
        let mut voxel = [0; 3];
        (voxel[u], voxel[v], voxel[normal.index()]) = (*x, *y, slice);
        voxel
    };
    let plane = Plane::ALL.into_iter().find(|plane| scene.grid().plane_axes(*plane).normal == normal);
    let plane = plane.unwrap_or_else(|| scene.grid().native_plane());
    let pixels: Vec<[usize; 3]> = path.iter().map(voxel).collect();
    let mut wish = Wish::default();
    // The pixels of the outline itself belong to it.
    wish.gain(scene.label, outline::with_rim(scene.grid(), plane, slice, &pixels).runs().iter().copied());
    Ok(wish)
}
