//! Masks, predictions, heat maps and differences.

use super::{scene::*, stage::*};
use fovea::{
    edit::{MaskRules, Origin, Patch, Shape},
    geom::Plane,
    gpu::*,
    label::NOT_PREDICTED,
    volume::Volume,
};
use std::{collections::BTreeSet, sync::Arc};

fn grey() -> Volume {
    volumes().swap_remove(0).1
}

fn styles() -> Vec<(&'static str, OverlayStyle)> {
    let none = OverlayStyle {
        mask: LayerStyle::HIDDEN,
        prediction: LayerStyle::HIDDEN,
        heat: None,
        difference: None,
        ..OverlayStyle::default()
    };
    let layer = |fill, outline, width| LayerStyle { fill, dots: 0.0, outline, thin: fill, width };
    let heat = Some(HeatMap { class: 2, opacity: 0.7 });
    vec![
        ("nothing", none),
        ("mask filled", OverlayStyle { mask: layer(0.4, 0.0, 0.0), ..none }),
        ("mask outlined", OverlayStyle { mask: layer(0.0, 1.0, 2.0), ..none }),
        ("mask both", OverlayStyle { mask: layer(0.3, 0.9, 1.5), ..none }),
        ("thick outline", OverlayStyle { mask: layer(0.0, 1.0, 5.0), ..none }),
        ("prediction filled", OverlayStyle { prediction: layer(0.5, 0.0, 0.0), ..none }),
        ("prediction outlined", OverlayStyle { prediction: layer(0.0, 1.0, 3.0), ..none }),
        (
            "prediction dotted",
            OverlayStyle { prediction: LayerStyle { dots: 0.5, ..layer(0.1, 0.0, 0.0) }, ..none },
        ),
        (
            "thin parts of the mask",
            OverlayStyle { mask: LayerStyle { thin: 0.9, ..layer(0.1, 0.0, 0.0) }, ..none },
        ),
        (
            "thin parts of the prediction",
            OverlayStyle { prediction: LayerStyle { thin: 0.9, ..layer(0.1, 0.0, 0.0) }, ..none },
        ),
        ("mask and prediction", OverlayStyle::default()),
        ("at twice the scale", OverlayStyle { scale: 2.0, ..OverlayStyle::default() }),
        ("at an odd scale", OverlayStyle { scale: 1.25, ..OverlayStyle::default() }),
        ("heat", OverlayStyle { heat, ..none }),
        (
            "heat of a class that is not there",
            OverlayStyle { heat: Some(HeatMap { class: 9, opacity: 1.0 }), ..none },
        ),
        ("heat under outlines", OverlayStyle { heat, ..OverlayStyle::default() }),
        ("difference", OverlayStyle { difference: Some(Difference { opacity: 0.8 }), ..none }),
        ("preview", OverlayStyle { preview: 0.9, ..OverlayStyle::default() }),
        ("preview without the mask", OverlayStyle { preview: 1.0, scale: 1.5, ..none }),
        (
            "difference over heat",
            OverlayStyle { heat, difference: Some(Difference { opacity: 0.5 }), ..none },
        ),
    ]
}

#[test]
fn every_style_in_every_view() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let volume = grey();
    let mut pictures = BTreeSet::new();
    for (name, style) in styles() {
        for (view_name, view) in views() {
            let draw = SliceDraw { style, ..full(&volume, view) };
            let gpu = render(stage, &mut renderer, &draw, TARGET);
            assert_same(
                &gpu,
                &cpu_twin::draw(&draw, TARGET).unwrap(),
                ROUNDING,
                &format!("{name}, {view_name}"),
            );
            if view_name == "magnified" {
                pictures.insert(gpu.into_raw());
            }
        }
    }
    // "nothing" and "heat of a class that is not there" look alike.
    assert_eq!(pictures.len(), styles().len() - 1, "two styles draw the same picture");
    assert_eq!(renderer.drain_errors(), []);
}

