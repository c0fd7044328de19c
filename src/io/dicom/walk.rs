//! A walk through the elements of a data set (PS3.5, section 7): every length is checked against what is left before it
//! is believed, and the attributes that are needed are picked up on the way.

use super::{
    attributes::{Attributes, Value},
    syntax::Syntax,
    tags::{self, Tag},
};
use crate::io::{OpenError, source};
use std::{
    io::{self, BufReader, Read, Seek},
    mem,
    ops::Range,
    path::Path,
};

const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xfffe, 0xe000);
const ITEM_END: Tag = Tag(0xfffe, 0xe00d);
const SEQUENCE_END: Tag = Tag(0xfffe, 0xe0dd);
const ITEMS: u16 = 0xfffe;
/// Sequences in sequences; no real file comes near.
const MAX_NESTING: usize = 32;
/// Longer texts and tables than this do not place an image or colour it.
const MAX_VALUE: u32 = 64 << 20;

/// Where the pixels of a data set lie, in bytes from its beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct PixelElement {
    pub tag: Tag,
    /// 16-bit words, whatever is in them.
    pub is_words: bool,
    pub big_endian: bool,
    pub stored: Stored,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// All frames, one after another.
    Plain(Range<u64>),
    /// Compressed. `table`: how far behind the first fragment's item each frame begins; often empty.
    Fragments { table: Vec<u64>, fragments: Vec<Fragment> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    pub bytes: Range<u64>,
    /// The first of its bytes, for telling where a frame begins.
    pub head: Vec<u8>,
}

/// Enough for the beginning of any codestream.
const FRAGMENT_HEAD: u32 = 16;

/// What a walk found.
#[derive(Debug, Default)]
pub struct Found {
    pub attributes: Attributes,
    pub pixels: Option<PixelElement>,
    /// Elements of the top level.
    pub elements: usize,
    /// Bytes behind the pixels that make no sense.
    pub rest: u64,
}

pub struct Walk<'a, R> {
    path: &'a Path,
    reader: &'a mut BufReader<R>,
    length: u64,
    explicit: bool,
    big_endian: bool,
    pixels: Option<PixelElement>,
}

pub struct ElementHeader {
    pub tag: Tag,
    pub vr: [u8; 2],
    pub length: u32,
    /// Where the value begins.
    pub value: u64,
}

impl<'a, R: Read + Seek> Walk<'a, R> {
    pub fn new(path: &'a Path, reader: &'a mut BufReader<R>, length: u64, syntax: Syntax) -> Self {
        let Syntax { explicit, big_endian } = syntax;
        Self { path, reader, length, explicit, big_endian, pixels: None }
    }

