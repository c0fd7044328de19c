//! Every key and mouse gesture: one list each. What is listed is what is dispatched, and what `?` shows.

mod in_force;
mod mouse;
mod written;

pub use in_force::{Changes, Keys, keys, set_keys, shortcut_of, with_keys};
pub use mouse::{
    MOUSE, Mode, MouseAction, MouseBinding, PointerState, Trigger, mouse_action, written_gesture,
};
pub use written::{is_modifier, is_shifted, written};

use super::arrangement::Arrangement;
use crate::tools::{TOOLS, Tool};
use egui::{Key, KeyboardShortcut, Modifiers};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a key asks of the window. Fieldless where it can be, so that the list below reads as a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyCommand {
    Slice(i64),
    FirstSlice,
    LastSlice,
    Queue(i64),
    Fit,
    CenterOnCrosshair,
    NextLayout,
    Crosshair,
    Filter,
    Preset(usize),
    Invert,
    /// Held it hides the mask, tapped it hides or shows it.
    HideMask,
    MaskOpacity(f32),
    MaskStyle,
    HeatMap,
    Difference,
    /// By the tool's id.
    Tool(&'static str),
    /// Opens the panel of an effect, by its id.
    Effect(&'static str),
    WindowMode,
    SwapBrushEraser,
    BrushSize(f64),
    Label(i64),
    LabelNumber(usize),
    NewLabel,
    NameLabel,
    Accept(Scope),
    Reject,
    Verify,
    CopyFrom(i64),
    Undo,
    Redo,
    Abort,
    OpenFile,
    OpenFolder,
    Save,
    Export,
    CloseImage,
    Quit,
    /// Of the open ones, so many further.
    Image(i64),
    Arrange(Arrangement),
    Find,
    Models,
    Panel,
    /// Accepts the prediction of the slice, marks it as verified, and goes to the next that is not.
    AcceptVerifyNext,
    /// Makes the interface larger or smaller by so many steps; 0 is its own size.
    Scale(i32),
    Theme,
    ReduceMotion,
    /// Whether the panel of labels says what to do next.
    Suggest,
    /// The layout of this place in [`layouts`](super::view_state::layouts).
    Layout(usize),
    /// So many areas of the window further.
    Part(i64),
    Messages,
    Help,
}

/// How much of a prediction a key accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Slice,
    Volume,
    Component,
}

/// A line of the list of keys.
#[derive(Clone)]
pub struct Shortcut {
    pub group: Group,
    pub title: &'static str,
    pub keys: Cow<'static, [KeyboardShortcut]>,
    pub command: KeyCommand,
}

impl Shortcut {
    /// Whether a person can give it other keys. Escape leaves whatever stands in front, in every program, and Space moves the image.
    pub fn can_change(&self) -> bool {
        !matches!(self.command, C::Abort | C::AcceptVerifyNext)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Workspaces,
    Navigate,
    Look,
    Tools,
    Labels,
    Prediction,
    File,
}

impl Group {
    pub const ALL: [Group; 7] = [Navigate, Look, Tools, File, Labels, Prediction, Workspaces];

    pub fn title(self) -> &'static str {
        match self {
            Group::Workspaces => "Workspaces",
            Group::Navigate => "Navigate",
            Group::Look => "Look",
            Group::Tools => "Correct",
            Group::Labels => "Labels",
            Group::Prediction => "Prediction",
            Group::File => "Files and history",
        }
    }
}

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}
const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}
const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}
const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}
const fn ctrl_alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::ALT), key)
}
const fn line(
    group: Group,
    title: &'static str,
    keys: &'static [KeyboardShortcut],
    command: KeyCommand,
) -> Shortcut {
    Shortcut { group, title, keys: Cow::Borrowed(keys), command }
}

use Group::{File, Labels, Look, Navigate, Prediction, Tools, Workspaces};
use KeyCommand as C;

