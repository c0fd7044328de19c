//! What of a DICOM file's attributes is needed to place and to read its frames.

use super::{file::DataSet, pixels, tags};
use crate::io::OpenError;
use dicom_object::{InMemDicomObject, Tag};
use glam::DVec3;
use std::{
    error::Error,
    path::{Path, PathBuf},
};

/// One file that holds an image.
#[derive(Clone, Debug)]
pub struct Header {
    pub path: PathBuf,
    pub series_uid: String,
    pub series_number: Option<i64>,
    pub series_description: String,
    pub modality: String,
    pub transfer_syntax: String,
    pub layout: Layout,
    pub lossy: bool,
    pub has_modality_lut: bool,
    pub frames: Vec<Frame>,
    /// Gap between slices as the file states it, for where positions do not say it.
    pub stated_gap: Option<f64>,
    /// The spacing is that at the detector, not in the patient.
    pub spacing_at_detector: bool,
}

impl Header {
    /// The values are to be shown with the low ones white (PS3.3, C.7.6.3.1.2).
    pub fn low_is_white(&self) -> bool {
        self.layout.photometric == "MONOCHROME1"
    }
}

/// How the samples of one frame are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    pub rows: usize,
    pub columns: usize,
    pub samples: usize,
    pub photometric: String,
    pub planar: bool,
    pub bits_allocated: usize,
    pub bits_stored: usize,
    pub high_bit: usize,
    pub signed: bool,
}

/// One slice.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Index in its file.
    pub index: usize,
    pub place: Option<Place>,
    /// Rows and columns: distance between rows, then between columns, mm.
    pub spacing: Option<[f64; 2]>,
    pub rescale: [f64; 2],
    /// What tells this frame's volume from others at the same place: stack, segment, time.
    pub stack: String,
    /// Order in time where places do not tell.
    pub order: [i64; 2],
}

/// Centre of the first voxel (LPS mm), and the directions along a row and along a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub position: DVec3,
    pub along_row: DVec3,
    pub along_column: DVec3,
}

impl Place {
    pub fn normal(&self) -> DVec3 {
        self.along_row.cross(self.along_column)
    }
}

/// Reads the attributes of a file, without its pixels; and what is odd about the file.
pub fn read(path: &Path) -> Result<(Header, Vec<String>), OpenError> {
    let mut file = DataSet::open(path)?;
    if file.has_pixels() {
        pixels::check_syntax(path, &file.transfer_syntax)?;
    }
    let object = file.parse(path, false)?;
    let header = of_object(path, &object, file.transfer_syntax.clone())?;
    if !file.has_pixels() {
        let what = "it describes an image, but its pixels are missing".to_owned();
        return Err(OpenError::NoImage { path: path.to_owned(), what });
    }
    Ok((header, file.warnings))
}

pub fn explain(path: &Path, error: &dyn Error) -> OpenError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    OpenError::corrupt(path, text)
}

