//! Which slices of a series make one volume: several scans of one place must not be shuffled into one.

use super::{
    header::{Header, Place},
    keys::{KEYS, Splits},
    place,
    series::{self, Order, Series, Slice},
};
use crate::io::source;
use glam::DVec3;
use std::{cmp::Ordering, fs};

/// Slices of two scans lie closer to each other than those of one by at least this much.
const CLOSER: f64 = 0.75;
/// Jitter of a position is smaller than the distances between slices by at least this factor, ...
const JITTER: f64 = 20.0;
/// ... and smaller than this share of a pixel.
const JITTER_OF_PIXEL: f64 = 0.02;

/// A slice and where it lies along the axis that orders it.
type At = (f64, Slice);

/// The volumes that slices of one size, direction, patient and series make; none is left out but copies of files, and
/// those are said.
pub fn volumes(headers: &[Header], slices: Vec<Slice>) -> Vec<Series> {
    let (order, mut all) = ordered(headers, slices);
    all.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| before(headers, &a.1, &b.1)));
    let pixel = all[0].1.frame.spacing.map(|s| s[0].min(s[1]));
    let same = if order == Order::Place || order == Order::Location { tolerance(&all, pixel) } else { 0.0 };
    let modality = headers[all[0].1.file].modality.as_str();
    let mut warnings: Vec<String> =
        unplaced(order, modality, all.len()).into_iter().map(str::to_owned).collect();
    let copies = take_copies(headers, &mut all, same);
    warnings.extend(copies);
    let mut found = Vec::new();
    for part in separate(all, 0, same, order) {
        let layers = layers(headers, part, same);
        let unclear = layers.len() > 1 && {
            let flat: Vec<Slice> = layers.iter().flatten().map(|(_, s)| s.clone()).collect();
            !series::is_told(&flat)
        };
        for layer in layers {
            for volume in lines(layer, pixel) {
                let mut warnings = warnings.clone();
                if unclear {
                    let text = "Several slices lie at the same position, and nothing in the files says which belong together; they were put into separate volumes in the order of their numbers. Check these volumes";
                    warnings.push(text.to_owned());
                }
                let slices = volume.into_iter().map(|(_, slice)| slice).collect();
                found.push(Series { id: String::new(), title: String::new(), slices, order, warnings });
            }
        }
    }
    found
}

/// Where each slice lies: by what all of them state.
fn ordered(headers: &[Header], slices: Vec<Slice>) -> (Order, Vec<At>) {
    let along = |order: Order, at: &dyn Fn(usize, &Slice) -> Option<f64>| {
        let all: Option<Vec<f64>> = slices.iter().enumerate().map(|(i, s)| at(i, s)).collect();
        all.map(|all| (order, all))
    };
    let normal = slices[0].frame.place.map(|p| p.normal().normalize());
    let several = slices.iter().any(|s| s.file != slices[0].file);
    let found = along(Order::Place, &|_, s| Some(s.frame.place?.position.dot(normal?)))
        .or_else(|| along(Order::Frame, &|_, s| (!several).then_some(s.frame.index as f64)))
        .or_else(|| along(Order::Location, &|_, s| s.frame.location))
        .or_else(|| along(Order::Number, &|_, s| s.frame.instance_number.map(|n| n as f64)));
    let (order, all) = found.unwrap_or_else(|| {
        let mut by_id: Vec<usize> = (0..slices.len()).collect();
        by_id.sort_by(|&a, &b| by_identifier(headers, &slices[a], &slices[b]));
        let mut rank = vec![0.0; slices.len()];
        for pair in by_id.windows(2) {
            let another = by_identifier(headers, &slices[pair[0]], &slices[pair[1]]).is_ne();
            rank[pair[1]] = rank[pair[0]] + f64::from(u8::from(another));
        }
        (Order::Identifier, rank)
    });
    (order, all.into_iter().zip(slices).collect())
}

fn unplaced(order: Order, modality: &str, slices: usize) -> Option<&'static str> {
    match order {
        _ if slices < 2 => None,
        // Of pictures one after another nobody expects a place.
        Order::Frame if ["CT", "MR", "PT", "NM"].contains(&modality) => Some(
            "The frames state no position; they are in the order of the file, and where they lie in the patient is unknown",
        ),
        Order::Place | Order::Frame => None,
        Order::Location => Some(
            "The slices state no position; they are in the order of their slice locations, and how they lie in the patient is unknown",
        ),
        Order::Number => Some(
            "The slices state no position; they are in the order of their numbers, and where they lie in the patient is unknown",
        ),
        Order::Identifier => Some(
            "The slices state neither position nor number; they are in the order of their identifiers, which may be wrong",
        ),
    }
}

