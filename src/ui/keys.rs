//! Every key and mouse gesture: one list each. What is listed is what is dispatched, and what `?` shows.

use super::arrangement::Arrangement;
use crate::tools::{TOOLS, Tool, ToolKind};
use egui::{Key, KeyboardShortcut, Modifiers, PointerButton};
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
pub struct Shortcut {
    pub group: Group,
    pub title: &'static str,
    pub keys: Cow<'static, [KeyboardShortcut]>,
    pub command: KeyCommand,
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
    line(Tools, "Window and level", &[key(Key::L)], C::WindowMode),
    line(Tools, "Swap brush and eraser", &[key(Key::Tab)], C::SwapBrushEraser),
    line(Tools, "Smaller brush", &[key(Key::OpenBracket)], C::BrushSize(1.0 / 1.2)),
    line(Tools, "Larger brush", &[key(Key::CloseBracket)], C::BrushSize(1.2)),
    line(Tools, "Copy the previous slice's labels", &[shift(Key::C)], C::CopyFrom(-1)),
    line(Tools, "Copy the next slice's labels", &[shift(Key::V)], C::CopyFrom(1)),
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

/// Every line of the list.
pub fn shortcuts() -> &'static [Shortcut] {
    static ALL: LazyLock<Vec<Shortcut>> = LazyLock::new(|| {
        let of_tool = |tool: &&'static Tool| Shortcut {
            group: Tools,
            title: tool.title,
            keys: Key::from_name(&tool.key.to_ascii_uppercase().to_string()).map(key).into_iter().collect(),
            command: C::Tool(tool.id),
        };
        let fixed = FIXED.iter().map(|s| Shortcut { keys: s.keys.clone(), ..*s });
        TOOLS.iter().map(of_tool).chain(fixed).collect()
    });
    &ALL
}

/// What a mouse gesture over an image does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseAction {
    Draw,
    Erase,
    MoveCrosshair,
    Pan,
    Zoom,
    WindowLevel,
    Slice,
    FiveSlices,
    BrushSize,
    Maximise,
    Turn,
    Fit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    Drag(PointerButton),
    DoubleClick,
    Wheel,
}

/// While which way of working a gesture counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum While {
    Any,
    Navigating,
    Windowing,
    /// With a tool that draws.
    Drawing,
    /// With brush or eraser.
    Brushing,
    /// Over the labels in three dimensions.
    Turning,
}

pub struct MouseBinding {
    pub title: &'static str,
    pub trigger: Trigger,
    pub modifiers: Modifiers,
    /// With the space bar held.
    pub space: bool,
    pub during: While,
    pub action: MouseAction,
}

const fn mouse(
    title: &'static str,
    trigger: Trigger,
    modifiers: Modifiers,
    during: While,
    action: MouseAction,
) -> MouseBinding {
    MouseBinding { title, trigger, modifiers, space: false, during, action }
}

const LEFT: Trigger = Trigger::Drag(PointerButton::Primary);
const MIDDLE: Trigger = Trigger::Drag(PointerButton::Middle);
const RIGHT: Trigger = Trigger::Drag(PointerButton::Secondary);
const NONE: Modifiers = Modifiers::NONE;

