//! The one write path into a mask, held against slow and plainly right twins.

use fovea::edit::{
    Accept, Change, Edit, EditError, EditLog, Limits, Marks, MaskRules, Origin, Patch, Prediction, Region,
    Shape,
};
use fovea::geom::{Axis, Frame, Grid, Plane, Unit};
use fovea::label::{Label, LabelId, LabelMap, LabelTable};
use fovea::metrics::measurements::{MeasurementKind, Measurements};
use fovea::volume::{Modality, Samples, Volume};
use glam::{DAffine3, DMat3, DVec3};
use rand::{RngExt, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// An image with all that a person made of it.
struct Case {
    volume: Volume,
    mask: LabelMap,
    labels: LabelTable,
    verified: BTreeSet<usize>,
    measurements: Measurements,
}

impl Case {
    fn new(grid: Grid, rng: &mut ChaCha8Rng) -> Self {
        let [w, h, _] = grid.dims();
        // Smooth blobs with noise, so that fills are neither everything nor nothing.
        let samples: Vec<i16> = (0..grid.voxel_count())
            .map(|i| {
                let (x, y, z) = (i % w, i / w % h, i / (w * h));
                let wave = (x as f64 / 9.0).sin() + (y as f64 / 7.0).cos() + (z as f64 / 5.0).sin();
                (wave * 100.0) as i16 + rng.random_range(-20..20)
            })
            .collect();
        let volume = Volume::new(grid, Samples::I16(samples.into()), [1.0, -24.0], Modality::Ct).unwrap();
        let mut labels = LabelTable::named(&["a", "b", "c", "d", "e", "f", "g", "h"]);
        for id in [3, 6] {
            labels.get_mut(id).unwrap().locked = true;
        }
        Self {
            mask: LabelMap::empty(volume.dims()),
            volume,
            labels,
            verified: BTreeSet::new(),
            measurements: Measurements::default(),
        }
    }

    fn marks(&mut self) -> Marks<'_> {
        let Self { mask, labels, verified, measurements, .. } = self;
        Marks { mask, labels, verified, measurements }
    }

    fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(bytemuck::cast_slice(&self.mask.to_values()));
        hasher.update(format!("{:?}{:?}{:?}", self.labels, self.verified, self.measurements).as_bytes());
        hasher.finalize()
    }

    fn draw(&self, shape: &Shape, label: LabelId, limits: Limits) -> Change {
        let rules = MaskRules::new(&self.labels, &self.verified).with_limits(limits);
        Change::Mask(Patch::draw(&self.mask, &self.volume, shape, label, &rules, person("test")).unwrap())
    }

    fn accept(&self, prediction: &Prediction, scope: Accept) -> Result<Patch, EditError> {
        let rules = MaskRules::new(&self.labels, &self.verified);
        Patch::accept(&self.mask, &self.volume, prediction, scope, &rules)
    }
}

fn person(tool: &str) -> Origin {
    Origin::Person { tool: tool.to_owned() }
}

/// Flipped, anisotropic and oblique.
fn oblique(dims: [usize; 3]) -> Grid {
    let turn = DMat3::from_rotation_z(0.3) * DMat3::from_rotation_x(-0.2);
    let matrix3 = turn * DMat3::from_diagonal(DVec3::new(-0.7, 0.9, 2.5));
    let affine = DAffine3 { matrix3, translation: DVec3::new(120.0, -80.0, 33.0) };
    Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap()
}

fn unequal(dims: [usize; 3]) -> Grid {
    let mut at = 0.0;
    let positions: Vec<f64> = (0..dims[2])
        .map(|z| {
            at += [0.4, 1.0, 3.0, 0.7][z % 4];
            at
        })
        .collect();
    Grid::spaced(dims, [0.5, 0.25, 1.0]).unwrap().with_slice_positions_mm(&positions).unwrap()
}

/// A gantry tilt: slices are not square to the axis through them. And in-plane axes that are not square either.
fn sheared(dims: [usize; 3]) -> Grid {
    let matrix3 =
        DMat3::from_cols(DVec3::new(0.8, 0.1, 0.0), DVec3::new(0.2, -1.1, 0.0), DVec3::new(0.0, 0.9, 2.0));
    let affine = DAffine3 { matrix3, translation: DVec3::ZERO };
    Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap()
}

fn grids(dims: [usize; 3]) -> [Grid; 4] {
    [Grid::pixels(dims).unwrap(), oblique(dims), unequal(dims), sheared(dims)]
}

/// A place in the image or a little outside.
fn place(rng: &mut ChaCha8Rng, dims: [usize; 3]) -> [f64; 3] {
    dims.map(|d| rng.random_range(-2.0..d as f64 + 1.0))
}