/// All but the keys of the tools, which the tools name themselves.
static FIXED: &[Shortcut] = &[
    line(Workspaces, "Data set", &[ctrl(Key::Num1)], C::Arrange(Arrangement::DataSet)),
    line(Workspaces, "Label", &[ctrl(Key::Num2)], C::Arrange(Arrangement::Label)),
    line(Workspaces, "Review", &[ctrl(Key::Num3)], C::Arrange(Arrangement::Review)),
    line(Workspaces, "Learn", &[ctrl(Key::Num4)], C::Arrange(Arrangement::Learn)),
    line(Workspaces, "Find anything", &[ctrl(Key::K)], C::Find),
    line(Workspaces, "Model library", &[ctrl_shift(Key::M)], C::Models),
    line(Workspaces, "Panel at the right", &[ctrl(Key::B)], C::Panel),
    line(Workspaces, "Larger interface", &[ctrl(Key::Plus), ctrl(Key::Equals)], C::Scale(1)),
    line(Workspaces, "Smaller interface", &[ctrl(Key::Minus)], C::Scale(-1)),
    line(Workspaces, "Interface in its own size", &[ctrl(Key::Num0)], C::Scale(0)),
    line(Workspaces, "Next part of the window", &[key(Key::F6)], C::Part(1)),
    line(Workspaces, "Previous part of the window", &[shift(Key::F6)], C::Part(-1)),
    line(Workspaces, "Messages since the start", &[], C::Messages),
    line(Navigate, "Next slice", &[key(Key::ArrowDown), key(Key::PageDown)], C::Slice(1)),
    line(Navigate, "Previous slice", &[key(Key::ArrowUp), key(Key::PageUp)], C::Slice(-1)),
    line(Navigate, "Five slices forward", &[shift(Key::ArrowDown), shift(Key::PageDown)], C::Slice(5)),
    line(Navigate, "Five slices back", &[shift(Key::ArrowUp), shift(Key::PageUp)], C::Slice(-5)),
    line(Navigate, "First slice", &[key(Key::Home)], C::FirstSlice),
    line(Navigate, "Last slice", &[key(Key::End)], C::LastSlice),
    line(Navigate, "Next slice that is not verified", &[key(Key::Period)], C::Queue(1)),
    line(Navigate, "Previous slice that is not verified", &[key(Key::Comma)], C::Queue(-1)),
    line(Navigate, "Centre the views on the crosshair", &[key(Key::C)], C::CenterOnCrosshair),
    line(Navigate, "Fit the image into the view", &[key(Key::R)], C::Fit),
    line(Navigate, "Next layout", &[key(Key::V)], C::NextLayout),
    line(Navigate, "One large view", &[ctrl_alt(Key::Num1)], C::Layout(0)),
    line(Navigate, "One large view, and three beside it", &[ctrl_alt(Key::Num2)], C::Layout(1)),
    line(Navigate, "Three linked planes, and the labels", &[ctrl_alt(Key::Num3)], C::Layout(2)),
    line(Navigate, "Two beside each other, to compare them", &[ctrl_alt(Key::Num4)], C::Layout(3)),
    line(Navigate, "Labels in three dimensions", &[ctrl_alt(Key::Num5)], C::Layout(4)),
    line(Look, "Window preset 1", &[shift(Key::Num1)], C::Preset(0)),
    line(Look, "Window preset 2", &[shift(Key::Num2)], C::Preset(1)),
    line(Look, "Window preset 3", &[shift(Key::Num3)], C::Preset(2)),
    line(Look, "Window preset 4", &[shift(Key::Num4)], C::Preset(3)),
    line(Look, "Window preset 5", &[shift(Key::Num5)], C::Preset(4)),
    line(Look, "Invert greys", &[key(Key::I)], C::Invert),
    line(Look, "Hide the mask: hold, or tap to toggle", &[key(Key::S)], C::HideMask),
    line(Look, "Mask fainter", &[key(Key::A)], C::MaskOpacity(-0.1)),
    line(Look, "Mask stronger", &[key(Key::D)], C::MaskOpacity(0.1)),
    line(Look, "Fill, outline or both", &[shift(Key::S)], C::MaskStyle),
    line(Look, "Heat map of the selected label", &[key(Key::H)], C::HeatMap),
    line(Look, "Difference of mask and prediction", &[shift(Key::D)], C::Difference),
    line(Look, "Crosshair", &[key(Key::X)], C::Crosshair),
    line(Look, "Smooth or nearest pixels", &[key(Key::T)], C::Filter),
    line(Look, "Dark or light theme", &[ctrl_shift(Key::L)], C::Theme),
    line(Look, "Reduce motion", &[], C::ReduceMotion),
    line(Look, "Suggest what to do next", &[], C::Suggest),
    line(Tools, "Window and level", &[key(Key::L)], C::WindowMode),
    line(Tools, "Swap brush and eraser", &[key(Key::Tab)], C::SwapBrushEraser),
    line(Tools, "Smaller brush", &[key(Key::OpenBracket)], C::BrushSize(1.0 / 1.2)),
    line(Tools, "Larger brush", &[key(Key::CloseBracket)], C::BrushSize(1.2)),
    line(Tools, "Copy the previous slice's labels", &[shift(Key::C)], C::CopyFrom(-1)),
    line(Tools, "Copy the next slice's labels", &[shift(Key::V)], C::CopyFrom(1)),
    line(Tools, "Fill between slices", &[shift(Key::I)], C::Effect("fill-between")),
    line(Tools, "Grow from seeds", &[shift(Key::G)], C::Effect("grow-from-seeds")),
    line(Tools, "Cancel what is being drawn", &[key(Key::Escape)], C::Abort),
    line(Labels, "Label 1", &[key(Key::Num1)], C::LabelNumber(0)),
    line(Labels, "Label 2", &[key(Key::Num2)], C::LabelNumber(1)),
    line(Labels, "Label 3", &[key(Key::Num3)], C::LabelNumber(2)),
    line(Labels, "Label 4", &[key(Key::Num4)], C::LabelNumber(3)),
    line(Labels, "Label 5", &[key(Key::Num5)], C::LabelNumber(4)),
    line(Labels, "Label 6", &[key(Key::Num6)], C::LabelNumber(5)),
    line(Labels, "Label 7", &[key(Key::Num7)], C::LabelNumber(6)),
    line(Labels, "Label 8", &[key(Key::Num8)], C::LabelNumber(7)),
    line(Labels, "Label 9", &[key(Key::Num9)], C::LabelNumber(8)),
    line(Labels, "Previous label", &[key(Key::Q)], C::Label(-1)),
    line(Labels, "Next label", &[key(Key::W)], C::Label(1)),
    line(Labels, "New label", &[key(Key::N)], C::NewLabel),
    line(Labels, "Name the selected label", &[key(Key::F2)], C::NameLabel),
    line(
        Prediction,
        "Accept in this slice, or close the polygon",
        &[key(Key::Enter)],
        C::Accept(Scope::Slice),
    ),
    line(
        Prediction,
        "Accept the component at the crosshair",
        &[shift(Key::Enter)],
        C::Accept(Scope::Component),
    ),
    line(Prediction, "Accept in all slices", &[ctrl_shift(Key::Enter)], C::Accept(Scope::Volume)),
    line(Prediction, "Reject in this slice", &[key(Key::Backspace)], C::Reject),
    line(Prediction, "Slice verified, or not", &[ctrl(Key::Enter)], C::Verify),
    line(Prediction, "In Review: accept, verify, next (tap)", &[key(Key::Space)], C::AcceptVerifyNext),
    line(File, "Undo", &[ctrl(Key::Z)], C::Undo),
    line(File, "Redo", &[ctrl_shift(Key::Z), ctrl(Key::Y)], C::Redo),
    line(File, "Open a file", &[ctrl(Key::O)], C::OpenFile),
    line(File, "Open a folder", &[ctrl_shift(Key::O)], C::OpenFolder),
    line(File, "Save", &[ctrl(Key::S)], C::Save),
    line(File, "Export", &[ctrl(Key::E)], C::Export),
    line(File, "Next image", &[ctrl(Key::PageDown), ctrl(Key::Tab)], C::Image(1)),
    line(File, "Previous image", &[ctrl(Key::PageUp), ctrl_shift(Key::Tab)], C::Image(-1)),
    line(File, "Close the image", &[ctrl(Key::W)], C::CloseImage),
    line(File, "Quit", &[ctrl(Key::Q)], C::Quit),
    line(File, "This list", &[key(Key::Questionmark), shift(Key::Slash), key(Key::F1)], C::Help),
];

