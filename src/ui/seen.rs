//! The images that were open, as the start screen lists them.

use crate::time;
use crate::workspace::Document;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// So many images are remembered.
pub const MOST: usize = 12;

/// An image that was open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub path: PathBuf,
    /// Where the crosshair was.
    pub cursor: [usize; 3],
    pub depth: usize,
    pub verified: usize,
    /// When it was opened last.
    pub at_ms: i64,
}

/// Puts an open image into the list, or brings what is known of it up to date. Samples are not listed: they are a click away.
pub fn see(images: &mut Vec<Seen>, document: &Document) {
    let path = document.opened();
    if path.to_str().is_some_and(|path| path.starts_with("sample:")) {
        return;
    }
    let (cursor, depth, verified) = (document.cursor(), document.depth(), document.verified().len());
    match images.iter_mut().find(|seen| seen.path == path) {
        Some(seen) => (seen.cursor, seen.depth, seen.verified) = (cursor, depth, verified),
        None => {
            images.insert(0, Seen { path: path.to_owned(), cursor, depth, verified, at_ms: time::now_ms() });
            images.truncate(MOST);
        }
    }
}