#[test]
fn labels_decided_elsewhere_look_as_decided_by_the_shader() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let volume = grey();
    let plane = DIMS[0] * DIMS[1];
    let values = probabilities(4);
    let native: Vec<u16> = fovea::nn::argmax(&values, CLASSES, plane).into_iter().map(|c| c as u16).collect();
    // The grid is flipped along x, and an axial plane with it.
    let shown: Vec<u16> = native.chunks(DIMS[0]).flat_map(|row| row.iter().rev().copied()).collect();
    for (name, view) in views() {
        let by_shader = full(&volume, view);
        let mut given = by_shader.clone();
        given.prediction = Some(prediction(PredictionSource::Labels(shown.clone().into())));
        let [a, b] = [&by_shader, &given].map(|d| render(stage, &mut renderer, d, TARGET));
        assert_same(&a, &b, 0, name);
        assert_same(&b, &cpu_twin::draw(&given, TARGET).unwrap(), ROUNDING, name);
    }
}

#[test]
fn what_is_not_predicted_is_left_out_in_every_style() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let (volume, view) = (grey(), views()[0].1);
    let plane = &labels(4)[..DIMS[0] * DIMS[1]];
    let with_gap = |(i, &label)| if i / DIMS[0] % 3 == 1 { NOT_PREDICTED } else { label };
    let shown: Vec<u16> = plane.iter().enumerate().map(with_gap).collect();
    for (name, style) in styles() {
        let source = PredictionSource::Labels(shown.clone().into());
        let draw = SliceDraw { style, prediction: Some(prediction(source)), ..full(&volume, view) };
        let gpu = render(stage, &mut renderer, &draw, TARGET);
        assert_same(&gpu, &cpu_twin::draw(&draw, TARGET).unwrap(), ROUNDING, name);
    }
    assert_eq!(renderer.drain_errors(), []);
}

#[test]
fn probabilities_in_chunks_are_the_same_and_too_large_ones_lose_only_the_heat() {
    let Some(stage) = stage() else { return };
    let (volume, view) = (grey(), views()[0].1);
    let heat = Some(HeatMap { class: 5, opacity: 0.7 });
    let draw = SliceDraw { style: OverlayStyle { heat, ..OverlayStyle::default() }, ..full(&volume, view) };
    let whole = render(stage, &mut renderer(stage), &draw, TARGET);
    let plane_bytes = (DIMS[0] * DIMS[1] * 4) as u64;
    for planes in [5, 3, 2] {
        let mut chunked = renderer_with(stage, |limits| limits.binding = plane_bytes * planes + 512);
        assert_same(
            &render(stage, &mut chunked, &draw, TARGET),
            &whole,
            0,
            &format!("{planes} classes at once"),
        );
        assert_eq!(chunked.drain_errors(), []);
    }
    let limit = plane_bytes;
    let mut small = renderer_with(stage, |limits| limits.binding = limit);
    let without_heat = SliceDraw { style: OverlayStyle::default(), ..draw.clone() };
    let twin = cpu_twin::draw(&without_heat, TARGET).unwrap();
    assert_same(&render(stage, &mut small, &draw, TARGET), &twin, ROUNDING, "labels from the CPU");
    let bytes = plane_bytes * CLASSES as u64;
    assert_eq!(small.drain_errors(), [DrawError::PredictionTooLarge { bytes, limit }]);
}

#[test]
fn what_does_not_fit_the_image_is_left_out_and_named() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let mut draw = full(&grey(), views()[0].1);
    draw.mask = Some(MaskDraw { document: 1, map: fovea::label::LabelMap::empty([3, 4, 5]) });
    draw.prediction = Some(prediction(PredictionSource::Host(vec![0.5; 7].into())));
    let picture = render(stage, &mut renderer, &draw, TARGET);
    let bare = SliceDraw::of_image(draw.image.clone(), draw.view);
    assert_same(&picture, &cpu_twin::draw(&bare, TARGET).unwrap(), ROUNDING, "the image alone");
    let expected = CLASSES * DIMS[0] * DIMS[1];
    assert_eq!(
        renderer.drain_errors(),
        [
            DrawError::MaskSize([3, 4, 5], DIMS),
            DrawError::PredictionSize {
                classes: CLASSES,
                width: DIMS[0],
                height: DIMS[1],
                expected,
                values: 7
            },
        ]
    );
}

