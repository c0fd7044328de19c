//! TIFF: pages of equal size as a volume; channels and moments, where the file tells them apart, as volumes to choose
//! from.

use super::{
    Format, OpenError, OpenOptions, Opened, Progress, Writer,
    picture::{self, Picture},
    samples, source,
    write::{write_image_tiff, write_label_tiff, write_probability_tiff},
};
use crate::{volume::Modality, words::counted};
use stack::{Plane, Stack};
use std::path::Path;

mod chunk;
mod described;
mod description;
mod directory;
mod ome;
mod page;
mod pixels;
mod stack;
#[cfg(test)]
mod tests;

pub static FORMAT: Format = Format {
    id: "tiff",
    title: "TIFF (several pages are a volume)",
    extensions: &["tif", "tiff"],
    reads: "pages are slices; channels, time points and series of ImageJ, OME and tifffile are separate images to choose from",
    sniff: |_, head| [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| head.starts_with(*magic)),
    open,
    writer: Some(&WRITER),
};

pub static WRITER: Writer = Writer {
    id: "tiff",
    title: "TIFF",
    extensions: &["tif", "tiff"],
    one_slice: false,
    keeps_geometry: false,
    mask: |path, mask| write_label_tiff(path, mask.map).map(|()| vec![]),
    image: Some(|path, volume| write_image_tiff(path, volume).map(|()| vec![])),
    probability: Some(|path, slices, grid| write_probability_tiff(path, slices, grid).map(|()| vec![])),
};

fn open(path: &Path, options: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let bytes = source::read_all(path, progress)?;
    let content_hash = source::hash(&bytes);
    let mut pages = Pages::new(path, &bytes)?;
    let stacks = pages.stacks()?;
    let chosen = choose(path, &stacks, options.series.as_deref())?;
    let series = match stacks.len() {
        1 => Vec::new(),
        _ => stacks.iter().enumerate().map(|(i, stack)| stack.info(i == chosen)).collect(),
    };
    let stack = &stacks[chosen];
    let mut warnings = std::mem::take(&mut pages.warnings);
    warnings.extend(stack.choice.clone());
    let depth = stack.planes.len();
    let middle = depth / 2;
    // The middle page first; it is kept, so that no page is decoded twice.
    let mut kept = None;
    if depth > 1 {
        let decoded = pages.decode(stack.planes[middle], options.as_mask, progress)?;
        let slice = stack.grid(path, &decoded, &mut Vec::new()).ok().and_then(|grid| {
            samples::slice(&grid, middle, decoded.pixels.clone(), decoded.rescale, Modality::Other)
        });
        if let Some(slice) = slice {
            progress.preview(slice.with_low_white(decoded.low_is_white), middle, depth);
        }
        kept = Some(decoded);
    }
    let mut all: Option<Picture> = None;
    let mut turns = Vec::new();
    for (z, &plane) in stack.planes.iter().enumerate() {
        if progress.cancelled() {
            return Err(OpenError::Cancelled);
        }
        let picture = match kept.take_if(|_| z == middle) {
            Some(decoded) => decoded,
            None => pages.decode(plane, options.as_mask, progress)?,
        };
        turns.push(picture.turn);
        match &mut all {
            None => {
                let mut first = picture;
                first.pixels.reserve(path, first.pixels.len() as u128 * (depth - 1) as u128)?;
                all = Some(first);
            }
            Some(all) => all.append(picture).map_err(|what| OpenError::Mixed {
                path: path.to_owned(),
                what: format!("page {}: {what}", plane.page + 1),
            })?,
        }
        progress.report(z as u64 + 1, depth as u64);
    }
    let Some(all) = all else {
        return Err(OpenError::NoImage { path: path.to_owned(), what: "it has no pages".into() });
    };
    let grid = stack.grid(path, &all, &mut warnings)?;
    warnings.extend(all.warnings);
    let file_type = all.pixels.name();
    let (native, inexact) = all.pixels.narrow(path)?;
    warnings.extend(inexact);
    let volume = samples::build(path, grid, native, all.rescale, Modality::Other)?;
    Ok(Opened {
        volume: volume.with_low_white(all.low_is_white),
        source: path.to_owned(),
        warnings,
        series,
        content_hash,
        turned: picture::turned(&turns),
        by_look: false,
        facts: serde_json::json!({ "format": "tiff", "pages": depth, "file_type": file_type }),
    })
}

