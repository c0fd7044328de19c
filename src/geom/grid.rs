use glam::{DAffine3, DMat3, DVec3};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What one step along an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    Millimetre,
    /// The file states no spacing; one step is one pixel.
    Pixel,
}

/// What the axes of a grid's world mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Frame {
    /// LPS: x grows to the patient's left, y to posterior, z to superior.
    Patient,
    /// The picture's own frame, x to the right, y down: photographs, B-scans. No anatomical letters.
    Image,
}

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum GridError {
    #[error("the image has no voxels: its size is {0:?}")]
    Empty([usize; 3]),
    #[error("the image is too large: {} x {} x {} voxels are more than any machine can address", .0[0], .0[1], .0[2])]
    TooLarge([usize; 3]),
    #[error("the image's voxel-to-world matrix cannot be inverted: {0}")]
    Singular(String),
    #[error("{offsets} slice positions were given for {slices} slices")]
    OffsetCount { offsets: usize, slices: usize },
    #[error("the slice positions do not grow strictly: slice {0} is not after the one before it")]
    OffsetOrder(usize),
}

/// The voxels' place in the world.
///
/// Voxel coordinates are (x, y, z): column, row, slice; whole numbers are voxel centres. World coordinates are
/// millimetres in LPS (DICOM's and ITK's convention); readers and writers of other conventions convert at the edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    dims: [usize; 3],
    patient_from_voxel: DAffine3,
    voxel_from_patient: DAffine3,
    unit: Unit,
    frame: Frame,
    /// Distance of each slice from slice 0 along the third axis, in slice steps of `patient_from_voxel`. Set only where
    /// slices are unequally spaced.
    slice_offsets: Option<Arc<[f64]>>,
}

/// A grid with more voxels cannot be made, so that neither [`Grid::voxel_count`] nor the bytes of a few samples a voxel
/// ever overflow.
const MOST_VOXELS: usize = isize::MAX as usize >> 10;

impl Grid {
    /// A grid with a given voxel-to-LPS matrix in millimetres.
    pub fn new(
        dims: [usize; 3],
        patient_from_voxel: DAffine3,
        unit: Unit,
        frame: Frame,
    ) -> Result<Self, GridError> {
        if dims.contains(&0) {
            return Err(GridError::Empty(dims));
        }
        let voxels = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if voxels.is_none_or(|n| n > MOST_VOXELS) {
            return Err(GridError::TooLarge(dims));
        }
        let m = patient_from_voxel.matrix3;
        let scale = m.x_axis.length() * m.y_axis.length() * m.z_axis.length();
        // The determinant of the unit axes: 0 where two axes are parallel.
        let det = m.determinant() / scale;
        if !patient_from_voxel.is_finite() || !det.is_finite() || det.abs() < 1e-6 {
            return Err(GridError::Singular(format!("{:?}", m.to_cols_array_2d())));
        }
        Ok(Self {
            dims,
            patient_from_voxel,
            voxel_from_patient: patient_from_voxel.inverse(),
            unit,
            frame,
            slice_offsets: None,
        })
    }

    /// A picture without spacing or orientation: one pixel is one step.
    pub fn pixels(dims: [usize; 3]) -> Result<Self, GridError> {
        Self::new(dims, DAffine3::IDENTITY, Unit::Pixel, Frame::Image)
    }

    /// A picture with known spacing (mm, along x, y, z) and no anatomical orientation, such as a stack of B-scans.
    pub fn spaced(dims: [usize; 3], spacing_mm: [f64; 3]) -> Result<Self, GridError> {
        let scale = DAffine3::from_scale(DVec3::from_array(spacing_mm));
        Self::new(dims, scale, Unit::Millimetre, Frame::Image)
    }

