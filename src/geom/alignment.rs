//! Grid alignment: whether the voxels of two grids are at the same positions in space.

use super::{Frame, Grid, Oriented, Unit};
use glam::DVec3;

/// Two voxels are at the same position if they are closer than this share of the smallest step: headers round.
const SHARE_OF_STEP: f64 = 0.05;

/// How a mask's grid is aligned with an image's.
#[derive(Clone, Debug, PartialEq)]
pub enum GridAlignment {
    /// Every voxel is at the position of the image's voxel with the same index; or neither says how it lies in the
    /// patient, and their sizes are the same.
    Same,
    /// One of the two does not say how it lies in the patient (PNG, a NIfTI file without orientation), so positions
    /// cannot be compared; size and spacing agree. The text tells a person, and calls the mask "it".
    Unplaced(String),
    /// At the same positions, but stored along other axes or from other ends.
    Reordered,
    /// At other positions. The text says what differs.
    Different(String),
}

/// Compares the grids. `whose` names the image in the texts: "the image", "the truth".
pub fn align(mask: &Grid, image: &Grid, whose: &str) -> GridAlignment {
    let sizes = [mask, image].map(Grid::dims);
    let size = || {
        let [a, b] = sizes.map(|dims| by(&dims, 0));
        GridAlignment::Different(format!("its size is {a} and {whose}'s {b} voxels"))
    };
    let is_flat = sizes[1][2] == 1;
    let step = image.spacing().into_iter().take(if is_flat { 2 } else { 3 }).fold(f64::INFINITY, f64::min);
    let unmeasured = mask.unit() == Unit::Pixel || image.unit() == Unit::Pixel;
    if unmeasured || mask.frame() != image.frame() {
        if sizes[0] != sizes[1] {
            return size();
        }
        let [a, b] = [mask, image].map(Grid::spacing);
        // The distance between the last voxels of an axis.
        let drift = |axis: usize| (a[axis] - b[axis]).abs() * (sizes[0][axis] - 1) as f64;
        if !unmeasured && (0..3).any(|axis| drift(axis) > SHARE_OF_STEP * step) {
            return GridAlignment::Different(format!(
                "its spacing is {} and {whose}'s {} mm",
                by(&a, 4),
                by(&b, 4)
            ));
        }
        return match unplaced(mask, image, whose) {
            Some(note) => GridAlignment::Unplaced(note),
            None => GridAlignment::Same,
        };
    }
    let meet = |furthest: f64| furthest <= SHARE_OF_STEP * step;
    // The corners determine a grid with equal steps; a voxel half-way is compared for unequal steps. Formats that know
    // only equal steps (NIfTI) store the mean step.
    let both_know = mask.has_unequal_slices() == image.has_unequal_slices();
    let furthest = |dims: [usize; 3], places: [&dyn Fn([usize; 3]) -> DVec3; 2]| {
        let last = dims.map(|n| n - 1);
        let corner = |i: usize| [0, 1, 2].map(|axis| if i >> axis & 1 == 1 { last[axis] } else { 0 });
        let middle = (0..3).map(|axis| [0, 1, 2].map(|a| if a == axis { last[a] / 2 } else { 0 }));
        let apart = |voxel| places[0](voxel).distance(places[1](voxel));
        let middle = middle.filter(|_| both_know);
        (0..8).map(corner).chain(middle).map(apart).fold(0.0, f64::max)
    };
    let stored = |grid: &Grid, voxel: [usize; 3]| grid.patient_of(DVec3::from(voxel.map(|v| v as f64)));
    let as_stored = || furthest(sizes[0], [&|voxel| stored(mask, voxel), &|voxel| stored(image, voxel)]);
    if sizes[0] == sizes[1] && meet(as_stored()) {
        return GridAlignment::Same;
    }
    let [a, b] = [mask, image].map(Oriented::new);
    let walked = |grid: &Grid, oriented: &Oriented, voxel| {
        let ([width, height, _], at) = (grid.dims(), oriented.index(voxel));
        stored(grid, [at % width, at / width % height, at / (width * height)])
    };
    let (of_mask, of_image) = (|voxel| walked(mask, &a, voxel), |voxel| walked(image, &b, voxel));
    if a.dims() == b.dims() && meet(furthest(a.dims(), [&of_mask, &of_image])) {
        return GridAlignment::Reordered;
    }
    if sizes[0] != sizes[1] {
        return size();
    }
    let what = named(mask, image, whose);
    GridAlignment::Different(
        what.unwrap_or_else(|| format!("its slices lie up to {:.3} mm from {whose}'s", as_stored())),
    )
}