/// The index of the stack that is asked for; without a wish the first, which is the one with most pages.
fn choose(path: &Path, stacks: &[Stack], asked: Option<&str>) -> Result<usize, OpenError> {
    let Some(asked) = asked else { return Ok(stacks.iter().position(|s| s.is_first).unwrap_or(0)) };
    stacks.iter().position(|stack| stack.id == asked).ok_or_else(|| OpenError::NoSuchSeries {
        path: path.to_owned(),
        asked: asked.to_owned(),
        available: stacks.iter().map(|s| s.id.as_str()).collect::<Vec<_>>().join(", "),
    })
}

/// The only page of a TIFF that is one slice of a folder.
pub fn decode_single(
    path: &Path,
    bytes: &[u8],
    as_mask: bool,
    progress: &dyn Progress,
) -> Result<Picture, OpenError> {
    let mut pages = Pages::new(path, bytes)?;
    let stacks = pages.stacks()?;
    match &stacks[..] {
        [Stack { planes, .. }] if planes.len() == 1 => {
            let mut picture = pages.decode(planes[0], as_mask, progress)?;
            picture.warnings.extend(pages.warnings);
            Ok(picture)
        }
        _ => {
            let n: usize = stacks.iter().map(|s| s.planes.len()).sum();
            let what = format!("it has {n} images; open it by itself");
            Err(OpenError::Mixed { path: path.to_owned(), what })
        }
    }
}

struct Pages<'a> {
    path: &'a Path,
    file: directory::File<'a>,
    directories: Vec<directory::Directory>,
    /// Those that are pictures: not small copies of others, nor masks of them.
    shown: Vec<usize>,
    /// What ImageJ says of the values; see [`description::calibration`].
    calibration: Option<Result<[f64; 2], String>>,
    warnings: Vec<String>,
}

impl<'a> Pages<'a> {
    fn new(path: &'a Path, bytes: &'a [u8]) -> Result<Self, OpenError> {
        let file = directory::File::new(path, bytes)?;
        let (directories, is_circle) = file.directories(path)?;
        let mut warnings = Vec::new();
        if is_circle {
            warnings.push("Its list of pages runs in a circle; each page is read once".to_owned());
        }
        // TIFF 6.0, NewSubfileType: bit 0 marks a copy of another page at reduced size, bit 2 a mask of another.
        let kind = |i: &usize| file.first(&directories[*i], page::tag::SUBFILE).unwrap_or(0);
        let all = || 0..directories.len();
        let reduced = all().filter(|i| kind(i) & 1 != 0).count();
        let mut shown: Vec<usize> = all().filter(|i| kind(i) & 5 == 0).collect();
        let masks = directories.len() - reduced - shown.len();
        if shown.is_empty() && reduced == 0 {
            shown = all().collect();
        } else if masks > 0 {
            warnings.push(format!("Left out: {}", counted(masks, "transparency mask")));
        }
        if shown.is_empty() {
            let what = match reduced {
                0 => "it has no pages",
                _ => "all its pages are small copies of pages that it does not have",
            };
            return Err(OpenError::NoImage { path: path.to_owned(), what: what.into() });
        }
        if reduced > 0 {
            warnings.push(format!("Left out: {}", counted(reduced, "reduced-size page")));
        }
        let calibration = file
            .text(&directories[shown[0]], page::tag::DESCRIPTION)
            .and_then(|text| description::calibration(&text));
        Ok(Self { path, file, directories, shown, calibration, warnings })
    }

    fn page(&self, index: usize) -> Result<page::Page<'a>, OpenError> {
        page::Page::new(self.path, &self.file, &self.directories[index])
    }

    /// The picture of a plane, upright.
    fn decode(&self, plane: Plane, as_mask: bool, progress: &dyn Progress) -> Result<Picture, OpenError> {
        let page = self.page(plane.page)?;
        let planes = chunk::planes(self.path, &self.file, &page, plane.skip, progress)?;
        let shown = pixels::shown(self.path, &page, planes, plane.channel, as_mask)?;
        let mut picture = Picture::of_values([page.width, page.height], shown.pixels);
        (picture.low_is_white, picture.warnings) = (shown.low_is_white, shown.notes);
        // A mask's labels are the numbers that are stored.
        match self.calibration.as_ref().filter(|_| !as_mask) {
            Some(Ok([slope, intercept])) => picture.rescale = [*slope as f32, *intercept as f32],
            Some(Err(not_applied)) => picture.warnings.push(not_applied.clone()),
            None => {}
        }
        Ok(picture.upright(page.orientation))
    }
}
