//! The effect that is being set up, and what it is told.

use super::ViewState;
use crate::edit::Limits;
use crate::edit::effects::{Effect, Kind, Over, Parameter, Scope, Step};
use crate::geom::Plane;
use crate::ui::outbox::Outbox;
use crate::workspace::{Command, Document, DocumentId, EffectOrder};
use serde_json::Value;
use std::collections::BTreeMap;

/// What effects are told, by effect and parameter: what is not there is at its default.
pub type Told = BTreeMap<String, BTreeMap<String, String>>;

/// Where an effect may look and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    Slice,
    /// From the first to the last of them, both included.
    Slices([usize; 2]),
    Volume,
}

/// Effects in their panel, one after the other, with their outcome in the views. Nothing of the mask has changed.
#[derive(Clone, Debug)]
pub struct EffectInHand {
    pub document: DocumentId,
    /// One at least.
    pub steps: Vec<StepInHand>,
    pub scope: Where,
    pub over: Over,
    pub also_verified: bool,
    /// The outcome is not drawn, to compare it with the mask.
    pub hidden: bool,
}

/// An effect and what it is told.
#[derive(Clone, Debug)]
pub struct StepInHand {
    pub effect: &'static Effect,
    pub told: BTreeMap<String, String>,
    /// It is left out where not.
    pub on: bool,
}

impl StepInHand {
    /// `told`: what effects were told last.
    fn new(effect: &'static Effect, told: &Told) -> Self {
        // A place in one image means nothing in another.
        let lasts = |key: &str| {
            effect.parameters.iter().any(|p| p.key == key && !matches!(p.kind, Kind::Voxel | Kind::Label))
        };
        let mut told = told.get(effect.id).cloned().unwrap_or_default();
        told.retain(|key, _| lasts(key));
        Self { effect, told, on: true }
    }

    /// What a parameter is set to.
    pub fn set(&self, parameter: &Parameter) -> String {
        self.told.get(parameter.key).cloned().unwrap_or_else(|| parameter.kind.default_text())
    }

    /// Whether a parameter counts, as others are set.
    pub fn counts(&self, parameter: &Parameter) -> bool {
        let other = parameter.when.and_then(|(key, _)| self.effect.parameters.iter().find(|p| p.key == key));
        let set = other.map(|other| self.set(other)).unwrap_or_default();
        parameter.counts(|_| &set)
    }

    fn step(&self) -> Step {
        let set = self.told.iter().map(|(key, text)| (key.clone(), Value::String(text.clone()))).collect();
        Step { effect: self.effect.id.to_owned(), set, labels: Vec::new() }
    }
}

impl EffectInHand {
    /// What the workspace is asked to show and to do. `plane`: the one whose slices are counted.
    fn order(&self, document: &Document, plane: Plane) -> EffectOrder {
        let normal = document.volume().grid().plane_axes(plane).normal;
        let slices = match self.scope {
            Where::Volume => None,
            Where::Slice => Some([document.cursor()[normal.index()]; 2]),
            Where::Slices(slices) => Some(slices),
        };
        EffectOrder {
            steps: self.steps.iter().filter(|step| step.on).map(StepInHand::step).collect(),
            label: document.selected_label(),
            scope: slices.map(|[first, last]| Scope { normal, slices: first..=last }),
            over: self.over,
            also_verified: self.also_verified,
            limits: Limits::default(),
        }
    }
}

impl ViewState {
    /// Sets an effect up on an image, as it was set up last. The mask stays as it is.
    pub fn begin_effect(&mut self, document: &Document, effect: &'static Effect) {
        self.leave_effect();
        self.effect = Some(EffectInHand {
            document: document.id(),
            steps: vec![StepInHand::new(effect, &self.told)],
            scope: if document.depth() == 1 { Where::Slice } else { Where::Volume },
            over: Over::default(),
            also_verified: false,
            hidden: false,
        });
    }

    /// Puts another effect behind those that are being set up.
    pub fn add_effect(&mut self, effect: &'static Effect) {
        if let Some(hand) = &mut self.effect {
            hand.steps.push(StepInHand::new(effect, &self.told));
        }
    }

    /// Leaves the effect that is being set up; false where none is. The mask stays as it is.
    pub fn leave_effect(&mut self) -> bool {
        let Some(effect) = self.effect.take() else { return false };
        self.told.extend(effect.steps.into_iter().map(|step| (step.effect.id.to_owned(), step.told)));
        true
    }

    /// Applies the effect that is being set up.
    pub fn apply_effect(&mut self, document: &Document, out: &mut Outbox) {
        if let Some(order) = self.effect_order(document) {
            out.command(Command::Effect(order));
            self.leave_effect();
        }
    }

    /// What of an effect is to be shown of an image; `None` where none is being set up there.
    pub fn effect_order(&self, document: &Document) -> Option<EffectOrder> {
        let effect = self.effect.as_ref().filter(|effect| effect.document == document.id())?;
        let plane = self.image_of(document.id())?.focus_plane(document);
        Some(effect.order(document, plane))
    }
}
