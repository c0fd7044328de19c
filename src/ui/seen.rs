//! The images that were open, as the start screen lists them.

use crate::io;
use crate::time;
use crate::workspace::{Document, Workspace};
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
    /// A run that learns from it: about so many steps of all. One that has come to its end is none.
    #[serde(default)]
    pub learning: Option<[u64; 2]>,
}

/// Puts an open image into the list, or brings what is known of it up to date. Samples are not listed: they are a click away.
pub fn see(images: &mut Vec<Seen>, workspace: &Workspace, document: &Document) {
    let path = document.opened();
    if io::is_sample(path) {
        return;
    }
    let (cursor, depth, verified) = (document.cursor(), document.depth(), document.verified().len());
    let before = images.iter().find(|seen| seen.path == path).and_then(|seen| seen.learning);
    let learning = match workspace.interrupted_training() {
        // It can go on as long as nothing is decided.
        Some(id) if id == document.id() => before,
        _ => learning(workspace, document),
    };
    match images.iter_mut().find(|seen| seen.path == path) {
        Some(seen) => {
            (seen.cursor, seen.depth, seen.verified, seen.learning) = (cursor, depth, verified, learning);
        }
        None => {
            let (path, at_ms) = (path.to_owned(), time::now_ms());
            images.insert(0, Seen { path, cursor, depth, verified, at_ms, learning });
            images.truncate(MOST);
        }
    }
}

/// In tenths of the run: the list is not written anew with every step.
fn learning(workspace: &Workspace, document: &Document) -> Option<[u64; 2]> {
    let training = workspace.training().filter(|training| training.is_under_way())?;
    let [step, total] = training.steps();
    let tenth = (total / 10).max(1);
    training.uses(document.id()).then_some([step / tenth * tenth, total])
}
