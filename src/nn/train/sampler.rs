//! Patches from prepared slices. The batch of a step depends on the seed and the step's number alone, so a resumed run
//! draws what it would have drawn, and batches may be made ahead and side by side.

use super::{Augment, Padding};
use crate::nn::loss::IGNORE;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::{ops::Range, sync::Arc};

/// What of a slice becomes a patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crop {
    /// A square about a pixel whose class is known, often of a foreground class.
    #[default]
    Patch,
    /// A square anywhere, all places alike; a slice that is smaller lies in its middle.
    Window,
    /// The whole slice, in the middle of a frame that holds the largest of them.
    Whole,
}

/// What becomes of the slices that are left over when a round over all of them does not fill its last batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastBatch {
    /// The next round fills it up.
    #[default]
    Fill,
    /// They wait for the next round, which has another order.
    Drop,
    /// They are a smaller batch.
    Keep,
}

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

    /// A patch of `[width, height]`: values `[channels][height][width]` and classes `[height][width]`.
    fn patch(
        &self,
        [width, height]: [usize; 2],
        crop: Crop,
        foreground: f32,
        augment: &Augment,
        rng: &mut ChaCha8Rng,
    ) -> (Vec<f32>, Vec<u16>) {
        let slice = [self.width, self.height];
        let zoomed = augment.zoomed(slice, rng);
        let centre = match crop {
            Crop::Patch => self.place_about_known([width, height], zoomed, foreground, rng),
            Crop::Window | Crop::Whole => [width, height].map_with(zoomed, |size, length| {
                let first = match (length + 1).checked_sub(size) {
                    Some(places) if places > 0 => (places as f32 * rng.random::<f32>()) as isize,
                    _ => -(((size - length) / 2) as isize),
                };
                first as f32 + (size as f32 - 1.0) / 2.0
            }),
        };
        let m = augment.geometry(rng);
        let mut planes = vec![0.0; self.channels * width * height];
        let mut classes = vec![IGNORE; width * height];
        let half = [width, height].map(|n| (n as f32 - 1.0) / 2.0);
        let (area, patch_area) = (self.width * self.height, width * height);
        let (right, bottom) = (self.width as f32 - 1.0, self.height as f32 - 1.0);
        let step = slice.map_with(zoomed, |n, zoomed| n as f32 / zoomed as f32);
        for row in 0..height {
            for column in 0..width {
                let [dx, dy] = [column as f32 - half[0], row as f32 - half[1]];
                let mut at =
                    [centre[0] + m[0][0] * dx + m[0][1] * dy, centre[1] + m[1][0] * dx + m[1][1] * dy];
                if augment.padding == Padding::Mirror {
                    at = at.map_with(zoomed, mirrored);
                }
                let sx = (at[0] + 0.5) * step[0] - 0.5;
                let sy = (at[1] + 0.5) * step[1] - 0.5;
                let out = row * width + column;
                let [nx, ny] = [sx.round(), sy.round()];
                let inside = (0.0..=right).contains(&nx) && (0.0..=bottom).contains(&ny);
                if inside {
                    classes[out] = self.classes[ny as usize * self.width + nx as usize];
                } else if augment.padding == Padding::Zero {
                    continue;
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
                    planes[c * patch_area + out] = top + (low - top) * fy;
                }
            }
        }
        augment.intensity(&mut planes, [self.channels, width, height], self.colour, rng);
        (planes, classes)
    }

    /// The centre of a patch about a known pixel, in the zoomed slice.
    fn place_about_known(
        &self,
        size: [usize; 2],
        zoomed: [usize; 2],
        foreground: f32,
        rng: &mut ChaCha8Rng,
    ) -> [f32; 2] {
        let wants_foreground = rng.random::<f32>() < foreground;
        let picked = self.pick(wants_foreground, rng);
        let step = zoomed.map_with([self.width, self.height], |zoomed, n| zoomed as f32 / n as f32);
        // The picked pixel lies anywhere in the patch, not always in its middle, and the patch hangs over the slice's
        // edge no further than it must.
        let mut place = |at: f32, length: usize, size: usize| {
            let shifted = at - (rng.random::<f32>() - 0.5) * size as f32 * 0.75;
            let half = (size as f32 - 1.0) / 2.0;
            let (low, high) = (half, length as f32 - 1.0 - half);
            let centre = if low <= high { shifted.clamp(low, high) } else { (length as f32 - 1.0) / 2.0 };
            // on whole pixels where the patch itself is
            (centre - half).round() + half
        };
        [0, 1].map(|axis| place(picked[axis] * step[axis], zoomed[axis], size[axis]))
    }
}

