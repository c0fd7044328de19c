//! A writer of DICOM files for tests (PS3.5, section 7), in every coding.

use std::{collections::BTreeMap, fs, path::Path};

pub type Tag = (u16, u16);

pub const PIXELS: Tag = (0x7fe0, 0x0010);

#[derive(Clone)]
pub enum Value {
    Text(String),
    U16(Vec<u16>),
    U32(Vec<u32>),
    F64(Vec<f64>),
    Bytes(Vec<u8>),
    Items(Vec<Slice>),
    /// Compressed: an empty offset table, then these.
    Fragments(Vec<Vec<u8>>),
}

#[derive(Clone, Copy)]
pub struct Coding {
    pub explicit: bool,
    pub big_endian: bool,
    /// The preamble and the file header.
    pub header: bool,
}

pub const EXPLICIT: Coding = Coding { explicit: true, big_endian: false, header: true };

/// One file: a slice of 3 × 2 pixels, all of one value.
#[derive(Clone, Default)]
pub struct Slice {
    pub elements: BTreeMap<Tag, ([u8; 2], Value)>,
    syntax: Option<&'static str>,
}

pub fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

impl Slice {
    pub fn empty() -> Self {
        Self::default()
    }

    pub fn at(z: f64, value: i16, instance: u32) -> Self {
        Self::empty()
            .with((8, 8), b"CS", text("ORIGINAL\\PRIMARY\\AXIAL"))
            .with((8, 0x16), b"UI", text("1.2.840.10008.5.1.4.1.1.2"))
            .with((8, 0x18), b"UI", text(&format!("2.25.4.{instance}")))
            .with((8, 0x60), b"CS", text("CT"))
            .with((0x10, 0x20), b"LO", text("1"))
            .with((0x20, 0xd), b"UI", text("2.25.1"))
            .with((0x20, 0xe), b"UI", text("2.25.2"))
            .with((0x20, 0x13), b"IS", text(&instance.to_string()))
            .with((0x20, 0x32), b"DS", text(&format!("-10\\-20\\{z}")))
            .with((0x20, 0x37), b"DS", text("1\\0\\0\\0\\1\\0"))
            .with((0x20, 0x52), b"UI", text("2.25.3"))
            .with((0x28, 0x30), b"DS", text("0.5\\0.5"))
            .grey(16, true)
            .with(PIXELS, b"OW", Value::U16(vec![value as u16; 6]))
    }

    /// A picture without a place.
    pub fn picture(columns: u16, rows: u16, pixels: Value) -> Self {
        Self::empty()
            .with((8, 0x16), b"UI", text("1.2.840.10008.5.1.4.1.1.7"))
            .with((8, 0x60), b"CS", text("OT"))
            .with((0x20, 0xe), b"UI", text("2.25.2"))
            .grey(8, false)
            .with((0x28, 0x10), b"US", Value::U16(vec![rows]))
            .with((0x28, 0x11), b"US", Value::U16(vec![columns]))
            .with(PIXELS, b"OW", pixels)
    }

    pub fn grey(self, bits: u16, signed: bool) -> Self {
        self.with((0x28, 2), b"US", Value::U16(vec![1]))
            .with((0x28, 4), b"CS", text("MONOCHROME2"))
            .with((0x28, 0x10), b"US", Value::U16(vec![2]))
            .with((0x28, 0x11), b"US", Value::U16(vec![3]))
            .with((0x28, 0x100), b"US", Value::U16(vec![bits]))
            .with((0x28, 0x101), b"US", Value::U16(vec![bits]))
            .with((0x28, 0x102), b"US", Value::U16(vec![bits - 1]))
            .with((0x28, 0x103), b"US", Value::U16(vec![signed.into()]))
    }

    pub fn colour(self, photometric: &str) -> Self {
        self.with((0x28, 2), b"US", Value::U16(vec![3])).with((0x28, 4), b"CS", text(photometric)).with(
            (0x28, 6),
            b"US",
            Value::U16(vec![0]),
        )
    }

    pub fn with(mut self, tag: Tag, vr: &[u8; 2], value: Value) -> Self {
        self.elements.insert(tag, (*vr, value));
        self
    }

