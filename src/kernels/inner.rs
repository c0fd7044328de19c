//! The two inner loops, in the widest vectors that the processor has.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// The most numbers that a loop computes at once; the lengths of buffers are multiples of it.
pub(super) const OVER: usize = 64;

/// A count, rounded up to what vectors need.
pub(super) fn padded(count: usize) -> usize {
    count.next_multiple_of(OVER)
}

/// Whether there are registers enough for the sums of a large block and their operands: processors have 16 or 32.
const fn many_registers<S: Simd>() -> bool {
    S::REGISTER_COUNT >= 32
}

/// How many channels of the result are summed at once.
const fn block_of<S: Simd>() -> usize {
    if many_registers::<S>() { MANY } else { FEW }
}

const MANY: usize = 8;
const FEW: usize = 4;

/// [`block_of`] this processor.
pub(super) fn block() -> usize {
    struct Block;

    impl WithSimd for Block {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            block_of::<S>()
        }
    }

    Arch::new().dispatch(Block)
}

/// Weights as [`Inner`] reads them: `[block, source channel, tap, target channel of the block]`, zeros after the last.
pub(super) struct Packed {
    values: Vec<f32>,
    block: usize,
}

impl Packed {
    pub fn new(
        [targets, sources, taps]: [usize; 3],
        weight: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let (width, size) = (block(), sources * taps * block());
        let mut values = vec![0.0; targets.div_ceil(width) * size];
        values.par_chunks_exact_mut(size.max(1)).enumerate().for_each(|(i, values)| {
            for (o, target) in (i * width..targets.min((i + 1) * width)).enumerate() {
                let mut place = o;
                for source in 0..sources {
                    for tap in 0..taps {
                        values[place] = weight(target, source, tap);
                        place += width;
                    }
                }
            }
        });
        Self { values, block: size }
    }

    pub fn block(&self, i: usize) -> &[f32] {
        &self.values[i * self.block..][..self.block]
    }
}

/// Where a window has what a target at its beginning needs: `offsets` for every tap, in every channel.
pub(crate) struct Places {
    pub channels: usize,
    pub channel: usize,
    pub offsets: Vec<usize>,
}

/// For a block of target channels: `sums[o][n] = bias[o] + Σ weight[i][t][o] · window[i][n + offset[t]]`.
pub(super) struct Inner<'a> {
    pub window: &'a [f32],
    pub places: &'a Places,
    pub weight: &'a [f32],
    /// May be shorter than the block.
    pub bias: &'a [f32],
    /// Of `n`, padded.
    pub length: usize,
    pub sums: &'a mut [f32],
}

impl WithSimd for Inner<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if many_registers::<S>() { self.blocks::<S, MANY, 3>(simd) } else { self.blocks::<S, FEW, 3>(simd) }
    }
}

impl Inner<'_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }

    #[inline(always)]
    fn blocks<S: Simd, const O: usize, const V: usize>(mut self, simd: S) {
        let mut n = 0;
        while n + V * S::F32_LANES <= self.length {
            self.vectors::<S, O, V>(simd, n);
            n += V * S::F32_LANES;
        }
        while n < self.length {
            self.vectors::<S, O, 1>(simd, n);
            n += S::F32_LANES;
        }
    }

    #[inline(always)]
    fn vectors<S: Simd, const O: usize, const V: usize>(&mut self, simd: S, n: usize) {
        let mut sums: [[S::f32s; V]; O] =
            std::array::from_fn(|o| [simd.splat_f32s(self.bias.get(o).copied().unwrap_or(0.0)); V]);
        let (weight, _) = pulp::as_arrays::<O, f32>(self.weight);
        let mut weight = weight.iter();
        for i in 0..self.places.channels {
            let first = i * self.places.channel + n;
            // None where no tap meets the targets: those of a stride that a small kernel leaves out.
            for (offset, weight) in self.places.offsets.iter().zip(&mut weight) {
                let (values, _) = S::as_simd_f32s(&self.window[first + offset..][..V * S::F32_LANES]);
                for o in 0..O {
                    let weight = simd.splat_f32s(weight[o]);
                    for v in 0..V {
                        sums[o][v] = simd.mul_add_e_f32s(values[v], weight, sums[o][v]);
                    }
                }
            }
        }
        for (o, sums) in sums.iter().enumerate() {
            let (targets, _) = S::as_mut_simd_f32s(&mut self.sums[o * self.length + n..][..V * S::F32_LANES]);
            targets.copy_from_slice(sums);
        }
    }
}

