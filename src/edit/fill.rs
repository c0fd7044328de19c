use super::Region;
use crate::geom::{Axis, Plane};
use crate::label::{Connectivity, LabelMap, flood};
use crate::volume::Volume;

/// The voxels connected to a seed that have its label and a value within the range: through shared faces, in the volume
/// or in the seed's slice of the plane.
pub(super) fn region(
    volume: &Volume,
    map: &LabelMap,
    plane: Plane,
    seed: [usize; 3],
    [low, high]: [f32; 2],
    whole: bool,
) -> Region {
    let grid = volume.grid();
    let dims = map.dims();
    if (0..3).any(|a| seed[a] >= dims[a]) {
        return Region::default();
    }
    let label = map.get(seed);
    let in_range = |index: usize| {
        let value = volume.scalar_value(index);
        value >= low && value <= high
    };
    let [x, y, z] = seed;
    let [w, h, depth] = dims;
    // Rows along x are read run by run; `voxel` says which row of the volume.
    let along_x = |size: [usize; 3], at: [usize; 3], voxel: &dyn Fn(usize, usize) -> [usize; 3]| {
        let spans = flood(size, at, Connectivity::Faces, |v, u, row| {
            let start = grid.index(voxel(v, u));
            map.for_each_run(start, row.len(), |from, len, id| {
                if id == label {
                    for index in from..from + len {
                        row[index - start] = in_range(index);
                    }
                }
            });
        });
        let start = |[x, v, u]: [usize; 3]| grid.index(voxel(v, u)) + x;
        spans.into_iter().map(|(at, len)| (start(at), len as u32)).collect::<Vec<_>>()
    };
    let runs = match (whole, grid.plane_axes(plane).normal) {
        (true, _) => along_x(dims, seed, &|y, z| [0, y, z]),
        (false, Axis::Z) => along_x([w, h, 1], [x, y, 0], &|y, _| [0, y, z]),
        (false, Axis::Y) => along_x([w, depth, 1], [x, z, 0], &|z, _| [0, y, z]),
        (false, Axis::X) => {
            let spans = flood([h, depth, 1], [y, z, 0], Connectivity::Faces, |z, _, row| {
                for (y, open) in row.iter_mut().enumerate() {
                    *open = map.get([x, y, z]) == label && in_range(grid.index([x, y, z]));
                }
            });
            let voxels = |([y, z, _], len): ([usize; 3], usize)| (y..y + len).map(move |y| [x, y, z]);
            spans.into_iter().flat_map(voxels).map(|voxel| (grid.index(voxel), 1)).collect()
        }
    };
    Region::from_runs(grid, runs)
}