/// A stroke uploads the bricks that it touches, in every plane, and the picture is that of the whole mask.
#[test]
fn a_stroke_uploads_what_it_touches() {
    let Some(stage) = stage() else { return };
    let volume = grey();
    let (table, verified) = (table(), BTreeSet::new());
    for plane in Plane::ALL {
        let mut kept = renderer_with(stage, |limits| limits.texture_side = 20);
        let mut draw = full(&volume, views()[3].1);
        draw.image = image(&volume, plane, 5);
        let mut map = draw.mask.take().unwrap().map;
        let mut rng = random(7);
        let mut least = u64::MAX;
        for stroke in 0..12 {
            let before = kept.uploaded_texels();
            draw.mask = Some(MaskDraw { document: 3, map: map.clone() });
            let picture = render(stage, &mut kept, &draw, TARGET);
            if stroke > 0 {
                least = least.min(kept.uploaded_texels() - before);
            }
            let twin = cpu_twin::draw(&draw, TARGET).unwrap();
            assert_same(&picture, &twin, ROUNDING, &format!("{plane:?}, stroke {stroke}"));

            let mut point: [f64; 3] =
                std::array::from_fn(|a| rand::RngExt::random_range(&mut rng, 0.0..DIMS[a] as f64 - 1.0));
            point[volume.grid().plane_axes(plane).normal.index()] = 5.0;
            let shape = Shape::Brush { plane, points: vec![point], radius: 2.0, sphere: false };
            let origin = Origin::Person { tool: "brush".into() };
            let rules = MaskRules::new(&table, &verified);
            let label = 1 + stroke % 3;
            Patch::draw(&map, &volume, &shape, label, &rules, origin).unwrap().apply(&mut map).unwrap();
        }
        let [width, height] = volume.grid().plane_axes(plane).size(DIMS);
        assert!(
            least < (width * height) as u64,
            "{plane:?}: a dab uploads {least} texels of {width} x {height}"
        );
        draw.mask = Some(MaskDraw { document: 3, map: map.clone() });
        render(stage, &mut kept, &draw, TARGET);
        let once = kept.uploaded_texels();
        render(stage, &mut kept, &draw, TARGET);
        assert_eq!(kept.uploaded_texels(), once, "nothing changed, nothing is uploaded");
    }
}

/// Two states of one mask in one frame, as when versions are compared.
#[test]
fn views_of_one_frame_do_not_overwrite_each_other() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let volume = grey();
    let draws: Vec<SliceDraw> = [3, 9, 3, 17]
        .map(|seed| {
            let mut draw = full(&volume, views()[0].1);
            draw.mask = Some(MaskDraw { document: 1, map: mask(seed).map });
            draw.prediction = Some(prediction(PredictionSource::Host(probabilities(seed))));
            draw
        })
        .into();
    for _ in 0..2 {
        let together = render_all(stage, &mut renderer, &draws.iter().collect::<Vec<_>>(), TARGET);
        for (picture, draw) in together.iter().zip(&draws) {
            assert_same(picture, &cpu_twin::draw(draw, TARGET).unwrap(), ROUNDING, "side by side");
        }
    }
}

#[test]
fn the_cache_is_bounded_and_lets_go() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer_with(stage, |limits| limits.cache = 64 << 10);
    let volume = grey();
    for slice in 0..DIMS[2] {
        let mut draw = full(&volume, views()[0].1);
        draw.image = image(&volume, Plane::Axial, slice);
        draw.prediction = Some(prediction(PredictionSource::Host(Arc::clone(&probabilities(slice as u64)))));
        render(stage, &mut renderer, &draw, TARGET);
        // The probabilities of the slice on screen stay, though they alone exceed their share.
        let one = (DIMS[0] * DIMS[1] * 4 * CLASSES) as u64;
        assert!(renderer.cached_bytes() <= (64 << 10) + one, "{} bytes", renderer.cached_bytes());
    }
    drop(volume);
    let other = volumes().swap_remove(0).1;
    render(stage, &mut renderer, &SliceDraw::of_image(image(&other, Plane::Axial, 0), views()[0].1), TARGET);
    let (image_bytes, masks) = ((DIMS[0] * DIMS[1]) as u64, 16 << 10);
    assert!(renderer.cached_bytes() <= image_bytes + masks, "what nobody holds is still there");
}
