//! The connected parts of a class that are kept.

use super::{
    Region, Runs,
    resize::{Rows, Taps},
};
use crate::{
    geom::Oriented,
    label::{Component, Components, Connectivity},
};
use rayon::prelude::*;

/// A class's parts, the largest first, with the box that they lie in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    pub list: Vec<Component>,
}

impl Parts {
    /// Of the voxels of `dims` in the runs of each row, `(x, length)` by row, those parts (of voxels that share a
    /// face, an edge or a corner) with more than `least` voxels; the `most` largest.
    pub fn of_runs(dims: [usize; 3], rows: &[Vec<(usize, usize)>], most: usize, least: f64) -> Self {
        let mut list = Components::of_runs(dims, rows, Connectivity::Full).list;
        list.truncate(most);
        list.retain(|part| part.voxel_count as f64 > least);
        Self { list }
    }

    /// First and last voxel of the box around all, both included.
    pub fn bounds(parts: &[Parts]) -> Option<[[usize; 3]; 2]> {
        let boxes = parts.iter().flat_map(|parts| &parts.list).map(|part| part.bounds);
        boxes.reduce(|[low, high], [l, h]| {
            [std::array::from_fn(|a| low[a].min(l[a])), std::array::from_fn(|a| high[a].max(h[a]))]
        })
    }
}

/// The runs of a class on its own grid, by row: where its logit is 0 or more, so that its probability is a half or
/// more.
pub(super) fn runs_on_grid(map: &[f32], width: usize) -> Runs {
    map.par_chunks_exact(width).map(runs).collect()
}

/// The same among the voxels of a region that the grid was spread over: the logits are interpolated, not the labels.
pub fn runs_in_region(map: &[f32], grid: [usize; 3], oriented: &Oriented, region: &Region) -> Runs {
    let taps: [Taps; 3] =
        std::array::from_fn(|axis| Taps::from_grid(oriented.places(axis), region.range(axis), grid[axis]));
    let [_, height, depth] = region.dims();
    let rows = Rows::new(map, grid, &taps);
    let row = |(blended, values): &mut (Vec<f32>, Vec<f32>), i: usize| {
        if rows.row(i % height, i / height, 0.0, blended, values) { runs(values) } else { vec![] }
    };
    (0..height * depth).into_par_iter().map_init(Default::default, row).collect()
}

/// Runs of values of 0 or more.
pub(super) fn runs(row: &[f32]) -> Vec<(usize, usize)> {
    let mut runs = vec![];
    let mut x = 0;
    for run in row.chunk_by(|a, b| (*a >= 0.0) == (*b >= 0.0)) {
        if run[0] >= 0.0 {
            runs.push((x, run.len()));
        }
        x += run.len();
    }
    runs
}
