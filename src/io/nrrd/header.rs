//! The text at the beginning: what the numbers are, and where the voxels lie.

use crate::{
    geom::{Frame, Grid, Unit},
    io::{OpenError, samples::Number},
};
use glam::{DAffine3, DMat3, DVec3};
use std::{collections::BTreeMap, path::Path};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Raw,
    Gzip,
    Text,
}

#[derive(Debug)]
pub struct Header {
    pub kind: Number,
    pub encoding: Encoding,
    pub big_endian: bool,
    /// Of all axes, the fastest first.
    pub sizes: Vec<usize>,
    /// The first axis is red, green and blue.
    pub colours: bool,
    pub grid: Grid,
    pub warnings: Vec<String>,
}

const TO_PLAIN: &str =
    "Save it as NRRD with its data in the same file, or as NIfTI (.nii.gz), for example with 3D Slicer";

impl Header {
    /// The header, and the bytes behind it.
    pub fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<(Self, &'a [u8]), OpenError> {
        let corrupt = |what: String| OpenError::corrupt(path, what);
        let unsupported = |what: String| OpenError::unsupported(path, format!("NRRD with {what}"), TO_PLAIN);
        let (fields, data) = fields(path, bytes)?;
        let field = |name: &str| fields.get(name).map(String::as_str);
        let needed = |name: &str| {
            field(name).ok_or_else(|| corrupt(format!("its header has no line \u{201c}{name}\u{201d}")))
        };
        for (name, what) in [
            ("data file", "its data in another file"),
            ("line skip", "lines to be skipped"),
            ("byte skip", "bytes to be skipped"),
            ("old min", "quantised numbers (old min)"),
            ("old max", "quantised numbers (old max)"),
        ] {
            if field(name).is_some_and(|value| value != "0" || name.starts_with("old")) {
                return Err(unsupported(what.to_owned()));
            }
        }
        let sizes = needed("sizes")?;
        let sizes: Vec<usize> = sizes
            .split_whitespace()
            .map(|n| n.parse().ok().filter(|n| *n > 0))
            .collect::<Option<_>>()
            .ok_or_else(|| corrupt(format!("its sizes are {sizes}")))?;
        if needed("dimension")?.parse() != Ok(sizes.len()) {
            return Err(corrupt(format!(
                "its dimension is {} and its sizes are {}",
                needed("dimension")?,
                sizes.len()
            )));
        }
        let kind = number(needed("type")?)
            .ok_or_else(|| unsupported(format!("numbers of the type {}", needed("type").unwrap_or(""))))?;
        let encoding = match needed("encoding")?.to_lowercase().as_str() {
            "raw" => Encoding::Raw,
            "gz" | "gzip" => Encoding::Gzip,
            "txt" | "text" | "ascii" => Encoding::Text,
            other => return Err(unsupported(format!("the encoding {other}"))),
        };
        let big_endian = match field("endian").map(str::to_lowercase).as_deref() {
            Some("big") => true,
            Some("little") => false,
            None if kind.bytes() == 1 || encoding == Encoding::Text => false,
            None => return Err(corrupt("its header does not say the order of bytes (endian)".to_owned())),
            Some(other) => return Err(corrupt(format!("its order of bytes (endian) is {other}"))),
        };
        let kinds: Vec<String> =
            field("kinds").unwrap_or("").split_whitespace().map(str::to_lowercase).collect();
        let is_colour = matches!(kinds.first().map(String::as_str), Some("rgb-color" | "3-color"));
        let colours = is_colour && kind == Number::U8 && sizes[0] == 3;
        let axes = &sizes[usize::from(colours)..];
        if !matches!(axes.len(), 2 | 3) || (is_colour && !colours) {
            let what = if is_colour {
                "colours of other numbers than three of 8 bits".to_owned()
            } else {
                format!("{} axes", sizes.len())
            };
            return Err(unsupported(what));
        }
        let dims = [axes[0], axes[1], axes.get(2).copied().unwrap_or(1)];
        let mut warnings = Vec::new();
        let grid = place(path, &fields, dims, axes.len(), &mut warnings)?;
        Ok((Self { kind, encoding, big_endian, sizes, colours, grid, warnings }, data))
    }
}