/// `at` between 0 and the last of `length` pixels, the outermost not repeated.
fn mirrored(at: f32, length: usize) -> f32 {
    let last = length as f32 - 1.0;
    if last <= 0.0 {
        return 0.0;
    }
    let folded = at.rem_euclid(2.0 * last);
    folded.min(2.0 * last - folded)
}

/// Two pairs, axis by axis.
trait MapWith<T: Copy>: Sized {
    fn map_with<U: Copy, R>(self, other: [U; 2], each: impl FnMut(T, U) -> R) -> [R; 2];
}

impl<T: Copy> MapWith<T> for [T; 2] {
    fn map_with<U: Copy, R>(self, other: [U; 2], mut each: impl FnMut(T, U) -> R) -> [R; 2] {
        [each(self[0], other[0]), each(self[1], other[1])]
    }
}

/// One step's patches on the host.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[n][channels][height][width]`.
    pub input: Vec<f32>,
    /// `[n][height][width]`.
    pub classes: Vec<u16>,
    pub n: usize,
    pub channels: usize,
    pub width: usize,
    pub height: usize,
}

/// What a batch is drawn by.
#[derive(Clone, Debug)]
pub struct Sampler {
    pub seed: u64,
    pub batch: usize,
    /// Width and height of the patches.
    pub size: [usize; 2],
    pub crop: Crop,
    pub last_batch: LastBatch,
    pub foreground: f32,
    /// Each patch comes so many times, drawn anew each time: first all once, then all again.
    pub views: u64,
    pub augment: Augment,
    /// Each slice comes in these variants, each drawn once for the whole run, instead of in ever new ones by `augment`; empty
    /// for none.
    pub copies: Vec<Augment>,
    /// Per channel, as in the card; empty for none.
    pub mean: Vec<f32>,
    pub std: Vec<f32>,
}

impl Sampler {
    /// The batch of `step` from `slices` slices. They are visited in rounds, each round in its own order, so that none
    /// waits long.
    ///
    /// # Panics
    /// Where there is no slice.
    pub fn batch(&self, slices: usize, slice: impl Fn(usize) -> Arc<Prepared> + Sync, step: u64) -> Batch {
        assert!(slices > 0, "a batch needs slices");
        let items = slices * self.copies.len().max(1);
        let numbers = self.numbers(items, step);
        let drawn: Vec<(u64, u64)> =
            (0..self.views.max(1)).flat_map(|view| numbers.clone().map(move |n| (view, n))).collect();
        let patches: Vec<(Vec<f32>, Vec<u16>)> = drawn
            .into_par_iter()
            .map(|(view, number)| {
                let item = self.item_of(number, items);
                let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ view.wrapping_mul(0xd1b5_4a32_d192_ed03));
                let augment = match self.copies.get(item / slices) {
                    None => {
                        rng.set_stream(number + 1);
                        &self.augment
                    }
                    Some(copy) => {
                        rng.set_stream(item as u64 + 1);
                        copy
                    }
                };
                let slice = slice(item % slices);
                let (mut planes, classes) =
                    slice.patch(self.size, self.crop, self.foreground, augment, &mut rng);
                self.standardise(&mut planes, slice.channels);
                (planes, classes)
            })
            .collect();
        let [width, height] = self.size;
        Batch {
            n: patches.len(),
            channels: patches[0].0.len() / (width * height).max(1),
            width,
            height,
            input: patches.iter().flat_map(|(planes, _)| planes.iter().copied()).collect(),
            classes: patches.iter().flat_map(|(_, classes)| classes.iter().copied()).collect(),
        }
    }

    /// Which patches of the run are those of `step`; a round is as long as there are `items`.
    fn numbers(&self, items: usize, step: u64) -> Range<u64> {
        let batch = self.batch.max(1) as u64;
        if self.last_batch == LastBatch::Fill {
            return step * batch..(step + 1) * batch;
        }
        let steps = steps_of_round(items, self.batch, self.last_batch);
        let (round, position) = (step / steps, step % steps);
        let (start, items) = (round * items as u64, items as u64);
        start + position * batch..start + ((position + 1) * batch).min(items)
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

    /// The item of the `number`-th patch: a permutation of all items for each round.
    fn item_of(&self, number: u64, items: usize) -> usize {
        let (round, position) = (number / items as u64, (number % items as u64) as usize);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ 0x9e37_79b9_7f4a_7c15);
        rng.set_stream(round);
        let mut order: Vec<usize> = (0..items).collect();
        for i in (1..items).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        order[position]
    }
}

