//! Patches from prepared slices. The batch of a step depends on the seed and the step's number alone, so a resumed run
//! draws what it would have drawn, and batches may be made ahead and side by side.

use super::Augment;
use crate::nn::loss::IGNORE;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// A slice as the network would see it, before the card's mean and deviation, with a class for each of its pixels.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub channels: usize,
    pub width: usize,
    pub height: usize,
    /// Whether the channels are red, green and blue.
    pub colour: bool,
    /// `[channels][height][width]`, from 0 to 1.
    pub planes: Vec<f32>,
    /// `[height][width]`, [`IGNORE`] where not known.
    pub classes: Vec<u16>,
    /// Pixels with a known class, by class; each list in order.
    by_class: Vec<(u16, Vec<u32>)>,
    known: usize,
}

impl Prepared {
    /// # Panics
    /// Where the lengths do not belong together.
    pub fn new(
        [channels, height, width]: [usize; 3],
        colour: bool,
        planes: Vec<f32>,
        classes: Vec<u16>,
    ) -> Self {
        assert_eq!(planes.len(), channels * width * height, "one value a channel and pixel");
        assert_eq!(classes.len(), width * height, "one class a pixel");
        let mut by_class: Vec<(u16, Vec<u32>)> = vec![];
        for (i, &class) in classes.iter().enumerate() {
            if class == IGNORE {
                continue;
            }
            let at = match by_class.binary_search_by_key(&class, |(c, _)| *c) {
                Ok(at) => at,
                Err(at) => {
                    by_class.insert(at, (class, vec![]));
                    at
                }
            };
            by_class[at].1.push(i as u32);
        }
        let known = by_class.iter().map(|(_, pixels)| pixels.len()).sum();
        Self { channels, width, height, colour, planes, classes, by_class, known }
    }

    /// Pixels whose class is known.
    pub fn known_pixels(&self) -> usize {
        self.known
    }

    pub fn byte_len(&self) -> usize {
        self.planes.len() * 4 + self.classes.len() * 2 + self.known * 4
    }

    /// A known pixel; with `foreground` one of a class other than 0, if there is any, all such classes alike.
    fn pick(&self, foreground: bool, rng: &mut ChaCha8Rng) -> [f32; 2] {
        let classes: Vec<&Vec<u32>> =
            self.by_class.iter().filter(|(c, _)| *c != 0).map(|(_, pixels)| pixels).collect();
        let (which, where_) = (rng.random::<f64>(), rng.random::<f64>());
        let at = |n: usize, share: f64| ((share * n as f64) as usize).min(n.saturating_sub(1));
        let index = if foreground && !classes.is_empty() {
            let pixels = classes[at(classes.len(), which)];
            pixels[at(pixels.len(), where_)]
        } else {
            let mut left = at(self.known, where_);
            let mut found = 0;
            for (_, pixels) in &self.by_class {
                if left < pixels.len() {
                    found = pixels[left];
                    break;
                }
                left -= pixels.len();
            }
            found
        } as usize;
        [(index % self.width) as f32, (index / self.width) as f32]
    }

    /// A patch of `size`×`size`: values `[channels][size][size]` and classes `[size][size]`.
    fn patch(
        &self,
        size: usize,
        foreground: f32,
        augment: &Augment,
        rng: &mut ChaCha8Rng,
    ) -> (Vec<f32>, Vec<u16>) {
        let wants_foreground = rng.random::<f32>() < foreground;
        let [x, y] = self.pick(wants_foreground, rng);
        // The picked pixel lies anywhere in the patch, not always in its middle, and the patch hangs over the slice's
        // edge no further than it must.
        let mut place = |at: f32, length: usize| {
            let shifted = at - (rng.random::<f32>() - 0.5) * size as f32 * 0.75;
            let half = (size as f32 - 1.0) / 2.0;
            let (low, high) = (half, length as f32 - 1.0 - half);
            let centre = if low <= high { shifted.clamp(low, high) } else { (length as f32 - 1.0) / 2.0 };
            // on whole pixels where the patch itself is
            (centre - half).round() + half
        };
        let centre = [place(x, self.width), place(y, self.height)];
        let m = augment.geometry(rng);
        let mut planes = vec![0.0; self.channels * size * size];
        let mut classes = vec![IGNORE; size * size];
        let half = (size as f32 - 1.0) / 2.0;
        let area = self.width * self.height;
        let (right, bottom) = (self.width as f32 - 1.0, self.height as f32 - 1.0);
        for row in 0..size {
            for column in 0..size {
                let [dx, dy] = [column as f32 - half, row as f32 - half];
                let sx = centre[0] + m[0][0] * dx + m[0][1] * dy;
                let sy = centre[1] + m[1][0] * dx + m[1][1] * dy;
                let out = row * size + column;
                let [nx, ny] = [sx.round(), sy.round()];
                if (0.0..=right).contains(&nx) && (0.0..=bottom).contains(&ny) {
                    classes[out] = self.classes[ny as usize * self.width + nx as usize];
                }
                let (cx, cy) = (sx.clamp(0.0, right), sy.clamp(0.0, bottom));
                let (x0, y0) = (cx as usize, cy as usize);
                let (x1, y1) = ((x0 + 1).min(self.width - 1), (y0 + 1).min(self.height - 1));
                let (fx, fy) = (cx - x0 as f32, cy - y0 as f32);
                for c in 0..self.channels {
                    let plane = &self.planes[c * area..(c + 1) * area];
                    let at = |x: usize, y: usize| plane[y * self.width + x];
                    let top = at(x0, y0) + (at(x1, y0) - at(x0, y0)) * fx;
                    let low = at(x0, y1) + (at(x1, y1) - at(x0, y1)) * fx;
                    planes[c * size * size + out] = top + (low - top) * fy;
                }
            }
        }
        augment.intensity(&mut planes, self.channels, self.colour, rng);
        (planes, classes)
    }
}

