//! What of a DICOM file's attributes is needed to place and to read its frames.

use super::{
    attributes::Attributes,
    codec,
    file::DataSet,
    keys::{self, KEYS},
    layout::Layout,
    stored::{self, Stated},
    tags::{self, Tag},
};
use crate::io::OpenError;
use glam::DVec3;
use std::path::{Path, PathBuf};

/// No place in a patient is so far from the scanner's own zero, mm.
const FURTHEST: f64 = 1e5;
/// More frames than any real file has.
const MAX_FRAMES: usize = 1 << 16;

/// One file that holds an image.
#[derive(Clone, Debug)]
pub struct Header {
    pub path: PathBuf,
    pub instance_uid: String,
    pub series_uid: String,
    pub series_number: Option<i64>,
    pub series_description: String,
    pub modality: String,
    pub transfer_syntax: String,
    pub layout: Layout,
    /// As the attributes state it, for how compressed frames are told apart.
    pub stated_frames: usize,
    pub lossy: bool,
    pub has_modality_lut: bool,
    /// What the values are in, as the file names it; empty where it does not.
    pub rescale_type: String,
    /// Made of other images so that it shows many places at once, or an overview: not what a person opens a study for.
    pub is_projection: bool,
    /// Computed from other images.
    pub is_derived: bool,
    pub frames: Vec<Frame>,
    /// Gap between slices as the file states it, for where positions do not say it.
    pub stated_gap: Option<f64>,
    pub spacing_holds: SpacingHolds,
}

/// Where the distances between pixels are what the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpacingHolds {
    InPatient,
    /// Lengths in the patient are shorter.
    AtDetector,
    /// Within the part of an ultrasound picture that shows tissue.
    InRegion,
}

impl Header {
    /// The values are to be shown with the low ones white (PS3.3, C.7.6.3.1.2).
    pub fn low_is_white(&self) -> bool {
        self.layout.photometric == "MONOCHROME1"
    }
}

/// One slice.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Index in its file.
    pub index: usize,
    pub place: Option<Place>,
    /// Where along some axis it lies, mm; for frames without a place.
    pub location: Option<f64>,
    pub instance_number: Option<i64>,
    /// Rows and columns: distance between rows, then between columns, mm.
    pub spacing: Option<[f64; 2]>,
    pub rescale: [f64; 2],
    /// The values of [`KEYS`], in their order: what tells volumes at one place apart.
    pub keys: [String; KEYS.len()],
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
    let file = DataSet::open(path)?;
    if file.pixels.is_some() {
        codec::check_syntax(path, &file.transfer_syntax)?;
    }
    of_data_set(path, file)
}

fn of_data_set(path: &Path, file: DataSet) -> Result<(Header, Vec<String>), OpenError> {
    let object = &file.attributes;
    let no_image = |what: &str| OpenError::NoImage { path: path.to_owned(), what: what.to_owned() };
    let modality = object.text(tags::MODALITY);
    let layout = layout(path, object, &modality)?;
    let pixels = file.pixels.ok_or_else(|| no_image("it describes an image, but its pixels are missing"))?;
    let stated = stated(object);
    let offsets = object.extended_offsets();
    let (count, odd) = stored::count(path, &pixels, &layout, &file.transfer_syntax, &offsets, stated)?;
    let described = object.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).len();
    if described > 0 && described != count {
        let what = format!("it describes {described} frames one by one and has {count}");
        return Err(OpenError::corrupt(path, what));
    }
    if count > MAX_FRAMES {
        let what = format!("DICOM with {count} frames (more than {MAX_FRAMES})");
        return Err(OpenError::unsupported(path, what, "Split it first"));
    }
    let kinds: Vec<String> =
        object.text(tags::IMAGE_TYPE).to_uppercase().split('\\').map(|kind| kind.trim().to_owned()).collect();
    no_slices(path, object, &layout, &kinds)?;
    let mut warnings = file.warnings;
    warnings.extend(odd);
    warnings.extend(odd_bits(object, &layout));
    if pair(object, tags::PIXEL_ASPECT_RATIO).is_some_and(|[down, across]| down != across) {
        let ratio = object.text(tags::PIXEL_ASPECT_RATIO).replace('\\', " : ");
        warnings.push(format!(
            "Its pixels are not square (height to width {ratio}): they are shown as if they were"
        ));
    }
    let Frames { frames, gap: shared_gap, rescale_type, spacing_holds, odd } =
        frames(object, count, &modality).map_err(|what| OpenError::corrupt(path, what))?;
    warnings.extend(odd);
    let header = Header {
        path: path.to_owned(),
        instance_uid: object.text(tags::SOP_INSTANCE_UID),
        series_uid: object.text(tags::SERIES_INSTANCE_UID),
        series_number: object.integer(tags::SERIES_NUMBER),
        series_description: object.words(tags::SERIES_DESCRIPTION),
        modality,
        transfer_syntax: file.transfer_syntax,
        layout,
        stated_frames: stated.frames,
        lossy: object.text(tags::LOSSY_IMAGE_COMPRESSION) == "01",
        has_modality_lut: object.has(tags::MODALITY_LUT_SEQUENCE),
        rescale_type,
        is_projection: ["MIP", "MINIP", "PROJECTION IMAGE", "LOCALIZER", "SCOUT"]
            .iter()
            .any(|what| kinds.iter().any(|kind| kind == what)),
        is_derived: kinds.first().is_some_and(|kind| kind == "DERIVED"),
        spacing_holds,
        frames,
        stated_gap: gap(object).or(shared_gap),
    };
    Ok((header, warnings))
}

