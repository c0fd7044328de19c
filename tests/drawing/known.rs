//! Pictures whose every pixel is known beforehand. They need no graphics adapter: the twin draws them, and the other
//! tests hold the device to the twin.

use super::scene::{exact_view, prediction};
use fovea::{
    geom::{Grid, Plane},
    gpu::*,
    label::{LabelMap, LabelTable, NOT_PREDICTED},
    volume::{Modality, Samples, Volume, Window},
};

fn picture(width: usize, height: usize, samples: Vec<u8>) -> Volume {
    let grid = Grid::pixels([width, height, 1]).unwrap();
    Volume::new(grid, Samples::U8(samples.into()), [1.0, 0.0], Modality::Other).unwrap()
}

fn magnified(volume: &Volume, times: f64) -> SliceDraw {
    let image = SliceImage { volume: volume.clone(), axes: volume.grid().plane_axes(Plane::Axial), slice: 0 };
    let view = exact_view([[1.0 / times, 0.0], [0.0, 1.0 / times]], [0.0; 2]);
    SliceDraw { filter: Filter::Nearest, ..SliceDraw::of_image(image, view) }
}

fn reds(draw: &SliceDraw, size: [u32; 2]) -> Vec<u8> {
    cpu_twin::draw(draw, size).unwrap().pixels().map(|p| p.0[0]).collect()
}

#[test]
fn a_window_goes_from_black_to_white() {
    let mut draw = magnified(&picture(5, 1, vec![0, 100, 125, 150, 255]), 1.0);
    draw.tone.window = Window::from_range(100.0, 150.0);
    assert_eq!(reds(&draw, [5, 1]), [0, 0, 128, 255, 255]);
    draw.tone.invert = true;
    assert_eq!(reds(&draw, [5, 1]), [255, 255, 128, 0, 0]);
}

#[test]
fn nearest_repeats_and_smooth_blends() {
    let volume = picture(2, 1, vec![0, 200]);
    let mut draw = magnified(&volume, 4.0);
    assert_eq!(reds(&draw, [9, 1])[..8], [0, 0, 0, 0, 200, 200, 200, 200]);
    draw.filter = Filter::Smooth;
    assert_eq!(reds(&draw, [8, 1]), [0, 0, 25, 75, 125, 175, 200, 200]);
}

#[test]
fn outside_of_the_slice_nothing_is_drawn() {
    let draw = magnified(&picture(2, 2, vec![9; 4]), 2.0);
    let out = cpu_twin::draw(&draw, [6, 5]).unwrap();
    for (x, y, p) in out.enumerate_pixels() {
        assert_eq!(p.0, if x < 4 && y < 4 { [9, 9, 9, 255] } else { [0; 4] });
    }
}

/// Four by four pixels of label 1 in the middle of eight by eight.
fn square(times: f64, style: LayerStyle) -> SliceDraw {
    let inside = |i: usize| (2..6).contains(&(i % 8)) && (2..6).contains(&(i / 8));
    let labels: Vec<u16> = (0..64).map(|i| u16::from(inside(i))).collect();
    let mut table = LabelTable::named(&["red"]);
    table.get_mut(1).unwrap().color = [255, 0, 0];
    let mut draw = magnified(&picture(8, 8, vec![0; 64]), times);
    draw.mask = Some(MaskDraw { document: 0, map: LabelMap::from_values([8, 8, 1], &labels).unwrap() });
    draw.colors = LabelColors::of(&table);
    draw.style.mask = style;
    draw
}

#[test]
fn an_outline_is_as_thick_at_any_zoom() {
    for (times, width, thick) in [(4, 1.0, 1), (4, 1.5, 2), (8, 2.0, 2), (8, 0.2, 1), (16, 3.0, 3)] {
        let style = LayerStyle { outline: 1.0, width, ..LayerStyle::HIDDEN };
        let side = 8 * times;
        let out = cpu_twin::draw(&square(f64::from(times), style), [side; 2]).unwrap();
        for (x, y, p) in out.enumerate_pixels() {
            let (from, end) = (2 * times, 6 * times);
            let depth =
                |v: u32| if (from..end).contains(&v) { Some((v - from).min(end - 1 - v)) } else { None };
            let expected = match (depth(x), depth(y)) {
                (Some(dx), Some(dy)) if dx.min(dy) < thick => 255,
                _ => 0,
            };
            assert_eq!(p.0[0], expected, "zoom {times}, thickness {thick}: {x}, {y}");
        }
    }
}

