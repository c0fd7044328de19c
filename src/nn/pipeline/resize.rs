//! Between the voxels of a volume and the grid of a network, with the outermost samples of one on the outermost of the
//! other (PyTorch's `align_corners=True`).

use super::Region;
use crate::{geom::Oriented, volume::Volume};
use rayon::prelude::*;

/// For each place along an axis its two neighbours among the samples, and the second one's weight.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Taps(Vec<(usize, usize, f32)>);

impl Taps {
    /// `at` are places among the indices of `count` samples.
    fn new(at: impl Iterator<Item = f64>, count: usize) -> Self {
        let tap = |at: f64| {
            let at = at.clamp(0.0, (count - 1) as f64);
            let low = at as usize;
            (low, (low + 1).min(count - 1), (at - low as f64) as f32)
        };
        Self(at.map(tap).collect())
    }

    /// Of `count` grid samples, evenly spread over the voxels of an axis from `start` to before `end`.
    fn onto_grid(places: &[f64], [start, end]: [usize; 2], count: usize) -> Self {
        let voxels = &places[start..end];
        let last = voxels.len() - 1;
        let (from, length) = (voxels[0], voxels[last] - voxels[0]);
        let index = |i: usize| {
            let at = from + i as f64 * length / (count.max(2) - 1) as f64;
            let low = voxels.partition_point(|place| *place <= at).clamp(1, last.max(1)) - 1;
            let gap = voxels[(low + 1).min(last)] - voxels[low];
            (start + low) as f64 + if gap > 0.0 { (at - voxels[low]) / gap } else { 0.0 }
        };
        Self::new((0..count).map(index), end)
    }

    /// Of the voxels of an axis from `start` to before `end`, among `count` grid samples spread over them. A single
    /// voxel takes the middle of the grid, which showed it everywhere.
    pub(super) fn from_grid(places: &[f64], [start, end]: [usize; 2], count: usize) -> Self {
        let voxels = &places[start..end];
        let (from, length) = (voxels[0], voxels[voxels.len() - 1] - voxels[0]);
        let last = (count - 1) as f64;
        let index = |place: &f64| if length > 0.0 { (place - from) * last / length } else { last / 2.0 };
        Self::new(voxels.iter().map(index), count)
    }
}

/// The values of a region of a volume on a grid of `[x, y, z]` samples: trilinear, x fastest. Values that are not
/// finite count as `missing`.
pub fn onto_grid(
    volume: &Volume,
    oriented: &Oriented,
    region: &Region,
    grid: [usize; 3],
    missing: f32,
) -> Vec<f32> {
    let taps: [Taps; 3] =
        std::array::from_fn(|axis| Taps::onto_grid(oriented.places(axis), region.range(axis), grid[axis]));
    let [xs, ys, zs] = &taps;
    let steps = oriented.steps();
    let value = |index: usize| {
        let value = volume.scalar_value(index);
        if value.is_finite() { value } else { missing }
    };
    let mut values = vec![0.0f32; grid.iter().product()];
    values.par_chunks_exact_mut(grid[0] * grid[1]).zip(&zs.0).for_each(|(plane, &(z0, z1, far))| {
        for (row, &(y0, y1, down)) in plane.chunks_exact_mut(grid[0]).zip(&ys.0) {
            let starts = [[y0, z0], [y1, z0], [y0, z1], [y1, z1]].map(|[y, z]| oriented.index([0, y, z]));
            for (out, &(x0, x1, right)) in row.iter_mut().zip(&xs.0) {
                let [a, b, c, d] = starts.map(|start| {
                    let at = |x: usize| value(start.wrapping_add_signed(x as isize * steps[0]));
                    mix(at(x0), at(x1), right)
                });
                *out = mix(mix(a, b, down), mix(c, d, down), far);
            }
        }
    });
    values
}

fn mix(near: f32, far: f32, weight: f32) -> f32 {
    near + (far - near) * weight
}

/// One row of a region's voxels from a map of grid samples, `[x, y, z]`: the row's four neighbours blended, then
/// spread along x. Where none of the four rises above `least`, the row is left out and `None` comes back.
pub(super) struct Rows<'a> {
    pub map: &'a [f32],
    pub grid: [usize; 3],
    pub taps: &'a [Taps; 3],
    /// The largest value of each row of the map.
    pub highest: Vec<f32>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(map: &'a [f32], grid: [usize; 3], taps: &'a [Taps; 3]) -> Self {
        let highest = map.par_chunks_exact(grid[0]).map(|row| row.iter().copied().fold(f32::MIN, f32::max));
        Self { map, grid, taps, highest: highest.collect() }
    }

    /// Row `y` of plane `z` of the region, unless it lies below `least` everywhere.
    pub(super) fn row(
        &self,
        y: usize,
        z: usize,
        least: f32,
        blended: &mut Vec<f32>,
        out: &mut Vec<f32>,
    ) -> bool {
        let (y0, y1, down) = self.taps[1].0[y];
        let (z0, z1, far) = self.taps[2].0[z];
        let rows = [[y0, z0], [y1, z0], [y0, z1], [y1, z1]].map(|[y, z]| z * self.grid[1] + y);
        if rows.iter().all(|&row| self.highest[row] < least) {
            return false;
        }
        let width = self.grid[0];
        let [a, b, c, d] = rows.map(|row| &self.map[row * width..(row + 1) * width]);
        blended.clear();
        blended.extend((0..width).map(|x| mix(mix(a[x], b[x], down), mix(c[x], d[x], down), far)));
        out.clear();
        out.extend(self.taps[0].0.iter().map(|&(x0, x1, right)| mix(blended[x0], blended[x1], right)));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn even(count: usize) -> Vec<f64> {
        (0..count).map(|i| i as f64).collect()
    }

    #[test]
    fn even_voxels_are_met_as_align_corners_has_it() {
        let taps = Taps::onto_grid(&even(9), [2, 7], 9);
        let at: Vec<f32> = taps.0.iter().map(|(low, _, weight)| *low as f32 + weight).collect();
        assert_eq!(at, [2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0]);
        let back = Taps::from_grid(&even(9), [2, 7], 9);
        let at: Vec<f32> = back.0.iter().map(|(low, _, weight)| *low as f32 + weight).collect();
        assert_eq!(at, [0.0, 2.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn unequal_slices_are_met_at_their_places_and_left_from_there() {
        let places = [0.0, 0.5, 1.5, 3.0];
        let onto = Taps::onto_grid(&places, [0, 4], 7);
        // Samples at 0, 0.5, …, 3.
        let at: Vec<f32> = onto.0.iter().map(|(low, _, weight)| *low as f32 + weight).collect();
        assert_eq!(at[..4], [0.0, 1.0, 1.5, 2.0]);
        assert!((at[4] - 2.333_333_3).abs() < 1e-6 && at[6] == 3.0, "{at:?}");
        let back = Taps::from_grid(&places, [0, 4], 7);
        let at: Vec<f32> = back.0.iter().map(|(low, _, weight)| *low as f32 + weight).collect();
        assert_eq!(at, [0.0, 1.0, 3.0, 6.0]);
    }

    #[test]
    fn a_single_voxel_is_spread_over_the_grid_and_read_from_its_middle() {
        assert!(
            Taps::onto_grid(&even(5), [3, 4], 6).0.iter().all(|(low, _, weight)| *low == 3 && *weight == 0.0)
        );
        assert_eq!(Taps::from_grid(&even(5), [3, 4], 6).0, [(2, 3, 0.5)]);
    }
}
