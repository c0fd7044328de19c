use crate::tools::{TOOLS, Toolbox};
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::outbox::Outbox;
use crate::ui::theme::size;
use crate::ui::view_state::ViewState;
use crate::ui::widgets::{Icon, IconButton};
use egui::Ui;

/// The tools, from their list.
pub fn show(ui: &mut Ui, toolbox: &Toolbox, view_state: &ViewState, enabled: bool, out: &mut Outbox) {
    ui.spacing_mut().item_spacing.y = 4.0;
    for (index, tool) in TOOLS.iter().enumerate() {
        let command = KeyCommand::Tool(tool.id);
        let selected = toolbox.tool().id == tool.id && !view_state.windowing;
        let button = IconButton::new(Icon::Of(tool.icon), tool.title)
            .about(tool.about)
            .key(shortcut_of(command))
            .selected(enabled && selected)
            .enabled(enabled)
            .side(size::TOOL);
        if ui.add(button).clicked() {
            out.key(command);
        }
        // Looking comes first, then correcting.
        if index == 0 {
            let button = IconButton::new(Icon::Window, "Window and level")
                .key(shortcut_of(KeyCommand::WindowMode))
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
    }
}
