//! A border pushed a little.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish,
    distance::{Field, Places},
    wand::{AT, place},
};
use crate::{
    geom::Axis,
    label::{Components, Connectivity, LabelId},
};

pub static EFFECT: Effect = Effect {
    id: "nudge",
    title: "Nudge",
    summary: "Pushes the border of a label in a slice by a step, fully at a place and less and less around it.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter { help: "The voxel that is pushed: column, row and slice, from 0.", ..AT },
        Parameter {
            key: "move",
            title: "Step",
            help: "By how many pixels the place is pushed, right and down in the voxels of the slice: RIGHT,DOWN.",
            when: None,
            kind: Kind::Points,
        },
        Parameter {
            key: "radius_px",
            title: "Radius",
            help: "How far around the place the border moves with it. A step is at most half of it.",
            when: None,
            kind: Kind::Number { default: Some(20.0), range: [1.0, 1000.0], whole: false, unit: "pixels" },
        },
        Parameter {
            key: "both",
            title: "Move shared borders",
            help: "Where the label touches another, that label gives and takes too.",
            when: None,
            kind: Kind::Switch(true),
        },
    ],
    work,
};

/// What is looked at around the ring, in pixels.
const AROUND: f64 = 20.0;

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (at, scope, _) = place(scene, values)?;
    let Some(&[right, down, _]) = values.points("move").first() else {
        return Err(EffectError::lacks("a step", "move=RIGHT,DOWN"));
    };
    let [normal, u, v] = match scene.scope.normal {
        Axis::X => [0, 1, 2],
        Axis::Y => [1, 0, 2],
        Axis::Z => [2, 0, 1],
    };
    let radius = values.number("radius_px");
    let mut slice = scope;
    (slice.low[normal], slice.size[normal]) = (at[normal], 1);
    let own = [0, 1, 2].map(|a| at[a] - slice.low[a]);
    let around = (radius + AROUND).ceil() as usize;
    let mut reach = [around; 3];
    reach[normal] = 0;
    let block = slice.around([own, own], reach);
    let center = [u, v].map(|a| (at[a] - block.low[a]) as f64);
    // A step of at most half the radius folds nothing over.
    let length = right.hypot(down);
    let cut = if length > radius / 2.0 { radius / 2.0 / length } else { 1.0 };
    let step = [right * cut, down * cut];
    let size = [block.size[u], block.size[v]];
    let labels = block.labels(scene.mask);
    let is_in: Vec<bool> = pressed(&labels, size, scene.label, center);
    if !is_in.contains(&true) {
        let told = format!("{} is not near that place", scene.name(scene.label));
        return Err(EffectError::Nothing(told));
    }
    let places =
        Places { u: (0..size[0]).map(|u| u as f64).collect(), v: (0..size[1]).map(|v| v as f64).collect() };
    let field = Field::of(&places, &is_in);
    let mut wish = Wish::default();
    for pixel in 0..places.len() {
        let [x, y] = places.of(pixel);
        let away = ((x - center[0]).powi(2) + (y - center[1]).powi(2)) / (radius * radius);
        if away >= 1.0 {
            continue;
        }
        let weight = (1.0 - away) * (1.0 - away);
        let from = [x - weight * step[0], y - weight * step[1]];
        let run = [(block.index(pixel), 1)];
        match (is_in[pixel], field.at(from) < 0.0) {
            (true, false) => {
                // What lies where the place was pushed from moves along.
                let nearest = from.map(|at| at.round().max(0.0) as usize);
                let there = labels[nearest[1].min(size[1] - 1) * size[0] + nearest[0].min(size[0] - 1)];
                let other = if values.is_on("both") && there != scene.label { there } else { 0 };
                wish.change(scene.label, other, run);
            }
            (false, true) if values.is_on("both") => wish.change(labels[pixel], scene.label, run),
            (false, true) => wish.gain(scene.label, run),
            _ => {}
        }
    }
    Ok(wish)
}

/// The part of the label that is nearest to the place.
fn pressed(labels: &[LabelId], size: [usize; 2], label: LabelId, center: [f64; 2]) -> Vec<bool> {
    let of: Vec<LabelId> = labels.iter().map(|id| LabelId::from(*id == label)).collect();
    let found = Components::of_labels([size[0], size[1], 1], &of, Connectivity::Full).unwrap_or_default();
    let away =
        |pixel: usize| ((pixel % size[0]) as f64 - center[0]).hypot((pixel / size[0]) as f64 - center[1]);
    let pixels = |runs: &[(usize, u32)]| -> Vec<usize> {
        runs.iter().flat_map(|&(at, len)| at..at + len as usize).collect()
    };
    let parts = found.list.iter().map(|part| pixels(&part.runs));
    let nearest = parts.min_by(|a, b| {
        let least = |part: &[usize]| part.iter().map(|&pixel| away(pixel)).fold(f64::INFINITY, f64::min);
        least(a).total_cmp(&least(b))
    });
    let mut is_in = vec![false; labels.len()];
    nearest.into_iter().flatten().for_each(|pixel| is_in[pixel] = true);
    is_in
}
