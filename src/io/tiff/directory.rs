//! The directories of a TIFF and their fields (TIFF 6.0, section 2; BigTIFF's numbers are wider), each claim checked
//! against the file before anything is made of it.

use crate::io::OpenError;
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

/// A file's bytes and how its numbers are written.
#[derive(Clone, Copy)]
pub struct File<'a> {
    pub bytes: &'a [u8],
    pub big_endian: bool,
    /// Bytes of an entry count, of an offset, and of an entry.
    count: usize,
    offset: usize,
    entry: usize,
}

/// One page's fields by their tags.
pub type Directory = BTreeMap<u16, Field>;

/// Where the values of a field are, and how many of which type; inside the file.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    kind: u16,
    values: usize,
    at: usize,
}

impl<'a> File<'a> {
    pub fn new(path: &Path, bytes: &'a [u8]) -> Result<Self, OpenError> {
        let big_endian = bytes.starts_with(b"MM");
        let classic = Self { bytes, big_endian, count: 2, offset: 4, entry: 12 };
        match classic.number(2, 2) {
            Some(42) => Ok(classic),
            Some(43) => Ok(Self { count: 8, offset: 8, entry: 20, ..classic }),
            _ => Err(OpenError::corrupt(path, "it does not begin like a TIFF")),
        }
    }

    /// An unsigned number of `size` bytes.
    pub fn number(&self, at: usize, size: usize) -> Option<u64> {
        let field = self.bytes.get(at..at.checked_add(size)?)?;
        let add = |n: u64, &b: &u8| n << 8 | u64::from(b);
        Some(if self.big_endian { field.iter().fold(0, add) } else { field.iter().rev().fold(0, add) })
    }

    /// The directories in their order, and whether the last leads back to one of them, as a damaged file's does.
    pub fn directories(&self, path: &Path) -> Result<(Vec<Directory>, bool), OpenError> {
        let cut_off = || {
            OpenError::corrupt(
                path,
                "it is cut off: its header points behind its end. Copy it again from its source",
            )
        };
        let place = |at: u64| usize::try_from(at).map_err(|_| cut_off());
        let first = if self.offset == 4 { 4 } else { 8 };
        let mut next = place(self.number(first, self.offset).ok_or_else(cut_off)?)?;
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        // Directories do not lie in one another, so that a file has room for so many fields only.
        let mut room = self.bytes.len() / self.entry;
        while next != 0 {
            if !seen.insert(next) {
                return Ok((found, true));
            }
            let entries = place(self.number(next, self.count).ok_or_else(cut_off)?)?;
            room = room
                .checked_sub(entries)
                .ok_or_else(|| OpenError::corrupt(path, "it lists more fields than the file has room for"))?;
            let start = next + self.count;
            let mut directory = Directory::new();
            for i in 0..entries {
                let (tag, field) = self.field(path, start + i * self.entry)?.ok_or_else(cut_off)?;
                directory.entry(tag).or_insert(field);
            }
            found.push(directory);
            let link = self.number(start + entries * self.entry, self.offset);
            next = place(link.ok_or_else(cut_off)?)?;
        }
        Ok((found, false))
    }

    /// The entry at a place; `None` where it is not in the file.
    fn field(&self, path: &Path, at: usize) -> Result<Option<(u16, Field)>, OpenError> {
        let read = || {
            let numbers = [self.number(at, 2)?, self.number(at + 2, 2)?, self.number(at + 4, self.offset)?];
            let inside = at + self.entry - self.offset;
            Some((numbers, inside, self.number(inside, self.offset)?))
        };
        let Some(([tag, kind, values], inside, outside)) = read() else { return Ok(None) };
        let bytes = u128::from(values) * size_of_kind(kind) as u128;
        let at = if bytes <= self.offset as u128 { inside as u64 } else { outside };
        if u128::from(at) + bytes > self.bytes.len() as u128 {
            let what = format!("the field {tag} of a page claims {values} values, more than the file holds");
            return Err(OpenError::corrupt(path, what));
        }
        Ok(Some((tag as u16, Field { kind: kind as u16, values: values as usize, at: at as usize })))
    }

    /// Whole numbers without a sign; nothing for fields of other types.
    pub fn whole(&self, field: Field) -> impl Iterator<Item = u64> + use<'a> {
        let size = match field.kind {
            1 | 3 | 4 | 7 | 13 | 16 | 18 => size_of_kind(field.kind.into()),
            _ => 0,
        };
        let file = *self;
        let values = if size == 0 { 0 } else { field.values };
        (0..values).map_while(move |i| file.number(field.at + i * size, size))
    }

    pub fn first(&self, directory: &Directory, tag: u16) -> Option<u64> {
        self.whole(*directory.get(&tag)?).next()
    }

    pub fn all(&self, directory: &Directory, tag: u16) -> Vec<u64> {
        directory.get(&tag).map(|&field| self.whole(field).collect()).unwrap_or_default()
    }

    pub fn count(&self, directory: &Directory, tag: u16) -> Option<usize> {
        directory.get(&tag).map(|field| field.values)
    }

    /// Fractions and real numbers.
    pub fn real(&self, directory: &Directory, tag: u16) -> Vec<f64> {
        let Some(&field) = directory.get(&tag) else { return Vec::new() };
        let size = size_of_kind(field.kind.into());
        let one = |i: usize| {
            let at = field.at + i * size;
            Some(match field.kind {
                5 => self.number(at, 4)? as f64 / self.number(at + 4, 4)? as f64,
                10 => {
                    f64::from(self.number(at, 4)? as u32 as i32)
                        / f64::from(self.number(at + 4, 4)? as u32 as i32)
                }
                11 => f32::from_bits(self.number(at, 4)? as u32).into(),
                12 => f64::from_bits(self.number(at, 8)?),
                _ => self.number(at, size)? as f64,
            })
        };
        (0..field.values).map_while(one).collect()
    }

    /// A field's bytes as they are.
    pub fn raw(&self, directory: &Directory, tag: u16) -> Option<&'a [u8]> {
        let field = directory.get(&tag)?;
        self.bytes.get(field.at..field.at + field.values * size_of_kind(field.kind.into()))
    }

    pub fn text(&self, directory: &Directory, tag: u16) -> Option<String> {
        let bytes = self.raw(directory, tag)?;
        Some(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
    }
}

/// Bytes of one value by the field's type (TIFF 6.0, section 2; BigTIFF adds 16 to 18).
fn size_of_kind(code: u64) -> usize {
    match code {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}
