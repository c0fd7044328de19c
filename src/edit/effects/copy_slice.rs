//! A label copied from one slice to others.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish};

pub static EFFECT: Effect = Effect {
    id: "copy-slice",
    title: "Copy from a slice",
    summary: "Copies a label from one slice to others, where the image has certain values if that is told.",
    on: On::One,
    needs_image: false,
    parameters: &[
        slice("from", "From slice", "The slice that is copied, from 0."),
        slice("to", "To slice", "The first slice that gets the copy, from 0."),
        slice("last", "To slice (last)", "The last slice that gets the copy. Without it, there is one."),
        value(
            "low",
            "From value",
            "The label is copied only where the image has at least this value; needs the image.",
        ),
        value(
            "high",
            "To value",
            "The label is copied only where the image has at most this value; needs the image.",
        ),
    ],
    work,
};

const fn slice(key: &'static str, title: &'static str, help: &'static str) -> Parameter {
    let kind = Kind::Number { default: None, range: [0.0, 1e6], whole: true, unit: "" };
    Parameter { key, title, help, when: None, kind }
}

const fn value(key: &'static str, title: &'static str, help: &'static str) -> Parameter {
    let kind = Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" };
    Parameter { key, title, help, when: None, kind }
}

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (Some(from), Some(to)) = (values.given("from"), values.given("to")) else {
        return Err(EffectError::lacks("two slices", "from=SLICE, to=SLICE"));
    };
    let range = values.range("low", "high");
    if range.is_some() && !scene.has_image {
        return Err(EffectError::lacks("the image for low and high", "--image FILE"));
    }
    let [from, to] = [from, to].map(|slice| slice as usize);
    let last = values.given("last").map_or(to, |last| last as usize);
    for (key, slice) in [("to", to), ("last", last)] {
        scene.slice_of(key, slice)?;
    }
    let copied = scene.slice_of("from", from)?.rows(scene.mask, |id| id == scene.label);
    if copied.is_empty() {
        scene.must_know(scene.label)?;
        return Err(EffectError::Nothing(format!("{} is not in slice {from}", scene.name(scene.label))));
    }
    let mut wish = Wish::default();
    for to in (to.min(last)..=to.max(last)).filter(|to| *to != from) {
        let slice = scene.slice_of("to", to)?;
        let here = match range {
            Some([low, high]) => copied.and(&scene.valued(&slice, |value| value >= low && value <= high)?),
            None => copied.clone(),
        };
        wish.gain(scene.label, slice.runs(&here));
    }
    Ok(wish)
}