/// The note for a person if only one of the two says how it lies in the patient; `None` for two pictures.
fn unplaced(mask: &Grid, image: &Grid, whose: &str) -> Option<String> {
    let who = match [mask, image].map(|grid| grid.frame() == Frame::Patient) {
        [false, true] => "it does not say",
        [true, false] => &format!("{whose} does not say"),
        _ => return None,
    };
    let by = if [mask, image].iter().any(|g| g.unit() == Unit::Pixel) { "size" } else { "size and spacing" };
    Some(format!(
        "{who} how it lies in the patient; it was laid on {whose} voxel by voxel, since the {by} agree{}",
        if by == "size" { "s" } else { "" }
    ))
}

/// The values of a mask in the order of the image that it is [`GridAlignment::Reordered`] to.
pub fn reordered<T: Copy>(values: &[T], mask: &Grid, image: &Grid) -> Vec<T> {
    let [from, to] = [mask, image].map(Oriented::new);
    let [width, height, depth] = to.dims();
    let mut found = values.to_vec();
    for z in 0..depth {
        for y in 0..height {
            for x in 0..width {
                found[to.index([x, y, z])] = values[from.index([x, y, z])];
            }
        }
    }
    found
}

/// The first of spacing, orientation and origin that differs.
fn named(mask: &Grid, image: &Grid, whose: &str) -> Option<String> {
    let [a, b] = [mask, image].map(Grid::spacing);
    if (0..3).any(|axis| (a[axis] / b[axis] - 1.0).abs() > 1e-4) {
        return Some(format!("its spacing is {} and {whose}'s {} mm", by(&a, 4), by(&b, 4)));
    }
    let [a, b] = [mask, image].map(Grid::axis_codes);
    if a != b {
        let [a, b] = [a, b].map(String::from_iter);
        return Some(format!("its axes run to {a} and {whose}'s to {b}"));
    }
    let [a, b] = [mask, image].map(|g| g.patient_from_voxel().matrix3);
    let turn = |a: DVec3, b: DVec3| a.angle_between(b).to_degrees();
    let angle = turn(a.x_axis, b.x_axis).max(turn(a.y_axis, b.y_axis)).max(turn(a.z_axis, b.z_axis));
    if angle > 0.01 {
        return Some(format!("its axes are turned by {angle:.2}° against {whose}'s"));
    }
    let [a, b] = [mask, image].map(|g| g.patient_of(DVec3::ZERO));
    (a.distance(b) > 1e-3).then(|| {
        let [a, b] = [a, b].map(|p| format!("({:.2}, {:.2}, {:.2})", p.x, p.y, p.z));
        format!("its first voxel lies at {a} and {whose}'s at {b} mm (LPS)")
    })
}

