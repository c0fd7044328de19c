//! An image is opened: read, matched with its project file, shown.

use super::document::{Document, Opening};
use super::image::{Image, name_of};
use super::model_library::ModelLibrary;
use super::notice::{Asks, Cause};
use super::parts::Parts;
use super::save_state::Saving;
use super::store::{Project, RunRecord, RunState, StoreError, Whose};
use super::training::{Interrupted, TrainingRun};
use super::{DocumentId, NoticeLevel};
use crate::engine::JobId;
use crate::io::{OpenOptions, Opened};
use crate::label::LabelTable;
use std::path::PathBuf;

/// A path that means the same whatever the working directory becomes; samples are no paths.
pub(super) fn lasting(path: PathBuf) -> PathBuf {
    if path.exists() { std::fs::canonicalize(&path).unwrap_or(path) } else { path }
}

impl Parts {
    /// Opens an image, or activates it where it is open already.
    pub fn open(&mut self, path: PathBuf, options: OpenOptions) {
        let plain = options.series.is_none() && options.modality.is_none();
        if let Some(open) = self.documents.of_source(&path).filter(|_| plain).map(Document::id) {
            self.documents.activate(open);
            return;
        }
        if plain && self.documents.has_source(&path) {
            return;
        }
        let modality = options.modality;
        let job = self.jobs.engine().open(path.clone(), options);
        self.jobs.add(job, format!("opening {}", name_of(&path)), None);
        self.documents.add_opening(Opening::new(job, path, modality));
    }

    /// The image has been read. Its project file is read before the image is shown, so that no edit is made on annotations
    /// that are about to be replaced.
    ///
    /// Returns what [`Parts::on_project`] does.
    pub fn on_opened(
        &mut self,
        library: &mut ModelLibrary,
        job: JobId,
        opened: Opened,
    ) -> Option<Interrupted> {
        self.jobs.end(job);
        let opening = self.documents.opening_mut(job)?;
        // One picture of a folder is a document of its own.
        let source = opened.source.clone();
        let is_one_of_several = source != opening.path;
        if let Some(open) = self.documents.of_source(&source).filter(|_| is_one_of_several).map(Document::id)
        {
            self.documents.activate(open);
            self.documents.remove_opening(job);
            return None;
        }
        let number = self.documents.number();
        let id = number.0;
        let default = library.default_for(&opened.volume, &source);
        let labels =
            default.map_or_else(|| LabelTable::named(&["label 1"]), |model| model.card.labels.told_apart());
        let opening = self.documents.opening_mut(job)?;
        let image = Image::new(job, &opening.path, opening.modality, opened, labels);
        let facts = image.facts().clone();
        opening.arrived = Some(Box::new(Document::new(number, image)));
        if let Err(e) = self.documents.store().open(id, facts) {
            return self.on_project(library, id, Err(e));
        }
        None
    }

    /// The document's project file has been read, or there is none yet.
    ///
    /// Returns the training run of it that was under way when the program last stopped.
    pub fn on_project(
        &mut self,
        library: &mut ModelLibrary,
        id: DocumentId,
        project: Result<Project, StoreError>,
    ) -> Option<Interrupted> {
        let waits = |o: &&Opening| o.arrived.as_ref().is_some_and(|d| d.id() == id);
        let job = self.documents.openings().iter().find(waits)?.job();
        if let Ok(other) = &project
            && other.whose != Whose::Same
        {
            self.documents.opening_mut(job)?.found = project.ok().map(Box::new);
            return None;
        }
        let mut document = self.documents.remove_opening(job)?.arrived?;
        let name = document.name().to_owned();
        let project = match project {
            Ok(project) => project,
            Err(e) => {
                let text = format!("{name} was not opened, because of its project file: {e}");
                self.notices.add(NoticeLevel::Error, None, text);
                return None;
            }
        };
        *document.saving_mut() = Saving::found(project.path, project.asides);
        for (version, card) in project.models {
            match serde_json::from_str(&card) {
                Ok(card) => library.add_kept(card, id),
                Err(e) => self.notices.add(
                    NoticeLevel::Warning,
                    Some(id),
                    format!("{name}: the card of model {version} in its project file cannot be read: {e}"),
                ),
            }
        }
        let mut damaged = None;
        if let Some(restored) = project.restored {
            if let (false, Some(why)) = (restored.damage.is_empty(), restored.timeline.floor()) {
                damaged = Some(why.to_owned());
            }
            for damage in &restored.damage {
                self.notices.add(NoticeLevel::Error, Some(id), format!("{name}: {damage}"));
                self.audit(id, "damage found", damage);
            }
            document.restore(restored);
        }
        let kept_modality = project.modality;
        let stated = document.image().stated();
        let newly_stated = stated.filter(|_| document.saving().is_kept() && stated != kept_modality);
        if let Some(modality) = stated.or(kept_modality) {
            document.image_mut().state(modality);
        }
        if let Some(note) = document.image().guess_note() {
            let text = format!("{name}: {note}, under Image");
            self.notices.add(NoticeLevel::Info, Some(id), text);
        }
        let facts = document.image().facts();
        for remark in project.remarks.iter().chain(document.warnings()) {
            self.notices.warn_once(id, facts, remark, format!("{name}: {remark}"));
        }
        for (at, aside) in document.asides().iter().enumerate() {
            let text = format!("{name}: annotations of this image were set aside{}", aside.words());
            self.notices.ask_once(id, facts, Cause::Aside(id, at), Asks::TakeBack(at), text);
        }
        let used = project.model_in_use.filter(|version| library.find(version).is_some());
        let default =
            library.default_for(document.volume(), document.source()).map(|m| m.card.version.clone());
        let model = match used.as_deref() {
            Some("") => None,
            Some(version) => Some(version.into()),
            None => default.map(|version| version.as_str().into()),
        };
        document.set_model(model, false);
        *document.runs_mut() = project.runs.iter().map(TrainingRun::of).collect();
        // The one that was under way when the program last stopped.
        let running = |run: &RunRecord| run.state == RunState::Running;
        let interrupted = project.runs.into_iter().rfind(running);
        if interrupted.is_some() {
            let text = format!(
                "{name}: a training run was interrupted; it can be resumed from its last checkpoint, or cancelled"
            );
            self.notices.hold(NoticeLevel::Warning, Some(id), Cause::Interrupted(id), None, text);
        }
        self.documents.insert(*document);
        if let Some(modality) = newly_stated {
            self.keep_modality(id, modality);
        }
        if let Some(why) = damaged {
            self.cut_history(id, why);
        }
        self.want_snapshot(id);
        interrupted.map(|run| Interrupted { document: id, run })
    }
}
