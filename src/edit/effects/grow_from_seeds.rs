//! Labels grown from what is drawn of them, in competition.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish,
    ball::Space,
    rows::Block,
    walker::{Seed, Walks, spread},
    work,
};
use crate::{
    label::LabelId,
    volume::Window,
    watch::{self, Stopped},
};
use std::collections::BTreeSet;

pub static EFFECT: Effect = Effect {
    id: "grow-from-seeds",
    title: "Grow from seeds",
    summary: "Gives each voxel near the labels to the label whose drawn voxels are nearest by a way through like values.",
    on: On::All,
    needs_image: true,
    parameters: &[
        Parameter {
            key: "method",
            title: "Method",
            help: "Shortest ways (GrowCut) in the volume, or the random walker in each slice, which also closes weak edges.",
            when: None,
            kind: Kind::Choice(&[("growcut", "Shortest ways"), ("walker", "Random walker")]),
        },
        Parameter {
            key: "background",
            title: "Background label",
            help: "What grows from this label stays background.",
            when: None,
            kind: Kind::Label,
        },
        Parameter {
            key: "locality",
            title: "Locality",
            help: "How much the distance counts beside the values.",
            when: Some(("method", &["growcut"])),
            kind: Kind::Number { default: Some(0.0), range: [0.0, 10.0], whole: false, unit: "per cm" },
        },
        value("low", "From value", "Only voxels of at least this value are taken."),
        value("high", "To value", "Only voxels of at most this value are taken."),
    ],
    work,
};

const fn value(key: &'static str, title: &'static str, help: &'static str) -> Parameter {
    let kind = Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" };
    Parameter { key, title, help, when: None, kind }
}

/// Room around the seeds: so many mm, and such a part of their box.
const AROUND_MM: f64 = 10.0;
const AROUND_SHARE: f64 = 0.1;

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let scope = scene.block();
    let background = values.label("background");
    background.map_or(Ok(()), |label| scene.must_know(label))?;
    let Some(bounds) = scope.rows(scene.mask, |id| id != 0).bounds() else {
        return Err(EffectError::Nothing("nothing is drawn here".to_owned()));
    };
    let steps = scene.grid().spacing();
    let reach = [0, 1, 2].map(|a| {
        let side = (bounds[1][a] - bounds[0][a] + 1) as f64;
        (AROUND_MM / steps[a]).max(AROUND_SHARE * side).ceil() as usize
    });
    let block = scope.around(bounds, reach);
    let space = scene.space(&block);
    let image = scene.values(&block)?;
    let seeds = block.labels(scene.mask);
    let labels: BTreeSet<LabelId> = seeds.iter().copied().filter(|id| *id != 0).collect();
    let range = values.range("low", "high");
    if labels.len() < 2 && range.is_none() {
        let what = "two labels, of which one may be background, or one and a range of values";
        return Err(EffectError::lacks(what, "low=VALUE, high=VALUE"));
    }
    let [low, high] = range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
    let is_open = |at: usize| f64::from(image[at]) >= low && f64::from(image[at]) <= high;
    let grown = match values.choice("method") {
        "walker" => {
            let area = block.size[0] * block.size[1];
            let slice = |z: usize| {
                let (image, seeds) = (&image[z * area..(z + 1) * area], &seeds[z * area..(z + 1) * area]);
                walked(image, block.size[0], space.step, seeds, |at| is_open(z * area + at))
            };
            work::each("walking", block.size[2], slice)?.into_iter().collect::<Result<Vec<_>, _>>()?.concat()
        }
        _ => {
            let window = Window::default_for(scene.volume);
            let unit = f64::from(window.high() - window.low()) / 100.0;
            let costs = Costs { per_value: 1.0 / unit.max(1e-12), per_cm: values.number("locality") };
            growcut(&image, &block, &space, &seeds, costs, is_open)?
        }
    };
    let mut wish = Wish::default();
    let width = block.size[0];
    for (row, (before, after)) in seeds.chunks_exact(width).zip(grown.chunks_exact(width)).enumerate() {
        let mut x = 0;
        let pairs: Vec<(bool, LabelId)> = before.iter().zip(after).map(|(b, a)| (*b == 0, *a)).collect();
        for run in pairs.chunk_by(|a, b| a == b) {
            let (is_free, label) = run[0];
            if is_free && label != 0 && Some(label) != background && scene.is_chosen(label) {
                wish.gain(label, [(block.row(row) + x, run.len() as u32)]);
            }
            x += run.len();
        }
    }
    Ok(wish)
}

/// What a step from voxel to voxel costs: `per_value` for a difference of values, `per_cm` for its length, and a little for its
/// length in any case.
struct Costs {
    per_value: f64,
    per_cm: f64,
}

/// Costs are whole numbers of this part.
const PARTS: f64 = 256.0;
const PER_MM: f64 = 0.001;
/// No step costs more parts.
const DEAREST: usize = 1 << 15;

