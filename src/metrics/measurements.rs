//! What a person lays over an image to read a number off it: lengths, angles, regions.

use super::measures::{ValueStatistics, angle, distance};
use crate::{
    geom::{Axis, Grid, Unit},
    volume::Volume,
};
use glam::DVec3;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// What is measured, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasurementKind {
    /// The distance of two points.
    Ruler,
    /// The length of a way through two or more points.
    Path,
    /// The angle of three points, at the second.
    Angle,
    /// The angle between two lines, from the first point to the second and from the third to the fourth: 0 to 90 degrees.
    Cobb,
    /// Area and values of an ellipse, which two opposite corners of its box tell.
    Ellipse,
    /// The same of a rectangle.
    Rectangle,
}

impl MeasurementKind {
    pub const ALL: [Self; 6] =
        [Self::Ruler, Self::Path, Self::Angle, Self::Cobb, Self::Ellipse, Self::Rectangle];

    pub fn title(self) -> &'static str {
        match self {
            Self::Ruler => "Ruler",
            Self::Path => "Path",
            Self::Angle => "Angle",
            Self::Cobb => "Cobb angle",
            Self::Ellipse => "Ellipse",
            Self::Rectangle => "Rectangle",
        }
    }

    /// Its name in files.
    pub fn id(self) -> &'static str {
        match self {
            Self::Ruler => "ruler",
            Self::Path => "path",
            Self::Angle => "angle",
            Self::Cobb => "cobb",
            Self::Ellipse => "ellipse",
            Self::Rectangle => "rectangle",
        }
    }

    /// Whether it can have so many points.
    pub fn takes(self, points: usize) -> bool {
        match self {
            Self::Ruler | Self::Ellipse | Self::Rectangle => points == 2,
            Self::Path => points >= 2,
            Self::Angle => points == 3,
            Self::Cobb => points == 4,
        }
    }
}

/// One measurement. Its places are voxels, not millimetres: they stay on what they were drawn on where the size of a voxel is
/// corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Tells it from the others of its image; never given to another one.
    pub id: u32,
    pub kind: MeasurementKind,
    /// The axis across the slice that it was drawn in.
    pub normal: Axis,
    /// Voxel coordinates (column, row, slice), with fractions, in the order in which they were set.
    pub points: Vec<[f64; 3]>,
    /// What the person calls it; empty: nothing.
    #[serde(default)]
    pub name: String,
}

/// What is read off a measurement. Lengths are in mm, or in pixels where the image has no spacing.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    Length(f64),
    /// In degrees; none where two points lie on each other.
    Angle(Option<f64>),
    Region {
        area: f64,
        /// Of the image's values at the pixels whose centres lie inside; none where there are none.
        values: Option<ValueStatistics>,
    },
}

impl Reading {
    /// In words: "12.3 mm", "45°", "314 mm² · 56.0 ± 12.1 HU".
    pub fn text(&self, volume: &Volume) -> String {
        let unit = if volume.grid().unit() == Unit::Millimetre { "mm" } else { "px" };
        match self {
            Reading::Length(length) => format!("{length:.1} {unit}"),
            Reading::Angle(Some(degrees)) => format!("{degrees:.0}°"),
            Reading::Angle(None) => "no angle".to_owned(),
            Reading::Region { area, values } => {
                let digits = if *area < 100.0 { 1 } else { 0 };
                let area = format!("{area:.digits$} {unit}²");
                let of = volume.value_unit().map_or(String::new(), |unit| format!(" {unit}"));
                let values = values.map(|v| format!(" · {:.1} ± {:.1}{of}", v.mean, v.sd).replace('-', "−"));
                area + &values.unwrap_or_default()
            }
        }
    }
}

impl Measurement {
    /// The slice that it was drawn in.
    pub fn slice(&self) -> usize {
        self.points.first().map_or(0, |point| point[self.normal.index()].round().max(0.0) as usize)
    }

