//! Surfaces of labels, for looking at.
//!
//! Surface nets (Gibson, "Constrained elastic surface nets", MICCAI 1998) of several labels at once: one vertex in each
//! cell between blocks whose labels differ, relaxed towards its neighbours but never out of its cell. What is seen is at
//! most half a block away from the mask, and neighbouring labels share their border exactly.

mod blocks;
mod net;

use super::{LabelId, LabelMap};
use crate::geom::Grid;
use blocks::Blocks;
use glam::DVec3;
use net::Net;
use std::ops::Range;

/// Triangles around every label but background, in LPS millimetres (or pixels).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Surface {
    pub positions: Vec<[f32; 3]>,
    /// Unit vectors out of the label, one for each position.
    pub normals: Vec<[f32; 3]>,
    /// Three positions for each triangle, counter-clockwise seen from outside of the label.
    pub triangles: Vec<u32>,
    /// By label, ascending.
    pub parts: Vec<SurfacePart>,
}

/// The triangles of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurfacePart {
    pub label: LabelId,
    /// Of [`Surface::triangles`].
    pub indices: Range<u32>,
}

impl Surface {
    /// The surfaces of a mask on the grid of its image; `None` once `stopped` says so.
    pub fn of_map(map: &LabelMap, grid: &Grid, stopped: &(dyn Fn() -> bool + Sync)) -> Option<Self> {
        let slice_len = map.dims()[0] * map.dims()[1];
        Self::of_slices(grid, |z, out| map.read(z * slice_len, out), stopped)
    }

    /// As [`Surface::of_map`]; `read` gives the labels of native slice `z`, row by row.
    pub fn of_slices(
        grid: &Grid,
        read: impl Fn(usize, &mut [LabelId]) + Sync,
        stopped: &(dyn Fn() -> bool + Sync),
    ) -> Option<Self> {
        let blocks = Blocks::new(grid, |z, out| {
            if !stopped() {
                read(z, out);
            }
        });
        let mut net = Net::new(&blocks);
        if stopped() {
            return None;
        }
        net.relax();
        let voxels = blocks.voxels.map(|v| v as f64);
        // A cell's corner at (0, 0, 0) is the middle of the border block before the first voxels.
        let patient_of = |at: DVec3| {
            let from_first = (at - 0.5) * DVec3::from(voxels) - 0.5;
            let last = DVec3::from(grid.dims().map(|d| d as f64)) - 0.5;
            grid.patient_of(from_first.min(last))
        };
        let places: Vec<DVec3> = net.vertices.iter().map(|&v| patient_of(v.as_dvec3())).collect();
        let mirrored = grid.patient_from_voxel().matrix3.determinant() < 0.0;
        let mut surface = Self::default();
        let mut own = vec![u32::MAX; places.len()];
        for (label, quads) in net.quads(&blocks) {
            if stopped() {
                return None;
            }
            surface.add(label, &quads, &places, mirrored, &mut own);
        }
        Some(surface)
    }

    /// `own`: the label's own position of each place, all unset before and after.
    fn add(&mut self, label: LabelId, quads: &[[u32; 4]], places: &[DVec3], mirrored: bool, own: &mut [u32]) {
        let (first, start) = (self.positions.len(), self.triangles.len() as u32);
        let mut normals: Vec<DVec3> = Vec::new();
        for &(mut quad) in quads {
            if mirrored {
                quad.reverse();
            }
            let corners = quad.map(|v| places[v as usize]);
            // Twice the area, outwards.
            let normal = (corners[2] - corners[0]).cross(corners[3] - corners[1]);
            let at = quad.map(|v| {
                let own = &mut own[v as usize];
                if *own == u32::MAX {
                    *own = (first + normals.len()) as u32;
                    self.positions.push(places[v as usize].as_vec3().to_array());
                    normals.push(DVec3::ZERO);
                }
                normals[*own as usize - first] += normal;
                *own
            });
            let [a, b, c, d] = at;
            // Along the shorter diagonal, which is the one that lies on the surface.
            let first_is_shorter =
                corners[0].distance_squared(corners[2]) <= corners[1].distance_squared(corners[3]);
            self.triangles.extend(if first_is_shorter { [a, b, c, a, c, d] } else { [a, b, d, b, c, d] });
        }
        self.normals.extend(normals.into_iter().map(|n| n.normalize_or_zero().as_vec3().to_array()));
        self.parts.push(SurfacePart { label, indices: start..self.triangles.len() as u32 });
        for v in quads.as_flattened() {
            own[*v as usize] = u32::MAX;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.triangles.is_empty()
    }
}

#[cfg(test)]
mod tests;
