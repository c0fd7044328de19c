//! The shell of a label.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, ball::Ball};

pub static EFFECT: Effect = Effect {
    id: "hollow",
    title: "Hollow",
    summary: "Makes a shell of a label; what was inside becomes background.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "thickness_mm",
            title: "Thickness",
            help: "How thick the shell is.",
            when: None,
            kind: Kind::Number { default: Some(3.0), range: [0.0, 100.0], whole: false, unit: "mm" },
        },
        Parameter {
            key: "surface",
            title: "The label's surface is",
            help: "Whether the surface of the label becomes the outer one of the shell, its middle or its inner one.",
            when: None,
            kind: Kind::Choice(&[
                ("outside", "The shell's outer surface"),
                ("middle", "The shell's middle"),
                ("inside", "The shell's inner surface"),
            ]),
        },
    ],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let thickness = values.number("thickness_mm");
    let ball = |share: f64| Ball::of_radius(thickness * share);
    let (block, space, rows) = scene.voxels_with(|space| ball(1.0).reach(space))?;
    let shell = match values.choice("surface") {
        "inside" => ball(1.0).dilated(&rows, &space)?.minus(&rows),
        "middle" => ball(0.5).dilated(&rows, &space)?.minus(&ball(0.5).eroded(&rows, &space)?),
        _ => rows.minus(&ball(1.0).eroded(&rows, &space)?),
    };
    Ok(scene.becomes(&block, &rows, &shell))
}