/// Places within one slice of a plane.
fn places(rng: &mut ChaCha8Rng, grid: &Grid, plane: Plane, count: usize) -> Vec<[f64; 3]> {
    let dims = grid.dims();
    let normal = grid.plane_axes(plane).normal.index();
    let slice = rng.random_range(0..dims[normal]) as f64;
    let mut at: Vec<[f64; 3]> = vec![place(rng, dims)];
    while at.len() < count {
        let last = at[at.len() - 1];
        at.push(std::array::from_fn(|a| last[a] + rng.random_range(-0.2..0.2) * dims[a] as f64));
    }
    for point in &mut at {
        point[normal] = slice;
    }
    at
}

fn random_shape(rng: &mut ChaCha8Rng, grid: &Grid) -> Shape {
    let dims = grid.dims();
    let plane = *Plane::ALL.choose(rng).unwrap();
    match rng.random_range(0..10) {
        0..5 => {
            let count = rng.random_range(1..12);
            let points = places(rng, grid, plane, count);
            let radius = rng.random_range(0.3..10.0);
            Shape::Brush { plane, points, radius, sphere: rng.random_bool(0.2) }
        }
        5..7 => {
            let count = rng.random_range(3..20);
            let points = places(rng, grid, plane, count);
            let slice = points[0][grid.plane_axes(plane).normal.index()] as usize;
            Shape::Outline { plane, slice, points }
        }
        7..9 => {
            let seed = dims.map(|d| rng.random_range(0..d));
            let middle = rng.random_range(-250.0..200.0f32);
            let range = [middle - 60.0, middle + 60.0];
            Shape::Flood { plane, seed, range, volume: rng.random_bool(0.2) }
        }
        _ => Shape::CopySlice { from: rng.random_range(0..dims[2]), to: rng.random_range(0..dims[2]) },
    }
}

/// What a network might say: blobs of labels 1 to 8, some slices only.
fn random_prediction(rng: &mut ChaCha8Rng, dims: [usize; 3]) -> Prediction {
    let [w, h, depth] = dims;
    let mut slices = BTreeMap::new();
    for z in 0..depth {
        if z > 0 && rng.random_bool(0.3) {
            continue;
        }
        let phase: f64 = rng.random_range(0.0..6.0);
        let label = |i: usize| {
            let (x, y) = ((i % w) as f64, (i / w) as f64);
            let wave = (x / 11.0 + phase).sin() + (y / 8.0).cos() + (z as f64 / 6.0).sin();
            if wave > 0.6 { 1 + (wave * 5.0) as LabelId % 8 } else { 0 }
        };
        slices.insert(z, (0..w * h).map(label).collect());
    }
    Prediction { version: "0123456789ab".to_owned(), known: (1..=8).collect(), slices }
}

