use super::{LabelId, LabelMap, flood};

/// Which voxels are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// Those that share a face: 6 in a volume, 4 in a slice.
    Faces,
    /// Those that share a face, an edge or a corner: 26 in a volume, 8 in a slice.
    Full,
}

impl Connectivity {
    /// Steps (y, z) to the neighbouring rows.
    pub(super) fn rows(self) -> &'static [(isize, isize)] {
        match self {
            Connectivity::Faces => &[(-1, 0), (1, 0), (0, -1), (0, 1)],
            Connectivity::Full => &[(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)],
        }
    }
}

/// A connected set of voxels of one label.
#[derive(Clone, Debug, PartialEq)]
pub struct Component {
    pub label: LabelId,
    pub voxel_count: usize,
    /// First and last voxel of the box around it, both included.
    pub bounds: [[usize; 3]; 2],
    /// `(start index, length)` along x, sorted; linear indices of the grid, x fastest.
    pub runs: Vec<(usize, u32)>,
}

/// The connected components of every label but background, largest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Components {
    pub list: Vec<Component>,
}

/// A run of one label in a row, and the tree of its component.
struct Run {
    x: usize,
    len: usize,
    label: LabelId,
    /// Index of a run of the same component; itself at the root, which is the component's first run.
    parent: usize,
}

impl Components {
    /// Components of a mask.
    pub fn of(map: &LabelMap, connectivity: Connectivity) -> Self {
        let [width, ..] = map.dims();
        Self::of_rows(map.dims(), connectivity, |row, each| {
            let mut open: Option<(usize, usize, LabelId)> = None;
            map.for_each_run(row * width, width, |start, len, label| {
                let x = start - row * width;
                match &mut open {
                    // The end of a brick is not the end of a run.
                    Some((_, old, id)) if *id == label => *old += len,
                    _ => {
                        if let Some((x, len, label)) = open.replace((x, len, label)) {
                            each(x, len, label);
                        }
                    }
                }
            });
            if let Some((x, len, label)) = open {
                each(x, len, label);
            }
        })
    }

    /// Components of labels stored x fastest, then y, then z, such as one slice (depth 1) or a prediction; `None` unless
    /// their number is the voxel count.
    pub fn of_labels(dims: [usize; 3], labels: &[LabelId], connectivity: Connectivity) -> Option<Self> {
        if labels.len() != dims.iter().product::<usize>() {
            return None;
        }
        let width = dims[0];
        Some(Self::of_rows(dims, connectivity, |row, each| {
            let mut x = 0;
            for run in labels[row * width..(row + 1) * width].chunk_by(|a, b| a == b) {
                each(x, run.len(), run[0]);
                x += run.len();
            }
        }))
    }

    /// Components of one mask of label 1, from the runs `(x, length)` of its rows, sorted within each; rows run over y, then z.
    pub fn of_runs(dims: [usize; 3], rows: &[Vec<(usize, usize)>], connectivity: Connectivity) -> Self {
        Self::of_rows(dims, connectivity, |row, each| {
            for &(x, len) in rows.get(row).into_iter().flatten() {
                each(x, len, 1);
            }
        })
    }

    /// The component that holds a voxel; none where it is background.
    pub fn at(&self, dims: [usize; 3], [x, y, z]: [usize; 3]) -> Option<&Component> {
        let index = (z * dims[1] + y) * dims[0] + x;
        self.list.iter().find(|c| {
            let after = c.runs.partition_point(|r| r.0 <= index);
            after > 0 && index < c.runs[after - 1].0 + c.runs[after - 1].1 as usize
        })
    }

