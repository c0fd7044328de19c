//! A slice in small, with labels over it.

use crate::geom::Axis;
use crate::gpu::{
    LabelColors, LayerStyle, PredictionDraw, PredictionSource, SliceCallback, SliceDraw, SliceImage,
    ViewTransform,
};
use crate::label::LabelId;
use crate::nn::train::TrainSample;
use crate::ui::outbox::Outbox;
use crate::ui::theme::{self, canvas};
use crate::ui::widgets::{Icon, IconButton, quiet};
use crate::workspace::{Command, Training, Workspace};
use egui::{Align, Layout, RichText, Role, Sense, Ui, Vec2, WidgetInfo};
use std::sync::Arc;

/// Below this width, in points, three pictures do not fit beside each other.
const NARROW: f32 = 300.0;

/// Pictures of one slice beside each other, each with its words below: labels as [`as_shown`] gives them, their colours.
pub fn row(ui: &mut Ui, sample: &TrainSample, pictures: &[(Arc<[LabelId]>, LabelColors, String)]) {
    const GAP: f32 = 8.0;
    let whole = ui.available_width();
    let in_a_row = if whole < NARROW { 2 } else { pictures.len().max(1) };
    let width = (whole - GAP * (in_a_row - 1) as f32) / in_a_row as f32;
    for pictures in pictures.chunks(in_a_row) {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for (labels, colors, words) in pictures {
                ui.vertical(|ui| {
                    ui.set_max_width(width);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    show(ui, width, sample, Arc::clone(labels), colors.clone(), words);
                    let words = RichText::new(words).font(theme::small()).color(theme::palette(ui).weak);
                    ui.add(egui::Label::new(words).truncate());
                });
            }
        });
    }
}

fn show(
    ui: &mut Ui,
    width: f32,
    sample: &TrainSample,
    labels: Arc<[LabelId]>,
    colors: LabelColors,
    words: &str,
) {
    let grid = sample.volume.grid();
    let axes = grid.plane_axes(grid.native_plane());
    let (size, pixel_size) = (axes.size(grid.dims()), axes.pixel_size(grid));
    let shape = (size[1] as f64 * pixel_size[1]) / (size[0] as f64 * pixel_size[0]);
    let height = (width * shape as f32).clamp(60.0, 220.0);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(width, height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{}, {words}", sample.name)));
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    let ppp = f64::from(ui.ctx().pixels_per_point());
    let target = [f64::from(rect.width()) * ppp, f64::from(rect.height()) * ppp];
    let view = ViewTransform::fit(target, pixel_size, size);
    let image = SliceImage { volume: sample.volume.clone(), axes, slice: sample.z };
    let mut draw = SliceDraw::of_image(image, view);
    draw.colors = colors;
    draw.prediction =
        Some(PredictionDraw { source: PredictionSource::Labels(labels), class_labels: Arc::from([]) });
    // Stronger than over a large picture.
    draw.style.prediction = LayerStyle { fill: 0.4, dots: 0.0, width: 1.0, ..LayerStyle::PREDICTION };
    draw.style.scale = ppp as f32;
    ui.painter().add(SliceCallback::shape(rect, draw));
}

/// Labels of a sample's native slice in the order in which the plane shows them.
pub fn as_shown(sample: &TrainSample, labels: &Arc<[LabelId]>) -> Arc<[LabelId]> {
    let grid = sample.volume.grid();
    let (dims, axes) = (grid.dims(), grid.plane_axes(grid.native_plane()));
    let plain = axes.right == Axis::X && !axes.right_flipped && !axes.down_flipped;
    if plain {
        return Arc::clone(labels);
    }
    let [w, h] = axes.size(dims);
    let at = |x: usize, y: usize| {
        let voxel = axes.voxel_of_pixel(dims, sample.z as f64, [x as f64, y as f64]);
        labels.get(voxel.y as usize * dims[0] + voxel.x as usize).copied().unwrap_or(0)
    };
    (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect()
}

/// Buttons to the one before and the one after, where there are several, and one that shows it large; whether that was
/// clicked.
pub fn steps(ui: &mut Ui, shown: &mut usize, count: usize, words: &str) -> bool {
    ui.horizontal(|ui| {
        if count > 1 {
            if ui.add(IconButton::new(Icon::Left, "The slice before").enabled(*shown > 0)).clicked() {
                *shown -= 1;
            }
            let next = IconButton::new(Icon::Right, "The slice after").enabled(*shown + 1 < count);
            if ui.add(next).clicked() {
                *shown += 1;
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let show = quiet(ui, true, "Show").on_hover_text("Shows this slice in the view");
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let words = RichText::new(words).font(theme::small()).color(theme::palette(ui).weak);
                ui.add(egui::Label::new(words).truncate());
            });
            show.clicked()
        })
        .inner
    })
    .inner
}

/// Brings one of the slices kept out into the view.
pub fn look_at(workspace: &Workspace, training: &Training, held_out: usize, out: &mut Outbox) {
    let Some((id, z)) = training.place_of(held_out) else { return };
    let Some(document) = workspace.document(id) else { return };
    let [x, y, _] = document.cursor();
    out.command(Command::Activate(id));
    out.command(Command::Cursor([x, y, z]));
}
