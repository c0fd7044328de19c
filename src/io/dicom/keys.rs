//! The attributes that tell apart volumes which share a series, and often their places.

use super::{
    attributes::Attributes,
    tags::{self, Tag},
};

/// What one kind of volume differs in from another.
#[derive(Debug)]
pub struct Key {
    /// How a title says it; the value follows.
    pub title: &'static str,
    pub splits: Splits,
    /// The value is not shown: a person's, or a number without meaning. Titles count instead.
    pub counted: bool,
    /// That a slice does not state it says nothing: anonymising takes it away, and writers leave it out.
    pub may_lack: bool,
}

/// When slices that differ in a key are of several volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splits {
    Always,
    /// Scans of one place again: where slices would lie closer to each other than those of one volume do, or where they
    /// state no places.
    Again,
    /// Where slices would lie closer to each other: acquisitions that follow each other are one volume.
    Among,
}

const fn key(title: &'static str, splits: Splits, counted: bool) -> Key {
    Key { title, splits, counted, may_lack: false }
}

const fn setting(title: &'static str, splits: Splits, counted: bool) -> Key {
    Key { may_lack: true, ..key(title, splits, counted) }
}

/// In the order in which they are tried.
pub const KEYS: [Key; 25] = [
    key("patient", Splits::Always, true),
    setting("study", Splits::Always, true),
    setting("frame of reference", Splits::Always, true),
    key("", Splits::Always, false),
    key("picture", Splits::Always, true),
    key("stack", Splits::Always, false),
    key("segment", Splits::Always, false),
    key("", Splits::Always, false),
    key("time", Splits::Again, false),
    key("echo", Splits::Again, false),
    setting("echo time", Splits::Again, false),
    key("b", Splits::Again, false),
    key("direction", Splits::Again, true),
    key("", Splits::Again, false),
    key("component", Splits::Again, false),
    setting("inversion time", Splits::Again, false),
    setting("flip angle", Splits::Again, false),
    setting("kV", Splits::Again, false),
    setting("kernel", Splits::Again, false),
    key("sequence", Splits::Among, false),
    key("index", Splits::Among, false),
    key("trigger time", Splits::Among, false),
    key("frame time", Splits::Among, false),
    key("acquisition", Splits::Among, false),
    key("acquired", Splits::Among, true),
];
pub const PICTURE: usize = 4;

/// The values of [`KEYS`]; empty where an attribute is missing. `text` finds an attribute of this frame, in its
/// functional groups or in the data set; `each` are the groups of every frame.
pub fn of(
    top: &Attributes,
    each: &[Attributes],
    index: usize,
    text: impl Fn(Tag) -> String,
) -> [String; KEYS.len()] {
    let number = |tag| rounded(&text(tag));
    let first = |tags: &[Tag]| tags.iter().map(|&t| number(t)).find(|t| !t.is_empty()).unwrap_or_default();
    let kind = top.text(tags::IMAGE_TYPE);
    let kind: Vec<&str> = kind.split('\\').map(str::trim).collect();
    let joined = |parts: &[&str]| parts.join(" ").trim().to_owned();
    let frame_type = text(tags::FRAME_TYPE).replace('\\', " ");
    let further = joined(kind.get(3..).unwrap_or_default());
    [
        [top.text(tags::PATIENT_ID), top.text(tags::PATIENT_NAME)].join(" "),
        top.text(tags::STUDY_INSTANCE_UID),
        top.text(tags::FRAME_OF_REFERENCE_UID),
        joined(kind.get(..3).unwrap_or(&kind)),
        String::new(),
        text(tags::STACK_ID),
        number(tags::REFERENCED_SEGMENT_NUMBER),
        vectors(top, index),
        first(&[tags::TEMPORAL_POSITION_INDEX, tags::TEMPORAL_POSITION_IDENTIFIER]),
        number(tags::ECHO_NUMBERS),
        first(&[tags::EFFECTIVE_ECHO_TIME, tags::ECHO_TIME]),
        b_value(top, number(tags::DIFFUSION_B_VALUE)),
        text(tags::DIFFUSION_GRADIENT_ORIENTATION),
        if frame_type.is_empty() { further } else { frame_type },
        text(tags::COMPLEX_IMAGE_COMPONENT),
        number(tags::INVERSION_TIME),
        number(tags::FLIP_ANGLE),
        number(tags::KVP),
        text(tags::CONVOLUTION_KERNEL),
        text(tags::SEQUENCE_NAME),
        dimensions(top, each.get(index)),
        first(&[tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME, tags::TRIGGER_TIME]),
        number(tags::FRAME_REFERENCE_TIME),
        number(tags::ACQUISITION_NUMBER),
        [tags::ACQUISITION_DATE_TIME, tags::ACQUISITION_TIME, tags::CONTENT_TIME]
            .map(|t| top.text(t))
            .into_iter()
            .find(|t| !t.is_empty())
            .unwrap_or_default(),
    ]
}