/// Steps in which every item is visited once; one that the next round completes counts.
pub(super) fn steps_of_round(items: usize, batch: usize, last: LastBatch) -> u64 {
    let batch = batch.max(1);
    (match last {
        LastBatch::Drop => (items / batch).max(1),
        LastBatch::Fill | LastBatch::Keep => items.div_ceil(batch),
    }) as u64
}

#[cfg(test)]
mod tests {
    use super::super::augment::tests::{planes, worst};
    use super::*;
    use crate::{nn::train::Zoom, testing::vectors};

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
        Sampler {
            seed: 5,
            batch: 6,
            size: [16, 16],
            crop: Crop::Patch,
            last_batch: LastBatch::Fill,
            foreground: 1.0,
            views: 1,
            augment,
            copies: vec![],
            mean: vec![],
            std: vec![],
        }
    }

    fn drawn(sampler: &Sampler, slices: &[Arc<Prepared>], step: u64) -> Batch {
        sampler.batch(slices.len(), |i| Arc::clone(&slices[i]), step)
    }

    #[test]
    fn image_and_labels_move_together() {
        let augment = Augment { flip_x: 0.5, flip_y: 0.5, turns: true, ..Augment::default() };
        let batch = drawn(&sampler(augment), &[slice(false)], 3);
        assert!(batch.classes.contains(&2), "patches are drawn where the class is");
        for (v, c) in batch.input.iter().zip(&batch.classes) {
            assert_eq!(*v, f32::from(*c) / 10.0);
        }
    }

    #[test]
    fn two_views_are_of_the_same_slices_and_differ() {
        let flat = |value| Arc::new(Prepared::new([1, 30, 40], false, vec![value; 1200], vec![0; 1200]));
        let slices: Vec<_> = (0..8).map(|i| flat(i as f32 / 10.0)).collect();
        let plain = sampler(Augment::default());
        let twice = Sampler { views: 2, ..plain.clone() };
        let (once, both) = (drawn(&plain, &slices, 2), drawn(&twice, &slices, 2));
        assert_eq!((once.n, both.n), (6, 12));
        let half = once.input.len();
        assert!(both.input[..half] == once.input && both.input[half..] == once.input, "the same slices");
        let noisy = Sampler { augment: Augment { noise: 0.1, ..Augment::default() }, ..twice };
        let both = drawn(&noisy, &slices, 2);
        assert!(both.input[..half] != both.input[half..], "drawn anew");
    }

    #[test]
    fn rotated_labels_stay_labels_and_what_lies_outside_is_unknown() {
        let augment = Augment { rotate_deg: 45.0, scale: 0.3, ..Augment::default() };
        let mut s = sampler(augment);
        s.size = [48, 40];
        let batch = drawn(&s, &[slice(false)], 0);
        assert!(batch.classes.iter().all(|c| [0, 2, IGNORE].contains(c)));
        assert!(batch.classes.contains(&IGNORE), "a patch larger than the slice shows its outside");
        assert!(batch.input.iter().all(|v| (0.0..=0.2).contains(v)), "values are mixed, never invented");
    }

    #[test]
    fn a_step_draws_the_same_batch_again_and_another_step_another() {
        let s = sampler(Augment::for_modality(crate::volume::Modality::Fundus));
        let slices = [slice(false), slice(true)];
        assert_eq!(drawn(&s, &slices, 7), drawn(&s, &slices, 7));
        assert_ne!(drawn(&s, &slices, 7), drawn(&s, &slices, 8));
    }

    #[test]
    fn patches_are_drawn_around_known_pixels() {
        let mut s = sampler(Augment::default());
        s.foreground = 0.0;
        for step in 0..20 {
            let batch = drawn(&s, &[slice(true)], step);
            for patch in batch.classes.chunks_exact(256) {
                assert!(patch.iter().any(|&c| c != IGNORE));
            }
        }
    }

    #[test]
    fn each_round_visits_every_slice_once() {
        let s = sampler(Augment::default());
        let mut seen: Vec<usize> = (10..15).map(|n| s.item_of(n, 5)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn rounds_end_as_they_are_told_to() {
        let mut s = sampler(Augment::default());
        s.batch = 4;
        let slices: Vec<_> = (0..10).map(|_| slice(false)).collect();
        for (last, sizes) in [
            (LastBatch::Drop, [4, 4, 4, 4]),
            (LastBatch::Keep, [4, 4, 2, 4]),
            (LastBatch::Fill, [4, 4, 4, 4]),
        ] {
            s.last_batch = last;
            let n = [0, 1, 2, 3].map(|step| drawn(&s, &slices, step).n);
            assert_eq!(n, sizes, "{last:?}");
        }
        s.last_batch = LastBatch::Keep;
        let first: Vec<usize> = s.numbers(10, 0).chain(s.numbers(10, 2)).map(|n| s.item_of(n, 10)).collect();
        assert!(first[..4].iter().all(|i| !first[4..].contains(i)), "a round shows a slice once");
        assert_eq!(s.numbers(10, 3), 10..14);
        s.last_batch = LastBatch::Drop;
        assert_eq!((s.numbers(10, 1), s.numbers(10, 2)), (4..8, 10..14));
    }

    #[test]
    fn copies_are_drawn_once_for_a_run() {
        let turned = Augment { rotate_deg: 180.0, padding: Padding::Zero, ..Augment::default() };
        let mut s = sampler(Augment::default());
        (s.copies, s.crop, s.batch) = (vec![Augment::default(), turned.clone(), turned], Crop::Whole, 3);
        s.size = [40, 32];
        let rounds: Vec<Batch> = (0..8).map(|step| drawn(&s, &[slice(false)], step)).collect();
        let patches = |b: &Batch| -> std::collections::BTreeSet<Vec<u16>> {
            b.classes.chunks_exact(40 * 32).map(<[u16]>::to_vec).collect()
        };
        let first = patches(&rounds[0]);
        assert_eq!(first.len(), 3, "three different variants");
        assert!(rounds.iter().all(|b| patches(b) == first));
        let plain = first.iter().find(|p| p.iter().filter(|c| **c == IGNORE).count() == 80);
        let plain = plain.expect("one variant is the slice itself, with a row of the frame above and below");
        assert_eq!(plain[40..40 * 31], slice(false).classes);
    }

    #[test]
    fn windows_zoom_and_mirror_as_those_of_the_polyp_system() {
        assert_eq!(
            [-2.0, -1.0, 0.0, 3.0, 4.0, 5.0].map(|at| mirrored(at, 4)),
            [2.0, 1.0, 0.0, 3.0, 2.0, 1.0]
        );
        let Some(v) = vectors("edema_polyp_vessel/losses.json") else { return };
        let v = &v["seed3_transforms"];
        let mask: Vec<u16> =
            v["mask"]["data"].as_array().unwrap().iter().map(|c| c.as_u64().unwrap() as u16).collect();
        let picture = Prepared::new([3, 8, 9], true, planes(&v["image"]["data"]), mask);
        let cut = |size, augment: &Augment| {
            picture.patch(size, Crop::Window, 0.0, augment, &mut ChaCha8Rng::seed_from_u64(1))
        };
        let mirror = Augment { padding: Padding::Mirror, ..Augment::default() };
        let want = &v["pad_if_needed_13x14"];
        let (image, labels) = cut([14, 13], &mirror);
        assert!(worst(&image, &want["image"]["data"]) < 1e-3);
        let want: Vec<u16> =
            want["mask"]["data"].as_array().unwrap().iter().map(|c| c.as_u64().unwrap() as u16).collect();
        assert_eq!(labels, want);
        // OpenCV weighs by 1/2048 and rounds to a grey level.
        for (text, factor, size) in [("0.6", 0.6, [5, 4]), ("1.45", 1.45, [13, 11])] {
            let zoom = Augment { zoom: Some(Zoom { range: [factor; 2], chance: 1.0 }), ..mirror.clone() };
            let worst = worst(&cut(size, &zoom).0, &v["scale_image_linear"][text]["data"]);
            assert!(worst < 1.0, "scaled by {text}: {worst} grey levels");
        }
    }
}
