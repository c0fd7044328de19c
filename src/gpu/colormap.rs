//! The colours of the probability heat map.
//!
//! Lightness rises in equal steps from dark blue through red to light yellow, so that order is seen by everybody, with
//! any colour blindness and in grey; hue and chroma only help. Computed in OKLCh (Ottosson, "A perceptual color space
//! for image processing", 2020).

use std::f64::consts::TAU;
use std::sync::LazyLock;

const LIGHTNESS: [f64; 2] = [0.30, 0.96];
/// Turns: blue, violet, red, orange, yellow.
const HUE: [f64; 2] = [0.76, 1.29];
const MAX_CHROMA: f64 = 0.18;

/// 256 entries for probabilities 0 to 1, packed as `0xffBBGGRR`.
pub(crate) static HEAT_MAP: LazyLock<[u32; 256]> = LazyLock::new(heat_map);

/// Red, green and blue of a probability from 0 to 1, for a legend.
pub fn heat_color(probability: f32) -> [u8; 3] {
    let index = (probability.clamp(0.0, 1.0) * 255.0).round() as usize;
    let [r, g, b, _] = HEAT_MAP[index].to_le_bytes();
    [r, g, b]
}

fn heat_map() -> [u32; 256] {
    std::array::from_fn(|i| {
        let along = |[from, to]: [f64; 2]| from + (to - from) * i as f64 / 255.0;
        let [r, g, b] = most_colorful(along(LIGHTNESS), along(HUE)).map(|c| encode(c) as u32);
        0xff00_0000 | b << 16 | g << 8 | r
    })
}

/// The color with the largest chroma, up to [`MAX_CHROMA`], that a screen can show.
fn most_colorful(lightness: f64, hue: f64) -> [f64; 3] {
    let (sin, cos) = (hue * TAU).sin_cos();
    let at = |chroma: f64| linear_from_oklab([lightness, chroma * cos, chroma * sin]);
    let shown = |c: [f64; 3]| c.iter().all(|&v| (0.0..=1.0).contains(&v));
    let (mut low, mut high) = (0.0, MAX_CHROMA);
    if shown(at(high)) {
        return at(high);
    }
    for _ in 0..32 {
        let middle = (low + high) / 2.0;
        if shown(at(middle)) { low = middle } else { high = middle }
    }
    at(low)
}

fn linear_from_oklab([lightness, a, b]: [f64; 3]) -> [f64; 3] {
    let l = (lightness + 0.3963377774 * a + 0.2158037573 * b).powi(3);
    let m = (lightness - 0.1055613458 * a - 0.0638541728 * b).powi(3);
    let s = (lightness - 0.0894841775 * a - 1.2914855480 * b).powi(3);
    [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    ]
}

/// IEC 61966-2-1, to 0..=255.
fn encode(linear: f64) -> u8 {
    let v = if linear <= 0.0031308 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (v.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lightness(packed: u32) -> f64 {
        let linear = [0, 8, 16].map(|shift| {
            let v = f64::from(packed >> shift & 0xff) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        let dot = |m: [f64; 3]| m[0] * linear[0] + m[1] * linear[1] + m[2] * linear[2];
        let l = dot([0.4122214708, 0.5363325363, 0.0514459929]).cbrt();
        let m = dot([0.2119034982, 0.6806995451, 0.1073969566]).cbrt();
        let s = dot([0.0883024619, 0.2817188376, 0.6299787005]).cbrt();
        0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s
    }

    #[test]
    fn lightness_rises_in_equal_steps() {
        let map = heat_map();
        for (i, &packed) in map.iter().enumerate() {
            let wanted = LIGHTNESS[0] + (LIGHTNESS[1] - LIGHTNESS[0]) * i as f64 / 255.0;
            // Eight bits a channel round lightness by less than this.
            assert!((lightness(packed) - wanted).abs() < 0.004, "entry {i}: {packed:08x}");
        }
    }

    #[test]
    fn the_ends_are_blue_and_yellow() {
        let map = heat_map();
        let [r, g, b] = [0, 8, 16].map(|s| map[0] >> s & 0xff);
        assert!(b > r && b > g, "{:08x}", map[0]);
        let [r, g, b] = [0, 8, 16].map(|s| map[255] >> s & 0xff);
        assert!(r > 200 && g > 200 && b < 200, "{:08x}", map[255]);
    }
}
