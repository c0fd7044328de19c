use super::{Format, OpenError, OpenOptions, Opened, Progress};
use std::path::Path;

pub static FORMAT: Format = Format {
    id: "raster",
    title: "PNG, JPEG, BMP, GIF",
    extensions: &["png", "jpg", "jpeg", "bmp", "gif"],
    sniff: |_, _| false,
    open,
};

fn open(path: &Path, _: &OpenOptions, _: &mut dyn Progress) -> Result<Opened, OpenError> {
    Err(OpenError::unsupported(path, FORMAT.title, "This reader is being written"))
}
