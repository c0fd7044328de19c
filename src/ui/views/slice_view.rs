use super::findings::Findings;
use super::frame::ViewFrame;
use super::learned;
use super::words::Words;
use super::{Scene, Views, difference, likely, live, overlay, slider};
use crate::geom::{Axis, Plane, Unit};
use crate::gpu::{
    LabelColors, MaskDraw, PredictionDraw, PredictionSource, SliceCallback, SliceDraw, SliceImage,
    TensorBuffer,
};
use crate::label::{LabelId, LabelTable};
use crate::nn::Probabilities;
use crate::tools::{self, Cursor, ToolKind, Toolbox};
use crate::ui::arrangement::Arrangement;
use crate::ui::learned::Learned;
use crate::ui::outbox::Outbox;
use crate::ui::theme::canvas;
use crate::ui::view_state::{Pane, ViewState};
use crate::workspace::Reformat;
use egui::{CursorIcon, Rect, Role, Sense, Ui, WidgetInfo, pos2};
use glam::DVec3;
use std::sync::Arc;

/// One view of the image: the slice with its overlays, what the pointer does there, and its slider.
pub fn show(
    ui: &mut Ui,
    plane: Plane,
    scene: &Scene,
    view_state: &mut ViewState,
    toolbox: &mut Toolbox,
    views: &mut Views,
    out: &mut Outbox,
) {
    let document = scene.document;
    let axes = document.volume().grid().plane_axes(plane);
    let count = axes.slice_count(document.volume().dims());
    let whole = ui.max_rect();
    let findings = Findings::of(scene).filter(|_| axes.normal == Axis::Z);
    let rect = beside_slider(whole, count, findings.as_ref());
    ui.painter().rect_filled(whole, 0.0, canvas::GROUND);

    let response = ui.interact(rect, ui.scope_id().with("image"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name(scene, plane)));
    let ppp = ui.ctx().pixels_per_point();
    let plane_view = view_state.image(document).planes[plane as usize];
    let frame = ViewFrame::new(document.volume(), plane, scene.cursor, rect, plane_view, ppp);
    let tool_scene = tools::Scene::of(document, 1.0 / frame.points_per_unit());
    views.pointer.over_view(ui, &response, &frame, &tool_scene, document, toolbox, view_state, out);

    // The pointer may have moved the image in this very frame.
    let plane_view = view_state.image(document).planes[plane as usize];
    let frame = ViewFrame::new(document.volume(), plane, scene.cursor, rect, plane_view, ppp);
    let painter = ui.painter().with_clip_rect(rect);
    let reformat = &mut views.reformats[plane as usize];
    let mut draw = describe(scene, &frame, view_state, reformat, ppp);
    let native = axes.normal == Axis::Z && !scene.is_other;
    let as_it_learns = match view_state.learned {
        Learned::AsItLearns(_) if native => views.as_it_learns.draw(scene.workspace, document, frame.slice),
        _ => None,
    };
    let learns = as_it_learns.is_some();
    if let Some((prediction, table)) = as_it_learns {
        (draw.prediction, draw.colors) = (Some(prediction), LabelColors::of(&table));
    }
    let effect = view_state.effect(document).is_some();
    let before = view_state.learned.differing(document).filter(|_| native && !effect);
    let differs = before.map(|before| {
        let opacity = view_state.difference_opacity;
        views.differing.put(&mut draw, [scene, &scene.by(Some(before))], opacity)
    });
    if !scene.is_other {
        views.effect.put_into(&mut draw, &frame, scene, view_state);
    }
    let predicted =
        !effect && draw.prediction.is_some() && (view_state.prediction_shown || view_state.difference);
    painter.add(SliceCallback::shape(rect, draw));
    if reformat.is_behind() {
        ui.ctx().request_repaint();
    }

    overlay::predicted_slices(&painter, &frame, reformat, view_state.prediction_shown && !effect);
    if view_state.crosshair && count > 1 {
        overlay::crosshair(&painter, &frame, scene.cursor);
    }
    if !scene.is_other {
        let measures = toolbox.tool().kind == ToolKind::Measure;
        views.measured.paint(&painter, &frame, document, views.pointer.preview.as_ref(), measures);
    }
    if let Some(preview) =
        views.pointer.preview.as_ref().filter(|p| p.plane == plane && p.slice == frame.slice)
    {
        live::tool_preview(&painter, &frame, preview, document.labels());
    }
    if !learns && !effect {
        views.initials.paint(&painter, &frame, scene, view_state);
    }
    let mut words = Words::over(&painter, rect);
    overlay::head(&mut words, &frame, scene, view_state);
    // One thing is said over an image: that another network is shown, what is odd, or else what the prediction is worth.
    let mut said = native && learned::show(ui, &mut words, &frame, scene, &mut view_state.learned);
    if scene.arrangement == Arrangement::Review && axes.normal == Axis::Z && !scene.is_other {
        let legend = views.legend.show(ui, &mut words, &frame, scene, view_state);
        // What the prediction is worth comes before what is odd in it; the legend says it, too.
        let warns = predicted && scene.is_demonstration() && !legend;
        if !effect && !said && !warns {
            said = views.doubt.show(ui, &mut words, &frame, scene, view_state);
        }
        said |= legend;
    }
    if predicted && !said && views.says(plane, scene) {
        overlay::demonstration(&mut words, scene);
    }
    match differs {
        Some(Ok(())) => difference::legend(&mut words, ["only now", "only before"]),
        Some(Err(why)) => difference::missing(&mut words, why),
        None => {}
    }
    if effect
        && !scene.is_other
        && view_state.image(document).focus_plane(document) == plane
        && let Some(pill) = views.effect.pill(ui, rect, scene, view_state)
    {
        words.take(pill);
    }
    overlay::foot(&mut words, &frame, scene, view_state);
    if count > 1 && !scene.is_other {
        super::frame_of_focus(ui, whole, Pane::Plane(plane), view_state.image(document));
    }
    if response.hovered() {
        ui.ctx().set_cursor_icon(cursor_icon(view_state, toolbox));
    }
    if predicted && !learns && cursor_icon(view_state, toolbox) == CursorIcon::Default {
        likely::show(&painter, &response, &frame, scene);
    }
    if count > 1 {
        let strip = Rect::from_min_max(pos2(rect.right(), whole.top()), whole.max);
        slider::show(ui, strip, &frame, count, scene, &views.marks, findings.as_ref(), out);
    }
}

