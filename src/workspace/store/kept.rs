use super::file::Lies;
use super::messages::Write;
use super::{Action, CaseFacts, Entry, ProjectFile, Snapshot, StoreError, Whose};
use crate::workspace::annotations::Annotations;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Journal entries written in one transaction at most.
pub(super) const BATCH: usize = 256;

/// A document's project on the store's thread.
pub(super) struct Kept {
    pub path: PathBuf,
    pub facts: CaseFacts,
    /// Made with the first write, so that merely looking at an image leaves no file behind.
    pub file: Option<ProjectFile>,
    /// There is a project file, whether it can be reached or not.
    begun: bool,
    /// Its folder is the program's own.
    pub own: bool,
    /// The newest entry that is on the disk.
    newest: i64,
    pub waiting: VecDeque<(Write, Instant)>,
    /// What was told last of why nothing can be written, and how much waits.
    pub failing: Option<(String, usize)>,
    /// Reading or writing has failed below SQLite: what is open may lead nowhere any more.
    stale: bool,
}

impl Kept {
    pub fn new(path: PathBuf, facts: CaseFacts, file: Option<ProjectFile>, own: bool, newest: i64) -> Self {
        let begun = file.is_some();
        let (waiting, failing) = (VecDeque::new(), None);
        Self { path, facts, file, begun, own, newest, waiting, failing, stale: false }
    }

