//! Labels in three dimensions: balls of known size, seen where they must be.

use super::stage::*;
use egui_wgpu::RenderState;
use fovea::{
    geom::{Frame, Grid, Unit},
    gpu::{Camera, LabelColors, SurfaceDraw, SurfaceRenderer, Turn},
    label::{LabelId, LabelMap, LabelTable, Surface},
};
use glam::{DAffine3, DVec2, DVec3};
use image::RgbaImage;
use std::{f64::consts::PI, sync::Arc};

const SIZE: [u32; 2] = [200, 160];

const FRONT: Turn = Turn { yaw: 0.0, pitch: 0.0, magnify: 1.0, moved: DVec2::ZERO };

/// 80 mm to each side, in flat voxels.
fn grid() -> Grid {
    let affine = DAffine3::from_scale(DVec3::new(1.0, 1.0, 2.0));
    Grid::new([80, 80, 40], affine, Unit::Millimetre, Frame::Patient).unwrap()
}

/// Balls: middle and radius in millimetres, label.
fn balls(balls: &[(DVec3, f64, LabelId)]) -> Arc<Surface> {
    let grid = grid();
    let [w, h, _] = grid.dims();
    let label = |i: usize| {
        let at = grid.patient_of(DVec3::from([i % w, i / w % h, i / (w * h)].map(|v| v as f64)));
        balls.iter().find(|(middle, radius, _)| at.distance(*middle) < *radius).map_or(0, |b| b.2)
    };
    let values: Vec<LabelId> = (0..grid.voxel_count()).map(label).collect();
    let map = LabelMap::from_values(grid.dims(), &values).unwrap();
    Arc::new(Surface::of_map(&map, &grid, &|| false).unwrap())
}

fn draw(surface: &Arc<Surface>, table: &LabelTable, turn: Turn) -> SurfaceDraw {
    let camera = Camera::new(&grid(), turn, SIZE.map(f64::from));
    SurfaceDraw { surface: Arc::clone(surface), colors: LabelColors::of(table), camera }
}

fn seen(stage: &RenderState, renderer: &mut SurfaceRenderer, draw: &SurfaceDraw) -> RgbaImage {
    let mut encoder = stage.device.create_command_encoder(&Default::default());
    let prepared = renderer.prepare(&stage.device, &stage.queue, &mut encoder, draw, [0.0; 2], SIZE);
    stage.queue.submit([encoder.finish()]);
    picture(stage, SIZE, |pass| {
        if let Some(prepared) = &prepared {
            renderer.paint(pass, prepared);
        }
    })
}

fn brightness(p: &image::Rgba<u8>) -> f64 {
    p.0[..3].iter().map(|&c| f64::from(c)).sum()
}

/// What each channel has of a colour, however bright it is.
fn shares(color: [u8; 3]) -> impl Iterator<Item = f64> {
    let sum: f64 = color.map(f64::from).iter().sum();
    color.into_iter().map(move |c| f64::from(c) / sum)
}

#[test]
fn a_ball_is_a_disc_of_its_size_in_its_colour_and_brighter_where_the_light_is() {
    let Some(stage) = stage() else { return };
    let mut renderer = SurfaceRenderer::new(FORMAT);
    const RADIUS_MM: f64 = 25.0;
    let middle = DVec3::new(45.0, 38.0, 44.0);
    let surface = balls(&[(middle, RADIUS_MM, 1)]);
    let table = LabelTable::named(&["ball"]);
    for turn in [FRONT, Turn::default(), Turn { magnify: 1.5, ..Turn::default() }] {
        let draw = draw(&surface, &table, turn);
        let picture = seen(stage, &mut renderer, &draw);
        let (center, radius) = (draw.camera.target_of(middle), RADIUS_MM * draw.camera.zoom());
        let mut area = 0.0;
        let mut halves = [(0.0, 0.0); 2];
        for (x, y, p) in picture.enumerate_pixels() {
            let from_middle = DVec2::new(f64::from(x), f64::from(y)) + 0.5 - center;
            let opacity = f64::from(p.0[3]) / 255.0;
            area += opacity;
            if from_middle.length() > radius + 2.0 {
                assert_eq!(p.0[3], 0, "{turn:?}: something at {x}, {y}");
            }
            if from_middle.length() < radius - 2.0 {
                assert_eq!(p.0[3], 255, "{turn:?}: a hole at {x}, {y}");
                // The light comes over the left shoulder.
                let half = &mut halves[usize::from(from_middle.dot(DVec2::new(1.0, 1.0)) > 0.0)];
                *half = (half.0 + brightness(p), half.1 + 1.0);
            }
        }
        let expected = PI * radius * radius;
        assert!((area / expected - 1.0).abs() < 0.05, "{turn:?}: {area} pixels of {expected}");
        let [lit, shaded] = halves.map(|(sum, count)| sum / count);
        assert!(lit > 1.3 * shaded, "{turn:?}: {lit} is hardly brighter than {shaded}");
        let at = center.floor().as_uvec2();
        let [r, g, b, _] = picture.get_pixel(at.x, at.y).0;
        let color = table.get(1).unwrap().color;
        let off = shares([r, g, b]).zip(shares(color)).map(|(seen, own)| (seen - own).abs());
        assert!(off.fold(0.0, f64::max) < 0.03, "{r} {g} {b} is not the label's {color:?}");
    }
}

