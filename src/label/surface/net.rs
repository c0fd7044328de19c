use super::blocks::Blocks;
use crate::label::LabelId;
use glam::Vec3;
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Rounds of relaxation. More change little: by then most vertices lie at their cell's side or are at rest.
const ROUNDS: usize = 12;

/// Where no vertex is.
const NONE: u32 = u32::MAX;

/// One vertex in each cell whose eight blocks are not all of one label. A cell lies between the middles of eight blocks and
/// has the index of the first of them.
pub(super) struct Net {
    /// In blocks, from the middle of the very first.
    pub vertices: Vec<Vec3>,
    /// The cell of each vertex.
    cells: Vec<[u32; 3]>,
    /// The vertex of each cell, by the linear index of its first block.
    vertex_of: Vec<u32>,
    /// For each vertex those beyond the six sides of its cell, where the net goes on.
    neighbours: Vec<[u32; 6]>,
}

/// The blocks at a cell's corners: bit a is one further along axis a.
type Corners = [LabelId; 8];

fn corner(c: usize) -> Vec3 {
    Vec3::new((c & 1) as f32, (c >> 1 & 1) as f32, (c >> 2) as f32)
}

/// The mean of where the cell's edges leave one label for another; `None` where none does.
fn crossing(corners: &Corners) -> Option<Vec3> {
    if corners.iter().all(|&l| l == corners[0]) {
        return None;
    }
    let edges = (0..3).flat_map(|a| (0..8).filter(move |c| c >> a & 1 == 0).map(move |c| (c, c | 1 << a)));
    let crossed = edges.filter(|&(a, b)| corners[a] != corners[b]);
    let (sum, count) =
        crossed.fold((Vec3::ZERO, 0.0), |(sum, n), (a, b)| (sum + (corner(a) + corner(b)) / 2.0, n + 1.0));
    Some(sum / count)
}

/// Whether the net goes through a side of a cell.
fn crosses_side(corners: &Corners, axis: usize, upper: bool) -> bool {
    let mut of_side = (0..8).filter(|c| (c >> axis & 1 == 1) == upper).map(|c| corners[c]);
    let first = of_side.next();
    of_side.any(|label| Some(label) != first)
}

impl Net {
    pub fn new(blocks: &Blocks) -> Self {
        let [nx, ny, nz] = blocks.counts;
        let strides = [1, nx, nx * ny];
        let corners_of = |index: usize| -> Corners {
            std::array::from_fn(|c| {
                blocks.labels[index + (0..3).map(|a| (c >> a & 1) * strides[a]).sum::<usize>()]
            })
        };
        let layers: Vec<Vec<([u32; 3], Vec3)>> = (0..nz - 1)
            .into_par_iter()
            .map(|k| {
                let cells = (0..ny - 1).flat_map(|j| (0..nx - 1).map(move |i| [i, j, k]));
                let found = cells.filter_map(|cell| {
                    let within = crossing(&corners_of(blocks.index(cell)))?;
                    Some((cell.map(|c| c as u32), within))
                });
                found.collect()
            })
            .collect();
        let mut this = Self {
            vertices: Vec::new(),
            cells: Vec::new(),
            vertex_of: vec![NONE; blocks.labels.len()],
            neighbours: Vec::new(),
        };
        for (cell, within) in layers.into_iter().flatten() {
            this.vertex_of[blocks.index(cell.map(|c| c as usize))] = this.vertices.len() as u32;
            this.vertices.push(Vec3::from(cell.map(|c| c as f32)) + within);
            this.cells.push(cell);
        }
        let vertex_of = &this.vertex_of;
        this.neighbours = (this.cells.par_iter())
            .map(|cell| {
                let index = blocks.index(cell.map(|c| c as usize));
                let corners = corners_of(index);
                std::array::from_fn(|side| {
                    let (axis, upper) = (side / 2, side % 2 == 1);
                    match crosses_side(&corners, axis, upper) {
                        // The border is background, so that no net ends at it.
                        true if upper => vertex_of[index + strides[axis]],
                        true => vertex_of[index - strides[axis]],
                        false => NONE,
                    }
                })
            })
            .collect();
        this
    }

    /// Moves every vertex towards the middle of its neighbours, within its cell.
    pub fn relax(&mut self) {
        for _ in 0..ROUNDS {
            let old = &self.vertices;
            let moved = (self.neighbours.par_iter().zip(&self.cells)).map(|(neighbours, cell)| {
                let there = neighbours.iter().filter(|&&n| n != NONE).map(|&n| old[n as usize]);
                let (sum, count) = there.fold((Vec3::ZERO, 0.0), |(sum, n), v| (sum + v, n + 1.0));
                let low = Vec3::from(cell.map(|c| c as f32));
                (sum / f32::max(count, 1.0)).clamp(low, low + 1.0)
            });
            self.vertices = moved.collect();
        }
    }

    /// For each label the quads around it, as vertices, counter-clockwise seen from outside in a right-handed frame.
    pub fn quads(&self, blocks: &Blocks) -> BTreeMap<LabelId, Vec<[u32; 4]>> {
        let [nx, ny, nz] = blocks.counts;
        let strides = [1, nx, nx * ny];
        let layers: Vec<BTreeMap<LabelId, Vec<[u32; 4]>>> = (0..nz - 1)
            .into_par_iter()
            .map(|k| {
                let mut found: BTreeMap<LabelId, Vec<[u32; 4]>> = BTreeMap::new();
                for index in (0..ny - 1).flat_map(|j| (0..nx - 1).map(move |i| (k * ny + j) * nx + i)) {
                    let here = blocks.labels[index];
                    for axis in 0..3 {
                        let beyond = blocks.labels[index + strides[axis]];
                        if here == beyond {
                            continue;
                        }
                        // The four cells around the line between the two blocks.
                        let (b, c) = (strides[(axis + 1) % 3], strides[(axis + 2) % 3]);
                        let quad = [index - b - c, index - c, index, index - b].map(|i| self.vertex_of[i]);
                        if here != 0 {
                            found.entry(here).or_default().push(quad);
                        }
                        if beyond != 0 {
                            let [p, q, r, s] = quad;
                            found.entry(beyond).or_default().push([s, r, q, p]);
                        }
                    }
                }
                found
            })
            .collect();
        let mut all: BTreeMap<LabelId, Vec<[u32; 4]>> = BTreeMap::new();
        for (label, mut quads) in layers.into_iter().flatten() {
            all.entry(label).or_default().append(&mut quads);
        }
        all
    }
}
