use crate::{geom::Grid, label::LabelId};
use rayon::prelude::*;

/// Blocks along the longest side, about: more than a screen shows of an organ, and few enough triangles for a rasteriser
/// on the CPU.
const ALONG_THE_LONGEST: f64 = 160.0;

/// A volume of labels in blocks of nearly equal millimetres, with one block of background around it.
pub(super) struct Blocks {
    /// Voxels in a block, along x, y, z.
    pub voxels: [usize; 3],
    /// Blocks along x, y, z, the border included.
    pub counts: [usize; 3],
    /// x fastest, then y, then z.
    pub labels: Vec<LabelId>,
}

impl Blocks {
    /// `read` gives the labels of a native slice, row by row.
    pub fn new(grid: &Grid, read: impl Fn(usize, &mut [LabelId]) + Sync) -> Self {
        let (dims, spacing) = (grid.dims(), grid.spacing());
        let longest = (0..3).map(|a| dims[a] as f64 * spacing[a]).fold(0.0, f64::max);
        let voxels: [usize; 3] = std::array::from_fn(|a| {
            let side = longest / ALONG_THE_LONGEST / spacing[a];
            (side.round() as usize).clamp(1, dims[a])
        });
        let counts: [usize; 3] = std::array::from_fn(|a| dims[a].div_ceil(voxels[a]) + 2);
        let [width, height, depth] = dims;
        let mut labels = vec![0; counts.iter().product()];
        let inner = 1..counts[2] - 1;
        labels.par_chunks_mut(counts[0] * counts[1]).enumerate().filter(|(k, _)| inner.contains(k)).for_each(
            |(k, layer)| {
                let first = (k - 1) * voxels[2];
                let slices = voxels[2].min(depth - first);
                let mut slab = vec![0; width * height * slices];
                for (z, slice) in slab.chunks_exact_mut(width * height).enumerate() {
                    read(first + z, slice);
                }
                for (j, row) in layer.chunks_exact_mut(counts[0]).enumerate().take(counts[1] - 1).skip(1) {
                    let y = (j - 1) * voxels[1]..height.min(j * voxels[1]);
                    for (i, block) in row.iter_mut().enumerate().take(counts[0] - 1).skip(1) {
                        let x = (i - 1) * voxels[0]..width.min(i * voxels[0]);
                        let rows = (0..slices).flat_map(|z| y.clone().map(move |y| (z * height + y) * width));
                        *block = most_frequent(rows.map(|start| &slab[start + x.start..start + x.end]));
                    }
                }
            },
        );
        Self { voxels, counts, labels }
    }

    /// Linear index of a block.
    pub fn index(&self, [i, j, k]: [usize; 3]) -> usize {
        (k * self.counts[1] + j) * self.counts[0] + i
    }
}

/// The label that most voxels of a block carry; of equals a structure rather than background.
fn most_frequent<'a>(rows: impl Iterator<Item = &'a [LabelId]>) -> LabelId {
    let mut counts: Vec<(LabelId, usize)> = Vec::new();
    for run in rows.flat_map(|row| row.chunk_by(|a, b| a == b)) {
        match counts.iter_mut().find(|(label, _)| *label == run[0]) {
            Some((_, count)) => *count += run.len(),
            None => counts.push((run[0], run.len())),
        }
    }
    counts.into_iter().max_by_key(|&(label, count)| (count, label != 0)).map_or(0, |(label, _)| label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_have_nearly_equal_sides_and_the_label_of_most() {
        let grid = Grid::spaced([640, 320, 40], [0.5, 1.0, 8.0]).unwrap();
        let blocks = Blocks::new(&grid, |z, out| {
            for (i, label) in out.iter_mut().enumerate() {
                *label = if z == 3 && i % 640 < 6 && i / 640 < 2 { 5 } else { 0 };
            }
        });
        // 2 mm along x and y; a slice is thicker than that and stays whole.
        assert_eq!((blocks.voxels, blocks.counts), ([4, 2, 1], [162, 162, 42]));
        // The block from 4 to 8 is half 5 and half background.
        let labelled: Vec<usize> = (0..blocks.labels.len()).filter(|&i| blocks.labels[i] != 0).collect();
        assert_eq!(labelled, [blocks.index([1, 1, 4]), blocks.index([2, 1, 4])]);
    }
}
