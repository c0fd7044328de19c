//! A folder of pictures: those that are numbered like slices are a volume, such as the B-scans of an OCT; others, such as
//! the photographs of many patients, are an image each.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, Quiet, SeriesInfo,
    picture::{self, Picture},
    raster, samples, source, tiff,
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
    title: "Folder of pictures",
    extensions: &[],
    reads: "numbered like slices (such as the B-scans of an OCT): a volume; others: separate pictures; `--series \"eye#.png\"` makes a volume of them",
    sniff: |path, _| path.is_dir(),
    open,
    writer: None,
};

/// Slices decoded side by side between two looks at `cancelled`.
const BATCH: usize = 8;

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let pictures = Pictures::of(path)?;
    let (name, files) = pictures.choose(path, options)?;
    let files = &files[..];
    let depth = files.len();
    let middle = depth / 2;
    let first = read(&files[middle], options, progress)?;
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
            missing.into_par_iter().map(|z| (z, read(&files[z], options, &mut Quiet))).collect();
        for (z, slice) in read {
            slices[z] = Some(slice?);
            done += 1;
        }
        progress.report(done, depth as u64);
    }
    let slices: Vec<Slice> = slices.into_iter().flatten().collect();
    let series = pictures.series(&name);
    let mut warnings = Vec::new();
    let asked = options.series.is_some();
    if let [picture] = files {
        // It is a picture of its own: its project and its masks are named after it, and not after the folder.
        if !asked && series.len() > 1 {
            warnings.push(pictures.apart(&name));
        }
        let facts = serde_json::json!({ "format": "folder", "files": [name] });
        let opened = build(path, slices, warnings, series, facts)?;
        return Ok(Opened { source: picture.clone(), ..opened });
    }
    if series.len() > 1 {
        warnings
            .push(format!("The folder holds {} kinds of pictures; {name} is shown", pictures.groups.len()));
    }
    warnings.extend(missing_numbers(files));
    if !asked && !says_slices(files) {
        warnings.push(format!(
            "{} pictures are taken for the slices of one volume, because they are numbered in a row: where they are not, \
             open them one by one",
            files.len()
        ));
    }
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
    let turned = picture::turned(&slices.iter().map(|s| s.picture.turn).collect::<Vec<_>>());
    let depth = slices.len();
    let mut all: Option<(String, Picture)> = None;
    for Slice { name, picture, .. } in slices {
        let Some((first, volume)) = &mut all else {
            let mut picture = picture;
            picture.pixels.reserve(path, picture.pixels.len() as u128 * (depth - 1) as u128)?;
            all = Some((name, picture));
            continue;
        };
        volume.append(picture).map_err(|what| mixed(format!("{name} differs from {first}: {what}")))?;
    }
    let Some((_, all)) = all else {
        return Err(OpenError::NoImage { path: path.to_owned(), what: "it has no pictures".into() });
    };
    warnings.extend(all.warnings);
    facts["file_type"] = all.pixels.name().into();
    let grid = Grid::pixels([all.width, all.height, depth]).map_err(|e| OpenError::grid(path, e))?;
    let (native, inexact) = all.pixels.narrow(path)?;
    warnings.extend(inexact);
    let volume = samples::build(path, grid, native, all.rescale, Modality::Other)?;
    Ok(Opened {
        volume: volume.with_low_white(all.low_is_white),
        source: path.to_owned(),
        warnings,
        series,
        content_hash,
        turned,
        by_look: false,
        facts,
    })
}

struct Slice {
    name: String,
    hash: String,
    picture: Picture,
}