/// The lines `field: value` by their names, in lower case; and what follows the empty line. Comments and keys of others
/// (`key:=value`) are passed over.
fn fields<'a>(path: &Path, bytes: &'a [u8]) -> Result<(BTreeMap<String, String>, &'a [u8]), OpenError> {
    let mut fields = BTreeMap::new();
    let mut rest = bytes;
    let mut first = true;
    loop {
        // The header of data in another file may end with the file.
        let end = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
        if line.is_empty() {
            return Ok((fields, rest));
        }
        let line = String::from_utf8_lossy(line);
        if std::mem::take(&mut first) {
            if !matches!(line.strip_prefix("NRRD000"), Some("1" | "2" | "3" | "4" | "5")) {
                return Err(OpenError::unsupported(path, format!("NRRD of the version {line}"), TO_PLAIN));
            }
            continue;
        }
        let Some((name, value)) =
            line.split_once(':').filter(|(name, value)| !name.starts_with('#') && !value.starts_with('='))
        else {
            continue;
        };
        // `datafile` is `data file`, and so are the others.
        let name = name.trim().to_lowercase();
        let name = match name.as_str() {
            "datafile" => "data file",
            "lineskip" => "line skip",
            "byteskip" => "byte skip",
            "oldmin" => "old min",
            "oldmax" => "old max",
            other => other,
        };
        fields.insert(name.to_owned(), value.trim().to_owned());
    }
}

/// The names of C and of its stdint.h.
fn number(name: &str) -> Option<Number> {
    let name = name.trim().to_lowercase();
    let unsigned = name.starts_with('u');
    let width =
        match name.trim_start_matches("signed ").trim_start_matches("unsigned ").trim_start_matches('u') {
            "char" | "int8" | "int8_t" => 1,
            "short" | "short int" | "int16" | "int16_t" => 2,
            "int" | "int32" | "int32_t" => 4,
            "longlong" | "long long" | "long long int" | "int64" | "int64_t" => 8,
            "float" => return Some(Number::F32),
            "double" => return Some(Number::F64),
            _ => return None,
        };
    Some(match (width, unsigned) {
        (1, true) => Number::U8,
        (1, false) => Number::I8,
        (2, true) => Number::U16,
        (2, false) => Number::I16,
        (4, true) => Number::U32,
        (4, false) => Number::I32,
        (_, true) => Number::U64,
        (_, false) => Number::I64,
    })
}

