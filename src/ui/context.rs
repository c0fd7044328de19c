//! What panels may see. Each function below a panel takes the smallest part of it that suffices.

use super::look::Look;
use super::outbox::Outbox;
use crate::workspace::{Document, Workspace};
use egui::Ui;

/// What a panel is given: everything to read, the looks to change, and a place for what it asks for.
pub struct PanelContext<'a> {
    pub workspace: &'a Workspace,
    /// The image that commands act on.
    pub document: &'a Document,
    pub look: &'a mut Look,
    pub out: &'a mut Outbox,
    /// The selected label is to be named.
    pub names: bool,
}

/// A panel at the right. What it keeps between frames is how it looks, and nothing else.
pub trait Panel {
    /// The name of its file.
    fn id(&self) -> &'static str;
    fn title(&self) -> &'static str;
    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext);
}
