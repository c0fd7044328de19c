//! A folder of numbered pictures as a volume, such as the B-scans of an OCT.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, SeriesInfo, picture::Picture, raster, samples, source,
    tiff,
};
use crate::{
    geom::Grid,
    volume::{Modality, Volume},
};
use rayon::prelude::*;
use std::{
    cmp::Ordering,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

pub static FORMAT: Format = Format {
    id: "folder",
    title: "Folder of numbered pictures",
    extensions: &[],
    sniff: |path, _| path.is_dir(),
    open,
};

/// Slices decoded side by side between two looks at `cancelled`.
const BATCH: usize = 8;

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let groups = groups(path)?;
    let (name, files) = choose(path, &groups, options)?;
    let depth = files.len();
    let middle = depth / 2;
    let first = read(&files[middle])?;
    if depth > 1
        && let Some(slice) = preview(&first.picture, middle, depth)
    {
        progress.preview(slice, middle, depth);
    }
    let mut slices: Vec<Option<Slice>> = (0..depth).map(|_| None).collect();
    slices[middle] = Some(first);
    let mut done = 1;
    for start in (0..depth).step_by(BATCH) {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let end = (start + BATCH).min(depth);
        let missing: Vec<usize> = (start..end).filter(|&z| slices[z].is_none()).collect();
        let read: Vec<(usize, Result<Slice, OpenError>)> =
            missing.into_par_iter().map(|z| (z, read(&files[z]))).collect();
        for (z, slice) in read {
            slices[z] = Some(slice?);
            done += 1;
        }
        progress.report(done, depth as u64);
    }
    let slices: Vec<Slice> = slices.into_iter().flatten().collect();
    let series = series(&groups, name);
    let mut warnings = Vec::new();
    if series.len() > 1 {
        warnings.push(format!("The folder holds {} kinds of pictures; {name} is shown", series.len()));
    }
    warnings.extend(missing_numbers(files));
    let facts = serde_json::json!({
        "format": "folder",
        "files": files.iter().map(|f| file_name(f)).collect::<Vec<_>>(),
    });
    build(path, slices, warnings, series, facts)
}

fn build(
    path: &Path,
    slices: Vec<Slice>,
    mut warnings: Vec<String>,
    series: Vec<SeriesInfo>,
    mut facts: serde_json::Value,
) -> Result<Opened, OpenError> {
    let mixed = |what: String| OpenError::Mixed { path: path.to_owned(), what };
    let content_hash = source::hash_of_hashes(slices.iter().map(|s| s.hash.as_str()));
    let depth = slices.len();
    let mut all: Option<(String, Picture)> = None;
    for Slice { name, picture, .. } in slices {
        for warning in &picture.warnings {
            if !warnings.contains(warning) {
                warnings.push(warning.clone());
            }
        }
        let Some((first, volume)) = &mut all else {
            all = Some((name, picture));
            continue;
        };
        if (picture.width, picture.height) != (volume.width, volume.height) {
            return Err(mixed(format!(
                "{first} is {} x {}, {name} is {} x {}",
                volume.width, volume.height, picture.width, picture.height
            )));
        }
        volume
            .pixels
            .append(picture.pixels)
            .map_err(|[a, b]| mixed(format!("{first} has {a} pixels, {name} has {b}")))?;
    }
    let Some((_, all)) = all else {
        return Err(OpenError::NoImage { path: path.to_owned(), what: "it has no pictures".into() });
    };
    facts["file_type"] = all.pixels.name().into();
    let grid = Grid::pixels([all.width, all.height, depth]).map_err(|e| OpenError::grid(path, e))?;
    let (native, inexact) = all.pixels.narrow();
    warnings.extend(inexact);
    let volume = samples::build(path, grid, native, [1.0, 0.0], Modality::Other)?;
    Ok(Opened { volume, source: path.to_owned(), warnings, series, content_hash, by_look: false, facts })
}

struct Slice {
    name: String,
    hash: String,
    picture: Picture,
}

fn read(file: &Path) -> Result<Slice, OpenError> {
    let bytes = fs::read(file).map_err(|e| OpenError::io(file, e))?;
    let hash = source::hash(&bytes);
    let decode = || match (tiff::FORMAT.sniff)(file, &bytes[..bytes.len().min(super::HEAD_BYTES)]) {
        true => tiff::decode_single(file, bytes),
        false => raster::decode(file, &bytes),
    };
    // Inside rayon: a panic is fenced in where it happens, so that the error names the slice.
    let picture = super::guard::decode(file, decode)?;
    Ok(Slice { name: file_name(file), hash, picture })
}

fn preview(picture: &Picture, z: usize, depth: usize) -> Option<Volume> {
    let grid = Grid::pixels([picture.width, picture.height, depth]).ok()?;
    samples::slice(&grid, z, picture.pixels.clone(), [1.0, 0.0], Modality::Other)
}

