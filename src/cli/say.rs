//! The one way in which the command line prints. Text from files and paths may hold anything, so control characters are
//! escaped here; and the program that reads the output may end, which ends this program in order and without a message.

use crate::engine::interrupt;
use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

/// One line on standard output: a newline in what is formatted is escaped.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::say::line(&format!($($text)*)) };
}

/// One line on standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::cli::say::note_line(&format!($($text)*)) };
}

pub(super) use {note, say};

/// What kept the program from being heard.
static FAULT: OnceLock<(ErrorKind, String)> = OnceLock::new();

/// The exit status of a program whose output is no longer read: 128 and the number of SIGPIPE, as shells count.
pub const UNHEARD_STATUS: u8 = 141;

/// Whether the program that read the output has closed it.
pub fn is_unheard() -> bool {
    FAULT.get().is_some_and(|(kind, _)| *kind == ErrorKind::BrokenPipe)
}

/// Why output was lost, where it was (a full disk).
pub fn lost() -> Option<&'static str> {
    FAULT.get().filter(|(kind, _)| *kind != ErrorKind::BrokenPipe).map(|(_, text)| text.as_str())
}

pub fn line(text: &str) {
    put(io::stdout().lock(), &escaped(text));
}

pub fn note_line(text: &str) {
    put(io::stderr().lock(), &escaped(text));
}

/// Lines that the program has laid out itself, such as a table; names in it have gone through [`escaped`] before.
pub fn lines(text: &str) {
    text.trim_end_matches('\n').split('\n').for_each(line);
}

/// An error in one or several lines. Those after the first are indented, so that no name can pass for a line of the
/// program.
pub fn error(text: &str) {
    for (i, part) in text.split('\n').enumerate() {
        let indent = if i == 0 { "fovea: " } else { "  " };
        note_line(&format!("{indent}{}", if i == 0 { part } else { part.trim_start() }));
    }
}

/// A text of JSON.
pub fn json(text: &str) {
    put(io::stdout().lock(), &escaped_json(text));
}

/// JSON escapes most control characters itself; the others can only stand in strings, where their numbers mean the same.
fn escaped_json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match is_unsafe(c) && c != '\n' {
            // None of them lies beyond 16 bits. Writing to a string cannot fail.
            true => _ = write!(plain, "\\u{:04x}", u32::from(c)),
            false => plain.push(c),
        }
    }
    plain
}

fn put(mut to: impl Write, text: &str) {
    if FAULT.get().is_some() {
        return;
    }
    if let Err(e) = writeln!(to, "{text}").and_then(|()| to.flush()) {
        _ = FAULT.set((e.kind(), e.to_string()));
        if e.kind() == ErrorKind::BrokenPipe {
            interrupt::ask();
        }
    }
}

/// The text with every character escaped that could move the cursor, colour the screen, end the line or turn the
/// direction of what follows.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let one = |c: char| match is_unsafe(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    Cow::Owned(text.chars().map(one).collect())
}

fn is_unsafe(c: char) -> bool {
    // C0, DEL and C1; marks, embeddings, overrides and isolates of direction; separators of lines and paragraphs.
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        assert_eq!(escaped("\u{1b}[31mred\u{7}\r\n\t"), "\\u{1b}[31mred\\u{7}\\r\\n\\t");
        assert_eq!(escaped("\u{9b}2J\u{7f}\u{202e}gnp"), "\\u{9b}2J\\u{7f}\\u{202e}gnp");
        for plain in ["scan µ.nii.gz", "眼底", "a\\b", "50 %"] {
            assert_eq!(escaped(plain), plain);
        }
        let json = serde_json::json!({ "a": "\u{1b}\u{9b}\u{202e}\n" });
        let text = escaped_json(&serde_json::to_string_pretty(&json).unwrap());
        assert_eq!(text, "{\n  \"a\": \"\\u001b\\u009b\\u202e\\n\"\n}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), json);
    }
}
