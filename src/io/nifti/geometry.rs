//! NIfTI-1's two transforms, in RAS, from and to the grid's LPS.
//!
//! The choice is nibabel's: the sform where its code is above 0, else the qform, else the spacing alone.
//! <https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h>, "3D IMAGE (VOLUME) ORIENTATION AND LOCATION IN SPACE".

use crate::geom::{Frame, Grid, Unit};
use glam::{DAffine3, DMat3, DVec3, Vec4};
use nifti::NiftiHeader;

/// Two transforms are told apart when they put a corner of the volume further apart than this.
const SAME_MM: f64 = 1e-3;

/// RAS to LPS and back: x and y change sign.
pub fn flip_xy(affine: DAffine3) -> DAffine3 {
    DAffine3::from_scale(DVec3::new(-1.0, -1.0, 1.0)) * affine
}

/// The sform as stored, unscaled.
fn sform(h: &NiftiHeader) -> DAffine3 {
    let row = |r: [f32; 4]| Vec4::from_array(r).as_dvec4();
    let (x, y, z) = (row(h.srow_x), row(h.srow_y), row(h.srow_z));
    DAffine3 {
        matrix3: DMat3::from_cols(
            DVec3::new(x.x, y.x, z.x),
            DVec3::new(x.y, y.y, z.y),
            DVec3::new(x.z, y.z, z.z),
        ),
        translation: DVec3::new(x.w, y.w, z.w),
    }
}

/// The qform: rotation by a unit quaternion, spacing, and the handedness in `pixdim[0]` (nifti1.h, METHOD 2).
fn qform(h: &NiftiHeader) -> DAffine3 {
    let (b, c, d) = (f64::from(h.quatern_b), f64::from(h.quatern_c), f64::from(h.quatern_d));
    let rest = 1.0 - (b * b + c * c + d * d);
    // As nifti1_io: a quaternion that is too long by rounding is a turn by 180 degrees.
    let (a, b, c, d) = if rest < 1e-7 {
        let length = (b * b + c * c + d * d).sqrt();
        (0.0, b / length, c / length, d / length)
    } else {
        (rest.sqrt(), b, c, d)
    };
    let rotation = DMat3::from_cols(
        DVec3::new(a * a + b * b - c * c - d * d, 2.0 * (b * c + a * d), 2.0 * (b * d - a * c)),
        DVec3::new(2.0 * (b * c - a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d + a * b)),
        DVec3::new(2.0 * (b * d + a * c), 2.0 * (c * d - a * b), a * a + d * d - b * b - c * c),
    );
    let handed = if h.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    let spacing = spacing(h).unwrap_or([1.0; 3]);
    let scale = DMat3::from_diagonal(DVec3::new(spacing[0], spacing[1], spacing[2] * handed));
    DAffine3 {
        matrix3: rotation * scale,
        translation: DVec3::new(h.quatern_x.into(), h.quatern_y.into(), h.quatern_z.into()),
    }
}

/// Step sizes, `None` where one is missing, negative beyond sign, or not a number. Axes that the image does not have
/// count as 1.
fn spacing(h: &NiftiHeader) -> Option<[f64; 3]> {
    let axes = usize::from(h.dim[0]);
    let step = |i: usize| {
        let p = f64::from(h.pixdim[i]).abs();
        let valid = p.is_finite() && p > 0.0;
        if i > axes && !valid { Some(1.0) } else { valid.then_some(p) }
    };
    Some([step(1)?, step(2)?, step(3)?])
}

/// A volume of depth 1 whose third column is zero gets one at right angles to the others.
fn with_third_axis(mut affine: DAffine3, depth: usize) -> DAffine3 {
    let m = &mut affine.matrix3;
    if depth == 1 && m.z_axis == DVec3::ZERO {
        m.z_axis = m.x_axis.cross(m.y_axis).normalize_or_zero();
    }
    affine
}

