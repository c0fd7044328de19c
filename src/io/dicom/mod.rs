//! DICOM: a file (also of many frames) or a folder with series, through `dicom-object` and `dicom-pixeldata`.

mod file;
mod header;
mod pixels;
mod series;
mod tags;

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, guard, raster, samples, samples::Raw, source, tiff,
};
use crate::{geom::Grid, volume::Modality};
use file::DataSet;
use header::Header;
use pixels::Pixels;
use rayon::prelude::*;
use series::{Series, Slice};
use std::{
    collections::HashMap,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

pub static FORMAT: Format = Format {
    id: "dicom",
    title: "DICOM (file or series folder)",
    extensions: &["dcm", "dicom", "ima"],
    sniff: |path, head| if head.is_empty() { is_folder(path) } else { is_file(head) },
    open,
};

/// The mark behind the 128 bytes of preamble (PS3.10, 7.1).
const MARK: std::ops::Range<usize> = 128..132;
/// Folders in folders that are looked into.
const MAX_DEPTH: usize = 4;
/// Slices read side by side between two looks at `cancelled`.
const BATCH: usize = 8;

fn is_file(head: &[u8]) -> bool {
    head.get(MARK) == Some(b"DICM")
}

/// A folder with DICOM files, or without pictures and with DICOM files further down.
fn is_folder(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else { return false };
    let (mut folders, mut pictures) = (false, false);
    for entry in entries.flatten() {
        let file = entry.path();
        if file.is_dir() {
            folders = true;
        } else if is_picture(&file) {
            pictures = true;
        } else if has_mark(&file) {
            return true;
        }
    }
    folders && !pictures && !files_in(path).is_empty()
}

fn is_picture(file: &Path) -> bool {
    raster::FORMAT.has_extension_of(file) || tiff::FORMAT.has_extension_of(file)
}

fn has_mark(file: &Path) -> bool {
    let Ok(file) = File::open(file) else { return false };
    let mut head = Vec::new();
    file.take(MARK.end as u64).read_to_end(&mut head).is_ok() && is_file(&head)
}

/// Every DICOM file in a folder and the folders in it, by name.
fn files_in(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let file = entry.path();
            if file.is_dir() {
                if depth < MAX_DEPTH {
                    folders.push((file, depth + 1));
                }
            } else if !is_picture(&file) && has_mark(&file) {
                found.push(file);
            }
        }
    }
    found.sort();
    found
}

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let mut warnings = Vec::new();
    let headers = if path.is_dir() {
        headers_in(path, &mut warnings, progress)?
    } else {
        let (header, odd) = header::read(path)?;
        warnings.extend(odd);
        vec![header]
    };
    let all = series::of(&headers);
    let chosen = choose(path, &headers, &all, options)?;
    let series = &all[chosen];
    if all.len() > 1 {
        warnings.push(format!("There are {} series; this is {}", all.len(), series.title));
    }
    warnings.extend(series.warnings.iter().cloned());
    let grid = series::grid(&headers, series, &mut warnings).map_err(|e| OpenError::grid(path, e))?;
    let loaded = Loader::new(&headers, series)?.load(series, &grid, progress)?;
    warnings.extend(loaded.warnings);
    let first = &headers[series.slices[0].file];
    note(&headers, series, &mut warnings);
    let modality = modality(&first.modality);
    let (native, inexact) = loaded.samples.narrow();
    warnings.extend(inexact);
    let volume = samples::build(path, grid, native, loaded.rescale, modality)?
        .with_low_white(low_is_white(&headers, series));
    let infos: Vec<_> = match all.len() {
        1 => Vec::new(),
        _ => all.iter().enumerate().map(|(i, s)| s.info(&headers, i == chosen)).collect(),
    };
    let facts = serde_json::json!({
        "format": "dicom",
        "modality": first.modality,
        "transfer_syntax": first.transfer_syntax,
        "photometric": first.layout.photometric,
        "bits_allocated": first.layout.bits_allocated,
        "bits_stored": first.layout.bits_stored,
        "signed": first.layout.signed,
        "slices": series.slices.len(),
        "lossy": first.lossy,
    });
    Ok(Opened {
        volume,
        source: path.to_owned(),
        warnings,
        series: infos,
        content_hash: loaded.hash,
        by_look: false,
        facts,
    })
}

