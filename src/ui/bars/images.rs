use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::widgets::cut_in_the_middle;
use crate::workspace::{Command, Document, DocumentId, Workspace};
use egui::{Align, Button, Layout, RichText, ScrollArea, Ui, vec2};

/// A name is no wider than this, in points.
const WIDEST: f32 = 170.0;
/// The button that lists all images.
const LIST: f32 = 58.0;

/// The open images, in the top bar.
#[derive(Default)]
pub struct Images {
    /// Which one was brought into view, how wide all are (which changes with the fonts) and in how much room.
    in_view: Option<(DocumentId, f32, f32)>,
    /// Frames for which the list of all has been open, as far as it has to be known.
    listed: u8,
}

impl Images {
    /// One is only named. Where there is no room for all, the row scrolls to the active one and a list holds them all.
    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, out: &mut Outbox) {
        let active = workspace.active().map(Document::id);
        let documents = match workspace.documents() {
            [] => return,
            [only] => {
                let name = RichText::new(as_painted(only.name())).color(theme::palette(ui).weak);
                ui.add(egui::Label::new(name).truncate()).on_hover_text(only.source().display().to_string());
                return;
            }
            several => several,
        };
        let names: Vec<(String, f32)> = documents.iter().map(|d| name_of(ui, d)).collect();
        let gap = ui.spacing().item_spacing.x;
        let whole: f32 = names.iter().map(|(_, width)| width + gap).sum();
        let room = ui.available_width();
        let now = active.map(|active| (active, whole, room));
        let moved = self.in_view != now;
        self.in_view = now;
        if moved {
            // The row scrolls, and is measured anew, a frame later.
            ui.ctx().request_repaint();
        }
        let row = |ui: &mut Ui, out: &mut Outbox| {
            for (document, (name, _)) in documents.iter().zip(&names) {
                let front = active == Some(document.id());
                let tab = ui.selectable_label(front, name);
                if front && moved {
                    tab.scroll_to_me(None);
                }
                if tab.on_hover_text(document.source().display().to_string()).clicked() {
                    out.command(Command::Activate(document.id()));
                }
            }
        };
        if whole <= room {
            return row(ui, out);
        }
        let size = vec2(room - LIST, ui.available_height());
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_width(size.x);
            ScrollArea::horizontal().id_salt("open images").auto_shrink([false, true]).show(ui, |ui| {
                ui.horizontal(|ui| row(ui, out));
            });
        });
        self.list(ui, documents, active, out);
    }

    /// All of them below each other, beginning where the active one is in sight.
    fn list(&mut self, ui: &mut Ui, documents: &[Document], active: Option<DocumentId>, out: &mut Outbox) {
        /// The first is only measured; in the next the rows have their places.
        const OPENS: u8 = 3;
        let opens = self.listed < OPENS;
        let list = ui.menu_button(format!("All {}", documents.len()), |ui| {
            ui.set_min_width(220.0);
            ScrollArea::vertical().max_height(360.0).show(ui, |ui| {
                for document in documents {
                    let front = active == Some(document.id());
                    let name = cut_in_the_middle(document.name(), 44);
                    let row = ui.add(Button::selectable(front, as_painted(&name)));
                    if front && opens {
                        row.scroll_to_me(None);
                    }
                    if row.on_hover_text(document.source().display().to_string()).clicked() {
                        out.command(Command::Activate(document.id()));
                        ui.close();
                    }
                }
            });
        });
        self.listed = if list.inner.is_some() { (self.listed + 1).min(OPENS) } else { 0 };
        list.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "All open images"));
    }
}

/// What stands in the row, and how wide its button is.
fn name_of(ui: &Ui, document: &Document) -> (String, f32) {
    let padding = 2.0 * ui.spacing().button_padding.x;
    let width = |words: &str| {
        let color = egui::Color32::PLACEHOLDER;
        ui.painter().layout_no_wrap(words.to_owned(), theme::body(), color).size().x + padding
    };
    let mut name = document.name().to_owned();
    let mut letters = name.chars().count();
    while width(&name) > WIDEST && letters > 4 {
        letters -= 1 + letters / 8;
        name = cut_in_the_middle(document.name(), letters);
    }
    (as_painted(&name), width(&name))
}
