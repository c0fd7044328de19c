use super::effects::{Effect, EffectError, Over, Scene, Scope, Step, Values};
use super::{Region, brush, fill, outline};
use crate::geom::{Axis, Grid, Plane};
use crate::label::{LabelId, LabelMap, LabelTable};
use crate::volume::Volume;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a gesture marks, before the rules: a region of voxels. Coordinates are voxel coordinates (fractions allowed;
/// whole numbers are voxel centres).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Shape {
    /// A round brush along a path of voxel coordinates: a disc within one slice of a plane (the slice in which the path's
    /// points lie), or a sphere through slices. The radius is in the grid's unit (mm, or pixels where spacing is
    /// unknown); distances use the true spacing and slice positions. The voxels under the path are always marked, so that
    /// the smallest brush still draws.
    Brush { plane: Plane, points: Vec<[f64; 3]>, radius: f64, sphere: bool },
    /// A closed outline within one slice of a plane (lasso and polygon): voxels whose centre is inside (even-odd).
    Outline { plane: Plane, slice: usize, points: Vec<[f64; 3]> },
    /// The connected voxels around a seed, of the seed's label and with values within `range` (both ends included);
    /// 4-connected within a slice of the plane, or 6-connected in the volume.
    Flood { plane: Plane, seed: [usize; 3], range: [f32; 2], volume: bool },
    /// The labels of native slice `from`, copied onto native slice `to`, background included.
    CopySlice { from: usize, to: usize },
    /// A closed chain of pixels within one slice of a plane, each beside the next (livewire): what it encloses, and the pixels
    /// themselves.
    Contour { plane: Plane, slice: usize, pixels: Vec<[usize; 3]> },
    /// These labels in a box of voxels, x fastest, then y, then z: for what is computed from the mask itself (nudge).
    Labels { low: [usize; 3], size: [usize; 3], labels: Vec<LabelId> },
    /// What an effect does where the pointer is (wand, smart brush, level tracing, scissors).
    Effect(EffectAt),
}

/// An effect at a place, as data: the same as on the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectAt {
    /// The effect, with the place among its parameters.
    pub step: Step,
    pub scope: Scope,
    /// One of many small pieces of a stroke, each drawn at once.
    pub piece: bool,
}

impl EffectAt {
    /// The effect and its values. Parameters of a gesture name no label.
    fn resolve(&self) -> Result<(&'static Effect, Values), EffectError> {
        self.step.resolve(&LabelTable::default(), None).map_err(|why| EffectError::Nothing(why.to_string()))
    }

    /// What it is carried out with and on. As with a brush, all that is not locked may be painted over.
    pub(super) fn of<'a>(
        &self,
        volume: &'a Volume,
        map: &'a LabelMap,
        labels: &'a LabelTable,
        label: LabelId,
    ) -> Result<(&'static Effect, Values, Scene<'a>), EffectError> {
        let (effect, values) = self.resolve()?;
        let scene = Scene {
            scope: self.scope.clone(),
            over: Over::All,
            also_verified: !self.goes_through_slices(),
            ..Scene::new(volume, map, labels, label)
        };
        Ok((effect, values, scene))
    }

    /// Whether it works in more slices than one and is not a piece of a stroke: it then leaves verified slices as they are,
    /// because a person has not looked at them while drawing.
    fn goes_through_slices(&self) -> bool {
        !self.piece && self.scope.slices.clone().nth(1).is_some()
    }
}

impl Shape {
    /// Voxels that the shape can mark at most, from its size alone: how much work it is. A brush is drawn in small pieces
    /// and counts for nothing.
    pub fn reach(&self, grid: &Grid) -> usize {
        let dims = grid.dims();
        let slice_len =
            |plane: Plane| dims.iter().product::<usize>() / dims[grid.plane_axes(plane).normal.index()];
        match self {
            Shape::Brush { .. } => 0,
            Shape::Outline { plane, points, .. } => {
                let normal = grid.plane_axes(*plane).normal.index();
                let side = |a: usize| {
                    let along = || points.iter().map(|p| p[a].clamp(0.0, dims[a] as f64));
                    (along().fold(0.0, f64::max) - along().fold(f64::MAX, f64::min)).max(0.0) as usize + 1
                };
                (0..3).filter(|&a| a != normal).map(side).product()
            }
            Shape::Flood { volume: true, .. } => dims.iter().product(),
            Shape::Flood { plane, .. } => slice_len(*plane),
            Shape::CopySlice { .. } => dims[0] * dims[1],
            Shape::Contour { plane, .. } => slice_len(*plane),
            Shape::Labels { size, .. } => size.iter().product(),
            Shape::Effect(EffectAt { piece: true, .. }) => 0,
            Shape::Effect(EffectAt { scope, .. }) => {
                let normal = scope.normal.index();
                let slices = scope.slices.clone().count().min(dims[normal]);
                dims.iter().product::<usize>() / dims[normal] * slices
            }
        }
    }

    /// The verified native slices that it leaves as they are although it goes through them.
    pub fn leaves(&self, verified: &BTreeSet<usize>) -> usize {
        match self {
            Shape::Effect(effect) if effect.goes_through_slices() => {
                let is_in = |z: &&usize| effect.scope.normal != Axis::Z || effect.scope.slices.contains(*z);
                verified.iter().filter(is_in).count()
            }
            _ => 0,
        }
    }

    /// The voxels that the shape marks; those outside the grid are left out. For `CopySlice`, the whole of slice `to`; for an
    /// effect, the voxels that label 1 would gain or lose if nothing were locked or verified.
    pub fn region(&self, volume: &Volume, map: &LabelMap) -> Region {
        let grid = volume.grid();
        match self {
            Shape::Brush { plane, points, radius, sphere } => {
                brush::region(grid, *plane, points, *radius, *sphere)
            }
            Shape::Outline { plane, slice, points } => outline::region(grid, *plane, *slice, points),
            Shape::Flood { plane, seed, range, volume: whole } => {
                fill::region(volume, map, *plane, *seed, *range, *whole)
            }
            Shape::CopySlice { to, .. } => Region::native_slice(grid, *to),
            Shape::Contour { plane, slice, pixels } => outline::with_rim(grid, *plane, *slice, pixels),
            Shape::Labels { low, size, .. } => {
                let inside = (0..3).all(|a| low[a] + size[a] <= grid.dims()[a]);
                let rows = if inside { 0..size[1] * size[2] } else { 0..0 };
                let start = |row: usize| grid.index([low[0], low[1] + row % size[1], low[2] + row / size[1]]);
                Region::from_runs(grid, rows.map(|row| (start(row), size[0] as u32)).collect())
            }
            Shape::Effect(effect) => {
                let labels = LabelTable::default();
                let found = effect.of(volume, map, &labels, 1);
                let found = found.and_then(|(effect, values, scene)| effect.region(&scene, &values));
                // Where there is nothing to do, nothing is marked; drawing says why.
                found.unwrap_or_default()
            }
        }
    }
}