    pub fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.failing.is_none()
    }

    /// An error where the project file is not where it was; one that was made again or put back is used.
    pub fn look_after(&mut self) -> Result<(), StoreError> {
        if self.begun { self.ready().map(|_| ()) } else { Ok(()) }
    }

    /// The project file, where it should be. Made now if there is none.
    pub fn ready(&mut self) -> Result<&mut ProjectFile, StoreError> {
        let lies = self.file.as_ref().map(ProjectFile::lies);
        match lies {
            Some(Lies::There) if !self.stale => {}
            Some(Lies::Gone) => return Err(StoreError::Gone),
            Some(Lies::WithoutLog) => {
                if let Some(file) = &mut self.file {
                    // What was in the log is still there for this program, and goes where it belongs.
                    file.checkpoint()?;
                }
                self.take_up(None)?;
            }
            Some(Lies::There) => self.take_up(None)?,
            Some(Lies::Replaced) => {
                let old = self.file.take();
                self.take_up(old)?;
            }
            None if self.begun => self.take_up(None)?,
            None => self.make()?,
        }
        self.file.as_mut().ok_or(StoreError::Gone)
    }

    fn make(&mut self) -> Result<(), StoreError> {
        // A folder that is not there any more is not made again: its drive may be away.
        match (self.own, self.path.parent()) {
            (true, Some(folder)) => std::fs::create_dir_all(folder)?,
            _ if !self.facts.path.exists() => return Err(StoreError::ImageGone),
            _ => {}
        }
        self.file = Some(ProjectFile::create(&self.path, &self.facts)?);
        self.begun = true;
        Ok(())
    }

    /// Opens the file that lies there now. What it lacks is taken from `old`, which lay there before.
    fn take_up(&mut self, mut old: Option<ProjectFile>) -> Result<(), StoreError> {
        self.file = None;
        if !self.path.exists() {
            self.file = old;
            return Err(StoreError::Gone);
        }
        if let Some(old) = &mut old {
            old.let_go();
        }
        match self.opened(old.as_ref()) {
            Ok(file) => {
                (self.file, self.stale) = (Some(file), false);
                Ok(())
            }
            Err(e) => {
                self.file = old;
                Err(e)
            }
        }
    }

    fn opened(&self, old: Option<&ProjectFile>) -> Result<ProjectFile, StoreError> {
        let mut file = ProjectFile::open(&self.path, &self.facts)?;
        let newest = file.newest()?;
        let taken_over = self.waiting.iter().any(|(write, _)| matches!(write, Write::TakeOver(_)));
        if *file.whose() != Whose::Same && !taken_over {
            return Err(StoreError::Replaced);
        }
        if newest > self.newest {
            return Err(StoreError::Grown);
        }
        let same = |old: &ProjectFile| newest == 0 || old.same_entry(&file, newest);
        if newest < self.newest || old.is_some() {
            let old = old.filter(|old| same(old)).ok_or(StoreError::Replaced)?;
            let mut rows = Vec::new();
            old.rows(newest, None, |row| rows.push(row.entry()))?;
            let damaged = |what| StoreError::Damaged { seq: newest, what };
            let entries: Vec<Entry> = rows.into_iter().collect::<Result<_, _>>().map_err(damaged)?;
            file.append(&entries.iter().collect::<Vec<_>>())?;
        }
        Ok(file)
    }

    /// Goes on in another place, where the program may make a folder.
    pub fn bring_to(&mut self, path: PathBuf, newest: i64, now: &Annotations) -> Result<(), StoreError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if path.exists() {
            return Err(StoreError::Grown);
        }
        if let Some(file) = self.file.as_ref() {
            let whole =
                file.newest().is_ok_and(|newest| newest >= self.newest) && file.copy_to(&path).is_ok();
            if !whole {
                self.write_again(&path, newest, now)?;
            }
        } else if self.begun {
            self.write_again(&path, newest, now)?;
        }
        // The file before stays as it is, wherever it is.
        self.file = None;
        (self.path, self.own, self.stale) = (path, true, false);
        Ok(())
    }

    /// What memory holds, where the file of before cannot be read.
    fn write_again(&self, path: &Path, newest: i64, now: &Annotations) -> Result<(), StoreError> {
        let mut file = ProjectFile::create(path, &self.facts)?;
        if self.newest > 0 {
            let why = "the project file that held the changes before could not be read any more";
            file.append(&[&Entry::new(self.newest, Action::Cut { why: why.to_owned() })])?;
        }
        // What waits comes after it, as ever.
        file.write_snapshot(&Snapshot::of(newest, now)?)
    }

    /// Writes the first waiting write, or as many journal entries as stand at the front; the number of the last entry
    /// and when it was asked for.
    pub fn write_some(&mut self) -> Result<Option<(i64, Instant)>, StoreError> {
        let written = self.try_to_write();
        if let Err(StoreError::Sqlite(e)) = &written
            && e.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure)
        {
            self.stale = true;
        }
        written
    }

    fn try_to_write(&mut self) -> Result<Option<(i64, Instant)>, StoreError> {
        self.ready()?;
        let Some(file) = &mut self.file else { return Ok(None) };
        let entries: Vec<&Entry> = self
            .waiting
            .iter()
            .map_while(|(w, _)| if let Write::Entry(entry) = w { Some(entry) } else { None })
            .take(BATCH)
            .collect();
        if let Some(last) = entries.last().map(|entry| entry.seq) {
            file.append(&entries)?;
            still_there(file)?;
            let count = entries.len();
            let oldest = self.waiting[0].1;
            self.waiting.drain(..count);
            self.newest = last;
            return Ok(Some((last, oldest)));
        }
        match self.waiting.front().map(|(w, _)| w) {
            Some(Write::Snapshot(snapshot)) => file.write_snapshot(snapshot)?,
            Some(Write::Model(model)) => file.put_model(model)?,
            Some(Write::Run(run)) => file.put_run(run)?,
            Some(Write::Setting { key, value }) => file.set(key, value)?,
            Some(Write::Audit { what, detail }) => file.audit(what, detail)?,
            Some(Write::TakeOver(entry)) => {
                file.take_over(&self.facts, entry.as_ref())?;
                still_there(file)?;
                let written = entry.as_ref().map(|entry| entry.seq).zip(self.waiting.front().map(|w| w.1));
                self.waiting.pop_front();
                self.newest = written.map_or(self.newest, |(seq, _)| seq);
                return Ok(written);
            }
            Some(Write::Entry(_)) | None => {}
        }
        still_there(file)?;
        self.waiting.pop_front();
        Ok(None)
    }
}

/// What was written into a file that was moved or deleted meanwhile is not on the disk.
fn still_there(file: &ProjectFile) -> Result<(), StoreError> {
    match file.lies() {
        Lies::There => Ok(()),
        Lies::Gone => Err(StoreError::Gone),
        Lies::WithoutLog | Lies::Replaced => Err(StoreError::Replaced),
    }
}
