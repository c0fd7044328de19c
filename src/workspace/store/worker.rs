use super::file::Lies;
use super::kept::{BATCH, Kept};
use super::look::{Found, look};
use super::messages::{Post, Project, StoreEvent, Write};
use super::place::{self, Chosen, Place};
use super::rescue::free_name;
use super::{Action, CaseFacts, Entry, ProjectFile, Snapshot, StoreError, Whose, aside, replay};
use crate::edit::Edit;
use crate::engine::DocumentId;
use crate::volume::Modality;
use crate::workspace::annotations::Annotations;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What the store's thread owns.
pub(super) struct StoreWorker {
    pub place: Place,
    pub kept: BTreeMap<DocumentId, Kept>,
    pub post: Post,
}

impl StoreWorker {
    pub fn open(&mut self, document: DocumentId, facts: CaseFacts) -> Result<Project, StoreError> {
        let mut project = Project {
            path: None,
            whose: Whose::Same,
            restored: None,
            models: Vec::new(),
            model_in_use: None,
            modality: None,
            runs: Vec::new(),
            remarks: Vec::new(),
            asides: Vec::new(),
        };
        let open: Vec<&Path> = self.kept.values().map(|kept| &*kept.path).collect();
        let Some(Chosen { path, remark, own }) = self.place.choose(&facts.path, &facts.content_hash, &open)
        else {
            return Ok(project);
        };
        project.remarks.extend(remark);
        let (path, file) = match self.find(&path, &facts)? {
            Some(Some(file)) if *file.whose() == Whose::OtherSeries => self.find_of_series(&path, &facts)?,
            Some(file) => (path, file),
            None if facts.series.is_some() => self.find_of_series(&path, &facts)?,
            None => return Err(StoreError::OpenHere(path)),
        };
        if let Some(file) = &file {
            let about_file = |e: StoreError| StoreError::In(path.clone(), Box::new(e));
            read(file, &facts, &mut project).map_err(about_file)?;
        }
        if project.whose == Whose::Same {
            project.asides = aside::asides_of(&path, &facts.content_hash, facts.series.as_deref());
        }
        project.path = Some(path.clone());
        let newest = project.restored.as_ref().map_or(0, |restored| restored.last_seq);
        self.kept.insert(document, Kept::new(path, facts, file, own, newest));
        Ok(project)
    }

    /// The project file at a path, if there is one. `None` where an image that is open has it.
    fn find(&self, path: &Path, facts: &CaseFacts) -> Result<Option<Option<ProjectFile>>, StoreError> {
        if self.kept.values().any(|kept| kept.path == path) {
            return Ok(None);
        }
        let about_file = |e: StoreError| match e {
            StoreError::Locked(_) => e,
            e => StoreError::In(path.to_owned(), Box::new(e)),
        };
        let found = match look(path).map_err(about_file)? {
            Found::Nothing => None,
            Found::Project => Some(ProjectFile::open(path, facts).map_err(about_file)?),
        };
        Ok(Some(found))
    }

    /// That of one image of several in a file, where the plain name is another one's.
    fn find_of_series(
        &self,
        path: &Path,
        facts: &CaseFacts,
    ) -> Result<(PathBuf, Option<ProjectFile>), StoreError> {
        let path = place::of_series(path, facts.series.as_deref().unwrap_or_default());
        match self.find(&path, facts)? {
            Some(file) => Ok((path, file)),
            None => Err(StoreError::OpenHere(path)),
        }
    }

    pub fn set_aside(&mut self, document: DocumentId) -> Result<Project, StoreError> {
        let unknown = || StoreError::Gone;
        let Kept { path, facts, mut file, .. } = self.kept.remove(&document).ok_or_else(unknown)?;
        if let Some(file) = &mut file
            && let Err(e) = file.audit(aside::WHAT, "")
        {
            // It is found again all the same, without its date.
            log::warn!("{}: {e}", path.display());
        }
        // Closed, it is one file.
        drop(file);
        let aside = free_name(&path, aside::OF_ANOTHER_IMAGE);
        aside::rename(&path, &aside)?;
        let mut project = self.open(document, facts)?;
        // The person has just decided on it.
        project.asides.retain(|other| other.path != aside);
        project.remarks.push(format!("the project of the image before is kept as {}", aside.display()));
        Ok(project)
    }

    pub fn take_back(&self, project: &Path, aside: &Path) -> Result<(), StoreError> {
        match self.kept.values().find(|kept| kept.path == project || kept.path == aside) {
            Some(kept) => Err(StoreError::OpenHere(kept.path.clone())),
            None => aside::take_back(project, aside),
        }
    }

