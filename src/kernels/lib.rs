//! Convolution on the CPU, with both of its gradients.
//!
//! burn's own way (flex 0.22.1) copies the input channels last on one thread, unfolds it patch by patch, and takes the
//! gradient of the weight for a convolution whose kernel is as large as the picture: a training step costs several times
//! what other programs need. Here all three are correlations of one map with shifted copies of another, and none is
//! unfolded: a tile of rows lies padded in a processor's cache ([`window`]), where each tap of the kernel is an offset, and
//! the sums stay in registers ([`inner`]).
//!
//! What comes out does not depend on the number of threads: every sum has its fixed order.

mod inner;
mod window;

pub use inner::sum;

use inner::{Inner, Outer, Packed, block, padded};
use rayon::prelude::*;
use window::{Axis, Window};

/// A convolution between maps `[depth, height, width]`; slices have a depth of 1, and so have their kernels. Every
/// group of channels is a convolution of its own: groups are computed like samples with different weights.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    pub batch: usize,
    pub groups: usize,
    /// Of input and output, in a group.
    pub channels: [usize; 2],
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: [usize; 3],
    pub dilation: [usize; 3],
    pub input: [usize; 3],
    pub output: [usize; 3],
}

/// Asked from time to time, from any thread: whether to go on.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// Tiles for each thread. Several, because all threads wait for the last tile.
const TILES_PER_THREAD: usize = 3;
/// Parts in which the gradient of a weight is summed, whatever the number of threads.
const PARTS: usize = 32;
/// Output channels of such a part, at least: the input is copied for each part.
const LEAST_CHANNELS: usize = 8;

/// The targets of one of the stride's phases, with the taps of the kernel that reach them.
struct Phase {
    axes: [Axis; 3],
    /// Of each group.
    weights: Vec<Packed>,
}

/// Rows of the result that are computed together: of a plane, or of as many planes as the targets are spread over, in some
/// output channels.
struct Tile<'a> {
    sample: usize,
    channel: usize,
    plane: usize,
    row: usize,
    /// For every channel, for every plane.
    rows: Vec<&'a mut [f32]>,
}

impl Convolution {
    /// `x` `[batch, groups * input, …]`, `weight` `[groups * output, input, …]` and `bias` `[groups * output]` give `[batch,
    /// groups * output, …]`; nothing where it was not to go on.
    pub fn forward(
        &self,
        x: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        go_on: GoOn<'_>,
    ) -> Option<Vec<f32>> {
        let [inputs, outputs] = self.channels;
        let taps: usize = self.kernel.iter().product();
        let weights = self.packed([outputs, inputs, taps], |group, o, i, t| {
            weight[((group * outputs + o) * inputs + i) * taps + t]
        });
        let phase = Phase { axes: self.axes(), weights };
        self.correlate(&[phase], (x, self.input), self.channels, (self.output, bias), go_on)
    }

    /// The gradient of the input from that of the output, `[batch, groups * output, …]`; this is the transposed convolution
    /// of the latter, which may have a bias of its own, `[groups * input]`.
    pub fn input_gradient(
        &self,
        gradient: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        go_on: GoOn<'_>,
    ) -> Option<Vec<f32>> {
        let ([inputs, outputs], [planes, rows, columns]) = (self.channels, self.stride);
        let all: usize = self.kernel.iter().product();
        let phase = |phase: usize| {
            let phases = [phase / (rows * columns), phase / columns % rows, phase % columns];
            let axes = [0, 1, 2].map(|axis| self.transposed_axis(axis, phases[axis]));
            let taps = window::product(axes.each_ref().map(|axis| &axis.taps[..]), self.kernel);
            let weights = self.packed([inputs, outputs, taps.len()], |group, i, o, t| {
                weight[((group * outputs + o) * inputs + i) * all + taps[t]]
            });
            Phase { axes, weights }
        };
        let phases: Vec<Phase> = (0..planes * rows * columns).map(phase).collect();
        self.correlate(&phases, (gradient, self.output), [outputs, inputs], (self.input, bias), go_on)
    }

    fn packed(
        &self,
        sizes: [usize; 3],
        weight: impl Fn(usize, usize, usize, usize) -> f32 + Sync,
    ) -> Vec<Packed> {
        (0..self.groups)
            .map(|group| Packed::new(sizes, |to, from, tap| weight(group, to, from, tap)))
            .collect()
    }

