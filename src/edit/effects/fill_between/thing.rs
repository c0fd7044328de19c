//! One thing between two drawn slices: what it is in each slice between them.

use super::super::{
    distance::{Field, Places},
    walker::{Seed, Walks, spread},
};
use super::parts::{Group, Part};
use crate::watch::Stopped;
use std::ops::Range;

/// A part that goes on from one slice to the next, several that join or divide, or one that ends.
pub struct Thing {
    /// Where it can be, of the columns and rows of the slices.
    pub columns: Range<usize>,
    pub rows: Range<usize>,
    places: Places,
    course: Course,
    /// Half the width of the band in which the image decides, in mm.
    band: f64,
}

enum Course {
    /// A part goes on as one other; where their centres are.
    Moves {
        fields: [Field; 2],
        centers: [[f64; 2]; 2],
    },
    Changes {
        fields: [Field; 2],
    },
    /// It is gone half-way; how deep it is, in mm.
    Ends {
        field: Field,
        depth: f64,
        in_first: bool,
    },
}

/// Room around what is drawn, in pixels.
const AROUND: usize = 2;
/// The band is at most so wide on either side, in mm, and such a part of the side of a square of the same area.
const WIDEST: f64 = 6.0;
const OF_SIDE: f64 = 0.3;
/// The image decides where values on both sides of the border differ by so many standard deviations.
const APART: f64 = 1.5;

impl Thing {
    /// Of parts in two slices with these places.
    pub fn new(
        places: &Places,
        group: &Group,
        [first, second]: [&[Part]; 2],
        with_image: bool,
    ) -> Option<Self> {
        let width = places.u.len();
        let own = |parts: &[Part], which: &[usize]| -> Vec<usize> {
            which.iter().flat_map(|&at| parts[at].pixels.iter().copied()).collect()
        };
        let pixels = [own(first, &group.first), own(second, &group.second)];
        let pixel = places.pixel();
        let count = pixels.iter().map(Vec::len).max().unwrap_or(0);
        let band = (OF_SIDE * (count as f64 * pixel[0] * pixel[1]).sqrt()).min(WIDEST);
        let range = |of: &dyn Fn(usize) -> usize, count: usize, step: f64| {
            let around = if with_image { (band / step) as usize + AROUND } else { AROUND };
            let along = || pixels.iter().flatten().map(|&pixel| of(pixel));
            Some(along().min()?.saturating_sub(around)..(along().max()? + around + 1).min(count))
        };
        let columns = range(&|i| i % width, width, pixel[0])?;
        let rows = range(&|i| i / width, places.v.len(), pixel[1])?;
        let own_places = places.within([columns.clone(), rows.clone()]);
        let [a, b] = pixels.map(|pixels| {
            let mut is_in = vec![false; own_places.len()];
            for pixel in pixels {
                is_in[(pixel / width - rows.start) * columns.len() + pixel % width - columns.start] = true;
            }
            Field::of(&own_places, &is_in)
        });
        let depth = |field: &Field| f64::from(-field.values.iter().copied().fold(0.0, f32::min));
        let course = match (&group.first[..], &group.second[..]) {
            ([from], [to]) => {
                Course::Moves { fields: [a, b], centers: [first[*from].center, second[*to].center] }
            }
            (_, []) => Course::Ends { depth: depth(&a), field: a, in_first: true },
            ([], _) => Course::Ends { depth: depth(&b), field: b, in_first: false },
            _ => Course::Changes { fields: [a, b] },
        };
        Some(Self { columns, rows, places: own_places, course, band })
    }

    /// How far each pixel of its box is outside, in mm; below 0 inside. `share` of the way from the first slice to the second.
    pub fn depths(&self, share: f64) -> Vec<f32> {
        let mix = |[a, b]: [f64; 2]| (1.0 - share) * a + share * b;
        let depth = |pixel: usize| {
            let place = self.places.of(pixel);
            let depth = match &self.course {
                Course::Moves { fields: [a, b], centers: [from, to] } => {
                    let back = |by: f64| [0, 1].map(|axis| place[axis] - by * (to[axis] - from[axis]));
                    mix([a.at(back(share)), b.at(back(share - 1.0))])
                }
                Course::Changes { fields } => mix([0, 1].map(|end| f64::from(fields[end].values[pixel]))),
                Course::Ends { field, depth, in_first } => {
                    let gone = 2.0 * if *in_first { share } else { 1.0 - share };
                    f64::from(field.values[pixel]) + gone.min(1.0) * depth
                }
            };
            depth as f32
        };
        (0..self.places.len()).map(depth).collect()
    }

    /// Whether values on both sides of the border differ enough, by the values of its box in the two drawn slices.
    pub fn stands_out(&self, values: [&[f32]; 2]) -> bool {
        let fields: Vec<(&Field, &[f32])> = match &self.course {
            Course::Moves { fields: [a, b], .. } | Course::Changes { fields: [a, b] } => {
                vec![(a, values[0]), (b, values[1])]
            }
            Course::Ends { .. } => return false,
        };
        let band = self.band as f32;
        let side = |inside: bool| {
            let of = fields.iter().flat_map(|(field, values)| field.values.iter().zip(values.iter()));
            let near = of.filter(move |(d, _)| d.abs() <= band && (**d < 0.0) == inside);
            spread(near.map(|(_, value)| f64::from(*value)))
        };
        let ([inner, inner_sd], [outer, outer_sd]) = (side(true), side(false));
        (inner - outer).abs() > APART * (inner_sd + outer_sd) / 2.0
    }

    /// Depths of which the image decides within a band around the border, by the values of the box in that slice.
    pub fn refined(&self, mut depths: Vec<f32>, values: &[f32]) -> Result<Vec<f32>, Stopped> {
        let band = self.band as f32;
        let seed = |depth: &f32| if depth.abs() < band { Seed::Open } else { Seed::Is(*depth < 0.0) };
        let seeds: Vec<Seed> = depths.iter().map(seed).collect();
        if !seeds.contains(&Seed::Is(true)) || !seeds.contains(&Seed::Is(false)) {
            return Ok(depths);
        }
        let [_, sd] = spread(values.iter().map(|value| f64::from(*value)));
        let walks = Walks::new(values, self.columns.len(), self.places.pixel(), sd);
        for (depth, p) in depths.iter_mut().zip(walks.probability(&seeds)?) {
            // What is far from the border is left as it is.
            if depth.abs() <= band / 2.0 {
                *depth = 0.5 - p;
            }
        }
        Ok(depths)
    }
}
