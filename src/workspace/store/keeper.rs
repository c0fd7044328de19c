use super::place::{Chosen, Place};
use super::{
    Action, CaseFacts, Entry, ProjectFile, Restored, RunRecord, Snapshot, StoreError, StoredModel, replay,
};
use crate::edit::Edit;
use crate::engine::{Actor, Wake};
use crate::volume::Modality;
use crate::workspace::annotations::Annotations;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Journal entries written in one transaction at most.
const BATCH: usize = 256;

/// Something for the project file. Kept in memory until it is on the disk.
#[derive(Clone, Debug)]
pub enum Write {
    Entry(Entry),
    Snapshot(Arc<Snapshot>),
    Model(StoredModel),
    Run(RunRecord),
    Setting { key: &'static str, value: String },
    Audit { what: &'static str, detail: String },
}

/// A project as it was found on opening.
#[derive(Debug)]
pub struct Project {
    /// Where it is kept; `None` for nowhere.
    pub path: Option<PathBuf>,
    /// What the journal makes of it; `None` where no project file exists yet.
    pub restored: Option<Restored>,
    /// Card (JSON) of each stored model by version.
    pub models: Vec<(String, String)>,
    pub model_in_use: Option<String>,
    /// What a person has said that made the image.
    pub modality: Option<Modality>,
    pub runs: Vec<RunRecord>,
    /// For the person, a sentence each.
    pub remarks: Vec<String>,
}

#[derive(Debug)]
pub enum StoreEvent {
    Opened {
        document: u64,
        project: Box<Result<Project, StoreError>>,
    },
    /// Every entry up to `seq` is on the disk; the last took `millis` from the command to there.
    Durable {
        document: u64,
        seq: i64,
        millis: f64,
    },
    /// Nothing can be written. `waiting` writes are kept in memory and tried again.
    Failing {
        document: u64,
        path: PathBuf,
        reason: String,
        waiting: usize,
    },
    /// Everything that waited is on the disk.
    Recovered {
        document: u64,
    },
    Weights {
        document: u64,
        version: String,
        bytes: Result<Arc<[u8]>, StoreError>,
    },
    /// The store's thread is gone.
    Stopped {
        reason: String,
    },
}

/// The project files of all open documents, on a thread of their own.
pub struct Store {
    actor: Actor<Keeper>,
    events: Receiver<StoreEvent>,
    /// Orders to write that the thread has not come to: while there are more, it gathers them for one transaction.
    queued: Arc<AtomicUsize>,
}

impl Store {
    /// `wake` is called after each event.
    pub fn start(place: Place, wake: Wake) -> std::io::Result<Self> {
        let (sender, events) = unbounded();
        let queued = Arc::new(AtomicUsize::new(0));
        let post = Post { sender, wake };
        let told = post.clone();
        let actor = Actor::start(
            "store",
            move || Keeper { place, kept: BTreeMap::new(), post },
            move |reason| told.event(StoreEvent::Stopped { reason }),
        )?;
        Ok(Self { actor, events, queued })
    }

    /// Looks for a document's project file and rebuilds what it holds; answers with [`StoreEvent::Opened`].
    pub fn open(&self, document: u64, facts: CaseFacts) -> Result<(), StoreError> {
        self.order(move |keeper| {
            let project = Box::new(keeper.open(document, facts));
            keeper.post.event(StoreEvent::Opened { document, project });
        })
    }

    /// Hands over a write. It is kept in memory until it is on the disk, and tried again if that fails.
    pub fn write(&self, document: u64, write: Write) -> Result<(), StoreError> {
        let asked = Instant::now();
        let queued = Arc::clone(&self.queued);
        queued.fetch_add(1, Ordering::AcqRel);
        self.order(move |keeper| {
            let more = queued.fetch_sub(1, Ordering::AcqRel) > 1;
            keeper.take(document, write, asked, more);
        })
    }

    /// Makes the project file if there is none, so that the first stroke does not wait for it.
    pub fn prepare(&self, document: u64) -> Result<(), StoreError> {
        self.order(move |keeper| {
            if let Some(kept) = keeper.kept.get_mut(&document) {
                // The first write will say what is wrong.
                let _ = kept.file();
            }
        })
    }

    /// Tries again what could not be written.
    pub fn retry(&self, document: u64) -> Result<(), StoreError> {
        self.order(move |keeper| keeper.flush(document))
    }

    /// One edit of the journal, waited for: a row of a file, a millisecond.
    pub fn edit(&self, document: u64, seq: i64) -> Result<Arc<Edit>, StoreError> {
        self.actor.ask(move |keeper| keeper.edit(document, seq)).map_err(|_| StoreError::Stopped)?
    }

    /// Reads a model's weights; answers with [`StoreEvent::Weights`].
    pub fn weights(&self, document: u64, version: String) -> Result<(), StoreError> {
        self.order(move |keeper| {
            let bytes = keeper.weights(document, &version);
            keeper.post.event(StoreEvent::Weights { document, version, bytes });
        })
    }

    /// Waits until everything handed over has been tried. True where all of it is on the disk.
    pub fn settle(&self, document: u64) -> bool {
        let settled = self.actor.ask(move |keeper| {
            keeper.flush(document);
            keeper.kept.get(&document).is_none_or(|kept| kept.waiting.is_empty())
        });
        settled.unwrap_or(false)
    }

    /// Lets go of a document's file; a last snapshot is written where many entries have come since the one before.
    pub fn close(&self, document: u64, last: Option<(i64, Annotations)>) -> Result<(), StoreError> {
        self.order(move |keeper| keeper.close(document, last))
    }

    pub fn drain(&self) -> Vec<StoreEvent> {
        self.events.try_iter().collect()
    }

    fn order(&self, order: impl FnOnce(&mut Keeper) + Send + 'static) -> Result<(), StoreError> {
        self.actor.order(order).map_err(|_| StoreError::Stopped)
    }
}

#[derive(Clone)]
struct Post {
    sender: Sender<StoreEvent>,
    wake: Wake,
}

impl Post {
    fn event(&self, event: StoreEvent) {
        // Nobody listens any more while the program ends.
        if self.sender.send(event).is_ok() {
            (self.wake)();
        }
    }
}

/// What the store's thread owns.
struct Keeper {
    place: Place,
    kept: BTreeMap<u64, Kept>,
    post: Post,
}

struct Kept {
    path: PathBuf,
    facts: CaseFacts,
    /// Made with the first write, so that merely looking at an image leaves no file behind.
    file: Option<ProjectFile>,
    waiting: VecDeque<(Write, Instant)>,
    failing: bool,
}

impl Keeper {
    fn open(&mut self, document: u64, facts: CaseFacts) -> Result<Project, StoreError> {
        let mut project = Project {
            path: None,
            restored: None,
            models: Vec::new(),
            model_in_use: None,
            modality: None,
            runs: Vec::new(),
            remarks: Vec::new(),
        };
        let Some(Chosen { path, remark }) = self.place.choose(&facts.path, &facts.content_hash) else {
            return Ok(project);
        };
        project.remarks.extend(remark);
        let mut file = None;
        if path.exists() {
            let about_file = |e: StoreError| match e {
                StoreError::Locked(_) => e,
                e => StoreError::In(path.clone(), Box::new(e)),
            };
            file = Some(Self::read(&path, &facts, &mut project).map_err(about_file)?);
        }
        project.path = Some(path.clone());
        self.kept.insert(document, Kept { path, facts, file, waiting: VecDeque::new(), failing: false });
        Ok(project)
    }

    /// Opens an existing project file and rebuilds what it holds.
    fn read(path: &Path, facts: &CaseFacts, project: &mut Project) -> Result<ProjectFile, StoreError> {
        let found = ProjectFile::open(path, facts)?;
        let restored = replay(&found, facts.dims)?;
        if found.content_hash()? != facts.content_hash {
            let remark = "the image file has changed since this project was made; its size is the same, so the annotations are shown on it: check that they fit";
            project.remarks.push(remark.to_owned());
        }
        project.models = found.models()?;
        project.model_in_use = found.setting("model")?;
        // A modality that a newer version knows and this one does not is as if nobody had said one.
        project.modality = found.setting("modality")?.and_then(|m| Modality::from_id(&m));
        project.runs = found.runs()?;
        project.restored = Some(restored);
        Ok(found)
    }

    fn take(&mut self, document: u64, write: Write, asked: Instant, more: bool) {
        let Some(kept) = self.kept.get_mut(&document) else { return };
        if let Write::Run(run) = &write {
            // Only the newest state of a run is of interest.
            kept.waiting.retain(|(w, _)| !matches!(w, Write::Run(old) if old.id == run.id));
        }
        let urgent = !matches!(write, Write::Entry(_));
        kept.waiting.push_back((write, asked));
        if !more || urgent || kept.waiting.len() >= BATCH {
            // Entries of another document may have been gathered before this one.
            let documents: Vec<u64> = self.kept.keys().copied().collect();
            documents.into_iter().for_each(|document| self.flush(document));
        }
    }

    /// Writes what waits, in order, as far as that goes.
    fn flush(&mut self, document: u64) {
        let Some(kept) = self.kept.get_mut(&document) else { return };
        let mut error = None;
        while !kept.waiting.is_empty() {
            match kept.write_some() {
                Ok(Some((seq, asked))) => {
                    let millis = asked.elapsed().as_secs_f64() * 1e3;
                    self.post.event(StoreEvent::Durable { document, seq, millis });
                }
                Ok(None) => {}
                Err(e) => {
                    error = Some(e);
                    break;
                }
            }
        }
        match error {
            Some(e) => {
                kept.failing = true;
                self.post.event(StoreEvent::Failing {
                    document,
                    path: kept.path.clone(),
                    reason: e.to_string(),
                    waiting: kept.waiting.len(),
                });
            }
            None if kept.failing => {
                kept.failing = false;
                self.post.event(StoreEvent::Recovered { document });
            }
            None => {}
        }
    }

    fn edit(&self, document: u64, seq: i64) -> Result<Arc<Edit>, StoreError> {
        let missing = || StoreError::Damaged { seq, what: "it is not in the file".into() };
        let kept = self.kept.get(&document).ok_or_else(missing)?;
        let waiting = kept.waiting.iter().find_map(|(w, _)| match w {
            Write::Entry(entry) if entry.seq == seq => Some(entry.clone()),
            _ => None,
        });
        let entry = match (waiting, &kept.file) {
            (Some(entry), _) => entry,
            (None, Some(file)) => file.entry(seq)?,
            (None, None) => return Err(missing()),
        };
        match entry.action {
            Action::Do(edit) => Ok(edit),
            _ => Err(StoreError::Damaged { seq, what: "it is not an edit".into() }),
        }
    }

    fn weights(&mut self, document: u64, version: &str) -> Result<Arc<[u8]>, StoreError> {
        self.flush(document);
        let kept = self.kept.get(&document);
        if let Some(model) = kept.and_then(|kept| {
            kept.waiting.iter().find_map(|(w, _)| match w {
                Write::Model(model) if model.version == version => Some(model),
                _ => None,
            })
        }) {
            return Ok(Arc::clone(&model.weights));
        }
        let file = kept.and_then(|kept| kept.file.as_ref());
        let file = file.ok_or_else(|| StoreError::NoModel(version.to_owned()))?;
        Ok(file.weights(version)?.into())
    }

    fn close(&mut self, document: u64, last: Option<(i64, Annotations)>) {
        self.flush(document);
        let Some(mut kept) = self.kept.remove(&document) else { return };
        if let (Some(file), Some((seq, annotations))) = (&mut kept.file, last) {
            let written = Snapshot::of(seq, &annotations).map_err(StoreError::from);
            if let Err(e) = written.and_then(|snapshot| file.write_snapshot(&snapshot)) {
                // The journal holds everything: the next opening replays more of it, and that is all.
                log::warn!("no snapshot was written to {}: {e}", kept.path.display());
            }
        }
        if !kept.waiting.is_empty() {
            log::error!("{} changes were not written to {}", kept.waiting.len(), kept.path.display());
        }
    }
}

impl Kept {
    /// The project file, made now if there is none.
    fn file(&mut self) -> Result<&mut ProjectFile, StoreError> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => {
                if let Some(folder) = self.path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                let made = ProjectFile::open(&self.path, &self.facts)?;
                if !made.is_fresh()? {
                    return Err(StoreError::Grown);
                }
                Ok(none.insert(made))
            }
        }
    }

