use super::{
    Gesture, Input, PointerEvent, Scene, TOOLS, Tool, ToolAction, ToolContext, ToolOption, ToolOptions,
    brush, eraser,
};
use egui::Ui;

/// The current tool, its gesture, and the options of all tools.
pub struct Toolbox {
    tool: &'static Tool,
    last_brush: &'static Tool,
    gesture: Box<dyn Gesture>,
    /// Whether the gesture has opened a transaction.
    open: bool,
    pub options: ToolOptions,
}

impl Default for Toolbox {
    fn default() -> Self {
        let tool = TOOLS[0];
        let options = ToolOptions::default();
        Self { tool, last_brush: &brush::TOOL, gesture: (tool.start)(), open: false, options }
    }
}

impl Toolbox {
    pub fn tool(&self) -> &'static Tool {
        self.tool
    }

    /// Selects another tool; a gesture of the last one is cancelled.
    pub fn select(&mut self, tool: &'static Tool) -> Vec<ToolAction> {
        let actions = self.cancel();
        self.tool = tool;
        if tool.group == brush::TOOL.group {
            self.last_brush = tool;
        }
        self.gesture = (tool.start)();
        actions
    }

    /// Selects the tool of a key, a capital for the key with Shift; `None` where no tool has it.
    pub fn select_by_key(&mut self, key: char) -> Option<Vec<ToolAction>> {
        let tool = TOOLS.iter().find(|tool| tool.key == key)?;
        Some(self.select(tool))
    }

    /// Tab: from a brush to the eraser, and from all others to the brush that was used last.
    pub fn swap(&mut self) -> Vec<ToolAction> {
        self.select(if self.tool.group == brush::TOOL.group { &eraser::TOOL } else { self.last_brush })
    }

    /// Cancels what is under way, as Escape does: also when the window loses the pointer or another image is shown.
    pub fn cancel(&mut self) -> Vec<ToolAction> {
        self.gesture = (self.tool.start)();
        let mut actions = vec![ToolAction::Preview(None)];
        if std::mem::take(&mut self.open) {
            actions.push(ToolAction::Abort);
        }
        actions
    }

    /// What an event does.
    pub fn event(&mut self, event: &PointerEvent, scene: &Scene) -> Vec<ToolAction> {
        if self.tool.options.contains(&ToolOption::Radius) {
            let grid = scene.volume.grid();
            match event.input {
                Input::Grow => self.options.step_radius(grid, 1.0),
                Input::Shrink => self.options.step_radius(grid, -1.0),
                Input::Wheel(notches) => self.options.step_radius(grid, notches),
                _ => {}
            }
        }
        if let Input::Level(notches) = event.input
            && self.tool.options.contains(&ToolOption::Deviations)
        {
            self.options.step_deviations(notches);
        }
        let actions = self.gesture.event(event, &ToolContext { scene: *scene, options: &self.options });
        if let Some(tolerance) = self.gesture.tolerance() {
            self.options.tolerance = Some(tolerance);
        }
        for action in &actions {
            match action {
                ToolAction::Begin { .. } => self.open = true,
                ToolAction::Commit | ToolAction::Abort => self.open = false,
                _ => {}
            }
        }
        actions
    }

    /// Whether something is under way that Escape would cancel; Enter and Backspace are then the tool's, too.
    pub fn busy(&self) -> bool {
        self.gesture.busy()
    }

    /// What to do next, or why painting would do nothing. `{title}` stands for the key of a line of the list of keys.
    pub fn hint(&self, scene: &Scene) -> String {
        let paints = self.tool.paints;
        match scene.labels.get(scene.label) {
            Some(label) if paints && label.locked => {
                format!("“{}” is locked: unlock it in the label list to paint with it", label.name)
            }
            None if paints && scene.labels.is_empty() => "Add a label first ({New label})".to_owned(),
            None if paints && scene.label == 0 => {
                format!("Background is selected: it erases. {}", self.gesture.hint())
            }
            _ => self.gesture.hint().to_owned(),
        }
    }

    /// Some of the options of the current tool, side by side.
    pub fn options_row(&mut self, ui: &mut Ui, options: &[ToolOption], scene: &Scene) {
        for &option in options {
            self.options.show(option, ui, scene);
        }
    }
}
