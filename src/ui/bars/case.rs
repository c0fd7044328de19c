use crate::ui::keys::KeyCommand;
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::widgets::{Icon, IconButton, cut_in_the_middle};
use crate::workspace::{Command, Document, DocumentId, Workspace};
use egui::{Button, Key, Popup, PopupCloseBehavior, RichText, ScrollArea, TextEdit, Ui};

/// A name is no wider than this, in points.
const WIDEST: f32 = 230.0;
/// It keeps this much before anything else does.
const LEAST: f32 = 60.0;
/// What stands around it: with the list of the images, and the steps alone.
const ALL: f32 = 96.0;
const STEPS: f32 = 64.0;
/// How wide the list is, and how high at most.
const LIST: [f32; 2] = [320.0, 420.0];

/// The open images: the one in front, the next and the previous, and all of them as a list.
#[derive(Default)]
pub struct Case {
    /// What the list is filtered by.
    filter: String,
    /// For how many frames the list has been open, as far as it has to be known.
    listed: u8,
}

impl Case {
    /// `room`: how wide it may be.
    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, room: f32, out: &mut Outbox) {
        let documents = workspace.documents();
        let Some(active) = workspace.active() else {
            let words = if documents.is_empty() { "Nothing is open" } else { "" };
            ui.label(RichText::new(words).color(theme::palette(ui).weak));
            return;
        };
        ui.spacing_mut().item_spacing.x = 2.0;
        let several = documents.len() > 1;
        if several {
            self.step(ui, Icon::Left, "Previous image", -1, out);
        }
        let at = documents.iter().position(|d| d.id() == active.id()).unwrap_or(0);
        let count = format!("{} of {}", at + 1, documents.len());
        let count = if several { count.as_str() } else { "" };
        // In little room the count goes first, and then the list.
        let counts = several && room >= LEAST + ALL + width(ui, count);
        let lists = several && room >= LEAST + ALL;
        let beside = match (counts, lists) {
            (true, _) => ALL + width(ui, count),
            (false, true) => ALL,
            (false, false) if several => STEPS,
            _ => 16.0,
        };
        let name = name_of(ui, active, (room - beside).clamp(20.0, WIDEST));
        ui.add_space(4.0);
        let label = ui.add(egui::Label::new(RichText::new(name).font(theme::medium())).selectable(false));
        label.on_hover_text(active.source().display().to_string());
        if counts {
            ui.add_space(6.0);
            ui.label(RichText::new(count).font(theme::small()).color(theme::palette(ui).weak));
        }
        if lists {
            let list = ui.add(IconButton::new(Icon::Down, "All open images").side(24.0));
            self.list(&list, documents, active.id(), out);
        }
        if several {
            self.step(ui, Icon::Right, "Next image", 1, out);
        }
    }

    fn step(&self, ui: &mut Ui, icon: Icon, name: &str, by: i64, out: &mut Outbox) {
        let command = KeyCommand::Image(by);
        if ui.add(IconButton::new(icon, name).key(command).side(24.0)).clicked() {
            out.key(command);
        }
    }

    /// All of them below each other, beginning where the active one is in sight; what is typed filters them.
    fn list(
        &mut self,
        button: &egui::Response,
        documents: &[Document],
        active: DocumentId,
        out: &mut Outbox,
    ) {
        /// The first frame is only measured; in the next the rows have their places.
        const OPENS: u8 = 3;
        let opens = self.listed < OPENS;
        let popup = Popup::menu(button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let shown = popup.show(|ui| {
            ui.set_width(LIST[0]);
            let field = TextEdit::singleline(&mut self.filter).hint_text("Name").desired_width(f32::INFINITY);
            let field = ui.add(field);
            field.widget_info(|| {
                egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Name of an open image")
            });
            if self.listed == 0 {
                field.request_focus();
            }
            let enter = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let wanted = self.filter.to_lowercase();
            let fits = |d: &&Document| d.name().to_lowercase().contains(&wanted);
            ScrollArea::vertical().max_height(LIST[1]).show(ui, |ui| {
                for (index, document) in documents.iter().filter(fits).enumerate() {
                    let front = active == document.id();
                    let name = cut_in_the_middle(document.name(), 44);
                    let row = ui.add(Button::selectable(front, as_painted(&name)));
                    if front && opens {
                        row.scroll_to_me(None);
                    }
                    let chosen = enter && index == 0;
                    if row.on_hover_text(document.source().display().to_string()).clicked() || chosen {
                        out.command(Command::Activate(document.id()));
                        ui.close();
                    }
                }
                if !documents.iter().any(|document| fits(&document)) {
                    ui.label(
                        RichText::new("No open image has this in its name").color(theme::palette(ui).weak),
                    );
                }
            });
        });
        match shown {
            Some(_) => self.listed = (self.listed + 1).min(OPENS),
            None => {
                self.listed = 0;
                self.filter.clear();
            }
        }
    }
}

fn width(ui: &Ui, words: &str) -> f32 {
    let color = egui::Color32::PLACEHOLDER;
    ui.painter().layout_no_wrap(words.to_owned(), theme::medium(), color).size().x
}

/// What stands in the bar: no wider than this.
fn name_of(ui: &Ui, document: &Document, widest: f32) -> String {
    let mut name = document.name().to_owned();
    let mut letters = name.chars().count();
    while width(ui, &name) > widest && letters > 4 {
        letters -= 1 + letters / 8;
        name = cut_in_the_middle(document.name(), letters);
    }
    as_painted(&name)
}
