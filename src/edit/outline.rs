use super::Region;
use crate::geom::{Axis, Grid, Plane};

/// The voxels of one slice whose centre is inside a closed outline, by the even-odd rule, row by row. A centre exactly on
/// the outline counts on the side where coordinates are smaller, so that two outlines that share an edge share no voxel.
pub(super) fn region(grid: &Grid, plane: Plane, slice: usize, points: &[[f64; 3]]) -> Region {
    let dims = grid.dims();
    let normal = grid.plane_axes(plane).normal;
    // Rows run along x where the slice has it.
    let (across, down) = match normal {
        Axis::X => (1, 2),
        Axis::Y => (0, 2),
        Axis::Z => (0, 1),
    };
    if slice >= dims[normal.index()] {
        return Region::default();
    }
    let corners: Vec<[f64; 2]> =
        points.iter().map(|p| [p[across], p[down]]).filter(|p| p.iter().all(|c| c.is_finite())).collect();
    let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); dims[down]];
    for (i, &a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        let (top, bottom) = (a[1].min(b[1]), a[1].max(b[1]));
        // Half open, so that a corner is crossed once.
        let (first, end) = (rounded_up(top, dims[down]), rounded_up(bottom, dims[down]));
        for (row, crossed) in crossings.iter_mut().enumerate().take(end).skip(first) {
            crossed.push(a[0] + (row as f64 - a[1]) * (b[0] - a[0]) / (b[1] - a[1]));
        }
    }
    let mut runs = Vec::new();
    for (row, crossed) in crossings.iter_mut().enumerate() {
        crossed.sort_unstable_by(f64::total_cmp);
        for pair in crossed.chunks_exact(2) {
            let (first, end) = (rounded_up(pair[0], dims[across]), rounded_up(pair[1], dims[across]));
            if first >= end {
                continue;
            }
            let mut voxel = [0; 3];
            voxel[normal.index()] = slice;
            voxel[down] = row;
            if across == 0 {
                voxel[0] = first;
                runs.push((grid.index(voxel), (end - first) as u32));
            } else {
                runs.extend((first..end).map(|at| {
                    voxel[across] = at;
                    (grid.index(voxel), 1)
                }));
            }
        }
    }
    Region::from_runs(grid, runs)
}

/// The voxels that a closed chain of pixels encloses, and the pixels themselves, in one slice.
pub(super) fn with_rim(grid: &Grid, plane: Plane, slice: usize, pixels: &[[usize; 3]]) -> Region {
    let dims = grid.dims();
    let normal = grid.plane_axes(plane).normal.index();
    let corners: Vec<[f64; 3]> = pixels.iter().map(|pixel| pixel.map(|at| at as f64)).collect();
    let inside = region(grid, plane, slice, &corners);
    let lies_in = |pixel: &&[usize; 3]| (0..3).all(|a| pixel[a] < dims[a]) && pixel[normal] == slice;
    let rim = pixels.iter().filter(lies_in).map(|pixel| (grid.index(*pixel), 1));
    Region::from_runs(grid, inside.runs().iter().copied().chain(rim).collect())
}

/// The first whole number from `at` on, within `0..=size`.
fn rounded_up(at: f64, size: usize) -> usize {
    at.ceil().clamp(0.0, size as f64) as usize
}
