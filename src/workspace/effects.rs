//! Effects on a document: what they would change is made in the background and shown; applied it is one step.

use super::annotations::Annotations;
use super::background_edit::{Draft, Edits, Finished, Order};
use super::documents::Documents;
use super::jobs::JobResult;
use super::parts::Parts;
use super::{CommandError, DocumentId};
use crate::edit::effects::{
    Carried, Chain, ChainError, EffectError, For, Outcome, Over, Scene, Scope, carry_out,
};
use crate::edit::{Change, Edit, Limits, Origin};
use crate::engine::{JobContext, JobId};
use crate::label::{LabelId, LabelMap, LabelTable, voxel_volume};
use crate::volume::Volume;
use crate::watch;
use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What effects are asked to do, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectOrder {
    /// One after the other, each on what the one before it leaves.
    pub steps: Chain,
    /// The label of every step that names none.
    pub label: LabelId,
    /// Everywhere, unless told.
    #[serde(default)]
    pub scope: Option<Scope>,
    #[serde(default)]
    pub over: Over,
    /// Slices that a person has verified change too, and are no longer verified then.
    #[serde(default)]
    pub also_verified: bool,
    #[serde(default)]
    pub limits: Limits,
}

/// What an order would change.
#[derive(Clone, Debug)]
pub struct EffectPreview {
    /// Tells it from every other preview.
    pub stamp: u64,
    /// The mask as it would be.
    pub mask: LabelMap,
    /// Over all labels: what they gain and what they lose, in the unit of
    /// [`Document::label_volume`](super::Document::label_volume).
    pub volumes: [f64; 2],
    /// The same in voxels.
    pub voxels: [usize; 2],
    /// Verified slices that would change if they were not verified.
    pub skipped: usize,
    /// What a person may not have meant, why an effect changes nothing, and what else there is to say.
    pub notes: Vec<String>,
}

impl EffectOrder {
    /// What the history calls it: "smooth, liver".
    fn title(&self, labels: &LabelTable) -> String {
        let effects: Vec<String> = self.steps.iter().map(|step| step.title().to_lowercase()).collect();
        let label = labels.get(self.label).map_or(String::new(), |label| format!(", {}", label.name));
        format!("{}{label}", effects.join(" and "))
    }

    /// What it makes of a document.
    fn work(&self, volume: &Volume, now: &Annotations) -> anyhow::Result<Carried> {
        let origin = Origin::Person { tool: self.title(&now.labels) };
        let scene = Scene {
            scope: self.scope.clone().unwrap_or_else(|| Scope::whole(now.mask.dims())),
            over: self.over,
            also_verified: self.also_verified,
            ..Scene::new(volume, &now.mask, &now.labels, self.label)
        };
        let rules = now.rules().with_limits(self.limits);
        carry_out(&self.steps, For::Label(self.label), &scene, &rules, &origin).map_err(|why| match why {
            // How it is said on the command line is of no use here.
            ChainError::Effect { effect, why: EffectError::Lacks { what, .. } } => {
                anyhow!("{} needs {what}", effect.title)
            }
            ChainError::Effect { effect, why } => anyhow::Error::new(why).context(effect.title),
            why => anyhow::Error::new(why),
        })
    }
}

/// What a person may not have meant, and why steps change nothing, where they do not.
fn warnings(outcomes: &[Outcome]) -> Vec<String> {
    outcomes.iter().flat_map(|outcome| outcome.warnings.iter().chain(&outcome.nothing)).cloned().collect()
}

/// The order that is wanted, and what it would change.
#[derive(Default)]
pub(super) struct Effects {
    wanted: Option<(DocumentId, EffectOrder)>,
    job: Option<(JobId, Base)>,
    made: Option<MadeEffect>,
    failed: Option<(Base, String)>,
}

/// What a preview is made from.
#[derive(Clone, PartialEq)]
struct Base {
    document: DocumentId,
    /// Of its annotations.
    revision: u64,
    order: EffectOrder,
}

pub(super) struct MadeEffect {
    base: Base,
    preview: EffectPreview,
    finished: Finished,
}

impl Effects {
    pub fn want(&mut self, wanted: Option<(DocumentId, EffectOrder)>, parts: &Parts) {
        if wanted.is_none() {
            if let Some((job, _)) = self.job.take() {
                parts.jobs.engine().cancel(job);
            }
            *self = Self::default();
        }
        self.wanted = wanted;
    }

    fn base(&self, documents: &Documents) -> Option<Base> {
        let (document, order) = self.wanted.clone()?;
        let revision = documents.get(document)?.revision();
        Some(Base { document, revision, order })
    }