    pub fn text(self, tag: Tag, value: &str) -> Self {
        self.with(tag, b"LO", text(value))
    }

    pub fn without(mut self, tag: Tag) -> Self {
        self.elements.remove(&tag);
        self
    }

    /// The stored type becomes UN, and the value is coded as the standard says of it.
    pub fn unknown(mut self, tag: Tag) -> Self {
        if let Some((vr, _)) = self.elements.get_mut(&tag) {
            *vr = *b"UN";
        }
        self
    }

    pub fn compressed(mut self, syntax: &'static str, fragments: Vec<Vec<u8>>) -> Self {
        self.syntax = Some(syntax);
        self.with(PIXELS, b"OB", Value::Fragments(fragments))
    }

    pub fn write(&self, path: &Path) {
        self.write_as(path, EXPLICIT);
    }

    pub fn write_as(&self, path: &Path, coding: Coding) {
        let mut out = Vec::new();
        if coding.header {
            let uid = self.syntax.unwrap_or(match (coding.explicit, coding.big_endian) {
                (false, _) => "1.2.840.10008.1.2",
                (true, false) => "1.2.840.10008.1.2.1",
                (true, true) => "1.2.840.10008.1.2.2",
            });
            let meta = Slice::empty().with((2, 0x10), b"UI", text(uid));
            out = vec![0; 128];
            out.extend(b"DICM");
            out.extend(meta.coded(EXPLICIT));
        }
        out.extend(self.coded(coding));
        fs::write(path, out).unwrap();
    }

    fn coded(&self, coding: Coding) -> Vec<u8> {
        let u16s = |v: u16| if coding.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let u32s = |v: u32| if coding.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let f64s = |v: f64| if coding.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut out = Vec::new();
        for (tag, (vr, value)) in &self.elements {
            let inner =
                if vr == b"UN" { Coding { explicit: false, big_endian: false, ..coding } } else { coding };
            let item = |s: &Slice| {
                let coded = s.coded(inner);
                let length = coded.len() as u32;
                let length = if inner.big_endian { length.to_be_bytes() } else { length.to_le_bytes() };
                let mark = if inner.big_endian { [0xff, 0xfe, 0xe0, 0] } else { [0xfe, 0xff, 0, 0xe0] };
                [&mark[..], &length, &coded].concat()
            };
            let piece = |bytes: &Vec<u8>| {
                let even = bytes.len().next_multiple_of(2);
                let mut piece = [&[0xfe, 0xff, 0, 0xe0][..], &(even as u32).to_le_bytes(), bytes].concat();
                piece.resize(8 + even, 0);
                piece
            };
            let mut bytes: Vec<u8> = match value {
                Value::Text(text) => text.clone().into_bytes(),
                Value::U16(v) => v.iter().flat_map(|&v| u16s(v)).collect(),
                Value::U32(v) => v.iter().flat_map(|&v| u32s(v)).collect(),
                Value::F64(v) => v.iter().flat_map(|&v| f64s(v)).collect(),
                Value::Bytes(bytes) => bytes.clone(),
                Value::Items(items) => items.iter().flat_map(item).collect(),
                Value::Fragments(pieces) => {
                    let end = [0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0];
                    let table = piece(&Vec::new());
                    let all = std::iter::once(table).chain(pieces.iter().map(piece)).chain([end.to_vec()]);
                    all.flatten().collect()
                }
            };
            if !bytes.len().is_multiple_of(2) {
                bytes.push(if vr == b"UI" { 0 } else { b' ' });
            }
            out.extend(u16s(tag.0));
            out.extend(u16s(tag.1));
            let length = match value {
                Value::Fragments(_) => u32::MAX,
                _ => bytes.len() as u32,
            };
            let long = matches!(vr, b"OB" | b"OW" | b"OF" | b"OD" | b"UN" | b"SQ");
            if coding.explicit {
                out.extend(vr);
            }
            match (coding.explicit, long) {
                (true, true) => {
                    out.extend([0, 0]);
                    out.extend(u32s(length));
                }
                (true, false) => out.extend(u16s(length as u16)),
                (false, _) => out.extend(u32s(length)),
            }
            out.extend(bytes);
        }
        out
    }
}
