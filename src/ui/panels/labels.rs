use crate::label::{Label, LabelId};
use crate::ui::context::{Panel, PanelContext};
use crate::ui::figures;
use crate::ui::keyboard;
use crate::ui::keys::{KeyCommand, shortcut_of, with_keys};
use crate::ui::outbox::{Outbox, Question};
use crate::ui::suggestions::Suggestions;
use crate::ui::theme;
use crate::ui::widgets::{
    Icon, IconButton, InlineEdit, cut_at_the_end, empty, primary_key, quiet, row_ground, section, title_row,
};
use crate::workspace::{Command, Document, DocumentId, EditCommand, LabelCommand, Workspace};
use egui::{
    Align2, CornerRadius, Id, Key, Margin, Rect, Response, RichText, Role, Sense, TextEdit, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

/// The labels: colour, name, lock, eye, and the keys 1 to 9.
#[derive(Default)]
pub struct Labels {
    /// The label whose name is being written.
    renaming: InlineEdit<(DocumentId, LabelId)>,
    /// The row that was clicked last, and when.
    clicked: Option<((DocumentId, LabelId), f64)>,
    suggestions: Suggestions,
    /// Part of a name; only labels that have it are listed.
    typed: String,
}

/// Two clicks on one row within so many seconds begin to name its label. More than those of a double click, which on a slow
/// machine come too late.
const CLICKS_APART: f64 = 2.0;

const ROW: f32 = 32.0;
/// More labels than these are searched.
const MANY: usize = 12;

impl Panel for Labels {
    fn id(&self) -> &'static str {
        "labels"
    }

    fn title(&self) -> &'static str {
        "Labels"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, names, .. } = context;
        let listed = |(of, label)| of == document.id() && document.labels().get(label).is_some();
        if self.renaming.of().is_some_and(|of| !listed(of)) {
            // Another image has come to the front, or the label has gone.
            let renamed = self.renaming.end();
            rename(renamed, workspace, document, out);
        }
        title_row(ui, "Labels", |ui| {
            let add = IconButton::new(Icon::Plus, "New label").key(KeyCommand::NewLabel);
            if ui.add(add).clicked() {
                let (id, name) = (document.labels().free_id(), free_name(document));
                out.command(Command::Labels(LabelCommand::Add { name: name.clone() }));
                self.name(ui, id, &name, workspace, document, out);
            }
            if ui.add(IconButton::new(Icon::Open, "Import a label image")).clicked() {
                out.ask(Question::ImportLabels);
            }
        });
        let selected = document.labels().get(document.selected_label()).filter(|_| *names);
        if let Some(label) = selected {
            self.name(ui, label.id, &label.name, workspace, document, out);
        }
        ui.add_space(4.0);
        if document.labels().is_empty() {
            let words =
                "No labels yet. Press {New label} for the first, or accept a prediction: it brings its own.";
            empty(ui, &with_keys(ui.ctx(), words));
        }
        ui.spacing_mut().item_spacing.y = 2.0;
        let typed = self.search(ui, document);
        let fits = |label: &Label| typed.is_empty() || label.name.to_lowercase().contains(&typed);
        if !document.labels().is_empty() && !document.labels().iter().any(fits) {
            empty(ui, "No label has this name.");
        }
        for (index, label) in document.labels().iter().enumerate().filter(|(_, label)| fits(label)) {
            self.row(ui, index, label, workspace, document, out);
        }
        ui.spacing_mut().item_spacing.y = 6.0;
        this_slice(ui, document, out);
        if view_state.suggests {
            self.suggestions.show(ui, workspace, document, out);
        }
    }

    fn has_footer(&self, _: &PanelContext) -> bool {
        true
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        verify(ui, context.document, context.out);
    }
}

impl Labels {
    /// The field above many labels; what is written in it, in small letters.
    fn search(&mut self, ui: &mut Ui, document: &Document) -> String {
        if document.labels().iter().count() <= MANY {
            return String::new();
        }
        let field = TextEdit::singleline(&mut self.typed)
            .id(Id::unique("label search"))
            .hint_text("Search the labels")
            .desired_width(f32::INFINITY)
            .margin(Margin::symmetric(8, 6));
        let field = ui.add(field);
        field.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Search the labels"));
        ui.add_space(4.0);
        self.typed.trim().to_lowercase()
    }

    /// Begins to write the name of a label that is there, or comes with this frame.
    fn name(
        &mut self,
        ui: &Ui,
        label: LabelId,
        name: &str,
        workspace: &Workspace,
        document: &Document,
        out: &mut Outbox,
    ) {
        let renamed = self.renaming.begin(ui.ctx(), (document.id(), label), name);
        rename(renamed, workspace, document, out);
    }

