use rayon::prelude::*;

/// Exact Euclidean distances from the points of a grid to the nearest of a set of them, in the unit of the spacing.
///
/// Linear in the number of points: two scans along x, then the lower envelope of parabolas along y and along z
/// (Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", Theory of Computing 8, 2012). The last of
/// the three is made a column at a time, where it is asked for.
#[derive(Debug)]
pub struct DistanceTransform {
    dims: [usize; 3],
    /// Between slices.
    step: f64,
    /// Squared distance to the nearest point of the set in the same slice; infinite where the slice has none.
    within_slice: Vec<f64>,
}

impl DistanceTransform {
    /// Distances to the points whose index `is_in` accepts. `dims` and `spacing` along x, y, z.
    pub fn new(dims: [usize; 3], spacing: [f64; 3], is_in: impl Fn(usize) -> bool + Sync) -> Self {
        let [width, height, _] = dims;
        let area = width * height;
        let mut within_slice = vec![f64::INFINITY; dims.iter().product()];
        if area > 0 {
            within_slice.par_chunks_exact_mut(area).enumerate().for_each(|(z, slice)| {
                let mut found = false;
                for (y, row) in slice.chunks_exact_mut(width).enumerate() {
                    let start = z * area + y * width;
                    found |= scan(row, spacing[0], |x| is_in(start + x));
                }
                if !found {
                    return;
                }
                let mut envelope = Envelope::new(spacing[1]);
                for x in 0..width {
                    envelope.set((0..height).map(|y| slice[y * width + x]));
                    envelope.each(height, |y, squared| slice[y * width + x] = squared);
                }
            });
        }
        Self { dims, step: spacing[2], within_slice }
    }

    /// The columns along z; what one needs besides the transform is kept from column to column.
    pub fn columns(&self) -> Columns<'_> {
        Columns { of: self, envelope: Envelope::new(self.step), distances: vec![0.0; self.dims[2]] }
    }
}

/// Distances of one column of points after another.
#[derive(Debug)]
pub struct Columns<'a> {
    of: &'a DistanceTransform,
    envelope: Envelope,
    distances: Vec<f64>,
}

impl Columns<'_> {
    /// Distances of the points (x, y, 0), (x, y, 1), …; all infinite where the set is empty.
    pub fn at(&mut self, [x, y]: [usize; 2]) -> &[f64] {
        let [width, height, depth] = self.of.dims;
        let (start, area) = (y * width + x, width * height);
        self.envelope.set((0..depth).map(|z| self.of.within_slice[start + z * area]));
        let distances = &mut self.distances;
        self.envelope.each(depth, |z, squared| distances[z] = squared.sqrt());
        &self.distances
    }
}

/// Squared distances along one row; false where it has no point of the set.
fn scan(row: &mut [f64], step: f64, is_in: impl Fn(usize) -> bool) -> bool {
    let mut last = None;
    for (x, squared) in row.iter_mut().enumerate() {
        if is_in(x) {
            last = Some(x);
        }
        if let Some(last) = last {
            *squared = square((x - last) as f64 * step);
        }
    }
    let mut next = None;
    for (x, squared) in row.iter_mut().enumerate().rev() {
        if *squared == 0.0 {
            next = Some(x);
        }
        if let Some(next) = next {
            *squared = squared.min(square((next - x) as f64 * step));
        }
    }
    last.is_some()
}

/// The lower envelope of parabolas of one width that stand on equally spaced places.
#[derive(Debug)]
struct Envelope {
    step: f64,
    /// Left to right.
    parabolas: Vec<Parabola>,
}

#[derive(Debug)]
struct Parabola {
    apex: usize,
    height: f64,
    /// From here on it is the lowest, in steps.
    from: f64,
}

impl Envelope {
    fn new(step: f64) -> Self {
        Self { step, parabolas: Vec::new() }
    }

    /// The envelope of parabolas with the given heights; infinite ones are none.
    fn set(&mut self, heights: impl Iterator<Item = f64>) {
        self.parabolas.clear();
        let per_square = square(self.step).recip();
        for (apex, height) in heights.enumerate().filter(|(_, h)| h.is_finite()) {
            let mut from = f64::NEG_INFINITY;
            while let Some(last) = self.parabolas.last() {
                let [p, q] = [last.apex, apex].map(|a| a as f64);
                let crossing = ((height - last.height) * per_square + q * q - p * p) / (2.0 * (q - p));
                if crossing > last.from {
                    from = crossing;
                    break;
                }
                self.parabolas.pop();
            }
            self.parabolas.push(Parabola { apex, height, from });
        }
    }

    /// Calls `each(place, height of the envelope)` for the places 0 to `count`.
    fn each(&self, count: usize, mut each: impl FnMut(usize, f64)) {
        let mut rest = self.parabolas.iter().peekable();
        let mut lowest = rest.next();
        for at in 0..count {
            while let Some(next) = rest.next_if(|next| next.from < at as f64) {
                lowest = Some(next);
            }
            let height =
                lowest.map_or(f64::INFINITY, |p| p.height + square(at.abs_diff(p.apex) as f64 * self.step));
            each(at, height);
        }
    }
}

fn square(x: f64) -> f64 {
    x * x
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn all(transform: &DistanceTransform) -> Vec<f64> {
        let [width, height, depth] = transform.dims;
        let mut out = vec![0.0; width * height * depth];
        let mut columns = transform.columns();
        for y in 0..height {
            for x in 0..width {
                for (z, d) in columns.at([x, y]).iter().enumerate() {
                    out[(z * height + y) * width + x] = *d;
                }
            }
        }
        out
    }

    #[test]
    fn distances_are_those_of_trying_every_point() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (dims, spacing) in
            [([9, 7, 5], [0.7, 0.9, 5.0]), ([1, 8, 6], [1.0; 3]), ([11, 1, 4], [3.0, 1.0, 0.2])]
        {
            for share in [0.005, 0.05, 0.6] {
                let len: usize = dims.iter().product();
                let mut set: Vec<bool> = (0..len).map(|_| rng.random_bool(share)).collect();
                set[len / 3] = true;
                let place = |i: usize| {
                    let voxel = [i % dims[0], i / dims[0] % dims[1], i / (dims[0] * dims[1])];
                    [0, 1, 2].map(|a| voxel[a] as f64 * spacing[a])
                };
                let found = all(&DistanceTransform::new(dims, spacing, |i| set[i]));
                for (i, found) in found.into_iter().enumerate() {
                    let here = place(i);
                    let to = |j: usize| {
                        let there = place(j);
                        (0..3).map(|a| square(here[a] - there[a])).sum::<f64>().sqrt()
                    };
                    let nearest = (0..len).filter(|&j| set[j]).map(to).fold(f64::INFINITY, f64::min);
                    assert!((found - nearest).abs() < 1e-12, "{dims:?} {share} {i}: {found} {nearest}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_infinitely_far() {
        let far = all(&DistanceTransform::new([3, 2, 2], [1.0; 3], |_| false));
        assert!(far.iter().all(|d| d.is_infinite()), "{far:?}");
    }
}
