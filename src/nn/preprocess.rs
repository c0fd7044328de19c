//! From a slice of a volume to a network's input, by the model's card.

use super::{Channels, InputSpec, local_contrast, planes::Planes, resample::resize_planes};
use crate::volume::{Samples, Volume, Window};

/// `[width, height]` in which the network sees a slice of `[width, height]`.
pub fn working_size([width, height]: [usize; 2], spec: &InputSpec) -> [usize; 2] {
    let Some(side) = spec.longer_side else { return [width, height] };
    let scale = side as f64 / width.max(height) as f64;
    [width, height].map(|n| ((n as f64 * scale).round() as usize).max(1))
}

/// The network's input for slice `z` (which must exist), at the working size.
///
/// Values are windowed to 0–1 (see [`InputSpec::window`]), values that are not finite count as the window's lower end;
/// then each channel is evened out where the card asks for it ([`InputSpec::local_contrast`]), has the mean taken off and is divided by the deviation. A colour image gives a grey network its
/// luma; a grey image gives a colour network its value three times.
///
/// An image whose low values are to be shown white ([`Volume::low_is_white`]) is turned over after the window, so that
/// a network sees what a person sees, and what it has learned from; but not where values have a unit (HU), since those
/// mean the same however they are shown.
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
    let turned = volume.low_is_white() && volume.value_unit().is_none();
    let unit = |v: f32| match ((v - low) / (high - low)).clamp(0.0, 1.0) {
        _ if !v.is_finite() => 0.0,
        share if turned => 1.0 - share,
        share => share,
    };
    let values = values.into_iter().map(unit).collect();
    let planes = Planes { channels: spec.channels.count(), height, width, values };
    let mut planes = resize_planes(planes, working_size([width, height], spec));
    let area = planes.height * planes.width;
    for (c, plane) in planes.values.chunks_exact_mut(area).enumerate() {
        if let Some(radius) = spec.local_contrast {
            local_contrast::normalise(plane, planes.width, radius);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geom::Grid, volume::Modality};

    fn grey(depth: usize) -> Volume {
        let samples: Vec<u8> = (0..4 * depth).map(|i| (10 * i) as u8).collect();
        let grid = Grid::pixels([2, 2, depth]).unwrap();
        Volume::new(grid, Samples::U8(samples.into()), [1.0, 0.0], Modality::Oct).unwrap()
    }

    fn spec(channels: Channels) -> InputSpec {
        InputSpec { window: Some([0.0, 100.0]), ..InputSpec::unit(channels) }
    }

    #[test]
    fn the_stack_is_next_current_previous_with_the_edge_repeated() {
        let v = grey(3);
        let first = |z| -> Vec<f32> {
            let planes = slice_input(&v, z, &spec(Channels::Stack3));
            planes.values.chunks_exact(4).map(|p| p[1]).collect()
        };
        // The second pixel of slices 0, 1, 2 is 0.1, 0.5, 0.9.
        assert_eq!(first(0), [0.5, 0.1, 0.1]);
        assert_eq!(first(1), [0.9, 0.5, 0.1]);
        assert_eq!(first(2), [0.9, 0.9, 0.5]);
    }

    #[test]
    fn a_grey_image_is_repeated_and_a_colour_image_gives_its_luma() {
        let planes = slice_input(&grey(1), 0, &spec(Channels::Rgb));
        assert_eq!(planes.values, [0.0, 0.1, 0.2, 0.3].repeat(3));
        let rgb = Samples::Rgb8([[100, 0, 0], [0, 100, 0]].into());
        let v = Volume::new(Grid::pixels([2, 1, 1]).unwrap(), rgb, [1.0, 0.0], Modality::Fundus).unwrap();
        let luma = slice_input(&v, 0, &spec(Channels::Grey)).values;
        assert!((luma[0] - 0.299).abs() < 1e-6 && (luma[1] - 0.587).abs() < 1e-6, "{luma:?}");
        assert_eq!(slice_input(&v, 0, &spec(Channels::Rgb)).values, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn values_are_windowed_clipped_and_normalised() {
        let samples = Samples::I16([-1000, -100, 0, 400, 100, 300].into());
        let v = Volume::new(Grid::pixels([6, 1, 1]).unwrap(), samples, [1.0, 0.0], Modality::Ct).unwrap();
        let spec = InputSpec {
            window: Some([-100.0, 300.0]),
            mean: vec![0.5],
            std: vec![0.25],
            ..InputSpec::unit(Channels::Grey)
        };
        assert_eq!(slice_input(&v, 0, &spec).values, [-2.0, -2.0, -1.0, 2.0, 0.0, 2.0]);
    }

    #[test]
    fn a_network_sees_low_values_white_where_a_person_does() {
        let seen = |modality| {
            let samples = Samples::F32([0.0, 25.0, 120.0, f32::NAN].into());
            let v = Volume::new(Grid::pixels([4, 1, 1]).unwrap(), samples, [1.0, 0.0], modality).unwrap();
            [v.clone(), v.with_low_white(true)].map(|v| slice_input(&v, 0, &spec(Channels::Grey)).values)
        };
        assert_eq!(seen(Modality::Other), [[0.0, 0.25, 1.0, 0.0], [1.0, 0.75, 0.0, 0.0]]);
        assert_eq!(seen(Modality::Ct)[1], [0.0, 0.25, 1.0, 0.0], "HU mean the same however they are shown");
    }

    #[test]
    fn the_longer_side_decides_the_working_size() {
        let spec = InputSpec { longer_side: Some(100), ..InputSpec::unit(Channels::Grey) };
        assert_eq!(working_size([200, 50], &spec), [100, 25]);
        assert_eq!(working_size([3, 50], &spec), [6, 100]);
        assert_eq!(working_size([1000, 1], &spec), [100, 1]);
        assert_eq!(working_size([7, 9], &InputSpec::unit(Channels::Grey)), [7, 9]);
    }
}
