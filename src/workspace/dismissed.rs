//! Which warnings of images a person has put away, so that they do not come again with the same image.

use super::store::{CaseFacts, Place};
use crate::file;
use crate::replace::write_bytes;
use std::path::{Path, PathBuf};

/// The newest so many are remembered.
const MOST: usize = 4096;
const MOST_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Dismissed {
    /// Where they are remembered; `None` for as long as the program runs.
    file: Option<PathBuf>,
    /// [`key`]s, oldest first.
    keys: Vec<String>,
}

impl Dismissed {
    pub fn of(place: &Place) -> Self {
        let file = place.folder().map(|folder| folder.join("dismissed-warnings"));
        let keys = file.as_deref().map_or_else(Vec::new, read);
        Self { file, keys }
    }

    pub fn contains(&self, key: &str) -> bool {
        self.keys.iter().any(|known| known == key)
    }

    /// What is to be written where, for another thread to do.
    pub fn add(&mut self, key: String) -> Option<impl FnOnce() -> anyhow::Result<()> + Send + use<>> {
        if !self.contains(&key) {
            self.keys.push(key.clone());
        }
        let file = self.file.clone()?;
        Some(move || {
            // Another window may have remembered some meanwhile.
            let mut keys = read(&file);
            keys.retain(|known| *known != key);
            keys.push(key);
            let newest = &keys[keys.len().saturating_sub(MOST)..];
            if let Some(folder) = file.parent() {
                file::make_folder(folder)?;
            }
            Ok(write_bytes(&file, newest.join("\n").as_bytes())?)
        })
    }
}

/// A text about an image: the same for the same image under another name.
pub(super) fn key(facts: &CaseFacts, text: &str) -> String {
    let of = (&facts.content_hash, &facts.series, text);
    blake3::hash(format!("{of:?}").as_bytes()).to_hex().to_string()
}

/// What cannot be read is as if nothing had been put away: a warning too many.
fn read(file: &Path) -> Vec<String> {
    let bytes = file::read_at_most(file, MOST_BYTES).unwrap_or_default();
    String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
}
