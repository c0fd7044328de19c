//! Cutting a slice into overlapping tiles that fit the memory, and blending their results.

use super::{InputRule, planes::Planes};

/// One tile of a slice, `[width, height]` like the sizes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    pub origin: [usize; 2],
}

/// The cut of a slice into equal tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TilePlan {
    /// `[width, height]` of the slice.
    pub size: [usize; 2],
    /// `[width, height]` of every tile, multiples of what the network asks for. Tiles may stick out to the right and
    /// below; there the input is reflected.
    pub tile: [usize; 2],
    pub tiles: Vec<Tile>,
    /// Weights fall from the middle as a Gaussian, and neighbours overlap by a half.
    gaussian: bool,
}

/// Pixels by which neighbouring tiles overlap at least.
pub const OVERLAP: usize = 64;

impl TilePlan {
    /// `side` is the longest side that a tile may have for the memory's sake, from [`longest_side`].
    pub fn new(size: [usize; 2], rule: &InputRule, side: usize) -> Self {
        Self::overlapping(size, rule, side, OVERLAP, false)
    }

    /// A window that slides by half its side, with Gaussian weights (F. Isensee et al.: "nnU-Net", Nat. Methods 2021).
    pub fn sliding(size: [usize; 2], rule: &InputRule, side: usize) -> Self {
        let side = side.min(rule.most.unwrap_or(side)).max(rule.side(2));
        Self::overlapping(size, rule, side, side / 2, true)
    }

    fn overlapping(size: [usize; 2], rule: &InputRule, side: usize, overlap: usize, gaussian: bool) -> Self {
        let m = rule.multiple_of.max(1);
        let overlap = overlap.next_multiple_of(m);
        let side = (side.min(rule.most.unwrap_or(side)) / m * m).max(overlap + m).max(rule.side(0));
        let axis = |n: usize| {
            let padded = rule.side(n);
            if padded <= side {
                return (padded, vec![0]);
            }
            let count = (padded - overlap).div_ceil(side - overlap);
            // No larger than so many tiles need be: what overlaps is computed twice.
            let side = (padded + (count - 1) * overlap).div_ceil(count).next_multiple_of(m).max(rule.side(0));
            let last = padded - side;
            // Origins at multiples of m see the same pixels pooled together as the whole slice would.
            (side, (0..count).map(|i| (last * i / (count - 1)) / m * m).collect())
        };
        let ((tile_w, xs), (tile_h, ys)) = (axis(size[0]), axis(size[1]));
        let tiles = ys.iter().flat_map(|&y| xs.iter().map(move |&x| Tile { origin: [x, y] })).collect();
        Self { size, tile: [tile_w, tile_h], tiles, gaussian }
    }

    /// The part of a tile that lies inside the slice, `[width, height]`.
    pub fn inside(&self, tile: Tile) -> [usize; 2] {
        [0, 1].map(|a| self.tile[a].min(self.size[a] - tile.origin[a]))
    }

    /// The tile's input, reflected at the slice's edges: planes of the tile's size.
    pub fn cut(&self, planes: &Planes, tile: Tile) -> Planes {
        let [width, height] = self.tile;
        let columns: Vec<usize> = (0..width).map(|x| reflect(tile.origin[0] + x, planes.width)).collect();
        let mut values = Vec::with_capacity(planes.channels * width * height);
        for plane in planes.values.chunks_exact(planes.width * planes.height) {
            for y in 0..height {
                let row = &plane[reflect(tile.origin[1] + y, planes.height) * planes.width..][..planes.width];
                values.extend(columns.iter().map(|&x| row[x]));
            }
        }
        Planes { channels: planes.channels, height, width, values }
    }

    /// Blending weight of each pixel of the tile's [`inside`](Self::inside) part, row by row: 1 in the middle, falling
    /// linearly towards sides where another tile overlaps, never 0.
    pub fn weights(&self, tile: Tile) -> Vec<f32> {
        let [width, height] = self.inside(tile);
        if self.gaussian {
            let [across, down] = self.tile.map(gaussian);
            return down[..height].iter().flat_map(|d| across[..width].iter().map(move |a| a * d)).collect();
        }
        let ramp = |axis: usize, n: usize| -> Vec<f32> {
            let start = tile.origin[axis];
            let (before, after) = (start > 0, start + self.tile[axis] < self.size[axis]);
            let weight = |i: usize| {
                let from = |edge: bool, distance: usize| {
                    if edge { (distance as f32 + 0.5) / OVERLAP as f32 } else { 1.0 }
                };
                from(before, i).min(from(after, self.tile[axis] - 1 - i)).min(1.0)
            };
            (0..n).map(weight).collect()
        };
        let (across, down) = (ramp(0, width), ramp(1, height));
        down.iter().flat_map(|d| across.iter().map(move |a| a * d)).collect()
    }

    /// Sum of the weights of all tiles at each pixel of the slice.
    pub fn weight_sum(&self) -> Vec<f32> {
        let mut sum = vec![0.0; self.size[0] * self.size[1]];
        for &tile in &self.tiles {
            self.add(&mut sum, tile, &self.weights(tile), |w| w);
        }
        sum
    }

