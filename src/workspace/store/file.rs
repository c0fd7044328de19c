use super::columns::{number, put_setting, setting, text};
use super::entry::{ENTRIES, Entry, append};
use super::held::Held;
use super::look::{Found, beside, log_of, look};
use super::wal::State;
use super::{CaseFacts, StoreError, rescue, schema};
use crate::replace::write_bytes;
use crate::time::now_ms;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};
use std::fs::File;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The log is taken into the database at the latest after this many entries.
const CHECKPOINT_EVERY: usize = 64;

/// Settings of the file's own.
const CASE_CHECKSUM: &str = "case checksum";
pub(super) const SERIES: &str = "series";
/// [`CaseFacts::turned`]. Missing where the image was shown as it is stored, which older programs always did.
const TURNED: &str = "turned";

/// Whether a project was made on the image that is open now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    Same,
    /// The image's content is another one, of the same size.
    OtherContent,
    /// Columns, rows and slices of the image that it was made on.
    OtherSize([i64; 3]),
    /// It belongs to another series of the same file or folder.
    OtherSeries,
    /// It was made on the same file, whose pictures stood otherwise then: [`CaseFacts::turned`] of that time.
    OtherTurn(Option<String>),
}

/// What lies where an open project file should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lies {
    There,
    /// The database is there, its log is not.
    WithoutLog,
    Gone,
    /// Another file.
    Replaced,
}

/// Tells a file from any other, whatever it is called.
type Identity = (u64, u64);

/// An open project file, held against every other process.
///
/// The journal only grows. Snapshots make reopening fast and replace nothing.
#[derive(Debug)]
pub struct ProjectFile {
    pub(super) db: Connection,
    path: PathBuf,
    pub(super) case: i64,
    whose: Whose,
    files: [Option<Identity>; 2],
    /// The newest entry that it should have; more than it has where it has lost some.
    expected: i64,
    /// What was wrong with it when it was opened, a sentence each.
    damage: Vec<String>,
    /// Entries since the log was taken into the database.
    since: usize,
    // After the database, which is let go of first.
    held: Option<Held>,
}

impl ProjectFile {
    /// Makes the project file of a case, whole from the first moment; an error where there is one.
    pub fn create(path: &Path, facts: &CaseFacts) -> Result<Self, StoreError> {
        if let Found::Project = look(path)? {
            return Err(StoreError::Grown);
        }
        let mut db = Connection::open_in_memory()?;
        schema::make(&mut db)?;
        insert_case(&mut db, facts)?;
        let mut bytes = db.serialize("main")?.to_vec();
        schema::keep_a_log(&mut Cursor::new(&mut bytes[..]))?;
        write_bytes(path, &bytes)?;
        Self::open(path, facts)
    }

    /// Opens a project file that is there. One that is refused is not changed.
    pub fn open(path: &Path, facts: &CaseFacts) -> Result<Self, StoreError> {
        // SQLite follows links too; the log lies beside what they lead to.
        let path = std::fs::canonicalize(path)?;
        if let Found::Nothing = look(&path)? {
            return Err(StoreError::NotAProject);
        }
        let (held, count) = Held::take(&path)?;
        let mut damage = Vec::new();
        let log = log_of(&path)?;
        let state = log.as_ref().map_or(State::Whole, super::wal::Log::state);
        if let (State::Damaged, Some(log)) = (state, &log) {
            damage.push(rescue::merge_log(&path, log)?);
        }
        let mut db = match connect(&path) {
            Ok(db) if schema::is_sound(&db) => db,
            Err(e) if !e.is_damage() => return Err(e.at(&path)),
            broken => {
                // Before the file is written, all that hold it let go of it.
                drop(broken);
                damage.push(rescue::rescue(&path, count)?);
                connect(&path).map_err(|e| e.at(&path))?
            }
        };
        let read = |db: &Connection| -> Result<(i64, i64), StoreError> {
            let newest = db.query_row("SELECT ifnull(max(seq), 0) FROM journal", [], |r| r.get(0))?;
            let stated = setting(db, ENTRIES)?.and_then(|n| n.parse().ok()).unwrap_or(0);
            Ok((newest, stated))
        };
        let (newest, stated) = read(&db).map_err(|e| e.at(&path))?;
        let expected = newest.max(stated).max(count.unwrap_or(0));
        if state == State::Unfinished && count.is_none_or(|count| newest < count) {
            damage.push(rescue::keep_log(&path)?);
        }
        let (case, whose) = case(&mut db, facts, &mut damage).map_err(|e| e.at(&path))?;
        let files = identities(&path);
        let mut file = Self { db, path, case, whose, files, expected, damage, since: 0, held };
        if let Some(held) = &mut file.held {
            held.note(newest);
        }
        Ok(file)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn whose(&self) -> &Whose {
        &self.whose
    }

    /// The newest entry that it should have, and what was wrong with it when it was opened.
    pub(super) fn found(&self) -> (i64, &[String]) {
        (self.expected, &self.damage)
    }

    /// The number of the newest entry that it has; 0 for none.
    pub fn newest(&self) -> Result<i64, StoreError> {
        Ok(self.db.query_row("SELECT ifnull(max(seq), 0) FROM journal", [], |r| r.get(0))?)
    }

    /// Whether what is written goes to where the project should be.
    pub(super) fn lies(&self) -> Lies {
        match (identities(&self.path), self.files) {
            ([None, _], _) => Lies::Gone,
            ([now, _], [then, _]) if now != then => Lies::Replaced,
            ([_, now], [_, then]) if now != then => Lies::WithoutLog,
            _ => Lies::There,
        }
    }

    /// Takes the log into the database, so that all of it lies in one file.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        let busy: i64 = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))?;
        if busy != 0 {
            return Err(StoreError::Locked(self.path.clone()));
        }
        self.since = 0;
        Ok(())
    }

