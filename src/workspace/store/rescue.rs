//! What can be read of a damaged project file, in a new one in its place. The damaged one is kept beside it.

use super::StoreError;
use super::look::{beside, log_of};
use super::schema;
use super::wal::Log;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// In the order in which rows may be put in.
const TABLES: [&str; 9] =
    ["cases", "label", "verified", "journal", "snapshot", "model", "training_run", "audit", "setting"];
/// Entries that are looked for one by one, where the list of them is damaged.
const PROBED: i64 = 1 << 20;

/// Puts a damaged log into its database, as far as it can be read; a sentence that says so.
pub(super) fn merge_log(path: &Path, log: &Log) -> Result<String, StoreError> {
    let mut whole = temporary(path)?;
    let log_path = beside(path, "-wal");
    log.merge(path, &log_path, whole.as_file_mut())?;
    let kept = keep_copy(path)?;
    replace(path, whole)?;
    let [bad, all] = log.bad();
    Ok(format!(
        "the log of its last changes was damaged ({bad} of its {all} records): it was read as far as it can be, and what was there is kept as {} and {}",
        kept.display(),
        beside(&kept, "-wal").display()
    ))
}

/// Keeps a copy of a log that has lost its end, and says so.
pub(super) fn keep_log(path: &Path) -> Result<String, StoreError> {
    let kept = keep_copy(path)?;
    Ok(format!(
        "the log of its last changes ends in the middle of one; what was there is kept as {} and {}",
        kept.display(),
        beside(&kept, "-wal").display()
    ))
}

/// Makes a new project file from the rows of a damaged one that can be read; returns a sentence that says so. Nothing is changed
/// where not even the image that it belongs to can be read of it.
pub(super) fn rescue(path: &Path, newest: Option<i64>) -> Result<String, StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let place = tempfile::Builder::new().prefix(".fovea-").tempdir_in(folder)?;
    let (copy, new) = (place.path().join("copy"), place.path().join("new"));
    let log = log_of(path)?;
    match &log {
        Some(log) => log.merge(path, &beside(path, "-wal"), &mut File::create(&copy)?)?,
        None => fs::copy(path, &copy).map(|_| ())?,
    }
    let from = Connection::open(&copy)?;
    // So that a file that has lost its end is read up to there.
    from.pragma_update(None, "writable_schema", true)?;
    let mut into = Connection::open(&new)?;
    schema::make(&mut into)?;
    let mut lost = 0;
    for table in TABLES {
        lost += copy_rows(&from, &into, table, newest)?;
    }
    let cases: i64 = into.query_row("SELECT count(*) FROM cases", [], |r| r.get(0))?;
    if cases == 0 {
        return Err(StoreError::NothingLeft);
    }
    drop((from, into));
    let mut whole = temporary(path)?;
    io::copy(&mut File::open(&new)?, whole.as_file_mut())?;
    schema::keep_a_log(whole.as_file_mut())?;
    whole.as_file().sync_all()?;
    let kept = keep_copy(path)?;
    if let Some(log) = log {
        // The log goes before the new file comes: it is none of that.
        let mut merged = temporary(path)?;
        log.merge(path, &beside(path, "-wal"), merged.as_file_mut())?;
        replace(path, merged)?;
    }
    replace(path, whole)?;
    let unread = if lost == 0 { String::new() } else { format!(", {lost} of its records could not be") };
    Ok(format!(
        "it was damaged: what could be read of it was put into a new one{unread}; the damaged one is kept as {}",
        kept.display()
    ))
}

/// Copies the rows of a table one by one; how many cannot be read.
fn copy_rows(
    from: &Connection,
    into: &Connection,
    table: &str,
    newest: Option<i64>,
) -> Result<usize, StoreError> {
    let mut keys: BTreeSet<i64> = BTreeSet::new();
    // From both ends, so that damage in the middle hides nothing behind it.
    for order in ["ASC", "DESC"] {
        let Ok(mut query) = from.prepare(&format!("SELECT rowid FROM {table} ORDER BY rowid {order}")) else {
            continue;
        };
        let Ok(mut rows) = query.query([]) else { continue };
        while let Ok(Some(row)) = rows.next() {
            keys.extend(row.get::<_, i64>(0));
        }
    }
    if table == "journal" {
        let newest = newest.or(keys.last().copied()).unwrap_or(0).clamp(0, PROBED);
        keys.extend(1..=newest);
    }
    let Ok(mut query) = from.prepare(&format!("SELECT * FROM {table} WHERE rowid = ?1")) else {
        return Ok(keys.len());
    };
    let columns = query.column_count();
    let marks = vec!["?"; columns].join(", ");
    let mut insert = into.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({marks})"))?;
    let mut lost = 0;
    for key in keys {
        let row = query.query_row([key], |row| {
            (0..columns).map(|i| row.get::<_, Value>(i)).collect::<rusqlite::Result<Vec<Value>>>()
        });
        match row {
            // What does not fit its column is damage too.
            Ok(values) => lost += usize::from(insert.execute(params_from_iter(values)).is_err()),
            Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(_) => lost += 1,
        }
    }
    Ok(lost)
}

/// `scan.nii.fovea.damaged-1`, and its log: copies, so that at no moment there is less than before.
fn keep_copy(path: &Path) -> Result<PathBuf, StoreError> {
    let kept = free_name(path, "damaged");
    for suffix in ["", "-wal"] {
        let (from, to) = (beside(path, suffix), beside(&kept, suffix));
        if from.exists() {
            fs::copy(&from, &to)?;
            File::open(&to)?.sync_all()?;
        }
    }
    Ok(kept)
}

/// `PATH.WORD-1`, or the next that is free.
pub(super) fn free_name(path: &Path, word: &str) -> PathBuf {
    let free =
        |name: &PathBuf| ["", "-wal"].iter().all(|suffix| beside(name, suffix).symlink_metadata().is_err());
    (1..).map(|n: u64| beside(path, &format!(".{word}-{n}"))).find(free).unwrap_or_default()
}

fn temporary(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".fovea-").tempfile_in(folder)
}

/// Replaces the old file by the new one, then takes the log away. Where the program is killed in between, the log is
/// put in again when the project is opened next, with the same result.
fn replace(path: &Path, new: tempfile::NamedTempFile) -> Result<(), StoreError> {
    if let Ok(old) = fs::metadata(path) {
        new.as_file().set_permissions(old.permissions())?;
    }
    new.persist(path).map_err(|e| e.error)?;
    match fs::remove_file(beside(path, "-wal")) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e.into()),
        _ => Ok(()),
    }
}
