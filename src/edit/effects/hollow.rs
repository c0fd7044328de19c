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
    // What is measured from the surface, to one side or to both.
    let share = if values.choice("surface") == "middle" { 0.5 } else { 1.0 };
    let ball = Ball::of_radius(thickness * share);
    let (block, space, rows) = scene.voxels_with(|space| ball.reach(space))?;
    let note = scene.within(ball.0, ball.reach(&space)).map_err(|why| match why {
        EffectError::Nothing(why) if share < 1.0 => EffectError::Refused(format!(
            "the shell would be thinner than a voxel: of half its thickness, {why}"
        )),
        why => EffectError::Refused(format!("the shell would be thinner than a voxel: {why}")),
    })?;
    let shell = match values.choice("surface") {
        "inside" => ball.dilated(&rows, &space)?.minus(&rows),
        "middle" => ball.dilated(&rows, &space)?.minus(&ball.eroded(&rows, &space)?),
        _ => rows.minus(&ball.eroded(&rows, &space)?),
    };
    if shell.is_empty() {
        let name = scene.name(scene.label);
        let told =
            format!("{name} fills all that is looked at: it has no surface there that could become a shell");
        return Err(EffectError::Refused(told));
    }
    Ok(scene.becomes(&block, &rows, &shell).noted(note))
}
