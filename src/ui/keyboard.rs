//! Where keys go: to a text field, a row of a list, or the window.

use super::keys::{KeyCommand, Scope, keys, repeats};
use super::parts;
use egui::{Context, Event, Id, Key, Modifiers, Plugin, Popup, RawInput, Response, Ui};
use std::collections::BTreeMap;

/// Prepares a window for [`Keyboard`].
pub fn install(ctx: &Context) {
    ctx.add_plugin(OneName::default());
    ctx.add_plugin(InOrder::default());
}

/// A key is released under the name with which it was pressed.
///
/// "?" is released as "/" where Shift is up by then. egui would take "?" as held from then on, and every later press as a repetition
/// of it, which opens nothing.
#[derive(Default)]
struct OneName {
    /// By their place on the keyboard, the keys that are down.
    down: BTreeMap<Key, Key>,
}

impl Plugin for OneName {
    fn debug_name(&self) -> &'static str {
        "one name for a key"
    }

    fn input_hook(&mut self, _: &Context, input: &mut RawInput) {
        for event in &mut input.events {
            match event {
                Event::Key { key, physical_key: Some(place), pressed: true, .. } => {
                    *key = *self.down.entry(*place).or_insert(*key);
                }
                Event::Key { key, physical_key: Some(place), pressed: false, .. } => {
                    *key = self.down.remove(place).unwrap_or(*key);
                }
                // What is released elsewhere is not heard of.
                Event::WindowFocused(false) => self.down.clear(),
                _ => {}
            }
        }
    }
}

/// Keys and clicks are handled in the order in which they were made: a frame handles one kind, and the rest waits for
/// the next.
///
/// egui looks at all clicks of a frame at once. On a slow machine a frame lasts half a second, and what a person types after
/// a click that opens a field, or before one that ends it, would not reach the field.
#[derive(Default)]
struct InOrder {
    held: Vec<Event>,
}

#[derive(Clone, Copy, PartialEq)]
enum Device {
    Keys,
    Pointer,
}

impl Plugin for InOrder {
    fn debug_name(&self) -> &'static str {
        "keys and clicks in order"
    }

    fn input_hook(&mut self, _: &Context, input: &mut RawInput) {
        let mut events = std::mem::take(&mut self.held);
        events.append(&mut input.events);
        let mut first = None;
        let other = |event: &Event| match (device(event), first) {
            (None, _) => false,
            (device, None) => {
                first = device;
                false
            }
            (device, first) => device != first,
        };
        if let Some(cut) = events.iter().position(other) {
            self.held = events.split_off(cut);
        }
        input.events = events;
    }

    fn on_end_pass(&mut self, ui: &mut Ui) {
        if !self.held.is_empty() {
            ui.ctx().request_repaint();
        }
    }
}

fn device(event: &Event) -> Option<Device> {
    match event {
        Event::Key { pressed: true, .. }
        | Event::Text(_)
        | Event::Ime(_)
        | Event::Copy
        | Event::Cut
        | Event::Paste(_) => Some(Device::Keys),
        Event::PointerButton { .. } => Some(Device::Pointer),
        _ => None,
    }
}

/// Ends the text field that has the keyboard, which gives what was written in it in the next frame; false where none has.
pub fn end_text_field(ctx: &Context) -> bool {
    let ends = ctx.text_edit_focused();
    if ends {
        ctx.memory_mut(|memory| {
            if let Some(field) = memory.focused() {
                memory.surrender_focus(field);
            }
        });
        ctx.request_repaint();
    }
    ends
}

/// Gives a row that was clicked the keyboard, until something else is clicked or the pointer is over the image: Enter is the
/// row's, and no key without Ctrl changes annotations.
pub fn give_to_row(row: &Response) {
    row.request_focus();
    row.ctx.data_mut(|data| data.insert_temp(of_rows(), row.id));
}

/// The pointer is over the image.
pub fn take_from_row(ctx: &Context) {
    if let Some(row) = row_with_it(ctx) {
        ctx.memory_mut(|memory| memory.surrender_focus(row));
    }
}

fn of_rows() -> Id {
    Id::unique("row with the keyboard")
}

fn row_with_it(ctx: &Context) -> Option<Id> {
    let row: Id = ctx.data(|data| data.get_temp(of_rows()))?;
    ctx.memory(|memory| memory.has_focus(row)).then_some(row)
}

