//! Effects: changes of a mask that have no gesture. Each is one file and one line in [`EFFECTS`]; its parameters are data, from
//! which panels, options of the command line and help are made, and it is a pure function from a mask to a [`Patch`].

mod fill_holes;
mod islands;
mod parameters;

pub use parameters::{Kind, Parameter, ParameterError, Values};

use super::{Limits, MaskRules, Origin, Patch, Region};
use crate::{
    label::{LabelId, LabelMap},
    volume::Volume,
    watch::Stopped,
};
use std::ops::RangeInclusive;

/// In the order in which they are offered.
pub static EFFECTS: &[&Effect] = &[&islands::EFFECT, &fill_holes::EFFECT];

/// An effect: what it is called, what it can be told, and what it does.
#[derive(Debug)]
pub struct Effect {
    /// Its name on the command line and in saved commands.
    pub id: &'static str,
    pub title: &'static str,
    /// What it does, in one sentence: its tooltip, its help and its line in the documentation.
    pub summary: &'static str,
    pub parameters: &'static [Parameter],
    work: fn(&Scene<'_>, &Values) -> Result<Wish, Stopped>,
}

/// What an effect works on.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    pub volume: &'a Volume,
    pub mask: &'a LabelMap,
    pub label: LabelId,
    /// Native slices, which are looked at as if there were no others.
    pub slices: RangeInclusive<usize>,
    /// Slices that a person has verified change too.
    pub also_verified: bool,
}

impl Scene<'_> {
    /// Columns, rows and number of the slices that are looked at.
    fn dims(&self) -> [usize; 3] {
        let [width, height, depth] = self.mask.dims();
        let last = (self.slices.end() + 1).min(depth);
        [width, height, last.saturating_sub(*self.slices.start())]
    }

    /// Where the slices begin in the linear index.
    fn start(&self) -> usize {
        let [width, height, _] = self.mask.dims();
        self.slices.start() * width * height
    }

    /// For each row of these slices (y, then z) the runs `(x, length)` that are of the label, or that are not.
    fn rows(&self, of_label: bool) -> Vec<Vec<(usize, usize)>> {
        let [width, height, depth] = self.dims();
        let row = |row: usize| {
            let start = self.start() + row * width;
            let mut runs: Vec<(usize, usize)> = Vec::new();
            self.mask.for_each_run(start, width, |at, len, id| {
                if (id == self.label) != of_label {
                    return;
                }
                match runs.last_mut() {
                    Some((x, old)) if *x + *old == at - start => *old += len,
                    _ => runs.push((at - start, len)),
                }
            });
            runs
        };
        (0..height * depth).map(row).collect()
    }
}

/// What an effect wants, before the rules: runs `(start, length)` in the linear index of the mask.
#[derive(Clone, Debug, Default, PartialEq)]
struct Wish {
    /// Voxels that the label loses; they become background.
    lost: Vec<(usize, u32)>,
    /// Voxels that it gains; of them only background is taken.
    gained: Vec<(usize, u32)>,
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
    ) -> Result<Patch, Stopped> {
        let Wish { lost, gained } = (self.work)(scene, values)?;
        let [width, height, _] = scene.mask.dims();
        let may_change = |&(start, _): &(usize, u32)| {
            scene.also_verified || !rules.verified.contains(&(start / (width * height)))
        };
        let region = |runs: Vec<(usize, u32)>| {
            Region::from_runs(scene.volume.grid(), runs.into_iter().filter(may_change).collect())
        };
        let paint = |runs, label, over| {
            let allowed = rules.limits.only_over.is_none_or(|only| only == over);
            let region = if allowed { region(runs) } else { Region::default() };
            let rules = rules.with_limits(Limits { only_over: Some(over), ..rules.limits });
            Patch::paint(scene.mask, scene.volume, &region, label, &rules, origin.clone())
        };
        Ok(paint(lost, 0, scene.label).then(&paint(gained, scene.label, 0)))
    }
}

/// An effect by its id.
pub fn effect(id: &str) -> Option<&'static Effect> {
    EFFECTS.iter().copied().find(|effect| effect.id == id)
}

#[cfg(test)]
mod tests;
