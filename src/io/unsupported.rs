//! Formats that are known and not read: the error names them and says what to do.

use super::OpenError;
use std::path::Path;

struct Known {
    title: &'static str,
    extensions: &'static [&'static str],
    magic: &'static [&'static [u8]],
    hint: &'static str,
}

const TO_NIFTI: &str = "Convert it to NIfTI (.nii.gz) first, for example with 3D Slicer or ITK-SNAP";
const FROM_DEVICE: &str =
    "Export the B-scans from the device's software as DICOM, TIFF or PNG and open that folder";
const SAVE_PNG: &str = "Save it as PNG or TIFF first";

const KNOWN: &[Known] = &[
    Known { title: "NRRD with its data in another file", extensions: &["nhdr"], magic: &[], hint: TO_NIFTI },
    Known {
        title: "MetaImage",
        extensions: &["mha", "mhd"],
        magic: &[b"ObjectType", b"NDims"],
        hint: TO_NIFTI,
    },
    Known { title: "FreeSurfer MGH/MGZ", extensions: &["mgh", "mgz"], magic: &[], hint: TO_NIFTI },
    Known { title: "MINC", extensions: &["mnc"], magic: &[], hint: TO_NIFTI },
    Known { title: "Heidelberg .vol", extensions: &["vol"], magic: &[b"HSF-OCT-"], hint: FROM_DEVICE },
    Known { title: "Heidelberg .e2e", extensions: &["e2e"], magic: &[b"CMDb"], hint: FROM_DEVICE },
    Known {
        title: "Topcon .fda/.fds",
        extensions: &["fda", "fds"],
        magic: &[b"FOCTFD", b"FOCTFS", b"FOCT"],
        hint: FROM_DEVICE,
    },
    Known { title: "WebP", extensions: &["webp"], magic: &[], hint: SAVE_PNG },
    Known { title: "JPEG 2000", extensions: &["jp2", "j2k"], magic: &[b"\0\0\0\x0cjP  "], hint: SAVE_PNG },
    Known {
        title: "HDF5 / MATLAB",
        extensions: &["h5", "hdf5", "mat"],
        magic: &[b"\x89HDF", b"MATLAB "],
        hint: TO_NIFTI,
    },
    Known {
        title: "ZIP",
        extensions: &["zip"],
        magic: &[b"PK\x03\x04"],
        hint: "Unpack it and open the image or the folder",
    },
];

/// Why no format took this file.
pub fn explain(path: &Path, head: &[u8]) -> OpenError {
    if head.is_empty() && path.is_file() {
        return OpenError::corrupt(path, "it is empty (0 bytes)");
    }
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let by_magic = |k: &&Known| k.magic.iter().any(|m| head.starts_with(m));
    let by_name = |k: &&Known| k.extensions.contains(&extension.as_str());
    if let Some(known) = KNOWN.iter().find(by_magic).or_else(|| KNOWN.iter().find(by_name)) {
        return OpenError::unsupported(path, known.title, known.hint);
    }
    let titles: Vec<&str> = super::FORMATS.iter().skip(1).map(|f| f.title).collect();
    OpenError::Unknown { path: path.to_owned(), hint: format!("It reads: {}", titles.join("; ")) }
}