    fn seek(&mut self, to: u64) -> Result<(), OpenError> {
        let from = self.reader.stream_position().map_err(|e| OpenError::io(self.path, e))?;
        // Relative, so that what is buffered stays.
        self.reader.seek_relative(to as i64 - from as i64).map_err(|e| OpenError::io(self.path, e))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], OpenError> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => self.truncated(self.length + 1),
            _ => OpenError::io(self.path, e),
        })?;
        Ok(bytes)
    }

    fn truncated(&self, needed: u64) -> OpenError {
        OpenError::Truncated { path: self.path.to_owned(), expected: needed, found: self.length }
    }

    fn u16(&self, b: [u8; 2]) -> u16 {
        if self.big_endian { u16::from_be_bytes(b) } else { u16::from_le_bytes(b) }
    }

    fn u32(&self, b: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) }
    }

    pub fn header(&mut self, at: u64) -> Result<ElementHeader, OpenError> {
        self.seek(at)?;
        let [g0, g1, e0, e1, b @ ..] = self.bytes::<8>()?;
        let tag = Tag(self.u16([g0, g1]), self.u16([e0, e1]));
        let vr = [b[0], b[1]];
        // Some files carry elements without a type among those with one.
        if !self.explicit || tag.0 == ITEMS || !vr.iter().all(u8::is_ascii_uppercase) {
            return Ok(ElementHeader { tag, vr: *b"UN", length: self.u32(b), value: at + 8 });
        }
        match &vr {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT"
            | b"UV" => {
                let length = self.bytes::<4>()?;
                Ok(ElementHeader { tag, vr, length: self.u32(length), value: at + 12 })
            }
            _ => Ok(ElementHeader { tag, vr, length: self.u16([b[2], b[3]]).into(), value: at + 8 }),
        }
    }

    /// The end of a value of known length that must lie within `end`.
    pub fn bound(&self, value: u64, length: u32, end: u64) -> Result<u64, OpenError> {
        let to = value + u64::from(length);
        if to <= end {
            return Ok(to);
        }
        if end == self.length {
            return Err(self.truncated(to));
        }
        Err(OpenError::corrupt(self.path, format!("an element at byte {value} reaches out of its sequence")))
    }

    /// The `length` bytes at `at`, which lie within the file.
    pub fn read(&mut self, at: u64, length: u32) -> Result<Vec<u8>, OpenError> {
        self.seek(at)?;
        let mut bytes = source::reserve(self.path, length.into())?;
        let value = (&mut *self.reader).take(length.into());
        { value }.read_to_end(&mut bytes).map_err(|e| OpenError::io(self.path, e))?;
        Ok(bytes)
    }

    /// The top level from `at` on.
    pub fn top_level(mut self, mut at: u64) -> Result<Found, OpenError> {
        let mut found = Found::default();
        while at < self.length {
            let rest = self.length - at;
            let after_pixels = self.pixels.is_some();
            let mut attributes = mem::take(&mut found.attributes);
            let walked = match rest {
                ..8 => Err(self.truncated(at + 8)),
                _ => self.element(at, self.length, 0, &mut attributes),
            };
            found.attributes = attributes;
            match walked {
                Ok((header, end)) if header.tag.0 != ITEMS && header.tag.0 != 0 => {
                    found.elements += 1;
                    at = end;
                }
                // An item whose sequence someone has taken away.
                Ok((header, end)) if header.tag == ITEM && header.length != UNDEFINED && !after_pixels => {
                    at = end
                }
                // Padding, or rubbish: the image is whole without it.
                _ if after_pixels => {
                    found.rest = rest;
                    break;
                }
                Ok((header, _)) => {
                    let what = format!("byte {at} should begin an element and has the tag {}", header.tag);
                    return Err(OpenError::corrupt(self.path, what));
                }
                Err(error) => return Err(error),
            }
        }
        found.pixels = self.pixels;
        Ok(found)
    }

    /// One element, with what is nested in it; where it ends.
    fn element(
        &mut self,
        at: u64,
        end: u64,
        depth: usize,
        into: &mut Attributes,
    ) -> Result<(ElementHeader, u64), OpenError> {
        if depth > MAX_NESTING {
            return Err(OpenError::corrupt(self.path, "its sequences are nested without end"));
        }
        let header = self.header(at)?;
        let known = tags::vr(header.tag);
        let is_sequence = header.vr == *b"SQ" || header.vr == *b"UN" && known == Some(*b"SQ");
        let is_pixels = tags::is_pixels(header.tag);
        let rules = (self.explicit, self.big_endian);
        if header.vr == *b"UN" && !is_pixels && self.explicit {
            // PS3.5, 6.2.2: what an explicit data set calls unknown is implicit little-endian inside.
            (self.explicit, self.big_endian) = (false, false);
        }
        let to = if header.length == UNDEFINED {
            if is_pixels || matches!(&header.vr, b"OB" | b"OW") {
                self.fragments(&header, end, depth)
            } else {
                let mut items = Vec::new();
                let to = self.items(header.value, end, depth, &mut items);
                if known == Some(*b"SQ") {
                    into.insert_items(header.tag, items);
                }
                to
            }
        } else {
            self.bound(header.value, header.length, end).and_then(|to| {
                if is_sequence {
                    self.sequence(&header, to, depth, rules, into)?;
                } else if is_pixels {
                    if depth == 0 {
                        self.set_pixels(&header, Stored::Plain(header.value..to));
                    }
                } else if let Some(known) = known.filter(|_| header.length <= MAX_VALUE) {
                    let bytes = self.read(header.value, header.length)?;
                    let vr = if is_readable(header.vr) { header.vr } else { known };
                    into.insert(header.tag, Value { vr, big_endian: self.big_endian, bytes });
                }
                Ok(to)
            })
        };
        (self.explicit, self.big_endian) = rules;
        Ok((header, to?))
    }

    /// A sequence of stated length.
    fn sequence(
        &mut self,
        header: &ElementHeader,
        to: u64,
        depth: usize,
        rules: (bool, bool),
        into: &mut Attributes,
    ) -> Result<(), OpenError> {
        let mut items = Vec::new();
        let mut walked = self.items_within(header.value, to, depth, &mut items);
        if walked.is_err() && header.vr == *b"UN" && rules.0 {
            // Against the standard, but written: explicit inside of what is called unknown.
            (self.explicit, self.big_endian) = rules;
            items.clear();
            walked = self.items_within(header.value, to, depth, &mut items);
        }
        walked?;
        if tags::vr(header.tag) == Some(*b"SQ") {
            into.insert_items(header.tag, items);
        }
        Ok(())
    }

    fn set_pixels(&mut self, header: &ElementHeader, stored: Stored) {
        let is_words = header.vr == *b"OW" || header.vr == *b"UN";
        let element = PixelElement { tag: header.tag, is_words, big_endian: self.big_endian, stored };
        self.pixels.get_or_insert(element);
    }

    /// Compressed frames up to the sequence delimiter; the byte behind it.
    fn fragments(&mut self, header: &ElementHeader, end: u64, depth: usize) -> Result<u64, OpenError> {
        let (mut at, mut pieces) = (header.value, Vec::new());
        loop {
            if end - at < 8 {
                return Err(self.truncated(at + 8));
            }
            let item = self.header(at)?;
            match (item.tag, item.length) {
                (SEQUENCE_END, _) => {
                    at = item.value;
                    break;
                }
                (ITEM, length) if length != UNDEFINED => {
                    at = self.bound(item.value, length, end)?;
                    let head = self.read(item.value, length.min(FRAGMENT_HEAD))?;
                    pieces.push(Fragment { bytes: item.value..at, head });
                }
                (tag, _) => return Err(self.no_item(at, tag)),
            }
        }
        if depth == 0 && tags::is_pixels(header.tag) {
            let first = if pieces.is_empty() { 0..0 } else { pieces.remove(0).bytes };
            let length = u32::try_from(first.end - first.start).unwrap_or(0);
            let table = self.read(first.start, length)?;
            let table = table.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b).into()).collect();
            self.set_pixels(header, Stored::Fragments { table, fragments: pieces });
        }
        Ok(at)
    }

    fn no_item(&self, at: u64, tag: Tag) -> OpenError {
        let what = format!("byte {at} should begin an item of a sequence and has the tag {tag}");
        OpenError::corrupt(self.path, what)
    }

    /// Items up to the sequence delimiter; the byte behind it.
    fn items(
        &mut self,
        mut at: u64,
        end: u64,
        depth: usize,
        into: &mut Vec<Attributes>,
    ) -> Result<u64, OpenError> {
        loop {
            if end - at < 8 {
                return Err(self.truncated(at + 8));
            }
            match self.item(at, end, depth)? {
                (Some(item), to) => {
                    into.push(item);
                    at = to;
                }
                (None, to) => return Ok(to),
            }
        }
    }

    fn items_within(
        &mut self,
        mut at: u64,
        end: u64,
        depth: usize,
        into: &mut Vec<Attributes>,
    ) -> Result<(), OpenError> {
        while at < end {
            if end - at < 8 {
                let what = format!("a sequence ends in the middle of an item at byte {at}");
                return Err(OpenError::corrupt(self.path, what));
            }
            let (item, to) = self.item(at, end, depth)?;
            into.extend(item);
            at = to;
        }
        Ok(())
    }

    /// An item, or none at the sequence's delimiter; and the byte behind.
    fn item(&mut self, at: u64, end: u64, depth: usize) -> Result<(Option<Attributes>, u64), OpenError> {
        let header = self.header(at)?;
        let mut item = Attributes::default();
        let to = match (header.tag, header.length) {
            (SEQUENCE_END, _) => return Ok((None, header.value)),
            (ITEM, UNDEFINED) => self.open_item(header.value, end, depth, &mut item)?,
            (ITEM, length) => {
                let to = self.bound(header.value, length, end)?;
                self.elements_within(header.value, to, depth, &mut item)?;
                to
            }
            (tag, _) => return Err(self.no_item(at, tag)),
        };
        Ok((Some(item), to))
    }

    fn elements_within(
        &mut self,
        mut at: u64,
        end: u64,
        depth: usize,
        into: &mut Attributes,
    ) -> Result<(), OpenError> {
        while at < end {
            if end - at < 8 {
                let what = format!("an item ends in the middle of an element at byte {at}");
                return Err(OpenError::corrupt(self.path, what));
            }
            at = self.element(at, end, depth + 1, into)?.1;
        }
        Ok(())
    }

    /// An item of undefined length: elements up to its delimiter; the byte behind it.
    fn open_item(
        &mut self,
        mut at: u64,
        end: u64,
        depth: usize,
        into: &mut Attributes,
    ) -> Result<u64, OpenError> {
        loop {
            if end - at < 8 {
                return Err(self.truncated(at + 8));
            }
            let header = self.header(at)?;
            if header.tag == ITEM_END {
                return Ok(header.value);
            }
            at = self.element(at, end, depth + 1, into)?.1;
        }
    }
}

/// Whether the type that a file gives a value says how to read it.
fn is_readable(vr: [u8; 2]) -> bool {
    const TYPES: [&[u8; 2]; 24] = [
        b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH",
        b"SL", b"SS", b"ST", b"SV", b"TM", b"UI", b"UL", b"US", b"UT", b"UV",
    ];
    TYPES.iter().any(|t| **t == vr)
}