/// Where the image lies in a view.
pub fn image_rect(scene: &Scene, plane: Plane, whole: Rect) -> Rect {
    let axes = scene.document.volume().grid().plane_axes(plane);
    let count = axes.slice_count(scene.document.volume().dims());
    beside_slider(whole, count, Findings::of(scene).filter(|_| axes.normal == Axis::Z).as_ref())
}

fn beside_slider(whole: Rect, count: usize, findings: Option<&Findings>) -> Rect {
    let slider = match findings {
        _ if count == 1 => 0.0,
        Some(findings) => slider::WIDTH + findings.width(),
        None => slider::WIDTH,
    };
    Rect::from_min_max(whole.min, pos2(whole.right() - slider, whole.bottom()))
}

/// How screen readers call it. Where one is at is said of what is compared: it is another image, perhaps.
fn name(scene: &Scene, plane: Plane) -> String {
    if !scene.is_other {
        return format!("{} view", plane.title());
    }
    let grid = scene.document.volume().grid();
    let DVec3 { x, y, z } = grid.patient_of(DVec3::from(scene.cursor.map(|c| c as f64)));
    let unit = if grid.unit() == Unit::Millimetre { "mm" } else { "pixels" };
    let slice = scene.cursor[grid.plane_axes(plane).normal.index()] + 1;
    format!("{} view of B, slice {slice}, crosshair at {x:.1} {y:.1} {z:.1} {unit}", plane.title())
}

fn cursor_icon(view_state: &ViewState, toolbox: &Toolbox) -> CursorIcon {
    match toolbox.tool().cursor {
        _ if view_state.windowing => CursorIcon::ResizeNeSw,
        Cursor::Arrow => CursorIcon::Default,
        Cursor::Crosshair => CursorIcon::Crosshair,
        Cursor::Outline => CursorIcon::None,
    }
}