/// The first that fits counts.
pub static MOUSE: &[MouseBinding] = &[
    MouseBinding { space: true, ..mouse("Move the image", LEFT, NONE, While::Any, MouseAction::Pan) },
    mouse("Move the image", MIDDLE, NONE, While::Any, MouseAction::Pan),
    mouse("Turn the labels", LEFT, NONE, While::Turning, MouseAction::Turn),
    mouse("Zoom", RIGHT, NONE, While::Turning, MouseAction::Zoom),
    mouse("Zoom", Trigger::Wheel, NONE, While::Turning, MouseAction::Zoom),
    mouse("Reset the view", Trigger::DoubleClick, NONE, While::Turning, MouseAction::Fit),
    mouse("Window and level", LEFT, Modifiers::ALT, While::Any, MouseAction::WindowLevel),
    mouse("Window and level", LEFT, NONE, While::Windowing, MouseAction::WindowLevel),
    mouse("Move the crosshair", LEFT, NONE, While::Navigating, MouseAction::MoveCrosshair),
    mouse("Zoom", RIGHT, NONE, While::Navigating, MouseAction::Zoom),
    mouse("Zoom", RIGHT, NONE, While::Windowing, MouseAction::Zoom),
    mouse("Erase", LEFT, Modifiers::COMMAND, While::Drawing, MouseAction::Erase),
    mouse("Erase", RIGHT, NONE, While::Drawing, MouseAction::Erase),
    mouse("Draw", LEFT, NONE, While::Drawing, MouseAction::Draw),
    mouse("One large view, and back", Trigger::DoubleClick, NONE, While::Navigating, MouseAction::Maximise),
    mouse("Zoom", Trigger::Wheel, Modifiers::COMMAND, While::Any, MouseAction::Zoom),
    mouse("Brush size", Trigger::Wheel, Modifiers::SHIFT, While::Brushing, MouseAction::BrushSize),
    mouse("Five slices", Trigger::Wheel, Modifiers::SHIFT, While::Any, MouseAction::FiveSlices),
    mouse("Slice", Trigger::Wheel, NONE, While::Any, MouseAction::Slice),
];

/// The state of pointer and keyboard that decides which gesture is meant.
#[derive(Clone, Copy, Debug)]
pub struct PointerState {
    pub modifiers: Modifiers,
    pub space: bool,
    pub mode: Mode,
}

/// What the pointer is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Tool(ToolKind),
    /// Window and level.
    Window,
    /// Over the labels in three dimensions, which it turns.
    Turn,
}

/// What a gesture means.
pub fn mouse_action(trigger: Trigger, pointer: PointerState) -> Option<MouseAction> {
    let fits = |during: While| match during {
        While::Any => true,
        While::Navigating => pointer.mode == Mode::Tool(ToolKind::Navigate),
        While::Windowing => pointer.mode == Mode::Window,
        While::Drawing => matches!(pointer.mode, Mode::Tool(kind) if kind != ToolKind::Navigate),
        While::Brushing => pointer.mode == Mode::Tool(ToolKind::Brush),
        While::Turning => pointer.mode == Mode::Turn,
    };
    let binding = MOUSE.iter().find(|b| {
        b.trigger == trigger
            && b.space == pointer.space
            && pointer.modifiers.matches_logically(b.modifiers)
            && fits(b.during)
    })?;
    Some(binding.action)
}

/// The command of a key.
pub fn find(key: Key, modifiers: Modifiers) -> Option<KeyCommand> {
    let fits = |s: &KeyboardShortcut| {
        // "?" is Shift and another key on most keyboards; the logical key already says so.
        let modifiers =
            if key == Key::Questionmark { Modifiers { shift: false, ..modifiers } } else { modifiers };
        s.logical_key == key && modifiers.matches_exact(s.modifiers)
    };
    shortcuts().iter().find(|s| s.keys.iter().any(fits)).map(|s| s.command)
}

/// Held keys go on only where that is what one holds them for.
pub fn repeats(command: KeyCommand) -> bool {
    matches!(
        command,
        C::Slice(_) | C::MaskOpacity(_) | C::BrushSize(_) | C::Undo | C::Redo | C::Label(_) | C::Queue(_)
    )
}

/// How a shortcut is written on screen.
pub fn written(shortcut: &KeyboardShortcut) -> String {
    let mut text = String::new();
    let m = shortcut.modifiers;
    for (on, name) in [(m.command || m.ctrl, "Ctrl"), (m.alt, "Alt"), (m.shift, "Shift")] {
        if on {
            text += name;
            text += "+";
        }
    }
    text += match shortcut.logical_key {
        Key::ArrowUp => "Up",
        Key::ArrowDown => "Down",
        Key::PageUp => "PgUp",
        Key::PageDown => "PgDn",
        Key::Escape => "Esc",
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        Key::Period => ".",
        Key::Comma => ",",
        Key::Slash => "/",
        Key::Questionmark => "?",
        other => other.name(),
    };
    text
}

