//! What lies within an outline or a ball, cut through slices.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish,
    ball::Ball,
    rows::{Block, Rows, marked},
    wand::AT,
};
use crate::{
    edit::outline,
    geom::{Axis, Plane},
    label::LabelId,
};

pub static EFFECT: Effect = Effect {
    id: "scissors",
    title: "Scissors",
    summary: "Cuts a label with an outline through slices, or with a ball: erases, fills or divides it there.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "operation",
            title: "Operation",
            help: "What happens to the label inside or outside.",
            when: None,
            kind: Kind::Choice(&[
                ("erase-inside", "Erase inside"),
                ("erase-outside", "Erase outside"),
                ("fill-inside", "Fill inside"),
                ("divide", "Make a new label of what is inside"),
            ]),
        },
        Parameter {
            key: "outline",
            title: "Outline",
            help: "Corners of a closed outline in the voxels of a slice, RIGHT,DOWN each; it cuts through all slices in question.",
            when: None,
            kind: Kind::Points,
        },
        Parameter { key: "center", title: "Middle of a ball", help: AT.help, when: None, kind: Kind::Voxel },
        Parameter {
            key: "radius_mm",
            title: "Radius of the ball",
            help: "A voxel is inside where its centre is so near to the middle.",
            when: None,
            kind: Kind::Number { default: Some(10.0), range: [0.0, 1000.0], whole: false, unit: "mm" },
        },
        Parameter {
            key: "to",
            title: "New label",
            help: "The label of what is inside. Without it, the lowest that is not used.",
            when: Some(("operation", &["divide"])),
            kind: Kind::Label,
        },
    ],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let block = scene.block();
    let inside = match (values.points("outline"), values.voxel("center")) {
        ([_, _, _, ..], _) => outlined(scene, &block, values.points("outline")),
        (_, Some(center)) => ball(scene, &block, center, values.number("radius_mm"))?,
        _ => {
            let how = "outline=\"X,Y X,Y X,Y\" or center=COLUMN,ROW,SLICE";
            return Err(EffectError::lacks(
                "an outline of at least three corners, or the middle of a ball",
                how,
            ));
        }
    };
    let own = block.rows(scene.mask, |id| id == scene.label);
    let operation = values.choice("operation");
    if own.is_empty() && operation != "fill-inside" {
        return Err(scene.has_none());
    }
    let mut wish = Wish::default();
    match operation {
        "erase-outside" => wish.lose(scene.label, block.runs(&own.minus(&inside))),
        "fill-inside" => wish.gain(scene.label, block.runs(&inside.minus(&own))),
        "divide" => {
            let used = scene.mask.counts();
            let is_free = |id: &LabelId| !used.contains_key(id) && scene.labels.get(*id).is_none();
            let Some(to) = values.label("to").or_else(|| (1..LabelId::MAX).find(is_free)) else {
                return Err(EffectError::Nothing("no number of a label is free".to_owned()));
            };
            wish.notes.push(format!("what is inside becomes {}", scene.name(to)));
            wish.change(scene.label, to, block.runs(&own.and(&inside)));
        }
        _ => wish.lose(scene.label, block.runs(&own.and(&inside))),
    }
    Ok(wish)
}

/// The voxels whose centres are inside of an outline, in all slices of the box.
fn outlined(scene: &Scene<'_>, block: &Block, points: &[[f64; 3]]) -> Rows {
    let (grid, normal) = (scene.grid(), scene.scope.normal);
    let [u, v] = normal.others();
    let plane = Plane::ALL.into_iter().find(|plane| grid.plane_axes(*plane).normal == normal);
    let plane = plane.unwrap_or_else(|| grid.native_plane());
    let voxel = |point: &[f64; 3]| {
        let mut voxel = [0.0; 3];
        (voxel[u], voxel[v]) = (point[0], point[1]);
        voxel
    };
    let points: Vec<[f64; 3]> = points.iter().map(voxel).collect();
    // The same in every slice: of the first one, brought to the others.
    let first = outline::region(grid, plane, block.low[normal.index()], &points);
    let mut dense = vec![false; block.size[u] * block.size[v]];
    let dims = grid.dims();
    for at in first.runs().iter().flat_map(|&(at, len)| at..at + len as usize) {
        let voxel = [at % dims[0], at / dims[0] % dims[1], at / (dims[0] * dims[1])];
        if let Some(own) = block.place(voxel) {
            dense[own[v] * block.size[u] + own[u]] = true;
        }
    }
    let [width, height, depth] = block.size;
    let lines: Vec<_> =
        dense.chunks_exact(block.size[u].max(1)).map(|line| marked(line.len(), |x| line[x])).collect();
    let row = |row: usize| match (normal, row % height, row / height) {
        (Axis::Z, y, _) => lines[y].clone(),
        (Axis::Y, _, z) => lines[z].clone(),
        (Axis::X, y, z) if dense[z * height + y] => vec![(0, width)],
        (Axis::X, ..) => Vec::new(),
    };
    Rows { size: block.size, rows: (0..height * depth).map(row).collect() }
}

fn ball(scene: &Scene<'_>, block: &Block, center: [usize; 3], radius: f64) -> Result<Rows, EffectError> {
    scene.must_hold("center", center)?;
    let Some(own) = block.place(center) else {
        return Err(EffectError::Nothing(
            "the middle of the ball lies outside of the slices in question".to_owned(),
        ));
    };
    let index = (own[2] * block.size[1] + own[1]) * block.size[0] + own[0];
    let middle = Rows::of_one(block.size, index);
    Ok(Ball::of_radius(radius).dilated(&middle, &scene.space(block))?)
}
