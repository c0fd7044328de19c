//! What a TIFF's description says of its pages: which are slices, which channels, which moments, and how far apart they
//! lie. ImageJ's lines, OME-XML, tifffile's JSON, and MetaMorph's count.

use super::{
    described::{Axis, Described, Sizes, Spacing, stack_of},
    ome,
};

/// Description of several images, or what is wrong with it in words; `None` where it says nothing of the pages.
///
/// `pages` are all of the file, which OME counts, and those that are pictures.
pub fn read(
    text: &str,
    file_name: &str,
    [all, pictures]: [usize; 2],
) -> Option<Result<Vec<Described>, String>> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with("ImageJ=") {
        return Some(image_j(start, pictures));
    }
    if start.starts_with('<') && start.contains("<OME") || start.contains(":OME") {
        return Some(ome::read(start, file_name, all));
    }
    if start.starts_with('{') {
        return shaped(start);
    }
    None
}

/// The value of a line `key=value` of ImageJ's.
fn line_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

/// ImageJ writes the channels of a slice, then the next slice, then the next moment.
fn image_j(text: &str, pages: usize) -> Result<Vec<Described>, String> {
    let value = |key: &str| line_of(text, key);
    let mut words = Vec::new();
    let mut size = |key: &str| -> Result<Option<usize>, String> {
        let Some(text) = value(key) else { return Ok(None) };
        words.push(format!("{key}={text}"));
        text.parse()
            .ok()
            .filter(|&n| n > 0)
            .map(Some)
            .ok_or_else(|| format!("{key}={text} is not a number of images"))
    };
    let images = size("images")?;
    let [channels, slices, frames] = [size("channels")?, size("slices")?, size("frames")?];
    let stated = channels.or(slices).or(frames).is_some();
    let sizes = match stated {
        true => Sizes {
            channels: channels.unwrap_or(1),
            slices: slices.unwrap_or(1),
            moments: frames.unwrap_or(1),
        },
        false => Sizes { channels: 1, slices: images.unwrap_or(pages), moments: 1 },
    };
    let words = words.join(" ");
    if images.is_some_and(|n| sizes.product() != Some(n)) {
        return Err(words);
    }
    let unit = value("unit").map(unescaped);
    let step = value("spacing").and_then(|n| n.parse::<f64>().ok()).map(f64::abs);
    let spacing = Spacing {
        steps: [None, None, step],
        units: [value("xunit"), value("yunit"), value("zunit")]
            .map(|own| own.map(unescaped).or(unit.clone())),
        in_resolution: true,
    };
    Ok(vec![Described { sizes, spacing, ..stack_of(1, words) }])
}

/// What ImageJ says of the values: slope and intercept, where they are not those that are stored (a signed 16-bit image is stored
/// so). An error names a curve that is none of a straight line.
pub fn calibration(text: &str) -> Option<Result<[f64; 2], String>> {
    let value = |key: &str| line_of(text, key);
    let curve = text.starts_with("ImageJ=").then(|| value("cf")).flatten()?;
    let number = |key| value(key)?.parse::<f64>().ok().filter(|n| n.is_finite());
    match (curve, number("c0"), number("c1")) {
        ("0", Some(intercept), Some(slope)) if slope != 0.0 => Some(Ok([slope, intercept])),
        _ => Some(Err(format!(
            "ImageJ's calibration of the values (cf={curve}) is not applied: they are those that are stored"
        ))),
    }
}

/// `\u00B5m` to `µm`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split("\\u");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        match code {
            Some(c) => {
                out.push(c);
                out.push_str(&part[4..]);
            }
            None => {
                out.push_str("\\u");
                out.push_str(part);
            }
        }
    }
    out
}

/// Whether a page begins a series of tifffile's, which describes each at its first page.
pub fn begins_series(text: &str) -> bool {
    text.trim_start().starts_with("{\"shape\"")
}