/// Parts of a dotted number by their size.
fn by_identifier(headers: &[Header], a: &Slice, b: &Slice) -> Ordering {
    let parts = |s: &Slice| -> Vec<(usize, String)> {
        headers[s.file].instance_uid.split('.').map(|p| (p.len(), p.to_owned())).collect()
    };
    parts(a).cmp(&parts(b)).then(a.frame.index.cmp(&b.frame.index))
}

/// The order of slices at one place.
fn before(headers: &[Header], a: &Slice, b: &Slice) -> Ordering {
    series::by_keys(&a.frame, &b.frame)
        .then(a.frame.instance_number.cmp(&b.frame.instance_number))
        .then_with(|| by_identifier(headers, a, b))
}

/// How far slices at one place lie apart. No length in millimetres can say it: a volume may be a metre or a tenth of a
/// millimetre long. It is the jitter of positions, where there is one; else nothing.
fn tolerance(sorted: &[At], pixel: Option<f64>) -> f64 {
    let mut gaps: Vec<f64> = sorted.windows(2).map(|w| w[1].0 - w[0].0).filter(|&g| g > 0.0).collect();
    gaps.sort_by(f64::total_cmp);
    let (Some(&least), Some(&most)) = (gaps.first(), gaps.last()) else { return 0.0 };
    let extent = sorted[sorted.len() - 1].0 - sorted[0].0;
    // Without a spacing, what a sum of rounding errors makes of a coordinate.
    let small = pixel.map_or(1e-9 * extent, |p| JITTER_OF_PIXEL * p);
    if extent < small && most > 1.5 * least {
        return extent;
    }
    // The widest step between small and large ones.
    let steps = gaps.windows(2).filter(|w| w[0] < small && w[1] > JITTER * w[0]);
    let step = steps.max_by(|a, b| (a[1] / a[0]).total_cmp(&(b[1] / b[0])));
    step.map_or(0.0, |w| (w[0] * w[1]).sqrt().min(w[1] / 2.0))
}

/// Takes files out that are there twice, and says so.
fn take_copies(headers: &[Header], sorted: &mut Vec<At>, same: f64) -> Option<String> {
    let is_copy = |a: &Slice, b: &Slice| {
        let [x, y] = [a, b].map(|s| &headers[s.file]);
        let length = |h: &Header| fs::metadata(&h.path).map(|m| m.len()).ok();
        let hash = |h: &Header| source::hash_file(&h.path).ok();
        a.file != b.file
            && a.frame.index == b.frame.index
            && x.instance_uid == y.instance_uid
            && length(x) == length(y)
            && hash(x).is_some()
            && hash(x) == hash(y)
    };
    let mut copies = Vec::new();
    let mut kept: Vec<At> = Vec::with_capacity(sorted.len());
    for (at, slice) in sorted.drain(..) {
        let here = kept.iter().rev().take_while(|(other, _)| at - other <= same);
        match here.map(|(_, other)| other).find(|other| is_copy(other, &slice)) {
            Some(_) => copies.push(headers[slice.file].path.display().to_string()),
            None => kept.push((at, slice)),
        }
    }
    *sorted = kept;
    let first = copies.first()?;
    Some(format!("{} files are copies of others and are shown once (such as {first})", copies.len()))
}

/// Parts that differ in a key and lie among each other, and their parts by the keys that follow.
fn separate(all: Vec<At>, from: usize, same: f64, order: Order) -> Vec<Vec<At>> {
    for key in (from..KEYS.len()).filter(|&k| KEYS[k].splits != Splits::Always) {
        let mut values: Vec<&str> = all.iter().map(|(_, s)| s.frame.keys[key].as_str()).collect();
        values.sort_by(|a, b| series::natural(a, b));
        values.dedup();
        // One value; or one for nearly every slice, which tells slices apart and not volumes.
        if values.len() < 2 || values.len() * 2 > all.len() {
            continue;
        }
        let part = |value: &&str| all.iter().filter(|(_, s)| s.frame.keys[key] == *value).cloned().collect();
        let parts: Vec<Vec<At>> = values.iter().map(part).collect();
        let unplaced = !matches!(order, Order::Place | Order::Location);
        if KEYS[key].splits == Splits::Again && unplaced || is_among(&parts, same) {
            return parts.into_iter().flat_map(|p| separate(p, key + 1, same, order)).collect();
        }
    }
    vec![all]
}

