use crate::geom::{Frame, Grid};
use glam::{DMat3, DMat4, DVec2, DVec3, DVec4};
use std::f64::consts::FRAC_PI_2;

/// How a person has turned a volume: about its own vertical axis, and towards or away from them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Turn {
    /// Radians; the front goes to the right.
    pub yaw: f64,
    /// Radians; the top comes towards the viewer.
    pub pitch: f64,
    /// 1 shows the whole volume, however it is turned.
    pub magnify: f64,
    /// How far the volume has been moved, in heights of the view: right and down.
    pub moved: DVec2,
}

impl Default for Turn {
    /// Nearly from the front: a little turn shows that there is depth.
    fn default() -> Self {
        Self { yaw: 0.35, pitch: 0.25, magnify: 1.2, moved: DVec2::ZERO }
    }
}

impl Turn {
    /// After a drag over the view, in heights of the view: what is in front follows the pointer.
    pub fn turned(self, by: DVec2) -> Self {
        const RADIANS_PER_HEIGHT: f64 = 3.0;
        let pitch = (self.pitch + by.y * RADIANS_PER_HEIGHT).clamp(-FRAC_PI_2, FRAC_PI_2);
        Self { yaw: self.yaw + by.x * RADIANS_PER_HEIGHT, pitch, ..self }
    }

    /// Larger by a factor, about a point of the view (heights of the view from its middle) that stays where it is.
    pub fn zoomed(self, factor: f64, about: DVec2) -> Self {
        let magnify = (self.magnify * factor).clamp(0.2, 50.0);
        let factor = magnify / self.magnify;
        Self { magnify, moved: about + (self.moved - about) * factor, ..self }
    }
}

/// A volume seen from outside, without perspective: lengths across the line of sight are true everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Of the target, pixels.
    size: DVec2,
    /// Rows are the directions to the right, up and towards the viewer.
    view_from_patient: DMat3,
    center: DVec3,
    /// Half of the volume's longest diagonal, mm.
    radius: f64,
    /// Target pixels per mm (or pixel of the image).
    zoom: f64,
    /// The volume's middle in the target, pixels.
    middle: DVec2,
}

impl Camera {
    /// `target_size`: in pixels.
    pub fn new(grid: &Grid, turn: Turn, target_size: [f64; 2]) -> Self {
        let corners = corners(grid);
        let center = (corners[0] + corners[7]) / 2.0;
        let radius = corners.iter().map(|c| c.distance(center)).fold(f64::MIN_POSITIVE, f64::max);
        // A patient is seen from the front, a stack of pictures as its first one is.
        let front = match grid.frame() {
            Frame::Patient => [DVec3::X, DVec3::Z, -DVec3::Y],
            Frame::Image => [DVec3::X, -DVec3::Y, -DVec3::Z],
        };
        let front = DMat3::from_cols(front[0], front[1], front[2]).transpose();
        let view_from_patient = DMat3::from_rotation_x(turn.pitch) * DMat3::from_rotation_y(turn.yaw) * front;
        let size = DVec2::from(target_size).max(DVec2::ONE);
        let zoom = size.min_element() / (2.0 * radius) * turn.magnify;
        Self { size, view_from_patient, center, radius, zoom, middle: size / 2.0 + turn.moved * size.y }
    }

    /// Target pixels per mm (or pixel of the image).
    pub fn zoom(&self) -> f64 {
        self.zoom
    }

    /// The target point of a place in LPS millimetres.
    pub fn target_of(&self, patient: DVec3) -> DVec2 {
        let seen = self.view_from_patient * (patient - self.center) * self.zoom;
        self.middle + DVec2::new(seen.x, -seen.y)
    }

    /// How much a direction points at the viewer: the cosine, -1 to 1.
    pub fn towards_viewer(&self, direction: DVec3) -> f64 {
        direction.normalize_or_zero().dot(self.view_from_patient.row(2))
    }

    /// A direction given to the right, up and towards the viewer, in the patient's frame.
    pub fn patient_direction(&self, seen: DVec3) -> DVec3 {
        self.view_from_patient.transpose() * seen
    }

