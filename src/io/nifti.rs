use super::{Format, OpenError, OpenOptions, Opened, Progress};
use std::path::Path;

pub static FORMAT: Format = Format {
    id: "nifti",
    title: "NIfTI-1 (.nii, .nii.gz, .hdr + .img)",
    extensions: &["nii.gz", "nii", "hdr.gz", "hdr", "img.gz", "img"],
    sniff: |_, _| false,
    open,
};

fn open(path: &Path, _: &OpenOptions, _: &mut dyn Progress) -> Result<Opened, OpenError> {
    Err(OpenError::unsupported(path, FORMAT.title, "This reader is being written"))
}
