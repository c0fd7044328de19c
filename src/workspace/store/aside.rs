//! Project files that were set aside, found again when their image is back.

use super::StoreError;
use super::columns::{number, setting, text};
use super::file::SERIES;
use super::held::Held;
use super::look::{Found, beside, look};
use super::rescue::free_name;
use super::schema;
use crate::time::rfc3339;
use crate::words::counted;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::{Path, PathBuf};

/// What stands between a project's name and a number: the image in its place is another one, or another project of the same
/// image has its place.
pub(super) const OF_ANOTHER_IMAGE: &str = "of-another-image";
const SET_ASIDE: &str = "set-aside";
/// What the journal of what was done to a project calls it.
pub(super) const WHAT: &str = "set aside";
/// Numbers that are tried: more than one image is likely ever to have had.
const TRIED: u64 = 64;

/// A project file of an image that lies aside, under a name that the program does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aside {
    pub path: PathBuf,
    /// Entries of its journal.
    pub changes: usize,
    /// Unix time in milliseconds when it was set aside, where it says so.
    pub when: Option<i64>,
}

impl Aside {
    /// " on 2026-11-29 as eye.png.fovea.set-aside-1 (3 changes)"
    pub fn words(&self) -> String {
        let when = self
            .when
            .map(rfc3339)
            .and_then(|when| Some(format!(" on {}", when.get(..10)?)))
            .unwrap_or_default();
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!("{when} as {name} ({})", counted(self.changes, "change"))
    }
}

/// The project files set aside of an image, by its content hash: beside where its project is or would be. They are looked at, and
/// not changed; what cannot be read is none.
pub(super) fn asides_of(project: &Path, content_hash: &str, series: Option<&str>) -> Vec<Aside> {
    let names = [OF_ANOTHER_IMAGE, SET_ASIDE].into_iter();
    names
        .flat_map(|word| (1..=TRIED).map(move |n| beside(project, &format!(".{word}-{n}"))))
        .filter(|path| path.symlink_metadata().is_ok())
        .filter_map(|path| look_into(path, content_hash, series).ok().flatten())
        .collect()
}

/// The same for an image whose project is or would be beside it.
pub fn asides_beside(image: &Path, content_hash: &str, series: Option<&str>) -> Vec<Aside> {
    asides_of(&beside(image, ".fovea"), content_hash, series)
}

fn look_into(path: PathBuf, content_hash: &str, series: Option<&str>) -> Result<Option<Aside>, StoreError> {
    let (Found::Project, Some(name)) = (look(&path)?, path.to_str()) else { return Ok(None) };
    // A link to it, and the letters that mean something in an address, must not lead elsewhere.
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    schema::check(&db)?;
    let hash = db.query_row("SELECT content_hash FROM cases ORDER BY id LIMIT 1", [], |r| text(r, 0))?;
    let its = setting(&db, SERIES)?;
    if hash != content_hash || series.zip(its.as_deref()).is_some_and(|(ours, its)| ours != its) {
        return Ok(None);
    }
    let changes = db.query_row("SELECT count(*) FROM journal", [], |r| number(r, 0))?;
    let when = "SELECT max(at_ms) FROM audit WHERE what = ?1";
    let when = db.query_row(when, [WHAT], |r| number(r, 0))?;
    let changes = usize::try_from(changes).unwrap_or(0);
    Ok(Some(Aside { path, changes, when: Some(when).filter(|&when| when > 0) }))
}

/// Puts a project file that lies aside in its place. The one that lies there is set aside.
pub(super) fn take_back(project: &Path, aside: &Path) -> Result<(), StoreError> {
    let Found::Project = look(aside)? else { return Err(StoreError::Gone) };
    let other = match look(project)? {
        Found::Project => Some(free_name(project, SET_ASIDE)),
        Found::Nothing => None,
    };
    // No other program has them open.
    for path in [Some(aside), other.as_ref().map(|_| project)].into_iter().flatten() {
        drop(Held::take(path)?);
    }
    if let Some(other) = &other {
        rename(project, other)?;
    }
    rename(aside, project).inspect_err(|_| {
        if let Some(other) = &other
            && let Err(e) = rename(other, project)
        {
            log::error!("{} stays there: {e}", other.display());
        }
    })
}

/// Gives a project, and what lies beside it, another name.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", ".checkpoint"] {
        let (from, to) = (beside(from, suffix), beside(to, suffix));
        if from.symlink_metadata().is_ok() {
            fs::rename(from, to)?;
        }
    }
    Ok(())
}