fn layout(path: &Path, object: &Attributes, modality: &str) -> Result<Layout, OpenError> {
    let (Some(rows), Some(columns)) = (object.integer(tags::ROWS), object.integer(tags::COLUMNS)) else {
        let class = object.text(tags::SOP_CLASS_UID);
        let what = match (modality, class.as_str()) {
            (_, "1.2.840.10008.1.3.10") => "it is the index of a DICOM folder; open the folder".to_owned(),
            ("", _) => "it is a DICOM file without an image".to_owned(),
            (modality, _) => format!("it is a DICOM file of kind {modality} without an image"),
        };
        return Err(OpenError::NoImage { path: path.to_owned(), what });
    };
    let size = |name: &str, value: i64, most: i64| {
        let within = usize::try_from(value).ok().filter(|_| (1..=most).contains(&value));
        within.ok_or_else(|| OpenError::corrupt(path, format!("its {name} are {value}")))
    };
    let bits_allocated = object.integer(tags::BITS_ALLOCATED).ok_or_else(|| {
        OpenError::corrupt(path, "it does not say how many bits a pixel has (BitsAllocated)")
    })?;
    let bits_allocated = size("bits per pixel", bits_allocated, 64)?;
    let bits_stored = object.integer(tags::BITS_STORED).and_then(|b| usize::try_from(b).ok());
    let bits_stored = bits_stored.filter(|b| (1..=bits_allocated).contains(b)).unwrap_or(bits_allocated);
    let high_bit = object.integer(tags::HIGH_BIT).and_then(|b| usize::try_from(b).ok());
    let high_bit =
        high_bit.filter(|b| (bits_stored - 1..bits_allocated).contains(b)).unwrap_or(bits_stored - 1);
    Ok(Layout {
        rows: size("rows", rows, 65_535)?,
        columns: size("columns", columns, 65_535)?,
        samples: size("samples per pixel", object.integer(tags::SAMPLES_PER_PIXEL).unwrap_or(1), 65_535)?,
        photometric: object.text(tags::PHOTOMETRIC_INTERPRETATION),
        planar: object.integer(tags::PLANAR_CONFIGURATION) == Some(1),
        bits_allocated,
        bits_stored,
        high_bit,
        signed: object.integer(tags::PIXEL_REPRESENTATION) == Some(1),
    })
}

/// Refuses frames that are the parts of one picture: they would be shown as slices that they are not.
fn no_slices(path: &Path, object: &Attributes, layout: &Layout, kinds: &[String]) -> Result<(), OpenError> {
    let [columns, rows] = [tags::TOTAL_PIXEL_MATRIX_COLUMNS, tags::TOTAL_PIXEL_MATRIX_ROWS]
        .map(|tag| object.integer(tag).and_then(|n| usize::try_from(n).ok()).unwrap_or(0));
    if columns > layout.columns || rows > layout.rows {
        return Err(OpenError::unsupported(
            path,
            format!("A whole-slide image, whose frames are tiles of a picture of {columns} x {rows} pixels,"),
            "Save the part that is of interest as TIFF or PNG",
        ));
    }
    if kinds.iter().any(|kind| kind == "MOSAIC") {
        return Err(OpenError::unsupported(
            path,
            "A Siemens mosaic, which holds all slices of a volume as tiles of one picture,",
            "Convert it to NIfTI first, for example with dcm2niix",
        ));
    }
    Ok(())
}

/// Where the bits that the file says are used cannot be.
fn odd_bits(object: &Attributes, layout: &Layout) -> Option<String> {
    let stated = object.integer(tags::BITS_STORED)?;
    (usize::try_from(stated) != Ok(layout.bits_stored)).then(|| {
        format!(
            "It says that {stated} of {} bits are used (BitsStored), which cannot be: all are read, and values may be wrong",
            layout.bits_allocated
        )
    })
}