/// Whether slices of one part lie among those of another, closer than those of one part are to each other. A slice that
/// fills a gap of another part does not.
fn is_among(parts: &[Vec<At>], same: f64) -> bool {
    let mut extents: Vec<[f64; 2]> = parts.iter().map(|p| [p[0].0, p[p.len() - 1].0]).collect();
    extents.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut reached = f64::NEG_INFINITY;
    let overlap = extents.iter().any(|&[from, to]| {
        let within = from <= reached + same;
        reached = reached.max(to);
        within
    });
    if !overlap {
        return false;
    }
    let gaps =
        |p: &[At]| p.windows(2).map(|w| w[1].0 - w[0].0).filter(|&g| g > same).fold(f64::INFINITY, f64::min);
    let own = parts.iter().map(|p| gaps(p)).fold(f64::INFINITY, f64::min);
    let mut together: Vec<(f64, usize)> =
        parts.iter().enumerate().flat_map(|(i, p)| p.iter().map(move |(at, _)| (*at, i))).collect();
    together.sort_by(|a, b| a.0.total_cmp(&b.0));
    let between = together.windows(2).filter(|w| w[0].1 != w[1].1).map(|w| w[1].0 - w[0].0);
    let closest = between.fold(f64::INFINITY, f64::min);
    closest <= same || closest < CLOSER * own
}

/// The first slice of every place, then the second ones, and so on.
fn layers(headers: &[Header], sorted: Vec<At>, same: f64) -> Vec<Vec<At>> {
    let mut places: Vec<Vec<At>> = Vec::new();
    for at in sorted {
        match places.last_mut() {
            Some(here) if at.0 - here[0].0 <= same => here.push(at),
            _ => places.push(vec![at]),
        }
    }
    let mut layers: Vec<Vec<At>> = Vec::new();
    for mut here in places {
        here.sort_by(|a, b| before(headers, &a.1, &b.1));
        for (n, at) in here.into_iter().enumerate() {
            match layers.get_mut(n) {
                Some(layer) => layer.push(at),
                None => layers.push(vec![at]),
            }
        }
    }
    layers
}

/// Stacks of one direction that lie beside each other, such as those of two knees.
fn lines(layer: Vec<At>, pixel: Option<f64>) -> Vec<Vec<At>> {
    let places: Option<Vec<Place>> = layer.iter().map(|(_, s)| s.frame.place).collect();
    let (Some(places), Some(pixel)) = (places, pixel) else { return vec![layer] };
    if places.len() < 3 {
        return vec![layer];
    }
    // The middle one of the steps from slice to slice, so that a jump does not count.
    let steps: Vec<DVec3> = places.windows(2).map(|w| w[1].position - w[0].position).collect();
    let normal = places[0].normal().normalize();
    let middle = |axis: DVec3| {
        let mut slopes: Vec<f64> = steps.iter().map(|s| s.dot(axis) / s.dot(normal)).collect();
        slopes.sort_by(f64::total_cmp);
        slopes[slopes.len() / 2]
    };
    let [row, column] = [places[0].along_row, places[0].along_column];
    let direction = normal + row * middle(row) + column * middle(column);
    let off: Vec<DVec3> = places.iter().map(|p| place::beside(p, &places[0], direction)).collect();
    let by_row = clusters(off.iter().map(|o| o.dot(row)).collect(), pixel);
    let by_column = clusters(off.iter().map(|o| o.dot(column)).collect(), pixel);
    let stack = |i: usize| [by_row[i], by_column[i]];
    let mut stacks: Vec<[usize; 2]> = (0..layer.len()).map(stack).collect();
    stacks.sort_unstable();
    let is_stack = |k: &[usize; 2]| stacks.iter().filter(|s| *s == k).count() > 1;
    // Slices that wander one by one are a volume that is bent, and that is said where it is placed.
    if !stacks.iter().all(is_stack) {
        return vec![layer];
    }
    let mut kinds = stacks.clone();
    kinds.dedup();
    let part = |kind: [usize; 2]| layer.iter().enumerate().filter(move |&(i, _)| stack(i) == kind);
    kinds.into_iter().map(|kind| part(kind).map(|(_, at)| at.clone()).collect()).collect()
}

/// Numbers of groups between which no value lies closer than `apart` to the next.
fn clusters(values: Vec<f64>, apart: f64) -> Vec<usize> {
    let mut by_value: Vec<usize> = (0..values.len()).collect();
    by_value.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut groups = vec![0; values.len()];
    for pair in by_value.windows(2) {
        let jump = values[pair[1]] - values[pair[0]] > apart;
        groups[pair[1]] = groups[pair[0]] + usize::from(jump);
    }
    groups
}
