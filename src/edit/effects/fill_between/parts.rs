//! Which parts of a label in one slice go on as which in another.

use super::super::distance::Places;
use crate::label::{Components, Connectivity};

/// A connected part in a slice.
#[derive(Clone, Debug)]
pub struct Part {
    pub pixels: Vec<usize>,
    /// In mm.
    pub center: [f64; 2],
    /// Of a disc of the same area, in mm.
    pub radius: f64,
}

/// Parts of the first slice and of the second that are one thing; one side is empty where the thing ends.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub first: Vec<usize>,
    pub second: Vec<usize>,
}

/// The 8-connected parts of a set.
pub fn parts(places: &Places, is_in: &[bool]) -> Vec<Part> {
    let size = [places.u.len(), places.v.len(), 1];
    let labels: Vec<u16> = is_in.iter().map(|is_in| u16::from(*is_in)).collect();
    let found = Components::of_labels(size, &labels, Connectivity::Full).unwrap_or_default();
    let [across, down] = places.pixel();
    let part = |runs: Vec<(usize, u32)>| {
        let pixels: Vec<usize> = runs.into_iter().flat_map(|(at, len)| at..at + len as usize).collect();
        let count = pixels.len() as f64;
        let sum = |a: usize| pixels.iter().map(|&pixel| places.of(pixel)[a]).sum::<f64>();
        let (center, radius) =
            ([sum(0) / count, sum(1) / count], (count * across * down / std::f64::consts::PI).sqrt());
        Part { pixels, center, radius }
    };
    found.list.into_iter().map(|component| part(component.runs)).collect()
}

/// A part without an overlap goes on as the nearest free one, at most so many times the sum of both radii away.
const FARTHEST: f64 = 3.0;

/// By overlap; what overlaps nothing by the nearest centre; what is then left ends.
pub fn groups(first: &[Part], second: &[Part], pixels: usize) -> Vec<Group> {
    let mut owner = vec![usize::MAX; pixels];
    for (at, part) in second.iter().enumerate() {
        part.pixels.iter().for_each(|&pixel| owner[pixel] = at);
    }
    // Each part belongs to the group of the parts that it overlaps.
    let mut group: Vec<usize> = (0..first.len() + second.len()).collect();
    fn root(group: &[usize], mut at: usize) -> usize {
        while group[at] != at {
            at = group[at];
        }
        at
    }
    let mut join = |a: usize, b: usize| {
        let (a, b) = (root(&group, a), root(&group, b));
        group[a.max(b)] = a.min(b);
    };
    let mut free = [vec![true; first.len()], vec![true; second.len()]];
    for (a, part) in first.iter().enumerate() {
        for &pixel in part.pixels.iter().filter(|&&pixel| owner[pixel] != usize::MAX) {
            let b = owner[pixel];
            join(a, first.len() + b);
            (free[0][a], free[1][b]) = (false, false);
        }
    }
    let mut near: Vec<(f64, usize, usize)> = Vec::new();
    for (a, one) in first.iter().enumerate().filter(|(a, _)| free[0][*a]) {
        for (b, other) in second.iter().enumerate().filter(|(b, _)| free[1][*b]) {
            let away = (one.center[0] - other.center[0]).hypot(one.center[1] - other.center[1]);
            if away <= FARTHEST * (one.radius + other.radius) {
                near.push((away, a, b));
            }
        }
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    for (_, a, b) in near {
        if free[0][a] && free[1][b] {
            join(a, first.len() + b);
            (free[0][a], free[1][b]) = (false, false);
        }
    }
    let mut groups = vec![Group::default(); group.len()];
    for at in 0..group.len() {
        let of = &mut groups[root(&group, at)];
        match at.checked_sub(first.len()) {
            None => of.first.push(at),
            Some(b) => of.second.push(b),
        }
    }
    groups.retain(|group| !group.first.is_empty() || !group.second.is_empty());
    groups
}