#[test]
fn a_fill_has_its_opacity_and_a_hidden_label_none() {
    let style = LayerStyle { fill: 0.4, ..LayerStyle::HIDDEN };
    let mut draw = square(4.0, style);
    let center = |draw: &SliceDraw| cpu_twin::draw(draw, [32, 32]).unwrap().get_pixel(16, 16).0;
    assert_eq!(center(&draw), [102, 0, 0, 255]);
    let mut hidden = LabelTable::named(&["red"]);
    hidden.get_mut(1).unwrap().visible = false;
    draw.colors = LabelColors::of(&hidden);
    assert_eq!(center(&draw), [0, 0, 0, 255]);
    draw.colors = LabelColors::of(&LabelTable::default());
    assert_eq!(center(&draw), [102, 102, 102, 255], "an unknown label is white");
}

#[test]
fn a_difference_names_what_would_change() {
    // Mask 0 1 1 1, prediction 1 1 0 2, first of equals taken.
    let volume = picture(4, 1, vec![0; 4]);
    let mut draw = magnified(&volume, 8.0);
    draw.mask = Some(MaskDraw { document: 0, map: LabelMap::from_values([4, 1, 1], &[0, 1, 1, 1]).unwrap() });
    let by_class = [[0.2, 0.1, 0.4, 0.0], [0.6, 0.8, 0.4, 0.3], [0.2, 0.1, 0.2, 0.7]];
    let source = PredictionSource::Host(by_class.concat().into());
    draw.prediction = Some(PredictionDraw { class_labels: vec![0, 1, 2].into(), ..prediction(source) });
    draw.colors = LabelColors::of(&LabelTable::named(&["a", "b"]));
    draw.style.difference = Some(Difference { opacity: 1.0 });
    let out = cpu_twin::draw(&draw, [32, 8]).unwrap();
    let rgb = |x: u32, y: u32| -> [u8; 3] { out.get_pixel(x, y).0[..3].try_into().unwrap() };
    let faint = |c: [u8; 3]| c.map(|v| (f32::from(v) * Difference::KEPT_SHARE).round() as u8);
    for y in 0..8 {
        assert_eq!(rgb(4, y), Difference::ADDED);
        assert_eq!(rgb(12, y), faint(Difference::KEPT));
        assert_eq!(rgb(20, y), Difference::REMOVED);
        assert_eq!(rgb(28, y), Difference::CHANGED);
    }
}

#[test]
fn a_preview_hatches_what_is_gained_and_darkens_what_is_lost() {
    // Mask 0 1 1 0, and afterwards 1 1 0 0.
    let volume = picture(4, 1, vec![200; 4]);
    let mut draw = magnified(&volume, 64.0);
    draw.mask = Some(MaskDraw { document: 0, map: LabelMap::from_values([4, 1, 1], &[0, 1, 1, 0]).unwrap() });
    draw.prediction = Some(prediction(PredictionSource::Labels(vec![1, 1, 0, 0].into())));
    draw.colors = LabelColors::of(&LabelTable::named(&["a"]));
    draw.style = OverlayStyle { mask: LayerStyle::HIDDEN, preview: 1.0, ..OverlayStyle::default() };
    let out = cpu_twin::draw(&draw, [256, 64]).unwrap();
    let colors = |from: u32| {
        let inside = (from + 8..from + 56).flat_map(|x| (8..56).map(move |y| (x, y)));
        inside.map(|(x, y)| out.get_pixel(x, y).0).collect::<std::collections::BTreeSet<_>>()
    };
    let [r, g, b] = LabelTable::named(&["a"]).get(1).unwrap().color;
    let image = [200, 200, 200, 255];
    assert_eq!(colors(0), [[r, g, b, 255], image].into(), "gained: lines, and the image between them");
    assert_eq!(colors(64), [image].into(), "what stays is as it was");
    assert_eq!(colors(128), [[r, g, b, 255], [110, 110, 110, 255]].into(), "lost: dots on dark");
    assert_eq!(colors(192), [image].into());
    let rim = out.get_pixel(63, 32).0;
    assert_eq!(rim, [230, 230, 230, 255], "white, 55 % of it");
}