#[test]
fn undo_and_redo_of_two_thousand_random_edits() {
    const EDITS: usize = 2000;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut case = Case::new(oblique([72, 60, 24]), &mut rng);
    let mut log = EditLog::default();
    let mut hashes = vec![case.hash()];
    let mut sizes = Vec::new();
    while log.undo_len() < EDITS {
        let dims = case.volume.dims();
        log.begin().unwrap();
        // A stroke of several pieces, as a drag makes them; now and then something else.
        match rng.random_range(0..20) {
            0 => {
                let slice = rng.random_range(0..dims[2]);
                let on = !case.verified.contains(&slice);
                log.extend(&mut case.marks(), Change::Verified { slice, on }).unwrap();
            }
            1 => {
                let mut after = case.labels.clone();
                let label = after.get_mut(rng.random_range(1..=8)).unwrap();
                label.name.push('x');
                label.locked ^= rng.random_bool(0.5);
                let before = case.labels.clone();
                log.extend(&mut case.marks(), Change::Labels { before, after }).unwrap();
            }
            2 => {
                let (before, mut after) = (case.measurements.clone(), case.measurements.clone());
                let oldest = after.iter().next().map(|m| m.id).filter(|_| rng.random_bool(0.4));
                match oldest {
                    Some(id) => after.remove(id).unwrap(),
                    None => {
                        let points = [0.0, 1.0].map(|y| [rng.random_range(0.0..9.0), y, 1.0]);
                        after.add(MeasurementKind::Ruler, Axis::Z, points.to_vec()).unwrap();
                    }
                }
                log.extend(&mut case.marks(), Change::Measurements { before, after }).unwrap();
            }
            3..5 => {
                let prediction = random_prediction(&mut rng, dims);
                let &z = prediction.slices.keys().next().unwrap();
                let voxel = [rng.random_range(0..dims[0]), rng.random_range(0..dims[1]), z];
                let scope = if rng.random_bool(0.5) { Accept::Slice(z) } else { Accept::Component(voxel) };
                let patch = case.accept(&prediction, scope).unwrap();
                log.extend(&mut case.marks(), Change::Mask(patch)).unwrap();
            }
            _ => {
                let label = rng.random_range(0..=8);
                let limits = Limits {
                    value_range: rng.random_bool(0.2).then_some([-100.0, 150.0]),
                    only_over: rng.random_bool(0.2).then_some(0),
                };
                for _ in 0..rng.random_range(1..4) {
                    let change = case.draw(&random_shape(&mut rng, case.volume.grid()), label, limits);
                    log.extend(&mut case.marks(), change).unwrap();
                }
            }
        }
        if rng.random_bool(0.1) {
            log.abort(&mut case.marks()).unwrap();
            assert_eq!(Some(&case.hash()), hashes.last(), "an aborted edit leaves nothing");
            continue;
        }
        let Some(edit) = log.commit() else {
            assert_eq!(Some(&case.hash()), hashes.last(), "no edit, no change");
            continue;
        };
        let bytes = edit.encode();
        assert_eq!(Edit::decode(&bytes).as_ref(), Ok(&*edit));
        for patch in edit.patches() {
            assert_eq!(Patch::decode(&patch.encode()).as_ref(), Ok(patch));
        }
        sizes.push(bytes.len());
        hashes.push(case.hash());
    }
    sizes.sort_unstable();
    let (median, p99, largest) = (sizes[EDITS / 2], sizes[EDITS * 99 / 100], sizes[EDITS - 1]);
    eprintln!("journal bytes per edit: median {median}, p99 {p99}, largest {largest}");
    assert!(median <= 64 << 10 && p99 <= 1 << 20);

    for expected in hashes.iter().rev().skip(1) {
        log.undo(&mut case.marks()).unwrap().expect("an edit for each hash");
        assert_eq!(&case.hash(), expected);
    }
    assert!(case.mask.is_empty() && !log.can_undo());
    assert_eq!(log.undo(&mut case.marks()), Ok(None));
    for expected in &hashes[1..] {
        log.redo(&mut case.marks()).unwrap().expect("an edit for each hash");
        assert_eq!(&case.hash(), expected);
    }
    assert_eq!(log.redo(&mut case.marks()), Ok(None));
}

#[test]
fn no_model_changes_verified_slices_and_nobody_locked_labels() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut case = Case::new(unequal([50, 40, 20]), &mut rng);
    let values: Vec<LabelId> =
        (0..case.volume.grid().voxel_count()).map(|_| rng.random_range(0..=8)).collect();
    case.mask = LabelMap::from_values(case.volume.dims(), &values).unwrap();
    case.verified = [0, 7, 8, 19].into();
    let slice_len = 50 * 40;
    let locked = |v: LabelId| v == 3 || v == 6;
    let check = |before: &[LabelId], after: &[LabelId], by_model: bool, verified: &BTreeSet<usize>| {
        let mut changed = 0;
        for (i, (&a, &b)) in before.iter().zip(after).enumerate() {
            if a != b {
                changed += 1;
                assert!(!locked(a) && !locked(b), "voxel {i} went from {a} to {b}");
                assert!(!(by_model && verified.contains(&(i / slice_len))));
            }
        }
        changed
    };
    let (mut by_model, mut by_person) = (0, 0);
    for _ in 0..100 {
        let before = case.mask.to_values();
        let mut prediction = random_prediction(&mut rng, case.volume.dims());
        for z in 0..20 {
            let some = prediction.slices.values().next().unwrap().clone();
            prediction.slices.entry(z).or_insert(some);
        }
        case.accept(&prediction, Accept::Volume).unwrap().apply(&mut case.mask).unwrap();
        by_model += check(&before, &case.mask.to_values(), true, &case.verified);

        let before = case.mask.to_values();
        let shape = random_shape(&mut rng, case.volume.grid());
        let Change::Mask(patch) = case.draw(&shape, rng.random_range(0..=8), Limits::default()) else {
            panic!()
        };
        patch.apply(&mut case.mask).unwrap();
        by_person += check(&before, &case.mask.to_values(), false, &case.verified);
    }
    assert!(by_model > 1000 && by_person > 1000, "the rules leave something to change");
}

