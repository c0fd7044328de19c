//! The slices of a series to one volume's samples.

use super::{
    header::Header,
    low_is_white, modality,
    pixels::Pixels,
    series::{Series, Slice},
};
use crate::{
    geom::Grid,
    io::{OpenError, Progress, guard, samples, samples::Raw, source},
    volume::Volume,
};
use rayon::prelude::*;
use std::{collections::HashMap, sync::Arc};

/// Slices read side by side between two looks at `cancelled`.
const BATCH: usize = 8;

/// Reads slices from their files; a file of many frames is read once.
pub struct Loader<'a> {
    headers: &'a [Header],
    many: HashMap<usize, Arc<FilePixels>>,
}

struct FilePixels {
    hash: String,
    pixels: Pixels,
}

pub struct Loaded {
    pub samples: Raw,
    pub rescale: [f32; 2],
    pub hash: String,
    pub warnings: Vec<String>,
}

/// How the slices' values become those of one volume.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Common {
    /// They are of one type and scale.
    Same,
    /// They are of one scale, but of several types; one that holds all is taken.
    Wider,
    /// Every slice has its own scale.
    Scaled,
}

impl<'a> Loader<'a> {
    pub fn new(
        headers: &'a [Header],
        series: &Series,
        progress: &mut dyn Progress,
    ) -> Result<Self, OpenError> {
        let mut many = HashMap::new();
        for Slice { file, .. } in &series.slices {
            if headers[*file].frames.len() > 1 && !many.contains_key(file) {
                let header = &headers[*file];
                let pixels = guard::decode(&header.path, || read_file(header, &mut Silent(progress)))?;
                many.insert(*file, Arc::new(pixels));
            }
        }
        Ok(Self { headers, many })
    }

    fn slice(&self, slice: &Slice) -> Result<(Raw, String), OpenError> {
        let header = &self.headers[slice.file];
        guard::decode(&header.path, || {
            let file = match self.many.get(&slice.file) {
                Some(file) => file.clone(),
                None => Arc::new(read_file(header, &mut crate::io::Quiet)?),
            };
            Ok((file.pixels.frame(&header.path, &slice.frame)?, file.hash.clone()))
        })
    }

    /// The middle slice first, then all in order.
    pub fn load(
        &self,
        series: &Series,
        grid: &Grid,
        progress: &mut dyn Progress,
    ) -> Result<Loaded, OpenError> {
        let slices = &series.slices;
        let depth = slices.len();
        let middle = depth / 2;
        let first = self.slice(&slices[middle])?;
        if depth > 1 {
            let rescale = slices[middle].frame.rescale.map(|v| v as f32);
            let modality = modality(&self.headers[slices[middle].file].modality);
            if let Some(slice) = samples::slice(grid, middle, first.0.clone(), rescale, modality) {
                let white = low_is_white(self.headers, series);
                progress.preview(slice.with_low_white(white), middle, depth);
            }
        }
        let common = self.common(slices);
        let path = &self.headers[slices[0].file].path;
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
                let raw = match common {
                    Common::Same => raw,
                    Common::Wider => raw.widened(),
                    Common::Scaled => raw.scaled(slices[z].frame.rescale),
                };
                match &mut volume {
                    None => {
                        let mut raw = raw;
                        raw.reserve(path, raw.len() as u128 * (depth - 1) as u128)?;
                        volume = Some(raw);
                    }
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
        let samples = volume
            .ok_or_else(|| OpenError::NoImage { path: path.clone(), what: "it has no slices".into() })?;
        let (rescale, warning) = match common {
            Common::Same => (slices[0].frame.rescale.map(|v| v as f32), None),
            Common::Wider => (
                slices[0].frame.rescale.map(|v| v as f32),
                Some(
                    "The slices store their values in several types; one that holds all was taken".to_owned(),
                ),
            ),
            Common::Scaled => {
                let bare = slices.iter().filter(|s| s.frame.rescale == [1.0, 0.0]).count();
                let own = "The slices have different scales for their values; they are held as float32";
                (
                    [1.0, 0.0],
                    Some(match bare {
                        0 => own.to_owned(),
                        _ => format!(
                            "{own}. {bare} of {depth} have none, or one that changes nothing, and may not be comparable"
                        ),
                    }),
                )
            }
        };
        let hash = match hashes.as_slice() {
            [(_, only)] => only.clone(),
            many => source::hash_of_hashes(many.iter().map(|(_, h)| h.as_str())),
        };
        Ok(Loaded { samples, rescale, hash, warnings: warning.into_iter().collect() })
    }

    fn common(&self, slices: &[Slice]) -> Common {
        let first = &slices[0];
        let stored = |s: &Slice| {
            let layout = &self.headers[s.file].layout;
            (layout.bits_allocated, layout.signed)
        };
        let colour = |s: &Slice| {
            let layout = &self.headers[s.file].layout;
            layout.samples > 1 || layout.photometric == "PALETTE COLOR"
        };
        if slices.iter().any(|s| s.frame.rescale != first.frame.rescale) {
            return Common::Scaled;
        }
        match slices.iter().any(colour) || slices.iter().all(|s| stored(s) == stored(first)) {
            true => Common::Same,
            false => Common::Wider,
        }
    }

    fn mixed(&self, first: &Slice, this: &Slice, a: &str, b: &str) -> OpenError {
        let [first, this] = [first, this].map(|s| &self.headers[s.file].path);
        OpenError::Mixed {
            path: first.clone(),
            what: format!("its pixels are {a}, those of {} are {b}", this.display()),
        }
    }
}

fn read_file(header: &Header, progress: &mut dyn Progress) -> Result<FilePixels, OpenError> {
    let bytes = source::read_all(&header.path, progress)?;
    let hash = source::hash(&bytes);
    Ok(FilePixels { hash, pixels: Pixels::new(header, bytes)? })
}

/// Asks whether to go on, and keeps to itself how it goes: bytes of one file are no slices.
struct Silent<'a>(&'a mut dyn Progress);

impl Progress for Silent<'_> {
    fn report(&mut self, _done: u64, _total: u64) {}
    fn preview(&mut self, _slice: Volume, _z: usize, _depth: usize) {}
    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
