//! NumPy's .npy (format 1.0 to 3.0): whole or real numbers of two or three dimensions, `[rows][columns]` or
//! `[slices][rows][columns]`.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress,
    samples::{self, Raw},
    source::{self, Extent},
};
use crate::{geom::Grid, memory, volume::Modality};
use std::path::Path;

pub static FORMAT: Format = Format {
    id: "npy",
    title: "NumPy array",
    extensions: &["npy"],
    sniff: |_, head| head.starts_with(MAGIC),
    open,
};

const MAGIC: &[u8] = b"\x93NUMPY";

fn open(path: &Path, _: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let bytes = source::read_all(path, progress)?;
    let (header, data) = split(&bytes).ok_or_else(|| OpenError::corrupt(path, "its header is cut off"))?;
    let header = Header::parse(header)
        .ok_or_else(|| OpenError::corrupt(path, format!("its header is {:?}", header.trim_end())))?;
    let dims = match header.shape[..] {
        [rows, columns] => [columns, rows, 1],
        [slices, rows, columns] => [columns, rows, slices],
        _ => {
            let what = format!("an array of {} dimensions", header.shape.len());
            return Err(OpenError::unsupported(path, what, "Save it with two or three."));
        }
    };
    if header.by_columns {
        let hint = "Save it with np.ascontiguousarray.";
        return Err(OpenError::unsupported(path, "an array stored column by column", hint));
    }
    let unknown = || OpenError::unsupported(path, format!("the type {}", header.kind), "Save it as int16.");
    let size = header.kind.get(2..).and_then(|n| n.parse::<usize>().ok()).ok_or_else(unknown)?;
    let expected = Extent::new(&dims, size).stored_in(path, data.len() as u64)?;
    let grid = Grid::pixels(dims).map_err(|e| OpenError::grid(path, e))?;
    let raw = raw(path, &header.kind, &data[..expected])?.ok_or_else(unknown)?;
    let file_type = raw.name();
    let (native, inexact) = raw.narrow(path)?;
    Ok(Opened {
        volume: samples::build(path, grid, native, [1.0, 0.0], Modality::Other)?,
        source: path.to_owned(),
        warnings: inexact.into_iter().collect(),
        series: Vec::new(),
        content_hash: source::hash(&bytes),
        by_look: false,
        facts: serde_json::json!({ "format": "npy", "file_type": file_type }),
    })
}

/// The header's text and the values after it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let version = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = match version {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, rest),
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

struct Header {
    /// `<i8`: byte order, kind and bytes of a number.
    kind: String,
    by_columns: bool,
    shape: Vec<usize>,
}

impl Header {
    /// `{'descr': '<i8', 'fortran_order': False, 'shape': (512, 512), }`
    fn parse(text: &str) -> Option<Self> {
        let after = |key: &str| Some(text.split_once(&format!("'{key}':"))?.1.trim_start());
        let kind = after("descr")?.strip_prefix('\'')?.split_once('\'')?.0.to_owned();
        let by_columns = after("fortran_order")?.starts_with("True");
        let shape = after("shape")?.strip_prefix('(')?.split_once(')')?.0;
        let numbers = shape.split(',').map(str::trim).filter(|n| !n.is_empty());
        Some(Self { kind, by_columns, shape: numbers.map(|n| n.parse().ok()).collect::<Option<_>>()? })
    }
}

fn raw(path: &Path, kind: &str, data: &[u8]) -> Result<Option<Raw>, OpenError> {
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {{
            let (numbers, _) = data.as_chunks::<{ size_of::<$type>() }>();
            let numbers = memory::collect(numbers.iter().map(|b| <$type>::from_le_bytes(*b)));
            Raw::$variant(numbers.map_err(|e| OpenError::too_large(path, e))?)
        }};
    }
    Ok(Some(match kind {
        "|b1" | "|u1" => numbers!(U8, u8),
        "|i1" => numbers!(I8, i8),
        "<u2" => numbers!(U16, u16),
        "<i2" => numbers!(I16, i16),
        "<u4" => numbers!(U32, u32),
        "<i4" => numbers!(I32, i32),
        "<u8" => numbers!(U64, u64),
        "<i8" => numbers!(I64, i64),
        "<f4" => numbers!(F32, f32),
        "<f8" => numbers!(F64, f64),
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{Quiet, open_labels};

    fn file(kind: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let text = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
        let length = (text.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, text.as_bytes(), data].concat()
    }

    #[test]
    fn arrays_are_read_row_by_row_and_others_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.npy");
        let ids: Vec<u8> = [0i64, 1, 2, 3, 4, 300].iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(&path, file("<i8", "False", "(2, 3)", &ids)).unwrap();
        let (map, ..) = open_labels(&path).unwrap();
        assert_eq!((map.dims(), map.to_values()), ([3, 2, 1], vec![0, 1, 2, 3, 4, 300]));

        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            crate::io::open(&path, &OpenOptions::default(), &mut Quiet).unwrap_err().to_string()
        };
        assert!(refused(&file("<i8", "True", "(2, 3)", &ids)).contains("column by column"));
        assert!(refused(&file("<i8", "False", "(6,)", &ids)).contains("1 dimensions"));
        assert!(refused(&file("<i8", "False", "(2, 4)", &ids)).contains("cut off"));
        assert!(refused(&file("<c8", "False", "(2, 3)", &ids)).contains("<c8"));
        let huge = "(4294967296, 4294967296, 4294967296)";
        assert!(refused(&file("|u1", "False", huge, &ids)).contains("4294967296 x 4294967296"));
        assert!(refused(&file("|u1", "False", "(0, 4294967296)", &ids)).contains("no voxels"));
        assert!(refused(&file("<i99999999999999999999", "False", "(2, 3)", &ids)).contains("99999"));
        assert!(
            refused(&file("<i9999999999999999999", "False", "(2, 3)", &ids))
                .contains("of 9999999999999999999 bytes")
        );
        assert!(refused(b"\x93NUMPY\x01\x00\xff\xff").contains("cut off"));
    }
}
