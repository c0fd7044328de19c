use super::{OpenError, OpenOptions, dataset::ONE_STRUCTURE, source::UnderWatch};
use crate::{
    geom::{self, Grid, GridAlignment},
    label::{Label, LabelId, LabelMap, LabelTable},
    volume::{Samples, Volume},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Reads a mask: NIfTI, PNG, GIF, TIFF, and whatever else [`super::open`] reads with one channel; with its grid and
/// warnings.
///
/// Ids are kept as they are stored: what they stand for is decided over a whole set ([`super::dataset::Seen`]). Values that are
/// whole but for rounding are rounded, which is a warning. A colour image whose three channels agree everywhere is a grey
/// one; any other is refused, since a colour is not an id.
pub fn open_labels(path: &Path) -> Result<(LabelMap, Grid, Vec<String>), OpenError> {
    open_labels_of(path, &[])
}

/// [`open_labels`], and of a colour picture with these colours (red, green, blue) the place of each in the list, from 1; black
/// is 0 where it is not in the list.
pub fn open_labels_of(path: &Path, colours: &[[u8; 3]]) -> Result<(LabelMap, Grid, Vec<String>), OpenError> {
    let (map, grid, mut warnings, lossy) = read(path, colours)?;
    warnings.extend(lossy.then(|| format!("{LOSSY}: the mask has ids that nobody drew")));
    Ok((map, grid, warnings))
}

/// A mask whose values are certain to be those that were drawn, for what changes or measures it: [`open_labels`], and with the
/// grid of an image as [`open_labels_on`], whose grid it then has. A JPEG is refused.
pub fn open_exact_labels(
    path: &Path,
    image: Option<&Grid>,
) -> Result<(LabelMap, Grid, Vec<String>), OpenError> {
    let (map, grid, warnings, lossy) = read(path, &[])?;
    if lossy {
        let what =
            format!("{LOSSY}, and those of a mask must be exact: use the mask before it became a JPEG");
        return Err(OpenError::NotLabels { path: path.to_owned(), what });
    }
    match image {
        Some(image) => {
            let (map, warnings) = on_image(path, map, &grid, warnings, image)?;
            Ok((map, image.clone(), warnings))
        }
        None => Ok((map, grid, warnings)),
    }
}

const LOSSY: &str = "A JPEG changes values near edges";

/// As [`open_labels_of`], and whether the file changes values.
fn read(path: &Path, colours: &[[u8; 3]]) -> Result<(LabelMap, Grid, Vec<String>, bool), OpenError> {
    let options = OpenOptions { as_mask: true, ..OpenOptions::default() };
    let opened = super::open(path, &options, &mut UnderWatch(None))?;
    if let Some(what) = super::not_one_image(path, &opened) {
        return Err(OpenError::NotLabels { path: path.to_owned(), what });
    }
    let (map, notes) = labels_of(path, &opened.volume, colours)?;
    let mut warnings = opened.warnings;
    warnings.extend(notes);
    // By its content: a JPEG may be called .png. Of a folder, by the names of its files.
    let is_jpeg = |name: &serde_json::Value| {
        name.as_str()
            .map(str::to_lowercase)
            .is_some_and(|name| name.ends_with(".jpg") || name.ends_with(".jpeg"))
    };
    let format = opened.facts["format"].as_str().unwrap_or_default();
    let files = opened.facts["files"].as_array().filter(|_| format == "folder");
    let lossy = format.starts_with("jp") || files.is_some_and(|files| files.iter().any(is_jpeg));
    if files.is_some() && map.dims()[2] > 1 {
        warnings.extend(picture_note(&map));
    }
    Ok((map, opened.volume.grid().clone(), warnings, lossy))
}

/// A mask for an image with this grid: [`open_labels_of`], put into the image's order where its voxels lie in the same places and
/// are stored otherwise, which is a warning. Refused where they lie elsewhere.
pub fn open_labels_on(
    path: &Path,
    colours: &[[u8; 3]],
    image: &Grid,
) -> Result<(LabelMap, Vec<String>), OpenError> {
    let (map, grid, warnings) = open_labels_of(path, colours)?;
    on_image(path, map, &grid, warnings, image)
}

fn on_image(
    path: &Path,
    map: LabelMap,
    grid: &Grid,
    mut warnings: Vec<String>,
    image: &Grid,
) -> Result<(LabelMap, Vec<String>), OpenError> {
    let (map, note) = put_on(map, grid, image, "the image").map_err(|what| OpenError::NotLabels {
        path: path.to_owned(),
        what: format!("it is not of this image: {what}"),
    })?;
    warnings.extend(note);
    Ok((map, warnings))
}

/// A mask for an image with this grid, in the labels of a table: [`open_labels_on`], and where a mask says one structure as
/// such masks do (0 and 255, 65535 or 1) and the table has one label, it is that; of an empty table it is label 1.
pub fn open_labels_in(
    path: &Path,
    image: &Grid,
    table: &LabelTable,
) -> Result<(LabelMap, Vec<String>), OpenError> {
    let (map, mut warnings) = open_labels_on(path, &[], image)?;
    let mut others = map.counts().into_keys().filter(|&id| id != 0);
    let (Some(value), None) = (others.next(), others.next()) else { return Ok((map, warnings)) };
    let one = match (table.iter().next(), table.len()) {
        (None, _) => Label::new(1, "label 1"),
        (Some(label), 1) => label.clone(),
        _ => return Ok((map, warnings)),
    };
    if value == one.id || !ONE_STRUCTURE.contains(&value) {
        return Ok((map, warnings));
    }
    let values: Vec<LabelId> =
        map.to_values().into_iter().map(|v| if v == value { one.id } else { v }).collect();
    warnings.push(format!("The mask has 0 and {value}: {value} was read as \"{}\"", one.name));
    let map = LabelMap::from_values(map.dims(), &values)
        .ok_or_else(|| OpenError::NotLabels { path: path.to_owned(), what: "it is empty".to_owned() })?;
    Ok((map, warnings))
}

/// How what lies on `grid` comes to lie on an image: whether its values change their order, and a note where they do or where
/// one of both does not say how it lies; or what differs. `whose` is the image in words.
pub fn laid_on(grid: &Grid, image: &Grid, whose: &str) -> Result<(bool, Option<String>), String> {
    match geom::align(grid, image, whose) {
        GridAlignment::Same => Ok((false, None)),
        GridAlignment::Unplaced(note) => Ok((false, Some(note))),
        GridAlignment::Different(what) => Err(what),
        GridAlignment::Reordered => {
            let [own, other] = [grid, image].map(|grid| String::from_iter(grid.axis_codes()));
            Ok((
                true,
                Some(format!("it is stored along {own} and was put into the order of {whose}, {other}")),
            ))
        }
    }
}

/// A mask in the order of an image whose voxels lie where its own do, as [`laid_on`] says.
pub fn put_on(
    map: LabelMap,
    grid: &Grid,
    image: &Grid,
    whose: &str,
) -> Result<(LabelMap, Option<String>), String> {
    let (reorder, note) = laid_on(grid, image, whose)?;
    if !reorder {
        return Ok((map, note));
    }
    let values = geom::reordered(&map.to_values(), grid, image);
    Ok((LabelMap::from_values(image.dims(), &values).ok_or("it is empty")?, note))
}

/// The labels that an image's values are, and notes where something had to be said.
pub(super) fn labels_of(
    path: &Path,
    volume: &Volume,
    colours: &[[u8; 3]],
) -> Result<(LabelMap, Vec<String>), OpenError> {
    let refuse = |what: String| OpenError::NotLabels { path: path.to_owned(), what };
    let mut notes = vec![];
    let values: Vec<LabelId> = match volume.samples() {
        Samples::Rgb8(v) => {
            let id = |colour: &[u8; 3]| match colours.iter().position(|c| c == colour) {
                Some(i) => LabelId::try_from(i + 1).ok(),
                None if colours.is_empty() => {
                    Some(colour[0].into()).filter(|_| colour.iter().all(|c| *c == colour[0]))
                }
                None => (*colour == [0; 3]).then_some(0),
            };
            let ids: Option<Vec<LabelId>> = v.iter().map(id).collect();
            ids.ok_or_else(|| {
                let at = v.iter().position(|colour| id(colour).is_none()).unwrap_or(0);
                let [r, g, b] = v[at];
                refuse(format!(
                    "it is a colour picture ({} is #{r:02x}{g:02x}{b:02x}), and a colour is not a label id. On the command \
                     line, `--labels NAME=#rrggbb` of train and eval says which colour is which label, black being background",
                    place(volume.dims(), at)
                ))
            })?
        }
        _ if !colours.is_empty() => {
            return Err(refuse("it has numbers, and the labels were given as colours".to_owned()));
        }
        Samples::U8(v) if volume.rescale() == [1.0, 0.0] => {
            // Not by way of a list of all ids: a volume's are large.
            let ids = |start: usize, out: &mut [LabelId]| {
                out.iter_mut().zip(&v[start..]).for_each(|(id, &v)| *id = v.into());
            };
            return Ok(noted(LabelMap::from_parts(volume.dims(), ids), notes));
        }
        Samples::U16(v) if volume.rescale() == [1.0, 0.0] => v.to_vec(),
        _ => {
            let (values, note) = rounded(volume).map_err(refuse)?;
            notes.extend(note);
            values
        }
    };
    let map =
        LabelMap::from_values(volume.dims(), &values).ok_or_else(|| refuse("it is empty".to_owned()))?;
    Ok(noted(map, notes))
}

/// A mask with a note more where it looks like a picture.
fn noted(map: LabelMap, mut notes: Vec<String>) -> (LabelMap, Vec<String>) {
    // Of a volume it takes a while to count.
    if map.dims()[2] == 1 {
        notes.extend(picture_note(&map));
    }
    (map, notes)
}

fn picture_note(map: &LabelMap) -> Option<String> {
    let ids = map.counts().len();
    (ids > 200).then(|| format!("The mask has {ids} different ids beside the background: is it a picture?"))
}

/// Numbers that are no further from a whole one are that.
const NEARLY: f32 = 0.02;

/// Values that are whole but for rounding as whole ones, and a note where any was not; or what is no label, and where.
///
/// Programs that compute with masks and store them as scaled integers leave values such as 0.988: the whole number is
/// then less than a step of the header's slope away, and each has one stored value.
fn rounded(volume: &Volume) -> Result<(Vec<LabelId>, Option<String>), String> {
    let [slope, intercept] = volume.rescale();
    let samples = volume.samples();
    let step = match samples {
        Samples::F32(_) => 0.0,
        _ => slope.abs(),
    };
    let (mut ids, mut furthest) = (Vec::with_capacity(samples.len()), (0.0, 0));
    // Of each id the value that was rounded to it: of whole numbers that are stored, one; of real ones, one of those that are
    // further than `NEARLY` away.
    let mut steps: BTreeMap<LabelId, f32> = BTreeMap::new();
    let mut last: Option<(f32, LabelId)> = None;
    for at in 0..samples.len() {
        let value = samples.scalar(at) * slope + intercept;
        // As most voxels are.
        if let Some((_, id)) = last.filter(|(seen, _)| *seen == value) {
            ids.push(id);
            continue;
        }
        let whole = value.round();
        let off = (value - whole).abs();
        let near = off <= NEARLY || (off < step && step < 0.5);
        if !near || !(0.0..=f32::from(LabelId::MAX)).contains(&whole) {
            return Err(no_label(value, &place(volume.dims(), at)));
        }
        let id = whole as LabelId;
        if step > 0.0 || off > NEARLY {
            let other = *steps.entry(id).or_insert(value);
            if other != value {
                return Err(format!(
                    "{other} and {value}, which are stored as two labels, are both nearest to {id}"
                ));
            }
        }
        if off > furthest.0 {
            furthest = (off, at);
        }
        last = Some((value, id));
        ids.push(id);
    }
    let (off, at) = furthest;
    let note = (off > 0.0).then(|| {
        let value = samples.scalar(at) * slope + intercept;
        format!(
            "The mask's values are close to whole numbers and were rounded: the furthest is {value}, {off:.2e} off, read as {}",
            ids[at]
        )
    });
    Ok((ids, note))
}

fn no_label(value: f32, place: &str) -> String {
    let why = match value {
        v if v.is_nan() => "no number (NaN)".to_owned(),
        v if v.round() < 0.0 => format!("{v}, and no label is negative"),
        v if v > f32::from(LabelId::MAX) => format!("{v}, and labels go up to {}", LabelId::MAX),
        v => format!("{v}, between two labels: only whole numbers are labels"),
    };
    format!("{place} is {why}")
}

/// Where the value of this index is, in words.
fn place([width, height, _]: [usize; 3], at: usize) -> String {
    let [x, y, z] = [at % width, at / width % height, at / (width * height)];
    format!("the value at column {x}, row {y}, slice {z} (counted from 0)")
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
             resizing has softened",
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
        labels_of(Path::new("mask.png"), &volume, &[]).map(|(map, _)| map.to_values())
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
        assert!(
            colour.to_string().contains("#ff0000") && colour.to_string().contains("--labels"),
            "{colour}"
        );
        let grid = Grid::pixels([3, 1, 1]).unwrap();
        let colours = Samples::Rgb8([[0, 0, 255], [0; 3], [255, 0, 0]].into());
        let volume = Volume::new(grid, colours, [1.0, 0.0], Modality::Other).unwrap();
        let read = |colours: &[[u8; 3]]| labels_of(Path::new("mask.png"), &volume, colours);
        assert_eq!(read(&[[255, 0, 0], [0, 0, 255]]).unwrap().0.to_values(), [2, 0, 1]);
        assert!(
            read(&[[255, 0, 0]]).unwrap_err().to_string().contains("#0000ff"),
            "every colour must be told"
        );
    }

    #[test]
    fn values_that_are_whole_but_for_rounding_are_rounded_with_a_note() {
        let read = |samples: Samples, rescale: [f32; 2]| {
            let grid = Grid::pixels([samples.len(), 1, 1]).unwrap();
            let volume = Volume::new(grid, samples, rescale, Modality::Other).unwrap();
            labels_of(Path::new("mask.nii"), &volume, &[]).map(|(map, notes)| (map.to_values(), notes))
        };
        let (ids, notes) =
            read(Samples::F32([0.0, 0.984, 3.000_000_2, 7014.999].into()), [1.0, 0.0]).unwrap();
        assert_eq!(ids, [0, 1, 3, 7015]);
        assert!(notes[0].contains("0.984") && notes[0].contains("read as 1"), "{notes:?}");
        assert_eq!(read(Samples::F32([0.0, 2.0].into()), [1.0, 0.0]).unwrap(), (vec![0, 2], vec![]));
        // 0 to 7 in steps of 7/255, as nibabel stores them in 8 bits: 1 is 36 steps, 0.988.
        let slope = 7.0 / 255.0;
        let stored: Vec<u8> =
            (0..8).map(|id| (f32::from(id as u8) / slope).round_ties_even() as u8).collect();
        let (ids, notes) = read(Samples::U8(stored.into()), [slope, 0.0]).unwrap();
        assert_eq!((ids, notes.len()), ((0..8).collect(), 1));
        // 0 to 33 in 8 bits: a step is 0.129, and the whole numbers are up to half of it away.
        let slope = 33.0 / 255.0;
        let stored: Vec<u8> = (0..34).map(|id| (id as f32 / slope).round() as u8).collect();
        assert_eq!(read(Samples::U8(stored.into()), [slope, 0.0]).unwrap().0, (0..34).collect::<Vec<_>>());
        // A picture in such steps is none: several of its values are near one whole number.
        let picture = read(Samples::U8((0..=255).collect::<Vec<u8>>().into()), [slope, 0.0]).unwrap_err();
        assert!(picture.to_string().contains("between two labels"), "{picture}");
        // Ids 0 to 2 beside a slope that is a display's: all would become 0.
        let merged = read(Samples::U8([0u8, 1, 2].to_vec().into()), [1.0 / 255.0, 0.0]).unwrap_err();
        assert!(merged.to_string().contains("both nearest to 0"), "{merged}");
    }

    #[test]
    fn what_is_no_label_is_named_with_its_place() {
        let read = |value: f32| {
            let mut values = [1.0; 12];
            values[7] = value;
            let grid = Grid::pixels([2, 3, 2]).unwrap();
            let volume = Volume::new(grid, Samples::F32(values.into()), [1.0, 0.0], Modality::Other).unwrap();
            labels_of(Path::new("mask.nii"), &volume, &[]).unwrap_err().to_string()
        };
        for (value, why) in [
            (f32::NAN, "no number"),
            (-1.0, "-1, and no label is negative"),
            (70000.0, "70000, and labels go up to 65535"),
            (f32::INFINITY, "inf, and labels go up to 65535"),
            (0.5, "0.5, between two labels"),
            (0.97, "0.97, between two labels"),
        ] {
            let told = read(value);
            assert!(told.contains(why) && told.contains("column 1, row 0, slice 1"), "{value}: {told}");
        }
    }
}
