use super::DocumentId;
use super::annotations::Annotations;
use super::document::{Document, Opening};
use super::journal::Timeline;
use super::label_statistics::Statistics;
use super::notice::{Asks, Cause};
use super::source::Stamp;
use super::store::{CaseFacts, Project, RunRecord, RunState, Whose};
use super::training::{Interrupted, Run};
use super::{CommandError, Notice, NoticeLevel, Workspace, dismissed};
use crate::edit::EditLog;
use crate::engine::{JobId, run_folder};
use crate::io::{self, OpenOptions, Opened};
use crate::label::LabelTable;
use std::path::{Path, PathBuf};

/// A path that means the same whatever the working directory becomes; samples are no paths.
fn lasting(path: PathBuf) -> PathBuf {
    if path.exists() { std::fs::canonicalize(&path).unwrap_or(path) } else { path }
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

impl Workspace {
    pub(super) fn open(&mut self, path: PathBuf, options: OpenOptions) -> Result<(), CommandError> {
        let path = lasting(path);
        let plain = options.series.is_none() && options.modality.is_none();
        if let Some(open) = self.documents.iter().find(|d| plain && d.source() == path) {
            self.active = Some(open.id);
            return Ok(());
        }
        if plain && self.openings.iter().any(|o| o.path == path) {
            return Ok(());
        }
        if plain && run_folder::is_run(&path) {
            self.compare_run(path);
            return Ok(());
        }
        let modality = options.modality;
        let job = self.jobs.engine().open(path.clone(), options);
        self.jobs.add(job, format!("opening {}", name_of(&path)), None);
        let (preview, arrived, found) = (None, None, None);
        self.openings.push(Opening { job, path, done: 0, total: 0, preview, arrived, found, modality });
        Ok(())
    }

    /// The image is there; its project file is looked for before it is shown, so that nobody edits what is about to be
    /// replaced.
    pub(super) fn on_opened(&mut self, job: JobId, opened: Opened) {
        self.jobs.end(job);
        let Some(opening) = self.openings.iter_mut().find(|o| o.job == job) else { return };
        // One picture of a folder is a document of its own.
        let source = opened.source;
        if source != opening.path
            && let Some(open) = self.documents.iter().find(|d| d.source() == source)
        {
            self.active = Some(open.id);
            self.openings.retain(|o| o.job != job);
            return;
        }
        let id = DocumentId(self.next_document);
        self.next_document += 1;
        let dims = opened.volume.dims();
        let default = self.library.default_for(&opened.volume, &source);
        let labels =
            default.map_or_else(|| LabelTable::named(&["label 1"]), |model| model.card.labels.told_apart());
        let selected = labels.iter().next().map_or(0, |l| l.id);
        let facts = CaseFacts {
            path: source.clone(),
            content_hash: opened.content_hash,
            turned: opened.turned,
            dims,
            series: opened.series.iter().find(|series| series.shown).map(|series| series.id.clone()),
            initial_labels: labels.clone(),
        };
        opening.arrived = Some(Box::new(Document {
            id,
            asked: job,
            name: name_of(&source),
            facts: facts.clone(),
            selected,
            now: Annotations::empty(dims, labels),
            cursor: dims.map(|n| n / 2),
            volume: opened.volume,
            warnings: opened.warnings,
            stamp: Stamp::of(&opening.path),
            series: opened.series,
            by_look: opened.by_look,
            stated: opening.modality,
            model: None,
            tool: None,
            deferred: None,
            log: EditLog::new(self.options.undo_bytes),
            timeline: Timeline::default(),
            project: None,
            kept: false,
            last_seq: 0,
            durable_seq: 0,
            durable_millis: None,
            failing: None,
            since_snapshot: 0,
            snapshot_job: None,
            revision: 0,
            exported: None,
            exports: Vec::new(),
            opened: opening.path.clone(),
            statistics: Statistics::default(),
            runs: Vec::new(),
            asides: Vec::new(),
        }));
        if let Err(e) = self.store.open(id, facts) {
            self.on_project(id, Err(e));
        }
    }

    /// The document's project file has been read, or there is none yet.
    pub(super) fn on_project(&mut self, id: DocumentId, project: Result<Project, super::store::StoreError>) {
        let waits = |o: &Opening| o.arrived.as_ref().is_some_and(|d| d.id == id);
        let Some(at) = self.openings.iter().position(waits) else { return };
        if let Ok(other) = &project
            && other.whose != Whose::Same
        {
            self.openings[at].found = project.ok().map(Box::new);
            return;
        }
        let Some(mut document) = self.openings.remove(at).arrived else { return };
        let name = document.name.clone();
        let project = match project {
            Ok(project) => project,
            Err(e) => {
                let text = format!("{name} was not opened, because of its project file: {e}");
                self.notices.add(NoticeLevel::Error, None, text);
                return;
            }
        };
        document.project = project.path;
        for (version, card) in project.models {
            match serde_json::from_str(&card) {
                Ok(card) => self.library.add_kept(card, id),
                Err(e) => self.notices.add(
                    NoticeLevel::Warning,
                    Some(id),
                    format!("{name}: the card of model {version} in its project file cannot be read: {e}"),
                ),
            }
        }
        document.kept = project.restored.is_some();
        let mut damaged = None;
        if let Some(restored) = project.restored {
            document.now = restored.annotations;
            document.last_seq = restored.last_seq;
            document.durable_seq = restored.last_seq;
            document.timeline = restored.timeline;
            document.since_snapshot = restored.replayed;
            let labels = &document.now.labels;
            if labels.get(document.selected).is_none() {
                document.selected = labels.iter().next().map_or(0, |l| l.id);
            }
            if let (false, Some(why)) = (restored.damage.is_empty(), document.timeline.floor()) {
                damaged = Some(why.to_owned());
            }
            for damage in &restored.damage {
                self.notices.add(NoticeLevel::Error, Some(id), format!("{name}: {damage}"));
                self.store_audit(id, "damage found", damage);
            }
        }
        let kept_modality = project.modality;
        let newly_stated = document.stated.filter(|_| document.kept && document.stated != kept_modality);
        document.stated = document.stated.or(kept_modality);
        if let Some(modality) = document.stated {
            document.volume = document.volume.with_modality(modality);
            document.by_look = false;
        }
        if document.by_look {
            let note = io::guess_note(document.volume.modality());
            let text = format!("{name}: {note}, under Image");
            self.notices.add(NoticeLevel::Info, Some(id), text);
        }
        for remark in project.remarks.iter().chain(&document.warnings) {
            let key = dismissed::key(&document.facts, remark);
            if !self.dismissed.contains(&key) {
                self.notices.add(NoticeLevel::Warning, Some(id), format!("{name}: {remark}"));
                self.notices.once(key);
            }
        }
        document.asides = project.asides;
        for (at, aside) in document.asides.iter().enumerate() {
            let text = format!("{name}: annotations of this very image were set aside{}", aside.words());
            let key = dismissed::key(&document.facts, &text);
            if !self.dismissed.contains(&key) {
                let (cause, asks) = (Cause::Aside(id, at), Asks::TakeBack(at));
                self.notices.ask(NoticeLevel::Info, Some(id), cause, asks, text);
                self.notices.once(key);
            }
        }
        let used = project.model_in_use.filter(|version| self.library.find(version).is_some());
        let default =
            self.library.default_for(&document.volume, &document.facts.path).map(|m| m.card.version.clone());
        document.model = match used.as_deref() {
            Some("") => None,
            Some(version) => Some(version.into()),
            None => default.map(|version| version.as_str().into()),
        };
        document.runs = project.runs.iter().map(Run::of).collect();
        // The one that was under way when the program last stopped.
        let running = |run: &RunRecord| run.state == RunState::Running;
        if let Some(run) = project.runs.into_iter().rfind(running) {
            let text = format!(
                "{name}: a training run was interrupted; it can be resumed from its last checkpoint, or cancelled"
            );
            self.notices.hold(NoticeLevel::Warning, Some(id), Cause::Interrupted(id), None, text);
            self.interrupted = Some(Interrupted { document: id, run });
        }
        let at = self.documents.partition_point(|d| d.asked < document.asked);
        self.documents.insert(at, *document);
        self.active = Some(id);
        if let Some(modality) = newly_stated {
            self.keep_modality(id, modality);
        }
        if let Some(why) = damaged {
            self.cut_history(id, why);
        }
        self.want_snapshot(id);
    }

    /// `unsaved`: whatever of it is lost.
    pub(super) fn close(&mut self, id: DocumentId, unsaved: bool) -> Result<(), CommandError> {
        // What the project file has to say of it comes first.
        self.settle(id);
        let at = self.documents.iter().position(|d| d.id == id).ok_or(CommandError::UnknownDocument(id))?;
        if self.documents[at].tool.is_some() {
            return Err(CommandError::StrokeOpen);
        }
        if self.training.as_ref().is_some_and(|t| t.is_under_way() && t.uses(id)) {
            return Err(CommandError::TrainingRunning);
        }
        if let Some(risk) = self.risks_of(id).into_iter().next().filter(|_| !unsaved) {
            return Err(CommandError::NotSafe(risk));
        }
        if let Some(accepting) = self.accepting.take_if(|a| a.document == id) {
            self.jobs.engine().cancel(accepting.job);
        }
        if let Some(job) = self.predicting_all(id).map(|activity| activity.job) {
            self.jobs.engine().cancel(job);
        }
        for edit in self.background_edits.extract_if(.., |m| m.document == id) {
            edit.job().into_iter().for_each(|job| self.jobs.engine().cancel(job));
        }
        let document = self.documents.remove(at);
        let last = (document.since_snapshot > 0).then_some((document.last_seq, document.now));
        self.store.close(id, last)?;
        self.predictions.forget_document(id);
        self.notices.forget_document(id);
        self.library.forget_document(id);
        self.interrupted.take_if(|i| i.document == id);
        if self.active == Some(id) {
            self.active = self.documents.get(at.min(self.documents.len().saturating_sub(1))).map(|d| d.id);
        }
        Ok(())
    }

    /// A job ended without a result: failed with a reason, or cancelled.
    pub(super) fn on_job_ended(&mut self, job: JobId, reason: Option<String>) {
        let activity = self.jobs.end(job);
        self.openings.retain(|o| o.job != job);
        self.accepting.take_if(|a| a.job == job);
        self.background_edits.retain(|m| m.job() != Some(job));
        let told = self.on_training_ended(job, reason.as_deref());
        self.library.on_job_ended(job, reason.is_some());
        self.predictions.on_job_ended(job);
        self.surfaces.on_job_ended(job, reason.is_some());
        for document in &mut self.documents {
            document.statistics.on_job_ended(job);
            document.snapshot_job.take_if(|own| *own == job);
        }
        if let Some(reason) = reason.filter(|_| !told) {
            let (title, document) = activity.map_or((String::new(), None), |a| (a.title, a.document));
            let text = if title.is_empty() { reason } else { format!("{title}: {reason}") };
            self.notices.add(NoticeLevel::Error, document, text);
        }
    }

    /// The newest notice, for those who print them as they come.
    pub fn last_notice(&self) -> Option<&Notice> {
        self.notices.list().last()
    }
}
