//! Effects: changes of a mask that have no gesture. Each is one file and one line in [`EFFECTS`]; its parameters are data, from
//! which panels, options of the command line and help are made, and it is a pure function from a mask to a [`Patch`].

mod ball;
mod chain;
mod copy_slice;
mod distance;
mod fill_between;
mod fill_holes;
mod gaussian;
mod grow_from_seeds;
mod hollow;
mod islands;
mod joint_smooth;
mod level_tracing;
mod livewire;
mod logic;
mod margin;
mod mask_by;
mod nudge;
mod parameters;
mod relabel;
mod rows;
mod scene;
mod scissors;
mod smart_brush;
mod smooth;
mod threshold;
mod walker;
mod wand;
mod work;

pub use chain::{Carried, Chain, ChainError, For, Outcome, Step, carry_out, labels_named};
pub use grow_from_seeds::probability as random_walker;
pub use livewire::{EdgeCosts, EdgePaths};
pub use parameters::{Kind, Parameter, ParameterError, Values, label_named, names_of, number};
pub use scene::{Other, Over, Scene, Scope};
pub use smart_brush::Tissue;
pub use threshold::{automatic as automatic_threshold, preset_modality};

use super::{Limits, MaskRules, Origin, Patch, Region};
use crate::{label::LabelId, watch::Stopped};
use scene::Wish;
use std::collections::BTreeSet;

/// In the order in which they are offered.
pub static EFFECTS: &[&Effect] = &[
    &islands::EFFECT,
    &fill_holes::EFFECT,
    &smooth::EFFECT,
    &joint_smooth::EFFECT,
    &margin::EFFECT,
    &hollow::EFFECT,
    &logic::EFFECT,
    &mask_by::EFFECT,
    &relabel::EFFECT,
    &fill_between::EFFECT,
    &threshold::EFFECT,
    &wand::EFFECT,
    &smart_brush::EFFECT,
    &level_tracing::EFFECT,
    &livewire::EFFECT,
    &nudge::EFFECT,
    &scissors::EFFECT,
    &copy_slice::EFFECT,
    &grow_from_seeds::EFFECT,
];

/// An effect: what it is called, what it can be told, and what it does.
#[derive(Debug)]
pub struct Effect {
    /// Its name on the command line and in saved commands.
    pub id: &'static str,
    pub title: &'static str,
    /// What it does, in one sentence: its tooltip, its help and its line in the documentation.
    pub summary: &'static str,
    pub on: On,
    /// It reads the values of the image, whatever it is told.
    pub needs_image: bool,
    pub parameters: &'static [Parameter],
    work: fn(&Scene<'_>, &Values) -> Result<Wish, EffectError>,
}

/// Which labels an effect changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// The one that it is told. For several it is done for one after the other.
    One,
    /// All at once.
    All,
}

/// Why an effect has changed nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EffectError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// It was not told all, or not given all, that it needs.
    #[error("it needs {what}{}", if .how.is_empty() { String::new() } else { format!(" ({how})") })]
    Lacks {
        what: &'static str,
        /// How it is told on the command line; empty where it cannot be.
        how: &'static str,
    },
    /// It was told what this image or this mask does not have.
    #[error("{0}")]
    Refused(String),
    /// There is nothing to do, which is no fault.
    #[error("{0}")]
    Nothing(String),
}

/// What an effect changes under the rules, and what there is to say of it.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Empty where nothing changes.
    pub patch: Patch,
    /// Why nothing changes.
    pub nothing: Option<String>,
    /// Verified slices that would change if they were not verified.
    pub kept: BTreeSet<usize>,
    pub notes: Vec<String>,
    /// What a person may not have meant.
    pub warnings: Vec<String>,
    /// That a label loses all that it has is what was asked for.
    pub is_meant: bool,
}

impl EffectError {
    fn lacks(what: &'static str, how: &'static str) -> Self {
        Self::Lacks { what, how }
    }
}

