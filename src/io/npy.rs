//! NumPy's .npy (format 1.0 to 3.0), also the only array of a .npz: whole or real numbers of two or three dimensions,
//! `[rows][columns]` or `[slices][rows][columns]`; `[rows][columns][3 or 4]` of 8 bits is a colour picture.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress,
    picture::{WARN_ALPHA, check_size, without_alpha},
    samples::{self, Number, Raw},
    source::{self, Extent},
};
use crate::{geom::Grid, volume::Modality};
use std::{
    io::{Cursor, Read},
    path::Path,
};

pub static FORMAT: Format = Format {
    id: "npy",
    title: "NumPy array",
    extensions: &["npy", "npz"],
    reads: "`.npz` with one array; two or three dimensions, or 8-bit colour",
    sniff: |path, head| head.starts_with(MAGIC) || head.starts_with(ZIP) && is_npz(path),
    open,
    writer: None,
};

const MAGIC: &[u8] = b"\x93NUMPY";
const ZIP: &[u8] = b"PK\x03\x04";

fn is_npz(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npz"))
}

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    super::only_image(path, options)?;
    let bytes = source::read_all(path, progress)?;
    let content_hash = source::hash(&bytes);
    let bytes = if bytes.starts_with(ZIP) { only_array(path, &bytes, progress)? } else { bytes };
    let (header, data) = split(&bytes).ok_or_else(|| OpenError::corrupt(path, "its header is cut off"))?;
    let header = Header::parse(path, header)?;
    let mut warnings = Vec::new();
    let (dims, colours) = header.layout(path, &mut warnings)?;
    let found = data.len();
    let expected = Extent::new(&header.shape, header.number.bytes()).stored_in(path, found as u64)?;
    if found > expected {
        let more = found - expected;
        warnings.push(format!("{more} bytes follow the array (another one?); they are not read"));
    }
    let raw = samples::numbers(path, header.number, header.big_endian, &data[..expected], progress)?;
    let raw = if header.by_columns { by_rows(&raw, &header.shape) } else { raw };
    let raw = match (colours, raw) {
        (3, Raw::U8(v)) => Raw::Rgb8(v.as_chunks::<3>().0.to_vec()),
        (4, Raw::U8(v)) => {
            let (colour, transparent) = without_alpha(&v, 3, u8::MAX);
            warnings.extend(transparent.then(|| WARN_ALPHA.to_owned()));
            Raw::Rgb8(colour.as_chunks::<3>().0.to_vec())
        }
        (_, raw) => raw,
    };
    let grid = Grid::pixels(dims).map_err(|e| OpenError::grid(path, e))?;
    let file_type = raw.name();
    let (native, inexact) = raw.narrow(path)?;
    warnings.extend(inexact);
    Ok(Opened {
        volume: samples::build(path, grid, native, [1.0, 0.0], Modality::Other)?,
        source: path.to_owned(),
        warnings,
        series: Vec::new(),
        content_hash,
        turned: None,
        by_look: false,
        facts: serde_json::json!({ "format": "npy", "file_type": file_type }),
    })
}

/// The array of a .npz that holds one.
fn only_array(path: &Path, bytes: &[u8], progress: &dyn Progress) -> Result<Vec<u8>, OpenError> {
    let corrupt = |e: zip::result::ZipError| OpenError::corrupt(path, e);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(corrupt)?;
    let names: Result<Vec<String>, _> =
        archive.file_names().map(|name| name.map(|n| n.into_owned())).collect();
    let names = names.map_err(corrupt)?;
    let [_] = &names[..] else {
        let what = format!("A NumPy .npz of {} arrays ({})", names.len(), names.join(", "));
        return Err(OpenError::unsupported(path, what, "Save the one that is the image as .npy"));
    };
    let entry = archive.by_index(0).map_err(corrupt)?;
    let size = entry.size();
    check_size(path, &[usize::try_from(size).unwrap_or(usize::MAX)], 8, bytes.len())?;
    let mut array = source::reserve(path, size.into())?;
    let mut rest = entry.take(size);
    loop {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let part = (&mut rest).take(source::CHUNK as u64).read_to_end(&mut array);
        if part.map_err(|e| OpenError::corrupt(path, e))? == 0 {
            return Ok(array);
        }
    }
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
    number: Number,
    big_endian: bool,
    /// The first index runs fastest in memory (Fortran), not the last.
    by_columns: bool,
    shape: Vec<usize>,
}