/// What the renderer draws.
pub fn describe(
    scene: &Scene,
    frame: &ViewFrame,
    view_state: &mut ViewState,
    reformat: &mut Reformat,
    ppp: f32,
) -> SliceDraw {
    let document = scene.document;
    let tone = view_state.image(document).tone;
    let z = frame.slice;
    let prediction = (frame.axes.normal == Axis::Z)
        .then(|| prediction(scene, z))
        .flatten()
        .filter(|_| !scene.is_rejected(view_state, z))
        .or_else(|| across(scene, frame, view_state, reformat));
    let (prediction, table) = match prediction {
        Some((draw, table)) => (Some(draw), Some(table)),
        None => (None, None),
    };
    let mut table = table.unwrap_or_else(|| document.labels().clone());
    if let Some(prediction) = prediction.as_ref().filter(|_| view_state.difference) {
        hide_unknown(&mut table, &prediction.class_labels);
    }
    let heat_class = prediction.as_ref().map(|p| class_of(&p.class_labels, document.selected_label()));
    SliceDraw {
        image: SliceImage { volume: document.volume().clone(), axes: frame.axes, slice: frame.slice },
        tone,
        filter: view_state.filter,
        view: frame.transform,
        mask: Some(MaskDraw { document: document.id().0, map: document.mask().clone() }),
        colors: LabelColors::of(&table),
        style: view_state.overlay(heat_class, ppp),
        dim: view_state.darker(),
        prediction,
    }
}

/// Hides the labels that are no class of the model, or left out: accepting its prediction changes nothing of them.
fn hide_unknown(table: &mut LabelTable, class_labels: &[LabelId]) {
    let ids: Vec<LabelId> = table.iter().map(|label| label.id).collect();
    for id in ids.into_iter().filter(|id| !class_labels.contains(id)) {
        if let Some(label) = table.get_mut(id) {
            label.visible = false;
        }
    }
}

/// What is predicted where the native slices' probabilities cannot be drawn: in planes across the slices, and on slices
/// of which only the labels are kept.
fn across(
    scene: &Scene,
    frame: &ViewFrame,
    view_state: &ViewState,
    reformat: &mut Reformat,
) -> Option<(PredictionDraw, LabelTable)> {
    let rejected = |z| scene.is_rejected(view_state, z);
    let of = (scene.document, scene.version);
    let found = reformat.refresh(scene.workspace, of, frame.axes, frame.slice, rejected);
    let (classes, table) = found.filter(|_| !reformat.is_empty())?;
    let source = PredictionSource::Labels(Arc::clone(reformat.labels()));
    Some((PredictionDraw { source, class_labels: classes.into() }, table))
}

/// The class that the heat map shows: that of the selected label, or the first that is wanted.
fn class_of(class_labels: &[LabelId], selected: LabelId) -> usize {
    let first = |wanted: &dyn Fn(LabelId) -> bool| class_labels.iter().position(|&l| l != 0 && wanted(l));
    first(&|label| label == selected).or_else(|| first(&|_| true)).unwrap_or(1)
}

/// The prediction of a native slice as the renderer takes it, and the labels that its classes mean.
fn prediction(scene: &Scene, z: usize) -> Option<(PredictionDraw, LabelTable)> {
    let predicted = scene.prediction(z)?;
    let (classes, table) = scene.document.wanted_labels(&scene.model()?.card);
    let source = match (
        predicted.gpu.as_ref().and_then(TensorBuffer::from_any),
        &predicted.prediction.probabilities,
    ) {
        (Some(buffer), _) => PredictionSource::Buffer(buffer),
        (None, Probabilities::Host(values)) => PredictionSource::Host(Arc::clone(values)),
        (None, Probabilities::Device(_)) => return None,
    };
    Some((PredictionDraw { source, class_labels: classes.into() }, table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_accepting_does_not_change_is_no_difference() {
        let mut table = LabelTable::named(&["liver", "spleen", "my own"]);
        hide_unknown(&mut table, &[0, 2, 0]);
        let shown: Vec<LabelId> = table.iter().filter(|label| label.visible).map(|label| label.id).collect();
        assert_eq!(shown, [2]);
    }
}
