//! A DICOM file's elements, found and measured before `dicom-object` parses those that are needed.
//!
//! A length that a damaged file states is believed by the parser, which takes that much memory first; and private
//! elements that break the rules make it refuse the whole file. So the data set is walked here, where every length is
//! checked against what is left (PS3.5, section 7), and the parser is given the needed elements alone.

use super::{header::explain, tags};
use crate::io::OpenError;
use dicom_object::{DefaultDicomObject, OpenFileOptions, Tag, file::ReadPreamble};
use flate2::read::DeflateDecoder;
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom},
    path::Path,
};

const IMPLICIT_LE: &str = "1.2.840.10008.1.2";
const EXPLICIT_LE: &str = "1.2.840.10008.1.2.1";
const DEFLATED_LE: &str = "1.2.840.10008.1.2.1.99";
const EXPLICIT_BE: &str = "1.2.840.10008.1.2.2";

const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = Tag(0xfffe, 0xe000);
/// Sequences in sequences; no real file comes near.
const MAX_NESTING: usize = 32;
/// Deflate cannot make more than this many bytes of one.
const MOST_INFLATION: u64 = 1032;

/// A file whose top-level elements are known.
pub struct DataSet {
    reader: Bytes,
    /// As the parser is told; a deflated data set is already inflated.
    parsed_syntax: String,
    /// As the file states it.
    pub transfer_syntax: String,
    elements: Vec<Element>,
    pub warnings: Vec<String>,
}

struct Element {
    tag: Tag,
    start: u64,
    end: u64,
    /// Coded by other rules than the file's; the parser would stumble over it.
    odd: bool,
}

trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}
type Bytes = BufReader<Box<dyn ReadSeek>>;

impl DataSet {
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let io_error = |e| OpenError::io(path, e);
        let file = File::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        let mut reader: Bytes = BufReader::new(Box::new(file));
        let mut head = Vec::new();
        (&mut reader).take(132).read_to_end(&mut head).map_err(io_error)?;
        if super::is_file(&head) {
            let (syntax, offset) = meta(path, &mut reader, length)?;
            return Self::with_syntax(path, reader, length, syntax, offset);
        }
        Self::guess(path, reader, length)
    }

    /// A file without preamble and file header, as before 1996: the rules under which all of it can be walked.
    fn guess(path: &Path, mut reader: Bytes, length: u64) -> Result<Self, OpenError> {
        for syntax in [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE] {
            let walk = Walk::new(path, &mut reader, length, syntax).top_level(0);
            let Ok((elements, None)) = walk else { continue };
            if elements.len() < 5 || elements[0].tag.0 != 0x0008 {
                continue;
            }
            let warnings = vec!["The file lacks DICOM's file header; how it is coded was guessed".to_owned()];
            let syntax = syntax.to_owned();
            return Ok(Self {
                reader,
                parsed_syntax: syntax.clone(),
                transfer_syntax: syntax,
                elements,
                warnings,
            });
        }
        Err(OpenError::corrupt(
            path,
            "it has the name of a DICOM file but not its mark (DICM after 128 bytes)",
        ))
    }

    fn with_syntax(
        path: &Path,
        mut reader: Bytes,
        mut length: u64,
        syntax: String,
        mut offset: u64,
    ) -> Result<Self, OpenError> {
        let mut parsed_syntax = syntax.clone();
        if syntax == DEFLATED_LE {
            reader.seek(SeekFrom::Start(offset)).map_err(|e| OpenError::io(path, e))?;
            let mut inflated = Vec::new();
            let most = (length - offset) * MOST_INFLATION;
            DeflateDecoder::new(&mut reader).take(most).read_to_end(&mut inflated).map_err(|e| {
                OpenError::corrupt(path, format!("its compressed data is cut off or damaged ({e})"))
            })?;
            (length, offset) = (inflated.len() as u64, 0);
            reader = BufReader::new(Box::new(Cursor::new(inflated)));
            parsed_syntax = EXPLICIT_LE.to_owned();
        }
        let (elements, rest) = Walk::new(path, &mut reader, length, &parsed_syntax).top_level(offset)?;
        let warnings =
            rest.map(|n| format!("{n} bytes after the image's end were ignored: {}", path.display()));
        Ok(Self {
            reader,
            parsed_syntax,
            transfer_syntax: syntax,
            elements,
            warnings: warnings.into_iter().collect(),
        })
    }

    /// Parses the needed elements, without the pixels or with them.
    pub fn parse(&mut self, path: &Path, with_pixels: bool) -> Result<DefaultDicomObject, OpenError> {
        let mut bytes = minimal_meta(&self.parsed_syntax);
        for element in &self.elements {
            let pixels = is_pixels(element.tag);
            let attribute =
                tags::TOP_LEVEL.contains(&element.tag) || tags::PALETTE_DATA.contains(&element.tag);
            if element.odd || !(attribute || pixels && with_pixels) {
                continue;
            }
            self.reader.seek(SeekFrom::Start(element.start)).map_err(|e| OpenError::io(path, e))?;
            let size = element.end - element.start;
            bytes
                .try_reserve(size as usize)
                .map_err(|_| OpenError::TooLarge { path: path.to_owned(), bytes: size.into() })?;
            (&mut self.reader).take(size).read_to_end(&mut bytes).map_err(|e| OpenError::io(path, e))?;
        }
        OpenFileOptions::new()
            .read_preamble(ReadPreamble::Never)
            .from_reader(bytes.as_slice())
            .map_err(|e| explain(path, &e))
    }

    pub fn has_pixels(&self) -> bool {
        self.elements.iter().any(|e| is_pixels(e.tag))
    }
}