fn stated(object: &Attributes) -> Stated {
    let count = object.text(tags::NUMBER_OF_FRAMES);
    // Some files have rubbish behind the number.
    let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
    let each = object.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE).len();
    let frames = digits.parse::<usize>().ok().filter(|&n| n > 0).unwrap_or(each.max(1));
    Stated { frames, each: each > 1 }
}

/// The frames with their places, and what the functional groups say of all.
struct Frames {
    frames: Vec<Frame>,
    gap: Option<f64>,
    rescale_type: String,
    spacing_holds: SpacingHolds,
    /// What is wrong with a place, and what else is to be known.
    odd: Vec<String>,
}

/// An error says which scale of the values is no number: without it the values mean something else.
fn frames(object: &Attributes, count: usize, modality: &str) -> Result<Frames, String> {
    let each = object.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let shared = object.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first();
    let (spacing, spacing_holds) = spacing(object);
    let offsets = object.floats(tags::GRID_FRAME_OFFSET_VECTOR).unwrap_or_default();
    let instance_number = object.integer(tags::INSTANCE_NUMBER);
    let groups = |index: usize| Groups { top: object, groups: each.get(index).into_iter().chain(shared) };
    let frames = (0..count).map(|index| {
        let own = groups(index);
        let place = own.place().ok().flatten().map(|mut place| {
            if let (Some(offset), Some(&first)) = (offsets.get(index), offsets.first()) {
                // Counted from the first frame; or heights in the patient, of which the first is then not 0
                // (PS3.3, C.8.8.3.2).
                match first == 0.0 {
                    true => place.position += place.normal() * *offset,
                    false => place.position.z = *offset,
                }
            }
            place
        });
        // One position for all frames says where the first is, not where the others are.
        let one_for_all = count > 1 && !own.has_own_position() && offsets.len() < count;
        let place = place.filter(|_| !one_for_all);
        let mut keys = keys::of(object, each, index, |tag| own.text(tag));
        if place.is_none() && count == 1 && keys::is_picture(modality) {
            keys[keys::PICTURE] = object.text(tags::SOP_INSTANCE_UID);
        }
        Ok(Frame {
            index,
            place,
            location: object.float(tags::SLICE_LOCATION).filter(|_| count == 1),
            instance_number,
            spacing: own.pair(tags::PIXEL_SPACING).or(spacing),
            rescale: own.rescale()?,
            keys,
        })
    });
    let frames = frames.collect::<Result<_, String>>()?;
    let mut odd: Vec<String> = (0..count).find_map(|index| groups(index).place().err()).into_iter().collect();
    let pointer = object.floats(tags::FRAME_INCREMENT_POINTER).unwrap_or_default();
    let is_time = |tag: &Tag| pointer == [f64::from(tag.0), f64::from(tag.1)];
    if count > 1 && tags::FRAME_TIMES.iter().any(is_time) {
        odd.push("Its frames follow each other in time; they are shown as slices".to_owned());
    }
    let first = groups(0);
    Ok(Frames {
        frames,
        gap: first.gap(),
        rescale_type: first.text(tags::RESCALE_TYPE),
        // Functional groups state the spacing in the patient.
        spacing_holds: match first.pair(tags::PIXEL_SPACING) {
            Some(_) => SpacingHolds::InPatient,
            None => spacing_holds,
        },
        odd,
    })
}

/// Between rows, then between columns, mm, as the data set states it for all frames.
fn spacing(object: &Attributes) -> (Option<[f64; 2]>, SpacingHolds) {
    let detector = [tags::IMAGER_PIXEL_SPACING, tags::NOMINAL_SCANNED_PIXEL_SPACING];
    if let Some(spacing) = pair(object, tags::PIXEL_SPACING) {
        (Some(spacing), SpacingHolds::InPatient)
    } else if let Some(spacing) = detector.into_iter().find_map(|tag| pair(object, tag)) {
        (Some(spacing), SpacingHolds::AtDetector)
    } else if let Some(spacing) = spacing_of_ultrasound(object) {
        (Some(spacing), SpacingHolds::InRegion)
    } else {
        (None, SpacingHolds::InPatient)
    }
}

/// Of the regions of an ultrasound picture that show tissue in two dimensions, where they agree (PS3.3, C.8.5.5).
fn spacing_of_ultrasound(object: &Attributes) -> Option<[f64; 2]> {
    const TISSUE: i64 = 1;
    const CENTIMETRE: i64 = 3;
    let regions = object.items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS);
    let mut spacings =
        regions.iter().filter(|r| r.integer(tags::REGION_SPATIAL_FORMAT) == Some(TISSUE)).map(|r| {
            let step = |units, delta| {
                let is_length = r.integer(units) == Some(CENTIMETRE);
                r.float(delta).map(|cm| cm.abs() * 10.0).filter(|mm| is_length && *mm > 0.0)
            };
            let down = step(tags::PHYSICAL_UNITS_Y, tags::PHYSICAL_DELTA_Y)?;
            Some([down, step(tags::PHYSICAL_UNITS_X, tags::PHYSICAL_DELTA_X)?])
        });
    let first = spacings.next()??;
    spacings.all(|other| other == Some(first)).then_some(first)
}