    /// Gives the slices their true positions (mm along the third axis, from any origin, strictly growing).
    ///
    /// The third column of the matrix keeps its direction; its length becomes the mean gap, and nothing is resampled.
    pub fn with_slice_positions_mm(mut self, positions_mm: &[f64]) -> Result<Self, GridError> {
        if positions_mm.len() != self.dims[2] {
            return Err(GridError::OffsetCount { offsets: positions_mm.len(), slices: self.dims[2] });
        }
        if let Some(i) = (1..positions_mm.len())
            .find(|&i| !(positions_mm[i] > positions_mm[i - 1] && positions_mm[i].is_finite()))
        {
            return Err(GridError::OffsetOrder(i));
        }
        let n = positions_mm.len();
        if n < 2 {
            return Ok(self);
        }
        let mean_gap = (positions_mm[n - 1] - positions_mm[0]) / (n - 1) as f64;
        let mut affine = self.patient_from_voxel;
        affine.matrix3.z_axis = affine.matrix3.z_axis.normalize() * mean_gap;
        self.patient_from_voxel = affine;
        self.voxel_from_patient = affine.inverse();
        let offsets: Arc<[f64]> = positions_mm.iter().map(|p| (p - positions_mm[0]) / mean_gap).collect();
        // Within a hundredth of a step is equal spacing, written with rounding.
        let unequal = offsets.iter().enumerate().any(|(i, o)| (o - i as f64).abs() > 0.01);
        self.slice_offsets = unequal.then_some(offsets);
        Ok(self)
    }

    pub fn dims(&self) -> [usize; 3] {
        self.dims
    }