/// The grid of the header, and in words what is odd about it.
pub fn read(h: &NiftiHeader, dims: [usize; 3], warnings: &mut Vec<String>) -> Result<Grid, String> {
    let millimetres = match h.xyzt_units & 7 {
        1 => 1000.0,
        3 => 0.001,
        _ => 1.0,
    };
    if millimetres != 1.0 {
        warnings.push(format!(
            "The file's lengths are not in millimetres; they were multiplied by {millimetres}"
        ));
    }
    let scaled = |a: DAffine3| DAffine3::from_scale(DVec3::splat(millimetres)) * with_third_axis(a, dims[2]);
    let s = (h.sform_code > 0).then(|| scaled(sform(h)));
    let q = (h.qform_code > 0).then(|| scaled(qform(h)));
    let can_be_used = |affine| Grid::new(dims, flip_xy(affine), Unit::Millimetre, Frame::Patient).is_ok();
    if let (Some(s), Some(q)) = (s.filter(|s| can_be_used(*s)), q.filter(|q| can_be_used(*q))) {
        let apart = furthest_corner(s, q, dims);
        if apart > SAME_MM {
            warnings.push(format!(
                "The file's two transforms differ by up to {apart:.3} mm; the sform is used, as most programs do"
            ));
        }
    }
    for (name, affine) in [("sform", s), ("qform", q)] {
        let Some(affine) = affine else { continue };
        match Grid::new(dims, flip_xy(affine), Unit::Millimetre, Frame::Patient) {
            Ok(grid) => {
                if name == "qform" {
                    warnings.extend(odd_qform(h));
                }
                warn_shear(&grid, warnings);
                return Ok(grid);
            }
            Err(why) => warnings.push(format!("The file's {name} cannot be used: {why}")),
        }
    }
    let Some(spacing) = spacing(h) else {
        warnings
            .push("The file states no position and no valid spacing; one voxel is taken as one step".into());
        return Grid::pixels(dims).map_err(|e| e.to_string());
    };
    warnings.push("The file states no orientation: left and right of the patient are not known".into());
    if h.xyzt_units & 7 == 0 && spacing == [1.0; 3] {
        return Grid::pixels(dims).map_err(|e| e.to_string());
    }
    Grid::spaced(dims, spacing.map(|s| s * millimetres)).map_err(|e| e.to_string())
}

/// What had to be made good for the qform to be one.
fn odd_qform(h: &NiftiHeader) -> Vec<String> {
    let mut odd = Vec::new();
    if spacing(h).is_none() {
        let [x, y, z] = [h.pixdim[1], h.pixdim[2], h.pixdim[3]];
        odd.push(format!(
            "The file's spacing {x} x {y} x {z} is not valid: all steps were taken as 1, and sizes may be wrong"
        ));
    }
    let length = [h.quatern_b, h.quatern_c, h.quatern_d].map(f64::from).map(|v| v * v).iter().sum::<f64>();
    // Single precision leaves less.
    if length > 1.0 + 1e-4 {
        odd.push(
            "The file's qform is not a rotation; the nearest half turn was taken, and directions may be wrong"
                .into(),
        );
    }
    odd
}

fn warn_shear(grid: &Grid, warnings: &mut Vec<String>) {
    if right_angle_error(grid.patient_from_voxel().matrix3) > 1e-3 {
        warnings.push(
            "The volume is sheared (its axes are not at right angles, as after a gantry tilt); it is shown along its own axes, not resampled"
                .into(),
        );
    }
}

/// The largest cosine between two axes.
fn right_angle_error(m: DMat3) -> f64 {
    let (x, y, z) = (m.x_axis.normalize(), m.y_axis.normalize(), m.z_axis.normalize());
    x.dot(y).abs().max(y.dot(z).abs()).max(z.dot(x).abs())
}

fn furthest_corner(a: DAffine3, b: DAffine3, dims: [usize; 3]) -> f64 {
    (0..8)
        .map(|corner| {
            let at = |axis: usize| if corner >> axis & 1 == 1 { dims[axis] as f64 - 1.0 } else { 0.0 };
            let voxel = DVec3::new(at(0), at(1), at(2));
            (a.transform_point3(voxel) - b.transform_point3(voxel)).length()
        })
        .fold(0.0, |worst, d| if d.is_nan() || d > worst { d } else { worst })
}