fn is_pixels(tag: Tag) -> bool {
    [tags::PIXEL_DATA, tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA].contains(&tag)
}

/// The transfer syntax from the file meta information, and where the data set begins. Its own lengths are not needed,
/// so that a missing group length or an overlong title does not stand in the way.
fn meta(path: &Path, reader: &mut Bytes, length: u64) -> Result<(String, u64), OpenError> {
    let mut walk = Walk::new(path, reader, length, EXPLICIT_LE);
    let mut at = 132;
    let mut syntax = None;
    while length - at >= 8 {
        let header = walk.header(at)?;
        if header.tag.0 != 0x0002 {
            break;
        }
        let end = walk.bound(header.value, header.length, length)?;
        if header.tag == Tag(0x0002, 0x0010) {
            let mut text = Vec::new();
            walk.seek(header.value)?;
            let value = (&mut *walk.reader).take(u64::from(header.length).min(128));
            { value }.read_to_end(&mut text).map_err(|e| OpenError::io(path, e))?;
            syntax = Some(String::from_utf8_lossy(&text).trim_matches(['\0', ' ']).to_owned());
        }
        at = end;
    }
    // PS3.5, 10.1: implicit little-endian is the default.
    Ok((syntax.unwrap_or_else(|| IMPLICIT_LE.to_owned()), at))
}

/// The mark and a file meta group that says no more than the parser must know.
fn minimal_meta(syntax: &str) -> Vec<u8> {
    let mut group = Vec::new();
    let mut add = |element: u16, vr: &[u8; 2], value: &[u8]| {
        group.extend([0x02, 0x00]);
        group.extend(element.to_le_bytes());
        group.extend(vr);
        if vr == b"OB" {
            group.extend([0, 0]);
            group.extend((value.len() as u32).to_le_bytes());
        } else {
            group.extend((value.len() as u16).to_le_bytes());
        }
        group.extend(value);
    };
    let mut uid = syntax.as_bytes().to_vec();
    if !uid.len().is_multiple_of(2) {
        uid.push(0);
    }
    add(0x0001, b"OB", &[0, 1]);
    // Which class and instance the file is does not matter for its pixels.
    add(0x0002, b"UI", b"1.2.840.10008.5.1.4.1.1.7\0");
    add(0x0003, b"UI", b"2.25.0");
    add(0x0010, b"UI", &uid);
    add(0x0012, b"UI", b"2.25.1");
    let mut bytes = b"DICM".to_vec();
    bytes.extend([0x02, 0, 0, 0, b'U', b'L', 4, 0]);
    bytes.extend((group.len() as u32).to_le_bytes());
    bytes.extend(group);
    bytes
}

