use crate::geom::Grid;
use glam::{DMat3, DVec3};

/// Cosine of the angle between two axes above which they are not at right angles: headers round their directions, and at a
/// distance of 10 mm this is a thousandth of a millimetre.
const RIGHT_ANGLE: f64 = 1e-4;

/// The vectors in space of one step along x, y and z, in the unit of the distances.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps(DMat3);

impl From<[f64; 3]> for Steps {
    /// Axes at right angles, with these spacings.
    fn from(spacing: [f64; 3]) -> Self {
        Self(DMat3::from_diagonal(spacing.into()))
    }
}

impl From<&Grid> for Steps {
    /// Unequally spaced slices count as if all gaps were the mean one.
    fn from(grid: &Grid) -> Self {
        Self(grid.patient_from_voxel().matrix3)
    }
}

impl Steps {
    pub fn x(&self) -> DVec3 {
        self.0.x_axis
    }

    pub fn y(&self) -> DVec3 {
        self.0.y_axis
    }

    pub fn z(&self) -> DVec3 {
        self.0.z_axis
    }

    /// Their lengths along x, y, z.
    pub fn lengths(&self) -> [f64; 3] {
        [self.x(), self.y(), self.z()].map(DVec3::length)
    }

    /// The displacement of so many steps.
    pub fn place(&self, steps: [usize; 3]) -> DVec3 {
        self.0 * DVec3::from(steps.map(|n| n as f64))
    }

    /// Whether the axes are at other than right angles, as those of a scan with a tilted gantry are. The third axis of a
    /// `flat` grid leads nowhere.
    pub fn are_oblique(&self, flat: bool) -> bool {
        let [x, y, z] = [self.x(), self.y(), self.z()].map(DVec3::normalize);
        let pairs = [(x, y), (x, z), (y, z)];
        pairs[..if flat { 1 } else { 3 }].iter().any(|(a, b)| a.dot(*b).abs() > RIGHT_ANGLE)
    }
}
