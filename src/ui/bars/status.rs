use crate::geom::Unit;
use crate::nn::DeviceKind;
use crate::ui::panels::prediction::short;
use crate::ui::theme;
use crate::ui::views::predicted_words;
use crate::workspace::{Device, Document, PredictionStatus, SaveState, Workspace};
use egui::{Align, Color32, Layout, Response, RichText, Sense, Ui, Vec2};
use glam::DVec3;

/// Where the pointer is and what lies there, whether everything is on the disk, and what predicts.
pub fn show(ui: &mut Ui, workspace: &Workspace, pointed_at: Option<[usize; 3]>) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 14.0;
        if let Some(document) = workspace.active() {
            position(ui, document, pointed_at);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 14.0;
            device(ui, workspace.device());
            if let Some(document) = workspace.active() {
                model(ui, workspace, document);
                saved(ui, document);
            }
        });
    });
}

fn weak(ui: &mut Ui, words: impl Into<String>) -> Response {
    let color = theme::palette(ui).weak;
    ui.label(RichText::new(words).font(theme::small()).color(color))
}

fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::new(7.0, 14.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 3.5, color);
}

fn position(ui: &mut Ui, document: &Document, pointed_at: Option<[usize; 3]>) {
    let voxel = pointed_at.unwrap_or(document.cursor());
    let volume = document.volume();
    let grid = volume.grid();
    let [x, y, z] = voxel;
    let figures = |words: String| RichText::new(words).font(theme::figures()).color(theme::palette(ui).weak);
    let place = grid.patient_of(DVec3::from(voxel.map(|c| c as f64)));
    let mut parts = Vec::new();
    if grid.unit() == Unit::Millimetre {
        parts.push(match volume.dims()[2] {
            1 => format!("{:7.2} {:7.2} mm", place.x, place.y),
            _ => format!("{:7.1} {:7.1} {:7.1} mm", place.x, place.y, place.z),
        });
    }
    parts.push(match volume.dims()[2] {
        1 => format!("({x:4}, {y:4})"),
        _ => format!("({x:3}, {y:3}, {z:3})"),
    });
    let value = volume.value(voxel);
    parts.push(match volume.channels() {
        3 => format!("R {:3.0} G {:3.0} B {:3.0}", value[0], value[1], value[2]),
        _ => format!("{:.0}{}", value[0], volume.value_unit().map_or(String::new(), |u| format!(" {u}"))),
    });
    let line = figures(parts.join("   "));
    let tip = if pointed_at.is_some() { "Under the pointer" } else { "At the crosshair" };
    ui.label(line).on_hover_text(format!("{tip}: position (left, posterior, superior), voxel, value"));
    let label = document.mask().get(voxel);
    if let Some(label) = document.labels().get(label) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            dot(ui, theme::label_color(label.color));
            weak(ui, label.name.clone());
        });
    }
}

fn saved(ui: &mut Ui, document: &Document) {
    let p = theme::palette(ui);
    let (color, words, tip) = match document.save_state() {
        SaveState::Saved if document.project().is_some() => {
            (p.good, "On disk".to_owned(), "Every finished stroke is in the project file".to_owned())
        }
        SaveState::Saved | SaveState::NotKept => (
            p.faint,
            "Not kept".to_owned(),
            "No project file is kept for this image: export the mask".to_owned(),
        ),
        SaveState::Saving(n) => {
            (p.warn, format!("Writing {n}"), "Changes on their way to the disk".to_owned())
        }
        SaveState::Failing(reason) => (p.bad, "Not on disk".to_owned(), reason),
    };
    tagged(ui, color, &words, &tip);
    let z = document.cursor()[2];
    if document.is_verified(z) {
        let what = if document.depth() > 1 { "slice" } else { "image" };
        let tip = &format!("No model changes this {what}, and training learns from it");
        tagged(ui, p.good, "Verified", tip);
    }
}

/// A dot and a word, read right to left.
fn tagged(ui: &mut Ui, color: Color32, words: &str, tip: &str) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        weak(ui, words).on_hover_text(tip);
        dot(ui, color);
    });
}

fn model(ui: &mut Ui, workspace: &Workspace, document: &Document) {
    let Some(version) = document.model() else {
        weak(ui, "No model");
        return;
    };
    let title = workspace.model(version).map_or("model", |m| m.card.title.as_str());
    weak(ui, format!("{} {}", clipped(title), short(version)))
        .on_hover_text(format!("{title}, version {version}"));
    if document.depth() > 1
        && let Some(words) = predicted_words(workspace, document)
    {
        weak(ui, words).on_hover_text("The other planes show the prediction of these slices");
    }
    if let PredictionStatus::Ready(predicted) =
        workspace.prediction_status(document.id(), document.cursor()[2])
    {
        let figures = RichText::new(format!("{:.0} ms", predicted.millis)).font(theme::figures());
        let tip = format!(
            "This slice was predicted in {:.0} ms; {:.0} ms of that in the network",
            predicted.millis, predicted.prediction.forward_millis
        );
        ui.label(figures.color(theme::palette(ui).weak)).on_hover_text(tip);
    }
}

fn clipped(title: &str) -> String {
    const MOST: usize = 28;
    if title.chars().count() <= MOST {
        title.to_owned()
    } else {
        title.chars().take(MOST - 1).chain(['…']).collect()
    }
}

fn device(ui: &mut Ui, device: &Device) {
    match device {
        Device::Starting => {
            weak(ui, "Looking for a device…");
        }
        Device::Ready { name, reason, kind, .. } => {
            let kind = match kind {
                DeviceKind::Cpu => String::new(),
                DeviceKind::Gpu => "GPU ".to_owned(),
                DeviceKind::Software => "software GPU ".to_owned(),
            };
            let words = format!("{kind}{}", clipped(name));
            weak(ui, words).on_hover_text(format!("Networks run on {name}: {reason}"));
        }
        Device::Failed(reason) => {
            let bad = theme::palette(ui).bad;
            ui.label(RichText::new("No device").font(theme::small()).color(bad)).on_hover_text(reason);
        }
    }
}
