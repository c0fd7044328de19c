//! What a label encloses.

use super::{Effect, Kind, Parameter, Scene, Values, Wish};
use crate::{
    label::{Components, Connectivity},
    watch::{self, Stopped},
};

pub static EFFECT: Effect = Effect {
    id: "fill-holes",
    title: "Fill holes",
    summary: "Fills the background that a label encloses; other labels in it stay.",
    parameters: &[Parameter {
        key: "within",
        title: "Holes",
        help: "A hole is enclosed on all sides in the volume, or within its slice alone.",
        kind: Kind::Choice(&[("volume", "In the volume"), ("slice", "In each slice")]),
    }],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, Stopped> {
    let [width, height, depth] = scene.dims();
    let rows = scene.rows(false);
    // A volume of one slice has no inside: it is looked at as a slice.
    let slices = if values.choice("within") == "slice" { 1 } else { depth.max(1) };
    let mut gained = Vec::new();
    for first in (0..depth).step_by(slices) {
        watch::step("finding the holes", first, depth)?;
        let dims = [width, height, slices];
        let start = scene.start() + first * width * height;
        let around =
            Components::of_runs(dims, &rows[first * height..(first + slices) * height], Connectivity::Faces);
        let is_hole = |[low, high]: [[usize; 3]; 2]| {
            // What touches the border goes on outside of the image.
            (0..3).all(|axis| dims[axis] == 1 || (low[axis] > 0 && high[axis] + 1 < dims[axis]))
        };
        let holes = around.list.into_iter().filter(|part| is_hole(part.bounds));
        gained.extend(holes.flat_map(|part| part.runs).map(|(at, len)| (start + at, len)));
    }
    gained.sort_unstable();
    Ok(Wish { gained, ..Wish::default() })
}
