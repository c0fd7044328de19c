use super::{OpenError, OpenOptions, Quiet};
use crate::{
    geom::{self, Grid, Lie},
    label::{LabelId, LabelMap},
    volume::{Samples, Volume},
};
use std::{collections::BTreeSet, path::Path};

/// Reads a mask: NIfTI, PNG, GIF, TIFF, and whatever else [`super::open`] reads with one channel; with its grid and
/// warnings.
///
/// Ids are kept as they are stored; a mask of 0 and 255 keeps its 255, see [`binary`]. A colour image whose three
/// channels agree everywhere is a grey one; any other is refused, since a colour is not an id.
pub fn open_labels(path: &Path) -> Result<(LabelMap, Grid, Vec<String>), OpenError> {
    let opened = super::open(path, &OpenOptions::default(), &mut Quiet)?;
    let (map, note) = labels_of(path, &opened.volume)?;
    let mut warnings = opened.warnings;
    warnings.extend(note);
    let lossy =
        path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg"));
    if lossy {
        warnings.push("A JPEG changes values near edges: the mask has ids that nobody drew".into());
    }
    Ok((map, opened.volume.grid().clone(), warnings))
}

/// A mask for an image with this grid: [`open_labels`], put into the image's order where its voxels lie in the same places and
/// are stored otherwise, which is a warning. Refused where they lie elsewhere.
pub fn open_labels_on(path: &Path, image: &Grid) -> Result<(LabelMap, Vec<String>), OpenError> {
    let (map, grid, mut warnings) = open_labels(path)?;
    let (map, note) = put_on(map, &grid, image, "the image").map_err(|what| OpenError::NotLabels {
        path: path.to_owned(),
        what: format!("it is not of this image: {what}"),
    })?;
    warnings.extend(note.map(|note| format!("{}: {note}", path.display())));
    Ok((map, warnings))
}

/// A mask in the order of an image whose voxels lie where its own do, and a note where it was stored otherwise; or what
/// differs. `whose` is the image in words.
pub fn put_on(
    map: LabelMap,
    grid: &Grid,
    image: &Grid,
    whose: &str,
) -> Result<(LabelMap, Option<String>), String> {
    match geom::lie(grid, image, whose) {
        Lie::Same => Ok((map, None)),
        Lie::Apart(what) => Err(what),
        Lie::Reordered => {
            let values = geom::reordered(&map.to_values(), grid, image);
            let map = LabelMap::from_values(image.dims(), &values).ok_or("it is empty")?;
            let [own, other] = [grid, image].map(|grid| String::from_iter(grid.axis_codes()));
            Ok((
                map,
                Some(format!("it is stored along {own} and was put into the order of {whose}, {other}")),
            ))
        }
    }
}

/// The labels that an image's values are, and a note where something had to be said.
pub(super) fn labels_of(path: &Path, volume: &Volume) -> Result<(LabelMap, Option<String>), OpenError> {
    let refuse = |what: String| OpenError::NotLabels { path: path.to_owned(), what };
    let [slope, intercept] = volume.rescale();
    let id = |raw: f32| -> Option<LabelId> {
        let value = raw * slope + intercept;
        (value.fract() == 0.0 && (0.0..=f32::from(LabelId::MAX)).contains(&value)).then_some(value as LabelId)
    };
    let whole = |ids: Option<Vec<LabelId>>, at: Option<f32>| {
        ids.ok_or_else(|| {
            let value = at.map(|v| v * slope + intercept).unwrap_or(f32::NAN);
            refuse(format!("{value} is not a label id (whole numbers from 0 to {})", LabelId::MAX))
        })
    };
    let unscaled = [slope, intercept] == [1.0, 0.0];
    let values: Vec<LabelId> = match volume.samples() {
        Samples::U8(v) if unscaled => v.iter().map(|&v| v.into()).collect(),
        Samples::U16(v) if unscaled => v.to_vec(),
        Samples::Rgb8(v) => {
            if let Some(colour) = v.iter().find(|[r, g, b]| r != g || g != b) {
                return Err(refuse(format!(
                    "it is a colour picture (one pixel is {colour:?}), and a colour is not a label id"
                )));
            }
            v.iter().map(|&[r, _, _]| r.into()).collect()
        }
        samples => {
            let all = (0..samples.len()).map(|i| samples.scalar(i));
            let bad = all.clone().find(|&v| id(v).is_none());
            whole(all.map(id).collect(), bad)?
        }
    };
    let map =
        LabelMap::from_values(volume.dims(), &values).ok_or_else(|| refuse("it is empty".to_owned()))?;
    let distinct = values.iter().collect::<BTreeSet<_>>().len();
    let many = distinct > 200 && volume.dims()[2] == 1;
    let note = many.then(|| format!("The mask has {distinct} different ids: is it a picture?"));
    Ok((map, note))
}

