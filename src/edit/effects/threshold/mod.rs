//! A label from the values of the image.

mod automatic;
mod presets;

use super::{Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish, rows::Rows, work};
use crate::{label::Connectivity, volume::Modality};
use automatic::{Bins, Histogram, METHODS};
use presets::PRESETS;
use std::borrow::Cow;

pub use presets::preset_modality;

pub static EFFECT: Effect = Effect {
    id: "threshold",
    title: "Threshold",
    summary: "Makes a label of the voxels whose values are in a range, which is told, known for a tissue, or found automatically.",
    on: On::One,
    needs_image: true,
    parameters: &[
        Parameter {
            key: "method",
            title: "Range",
            help: "Where the range comes from: low and high, a preset, or a method that finds the lowest value of the foreground.",
            when: None,
            kind: Kind::Choice(&[
                ("range", "From low to high"),
                ("preset", "A preset"),
                ("otsu", "Otsu"),
                ("multi-otsu", "Otsu, three classes"),
                ("li", "Li"),
                ("yen", "Yen"),
                ("triangle", "Triangle"),
                ("isodata", "Isodata"),
                ("huang", "Huang"),
                ("moments", "Moments"),
                ("max-entropy", "Maximum entropy"),
                ("renyi", "Renyi entropy"),
                ("kittler", "Kittler-Illingworth"),
                ("intermodes", "Intermodes"),
            ]),
        },
        Parameter {
            key: "low",
            title: "From value",
            help: "The lowest value of the label; without it there is no lowest.",
            when: Some(("method", &["range"])),
            kind: Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" },
        },
        Parameter {
            key: "high",
            title: "To value",
            help: "The highest value of the label; without it there is no highest.",
            when: Some(("method", &["range"])),
            kind: Kind::Number { default: None, range: [-1e9, 1e9], whole: false, unit: "value" },
        },
        Parameter {
            key: "preset",
            title: "Preset",
            help: "What the range is known for.",
            when: Some(("method", &["preset"])),
            kind: Kind::Choice(&[
                ("ct-air", "CT: air, below -950 HU"),
                ("ct-lung", "CT: lung, -950 to -400 HU"),
                ("ct-fat", "CT: fat, -190 to -30 HU"),
                ("ct-soft-tissue", "CT: soft tissue, 0 to 120 HU"),
                ("ct-liver", "CT: liver with contrast, 70 to 180 HU"),
                ("ct-vessels", "CT: vessels with contrast, 150 to 500 HU"),
                ("ct-bone", "CT: bone, 200 to 3000 HU"),
                ("ct-metal", "CT: metal, 2500 HU and above"),
                ("oct-fluid", "OCT: fluid, the darkest 20 %"),
                ("oct-bright", "OCT: bright spots, the brightest 3 %"),
                ("fundus-disc", "Fundus: optic disc, the brightest 2 %"),
                ("endoscopy-glare", "Endoscopy: glare, luma from 230 and saturation to 0.25"),
            ]),
        },
        Parameter {
            key: "class",
            title: "Class",
            help: "Which of the three classes becomes the label.",
            when: Some(("method", &["multi-otsu"])),
            kind: Kind::Choice(&[
                ("high", "Highest values"),
                ("middle", "Middle values"),
                ("low", "Lowest values"),
            ]),
        },
        Parameter {
            key: "apply",
            title: "Apply",
            help: "What the label becomes: what was found, or that combined with what it is.",
            when: None,
            kind: Kind::Choice(&[
                ("add", "The label and what was found"),
                ("new", "What was found"),
                ("intersect", "What is in both"),
                ("subtract", "The label without it"),
            ]),
        },
        Parameter {
            key: "largest",
            title: "Largest part only",
            help: "Of what was found, only the largest connected part counts.",
            when: None,
            kind: Kind::Switch(false),
        },
        Parameter {
            key: "min_ml",
            title: "Least volume",
            help: "Of what was found, connected parts of less volume do not count.",
            when: None,
            kind: Kind::Number { default: None, range: [0.0, 1e6], whole: false, unit: "ml" },
        },
    ],
    work,
};