#[test]
fn an_accepted_prediction_keeps_what_the_model_does_not_know() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut case = Case::new(Grid::pixels([4, 1, 2]).unwrap(), &mut rng);
    case.mask = LabelMap::from_values([4, 1, 2], &[1, 2, 2, 0, 1, 1, 1, 1]).unwrap();
    let prediction =
        Prediction { version: "v".into(), known: vec![1], slices: [(0, [0, 0, 1, 1].into())].into() };
    let patch = case.accept(&prediction, Accept::Slice(0)).unwrap();
    assert_eq!(patch.origin, Origin::Model { version: "v".into() });
    patch.apply(&mut case.mask).unwrap();
    assert_eq!(case.mask.to_values(), [0, 2, 1, 1, 1, 1, 1, 1]);
    assert_eq!(case.accept(&prediction, Accept::Volume), Err(EditError::NotPredicted(1)));
    assert!(case.accept(&prediction, Accept::Component([0, 0, 0])).unwrap().is_empty());
    let wrong = Prediction { slices: [(0, [0; 3].into())].into(), ..prediction };
    assert_eq!(case.accept(&wrong, Accept::Slice(0)), Err(EditError::LabelCount { voxels: 4, labels: 3 }));
}

/// Distance of a place to a line between two places, by the calculus of one variable.
fn distance(place: DVec3, from: DVec3, to: DVec3) -> f64 {
    let length2 = from.distance_squared(to);
    let t = if length2 == 0.0 { 0.0 } else { ((place - from).dot(to - from) / length2).clamp(0.0, 1.0) };
    place.distance(from.lerp(to, t))
}

fn voxels(region: &Region) -> BTreeSet<usize> {
    let list: Vec<usize> = region.runs().iter().flat_map(|r| r.0..r.0 + r.1 as usize).collect();
    assert!(list.is_sorted_by(|a, b| a < b), "runs are sorted and do not overlap");
    list.into_iter().collect()
}

fn voxel(grid: &Grid, index: usize) -> [usize; 3] {
    let [w, h, _] = grid.dims();
    [index % w, index / w % h, index / (w * h)]
}

#[test]
fn the_brush_covers_exactly_the_voxels_within_its_radius() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut rims = 0;
    for grid in grids([23, 19, 11]) {
        let dims = grid.dims();
        let case = Case::new(grid.clone(), &mut rng);
        for round in 0..150 {
            let plane = Plane::ALL[round % 3];
            let normal = grid.plane_axes(plane).normal.index();
            let count = rng.random_range(1..4);
            let sphere = rng.random_bool(0.4);
            let mut points = places(&mut rng, &grid, plane, count);
            if round % 5 == 0 {
                // Voxel centres and round radii: rims run through centres.
                points.iter_mut().flatten().for_each(|c| *c = c.round());
            }
            let radius =
                if round % 5 == 0 { f64::from(rng.random_range(1..5)) } else { rng.random_range(1.6..6.0) };
            let shape = Shape::Brush { plane, points: points.clone(), radius, sphere };
            let marked = voxels(&shape.region(&case.volume, &case.mask));
            let mut ends = points.clone();
            ends.push(points[points.len() - 1]);
            for i in 0..grid.voxel_count() {
                let at = voxel(&grid, i);
                let center = grid.patient_of(at.map(|c| c as f64).into());
                let nearest = ends
                    .windows(2)
                    .map(|e| distance(center, grid.patient_of(e[0].into()), grid.patient_of(e[1].into())))
                    .fold(f64::INFINITY, f64::min);
                if (nearest - radius).abs() < 1e-9 {
                    rims += 1;
                }
                let in_slice = sphere || at[normal] as f64 == points[0][normal];
                // The voxels under the path count too where slices or pixels are wider than the brush.
                let under = || {
                    ends.windows(2).any(|e| {
                        (0..=1000).any(|t| {
                            let on = DVec3::from(e[0]).lerp(e[1].into(), f64::from(t) / 1000.0).round();
                            on == DVec3::from(at.map(|c| c as f64))
                        })
                    })
                };
                let within = in_slice && nearest <= radius + 1e-9;
                match (within, marked.contains(&i)) {
                    (true, is) => assert!(is, "{at:?} is {nearest} from the path, radius {radius}; {dims:?}"),
                    (false, true) => assert!(under(), "{at:?} is {nearest} from the path, radius {radius}"),
                    (false, false) => {}
                }
            }
        }
    }
    assert!(rims > 100, "some voxels lie exactly at the rim: {rims}");
}

#[test]
fn the_smallest_brush_draws_an_unbroken_line() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let case = Case::new(Grid::pixels([64, 64, 1]).unwrap(), &mut rng);
    let points = vec![[3.3, 5.8, 0.0], [60.2, 31.1, 0.0]];
    let shape = Shape::Brush { plane: Plane::Axial, points, radius: 0.1, sphere: false };
    let region = shape.region(&case.volume, &case.mask);
    let columns: BTreeSet<usize> = voxels(&region).into_iter().map(|i| i % 64).collect();
    assert_eq!(columns, (3..=60).collect());
    assert!(region.voxel_count() < 120);
}