/// "512 × 512 × 100".
fn by<T: std::fmt::Display>(numbers: &[T], decimals: usize) -> String {
    let texts: Vec<String> = numbers.iter().map(|n| format!("{n:.decimals$}")).collect();
    texts.join(" × ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Frame;
    use glam::{DAffine3, DMat3};

    fn grid(steps: [f64; 3], turn: f64, origin: [f64; 3]) -> Grid {
        let matrix = DMat3::from_rotation_z(turn.to_radians()) * DMat3::from_diagonal(steps.into());
        let place = DAffine3::from_mat3_translation(matrix, origin.into());
        Grid::new([10, 12, 8], place, Unit::Millimetre, Frame::Patient).unwrap()
    }

    fn apart(mask: &Grid, truth: &Grid) -> String {
        match align(mask, truth, "the truth") {
            GridAlignment::Different(what) => what,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn where_one_states_no_place_size_and_spacing_decide() {
        let spaced = |steps| Grid::spaced([10, 12, 8], steps).unwrap();
        // As nibabel's fall-back affine: turned, and with an origin of its own.
        let turned = grid([0.8, 0.8, 3.0], 180.0, [15.6, -18.8, -4.5]);
        let told = |mask: &Grid, image: &Grid| match align(mask, image, "the image") {
            GridAlignment::Unplaced(note) => note,
            other => panic!("{other:?}"),
        };
        assert!(told(&turned, &spaced([0.8, 0.8, 3.0])).starts_with("the image does not say"));
        let note = told(&spaced([0.8, 0.800001, 3.0]), &turned);
        assert!(note.starts_with("it does not say") && note.contains("size and spacing"), "{note}");
        let other = apart(&turned, &spaced([0.8, 0.8, 2.5]));
        assert!(other.contains("0.8000 × 0.8000 × 3.0000") && other.contains("2.5000"), "{other}");
        let longer = Grid::spaced([10, 12, 9], [0.8, 0.8, 3.0]).unwrap();
        assert!(apart(&turned, &longer).contains("10 × 12 × 9"));
        // The thickness of a single slice is no place.
        let flat = |thick| Grid::spaced([10, 12, 1], [0.8, 0.8, thick]).unwrap();
        assert_eq!(align(&flat(1.0), &flat(3.0), "the image"), GridAlignment::Same);
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let truth = grid([0.7, 0.7, 5.0], 0.0, [1.0, 2.0, 3.0]);
        assert_eq!(align(&truth, &truth, "the truth"), GridAlignment::Same);
        let rounded = grid([0.7000001, 0.7, 5.0], 0.0, [1.001, 2.0, 3.0]);
        assert_eq!(align(&rounded, &truth, "the truth"), GridAlignment::Same);
        for (other, words) in [
            (
                grid([1.0, 0.7, 5.0], 0.0, [1.0, 2.0, 3.0]),
                ["spacing is 1.0000", "0.7000 × 0.7000 × 5.0000 mm"],
            ),
            (grid([0.7, 0.7, 5.0], 3.0, [1.0, 2.0, 3.0]), ["turned by 3.00°", "the truth"]),
            (grid([0.7, 0.7, 5.0], 180.0, [1.0, 2.0, 3.0]), ["RAS", "LPS"]),
            (grid([0.7, 0.7, 5.0], 0.0, [1.0, 9.0, 3.0]), ["(1.00, 9.00, 3.00)", "(1.00, 2.00, 3.00)"]),
        ] {
            let said = apart(&other, &truth);
            assert!(words.iter().all(|w| said.contains(w)), "{said}");
        }
        let size = apart(&Grid::pixels([10, 12, 9]).unwrap(), &truth);
        assert!(size.contains("10 × 12 × 9") && size.contains("10 × 12 × 8"), "{size}");
        let png = Grid::pixels([10, 12, 8]).unwrap();
        assert!(
            matches!(align(&png, &truth, "the truth"), GridAlignment::Unplaced(note) if note.starts_with("it does not say"))
        );
        assert_eq!(align(&png, &png, "the truth"), GridAlignment::Same, "pictures have no place");
        let unplaced = Grid::spaced([10, 12, 8], [1.0, 0.7, 5.0]).unwrap();
        assert!(
            apart(&unplaced, &truth).contains("spacing is 1.0000"),
            "without orientation it has a spacing"
        );
    }

    #[test]
    fn voxels_that_are_stored_in_another_order_are_put_into_the_images() {
        // Along its axes 10, 12 and 8 voxels; the mask is stored from the patient's left, feet to head first.
        let image = grid([0.7, 0.8, 5.0], 0.0, [1.0, 2.0, 3.0]);
        let columns = [DVec3::new(0.0, 0.0, 5.0), DVec3::new(-0.7, 0.0, 0.0), DVec3::new(0.0, 0.8, 0.0)];
        let matrix = DMat3::from_cols(columns[0], columns[1], columns[2]);
        let origin = DVec3::new(1.0 + 9.0 * 0.7, 2.0, 3.0);
        let place = DAffine3::from_mat3_translation(matrix, origin);
        let mask = Grid::new([8, 10, 12], place, Unit::Millimetre, Frame::Patient).unwrap();
        assert_eq!(align(&mask, &image, "the image"), GridAlignment::Reordered);
        let values: Vec<usize> = (0..960).collect();
        let found = reordered(&values, &mask, &image);
        for voxel in [[0, 0, 0], [9, 0, 0], [3, 7, 5], [9, 11, 7]] {
            let there = mask.voxel_of(image.patient_of(DVec3::from(voxel.map(|v| v as f64)))).round();
            let there = [there.x, there.y, there.z].map(|v| v as usize);
            assert_eq!(found[image.index(voxel)], mask.index(there), "{voxel:?}");
        }
        let slices = [0.0, 4.0, 9.0, 15.0, 20.0, 25.0, 30.0, 35.0];
        let unequal = image.clone().with_slice_positions_mm(&slices).unwrap();
        assert_eq!(align(&image, &unequal, "the image"), GridAlignment::Same, "its mask as NIfTI has it");
        let others = image.clone().with_slice_positions_mm(&slices.map(|at| at * at / 35.0)).unwrap();
        assert!(apart(&others, &unequal).contains("slices lie up to"));

        let beside = DAffine3::from_mat3_translation(matrix, origin + DVec3::new(0.0, 0.8, 0.0));
        let beside = Grid::new([8, 10, 12], beside, Unit::Millimetre, Frame::Patient).unwrap();
        assert!(apart(&beside, &image).contains("size"), "one row further back");
    }
}