const BINS: usize = 256;
/// In HU. What is not above it is no part of a CT's picture.
const PADDING: f32 = -2000.0;

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let block = scene.block();
    let mut doubt = None;
    let mut found = match values.choice("method") {
        "range" => {
            let Some([low, high]) = values.range("low", "high") else {
                return Err(EffectError::lacks("a range of values", "low=VALUE, high=VALUE or both"));
            };
            scene.valued(&block, |value| value >= low && value <= high)?
        }
        "preset" => {
            let preset = PRESETS.iter().find(|preset| preset.id == values.choice("preset"));
            let Some(preset) = preset else { return Ok(Wish::default()) };
            doubt = preset.doubt(scene.volume.modality())?;
            preset.rows(scene, &block)?
        }
        method => {
            let [width, height, depth] = block.size;
            let slice = |z: usize| {
                let mut slice = vec![0.0; width * height];
                scene.slice_values(&block, z, &mut slice);
                Cow::from(slice)
            };
            let thresholds = thresholds(method, scene.volume.modality(), depth, slice)?;
            let range = match (&thresholds[..], values.choice("class")) {
                ([low, _], "low") => [f32::NEG_INFINITY, *low],
                ([low, high], "middle") => [low.next_up(), *high],
                ([_, high], _) => [high.next_up(), f32::INFINITY],
                (other, _) => [other.first().copied().unwrap_or(f32::INFINITY).next_up(), f32::INFINITY],
            };
            let [low, high] = range.map(f64::from);
            scene.valued(&block, |value| value >= low && value <= high)?
        }
    };
    let voxel_ml = scene.grid().spacing().into_iter().product::<f64>() / 1000.0;
    let least = values.given("min_ml").map_or(0, |ml| (ml / voxel_ml - 1e-9).ceil() as usize);
    if values.is_on("largest") || least > 0 {
        let parts = found.parts(Connectivity::Full);
        let most = if values.is_on("largest") { 1 } else { parts.len() };
        found = Rows::of_parts(block.size, parts.iter().take(most).filter(|part| part.voxel_count >= least));
    }
    let own = block.rows(scene.mask, |id| id == scene.label);
    let apply = values.choice("apply");
    if own.is_empty() && matches!(apply, "intersect" | "subtract") {
        return Err(scene.has_none());
    }
    let after = match apply {
        "new" => found,
        "intersect" => own.and(&found),
        "subtract" => own.minus(&found),
        _ => own.or(&found),
    };
    let mut wish = scene.becomes(&block, &own, &after);
    wish.warnings.extend(doubt);
    Ok(wish)
}

/// Thresholds that a method finds in values: the highest ones below the foreground. One, or two for three classes.
pub fn automatic(method: &str, modality: Modality, values: &[f32]) -> Result<Vec<f32>, EffectError> {
    thresholds(method, modality, 1, |_| Cow::from(values))
}