    /// The gradient of the weight, `[groups * output, input, …]`, from the input and the gradient of the output.
    pub fn weight_gradient(&self, x: &[f32], gradient: &[f32]) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        let mut result = vec![0.0f32; self.groups * outputs * inputs * self.kernel.iter().product::<usize>()];
        let size = result.len() / self.groups.max(1);
        let groups = result.par_chunks_mut(size.max(1)).enumerate();
        groups.for_each(|(group, result)| self.weight_gradient_of(group, x, gradient, result));
        result
    }

    fn weight_gradient_of(&self, group: usize, x: &[f32], gradient: &[f32], result: &mut [f32]) {
        let (axes, [inputs, outputs]) = (self.axes(), self.channels);
        let columns = inputs * self.kernel.iter().product::<usize>();
        let [depth, height, width] = self.output;
        let window = Window::new(&axes, inputs);
        let rows = window.rows(height);
        let sample = |i: usize| i * self.groups + group;
        let tiles: Vec<[usize; 3]> = (0..self.batch * depth)
            .flat_map(|plane| {
                (0..height).step_by(rows).map(move |row| [sample(plane / depth), plane % depth, row])
            })
            .collect();
        let shares = outputs.div_ceil(LEAST_CHANNELS).min(PARTS);
        let share = outputs.div_ceil(shares);
        let group = tiles.len().div_ceil(PARTS / shares).max(1);
        let size: usize = self.input.iter().product();
        // Of some tiles, for the output channels from `first`.
        let sum = |tiles: &[[usize; 3]], first: usize, count: usize| {
            let mut sums = vec![0.0f32; Outer::rows(count) * columns];
            let (mut copy, mut maps) = (vec![], vec![]);
            for &[sample, plane, row] in tiles {
                let end = (row + rows).min(height);
                window.fill(&axes, &x[sample * inputs * size..][..inputs * size], plane, row..end, &mut copy);
                let length = padded((end - row) * window.pitch());
                maps.clear();
                maps.resize(Outer::rows(count) * length, 0.0);
                for (o, map) in maps.chunks_exact_mut(length).take(count).enumerate() {
                    let from = ((sample * outputs + first + o) * depth + plane) * height * width;
                    let from = &gradient[from..][row * width..end * width];
                    for (to, from) in map.chunks_mut(window.pitch()).zip(from.chunks_exact(width)) {
                        to[..width].copy_from_slice(from);
                    }
                }
                let places = window.places(end - row);
                Outer { window: &copy, places: &places, maps: &maps, length, sums: &mut sums }.run();
            }
            sums
        };
        result.par_chunks_mut(share * columns).enumerate().for_each(|(i, result)| {
            let count = result.len() / columns;
            let sums: Vec<Vec<f32>> =
                tiles.par_chunks(group).map(|tiles| sum(tiles, i * share, count)).collect();
            for sums in sums {
                result.iter_mut().zip(sums).for_each(|(result, sum)| *result += sum);
            }
        });
    }

    /// Each output sums the taps of the input.
    fn axes(&self) -> [Axis; 3] {
        [0, 1, 2].map(|a| {
            let shift = |tap: usize| (tap * self.dilation[a]) as isize - self.padding[a] as isize;
            let taps: Vec<usize> = (0..self.kernel[a]).collect();
            Axis {
                stride: self.stride[a],
                shifts: taps.iter().map(|tap| shift(*tap)).collect(),
                taps,
                spread: 1,
                offset: 0,
                targets: self.output[a],
                source: self.input[a],
            }
        })
    }

    /// Each input at `phase` in the stride sums the taps of the outputs that it went into.
    fn transposed_axis(&self, a: usize, phase: usize) -> Axis {
        // Input `t * stride + phase` meets tap `k` of output `t + shift`.
        let shift = |tap: &usize| {
            let ahead = (phase + self.padding[a]) as isize - (tap * self.dilation[a]) as isize;
            (ahead % self.stride[a] as isize == 0).then(|| ahead / self.stride[a] as isize)
        };
        let taps: Vec<usize> = (0..self.kernel[a]).filter(|tap| shift(tap).is_some()).collect();
        Axis {
            stride: 1,
            shifts: taps.iter().filter_map(shift).collect(),
            taps,
            spread: self.stride[a],
            offset: phase,
            targets: self.input[a].saturating_sub(phase).div_ceil(self.stride[a]),
            source: self.output[a],
        }
    }

    /// From maps of the source's size in `inputs` channels to `outputs` of another size. The largest layers last for
    /// seconds, so each tile asks whether to go on.
    fn correlate(
        &self,
        phases: &[Phase],
        (source, from): (&[f32], [usize; 3]),
        [inputs, outputs]: [usize; 2],
        (to @ [depth, height, width], bias): ([usize; 3], Option<&[f32]>),
        go_on: GoOn<'_>,
    ) -> Option<Vec<f32>> {
        let windows: Vec<Window> = phases.iter().map(|phase| Window::new(&phase.axes, inputs)).collect();
        let mut result = vec![0.0f32; self.batch * self.groups * outputs * depth * height * width];
        let spread = phases.first().map_or([1; 3], |phase| phase.axes.each_ref().map(|axis| axis.spread));
        let rows = windows.iter().map(|window| window.rows(height.div_ceil(spread[1]))).min().unwrap_or(1);
        let (rows, share) =
            self.shares(rows, outputs, [depth.div_ceil(spread[0]), height.div_ceil(spread[1])]);
        let tiles = tiles(&mut result, to, outputs, share, rows, spread);
        let size: usize = from.iter().product();
        let compute = |(copy, sums): &mut (Vec<f32>, Vec<f32>), tile: Tile<'_>| {
            if !go_on() {
                return None;
            }
            let source = &source[tile.sample * inputs * size..][..inputs * size];
            let Tile { sample, channel, plane, row, rows: mut targets } = tile;
            let group = sample % self.groups;
            let held = spread[0].min(depth - plane * spread[0]);
            for (phase, window) in phases.iter().zip(&windows) {
                let [d, h, w] = &phase.axes;
                let end = (row + rows).min(h.targets);
                if plane >= d.targets || row >= end || w.targets == 0 {
                    continue;
                }
                window.fill(&phase.axes, source, plane, row..end, copy);
                let places = window.places(end - row);
                let length = padded((end - row) * window.pitch());
                sums.resize(block() * length, 0.0);
                for (i, targets) in targets.chunks_mut(block() * held).enumerate() {
                    let first = channel + i * block();
                    let weight = phase.weights[group].block(first / block());
                    let bias = bias.map(|bias| &bias[group * outputs..][first..outputs.min(first + block())]);
                    Inner { window: copy, places: &places, weight, bias: bias.unwrap_or(&[]), length, sums }
                        .run();
                    for (sums, planes) in sums.chunks_exact(length).zip(targets.chunks_exact_mut(held)) {
                        let lines = planes[d.offset].chunks_mut(width).skip(h.offset).step_by(h.spread);
                        for (line, sums) in lines.zip(sums.chunks(window.pitch())) {
                            w.spread_out(&sums[..w.targets], line);
                        }
                    }
                }
            }
            Some(())
        };
        tiles.into_par_iter().try_for_each_init(Default::default, compute)?;
        Some(result)
    }

    /// Rows of a tile, of at most `rows`, and how many of the output channels it computes: whole blocks. All channels where
    /// that gives tiles enough for all threads, fewer where it does not, and then fewer rows.
    fn shares(&self, rows: usize, outputs: usize, [planes, lines]: [usize; 2]) -> (usize, usize) {
        let wanted = TILES_PER_THREAD * rayon::current_num_threads();
        let (blocks, tiles) =
            (outputs.div_ceil(block()), self.batch * self.groups * planes * lines.div_ceil(rows));
        let shares = wanted.div_ceil(tiles.max(1)).clamp(1, blocks.max(1));
        let parts = wanted.div_ceil((tiles * shares).max(1));
        (rows.div_ceil(parts), blocks.div_ceil(shares) * block())
    }
}