    /// Adds `values` (one a pixel of the tile's inside) to a plane of the slice's size.
    pub fn add<T: Copy>(&self, plane: &mut [f32], tile: Tile, values: &[T], get: impl Fn(T) -> f32) {
        let [width, _] = self.inside(tile);
        for (y, row) in values.chunks_exact(width).enumerate() {
            let start = (tile.origin[1] + y) * self.size[0] + tile.origin[0];
            plane[start..start + width].iter_mut().zip(row).for_each(|(p, &v)| *p += get(v));
        }
    }
}

/// Weights along a side of `n`: a Gaussian around its middle with a deviation of an eighth of it.
pub fn gaussian(n: usize) -> Vec<f32> {
    let (middle, deviation) = (n as f32 / 2.0, n as f32 / 8.0);
    (0..n).map(|i| (-0.5 * ((i as f32 + 0.5 - middle) / deviation).powi(2)).exp()).collect()
}

/// Index `i` of a line of `n` values that goes on as its mirror image, the edge not repeated: 2 1 0 1 2 1 0.
fn reflect(i: usize, n: usize) -> usize {
    if n == 1 {
        return 0;
    }
    let i = i % (2 * n - 2);
    if i < n { i } else { 2 * n - 2 - i }
}

/// The longest side of a tile whose inference stays within `bytes` of memory, and whose largest map of features, a sixth
/// of that, within `largest_tensor`.
pub fn longest_side(bytes_per_pixel: usize, bytes: u64, largest_tensor: u64) -> usize {
    let pixels = bytes.min(largest_tensor.saturating_mul(6)) / bytes_per_pixel.max(1) as u64;
    (pixels as f64).sqrt() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_and_the_most_that_a_network_takes_are_kept() {
        let rule = InputRule::multiple_of(32).least(192).most(704);
        assert_eq!(TilePlan::new([5, 200], &rule, 4000).tile, [192, 224]);
        let plan = TilePlan::new([3000, 700], &rule, 4000);
        // Five tiles of 704 would be needed across; five of 672 do as well.
        assert_eq!((plan.tile, plan.tiles.len()), ([672, 704], 5));
        assert!(TilePlan::new([3000, 700], &rule, 10).tile.iter().all(|&side| side >= 192));
    }

    #[test]
    fn every_pixel_is_covered_and_tiles_start_at_multiples() {
        for (size, m, side) in
            [([1000, 999], 16, 300), ([37, 5], 8, 512), ([513, 1200], 8, 512), ([145, 145], 16, 144)]
        {
            let plan = TilePlan::new(size, &InputRule::multiple_of(m), side);
            assert!(plan.weight_sum().iter().all(|&w| w > 0.0), "{size:?}");
            for t in &plan.tiles {
                assert!(t.origin.iter().all(|o| o % m == 0), "{size:?}");
                let [w, h] = plan.inside(*t);
                assert!(w > 0 && h > 0);
            }
            assert!(plan.tile.iter().all(|t| t % m == 0 && *t <= side.max(128)));
        }
        assert_eq!(TilePlan::new([512, 512], &InputRule::multiple_of(16), 512).tiles.len(), 1);
    }

    #[test]
    fn a_window_slides_by_a_half_and_counts_most_in_its_middle() {
        let plan = TilePlan::sliding([200, 40], &InputRule::multiple_of(8), 64);
        let xs: Vec<usize> = plan.tiles.iter().map(|t| t.origin[0]).collect();
        assert!(xs.len() > 4 && xs.windows(2).all(|p| p[1] - p[0] <= 32), "{xs:?}");
        assert!(plan.weight_sum().iter().all(|&w| w > 0.0));
        let weights = plan.weights(plan.tiles[1]);
        let middle = weights[20 * plan.tile[0] + plan.tile[0] / 2];
        assert!(weights.iter().all(|&w| w > 0.0 && w <= middle), "{middle}");
    }

    #[test]
    fn neighbours_overlap_by_the_promised_width() {
        let plan = TilePlan::new([2000, 16], &InputRule::multiple_of(8), 520);
        let mut xs: Vec<usize> = plan.tiles.iter().map(|t| t.origin[0]).collect();
        xs.sort_unstable();
        assert!(xs.windows(2).all(|p| p[0] + plan.tile[0] >= p[1] + OVERLAP - 8), "{xs:?}");
        assert_eq!(xs.last().map(|x| x + plan.tile[0]), Some(2000));
    }

    #[test]
    fn the_edge_is_reflected_and_not_repeated() {
        let line = Planes { channels: 1, height: 1, width: 3, values: vec![1.0, 2.0, 3.0] };
        let plan = TilePlan::new([3, 1], &InputRule::multiple_of(8), 512);
        let tile = plan.cut(&line, plan.tiles[0]);
        assert_eq!(&tile.values[..8], &[1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
        assert_eq!((tile.width, tile.height), (8, 8));
        assert_eq!(&tile.values[8..16], &tile.values[..8]);
    }
}