/// The headers of a folder's images; files without one are passed over, broken ones are said.
fn headers_in(
    path: &Path,
    warnings: &mut Vec<String>,
    progress: &mut dyn Progress,
) -> Result<Vec<Header>, OpenError> {
    let files = files_in(path);
    let (mut headers, mut broken) = (Vec::new(), Vec::new());
    for (i, batch) in files.chunks(64).enumerate() {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let read: Vec<_> = batch.par_iter().map(|f| guard::decode(f, || header::read(f))).collect();
        for header in read {
            match header {
                Ok((header, odd)) => {
                    headers.push(header);
                    warnings.extend(odd);
                }
                Err(OpenError::NoImage { .. }) => {}
                Err(error) => broken.push(error),
            }
        }
        progress.report((i * 64 + batch.len()) as u64, files.len() as u64);
    }
    if headers.is_empty() {
        return Err(broken.into_iter().next().unwrap_or_else(|| OpenError::NoImage {
            path: path.to_owned(),
            what: format!("none of its {} DICOM files is an image", files.len()),
        }));
    }
    if let Some(first) = broken.first() {
        warnings
            .push(format!("{} files could not be read and are left out; the first: {first}", broken.len()));
    }
    Ok(headers)
}

fn choose(
    path: &Path,
    headers: &[Header],
    all: &[Series],
    options: &OpenOptions,
) -> Result<usize, OpenError> {
    let Some(asked) = &options.series else {
        let largest = (0..all.len()).rev().max_by_key(|&i| all[i].voxels(headers));
        return largest
            .ok_or_else(|| OpenError::NoImage { path: path.to_owned(), what: "it has no slices".into() });
    };
    all.iter().position(|s| s.id == *asked).ok_or_else(|| OpenError::NoSuchSeries {
        path: path.to_owned(),
        asked: asked.clone(),
        available: all.iter().map(|s| format!("{} ({})", s.id, s.title)).collect::<Vec<_>>().join(", "),
    })
}

/// Whether every slice is meant to be shown with its low values white.
fn low_is_white(headers: &[Header], series: &Series) -> bool {
    series.slices.iter().all(|s| headers[s.file].low_is_white())
}

/// What a viewer of the image should know of how it was stored.
fn note(headers: &[Header], series: &Series, warnings: &mut Vec<String>) {
    let any = |test: fn(&Header) -> bool| series.slices.iter().any(|s| test(&headers[s.file]));
    if any(Header::low_is_white) && !low_is_white(headers, series) {
        let text = "Some slices are meant to be shown with low values white (MONOCHROME1) and others are not; they are shown as stored";
        warnings.push(text.into());
    }
    if any(|h| h.lossy) {
        warnings.push("The image was compressed with loss".into());
    }
    if any(|h| h.has_modality_lut) {
        warnings.push("The image has a table from stored values to true ones, which is not applied".into());
    }
    if any(|h| h.layout.samples == 3 && h.layout.bits_allocated == 16) {
        warnings.push(super::picture::WARN_16_BIT_COLOUR.into());
    }
}

fn modality(code: &str) -> Modality {
    match code {
        "CT" => Modality::Ct,
        "OPT" | "OCT" => Modality::Oct,
        "OP" => Modality::Fundus,
        "ES" | "XC" => Modality::Endoscopy,
        _ => Modality::Other,
    }
}

/// Reads slices from their files; a file of many frames is read once.
struct Loader<'a> {
    headers: &'a [Header],
    many: HashMap<usize, Arc<FilePixels>>,
}

struct FilePixels {
    hash: String,
    pixels: Pixels,
}

struct Loaded {
    samples: Raw,
    rescale: [f32; 2],
    hash: String,
    warnings: Vec<String>,
}

impl<'a> Loader<'a> {
    fn new(headers: &'a [Header], series: &Series) -> Result<Self, OpenError> {
        let mut many = HashMap::new();
        for Slice { file, .. } in &series.slices {
            if headers[*file].frames.len() > 1 && !many.contains_key(file) {
                many.insert(*file, Arc::new(read_file(&headers[*file])?));
            }
        }
        Ok(Self { headers, many })
    }

    fn slice(&self, slice: &Slice) -> Result<(Raw, String), OpenError> {
        let header = &self.headers[slice.file];
        guard::decode(&header.path, || {
            let file = match self.many.get(&slice.file) {
                Some(file) => file.clone(),
                None => Arc::new(read_file(header)?),
            };
            Ok((file.pixels.frame(&header.path, &slice.frame)?, file.hash.clone()))
        })
    }

