//! A DICOM file: how it begins, how its data set is coded, and what is found in it.

use super::{
    attributes::Attributes,
    syntax::{DEFLATED_LE, EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Syntax},
    tags,
    walk::{PixelElement, Walk},
};
use crate::io::{OpenError, source};
use flate2::read::DeflateDecoder;
use std::{
    io::{BufReader, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

/// The mark behind the 128 bytes of preamble (PS3.10, 7.1).
const MARK: &[u8] = b"DICM";
const PREAMBLE: usize = 128;

/// Where what comes first in a file begins.
enum Start {
    /// The file header.
    Header(u64),
    /// The data set itself, as before 1996 and from some planning systems.
    DataSet(Syntax),
}

fn start(head: &[u8]) -> Option<Start> {
    if head.get(PREAMBLE..).is_some_and(|h| h.starts_with(MARK)) {
        return Some(Start::Header((PREAMBLE + MARK.len()) as u64));
    }
    // The header without the preamble, or without both.
    if let Some(rest) = head.strip_prefix(MARK).filter(|rest| rest.starts_with(&[2, 0])) {
        return elements_begin(rest, 2).map(|_| Start::Header(MARK.len() as u64));
    }
    if head.starts_with(&[2, 0]) {
        return elements_begin(head, 2).map(|_| Start::Header(0));
    }
    elements_begin(head, 8).map(Start::DataSet)
}

/// Whether a file begins as DICOM does, with its mark or with elements alone: `head` are its first bytes.
pub fn is_file(head: &[u8]) -> bool {
    start(head).is_some()
}

/// The rules under which the first bytes are elements in order, the first of them of `group`.
fn elements_begin(head: &[u8], group: u16) -> Option<Syntax> {
    let rules = [(true, false), (false, false), (true, true)];
    let rules = rules.map(|(explicit, big_endian)| Syntax { explicit, big_endian });
    rules.into_iter().find(|&syntax| follow(head, group, syntax))
}

fn follow(head: &[u8], group: u16, syntax: Syntax) -> bool {
    // A first element that is long, or of a high number, would be something else than what files begin with.
    const MOST_FIRST: usize = 256;
    let u16_at = |at: usize| {
        let b = *head.get(at..)?.first_chunk::<2>()?;
        Some(if syntax.big_endian { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) })
    };
    let u32_at = |at: usize| {
        let b = *head.get(at..)?.first_chunk::<4>()?;
        Some(if syntax.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) })
    };
    let (mut at, mut last, mut count) = (0, None, 0);
    while let (Some(g), Some(e), Some(vr)) = (u16_at(at), u16_at(at + 2), head.get(at + 4..at + 6)) {
        let tag = (g, e);
        let in_order = match last {
            None => g == group && e <= 0x0070,
            Some(last) => tag > last,
        };
        if !in_order || syntax.explicit && !vr.iter().all(u8::is_ascii_uppercase) {
            return false;
        }
        let long = matches!(vr, b"OB" | b"OW" | b"UN" | b"SQ" | b"UT" | b"UC" | b"UR");
        let value = match (syntax.explicit, long) {
            (true, true) => u32_at(at + 8).map(|n| (at + 12, n as usize)),
            (true, false) => u16_at(at + 6).map(|n| (at + 8, n.into())),
            (false, _) => u32_at(at + 4).map(|n| (at + 8, n as usize)),
        };
        let Some((value, length)) = value else { break };
        if count == 0 && length > MOST_FIRST {
            return false;
        }
        count += 1;
        last = Some(tag);
        if length >= head.len() {
            break;
        }
        at = value + length;
    }
    count >= 3
}

/// What is known of a file without its pixels.
pub struct DataSet {
    pub attributes: Attributes,
    pub pixels: Option<PixelElement>,
    /// As the file states it, or as it was guessed.
    pub transfer_syntax: String,
    pub warnings: Vec<String>,
}

