use super::StoreError;
use rusqlite::{Connection, OptionalExtension};
use std::io::{Seek, SeekFrom, Write};

/// "FOVE": tells a project file from any other SQLite file (`PRAGMA application_id`).
pub const APPLICATION_ID: i32 = 0x464F_5645;

/// One step per version of the schema; a file's version (`PRAGMA user_version`) is the number of steps it has seen.
/// Steps that have been released are never changed, only followed by new ones.
const MIGRATIONS: &[&str] = &["
CREATE TABLE cases (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    content_hash TEXT NOT NULL,          -- of the image file's bytes
    width INTEGER NOT NULL, height INTEGER NOT NULL, depth INTEGER NOT NULL,
    initial_labels TEXT NOT NULL,        -- JSON label table from which the journal starts
    created_ms INTEGER NOT NULL          -- Unix time
) STRICT;
CREATE TABLE label (                     -- the table as it stands, for other readers; the journal is what counts
    case_id INTEGER NOT NULL REFERENCES cases(id),
    place INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, color TEXT NOT NULL,
    locked INTEGER NOT NULL, visible INTEGER NOT NULL,
    PRIMARY KEY (case_id, id)
) STRICT;
CREATE TABLE verified (                  -- as it stands, likewise
    case_id INTEGER NOT NULL REFERENCES cases(id), z INTEGER NOT NULL,
    PRIMARY KEY (case_id, z)
) STRICT;
CREATE TABLE journal (                   -- append only: undo and redo are entries too
    seq INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases(id),
    at_ms INTEGER NOT NULL,              -- Unix time
    kind TEXT NOT NULL,                  -- edit, undo, redo, cut
    target INTEGER,                      -- the entry that an undo or redo is about
    title TEXT NOT NULL,
    origin TEXT,                         -- JSON: who changed the mask, where it was changed
    payload BLOB NOT NULL,
    checksum BLOB NOT NULL               -- BLAKE3 of all of the above
) STRICT;
CREATE TABLE snapshot (                  -- the annotations after entry seq
    seq INTEGER PRIMARY KEY,
    case_id INTEGER NOT NULL REFERENCES cases(id),
    at_ms INTEGER NOT NULL,
    payload BLOB NOT NULL,
    checksum BLOB NOT NULL
) STRICT;
CREATE TABLE model (
    version TEXT PRIMARY KEY,
    parent TEXT,
    card TEXT NOT NULL,                  -- JSON
    weights BLOB NOT NULL,               -- a safetensors file, whole
    checksum BLOB NOT NULL,
    created_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE training_run (
    id INTEGER PRIMARY KEY,
    base_version TEXT NOT NULL,
    state TEXT NOT NULL,                 -- running, finished, cancelled, failed, adopted, discarded
    reason TEXT,
    config TEXT NOT NULL,                -- JSON: options, seed, slices trained on and held out
    curves TEXT NOT NULL,                -- JSON
    checkpoint TEXT,                     -- not used: it lies beside the project file
    candidate TEXT,                      -- version that it made
    comparison TEXT,                     -- JSON
    started_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE setting (                   -- small facts, such as the model in use
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
", "
CREATE TABLE measurement (               -- as they stand, likewise
    case_id INTEGER NOT NULL REFERENCES cases(id),
    place INTEGER NOT NULL, id INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
    points TEXT NOT NULL,                -- JSON: voxels, column, row and slice each
    PRIMARY KEY (case_id, id)
) STRICT;
"];

/// The version of the schema that this program writes.
pub const VERSION: usize = MIGRATIONS.len();

/// Makes the tables in an empty database.
pub fn make(db: &mut Connection) -> Result<(), StoreError> {
    bring_from(db, 0)
}

/// Checks that an open file is a project, and brings it to this program's schema in one transaction.
pub fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    match check(db)? {
        version if version < VERSION => bring_from(db, version),
        _ => Ok(()),
    }
}

/// Checks that an open file is a project that this program knows; its version.
pub fn check(db: &Connection) -> Result<usize, StoreError> {
    let version: usize = db.pragma_query_value(None, "user_version", |r| r.get::<_, i64>(0))? as usize;
    let application: i32 = db.pragma_query_value(None, "application_id", |r| r.get(0))?;
    if application != APPLICATION_ID {
        return Err(StoreError::NotAProject);
    }
    if version > VERSION {
        return Err(StoreError::Newer { file: version, program: VERSION });
    }
    // What would run by itself when something is written has come with the file, from somebody else.
    let foreign: Option<String> = db
        .query_row("SELECT name FROM sqlite_schema WHERE type NOT IN ('table', 'index') LIMIT 1", [], |r| {
            r.get(0)
        })
        .optional()?;
    match foreign {
        Some(name) => Err(StoreError::Foreign(name)),
        None => Ok(version),
    }
}

fn bring_from(db: &mut Connection, version: usize) -> Result<(), StoreError> {
    let change = db.transaction()?;
    for step in &MIGRATIONS[version..] {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "application_id", APPLICATION_ID)?;
    change.pragma_update(None, "user_version", VERSION as i64)?;
    change.commit()?;
    Ok(())
}

/// Makes a whole database, as it is written, one that keeps a write-ahead log from the first time that it is opened.
pub fn keep_a_log(database: &mut (impl Write + Seek)) -> std::io::Result<()> {
    // The versions of the format for writing and for reading.
    database.seek(SeekFrom::Start(18))?;
    database.write_all(&[2, 2])
}

/// Tables whose damage would be lost work. That of models is not read through on opening: it may be large, and what is in it has
/// checksums.
const CHECKED: [&str; 6] = ["cases", "journal", "snapshot", "training_run", "setting", "verified"];

/// Whether the pages of the tables hang together.
pub fn is_sound(db: &Connection) -> bool {
    CHECKED.iter().all(|table| {
        let told = db.query_row(&format!("PRAGMA quick_check('{table}')"), [], |r| r.get::<_, String>(0));
        told.is_ok_and(|told| told == "ok")
    })
}