/// The window's share of the keys.
#[derive(Default)]
pub struct Keyboard {
    /// Wait until a text field has given what was written in it.
    waiting: Vec<KeyCommand>,
    /// The text field ends with this frame.
    ends: bool,
    /// A text field had the keyboard at the end of the last frame.
    written: bool,
    /// In the last frame Escape took the keyboard from a text field.
    escaped: bool,
    refused: bool,
    /// How often the space bar went down in this frame.
    space: usize,
}

/// Whether a command opens a sheet, a question or a field that has the keyboard from then on.
fn takes_the_keyboard(command: KeyCommand) -> bool {
    use KeyCommand::{Export, Find, Help, Messages, Models, NameLabel, NewLabel, OpenFile, OpenFolder};
    matches!(command, Find | Models | Help | Messages | OpenFile | OpenFolder | Export | NameLabel | NewLabel)
}

impl Keyboard {
    /// The commands of the keys that were pressed since the last frame. None while a dialog has the keyboard
    /// (`listening` is false); while a text field has it or a menu is open, none but those with Ctrl, which end it first.
    pub fn pressed(&mut self, ctx: &Context, listening: bool) -> Vec<KeyCommand> {
        let written = std::mem::take(&mut self.written);
        let escaped = std::mem::take(&mut self.escaped);
        self.space = 0;
        if !listening {
            self.waiting.clear();
            return Vec::new();
        }
        if ctx.text_edit_focused() {
            self.over_text_field(ctx);
            return Vec::new();
        }
        if ctx.input(|i| i.pointer.any_pressed()) {
            parts::set_walking(ctx, false);
        }
        let mut walking = parts::is_walking(ctx);
        // Arrows go through the lines of an open menu, Enter takes one, Escape closes it.
        let menu = Popup::is_any_open(ctx);
        // Over the image Tab is a key of ours; the focus of widgets must not wander with it.
        if !walking && !menu {
            ctx.memory_mut(|m| m.move_focus(egui::FocusDirection::None));
        }
        let counted = keys(ctx);
        // A field that Escape took the keyboard from handles it first.
        self.escaped = written && ctx.input(|i| i.key_pressed(Key::Escape));
        let row = row_with_it(ctx).is_some();
        let mut commands = std::mem::take(&mut self.waiting);
        // A command has opened what the keys after it are meant for.
        let mut elsewhere = false;
        ctx.input_mut(|input| {
            let mut rest = Vec::with_capacity(input.events.len());
            for event in std::mem::take(&mut input.events) {
                match &event {
                    _ if elsewhere => rest.push(event),
                    Event::Key { modifiers, .. } if menu && !modifiers.command => rest.push(event),
                    Event::Key { key, modifiers, .. } if walking && is_of_widgets(*key, *modifiers) => {
                        rest.push(event)
                    }
                    // Space moves the image; on a button that was clicked last it would click it again.
                    Event::Key { key: Key::Space, pressed, repeat: false, .. } => {
                        self.space += usize::from(*pressed);
                    }
                    Event::Key { key: Key::Space, .. } => {}
                    Event::Key { key: Key::Escape, .. } if written => rest.push(event),
                    Event::Key { key: Key::Enter, modifiers: Modifiers::NONE, .. } if row => rest.push(event),
                    Event::Key { key, pressed: true, modifiers, repeat, .. } => {
                        match counted.find(*key, *modifiers) {
                            Some(command) if row && of_image(command) => self.refused = true,
                            Some(command) if !*repeat || repeats(command) => {
                                // What follows is meant for the part that the keyboard goes to.
                                walking |= matches!(command, KeyCommand::Part(_));
                                elsewhere |= takes_the_keyboard(command);
                                commands.push(command);
                            }
                            Some(_) => {}
                            None => rest.push(event),
                        }
                    }
                    // The clipboard's keys arrive as events of their own; no field has the keyboard here.
                    _ => rest.push(event),
                }
            }
            // egui's fields for numbers look for the key in this frame as well, and would take what was written.
            rest.extend(escaped.then(escape));
            input.events = rest;
        });
        if menu && !commands.is_empty() {
            Popup::close_all(ctx);
        }
        commands
    }

