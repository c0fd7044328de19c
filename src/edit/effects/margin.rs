//! A label made larger or smaller by a distance.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, ball::Ball};
use crate::label::Connectivity;

pub static EFFECT: Effect = Effect {
    id: "margin",
    title: "Margin",
    summary: "Makes a label larger or smaller by a distance in millimetres, between true places of voxels.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "margin_mm",
            title: "Margin",
            help: "By how much the label grows; below 0 it shrinks.",
            when: None,
            kind: Kind::Number { default: Some(3.0), range: [-100.0, 100.0], whole: false, unit: "mm" },
        },
        along("x_mm", "Along x", "The margin along the columns of the image, if it is another there."),
        along("y_mm", "Along y", "The margin along the rows of the image, if it is another there."),
        along("z_mm", "Along z", "The margin across the slices of the image, if it is another there."),
        Parameter {
            key: "low",
            title: "From value",
            help: "A label that grows goes through voxels of at least this value only; needs the image.",
            when: None,
            kind: Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" },
        },
        Parameter {
            key: "high",
            title: "To value",
            help: "A label that grows goes through voxels of at most this value only; needs the image.",
            when: None,
            kind: Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" },
        },
    ],
    work,
};

const fn along(key: &'static str, title: &'static str, help: &'static str) -> Parameter {
    let kind = Kind::Number { default: None, range: [0.0, 100.0], whole: false, unit: "mm" };
    Parameter { key, title, help, when: None, kind }
}

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let margin = values.number("margin_mm");
    let ball = Ball(["x_mm", "y_mm", "z_mm"].map(|key| values.given(key).unwrap_or(margin.abs())));
    let (block, space, rows) = scene.voxels_with(|space| ball.reach(space))?;
    let note = scene.within(ball.0, ball.reach(&space))?;
    let range = values.range("low", "high");
    if margin < 0.0 {
        let mut wish = scene.becomes(&block, &rows, &ball.eroded(&rows, &space)?).noted(note);
        if range.is_some() {
            wish.warnings.push("low and high do nothing where the label shrinks".to_owned());
        }
        return Ok(wish);
    }
    let mut grown = ball.dilated(&rows, &space)?;
    if let Some([low, high]) = range {
        if !scene.has_image {
            return Err(EffectError::lacks("the image for low and high", "--image FILE"));
        }
        let in_range = scene.valued(&block, |value| value >= low && value <= high)?;
        // Only what can be reached from the label through the range.
        grown = grown.and(&in_range).or(&rows).touching(&rows, Connectivity::Faces);
    }
    Ok(scene.becomes(&block, &rows, &grown).noted(note))
}
