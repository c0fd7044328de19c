//! The border of a region in a slice, as lines.

use crate::edit::Region;
use crate::geom::{Grid, Plane};

/// Closed lines along the borders of a region's pixels in a slice of a plane, in voxel coordinates; one for each part that is
/// connected by faces, and one for each hole. Only corners are given.
pub(super) fn rims(grid: &Grid, plane: Plane, slice: usize, region: &Region) -> Vec<Vec<[f64; 3]>> {
    let dims = grid.dims();
    let normal = grid.plane_axes(plane).normal;
    let [across, down] = normal.others();
    let mut pixels = Vec::new();
    for &(start, len) in region.runs() {
        let voxel = [start % dims[0], start / dims[0] % dims[1], start / (dims[0] * dims[1])];
        let along = |x: usize| [voxel[0] + x, voxel[1], voxel[2]];
        let in_slice = (0..len as usize).map(along).filter(|at| at[normal.index()] == slice);
        pixels.extend(in_slice.map(|at| [at[across], at[down]]));
    }
    let place = |[u, v]: [i64; 2]| {
        let mut place = [0.0; 3];
        place[normal.index()] = slice as f64;
        (place[across], place[down]) = (u as f64 - 0.5, v as f64 - 0.5);
        place
    };
    let lines = loops(&pixels);
    lines.into_iter().map(|line| line.into_iter().map(place).collect()).collect()
}

/// Closed lines of corners around pixels; corner (0, 0) is the first corner of pixel (0, 0).
fn loops(pixels: &[[usize; 2]]) -> Vec<Vec<[i64; 2]>> {
    let low = [0, 1].map(|a| pixels.iter().map(|p| p[a]).min().unwrap_or(0) as i64);
    let size = [0, 1].map(|a| pixels.iter().map(|p| p[a] as i64 + 1).max().unwrap_or(0) - low[a]);
    let index = |[u, v]: [i64; 2]| (v * size[0] + u) as usize;
    let mut set = vec![false; (size[0] * size[1]).max(0) as usize];
    for [u, v] in pixels {
        set[index([*u as i64 - low[0], *v as i64 - low[1]])] = true;
    }
    let is_in =
        |[u, v]: [i64; 2]| (0..size[0]).contains(&u) && (0..size[1]).contains(&v) && set[index([u, v])];
    // Pixels whose upper side has been walked along; every line has such a side.
    let mut walked = vec![false; set.len()];
    let mut lines = Vec::new();
    for v in 0..size[1] {
        for u in 0..size[0] {
            if !is_in([u, v]) || is_in([u, v - 1]) || walked[index([u, v])] {
                continue;
            }
            let (start, mut at, mut step, mut line) = ([u, v], [u, v], [1, 0], Vec::new());
            loop {
                if step == [1, 0] {
                    walked[index(at)] = true;
                }
                at = [at[0] + step[0], at[1] + step[1]];
                // The region is at the right hand. Ahead are a pixel at the right and one at the left.
                let (right, left) = match step {
                    [1, 0] => ([at[0], at[1]], [at[0], at[1] - 1]),
                    [0, 1] => ([at[0] - 1, at[1]], [at[0], at[1]]),
                    [-1, 0] => ([at[0] - 1, at[1] - 1], [at[0] - 1, at[1]]),
                    _ => ([at[0], at[1] - 1], [at[0] - 1, at[1] - 1]),
                };
                let turned = match (is_in(right), is_in(left)) {
                    (false, _) => [-step[1], step[0]],
                    (true, true) => [step[1], -step[0]],
                    (true, false) => step,
                };
                if turned != step {
                    line.push([at[0] + low[0], at[1] + low[1]]);
                }
                step = turned;
                if at == start && step == [1, 0] {
                    break;
                }
            }
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rim_goes_around_parts_and_holes_by_their_corners() {
        assert_eq!(loops(&[[2, 3]]), [[[3, 3], [3, 4], [2, 4], [2, 3]]]);
        // Corner to corner they are two parts.
        assert_eq!(loops(&[[0, 0], [1, 1]]).len(), 2);
        let ring: Vec<[usize; 2]> =
            (0..9).map(|i| [5 + i % 3, 7 + i / 3]).filter(|pixel| *pixel != [6, 8]).collect();
        let found = loops(&ring);
        assert_eq!(found.len(), 2, "outside and hole: {found:?}");
        assert!(found.iter().all(|line| line.len() == 4), "only corners: {found:?}");
        assert!(loops(&[]).is_empty());
    }

    #[test]
    fn what_a_rim_encloses_is_the_region() {
        let grid = Grid::pixels([20, 20, 3]).unwrap();
        let random = |i: usize| (i * 7919 + i / 3) % 5 < 3;
        let voxels: Vec<usize> = (400..800).filter(|i| random(*i)).collect();
        let region = Region::from_runs(&grid, voxels.iter().map(|i| (*i, 1)).collect());
        let lines = rims(&grid, grid.native_plane(), 1, &region);
        for i in 400..800 {
            let (x, y) = ((i % 20) as f64, (i / 20 % 20) as f64);
            // Upright sides that a ray to the right crosses.
            let mut crossed = 0;
            for line in &lines {
                for (a, b) in line.iter().zip(line.iter().cycle().skip(1)) {
                    let between = a[1].min(b[1]) < y && y < a[1].max(b[1]);
                    crossed += usize::from(a[0] > x && between);
                }
            }
            assert_eq!(crossed % 2 == 1, random(i), "{x} {y}");
        }
    }
}