/// The same in values that come in parts.
fn thresholds<'a>(
    method: &str,
    modality: Modality,
    parts: usize,
    values: impl Fn(usize) -> Cow<'a, [f32]> + Sync,
) -> Result<Vec<f32>, EffectError> {
    let counts = |value: &f32| value.is_finite() && (modality != Modality::Ct || *value > PADDING);
    let range = |part: usize| {
        let widen = |[low, high]: [f32; 2], value: f32| [low.min(value), high.max(value)];
        values(part).iter().copied().filter(counts).fold([f32::INFINITY, f32::NEG_INFINITY], widen)
    };
    let ranges = work::each("reading values", parts, range)?;
    let low = ranges.iter().map(|range| range[0]).fold(f32::INFINITY, f32::min);
    let high = ranges.iter().map(|range| range[1]).fold(f32::NEG_INFINITY, f32::max);
    if low >= high {
        let told = if low == high {
            format!("all values are {low}: there is nothing to tell apart")
        } else {
            "there are no values".to_owned()
        };
        return Err(EffectError::Nothing(told));
    }
    let found = METHODS.iter().find(|(id, ..)| *id == method);
    let beyond = if found.is_some_and(|(.., bins)| *bins == Bins::Beyond) { 0.01 } else { 0.0 };
    let width = f64::from(high - low) * (1.0 + beyond / BINS as f64) / BINS as f64;
    let count = |part: usize| {
        let mut bins = [0_u64; BINS];
        for value in values(part).iter().copied().filter(counts) {
            let bin = (f64::from(value - low) / width) as usize;
            bins[bin.min(BINS - 1)] += 1;
        }
        bins
    };
    let mut histogram = Histogram { counts: vec![0.0; BINS] };
    for bins in work::each("counting values", parts, count)? {
        histogram.counts.iter_mut().zip(bins).for_each(|(sum, count)| *sum += count as f64);
    }
    let value = |bin: f64| (f64::from(low) + (bin + 0.5) * width) as f32;
    if method == "multi-otsu" {
        return Ok(automatic::multi_otsu(&histogram).map(value).to_vec());
    }
    Ok(found.map(|(_, of, _)| value(of(&histogram))).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::{presets::Range, *};

    #[test]
    fn every_method_and_preset_can_be_chosen_and_no_other() {
        let choices = |key: &str| {
            let parameter = EFFECT.parameters.iter().find(|p| p.key == key).unwrap();
            let Kind::Choice(options) = parameter.kind else { panic!("{key}") };
            options.iter().map(|(id, _)| *id).collect::<Vec<_>>()
        };
        let mut expected: Vec<_> = METHODS.iter().map(|(id, ..)| *id).collect();
        expected.extend(["range", "preset", "multi-otsu"]);
        let mut offered = choices("method");
        expected.sort_unstable();
        offered.sort_unstable();
        assert_eq!(offered, expected);
        assert_eq!(choices("preset"), PRESETS.iter().map(|preset| preset.id).collect::<Vec<_>>());
    }

    #[test]
    fn the_title_of_a_preset_says_its_kind_of_image_and_its_numbers() {
        let parameter = EFFECT.parameters.iter().find(|p| p.key == "preset").unwrap();
        let Kind::Choice(options) = parameter.kind else { panic!("presets are choices") };
        for (preset, (_, title)) in PRESETS.iter().zip(options) {
            let numbers = match preset.range {
                Range::Values(range) => range.to_vec(),
                Range::Shares([low, high]) => {
                    vec![(100.0 * (high - low)).round() as f32]
                }
                Range::Glare { luma, saturation } => vec![luma, saturation],
            };
            for number in numbers.into_iter().filter(|number| number.is_finite()) {
                assert!(title.contains(&number.to_string()), "{title}: {number}");
            }
            let kind = title.split(':').next().unwrap().to_lowercase();
            assert_eq!(Some(preset.modality), Modality::from_id(&kind), "{title}");
            assert_eq!(preset_modality(preset.id), Some(preset.modality));
            assert_eq!(preset.doubt(preset.modality), Ok(None));
            assert!(preset.doubt(Modality::Other).unwrap().unwrap().contains("does not say"));
            let other = Modality::ALL.into_iter().find(|m| *m != preset.modality).unwrap();
            assert!(matches!(preset.doubt(other), Err(EffectError::Refused(_))), "{title}");
        }
        assert_eq!(preset_modality("range"), None);
    }

    #[test]
    fn two_peaks_are_told_apart_by_every_method() {
        // Two bells around 20 and 80.
        let bell = |center: f64, at: f64| (-0.5 * ((at - center) / 6.0).powi(2)).exp();
        let values: Vec<f32> = (0..=100)
            .flat_map(|at| {
                let count = 1.0 + 400.0 * bell(20.0, f64::from(at)) + 300.0 * bell(80.0, f64::from(at));
                vec![at as f32; count as usize]
            })
            .collect();
        for (id, ..) in METHODS {
            let found = automatic(id, Modality::Other, &values).unwrap()[0];
            assert!((20.0..=80.0).contains(&found), "{id}: {found}");
        }
        let constant = automatic("otsu", Modality::Other, &[7.0; 5]).unwrap_err();
        assert!(constant.to_string().contains("all values are 7"), "{constant}");
        // The padding of a CT is none of its values.
        let padded: Vec<f32> = values.iter().copied().chain([-3024.0; 9000]).collect();
        assert_eq!(automatic("otsu", Modality::Ct, &padded), automatic("otsu", Modality::Other, &values));
    }
}
