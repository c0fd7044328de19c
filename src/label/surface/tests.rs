use super::*;
use crate::geom::{Frame, Unit};
use glam::{DAffine3, DMat3};
use std::collections::BTreeMap;

/// A ball of `radius` millimetres around the middle of a grid; its upper half along z is label 2.
fn ball(grid: &Grid, radius: f64) -> (LabelMap, DVec3) {
    let dims = grid.dims();
    let middle = grid.patient_of((DVec3::from(dims.map(|d| d as f64)) - 1.0) / 2.0);
    let values: Vec<LabelId> = (0..grid.voxel_count())
        .map(|i| {
            let at = [i % dims[0], i / dims[0] % dims[1], i / (dims[0] * dims[1])].map(|v| v as f64);
            let from_middle = grid.patient_of(DVec3::from(at)) - middle;
            match from_middle.length() < radius {
                false => 0,
                true if from_middle.z > 0.0 => 2,
                true => 1,
            }
        })
        .collect();
    (LabelMap::from_values(dims, &values).unwrap(), middle)
}

fn one_label(map: &LabelMap) -> LabelMap {
    let values: Vec<LabelId> = map.to_values().into_iter().map(|l| l.min(1)).collect();
    LabelMap::from_values(map.dims(), &values).unwrap()
}

fn surface(map: &LabelMap, grid: &Grid) -> Surface {
    Surface::of_map(map, grid, &|| false).unwrap()
}

fn grid(dims: [usize; 3], spacing: [f64; 3]) -> Grid {
    let affine = DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::from(spacing)),
        translation: DVec3::new(-40.0, 7.0, 900.0),
    };
    Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap()
}

/// By the divergence theorem.
fn enclosed(surface: &Surface, part: &SurfacePart) -> f64 {
    let at = |i: u32| DVec3::from(surface.positions[i as usize].map(f64::from));
    let triangles = &surface.triangles[part.indices.start as usize..part.indices.end as usize];
    let origin = at(triangles[0]);
    let six_times = triangles
        .chunks_exact(3)
        .map(|t| (at(t[0]) - origin).dot((at(t[1]) - origin).cross(at(t[2]) - origin)));
    six_times.sum::<f64>() / 6.0
}

#[test]
fn a_ball_is_round_closed_and_looks_outwards_whatever_the_grid() {
    for spacing in [[1.0, 1.0, 1.0], [-0.5, 1.0, 2.0], [1.0, -1.0, -1.0]] {
        let dims = spacing.map(|s: f64| (60.0 / s.abs()) as usize);
        let grid = grid(dims, spacing);
        let (map, middle) = ball(&grid, 20.0);
        let surface = surface(&one_label(&map), &grid);
        for (position, normal) in surface.positions.iter().zip(&surface.normals) {
            let out = DVec3::from(position.map(f64::from)) - middle;
            assert!((out.length() - 20.0).abs() < 1.5, "{spacing:?}: {} mm from the middle", out.length());
            let cosine = out.normalize().dot(DVec3::from(normal.map(f64::from)));
            assert!(cosine > 0.85, "{spacing:?}: a normal leans away, cosine {cosine}");
        }
        let mut edges: BTreeMap<[u32; 2], i32> = BTreeMap::new();
        for t in surface.triangles.chunks_exact(3) {
            for [a, b] in [[t[0], t[1]], [t[1], t[2]], [t[2], t[0]]] {
                *edges.entry([a.min(b), a.max(b)]).or_default() += if a < b { 1 } else { -1 };
            }
        }
        assert!(edges.values().all(|&both| both == 0), "{spacing:?}: the surface has a hole");
        let volume = enclosed(&surface, &surface.parts[0]);
        let expected = 4.0 / 3.0 * std::f64::consts::PI * 20.0f64.powi(3);
        assert!((volume / expected - 1.0).abs() < 0.04, "{spacing:?}: {volume} mm³ of {expected}");
    }
}

#[test]
fn neighbouring_labels_share_their_border_and_together_fill_the_whole() {
    let grid = grid([60; 3], [1.0; 3]);
    let (map, _) = ball(&grid, 20.0);
    let (both, whole) = (surface(&map, &grid), surface(&one_label(&map), &grid));
    assert_eq!(both.parts.iter().map(|p| p.label).collect::<Vec<_>>(), [1, 2]);
    let volumes: Vec<f64> = both.parts.iter().map(|part| enclosed(&both, part)).collect();
    let all = enclosed(&whole, &whole.parts[0]);
    assert!((volumes[0] / volumes[1] - 1.0).abs() < 0.02, "halves of {volumes:?} mm³");
    assert!((volumes.iter().sum::<f64>() / all - 1.0).abs() < 0.01, "{volumes:?} of {all} mm³");
}

#[test]
fn what_touches_the_volumes_edge_is_closed_there() {
    // Larger than relaxation reaches from the edges, so that the middles of the sides are where they began.
    let dims = [40, 38, 30];
    let grid = grid(dims, [1.0, 1.0, 1.25]);
    let full = LabelMap::from_values(dims, &[7; 40 * 38 * 30]).unwrap();
    let surface = surface(&full, &grid);
    assert_eq!((surface.parts.len(), surface.parts[0].label), (1, 7));
    let [low, high] = [f32::min, f32::max].map(|pick| {
        surface.positions.iter().copied().reduce(|a, b| std::array::from_fn(|i| pick(a[i], b[i]))).unwrap()
    });
    // Voxels reach half a step beyond their middles.
    assert_eq!((low, high), ([-40.5, 6.5, 899.375], [-0.5, 44.5, 936.875]));
}

#[test]
fn slices_lie_where_they_were_taken_and_work_can_be_stopped() {
    let even = Grid::spaced([40, 40, 4], [1.0; 3]).unwrap();
    let grid = even.with_slice_positions_mm(&[0.0, 1.0, 2.0, 10.0]).unwrap();
    let map = LabelMap::from_values([40, 40, 4], &[1; 6400]).unwrap();
    let top = surface(&map, &grid).positions.iter().map(|p| p[2]).fold(f32::MIN, f32::max);
    assert_eq!(top, 14.0, "the last slice reaches half of its gap beyond its place");
    assert_eq!(Surface::of_map(&map, &grid, &|| true), None);
    assert!(surface(&LabelMap::empty([40, 40, 4]), &grid).is_empty());
}
