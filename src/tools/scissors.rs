use super::icon::IconPart::{Circle, Line};
use super::lasso::{Lasso, Outline};
use super::{Cursor, Cut, Through, Tool, ToolAction, ToolContext, ToolKind, ToolOption};
use crate::edit::effects::Scope;
use crate::edit::{EffectAt, Limits, Shape};

/// Cuts the selected label with a freehand outline through slices; the right button, or Ctrl, always erases inside.
pub static TOOL: Tool = Tool {
    id: "scissors",
    title: "Scissors",
    about: "Cuts the selected label with an outline that goes through all slices, or through some.",
    key: 'X',
    icon: &[
        Circle([5.2, 14.6], 2.2),
        Circle([14.8, 14.6], 2.2),
        Line(&[[6.4, 12.8], [13.6, 3.4]]),
        Line(&[[13.6, 12.8], [6.4, 3.4]]),
    ],
    group: "scissors",
    kind: ToolKind::Outline,
    paints: false,
    cursor: Cursor::Crosshair,
    options: &[ToolOption::Cut, ToolOption::Through],
    start: || Box::new(Lasso::new(TOOL.id, cut, HINT)),
};

const HINT: &str =
    "Drag around what is to be cut, through all slices unless told; the right button or Ctrl erases inside";

fn cut(outline: Outline, context: &ToolContext) -> ToolAction {
    let Outline { erase, plane, slice, points, .. } = outline;
    let normal = context.grid().plane_axes(plane).normal;
    let [across, down] = normal.others();
    let corner = |point: &[f64; 3]| format!("{},{}", point[across], point[down]);
    let corners = points.iter().map(corner).collect::<Vec<_>>().join(" ");
    let operation = if erase { Cut::EraseInside } else { context.options.cut };
    let last = context.grid().dims()[normal.index()].saturating_sub(1);
    let slices = match context.options.through {
        Through::All => 0..=last,
        Through::This => slice..=slice,
        Through::Near => {
            let near = context.options.near();
            slice.saturating_sub(near)..=(slice + near).min(last)
        }
    };
    let set = [("operation", operation.id().to_owned()), ("outline", corners)];
    let effect = context.effect("scissors", None, &set);
    let effect = EffectAt { scope: Scope { normal, slices }, ..effect };
    // It is always the selected label that is cut.
    let label = context.label(false);
    ToolAction::Draw { shape: Shape::Effect(effect), label, limits: Limits::default() }
}
