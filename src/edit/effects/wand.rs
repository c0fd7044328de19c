//! What is connected to a voxel and has values like it.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish,
    ball::Ball,
    islands::{CONNECTED, connectivity},
    rows::{Block, Rows},
    walker::spread,
};
use crate::{
    label::{Connectivity, LabelId, flood},
    watch,
};

pub static EFFECT: Effect = Effect {
    id: "wand",
    title: "Magic wand",
    summary: "Gives a label the voxels that are connected to a place and have values like it.",
    on: On::One,
    needs_image: true,
    parameters: &[
        AT,
        WITHIN,
        Parameter {
            key: "tolerance",
            title: "Tolerance",
            help: "By how much a value may differ from that at the place. Without it, 6 % of the range of values.",
            when: Some(("adaptive", &["no"])),
            kind: Kind::Number { default: None, range: [0.0, 1e9], whole: false, unit: "value" },
        },
        Parameter {
            key: "adaptive",
            title: "Adaptive",
            help: "The range follows what has been found: its mean, and 2.5 standard deviations on either side, in four rounds.",
            when: None,
            kind: Kind::Switch(false),
        },
        CONNECTED,
        Parameter {
            key: "stay_in_label",
            title: "Stay in the label",
            help: "Voxels of other labels than the one at the place are not taken.",
            when: None,
            kind: Kind::Switch(true),
        },
        Parameter {
            key: "leash_mm",
            title: "Leash",
            help: "How far from the place a voxel may be. Without it, 60 mm in the volume and any distance in a slice.",
            when: None,
            kind: Kind::Number { default: None, range: [0.0, 1e4], whole: false, unit: "mm" },
        },
        Parameter {
            key: "seal_mm",
            title: "Seal gaps",
            help: "Necks thinner than twice this radius are not gone through.",
            when: None,
            kind: Kind::Number { default: Some(0.0), range: [0.0, 20.0], whole: false, unit: "mm" },
        },
    ],
    work,
};

/// The voxel that was pointed at.
pub(super) const AT: Parameter = Parameter {
    key: "at",
    title: "Place",
    help: "A voxel: column, row and slice, from 0.",
    when: None,
    kind: Kind::Voxel,
};

/// A slice or all of them.
pub(super) const WITHIN: Parameter = Parameter {
    key: "within",
    title: "Within",
    help: "In the slice of the place alone, or in all slices.",
    when: None,
    kind: Kind::Choice(&[("slice", "The slice"), ("volume", "All slices")]),
};

/// The place of [`AT`], the box that [`WITHIN`] means, and the place in that box.
pub(super) fn place(
    scene: &Scene<'_>,
    values: &Values,
) -> Result<([usize; 3], Block, [usize; 3]), EffectError> {
    let Some(at) = values.voxel("at") else {
        return Err(EffectError::lacks("a place", "at=COLUMN,ROW,SLICE"));
    };
    scene.must_hold("at", at)?;
    let mut block = scene.block();
    if block.place(at).is_some() && values.choice("within") == "slice" {
        let a = scene.scope.normal.index();
        (block.low[a], block.size[a]) = (at[a], 1);
    }
    let Some(own) = block.place(at) else {
        let [x, y, z] = at;
        return Err(EffectError::Nothing(format!("at={x},{y},{z} lies outside of the slices in question")));
    };
    Ok((at, block, own))
}

/// Of the whole range of values, unless told.
const TOLERANCE: f64 = 0.06;
/// How far a region in a volume may reach, unless told.
const LEASH_MM: f64 = 60.0;
/// Standard deviations on either side of the mean, and how often the range is made anew.
const DEVIATIONS: f64 = 2.5;
const ROUNDS: usize = 4;

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (at, block, own) = place(scene, values)?;
    let value = |at: [usize; 3]| f64::from(scene.volume.scalar_value(scene.grid().index(at)));
    let range = if values.is_on("adaptive") {
        adaptive(scene, values, &block, own)?
    } else {
        let stats = scene.volume.stats();
        let tolerance = values.given("tolerance").unwrap_or(TOLERANCE * (stats.max - stats.min));
        [value(at) - tolerance, value(at) + tolerance]
    };
    let found = region(scene, values, &block, own, range)?;
    let mut wish = Wish::default();
    wish.gain(scene.label, block.runs(&found));
    Ok(wish)
}

