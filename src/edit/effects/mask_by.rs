//! A label kept or erased by something else.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish,
    ball::Ball,
    logic::{FROM, SECOND, second},
    rows::{Block, Rows},
};
use crate::{label::Connectivity, watch::Stopped};

pub static EFFECT: Effect = Effect {
    id: "mask-by",
    title: "Mask by",
    summary: "Keeps or erases a label where a second label is, near it, where the image has certain values, or inside the body.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "where",
            title: "Where",
            help: "What decides. Values and the body need the image.",
            when: None,
            kind: Kind::Choice(&[
                ("values", "The image's value is in a range"),
                ("label", "The second label is"),
                ("near", "The second label is near"),
                ("body", "The body is"),
            ]),
        },
        Parameter {
            key: "keep",
            title: "Keep",
            help: "What stays of the label: what is there, or what is not there.",
            when: None,
            kind: Kind::Choice(&[("inside", "What is there"), ("outside", "What is not there")]),
        },
        Parameter {
            key: "low",
            title: "From value",
            help: "The lowest value that is there; without it there is no lowest.",
            when: Some(("where", &["values"])),
            kind: Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" },
        },
        Parameter {
            key: "high",
            title: "To value",
            help: "The highest value that is there; without it there is no highest.",
            when: Some(("where", &["values"])),
            kind: Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" },
        },
        Parameter { when: WITH_SECOND, ..SECOND },
        Parameter { when: WITH_SECOND, ..FROM },
        Parameter {
            key: "distance_mm",
            title: "Distance",
            help: "How far the second label may be.",
            when: Some(("where", &["near"])),
            kind: Kind::Number { default: Some(5.0), range: [0.0, 100.0], whole: false, unit: "mm" },
        },
    ],
    work,
};

const WITH_SECOND: Option<(&str, &[&str])> = Some(("where", &["label", "near"]));

/// In HU. What is above it and connected is the body.
const AIR: f64 = -300.0;

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (block, own) = (scene.block(), scene.voxels()?);
    let mut note = None;
    let there = match values.choice("where") {
        "label" => second(scene, values, &block)?,
        "near" => {
            let (distance, space) = (values.number("distance_mm"), scene.space(&block));
            let ball = Ball::of_radius(distance);
            note = scene.within(ball.0, ball.reach(&space)).ok().flatten();
            ball.dilated(&second(scene, values, &block)?, &space)?
        }
        _ if !scene.has_image => return Err(EffectError::lacks("the image", "--image FILE")),
        "body" => body(scene, &block)?,
        _ => {
            let Some([low, high]) = values.range("low", "high") else {
                return Err(EffectError::lacks("a range of values", "low=VALUE, high=VALUE or both"));
            };
            scene.valued(&block, |value| value >= low && value <= high)?
        }
    };
    let after = match values.choice("keep") {
        "outside" => own.minus(&there),
        _ => own.and(&there),
    };
    Ok(scene.becomes(&block, &own, &after).noted(note))
}

/// The largest part that is not air, with its holes filled slice by slice.
fn body(scene: &Scene<'_>, block: &Block) -> Result<Rows, Stopped> {
    let dense = scene.valued(block, |value| value > AIR)?;
    let body = Rows::of_parts(block.size, dense.parts(Connectivity::Faces).first());
    let [width, height, depth] = block.size;
    let mut rows = Vec::with_capacity(body.rows.len());
    for z in 0..depth {
        let slice = body.moved([0, 0, z as isize], [width, height, 1]);
        let holes = Rows::of_parts(slice.size, &slice.holes());
        rows.extend(slice.or(&holes).rows);
    }
    Ok(Rows { size: block.size, rows })
}