struct Walk<'a> {
    path: &'a Path,
    reader: &'a mut Bytes,
    length: u64,
    explicit: bool,
    big_endian: bool,
}

struct ElementHeader {
    tag: Tag,
    vr: [u8; 2],
    length: u32,
    /// Where the value begins.
    value: u64,
    odd: bool,
}

impl<'a> Walk<'a> {
    fn new(path: &'a Path, reader: &'a mut Bytes, length: u64, syntax: &str) -> Self {
        let (explicit, big_endian) = (syntax != IMPLICIT_LE, syntax == EXPLICIT_BE);
        Self { path, reader, length, explicit, big_endian }
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

    fn header(&mut self, at: u64) -> Result<ElementHeader, OpenError> {
        self.seek(at)?;
        let [g0, g1, e0, e1, b @ ..] = self.bytes::<8>()?;
        let tag = Tag(self.u16([g0, g1]), self.u16([e0, e1]));
        let implicit =
            |odd, this: &Self| ElementHeader { tag, vr: *b"UN", length: this.u32(b), value: at + 8, odd };
        if !self.explicit || tag.0 == 0xfffe {
            return Ok(implicit(false, self));
        }
        let vr = [b[0], b[1]];
        match &vr {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT"
            | b"UV" => {
                let length = self.bytes::<4>()?;
                Ok(ElementHeader { tag, vr, length: self.u32(length), value: at + 12, odd: false })
            }
            _ if vr.iter().all(u8::is_ascii_uppercase) => Ok(ElementHeader {
                tag,
                vr,
                length: self.u16([b[2], b[3]]).into(),
                value: at + 8,
                odd: false,
            }),
            // Some files carry elements without a type among those with one.
            _ => Ok(implicit(true, self)),
        }
    }

    /// The end of a value of known length that must lie within `end`.
    fn bound(&self, value: u64, length: u32, end: u64) -> Result<u64, OpenError> {
        let to = value + u64::from(length);
        if to <= end {
            return Ok(to);
        }
        if end == self.length {
            return Err(self.truncated(to));
        }
        Err(OpenError::corrupt(self.path, format!("an element at byte {value} reaches out of its sequence")))
    }

    /// The top-level elements from `at` on, and how many bytes behind the pixels make no sense.
    fn top_level(&mut self, mut at: u64) -> Result<(Vec<Element>, Option<u64>), OpenError> {
        let mut elements: Vec<Element> = Vec::new();
        while at < self.length {
            let rest = self.length - at;
            let after_pixels = elements.iter().any(|e| is_pixels(e.tag));
            let walked =
                if rest < 8 { Err(self.truncated(at + 8)) } else { self.element(at, self.length, 0) };
            match walked {
                Ok((header, end)) if header.tag.0 != 0xfffe && header.tag.0 != 0 => {
                    // The parser does not expect other rules inside (see `element`).
                    let odd =
                        header.odd || header.vr == *b"UN" && header.length == UNDEFINED && self.explicit;
                    elements.push(Element { tag: header.tag, start: at, end, odd });
                    at = end;
                }
                // An item whose sequence someone has taken away.
                Ok((header, end)) if header.tag == ITEM && header.length != UNDEFINED && !after_pixels => {
                    at = end
                }
                // Padding, or rubbish: the image is whole without it.
                _ if after_pixels => return Ok((elements, Some(rest))),
                Ok((header, _)) => {
                    let what = format!("byte {at} should begin an element and has the tag {}", header.tag);
                    return Err(OpenError::corrupt(self.path, what));
                }
                Err(error) => return Err(error),
            }
        }
        Ok((elements, None))
    }

    /// One element, with what is nested in it; where it ends.
    fn element(&mut self, at: u64, end: u64, depth: usize) -> Result<(ElementHeader, u64), OpenError> {
        if depth > MAX_NESTING {
            return Err(OpenError::corrupt(self.path, "its sequences are nested without end"));
        }
        let header = self.header(at)?;
        let was_explicit = self.explicit;
        let to = if header.length == UNDEFINED {
            if header.vr == *b"UN" {
                // PS3.5, 6.2.2, note 2: unknown and of undefined length is implicit little-endian inside.
                self.explicit = false;
            }
            let fragments = is_pixels(header.tag) || matches!(&header.vr, b"OB" | b"OW");
            self.items(header.value, end, fragments, depth)
        } else {
            let to = self.bound(header.value, header.length, end)?;
            if header.vr == *b"SQ" { self.items_within(header.value, to, depth).map(|()| to) } else { Ok(to) }
        };
        self.explicit = was_explicit;
        Ok((header, to?))
    }

    /// Items up to the sequence delimiter; the byte behind it.
    fn items(&mut self, mut at: u64, end: u64, fragments: bool, depth: usize) -> Result<u64, OpenError> {
        loop {
            if end - at < 8 {
                return Err(self.truncated(at + 8));
            }
            let item = self.header(at)?;
            at = match (item.tag, item.length) {
                (Tag(0xfffe, 0xe0dd), _) => return Ok(item.value),
                (ITEM, UNDEFINED) => self.open_item(item.value, end, depth)?,
                (ITEM, length) => {
                    let to = self.bound(item.value, length, end)?;
                    if !fragments {
                        self.elements_within(item.value, to, depth)?;
                    }
                    to
                }
                (tag, _) => {
                    let what = format!("byte {at} should begin an item of a sequence and has the tag {tag}");
                    return Err(OpenError::corrupt(self.path, what));
                }
            };
        }
    }

    fn items_within(&mut self, mut at: u64, end: u64, depth: usize) -> Result<(), OpenError> {
        while at < end {
            if end - at < 8 {
                return Err(OpenError::corrupt(
                    self.path,
                    format!("a sequence ends in the middle of an item at byte {at}"),
                ));
            }
            let item = self.header(at)?;
            at = match (item.tag, item.length) {
                (Tag(0xfffe, 0xe0dd), _) => item.value,
                (ITEM, UNDEFINED) => self.open_item(item.value, end, depth)?,
                (ITEM, length) => {
                    let to = self.bound(item.value, length, end)?;
                    self.elements_within(item.value, to, depth)?;
                    to
                }
                (tag, _) => {
                    let what = format!("byte {at} should begin an item of a sequence and has the tag {tag}");
                    return Err(OpenError::corrupt(self.path, what));
                }
            };
        }
        Ok(())
    }

    fn elements_within(&mut self, mut at: u64, end: u64, depth: usize) -> Result<(), OpenError> {
        while at < end {
            if end - at < 8 {
                return Err(OpenError::corrupt(
                    self.path,
                    format!("an item ends in the middle of an element at byte {at}"),
                ));
            }
            at = self.element(at, end, depth + 1)?.1;
        }
        Ok(())
    }

    /// An item of undefined length: elements up to its delimiter; the byte behind it.
    fn open_item(&mut self, mut at: u64, end: u64, depth: usize) -> Result<u64, OpenError> {
        loop {
            if end - at < 8 {
                return Err(self.truncated(at + 8));
            }
            let header = self.header(at)?;
            if header.tag == Tag(0xfffe, 0xe00d) {
                return Ok(header.value);
            }
            at = self.element(at, end, depth + 1)?.1;
        }
    }
}