    /// From the first command with Ctrl on the keys are not the field's any more.
    fn over_text_field(&mut self, ctx: &Context) {
        let Self { waiting, ends, .. } = self;
        let counted = keys(ctx);
        ctx.input_mut(|input| {
            input.events.retain(|event| match event {
                Event::Key { key, pressed: true, modifiers, .. } => match counted.find(*key, *modifiers) {
                    Some(command) if *ends || modifiers.command && !is_of_fields(command) => {
                        *ends = true;
                        waiting.push(command);
                        false
                    }
                    _ => !*ends,
                },
                event => !*ends || device(event) != Some(Device::Keys),
            });
        });
    }

    /// At the end of a frame, when a field has read what was written in it.
    pub fn end_frame(&mut self, ctx: &Context) {
        if std::mem::take(&mut self.ends) {
            end_text_field(ctx);
        }
        self.written = ctx.text_edit_focused();
    }

    /// Whether the space bar went down in this frame, if only to come up in it again.
    pub fn has_space(&self) -> bool {
        self.space > 0
    }

    /// Whether a key was ignored because a row has the keyboard.
    pub fn has_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }
}

fn escape() -> Event {
    let modifiers = Modifiers::NONE;
    Event::Key { key: Key::Escape, physical_key: None, pressed: true, repeat: false, modifiers }
}

/// What a button, a slider or a list that has the keyboard is used with.
fn is_of_widgets(key: Key, modifiers: Modifiers) -> bool {
    let arrows = [Key::ArrowUp, Key::ArrowDown, Key::ArrowLeft, Key::ArrowRight];
    match key {
        Key::Tab => !modifiers.command && !modifiers.alt,
        Key::Enter | Key::Space => modifiers.is_none(),
        key => arrows.contains(&key) && modifiers.is_none(),
    }
}

/// A text field undoes what was written in it.
fn is_of_fields(command: KeyCommand) -> bool {
    matches!(command, KeyCommand::Undo | KeyCommand::Redo)
}

/// Changes what is on the image, by a key without Ctrl.
fn of_image(command: KeyCommand) -> bool {
    matches!(
        command,
        KeyCommand::Accept(Scope::Slice | Scope::Component) | KeyCommand::Reject | KeyCommand::CopyFrom(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{PointerButton, Pos2};

    #[test]
    fn a_key_is_released_under_the_name_with_which_it_was_pressed() {
        let key = |key, pressed| {
            let (physical_key, modifiers) = (Some(Key::Slash), Modifiers::NONE);
            Event::Key { key, physical_key, pressed, repeat: false, modifiers }
        };
        let (mut plugin, ctx) = (OneName::default(), Context::default());
        let mut heard = |events: Vec<Event>| {
            let mut input = RawInput { events, ..RawInput::default() };
            plugin.input_hook(&ctx, &mut input);
            input.events
        };
        let [question, slash] = [Key::Questionmark, Key::Slash];
        assert_eq!(heard(vec![key(question, true)]), [key(question, true)]);
        assert_eq!(heard(vec![key(slash, false)]), [key(question, false)]);
        assert_eq!(heard(vec![key(slash, true), key(slash, false)]), [key(slash, true), key(slash, false)]);
        heard(vec![key(question, true), Event::WindowFocused(false)]);
        assert_eq!(heard(vec![key(slash, true)]), [key(slash, true)]);
    }

    #[test]
    fn a_frame_hears_keys_or_clicks_and_the_rest_comes_later_in_order() {
        let button = |pressed| Event::PointerButton {
            pos: Pos2::ZERO,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        let text = |text: &str| Event::Text(text.to_owned());
        let moved = Event::PointerMoved(Pos2::ZERO);
        let all = vec![moved.clone(), text("a"), text("b"), moved, button(true), button(false), text("c")];
        let (mut plugin, ctx) = (InOrder::default(), Context::default());
        let mut heard = Vec::new();
        for events in [all.clone(), vec![text("d")], Vec::new()] {
            let mut input = RawInput { events, ..RawInput::default() };
            plugin.input_hook(&ctx, &mut input);
            heard.push(input.events);
        }
        assert_eq!(heard, [all[..4].to_vec(), all[4..6].to_vec(), vec![text("c"), text("d")]]);
    }
}
