//! A label with smoother outlines.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, ball::Ball, gaussian, rows::Rows,
};

pub static EFFECT: Effect = Effect {
    id: "smooth",
    title: "Smooth",
    summary: "Makes the outline of a label smoother; where it touches other labels, that border stays.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "method",
            title: "Method",
            help: "The median takes off and fills in what is small, opening takes off what is thin, closing fills gaps, the Gaussian rounds.",
            when: None,
            kind: Kind::Choice(&[
                ("median", "Median"),
                ("open", "Opening"),
                ("close", "Closing"),
                ("gaussian", "Gaussian"),
            ]),
        },
        Parameter {
            key: "radius_mm",
            title: "Radius",
            help: "The radius of the ball. Along an axis with larger steps nothing is smoothed.",
            when: Some(("method", &["median", "open", "close"])),
            kind: Kind::Number { default: Some(1.5), range: [0.0, 50.0], whole: false, unit: "mm" },
        },
        Parameter {
            key: "sigma_mm",
            title: "Standard deviation",
            help: "Its standard deviation.",
            when: Some(("method", &["gaussian"])),
            kind: Kind::Number { default: Some(1.0), range: [0.01, 20.0], whole: false, unit: "mm" },
        },
        Parameter {
            key: "keep_volume",
            title: "Keep the volume",
            help: "The label keeps its number of voxels.",
            when: Some(("method", &["gaussian"])),
            kind: Kind::Switch(false),
        },
    ],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    if values.choice("method") == "gaussian" {
        return gaussian(scene, values);
    }
    let ball = Ball::of_radius(values.number("radius_mm"));
    let (block, space, rows) = scene.voxels_with(|space| ball.reach(space))?;
    let note = scene.within(ball.0, ball.reach(&space))?;
    let after = match values.choice("method") {
        "open" => ball.opened(&rows, &space)?,
        "close" => ball.closed(&rows, &space)?,
        _ => ball.majority(&rows, &space)?,
    };
    Ok(scene.becomes(&block, &rows, &after).noted(note))
}

fn gaussian(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let sigma = values.number("sigma_mm");
    let (block, space, rows) = scene.voxels_with(|space| gaussian::reach(space, sigma))?;
    let note = scene.within([sigma; 3], gaussian::reach(&space, sigma))?;
    let dense: Vec<f32> = rows.dense().into_iter().map(|is_in| if is_in { 1.0 } else { 0.0 }).collect();
    let smoothed = gaussian::smoothed(&dense, block.size, &space, sigma)?;
    let mut level = 0.5;
    if values.is_on("keep_volume") {
        let (mut sorted, count) = (smoothed.clone(), rows.voxel_count());
        let at = sorted.len() - count;
        level = *sorted.select_nth_unstable_by(at, f32::total_cmp).1;
    }
    let after = Rows::of_each(block.size, |own| smoothed[own] >= level);
    Ok(scene.becomes(&block, &rows, &after).noted(note))
}