impl DataSet {
    /// Reads what stands before and behind the pixels.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let file = source::open(path)?;
        let length = file.metadata().map_err(|e| OpenError::io(path, e))?.len();
        Ok(Self::read(path, BufReader::new(file), length)?.0)
    }

    /// The same of a file's bytes; and the bytes in which its pixels lie.
    pub fn of(path: &Path, bytes: Vec<u8>) -> Result<(Self, Vec<u8>), OpenError> {
        let reader = BufReader::new(Cursor::new(bytes.as_slice()));
        let (set, inflated) = Self::read(path, reader, bytes.len() as u64)?;
        Ok((set, inflated.unwrap_or(bytes)))
    }

    fn read<R: Read + Seek>(
        path: &Path,
        mut reader: BufReader<R>,
        length: u64,
    ) -> Result<(Self, Option<Vec<u8>>), OpenError> {
        let head = head_at(path, &mut reader, 0)?;
        let begins = start(&head).ok_or_else(|| {
            OpenError::corrupt(
                path,
                "it has the name of a DICOM file but neither its mark (DICM after 128 bytes) nor its elements",
            )
        })?;
        let (syntax, offset) = match begins {
            Start::Header(at) => meta(path, &mut reader, length, at)?,
            Start::DataSet(syntax) => {
                let (mut set, _) = Self::with_syntax(path, &mut reader, length, syntax.uid(), 0)?;
                let guessed = "The file lacks DICOM's file header; how it is coded was guessed";
                set.warnings.insert(0, guessed.to_owned());
                return Ok((set, None));
            }
        };
        let begun = elements_begin(&head_at(path, &mut reader, offset)?, 8);
        // PS3.5, 10.1: implicit little-endian is the default.
        let stated = syntax.unwrap_or_else(|| begun.map_or(IMPLICIT_LE, Syntax::uid).to_owned());
        let read = Self::with_syntax(path, &mut reader, length, &stated, offset);
        let Some(other) = begun.filter(|&b| b != Syntax::of(&stated)) else { return read };
        read.or_else(|why| {
            // A header that was put on by mistake; one that names a compression may not be.
            let plain = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE].contains(&stated.as_str());
            let reread = || Self::with_syntax(path, &mut reader, length, other.uid(), offset).ok();
            let (mut set, bytes) = plain.then(reread).flatten().ok_or(why)?;
            set.warnings
                .push("The file is coded in another way than it says; it was read as it is".to_owned());
            Ok((set, bytes))
        })
    }

    fn with_syntax<R: Read + Seek>(
        path: &Path,
        reader: &mut BufReader<R>,
        length: u64,
        uid: &str,
        offset: u64,
    ) -> Result<(Self, Option<Vec<u8>>), OpenError> {
        let (found, inflated) = if uid == DEFLATED_LE {
            reader.seek(SeekFrom::Start(offset)).map_err(|e| OpenError::io(path, e))?;
            let mut inflated = Vec::new();
            let most = (length - offset).saturating_mul(source::MOST_INFLATION);
            DeflateDecoder::new(reader).take(most).read_to_end(&mut inflated).map_err(|e| {
                OpenError::corrupt(path, format!("its compressed data is cut off or damaged ({e})"))
            })?;
            let mut reader = BufReader::new(Cursor::new(inflated.as_slice()));
            let syntax = Syntax::of(EXPLICIT_LE);
            let found = Walk::new(path, &mut reader, inflated.len() as u64, syntax).top_level(0)?;
            (found, Some(inflated))
        } else {
            (Walk::new(path, reader, length, Syntax::of(uid)).top_level(offset)?, None)
        };
        let rest = (found.rest > 0)
            .then(|| format!("{} bytes after the image's end were ignored: {}", found.rest, path.display()));
        let set = Self {
            attributes: found.attributes,
            pixels: found.pixels,
            transfer_syntax: uid.to_owned(),
            warnings: rest.into_iter().collect(),
        };
        Ok((set, inflated))
    }
}

fn head_at<R: Read + Seek>(path: &Path, reader: &mut R, at: u64) -> Result<Vec<u8>, OpenError> {
    reader.seek(SeekFrom::Start(at)).map_err(|e| OpenError::io(path, e))?;
    let mut head = Vec::new();
    reader.take(crate::io::HEAD_BYTES as u64).read_to_end(&mut head).map_err(|e| OpenError::io(path, e))?;
    Ok(head)
}

/// The transfer syntax from the file meta information, and where the data set begins. Its own lengths are not needed,
/// so that a missing group length or an overlong title does not stand in the way.
fn meta<R: Read + Seek>(
    path: &Path,
    reader: &mut BufReader<R>,
    length: u64,
    mut at: u64,
) -> Result<(Option<String>, u64), OpenError> {
    let mut walk = Walk::new(path, reader, length, Syntax::of(EXPLICIT_LE));
    let mut syntax = None;
    while length - at >= 8 {
        let header = walk.header(at)?;
        if header.tag.0 != tags::TRANSFER_SYNTAX_UID.0 {
            break;
        }
        let end = walk.bound(header.value, header.length, length)?;
        if header.tag == tags::TRANSFER_SYNTAX_UID {
            let text = walk.read(header.value, header.length.min(128))?;
            syntax = Some(String::from_utf8_lossy(&text).trim_matches(['\0', ' ']).to_owned());
        }
        at = end;
    }
    Ok((syntax.filter(|s| !s.is_empty()), at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(tag: [u8; 4], vr: Option<&[u8; 2]>, value: &[u8]) -> Vec<u8> {
        let length = value.len() as u32;
        let rest = match vr {
            Some(vr) => [&vr[..], &length.to_le_bytes()[..2]].concat(),
            None => length.to_le_bytes().to_vec(),
        };
        [&tag[..], &rest, value].concat()
    }

    #[test]
    fn elements_alone_are_told_from_other_files() {
        let begin = |vr: bool| -> Vec<u8> {
            let vr = |name| vr.then_some(name);
            [
                element([8, 0, 5, 0], vr(b"CS"), b"ISO_IR 100"),
                element([8, 0, 8, 0], vr(b"CS"), b"ORIGINAL\\PRIMARY "),
                element([8, 0, 0x16, 0], vr(b"UI"), b"1.2.840.10008.5.1.4.1.1.2\0"),
            ]
            .concat()
        };
        assert_eq!(elements_begin(&begin(true), 8), Some(Syntax::of(EXPLICIT_LE)));
        assert_eq!(elements_begin(&begin(false), 8), Some(Syntax::of(IMPLICIT_LE)));
        let others: [&[u8]; 6] = [
            b"",
            b"{\"0008\": [8, 8, 8]}",
            b"README\n\n8 slices of 8 rows\n",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0",
            &[8; 512],
            &[8, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0, 8, 0, 0, 0],
        ];
        for other in others {
            assert!(!is_file(other), "{other:?}");
        }
    }
}
