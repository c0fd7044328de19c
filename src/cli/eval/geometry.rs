//! Whether two masks lie in the same place.

use crate::geom::{Grid, Unit};
use glam::DVec3;

/// No voxel may lie further from its namesake than this share of the smallest step: headers round.
const SHARE_OF_STEP: f64 = 0.05;

/// What differs between a mask's grid and the truth's; `None` where they are the same.
///
/// A file without spacing (PNG) says nothing of the place, so only sizes are compared with it.
pub fn difference(mask: &Grid, truth: &Grid) -> Option<String> {
    let [a, b] = [mask, truth].map(Grid::dims);
    if a != b {
        return Some(format!("its size is {} and the truth's {} voxels", by(&a, 0), by(&b, 0)));
    }
    if mask.unit() == Unit::Pixel || truth.unit() == Unit::Pixel {
        return None;
    }
    let step = truth.spacing().into_iter().take(if a[2] == 1 { 2 } else { 3 }).fold(f64::INFINITY, f64::min);
    let last = a.map(|d| (d - 1) as f64);
    // A grid of equal steps is where its corners are; the middle slice tells of unequal ones.
    let corner =
        |i: usize| DVec3::from([0, 1, 2].map(|axis| if i >> axis & 1 == 1 { last[axis] } else { 0.0 }));
    let places = (0..8).map(corner).chain([DVec3::new(0.0, 0.0, (last[2] / 2.0).floor())]);
    let apart = |voxel: DVec3| mask.patient_of(voxel).distance(truth.patient_of(voxel));
    let furthest = places.map(apart).fold(0.0, f64::max);
    if furthest <= SHARE_OF_STEP * step {
        return None;
    }
    Some(
        named(mask, truth)
            .unwrap_or_else(|| format!("its slices lie up to {furthest:.3} mm from the truth's")),
    )
}

/// The first of spacing, orientation and origin that differs.
fn named(mask: &Grid, truth: &Grid) -> Option<String> {
    let [a, b] = [mask, truth].map(Grid::spacing);
    if (0..3).any(|axis| (a[axis] / b[axis] - 1.0).abs() > 1e-4) {
        return Some(format!("its spacing is {} and the truth's {} mm", by(&a, 4), by(&b, 4)));
    }
    let [a, b] = [mask, truth].map(Grid::axis_codes);
    if a != b {
        let [a, b] = [a, b].map(String::from_iter);
        return Some(format!("its axes run to {a} and the truth's to {b}"));
    }
    let [a, b] = [mask, truth].map(|g| g.patient_from_voxel().matrix3);
    let turn = |a: DVec3, b: DVec3| a.angle_between(b).to_degrees();
    let angle = turn(a.x_axis, b.x_axis).max(turn(a.y_axis, b.y_axis)).max(turn(a.z_axis, b.z_axis));
    if angle > 0.01 {
        return Some(format!("its axes are turned by {angle:.2}° against the truth's"));
    }
    let [a, b] = [mask, truth].map(|g| g.patient_of(DVec3::ZERO));
    (a.distance(b) > 1e-3).then(|| {
        let [a, b] = [a, b].map(|p| format!("({:.2}, {:.2}, {:.2})", p.x, p.y, p.z));
        format!("its first voxel lies at {a} and the truth's at {b} mm (LPS)")
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

    #[test]
    fn what_differs_is_named_with_both_values() {
        let truth = grid([0.7, 0.7, 5.0], 0.0, [1.0, 2.0, 3.0]);
        assert_eq!(difference(&truth, &truth), None);
        let rounded = grid([0.7000001, 0.7, 5.0], 0.0, [1.001, 2.0, 3.0]);
        assert_eq!(difference(&rounded, &truth), None);
        for (other, words) in [
            (
                grid([1.0, 0.7, 5.0], 0.0, [1.0, 2.0, 3.0]),
                ["spacing is 1.0000", "0.7000 × 0.7000 × 5.0000 mm"],
            ),
            (grid([0.7, 0.7, 5.0], 3.0, [1.0, 2.0, 3.0]), ["turned by 3.00°", "the truth"]),
            (grid([0.7, 0.7, 5.0], 180.0, [1.0, 2.0, 3.0]), ["RAS", "LPS"]),
            (grid([0.7, 0.7, 5.0], 0.0, [1.0, 9.0, 3.0]), ["(1.00, 9.00, 3.00)", "(1.00, 2.00, 3.00)"]),
        ] {
            let said = difference(&other, &truth).unwrap();
            assert!(words.iter().all(|w| said.contains(w)), "{said}");
        }
        let size = difference(&Grid::pixels([10, 12, 9]).unwrap(), &truth).unwrap();
        assert!(size.contains("10 × 12 × 9") && size.contains("10 × 12 × 8"), "{size}");
        assert_eq!(difference(&Grid::pixels([10, 12, 8]).unwrap(), &truth), None, "a PNG has no place");
    }
}
