//! All labels with smoother outlines, without gaps between neighbours.

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, gaussian, rows::Block};
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
    let ids: BTreeSet<LabelId> = before.iter().copied().filter(|id| *id != 0).collect();
    let mut best = vec![0.0; before.len()];
    // What is left of one after all labels is the background's share.
    let mut left = vec![1.0; before.len()];
    let mut after = vec![0; before.len()];
    // In growing order, so that the lower label wins where two are equal.
    for id in ids {
        let own = block.rows(scene.mask, |label| label == id).bounds();
        let own = own.map_or_else(|| block.clone(), |bounds| within(&block, bounds, reach));
        let is_own = own.labels(scene.mask).into_iter().map(|label| if label == id { 1.0 } else { 0.0 });
        let smoothed = gaussian::smoothed(&is_own.collect::<Vec<_>>(), own.size, &space, sigma)?;
        let off = [0, 1, 2].map(|a| own.low[a] - block.low[a]);
        for (row, smoothed) in smoothed.chunks_exact(own.size[0]).enumerate() {
            let (y, z) = (off[1] + row % own.size[1], off[2] + row / own.size[1]);
            let start = (z * block.size[1] + y) * block.size[0] + off[0];
            for (at, value) in (start..).zip(smoothed) {
                left[at] -= value;
                if *value > best[at] {
                    (best[at], after[at]) = (*value, id);
                }
            }
        }
    }
    for ((after, best), left) in after.iter_mut().zip(best).zip(left) {
        if left >= best {
            *after = 0;
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

/// The columns and rows of a box within `reach` of `bounds`, in all of its slices: their weights hang on where all slices are.
fn within(block: &Block, [low, high]: [[usize; 3]; 2], [x, y, _]: [usize; 3]) -> Block {
    let last = block.size[2] - 1;
    block.around([[low[0], low[1], 0], [high[0], high[1], last]], [x, y, 0])
}
