//! Connected parts of a label.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, rows::Block};
use crate::{
    label::{Component, Connectivity, LabelId},
    words::listed,
};

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
            help: "The parts get this label and those after it that no voxel has, by size. Without it, labels above all others.",
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
    if values.choice("keep") == "split" {
        return Ok(split(scene, values, &block, &parts));
    }
    let mut wish = Wish::default();
    let chosen = || -> Result<usize, EffectError> {
        let Some(voxel) = values.voxel("at") else {
            return Err(EffectError::lacks("the place of a part", "at=COLUMN,ROW,SLICE"));
        };
        scene.must_hold("at", voxel)?;
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

/// Each part but the largest as a label of its own, as far as there are numbers.
fn split(scene: &Scene<'_>, values: &Values, block: &Block, parts: &[Component]) -> Wish {
    let used = scene.mask.counts();
    let highest = used.keys().copied().chain(scene.labels.iter().map(|label| label.id)).max();
    let first = values.given("first_id").map_or(highest.unwrap_or(0).saturating_add(1), |id| id as LabelId);
    let (mut new, mut taken) = (Vec::new(), Vec::new());
    let mut wish = Wish::default();
    let mut others = parts.iter().skip(1);
    for id in first..LabelId::MAX {
        if used.contains_key(&id) || scene.labels.is_locked(id) {
            taken.push(id);
            continue;
        }
        let Some(part) = others.next() else { break };
        wish.change(scene.label, id, block.runs_of(part));
        new.push(id);
    }
    let left = others.count();
    let (Some(low), Some(high)) = (new.first(), new.last()) else {
        if left > 0 {
            wish.warnings.push(format!("{}: no number from {first} on is free", not_split(left)));
        }
        return wish;
    };
    // Those behind the last that is used do not matter.
    let skipped: Vec<String> = taken.iter().filter(|id| *id < high).map(LabelId::to_string).collect();
    let skipped: Vec<&str> = skipped.iter().map(String::as_str).collect();
    let mut note = match new.len() {
        1 => format!("one part becomes label {low}"),
        n => format!("{n} parts become labels {low} to {high}"),
    };
    match skipped.len() {
        0 => {}
        1 => note += &format!(", without {}, which is taken", skipped.concat()),
        _ => note += &format!(", without {}, which are taken", listed(&skipped, 5)),
    }
    wish.notes.push(note);
    if left > 0 {
        wish.warnings.push(format!("{}: no number above {high} is free", not_split(left)));
    }
    wish
}

fn not_split(parts: usize) -> String {
    match parts {
        1 => "one part stays what it is".to_owned(),
        n => format!("{n} parts stay what they are"),
    }
}
