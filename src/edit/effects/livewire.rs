//! Paths along edges of a slice (Mortensen and Barrett, "Intelligent scissors", SIGGRAPH 1995).

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish};
use crate::{edit::outline, geom::Plane};
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
        let p95 = quantile(gradient.iter().copied().filter(|g| g.is_finite()).collect(), 0.95);
        // Beside what is no number there is no edge.
        let edge = |g: &f64| if g.is_finite() { 4.0 * g / p95.max(1e-12) } else { 0.0 };
        let cost = |g: &f64| 0.01 + 1.0 / (1.0 + edge(g).powi(2));
        Self { width, costs: gradient.iter().map(|g| cost(g) as f32).collect() }
    }

    /// Of each pixel, row by row.
    pub fn costs(&self) -> &[f32] {
        &self.costs
    }

    /// The cheapest ways from a pixel (right, down) to the others within `window` pixels: a step costs the mean of its two
    /// pixels, times its length.
    pub fn paths(&self, from: [usize; 2], window: usize) -> EdgePaths {
        self.search(from, window, None)
    }

    /// The cheapest way from one pixel to another, both included.
    pub fn path(&self, from: [usize; 2], to: [usize; 2]) -> Vec<[usize; 2]> {
        self.search(from, self.costs.len(), Some(to)).to(to)
    }

    /// The ways to all pixels that are no dearer than that to `until`, or to all.
    fn search(&self, [u, v]: [usize; 2], window: usize, until: Option<[usize; 2]>) -> EdgePaths {
        let until = until.map(|[u, v]| v * self.width + u);
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
            if until == Some(at) {
                break;
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

/// The number below which a share of all numbers lies; between two numbers in proportion. 0 of none.
fn quantile(mut numbers: Vec<f64>, share: f64) -> f64 {
    let Some(last) = numbers.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let (_, low, above) = numbers.select_nth_unstable_by(place as usize, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(*low);
    *low + (next - *low) * place.fract()
}

/// Magnitude of the gradient of the smoothed slice; beyond the border its pixels are repeated.
fn gradient(values: &[f32], width: usize) -> Vec<f64> {
    let width = width.max(1);
    let height = values.len() / width;
    let bell = |x: f64| (-0.5 * (x / SIGMA).powi(2)).exp();
    let offsets = || (0..=2 * REACH).map(|at| at as f64 - REACH as f64);
    let sum: f64 = offsets().map(bell).sum();
    let smooth: Vec<f64> = offsets().map(|x| bell(x) / sum).collect();
    let slope: Vec<f64> = offsets().map(|x| x / (SIGMA * SIGMA) * bell(x) / sum).collect();
    let add = |out: &mut [f64], values: &[f64], weight: f64| {
        out.iter_mut().zip(values).for_each(|(out, value)| *out += weight * value);
    };
    let along_rows = |values: &[f64], kernel: &[f64]| {
        let (mut out, mut padded) = (vec![0.0; values.len()], vec![0.0; width + 2 * REACH]);
        for (row, out) in values.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            padded[..REACH].fill(row[0]);
            padded[REACH..REACH + width].copy_from_slice(row);
            padded[REACH + width..].fill(row[width - 1]);
            kernel.iter().enumerate().for_each(|(at, weight)| add(out, &padded[at..at + width], *weight));
        }
        out
    };
    let along_columns = |values: &[f64], kernel: &[f64]| {
        let mut out = vec![0.0; values.len()];
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            for (at, weight) in kernel.iter().enumerate() {
                let y = (y + at).saturating_sub(REACH).min(height - 1);
                add(out, &values[y * width..(y + 1) * width], *weight);
            }
        }
        out
    };
    let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
    let across = along_columns(&along_rows(&values, &slope), &smooth);
    let down = along_columns(&along_rows(&values, &smooth), &slope);
    across.into_iter().zip(down).map(|(a, b)| a.hypot(b)).collect()
}

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let points = values.points("points");
    if points.len() < 2 {
        return Err(EffectError::lacks("at least two points", "points=\"X,Y X,Y\""));
    }
    let normal = scene.scope.normal;
    let [u, v] = normal.others();
    let slice = values.number("slice") as usize;
    let block = scene.slice_of("slice", slice)?;
    let size = [block.size[u], block.size[v]];
    let image = scene.values(&block)?;
    let costs = EdgeCosts::of_slice(&image, size[0]);
    let is_in = |at: f64, count: usize| (-0.5..count as f64 - 0.5).contains(&at);
    if let Some([x, y, _]) = points.iter().find(|[x, y, _]| !(is_in(*x, size[0]) && is_in(*y, size[1]))) {
        let [last_x, last_y] = size.map(|count| count - 1);
        let told =
            format!("points: {x},{y} lies outside of the slice, which goes from 0,0 to {last_x},{last_y}");
        return Err(EffectError::Refused(told));
    }
    let pixels = points.iter().map(|[x, y, _]| [(*x, size[0]), (*y, size[1])]);
    let pixels: Vec<[usize; 2]> =
        pixels.map(|pair| pair.map(|(at, count)| (at.round().max(0.0) as usize).min(count - 1))).collect();
    let mut path = Vec::new();
    for (at, from) in pixels.iter().enumerate() {
        crate::watch::step("following edges", at, pixels.len())?;
        path.extend(costs.path(*from, pixels[(at + 1) % pixels.len()]));
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