/// Crossing number of a ray towards larger coordinates.
fn inside(at: [f64; 2], corners: &[[f64; 2]]) -> bool {
    let mut odd = false;
    for (i, a) in corners.iter().enumerate() {
        let b = corners[(i + 1) % corners.len()];
        if (a[1] <= at[1]) != (b[1] <= at[1]) {
            let cross = a[0] + (at[1] - a[1]) * (b[0] - a[0]) / (b[1] - a[1]);
            odd ^= cross > at[0];
        }
    }
    odd
}

#[test]
fn an_outline_covers_exactly_the_centres_inside() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let mut covered = 0;
    for grid in grids([31, 27, 13]) {
        let case = Case::new(grid.clone(), &mut rng);
        for round in 0..60 {
            let plane = Plane::ALL[round % 3];
            let normal = grid.plane_axes(plane).normal;
            let count = rng.random_range(1..15);
            let mut points = places(&mut rng, &grid, plane, count);
            if round % 4 == 0 {
                points.iter_mut().flatten().for_each(|c| *c = c.round());
            }
            let slice = points[0][normal.index()] as usize;
            let shape = Shape::Outline { plane, slice, points: points.clone() };
            let marked = voxels(&shape.region(&case.volume, &case.mask));
            covered += marked.len();
            let axes: Vec<usize> = Axis::ALL.into_iter().filter(|&a| a != normal).map(Axis::index).collect();
            let flat = |p: [f64; 3]| [p[axes[0]], p[axes[1]]];
            let corners: Vec<[f64; 2]> = points.iter().map(|&p| flat(p)).collect();
            for i in 0..grid.voxel_count() {
                let at = voxel(&grid, i);
                let expected = at[normal.index()] == slice && inside(flat(at.map(|c| c as f64)), &corners);
                assert_eq!(marked.contains(&i), expected, "{at:?} in {corners:?}");
            }
        }
    }
    assert!(covered > 1000);
}

#[test]
fn a_flood_equals_brute_force() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut filled = 0;
    for grid in grids([40, 33, 9]) {
        let mut case = Case::new(grid.clone(), &mut rng);
        for _ in 0..20 {
            let Change::Mask(patch) = case.draw(&random_shape(&mut rng, &grid), 1, Limits::default()) else {
                panic!()
            };
            patch.apply(&mut case.mask).unwrap();
        }
        for round in 0..40 {
            let plane = Plane::ALL[round % 3];
            let normal = grid.plane_axes(plane).normal.index();
            let seed = grid.dims().map(|d| rng.random_range(0..d));
            let value = case.volume.value(seed)[0];
            let range = [value - rng.random_range(-5.0..80.0), value + 70.0];
            let whole = rng.random_bool(0.4);
            let shape = Shape::Flood { plane, seed, range, volume: whole };
            let marked = voxels(&shape.region(&case.volume, &case.mask));
            filled += marked.len();

            let fits = |v: [usize; 3]| {
                let value = case.volume.value(v)[0];
                case.mask.get(v) == case.mask.get(seed) && value >= range[0] && value <= range[1]
            };
            let mut expected = BTreeSet::new();
            let mut queue = vec![seed];
            while let Some(at) = queue.pop() {
                if !fits(at) || !expected.insert(grid.index(at)) {
                    continue;
                }
                for a in (0..3).filter(|&a| whole || a != normal) {
                    for next in [at[a].wrapping_sub(1), at[a] + 1] {
                        if next < grid.dims()[a] {
                            let mut neighbour = at;
                            neighbour[a] = next;
                            queue.push(neighbour);
                        }
                    }
                }
            }
            assert_eq!(marked, expected);
        }
    }
    assert!(filled > 1000);
}

#[test]
fn a_copied_slice_is_the_other_slice() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let mut case = Case::new(Grid::pixels([30, 20, 3]).unwrap(), &mut rng);
    let values: Vec<LabelId> = (0..1800).map(|_| *[0, 1, 2].choose(&mut rng).unwrap()).collect();
    case.mask = LabelMap::from_values([30, 20, 3], &values).unwrap();
    let mut log = EditLog::default();
    let change = case.draw(&Shape::CopySlice { from: 2, to: 0 }, 0, Limits::default());
    log.record(&mut case.marks(), change).unwrap();
    assert_eq!(case.mask.slice(0), case.mask.slice(2));
    assert_eq!(case.mask.slice(1), values[600..1200]);
    for (from, to) in [(3, 0), (0, 3)] {
        let change = case.draw(&Shape::CopySlice { from, to }, 0, Limits::default());
        assert_eq!(log.record(&mut case.marks(), change), Ok(None), "no such slice");
    }
}