fn of_object(path: &Path, object: &InMemDicomObject, transfer_syntax: String) -> Result<Header, OpenError> {
    let no_image = |what: &str| OpenError::NoImage { path: path.to_owned(), what: what.to_owned() };
    let modality = text(object, tags::MODALITY);
    let (Some(rows), Some(columns)) = (integer(object, tags::ROWS), integer(object, tags::COLUMNS)) else {
        let class = text(object, tags::SOP_CLASS_UID);
        return Err(no_image(&match (modality.as_str(), class.as_str()) {
            (_, "1.2.840.10008.1.3.10") => "it is the index of a DICOM folder; open the folder".to_owned(),
            ("", _) => "it is a DICOM file without an image".to_owned(),
            (modality, _) => format!("it is a DICOM file of kind {modality} without an image"),
        }));
    };
    let size = |name: &str, value: i64| {
        usize::try_from(value)
            .ok()
            .filter(|v| (1..=65_535).contains(v))
            .ok_or_else(|| OpenError::corrupt(path, format!("its {name} are {value}")))
    };
    let bits_allocated = integer(object, tags::BITS_ALLOCATED).ok_or_else(|| {
        OpenError::corrupt(path, "it does not say how many bits a pixel has (BitsAllocated)")
    })?;
    let bits_allocated = size("bits per pixel", bits_allocated)?;
    let bits_stored = integer(object, tags::BITS_STORED).and_then(|b| usize::try_from(b).ok());
    let bits_stored = bits_stored.filter(|b| (1..=bits_allocated).contains(b)).unwrap_or(bits_allocated);
    let high_bit = integer(object, tags::HIGH_BIT).and_then(|b| usize::try_from(b).ok());
    let high_bit =
        high_bit.filter(|b| (bits_stored - 1..bits_allocated).contains(b)).unwrap_or(bits_stored - 1);
    let layout = Layout {
        rows: size("rows", rows)?,
        columns: size("columns", columns)?,
        samples: size("samples per pixel", integer(object, tags::SAMPLES_PER_PIXEL).unwrap_or(1))?,
        photometric: text(object, tags::PHOTOMETRIC_INTERPRETATION),
        planar: integer(object, tags::PLANAR_CONFIGURATION) == Some(1),
        bits_allocated,
        bits_stored,
        high_bit,
        signed: integer(object, tags::PIXEL_REPRESENTATION) == Some(1),
    };
    let (frames, shared_gap) = frames(object)
        .ok_or_else(|| OpenError::unsupported(path, "DICOM with more than 65536 frames", "Split it first"))?;
    let pixel_spacing = pair(object, tags::PIXEL_SPACING);
    Ok(Header {
        path: path.to_owned(),
        series_uid: text(object, tags::SERIES_INSTANCE_UID),
        series_number: integer(object, tags::SERIES_NUMBER),
        series_description: text(object, tags::SERIES_DESCRIPTION),
        modality,
        transfer_syntax,
        layout,
        lossy: text(object, tags::LOSSY_IMAGE_COMPRESSION) == "01",
        has_modality_lut: object.get(tags::MODALITY_LUT_SEQUENCE).is_some(),
        spacing_at_detector: pixel_spacing.is_none()
            && frames.iter().all(|f| f.place.is_none())
            && frames.iter().any(|f| f.spacing.is_some()),
        frames,
        stated_gap: gap(object).or(shared_gap),
    })
}

