//! The attributes that are read, by their names in DICOM PS3.6, with the types that it gives them.

use std::fmt;

/// Group and element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16, pub u16);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.0, self.1)
    }
}

macro_rules! tags {
    ($($name:ident = $group:literal $element:literal $vr:literal;)*) => {
        $(pub const $name: Tag = Tag($group, $element);)*

        const KNOWN: &[(Tag, &[u8; 2])] = &[$(($name, $vr)),*];
    };
}

// In the order of their numbers, for the search in `vr`.
tags! {
    TRANSFER_SYNTAX_UID = 0x0002 0x0010 b"UI";
    SPECIFIC_CHARACTER_SET = 0x0008 0x0005 b"CS";
    IMAGE_TYPE = 0x0008 0x0008 b"CS";
    SOP_CLASS_UID = 0x0008 0x0016 b"UI";
    SOP_INSTANCE_UID = 0x0008 0x0018 b"UI";
    ACQUISITION_DATE_TIME = 0x0008 0x002a b"DT";
    ACQUISITION_TIME = 0x0008 0x0032 b"TM";
    CONTENT_TIME = 0x0008 0x0033 b"TM";
    MODALITY = 0x0008 0x0060 b"CS";
    SERIES_DESCRIPTION = 0x0008 0x103e b"LO";
    FRAME_TYPE = 0x0008 0x9007 b"CS";
    COMPLEX_IMAGE_COMPONENT = 0x0008 0x9208 b"CS";
    PATIENT_NAME = 0x0010 0x0010 b"PN";
    PATIENT_ID = 0x0010 0x0020 b"LO";
    SEQUENCE_NAME = 0x0018 0x0024 b"SH";
    SLICE_THICKNESS = 0x0018 0x0050 b"DS";
    KVP = 0x0018 0x0060 b"DS";
    ECHO_TIME = 0x0018 0x0081 b"DS";
    INVERSION_TIME = 0x0018 0x0082 b"DS";
    ECHO_NUMBERS = 0x0018 0x0086 b"IS";
    SPACING_BETWEEN_SLICES = 0x0018 0x0088 b"DS";
    TRIGGER_TIME = 0x0018 0x1060 b"DS";
    IMAGER_PIXEL_SPACING = 0x0018 0x1164 b"DS";
    CONVOLUTION_KERNEL = 0x0018 0x1210 b"SH";
    FLIP_ANGLE = 0x0018 0x1314 b"DS";
    NOMINAL_SCANNED_PIXEL_SPACING = 0x0018 0x2010 b"DS";
    SEQUENCE_OF_ULTRASOUND_REGIONS = 0x0018 0x6011 b"SQ";
    REGION_SPATIAL_FORMAT = 0x0018 0x6012 b"US";
    PHYSICAL_UNITS_X = 0x0018 0x6024 b"US";
    PHYSICAL_UNITS_Y = 0x0018 0x6026 b"US";
    PHYSICAL_DELTA_X = 0x0018 0x602c b"FD";
    PHYSICAL_DELTA_Y = 0x0018 0x602e b"FD";
    DIFFUSION_GRADIENT_DIRECTION_SEQUENCE = 0x0018 0x9076 b"SQ";
    EFFECTIVE_ECHO_TIME = 0x0018 0x9082 b"FD";
    DIFFUSION_B_VALUE = 0x0018 0x9087 b"FD";
    DIFFUSION_GRADIENT_ORIENTATION = 0x0018 0x9089 b"FD";
    MR_ECHO_SEQUENCE = 0x0018 0x9114 b"SQ";
    MR_DIFFUSION_SEQUENCE = 0x0018 0x9117 b"SQ";
    CARDIAC_SYNCHRONIZATION_SEQUENCE = 0x0018 0x9118 b"SQ";
    MR_IMAGE_FRAME_TYPE_SEQUENCE = 0x0018 0x9226 b"SQ";
    CT_IMAGE_FRAME_TYPE_SEQUENCE = 0x0018 0x9329 b"SQ";
    PET_FRAME_TYPE_SEQUENCE = 0x0018 0x9751 b"SQ";
    // Of Siemens, which wrote it long before there was a standard one.
    SIEMENS_CREATOR = 0x0019 0x0010 b"LO";
    SIEMENS_B_VALUE = 0x0019 0x100c b"IS";
    STUDY_INSTANCE_UID = 0x0020 0x000d b"UI";
    SERIES_INSTANCE_UID = 0x0020 0x000e b"UI";
    SERIES_NUMBER = 0x0020 0x0011 b"IS";
    ACQUISITION_NUMBER = 0x0020 0x0012 b"IS";
    INSTANCE_NUMBER = 0x0020 0x0013 b"IS";
    IMAGE_POSITION_PATIENT = 0x0020 0x0032 b"DS";
    IMAGE_ORIENTATION_PATIENT = 0x0020 0x0037 b"DS";
    FRAME_OF_REFERENCE_UID = 0x0020 0x0052 b"UI";
    TEMPORAL_POSITION_IDENTIFIER = 0x0020 0x0100 b"IS";
    SLICE_LOCATION = 0x0020 0x1041 b"DS";
    STACK_ID = 0x0020 0x9056 b"SH";
    IN_STACK_POSITION_NUMBER = 0x0020 0x9057 b"UL";
    FRAME_CONTENT_SEQUENCE = 0x0020 0x9111 b"SQ";
    PLANE_POSITION_SEQUENCE = 0x0020 0x9113 b"SQ";
    PLANE_ORIENTATION_SEQUENCE = 0x0020 0x9116 b"SQ";
    TEMPORAL_POSITION_INDEX = 0x0020 0x9128 b"UL";
    NOMINAL_CARDIAC_TRIGGER_DELAY_TIME = 0x0020 0x9153 b"FD";
    DIMENSION_INDEX_VALUES = 0x0020 0x9157 b"UL";
    DIMENSION_INDEX_POINTER = 0x0020 0x9165 b"AT";
    DIMENSION_INDEX_SEQUENCE = 0x0020 0x9222 b"SQ";
    SAMPLES_PER_PIXEL = 0x0028 0x0002 b"US";
    PHOTOMETRIC_INTERPRETATION = 0x0028 0x0004 b"CS";
    PLANAR_CONFIGURATION = 0x0028 0x0006 b"US";
    NUMBER_OF_FRAMES = 0x0028 0x0008 b"IS";
    FRAME_INCREMENT_POINTER = 0x0028 0x0009 b"AT";
    ROWS = 0x0028 0x0010 b"US";
    COLUMNS = 0x0028 0x0011 b"US";
    PIXEL_SPACING = 0x0028 0x0030 b"DS";
    PIXEL_ASPECT_RATIO = 0x0028 0x0034 b"IS";
    BITS_ALLOCATED = 0x0028 0x0100 b"US";
    BITS_STORED = 0x0028 0x0101 b"US";
    HIGH_BIT = 0x0028 0x0102 b"US";
    PIXEL_REPRESENTATION = 0x0028 0x0103 b"US";
    RESCALE_INTERCEPT = 0x0028 0x1052 b"DS";
    RESCALE_SLOPE = 0x0028 0x1053 b"DS";
    RESCALE_TYPE = 0x0028 0x1054 b"LO";
    // Of red; green and blue follow.
    PALETTE_DESCRIPTOR = 0x0028 0x1101 b"US";
    RED_PALETTE_DATA = 0x0028 0x1201 b"OW";
    GREEN_PALETTE_DATA = 0x0028 0x1202 b"OW";
    BLUE_PALETTE_DATA = 0x0028 0x1203 b"OW";
    SEGMENTED_RED_PALETTE_DATA = 0x0028 0x1221 b"OW";
    LOSSY_IMAGE_COMPRESSION = 0x0028 0x2110 b"CS";
    MODALITY_LUT_SEQUENCE = 0x0028 0x3000 b"SQ";
    PIXEL_MEASURES_SEQUENCE = 0x0028 0x9110 b"SQ";
    PIXEL_VALUE_TRANSFORMATION_SEQUENCE = 0x0028 0x9145 b"SQ";
    // Of General Electric; the first of its numbers.
    GE_CREATOR = 0x0043 0x0010 b"LO";
    GE_B_VALUE = 0x0043 0x1039 b"IS";
    TOTAL_PIXEL_MATRIX_COLUMNS = 0x0048 0x0006 b"UL";
    TOTAL_PIXEL_MATRIX_ROWS = 0x0048 0x0007 b"UL";
    // Of nuclear medicine: a number for each frame.
    ENERGY_WINDOW_VECTOR = 0x0054 0x0010 b"US";
    DETECTOR_VECTOR = 0x0054 0x0020 b"US";
    PHASE_VECTOR = 0x0054 0x0030 b"US";
    RR_INTERVAL_VECTOR = 0x0054 0x0060 b"US";
    TIME_SLOT_VECTOR = 0x0054 0x0070 b"US";
    SLICE_VECTOR = 0x0054 0x0080 b"US";
    ANGULAR_VIEW_VECTOR = 0x0054 0x0090 b"US";
    TIME_SLICE_VECTOR = 0x0054 0x0100 b"US";
    FRAME_REFERENCE_TIME = 0x0054 0x1300 b"DS";
    SEGMENT_IDENTIFICATION_SEQUENCE = 0x0062 0x000a b"SQ";
    REFERENCED_SEGMENT_NUMBER = 0x0062 0x000b b"US";
    GRID_FRAME_OFFSET_VECTOR = 0x3004 0x000c b"DS";
    DOSE_GRID_SCALING = 0x3004 0x000e b"DS";
    SHARED_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200 0x9229 b"SQ";
    PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE = 0x5200 0x9230 b"SQ";
    EXTENDED_OFFSET_TABLE = 0x7fe0 0x0001 b"OV";
    FLOAT_PIXEL_DATA = 0x7fe0 0x0008 b"OF";
    DOUBLE_FLOAT_PIXEL_DATA = 0x7fe0 0x0009 b"OD";
    PIXEL_DATA = 0x7fe0 0x0010 b"OW";
}

/// What a frame increment pointer names where frames follow each other in time: FrameTime, FrameTimeVector.
pub const FRAME_TIMES: [Tag; 2] = [Tag(0x18, 0x1063), Tag(0x18, 0x1065)];

pub const PALETTE_DATA: [Tag; 3] = [RED_PALETTE_DATA, GREEN_PALETTE_DATA, BLUE_PALETTE_DATA];

/// The type that the standard gives an attribute that is read here; `None` for all others.
pub fn vr(tag: Tag) -> Option<[u8; 2]> {
    KNOWN.binary_search_by_key(&tag, |(known, _)| *known).ok().map(|i| *KNOWN[i].1)
}

pub fn is_pixels(tag: Tag) -> bool {
    [PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA].contains(&tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_found() {
        assert!(KNOWN.windows(2).all(|w| w[0].0 < w[1].0), "the table is in order");
        assert_eq!(vr(PIXEL_SPACING), Some(*b"DS"));
        assert_eq!(vr(Tag(0x0011, 0x0011)), None);
    }
}