/// Puts the grid into the header: sform and qform equal and both with code 1 where a qform can say it, else the sform
/// alone; neither for pictures without anatomy. Returns what the format cannot hold.
pub fn write(h: &mut NiftiHeader, grid: &Grid) -> Vec<String> {
    let mut lost = Vec::new();
    if grid.has_unequal_slices() {
        lost.push(
            "The slices are unequally spaced, which NIfTI cannot say: their mean gap was written".to_owned(),
        );
    }
    let dims = grid.dims();
    let spacing = grid.spacing();
    h.pixdim = [1.0; 8];
    for (p, s) in h.pixdim[1..4].iter_mut().zip(spacing) {
        *p = s as f32;
    }
    h.xyzt_units = if grid.unit() == Unit::Millimetre { 2 } else { 0 };
    let ras = flip_xy(grid.patient_from_voxel());
    let m = ras.matrix3;
    let row = |i: usize| [m.x_axis[i], m.y_axis[i], m.z_axis[i], ras.translation[i]].map(|v| v as f32);
    (h.srow_x, h.srow_y, h.srow_z) = (row(0), row(1), row(2));
    let plain = grid.patient_from_voxel() == DAffine3::from_scale(DVec3::from_array(spacing));
    (h.sform_code, h.qform_code) = if grid.frame() == Frame::Image && plain { (0, 0) } else { (1, 0) };
    if h.sform_code == 0 {
        return lost;
    }
    set_qform(h, ras, spacing);
    // Said only where it says the same: written numbers compared, not the ones meant.
    if furthest_corner(sform(h), qform(h), dims) <= SAME_MM / 10.0 {
        h.qform_code = 1;
    }
    lost
}

fn set_qform(h: &mut NiftiHeader, ras: DAffine3, spacing: [f64; 3]) {
    let m = ras.matrix3;
    let left_handed = m.determinant() < 0.0;
    h.pixdim[0] = if left_handed { -1.0 } else { 1.0 };
    let z = m.z_axis / spacing[2] * if left_handed { -1.0 } else { 1.0 };
    let rotation = DMat3::from_cols(m.x_axis / spacing[0], m.y_axis / spacing[1], z);
    let [b, c, d] = quaternion(rotation);
    (h.quatern_b, h.quatern_c, h.quatern_d) = (b as f32, c as f32, d as f32);
    let t = ras.translation;
    (h.quatern_x, h.quatern_y, h.quatern_z) = (t.x as f32, t.y as f32, t.z as f32);
}

/// b, c, d of the unit quaternion of a rotation, with a ≥ 0. Of the four formulas the one with the largest divisor
/// (Shepperd, "Quaternion from rotation matrix", 1978).
fn quaternion(r: DMat3) -> [f64; 3] {
    let e = |row: usize, col: usize| r.col(col)[row];
    let trace = e(0, 0) + e(1, 1) + e(2, 2);
    let squares = [trace, e(0, 0), e(1, 1), e(2, 2)];
    let largest = (0..4).fold(0, |best, i| if squares[i] > squares[best] { i } else { best });
    let (ba, ca, da) = (e(2, 1) - e(1, 2), e(0, 2) - e(2, 0), e(1, 0) - e(0, 1));
    let (bc, bd, cd) = (e(0, 1) + e(1, 0), e(0, 2) + e(2, 0), e(1, 2) + e(2, 1));
    // Twice the largest of |a|, |b|, |c|, |d|.
    let square = if largest == 0 { 1.0 + trace } else { 1.0 + 2.0 * squares[largest] - trace };
    let two = square.max(0.0).sqrt();
    let q = match largest {
        0 => [two / 2.0, ba / (2.0 * two), ca / (2.0 * two), da / (2.0 * two)],
        1 => [ba / (2.0 * two), two / 2.0, bc / (2.0 * two), bd / (2.0 * two)],
        2 => [ca / (2.0 * two), bc / (2.0 * two), two / 2.0, cd / (2.0 * two)],
        _ => [da / (2.0 * two), bd / (2.0 * two), cd / (2.0 * two), two / 2.0],
    };
    let sign = if q[0] < 0.0 { -1.0 } else { 1.0 };
    [q[1] * sign, q[2] * sign, q[3] * sign]
}