fn read(file: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Slice, OpenError> {
    let bytes = source::read_all(file, &mut Quiet)?;
    let hash = source::hash(&bytes);
    let decode = || match (tiff::FORMAT.sniff)(file, &bytes[..bytes.len().min(super::HEAD_BYTES)]) {
        true => tiff::decode_single(file, &bytes, options.as_mask, progress),
        false => raster::decode(file, &bytes, options.as_mask, progress),
    };
    // Inside rayon: a panic is fenced in where it happens, so that the error names the slice.
    let picture = super::guard::decode(file, decode)?;
    Ok(Slice { name: file_name(file), hash, picture })
}

fn preview(picture: &Picture, z: usize, depth: usize) -> Option<Volume> {
    let grid = Grid::pixels([picture.width, picture.height, depth]).ok()?;
    let slice = samples::slice(&grid, z, picture.pixels.clone(), picture.rescale, Modality::Other)?;
    Some(slice.with_low_white(picture.low_is_white))
}

/// Why a folder does not give one image: a single picture of it was opened.
pub fn not_one_image(path: &Path, opened: &Opened) -> Option<String> {
    let one_of_many = path.is_dir() && opened.source != path && opened.series.len() > 1;
    one_of_many.then(|| "it is a folder of separate pictures, which are not numbered like slices".to_owned())
}

/// The pictures of a folder where each is an image of its own; None where they are slices.
pub fn separate_pictures(path: &Path) -> Result<Option<Vec<PathBuf>>, OpenError> {
    let pictures = Pictures::of(path)?;
    let all: Vec<PathBuf> = pictures.groups.into_values().flatten().collect();
    Ok(pictures.stacks.is_empty().then_some(all))
}

/// The pictures of a folder.
struct Pictures {
    /// By their names with the numbers taken out (`slice_#.png`), each group in natural order.
    groups: BTreeMap<String, Vec<PathBuf>>,
    /// The groups whose pictures are the slices of a volume.
    stacks: Vec<String>,
}

impl Pictures {
    fn of(path: &Path) -> Result<Self, OpenError> {
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
                what: "the folder has neither DICOM files nor pictures (PNG, JPEG, BMP, GIF, TIFF)".into(),
            });
        }
        for files in groups.values_mut() {
            files.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
        }
        let stacks = groups.iter().filter(|(_, files)| are_slices(files)).map(|(name, _)| name.clone());
        let stacks = stacks.collect();
        Ok(Self { groups, stacks })
    }

    /// What was asked for, a group or a picture; else the largest volume, else the first picture.
    fn choose(&self, path: &Path, options: &OpenOptions) -> Result<(String, Vec<PathBuf>), OpenError> {
        let picture = |file: &PathBuf| (file_name(file), vec![file.clone()]);
        if let Some(asked) = &options.series {
            if let Some(files) = self.groups.get(asked) {
                return Ok((asked.clone(), files.clone()));
            }
            let found = self.groups.values().flatten().find(|file| file_name(file) == *asked);
            return found.map(picture).ok_or_else(|| OpenError::NoSuchSeries {
                path: path.to_owned(),
                asked: asked.clone(),
                available: self.series("").into_iter().map(|s| s.id).collect::<Vec<_>>().join(", "),
            });
        }
        let stacks = self.groups.iter().filter(|(name, _)| self.stacks.contains(name));
        let largest = stacks.max_by_key(|(_, files)| files.len());
        let first = || self.groups.values().flatten().next().map(picture);
        largest
            .map(|(name, files)| (name.clone(), files.clone()))
            .or_else(first)
            .ok_or_else(|| OpenError::NoImage { path: path.to_owned(), what: "it has no pictures".into() })
    }

    /// Every image that the folder holds: volumes, pictures, and pictures as the volumes that a person may call them.
    fn series(&self, shown: &str) -> Vec<SeriesInfo> {
        let mut all = Vec::new();
        for (name, files) in &self.groups {
            let title = match self.stacks.contains(name) {
                true => format!("{name} ({} pictures)", files.len()),
                false => format!("{name} ({} pictures as one volume)", files.len()),
            };
            if files.len() > 1 {
                let shown = name == shown;
                all.push(SeriesInfo { id: name.clone(), title, dims: [0, 0, files.len()], shown });
            }
            if !self.stacks.contains(name) {
                all.extend(files.iter().map(|file| {
                    let id = file_name(file);
                    SeriesInfo { title: id.clone(), dims: [0, 0, 1], shown: id == shown, id }
                }));
            }
        }
        if all.len() > 1 { all } else { Vec::new() }
    }

    /// That there are more pictures, and how they are had.
    fn apart(&self, shown: &str) -> String {
        let count = self.groups.values().flatten().count();
        let volume =
            self.groups.iter().find(|(_, files)| files.len() > 1).map_or_else(String::new, |(name, _)| {
                format!("; on the command line, --series \"{name}\" takes those of this name for the slices of one volume")
            });
        format!(
            "The folder holds {count} separate pictures, which are not numbered like slices; {shown} is shown, and the others \
             are in the list{volume}"
        )
    }
}

/// Whether pictures of one pattern are the slices of a volume: their names differ in one number that ends them and counts
/// in equal steps, and they are grey, as photographs are not; or their names say so.
fn are_slices(files: &[PathBuf]) -> bool {
    let Some(numbers) = last_numbers(files) else { return false };
    if says_slices(files) {
        return true;
    }
    let steps: Vec<u64> = numbers.windows(2).map(|w| w[1].saturating_sub(w[0])).collect();
    let usual = steps.iter().min().copied().unwrap_or(0);
    let regular = steps.iter().filter(|&&step| step == usual).count();
    // Some may be missing of those that count one by one.
    let counts = regular == steps.len() || (usual == 1 && 2 * regular >= steps.len());
    usual > 0 && counts && !is_colour(&files[files.len() / 2])
}

