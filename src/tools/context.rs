use super::ToolOptions;
use super::rim::rims;
use crate::edit::effects::{Scope, Step};
use crate::edit::{EffectAt, Limits, Shape};
use crate::geom::{Grid, Plane};
use crate::label::{LabelId, LabelMap, LabelTable};
use crate::metrics::measurements::Measurements;
use crate::volume::Volume;
use crate::workspace::Document;
use glam::DVec3;

/// What a tool may look at.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub volume: &'a Volume,
    pub mask: &'a LabelMap,
    pub labels: &'a LabelTable,
    /// The selected label.
    pub label: LabelId,
    pub measurements: &'a Measurements,
    /// What a point of the screen measures in the view of the event, in the grid's unit (mm or pixels).
    pub point_size: f64,
}

impl<'a> Scene<'a> {
    /// Of an open image.
    pub fn of(document: &'a Document, point_size: f64) -> Self {
        Self {
            volume: document.volume(),
            mask: document.mask(),
            labels: document.labels(),
            label: document.selected_label(),
            measurements: document.measurements(),
            point_size,
        }
    }
}

/// A scene with the options that are set.
#[derive(Clone, Copy)]
pub struct ToolContext<'a> {
    pub scene: Scene<'a>,
    pub options: &'a ToolOptions,
}

impl ToolContext<'_> {
    pub fn grid(&self) -> &Grid {
        self.scene.volume.grid()
    }

    /// The label that a gesture draws.
    pub(super) fn label(&self, erase: bool) -> LabelId {
        if erase { 0 } else { self.scene.label }
    }

    pub(super) fn limits(&self, label: LabelId) -> Limits {
        let options = self.options;
        let only_over = match label {
            0 => options.erase_selected_only.then_some(self.scene.label).filter(|&l| l != 0),
            _ => options.over_background_only.then_some(0),
        };
        Limits { value_range: options.value_range, only_over }
    }

    /// What an effect does in one slice of a plane, or in all slices. `set`: its parameters, as on the command line.
    pub(super) fn effect(&self, id: &str, slice: Option<(Plane, usize)>, set: &[(&str, String)]) -> EffectAt {
        let grid = self.grid();
        let scope = match slice {
            Some((plane, slice)) => Scope { normal: grid.plane_axes(plane).normal, slices: slice..=slice },
            None => Scope::whole(grid.dims()),
        };
        let set = set.iter().map(|(key, text)| ((*key).to_owned(), text.as_str().into())).collect();
        EffectAt { step: Step { effect: id.to_owned(), set, labels: Vec::new() }, scope, piece: false }
    }

    /// The lines around what a shape marks in a slice; `None` where the slice is too large for them to follow the pointer.
    pub(super) fn rims(&self, plane: Plane, slice: usize, shape: &Shape) -> Option<Vec<Vec<[f64; 3]>>> {
        /// About 30 ms on two cores.
        const MOST_PIXELS: usize = 1 << 20;
        let grid = self.grid();
        let dims = grid.dims();
        let pixels = dims.iter().product::<usize>() / dims[grid.plane_axes(plane).normal.index()];
        let region = || shape.region(self.scene.volume, self.scene.mask);
        (pixels <= MOST_PIXELS).then(|| rims(grid, plane, slice, &region()))
    }

    /// A value with its unit: "-20 HU".
    pub(super) fn value_text(&self, value: f64) -> String {
        let unit = self.scene.volume.value_unit().map_or(String::new(), |unit| format!(" {unit}"));
        let whole = value.abs() >= 10.0 || value.fract() == 0.0;
        format!("{value:.*}{unit}", if whole { 0 } else { 2 }).replace('-', "−")
    }

    /// How far to the right of the screen one place in a plane lies from another, in points.
    pub(super) fn screen_right(&self, plane: Plane, from: [f64; 3], to: [f64; 3]) -> f64 {
        let axes = self.grid().plane_axes(plane);
        let a = axes.right.index();
        let sign = if axes.right_flipped { -1.0 } else { 1.0 };
        sign * (to[a] - from[a]) * self.grid().spacing()[a] / self.scene.point_size.max(1e-12)
    }

    /// The distance of two voxel coordinates, in points of the screen.
    pub(super) fn screen_distance(&self, a: [f64; 3], b: [f64; 3]) -> f64 {
        let grid = self.grid();
        grid.patient_of(a.into()).distance(grid.patient_of(b.into())) / self.scene.point_size.max(1e-12)
    }

    /// A circle of the brush's radius around voxel coordinates, in a plane.
    pub(super) fn circle(&self, plane: Plane, center: [f64; 3]) -> Vec<[f64; 3]> {
        const CORNERS: usize = 64;
        let grid = self.grid();
        let radius = self.options.radius(grid);
        let axes = grid.plane_axes(plane);
        let matrix = grid.patient_from_voxel().matrix3;
        let right = matrix.col(axes.right.index()).normalize();
        // Square to it within the plane, also where the grid is sheared.
        let down = matrix.col(axes.down.index()).reject_from(right).normalize();
        let place = grid.patient_of(DVec3::from(center));
        (0..CORNERS)
            .map(|i| {
                let (sin, cos) = (i as f64 / CORNERS as f64 * std::f64::consts::TAU).sin_cos();
                let mut voxel = grid.voxel_of(place + (right * cos + down * sin) * radius);
                voxel[axes.normal.index()] = center[axes.normal.index()];
                voxel.to_array()
            })
            .collect()
    }
}
