//! Pictures of the cases that went worst and best: image, prediction, truth, and where the two differ.

use super::{classes::Classes, evaluation::Evaluation, maps::Maps};
use crate::{
    cli::overlay,
    gpu::Difference,
    io::{self, OpenOptions, Quiet},
    label::{Label, LabelId, LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use anyhow::{Context, Result};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};
use std::path::Path;

/// Pictures at each end of the scores.
const MOST: usize = 3;
/// The longer side of a picture in pixels; shown at half of that and less.
const SIDE: u32 = 400;

/// What the colours of the difference stand for: label, words, colour.
pub const DIFFERENCES: [(LabelId, &str, [u8; 3]); 4] = [
    (1, "in both", Difference::KEPT),
    (2, "predicted only", Difference::ADDED),
    (3, "in the truth only", Difference::REMOVED),
    (4, "another class", Difference::CHANGED),
];

#[derive(Debug)]
pub struct Pictures {
    /// The lowest mean Dice first.
    pub worst: Vec<CasePictures>,
    /// The highest first.
    pub best: Vec<CasePictures>,
}

#[derive(Debug)]
pub struct CasePictures {
    /// Index among the report's cases.
    pub case: usize,
    /// Slice (from 0) and number of slices, of a volume.
    pub slice: Option<[usize; 2]>,
    pub panels: Vec<Panel>,
    /// Why there is no image, where there is none; or what its reader said of it.
    pub note: Option<String>,
}

#[derive(Debug)]
pub struct Panel {
    pub title: &'static str,
    pub png: Vec<u8>,
    pub size: [u32; 2],
}

pub fn draw(evaluation: &Evaluation, classes: &Classes, maps: &[Maps]) -> Result<Pictures> {
    let dice = |case: &usize| evaluation.report.cases[*case].mean_dice;
    let mut ranked: Vec<usize> = (0..maps.len()).filter(|case| dice(case).is_some()).collect();
    ranked.sort_by(|a, b| dice(a).unwrap_or(0.0).total_cmp(&dice(b).unwrap_or(0.0)));
    // One picture of a case: where there are few, the worst come first.
    let worst = ranked.len().div_ceil(2).min(MOST);
    let best = (ranked.len() - worst).min(MOST);
    let draw = |&case: &usize| {
        let pictures = draw_case(case, &maps[case], classes, &evaluation.table);
        pictures.with_context(|| maps[case].pair.id.clone())
    };
    Ok(Pictures {
        worst: ranked[..worst].iter().map(draw).collect::<Result<_>>()?,
        best: ranked.iter().rev().take(best).map(draw).collect::<Result<_>>()?,
    })
}

fn draw_case(case: usize, maps: &Maps, classes: &Classes, table: &LabelTable) -> Result<CasePictures> {
    let ([pred, truth], valid) = (classes.values(maps), maps.valid());
    let dims = maps.grid.dims();
    let counts = |i: usize| valid.as_ref().is_none_or(|valid| valid[i]);
    let differences: Vec<LabelId> = (0..pred.len())
        .map(|i| match (pred[i], truth[i]) {
            (0, 0) => 0,
            _ if !counts(i) => 0,
            (p, t) if p == t => 1,
            (_, 0) => 2,
            (0, _) => 3,
            _ => 4,
        })
        .collect();
    let z = most_telling(&differences, dims[0] * dims[1]);
    // The grid is the masks' own, so that a picture without an image has their shape.
    let black = || {
        let samples = Samples::U8(vec![0; maps.grid.voxel_count()].into());
        Volume::new(maps.grid.clone(), samples, [1.0, 0.0], Modality::Other)
    };
    let (volume, is_shown, note) = match image(maps.pair.image.as_deref(), dims) {
        Ok((volume, warnings)) => (volume, true, (!warnings.is_empty()).then(|| warnings.join(". "))),
        Err(note) => (black()?, false, Some(note)),
    };
    let picture = |title, volume: &Volume, values: Option<&[LabelId]>, table: &LabelTable| -> Result<Panel> {
        let map = match values {
            Some(values) => LabelMap::from_values(dims, values).context("an empty mask")?,
            None => LabelMap::empty(dims),
        };
        let picture = overlay::picture(volume, &map, table, z, SIDE)?;
        let (size, mut png) = ([picture.width(), picture.height()], vec![]);
        let rgb = image::DynamicImage::ImageRgba8(picture).into_rgb8();
        PngEncoder::new(&mut png).write_image(&rgb, size[0], size[1], ExtendedColorType::Rgb8)?;
        Ok(Panel { title, png, size })
    };
    let mut panels = vec![];
    if is_shown {
        panels.push(picture("Image", &volume, None, table)?);
    }
    panels.push(picture("Prediction", &volume, Some(&pred), table)?);
    panels.push(picture("Truth", &volume, Some(&truth), table)?);
    // On a colour photograph the colours of the difference would not be told from its own.
    let ground = if volume.channels() > 1 { black()? } else { volume.clone() };
    panels.push(picture("Difference", &ground, Some(&differences), &difference_table())?);
    Ok(CasePictures { case, slice: (dims[2] > 1).then_some([z, dims[2]]), panels, note })
}

/// The slice with the most disagreement; where there is none, the one with the most to agree on.
fn most_telling(differences: &[LabelId], area: usize) -> usize {
    let of = |slice: &[LabelId]| {
        let wrong = slice.iter().filter(|&&d| d > 1).count();
        (wrong, slice.iter().filter(|&&d| d == 1).count())
    };
    let slices = differences.chunks_exact(area.max(1)).map(of).enumerate();
    slices.rev().max_by_key(|(_, counts)| *counts).map_or(0, |(z, _)| z)
}

/// The image of a case, or why there is none.
fn image(path: Option<&Path>, dims: [usize; 3]) -> Result<(Volume, Vec<String>), String> {
    let path = path.ok_or("no image was given for this case")?;
    let opened = io::open(path, &OpenOptions::default(), &mut Quiet).map_err(|e| e.to_string())?;
    match opened.volume.dims() == dims {
        true => Ok((opened.volume, opened.warnings)),
        false => Err(format!("{} is {:?} and the masks {dims:?}", path.display(), opened.volume.dims())),
    }
}

fn difference_table() -> LabelTable {
    let mut table = LabelTable::default();
    for (id, name, color) in DIFFERENCES {
        table.insert(Label { id, name: name.to_owned(), color, locked: false, visible: true });
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slice_with_the_most_disagreement_is_shown() {
        assert_eq!(most_telling(&[1, 1, 1, 1, 2, 1, 0, 3, 4], 3), 2);
        assert_eq!(most_telling(&[0, 1, 1, 1, 0, 0], 2), 1, "the first of the two that agree most");
        assert_eq!(most_telling(&[0, 0, 1, 1, 1, 0], 2), 1);
    }
}
