//! Keys as words: how they stand on screen and in the file of what the window remembers.

use egui::{Key, KeyboardShortcut, Modifiers};

/// How a shortcut is written on screen.
pub fn written(shortcut: &KeyboardShortcut) -> String {
    let mut text = String::new();
    let m = shortcut.modifiers;
    for (on, name) in [(m.command || m.ctrl, CTRL), (m.alt, ALT), (m.shift, SHIFT)] {
        if on {
            text += name;
        }
    }
    text + name(shortcut.logical_key)
}

/// What [`written`] has written; `None` of anything else.
pub fn read(text: &str) -> Option<KeyboardShortcut> {
    let mut rest = text;
    let mut modifiers = Modifiers::NONE;
    for (words, modifier) in [(CTRL, Modifiers::COMMAND), (ALT, Modifiers::ALT), (SHIFT, Modifiers::SHIFT)] {
        if let Some(after) = rest.strip_prefix(words) {
            (rest, modifiers) = (after, modifiers.plus(modifier));
        }
    }
    let key = Key::ALL.iter().copied().find(|key| name(*key) == rest && !is_modifier(*key))?;
    Some(KeyboardShortcut::new(modifiers, key))
}

/// Whether a key is none by itself.
pub fn is_modifier(key: Key) -> bool {
    use Key as K;
    matches!(key, K::ShiftLeft | K::ShiftRight | K::ControlLeft | K::ControlRight | K::AltLeft | K::AltRight)
        || matches!(key, K::SuperLeft | K::SuperRight | K::CapsLock)
}

/// Whether a key is Shift and another one on most keyboards, so that its name says of Shift already.
pub fn is_shifted(key: Key) -> bool {
    use Key as K;
    matches!(key, K::Questionmark | K::Plus | K::Exclamationmark | K::Colon | K::Pipe | K::OpenCurlyBracket)
        || key == K::CloseCurlyBracket
}

const CTRL: &str = "Ctrl+";
const ALT: &str = "Alt+";
const SHIFT: &str = "Shift+";

fn name(key: Key) -> &'static str {
    match key {
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for &key in Key::ALL.iter().filter(|key| !is_modifier(**key)) {
            for modifiers in [Modifiers::NONE, Modifiers::SHIFT, Modifiers::COMMAND.plus(Modifiers::ALT)] {
                let shortcut = KeyboardShortcut::new(modifiers, key);
                assert_eq!(read(&written(&shortcut)), Some(shortcut), "{}", written(&shortcut));
            }
        }
        for text in ["", "Ctrl+", "Ctrl", "Hyper+K", "k", "ControlLeft"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
