//! Formats: what is written reads back, what is damaged is refused, and what the reference readers say of the shared
//! files is what this program says.

#[path = "formats/damage.rs"]
mod damage;
#[path = "formats/dicom/mod.rs"]
mod dicom;
#[path = "formats/look.rs"]
mod look;
#[path = "formats/manifest.rs"]
mod manifest;
#[path = "formats/monochrome1.rs"]
mod monochrome1;
#[path = "formats/nifti_geometry.rs"]
mod nifti_geometry;
#[path = "formats/sizes.rs"]
mod sizes;