    /// Whether a row is to be named: it was clicked twice, or has the keyboard and hears Enter.
    fn is_named(&mut self, row: &Response, of: (DocumentId, LabelId)) -> bool {
        if row.has_focus() && row.ctx.input(|i| i.key_pressed(Key::Enter)) {
            return true;
        }
        if !row.clicked() {
            return false;
        }
        keyboard::give_to_row(row);
        let now = row.ctx.input(|i| i.time);
        let before = self.clicked.replace((of, now));
        row.double_clicked() || before.is_some_and(|(row, at)| row == of && now - at < CLICKS_APART)
    }

    fn row(
        &mut self,
        ui: &mut Ui,
        index: usize,
        label: &Label,
        workspace: &Workspace,
        document: &Document,
        out: &mut Outbox,
    ) {
        let selected = document.selected_label() == label.id;
        let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), ROW), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &label.name));
        let p = theme::palette(ui);
        row_ground(ui, &response, selected);
        let mut row = ui.new_child(
            egui::UiBuilder::new()
                .max_rect(rect.shrink2(vec2(6.0, 0.0)))
                .layout(egui::Layout::left_to_right(egui::Align::Center)),
        );
        self.colour(&mut row, label, out);
        let buttons_width = 88.0;
        let name_width = (row.available_width() - buttons_width).max(20.0);
        match self.renaming.of() {
            Some(of) if of == (document.id(), label.id) => {
                let renamed = self.renaming.show(&mut row, vec2(name_width, 22.0), "Name of the label");
                rename(renamed, workspace, document, out);
            }
            _ => {
                let (area, _) = row.allocate_exact_size(vec2(name_width, ROW), Sense::hover());
                let color = if label.visible { p.text } else { p.faint };
                let measure = document.label_volume(label.id).filter(|&v| v > 0.0);
                let measure =
                    measure.map_or_else(String::new, |v| figures::measure(v, document.volume().grid()));
                let end = area.right_center() - vec2(4.0, 0.0);
                let figures =
                    row.painter().text(end, Align2::RIGHT_CENTER, measure, theme::figures(), p.weak);
                let room = figures.left() - 6.0 - area.left();
                let name = cut_at_the_end(row.painter(), &label.name, theme::body(), color, room);
                let at = pos2(area.left(), area.center().y - name.size().y / 2.0);
                row.painter().galley(at, name, color);
            }
        }
        self.buttons(&mut row, index, label, out);
        if self.is_named(&response, (document.id(), label.id)) {
            self.name(ui, label.id, &label.name, workspace, document, out);
        } else if response.clicked() {
            out.command(Command::Labels(LabelCommand::Select(label.id)));
        }
        response.context_menu(|ui| {
            let key = shortcut_of(ui.ctx(), KeyCommand::NameLabel).unwrap_or_default();
            if ui.button("Rename").on_hover_text(key).clicked() {
                self.name(ui, label.id, &label.name, workspace, document, out);
                ui.close();
            }
            let z = document.cursor()[2];
            let deep = document.depth() > 1;
            let whole = if deep { "Clear in the whole volume" } else { "Clear" };
            let tip = "Verified slices stay as they are";
            for (name, slice, tip) in
                [("Clear in this slice", Some(z), None), (whole, None, deep.then_some(tip))]
            {
                if slice.is_some() && !deep {
                    continue;
                }
                let button = ui.add_enabled(!label.locked, egui::Button::new(name));
                let button = button.on_disabled_hover_text("The label is locked");
                if tip.map_or(button.clone(), |tip| button.on_hover_text(tip)).clicked() {
                    out.edit(EditCommand::Clear { label: label.id, slice });
                    ui.close();
                }
            }
            ui.separator();
            if ui.button("Remove from the list").clicked() {
                out.command(Command::Labels(LabelCommand::Remove { id: label.id }));
                ui.close();
            }
        });
    }

    fn colour(&mut self, ui: &mut Ui, label: &Label, out: &mut Outbox) {
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(18.0), Sense::click());
        let name = format!("Colour of {}", label.name);
        response.widget_info(|| WidgetInfo::labeled(Role::ColorWell, true, &name));
        let square = Rect::from_center_size(rect.center(), Vec2::splat(13.0));
        let color = theme::label_color(label.color);
        if label.visible {
            ui.painter().rect_filled(square, CornerRadius::same(4), color);
        } else {
            let stroke = egui::Stroke::new(1.5, color);
            ui.painter().rect_stroke(
                square.shrink(0.75),
                CornerRadius::same(4),
                stroke,
                egui::StrokeKind::Middle,
            );
        }
        egui::Popup::menu(&response).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(
            |ui| {
                ui.label(
                    RichText::new("These can be told apart with any colour vision").font(theme::small()),
                );
                ui.horizontal(|ui| {
                    for id in 1..=7 {
                        let choice = crate::label::LabelTable::palette_color(id);
                        let (rect, response) = ui.allocate_exact_size(Vec2::splat(22.0), Sense::click());
                        ui.painter().rect_filled(
                            rect.shrink(2.0),
                            CornerRadius::same(4),
                            theme::label_color(choice),
                        );
                        if response.clicked() {
                            out.command(Command::Labels(LabelCommand::Recolor {
                                id: label.id,
                                color: choice,
                            }));
                            ui.close();
                        }
                    }
                });
                let mut own = label.color;
                ui.horizontal(|ui| {
                    ui.label("Another");
                    if ui.color_edit_button_srgb(&mut own).changed() {
                        out.command(Command::Labels(LabelCommand::Recolor { id: label.id, color: own }));
                    }
                });
            },
        );
        response.on_hover_text(name);
    }

    fn buttons(&mut self, ui: &mut Ui, index: usize, label: &Label, out: &mut Outbox) {
        ui.spacing_mut().item_spacing.x = 2.0;
        let (icon, name) = match label.visible {
            true => (Icon::Eye, format!("Hide {}", label.name)),
            false => (Icon::EyeOff, format!("Show {}", label.name)),
        };
        if ui.add(IconButton::new(icon, name).side(26.0).faint(label.visible)).clicked() {
            out.command(Command::Labels(LabelCommand::Show { id: label.id, on: !label.visible }));
        }
        let (icon, name) = match label.locked {
            true => (Icon::Lock, format!("Unlock {}", label.name)),
            false => (Icon::Unlock, format!("Lock {}", label.name)),
        };
        if ui.add(IconButton::new(icon, name).side(26.0).faint(!label.locked)).clicked() {
            out.command(Command::Labels(LabelCommand::Lock { id: label.id, on: !label.locked }));
        }
        if index < 9 {
            let (rect, _) = ui.allocate_exact_size(vec2(18.0, ROW), Sense::hover());
            let key = Rect::from_center_size(rect.center(), Vec2::splat(16.0));
            let p = theme::palette(ui);
            ui.painter().rect_stroke(
                key,
                CornerRadius::same(3),
                egui::Stroke::new(1.0, p.active),
                egui::StrokeKind::Inside,
            );
            let at = pos2(key.center().x, key.center().y);
            ui.painter().text(at, Align2::CENTER_CENTER, index + 1, theme::small(), p.faint);
        }
    }
}

