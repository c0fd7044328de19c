//! Text files as people's programs write them.

use crate::file;
use std::{io, path::Path};

/// The text of a file in UTF-8, or in UTF-16 where a byte-order mark says so; the mark is no part of the text.
pub fn read(path: &Path) -> io::Result<String> {
    decoded(&file::read_at_most(path, file::MOST_TEXT)?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8 or UTF-16"))
}

/// Bytes as text, without a byte-order mark; None of what is no text.
pub fn decoded(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, []) = bytes.as_chunks::<2>() else { return None };
        String::from_utf16(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>()).ok()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, text @ ..] => String::from_utf8(text.to_vec()).ok(),
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        text => String::from_utf8(text.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_are_passed_over() {
        let text = "{\"ä\": 1}";
        let wide = |mark: u16, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            std::iter::once(mark).chain(text.encode_utf16()).flat_map(bytes).collect()
        };
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            wide(0xfeff, u16::to_le_bytes),
            wide(0xfeff, u16::to_be_bytes),
        ] {
            assert_eq!(decoded(&bytes).as_deref(), Some(text), "{bytes:?}");
        }
        assert_eq!(decoded(b"\xff\xfea"), None, "half a character");
        assert_eq!(decoded(b"\xe4"), None, "Latin-1");
        assert_eq!(decoded(b"").as_deref(), Some(""));
    }
}
