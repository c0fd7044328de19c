use super::{Frame, Grid};
use glam::DVec3;
use serde::{Deserialize, Serialize};

/// One axis of the voxel grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Axis {
    X,
    Y,
    Z,
}

impl Axis {
    pub const ALL: [Axis; 3] = [Axis::X, Axis::Y, Axis::Z];

    pub fn index(self) -> usize {
        self as usize
    }

    /// The places of the two others.
    pub fn others(self) -> [usize; 2] {
        match self {
            Axis::X => [1, 2],
            Axis::Y => [0, 2],
            Axis::Z => [0, 1],
        }
    }
}

/// The three viewing directions. On a picture without anatomy, `Axial` is the picture as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Plane {
    Axial,
    Coronal,
    Sagittal,
}

impl Plane {
    pub const ALL: [Plane; 3] = [Plane::Axial, Plane::Coronal, Plane::Sagittal];

    pub fn title(self) -> &'static str {
        match self {
            Plane::Axial => "Axial",
            Plane::Coronal => "Coronal",
            Plane::Sagittal => "Sagittal",
        }
    }
}

/// How the voxel grid lies on screen in one plane: which voxel axis goes right, which down, and which way.
///
/// Slices are never resampled: an oblique grid is shown along its own axes, named by the nearest anatomical plane.
/// Axial and coronal views have the patient's right on the viewer's left (the radiological convention).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaneAxes {
    /// The axis through the slices.
    pub normal: Axis,
    /// The axis to the right, and whether it runs against the screen's.
    pub right: Axis,
    pub right_flipped: bool,
    /// The axis downwards, and whether it runs against the screen's.
    pub down: Axis,
    pub down_flipped: bool,
}

/// Where the pixel (x, y) of a slice lies in an array: `first + right * x + down * y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelSteps {
    pub first: isize,
    pub right: isize,
    pub down: isize,
}

impl Grid {
    pub fn plane_axes(&self, plane: Plane) -> PlaneAxes {
        // World axis and sign to the right and down of the screen: LPS for patients, x right and y down for pictures.
        let (right, down) = match (self.frame(), plane) {
            (_, Plane::Axial) => ((0, 1.0), (1, 1.0)),
            (Frame::Patient, Plane::Coronal) => ((0, 1.0), (2, -1.0)),
            (Frame::Patient, Plane::Sagittal) => ((1, 1.0), (2, -1.0)),
            (Frame::Image, Plane::Coronal) => ((0, 1.0), (2, 1.0)),
            (Frame::Image, Plane::Sagittal) => ((2, 1.0), (1, 1.0)),
        };
        let world = self.world_axis_of_voxel_axis();
        let find = |(world_axis, sign): (usize, f64)| {
            let axis = Axis::ALL[world.iter().position(|&w| w == world_axis).unwrap_or(world_axis)];
            let along = self.patient_from_voxel().matrix3.col(axis.index())[world_axis];
            (axis, along * sign < 0.0)
        };
        let (right, right_flipped) = find(right);
        let (down, down_flipped) = find(down);
        let normal = Axis::ALL[3 - right.index() - down.index()];
        PlaneAxes { normal, right, right_flipped, down, down_flipped }
    }

    /// Letters at the low and the high end of each voxel axis; none for a picture without anatomy.
    pub fn end_letters(&self) -> Option<[[char; 2]; 3]> {
        (self.frame() == Frame::Patient).then(|| self.axis_codes().map(|high| [opposite(high), high]))
    }

    /// The plane in which the image was acquired: the one whose slices are the file's own.
    pub fn native_plane(&self) -> Plane {
        Plane::ALL.into_iter().find(|&p| self.plane_axes(p).normal == Axis::Z).unwrap_or(Plane::Axial)
    }
}

impl PlaneAxes {
    /// Number of slices in this plane.
    pub fn slice_count(&self, dims: [usize; 3]) -> usize {
        dims[self.normal.index()]
    }

    /// Width and height of a slice in pixels.
    pub fn size(&self, dims: [usize; 3]) -> [usize; 2] {
        [dims[self.right.index()], dims[self.down.index()]]
    }

    /// Where the pixels of a slice lie in an array. `strides`: from one voxel to the next along x, y and z, in elements; 0 along z
    /// for an array of a single native slice.
    pub fn steps(&self, dims: [usize; 3], strides: [isize; 3], slice: usize) -> PixelSteps {
        let along = |axis: Axis, flipped: bool| {
            let stride = strides[axis.index()];
            if flipped { (-stride, (dims[axis.index()] as isize - 1) * stride) } else { (stride, 0) }
        };
        let (right, from_right) = along(self.right, self.right_flipped);
        let (down, from_down) = along(self.down, self.down_flipped);
        let first = from_right + from_down + slice as isize * strides[self.normal.index()];
        PixelSteps { first, right, down }
    }