#[test]
fn a_mask_reads_back_in_every_way() {
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for (dims, grid) in [[300, 200, 1], [70, 45, 37]].map(|d| (d, oblique(d))) {
        let mut case = Case::new(grid.clone(), &mut rng);
        for _ in 0..30 {
            let Change::Mask(patch) =
                case.draw(&random_shape(&mut rng, &grid), rng.random_range(0..3), Limits::default())
            else {
                panic!()
            };
            patch.apply(&mut case.mask).unwrap();
        }
        let values = case.mask.to_values();
        assert_eq!(
            LabelMap::from_values(dims, &values).as_ref(),
            Some(&case.mask),
            "equal voxels, equal bricks"
        );
        assert!(values.iter().enumerate().all(|(i, &v)| case.mask.get(voxel(&grid, i)) == v));
        let counts = case.mask.counts();
        for id in 1..3 {
            assert_eq!(counts.get(&id).copied().unwrap_or(0), values.iter().filter(|&&v| v == id).count());
        }
        for plane in Plane::ALL {
            let axes = grid.plane_axes(plane);
            let slice = axes.slice_count(dims) / 2;
            let width = axes.size(dims)[0];
            for (i, label) in case.mask.plane_slice(axes, slice).into_iter().enumerate() {
                let pixel = [(i % width) as f64, (i / width) as f64];
                let at = axes.voxel_of_pixel(dims, slice as f64, pixel).to_array().map(|c| c as usize);
                assert_eq!(label, case.mask.get(at));
            }
        }
    }
}

#[test]
fn a_snapshot_does_not_see_later_edits() {
    let mut rng = ChaCha8Rng::seed_from_u64(10);
    let mut case = Case::new(oblique([80, 70, 40]), &mut rng);
    let mut log = EditLog::default();
    let mut snapshots = Vec::new();
    for _ in 0..60 {
        snapshots.push((case.mask.clone(), case.mask.to_values()));
        let change =
            case.draw(&random_shape(&mut rng, case.volume.grid()), rng.random_range(0..9), Limits::default());
        let changes = matches!(&change, Change::Mask(p) if !p.is_empty());
        let revision = case.mask.revision();
        log.record(&mut case.marks(), change).unwrap();
        assert_eq!(case.mask.revision() > revision, changes);

        // What is drawn anew covers every change since.
        let (older, values) = snapshots.choose(&mut rng).unwrap();
        let now = case.mask.to_values();
        let dims = case.mask.dims();
        for axis in Axis::ALL {
            let slice = rng.random_range(0..dims[axis.index()]);
            let boxes = case.mask.changed_bricks(older, axis, slice).unwrap();
            let covered = |at: [usize; 3]| {
                boxes.iter().any(|[from, end]| (0..3).all(|a| (from[a]..end[a]).contains(&at[a])))
            };
            for i in (0..now.len()).filter(|&i| now[i] != values[i]) {
                let at = voxel(case.volume.grid(), i);
                assert!(at[axis.index()] != slice || covered(at));
            }
        }
        assert_eq!(case.mask.changed_bricks(&case.mask.clone(), Axis::Z, 3), Some(Vec::new()));
    }
    while log.undo(&mut case.marks()).unwrap().is_some() {}
    for (snapshot, values) in snapshots {
        assert_eq!(snapshot.to_values(), values);
    }
}

#[test]
fn an_empty_mask_costs_nothing_and_neither_does_one_emptied() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut case = Case::new(oblique([128, 128, 64]), &mut rng);
    let empty = case.mask.byte_len();
    assert!(empty < 4096);
    let mut log = EditLog::default();
    let points = vec![[60.0, 60.0, 30.0]];
    let ball = Shape::Brush { plane: Plane::Axial, points, radius: 30.0, sphere: true };
    let change = case.draw(&ball, 1, Limits::default());
    log.record(&mut case.marks(), change).unwrap();
    assert!(case.mask.byte_len() > 10 * empty);
    log.undo(&mut case.marks()).unwrap();
    assert_eq!((case.mask.byte_len(), case.mask.is_empty()), (empty, true));
}

