//! Voxels of one label given to another.

use super::{Effect, EffectError, On, Parameter, Scene, Values, Wish, logic::SECOND};

pub static EFFECT: Effect = Effect {
    id: "relabel",
    title: "Relabel",
    summary: "Gives all voxels of a label to another label; several labels become one where it is done for each.",
    on: On::One,
    needs_image: false,
    parameters: &[Parameter {
        key: "to",
        title: "Becomes",
        help: "The label that gets the voxels: its name or its number.",
        when: None,
        kind: SECOND.kind,
    }],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let Some(to) = values.label("to") else {
        return Err(EffectError::lacks("the label that gets the voxels", "to=LABEL"));
    };
    let mut wish = Wish { is_meant: true, ..Wish::default() };
    if to != scene.label {
        wish.change(scene.label, to, scene.block().runs(&scene.voxels()?));
    }
    Ok(wish)
}