/// The result's rows, by tile.
fn tiles(
    result: &mut [f32],
    [depth, height, width]: [usize; 3],
    outputs: usize,
    share: usize,
    rows: usize,
    [over_planes, over_rows, _]: [usize; 3],
) -> Vec<Tile<'_>> {
    let map = depth * height * width;
    let per_plane = height.div_ceil(rows * over_rows);
    let mut tiles: Vec<Tile<'_>> = vec![];
    if map == 0 {
        return tiles;
    }
    for (sample, maps) in result.chunks_exact_mut(outputs * map).enumerate() {
        for (i, maps) in maps.chunks_mut(share * map).enumerate() {
            let first = tiles.len();
            for plane in 0..depth.div_ceil(over_planes) {
                let row = (0..per_plane).map(|i| i * rows);
                tiles.extend(row.map(|row| Tile { sample, channel: i * share, plane, row, rows: vec![] }));
            }
            for map in maps.chunks_exact_mut(map) {
                for (d, plane) in map.chunks_exact_mut(height * width).enumerate() {
                    let tiles = tiles[first + d / over_planes * per_plane..].iter_mut();
                    tiles
                        .zip(plane.chunks_mut(rows * over_rows * width))
                        .for_each(|(tile, rows)| tile.rows.push(rows));
                }
            }
        }
    }
    tiles
}
