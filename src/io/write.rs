use super::WriteError;
use crate::{label::LabelMap, volume::Volume};
use std::path::Path;

/// Writes a mask as grey PNG whose values are the label ids (8 bits, 16 where an id is above 255): one file for a 2-D
/// image, else a folder `path` with `0001.png`, `0002.png`… in slice order.
pub fn write_label_png(path: &Path, _map: &LabelMap) -> Result<(), WriteError> {
    Err(WriteError::unfit(path, "this writer is being written"))
}

/// Writes a mask as TIFF, one page a slice, with the ids as values.
pub fn write_label_tiff(path: &Path, _map: &LabelMap) -> Result<(), WriteError> {
    Err(WriteError::unfit(path, "this writer is being written"))
}

/// Writes one probability of a 2-D image (`values` row by row) as 16-bit grey PNG: 65535 is certainty.
pub fn write_probability_png(path: &Path, _values: &[f32], _size: [usize; 2]) -> Result<(), WriteError> {
    Err(WriteError::unfit(path, "this writer is being written"))
}

/// Writes a 2-D image as PNG (8- or 16-bit grey, or colour). Types that PNG does not have are refused.
pub fn write_image_png(path: &Path, _volume: &Volume) -> Result<(), WriteError> {
    Err(WriteError::unfit(path, "this writer is being written"))
}

/// Writes an image as TIFF in its own type, one page a slice.
pub fn write_image_tiff(path: &Path, _volume: &Volume) -> Result<(), WriteError> {
    Err(WriteError::unfit(path, "this writer is being written"))
}