/// For some channels of maps: `sums[o][i][t] += Σ maps[o][n] · window[i][n + offset[t]]`.
pub(super) struct Outer<'a> {
    pub window: &'a [f32],
    pub places: &'a Places,
    /// Of [`Outer::rows`] channels, each of `length`, which is padded; zero where no target is.
    pub maps: &'a [f32],
    pub length: usize,
    pub sums: &'a mut [f32],
}

/// Channels of maps that are multiplied at once.
const ROWS: usize = 4;

impl Outer<'_> {
    /// A count of channels, rounded up to what vectors need.
    pub fn rows(channels: usize) -> usize {
        channels.next_multiple_of(ROWS)
    }

    pub fn run(self) {
        Arch::new().dispatch(self);
    }

    #[inline(always)]
    fn blocks<S: Simd, const J: usize>(self, simd: S) {
        let offsets = &self.places.offsets;
        let starts =
            (0..self.places.channels).flat_map(|i| offsets.iter().map(move |o| i * self.places.channel + o));
        let starts: Vec<usize> = starts.collect();
        let (length, columns) = (self.length, starts.len());
        let blocks = self.maps.chunks_exact(ROWS * length).zip(self.sums.chunks_exact_mut(ROWS * columns));
        for (maps, sums) in blocks {
            let maps: [&[S::f32s]; ROWS] =
                std::array::from_fn(|o| S::as_simd_f32s(&maps[o * length..][..length]).0);
            for (j, starts_here) in starts.chunks(J).enumerate() {
                // What is summed after the last is thrown away.
                let values: [&[S::f32s]; J] = std::array::from_fn(|k| {
                    let start = starts_here[k.min(starts_here.len() - 1)];
                    S::as_simd_f32s(&self.window[start..start + length]).0
                });
                let found = products::<S, J>(simd, maps, values);
                for (o, found) in found.into_iter().enumerate() {
                    let sums = &mut sums[o * columns + j * J..][..starts_here.len()];
                    sums.iter_mut().zip(found).for_each(|(sum, found)| *sum += simd.reduce_sum_f32s(found));
                }
            }
        }
    }
}

impl WithSimd for Outer<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if many_registers::<S>() { self.blocks::<S, 6>(simd) } else { self.blocks::<S, 2>(simd) }
    }
}

/// `Σ maps[o] · values[j]`, lane by lane.
#[inline(always)]
fn products<S: Simd, const J: usize>(
    simd: S,
    maps: [&[S::f32s]; ROWS],
    values: [&[S::f32s]; J],
) -> [[S::f32s; J]; ROWS] {
    let mut sums = [[simd.splat_f32s(0.0); J]; ROWS];
    let count = maps[0].len();
    let (maps, values) = (maps.map(|map| &map[..count]), values.map(|value| &value[..count]));
    for n in 0..count {
        let map: [S::f32s; ROWS] = std::array::from_fn(|o| maps[o][n]);
        for j in 0..J {
            let value = values[j][n];
            for o in 0..ROWS {
                sums[o][j] = simd.mul_add_e_f32s(map[o], value, sums[o][j]);
            }
        }
    }
    sums
}

/// The sum of some numbers, whose order depends on the processor's vectors alone.
pub fn sum(values: &[f32]) -> f32 {
    struct Sum<'a>(&'a [f32]);

    impl WithSimd for Sum<'_> {
        type Output = f32;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            let (vectors, rest) = S::as_simd_f32s(self.0);
            let mut sums = [simd.splat_f32s(0.0); 4];
            let (four, last) = pulp::as_arrays::<4, _>(vectors);
            for vectors in four {
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = simd.add_f32s(*sum, *vector);
                }
            }
            for vector in last {
                sums[0] = simd.add_f32s(sums[0], *vector);
            }
            let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
            simd.reduce_sum_f32s(sum) + rest.iter().sum::<f32>()
        }
    }

    Arch::new().dispatch(Sum(values))
}
