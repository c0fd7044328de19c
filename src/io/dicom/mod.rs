//! DICOM: a file (also of many frames) or a folder with series.
//!
//! [`mod@file`] finds the data set and [`walk`] its elements; [`header`] says what they mean; [`gather`] and [`split`] decide
//! which frames make a volume, [`place`] where it lies; [`pixels`] and [`codec`] read its samples, and [`load`] puts them
//! together.

mod attributes;
mod codec;
mod colour;
mod file;
mod folder;
mod gather;
mod header;
mod keys;
mod layout;
mod load;
mod pixels;
mod place;
mod series;
mod split;
mod stored;
mod syntax;
mod tags;
mod walk;

use super::{Format, OpenError, OpenOptions, Opened, Progress, guard, samples};
use crate::volume::{HOUNSFIELD, Modality};
use header::Header;
use load::Loader;
use rayon::prelude::*;
use series::Series;
use std::path::Path;

pub static FORMAT: Format = Format {
    id: "dicom",
    title: "DICOM (file or series folder)",
    extensions: &["dcm", "dicom", "ima"],
    reads: "a file or a folder of series, with any ending or none; see below",
    sniff: |path, head| if head.is_empty() { folder::is_folder(path) } else { file::is_file(head) },
    open,
    writer: None,
};

/// Files read side by side between two looks at `cancelled`.
const BATCH: usize = 64;
/// So many of what is left out are named.
const MOST_NAMED: usize = 8;

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let mut warnings = Vec::new();
    let headers = if path.is_dir() {
        headers_in(path, &mut warnings, progress)?
    } else {
        let (header, odd) = header::read(path)?;
        warnings.extend(odd);
        vec![header]
    };
    if options.as_mask && headers.iter().any(|h| h.modality == "SEG") {
        return Err(OpenError::unsupported(
            path,
            "A mask as DICOM segmentation, whose labels are the numbers of its segments,",
            "Save it as NIfTI first, for example with dcmqi's segimage2itkimage",
        ));
    }
    let all = gather::of(&headers);
    let chosen = choose(path, &headers, &all, options)?;
    let series = &all[chosen];
    warnings.extend(others(&all, chosen));
    warnings.extend(series.warnings.iter().cloned());
    let grid = place::grid(&headers, series, &mut warnings).map_err(|e| OpenError::grid(path, e))?;
    let loaded = Loader::new(&headers, series, progress)?.load(series, &grid, progress)?;
    warnings.extend(loaded.warnings);
    let first = &headers[series.slices[0].file];
    note(&headers, series, &mut warnings);
    let modality = modality(&first.modality);
    let unit = first.rescale_type.as_str();
    let (native, inexact) = loaded.samples.narrow(path)?;
    warnings.extend(inexact);
    let mut volume = samples::build(path, grid, native, loaded.rescale, modality)?
        .with_low_white(low_is_white(&headers, series));
    if volume.value_unit().is_some() && !["", HOUNSFIELD].contains(&unit) {
        warnings.push(format!(
            "The values of this {} are not in {HOUNSFIELD} (its Rescale Type is {unit}): they are shown without a unit, and \
             windows and models for {HOUNSFIELD} do not fit",
            first.modality
        ));
        volume = volume.without_unit();
    }
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
        turned: None,
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
    let folder::Files { found: files, mut broken } = folder::files_in(path, warnings, progress)?;
    let mut headers = Vec::new();
    // What is odd about files, with the number of files of which it is.
    let mut oddities: Vec<(String, usize)> = Vec::new();
    for (i, batch) in files.chunks(BATCH).enumerate() {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let read: Vec<_> = batch.par_iter().map(|f| guard::decode(f, || header::read(f))).collect();
        for header in read {
            match header {
                Ok((header, odd)) => {
                    headers.push(header);
                    for what in odd {
                        match oddities.iter_mut().find(|(known, _)| *known == what) {
                            Some((_, files)) => *files += 1,
                            None => oddities.push((what, 1)),
                        }
                    }
                }
                Err(OpenError::NoImage { .. }) => {}
                Err(error) => broken.push(error),
            }
        }
        progress.report((i * BATCH + batch.len()) as u64, files.len() as u64);
    }
    warnings.extend(oddities.into_iter().map(|(what, files)| match files {
        1 => what,
        _ => format!("{what} ({files} files)"),
    }));
    if headers.is_empty() {
        return Err(broken.into_iter().next().unwrap_or_else(|| OpenError::NoImage {
            path: path.to_owned(),
            what: format!("none of its {} DICOM files is an image", files.len()),
        }));
    }
    if let Some(first) = broken.first() {
        warnings.push(match broken.len() {
            1 => format!("1 file could not be read and is left out: {first}"),
            n => format!("{n} files could not be read and are left out; the first: {first}"),
        });
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
        let first = |i: usize| &headers[all[i].slices[0].file];
        let largest = (0..all.len())
            .rev()
            .max_by_key(|&i| (!first(i).is_projection, all[i].voxels(headers), !first(i).is_derived));
        return largest
            .ok_or_else(|| OpenError::NoImage { path: path.to_owned(), what: "it has no slices".into() });
    };
    all.iter().position(|s| s.id == *asked).ok_or_else(|| OpenError::NoSuchSeries {
        path: path.to_owned(),
        asked: asked.clone(),
        available: all.iter().map(|s| format!("{} ({})", s.id, s.title)).collect::<Vec<_>>().join(", "),
    })
}

/// Which series are not shown.
fn others(all: &[Series], chosen: usize) -> Option<String> {
    if all.len() < 2 {
        return None;
    }
    let others: Vec<&str> =
        all.iter().enumerate().filter(|&(i, _)| i != chosen).map(|(_, s)| s.title.as_str()).collect();
    let more = match others.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let named = others[..others.len().min(MOST_NAMED)].join("; ");
    Some(format!("There are {} series; this is {}. Not shown: {named}{more}", all.len(), all[chosen].title))
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
    if any(|h| h.layout.samples == 3 && h.layout.bits_allocated == 32) {
        warnings.push("The colours were reduced from 32 to 8 bits per channel".into());
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