    /// Writes the first waiting write, or as many journal entries as stand at the front; the number of the last entry
    /// and when it was asked for.
    fn write_some(&mut self) -> Result<Option<(i64, Instant)>, StoreError> {
        self.file()?;
        let Some(file) = &mut self.file else { return Ok(None) };
        let entries: Vec<&Entry> = self
            .waiting
            .iter()
            .map_while(|(w, _)| if let Write::Entry(entry) = w { Some(entry) } else { None })
            .take(BATCH)
            .collect();
        if let Some(last) = entries.last().map(|entry| entry.seq) {
            file.append(&entries)?;
            let count = entries.len();
            let oldest = self.waiting[0].1;
            self.waiting.drain(..count);
            return Ok(Some((last, oldest)));
        }
        match self.waiting.front().map(|(w, _)| w) {
            Some(Write::Snapshot(snapshot)) => file.write_snapshot(snapshot)?,
            Some(Write::Model(model)) => file.put_model(model)?,
            Some(Write::Run(run)) => file.put_run(run)?,
            Some(Write::Setting { key, value }) => file.set(key, value)?,
            Some(Write::Audit { what, detail }) => file.audit(what, detail)?,
            Some(Write::Entry(_)) | None => {}
        }
        self.waiting.pop_front();
        Ok(None)
    }
}