#[test]
fn heat_fades_out_towards_zero() {
    let volume = picture(4, 1, vec![0; 4]);
    let mut draw = magnified(&volume, 1.0);
    let values = [[1.0, 0.95, 0.5, 0.0], [0.0, 0.05, 0.5, 1.0]].concat();
    let source = PredictionSource::Host(values.into());
    draw.prediction = Some(PredictionDraw { class_labels: vec![0, 1].into(), ..prediction(source) });
    draw.style.prediction = LayerStyle::HIDDEN;
    draw.style.heat = Some(HeatMap { class: 1, opacity: 1.0 });
    let out = cpu_twin::draw(&draw, [4, 1]).unwrap();
    let sum = |x: u32| out.get_pixel(x, 0).0[..3].iter().map(|&v| u32::from(v)).sum::<u32>();
    assert_eq!(sum(0), 0);
    assert!(sum(1) > 0 && sum(1) < sum(2) && sum(2) < sum(3), "{} {} {}", sum(1), sum(2), sum(3));
}

#[test]
fn where_nothing_is_predicted_nothing_is_drawn_and_nothing_ends() {
    // Label 1 in the left half of three rows; the middle row is not predicted.
    let rows = |middle: u16| -> Vec<u16> {
        (0..24).map(|i| if i / 8 == 1 { middle } else { u16::from(i % 8 < 4) }).collect()
    };
    let mut table = LabelTable::named(&["red"]);
    table.get_mut(1).unwrap().color = [255, 0, 0];
    let drawn = |middle: u16, difference: bool| {
        let mut draw = magnified(&picture(8, 3, vec![0; 24]), 4.0);
        draw.colors = LabelColors::of(&table);
        let map = LabelMap::from_values([8, 3, 1], &[1; 24]).unwrap();
        draw.mask = difference.then_some(MaskDraw { document: 1, map });
        draw.style.mask = LayerStyle::HIDDEN;
        draw.style.difference = difference.then_some(Difference { opacity: 1.0 });
        draw.prediction = Some(prediction(PredictionSource::Labels(rows(middle).into())));
        let out = cpu_twin::draw(&draw, [32, 12]).unwrap();
        (0..3).map(|row| out.rows().nth(4 * row + 1).unwrap().map(|p| p.0).collect()).collect::<Vec<Vec<_>>>()
    };
    let nothing = vec![[0, 0, 0, 255]; 32];
    let unknown = drawn(NOT_PREDICTED, false);
    assert_eq!(unknown[1], nothing);
    assert_ne!(unknown[0], nothing);
    // Background below is an end of the label, and is outlined; the unknown is none.
    let red = |row: &[[u8; 4]]| row.iter().map(|p| u32::from(p[0])).sum::<u32>();
    assert!(red(&drawn(0, false)[0]) >= red(&unknown[0]));
    // Of what accepting would change nothing is said where nothing is predicted; background would remove the mask.
    assert_eq!(drawn(NOT_PREDICTED, true)[1], nothing);
    assert_ne!(drawn(0, true)[1], nothing);
}

/// A strip of label 1 in black, `width` pixels wide and slanted or not, as mask and as prediction.
fn strip(width: f64, slope: f64, scale: f32) -> [SliceDraw; 2] {
    const SIDE: usize = 64;
    let inside = |i: usize| {
        let (x, y) = ((i % SIDE) as f64 + 0.5 - 32.0, (i / SIDE) as f64 + 0.5 - 32.0);
        ((x - slope * y) / slope.hypot(1.0)).abs() < width / 2.0
    };
    let labels: Vec<u16> = (0..SIDE * SIDE).map(|i| u16::from(inside(i))).collect();
    let mut draw = magnified(&picture(SIDE, SIDE, vec![0; SIDE * SIDE]), 1.0);
    let mut table = LabelTable::named(&["red"]);
    table.get_mut(1).unwrap().color = [255, 0, 0];
    draw.colors = LabelColors::of(&table);
    draw.style.scale = scale;
    let map = LabelMap::from_values([SIDE, SIDE, 1], &labels).unwrap();
    let mask = SliceDraw { mask: Some(MaskDraw { document: 0, map }), ..draw.clone() };
    draw.prediction = Some(prediction(PredictionSource::Labels(labels.into())));
    [mask, draw]
}

/// What is drawn in the middle rows, far from the ends of a strip.
fn shades(draw: &SliceDraw) -> std::collections::BTreeSet<u8> {
    let out = cpu_twin::draw(draw, [64, 64]).unwrap();
    out.enumerate_pixels()
        .filter(|(_, y, p)| (20..44).contains(y) && p.0[0] > 0)
        .map(|(.., p)| p.0[0])
        .collect()
}

