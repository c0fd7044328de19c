use super::{Samples, Volume};
use rayon::prelude::*;

/// Summary of an image's values, over all voxels and channels. Values that are not finite are left out and counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stats {
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    /// NaN and infinite samples.
    pub not_finite: usize,
}

#[derive(Clone, Copy)]
struct Sums {
    min: f64,
    max: f64,
    sum: f64,
    count: usize,
    not_finite: usize,
}

impl Sums {
    const NONE: Sums = Sums { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, count: 0, not_finite: 0 };

    fn add(mut self, value: f64) -> Self {
        if value.is_finite() {
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sum += value;
            self.count += 1;
        } else {
            self.not_finite += 1;
        }
        self
    }

    fn merge(self, other: Self) -> Self {
        Sums {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum + other.sum,
            count: self.count + other.count,
            not_finite: self.not_finite + other.not_finite,
        }
    }
}

/// Chunks are fixed, so that the sum does not depend on the number of threads.
const CHUNK: usize = 1 << 16;

impl Stats {
    pub(super) fn of(volume: &Volume) -> Self {
        fn sums<T: Copy + Sync>(samples: &[T], add: impl Fn(Sums, T) -> Sums + Sync) -> Sums {
            let parts: Vec<Sums> = samples
                .par_chunks(CHUNK)
                .map(|chunk| chunk.iter().fold(Sums::NONE, |s, &v| add(s, v)))
                .collect();
            parts.into_iter().fold(Sums::NONE, Sums::merge)
        }
        let [slope, intercept] = volume.rescale().map(f64::from);
        let scaled = |s: Sums, raw: f64| s.add(raw * slope + intercept);
        let sums = match volume.samples() {
            Samples::U8(v) => sums(v, |s, x| scaled(s, x.into())),
            Samples::I16(v) => sums(v, |s, x| scaled(s, x.into())),
            Samples::U16(v) => sums(v, |s, x| scaled(s, x.into())),
            Samples::F32(v) => sums(v, |s, x| scaled(s, x.into())),
            Samples::Rgb8(v) => sums(v, |s, x: [u8; 3]| x.into_iter().fold(s, |s, c| s.add(c.into()))),
        };
        let [min, max, mean] =
            if sums.count == 0 { [0.0; 3] } else { [sums.min, sums.max, sums.sum / sums.count as f64] };
        Stats { min, max, mean, not_finite: sums.not_finite }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        geom::Grid,
        volume::{Modality, Samples, Volume},
    };

    #[test]
    fn not_a_number_is_counted_and_left_out() {
        let samples = Samples::F32([1.0, f32::NAN, 4.0, f32::INFINITY].into());
        let grid = Grid::pixels([2, 2, 1]).unwrap();
        let v = Volume::new(grid, samples, [2.0, 1.0], Modality::Other).unwrap();
        let s = v.stats();
        assert_eq!((s.min, s.max, s.mean, s.not_finite), (3.0, 9.0, 6.0, 2));
    }
}
