//! Gzipped NumPy arrays, as numbers.

use flate2::read::GzDecoder;
use std::{io::Read, path::Path};

pub struct Array {
    pub values: Vec<f64>,
}

impl Array {
    pub fn read(path: &Path) -> Self {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
        let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let text = String::from_utf8_lossy(&bytes[10..10 + header]).into_owned();
        assert!(text.contains("'fortran_order': False"), "{text}");
        let kind = between(&text, "'descr': '", "'");
        let data = &bytes[10 + header..];
        let values = match kind {
            "|u1" => data.iter().map(|v| f64::from(*v)).collect(),
            "<i2" => numbers(data, |b| f64::from(i16::from_le_bytes(b))),
            "<u2" => numbers(data, |b| f64::from(u16::from_le_bytes(b))),
            "<i4" => numbers(data, |b| f64::from(i32::from_le_bytes(b))),
            "<f4" => numbers(data, |b| f64::from(f32::from_le_bytes(b))),
            "<f8" => numbers(data, f64::from_le_bytes),
            kind => panic!("{}: {kind}", path.display()),
        };
        Self { values }
    }

    pub fn labels(&self) -> Vec<u16> {
        self.values.iter().map(|v| *v as u16).collect()
    }
}

fn numbers<const N: usize>(data: &[u8], number: fn([u8; N]) -> f64) -> Vec<f64> {
    data.as_chunks::<N>().0.iter().map(|bytes| number(*bytes)).collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = &text[text.find(before).expect("a header of NumPy") + before.len()..];
    &rest[..rest.find(after).expect("a header of NumPy")]
}
