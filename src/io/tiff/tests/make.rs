//! A writer of TIFF files for tests, field by field.

use super::super::page::tag;

#[derive(Clone)]
pub(super) enum Value {
    Short(Vec<u16>),
    Long(Vec<u32>),
    Text(String),
    Fraction([u32; 2]),
}

/// A page's fields and its pixels, which become its only strip.
pub(super) type Made = (Vec<(u16, Value)>, Vec<u8>);

#[derive(Clone, Copy, Default)]
pub(super) struct Way {
    pub(super) big_endian: bool,
    pub(super) big_tiff: bool,
}

impl Way {
    fn number(self, n: u64, size: usize) -> Vec<u8> {
        let bytes = n.to_le_bytes();
        let mut bytes = bytes[..size].to_vec();
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn value(self, value: &Value) -> (u64, u64, Vec<u8>) {
        let all = |numbers: Vec<u64>, size| numbers.into_iter().flat_map(|n| self.number(n, size)).collect();
        match value {
            Value::Short(v) => (3, v.len() as u64, all(v.iter().map(|&n| n.into()).collect(), 2)),
            Value::Long(v) => (4, v.len() as u64, all(v.iter().map(|&n| n.into()).collect(), 4)),
            Value::Text(text) => (2, text.len() as u64 + 1, [text.as_bytes(), &[0]].concat()),
            Value::Fraction([a, b]) => (5, 1, all(vec![u64::from(*a), u64::from(*b)], 4)),
        }
    }

    pub(super) fn file(self, pages: &[Made]) -> Vec<u8> {
        let (count, offset) = if self.big_tiff { (8, 8) } else { (2, 4) };
        let mut out = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        out.extend(self.number(if self.big_tiff { 43 } else { 42 }, 2));
        if self.big_tiff {
            out.extend([self.number(8, 2), self.number(0, 2)].concat());
        }
        let mut link = out.len();
        out.extend(vec![0; offset]);
        for (fields, pixels) in pages {
            let place = |tag| [(tag, Value::Long(vec![out.len() as u32]))];
            let mut fields: Vec<(u16, Value)> = fields.clone();
            if !fields.iter().any(|(t, _)| *t == tag::TILE_WIDTH || *t == tag::STRIP_OFFSETS) {
                fields.extend(place(tag::STRIP_OFFSETS));
                fields.push((tag::STRIP_BYTES, Value::Long(vec![pixels.len() as u32])));
            }
            out.extend(pixels);
            let mut entries = Vec::new();
            for (tag, value) in &fields {
                let (kind, values, bytes) = self.value(value);
                let mut entry =
                    [self.number((*tag).into(), 2), self.number(kind, 2), self.number(values, offset)]
                        .concat();
                if bytes.len() <= offset {
                    entry.extend(&bytes);
                    entry.resize(4 + 2 * offset, 0);
                } else {
                    entry.extend(self.number(out.len() as u64, offset));
                    out.extend(&bytes);
                }
                entries.push(entry);
            }
            let at = self.number(out.len() as u64, offset);
            out[link..link + offset].copy_from_slice(&at);
            out.extend(self.number(entries.len() as u64, count));
            out.extend(entries.concat());
            link = out.len();
            out.extend(vec![0; offset]);
        }
        out
    }
}

pub(super) const LITTLE: Way = Way { big_endian: false, big_tiff: false };
pub(super) const BIG: Way = Way { big_endian: true, big_tiff: false };

pub(super) fn fields(width: u32, height: u32, bits: &[u16], photometric: u16) -> Vec<(u16, Value)> {
    vec![
        (tag::WIDTH, Value::Long(vec![width])),
        (tag::HEIGHT, Value::Long(vec![height])),
        (tag::BITS, Value::Short(bits.to_vec())),
        (tag::SAMPLES, Value::Short(vec![bits.len() as u16])),
        (tag::PHOTOMETRIC, Value::Short(vec![photometric])),
    ]
}

pub(super) fn with(mut fields: Vec<(u16, Value)>, more: &[(u16, Value)]) -> Vec<(u16, Value)> {
    fields.extend_from_slice(more);
    fields
}

pub(super) fn short(tag: u16, value: u16) -> (u16, Value) {
    (tag, Value::Short(vec![value]))
}