/// The first shortcut of a command, for tooltips.
pub fn shortcut_of(command: KeyCommand) -> Option<String> {
    let found = shortcuts().iter().find(|s| s.command == command)?;
    found.keys.first().map(written)
}

/// How a mouse gesture is written on screen.
pub fn written_gesture(binding: &MouseBinding) -> String {
    let mut text = String::new();
    let m = binding.modifiers;
    for (on, name) in
        [(m.command || m.ctrl, "Ctrl+"), (m.alt, "Alt+"), (m.shift, "Shift+"), (binding.space, "Space+")]
    {
        if on {
            text += name;
        }
    }
    text += match binding.trigger {
        Trigger::Drag(PointerButton::Primary) => "left drag",
        Trigger::Drag(PointerButton::Secondary) => "right drag",
        Trigger::Drag(_) => "middle drag",
        Trigger::DoubleClick => "double click",
        Trigger::Wheel => "wheel",
    };
    match binding.during {
        While::Any => {}
        While::Navigating => text += " (navigate)",
        While::Windowing => text += " (window)",
        While::Drawing => text += " (drawing)",
        While::Brushing => text += " (brush)",
        While::Turning => text += " (3-D)",
    }
    text
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
    fn gestures_are_found_by_what_the_hand_does() {
        let pointer = |modifiers, space, mode| PointerState { modifiers, space, mode };
        let tool = Mode::Tool;
        let left = Trigger::Drag(PointerButton::Primary);
        let right = Trigger::Drag(PointerButton::Secondary);
        let (none, alt, ctrl, shift) =
            (Modifiers::NONE, Modifiers::ALT, Modifiers::COMMAND | Modifiers::CTRL, Modifiers::SHIFT);
        for (trigger, pointer, action) in [
            (left, pointer(none, false, tool(ToolKind::Brush)), MouseAction::Draw),
            (left, pointer(ctrl, false, tool(ToolKind::Brush)), MouseAction::Erase),
            (right, pointer(none, false, tool(ToolKind::Corners)), MouseAction::Erase),
            (right, pointer(none, false, tool(ToolKind::Navigate)), MouseAction::Zoom),
            (left, pointer(alt, false, tool(ToolKind::Brush)), MouseAction::WindowLevel),
            (left, pointer(none, true, tool(ToolKind::Brush)), MouseAction::Pan),
            (Trigger::Wheel, pointer(shift, false, tool(ToolKind::Brush)), MouseAction::BrushSize),
            (Trigger::Wheel, pointer(shift, false, tool(ToolKind::Navigate)), MouseAction::FiveSlices),
            (Trigger::Wheel, pointer(none, false, tool(ToolKind::Navigate)), MouseAction::Slice),
            (Trigger::Wheel, pointer(ctrl, false, tool(ToolKind::Brush)), MouseAction::Zoom),
            (left, pointer(none, false, Mode::Turn), MouseAction::Turn),
            (left, pointer(none, true, Mode::Turn), MouseAction::Pan),
            (Trigger::Wheel, pointer(none, false, Mode::Turn), MouseAction::Zoom),
        ] {
            assert_eq!(mouse_action(trigger, pointer), Some(action), "{trigger:?} {pointer:?}");
        }
    }

    #[test]
    fn the_question_mark_is_found_with_and_without_shift() {
        assert_eq!(find(Key::Questionmark, Modifiers::SHIFT), Some(KeyCommand::Help));
        assert_eq!(find(Key::Questionmark, Modifiers::NONE), Some(KeyCommand::Help));
        assert_eq!(find(Key::Z, Modifiers::COMMAND | Modifiers::CTRL), Some(KeyCommand::Undo));
        let both = Modifiers::COMMAND | Modifiers::CTRL | Modifiers::SHIFT;
        assert_eq!(find(Key::Z, both), Some(KeyCommand::Redo));
        assert_eq!(find(Key::Z, Modifiers::NONE), None);
    }
}
