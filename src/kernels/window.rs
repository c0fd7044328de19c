//! Where the taps of a convolution meet its source.

use super::inner::{OVER, Places};
use std::ops::Range;

/// Along one axis: the target at `t * spread + offset` sums what lies at `t * stride + shift` of the source, for every
/// shift. Beyond the source lies zero.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub stride: usize,
    pub shifts: Vec<isize>,
    /// The place in the kernel of each shift.
    pub taps: Vec<usize>,
    pub spread: usize,
    pub offset: usize,
    pub targets: usize,
    pub source: usize,
}

impl Axis {
    /// Writes values to their places in a line of targets.
    pub fn spread_out(&self, values: &[f32], line: &mut [f32]) {
        if self.spread == 1 {
            line.copy_from_slice(values);
        } else {
            let targets = line[self.offset..].iter_mut().step_by(self.spread);
            targets.zip(values).for_each(|(target, value)| *target = *value);
        }
    }

    /// The place of the source that step `index` of a phase stands for, if there is one.
    fn place(&self, index: isize, phase: usize) -> Option<usize> {
        usize::try_from(index * self.stride as isize + phase as isize)
            .ok()
            .filter(|place| *place < self.source)
    }
}

/// Indices into a kernel of every combination of taps.
pub(crate) fn product(taps: [&[usize]; 3], kernel: [usize; 3]) -> Vec<usize> {
    let mut indices = Vec::with_capacity(taps.map(<[usize]>::len).iter().product());
    for plane in taps[0] {
        for row in taps[1] {
            indices.extend(taps[2].iter().map(|column| (plane * kernel[1] + row) * kernel[2] + column));
        }
    }
    indices
}

/// The source's shifts along an axis, in whole strides and what is left over: steps of one phase of the stride lie side by
/// side in a window, so that vectors read them at once.
#[derive(Debug)]
struct Steps {
    /// The first step that any shift asks for, and how many more there are.
    first: isize,
    reach: usize,
    phases: Vec<usize>,
    /// For each shift, which of the phases, and how many steps from the first.
    shifts: Vec<[usize; 2]>,
}

impl Steps {
    fn new(axis: &Axis) -> Self {
        let stride = axis.stride as isize;
        let steps = || axis.shifts.iter().map(|shift| shift.div_euclid(stride));
        let (first, last) = (steps().min().unwrap_or(0), steps().max().unwrap_or(0));
        let phase = |shift: &isize| shift.rem_euclid(stride) as usize;
        let mut phases: Vec<usize> = axis.shifts.iter().map(phase).collect();
        phases.sort_unstable();
        phases.dedup();
        let index = |shift: &isize| phases.partition_point(|known| *known < phase(shift));
        let shifts = axis
            .shifts
            .iter()
            .map(|shift| [index(shift), (shift.div_euclid(stride) - first) as usize])
            .collect();
        Self { first, reach: (last - first) as usize, shifts, phases }
    }
}

/// Numbers of a window: it shares a processor's second cache with weights and sums.
const SIZE: usize = 1 << 17;

/// A padded copy of what some rows of targets need: for every channel, for every tap along the depth, for every phase of
/// rows and columns, lines of `pitch` numbers one after the other. Target `(row, column)` of the tile, at `row * pitch +
/// column`, finds each tap at a fixed distance ([`Places`]); what vectors compute between the rows is not read.
pub(crate) struct Window {
    channels: usize,
    depth: usize,
    rows: Steps,
    columns: Steps,
    pitch: usize,
}

impl Window {
    pub fn new([depth, rows, columns]: &[Axis; 3], channels: usize) -> Self {
        let (rows, steps) = (Steps::new(rows), Steps::new(columns));
        let pitch = (columns.targets + steps.reach).max(1);
        Self { channels, depth: depth.shifts.len(), rows, columns: steps, pitch }
    }

    pub fn pitch(&self) -> usize {
        self.pitch
    }

    /// How many rows of targets a tile has, of so many.
    pub fn rows(&self, all: usize) -> usize {
        let line = self.channels * self.planes() * self.pitch;
        // Of the rows that are copied for a few targets most are copied again for the next.
        (SIZE / line.max(1))
            .saturating_sub(self.rows.reach)
            .clamp(1, all.max(1))
            .max(self.rows.reach.min(all))
    }

    /// Planes of a channel.
    fn planes(&self) -> usize {
        self.depth * self.rows.phases.len() * self.columns.phases.len()
    }

    pub fn places(&self, rows: usize) -> Places {
        let plane = (rows + self.rows.reach) * self.pitch;
        let mut offsets = Vec::with_capacity(self.depth * self.rows.shifts.len() * self.columns.shifts.len());
        for z in 0..self.depth {
            for [row_phase, y] in &self.rows.shifts {
                for [column_phase, x] in &self.columns.shifts {
                    let phases = (z * self.rows.phases.len() + row_phase) * self.columns.phases.len();
                    offsets.push((phases + column_phase) * plane + y * self.pitch + x);
                }
            }
        }
        Places { channels: self.channels, channel: self.planes() * plane, offsets }
    }

    /// Copies what the targets of some rows of a plane need, from a source `[channels, depth, height, width]`.
    pub fn fill(
        &self,
        [d, h, w]: &[Axis; 3],
        source: &[f32],
        plane: usize,
        rows: Range<usize>,
        copy: &mut Vec<f32>,
    ) {
        let lines = rows.len() + self.rows.reach;
        copy.clear();
        // The last row's taps, and vectors, reach beyond the end.
        let over = self.columns.reach + OVER;
        copy.resize(self.channels * self.planes() * lines * self.pitch + over, 0.0);
        let mut targets = copy.chunks_exact_mut(self.pitch);
        for channel in source.chunks_exact(d.source * h.source * w.source) {
            for shift in &d.shifts {
                let z = usize::try_from((plane * d.stride) as isize + shift).ok().filter(|z| *z < d.source);
                for row_phase in &self.rows.phases {
                    for column_phase in &self.columns.phases {
                        for (line, target) in (0..lines).zip(&mut targets) {
                            let y = h.place((rows.start + line) as isize + self.rows.first, *row_phase);
                            if let (Some(z), Some(y)) = (z, y) {
                                let line = &channel[(z * h.source + y) * w.source..][..w.source];
                                self.fill_line(w, line, *column_phase, target);
                            }
                        }
                    }
                }
            }
        }
    }

    fn fill_line(&self, axis: &Axis, source: &[f32], phase: usize, target: &mut [f32]) {
        let first = self.columns.first;
        // The first step that lies in the source.
        let begin = (-(first * axis.stride as isize + phase as isize)).max(0) as usize;
        let begin = begin.div_ceil(axis.stride);
        let Some(place) = axis.place(begin as isize + first, phase) else { return };
        let Some(target) = target.get_mut(begin..) else { return };
        if axis.stride == 1 {
            let count = target.len().min(source.len() - place);
            target[..count].copy_from_slice(&source[place..place + count]);
        } else {
            let values = source[place..].iter().step_by(axis.stride);
            target.iter_mut().zip(values).for_each(|(target, value)| *target = *value);
        }
    }
}
