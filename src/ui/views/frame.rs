use crate::geom::{Plane, PlaneAxes};
use crate::gpu::ViewTransform;
use crate::ui::view_state::PlaneViewState;
use crate::volume::Volume;
use egui::{Pos2, Rect, pos2};
use glam::{DVec2, DVec3};

/// Where a slice lies on screen: from points of the window to voxels and back.
#[derive(Clone, Copy, Debug)]
pub struct ViewFrame {
    pub plane: Plane,
    pub axes: PlaneAxes,
    pub slice: usize,
    /// The crosshair, a voxel.
    pub cursor: [usize; 3],
    /// In points.
    pub rect: Rect,
    pub dims: [usize; 3],
    pub transform: ViewTransform,
    /// Physical screen pixels per mm (or pixel).
    pub zoom: f64,
    points_per_px: f64,
}

/// The image does not touch the view's edge when it is fitted.
const MARGIN: f64 = 0.96;

impl ViewFrame {
    pub fn new(
        volume: &Volume,
        plane: Plane,
        cursor: [usize; 3],
        rect: Rect,
        view_state: PlaneViewState,
        pixels_per_point: f32,
    ) -> Self {
        let grid = volume.grid();
        let axes = grid.plane_axes(plane);
        let dims = grid.dims();
        let size = axes.size(dims);
        let pixel_size = axes.pixel_size(grid);
        let px = f64::from(pixels_per_point);
        let target = [f64::from(rect.width()) * px, f64::from(rect.height()) * px];
        let zoom = ViewTransform::fit_zoom(target, pixel_size, size) * MARGIN * view_state.magnify;
        let center = view_state.center.unwrap_or_else(|| DVec2::new(size[0] as f64, size[1] as f64) / 2.0);
        let transform = ViewTransform::centered(target, pixel_size, zoom, center);
        let slice = cursor[axes.normal.index()];
        Self { plane, axes, slice, cursor, rect, dims, transform, zoom, points_per_px: 1.0 / px }
    }

    fn target_of(&self, at: Pos2) -> DVec2 {
        let from_corner = at - self.rect.min;
        DVec2::new(f64::from(from_corner.x), f64::from(from_corner.y)) / self.points_per_px
    }

    /// Continuous slice coordinates (a pixel covers i..i+1) of a point of the window.
    pub fn slice_point(&self, at: Pos2) -> DVec2 {
        self.transform.slice_from_target(self.target_of(at))
    }

    /// Voxel coordinates (centres are whole numbers), perhaps outside the image.
    pub fn voxel_at(&self, at: Pos2) -> DVec3 {
        let pixel = self.transform.pixel_at(self.target_of(at));
        self.axes.voxel_of_pixel(self.dims, self.slice as f64, pixel.to_array())
    }

    /// The point of the window where voxel coordinates lie.
    pub fn point_of(&self, voxel: DVec3) -> Pos2 {
        let (_, pixel) = self.axes.pixel_of_voxel(self.dims, voxel);
        let target = self.transform.target_of_pixel(DVec2::from(pixel)) * self.points_per_px;
        pos2(self.rect.min.x + target.x as f32, self.rect.min.y + target.y as f32)
    }

    /// Points of the window per mm (or pixel).
    pub fn points_per_unit(&self) -> f64 {
        self.zoom * self.points_per_px
    }

    /// The look after moving the image by a distance on screen, in points.
    pub fn panned(&self, view_state: PlaneViewState, by: egui::Vec2) -> PlaneViewState {
        let center = self.slice_point(self.rect.center() - by);
        PlaneViewState { center: Some(center), ..view_state }
    }

    /// The look after magnifying about a point of the window, which stays where it is.
    pub fn zoomed(&self, view_state: PlaneViewState, factor: f64, about: Pos2) -> PlaneViewState {
        let magnify = (view_state.magnify * factor).clamp(0.1, 200.0);
        let factor = magnify / view_state.magnify;
        let (center, fixed) = (self.slice_point(self.rect.center()), self.slice_point(about));
        PlaneViewState { magnify, center: Some(fixed + (center - fixed) / factor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom;
    use egui::vec2;

    fn frame(volume: &Volume, plane: Plane, view_state: PlaneViewState) -> ViewFrame {
        let rect = Rect::from_min_size(pos2(100.0, 50.0), vec2(400.0, 300.0));
        ViewFrame::new(volume, plane, [10, 20, 5], rect, view_state, 1.5)
    }

    #[test]
    fn points_and_voxels_are_inverse_in_every_plane() {
        let phantom = phantom::ct_sized(1, phantom::Look::Standard, [24, 24, 12]);
        for plane in Plane::ALL {
            let view_state = PlaneViewState { magnify: 2.5, center: Some(DVec2::new(7.0, 3.0)) };
            let view = frame(&phantom.volume, plane, view_state);
            let at = pos2(222.0, 111.0);
            assert!((view.point_of(view.voxel_at(at)) - at).length() < 1e-3, "{plane:?}");
        }
    }

    #[test]
    fn zooming_keeps_the_point_below_the_pointer_and_panning_moves_with_it() {
        let phantom = phantom::ct_sized(1, phantom::Look::Standard, [24, 24, 12]);
        let view_state = PlaneViewState::default();
        let view = frame(&phantom.volume, Plane::Axial, view_state);
        let at = pos2(180.0, 140.0);
        let below = view.slice_point(at);
        let zoomed = frame(&phantom.volume, Plane::Axial, view.zoomed(view_state, 1.7, at));
        assert!((zoomed.slice_point(at) - below).length() < 1e-3);
        let by = vec2(31.0, -17.0);
        let moved = frame(&phantom.volume, Plane::Axial, view.panned(view_state, by));
        assert!((moved.slice_point(at + by) - below).length() < 1e-3);
    }
}