impl Effect {
    /// What the effect changes under the rules. Stops under [`watch::under`](crate::watch::under).
    pub fn change(
        &self,
        scene: &Scene<'_>,
        values: &Values,
        rules: &MaskRules<'_>,
        origin: &Origin,
    ) -> Result<Changed, EffectError> {
        if self.needs_image && !scene.has_image {
            return Err(EffectError::lacks("the image", "--image FILE"));
        }
        for &label in scene.chosen {
            scene.must_know(label)?;
        }
        let wish = (self.work)(scene, values)?;
        let [width, height, _] = scene.mask.dims();
        let may_change = |&(start, _): &(usize, u32)| {
            scene.also_verified || !rules.verified.contains(&(start / (width * height)))
        };
        let (mut patch, mut kept) = (Patch::empty(scene.mask, origin.clone()), BTreeSet::new());
        for (&ends, runs) in &wish.moves {
            let (open, verified): (Vec<_>, Vec<_>) = runs.iter().partition(|run| may_change(run));
            kept.extend(painted(scene, rules, origin, ends, verified).touched());
            patch = patch.then(&painted(scene, rules, origin, ends, open));
        }
        let nothing = patch.is_empty().then(|| self.why_nothing(scene, &wish, rules, origin, &kept));
        let Wish { notes, warnings, is_meant, .. } = wish;
        let notes = if patch.is_empty() { Vec::new() } else { notes };
        Ok(Changed { patch, nothing, kept, notes, warnings, is_meant })
    }

    /// The patch of [`Self::change`].
    pub fn patch(
        &self,
        scene: &Scene<'_>,
        values: &Values,
        rules: &MaskRules<'_>,
        origin: Origin,
    ) -> Result<Patch, EffectError> {
        Ok(self.change(scene, values, rules, &origin)?.patch)
    }

    /// Why nothing of a wish is carried out: the first of the rules without which something would be.
    fn why_nothing(
        &self,
        scene: &Scene<'_>,
        wish: &Wish,
        rules: &MaskRules<'_>,
        origin: &Origin,
        kept: &BTreeSet<usize>,
    ) -> String {
        let would = |scene: &Scene<'_>, rules: &MaskRules<'_>| {
            let mut each = wish.moves.iter();
            each.any(|(&ends, runs)| !painted(scene, rules, origin, ends, runs.clone()).is_empty())
        };
        let is_locked = self.on == On::One && scene.labels.is_locked(scene.label);
        let free = rules.with_limits(Limits::default());
        let all = Scene { over: Over::All, ..scene.clone() };
        match kept.len() {
            _ if is_locked => format!("{} is locked", scene.name(scene.label)),
            0 if wish.moves.values().all(Vec::is_empty) => "it is as it should be already".to_owned(),
            0 if would(scene, &free) => {
                "what would change is outside of the limits of value or label".to_owned()
            }
            0 if would(&all, &free) => "what would be gained belongs to other labels".to_owned(),
            0 => "what would change belongs to locked labels, or is as it should be already".to_owned(),
            1 => "only a slice that is verified would change".to_owned(),
            n => format!("only slices that are verified would change: {n}"),
        }
    }

    /// The voxels that it would change, before the rules. Stops as [`Effect::patch`] does.
    pub(super) fn region(&self, scene: &Scene<'_>, values: &Values) -> Result<Region, EffectError> {
        let wish = (self.work)(scene, values)?;
        Ok(Region::from_runs(scene.grid(), wish.moves.into_values().flatten().collect()))
    }
}

/// The change where a label (the first of the ends; without one, what the scene allows) becomes another.
fn painted(
    scene: &Scene<'_>,
    rules: &MaskRules<'_>,
    origin: &Origin,
    (from, to): (Option<LabelId>, LabelId),
    runs: Vec<(usize, u32)>,
) -> Patch {
    let from = from.or((scene.over == Over::Background).then_some(0));
    let allowed = rules.limits.only_over.is_none_or(|only| from.is_none_or(|from| from == only));
    if runs.is_empty() || !allowed {
        return Patch::empty(scene.mask, origin.clone());
    }
    let region = Region::from_runs(scene.grid(), runs);
    let only_over = from.or(rules.limits.only_over);
    let rules = rules.with_limits(Limits { only_over, ..rules.limits });
    Patch::paint(scene.mask, scene.volume, &region, to, &rules, origin.clone())
}

/// An effect by its id, or an error that lists them.
pub fn named(id: &str) -> Result<&'static Effect, ParameterError> {
    effect(id).ok_or_else(|| ParameterError::unknown_effect(id))
}

/// An effect by its id.
pub fn effect(id: &str) -> Option<&'static Effect> {
    EFFECTS.iter().copied().find(|effect| effect.id == id)
}

#[cfg(test)]
mod tests;