/// The mapping for two-valued masks: where the ids are 0 and one other of 255 or 1, that other is class 1.
///
/// Data sets store "structure" as 255 (DRIVE, CHASE, polyps) or as 1. Training and evaluation by a LIST.csv apply this
/// to every mask and its prediction alike; opening a mask for editing does not, so that saving gives back the same ids.
/// `None` where the mask is not of that kind: its ids then are classes.
pub fn binary(ids: &BTreeSet<LabelId>) -> Option<LabelId> {
    let mut others = ids.iter().copied().filter(|&id| id != 0);
    match (others.next(), others.next()) {
        (Some(only @ (1 | 255)), None) => Some(only),
        _ => None,
    }
}

/// What is wrong with masks whose values are those of one structure softened by JPEG or by resizing: values close to 0 and
/// to 255 beside these. As ids they would be classes that nobody has drawn.
pub fn softened(values: impl IntoIterator<Item = LabelId>) -> Option<String> {
    let values: BTreeSet<LabelId> = values.into_iter().collect();
    let close = |mut range: std::ops::RangeInclusive<LabelId>| range.any(|value| values.contains(&value));
    let softened = values.last().is_some_and(|largest| *largest <= 255) && close(1..=7) && close(248..=254);
    softened.then(|| {
        format!(
            "the masks have {} values, some close to 0 and some close to 255, as a mask of one structure has that JPEG or \
             resizing has softened: --labels NAME=128..255 reads it as one label",
            values.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Modality;

    fn labels(samples: Samples, rescale: [f32; 2]) -> Result<Vec<LabelId>, OpenError> {
        let grid = Grid::pixels([samples.len(), 1, 1]).unwrap();
        let volume = Volume::new(grid, samples, rescale, Modality::Other).unwrap();
        labels_of(Path::new("mask.png"), &volume).map(|(map, _)| map.to_values())
    }

    #[test]
    fn a_softened_mask_is_told_from_ids() {
        assert!(softened([0, 1, 2, 250, 254, 255]).unwrap().contains("6 values"));
        for ids in [&[0, 255][..], &[0, 1, 2, 3, 255], &[0, 128, 191, 255], &[1, 250, 300], &[]] {
            assert_eq!(softened(ids.iter().copied()), None, "{ids:?}");
        }
    }

    #[test]
    fn ids_are_kept_and_other_values_refused() {
        assert_eq!(labels(Samples::U8([0, 255, 3].into()), [1.0, 0.0]).unwrap(), [0, 255, 3]);
        assert_eq!(labels(Samples::F32([0.0, 117.0].into()), [1.0, 0.0]).unwrap(), [0, 117]);
        assert_eq!(labels(Samples::Rgb8([[7; 3], [0; 3]].into()), [1.0, 0.0]).unwrap(), [7, 0]);
        assert_eq!(labels(Samples::I16([0, 5].into()), [2.0, 0.0]).unwrap(), [0, 10]);
        for bad in [Samples::F32([0.5].into()), Samples::F32([f32::NAN].into()), Samples::I16([-1].into())] {
            assert!(matches!(labels(bad, [1.0, 0.0]), Err(OpenError::NotLabels { .. })));
        }
        let colour = labels(Samples::Rgb8([[255, 0, 0]].into()), [1.0, 0.0]).unwrap_err();
        assert!(colour.to_string().contains("colour"), "{colour}");
    }

    #[test]
    fn two_valued_masks_map_to_class_one() {
        let ids = |list: &[LabelId]| list.iter().copied().collect();
        assert_eq!(binary(&ids(&[0, 255])), Some(255));
        assert_eq!(binary(&ids(&[0, 1])), Some(1));
        assert_eq!(binary(&ids(&[0, 1, 2])), None);
        assert_eq!(binary(&ids(&[0, 2])), None);
        assert_eq!(binary(&ids(&[0])), None);
    }
}