    /// Voxel coordinates of a slice's pixel coordinates (pixel centres are whole numbers; fractions allowed).
    pub fn voxel_of_pixel(&self, dims: [usize; 3], slice: f64, pixel: [f64; 2]) -> DVec3 {
        let mut voxel = DVec3::ZERO;
        voxel[self.normal.index()] = slice;
        let mut set = |axis: Axis, flipped: bool, at: f64| {
            voxel[axis.index()] = if flipped { dims[axis.index()] as f64 - 1.0 - at } else { at };
        };
        set(self.right, self.right_flipped, pixel[0]);
        set(self.down, self.down_flipped, pixel[1]);
        voxel
    }

    /// Slice and pixel coordinates of voxel coordinates; the inverse of [`PlaneAxes::voxel_of_pixel`].
    pub fn pixel_of_voxel(&self, dims: [usize; 3], voxel: DVec3) -> (f64, [f64; 2]) {
        let get = |axis: Axis, flipped: bool| {
            let at = voxel[axis.index()];
            if flipped { dims[axis.index()] as f64 - 1.0 - at } else { at }
        };
        (voxel[self.normal.index()], [get(self.right, self.right_flipped), get(self.down, self.down_flipped)])
    }

    /// Letters at the left, right, top and bottom of the screen; none for a picture without anatomy.
    pub fn letters(&self, grid: &Grid) -> Option<[char; 4]> {
        if grid.frame() == Frame::Image {
            return None;
        }
        let codes = grid.axis_codes();
        let end = |axis: Axis, flipped: bool| {
            let c = codes[axis.index()];
            if flipped { opposite(c) } else { c }
        };
        let (right, bottom) = (end(self.right, self.right_flipped), end(self.down, self.down_flipped));
        Some([opposite(right), right, opposite(bottom), bottom])
    }

    /// Size of a pixel (right, down) in millimetres, or in pixels where spacing is unknown.
    pub fn pixel_size(&self, grid: &Grid) -> [f64; 2] {
        let s = grid.spacing();
        [s[self.right.index()], s[self.down.index()]]
    }
}

fn opposite(code: char) -> char {
    match code {
        'L' => 'R',
        'R' => 'L',
        'P' => 'A',
        'A' => 'P',
        'S' => 'I',
        _ => 'S',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Unit;
    use glam::{DAffine3, DMat3};

    /// All 48 axis-aligned orientations.
    fn signed_permutations() -> Vec<DMat3> {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let mut all = Vec::new();
        for order in orders {
            for signs in 0..8 {
                let mut m = DMat3::ZERO;
                for (axis, &world) in order.iter().enumerate() {
                    m.col_mut(axis)[world] = if signs >> axis & 1 == 1 { -1.0 } else { 1.0 };
                }
                all.push(m);
            }
        }
        all
    }

    #[test]
    fn every_orientation_shows_the_same_letters() {
        for matrix3 in signed_permutations() {
            let affine = DAffine3 { matrix3, translation: DVec3::ZERO };
            let g = Grid::new([3, 4, 5], affine, Unit::Millimetre, Frame::Patient).unwrap();
            let letters = |p| g.plane_axes(p).letters(&g).unwrap();
            assert_eq!(letters(Plane::Axial), ['R', 'L', 'A', 'P'], "{matrix3}");
            assert_eq!(letters(Plane::Coronal), ['R', 'L', 'S', 'I'], "{matrix3}");
            assert_eq!(letters(Plane::Sagittal), ['A', 'P', 'S', 'I'], "{matrix3}");
        }
    }

    #[test]
    fn pixels_and_voxels_are_inverse() {
        for matrix3 in signed_permutations() {
            let affine = DAffine3 { matrix3, translation: DVec3::ZERO };
            let g = Grid::new([3, 4, 5], affine, Unit::Millimetre, Frame::Patient).unwrap();
            for plane in Plane::ALL {
                let axes = g.plane_axes(plane);
                let voxel = axes.voxel_of_pixel(g.dims(), 1.0, [0.25, 2.0]);
                assert_eq!(axes.pixel_of_voxel(g.dims(), voxel), (1.0, [0.25, 2.0]));
            }
        }
    }

    #[test]
    fn a_picture_is_shown_as_stored_and_unlettered() {
        let g = Grid::pixels([7, 5, 1]).unwrap();
        let axes = g.plane_axes(Plane::Axial);
        assert_eq!((axes.right, axes.down, axes.normal), (Axis::X, Axis::Y, Axis::Z));
        assert!(!axes.right_flipped && !axes.down_flipped);
        assert_eq!(axes.letters(&g), None);
        assert_eq!(g.native_plane(), Plane::Axial);
    }
}