/// The series of tifffile's that begin at these pages: what describes each, and its pages.
pub fn series(parts: &[(String, Vec<usize>)]) -> Result<Vec<Described>, String> {
    let one = |(text, pages): &(String, Vec<usize>)| {
        let words = || text.trim().to_owned();
        let described = match shaped(text) {
            None => stack_of(pages.len(), words()),
            Some(Err(words)) => return Err(words),
            Some(Ok(mut described)) => described.pop().ok_or_else(words)?,
        };
        if described.sizes.product() != Some(pages.len()) {
            return Err(described.words);
        }
        Ok(Described { pages: Some(pages.clone()), ..described })
    };
    parts.iter().map(one).collect()
}

/// `{"shape": [3, 4, 24, 32], "axes": "TZYX"}`: the last axes are within a page.
fn shaped(text: &str) -> Option<Result<Vec<Described>, String>> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    let shape: Vec<usize> =
        json["shape"].as_array()?.iter().map(|n| n.as_u64().map(|n| n as usize)).collect::<Option<_>>()?;
    let axes = json["axes"].as_str().unwrap_or_default();
    let words = match axes {
        "" => format!("shape={shape:?}"),
        axes => format!("shape={shape:?} axes={axes}"),
    };
    if axes.chars().count() != shape.len() {
        // Without names, one axis before rows and columns (and colours) is a stack; more could be anything.
        let colours = matches!(shape[..], [.., 3 | 4]) && shape.len() > 2;
        let before = &shape[..shape.len().saturating_sub(if colours { 3 } else { 2 })];
        return (before.iter().filter(|&&n| n > 1).count() > 1).then_some(Err(words));
    }
    let mut sizes = Sizes { channels: 1, slices: 1, moments: 1 };
    let mut order = Vec::new();
    let mut unnamed = Vec::new();
    for (letter, &size) in axes.chars().rev().zip(shape.iter().rev()) {
        match (letter, Axis::of_letter(letter)) {
            ('Y' | 'X' | 'S', _) => continue,
            (_, Some(axis)) if !order.contains(&axis) && size > 0 => {
                order.push(axis);
                match axis {
                    Axis::Channel => sizes.channels = size,
                    Axis::Slice => sizes.slices = size,
                    Axis::Moment => sizes.moments = size,
                }
            }
            _ if size == 1 => continue,
            _ => unnamed.push(size),
        }
    }
    match (&unnamed[..], sizes.product()) {
        ([], _) => {}
        // One axis of any name is a stack.
        (&[only], Some(1)) => sizes.slices = only,
        _ => return Some(Err(words)),
    }
    order.extend(
        [Axis::Channel, Axis::Slice, Axis::Moment]
            .into_iter()
            .filter(|a| !order.contains(a))
            .collect::<Vec<_>>(),
    );
    let order = order.try_into().ok()?;
    Some(Ok(vec![Described { sizes, order, ..stack_of(1, words) }]))
}

/// Millimetres of a unit of length by the names that ImageJ and OME give it; `None` for what is no length.
pub fn millimetres(unit: &str) -> Option<f64> {
    // Both letters that look like µ.
    let unit = unit.trim().replace('\u{3bc}', "\u{b5}");
    Some(match unit.to_lowercase().as_str() {
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => 1.0,
        "\u{b5}m" | "um" | "micron" | "microns" | "micrometer" | "micrometers" | "micrometre"
        | "micrometres" => 1e-3,
        "nm" | "nanometer" | "nanometers" | "nanometre" | "nanometres" => 1e-6,
        "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => 10.0,
        "m" | "meter" | "meters" | "metre" | "metres" => 1e3,
        "pm" => 1e-9,
        "\u{e5}" | "angstrom" => 1e-7,
        "in" | "inch" | "inches" | "\"" => 25.4,
        _ => return None,
    })
}

/// Names that say that there is no unit.
pub fn is_no_unit(unit: &str) -> bool {
    matches!(
        unit.trim().to_lowercase().as_str(),
        "" | "pixel" | "pixels" | "px" | "voxel" | "reference frame"
    )
}
