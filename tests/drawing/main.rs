//! What the shader draws, held against its twin on the CPU pixel by pixel, and the twin against known answers.

mod device;
mod known;
mod overlays;
mod scene;
mod stage;
mod surfaces;
mod window;

use fovea::{geom::Plane, gpu::*, volume::Window};
use scene::*;
use stage::*;

#[test]
fn every_sample_type_in_every_view_and_filter() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    for (kind, volume) in volumes() {
        for (view_name, view) in views() {
            for filter in [Filter::Nearest, Filter::Smooth] {
                let draw = SliceDraw { filter, ..SliceDraw::of_image(image(&volume, Plane::Axial, 5), view) };
                let gpu = render(stage, &mut renderer, &draw, TARGET);
                let twin = cpu_twin::draw(&draw, TARGET).unwrap();
                assert_same(&gpu, &twin, ROUNDING, &format!("{kind}, {view_name}, {filter:?}"));
            }
        }
    }
    assert_eq!(renderer.drain_errors(), []);
}

#[test]
fn every_plane_of_a_flipped_grid() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let (_, volume) = volumes().swap_remove(1);
    for plane in Plane::ALL {
        let mut draw = full(&volume, views()[2].1);
        for slice in [0, 5, 10] {
            draw.image = image(&volume, plane, slice);
            let gpu = render(stage, &mut renderer, &draw, TARGET);
            assert_same(
                &gpu,
                &cpu_twin::draw(&draw, TARGET).unwrap(),
                ROUNDING,
                &format!("{plane:?} {slice}"),
            );
        }
    }
}

#[test]
fn windows_channels_and_inversion() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let volumes = volumes();
    let view = views()[0].1;
    let mut check = |volume: usize, tone: Tone| {
        let draw =
            SliceDraw { tone, ..SliceDraw::of_image(image(&volumes[volume].1, Plane::Axial, 5), view) };
        let gpu = render(stage, &mut renderer, &draw, TARGET);
        assert_same(&gpu, &cpu_twin::draw(&draw, TARGET).unwrap(), ROUNDING, &format!("{tone:?}"));
    };
    let base =
        Tone { window: Window::from_range(-100.0, 900.0), channels: ChannelMode::Color, invert: false };
    // No wider than a value, nothing at all, and so wide that it is all grey.
    for width in [1000.0, 1.0, 0.0, 1e9] {
        for invert in [false, true] {
            check(1, Tone { window: Window { center: 400.0, width }, invert, ..base });
            check(3, Tone { window: Window { center: 0.1, width }, invert, ..base });
        }
    }
    use ChannelMode::*;
    for channels in [Color, Red, Green, Blue, Luma] {
        check(4, Tone { channels, window: Window::from_range(20.0, 230.0), ..base });
    }
}

/// Any zoom: a coordinate may lie so near a pixel's edge that device and twin fall on different sides. Such a pixel must
/// be what the twin draws a hair's breadth aside.
#[test]
fn any_zoom_and_place() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer(stage);
    let (_, volume) = volumes().swap_remove(0);
    for (zoom, center) in
        [(3.7, [22.1, 17.3]), (0.77, [20.0, 18.5]), (11.3, [3.33, 30.1]), (2.0, [22.5, 18.5])]
    {
        let at = |shift: [f64; 2]| {
            let center = glam::DVec2::from(center) + glam::DVec2::from(shift);
            let view = ViewTransform::centered(TARGET.map(f64::from), [1.0, 1.3], zoom, center);
            SliceDraw { filter: Filter::Nearest, ..full(&volume, view) }
        };
        let gpu = render(stage, &mut renderer, &at([0.0; 2]), TARGET);
        let hair = 1e-4;
        let shifts = [-hair, 0.0, hair].map(|x| [-hair, 0.0, hair].map(|y| [x, y]));
        let twins: Vec<_> =
            shifts.as_flattened().iter().map(|&s| cpu_twin::draw(&at(s), TARGET).unwrap()).collect();
        for (x, y, p) in gpu.enumerate_pixels() {
            let near = |t: &image::RgbaImage| {
                t.get_pixel(x, y).0.iter().zip(p.0).all(|(&a, b)| a.abs_diff(b) <= ROUNDING)
            };
            assert!(twins.iter().any(near), "zoom {zoom}: {x}, {y}: {:?}", p.0);
        }
    }
}

#[test]
fn a_slice_in_tiles_is_the_slice_in_one_piece() {
    let Some(stage) = stage() else { return };
    let mut whole = renderer(stage);
    for side in [64, 16, 7] {
        let mut tiled = renderer_with(stage, |limits| limits.texture_side = side);
        for (kind, volume) in volumes() {
            for (name, view) in views() {
                let draw = full(&volume, view);
                let one = render(stage, &mut whole, &draw, TARGET);
                let cut = render(stage, &mut tiled, &draw, TARGET);
                assert_same(&cut, &one, 0, &format!("{kind}, {name}, tiles of at most {side}"));
            }
        }
        assert_eq!(tiled.drain_errors(), []);
    }
}

#[test]
fn a_slice_that_needs_too_many_tiles_is_refused_by_name() {
    let Some(stage) = stage() else { return };
    let mut renderer = renderer_with(stage, |limits| {
        limits.texture_side = 16;
        limits.texture_layers = 4;
    });
    let (_, volume) = volumes().swap_remove(0);
    let picture = render(stage, &mut renderer, &full(&volume, views()[0].1), TARGET);
    assert!(picture.pixels().all(|p| p.0 == [0; 4]));
    assert_eq!(renderer.drain_errors(), [DrawError::TooLarge(45, 37, 9, 4)]);
}