    /// The middle slice first, then all in order.
    fn load(&self, series: &Series, grid: &Grid, progress: &mut dyn Progress) -> Result<Loaded, OpenError> {
        let slices = &series.slices;
        let depth = slices.len();
        let middle = depth / 2;
        let first = self.slice(&slices[middle])?;
        if depth > 1 {
            let rescale = slices[middle].frame.rescale.map(|v| v as f32);
            let modality = modality(&self.headers[slices[middle].file].modality);
            if let Some(slice) = samples::slice(grid, middle, first.0.clone(), rescale, modality) {
                let low_is_white = low_is_white(self.headers, series);
                progress.preview(slice.with_low_white(low_is_white), middle, depth);
            }
        }
        let one_rescale = slices.iter().all(|s| s.frame.rescale == slices[0].frame.rescale);
        let mut kept = Some(first);
        let mut volume: Option<Raw> = None;
        let mut hashes: Vec<(usize, String)> = Vec::new();
        for start in (0..depth).step_by(BATCH) {
            if progress.cancelled() {
                return Err(OpenError::Cancelled);
            }
            let end = (start + BATCH).min(depth);
            let read: Vec<_> = (start..end)
                .into_par_iter()
                .map(|z| if z == middle { Ok(None) } else { self.slice(&slices[z]).map(Some) })
                .collect();
            for (z, result) in (start..end).zip(read) {
                let Some((raw, hash)) = result?.or_else(|| kept.take()) else { continue };
                let raw = if one_rescale { raw } else { rescaled(raw, slices[z].frame.rescale) };
                match &mut volume {
                    None => volume = Some(raw),
                    Some(all) => {
                        all.append(raw).map_err(|[a, b]| self.mixed(&slices[0], &slices[z], a, b))?
                    }
                }
                if hashes.last().is_none_or(|(file, _)| *file != slices[z].file) {
                    hashes.push((slices[z].file, hash));
                }
            }
            progress.report(end as u64, depth as u64);
        }
        let path = &self.headers[slices[0].file].path;
        let samples = volume
            .ok_or_else(|| OpenError::NoImage { path: path.clone(), what: "it has no slices".into() })?;
        let (rescale, warnings) = match one_rescale {
            true => (slices[0].frame.rescale.map(|v| v as f32), Vec::new()),
            false => (
                [1.0, 0.0],
                vec!["Every slice has its own scale for its values; they are held as float32".to_owned()],
            ),
        };
        let hash = match hashes.as_slice() {
            [(_, only)] => only.clone(),
            many => source::hash_of_hashes(many.iter().map(|(_, h)| h.as_str())),
        };
        Ok(Loaded { samples, rescale, hash, warnings })
    }

    fn mixed(&self, first: &Slice, this: &Slice, a: &str, b: &str) -> OpenError {
        let [first, this] = [first, this].map(|s| &self.headers[s.file].path);
        OpenError::Mixed {
            path: first.clone(),
            what: format!("its pixels are {a}, those of {} are {b}", this.display()),
        }
    }
}

fn read_file(header: &Header) -> Result<FilePixels, OpenError> {
    let path = &header.path;
    let mut file = DataSet::open(path)?;
    let object = file.parse(path, true)?;
    let hash = source::hash_file(path)?;
    Ok(FilePixels { hash, pixels: Pixels::new(path, object, header)? })
}

/// Values in `f32`, for series whose slices are scaled one by one (PET).
fn rescaled(raw: Raw, [slope, intercept]: [f64; 2]) -> Raw {
    let value = |v: f64| (v * slope + intercept) as f32;
    Raw::F32(match raw {
        Raw::U8(v) => v.into_iter().map(|v| value(v.into())).collect(),
        Raw::I8(v) => v.into_iter().map(|v| value(v.into())).collect(),
        Raw::U16(v) => v.into_iter().map(|v| value(v.into())).collect(),
        Raw::I16(v) => v.into_iter().map(|v| value(v.into())).collect(),
        Raw::U32(v) => v.into_iter().map(|v| value(v.into())).collect(),
        Raw::I32(v) => v.into_iter().map(|v| value(v.into())).collect(),
        Raw::F32(v) => v.into_iter().map(|v| value(v.into())).collect(),
        Raw::F64(v) => v.into_iter().map(value).collect(),
        // DICOM has no 64-bit samples, and colour has no scale.
        other @ (Raw::U64(_) | Raw::I64(_) | Raw::Rgb8(_)) => return other,
    })
}