/// As ITK's confidence connected filter: from the voxels around the place, by the mean and the deviation of what was found.
fn adaptive(
    scene: &Scene<'_>,
    values: &Values,
    block: &Block,
    own: [usize; 3],
) -> Result<[f64; 2], EffectError> {
    let near = [0, 1, 2].map(|a| own[a].saturating_sub(1)..(own[a] + 2).min(block.size[a]));
    let [columns, rows, slices] = near;
    let index = |[x, y, z]: [usize; 3]| block.index((z * block.size[1] + y) * block.size[0] + x);
    let around = slices.flat_map(|z| rows.clone().map(move |y| (y, z)));
    let mut found: Vec<usize> =
        around.flat_map(|(y, z)| columns.clone().map(move |x| [x, y, z])).map(index).collect();
    let seed = f64::from(scene.volume.scalar_value(index(own)));
    let mut range = [seed, seed];
    for round in 0..=ROUNDS {
        watch::step("finding the range", round, ROUNDS)?;
        let [mean, sd] = spread(found.iter().map(|&at| f64::from(scene.volume.scalar_value(at))));
        // Of a sample, not of all there is.
        let count = found.len() as f64;
        let sd = sd * (count / (count - 1.0).max(1.0)).sqrt();
        // The place itself is always in the range.
        range = [(mean - DEVIATIONS * sd).min(seed), (mean + DEVIATIONS * sd).max(seed)];
        if round < ROUNDS {
            let region = region(scene, values, block, own, range)?;
            found = block.runs(&region).into_iter().flat_map(|(at, len)| at..at + len as usize).collect();
        }
    }
    Ok(range)
}

/// The voxels in the range that are connected to the place.
fn region(
    scene: &Scene<'_>,
    values: &Values,
    block: &Block,
    own: [usize; 3],
    [low, high]: [f64; 2],
) -> Result<Rows, EffectError> {
    let connectivity = match values.choice("within") {
        // 4 or 8 in a slice; that by faces unless told.
        "slice" if values.choice("neighbours") != "6" => Connectivity::Full,
        _ => connectivity(values),
    };
    let own_label = scene.mask.get([0, 1, 2].map(|a| block.low[a] + own[a]));
    let may_take = |id: LabelId| id == own_label || !values.is_on("stay_in_label");
    let space = scene.space(block);
    let leash = values.given("leash_mm").or((values.choice("within") == "volume").then_some(LEASH_MM));
    let reaches = |x: usize, y: usize, z: usize| {
        let away = [
            (x.abs_diff(own[0])) as f64 * space.step[0],
            (y.abs_diff(own[1])) as f64 * space.step[1],
            space.z[z] - space.z[own[2]],
        ];
        leash.is_none_or(|leash| away.iter().map(|d| d * d).sum::<f64>() <= (leash + 1e-6).powi(2))
    };
    let is_in = |x: usize, y: usize, z: usize, id: LabelId| {
        let at = block.row(z * block.size[1] + y) + x;
        let value = f64::from(scene.volume.scalar_value(at));
        may_take(id) && value >= low && value <= high && reaches(x, y, z)
    };
    let mut labels = vec![0; block.size[0]];
    let mut accept = |y: usize, z: usize, row: &mut [bool]| {
        scene.mask.read(block.row(z * block.size[1] + y), &mut labels);
        for (x, open) in row.iter_mut().enumerate() {
            *open = is_in(x, y, z, labels[x]);
        }
    };
    let seal = values.number("seal_mm");
    if seal > 0.0 {
        // A neck is gone from what is shrunk. The part there grows back, and no further.
        let mut dense = vec![false; block.voxel_count()];
        for (row, out) in dense.chunks_exact_mut(block.size[0]).enumerate() {
            accept(row % block.size[1], row / block.size[1], out);
        }
        let all = Rows::of_each(block.size, |at| dense[at]);
        let ball = Ball::of_radius(seal);
        let index = (own[2] * block.size[1] + own[1]) * block.size[0] + own[0];
        let near = ball.dilated(&Rows::of_one(block.size, index), &space)?;
        let part = ball.eroded(&all, &space)?.touching(&near, connectivity);
        if !part.is_empty() {
            return Ok(ball.dilated(&part, &space)?.and(&all));
        }
        // The place itself lies in a neck: nothing is sealed.
    }
    let mut rows = vec![Vec::new(); block.size[1] * block.size[2]];
    for ([x, y, z], len) in flood(block.size, own, connectivity, accept) {
        rows[z * block.size[1] + y].push((x, len));
    }
    rows.iter_mut().for_each(|row| row.sort_unstable());
    Ok(Rows { size: block.size, rows })
}
