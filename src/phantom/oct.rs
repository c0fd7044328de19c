//! An OCT volume of the macula: retinal layers, speckle, and the three kinds of fluid of the edema data set.

use super::{
    Look, Phantom,
    noise::{Smooth, generator, uniform},
};
use crate::{
    geom::Grid,
    label::{LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use rand::RngExt;

/// 256 A-scans × 256 rows × 16 B-scans, 8-bit; labels 1 REA, 2 SRF, 3 PED.
pub fn oct(seed: u64, look: Look) -> Phantom {
    oct_sized(seed, look, [256, 256, 16])
}

/// As [`oct`], with other numbers of A-scans, rows and B-scans over the same 6 × 2 × 6 mm.
pub fn oct_sized(seed: u64, look: Look, dims: [usize; 3]) -> Phantom {
    let dims = [dims[0].max(32), dims[1].max(32), dims[2].max(1)];
    let [w, h, d] = dims;
    let eye = Retina::new(seed);
    let mut rng = generator(seed, 11);
    let shadow = Smooth::new(&mut rng);
    let mut samples = vec![0u8; w * h * d];
    let mut truth = vec![0u16; w * h * d];
    let (floor, gain, gamma, looks, blur) = match look {
        Look::Standard => (0.09, 0.92, 1.0, 3, 0.10),
        Look::Shifted => (0.17, 0.62, 0.8, 2, 0.20),
    };
    for z in 0..d {
        let mut speckle = generator(seed, 100 + z as u64);
        let mut plane = vec![0.0f32; w * h];
        for x in 0..w {
            let at = [(x as f32 + 0.5) / w as f32 * 2.0 - 1.0, (z as f32 + 0.5) / d as f32 * 2.0 - 1.0];
            let column = eye.column(at);
            // Vessels in the inner retina cast shadows.
            let vessel = (shadow.at([at[0] * 7.0, at[1] * 2.0, 0.0]) - 0.45).max(0.0) * 0.9;
            for y in 0..h {
                let depth = (y as f32 + 0.5) / h as f32;
                let (mut light, label) = column.at(depth);
                if depth > column.surfaces[1] {
                    light *= 1.0 - vessel;
                }
                truth[(z * h + y) * w + x] = label;
                // Speckle: averaged exponential intensities (Goodman, Speckle Phenomena, ch. 3).
                let mean: f32 =
                    (0..looks).map(|_| -(1.0 - speckle.random::<f32>()).ln()).sum::<f32>() / looks as f32;
                plane[y * w + x] = (floor + gain * light) * (0.45 + 0.55 * mean);
            }
        }
        super::noise::soften(&mut plane, w, blur);
        for (sample, value) in samples[z * w * h..(z + 1) * w * h].iter_mut().zip(&plane) {
            *sample = (255.0 * value.max(0.0).powf(gamma)).round().min(255.0) as u8;
        }
    }
    let expected = "a box of the stated size";
    let spacing = [6.0 / w as f64, 2.0 / h as f64, 6.0 / d as f64];
    Phantom {
        name: "OCT phantom",
        volume: Volume::new(
            Grid::spaced(dims, spacing).expect(expected),
            Samples::U8(samples.into()),
            [1.0, 0.0],
            Modality::Oct,
        )
        .expect(expected),
        truth: LabelMap::from_values(dims, &truth).expect(expected),
        labels: LabelTable::named(&["REA (oedema)", "SRF (subretinal fluid)", "PED (epithelial detachment)"]),
    }
}

/// Lateral positions are in [-1, 1]², depths in [0, 1] of the scan.
struct Retina {
    wave: Smooth,
    cysts: Smooth,
    tilt: [f32; 2],
    top: f32,
    oedema: Dome,
    fluid: Dome,
    detachment: Dome,
}

/// A lens of fluid: its place, its radii and its greatest height.
struct Dome {
    center: [f32; 2],
    radius: [f32; 2],
    height: f32,
}

impl Dome {
    fn at(&self, p: [f32; 2]) -> f32 {
        let r2: f32 = (0..2).map(|a| ((p[a] - self.center[a]) / self.radius[a]).powi(2)).sum();
        self.height * (1.0 - r2).max(0.0).powf(0.8)
    }
}

/// Layer boundaries (depth) of one A-scan and the layers' reflectivity between them.
struct Column {
    /// ILM, RNFL|GCL, GCL|INL, INL|OPL, OPL|ONL, ONL|EZ, EZ|outer segments, RPE upper edge, RPE lower edge, fluid under
    /// the RPE ends, choroid ends.
    surfaces: [f32; 11],
    layer_light: [f32; 11],
    layer_label: [u16; 11],
    /// Light of the cysts that this A-scan crosses within the oedema.
    cyst: [f32; 2],
}

impl Retina {
    fn new(seed: u64) -> Self {
        let mut rng = generator(seed, 10);
        let (wave, cysts) = (Smooth::new(&mut rng), Smooth::new(&mut rng));
        let mut dome = |reach: f32, radius: [f32; 2], height: [f32; 2]| Dome {
            center: [uniform(&mut rng, -reach, reach), uniform(&mut rng, -reach, reach)],
            radius: [uniform(&mut rng, radius[0], radius[1]), uniform(&mut rng, 0.45, 0.8)],
            height: uniform(&mut rng, height[0], height[1]),
        };
        let oedema = dome(0.35, [0.4, 0.65], [0.05, 0.09]);
        let fluid = dome(0.3, [0.25, 0.45], [0.06, 0.11]);
        let mut detachment = dome(0.25, [0.16, 0.28], [0.05, 0.10]);
        // Beside the subretinal fluid, not under its middle.
        let side = if uniform(&mut rng, 0.0, 1.0) < 0.5 { -1.0 } else { 1.0 };
        detachment.center[0] = fluid.center[0] + side * uniform(&mut rng, 0.45, 0.6);
        let tilt = [uniform(&mut rng, -0.05, 0.05), uniform(&mut rng, -0.03, 0.03)];
        let top = uniform(&mut rng, 0.27, 0.33);
        Self { wave, cysts, tilt, top, oedema, fluid, detachment }
    }

    fn column(&self, p: [f32; 2]) -> Column {
        let ripple = |k: f32, row: f32| self.wave.at([p[0] * k, p[1] * k, row]);
        // The bed on which the retina lies, then upwards layer by layer.
        let bed = self.top
            + 0.33
            + self.tilt[0] * p[0]
            + self.tilt[1] * p[1]
            + 0.06 * p[0] * p[0]
            + 0.012 * ripple(1.5, 0.0);
        let detached = self.detachment.at(p);
        let fluid = self.fluid.at(p);
        let swelling = self.oedema.at(p);
        let fovea = (-(p[0] * p[0] + p[1] * p[1]) / 0.07).exp();
        let thick = |base: f32, row: f32| base * (1.0 + 0.12 * ripple(3.0, row));
        let rpe_low = bed - detached;
        let rpe_top = rpe_low - thick(0.022, 1.0);
        let outer = rpe_top - fluid;
        let ez_low = outer - thick(0.012, 2.0);
        let ez_top = ez_low - thick(0.014, 3.0);
        let onl_top = ez_top - thick(0.065, 4.0) - 0.55 * swelling;
        let opl_top = onl_top - thick(0.020, 5.0) * (1.0 - 0.6 * fovea);
        let inl_top = opl_top - thick(0.034, 6.0) * (1.0 - 0.8 * fovea) - 0.45 * swelling;
        let gcl_top = inl_top - thick(0.052, 7.0) * (1.0 - 0.85 * fovea);
        let ilm = gcl_top - thick(0.030, 8.0) * (1.0 - 0.8 * fovea) * (1.0 + 0.5 * p[0]);
        let wet = u16::from(swelling > 0.012);
        Column {
            surfaces: [ilm, gcl_top, inl_top, opl_top, onl_top, ez_top, ez_low, outer, rpe_top, rpe_low, bed],
            // Reflectivity above each surface: vitreous, RNFL, GCL+IPL, INL, OPL, ONL, EZ, outer segments, SRF, RPE, PED.
            layer_light: [0.0, 0.62, 0.40, 0.20, 0.36, 0.13, 0.70, 0.34, 0.02, 0.86, 0.07],
            layer_label: [0, 0, 0, wet, wet, wet, 0, 0, 2, 0, 3],
            cyst: [
                self.cysts.at([p[0] * 9.0, p[1] * 4.0, 1.0]),
                self.cysts.at([p[0] * 9.0, p[1] * 4.0, 9.0]),
            ],
        }
    }
}

impl Column {
    /// Reflectivity and label at a depth.
    fn at(&self, depth: f32) -> (f32, u16) {
        let Some(layer) = self.surfaces.iter().position(|&s| depth < s) else {
            // Choroid: bright below the RPE, fading.
            let below = depth - self.surfaces[10];
            return (0.42 * (-below / 0.13).exp(), 0);
        };
        let label = self.layer_label[layer];
        let mut light = self.layer_light[layer];
        // Oedema darkens the swollen layers, cysts most.
        if label == 1 {
            let cyst = if layer == 5 { self.cyst[0] } else { self.cyst[1] };
            light *= if cyst > 0.1 { 0.25 } else { 0.72 };
        }
        (light, label)
    }
}
