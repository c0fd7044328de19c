//! One label combined with another.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish,
    rows::{Block, Rows},
    scene::must_know,
};

pub static EFFECT: Effect = Effect {
    id: "logic",
    title: "Logic",
    summary: "Combines a label with a second one, of this mask or of another: copies, adds, subtracts or intersects it.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "operation",
            title: "Operation",
            help: "What the label becomes. To invert and to clear, no second label is needed.",
            when: None,
            kind: Kind::Choice(&[
                ("add", "This label and the second"),
                ("subtract", "This label without the second"),
                ("intersect", "What is in both"),
                ("copy", "The second label"),
                ("invert", "What is not this label"),
                ("clear", "Nothing"),
            ]),
        },
        Parameter { when: WITH_SECOND, ..SECOND },
        Parameter { when: WITH_SECOND, ..FROM },
    ],
    work,
};

const WITH_SECOND: Option<(&str, &[&str])> = Some(("operation", &["add", "subtract", "intersect", "copy"]));

/// A second label.
pub(super) const SECOND: Parameter = Parameter {
    key: "with",
    title: "Second label",
    help: "Its name or its number.",
    when: None,
    kind: Kind::Label,
};

/// The mask of the second label.
pub(super) const FROM: Parameter = Parameter {
    key: "from",
    title: "Of",
    help: "The mask that the second label is in. On the command line, --other names the other mask.",
    when: None,
    kind: Kind::Choice(&[("this", "This mask"), ("other", "The other mask")]),
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let block = scene.block();
    let own = block.rows(scene.mask, |id| id == scene.label);
    let operation = values.choice("operation");
    if own.is_empty() && !matches!(operation, "add" | "copy") {
        return Err(scene.has_none());
    }
    let second = || second(scene, values, &block);
    let after = match operation {
        "add" => own.or(&second()?),
        "subtract" => own.minus(&second()?),
        "intersect" => own.and(&second()?),
        "copy" => second()?,
        "invert" => own.complement(),
        _ => own.minus(&own),
    };
    Ok(Wish { is_meant: operation == "clear", ..scene.becomes(&block, &own, &after) })
}

/// The voxels of the second label in a box: of [`SECOND`] in the mask of [`FROM`].
pub(super) fn second(scene: &Scene<'_>, values: &Values, block: &Block) -> Result<Rows, EffectError> {
    let Some(label) = values.label("with") else {
        return Err(EffectError::lacks("a second label", "with=LABEL"));
    };
    let (mask, labels, whose) = match (values.choice("from"), scene.other) {
        ("other", Some(other)) => (other.mask, other.labels, "the other mask"),
        ("other", None) => return Err(EffectError::lacks("another mask on the same grid", "--other FILE")),
        _ => (scene.mask, scene.labels, "this mask"),
    };
    must_know(label, mask, labels, whose)?;
    Ok(block.rows(mask, |id| id == label))
}