    /// What can be read off it.
    pub fn reading(&self, volume: &Volume) -> Reading {
        let grid = volume.grid();
        let places: Vec<DVec3> =
            self.points.iter().map(|point| grid.patient_of(DVec3::from(*point))).collect();
        match (self.kind, &places[..]) {
            (MeasurementKind::Ruler | MeasurementKind::Path, places) => {
                Reading::Length(places.windows(2).map(|pair| distance(pair[0], pair[1])).sum())
            }
            (MeasurementKind::Angle, &[from, vertex, to]) => Reading::Angle(angle(vertex, [from, to])),
            (MeasurementKind::Cobb, &[a, b, c, d]) => {
                let between = angle(DVec3::ZERO, [b - a, d - c]);
                Reading::Angle(between.map(|degrees| degrees.min(180.0 - degrees)))
            }
            (MeasurementKind::Ellipse, _) => self.region(volume, PI / 4.0, |[a, b]| a * a + b * b <= 1.0),
            (MeasurementKind::Rectangle, _) => self.region(volume, 1.0, |_| true),
            (MeasurementKind::Angle | MeasurementKind::Cobb, _) => Reading::Angle(None),
        }
    }

    /// Its lines as they are drawn, in voxel coordinates; the first point comes again at the end of a closed one.
    pub fn lines(&self) -> Vec<Vec<[f64; 3]>> {
        let &[first, .., last] = &self.points[..] else { return Vec::new() };
        let [u, v] = self.normal.others();
        let at = |along: f64, down: f64| {
            let mut point = first;
            (point[u], point[v]) = (along, down);
            point
        };
        match self.kind {
            MeasurementKind::Ruler | MeasurementKind::Path | MeasurementKind::Angle => {
                vec![self.points.clone()]
            }
            MeasurementKind::Cobb => self.points.chunks(2).map(<[_]>::to_vec).collect(),
            MeasurementKind::Rectangle => {
                vec![vec![first, at(last[u], first[v]), last, at(first[u], last[v]), first]]
            }
            MeasurementKind::Ellipse => {
                const CORNERS: usize = 64;
                let [middle, half] =
                    [1.0, -1.0].map(|sign| [u, v].map(|a| (last[a] + sign * first[a]) / 2.0));
                let corner = |n: usize| {
                    let (sin, cos) = (2.0 * PI * n as f64 / CORNERS as f64).sin_cos();
                    at(middle[0] + half[0] * cos, middle[1] + half[1] * sin)
                };
                vec![(0..=CORNERS).map(corner).collect()]
            }
        }
    }

    /// `share`: of the box. `is_in`: at so many halves of the box from its middle along its two sides, -1 to 1.
    fn region(&self, volume: &Volume, share: f64, is_in: impl Fn([f64; 2]) -> bool) -> Reading {
        let nothing = Reading::Region { area: 0.0, values: None };
        let &[first, last] = &self.points[..] else { return nothing };
        let grid = volume.grid();
        let [u, v] = self.normal.others();
        let at = |along: f64, down: f64| {
            let mut voxel = first;
            (voxel[u], voxel[v]) = (along, down);
            grid.patient_of(DVec3::from(voxel))
        };
        let corner = at(first[u], first[v]);
        let sides = [at(last[u], first[v]), at(first[u], last[v])].map(|other| other - corner);
        let middle = [u, v].map(|a| (first[a] + last[a]) / 2.0);
        let half = [u, v].map(|a| (first[a] - last[a]).abs() / 2.0);
        let dims = grid.dims();
        let (n, slice) = (self.normal.index(), self.slice());
        let range = |side: usize, a: usize| {
            let from = (middle[side] - half[side]).ceil().max(0.0) as usize;
            let to = (middle[side] + half[side]).floor().min(dims[a] as f64 - 1.0);
            from..(to + 1.0).max(0.0) as usize
        };
        let mut values = Vec::new();
        for down in range(1, v) {
            for along in range(0, u) {
                let place = [(along as f64, 0), (down as f64, 1)];
                let [a, b] = place
                    .map(|(at, side)| if half[side] > 0.0 { (at - middle[side]) / half[side] } else { 0.0 });
                let mut voxel = [0; 3];
                (voxel[u], voxel[v], voxel[n]) = (along, down, slice);
                if is_in([a, b]) && slice < dims[n] {
                    values.push(volume.scalar_value(grid.index(voxel)));
                }
            }
        }
        Reading::Region {
            area: sides[0].cross(sides[1]).length() * share,
            values: ValueStatistics::of(values),
        }
    }
}

