use super::StoreError;
use super::columns::{bytes, put_setting};
use crate::edit::Edit;
use crate::time::now_ms;
use crate::workspace::annotations::title;
use rusqlite::{Connection, params};
use std::sync::Arc;

/// The setting that has the number of the newest entry.
pub(super) const ENTRIES: &str = "entries";

/// One line of the journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counts from 1 without gaps.
    pub seq: i64,
    /// Unix time.
    pub at_ms: i64,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Action {
    Do(Arc<Edit>),
    /// Entry `of` is taken back.
    Undo {
        of: i64,
    },
    Redo {
        of: i64,
    },
    /// Nothing before can be undone: damage was found here, and what the edits were made on is not known.
    Cut {
        why: String,
    },
}

impl Entry {
    pub fn new(seq: i64, action: Action) -> Self {
        Self { seq, at_ms: now_ms(), action }
    }
}

/// An entry as the table holds it.
#[derive(Clone, Debug)]
pub struct Row {
    pub seq: i64,
    pub at_ms: i64,
    pub kind: String,
    pub target: Option<i64>,
    pub title: String,
    pub origin: Option<String>,
    pub payload: Vec<u8>,
    pub checksum: Vec<u8>,
}

impl Row {
    pub const EDIT: &str = "edit";
    pub const UNDO: &str = "undo";
    pub const REDO: &str = "redo";
    pub const CUT: &str = "cut";

    pub fn of(entry: &Entry) -> Self {
        let (kind, target, title, origin, payload) = match &entry.action {
            Action::Do(edit) => {
                let origin = edit.patches().next().and_then(|p| serde_json::to_string(&p.origin).ok());
                (Self::EDIT, None, title(edit), origin, edit.encode())
            }
            Action::Undo { of } => (Self::UNDO, Some(*of), String::new(), None, Vec::new()),
            Action::Redo { of } => (Self::REDO, Some(*of), String::new(), None, Vec::new()),
            Action::Cut { why } => (Self::CUT, None, why.clone(), None, Vec::new()),
        };
        let mut row = Self {
            seq: entry.seq,
            at_ms: entry.at_ms,
            kind: kind.to_owned(),
            target,
            title,
            origin,
            payload,
            checksum: Vec::new(),
        };
        row.checksum = row.sum();
        row
    }

    /// The entry, or what is wrong with the row.
    pub fn entry(&self) -> Result<Entry, String> {
        if self.sum() != self.checksum {
            return Err("its checksum does not match".into());
        }
        let action = match (self.kind.as_str(), self.target) {
            (Self::UNDO, Some(of)) => Action::Undo { of },
            (Self::REDO, Some(of)) => Action::Redo { of },
            (Self::CUT, None) => Action::Cut { why: self.title.clone() },
            (Self::EDIT, None) => {
                Action::Do(Arc::new(Edit::decode(&self.payload).map_err(|e| e.to_string())?))
            }
            (other, _) => return Err(format!("its kind “{other}” is unknown to this version")),
        };
        Ok(Entry { seq: self.seq, at_ms: self.at_ms, action })
    }

    fn sum(&self) -> Vec<u8> {
        let mut hash = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hash.update(&(bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        field(&self.seq.to_le_bytes());
        field(&self.at_ms.to_le_bytes());
        field(self.kind.as_bytes());
        field(&self.target.unwrap_or(0).to_le_bytes());
        field(self.title.as_bytes());
        field(self.origin.as_deref().unwrap_or_default().as_bytes());
        field(&self.payload);
        hash.finalize().as_bytes().to_vec()
    }
}

/// Appends entries to the journal of a case; the number of the newest.
pub(super) fn append<'a>(
    db: &Connection,
    case: i64,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<Option<i64>, StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT INTO journal (seq, case_id, at_ms, kind, target, title, origin, payload, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (seq) DO NOTHING",
    )?;
    let mut newest = None;
    for entry in entries {
        let row = Row::of(entry);
        let inserted = insert.execute(params![
            row.seq,
            case,
            row.at_ms,
            row.kind,
            row.target,
            row.title,
            row.origin,
            row.payload,
            row.checksum
        ])?;
        let kept = "SELECT checksum FROM journal WHERE seq = ?1";
        if inserted == 0 && db.query_row(kept, [row.seq], |r| bytes(r, 0))? != row.checksum {
            return Err(StoreError::Grown);
        }
        newest = Some(row.seq);
    }
    if let Some(newest) = newest {
        put_setting(db, ENTRIES, &newest.to_string())?;
    }
    Ok(newest)
}
