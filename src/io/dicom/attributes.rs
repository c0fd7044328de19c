//! Attributes and their values, as far as they are read; with the items of sequences.

use super::tags::{self, Tag};
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};
use std::collections::BTreeMap;

/// Begins a change of the character set (ISO 2022).
const ESCAPE: u8 = 0x1b;

/// A data set or an item of a sequence.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    values: BTreeMap<Tag, Value>,
    sequences: BTreeMap<Tag, Vec<Attributes>>,
}

#[derive(Clone, Debug)]
pub struct Value {
    /// How the bytes are to be read; never `UN`.
    pub vr: [u8; 2],
    pub big_endian: bool,
    pub bytes: Vec<u8>,
}

impl Attributes {
    /// Of an attribute that stands twice the first counts.
    pub fn insert(&mut self, tag: Tag, value: Value) {
        self.values.entry(tag).or_insert(value);
    }

    pub fn insert_items(&mut self, tag: Tag, items: Vec<Attributes>) {
        self.sequences.entry(tag).or_insert(items);
    }

    pub fn has(&self, tag: Tag) -> bool {
        self.values.contains_key(&tag) || self.sequences.contains_key(&tag)
    }

    /// None where the sequence is missing.
    pub fn items(&self, tag: Tag) -> &[Attributes] {
        self.sequences.get(&tag).map(Vec::as_slice).unwrap_or_default()
    }

    /// Trimmed; empty where the attribute is missing. Codes and numbers: letters beyond ASCII are not told.
    pub fn text(&self, tag: Tag) -> String {
        let Some(value) = self.values.get(&tag) else { return String::new() };
        let numbers = || value.numbers().iter().map(f64::to_string).collect::<Vec<_>>().join("\\");
        if value.is_binary() { numbers() } else { trimmed(&String::from_utf8_lossy(&value.bytes)) }
    }

    /// Text that a person wrote, in the character set that the data set names.
    pub fn words(&self, tag: Tag) -> String {
        let bytes = self.values.get(&tag).map(|v| v.bytes.as_slice()).unwrap_or_default();
        if bytes.is_ascii() && !bytes.contains(&ESCAPE) {
            return self.text(tag);
        }
        // Several sets share one value through escapes; the first that is named knows the others' beginnings.
        let named = self.text(tags::SPECIFIC_CHARACTER_SET);
        let set = named.split('\\').map(str::trim).find(|s| !s.is_empty());
        let decoded = set.and_then(SpecificCharacterSet::from_code).and_then(|s| s.decode(bytes).ok());
        let decoded = decoded.or_else(|| String::from_utf8(bytes.to_vec()).ok());
        trimmed(&decoded.unwrap_or_else(|| bytes.iter().map(|&b| char::from(b)).collect()))
    }

    pub fn integer(&self, tag: Tag) -> Option<i64> {
        let number = *self.floats(tag)?.first()?;
        number.is_finite().then_some(number as i64)
    }

    /// At least one; `None` where one of them is no number.
    pub fn floats(&self, tag: Tag) -> Option<Vec<f64>> {
        self.values.get(&tag).map(Value::numbers).filter(|v| !v.is_empty() && v.iter().all(|n| !n.is_nan()))
    }

    pub fn float(&self, tag: Tag) -> Option<f64> {
        self.floats(tag).and_then(|v| v.first().copied()).filter(|v| v.is_finite())
    }

    /// Where frames begin among the fragments of compressed pixel data, for files above 4 GB; mostly empty.
    pub fn extended_offsets(&self) -> Vec<u64> {
        let bytes = self.values.get(&tags::EXTENDED_OFFSET_TABLE).map(|v| v.bytes.as_slice());
        bytes.unwrap_or_default().as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect()
    }

    pub fn value(&self, tag: Tag) -> Option<&Value> {
        self.values.get(&tag)
    }

    /// The first of these data sets, or of what is nested in them, that has the attribute.
    pub fn having<'a>(mut among: impl Iterator<Item = &'a Attributes>, tag: Tag) -> Option<&'a Attributes> {
        among.find_map(|a| {
            let nested = || Self::having(a.sequences.values().flatten(), tag);
            if a.has(tag) { Some(a) } else { nested() }
        })
    }
}

impl Value {
    /// As 16-bit words.
    pub fn words(&self) -> Vec<u16> {
        let from = if self.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        self.bytes.as_chunks::<2>().0.iter().map(|b| from(*b)).collect()
    }

    fn is_binary(&self) -> bool {
        matches!(&self.vr, b"US" | b"SS" | b"UL" | b"SL" | b"UV" | b"SV" | b"FL" | b"FD" | b"AT")
    }

    /// Not a number where text is none.
    fn numbers(&self) -> Vec<f64> {
        match &self.vr {
            b"US" | b"AT" => self.each(|b| u16::from_le_bytes(b).into()),
            b"SS" => self.each(|b| i16::from_le_bytes(b).into()),
            b"UL" => self.each(|b| u32::from_le_bytes(b).into()),
            b"SL" => self.each(|b| i32::from_le_bytes(b).into()),
            b"UV" => self.each(|b| u64::from_le_bytes(b) as f64),
            b"SV" => self.each(|b| i64::from_le_bytes(b) as f64),
            b"FL" => self.each(|b| f32::from_le_bytes(b).into()),
            b"FD" => self.each(f64::from_le_bytes),
            _ => {
                let text = trimmed(&String::from_utf8_lossy(&self.bytes));
                if text.is_empty() {
                    return Vec::new();
                }
                // Some write a comma for the point, where no list can be meant.
                let number = |t: &str| trimmed(t).replace(',', ".").parse().unwrap_or(f64::NAN);
                text.split('\\').map(number).collect()
            }
        }
    }

    fn each<const N: usize>(&self, number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let turned = |b: &[u8; N]| {
            let mut b = *b;
            if self.big_endian {
                b.reverse();
            }
            number(b)
        };
        self.bytes.as_chunks::<N>().0.iter().map(turned).collect()
    }
}

/// Values are padded to an even length.
fn trimmed(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()
}