#[test]
fn the_nearer_label_hides_the_other_and_a_hidden_one_is_not_there() {
    let Some(stage) = stage() else { return };
    let mut renderer = SurfaceRenderer::new(FORMAT);
    // One before the other, seen from the front.
    let [front, back] = [DVec3::new(40.0, 20.0, 39.0), DVec3::new(40.0, 60.0, 39.0)];
    let surface = balls(&[(front, 10.0, 1), (back, 14.0, 2)]);
    let mut table = LabelTable::named(&["orange", "blue"]);
    for (label, color) in [(1, [230, 159, 0]), (2, [86, 180, 233])] {
        table.get_mut(label).unwrap().color = color;
    }
    let is_orange = |table: &LabelTable, turn, renderer: &mut SurfaceRenderer| {
        let draw = draw(&surface, table, turn);
        let at = draw.camera.target_of((front + back) / 2.0).as_uvec2();
        let [r, _, b, a] = seen(stage, renderer, &draw).get_pixel(at.x, at.y).0;
        (a == 255).then_some(r > b)
    };
    let behind = Turn { yaw: PI, ..FRONT };
    assert_eq!(is_orange(&table, FRONT, &mut renderer), Some(true));
    assert_eq!(is_orange(&table, behind, &mut renderer), Some(false));
    table.get_mut(1).unwrap().visible = false;
    assert_eq!(is_orange(&table, FRONT, &mut renderer), Some(false));
    table.get_mut(2).unwrap().visible = false;
    assert_eq!(is_orange(&table, FRONT, &mut renderer), None);
}

#[test]
fn the_left_of_the_patient_is_on_the_right_and_a_picture_is_drawn_once() {
    let Some(stage) = stage() else { return };
    let mut renderer = SurfaceRenderer::new(FORMAT);
    let surface = balls(&[(DVec3::new(65.0, 40.0, 65.0), 8.0, 1)]);
    let table = LabelTable::named(&["upper left"]);
    let center_of = |picture: &RgbaImage| {
        let opaque = picture.enumerate_pixels().filter(|(_, _, p)| p.0[3] > 0);
        let all: Vec<DVec2> = opaque.map(|(x, y, _)| DVec2::new(f64::from(x), f64::from(y))).collect();
        all.iter().sum::<DVec2>() / all.len() as f64
    };
    let from_front = draw(&surface, &table, FRONT);
    let picture = seen(stage, &mut renderer, &from_front);
    let center = center_of(&picture);
    assert!(center.x > 110.0 && center.y < 70.0, "{center}");
    assert_eq!(seen(stage, &mut renderer, &from_front), picture);
    assert_eq!(renderer.pictures_drawn(), 1, "nothing had changed");
    let from_behind = seen(stage, &mut renderer, &draw(&surface, &table, Turn { yaw: PI, ..FRONT }));
    let center = center_of(&from_behind);
    assert!(center.x < 90.0 && center.y < 70.0, "{center}");
    assert_eq!(renderer.pictures_drawn(), 2);
}
