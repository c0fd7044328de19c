//! The effect that is being set up, and what it is told.

use super::ViewState;
use crate::edit::Limits;
use crate::edit::effects::{Effect, Kind, Over, Parameter, Scope, Step};
use crate::geom::Plane;
use crate::ui::outbox::Outbox;
use crate::words::capital;
use crate::workspace::{Command, Document, EffectOrder, Workspace};
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
    told: BTreeMap<String, String>,
    /// It is left out where not.
    pub on: bool,
    /// It is told what it was told last.
    as_last: bool,
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
        Self { effect, told, on: true, as_last: true }
    }

    /// Sets a parameter; with an empty text to nothing, or to its default.
    pub fn tell(&mut self, parameter: &Parameter, text: String) {
        self.as_last = false;
        match text.is_empty() {
            true => self.told.remove(parameter.key),
            false => self.told.insert(parameter.key.to_owned(), text),
        };
    }

    /// Whether it is told something else than its defaults.
    fn differs(&self) -> bool {
        self.effect.parameters.iter().any(|p| self.set(p) != p.kind.default_text())
    }

    /// Whether something that counts is not set, which it may need.
    pub fn is_open(&self) -> bool {
        self.on && self.effect.parameters.iter().any(|p| self.counts(p) && self.set(p).is_empty())
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
    /// Whether effects are told something else than their defaults, and whether that is what they were told last.
    pub fn is_told(&self) -> (bool, bool) {
        let mut told = self.steps.iter().filter(|step| step.differs()).peekable();
        (told.peek().is_some(), told.any(|step| step.as_last))
    }

    /// Every effect as if it had never been told anything.
    pub fn forget_told(&mut self) {
        self.steps.iter_mut().for_each(|step| step.told.clear());
    }

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
    /// What is being set up on an image.
    pub fn effect(&self, document: &Document) -> Option<&EffectInHand> {
        self.image_of(document.id())?.effect.as_ref()
    }

    pub fn effect_mut(&mut self, document: &Document) -> Option<&mut EffectInHand> {
        self.image(document).effect.as_mut()
    }

    /// Sets an effect up on an image, as it was set up last; everywhere unless told where. The mask stays as it is.
    pub fn begin_effect(&mut self, document: &Document, effect: &'static Effect, scope: Option<Where>) {
        self.leave_effect(document);
        let everywhere = if document.depth() == 1 { Where::Slice } else { Where::Volume };
        let hand = EffectInHand {
            steps: vec![StepInHand::new(effect, &self.told)],
            scope: scope.unwrap_or(everywhere),
            over: Over::default(),
            also_verified: false,
            hidden: false,
        };
        self.image(document).effect = Some(hand);
    }

    /// Puts another effect behind those that are being set up.
    pub fn add_effect(&mut self, document: &Document, effect: &'static Effect) {
        let step = StepInHand::new(effect, &self.told);
        if let Some(hand) = self.effect_mut(document) {
            hand.steps.push(step);
        }
    }

    /// Leaves the effect that is being set up; false where none is. The mask stays as it is.
    pub fn leave_effect(&mut self, document: &Document) -> bool {
        let Some(effect) = self.image(document).effect.take() else { return false };
        self.told.extend(effect.steps.into_iter().map(|step| (step.effect.id.to_owned(), step.told)));
        true
    }

    /// Applies the effect that is being set up.
    pub fn apply_effect(&mut self, document: &Document, out: &mut Outbox) {
        if let Some(order) = self.effect_order(document) {
            out.command(Command::Effect(order));
            self.leave_effect(document);
        }
    }

    /// What of an effect is to be shown of an image; `None` where none is being set up there.
    pub fn effect_order(&self, document: &Document) -> Option<EffectOrder> {
        let image = self.image_of(document.id())?;
        Some(image.effect.as_ref()?.order(document, image.focus_plane(document)))
    }
}

/// Whether the effect in front can be applied: not where it is known to change nothing. Why not, in a sentence.
pub fn can_apply(workspace: &Workspace) -> Result<(), String> {
    if let Some(why) = workspace.effect_failure() {
        return Err(capital(why));
    }
    match workspace.effect_preview() {
        Some((_, preview, true)) if preview.voxels == [0, 0] => Err("The effect changes nothing".to_owned()),
        _ => Ok(()),
    }
}