impl Header {
    /// `{'descr': '<i8', 'fortran_order': False, 'shape': (512, 512), }`
    fn parse(path: &Path, text: &str) -> Result<Self, OpenError> {
        let corrupt = || OpenError::corrupt(path, format!("its header is {:?}", text.trim_end()));
        let after = |key: &str| Some(text.split_once(&format!("'{key}':"))?.1.trim_start());
        let described = after("descr").ok_or_else(corrupt)?;
        if described.starts_with('[') {
            let fields = described.split_once("],").map_or(described, |(fields, _)| fields);
            let what = format!("An array of structures ({}])", fields.trim_end_matches(']'));
            return Err(OpenError::unsupported(path, what, "Save the field that is the image by itself"));
        }
        let quoted = || described.strip_prefix('\'')?.split_once('\'');
        let full = quoted().ok_or_else(corrupt)?.0;
        let kind = full.trim_start_matches(['<', '>', '|', '=']);
        let number = match kind {
            "b1" | "?" | "u1" => Number::U8,
            "i1" => Number::I8,
            "u2" => Number::U16,
            "i2" => Number::I16,
            "u4" => Number::U32,
            "i4" => Number::I32,
            "u8" => Number::U64,
            "i8" => Number::I64,
            "f2" => Number::F16,
            "f4" => Number::F32,
            "f8" => Number::F64,
            _ => {
                let what = match kind.chars().next() {
                    Some('c') => format!("An array of complex numbers ({full})"),
                    Some('O') => "An array of Python objects".to_owned(),
                    Some('S' | 'U' | 'a') => format!("An array of texts ({full})"),
                    Some('M' | 'm') => format!("An array of dates ({full})"),
                    _ => format!("An array of the type {full}"),
                };
                return Err(OpenError::unsupported(path, what, "Save it as int16 or float32"));
            }
        };
        let shape = || after("shape")?.strip_prefix('(')?.split_once(')');
        let sides = shape().ok_or_else(corrupt)?.0;
        let sides = sides.split(',').map(str::trim).filter(|n| !n.is_empty());
        let shape: Option<Vec<usize>> = sides.map(|n| n.trim_end_matches('L').parse().ok()).collect();
        Ok(Self {
            number,
            big_endian: full.starts_with('>'),
            by_columns: after("fortran_order").ok_or_else(corrupt)?.starts_with("True"),
            shape: shape.ok_or_else(corrupt)?,
        })
    }

    /// Columns, rows and slices, and how many numbers a pixel has.
    fn layout(&self, path: &Path, warnings: &mut Vec<String>) -> Result<([usize; 3], usize), OpenError> {
        match self.shape[..] {
            [rows, columns, colours @ (3 | 4)] if self.number == Number::U8 => {
                Ok(([columns, rows, 1], colours))
            }
            [rows, columns] => Ok(([columns, rows, 1], 1)),
            [slices, rows, columns] => {
                if columns == 3 || columns == 4 {
                    warnings.push(format!(
                        "An array of {slices} x {rows} x {columns} is read as {slices} slices of {columns} columns; colours \
                         are read of 8 bits (uint8)"
                    ));
                }
                Ok(([columns, rows, slices], 1))
            }
            _ => {
                let what = format!("An array of {} dimensions", self.shape.len());
                Err(OpenError::unsupported(path, what, "Save it with two or three"))
            }
        }
    }
}