/// Whether single files of a modality without a position are pictures for themselves rather than slices.
pub fn is_picture(modality: &str) -> bool {
    ["CR", "DX", "MG", "IO", "PX", "RG", "XC", "OP", "GM", "ES", "SM", "US"].contains(&modality)
}

/// 1, 1.0 and 1.00001 are one number; texts stay.
fn rounded(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => ((number * 1e3).round() / 1e3).to_string(),
        _ => text.to_owned(),
    }
}

fn b_value(top: &Attributes, standard: String) -> String {
    if !standard.is_empty() {
        return standard;
    }
    if top.text(tags::SIEMENS_CREATOR).starts_with("SIEMENS MR") {
        return rounded(&top.text(tags::SIEMENS_B_VALUE));
    }
    if top.text(tags::GE_CREATOR).starts_with("GEMS_PARM") {
        // Newer ones add 10⁹.
        let value = top.integer(tags::GE_B_VALUE).map(|b| (b % 1_000_000_000).to_string());
        return value.unwrap_or_default();
    }
    String::new()
}

/// Which energy window, detector and time a frame of nuclear medicine is of (PS3.3, C.8.4.8). Times are told apart where each
/// has slices or views; else they are what the frames follow.
fn vectors(top: &Attributes, index: usize) -> String {
    let has_slices = top.has(tags::SLICE_VECTOR) || top.has(tags::ANGULAR_VIEW_VECTOR);
    let named = [
        ("energy window", tags::ENERGY_WINDOW_VECTOR, true),
        ("detector", tags::DETECTOR_VECTOR, true),
        ("phase", tags::PHASE_VECTOR, true),
        ("heartbeat", tags::RR_INTERVAL_VECTOR, has_slices),
        ("time slot", tags::TIME_SLOT_VECTOR, has_slices),
        ("time", tags::TIME_SLICE_VECTOR, has_slices),
    ];
    let said = named.iter().filter(|(.., counts)| *counts).filter_map(|&(name, tag, _)| {
        let numbers = top.floats(tag)?;
        let differ = numbers.iter().any(|n| *n != numbers[0]);
        differ.then(|| numbers.get(index).map(|n| format!("{name} {n}")))?
    });
    said.collect::<Vec<_>>().join(" ")
}

/// What the frame's dimensions say of it, except of its place.
fn dimensions(top: &Attributes, own: Option<&Attributes>) -> String {
    let values = own.and_then(|own| Attributes::having([own].into_iter(), tags::DIMENSION_INDEX_VALUES));
    let Some(values) = values.and_then(|v| v.floats(tags::DIMENSION_INDEX_VALUES)) else {
        return String::new();
    };
    let places = [tags::IMAGE_POSITION_PATIENT, tags::IN_STACK_POSITION_NUMBER];
    let is_place = |item: &Attributes| {
        let pointer = item.floats(tags::DIMENSION_INDEX_POINTER).unwrap_or_default();
        places.iter().any(|p| pointer == [f64::from(p.0), f64::from(p.1)])
    };
    let items = top.items(tags::DIMENSION_INDEX_SEQUENCE);
    let others = items.iter().zip(&values).filter(|(item, _)| !is_place(item));
    others.map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ")
}
