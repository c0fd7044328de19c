//! All labels with smoother outlines, without gaps between neighbours.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, gaussian};
use crate::label::LabelId;
use std::collections::BTreeSet;

pub static EFFECT: Effect = Effect {
    id: "joint-smooth",
    title: "Smooth labels together",
    summary: "Makes the outlines of all labels smoother at once, so that no gaps open between labels that touch.",
    on: On::All,
    needs_image: false,
    parameters: &[Parameter {
        key: "sigma_mm",
        title: "Standard deviation",
        help: "The standard deviation of the Gaussian.",
        when: None,
        kind: Kind::Number { default: Some(1.0), range: [0.01, 20.0], whole: false, unit: "mm" },
    }],
    work,
};

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (scope, sigma) = (scene.block(), values.number("sigma_mm"));
    let Some(bounds) = scope.rows(scene.mask, |id| id != 0).bounds() else {
        return Err(EffectError::Nothing("nothing is labelled here".to_owned()));
    };
    let reach = gaussian::reach(&scene.space(&scope), sigma);
    let note = scene.within([sigma; 3], reach)?;
    let block = scope.around(bounds, reach.map(|n| n + 1));
    let (space, before) = (scene.space(&block), block.labels(scene.mask));
    let ids: BTreeSet<LabelId> = before.iter().copied().chain([0]).collect();
    let mut best = vec![f32::NEG_INFINITY; before.len()];
    let mut after = vec![0; before.len()];
    // In growing order, so that the lower label wins where two are equal.
    for id in ids {
        let dense: Vec<f32> = before.iter().map(|&label| if label == id { 1.0 } else { 0.0 }).collect();
        let smoothed = gaussian::smoothed(&dense, block.size, &space, sigma)?;
        for ((best, after), value) in best.iter_mut().zip(&mut after).zip(smoothed) {
            if value > *best {
                (*best, *after) = (value, id);
            }
        }
    }
    let mut wish = Wish::default();
    let width = block.size[0];
    for (row, (before, after)) in before.chunks_exact(width).zip(after.chunks_exact(width)).enumerate() {
        let pairs: Vec<_> = before.iter().zip(after).collect();
        let mut x = 0;
        for run in pairs.chunk_by(|a, b| a == b) {
            let (before, after) = run[0];
            let may_change = |label: LabelId| label == 0 || scene.is_chosen(label);
            if before != after && may_change(*before) && may_change(*after) {
                wish.change(*before, *after, [(block.row(row) + x, run.len() as u32)]);
            }
            x += run.len();
        }
    }
    Ok(wish.noted(note))
}
