//! The way through egui: a callback in a window that is never shown.

use super::{scene::*, stage::*};
use egui_kittest::{Harness, wgpu::WgpuTestRenderer};
use fovea::gpu::*;

#[test]
fn a_callback_draws_where_its_rectangle_is() {
    if stage().is_none() {
        return;
    }
    // egui_kittest wants a device that nothing has drawn on.
    let state = fresh_stage();
    SliceRenderer::install(&state);
    let volume = volumes().swap_remove(4).1;
    let draws = [full(&volume, views()[0].1), full(&volume, views()[2].1)];
    let places = [egui::pos2(17.0, 9.5), egui::pos2(150.0, 40.0)];
    let size = egui::vec2(TARGET[0] as f32, TARGET[1] as f32) / 2.0;
    let mut harness = Harness::builder()
        .with_size([250.0, 120.0])
        .with_pixels_per_point(2.0)
        .renderer(WgpuTestRenderer::from_render_state(state.clone()))
        .build_ui(|ui| {
            for (place, draw) in places.iter().zip(&draws) {
                ui.painter().add(SliceCallback::shape(egui::Rect::from_min_size(*place, size), draw.clone()));
            }
        });
    let window = harness.render().unwrap();
    for (place, draw) in places.iter().zip(&draws) {
        let twin = cpu_twin::draw(draw, TARGET).unwrap();
        let mut compared = 0;
        for (x, y, p) in twin.enumerate_pixels().filter(|(_, _, p)| p.0[3] == 255) {
            let seen = window.get_pixel(x + (place.x * 2.0) as u32, y + (place.y * 2.0) as u32);
            let near = p.0.iter().zip(seen.0).all(|(&a, b)| a.abs_diff(b) <= ROUNDING);
            assert!(near, "{x}, {y}: {:?} not {:?}", seen.0, p.0);
            compared += 1;
        }
        assert!(compared > 1000);
    }
    assert_eq!(SliceRenderer::take_errors(&state), []);
}
