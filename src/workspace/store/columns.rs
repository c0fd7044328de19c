//! Settings and columns of a project file, read alike everywhere.

use super::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn put_setting(db: &Connection, key: &str, value: &str) -> Result<(), StoreError> {
    db.execute("INSERT OR REPLACE INTO setting (key, value) VALUES (?1, ?2)", params![key, value])?;
    Ok(())
}

pub(super) fn setting(db: &Connection, key: &str) -> Result<Option<String>, StoreError> {
    Ok(db.query_row("SELECT value FROM setting WHERE key = ?1", [key], |r| text(r, 0)).optional()?)
}

/// What is in a column, as text, number or bytes; damaged text as far as it is text, and nothing of another kind.
pub(super) fn text(r: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(&bytes(r, column)?).into_owned())
}

pub(super) fn number(r: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<i64> {
    Ok(r.get_ref(column)?.as_i64().unwrap_or_default())
}

pub(super) fn bytes(r: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Vec<u8>> {
    Ok(r.get_ref(column)?.as_bytes().unwrap_or_default().to_vec())
}
