//! What panels may see. Each function below a panel takes the smallest part of it that suffices.

use super::outbox::Outbox;
use super::view_state::ViewState;
use crate::workspace::{Document, StartFrom, Workspace};
use egui::Ui;

/// What a panel is given: everything to read, the view state to change, and an outbox for its commands.
pub struct PanelContext<'a> {
    pub workspace: &'a Workspace,
    /// The image that commands act on.
    pub document: &'a Document,
    pub view_state: &'a mut ViewState,
    pub out: &'a mut Outbox,
    /// The selected label is to be named.
    pub names: bool,
    /// What a run is to start from was chosen elsewhere.
    pub start_from: Option<StartFrom>,
}

/// A panel at the right. What it keeps between frames is how it looks, and nothing else.
pub trait Panel {
    /// The name of its file.
    fn id(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext);

    /// Whether something stays above the panel's body.
    fn has_header(&self) -> bool {
        false
    }

    /// What stays above the panel's body, whatever is scrolled.
    fn header(&mut self, _ui: &mut Ui, _context: &mut PanelContext) {}

    /// Whether something stays at the panel's lower edge.
    fn has_footer(&self, _context: &PanelContext) -> bool {
        false
    }

    /// What stays at the panel's lower edge, whatever is scrolled: one filled button at most, at its left.
    fn footer(&mut self, _ui: &mut Ui, _context: &mut PanelContext) {}
}