/// One step's patches on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[n][channels][size][size]`.
    pub input: Vec<f32>,
    /// `[n][size][size]`.
    pub classes: Vec<u16>,
    pub n: usize,
    pub channels: usize,
    pub size: usize,
}

/// What a batch is drawn by.
#[derive(Clone, Debug)]
pub struct Sampler {
    pub seed: u64,
    pub batch: usize,
    pub size: usize,
    pub foreground: f32,
    pub augment: Augment,
    /// Per channel, as in the card; empty for none.
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}

impl Sampler {
    /// The batch of `step`. Slices are visited in rounds, each round in its own order, so that none waits long.
    ///
    /// # Panics
    /// Where there is no slice.
    pub fn batch(&self, slices: &[std::sync::Arc<Prepared>], step: u64) -> Batch {
        assert!(!slices.is_empty(), "a batch needs slices");
        let channels = slices[0].channels;
        let patches: Vec<(Vec<f32>, Vec<u16>)> = (0..self.batch)
            .into_par_iter()
            .map(|i| {
                let number = step * self.batch as u64 + i as u64;
                let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
                rng.set_stream(number + 1);
                let slice = &slices[self.slice_of(number, slices.len())];
                let (mut planes, classes) = slice.patch(self.size, self.foreground, &self.augment, &mut rng);
                self.standardise(&mut planes, channels);
                (planes, classes)
            })
            .collect();
        Batch {
            n: self.batch,
            channels,
            size: self.size,
            input: patches.iter().flat_map(|(planes, _)| planes.iter().copied()).collect(),
            classes: patches.iter().flat_map(|(_, classes)| classes.iter().copied()).collect(),
        }
    }

    fn standardise(&self, planes: &mut [f32], channels: usize) {
        let area = planes.len() / channels.max(1);
        for (c, plane) in planes.chunks_exact_mut(area.max(1)).enumerate() {
            let mean = self.mean.get(c).copied().unwrap_or(0.0);
            let std = self.std.get(c).copied().unwrap_or(1.0);
            for v in plane {
                *v = (*v - mean) / std;
            }
        }
    }

    /// The slice of the `number`-th patch: a permutation of all slices for each round.
    fn slice_of(&self, number: u64, slices: usize) -> usize {
        let (round, position) = (number / slices as u64, (number % slices as u64) as usize);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x9e37_79b9_7f4a_7c15);
        rng.set_stream(round);
        let mut order: Vec<usize> = (0..slices).collect();
        for i in (1..slices).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        order[position]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// 40×30, the value of a pixel is its class over 10.
    fn slice(unknown: bool) -> Arc<Prepared> {
        let classes: Vec<u16> = (0..1200usize)
            .map(|i| match (i % 40, i / 40) {
                (x, _) if unknown && x < 20 => IGNORE,
                (x, y) if (25..30).contains(&x) && (10..20).contains(&y) => 2,
                _ => 0,
            })
            .collect();
        let planes = classes.iter().map(|&c| if c == IGNORE { 0.9 } else { f32::from(c) / 10.0 }).collect();
        Arc::new(Prepared::new([1, 30, 40], false, planes, classes))
    }

    fn sampler(augment: Augment) -> Sampler {
        Sampler { seed: 5, batch: 6, size: 16, foreground: 1.0, augment, mean: vec![], std: vec![] }
    }

    #[test]
    fn image_and_labels_move_together() {
        let augment = Augment { flip_x: true, flip_y: true, turns: true, ..Augment::default() };
        let batch = sampler(augment).batch(&[slice(false)], 3);
        assert!(batch.classes.contains(&2), "patches are drawn where the class is");
        for (v, c) in batch.input.iter().zip(&batch.classes) {
            assert_eq!(*v, f32::from(*c) / 10.0);
        }
    }

    #[test]
    fn rotated_labels_stay_labels_and_what_lies_outside_is_unknown() {
        let augment = Augment { rotate_deg: 45.0, scale: 0.3, ..Augment::default() };
        let mut s = sampler(augment);
        s.size = 48;
        let batch = s.batch(&[slice(false)], 0);
        assert!(batch.classes.iter().all(|c| [0, 2, IGNORE].contains(c)));
        assert!(batch.classes.contains(&IGNORE), "a patch larger than the slice shows its outside");
        assert!(batch.input.iter().all(|v| (0.0..=0.2).contains(v)), "values are mixed, never invented");
    }

    #[test]
    fn a_step_draws_the_same_batch_again_and_another_step_another() {
        let s = sampler(Augment::for_modality(crate::volume::Modality::Fundus));
        let slices = [slice(false), slice(true)];
        assert_eq!(s.batch(&slices, 7), s.batch(&slices, 7));
        assert_ne!(s.batch(&slices, 7), s.batch(&slices, 8));
    }

    #[test]
    fn patches_are_drawn_around_known_pixels() {
        let mut s = sampler(Augment::default());
        s.foreground = 0.0;
        for step in 0..20 {
            let batch = s.batch(&[slice(true)], step);
            for patch in batch.classes.chunks_exact(256) {
                assert!(patch.iter().any(|&c| c != IGNORE));
            }
        }
    }

    #[test]
    fn each_round_visits_every_slice_once() {
        let s = sampler(Augment::default());
        let mut seen: Vec<usize> = (10..15).map(|n| s.slice_of(n, 5)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }
}