    pub fn voxel_count(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether a picture file can hold it whole: one slice, without a spacing or a place in space.
    pub fn is_picture(&self) -> bool {
        self.dims[2] == 1 && self.unit == Unit::Pixel
    }

    pub fn unit(&self) -> Unit {
        self.unit
    }

    pub fn frame(&self) -> Frame {
        self.frame
    }

    /// Voxel (x, y, z) to LPS millimetres, for equally spaced slices; [`Grid::patient_of`] also knows unequal ones.
    pub fn patient_from_voxel(&self) -> DAffine3 {
        self.patient_from_voxel
    }

    /// True where the gaps between slices differ.
    pub fn has_unequal_slices(&self) -> bool {
        self.slice_offsets.is_some()
    }

    /// Step along x, y, z in millimetres (or pixels); along z the mean where slices are unequally spaced.
    pub fn spacing(&self) -> [f64; 3] {
        let m = self.patient_from_voxel.matrix3;
        [m.x_axis.length(), m.y_axis.length(), m.z_axis.length()]
    }

    /// Position of slice `z` along the third axis, in millimetres (or pixels) from slice 0.
    pub fn slice_position(&self, z: usize) -> f64 {
        self.slice_step(z as f64) * self.spacing()[2]
    }

    /// The place of voxel coordinates (fractions allowed) in LPS millimetres.
    pub fn patient_of(&self, voxel: DVec3) -> DVec3 {
        let stepped = DVec3::new(voxel.x, voxel.y, self.slice_step(voxel.z));
        self.patient_from_voxel.transform_point3(stepped)
    }

    /// The voxel coordinates (with fractions, possibly outside the grid) of a place in LPS millimetres.
    pub fn voxel_of(&self, patient: DVec3) -> DVec3 {
        let v = self.voxel_from_patient.transform_point3(patient);
        DVec3::new(v.x, v.y, self.slice_at_step(v.z))
    }

    /// Index into samples stored x fastest, then y, then z.
    pub fn index(&self, [x, y, z]: [usize; 3]) -> usize {
        (z * self.dims[1] + y) * self.dims[0] + x
    }

    pub fn contains(&self, voxel: [i64; 3]) -> bool {
        (0..3).all(|a| voxel[a] >= 0 && (voxel[a] as usize) < self.dims[a])
    }

    /// The nearest anatomical direction in which each voxel axis grows, such as `['L', 'P', 'S']`.
    pub fn axis_codes(&self) -> [char; 3] {
        let m = self.patient_from_voxel.matrix3;
        let unit = DMat3::from_cols(m.x_axis.normalize(), m.y_axis.normalize(), m.z_axis.normalize());
        let world = self.world_axes_by_voxel_axis(unit);
        std::array::from_fn(|axis| {
            let along = unit.col(axis)[world[axis]];
            match (world[axis], along >= 0.0) {
                (0, true) => 'L',
                (0, false) => 'R',
                (1, true) => 'P',
                (1, false) => 'A',
                (_, true) => 'S',
                (_, false) => 'I',
            }
        })
    }

    /// For each voxel axis the world axis (0 = x, 1 = y, 2 = z) that it is paired with: the pairing of all three with
    /// the largest sum of cosines, so that an oblique grid never names one direction twice.
    pub(super) fn world_axis_of_voxel_axis(&self) -> [usize; 3] {
        let m = self.patient_from_voxel.matrix3;
        self.world_axes_by_voxel_axis(DMat3::from_cols(
            m.x_axis.normalize(),
            m.y_axis.normalize(),
            m.z_axis.normalize(),
        ))
    }

    fn world_axes_by_voxel_axis(&self, unit: DMat3) -> [usize; 3] {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let weight = |order: &[usize; 3]| -> f64 { (0..3).map(|a| unit.col(a)[order[a]].abs()).sum() };
        ORDERS
            .into_iter()
            .reduce(|best, order| if weight(&order) > weight(&best) + 1e-9 { order } else { best })
            .unwrap_or([0, 1, 2])
    }

    fn slice_step(&self, z: f64) -> f64 {
        let Some(offsets) = &self.slice_offsets else {
            return z;
        };
        let last = offsets.len() - 1;
        let i = (z.floor().max(0.0) as usize).min(last - 1);
        offsets[i] + (z - i as f64) * (offsets[i + 1] - offsets[i])
    }

    fn slice_at_step(&self, step: f64) -> f64 {
        let Some(offsets) = &self.slice_offsets else {
            return step;
        };
        let last = offsets.len() - 1;
        let i = offsets.partition_point(|&o| o <= step).saturating_sub(1).min(last - 1);
        i as f64 + (step - offsets[i]) / (offsets[i + 1] - offsets[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(cols: [[f64; 3]; 3]) -> Grid {
        let affine =
            DAffine3 { matrix3: DMat3::from_cols_array_2d(&cols), translation: DVec3::new(-10.0, 5.0, 3.0) };
        Grid::new([4, 5, 6], affine, Unit::Millimetre, Frame::Patient).unwrap()
    }

    #[test]
    fn oblique_grid_names_each_direction_once() {
        // Both in-plane axes lean most to world x; only one may be called so.
        let g = grid([[0.8, 0.6, 0.0], [0.7, -0.69, 0.1], [0.0, 0.1, 1.0]]);
        let codes = g.axis_codes();
        assert_eq!(codes, ['L', 'A', 'S']);
    }

    #[test]
    fn unequal_slices_keep_their_positions() {
        let g = grid([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
            .with_slice_positions_mm(&[0.0, 1.0, 3.0, 4.0, 8.0, 10.0])
            .unwrap();
        assert!(g.has_unequal_slices());
        assert_eq!(g.spacing()[2], 2.0);
        assert_eq!(g.slice_position(2), 3.0);
        let p = g.patient_of(DVec3::new(1.0, 2.0, 4.0));
        assert!((p - DVec3::new(-9.0, 7.0, 11.0)).length() < 1e-12);
        for z in [-1.0, 0.0, 0.5, 2.25, 4.5, 7.0] {
            let v = DVec3::new(0.5, 1.5, z);
            assert!((g.voxel_of(g.patient_of(v)) - v).length() < 1e-9, "z = {z}");
        }
    }

    #[test]
    fn more_voxels_than_can_be_addressed_are_refused() {
        for dims in [[1 << 32; 3], [usize::MAX, 1, 1], [1 << 31, 1 << 31, 2]] {
            assert_eq!(Grid::pixels(dims).unwrap_err(), GridError::TooLarge(dims));
        }
        let error = Grid::pixels([1 << 40; 3]).unwrap_err().to_string();
        assert!(error.contains("1099511627776 x 1099511627776"), "{error}");
    }

    #[test]
    fn flat_matrix_is_refused() {
        let affine = DAffine3 {
            matrix3: DMat3::from_cols_array_2d(&[[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]]),
            translation: DVec3::ZERO,
        };
        let err = Grid::new([2, 2, 2], affine, Unit::Millimetre, Frame::Patient).unwrap_err();
        assert!(matches!(err, GridError::Singular(_)));
    }

    #[test]
    fn slice_positions_must_grow() {
        let g = Grid::spaced([2, 2, 3], [1.0; 3]).unwrap();
        assert_eq!(g.with_slice_positions_mm(&[0.0, 2.0, 2.0]).unwrap_err(), GridError::OffsetOrder(2));
    }
}
