use super::entry::{Entry, Row};
use super::schema;
use super::snapshot;
use super::time::now_ms;
use super::{CaseFacts, RunRecord, RunState, Snapshot, StoreError, StoredModel};
use crate::workspace::annotations::Annotations;
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Snapshots that are kept: the newest, and one before it should the newest be damaged.
const SNAPSHOTS: i64 = 2;

/// A snapshot's entry number, and the annotations or what is wrong with them.
pub(super) type Found = (i64, Result<Annotations, String>);

/// An open project file, held against every other process.
///
/// The journal only grows. Snapshots make reopening fast and replace nothing.
pub struct ProjectFile {
    db: Connection,
    path: PathBuf,
    case: i64,
}

impl ProjectFile {
    /// Opens or makes the project file of a case.
    pub fn open(path: &Path, facts: &CaseFacts) -> Result<Self, StoreError> {
        let mut db = Connection::open(path).map_err(|e| StoreError::of(path, e))?;
        let prepare = |db: &mut Connection| -> Result<(), StoreError> {
            // One process at a time: the lock is taken by the first write and kept until the file is closed, and the
            // system lets go of it when a process is killed.
            db.busy_timeout(Duration::from_millis(200))?;
            db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
            db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
            // A commit returns when the operating system has the write-ahead log on the disk.
            db.pragma_update(None, "synchronous", "FULL")?;
            db.pragma_update(None, "foreign_keys", true)?;
            // The lock is taken now, not with the first stroke.
            db.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
            schema::migrate(db)
        };
        prepare(&mut db).map_err(|e| e.at(path))?;
        let case = Self::case(&mut db, facts).map_err(|e| e.at(path))?;
        Ok(Self { db, path: path.to_owned(), case })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Finds the case in the file, or writes it. One of the same pixels counts as the same, wherever it lies now.
    fn case(db: &mut Connection, facts: &CaseFacts) -> Result<i64, StoreError> {
        let [w, h, d] = facts.dims.map(|n| n as i64);
        let known: Option<(i64, [i64; 3])> = db
            .query_row("SELECT id, width, height, depth FROM cases ORDER BY id LIMIT 1", [], |r| {
                Ok((r.get(0)?, [r.get(1)?, r.get(2)?, r.get(3)?]))
            })
            .optional()?;
        match known {
            Some((id, dims)) if dims == [w, h, d] => Ok(id),
            Some((_, dims)) => Err(StoreError::OtherImage { file: dims, image: [w, h, d] }),
            None => {
                let change = db.transaction()?;
                change.execute(
                    "INSERT INTO cases (path, content_hash, width, height, depth, initial_labels, created_ms)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        facts.path.to_string_lossy(),
                        facts.content_hash,
                        w,
                        h,
                        d,
                        serde_json::to_string(&facts.initial_labels)?,
                        now_ms()
                    ],
                )?;
                let id = change.last_insert_rowid();
                audit(&change, "created", &facts.path.to_string_lossy())?;
                change.commit()?;
                Ok(id)
            }
        }
    }

    pub fn content_hash(&self) -> Result<String, StoreError> {
        Ok(self.db.query_row("SELECT content_hash FROM cases WHERE id = ?1", [self.case], |r| r.get(0))?)
    }

    pub(super) fn initial_labels(&self) -> Result<String, StoreError> {
        Ok(self.db.query_row("SELECT initial_labels FROM cases WHERE id = ?1", [self.case], |r| r.get(0))?)
    }

    /// True where nothing has been written since the file was made.
    pub fn is_fresh(&self) -> Result<bool, StoreError> {
        Ok(self.db.query_row("SELECT NOT EXISTS (SELECT 1 FROM journal)", [], |r| r.get(0))?)
    }

