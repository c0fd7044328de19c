//! Elements of a mask's surface, as DeepMind's surface-distance has them (github.com/google-deepmind/surface-distance,
//! Apache-2.0): they lie on the corners of the voxels. The up to eight voxels around a corner, inside the mask or not, are
//! its code; the area of the element follows from the code. Flat masks have four pixels around a corner, and lengths.

use super::Steps;
use glam::DVec3;
use rayon::prelude::*;

/// Normals of the surface through a corner, in eighths, axis by axis in the bits' order, each or its opposite; a code's area
/// is the sum of their lengths. Codes that these become by turning, mirroring or exchanging inside and outside have the
/// same surface, turned alike: the 256 rows of surface-distance's table follow from these 13.
const SURFACES: [(u8, &[[i8; 3]]); 13] = [
    (0b0000_0001, &[[1, 1, 1]]),
    (0b0000_0011, &[[2, 2, 0], [2, 2, 0]]),
    (0b0000_0110, &[[1, -1, 1], [1, 1, -1]]),
    (0b0000_0111, &[[1, 1, 1], [2, 2, 2], [4, 0, 0]]),
    (0b0000_1111, &[[4, 0, 0], [4, 0, 0]]),
    (0b0001_0110, &[[1, 1, -1], [1, -1, 1], [1, -1, -1]]),
    (0b0001_0111, &[[1, 1, 1], [1, 1, 1], [2, 2, 2], [2, 2, 2]]),
    (0b0001_1000, &[[1, -1, -1], [1, -1, -1]]),
    (0b0001_1001, &[[0, 2, 2], [0, 2, 2], [1, -1, -1]]),
    (0b0001_1011, &[[0, 2, -2], [1, 1, 1], [2, 0, -2], [3, 3, 3]]),
    (0b0001_1110, &[[1, 1, 1], [1, 1, 1], [2, 2, 2], [4, 0, 0]]),
    (0b0011_1100, &[[2, -2, 0], [2, -2, 0], [2, -2, 0], [2, -2, 0]]),
    (0b0110_1001, &[[1, 1, 1], [1, -1, -1], [1, -1, 1], [1, 1, -1]]),
];

/// Area of the surface element of each code (0 for those without one), in the square of the steps' unit; where `flat`,
/// length of the outline.
pub fn areas(steps: &Steps, flat: bool) -> [f64; 256] {
    if flat { lengths(steps) } else { areas_3d(steps) }
}

fn areas_3d(steps: &Steps) -> [f64; 256] {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let (x, y, z) = (steps.x(), steps.y(), steps.z());
    // The first axis of a normal and the highest bit of a code's voxel are z. Of voxels that stand askew, so do the faces.
    let faces = [x.cross(y), z.cross(x), y.cross(z)];
    let mut areas = [0.0; 256];
    for (code, normals) in SURFACES {
        for order in ORDERS {
            for mirror in 0..8u8 {
                let length = |normal: &[i8; 3]| {
                    let along = |a: usize| {
                        let eighths = f64::from(normal[order[a]]);
                        faces[a] * if mirror >> (2 - a) & 1 == 1 { -eighths } else { eighths }
                    };
                    (0..3).map(along).sum::<DVec3>().length() / 8.0
                };
                let area = normals.iter().map(length).sum();
                let code = turned(code, order, mirror);
                areas[usize::from(code)] = area;
                areas[usize::from(!code)] = area;
            }
        }
    }
    areas
}

/// A code whose axis `a` is the axis `order[a]` of the given one, mirrored along those in `mirror`.
fn turned(code: u8, order: [usize; 3], mirror: u8) -> u8 {
    let inside = (0..8u8).filter(|voxel| code >> voxel & 1 == 1);
    inside.fold(0, |turned, voxel| {
        let bit = |axis: usize| voxel >> (2 - axis) & 1;
        let moved = order.iter().fold(0, |moved, &axis| moved << 1 | bit(axis));
        turned | 1 << (moved ^ mirror)
    })
}

fn lengths(steps: &Steps) -> [f64; 256] {
    let (x, y) = (steps.x(), steps.y());
    // Across a pixel's first corner or its last one, and across the other two.
    let (slant, other) = ((x - y).length() / 2.0, (x + y).length() / 2.0);
    let mut lengths = [0.0; 256];
    for (code, length) in lengths.iter_mut().enumerate().take(15).skip(1) {
        *length = match code {
            0b0011 | 0b1100 => x.length(),
            0b0101 | 0b1010 => y.length(),
            0b0110 => 2.0 * other,
            0b1001 => 2.0 * slant,
            0b0001 | 0b1000 | 0b1110 | 0b0111 => slant,
            _ => other,
        };
    }
    lengths
}