/// An array whose first index runs fastest, in the order in which the last does.
fn by_rows(raw: &Raw, shape: &[usize]) -> Raw {
    let strides: Vec<usize> =
        shape.iter().scan(1usize, |step, &n| Some(std::mem::replace(step, step.wrapping_mul(n)))).collect();
    let place = move |mut i: usize| {
        let mut place = 0;
        for (n, step) in shape.iter().zip(&strides).rev() {
            place += i % n * step;
            i /= n;
        }
        place
    };
    raw.taken((0..raw.len()).map(place))
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
        std::fs::write(&path, file("<i8", "True", "(2, 3)", &ids)).unwrap();
        let (map, ..) = open_labels(&path).unwrap();
        assert_eq!((map.dims(), map.to_values()), ([3, 2, 1], vec![0, 2, 4, 1, 3, 300]));

        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            crate::io::open(&path, &OpenOptions::default(), &mut Quiet).unwrap_err().to_string()
        };
        assert!(refused(&file("<i8", "False", "(6,)", &ids)).contains("1 dimensions"));
        assert!(refused(&file("<i8", "False", "(2, 4)", &ids)).contains("cut off"));
        assert!(refused(&file("<c8", "False", "(2, 3)", &ids)).contains("<c8"));
        assert!(refused(b"\x93NUMPY\x01\x00\xff\xff").contains("cut off"));
    }

    fn opened(path: &Path, bytes: &[u8]) -> Opened {
        std::fs::write(path, bytes).unwrap();
        crate::io::open(path, &OpenOptions::default(), &mut Quiet).unwrap()
    }

    #[test]
    fn three_or_four_bytes_a_pixel_are_a_colour() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let bytes: Vec<u8> = (0..24).collect();
        let colour = opened(&path, &file("|u1", "False", "(2, 4, 3)", &bytes)).volume;
        assert_eq!((colour.dims(), colour.value([1, 1, 0])), ([4, 2, 1], [15.0, 16.0, 17.0]));
        let colour = opened(&path, &file("|u1", "False", "(2, 3, 4)", &bytes));
        assert_eq!((colour.volume.dims(), colour.volume.value([1, 1, 0])), ([3, 2, 1], [16.0, 17.0, 18.0]));
        assert!(colour.warnings[0].contains("transparent"), "{:?}", colour.warnings);
        // The same array by columns: red of every pixel lies before its green.
        let by_columns = opened(&path, &file("|u1", "True", "(2, 4, 3)", &bytes)).volume;
        assert_eq!(by_columns.value([1, 1, 0]), [3.0, 11.0, 19.0]);
        let stack = opened(&path, &file("|u1", "False", "(3, 4, 2)", &bytes)).volume;
        assert_eq!((stack.dims(), stack.value([1, 1, 2])[0]), ([2, 4, 3], 19.0));
        let thin = opened(&path, &file("<i2", "False", "(2, 2, 3)", &bytes));
        assert_eq!(thin.volume.dims(), [3, 2, 2]);
        assert!(thin.warnings[0].contains("2 slices of 3 columns"), "{:?}", thin.warnings);
    }

    #[test]
    fn numbers_of_every_kind_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let value = |kind: &str, data: &[u8]| {
            opened(&path, &file(kind, "False", "(1, 1)", data)).volume.value([0, 0, 0])[0]
        };
        assert_eq!(value(">i2", &[0xfe, 0xd4]), -300.0);
        assert_eq!(value(">f4", &2.5f32.to_be_bytes()), 2.5);
        assert_eq!(value("<f2", &[0x00, 0x3e]), 1.5);
        assert_eq!(value(">u8", &[0, 0, 0, 0, 0, 0, 1, 1]), 257.0);
        assert_eq!(value("|b1", &[1]), 1.0);
        let large = opened(&path, &file("<i8", "False", "(1, 1)", &(1i64 << 40 | 1).to_le_bytes()));
        assert!(large.warnings[0].contains("do not fit exactly"), "{:?}", large.warnings);
        let two = opened(&path, &file("|u1", "False", "(1, 1)", &[7, 8, 9]));
        assert!(two.warnings[0].contains("2 bytes follow"), "{:?}", two.warnings);

        let refused = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            crate::io::open(&path, &OpenOptions::default(), &mut Quiet).unwrap_err().to_string()
        };
        assert!(refused(&file("|O", "False", "(1, 1)", &[0])).contains("Python objects"));
        let fields = file("|u1", "False", "(1, 1)", &[0]);
        let fields = String::from_utf8_lossy(&fields[10..]).replace("'|u1'", "[('id', '<i4')]");
        let length = (fields.len() as u16).to_le_bytes();
        let error = refused(&[MAGIC, &[1, 0], &length, fields.as_bytes()].concat());
        assert!(error.contains("structures ([('id', '<i4')])"), "{error}");
        assert!(refused(&file("|u1", "False", "(2, 2, 2, 2)", &[0; 16])).contains("4 dimensions"));
        let huge = "(4294967296, 4294967296, 4294967296)";
        assert!(refused(&file("<i2", "False", huge, &[0; 16])).contains("4294967296 x 4294967296"));
    }

    #[test]
    fn the_only_array_of_an_archive_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npz");
        let archive = |names: &[&str]| {
            let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for name in names {
                zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
                let array = file("|u1", "False", "(1, 2)", &[3, 4]);
                std::io::Write::write_all(&mut zip, &array).unwrap();
            }
            zip.finish().unwrap().into_inner()
        };
        let one = opened(&path, &archive(&["mask.npy"])).volume;
        assert_eq!((one.dims(), one.value([1, 0, 0])[0]), ([2, 1, 1], 4.0));
        std::fs::write(&path, archive(&["image.npy", "mask.npy"])).unwrap();
        let error = crate::io::open(&path, &OpenOptions::default(), &mut Quiet).unwrap_err().to_string();
        assert!(
            error.contains("2 arrays (image.npy, mask.npy)")
                || error.contains("2 arrays (mask.npy, image.npy)"),
            "{error}"
        );
    }
}
