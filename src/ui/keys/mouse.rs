//! Mouse gestures over an image: one list, which dispatches them and which `?` shows.

use crate::tools::ToolKind;
use egui::{Modifiers, PointerButton};

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
    /// By what values a tool decides.
    Level,
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
    /// With a tool that has a radius.
    Brushing,
    /// With a tool that decides by values, and changes how with the wheel.
    Judging,
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
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

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
    mouse("How far values may differ", Trigger::Wheel, CTRL_SHIFT, While::Judging, MouseAction::Level),
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
        While::Brushing => {
            matches!(pointer.mode, Mode::Tool(ToolKind::Brush | ToolKind::SmartBrush | ToolKind::Push))
        }
        While::Judging => matches!(pointer.mode, Mode::Tool(ToolKind::SmartBrush | ToolKind::Trace)),
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
        While::Judging => text += " (smart brush, level tracing)",
        While::Turning => text += " (3-D)",
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (Trigger::Wheel, pointer(ctrl | shift, false, tool(ToolKind::Brush)), MouseAction::Zoom),
            (Trigger::Wheel, pointer(ctrl | shift, false, tool(ToolKind::SmartBrush)), MouseAction::Level),
            (Trigger::Wheel, pointer(ctrl | shift, false, tool(ToolKind::Trace)), MouseAction::Level),
            (Trigger::Wheel, pointer(shift, false, tool(ToolKind::Push)), MouseAction::BrushSize),
            (Trigger::Wheel, pointer(shift, false, tool(ToolKind::Widen)), MouseAction::FiveSlices),
            (left, pointer(none, false, Mode::Turn), MouseAction::Turn),
            (left, pointer(none, true, Mode::Turn), MouseAction::Pan),
            (Trigger::Wheel, pointer(none, false, Mode::Turn), MouseAction::Zoom),
        ] {
            assert_eq!(mouse_action(trigger, pointer), Some(action), "{trigger:?} {pointer:?}");
        }
    }
}
