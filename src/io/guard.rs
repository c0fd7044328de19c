use super::OpenError;
use crate::words;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Runs a decoder and turns a panic inside it into an error: a damaged file must not take a job, or a person's work,
/// with it. The one place where decoders of other crates are fenced in.
///
/// What a panic leaves behind is dropped here: readers hand out nothing before they return.
pub fn decode<T>(path: &Path, read: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        Err(OpenError::Decoder { path: path.to_owned(), message: words::of_panic(panic.as_ref()) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_becomes_an_error_with_its_message() {
        let err = decode::<()>(Path::new("a.dcm"), || panic!("index 7 out of range")).unwrap_err();
        assert!(err.to_string().contains("index 7 out of range"), "{err}");
    }
}
