//! From a slice of a volume to a network's input, by the model's card.

use super::{Channels, InputSpec, resample::resize_planes};
use crate::volume::{Samples, Volume, Window};

/// Planes `[channels][height][width]`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub values: Vec<f32>,
}

/// `[width, height]` in which the network sees a slice of `[width, height]`.
pub fn working_size([width, height]: [usize; 2], spec: &InputSpec) -> [usize; 2] {
    let Some(side) = spec.longer_side else { return [width, height] };
    let scale = side as f64 / width.max(height) as f64;
    [width, height].map(|n| ((n as f64 * scale).round() as usize).max(1))
}

/// The network's input for slice `z` (which must exist), at the working size.
///
/// Values are windowed to 0–1 (see [`InputSpec::window`]), values that are not finite count as the window's lower end;
/// then each channel has the mean taken off and is divided by the deviation. A colour image gives a grey network its
/// luma; a grey image gives a colour network its value three times.
pub fn slice_input(volume: &Volume, z: usize, spec: &InputSpec) -> Planes {
    let [width, height, depth] = volume.dims();
    let [low, high] = spec.window.unwrap_or_else(|| {
        let window = Window::default_for(volume);
        [window.low(), window.high()]
    });
    let values = match spec.channels {
        Channels::Grey => luma(volume, z),
        Channels::Rgb if volume.channels() == 3 => volume.slice_values(z),
        Channels::Rgb => luma(volume, z).repeat(3),
        Channels::Stack3 => [(z + 1).min(depth - 1), z, z.saturating_sub(1)]
            .into_iter()
            .flat_map(|z| luma(volume, z))
            .collect(),
    };
    let unit = |v: f32| if v.is_finite() { ((v - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
    let values = values.into_iter().map(unit).collect();
    let planes = Planes { channels: spec.channels.count(), height, width, values };
    let mut planes = resize_planes(planes, working_size([width, height], spec));
    let area = planes.height * planes.width;
    for (c, plane) in planes.values.chunks_exact_mut(area).enumerate() {
        let (mean, std) = (spec.mean.get(c).copied().unwrap_or(0.0), spec.std.get(c).copied().unwrap_or(1.0));
        plane.iter_mut().for_each(|v| *v = (*v - mean) / std);
    }
    planes
}

/// One channel of slice `z` in the image's unit.
fn luma(volume: &Volume, z: usize) -> Vec<f32> {
    let Samples::Rgb8(_) = volume.samples() else { return volume.slice_values(z) };
    let [width, height, _] = volume.dims();
    (z * width * height..(z + 1) * width * height).map(|i| volume.samples().scalar(i)).collect()
}