/// Every line of the list, with the keys that it has at first.
fn shortcuts() -> &'static [Shortcut] {
    static ALL: LazyLock<Vec<Shortcut>> = LazyLock::new(|| {
        let of_tool = |tool: &&'static Tool| Shortcut {
            group: Tools,
            title: tool.title,
            keys: Key::from_name(&tool.key.to_ascii_uppercase().to_string())
                .map(if tool.key.is_uppercase() { shift } else { key })
                .into_iter()
                .collect(),
            command: C::Tool(tool.id),
        };
        TOOLS.iter().map(of_tool).chain(FIXED.iter().cloned()).collect()
    });
    &ALL
}

/// Held keys go on only where that is what one holds them for.
pub fn repeats(command: KeyCommand) -> bool {
    matches!(
        command,
        C::Slice(_) | C::MaskOpacity(_) | C::BrushSize(_) | C::Undo | C::Redo | C::Label(_) | C::Queue(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things() {
        let mut seen: Vec<(KeyboardShortcut, &str)> = Vec::new();
        for shortcut in shortcuts() {
            for key in shortcut.keys.iter() {
                if let Some((_, other)) = seen.iter().find(|(k, _)| k == key) {
                    panic!("{} is both “{other}” and “{}”", written(key), shortcut.title);
                }
                seen.push((*key, shortcut.title));
            }
        }
    }

    #[test]
    fn the_question_mark_is_found_with_and_without_shift() {
        let keys = Keys::with(&Changes::new());
        assert_eq!(keys.find(Key::Questionmark, Modifiers::SHIFT), Some(KeyCommand::Help));
        assert_eq!(keys.find(Key::Questionmark, Modifiers::NONE), Some(KeyCommand::Help));
        assert_eq!(keys.find(Key::Z, Modifiers::COMMAND | Modifiers::CTRL), Some(KeyCommand::Undo));
        let both = Modifiers::COMMAND | Modifiers::CTRL | Modifiers::SHIFT;
        assert_eq!(keys.find(Key::Z, both), Some(KeyCommand::Redo));
        assert_eq!(keys.find(Key::Z, Modifiers::NONE), None);
        // As Ctrl and "+" come from a keyboard where "+" needs Shift.
        assert_eq!(keys.find(Key::Plus, both), Some(KeyCommand::Scale(1)));
    }
}