#[test]
fn memory_is_bounded_by_bytes_and_the_oldest_edits_leave_it() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut case = Case::new(Grid::pixels([256, 256, 1]).unwrap(), &mut rng);
    const BOUND: usize = 64 << 10;
    let mut log = EditLog::new(BOUND);
    let mut all = Vec::new();
    for i in 0..300 {
        let points = places(&mut rng, case.volume.grid(), Plane::Axial, 6);
        let shape = Shape::Brush { plane: Plane::Axial, points, radius: 5.0, sphere: false };
        let change = case.draw(&shape, 1 + i % 2, Limits::default());
        all.extend(log.record(&mut case.marks(), change).unwrap());
        assert!(log.byte_len() <= BOUND);
    }
    let forgotten = all.len() - log.undo_len();
    assert!(forgotten > 10 && log.undo_len() > 10);
    let held: usize = all[forgotten..].iter().map(|e| e.byte_len()).sum();
    assert_eq!(log.byte_len(), held);
    // What left memory comes back from the journal, and undo goes on to the very beginning.
    while log.undo(&mut case.marks()).unwrap().is_some() {}
    assert!(!case.mask.is_empty());
    for older in all[..forgotten].iter().rev() {
        log.recall(older.clone());
        assert!(log.undo(&mut case.marks()).unwrap().is_some());
        assert!(log.byte_len() <= BOUND);
    }
    assert!(case.mask.is_empty());
    // Forwards again, from memory as far as it reaches.
    let held = log.redo_len();
    for (i, edit) in all.iter().enumerate() {
        assert_eq!(log.can_redo(), i < held);
        let redone = if i < held {
            log.redo(&mut case.marks()).unwrap()
        } else {
            log.replay(&mut case.marks(), Edit::clone(edit)).unwrap()
        };
        assert_eq!(redone.as_ref(), Some(edit));
    }

    // One edit larger than the bound can still be undone.
    let mut log = EditLog::new(16);
    let change = case.draw(&Shape::CopySlice { from: 0, to: 0 }, 0, Limits::default());
    assert_eq!(log.record(&mut case.marks(), change), Ok(None));
    let shape =
        Shape::Brush { plane: Plane::Axial, points: vec![[9.0, 9.0, 0.0]], radius: 5.0, sphere: true };
    let change = case.draw(&shape, 1, Limits::default());
    log.record(&mut case.marks(), change).unwrap();
    assert!(log.can_undo() && log.byte_len() > 16);
}

#[test]
fn a_transaction_shows_at_once_and_is_one_step() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let mut case = Case::new(Grid::pixels([64, 64, 1]).unwrap(), &mut rng);
    let mut log = EditLog::default();
    let dot = |x: f64| Shape::Brush {
        plane: Plane::Axial,
        points: vec![[x, 30.0, 0.0]],
        radius: 3.0,
        sphere: false,
    };
    assert_eq!(
        log.extend(&mut case.marks(), Change::Verified { slice: 0, on: true }),
        Err(EditError::NotOpen)
    );
    log.begin().unwrap();
    assert_eq!(log.begin(), Err(EditError::Open));
    for x in 0..40 {
        let before = case.mask.revision();
        let change = case.draw(&dot(f64::from(x)), 1, Limits::default());
        log.extend(&mut case.marks(), change).unwrap();
        assert!(case.mask.revision() > before, "each step shows");
        assert_eq!(case.mask.get([x as usize, 30, 0]), 1);
    }
    assert_eq!(log.undo(&mut case.marks()), Err(EditError::Open));
    let edit = log.commit().unwrap();
    assert_eq!((edit.changes().len(), log.undo_len()), (1, 1));
    assert_eq!((edit.slices(), edit.bounds()), (Some(0..=0), Some([[0, 27, 0], [42, 33, 0]])));
    log.undo(&mut case.marks()).unwrap();
    assert!(case.mask.is_empty());

    // What is painted and erased within one stroke is no edit, and does not end what can be redone.
    log.begin().unwrap();
    for label in [1, 0] {
        let change = case.draw(&dot(20.0), label, Limits::default());
        log.extend(&mut case.marks(), change).unwrap();
    }
    assert_eq!(log.commit(), None);
    assert!(log.can_redo());
}

#[test]
fn an_edit_that_no_longer_fits_changes_nothing() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let mut case = Case::new(Grid::pixels([64, 64, 1]).unwrap(), &mut rng);
    let dot = |x: f64| Shape::Brush {
        plane: Plane::Axial,
        points: vec![[x, 30.0, 0.0]],
        radius: 3.0,
        sphere: false,
    };
    let (first, second) =
        (case.draw(&dot(20.0), 1, Limits::default()), case.draw(&dot(22.0), 2, Limits::default()));
    let (first, second) = (Edit::from(first), Edit::from(second));
    first.apply(&mut case.marks()).unwrap();
    let hash = case.hash();
    assert_eq!(second.apply(&mut case.marks()), Err(EditError::Conflict("voxels")));
    assert_eq!(first.apply(&mut case.marks()), Err(EditError::Conflict("voxels")));
    assert_eq!(case.hash(), hash);
    second.impose(&mut case.marks(), true).unwrap();
    assert_eq!(case.mask.get([22, 30, 0]), 2);
    let hash = case.hash();
    assert_eq!(first.revert(&mut case.marks()), Err(EditError::Conflict("voxels")));
    assert_eq!(case.hash(), hash);
    let off = Edit::from(Change::Verified { slice: 0, on: false });
    assert_eq!(off.apply(&mut case.marks()), Err(EditError::Conflict("verified slices")));
    let mut other = LabelMap::empty([64, 64, 2]);
    let patch = first.patches().next().unwrap();
    assert_eq!(patch.apply(&mut other), Err(EditError::Size { edit: [64, 64, 1], mask: [64, 64, 2] }));
}