#[test]
fn a_part_too_thin_for_an_outline_is_filled_more_strongly_and_a_wide_one_is_not() {
    let of = |opacity: f32| (opacity * 255.0).round() as u8;
    let thin = of(LayerStyle::MASK.thin);
    for slope in [0.0, 0.3, 1.0] {
        for (width, scale) in [(2.0, 1.0), (4.0, 1.0), (4.9, 1.0), (8.0, 2.0)] {
            let [mask, prediction] = strip(width, slope, scale);
            assert_eq!(shades(&mask), [thin].into(), "{width} wide, slope {slope}, scale {scale}");
            // A prediction differs in every place: its line is broken.
            assert_eq!(shades(&prediction), [of(0.85 * 0.5), thin].into(), "{width} wide, slope {slope}");
        }
        for (width, scale) in [(7.5, 1.0), (12.0, 1.0), (15.0, 2.0)] {
            let [mask, prediction] = strip(width, slope, scale);
            let (fill, line) = (of(0.40), of(0.40 + 0.60 * 0.95));
            assert_eq!(shades(&mask), [fill, line].into(), "{width} wide, slope {slope}, scale {scale}");
            assert!(!shades(&prediction).contains(&thin), "{width} wide, slope {slope}, scale {scale}");
        }
    }
}

#[test]
fn dots_keep_their_size_in_points_and_move_with_the_slice() {
    let dots = |scale: f32, moved: f64| {
        let labels = vec![1; 48 * 48];
        let mut draw = magnified(&picture(48, 48, vec![0; 48 * 48]), 1.0);
        draw.view = exact_view([[0.5, 0.0], [0.0, 0.5]], [-moved, -moved]);
        draw.colors = LabelColors::of(&LabelTable::named(&["one"]));
        draw.style = OverlayStyle {
            prediction: LayerStyle { dots: 1.0, ..LayerStyle::HIDDEN },
            scale,
            ..OverlayStyle::default()
        };
        draw.prediction = Some(prediction(PredictionSource::Labels(labels.into())));
        let out = cpu_twin::draw(&draw, [64, 64]).unwrap();
        let row: Vec<bool> = (8..64).map(|x| out.get_pixel(x, (2.0 * moved) as u32).0[2] > 0).collect();
        row
    };
    for (scale, period, side) in [(1.0, 5, 2), (2.0, 10, 4), (1.5, 8, 3)] {
        let row = dots(scale, 0.0);
        let from = row.iter().position(|dot| !dot).unwrap();
        let start = from + row[from..].iter().position(|dot| *dot).unwrap();
        for (i, dot) in row[start..].iter().enumerate() {
            assert_eq!(*dot, i % period < side, "scale {scale}, pixel {i}");
        }
        // Three pixels of the screen to the right, and so are the dots.
        assert_eq!(dots(scale, 1.5)[3..], row[..row.len() - 3], "scale {scale}");
    }
}

#[test]
fn a_picture_in_colour_is_darker_below_an_overlay_and_any_image_where_asked() {
    let grid = Grid::pixels([8, 8, 1]).unwrap();
    let samples = Samples::Rgb8(vec![[200, 100, 40]; 64].into());
    let volume = Volume::new(grid, samples, [1.0, 0.0], Modality::Fundus).unwrap();
    let mut draw = magnified(&volume, 1.0);
    let corner = |draw: &SliceDraw| cpu_twin::draw(draw, [8, 8]).unwrap().get_pixel(0, 0).0;
    assert_eq!(corner(&draw), [200, 100, 40, 255]);
    let mut map = LabelMap::empty([8, 8, 1]);
    draw.mask = Some(MaskDraw { document: 0, map: map.clone() });
    assert_eq!(corner(&draw), [200, 100, 40, 255], "nothing is drawn yet");
    let labels: Vec<u16> = (0..64).map(|i| u16::from(i > 40)).collect();
    map = LabelMap::from_values([8, 8, 1], &labels).unwrap();
    draw.mask = Some(MaskDraw { document: 0, map });
    assert_eq!(corner(&draw), [170, 85, 34, 255]);
    draw.style.mask = LayerStyle::HIDDEN;
    assert_eq!(corner(&draw), [200, 100, 40, 255]);
    draw.dim = 0.5;
    assert_eq!(corner(&draw), [100, 50, 20, 255]);
}
