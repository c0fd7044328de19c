//! Connected parts of a label.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish};
use crate::label::{Component, Connectivity, LabelId};

pub static EFFECT: Effect = Effect {
    id: "islands",
    title: "Islands",
    summary: "Keeps the largest connected part of a label, takes small or chosen parts away, or makes each part a label.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "keep",
            title: "Keep",
            help: "What stays of the label. With split all stays, and each part but the largest becomes a label of its own.",
            when: None,
            kind: Kind::Choice(&[
                ("largest", "The largest part"),
                ("large", "Parts of at least a size"),
                ("chosen", "The part at a place"),
                ("others", "All but the part at a place"),
                ("split", "All, each part as a label"),
            ]),
        },
        Parameter {
            key: "min_voxels",
            title: "Least size",
            help: "Parts of fewer voxels are taken away.",
            when: Some(("keep", &["large"])),
            kind: Kind::Number { default: Some(100.0), range: [1.0, 1e12], whole: true, unit: "voxels" },
        },
        Parameter {
            key: "min_ml",
            title: "Least volume",
            help: "Parts of less volume are taken away, instead of a number of voxels.",
            when: Some(("keep", &["large"])),
            kind: Kind::Number { default: None, range: [0.0, 1e6], whole: false, unit: "ml" },
        },
        Parameter {
            key: "at",
            title: "Place",
            help: "A voxel of the part: column, row and slice, from 0.",
            when: Some(("keep", &["chosen", "others"])),
            kind: Kind::Voxel,
        },
        Parameter {
            key: "first_id",
            title: "First new label",
            help: "The parts get this label and those after it, by size. Without it, labels above all others.",
            when: Some(("keep", &["split"])),
            kind: Kind::Number { default: None, range: [1.0, 65_000.0], whole: true, unit: "" },
        },
        CONNECTED,
    ],
    work,
};

/// Which voxels touch.
pub(super) const CONNECTED: Parameter = Parameter {
    key: "neighbours",
    title: "Connected",
    help: "Voxels are of one part where they share a face, an edge or a corner, or where they share a face.",
    when: None,
    kind: Kind::Choice(&[("26", "By faces, edges and corners"), ("6", "By faces")]),
};

/// What [`CONNECTED`] was set to.
pub(super) fn connectivity(values: &Values) -> Connectivity {
    match values.choice("neighbours") {
        "6" => Connectivity::Faces,
        _ => Connectivity::Full,
    }
}

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (block, rows) = (scene.block(), scene.voxels()?);
    let parts = rows.parts(connectivity(values));
    let mut wish = Wish::default();
    if values.choice("keep") == "split" {
        let used = scene.mask.counts().into_keys().chain(scene.labels.iter().map(|label| label.id)).max();
        let first = values.given("first_id").map_or(used.unwrap_or(0).saturating_add(1), |id| id as LabelId);
        // What no id is left for stays what it was.
        for (id, part) in (first..LabelId::MAX).zip(parts.iter().skip(1)) {
            wish.change(scene.label, id, block.runs_of(part));
        }
        return Ok(wish);
    }
    let chosen = || -> Result<usize, EffectError> {
        let Some(voxel) = values.voxel("at") else {
            return Err(EffectError::lacks("the place of a part", "at=COLUMN,ROW,SLICE"));
        };
        let place = block.place(voxel);
        let index = place.map(|[x, y, z]| (z * block.size[1] + y) * block.size[0] + x);
        let holds = |part: &Component, index: usize| {
            let after = part.runs.partition_point(|run| run.0 <= index);
            after > 0 && index < part.runs[after - 1].0 + part.runs[after - 1].1 as usize
        };
        let found = index.and_then(|index| parts.iter().position(|part| holds(part, index)));
        found.ok_or_else(|| {
            let [x, y, z] = voxel;
            EffectError::Nothing(format!("{} is not at {x},{y},{z}", scene.name(scene.label)))
        })
    };
    let voxel_ml = scene.grid().spacing().into_iter().product::<f64>() / 1000.0;
    let least = match values.given("min_ml") {
        Some(ml) => (ml / voxel_ml - 1e-9).ceil() as usize,
        None => values.number("min_voxels") as usize,
    };
    let lost: Vec<&Component> = match values.choice("keep") {
        "large" => parts.iter().filter(|part| part.voxel_count < least).collect(),
        "chosen" => {
            let chosen = chosen()?;
            parts.iter().enumerate().filter(|(at, _)| *at != chosen).map(|(_, part)| part).collect()
        }
        "others" => vec![&parts[chosen()?]],
        // The largest is the first; of equal ones that whose first voxel comes first.
        _ => parts.iter().skip(1).collect(),
    };
    wish.lose(scene.label, lost.into_iter().flat_map(|part| block.runs_of(part)));
    Ok(wish)
}
