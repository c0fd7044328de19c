//! A network of volumes over a region voxel by voxel, window after window, the logits blended with Gaussian weights
//! (F. Isensee et al.: "nnU-Net", Nat. Methods 2021). Only the planes that windows still reach are held; what lies
//! before them is kept as runs.

use super::{Logits, Region, Runs, infer, normalise::Standard, parts::runs};
use crate::{
    geom::Oriented,
    nn::{Network, PredictError, tiling::gaussian, watch::Watch},
    volume::Volume,
};
use rayon::prelude::*;
use std::sync::Arc;

/// The prediction of a region, while it is under way. Sizes and places are `[x, y, z]`.
pub(super) struct Sliding {
    region: Region,
    standard: Standard,
    /// Of a window.
    size: [usize; 3],
    /// First voxels of the windows along each axis, counted from the region's.
    starts: [Vec<usize>; 3],
    next: usize,
    /// Sums of weighted logits, `[class][z][y][x]`, over the planes of the window's height from `first` on. Their sign
    /// is that of the mean.
    sums: Vec<f32>,
    first: usize,
    /// Of each class, by row, of the planes before `first`.
    rows: Vec<Runs>,
    /// Multiply-accumulates of a window.
    cost: u64,
}

/// Starts of windows that overlap by a half at least: as few as may be, evenly spread.
fn starts(count: usize, window: usize) -> Vec<usize> {
    let Some(rest) = count.checked_sub(window).filter(|rest| *rest > 0) else { return vec![0] };
    let last = rest.div_ceil((window / 2).max(1));
    (0..=last).map(|i| (i * rest + last / 2) / last).collect()
}

/// The largest windows that a network takes whose pass stays, with the sums over a region, within `memory` bytes; or
/// the bytes that the smallest need.
pub(super) fn window(network: &dyn Network<5>, region: &Region, memory: u64) -> Result<[usize; 3], u64> {
    let (rule, [width, height, _]) = (network.input(), region.dims());
    let whole = network.grid().map_or([128; 3], |[depth, height, width]| [width, height, depth]);
    let step = rule.multiple_of.max(1);
    let least = rule.side(1);
    let longest = whole.into_iter().max().unwrap_or(least).max(least);
    let bytes = |size: [usize; 3]| {
        let pass = size.iter().product::<usize>() * network.bytes_per_pixel();
        let sums = width * height * size[2] * network.head().channels() * size_of::<f32>();
        (pass + sums) as u64
    };
    let sizes = (least..=longest).rev().filter(|side| side.is_multiple_of(step) || *side == least);
    let mut sizes = sizes.map(|side| whole.map(|whole| whole.min(side)));
    sizes.find(|&size| bytes(size) <= memory).ok_or_else(|| bytes(whole.map(|whole| whole.min(least))))
}

impl Sliding {
    pub(super) fn new(
        network: &dyn Network<5>,
        region: Region,
        size: [usize; 3],
        standard: Standard,
    ) -> Self {
        let dims @ [width, height, _] = region.dims();
        let classes = network.head().channels();
        Self {
            region,
            standard,
            size,
            starts: std::array::from_fn(|axis| starts(dims[axis], size[axis])),
            next: 0,
            sums: vec![0.0; classes * width * height * size[2]],
            first: 0,
            rows: vec![vec![]; classes],
            cost: super::cost(network, size),
        }
    }

    fn total(&self) -> usize {
        self.starts.iter().map(Vec::len).product()
    }

    /// One window; the runs of every class once all are done.
    pub(super) fn step(
        &mut self,
        network: &dyn Network<5>,
        volume: &Volume,
        oriented: &Oriented,
        watch: &Arc<dyn Watch>,
    ) -> Result<Option<Vec<Runs>>, PredictError> {
        let [xs, ys, _] = &self.starts;
        let (across, down) = (xs.len(), ys.len());
        let at = [self.next % across, self.next / across % down, self.next / (across * down)];
        let start: [usize; 3] = std::array::from_fn(|axis| self.starts[axis][at[axis]]);
        if start[2] > self.first {
            self.leave(start[2]);
        }
        let (done, total) = (self.cost * self.next as u64, self.cost * self.total() as u64);
        let values = self.cut(volume, oriented, start);
        let logits = infer(network, values, self.size, watch, ("segmenting", done, total))?;
        self.add(&logits, start);
        self.next += 1;
        if self.next < self.total() {
            return Ok(None);
        }
        self.leave(self.region.dims()[2]);
        Ok(Some(std::mem::take(&mut self.rows)))
    }

    /// The standardised values of a window; beyond the region its last voxels are repeated.
    fn cut(&self, volume: &Volume, oriented: &Oriented, start: [usize; 3]) -> Vec<f32> {
        let [width, height, depth] = self.size;
        let place = |axis: usize, i: usize| {
            (self.region.start[axis] + start[axis] + i).min(self.region.end[axis] - 1)
        };
        let mut values = vec![0.0; width * height * depth];
        values.par_chunks_exact_mut(width).enumerate().for_each(|(row, out)| {
            let (y, z) = (place(1, row % height), place(2, row / height));
            for (x, out) in out.iter_mut().enumerate() {
                *out = self.standard.of(volume.scalar_value(oriented.index([place(0, x), y, z])));
            }
        });
        values
    }

    fn add(&mut self, logits: &Logits, start: [usize; 3]) {
        let [width, height, _] = self.region.dims();
        let [w, h, d] = self.size;
        let inside: [usize; 3] = std::array::from_fn(|a| self.size[a].min(self.region.dims()[a] - start[a]));
        let [across, down, deep] = self.size.map(gaussian);
        let planes = self.sums.par_chunks_exact_mut(width * height).enumerate();
        planes.for_each(|(i, plane)| {
            let (class, z) = (i / d, i % d);
            if z >= inside[2] {
                return;
            }
            for (y, down) in down.iter().enumerate().take(inside[1]) {
                let from = ((class * d + z) * h + y) * w;
                let to = (start[1] + y) * width + start[0];
                let weight = deep[z] * down;
                let row = logits.values[from..from + inside[0]].iter().zip(&across);
                plane[to..to + inside[0]]
                    .iter_mut()
                    .zip(row)
                    .for_each(|(sum, (v, a))| *sum += weight * a * v);
            }
        });
    }

    /// Keeps the planes before `z` as runs; the sums begin there from now on.
    fn leave(&mut self, z: usize) {
        let [width, height, _] = self.region.dims();
        let (plane, done) = (width * height, z - self.first);
        for (sums, rows) in self.sums.chunks_exact_mut(plane * self.size[2]).zip(&mut self.rows) {
            rows.par_extend(sums[..plane * done].par_chunks_exact(width).map(runs));
            sums.copy_within(plane * done.., 0);
            let kept = sums.len() - plane * done;
            sums[kept..].fill(0.0);
        }
        self.first = z;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_reach_everything_and_overlap_by_a_half() {
        for (count, window) in [(1, 16), (16, 16), (17, 16), (100, 32), (1000, 192)] {
            let starts = starts(count, window);
            assert_eq!((starts[0], starts[starts.len() - 1]), (0, count.saturating_sub(window)), "{count}");
            assert!(
                starts.windows(2).all(|pair| pair[1] > pair[0] && pair[1] - pair[0] <= window / 2),
                "{starts:?}"
            );
        }
    }
}