    /// For the vertex shader: x and y from -1 to 1, depth from 0 at the nearest to 1 at the farthest corner.
    pub fn clip_from_patient(&self) -> DMat4 {
        let [right, up, towards] = [0, 1, 2].map(|row| self.view_from_patient.row(row));
        let at_middle = (self.middle / self.size * 2.0 - 1.0) * DVec2::new(1.0, -1.0);
        let [across, upwards] =
            [right * (2.0 * self.zoom / self.size.x), up * (2.0 * self.zoom / self.size.y)];
        let depth = towards * (-0.5 / (self.radius * 1.01));
        let row = |direction: DVec3, at: f64| DVec4::from((direction, at - direction.dot(self.center)));
        DMat4::from_cols(row(across, at_middle.x), row(upwards, at_middle.y), row(depth, 0.5), DVec4::W)
            .transpose()
    }
}

/// The corners of a volume in LPS millimetres, outer sides of the outer voxels; bit a is the high end of axis a.
pub fn corners(grid: &Grid) -> [DVec3; 8] {
    let dims = grid.dims().map(|d| d as f64);
    std::array::from_fn(|c| {
        let at = std::array::from_fn(|a| if c >> a & 1 == 1 { dims[a] - 0.5 } else { -0.5 });
        grid.patient_of(DVec3::from_array(at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Unit;
    use glam::DAffine3;

    fn patient() -> Grid {
        let affine = DAffine3::from_scale(DVec3::new(1.0, 1.0, 4.0));
        Grid::new([100, 80, 20], affine, Unit::Millimetre, Frame::Patient).unwrap()
    }

    const FRONT: Turn = Turn { yaw: 0.0, pitch: 0.0, magnify: 1.0, moved: DVec2::ZERO };

    #[test]
    fn a_patient_is_seen_from_the_front_and_lengths_are_true() {
        let camera = Camera::new(&patient(), FRONT, [300.0, 200.0]);
        let middle = camera.target_of(DVec3::new(49.5, 39.5, 38.0));
        assert!((middle - DVec2::new(150.0, 100.0)).length() < 1e-9);
        // The patient's left is on the right, the head up, and the front nearer.
        for (direction, right_and_down) in
            [(DVec3::X, DVec2::X), (DVec3::Z, -DVec2::Y), (DVec3::Y, DVec2::ZERO)]
        {
            let moved = camera.target_of(DVec3::new(49.5, 39.5, 38.0) + direction * 10.0) - middle;
            assert!((moved - right_and_down * 10.0 * camera.zoom()).length() < 1e-9, "{direction}: {moved}");
        }
        assert_eq!(camera.towards_viewer(-DVec3::Y), 1.0);
    }

    #[test]
    fn what_the_shader_sees_is_where_the_letters_are() {
        let grid = patient();
        let turn = Turn { moved: DVec2::new(0.1, -0.2), magnify: 1.7, ..Turn::default() };
        let camera = Camera::new(&grid, turn, [300.0, 200.0]);
        let clip = camera.clip_from_patient();
        for corner in corners(&grid) {
            let clip = clip * DVec4::from((corner, 1.0));
            assert!((0.0..=1.0).contains(&clip.z) && clip.w == 1.0, "{clip}");
            let target = DVec2::new(clip.x + 1.0, 1.0 - clip.y) / 2.0 * DVec2::new(300.0, 200.0);
            assert!((target - camera.target_of(corner)).length() < 1e-9);
        }
        let nearer = clip * DVec4::from((camera.patient_direction(DVec3::Z), 0.0));
        assert!(nearer.z < 0.0 && nearer.x.abs() < 1e-9 && nearer.y.abs() < 1e-9, "{nearer}");
    }

    #[test]
    fn a_drag_turns_what_is_in_front_with_the_hand_and_zooming_keeps_its_point() {
        let grid = patient();
        let front = DVec3::new(49.5, -0.5, 38.0);
        let at = |turn| Camera::new(&grid, turn, [300.0, 200.0]).target_of(front);
        let moved = at(FRONT.turned(DVec2::new(0.05, 0.03))) - at(FRONT);
        assert!(moved.x > 1.0 && moved.y > 1.0, "{moved}");
        let about = (at(Turn::default()) - DVec2::new(150.0, 100.0)) / 200.0;
        assert!((at(Turn::default().zoomed(1.3, about)) - at(Turn::default())).length() < 1e-9);
    }
}