    /// The newest preview of a document; with it, whether it is of what is wanted now.
    pub fn preview(&self, documents: &Documents) -> Option<(DocumentId, &EffectPreview, bool)> {
        let made = self.made.as_ref()?;
        let (document, _) = self.wanted.as_ref().filter(|(document, _)| *document == made.base.document)?;
        Some((*document, &made.preview, self.base(documents).as_ref() == Some(&made.base)))
    }

    /// Why there is no preview of what is wanted now.
    pub fn failure(&self, documents: &Documents) -> Option<&str> {
        let (base, why) = self.failed.as_ref()?;
        (self.base(documents).as_ref() == Some(base)).then_some(&**why)
    }

    /// Has a preview made where there is none of what is wanted now. One that is under way for something else is stopped.
    pub fn poll(&mut self, parts: &mut Parts) {
        let Some(base) = self.base(&parts.documents) else { return };
        let is_there = self.made.as_ref().is_some_and(|made| made.base == base)
            || self.failed.as_ref().is_some_and(|(failed, _)| *failed == base);
        match &self.job {
            Some((_, own)) if *own == base => return,
            Some((job, _)) => {
                parts.jobs.engine().cancel(*job);
                self.job = None;
            }
            None => {}
        }
        let Some(document) = parts.documents.get(base.document).filter(|_| !is_there) else { return };
        let Ok(now) = document.settled() else { return };
        let (volume, now) = (document.volume().clone(), now.clone());
        let its_base = base.clone();
        let work = move |cx: &JobContext| {
            let made = watch::under(&cx.watch(), || make(its_base, &volume, now))?;
            Ok(JobResult::Effect(Box::new(made)))
        };
        let job = parts.jobs.run_hidden("effect", base.document, work);
        self.job = Some((job, base));
    }

    pub fn on_made(&mut self, job: JobId, made: MadeEffect) {
        if self.job.take_if(|(own, _)| *own == job).is_some() {
            self.made = Some(made);
        }
    }

    /// A job has ended without a result; true where the reason is shown beside the effect, and need not be said elsewhere.
    pub fn on_job_ended(&mut self, job: JobId, reason: Option<&str>) -> bool {
        let Some((_, base)) = self.job.take_if(|(own, _)| *own == job) else { return false };
        self.failed = reason.map(|reason| (base, reason.to_owned()));
        true
    }

    pub fn forget_document(&mut self, document: DocumentId, parts: &Parts) {
        if self.wanted.as_ref().is_some_and(|(wanted, _)| *wanted == document) {
            self.want(None, parts);
        }
    }

    /// Applies an order to the active document as one step: what was shown of it, where that still stands.
    pub fn apply(
        &mut self,
        parts: &mut Parts,
        edits: &mut Edits,
        order: EffectOrder,
    ) -> Result<(), CommandError> {
        let document = parts.documents.active()?;
        let now = document.settled()?;
        for step in &order.steps {
            step.resolve(&now.labels, None).map_err(|why| CommandError::Effect(why.to_string()))?;
        }
        let (id, title) = (document.id(), order.title(&now.labels));
        let base = Base { document: id, revision: document.revision(), order };
        let made = self.made.take_if(|made| made.base == base && !edits.has_background_edit(id));
        let order = base.order;
        let nothing = Some(format!("Nothing changes: {title}"));
        let order = Order {
            title,
            version: None,
            nothing,
            make: Arc::new(move |cx, volume, now| {
                let carried = watch::under(&cx.watch(), || order.work(volume, now))?;
                Ok(Draft {
                    warnings: warnings(&carried.outcomes),
                    changes: vec![Change::Mask(carried.patch)],
                })
            }),
        };
        match made {
            Some(made) => edits.take_in(parts, id, order, made.finished),
            None => edits.edit_in_background(parts, id, order),
        }
    }
}

fn make(base: Base, volume: &Volume, now: Annotations) -> anyhow::Result<MadeEffect> {
    let Carried { patch, mask, outcomes, kept } = base.order.work(volume, &now)?;
    let (mut volumes, mut voxels) = ([0.0; 2], [0; 2]);
    for (z, counts) in patch.voxels_by_slice() {
        for (side, count) in counts.into_iter().enumerate() {
            volumes[side] += count as f64 * voxel_volume(volume.grid(), z);
            voxels[side] += count;
        }
    }
    let mut after = now;
    let edit: Edit = after.with_marks(Change::Mask(patch)).into_iter().collect();
    edit.apply(&mut after.marks())?;
    let finished = Finished::new(base.revision, edit, after);
    static STAMP: AtomicU64 = AtomicU64::new(0);
    let stamp = STAMP.fetch_add(1, Ordering::Relaxed);
    let mut notes = warnings(&outcomes);
    notes.extend(outcomes.into_iter().flat_map(|outcome| outcome.notes));
    let preview = EffectPreview { stamp, mask, volumes, voxels, skipped: kept.len(), notes };
    Ok(MadeEffect { base, preview, finished })
}