/// Size of the grid of corners.
pub fn corners([width, height, depth]: [usize; 3], flat: bool) -> [usize; 3] {
    [width + 1, height + 1, if flat { 1 } else { depth + 1 }]
}

/// Codes of all corners of a box of voxels (x fastest, then y, then z); what is outside of the box is outside of the mask.
pub fn codes(dims: [usize; 3], flat: bool, inside: impl Fn([usize; 3]) -> bool + Sync) -> Vec<u8> {
    let [columns, rows, layers] = corners(dims, flat);
    let mut codes = vec![0; columns * rows * layers];
    codes.par_chunks_exact_mut(columns * rows).enumerate().for_each(|(layer, codes)| {
        for below in 0..=u8::from(!flat) {
            let Some(z) = layer.checked_sub(below.into()).filter(|&z| z < dims[2]) else { continue };
            for y in 0..dims[1] {
                for x in (0..dims[0]).filter(|&x| inside([x, y, z])) {
                    let at = y * columns + x;
                    let bits = below << 2;
                    codes[at] |= 1 << bits;
                    codes[at + 1] |= 1 << (bits | 1);
                    codes[at + columns] |= 1 << (bits | 2);
                    codes[at + columns + 1] |= 1 << (bits | 3);
                }
            }
        }
    });
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::{Frame, Grid, Unit};
    use glam::{DAffine3, DMat3};

    fn areas_of(steps: impl Into<Steps>, flat: bool) -> [f64; 256] {
        areas(&steps.into(), flat)
    }

    /// Steps along axes that are not at right angles.
    fn oblique(cols: [[f64; 3]; 3]) -> Steps {
        let place = DAffine3::from_mat3(DMat3::from_cols_array_2d(&cols));
        Steps::from(&Grid::new([1; 3], place, Unit::Millimetre, Frame::Patient).unwrap())
    }

    #[test]
    fn every_code_but_empty_and_full_has_a_surface() {
        for steps in
            [Steps::from([0.7, 0.9, 2.0]), oblique([[0.7, 0.0, 0.1], [0.3, 0.9, 0.0], [0.0, -1.0, 2.0]])]
        {
            let areas = areas(&steps, false);
            for (code, area) in areas.iter().enumerate() {
                assert_eq!(*area > 0.0, !matches!(code, 0 | 255), "code {code}");
            }
        }
    }

    #[test]
    fn a_plane_has_the_area_of_its_voxels() {
        // Voxels of the lower layer: the surface is one face; and so along the other axes.
        let areas = areas_of([2.0, 3.0, 5.0], false);
        for (code, face) in [(0b0000_1111, 6.0), (0b0011_0011, 10.0), (0b0101_0101, 15.0)] {
            assert!((areas[code] - face).abs() < 1e-12, "{code:08b}: {}", areas[code]);
        }
        // Each layer is shifted by 4 along y: rows stand askew, and x and z span a larger face.
        let areas = areas_of(oblique([[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 4.0, 3.0]]), false);
        for (code, face) in [(0b0000_1111, 6.0), (0b0011_0011, 10.0), (0b0101_0101, 9.0)] {
            assert!((areas[code] - face).abs() < 1e-12, "{code:08b}: {}", areas[code]);
        }
    }

    #[test]
    fn a_slanted_plane_has_its_area_in_each_direction() {
        // Layers that are shifted by one row each: the planes along both diagonals of (y, z) are as wide as the diagonals.
        let areas = areas_of(oblique([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]]), false);
        // Inside are the two voxels along x at low y and low z, or at high y and low z: the surface lies along y - z or y + z.
        for (code, length) in [(0b0000_0011, 1.0), (0b0000_1100, 5f64.sqrt())] {
            assert!((areas[code] - length / 2.0).abs() < 1e-12, "{code:08b}: {}", areas[code]);
        }
    }

    #[test]
    fn one_pixel_has_four_slanted_corners() {
        let codes = codes([1, 1, 1], true, |_| true);
        assert_eq!(codes, [0b0001, 0b0010, 0b0100, 0b1000]);
        let around = |lengths: [f64; 256]| codes.iter().map(|&c| lengths[usize::from(c)]).sum::<f64>();
        assert_eq!(around(areas_of([3.0, 4.0, 1.0], true)), 10.0);
        // Its diagonals are (4, 4) and (2, -4) long.
        let askew = around(areas_of(oblique([[3.0, 0.0, 0.0], [1.0, 4.0, 0.0], [0.0, 0.0, 1.0]]), true));
        assert!((askew - (32f64.sqrt() + 20f64.sqrt())).abs() < 1e-12, "{askew}");
    }
}
