use super::*;
use crate::{
    nn::{planes::Planes, resample::resize_planes},
    testing::vectors,
};
use rand::SeedableRng;
use serde_json::Value;

/// Bytes `[height][width][3]` to planes from 0 to 1.
pub(in super::super) fn planes(bytes: &Value) -> Vec<f32> {
    let bytes: Vec<f32> = bytes.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
    (0..3).flat_map(|c| bytes.iter().skip(c).step_by(3).map(|v| v / 255.0)).collect()
}

/// The largest difference, in grey levels.
pub(in super::super) fn worst(got: &[f32], want: &Value) -> f32 {
    let want = planes(want);
    assert_eq!(got.len(), want.len());
    got.iter().zip(want).map(|(g, w)| (g - w).abs() * 255.0).fold(0.0, f32::max)
}

/// PIL rounds to whole grey levels: a blend is cut down to one, after the mean or the luma that it blends with was rounded.
/// The bounds are the largest differences that were measured, in grey levels, and a hundredth.
#[test]
fn colours_change_as_those_of_jmedseg() {
    let Some(v) = vectors("jmedseg/aug.json") else { return };
    let image = planes(&v["image"]["values"]);
    let changed = |change: &dyn Fn(&mut [f32])| {
        let mut planes = image.clone();
        change(&mut planes);
        planes
    };
    for (text, factor) in [("1.3", 1.3), ("0.7", 0.7)] {
        let check = |name: &str, within: f32, got: Vec<f32>| {
            let worst = worst(&got, &v[format!("{name}_{text}")]);
            assert!(worst < within + 0.01, "{name} {text}: {worst} grey levels");
        };
        check("brightness", 1.0, changed(&|p| colour::brightness(p, factor)));
        check("contrast", 1.02, changed(&|p| colour::contrast(p, true, factor)));
        check("saturation", 1.03, changed(&|p| colour::saturation(p, factor)));
    }
    // Six passes, each rounded to half a level.
    for (text, sigma, within) in [("1.0", 1.0, 1.46), ("0.3", 0.3, 2.22), ("2.0", 2.0, 1.06)] {
        let worst = worst(&changed(&|p| filter::gaussian(p, [10, 8], sigma)), &v[format!("gauss_{text}")]);
        assert!(worst < within + 0.01, "blur of {sigma}: {worst} grey levels");
    }
    // PIL keeps hue and saturation as bytes: 6/255 of a sector and 1/255 of the range, beside the shift cut to a byte.
    for (text, turns, within) in [("+0.1", 25.0 / 255.0, 7.29), ("-0.1", -25.0 / 255.0, 5.18)] {
        let worst = worst(&changed(&|p| colour::hue(p, turns)), &v[format!("hue_{text}")]);
        assert!(worst < within + 0.01, "hue {text}: {worst} grey levels");
    }
    let resized = &v["crop_resize_bilinear"];
    let [left, top, width, height] =
        [0, 1, 2, 3].map(|i| resized["box_left_top_w_h"][i].as_u64().unwrap() as usize);
    let cut = image.chunks_exact(80).flat_map(|plane| {
        plane.chunks_exact(10).skip(top).take(height).flat_map(move |row| row[left..left + width].to_vec())
    });
    let cut = Planes { channels: 3, height, width, values: cut.collect() };
    let worst = worst(&resize_planes(cut, [12, 12]).values, &resized["values"]);
    assert!(worst < 1.01, "crop and resize: {worst} grey levels");
}

/// OpenCV instead of PIL: the same formulas, rounded elsewhere; its hue has 180 steps of a circle. Bounds as above.
#[test]
fn colours_change_as_those_of_the_polyp_system() {
    let Some(v) = vectors("edema_polyp_vessel/losses.json") else { return };
    let v = &v["seed3_transforms"];
    let image = planes(&v["image"]["data"]);
    type Change = fn(&mut [f32], f32);
    let operations: [(&str, Change, f32); 4] = [
        ("brightness", colour::brightness, 0.99),
        ("contrast", |p, f| colour::contrast(p, true, f), 1.01),
        ("saturation", colour::saturation, 0.75),
        ("hue", colour::hue, 4.4),
    ];
    for (name, change, within) in operations {
        for (amount, want) in v[name].as_object().unwrap() {
            let mut got = image.clone();
            change(&mut got, amount.parse().unwrap());
            let worst = worst(&got, &want["data"]);
            assert!(worst < within + 0.01, "{name} {amount}: {worst} grey levels");
        }
    }
}

#[test]
fn nothing_is_changed_by_what_is_switched_off_and_all_by_what_is_on() {
    let picture: Vec<f32> = (0..3 * 24 * 20).map(|i| ((i * 37) % 101) as f32 / 100.0).collect();
    let after = |augment: &Augment, seed| {
        let mut planes = picture.clone();
        augment.intensity(&mut planes, [3, 24, 20], true, &mut ChaCha8Rng::seed_from_u64(seed));
        planes
    };
    let off = Augment {
        jitter: Some(Jitter::default()),
        blur: Some(Blur { sigma: [3.0, 3.0], chance: 0.0 }),
        sharpness: Some([1.0, 1.0]),
        ..Augment::default()
    };
    let largest = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest(&after(&off, 1), &picture) < 1e-5);
    let jitter = Jitter { brightness: [0.5, 0.9], hue: [0.2, 0.3], ..Jitter::default() };
    let on = [
        Augment { jitter: Some(jitter), ..Augment::default() },
        Augment { blur: Some(Blur { sigma: [1.0, 2.0], chance: 1.0 }), ..Augment::default() },
        Augment { sharpness: Some([2.0, 3.0]), ..Augment::default() },
        Augment { noise: 0.1, ..Augment::default() },
    ];
    for augment in on {
        assert_eq!(after(&augment, 1), after(&augment, 1), "a seed draws the same again");
        assert!(largest(&after(&augment, 1), &after(&augment, 2)) > 1e-3, "{augment:?}");
        assert!(largest(&after(&augment, 1), &picture) > 1e-2, "{augment:?}");
    }
}

#[test]
fn switches_of_older_runs_are_even_chances() {
    let old: Augment = serde_json::from_str(r#"{"flip_x": true, "flip_y": false, "turns": true}"#).unwrap();
    assert_eq!((old.flip_x, old.flip_y, old.turns), (0.5, 0.0, true));
    let again: Augment = serde_json::from_value(serde_json::json!(old)).unwrap();
    assert_eq!(again, old);
}