/// Pictures grouped by their name with the numbers taken out (`slice_#.png`), each group in natural order.
fn groups(path: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>, OpenError> {
    let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for entry in fs::read_dir(path).map_err(|e| OpenError::io(path, e))? {
        let file = entry.map_err(|e| OpenError::io(path, e))?.path();
        let picture = raster::FORMAT.has_extension_of(&file) || tiff::FORMAT.has_extension_of(&file);
        if picture && !super::left_over(&file) && file.is_file() {
            groups.entry(pattern(&file_name(&file))).or_default().push(file);
        }
    }
    if groups.is_empty() {
        return Err(OpenError::NoImage {
            path: path.to_owned(),
            what: "the folder has neither DICOM files nor numbered pictures (PNG, JPEG, BMP, GIF, TIFF)"
                .into(),
        });
    }
    for files in groups.values_mut() {
        files.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    }
    Ok(groups)
}

/// The asked-for group, else the largest.
fn choose<'a>(
    path: &Path,
    groups: &'a BTreeMap<String, Vec<PathBuf>>,
    options: &OpenOptions,
) -> Result<(&'a str, &'a [PathBuf]), OpenError> {
    if let Some(asked) = &options.series {
        let found = groups.get_key_value(asked).map(|(name, files)| (name.as_str(), files.as_slice()));
        return found.ok_or_else(|| OpenError::NoSuchSeries {
            path: path.to_owned(),
            asked: asked.clone(),
            available: groups.keys().cloned().collect::<Vec<_>>().join(", "),
        });
    }
    let largest = groups.iter().max_by_key(|(_, files)| files.len());
    match largest {
        Some((_, files)) if files.len() == 1 && groups.len() > 1 => Err(OpenError::Mixed {
            path: path.to_owned(),
            what: format!(
                "the pictures are not numbered alike ({}); a volume's slices have names such as slice_001.png, slice_002.png",
                groups.values().flatten().take(3).map(|f| file_name(f)).collect::<Vec<_>>().join(", ")
            ),
        }),
        Some((name, files)) => Ok((name, files)),
        None => Err(OpenError::NoImage { path: path.to_owned(), what: "it has no pictures".into() }),
    }
}

fn series(groups: &BTreeMap<String, Vec<PathBuf>>, shown: &str) -> Vec<SeriesInfo> {
    if groups.len() < 2 {
        return Vec::new();
    }
    let info = |(name, files): (&String, &Vec<PathBuf>)| SeriesInfo {
        id: name.clone(),
        title: format!("{name} ({} pictures)", files.len()),
        dims: [0, 0, files.len()],
        shown: name == shown,
    };
    groups.iter().map(info).collect()
}

/// Gaps in the numbering, judged by the last number of the names.
fn missing_numbers(files: &[PathBuf]) -> Option<String> {
    let number = |file: &PathBuf| {
        let name = file.file_stem()?.to_string_lossy().into_owned();
        let digits = name.trim_end_matches(|c: char| !c.is_ascii_digit());
        let start = digits.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |i| i + 1);
        digits[start..].parse::<u64>().ok()
    };
    let numbers: Vec<u64> = files.iter().map(number).collect::<Option<_>>()?;
    let steps: Vec<u64> = numbers.windows(2).map(|w| w[1].saturating_sub(w[0])).collect();
    let usual = *steps.iter().min()?;
    let gap = steps.iter().position(|&s| s != usual)?;
    Some(format!("The numbering has a gap after {}: a slice may be missing", file_name(&files[gap])))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// `B12.tif` to `B#.tif`.
fn pattern(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        if !c.is_ascii_digit() {
            pattern.push(c);
        } else if !pattern.ends_with('#') {
            pattern.push('#');
        }
    }
    pattern
}

/// Runs of digits compare as numbers: 2 before 10.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else {
            return a.len().cmp(&b.len());
        };
        let run = |s: &str| s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (m, n) = (run(a), run(b));
        let order = if m > 0 && n > 0 {
            let (p, q) = (a[..m].trim_start_matches('0'), b[..n].trim_start_matches('0'));
            let order = p.len().cmp(&q.len()).then_with(|| p.cmp(q)).then(m.cmp(&n));
            (a, b) = (&a[m..], &b[n..]);
            order
        } else {
            (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]);
            x.cmp(&y)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order() {
        let mut names = ["B10.tif", "B2.tif", "b1.tif", "B1.tif", "B02.tif", "B1a.tif"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["B1.tif", "B1a.tif", "B2.tif", "B02.tif", "B10.tif", "b1.tif"]);
    }

    #[test]
    fn numbers_become_one_pattern() {
        assert_eq!(pattern("scan_12_0034.png"), "scan_#_#.png");
    }

    #[test]
    fn gap_is_noticed() {
        let files = |numbers: &[u32]| -> Vec<PathBuf> {
            numbers.iter().map(|n| PathBuf::from(format!("scan2_{n:03}.png"))).collect()
        };
        assert_eq!(missing_numbers(&files(&[1, 2, 3])), None);
        assert_eq!(missing_numbers(&files(&[5, 7, 9])), None);
        assert!(missing_numbers(&files(&[1, 2, 4])).unwrap().contains("scan2_002.png"));
    }
}
