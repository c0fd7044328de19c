//! Connected parts of a label.

use super::{Effect, Kind, Parameter, Scene, Values, Wish};
use crate::{
    label::{Components, Connectivity},
    watch::{self, Stopped},
};

pub static EFFECT: Effect = Effect {
    id: "islands",
    title: "Islands",
    summary: "Keeps the largest connected part of a label, or takes away the small ones.",
    parameters: &[
        Parameter {
            key: "keep",
            title: "Keep",
            help: "The largest part alone, or all parts that are large enough.",
            kind: Kind::Choice(&[("largest", "The largest part"), ("large", "Parts of at least a size")]),
        },
        Parameter {
            key: "min_voxels",
            title: "Least size",
            help: "With keep=large, parts of fewer voxels are taken away.",
            kind: Kind::Number { default: 100.0, range: [1.0, 1e12], whole: true, unit: "voxels" },
        },
        Parameter {
            key: "neighbours",
            title: "Connected",
            help: "Voxels are of one part where they share a face, an edge or a corner, or where they share a face.",
            kind: Kind::Choice(&[("26", "By faces, edges and corners"), ("6", "By faces")]),
        },
    ],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, Stopped> {
    let connectivity = match values.choice("neighbours") {
        "6" => Connectivity::Faces,
        _ => Connectivity::Full,
    };
    watch::step("finding the parts", 0, 1)?;
    // The largest first; of equal ones that whose first voxel comes first.
    let parts = Components::of_runs(scene.dims(), &scene.rows(true), connectivity).list;
    watch::step("finding the parts", 1, 1)?;
    let least = values.number("min_voxels") as usize;
    let is_kept = |rank: usize, voxels: usize| match values.choice("keep") {
        "large" => voxels >= least,
        _ => rank == 0,
    };
    let lost = parts.into_iter().enumerate().filter(|(rank, part)| !is_kept(*rank, part.voxel_count));
    let lost = lost.flat_map(|(_, part)| part.runs).map(|(start, len)| (scene.start() + start, len));
    Ok(Wish { lost: lost.collect(), ..Wish::default() })
}