    pub fn keep_elsewhere(
        &mut self,
        document: DocumentId,
        newest: i64,
        now: &Annotations,
    ) -> Result<PathBuf, StoreError> {
        let kept = self.kept.get_mut(&document).ok_or(StoreError::Gone)?;
        let own = self.place.own(&kept.facts.path, &kept.facts.content_hash).ok_or(StoreError::Gone)?;
        let path = match &kept.facts.series {
            Some(series) => place::of_series(&own, series),
            None => own,
        };
        if kept.path != path {
            kept.bring_to(path, newest, now)?;
        }
        Ok(kept.path.clone())
    }

    pub fn take(&mut self, document: DocumentId, write: Write, asked: Instant, more: bool) {
        let Some(kept) = self.kept.get_mut(&document) else { return };
        if let Write::Run(run) = &write {
            // Only the newest state of a run is of interest.
            kept.waiting.retain(|(w, _)| !matches!(w, Write::Run(old) if old.id == run.id));
        }
        let urgent = !matches!(write, Write::Entry(_));
        kept.waiting.push_back((write, asked));
        if !more || urgent || kept.waiting.len() >= BATCH {
            // Entries of another document may have been gathered before this one.
            let documents: Vec<DocumentId> = self.kept.keys().copied().collect();
            documents.into_iter().for_each(|document| self.flush(document));
        }
    }

    /// Writes what waits, in order, as far as that goes.
    pub fn flush(&mut self, document: DocumentId) {
        let Some(kept) = self.kept.get_mut(&document) else { return };
        let mut error = kept.look_after().err();
        while error.is_none() && !kept.waiting.is_empty() {
            match kept.write_some() {
                Ok(Some((seq, asked))) => {
                    let millis = asked.elapsed().as_secs_f64() * 1e3;
                    self.post.event(StoreEvent::Durable { document, seq, millis });
                }
                Ok(None) => {}
                Err(e) => error = Some(e),
            }
        }
        match error {
            Some(e) => {
                let gone = matches!(e, StoreError::Gone | StoreError::Replaced | StoreError::ImageGone);
                let (reason, waiting) = (e.to_string(), kept.waiting.len());
                let told = Some((reason.clone(), waiting));
                if kept.failing != told {
                    kept.failing = told;
                    let (path, own) = (kept.path.clone(), kept.own);
                    self.post.event(StoreEvent::Failing { document, path, reason, waiting, gone, own });
                }
            }
            None if kept.failing.take().is_some() => self.post.event(StoreEvent::Recovered { document }),
            None => {}
        }
    }

    /// Nothing has been asked for a while: each project becomes one file, and its place is looked at.
    pub fn idle(&mut self) {
        let documents: Vec<DocumentId> = self.kept.keys().copied().collect();
        for document in documents {
            self.flush(document);
            if let Some(file) = self.kept.get_mut(&document).and_then(|kept| kept.file.as_mut())
                && file.lies() == Lies::There
                && file.is_logged()
                && let Err(e) = file.checkpoint()
            {
                log::warn!("the log of {} stays as it is: {e}", file.path().display());
            }
        }
    }

    pub fn edit(&self, document: DocumentId, seq: i64) -> Result<Arc<Edit>, StoreError> {
        let missing = || StoreError::Damaged { seq, what: "it is not in the file".into() };
        let kept = self.kept.get(&document).ok_or_else(missing)?;
        let waiting = kept.waiting.iter().find_map(|(w, _)| match w {
            Write::Entry(entry) | Write::TakeOver(Some(entry)) if entry.seq == seq => Some(entry.clone()),
            _ => None,
        });
        let entry: Entry = match (waiting, &kept.file) {
            (Some(entry), _) => entry,
            (None, Some(file)) => file.entry(seq)?,
            (None, None) => return Err(missing()),
        };
        match entry.action {
            Action::Do(edit) => Ok(edit),
            _ => Err(StoreError::Damaged { seq, what: "it is not an edit".into() }),
        }
    }

    pub fn weights(&mut self, document: DocumentId, version: &str) -> Result<Arc<[u8]>, StoreError> {
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

    pub fn close(&mut self, document: DocumentId, last: Option<(i64, Annotations)>) {
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

/// Rebuilds what a project file holds.
fn read(file: &ProjectFile, facts: &CaseFacts, project: &mut Project) -> Result<(), StoreError> {
    project.whose = file.whose().clone();
    if let Whose::OtherSize(_) = project.whose {
        return Ok(());
    }
    project.restored = Some(replay(file, facts.dims)?);
    project.models = file.models()?;
    project.model_in_use = file.setting("model")?;
    // A modality that only a newer version knows is left out.
    project.modality = file.setting("modality")?.and_then(|m| Modality::from_id(&m));
    project.runs = file.runs()?;
    Ok(())
}