    /// Appends entries in one transaction; they are on the disk when it returns.
    pub fn append(&mut self, entries: &[&Entry]) -> Result<(), StoreError> {
        let change = self.db.transaction()?;
        {
            let mut insert = change.prepare_cached(
                "INSERT INTO journal (seq, case_id, at_ms, kind, target, title, origin, payload, checksum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?;
            for entry in entries {
                let row = Row::of(entry);
                insert.execute(params![
                    row.seq,
                    self.case,
                    row.at_ms,
                    row.kind,
                    row.target,
                    row.title,
                    row.origin,
                    row.payload,
                    row.checksum
                ])?;
            }
        }
        change.commit()?;
        Ok(())
    }

    /// Calls `each` with the rows of the journal after entry `after`, in order: all of them with their payloads, or those
    /// up to an entry without.
    pub(super) fn rows(
        &self,
        after: i64,
        up_to: Option<i64>,
        mut each: impl FnMut(Row),
    ) -> Result<(), StoreError> {
        let payload = if up_to.is_some() { "x''" } else { "payload" };
        let mut query = self.db.prepare(&format!(
            "SELECT seq, at_ms, kind, target, title, origin, {payload}, checksum
             FROM journal WHERE case_id = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq"
        ))?;
        let mut rows = query.query(params![self.case, after, up_to.unwrap_or(i64::MAX)])?;
        while let Some(r) = rows.next()? {
            each(row(r)?);
        }
        Ok(())
    }

    /// One entry of the journal.
    pub fn entry(&self, seq: i64) -> Result<Entry, StoreError> {
        let found = self
            .db
            .query_row(
                "SELECT seq, at_ms, kind, target, title, origin, payload, checksum
                 FROM journal WHERE case_id = ?1 AND seq = ?2",
                params![self.case, seq],
                row,
            )
            .optional()?;
        let row = found.ok_or_else(|| StoreError::Damaged { seq, what: "it is not in the file".into() })?;
        row.entry().map_err(|what| StoreError::Damaged { seq, what })
    }

    /// Writes a snapshot. Nothing is deleted before the new one is on the disk, and of the journal nothing ever is.
    pub fn write_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let change = self.db.transaction()?;
        change.execute(
            "INSERT OR REPLACE INTO snapshot (seq, case_id, at_ms, payload, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                snapshot.seq,
                self.case,
                now_ms(),
                snapshot.payload,
                blake3::hash(&snapshot.payload).as_bytes().as_slice()
            ],
        )?;
        change.execute("DELETE FROM label WHERE case_id = ?1", [self.case])?;
        for (place, l) in snapshot.labels.iter().enumerate() {
            let [r, g, b] = l.color;
            let color = format!("#{r:02x}{g:02x}{b:02x}");
            change.execute(
                "INSERT INTO label (case_id, place, id, name, color, locked, visible)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![self.case, place as i64, l.id, l.name, color, l.locked, l.visible],
            )?;
        }
        change.execute("DELETE FROM verified WHERE case_id = ?1", [self.case])?;
        for &z in &snapshot.verified {
            change
                .execute("INSERT INTO verified (case_id, z) VALUES (?1, ?2)", params![self.case, z as i64])?;
        }
        change.commit()?;
        self.db.execute(
            "DELETE FROM snapshot WHERE case_id = ?1 AND seq NOT IN
             (SELECT seq FROM snapshot WHERE case_id = ?1 ORDER BY seq DESC LIMIT ?2)",
            params![self.case, SNAPSHOTS],
        )?;
        Ok(())
    }

    /// The snapshots, newest first.
    pub(super) fn snapshots(&self) -> Result<Vec<Found>, StoreError> {
        let mut query = self
            .db
            .prepare("SELECT seq, payload, checksum FROM snapshot WHERE case_id = ?1 ORDER BY seq DESC")?;
        let rows = query.query_map([self.case], |r| {
            Ok((r.get::<_, i64>(0)?, r.get::<_, Vec<u8>>(1)?, r.get::<_, Vec<u8>>(2)?))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (seq, payload, checksum) = row?;
            let sound = blake3::hash(&payload).as_bytes().as_slice() == checksum;
            let read =
                if sound { snapshot::decode(&payload) } else { Err("its checksum does not match".into()) };
            found.push((seq, read));
        }
        Ok(found)
    }

    pub fn put_model(&mut self, model: &StoredModel) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT OR IGNORE INTO model (version, parent, card, weights, checksum, created_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                model.version,
                model.parent,
                model.card,
                &model.weights[..],
                blake3::hash(&model.weights).as_bytes().as_slice(),
                now_ms()
            ],
        )?;
        Ok(())
    }

    /// The model versions in the file: version, parent and card, oldest first.
    pub fn models(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut query = self.db.prepare("SELECT version, card FROM model ORDER BY created_ms, version")?;
        let rows = query.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A model's weights file, checked.
    pub fn weights(&self, version: &str) -> Result<Vec<u8>, StoreError> {
        let (weights, checksum): (Vec<u8>, Vec<u8>) = self
            .db
            .query_row("SELECT weights, checksum FROM model WHERE version = ?1", [version], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .optional()?
            .ok_or_else(|| StoreError::NoModel(version.to_owned()))?;
        if blake3::hash(&weights).as_bytes().as_slice() != checksum {
            return Err(StoreError::DamagedModel(version.to_owned()));
        }
        Ok(weights)
    }

    /// Writes a run's record, or replaces the one with its id.
    pub fn put_run(&mut self, run: &RunRecord) -> Result<(), StoreError> {
        self.db.execute(
            "INSERT OR REPLACE INTO training_run (id, base_version, state, reason, config, curves, checkpoint,
                 candidate, comparison, started_ms, changed_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                run.id,
                run.base_version,
                run.state.name(),
                run.reason,
                run.config,
                run.curves,
                run.checkpoint.as_ref().map(|p| p.to_string_lossy()),
                run.candidate,
                run.comparison,
                run.id,
                now_ms()
            ],
        )?;
        Ok(())
    }

    /// The training runs, oldest first. One in a state that this program does not know is left out.
    pub fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let mut query = self.db.prepare(
            "SELECT id, base_version, state, reason, config, curves, checkpoint, candidate, comparison
             FROM training_run ORDER BY id",
        )?;
        let rows = query.query_map([], |r| {
            let Some(state) = RunState::from_name(&r.get::<_, String>(2)?) else { return Ok(None) };
            Ok(Some(RunRecord {
                id: r.get(0)?,
                base_version: r.get(1)?,
                state,
                reason: r.get(3)?,
                config: r.get(4)?,
                curves: r.get(5)?,
                checkpoint: r.get::<_, Option<String>>(6)?.map(PathBuf::from),
                candidate: r.get(7)?,
                comparison: r.get(8)?,
            }))
        })?;
        Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }

    pub fn audit(&mut self, what: &str, detail: &str) -> Result<(), StoreError> {
        audit(&self.db, what, detail)
    }

    pub fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.db
            .execute("INSERT OR REPLACE INTO setting (key, value) VALUES (?1, ?2)", params![key, value])?;
        Ok(())
    }

    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(self.db.query_row("SELECT value FROM setting WHERE key = ?1", [key], |r| r.get(0)).optional()?)
    }
}

fn audit(db: &Connection, what: &str, detail: &str) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO audit (at_ms, what, detail) VALUES (?1, ?2, ?3)",
        params![now_ms(), what, detail],
    )?;
    Ok(())
}

fn row(r: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        seq: r.get(0)?,
        at_ms: r.get(1)?,
        kind: r.get(2)?,
        target: r.get(3)?,
        title: r.get(4)?,
        origin: r.get(5)?,
        payload: r.get(6)?,
        checksum: r.get(7)?,
    })
}

impl StoreError {
    fn of(path: &Path, error: rusqlite::Error) -> Self {
        Self::from(error).at(path)
    }

    /// Says which file an error of SQLite is about, and tells a lock from the rest.
    fn at(self, path: &Path) -> Self {
        match self {
            StoreError::Sqlite(e) => match e.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    StoreError::Locked(path.to_owned())
                }
                Some(ErrorCode::NotADatabase) => StoreError::NotAProject,
                _ => StoreError::Sqlite(e),
            },
            other => other,
        }
    }
}
