//! What a label encloses.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, work};

pub static EFFECT: Effect = Effect {
    id: "fill-holes",
    title: "Fill holes",
    summary: "Fills the background that a label encloses; other labels in it stay.",
    on: On::One,
    needs_image: false,
    parameters: &[
        Parameter {
            key: "within",
            title: "Holes",
            help: "A hole is enclosed on all sides in the volume, or within its slice alone.",
            when: None,
            kind: Kind::Choice(&[("volume", "In the volume"), ("slice", "In each slice")]),
        },
        Parameter {
            key: "max_size",
            title: "Largest hole",
            help: "Larger holes stay: an area with within=slice, otherwise a volume. Without it, all are filled.",
            when: None,
            kind: Kind::Number { default: None, range: [0.0, 1e9], whole: false, unit: "mm² or mm³" },
        },
    ],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    // What lies outside of the box around the label is no hole.
    let (block, ..) = scene.voxels_with(|_| [0; 3])?;
    // A volume of one slice has no inside: it is looked at as a slice.
    let boxes = match values.choice("within") {
        "slice" => block.slices(scene.scope.normal),
        _ => vec![block],
    };
    let spacing = scene.grid().spacing();
    let filled = |at: usize| {
        let block = &boxes[at];
        let voxel: f64 = (0..3).filter(|&a| block.size[a] > 1).map(|a| spacing[a]).product();
        let largest = values.given("max_size").map_or(f64::INFINITY, |size| size / voxel + 1e-6);
        // What touches the border goes on outside of the image.
        let holes = block.rows(scene.mask, |id| id == scene.label).holes();
        let filled = holes.iter().filter(|hole| hole.voxel_count as f64 <= largest);
        filled.flat_map(|hole| block.runs_of(hole)).collect::<Vec<_>>()
    };
    let mut wish = Wish::default();
    wish.gain(scene.label, work::each("finding the holes", boxes.len(), filled)?.concat());
    Ok(wish)
}