    /// Whether anything is in the log alone.
    pub fn is_logged(&self) -> bool {
        beside(&self.path, "-wal").metadata().is_ok_and(|meta| meta.len() > 0)
    }

    /// The image is this one from now on, whatever it was made on; the change that makes its annotations fit is written with
    /// that, or neither.
    pub fn take_over(&mut self, facts: &CaseFacts, entry: Option<&Entry>) -> Result<(), StoreError> {
        let change = self.db.transaction()?;
        append(&change, self.case, entry)?;
        change.execute(
            "UPDATE cases SET content_hash = ?1, path = ?2 WHERE id = ?3",
            params![facts.content_hash, facts.path.to_string_lossy(), self.case],
        )?;
        put_setting(&change, CASE_CHECKSUM, &case_checksum(&change, self.case)?)?;
        put_turned(&change, facts)?;
        audit(&change, "image changed, annotations kept", &facts.content_hash)?;
        change.commit()?;
        self.whose = Whose::Same;
        if let Some(entry) = entry {
            self.wrote(entry.seq, 1);
        }
        Ok(())
    }

    /// Writes all of it to another place, where nothing lies.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let place = tempfile::tempdir_in(path.parent().unwrap_or(Path::new(".")))?;
        let copy = place.path().join("copy");
        self.db.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
        let mut file = File::options().read(true).write(true).open(&copy)?;
        schema::keep_a_log(&mut file)?;
        file.sync_all()?;
        Ok(std::fs::rename(copy, path)?)
    }

    /// Lets another connection take the lock; this one goes on without.
    pub(super) fn let_go(&mut self) {
        self.held = None;
    }

    /// Entries up to `seq` are on the disk.
    pub(super) fn wrote(&mut self, seq: i64, entries: usize) {
        if let Some(held) = &mut self.held {
            held.note(seq);
        }
        self.since += entries;
        if self.since >= CHECKPOINT_EVERY
            && let Err(e) = self.checkpoint()
        {
            // Everything is in the log; the next time may do better.
            log::warn!("the log of {} stays as it is: {e}", self.path.display());
        }
    }

    pub fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        put_setting(&self.db, key, value)
    }

    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        setting(&self.db, key)
    }

    pub fn audit(&mut self, what: &str, detail: &str) -> Result<(), StoreError> {
        audit(&self.db, what, detail)
    }
}

impl Drop for ProjectFile {
    /// Leaves one file behind, where that can be done; else its log beside it.
    fn drop(&mut self) {
        if self.lies() != Lies::There || self.checkpoint().is_err() {
            return;
        }
        let closes = self.db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        if let (Ok(_), Some(held)) = (closes, &mut self.held) {
            held.done = true;
        }
    }
}

/// Opens a database that is there, and takes its lock, for as long as it is open. Nothing is written.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = Connection::open_with_flags(path, flags)?;
    // What is in the log is taken in when this program says so: not where the file lies elsewhere by then.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // One process at a time: the lock is taken by the first write and kept until the file is closed, and the system lets go
    // of it when a process is killed.
    db.busy_timeout(Duration::from_millis(200))?;
    db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
    // A commit returns when the operating system has the write-ahead log on the disk.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    // The lock is taken now, not with the first stroke.
    db.execute_batch("BEGIN IMMEDIATE; COMMIT")?;
    schema::migrate(&mut db)?;
    db.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    Ok(db)
}