/// The number that each name ends in, where nothing else differs.
fn last_numbers(files: &[PathBuf]) -> Option<Vec<u64>> {
    let split = |file: &PathBuf| {
        let stem = file.file_stem()?.to_string_lossy().into_owned();
        let before = stem.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let number = stem[before.len()..].parse::<u64>().ok()?;
        Some((before, number))
    };
    let all: Vec<(String, u64)> = files.iter().map(split).collect::<Option<_>>()?;
    let alike = all.len() > 1 && all.iter().all(|(before, _)| *before == all[0].0);
    alike.then(|| all.into_iter().map(|(_, number)| number).collect())
}

/// Whether the names say that the pictures are slices: by a word, or as whole numbers with zeros before them (`0001.png`).
fn says_slices(files: &[PathBuf]) -> bool {
    let Some(name) = files.first().map(|file| file_name(file).to_lowercase()) else { return false };
    let words = ["slice", "bscan", "b-scan", "b_scan"];
    let counted = name.starts_with("00") || (name.starts_with('0') && name.len() > "01.png".len());
    let whole = name.split('.').next().is_some_and(|stem| stem.bytes().all(|b| b.is_ascii_digit()));
    words.iter().any(|word| name.contains(word)) || (counted && whole)
}

/// Whether a picture shows colours: grey that is stored as colour, with what JPEG adds, does not.
fn is_colour(file: &Path) -> bool {
    let Ok(Slice { picture: Picture { pixels: samples::Raw::Rgb8(pixels), .. }, .. }) =
        read(file, &OpenOptions::default(), &mut Quiet)
    else {
        return false;
    };
    let coloured = |p: &&[u8; 3]| {
        let (low, high) = p.iter().fold((u8::MAX, 0), |(low, high), v| (low.min(*v), high.max(*v)));
        high - low > 24
    };
    100 * pixels.iter().filter(coloured).count() > pixels.len()
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

    fn folder_of(names: &[&str], colour: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (i, name) in names.iter().enumerate() {
            let blue = if colour { 200 } else { 20 };
            let picture = image::RgbImage::from_fn(4, 3, |_, _| image::Rgb([20 + i as u8, 20, blue]));
            picture.save(folder.path().join(name)).unwrap();
        }
        folder
    }

    fn opened(folder: &Path, series: Option<&str>) -> Opened {
        let options = OpenOptions { series: series.map(str::to_owned), ..OpenOptions::default() };
        open(folder, &options, &mut super::super::Quiet).unwrap()
    }

    #[test]
    fn photographs_of_one_size_are_separate_pictures() {
        for (names, colour, apart) in [
            (["eye1.png", "eye2.png", "eye3.png"], true, true),
            (["eye1.png", "eye2.png", "eye3.png"], false, false),
            (["slice_1.png", "slice_2.png", "slice_3.png"], true, false),
            (["0001.png", "0002.png", "0003.png"], true, false),
            (["21_training.png", "22_training.png", "23_training.png"], false, true),
            (["01L.png", "02L.png", "03L.png"], false, true),
            (["p103.png", "p107.png", "p160.png"], false, true),
            (["anna.png", "berta.png", "cora.png"], false, true),
        ] {
            let folder = folder_of(&names, colour);
            fs::write(folder.path().join("._eye1.png"), b"companion").unwrap();
            let found = separate_pictures(folder.path()).unwrap().map(|files| files.len());
            assert_eq!(found, apart.then_some(3), "{names:?}, colour: {colour}");
            let opened = opened(folder.path(), None);
            assert_eq!(opened.volume.dims()[2], if apart { 1 } else { 3 }, "{names:?}");
            if apart {
                assert_eq!(opened.source, folder.path().join(names[0]));
                assert!(opened.warnings[0].contains("3 separate pictures"), "{:?}", opened.warnings);
            }
        }
    }

    #[test]
    fn a_person_says_that_pictures_are_slices_or_chooses_one() {
        let folder = folder_of(&["eye1.png", "eye2.png", "eye3.png"], true);
        assert_eq!(opened(folder.path(), Some("eye#.png")).volume.dims(), [4, 3, 3]);
        let second = opened(folder.path(), Some("eye2.png"));
        assert_eq!((second.volume.dims(), second.volume.value([0, 0, 0])[0]), ([4, 3, 1], 21.0));
        assert_eq!(second.source, folder.path().join("eye2.png"));
        let ids: Vec<&str> = second.series.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["eye#.png", "eye1.png", "eye2.png", "eye3.png"]);
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
