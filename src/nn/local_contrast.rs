//! Uneven lighting taken out of a picture: every pixel by the mean and the deviation of what surrounds it.

/// The deviation of surroundings that show nothing but the camera's noise: five of 255 grey levels.
const LEAST_DEVIATION: f64 = 0.02;

/// Brings values from 0 to 1, `width` to a row, to `0.5 + (v − m) / (4·s)`, clipped to 0–1: `m` and `s` are mean and
/// deviation over the square of `2·radius + 1` pixels around the pixel, as far as it lies in the picture.
pub fn normalise(plane: &mut [f32], width: usize, radius: usize) {
    let height = plane.len() / width.max(1);
    let mean = means(plane.iter().map(|&v| f64::from(v)), [width, height], radius);
    let squares = means(plane.iter().map(|&v| f64::from(v).powi(2)), [width, height], radius);
    for ((v, mean), square) in plane.iter_mut().zip(mean).zip(squares) {
        let deviation = (square - mean * mean).max(0.0).sqrt().max(LEAST_DEVIATION);
        *v = (0.5 + (f64::from(*v) - mean) / (4.0 * deviation)).clamp(0.0, 1.0) as f32;
    }
}

/// The mean over the square around each pixel, from sums over all rectangles that begin at the first pixel.
fn means(values: impl Iterator<Item = f64>, [width, height]: [usize; 2], radius: usize) -> Vec<f64> {
    let stride = width + 1;
    let mut sums = vec![0.0; stride * (height + 1)];
    let mut row = 0.0;
    for (i, v) in values.enumerate() {
        let [x, y] = [i % width, i / width];
        row = if x == 0 { v } else { row + v };
        sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
    }
    let around = |i: usize, n: usize| (i.saturating_sub(radius), (i + radius + 1).min(n));
    let pixels = (0..width * height).map(|i| (around(i % width, width), around(i / width, height)));
    let mean = |((x0, x1), (y0, y1)): ((usize, usize), (usize, usize))| {
        let sum =
            sums[y1 * stride + x1] - sums[y0 * stride + x1] - sums[y1 * stride + x0] + sums[y0 * stride + x0];
        sum / ((x1 - x0) * (y1 - y0)) as f64
    };
    pixels.map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_those_of_the_square_inside_the_picture() {
        let found = means((1..=6).map(f64::from), [3, 2], 1);
        assert_eq!(found, [3.0, 3.5, 4.0, 3.0, 3.5, 4.0]);
        assert_eq!(means((1..=6).map(f64::from), [3, 2], 9), [3.5; 6]);
        assert_eq!(means((1..=3).map(f64::from), [3, 1], 0), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn light_and_contrast_make_no_difference() {
        let pattern: Vec<f32> = (0..400).map(|i| (i * 37 % 101) as f32 / 101.0).collect();
        let under = |light: f32, contrast: f32| {
            let mut plane: Vec<f32> = pattern.iter().map(|v| light + contrast * v).collect();
            normalise(&mut plane, 20, 5);
            plane
        };
        let (bright, dim) = (under(0.4, 0.6), under(0.05, 0.2));
        assert!(bright.iter().zip(&dim).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!(bright.iter().any(|v| *v < 0.2) && bright.iter().any(|v| *v > 0.8));
    }

    #[test]
    fn a_flat_picture_stays_flat() {
        let mut plane = vec![0.3; 12];
        normalise(&mut plane, 4, 2);
        assert!(plane.iter().all(|v| (v - 0.5).abs() < 1e-6), "{plane:?}");
    }
}
