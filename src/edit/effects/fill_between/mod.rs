//! What lies between drawn slices.

mod parts;
mod thing;

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, distance::Places, rows::Block, work,
};
use crate::{geom::Axis, label::LabelId, watch::Stopped};
use std::collections::BTreeSet;
use thing::Thing;

pub static EFFECT: Effect = Effect {
    id: "fill-between",
    title: "Fill between slices",
    summary: "Draws labels in the slices between those in which they are drawn, part by part; drawn slices stay as they are.",
    on: On::All,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "drawn",
            title: "Drawn slices",
            help: "Each label counts the slices in which it is itself, or a slice with any label is drawn for all of them.",
            when: None,
            kind: Kind::Choice(&[("each", "Of each label"), ("any", "Of any label")]),
        },
        Parameter {
            key: "image",
            title: "Follow the image",
            help: "The outline follows edges of the image nearby: where they are clear, never, or always. Needs the image.",
            when: None,
            kind: Kind::Choice(&[("clear", "Where edges are clear"), ("no", "Never"), ("yes", "Always")]),
        },
    ],
    work,
};

/// The slices of a scope.
struct Slices<'a> {
    scene: &'a Scene<'a>,
    boxes: Vec<Block>,
    /// Of the columns and rows of each, and of the slices themselves.
    places: Places,
    along: Vec<f64>,
}

/// What a label is between two slices that are drawn.
struct Gap {
    label: LabelId,
    /// Slices of the scope: the two that are drawn.
    ends: [usize; 2],
    things: Vec<Thing>,
    /// Of which things the image decides.
    by_image: Vec<bool>,
}

impl<'a> Slices<'a> {
    fn of(scene: &'a Scene<'a>) -> Self {
        let block = scene.block();
        let [x, y, _] = scene.grid().spacing();
        let along = |a: usize| -> Vec<f64> {
            let voxels = block.low[a]..block.low[a] + block.size[a];
            match a {
                2 => voxels.map(|z| scene.grid().slice_position(z)).collect(),
                a => voxels.map(|at| at as f64 * [x, y][a]).collect(),
            }
        };
        let [u, v] = scene.scope.normal.others();
        Self {
            scene,
            places: Places { u: along(u), v: along(v) },
            along: along(scene.scope.normal.index()),
            boxes: block.slices(scene.scope.normal),
        }
    }

    /// Labels of a slice, row by row.
    fn labels(&self, slice: usize) -> Vec<LabelId> {
        self.boxes[slice].labels(self.scene.mask)
    }

    /// Values of the image in a thing's box.
    fn values(&self, slice: usize, thing: &Thing) -> Vec<f32> {
        let (width, block) = (self.places.u.len(), &self.boxes[slice]);
        let value = |own: usize| self.scene.volume.scalar_value(block.index(own));
        let row = |v: usize| thing.columns.clone().map(move |u| value(v * width + u));
        thing.rows.clone().flat_map(row).collect()
    }

    fn gap(&self, label: LabelId, ends: [usize; 2], image: &str) -> Gap {
        let [first, second] = ends.map(|at| {
            let is_in: Vec<bool> = self.labels(at).into_iter().map(|id| id == label).collect();
            parts::parts(&self.places, &is_in)
        });
        let with_image = self.scene.has_image && image != "no";
        let groups = parts::groups(&first, &second, self.places.len());
        let thing = |group| Thing::new(&self.places, group, [&first, &second], with_image);
        let things: Vec<Thing> = groups.iter().filter_map(thing).collect();
        let decides = |thing: &Thing| {
            let [first, second] = ends.map(|at| self.values(at, thing));
            with_image && (image == "yes" || thing.stands_out([&first, &second]))
        };
        let by_image = things.iter().map(decides).collect();
        Gap { label, ends, things, by_image }
    }

    /// What each label gains in a slice, as runs of the slice's own indices that do not cross the end of a row of the mask.
    fn filled(&self, gaps: &[Gap], slice: usize) -> Result<Gained, Stopped> {
        let width = self.places.u.len();
        let here = || gaps.iter().filter(|gap| gap.ends[0] < slice && slice < gap.ends[1]);
        if here().next().is_none() {
            return Ok(Gained::new());
        }
        let mut best = vec![0.0_f32; self.places.len()];
        let mut labels: Vec<LabelId> = vec![0; best.len()];
        for gap in here() {
            let [first, second] = gap.ends.map(|at| self.along[at]);
            let share = (self.along[slice] - first) / (second - first);
            for (thing, by_image) in gap.things.iter().zip(&gap.by_image) {
                let mut depths = thing.depths(share);
                if *by_image {
                    depths = thing.refined(depths, &self.values(slice, thing))?;
                }
                for (row, depths) in thing.rows.clone().zip(depths.chunks_exact(thing.columns.len())) {
                    for (column, depth) in thing.columns.clone().zip(depths) {
                        let pixel = row * width + column;
                        // Gaps are in the order of their labels, so that the lower one wins where two are equal.
                        if *depth < best[pixel] {
                            (best[pixel], labels[pixel]) = (*depth, gap.label);
                        }
                    }
                }
            }
        }
        // A row of the mask is one of the slice, or a single pixel.
        let along_row = self.scene.scope.normal != Axis::X;
        let mut gained = Gained::new();
        let mut at = 0;
        for run in labels.chunks_exact(width).flat_map(|row| row.chunk_by(|a, b| along_row && a == b)) {
            if run[0] != 0 {
                gained.push((run[0], at, run.len() as u32));
            }
            at += run.len();
        }
        Ok(gained)
    }
}

/// Label, first pixel and number of pixels.
type Gained = Vec<(LabelId, usize, u32)>;

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let slices = Slices::of(scene);
    let image = values.choice("image");
    if image == "yes" && !scene.has_image {
        return Err(EffectError::lacks("the image for image=yes", "--image FILE"));
    }
    let count = slices.boxes.len();
    let drawn: Vec<BTreeSet<LabelId>> = work::each("looking for what is drawn", count, |at| {
        slices.labels(at).chunk_by(|a, b| a == b).map(|run| run[0]).filter(|id| *id != 0).collect()
    })?;
    let labels: BTreeSet<LabelId> =
        drawn.iter().flatten().copied().filter(|id| scene.is_chosen(*id)).collect();
    let mut ends = Vec::new();
    for label in labels {
        let counts = |at: &usize| match values.choice("drawn") {
            "any" => !drawn[*at].is_empty(),
            _ => drawn[*at].contains(&label),
        };
        let own: Vec<usize> = (0..count).filter(counts).collect();
        let apart = own.windows(2).filter(|pair| pair[1] > pair[0] + 1);
        ends.extend(apart.map(|pair| (label, [pair[0], pair[1]])));
    }
    if ends.is_empty() {
        let told = "no label has a gap between two slices in which it is drawn";
        return Err(EffectError::Nothing(told.to_owned()));
    }
    let gaps =
        work::each("comparing what is drawn", ends.len(), |at| slices.gap(ends[at].0, ends[at].1, image))?;
    let filled = work::each("filling", count, |slice| slices.filled(&gaps, slice))?;
    let mut wish = Wish::default();
    for (block, slice) in slices.boxes.iter().zip(filled) {
        for (label, at, len) in slice? {
            wish.gain(label, [(block.index(at), len)]);
        }
    }
    Ok(wish)
}
