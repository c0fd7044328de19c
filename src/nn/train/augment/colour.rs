//! Changes of colour on planes `[3][pixels]` (or any number of channels where that makes sense), values from 0 to 1: PIL's
//! `ImageEnhance` and torchvision's hue without their rounding to bytes.

/// The luma of ITU-R BT.601.
pub(super) fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// Blends with black.
pub(super) fn brightness(planes: &mut [f32], factor: f32) {
    for v in planes {
        *v = (*v * factor).clamp(0.0, 1.0);
    }
}

/// Blends with the mean of the luma (of a grey picture, of its values).
pub(super) fn contrast(planes: &mut [f32], colour: bool, factor: f32) {
    let mean = if colour {
        let pixels = planes.len() / 3;
        (0..pixels).map(|i| luma(rgb(planes, i))).sum::<f32>() / pixels.max(1) as f32
    } else {
        planes.iter().sum::<f32>() / planes.len().max(1) as f32
    };
    for v in planes {
        *v = (mean + (*v - mean) * factor).clamp(0.0, 1.0);
    }
}

/// Blends with the luma.
pub(super) fn saturation(planes: &mut [f32], factor: f32) {
    each(planes, |rgb| {
        let grey = luma(rgb);
        rgb.map(|v| (grey + (v - grey) * factor).clamp(0.0, 1.0))
    });
}

/// Turns the colour circle by `turns`; lightness and saturation stay.
pub(super) fn hue(planes: &mut [f32], turns: f32) {
    each(planes, |[r, g, b]| {
        let (high, low) = (r.max(g).max(b), r.min(g).min(b));
        let range = high - low;
        if range <= 0.0 {
            return [r, g, b];
        }
        let sector = if high == r {
            (g - b) / range
        } else if high == g {
            2.0 + (b - r) / range
        } else {
            4.0 + (r - g) / range
        };
        let sector = (sector + 6.0 * turns).rem_euclid(6.0);
        // From the hexcone back (A. R. Smith, "Color gamut transform pairs", 1978).
        [5.0, 3.0, 1.0].map(|n: f32| {
            let k = (n + sector).rem_euclid(6.0);
            high - range * k.min(4.0 - k).clamp(0.0, 1.0)
        })
    });
}

fn rgb(planes: &[f32], i: usize) -> [f32; 3] {
    let pixels = planes.len() / 3;
    [planes[i], planes[pixels + i], planes[2 * pixels + i]]
}

fn each(planes: &mut [f32], change: impl Fn([f32; 3]) -> [f32; 3]) {
    let pixels = planes.len() / 3;
    for i in 0..pixels {
        for (c, v) in change(rgb(planes, i)).into_iter().enumerate() {
            planes[c * pixels + i] = v;
        }
    }
}