/// The frames with their places; and the gap that the shared functional groups state. `None` where they are too many.
fn frames(object: &InMemDicomObject) -> Option<(Vec<Frame>, Option<f64>)> {
    let count = text(object, tags::NUMBER_OF_FRAMES);
    // Some files have rubbish behind the number.
    let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
    let count = digits.parse::<usize>().unwrap_or(1).max(1);
    let groups = items(object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let shared = items(object, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first();
    let spacing = pair(object, tags::PIXEL_SPACING)
        .or_else(|| pair(object, tags::IMAGER_PIXEL_SPACING))
        .or_else(|| pair(object, tags::NOMINAL_SCANNED_PIXEL_SPACING));
    let top = Groups { groups: vec![object] };
    let offsets = floats(object, tags::GRID_FRAME_OFFSET_VECTOR).unwrap_or_default();
    let instance = integer(object, tags::INSTANCE_NUMBER).unwrap_or(0);
    let acquisition = integer(object, tags::ACQUISITION_NUMBER).unwrap_or(0);
    // A wild count below this is caught when the pixels are read.
    if count > 1 << 16 {
        return None;
    }
    let described = if groups.is_empty() { count } else { count.min(groups.len()) };
    let frames = (0..described)
        .map(|index| {
            let own = Groups { groups: groups.get(index).into_iter().chain(shared).collect() };
            let place = own.place().or_else(|| top.place()).map(|mut place| {
                if let Some(offset) = offsets.get(index) {
                    place.position += place.normal() * (offset - offsets.first().unwrap_or(&0.0));
                }
                place
            });
            // One position for all frames says where the first is, not where the others are.
            let one_for_all = count > 1 && own.position().is_none() && offsets.len() < count;
            Frame {
                index,
                place: place.filter(|_| !one_for_all),
                spacing: own.spacing().or(spacing),
                rescale: own.rescale().or_else(|| top.top_rescale()).unwrap_or([1.0, 0.0]),
                stack: own.stack(),
                order: [acquisition, if groups.is_empty() { instance } else { index as i64 }],
            }
        })
        .collect();
    let shared_gap = Groups { groups: groups.first().into_iter().chain(shared).collect() }.gap();
    Some((frames, shared_gap))
}

/// Functional groups, the frame's own before the shared ones.
struct Groups<'a> {
    groups: Vec<&'a InMemDicomObject>,
}

impl Groups<'_> {
    fn inner<T>(&self, sequence: Tag, get: impl Fn(&InMemDicomObject) -> Option<T>) -> Option<T> {
        self.groups.iter().find_map(|g| items(g, sequence).first().and_then(&get))
    }

    fn position(&self) -> Option<DVec3> {
        self.inner(tags::PLANE_POSITION_SEQUENCE, |g| vector(g, tags::IMAGE_POSITION_PATIENT))
    }

    fn place(&self) -> Option<Place> {
        let top = |tag| self.groups.iter().find_map(|g| floats(g, tag));
        let position = self.position().or_else(|| {
            top(tags::IMAGE_POSITION_PATIENT)
                .and_then(|v| <[f64; 3]>::try_from(v).ok())
                .map(DVec3::from_array)
        })?;
        let orientation = self
            .inner(tags::PLANE_ORIENTATION_SEQUENCE, |g| floats(g, tags::IMAGE_ORIENTATION_PATIENT))
            .or_else(|| top(tags::IMAGE_ORIENTATION_PATIENT))?;
        let [a, b, c, d, e, f] = <[f64; 6]>::try_from(orientation).ok()?;
        let along_row = DVec3::new(a, b, c).try_normalize()?;
        let along_column = DVec3::new(d, e, f).try_normalize()?;
        let valid = position.is_finite() && along_row.dot(along_column).abs() < 0.01;
        valid.then_some(Place { position, along_row, along_column })
    }

    fn spacing(&self) -> Option<[f64; 2]> {
        self.inner(tags::PIXEL_MEASURES_SEQUENCE, |g| pair(g, tags::PIXEL_SPACING))
    }

    fn gap(&self) -> Option<f64> {
        self.inner(tags::PIXEL_MEASURES_SEQUENCE, gap)
    }

    fn rescale(&self) -> Option<[f64; 2]> {
        self.inner(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, rescale)
    }

    fn top_rescale(&self) -> Option<[f64; 2]> {
        self.groups.iter().find_map(|g| rescale(g))
    }

    fn stack(&self) -> String {
        let segment = self.inner(tags::SEGMENT_IDENTIFICATION_SEQUENCE, |g| {
            integer(g, tags::REFERENCED_SEGMENT_NUMBER).map(|n| format!("segment {n}"))
        });
        let stack = self.inner(tags::FRAME_CONTENT_SEQUENCE, |g| {
            let id = text(g, tags::STACK_ID);
            (!id.is_empty()).then(|| format!("stack {id}"))
        });
        let time = self.inner(tags::FRAME_CONTENT_SEQUENCE, |g| {
            integer(g, tags::TEMPORAL_POSITION_INDEX).map(|n| format!("time {n}"))
        });
        [segment, stack, time].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

fn rescale(object: &InMemDicomObject) -> Option<[f64; 2]> {
    let number = |tag| floats(object, tag).and_then(|v| v.first().copied()).filter(|v| v.is_finite());
    let slope = number(tags::RESCALE_SLOPE);
    let intercept = number(tags::RESCALE_INTERCEPT);
    if slope.is_none() && intercept.is_none() {
        return None;
    }
    // A slope of 0 would make every voxel alike; it is written by mistake where no slope was meant.
    Some([slope.filter(|&s| s != 0.0).unwrap_or(1.0), intercept.unwrap_or(0.0)])
}

fn gap(object: &InMemDicomObject) -> Option<f64> {
    let number = |tag| {
        floats(object, tag)
            .and_then(|v| v.first().copied())
            .map(f64::abs)
            .filter(|v| v.is_finite() && *v > 0.0)
    };
    number(tags::SPACING_BETWEEN_SLICES).or_else(|| number(tags::SLICE_THICKNESS))
}

pub fn items(object: &InMemDicomObject, tag: Tag) -> &[InMemDicomObject] {
    object.get(tag).and_then(|e| e.items()).unwrap_or_default()
}

/// Trimmed; empty where the attribute is missing.
pub fn text(object: &InMemDicomObject, tag: Tag) -> String {
    let value = object.get(tag).and_then(|e| e.to_str().ok());
    value.map(|v| v.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_owned()).unwrap_or_default()
}

pub fn integer(object: &InMemDicomObject, tag: Tag) -> Option<i64> {
    object.get(tag).and_then(|e| e.to_int::<i64>().ok())
}

fn floats(object: &InMemDicomObject, tag: Tag) -> Option<Vec<f64>> {
    object.get(tag).and_then(|e| e.to_multi_float64().ok()).filter(|v| !v.is_empty())
}

fn vector(object: &InMemDicomObject, tag: Tag) -> Option<DVec3> {
    floats(object, tag).and_then(|v| <[f64; 3]>::try_from(v).ok()).map(DVec3::from_array)
}

fn pair(object: &InMemDicomObject, tag: Tag) -> Option<[f64; 2]> {
    let values = <[f64; 2]>::try_from(floats(object, tag)?).ok()?;
    values.iter().all(|v| v.is_finite() && *v > 0.0).then_some(values)
}