    /// Runs of equal label, joined over neighbouring rows by union-find (Rosenfeld and Pfaltz 1966, on runs).
    fn of_rows(
        dims: [usize; 3],
        connectivity: Connectivity,
        row_runs: impl Fn(usize, &mut dyn FnMut(usize, usize, LabelId)),
    ) -> Self {
        let [width, height, depth] = dims;
        let mut runs: Vec<Run> = Vec::new();
        let mut first_run = vec![0; height * depth + 1];
        let reach = if connectivity == Connectivity::Full { 1 } else { 0 };
        for row in 0..height * depth {
            first_run[row] = runs.len();
            row_runs(row, &mut |x, len, label| {
                if label != 0 {
                    let parent = runs.len();
                    runs.push(Run { x, len, label, parent });
                }
            });
            first_run[row + 1] = runs.len();
            let (y, z) = (row % height, row / height);
            // Rows before this one; the others will look back.
            for &(dy, dz) in connectivity.rows().iter().filter(|&&(dy, dz)| dz < 0 || (dz == 0 && dy < 0)) {
                let (Some(ny), Some(nz)) = (y.checked_add_signed(dy), z.checked_add_signed(dz)) else {
                    continue;
                };
                if ny >= height {
                    continue;
                }
                let other = nz * height + ny;
                let (mut a, mut b) = (first_run[row], first_run[other]);
                while a < first_run[row + 1] && b < first_run[other + 1] {
                    join_touching(&mut runs, a, b, reach);
                    let (a_end, b_end) = (runs[a].x + runs[a].len, runs[b].x + runs[b].len);
                    if a_end == b_end && a + 1 < first_run[row + 1] {
                        // Corner to corner: b is about to be left behind.
                        join_touching(&mut runs, a + 1, b, reach);
                    }
                    if a_end < b_end { a += 1 } else { b += 1 }
                }
            }
        }
        let mut slot_of_root: Vec<usize> = vec![usize::MAX; runs.len()];
        let mut list: Vec<Component> = Vec::new();
        for row in 0..height * depth {
            let (y, z) = (row % height, row / height);
            for i in first_run[row]..first_run[row + 1] {
                let root = root(&mut runs, i);
                let Run { x, len, label, .. } = runs[i];
                if slot_of_root[root] == usize::MAX {
                    slot_of_root[root] = list.len();
                    list.push(Component { label, voxel_count: 0, bounds: [[x, y, z]; 2], runs: Vec::new() });
                }
                let component = &mut list[slot_of_root[root]];
                component.voxel_count += len;
                for (a, (low, high)) in [(x, x + len - 1), (y, y), (z, z)].into_iter().enumerate() {
                    component.bounds[0][a] = component.bounds[0][a].min(low);
                    component.bounds[1][a] = component.bounds[1][a].max(high);
                }
                component.runs.push((row * width + x, len as u32));
            }
        }
        list.sort_by_key(|c| std::cmp::Reverse(c.voxel_count));
        Self { list }
    }
}

fn root(runs: &mut [Run], mut i: usize) -> usize {
    while runs[i].parent != i {
        runs[i].parent = runs[runs[i].parent].parent;
        i = runs[i].parent;
    }
    i
}

/// Joins the components of two runs of neighbouring rows where they are of one label and touch.
fn join_touching(runs: &mut [Run], a: usize, b: usize, reach: usize) {
    let (ra, rb) = (&runs[a], &runs[b]);
    if ra.label == rb.label && ra.x < rb.x + rb.len + reach && rb.x < ra.x + ra.len + reach {
        let (a, b) = (root(runs, a), root(runs, b));
        runs[a.max(b)].parent = a.min(b);
    }
}

