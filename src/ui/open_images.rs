//! The open images as a list: what the workspace "Data set" shows.

use super::arrangement::Arrangement;
use super::outbox::{Outbox, Request};
use super::theme;
use super::widgets::{cut_at_the_end, cut_in_the_middle, row_ground};
use crate::words::counted;
use crate::workspace::{Command, Document, SaveState, Workspace};
use egui::{Align2, Frame, Margin, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

const ROW: f32 = 40.0;
/// Where the columns begin, as shares of the width.
const COLUMNS: [(f32, &str); 5] =
    [(0.0, "Name"), (0.44, "Kind"), (0.58, "Size"), (0.74, "Verified"), (0.87, "On disk")];

pub fn show(ui: &mut Ui, workspace: &Workspace, out: &mut Outbox) {
    let rect = ui.available_rect_before_wrap();
    ui.painter().rect_filled(rect, 0.0, theme::palette(ui).panel);
    Frame::new().inner_margin(Margin::symmetric(20, 14)).show(ui, |ui| {
        let count = counted(workspace.documents().len(), "open image");
        ui.label(RichText::new(count).font(theme::title()));
        ui.add_space(8.0);
        head(ui);
        ScrollArea::vertical().auto_shrink(false).show_rows(
            ui,
            ROW,
            workspace.documents().len(),
            |ui, rows| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for document in &workspace.documents()[rows] {
                    let front = workspace.active().is_some_and(|d| d.id() == document.id());
                    row(ui, document, front, out);
                }
            },
        );
    });
}

fn head(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let p = theme::palette(ui);
    for (share, title) in COLUMNS {
        let at = pos2(rect.left() + 8.0 + share * rect.width(), rect.center().y);
        ui.painter().text(at, Align2::LEFT_CENTER, title, theme::small(), p.weak);
    }
    ui.painter().hline(rect.x_range(), rect.bottom(), egui::Stroke::new(1.0, p.line));
}

/// A click brings the image to the front, a second one opens it for labelling.
fn row(ui: &mut Ui, document: &Document, front: bool, out: &mut Outbox) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, front, document.name()));
    let p = theme::palette(ui);
    row_ground(ui, &response, front);
    let [w, h, d] = document.volume().dims();
    let cells = [
        cut_in_the_middle(document.name(), 48),
        document.volume().modality().title().to_owned(),
        if d > 1 { format!("{w} × {h} × {d}") } else { format!("{w} × {h}") },
        format!("{} / {d}", document.verified().len()),
        kept(document).to_owned(),
    ];
    for (i, ((share, _), words)) in COLUMNS.into_iter().zip(cells).enumerate() {
        let left = rect.left() + 8.0 + share * rect.width();
        let right = COLUMNS.get(i + 1).map_or(rect.right(), |next| rect.left() + next.0 * rect.width());
        let room = right - left - 8.0;
        let color = if i == 0 { p.text } else { p.weak };
        let words = cut_at_the_end(ui.painter(), &words, theme::body(), color, room);
        ui.painter().galley(pos2(left, rect.center().y - words.size().y / 2.0), words, color);
    }
    if response.double_clicked() {
        out.command(Command::Activate(document.id()));
        out.requests.push(Request::Arrange(Arrangement::Label));
    } else if response.clicked() {
        out.command(Command::Activate(document.id()));
    }
    response.on_hover_text(document.source().display().to_string());
}

/// Whether everything of an image is on the disk.
fn kept(document: &Document) -> &'static str {
    match document.save_state() {
        SaveState::Saved if document.project().is_some() => "Yes",
        SaveState::Saved | SaveState::NotKept => "Not kept",
        SaveState::Saving(_) => "Writing",
        SaveState::Failing(_) => "No",
    }
}