/// A name that no label of an image has.
pub fn free_name(document: &Document) -> String {
    let labels = document.labels();
    (1..).map(|n| format!("Label {n}")).find(|name| !labels.is_taken(name)).unwrap_or_default()
}

/// Gives a label its new name, before whatever else the frame asks for: the click that ended it may bring another image
/// to the front.
fn rename(
    renamed: Option<((DocumentId, LabelId), String)>,
    workspace: &Workspace,
    active: &Document,
    out: &mut Outbox,
) {
    let Some(((of, id), name)) = renamed else { return };
    if workspace.document(of).is_none_or(|d| d.labels().get(id).is_none()) {
        return;
    }
    let rename = Command::Labels(LabelCommand::Rename { id, name });
    if of == active.id() {
        out.first.push(rename);
    } else {
        out.first.extend([Command::Activate(of), rename, Command::Activate(active.id())]);
    }
}

/// The state of the slice in front, and its neighbours' labels to begin with.
fn this_slice(ui: &mut Ui, document: &Document, out: &mut Outbox) {
    let z = document.cursor()[2];
    let deep = document.depth() > 1;
    let p = theme::palette(ui);
    section(ui, if deep { "This slice" } else { "This image" }, |ui| {
        let (color, words) = match document.is_verified(z) {
            true => (p.good, "Verified: no model changes it, and networks learn from it"),
            false => (p.weak, "Not verified"),
        };
        ui.horizontal(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(8.0, 18.0), Sense::hover());
            ui.painter().circle_filled(rect.center(), 3.5, color);
            ui.add(egui::Label::new(words).wrap());
        });
        if !deep {
            return;
        }
        ui.add_space(4.0);
        ui.horizontal_wrapped(|ui| {
            for (from, name, possible) in
                [(-1, "Copy from previous", z > 0), (1, "Copy from next", z + 1 < document.depth())]
            {
                let key = shortcut_of(ui.ctx(), KeyCommand::CopyFrom(from)).unwrap_or_default();
                if quiet(ui, possible, name).on_hover_text(key).clicked() {
                    out.key(KeyCommand::CopyFrom(from));
                }
            }
        });
    });
}

/// Marks what is in front as verified, or takes the mark away.
pub fn verify(ui: &mut Ui, document: &Document, out: &mut Outbox) {
    let deep = document.depth() > 1;
    let what = if deep { "slice" } else { "image" };
    let tip = format!("No model changes a verified {what}, and networks learn from it");
    let clicked = match document.is_verified(document.cursor()[2]) {
        true => quiet(ui, true, "Take the verified mark away")
            .on_hover_text(shortcut_of(ui.ctx(), KeyCommand::Verify).unwrap_or_default()),
        false => primary_key(ui, true, &format!("Verify {what}"), KeyCommand::Verify).on_hover_text(tip),
    };
    if clicked.clicked() {
        out.key(KeyCommand::Verify);
    }
}
