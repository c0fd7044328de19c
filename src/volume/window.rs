use super::{HOUNSFIELD, Samples, Volume};
use serde::{Deserialize, Serialize};

/// The range of values that is shown from black to white.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    pub center: f32,
    pub width: f32,
}

impl Window {
    pub fn from_range(low: f32, high: f32) -> Self {
        Self { center: (low + high) / 2.0, width: (high - low).max(f32::MIN_POSITIVE) }
    }

    pub fn low(self) -> f32 {
        self.center - self.width / 2.0
    }

    pub fn high(self) -> f32 {
        self.center + self.width / 2.0
    }

    /// What a volume opens with: soft tissue for CT in HU, the full range for 8-bit pictures, and between the 0.5th and
    /// 99.5th percentile of a sample of the voxels otherwise.
    pub fn default_for(volume: &Volume) -> Self {
        if let Some(usual) = presets(volume).first() {
            return usual.window;
        }
        if matches!(volume.samples(), Samples::U8(_) | Samples::Rgb8(_)) {
            let [slope, intercept] = volume.rescale();
            return Self::from_range(intercept, 255.0 * slope + intercept);
        }
        let [slope, intercept] = volume.rescale();
        let samples = volume.samples();
        let stride = (samples.len() / 100_000).max(1);
        let mut seen: Vec<f32> = (0..samples.len())
            .step_by(stride)
            .map(|i| samples.scalar(i) * slope + intercept)
            .filter(|v| v.is_finite())
            .collect();
        if seen.is_empty() {
            return Self::from_range(0.0, 1.0);
        }
        seen.sort_unstable_by(f32::total_cmp);
        let at = |q: f32| seen[((seen.len() - 1) as f32 * q) as usize];
        let (low, high) = (at(0.005), at(0.995));
        if low < high {
            Self::from_range(low, high)
        } else {
            Self::from_range(seen[0] - 0.5, seen[seen.len() - 1] + 0.5)
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct WindowPreset {
    pub title: &'static str,
    pub window: Window,
}

/// Shift+1 to Shift+5. Widths and centres as radiology uses them, in HU.
pub fn presets(volume: &Volume) -> &'static [WindowPreset] {
    const fn preset(title: &'static str, center: f32, width: f32) -> WindowPreset {
        WindowPreset { title, window: Window { center, width } }
    }
    const CT: &[WindowPreset] = &[
        preset("Soft tissue", 40.0, 400.0),
        preset("Lung", -600.0, 1500.0),
        preset("Bone", 480.0, 2500.0),
        preset("Liver", 90.0, 150.0),
        preset("Brain", 40.0, 80.0),
    ];
    match volume.value_unit() {
        Some(HOUNSFIELD) => CT,
        _ => &[],
    }
}