/// The measurements of an image, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    list: Vec<Measurement>,
    /// The id of the next one.
    next: u32,
}

/// What is wrong with a measurement.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MeasurementError {
    #[error("a measurement of this kind ({kind}) cannot have {points} points")]
    Points { kind: &'static str, points: usize },
    #[error("a point of the measurement is no place: {0:?}")]
    NoPlace([f64; 3]),
    #[error("there is no measurement {0}")]
    Unknown(u32),
}

impl Measurements {
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Measurement> + ExactSizeIterator {
        self.list.iter()
    }

    pub fn get(&self, id: u32) -> Option<&Measurement> {
        self.list.iter().find(|measurement| measurement.id == id)
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Puts one behind the others; its id.
    pub fn add(
        &mut self,
        kind: MeasurementKind,
        normal: Axis,
        points: Vec<[f64; 3]>,
    ) -> Result<u32, MeasurementError> {
        check(kind, &points)?;
        let id = self.next;
        self.list.push(Measurement { id, kind, normal, points, name: String::new() });
        self.next += 1;
        Ok(id)
    }

    /// Puts the points of one elsewhere.
    pub fn place(&mut self, id: u32, points: Vec<[f64; 3]>) -> Result<(), MeasurementError> {
        let measurement = self.get_mut(id)?;
        check(measurement.kind, &points)?;
        measurement.points = points;
        Ok(())
    }

    pub fn rename(&mut self, id: u32, name: &str) -> Result<(), MeasurementError> {
        name.trim().clone_into(&mut self.get_mut(id)?.name);
        Ok(())
    }

    pub fn remove(&mut self, id: u32) -> Result<(), MeasurementError> {
        self.get_mut(id)?;
        self.list.retain(|measurement| measurement.id != id);
        Ok(())
    }

    fn get_mut(&mut self, id: u32) -> Result<&mut Measurement, MeasurementError> {
        self.list.iter_mut().find(|measurement| measurement.id == id).ok_or(MeasurementError::Unknown(id))
    }

    /// Bytes that they hold in memory.
    pub fn byte_len(&self) -> usize {
        let of = |m: &Measurement| size_of_val(m) + size_of_val(&m.points[..]) + m.name.len();
        self.list.iter().map(of).sum()
    }
}

fn check(kind: MeasurementKind, points: &[[f64; 3]]) -> Result<(), MeasurementError> {
    if !kind.takes(points.len()) {
        return Err(MeasurementError::Points { kind: kind.title(), points: points.len() });
    }
    match points.iter().find(|point| !point.iter().all(|at| at.is_finite())) {
        Some(point) => Err(MeasurementError::NoPlace(*point)),
        None => Ok(()),
    }
}

/// The places of a measurement in the patient, in mm.
pub fn places(measurement: &Measurement, grid: &Grid) -> Vec<[f64; 3]> {
    measurement.points.iter().map(|point| grid.patient_of(DVec3::from(*point)).to_array()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::{Modality, Samples};

    /// 8 × 6 × 3 voxels of 2 × 3 × 5 mm; a value is its column.
    fn volume() -> Volume {
        let grid = Grid::spaced([8, 6, 3], [2.0, 3.0, 5.0]).unwrap();
        let samples: Vec<u8> = (0..144).map(|i| (i % 8) as u8).collect();
        Volume::new(grid, Samples::U8(samples.into()), [1.0, 0.0], Modality::Ct).unwrap()
    }

    fn reading(kind: MeasurementKind, normal: Axis, points: &[[f64; 3]]) -> Reading {
        let mut all = Measurements::default();
        let id = all.add(kind, normal, points.to_vec()).unwrap();
        all.get(id).unwrap().reading(&volume())
    }

    #[test]
    fn lengths_and_angles_are_measured_in_the_patient() {
        use MeasurementKind::*;
        let ruler = [[0.0, 0.0, 1.0], [1.5, 4.0 / 3.0, 1.0]];
        assert_eq!(reading(Ruler, Axis::Z, &ruler), Reading::Length(5.0));
        let path = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 1.0]];
        assert_eq!(reading(Path, Axis::Y, &path), Reading::Length(7.0));
        let Reading::Angle(Some(right)) =
            reading(Angle, Axis::Z, &[[0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
        else {
            panic!("an angle")
        };
        assert!((right - 90.0).abs() < 1e-9);
        // Lines that cross at 135 degrees meet at 45.
        let cobb = [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0], [3.0, 0.0, 0.0], [0.0, 2.0, 0.0]];
        let Reading::Angle(Some(acute)) = reading(Cobb, Axis::Z, &cobb) else { panic!("an angle") };
        assert!((acute - 45.0).abs() < 1e-9, "{acute}");
        assert_eq!(reading(Angle, Axis::Z, &[[1.0; 3]; 3]), Reading::Angle(None));
    }

    #[test]
    fn a_region_has_the_area_that_is_drawn_and_the_values_of_the_centres_inside() {
        let Reading::Region { area, values } =
            reading(MeasurementKind::Rectangle, Axis::Z, &[[4.5, 3.5, 1.0], [0.5, 0.5, 1.0]])
        else {
            panic!("a region")
        };
        let values = values.unwrap();
        assert!((area - 8.0 * 9.0).abs() < 1e-9);
        assert_eq!((values.count, values.mean, values.min, values.max), (12, 2.5, 1.0, 4.0));
        let Reading::Region { area, values } =
            reading(MeasurementKind::Ellipse, Axis::Z, &[[0.0, 0.0, 1.0], [4.0, 4.0, 1.0]])
        else {
            panic!("a region")
        };
        assert!((area - PI * 4.0 * 6.0).abs() < 1e-9);
        // 13 pixels of a disc of radius 2.
        assert_eq!(values.unwrap().count, 13);
        // Beyond the image there are no values.
        let Reading::Region { values, .. } =
            reading(MeasurementKind::Rectangle, Axis::Z, &[[-5.0, -5.0, 1.0], [0.0, 0.0, 1.0]])
        else {
            panic!("a region")
        };
        assert_eq!(values.unwrap().count, 1);
    }

    #[test]
    fn an_id_is_never_given_twice() {
        let mut all = Measurements::default();
        let ruler = || vec![[0.0; 3], [1.0; 3]];
        let first = all.add(MeasurementKind::Ruler, Axis::Z, ruler()).unwrap();
        all.remove(first).unwrap();
        assert_ne!(all.add(MeasurementKind::Ruler, Axis::Z, ruler()), Ok(first));
        assert_eq!(all.remove(first), Err(MeasurementError::Unknown(first)));
        let odd = all.add(MeasurementKind::Angle, Axis::Z, ruler());
        assert_eq!(odd, Err(MeasurementError::Points { kind: "Angle", points: 2 }));
        let nowhere = all.add(MeasurementKind::Ruler, Axis::Z, vec![[f64::NAN; 3]; 2]);
        assert!(matches!(nowhere, Err(MeasurementError::NoPlace(_))));
    }
}
