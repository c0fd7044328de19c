use crate::engine::Version;
use crate::geom::Unit;
use crate::nn::DeviceKind;
use crate::ui::outbox::{Outbox, Request};
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::view_state::Side;
use crate::ui::views::paint_letter;
use crate::words::counted;
use crate::workspace::{Device, Document, Likely, PredictionStatus, SaveState, Workspace, predicted_by};
use egui::{Align, Color32, Label, Layout, Rect, Response, RichText, Sense, Ui, UiBuilder, Vec2};
use glam::DVec3;

/// Narrower windows show fewer of the words, in points.
const NARROW: f32 = 1000.0;
/// Free room that the hint keeps at both its sides.
const AROUND_HINT: f32 = 24.0;

/// Where the pointer is and what lies there, what to do next, whether everything is on the disk, and what predicts. `shown`: the
/// version whose prediction is on screen, and the one beside it where two are compared.
pub fn show(
    ui: &mut Ui,
    workspace: &Workspace,
    (pointed_at, shown): (Option<[usize; 3]>, [Option<&Version>; 2]),
    hint: &str,
    out: &mut Outbox,
) {
    let bar = ui.max_rect();
    let mut child = |from: f32, to: f32, layout, id| {
        let rect = Rect::from_x_y_ranges(from..=to, bar.y_range());
        ui.new_child(UiBuilder::new().max_rect(rect).layout(layout).id_salt(id))
    };
    let narrow = bar.width() < NARROW;
    let mut left = child(bar.left(), bar.right(), Layout::left_to_right(Align::Center), "left");
    left.spacing_mut().item_spacing.x = 14.0;
    match workspace.active() {
        Some(document) => position(&mut left, workspace, document, (pointed_at, shown), narrow),
        None => _ = weak(&mut left, "For research and teaching; not a medical device"),
    }
    let end = left.min_rect().right();
    let mut right = child(end, bar.right(), Layout::right_to_left(Align::Center), "right");
    right.spacing_mut().item_spacing.x = 14.0;
    device(&mut right, workspace.device());
    if let Some(document) = workspace.active() {
        model(&mut right, workspace, document, out);
        saved(&mut right, document);
    }
    let begin = right.min_rect().left();
    if narrow || workspace.active().is_none() {
        return;
    }
    let words = RichText::new(hint).font(theme::small()).color(theme::palette(&left).weak);
    let (from, to) = (end + AROUND_HINT, begin - AROUND_HINT);
    // In the middle of the window, as long as it fits there.
    let half = (bar.center().x - from).min(to - bar.center().x);
    let (from, to) = if half > 160.0 { (bar.center().x - half, bar.center().x + half) } else { (from, to) };
    if to - from > 80.0 {
        let layout =
            Layout::left_to_right(Align::Center).with_main_align(Align::Center).with_main_justify(true);
        child(from, to, layout, "hint").add(Label::new(words).truncate());
    }
}

fn weak(ui: &mut Ui, words: impl Into<String>) -> Response {
    let color = theme::palette(ui).weak;
    ui.label(RichText::new(words).font(theme::small()).color(color))
}

fn dot(ui: &mut Ui, color: Color32) {
    let (rect, _) = ui.allocate_exact_size(Vec2::new(7.0, 14.0), Sense::hover());
    ui.painter().circle_filled(rect.center(), 3.5, color);
}

fn position(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    (pointed_at, shown): (Option<[usize; 3]>, [Option<&Version>; 2]),
    narrow: bool,
) {
    let voxel = pointed_at.unwrap_or(document.cursor());
    let volume = document.volume();
    let grid = volume.grid();
    let [x, y, z] = voxel;
    let figures = |words: String| RichText::new(words).font(theme::figures()).color(theme::palette(ui).weak);
    let place = grid.patient_of(DVec3::from(voxel.map(|c| c as f64)));
    let mut parts = Vec::new();
    // A true minus, as wide as a figure.
    let signed = |words: String| words.replace('-', "−");
    if grid.unit() == Unit::Millimetre && !narrow {
        parts.push(signed(match volume.dims()[2] {
            1 => format!("{:.2} {:.2} mm", place.x, place.y),
            _ => format!("{:.1} {:.1} {:.1} mm", place.x, place.y, place.z),
        }));
    } else if !narrow {
        parts.push(format!("({x}, {y})"));
    }
    let value = volume.value(voxel);
    parts.push(match volume.channels() {
        3 => format!("R {:.0} G {:.0} B {:.0}", value[0], value[1], value[2]),
        _ => signed(format!(
            "{:.0}{}",
            value[0],
            volume.value_unit().map_or(String::new(), |u| format!(" {u}"))
        )),
    });
    let line = figures(parts.join("   "));
    let whose = if pointed_at.is_some() { "Under the pointer" } else { "At the crosshair" };
    let voxel_words = match volume.dims()[2] {
        1 => format!("pixel ({x}, {y})"),
        _ => format!("voxel ({x}, {y}, {z})"),
    };
    ui.label(line)
        .on_hover_text(format!("{whose}: position (left, posterior, superior) and value; {voxel_words}"));
    let label = document.mask().get(voxel);
    if let Some(label) = document.labels().get(label) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            dot(ui, theme::label_color(label.color));
            weak(ui, label.name.clone());
        });
    }
    if pointed_at.is_none() {
        return;
    }
    let likely =
        shown.map(|version| version.map(|version| predicted_by(workspace, document, version, voxel)));
    match likely {
        [None, None] => {}
        [Some(likely), None] => predicted(ui, &likely),
        both => {
            for (side, likely) in Side::BOTH.into_iter().zip(both) {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 5.0;
                    let (square, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
                    paint_letter(ui, square, side);
                    predicted(ui, &likely.unwrap_or_default());
                });
            }
        }
    }
}

/// The likeliest label at a place with its probability, and all of them on a closer look.
fn predicted(ui: &mut Ui, likely: &[Likely]) {
    let Some(first) = likely.first() else { return };
    let line = |one: &Likely| format!("{} {:.2}", as_painted(&one.name), one.probability);
    let all: Vec<String> = likely.iter().map(line).collect();
    let color = first.color.map_or(theme::palette(ui).faint, theme::label_color);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(Vec2::new(9.0, 14.0), Sense::hover());
        let square = Rect::from_center_size(rect.center(), Vec2::splat(8.0));
        ui.painter().rect_stroke(square, 2.0, egui::Stroke::new(1.5, color), egui::StrokeKind::Inside);
        weak(ui, line(first)).on_hover_text(format!("Predicted here:\n{}", all.join("\n")));
    });
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
            (p.warn, format!("Writing {}", counted(n, "change")), "On the way to the disk".to_owned())
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

fn model(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    let chosen = document.model().and_then(|version| workspace.model(version));
    let title = chosen.map_or("No model", |m| m.card.title.as_str());
    let p = theme::palette(ui);
    let words = RichText::new(clipped(title)).font(theme::small()).color(p.weak);
    let button = ui.add(Label::new(words).selectable(false).sense(Sense::click()));
    button.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Button, true, format!("Model in use: {title}"))
    });
    let mut tip = format!("{title}: click for all models");
    if let PredictionStatus::Ready(predicted) =
        workspace.prediction_status(document.id(), document.cursor()[2])
    {
        tip += &format!(
            "\nThis slice was predicted in {:.0} ms; {:.0} ms of that in the network",
            predicted.millis, predicted.prediction.forward_millis
        );
    }
    if button.on_hover_text(tip).clicked() {
        out.requests.push(Request::Models);
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
