use crate::{geom::GridError, memory::TooMuch, volume::VolumeError};
use std::path::{Path, PathBuf};

/// Why an image could not be opened: what is wrong, in which file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} does not exist", path.display())]
    NotFound { path: PathBuf },
    #[error("{} cannot be read: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
    /// A known format, or a variant of one, that this program does not read.
    #[error("{}: {what} is not supported. {hint}", path.display())]
    Unsupported { path: PathBuf, what: String, hint: String },
    #[error("{} is not an image file that Fovea knows. {hint}", path.display())]
    Unknown { path: PathBuf, hint: String },
    #[error("{} is cut off: {expected} bytes are needed, {found} are there. Copy it again from its source", path.display())]
    Truncated { path: PathBuf, expected: u64, found: u64 },
    #[error("{} is damaged: {what}", path.display())]
    Corrupt { path: PathBuf, what: String },
    #[error("{} holds no image: {what}", path.display())]
    NoImage { path: PathBuf, what: String },
    #[error("{} is too large: {cause}", path.display())]
    TooLarge { path: PathBuf, cause: TooMuch },
    /// Slices that do not fit together.
    #[error("{}: the slices do not fit together: {what}", path.display())]
    Mixed { path: PathBuf, what: String },
    #[error("{} has no series \"{asked}\"; {}", path.display(), choices(available))]
    NoSuchSeries { path: PathBuf, asked: String, available: String },
    /// A file that is an image but not a mask.
    #[error("{} cannot be read as a mask: {what}", path.display())]
    NotLabels { path: PathBuf, what: String },
    #[error("{}: {cause}", path.display())]
    Grid { path: PathBuf, cause: GridError },
    #[error("{}: {cause}", path.display())]
    Volume { path: PathBuf, cause: VolumeError },
    #[error("{} could not be decoded: {message}. The file is probably damaged", path.display())]
    Decoder { path: PathBuf, message: String },
    #[error("cancelled")]
    Cancelled,
}

/// What a file that holds several images has, in words; it is empty for one that holds one.
fn choices(available: &str) -> String {
    match available {
        "" => "it holds one image: open it without naming one".to_owned(),
        several => format!("it has: {several}"),
    }
}

impl OpenError {
    pub(super) fn io(path: &Path, cause: std::io::Error) -> Self {
        match cause.kind() {
            std::io::ErrorKind::NotFound => Self::NotFound { path: path.to_owned() },
            _ => match cause.downcast::<TooMuch>() {
                Ok(cause) => Self::too_large(path, cause),
                Err(cause) => Self::Io { path: path.to_owned(), cause },
            },
        }
    }

    pub(super) fn corrupt(path: &Path, what: impl std::fmt::Display) -> Self {
        Self::Corrupt { path: path.to_owned(), what: what.to_string() }
    }

    pub(super) fn unsupported(path: &Path, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unsupported { path: path.to_owned(), what: what.into(), hint: hint.into() }
    }

    pub(super) fn too_large(path: &Path, cause: TooMuch) -> Self {
        Self::TooLarge { path: path.to_owned(), cause }
    }

    pub(super) fn grid(path: &Path, cause: GridError) -> Self {
        Self::Grid { path: path.to_owned(), cause }
    }

    pub(super) fn volume(path: &Path, cause: VolumeError) -> Self {
        Self::Volume { path: path.to_owned(), cause }
    }

    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}
