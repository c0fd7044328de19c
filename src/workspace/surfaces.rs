//! The surface that the window shows. It is made on the worker pool from a snapshot, and made again when the mask or the
//! prediction has changed.

use super::documents::Documents;
use super::jobs::JobResult;
use super::model_library::ModelLibrary;
use super::parts::Parts;
use super::predictions::Predictions;
use super::reformat::translation;
use super::{Document, DocumentId};
use crate::engine::{JobId, Version};
use crate::label::{LabelId, Surface};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a surface is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SurfaceOf {
    Mask,
    /// What the model in use has predicted, but not `hidden` native slices.
    Prediction {
        hidden: BTreeSet<usize>,
    },
}

/// The surface that is wanted, and the one that is there.
#[derive(Default)]
pub(super) struct Surfaces {
    wanted: Option<(DocumentId, SurfaceOf)>,
    made: Option<MadeSurface>,
    job: Option<JobId>,
    rest_until: Option<Instant>,
}

pub(super) struct MadeSurface {
    base: Base,
    surface: Arc<Surface>,
    took: Duration,
}

/// What a surface was made from.
#[derive(Clone, PartialEq)]
struct Base {
    document: DocumentId,
    of: SurfaceOf,
    state: State,
}

#[derive(Clone, PartialEq)]
enum State {
    /// Its revision.
    Mask(u64),
    Prediction {
        version: Version,
        /// Of each slice that is predicted.
        stamps: Vec<u64>,
        /// By the model's own ids: the document's label of each.
        translation: Vec<LabelId>,
    },
}

/// While a mask or a prediction grows, its surface is being made for at most one part in so many of the time.
const SHARE: u32 = 4;

/// What has failed once fails again: not in every frame.
const AFTER_A_FAILURE: Duration = Duration::from_secs(60);

impl Surfaces {
    /// A job has ended without a result.
    pub fn on_job_ended(&mut self, job: JobId, failed: bool) {
        if self.job.take_if(|own| *own == job).is_some() && failed {
            self.rest_until = Some(Instant::now() + AFTER_A_FAILURE);
        }
    }

    pub fn want(&mut self, wanted: Option<(DocumentId, SurfaceOf)>) {
        if wanted.is_none() {
            *self = Surfaces { job: self.job, ..Surfaces::default() };
        }
        self.wanted = wanted;
    }

    /// The newest surface of what is wanted, shown until a newer one is there. Its labels are the document's.
    pub fn shown(&self) -> Option<&Arc<Surface>> {
        let (wanted, of) = self.wanted.as_ref()?;
        let made = self.made.as_ref()?;
        let same_kind = std::mem::discriminant(of) == std::mem::discriminant(&made.base.of);
        (made.base.document == *wanted && same_kind).then_some(&made.surface)
    }

    pub fn is_behind(
        &self,
        documents: &Documents,
        predictions: &Predictions,
        library: &ModelLibrary,
    ) -> bool {
        let made = self.made.as_ref().map(|m| &m.base);
        self.base(documents, predictions, library).is_some_and(|base| made != Some(&base))
    }

    fn base(&self, documents: &Documents, predictions: &Predictions, library: &ModelLibrary) -> Option<Base> {
        let (id, of) = self.wanted.clone()?;
        let document = documents.get(id)?;
        let state = match &of {
            SurfaceOf::Mask => State::Mask(document.mask().revision()),
            SurfaceOf::Prediction { .. } => prediction_state(document, predictions, library)?,
        };
        Some(Base { document: id, of, state })
    }

    /// Has the surface made again if its mask or prediction has changed, no stroke is being drawn, and the last one was not
    /// made just now.
    pub fn poll(&mut self, parts: &mut Parts, predictions: &Predictions, library: &ModelLibrary) {
        let documents = &parts.documents;
        let Some(base) = self.base(documents, predictions, library) else { return };
        let stands = self.made.as_ref().is_some_and(|m| m.base == base);
        let resting = self.rest_until.is_some_and(|until| Instant::now() < until);
        let Some(document) = documents.get(base.document) else { return };
        let Ok(now) = document.settled() else { return };
        if stands || resting || self.job.is_some() {
            return;
        }
        let (id, grid, mask) = (document.id(), document.volume().grid().clone(), now.mask.clone());
        let predicted = match &base.state {
            State::Mask(_) => Default::default(),
            State::Prediction { .. } => predictions.labels(document).cloned().unwrap_or_default(),
        };
        self.job = Some(parts.jobs.run_hidden("shaping the labels", id, move |cx| {
            let began = Instant::now();
            let stopped = || cx.is_cancelled();
            let surface = match (&base.of, &base.state) {
                (SurfaceOf::Prediction { hidden }, State::Prediction { translation, .. }) => {
                    let read = |z: usize, out: &mut [LabelId]| {
                        let Some(slice) = predicted.get(&z).filter(|_| !hidden.contains(&z)) else { return };
                        for (out, own) in out.iter_mut().zip(slice.labels.iter()) {
                            *out = translation.get(usize::from(*own)).copied().unwrap_or(0);
                        }
                    };
                    Surface::of_slices(&grid, read, &stopped)
                }
                _ => Surface::of_map(&mask, &grid, &stopped),
            };
            cx.check()?;
            let surface = Arc::new(surface.unwrap_or_default());
            Ok(JobResult::Surface(MadeSurface { base, surface, took: began.elapsed() }))
        }));
    }

    pub fn on_surface(&mut self, made: MadeSurface) {
        self.job = None;
        // Nobody looks any more.
        if self.wanted.is_some() {
            self.rest_until = Some(Instant::now() + made.took * (SHARE - 1));
            self.made = Some(made);
        }
    }
}

fn prediction_state(document: &Document, predictions: &Predictions, library: &ModelLibrary) -> Option<State> {
    let version = document.model().cloned()?;
    let card = &library.find(&version)?.card;
    let (classes, _) = document.wanted_labels(card);
    let predicted = predictions.labels(document)?;
    let stamps = (0..document.depth()).map(|z| predicted.get(&z).map_or(0, |s| s.stamp)).collect();
    Some(State::Prediction { version, stamps, translation: translation(card, &classes) })
}