/// The label of the seed that is nearest to each voxel, by the costs of the steps between all 26 neighbours. (As the fast GrowCut
/// of Zhu, Kolesov, Gao, Kikinis and Tannenbaum, 2014.)
fn growcut(
    image: &[f32],
    block: &Block,
    space: &Space,
    seeds: &[LabelId],
    costs: Costs,
    is_open: impl Fn(usize) -> bool,
) -> Result<Vec<LabelId>, Stopped> {
    let [width, height, depth] = block.size;
    let cell = |(at, (value, id)): (usize, (&f32, &LabelId))| Cell {
        value: *value,
        cost: if *id == 0 { u32::MAX } else { 0 },
        label: *id,
        is_open: is_open(at),
    };
    let mut cells: Vec<Cell> = image.iter().zip(seeds).enumerate().map(cell).collect();
    let mut buckets: Vec<Vec<u32>> = vec![Vec::new(); DEAREST + 1];
    buckets[0] = (0..seeds.len()).filter(|&at| seeds[at] != 0).map(|at| at as u32).collect();
    let (mut waiting, mut now, mut done) = (buckets[0].len(), 0_usize, 0_usize);
    let steps: Vec<[i64; 3]> =
        (0..27).filter(|n| *n != 13).map(|n| [n % 3 - 1, n / 3 % 3 - 1, n / 9 - 1]).collect();
    // What the length of each step costs, from each slice.
    let lengths: Vec<Vec<f32>> = (0..depth)
        .map(|z| {
            let length = |[dx, dy, dz]: &[i64; 3]| {
                let z_step = space.slice(z as isize + *dz as isize) - space.z[z];
                let off = [
                    *dx as f64 * space.step[0],
                    *dy as f64 * space.step[1],
                    if *dz == 0 { 0.0 } else { z_step },
                ];
                let mm = off.iter().map(|d| d * d).sum::<f64>().sqrt();
                (PARTS * (costs.per_cm * mm / 10.0 + PER_MM * mm)) as f32
            };
            steps.iter().map(length).collect()
        })
        .collect();
    let offsets: Vec<i64> =
        steps.iter().map(|[dx, dy, dz]| (dz * height as i64 + dy) * width as i64 + dx).collect();
    let per_value = (PARTS * costs.per_value) as f32;
    while waiting > 0 {
        let slot = now % buckets.len();
        while let Some(at) = buckets[slot].pop() {
            waiting -= 1;
            let at = at as usize;
            let Cell { value, cost, label, .. } = cells[at];
            if cost as usize != now {
                continue;
            }
            done += 1;
            if done.is_multiple_of(1 << 16) {
                watch::step("growing", done.min(seeds.len()), seeds.len())?;
            }
            let (x, y, z) = (at % width, at / width % height, at / (width * height));
            let is_inside = x > 0 && x + 1 < width && y > 0 && y + 1 < height && z > 0 && z + 1 < depth;
            for (n, [dx, dy, dz]) in steps.iter().enumerate() {
                let there =
                    |at: usize, by: i64, count: usize| at as i64 + by >= 0 && at as i64 + by < count as i64;
                if !(is_inside || there(x, *dx, width) && there(y, *dy, height) && there(z, *dz, depth)) {
                    continue;
                }
                let place = (at as i64 + offsets[n]) as usize;
                let next = &mut cells[place];
                if next.cost as usize <= now || !next.is_open {
                    continue;
                }
                let step = (next.value - value).abs() * per_value + lengths[z][n];
                let step = (step.round() as usize).clamp(1, DEAREST);
                let total = (now + step) as u32;
                if total < next.cost {
                    (next.cost, next.label) = (total, label);
                    buckets[(now + step) % (DEAREST + 1)].push(place as u32);
                    waiting += 1;
                } else if total == next.cost && label < next.label {
                    next.label = label;
                }
            }
        }
        now += 1;
    }
    Ok(cells.into_iter().map(|cell| cell.label).collect())
}

/// What is known of a voxel, side by side in memory: a step looks at all of it.
#[derive(Clone, Copy)]
struct Cell {
    value: f32,
    /// That of the cheapest way found so far.
    cost: u32,
    label: LabelId,
    is_open: bool,
}

/// The label that a random walk from each pixel of a slice most probably comes to first; the lower one of equal ones.
fn walked(
    image: &[f32],
    width: usize,
    step: [f64; 2],
    seeds: &[LabelId],
    is_open: impl Fn(usize) -> bool,
) -> Result<Vec<LabelId>, Stopped> {
    let labels: BTreeSet<LabelId> = seeds.iter().copied().filter(|id| *id != 0).collect();
    let mut best = vec![0.0; seeds.len()];
    let mut found = seeds.to_vec();
    for label in labels {
        let of_label = probability(image, width, step, seeds, label, &is_open)?;
        for at in 0..seeds.len() {
            if of_label[at] > best[at] {
                (best[at], found[at]) = (of_label[at], label);
            }
        }
    }
    Ok(found)
}

/// How probable it is that a random walk from each pixel of a slice comes to a label first. `image` and `seeds` row by row,
/// `step` the size of a pixel; nothing walks through a pixel that is not open.
pub fn probability(
    image: &[f32],
    width: usize,
    step: [f64; 2],
    seeds: &[LabelId],
    label: LabelId,
    is_open: impl Fn(usize) -> bool,
) -> Result<Vec<f32>, Stopped> {
    let [_, sd] = spread(image.iter().map(|value| f64::from(*value)));
    let seed = |(at, id): (usize, &LabelId)| match id {
        0 if is_open(at) => Seed::Open,
        0 => Seed::Outside,
        id => Seed::Is(*id == label),
    };
    Walks::new(image, width, step, sd).probability(&seeds.iter().enumerate().map(seed).collect::<Vec<_>>())
}