/// What a frame's functional groups say, its own before the shared ones; and the data set itself.
struct Groups<'a, I> {
    top: &'a Attributes,
    groups: I,
}

impl<'a, I: Iterator<Item = &'a Attributes> + Clone> Groups<'a, I> {
    fn grouped(&self, tag: Tag) -> Option<&'a Attributes> {
        Attributes::having(self.groups.clone(), tag)
    }

    /// The data set that has the attribute for this frame.
    fn with(&self, tag: Tag) -> &'a Attributes {
        self.grouped(tag).unwrap_or(self.top)
    }

    fn text(&self, tag: Tag) -> String {
        self.with(tag).text(tag)
    }

    fn pair(&self, tag: Tag) -> Option<[f64; 2]> {
        self.grouped(tag).and_then(|g| pair(g, tag))
    }

    fn has_own_position(&self) -> bool {
        self.grouped(tags::IMAGE_POSITION_PATIENT).is_some()
    }

    /// `None` where the file states none; an error says what is wrong with the one that it states.
    fn place(&self) -> Result<Option<Place>, String> {
        let [position, directions] =
            [tags::IMAGE_POSITION_PATIENT, tags::IMAGE_ORIENTATION_PATIENT].map(|tag| self.text(tag));
        if position.is_empty() || directions.is_empty() {
            return Ok(None);
        }
        let numbers = |tag| self.with(tag).floats(tag).unwrap_or_default();
        let at = <[f64; 3]>::try_from(numbers(tags::IMAGE_POSITION_PATIENT)).ok().map(DVec3::from_array);
        let at = at.filter(|at| at.abs().max_element() <= FURTHEST).ok_or_else(|| {
            format!("Its position {position} (ImagePositionPatient) is not a position in a patient and is not used")
        })?;
        let axes = <[f64; 6]>::try_from(numbers(tags::IMAGE_ORIENTATION_PATIENT)).ok().and_then(|v| {
            let [a, b, c, d, e, f] = v;
            let axes = [DVec3::new(a, b, c).try_normalize()?, DVec3::new(d, e, f).try_normalize()?];
            (axes[0].dot(axes[1]).abs() < 0.01).then_some(axes)
        });
        let [along_row, along_column] = axes.ok_or_else(|| {
            format!(
                "Its orientation {directions} (ImageOrientationPatient) is not that of rows and columns at right angles: how it \
                 lies in the patient is unknown"
            )
        })?;
        Ok(Some(Place { position: at, along_row, along_column }))
    }

    fn gap(&self) -> Option<f64> {
        let [between, thickness] =
            [tags::SPACING_BETWEEN_SLICES, tags::SLICE_THICKNESS].map(|t| self.with(t));
        gap(between).or_else(|| gap(thickness))
    }

    fn rescale(&self) -> Result<[f64; 2], String> {
        // An attribute without a value is as good as none.
        let number = |tag, name: &str| match self.text(tag) {
            text if text.is_empty() => Ok(None),
            text => match self.with(tag).float(tag) {
                Some(number) => Ok(Some(number)),
                None => Err(format!("its {name} is \u{201c}{text}\u{201d}, which is not a number")),
            },
        };
        let slope = match number(tags::RESCALE_SLOPE, "rescale slope")? {
            Some(slope) => Some(slope),
            None => number(tags::DOSE_GRID_SCALING, "dose grid scaling")?,
        };
        if slope == Some(0.0) {
            return Err("its rescale slope is 0, which makes all voxels alike".to_owned());
        }
        Ok([slope.unwrap_or(1.0), number(tags::RESCALE_INTERCEPT, "rescale intercept")?.unwrap_or(0.0)])
    }
}

fn gap(object: &Attributes) -> Option<f64> {
    let number = |tag| object.float(tag).map(f64::abs).filter(|v| *v > 0.0);
    number(tags::SPACING_BETWEEN_SLICES).or_else(|| number(tags::SLICE_THICKNESS))
}

fn pair(object: &Attributes, tag: Tag) -> Option<[f64; 2]> {
    let values = <[f64; 2]>::try_from(object.floats(tag)?).ok()?;
    values.iter().all(|v| v.is_finite() && *v > 0.0).then_some(values)
}
