use crate::tools::{TOOLS, Tool, Toolbox};
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::outbox::Outbox;
use crate::ui::theme::{self, size};
use crate::ui::view_state::ViewState;
use crate::ui::widgets::{Icon, IconButton};
use egui::{Align, Button, Id, Layout, Popup, Response, Shape, Ui, pos2};
use std::collections::BTreeMap;

/// A button that is held this long opens the list of its group, in seconds.
const HELD: f64 = 0.3;
/// The mark in the corner of a group.
const MARK: f32 = 5.0;

/// The tools, from their list. Those of a group share a cell, which shows the one that was used last.
#[derive(Default)]
pub struct Strip {
    /// By group, the id of the tool that was used last.
    last: BTreeMap<&'static str, &'static str>,
    /// The group whose button is down, and since when.
    down: Option<(&'static str, f64)>,
    /// A list that was opened by holding the button: its release does not choose the tool.
    opened: bool,
}

impl Strip {
    pub fn show(
        &mut self,
        ui: &mut Ui,
        toolbox: &Toolbox,
        view_state: &ViewState,
        enabled: bool,
        out: &mut Outbox,
    ) {
        ui.spacing_mut().item_spacing.y = 4.0;
        self.last.insert(toolbox.tool().group, toolbox.tool().id);
        for (index, group) in groups().into_iter().enumerate() {
            let shown = self.last.get(group[0].group);
            let tool = group.iter().copied().find(|tool| shown == Some(&tool.id)).unwrap_or(group[0]);
            let response = ui.add(button(tool, toolbox, view_state, enabled));
            if group.len() > 1 {
                self.group(ui, &response, &group, enabled, out);
            }
            if response.clicked() && !std::mem::take(&mut self.opened) {
                out.key(KeyCommand::Tool(tool.id));
            }
            // Looking comes first, then correcting.
            if index == 0 {
                window(ui, view_state, enabled, out);
            }
        }
        if enabled {
            ui.with_layout(Layout::bottom_up(Align::Center), |ui| {
                let effects = IconButton::new(Icon::Effects, "Effects").side(size::TOOL);
                let about = "Smooth, grow, fill between slices and more: type part of a name";
                if ui.add(effects.about(about).key(KeyCommand::Find)).clicked() {
                    out.key(KeyCommand::Find);
                }
            });
        }
    }

    /// Where there is no room for the strip: the tool in use, and all of them as a menu.
    pub fn menu(ui: &mut Ui, toolbox: &Toolbox, out: &mut Outbox) {
        let shown = ui.add(IconButton::new(Icon::Of(toolbox.tool().icon), "Tools"));
        Popup::menu(&shown).show(|ui| TOOLS.iter().for_each(|tool| line(ui, tool, out)));
    }

    /// The corner's mark, and the list that a long press or the other button opens.
    fn group(&mut self, ui: &Ui, cell: &Response, group: &[&'static Tool], enabled: bool, out: &mut Outbox) {
        let corner = cell.rect.max - egui::vec2(3.0, 3.0);
        let points = vec![corner, pos2(corner.x - MARK, corner.y), pos2(corner.x, corner.y - MARK)];
        let color = if enabled { theme::palette(ui).weak } else { theme::palette(ui).faint };
        ui.painter().add(Shape::convex_polygon(points, color, egui::Stroke::NONE));
        let name = group[0].group;
        let now = ui.input(|i| i.time);
        let mut opens = cell.secondary_clicked();
        if cell.is_pointer_button_down_on() && enabled {
            let (_, since) = *self.down.get_or_insert((name, now));
            opens |= now - since >= HELD && !self.opened;
            self.opened |= opens;
            ui.ctx().request_repaint_after_secs(HELD as f32);
        } else if self.down.is_some_and(|(of, _)| of == name) {
            self.down = None;
            // The release comes with this frame or never.
            self.opened &= cell.clicked();
        }
        let id = Id::unique(("tools of a group", name));
        if opens {
            Popup::open_id(ui.ctx(), id);
        }
        Popup::from_response(cell)
            .id(id)
            .open_memory(None)
            .align(egui::RectAlign::RIGHT_START)
            .show(|ui| group.iter().for_each(|tool| line(ui, tool, out)));
    }
}

/// The tools as the strip has them: those of a group follow each other in the list.
fn groups() -> Vec<Vec<&'static Tool>> {
    TOOLS.chunk_by(|a, b| a.group == b.group).map(|group| group.to_vec()).collect()
}

fn line(ui: &mut Ui, tool: &'static Tool, out: &mut Outbox) {
    let command = KeyCommand::Tool(tool.id);
    let key = shortcut_of(ui.ctx(), command).unwrap_or_default();
    if ui.add(Button::new(tool.title).shortcut_text(key)).on_hover_text(tool.about).clicked() {
        out.key(command);
        ui.close();
    }
}

fn button(tool: &'static Tool, toolbox: &Toolbox, view_state: &ViewState, enabled: bool) -> IconButton {
    let selected = toolbox.tool().id == tool.id && !view_state.windowing;
    IconButton::new(Icon::Of(tool.icon), tool.title)
        .about(tool.about)
        .key(KeyCommand::Tool(tool.id))
        .selected(enabled && selected)
        .enabled(enabled)
        .side(size::TOOL)
}

fn window(ui: &mut Ui, view_state: &ViewState, enabled: bool, out: &mut Outbox) {
    let button = IconButton::new(Icon::Window, "Window and level")
        .about("Drag sideways for the window, up and down for the level")
        .key(KeyCommand::WindowMode)
        .selected(enabled && view_state.windowing)
        .enabled(enabled)
        .side(size::TOOL);
    if ui.add(button).clicked() {
        out.key(KeyCommand::WindowMode);
    }
    ui.add_space(2.0);
    ui.separator();
    ui.add_space(2.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_one_cell() {
        let groups = groups();
        let mut names: Vec<&str> = groups.iter().map(|group| group[0].group).collect();
        let cells = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), cells, "tools of a group follow each other in the list");
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), TOOLS.len());
        assert!(groups.iter().any(|group| group.len() > 1));
    }
}
