//! The region around a place that is at least, or at most, as bright.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, gaussian,
    rows::Rows,
    wand::{AT, place},
};
use crate::label::Connectivity;

pub static EFFECT: Effect = Effect {
    id: "level-tracing",
    title: "Level tracing",
    summary: "Gives a label the region of a slice whose values are at least, or at most, that at a place, with its holes filled.",
    on: On::One,
    needs_image: true,
    parameters: &[
        AT,
        Parameter {
            key: "side",
            title: "Side",
            help: "Values from that at the place upwards, or downwards, or whichever region is smaller.",
            when: None,
            kind: Kind::Choice(&[
                ("smaller", "The smaller region"),
                ("above", "At or above"),
                ("below", "At or below"),
            ]),
        },
        Parameter {
            key: "shift",
            title: "Level",
            help: "How far the level lies above the value at the place.",
            when: None,
            kind: Kind::Number { default: Some(0.0), range: [-1e9, 1e9], whole: false, unit: "value" },
        },
        Parameter {
            key: "sigma_px",
            title: "Smooth",
            help: "Standard deviation of a Gaussian over the image before, against noise.",
            when: None,
            kind: Kind::Number { default: Some(0.0), range: [0.0, 20.0], whole: false, unit: "pixels" },
        },
    ],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (at, mut block, _) = place(scene, values)?;
    let a = scene.scope.normal.index();
    (block.low[a], block.size[a]) = (at[a], 1);
    let own = [0, 1, 2].map(|a| at[a] - block.low[a]);
    let seed = (own[2] * block.size[1] + own[1]) * block.size[0] + own[0];
    let mut image = scene.values(&block)?;
    let sigma = values.number("sigma_px");
    if sigma > 0.0 {
        // In pixels, of a slice of whichever plane.
        let space = super::ball::Space { step: [1.0; 2], z: (0..block.size[2]).map(|z| z as f64).collect() };
        image = gaussian::smoothed(&image, block.size, &space, sigma)?;
    }
    let level = f64::from(image[seed]) + values.number("shift");
    let region = |above: bool| {
        let is_in = |value: f64| if above { value >= level } else { value <= level };
        let all = Rows::of_each(block.size, |at| is_in(f64::from(image[at])));
        all.touching(&Rows::of_one(block.size, seed), Connectivity::Faces)
    };
    let found = match values.choice("side") {
        "above" => region(true),
        "below" => region(false),
        _ => {
            let [above, below] = [region(true), region(false)];
            let is_less =
                |a: &Rows, b: &Rows| !a.is_empty() && (b.is_empty() || a.voxel_count() <= b.voxel_count());
            if is_less(&above, &below) { above } else { below }
        }
    };
    let holes = Rows::of_parts(block.size, &found.holes());
    let mut wish = Wish::default();
    wish.gain(scene.label, block.runs(&found.or(&holes)));
    Ok(wish)
}
