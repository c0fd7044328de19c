use glam::{DAffine2, DVec2};

/// Where a slice lies in a view.
///
/// The target is the view in physical pixels, from its top left corner. Slice coordinates are continuous: pixel (i, j)
/// covers i..i+1 right and j..j+1 down, so its centre is at i + 0.5, j + 0.5. [`ViewTransform::pixel_at`] gives the
/// coordinates of `PlaneAxes`, in which a pixel's centre is a whole number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ViewTransform {
    target_from_slice: DAffine2,
    slice_from_target: DAffine2,
}

impl ViewTransform {
    /// `None` where the map has no inverse.
    pub fn new(target_from_slice: DAffine2) -> Option<Self> {
        let slice_from_target = target_from_slice.inverse();
        (target_from_slice.is_finite() && slice_from_target.is_finite())
            .then_some(Self { target_from_slice, slice_from_target })
    }

    /// `zoom`: target pixels per unit of pixel size (mm, or image pixels where spacing is unknown).
    /// `center`: the point of the slice, in continuous slice coordinates, that is shown in the middle of the view.
    pub fn centered(target_size: [f64; 2], pixel_size: [f64; 2], zoom: f64, center: DVec2) -> Self {
        let positive = |v: f64| if v.is_finite() && v > 0.0 { v } else { 1.0 };
        let scale = DVec2::from(pixel_size.map(positive)) * positive(zoom);
        let offset = DVec2::from(target_size) / 2.0 - scale * center;
        let target_from_slice = DAffine2::from_scale_angle_translation(scale, 0.0, offset);
        let inverse = DAffine2::from_scale_angle_translation(scale.recip(), 0.0, -offset / scale);
        Self { target_from_slice, slice_from_target: inverse }
    }

    /// The largest zoom at which the whole slice is seen.
    pub fn fit_zoom(target_size: [f64; 2], pixel_size: [f64; 2], slice_size: [usize; 2]) -> f64 {
        let along = |a: usize| target_size[a].max(1.0) / (slice_size[a].max(1) as f64 * pixel_size[a]);
        along(0).min(along(1))
    }

    /// The whole slice, centred, with the shape that its pixel size gives it.
    pub fn fit(target_size: [f64; 2], pixel_size: [f64; 2], slice_size: [usize; 2]) -> Self {
        let zoom = Self::fit_zoom(target_size, pixel_size, slice_size);
        let center = DVec2::new(slice_size[0] as f64, slice_size[1] as f64) / 2.0;
        Self::centered(target_size, pixel_size, zoom, center)
    }

    /// Continuous slice coordinates of a target point.
    pub fn slice_from_target(&self, target: DVec2) -> DVec2 {
        self.slice_from_target.transform_point2(target)
    }

    /// Target point of continuous slice coordinates.
    pub fn target_from_slice(&self, slice: DVec2) -> DVec2 {
        self.target_from_slice.transform_point2(slice)
    }

    /// Pixel coordinates as in `PlaneAxes::voxel_of_pixel` (centres are whole numbers) of a target point.
    pub fn pixel_at(&self, target: DVec2) -> DVec2 {
        self.slice_from_target(target) - 0.5
    }

    /// Target point of pixel coordinates as in `PlaneAxes::pixel_of_voxel`.
    pub fn target_of_pixel(&self, pixel: DVec2) -> DVec2 {
        self.target_from_slice(pixel + 0.5)
    }

    /// The inverse map, as the shader takes it.
    pub fn slice_from_target_affine(&self) -> DAffine2 {
        self.slice_from_target
    }
}

/// A scale bar of a round length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScaleBar {
    /// In the unit of the pixel size.
    pub length: f64,
    /// On screen.
    pub target_px: f64,
}

impl ScaleBar {
    /// "50 mm", "2 cm", "500 µm"; or "100 px" where spacing is unknown.
    pub fn text(&self, millimetres: bool) -> String {
        match self.length {
            l if !millimetres => format!("{} px", tidy(l)),
            l if l >= 10.0 => format!("{} cm", tidy(l / 10.0)),
            l if l < 1.0 => format!("{} µm", tidy(l * 1000.0)),
            l => format!("{} mm", tidy(l)),
        }
    }
}

fn tidy(v: f64) -> String {
    let text = format!("{v:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The longest bar of 1, 2 or 5 times a power of ten that is at most `max_target_px` long, at `zoom` target pixels per
/// unit. `None` where the zoom is not a positive number.
pub fn scale_bar(zoom: f64, max_target_px: f64) -> Option<ScaleBar> {
    let longest = max_target_px / zoom;
    if !(longest.is_finite() && longest > 0.0 && zoom > 0.0) {
        return None;
    }
    let decade = 10f64.powf(longest.log10().floor());
    // A hair of slack, so that a length that is meant to fit exactly does.
    let length =
        [10.0, 5.0, 2.0, 1.0].map(|m| m * decade).into_iter().find(|&l| l <= longest * (1.0 + 1e-9))?;
    Some(ScaleBar { length, target_px: length * zoom })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fitted_slice_touches_two_sides_and_keeps_its_shape() {
        // 100 x 50 pixels of 1 x 4 mm in a 300 x 300 view: 100 mm wide, 200 mm high.
        let view = ViewTransform::fit([300.0, 300.0], [1.0, 4.0], [100, 50]);
        assert_eq!(view.target_from_slice(DVec2::ZERO), DVec2::new(75.0, 0.0));
        assert_eq!(view.target_from_slice(DVec2::new(100.0, 50.0)), DVec2::new(225.0, 300.0));
        let at = view.target_of_pixel(DVec2::new(3.0, 7.0));
        assert!((view.pixel_at(at) - DVec2::new(3.0, 7.0)).length() < 1e-12);
    }

    #[test]
    fn a_map_without_inverse_is_refused() {
        assert_eq!(ViewTransform::new(DAffine2::from_scale(DVec2::new(1.0, 0.0))), None);
    }

    #[test]
    fn bars_have_round_lengths_that_fit() {
        for (zoom, max, length) in
            [(1.0, 120.0, 100.0), (3.0, 120.0, 20.0), (0.37, 120.0, 200.0), (40.0, 100.0, 2.0)]
        {
            let bar = scale_bar(zoom, max).unwrap();
            assert!((bar.length - length).abs() < 1e-9, "{zoom}: {bar:?}");
            assert!(bar.target_px <= max + 1e-6 && bar.target_px > max * 0.4);
        }
        assert_eq!(scale_bar(0.0, 100.0), None);
        assert_eq!(scale_bar(f64::NAN, 100.0), None);
        let text = |length, mm| ScaleBar { length, target_px: 1.0 }.text(mm);
        assert_eq!(
            [text(50.0, true), text(5.0, true), text(0.2, true), text(50.0, false)],
            ["5 cm", "5 mm", "200 µm", "50 px"]
        );
    }
}