/// Finds the case in the file, or writes it, and tells whether it is that of the image.
fn case(
    db: &mut Connection,
    facts: &CaseFacts,
    damage: &mut Vec<String>,
) -> Result<(i64, Whose), StoreError> {
    let size = facts.dims.map(|n| n as i64);
    let known: Option<(i64, [i64; 3], String)> = db
        .query_row("SELECT id, width, height, depth, content_hash FROM cases ORDER BY id LIMIT 1", [], |r| {
            Ok((r.get(0)?, [r.get(1)?, r.get(2)?, r.get(3)?], text(r, 4)?))
        })
        .optional()?;
    let Some((id, dims, hash)) = known else { return Ok((insert_case(db, facts)?, Whose::Same)) };
    if setting(db, CASE_CHECKSUM)?.is_some_and(|sum| case_checksum(db, id).is_ok_and(|now| now != sum)) {
        damage.push("what it says of its image and of its first labels is damaged: check them".to_owned());
    }
    let (series, turned) = (setting(db, SERIES)?, setting(db, TURNED)?);
    let whose = match (&facts.series, &series) {
        (Some(ours), Some(its)) if ours != its => Whose::OtherSeries,
        // It may be of any of them; that its image has another content tells.
        (Some(_), None) if hash != facts.content_hash => Whose::OtherSeries,
        _ if dims != size => Whose::OtherSize(dims),
        _ if hash != facts.content_hash => Whose::OtherContent,
        _ if turned != facts.turned => Whose::OtherTurn(turned),
        _ => Whose::Same,
    };
    if let (Whose::Same, Some(ours), None) = (&whose, &facts.series, series) {
        put_setting(db, SERIES, ours)?;
    }
    Ok((id, whose))
}

fn insert_case(db: &mut Connection, facts: &CaseFacts) -> Result<i64, StoreError> {
    let [w, h, d] = facts.dims.map(|n| n as i64);
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
    put_setting(&change, CASE_CHECKSUM, &case_checksum(&change, id)?)?;
    if let Some(series) = &facts.series {
        put_setting(&change, SERIES, series)?;
    }
    put_turned(&change, facts)?;
    audit(&change, "created", &facts.path.to_string_lossy())?;
    change.commit()?;
    Ok(id)
}

fn put_turned(db: &Connection, facts: &CaseFacts) -> Result<(), StoreError> {
    match &facts.turned {
        Some(turned) => put_setting(db, TURNED, turned),
        None => {
            db.execute("DELETE FROM setting WHERE key = ?1", [TURNED])?;
            Ok(())
        }
    }
}

fn case_checksum(db: &Connection, id: i64) -> Result<String, StoreError> {
    let case = db.query_row(
        "SELECT content_hash, width, height, depth, initial_labels FROM cases WHERE id = ?1",
        [id],
        |r| {
            Ok(format!(
                "{} {} {} {} {}",
                text(r, 0)?,
                number(r, 1)?,
                number(r, 2)?,
                number(r, 3)?,
                text(r, 4)?
            ))
        },
    )?;
    Ok(blake3::hash(case.as_bytes()).to_hex().to_string())
}

fn identities(path: &Path) -> [Option<Identity>; 2] {
    [path.to_owned(), beside(path, "-wal")].map(|path| path.metadata().ok().map(|meta| identity(&meta)))
}

#[cfg(unix)]
fn identity(meta: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

/// Where an open file can be neither moved nor deleted, that there is one is enough.
#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Identity {
    (0, 0)
}

fn audit(db: &Connection, what: &str, detail: &str) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO audit (at_ms, what, detail) VALUES (?1, ?2, ?3)",
        params![now_ms(), what, detail],
    )?;
    Ok(())
}

impl StoreError {
    /// The file's pages do not hang together.
    fn is_damage(&self) -> bool {
        let code = |e: &rusqlite::Error| e.sqlite_error_code();
        matches!(self, StoreError::Sqlite(e) if matches!(code(e), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Change;
    use crate::workspace::store::Action;
    use std::sync::Arc;

    #[test]
    fn a_project_is_of_another_image_with_the_change_that_makes_it_fit_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eye.png.fovea");
        let before = CaseFacts {
            path: folder.path().join("eye.png"),
            content_hash: "1".into(),
            turned: None,
            dims: [4, 4, 1],
            series: None,
            initial_labels: Default::default(),
        };
        let after = CaseFacts { turned: Some("6".into()), ..before.clone() };
        drop(ProjectFile::create(&path, &before).unwrap());
        let entry = Entry::new(1, Action::Do(Arc::new(Change::Verified { slice: 0, on: true }.into())));
        let state = |file: &ProjectFile| (file.newest().unwrap(), file.setting(TURNED).unwrap());
        // The program is stopped between the two: what comes second fails.
        for [table, event] in [["audit", "INSERT"], ["setting", "INSERT"]] {
            let mut file = ProjectFile::open(&path, &after).unwrap();
            assert_eq!(*file.whose(), Whose::OtherTurn(None));
            let stop = format!(
                "CREATE TEMP TRIGGER stop BEFORE {event} ON main.{table} BEGIN SELECT raise(ABORT, 'stop'); END"
            );
            file.db.execute_batch(&stop).unwrap();
            assert!(file.take_over(&after, Some(&entry)).is_err(), "{table}");
            assert_eq!(state(&file), (0, None), "{table}");
        }
        let mut file = ProjectFile::open(&path, &after).unwrap();
        file.take_over(&after, Some(&entry)).unwrap();
        assert_eq!((state(&file), file.whose()), ((1, Some("6".into())), &Whose::Same));
        drop(file);
        assert_eq!(*ProjectFile::open(&path, &after).unwrap().whose(), Whose::Same);
    }
}
