//! Filters over planes `[channels][height][width]`; the edge pixels go on beyond the edge.

/// PIL's Gaussian blur without its rounding to bytes: three boxes one after the other along each axis, whose ends weigh a part
/// (Gwosdek et al., "Theoretical Foundations of Gaussian Convolution by Extended Box Filtering", 2011).
pub(super) fn gaussian(planes: &mut [f32], [width, height]: [usize; 2], sigma: f32) {
    if sigma <= 0.0 {
        return;
    }
    let radius = box_radius(sigma);
    let mut line = vec![];
    for plane in planes.chunks_exact_mut(width * height) {
        for row in plane.chunks_exact_mut(width) {
            line.clear();
            line.extend_from_slice(row);
            row.copy_from_slice(&boxes(&line, radius));
        }
        for x in 0..width {
            line.clear();
            line.extend((0..height).map(|y| plane[y * width + x]));
            for (y, v) in boxes(&line, radius).into_iter().enumerate() {
                plane[y * width + x] = v;
            }
        }
    }
}

/// Radius of three extended boxes with the variance of a Gaussian.
fn box_radius(sigma: f32) -> f32 {
    let variance = sigma * sigma / PASSES as f32;
    let whole = (((12.0 * variance + 1.0).sqrt() - 1.0) / 2.0).floor();
    let part = (2.0 * whole + 1.0) * (whole * (whole + 1.0) - 3.0 * variance)
        / (6.0 * (variance - (whole + 1.0) * (whole + 1.0)));
    whole + part
}

const PASSES: usize = 3;

fn boxes(line: &[f32], radius: f32) -> Vec<f32> {
    let (whole, last) = (radius as usize, line.len() as isize - 1);
    let weight = 1.0 / (2.0 * radius + 1.0);
    let end = (1.0 - (2 * whole + 1) as f32 * weight) / 2.0;
    let mut line = line.to_vec();
    for _ in 0..PASSES {
        let at = |i: isize| line[i.clamp(0, last) as usize];
        let reach = whole as isize;
        line = (0..=last)
            .map(|i| {
                let inner: f32 = (i - reach..=i + reach).map(at).sum();
                inner * weight + (at(i - reach - 1) + at(i + reach + 1)) * end
            })
            .collect();
    }
    line
}

/// Blends with PIL's `SMOOTH`, which weighs a pixel 5 and its neighbours 1 and leaves the outermost pixels as they are.
pub(super) fn sharpness(planes: &mut [f32], [width, height]: [usize; 2], factor: f32) {
    for plane in planes.chunks_exact_mut(width * height) {
        let before = plane.to_vec();
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                let i = y * width + x;
                let around: f32 =
                    [i - width, i, i + width].into_iter().flat_map(|i| &before[i - 1..=i + 1]).sum();
                let smooth = (around + 4.0 * before[i]) / 13.0;
                plane[i] = (smooth + (before[i] - smooth) * factor).clamp(0.0, 1.0);
            }
        }
    }
}
