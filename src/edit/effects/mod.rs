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

pub use chain::{Chain, Step, labels_named};
pub use grow_from_seeds::probability as random_walker;
pub use livewire::{EdgeCosts, EdgePaths};
pub use parameters::{Kind, Parameter, ParameterError, Values, label_named, names_of};
pub use scene::{Over, Scene, Scope};
pub use smart_brush::Tissue;
pub use threshold::automatic as automatic_threshold;

use super::{Limits, MaskRules, Origin, Patch, Region};
use crate::watch::Stopped;
use scene::Wish;

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
    /// There is nothing to do, which is no fault.
    #[error("{0}")]
    Nothing(String),
}

impl EffectError {
    fn lacks(what: &'static str, how: &'static str) -> Self {
        Self::Lacks { what, how }
    }
}

impl Effect {
    /// The change that the effect makes under the rules; empty where it changes nothing. Stops under
    /// [`watch::under`](crate::watch::under).
    pub fn patch(
        &self,
        scene: &Scene<'_>,
        values: &Values,
        rules: &MaskRules<'_>,
        origin: Origin,
    ) -> Result<Patch, EffectError> {
        if self.needs_image && !scene.has_image {
            return Err(EffectError::lacks("the image", "--image FILE"));
        }
        let wish = (self.work)(scene, values)?;
        let [width, height, _] = scene.mask.dims();
        let may_change = |&(start, _): &(usize, u32)| {
            scene.also_verified || !rules.verified.contains(&(start / (width * height)))
        };
        let mut patch = Patch::empty(scene.mask, origin.clone());
        for ((from, to), runs) in wish.moves {
            let from = from.or((scene.over == Over::Background).then_some(0));
            let allowed = rules.limits.only_over.is_none_or(|only| from.is_none_or(|from| from == only));
            let runs = runs.into_iter().filter(may_change).collect::<Vec<_>>();
            if runs.is_empty() || !allowed {
                continue;
            }
            let region = Region::from_runs(scene.grid(), runs);
            let only_over = from.or(rules.limits.only_over);
            let rules = rules.with_limits(Limits { only_over, ..rules.limits });
            patch = patch.then(&Patch::paint(scene.mask, scene.volume, &region, to, &rules, origin.clone()));
        }
        Ok(patch)
    }
}

impl Effect {
    /// The voxels that it would change, before the rules. Stops as [`Effect::patch`] does.
    pub(super) fn region(&self, scene: &Scene<'_>, values: &Values) -> Result<Region, EffectError> {
        let wish = (self.work)(scene, values)?;
        Ok(Region::from_runs(scene.grid(), wish.moves.into_values().flatten().collect()))
    }
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