/// Where the voxels lie: in the patient by `space directions`, else by `spacings` alone, else nowhere.
fn place(
    path: &Path,
    fields: &BTreeMap<String, String>,
    dims: [usize; 3],
    axes: usize,
    warnings: &mut Vec<String>,
) -> Result<Grid, OpenError> {
    let corrupt = |what: String| OpenError::corrupt(path, what);
    let field = |name: &str| fields.get(name).map(String::as_str);
    let grid = |made: Result<Grid, _>| made.map_err(|e| OpenError::grid(path, e));
    if let Some(units) = field("space units") {
        let other = units.split('"').map(str::trim).find(|unit| !matches!(*unit, "" | "mm"));
        if let Some(unit) = other {
            return Err(OpenError::unsupported(
                path,
                format!("NRRD whose lengths are in {unit}"),
                "Save it in mm",
            ));
        }
    }
    let Some(directions) = field("space directions") else {
        let spacings: Vec<f64> = field("spacings")
            .unwrap_or("")
            .split_whitespace()
            .map(|n| n.parse::<f64>().unwrap_or(f64::NAN).abs())
            .collect();
        // Of the axes that are places: the last ones.
        let own = spacings.get(spacings.len().saturating_sub(axes)..).unwrap_or_default();
        let step = |axis: usize| own.get(axis).copied().filter(|s| s.is_finite() && *s > 0.0);
        return grid(match step(0) {
            Some(x) => Grid::spaced(dims, [x, step(1).unwrap_or(x), step(2).unwrap_or(1.0)]),
            None => Grid::pixels(dims),
        });
    };
    let wrong = || corrupt(format!("its space directions are {directions}"));
    let vectors = vectors(directions).ok_or_else(wrong)?;
    let [x, y, z] = match &vectors[..] {
        [x, y, z] if axes == 3 => [x, y, z].map(|v| <[f64; 3]>::try_from(v.as_slice()).ok()),
        [x, y] if axes == 2 && x.len() == 2 && y.len() == 2 => {
            let [dx, dy] = [x, y].map(|v| v[0].hypot(v[1]));
            return grid(Grid::spaced(dims, [dx, dy, 1.0]));
        }
        [x, y] if axes == 2 => {
            let [x, y] = [x, y].map(|v| <[f64; 3]>::try_from(v.as_slice()).ok());
            let across =
                x.zip(y).map(|(x, y)| DVec3::from(x).cross(DVec3::from(y)).normalize_or_zero().to_array());
            [x, y, across]
        }
        _ => return Err(wrong()),
    };
    let (Some(x), Some(y), Some(z)) = (x, y, z) else { return Err(wrong()) };
    let origin = match field("space origin") {
        None => DVec3::ZERO,
        Some(text) => match vectors_of_one(text) {
            Some(origin) => origin,
            None => return Err(corrupt(format!("its space origin is {text}"))),
        },
    };
    let space = field("space").unwrap_or("").to_lowercase();
    let (sign, frame) = match space.trim_end_matches("-time") {
        "left-posterior-superior" | "lps" | "lpst" => (DVec3::ONE, Frame::Patient),
        "right-anterior-superior" | "ras" | "rast" => (DVec3::new(-1.0, -1.0, 1.0), Frame::Patient),
        "left-anterior-superior" | "las" | "last" => (DVec3::new(1.0, -1.0, 1.0), Frame::Patient),
        _ => {
            if !is_plain(&[x, y, z], origin) {
                warnings.push(
                    "The file does not say how its space lies in the patient: its axes are kept, and left and right are unknown"
                        .to_owned(),
                );
            }
            (DVec3::ONE, Frame::Image)
        }
    };
    let column = |v: [f64; 3]| DVec3::from(v) * sign;
    let affine =
        DAffine3 { matrix3: DMat3::from_cols(column(x), column(y), column(z)), translation: origin * sign };
    grid(Grid::new(dims, affine, Unit::Millimetre, frame))
}

fn is_plain(axes: &[[f64; 3]; 3], origin: DVec3) -> bool {
    origin == DVec3::ZERO
        && axes
            .iter()
            .enumerate()
            .all(|(i, axis)| (0..3).all(|j| if i == j { axis[j] > 0.0 } else { axis[j] == 0.0 }))
}

fn vectors_of_one(text: &str) -> Option<DVec3> {
    let [only] = &vectors(text)?[..] else { return None };
    match only[..] {
        [x, y, z] => Some(DVec3::new(x, y, z)),
        [x, y] => Some(DVec3::new(x, y, 0.0)),
        _ => None,
    }
}

/// `none (1,0,0) (0, 1, 0)`: the vectors; axes that are no places are left out.
fn vectors(text: &str) -> Option<Vec<Vec<f64>>> {
    let mut vectors = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("none") {
            rest = after.trim_start();
            continue;
        }
        let (inside, after) = rest.strip_prefix('(')?.split_once(')')?;
        let numbers: Option<Vec<f64>> =
            inside.split(',').map(|n| n.trim().parse::<f64>().ok().filter(|n| n.is_finite())).collect();
        vectors.push(numbers?);
        rest = after.trim_start();
    }
    Some(vectors)
}