#[test]
fn a_damaged_journal_entry_is_an_error() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let mut case = Case::new(oblique([72, 60, 24]), &mut rng);
    let mut log = EditLog::default();
    log.begin().unwrap();
    for label in [1, 2, 4] {
        let prediction = random_prediction(&mut rng, case.volume.dims());
        let &z = prediction.slices.keys().next().unwrap();
        let patch = case.accept(&prediction, Accept::Slice(z)).unwrap();
        log.extend(&mut case.marks(), Change::Mask(patch)).unwrap();
        let change = case.draw(&random_shape(&mut rng, case.volume.grid()), label, Limits::default());
        log.extend(&mut case.marks(), change).unwrap();
    }
    let before = case.labels.clone();
    let mut after = before.clone();
    after.insert(Label { id: 40, name: "“Ü”".into(), color: [1, 2, 3], locked: true, visible: false });
    log.extend(&mut case.marks(), Change::Labels { before, after }).unwrap();
    let edit = log.commit().unwrap();
    let bytes = edit.encode();
    assert_eq!(Edit::decode(&bytes).as_ref(), Ok(&*edit));
    for len in 0..bytes.len() {
        assert!(matches!(Edit::decode(&bytes[..len]), Err(EditError::Damaged(_))), "cut off at {len}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(matches!(Edit::decode(&damaged), Err(EditError::Damaged(_))), "byte {at}");
    }
    // With a checksum that matches, what no edit can hold is still refused, and nothing else happens.
    for _ in 0..20_000 {
        let mut damaged = bytes[..bytes.len() - 16].to_vec();
        let at = rng.random_range(4..damaged.len());
        damaged[at] = rng.random();
        damaged.truncate(rng.random_range(damaged.len() / 2..=damaged.len()));
        let sum = blake3::hash(&damaged);
        damaged.extend_from_slice(&sum.as_bytes()[..16]);
        if let Ok(edit) = Edit::decode(&damaged) {
            let _ = (edit.bounds(), edit.slices());
        }
    }
}

/// Strokes and predictions of the size that people and networks make, on images as large as people have.
#[test]
fn journal_entries_are_small_and_brush_steps_quick_on_large_images() {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let grid = Grid::pixels([4096, 4096, 1]).unwrap();
    let samples = Samples::U8((0..4096 * 4096).map(|i: usize| (i % 251) as u8).collect());
    let volume = Volume::new(grid, samples, [1.0, 0.0], Modality::Fundus).unwrap();
    let labels = LabelTable::named(&["vessel", "disc"]);
    let mut case = Case {
        mask: LabelMap::empty(volume.dims()),
        volume,
        labels,
        verified: BTreeSet::new(),
        measurements: Measurements::default(),
    };
    let mut log = EditLog::default();
    let (mut steps, mut sizes) = (Vec::new(), Vec::new());
    for stroke in 0..60 {
        // Every tenth stroke paints over a snapshot that is being saved.
        let snapshot = (stroke % 10 == 0).then(|| case.mask.clone());
        let radius = rng.random_range(2.0..80.0);
        let mut at = [rng.random_range(0.0..4096.0), rng.random_range(0.0..4096.0), 0.0];
        let limits = Limits { value_range: rng.random_bool(0.3).then_some([20.0, 200.0]), only_over: None };
        log.begin().unwrap();
        for _ in 0..60 {
            let next = [at[0] + rng.random_range(-30.0..30.0), at[1] + rng.random_range(-30.0..30.0), 0.0];
            let shape = Shape::Brush { plane: Plane::Axial, points: vec![at, next], radius, sphere: false };
            let start = Instant::now();
            let change = case.draw(&shape, 1 + stroke % 2, limits);
            log.extend(&mut case.marks(), change).unwrap();
            steps.push(start.elapsed().as_secs_f64() * 1e3);
            at = next;
        }
        sizes.extend(log.commit().map(|edit| edit.encode().len()));
        drop(snapshot);
    }
    steps.sort_unstable_by(f64::total_cmp);
    sizes.sort_unstable();
    let (median, p99) = (steps[steps.len() / 2], steps[steps.len() * 99 / 100]);
    eprintln!("brush step at 4096 x 4096: median {median:.3} ms, p99 {p99:.3} ms");
    eprintln!(
        "journal bytes per stroke: median {}, p99 {}",
        sizes[sizes.len() / 2],
        sizes[sizes.len() * 99 / 100]
    );
    assert!(median < 2.0, "a brush step takes {median} ms");
    assert!(sizes[sizes.len() / 2] <= 64 << 10 && sizes[sizes.len() * 99 / 100] <= 1 << 20);
}
