//! What a project file holds.

use super::columns::{bytes, number, text};
use super::entry::{Entry, Row, append};
use super::file::ProjectFile;
use super::snapshot;
use super::{RunRecord, RunState, Snapshot, StoreError, StoredModel};
use crate::time::now_ms;
use crate::workspace::annotations::Annotations;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, params};

/// Snapshots that are kept: the newest, and one before it should the newest be damaged.
const SNAPSHOTS: i64 = 2;

/// A snapshot's entry number, and the annotations or what is wrong with them.
pub(super) type FoundSnapshot = (i64, Result<Annotations, String>);

impl ProjectFile {
    pub(super) fn initial_labels(&self) -> Result<String, StoreError> {
        Ok(self
            .db
            .query_row("SELECT initial_labels FROM cases WHERE id = ?1", [self.case], |r| text(r, 0))?)
    }

    /// Appends entries in one transaction; they are on the disk when it returns. One that is in it already, as after a write
    /// whose end was not known, is no second one; another of its number is an error.
    pub fn append(&mut self, entries: &[&Entry]) -> Result<(), StoreError> {
        let change = self.db.transaction()?;
        let newest = append(&change, self.case, entries.iter().copied())?;
        change.commit()?;
        self.wrote(newest.unwrap_or(0), entries.len());
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

    /// Whether an entry is the same in another file.
    pub(super) fn same_entry(&self, other: &Self, seq: i64) -> bool {
        let sum = |file: &Self| {
            file.db.query_row("SELECT checksum FROM journal WHERE seq = ?1", [seq], |r| bytes(r, 0)).ok()
        };
        sum(self).is_some_and(|sum_here| sum(other) == Some(sum_here))
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
                snapshot_sum(snapshot.seq, &snapshot.payload)
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
        change.execute("DELETE FROM measurement WHERE case_id = ?1", [self.case])?;
        for (place, m) in snapshot.measurements.iter().enumerate() {
            let points = serde_json::to_string(&m.points).unwrap_or_default();
            change.execute(
                "INSERT INTO measurement (case_id, place, id, kind, name, points) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![self.case, place as i64, m.id, m.kind.id(), m.name, points],
            )?;
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
    pub(super) fn snapshots(&self, dims: [usize; 3]) -> Result<Vec<FoundSnapshot>, StoreError> {
        let mut query = self
            .db
            .prepare("SELECT seq, payload, checksum FROM snapshot WHERE case_id = ?1 ORDER BY seq DESC")?;
        let rows = query.query_map([self.case], |r| Ok((number(r, 0)?, bytes(r, 1)?, bytes(r, 2)?)))?;
        let mut found = Vec::new();
        for row in rows {
            let (seq, payload, checksum) = row?;
            // Older programs have left the number out.
            let old = blake3::hash(&payload);
            let sound = snapshot_sum(seq, &payload) == checksum || old.as_bytes().as_slice() == checksum;
            let read = if sound {
                snapshot::decode(&payload, dims)
            } else {
                Err("its checksum does not match".into())
            };
            found.push((seq, read));
        }
        Ok(found)
    }

    pub fn put_model(&mut self, model: &StoredModel) -> Result<(), StoreError> {
        self.db.execute(
            // A version's weights never change; its card does where a person gives it another name.
            "INSERT INTO model (version, parent, card, weights, checksum, created_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (version) DO UPDATE SET card = excluded.card",
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
        let rows = query.query_map([], |r| Ok((text(r, 0)?, text(r, 1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A model's weights file, checked.
    pub fn weights(&self, version: &str) -> Result<Vec<u8>, StoreError> {
        let (weights, checksum): (Vec<u8>, Vec<u8>) = self
            .db
            .query_row("SELECT weights, checksum FROM model WHERE version = ?1", [version], |r| {
                Ok((bytes(r, 0)?, bytes(r, 1)?))
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
            "INSERT OR REPLACE INTO training_run (id, base_version, state, reason, config, curves,
                 candidate, comparison, started_ms, changed_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                run.id,
                run.base_version,
                run.state.name(),
                run.reason,
                run.config,
                run.curves,
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
            "SELECT id, base_version, state, reason, config, curves, candidate, comparison
             FROM training_run ORDER BY id",
        )?;
        let rows = query.query_map([], |r| {
            let Some(state) = RunState::from_name(&text(r, 2)?) else { return Ok(None) };
            let optional = |column| text(r, column).map(|text| Some(text).filter(|text| !text.is_empty()));
            Ok(Some(RunRecord {
                id: number(r, 0)?,
                base_version: text(r, 1)?,
                state,
                reason: optional(3)?,
                config: text(r, 4)?,
                curves: text(r, 5)?,
                candidate: optional(6)?,
                comparison: optional(7)?,
            }))
        })?;
        Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
    }
}

/// Damage is told by the row's checksum: what is no text or no number any more must not hide the rows after it.
fn row(r: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let target = r.get_ref(3)?;
    let origin = r.get_ref(5)?;
    Ok(Row {
        seq: number(r, 0)?,
        at_ms: number(r, 1)?,
        kind: text(r, 2)?,
        target: if target == ValueRef::Null { None } else { Some(number(r, 3)?) },
        title: text(r, 4)?,
        origin: if origin == ValueRef::Null { None } else { Some(text(r, 5)?) },
        payload: bytes(r, 6)?,
        checksum: bytes(r, 7)?,
    })
}

/// Of a snapshot and of the entry that it was taken after.
fn snapshot_sum(seq: i64, payload: &[u8]) -> Vec<u8> {
    let mut hash = blake3::Hasher::new();
    hash.update(&seq.to_le_bytes());
    hash.update(payload);
    hash.finalize().as_bytes().to_vec()
}