impl LabelMap {
    /// The component of a voxel's label that holds it, as sorted runs `(start index, length)` along x; empty where the
    /// voxel is background or outside. Costs what it covers, not the whole mask.
    pub fn component_at(&self, voxel: [usize; 3], connectivity: Connectivity) -> Vec<(usize, u32)> {
        let dims = self.dims();
        if (0..3).any(|a| voxel[a] >= dims[a]) {
            return Vec::new();
        }
        let label = self.get(voxel);
        if label == 0 {
            return Vec::new();
        }
        let spans = flood(dims, voxel, connectivity, |y, z, row| {
            let row_start = self.index([0, y, z]);
            self.for_each_run(row_start, row.len(), |start, len, id| {
                row[start - row_start..start - row_start + len].fill(id == label);
            });
        });
        let mut runs: Vec<_> = spans.into_iter().map(|(at, len)| (self.index(at), len as u32)).collect();
        runs.sort_unstable();
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Repeated relaxation over all neighbours: slow and plainly right.
    fn brute_force(dims: [usize; 3], labels: &[LabelId], connectivity: Connectivity) -> Vec<usize> {
        let mut ids: Vec<usize> = (0..labels.len()).collect();
        let at = |x: usize, y: usize, z: usize| (z * dims[1] + y) * dims[0] + x;
        loop {
            let before = ids.clone();
            for z in 0..dims[2] {
                for y in 0..dims[1] {
                    for x in 0..dims[0] {
                        for (nx, ny, nz) in (0..27)
                            .map(|n: i64| (n % 3 - 1, n / 3 % 3 - 1, n / 9 - 1))
                            .filter(|s| {
                                connectivity == Connectivity::Full || s.0.abs() + s.1.abs() + s.2.abs() == 1
                            })
                            .map(|s| (x as i64 + s.0, y as i64 + s.1, z as i64 + s.2))
                        {
                            if nx < 0 || ny < 0 || nz < 0 {
                                continue;
                            }
                            let n = [nx as usize, ny as usize, nz as usize];
                            if (0..3).all(|a| n[a] < dims[a]) {
                                let (i, j) = (at(x, y, z), at(n[0], n[1], n[2]));
                                if labels[i] == labels[j] {
                                    ids[i] = ids[i].min(ids[j]);
                                }
                            }
                        }
                    }
                }
            }
            if ids == before {
                return ids;
            }
        }
    }

    /// Runs that touch, as one.
    fn joined(runs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
        let mut out: Vec<(usize, usize)> = vec![];
        for (x, len) in runs {
            match out.last_mut() {
                Some((start, length)) if *start + *length == x => *length += len,
                _ => out.push((x, len)),
            }
        }
        out
    }

    #[test]
    fn components_equal_brute_force() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for round in 0..40 {
            let dims = if round % 2 == 0 { [37, 9, 1] } else { [35, 5, 4] };
            let labels: Vec<LabelId> = (0..dims.iter().product())
                .map(|_| rng.random_range(0..3u16).saturating_sub(round % 3 / 2))
                .collect();
            let map = LabelMap::from_values(dims, &labels).unwrap();
            for connectivity in [Connectivity::Faces, Connectivity::Full] {
                let ids = brute_force(dims, &labels, connectivity);
                let components = Components::of(&map, connectivity);
                assert_eq!(Some(&components), Components::of_labels(dims, &labels, connectivity).as_ref());
                let first = |label: LabelId| if label == 1 { label } else { 0 };
                let mask: Vec<LabelId> = labels.iter().map(|&label| first(label)).collect();
                let rows: Vec<Vec<(usize, usize)>> = (mask.chunks_exact(dims[0]))
                    .map(|row| (0..dims[0]).filter(|&x| row[x] == 1).map(|x| (x, 1)).collect::<Vec<_>>())
                    .map(joined)
                    .collect();
                let of_mask = Components::of_labels(dims, &mask, connectivity).unwrap();
                assert_eq!(Components::of_runs(dims, &rows, connectivity), of_mask);
                let mut seen = vec![false; labels.len()];
                for component in &components.list {
                    let voxels: Vec<usize> =
                        component.runs.iter().flat_map(|r| r.0..r.0 + r.1 as usize).collect();
                    assert_eq!(voxels.len(), component.voxel_count);
                    let id = ids[voxels[0]];
                    assert_eq!(voxels.len(), ids.iter().filter(|&&i| i == id).count());
                    for &v in &voxels {
                        assert_eq!((ids[v], labels[v]), (id, component.label));
                        assert!(!std::mem::replace(&mut seen[v], true));
                    }
                    let seed = map.voxel(voxels[voxels.len() / 2]);
                    assert_eq!(map.component_at(seed, connectivity), component.runs);
                    assert_eq!(components.at(dims, seed), Some(component));
                }
                assert!((0..labels.len()).all(|v| seen[v] == (labels[v] != 0)));
            }
        }
    }
}
