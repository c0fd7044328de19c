//! One dab of a brush that lands on edges.

use super::{
    Effect, EffectError, Kind, On, Parameter, Scene, Values, Wish,
    ball::Ball,
    rows::{Block, Rows},
    walker::spread,
    wand::{AT, WITHIN, place},
};
use crate::{
    label::Connectivity,
    volume::{Samples, Window},
};
use glam::{DMat3, DVec3};

pub static EFFECT: Effect = Effect {
    id: "smart-brush",
    title: "Smart brush",
    summary: "Gives a label what looks like the middle of a disc or ball, as far as the disc reaches.",
    on: On::One,
    needs_image: true,
    parameters: &[
        AT,
        WITHIN,
        Parameter {
            key: "radius_mm",
            title: "Radius",
            help: "Of the disc, or of the ball in all slices.",
            when: None,
            kind: Kind::Number { default: Some(8.0), range: [0.1, 500.0], whole: false, unit: "mm" },
        },
        Parameter {
            key: "k",
            title: "Deviations",
            help: "How many standard deviations of the middle a value may be away from its mean.",
            when: None,
            kind: Kind::Number { default: Some(2.5), range: [1.0, 5.0], whole: false, unit: "" },
        },
        Parameter {
            key: "floor",
            title: "Least tolerance",
            help: "A value may always be so far away from the mean. Without it, 1 % of the window.",
            when: None,
            kind: Kind::Number { default: None, range: [0.0, 1e9], whole: false, unit: "value" },
        },
    ],
    work,
};

/// The middle is this part of the radius, and at least so many pixels.
const CORE: f64 = 0.25;
const CORE_PIXELS: f64 = 1.5;
/// Of a colour, in grey levels; and how far away it may be, in deviations.
const COLOR_FLOOR: f64 = 4.0;
const COLOR_LIMIT: f64 = 3.0;

fn work(scene: &Scene<'_>, values: &Values) -> Result<Wish, EffectError> {
    let (_, block, own) = place(scene, values)?;
    let radius = values.number("radius_mm");
    let space = scene.space(&block);
    let pixel = space.step[0].min(space.step[1]);
    let disc = Ball::of_radius(radius);
    let core = Ball::of_radius((CORE * radius).max(CORE_PIXELS * pixel));
    // All that a dab can touch, so that it costs what it covers.
    let reach = disc.reach(&space);
    let near = block.around([own, own], reach);
    let own = [0, 1, 2].map(|a| own[a] + block.low[a] - near.low[a]);
    let space = scene.space(&near);
    let middle = Rows::of_one(near.size, (own[2] * near.size[1] + own[1]) * near.size[0] + own[0]);
    let (disc, core) = (disc.dilated(&middle, &space)?, core.dilated(&middle, &space)?);
    let alike = alike(scene, values, &near, &core);
    let candidates = Rows::of_each(near.size, |at| alike(near.index(at))).and(&disc);
    let region = candidates.touching(&candidates.and(&core), Connectivity::Faces);
    let holes = Rows::of_parts(near.size, &region.holes());
    let mut wish = Wish::default();
    wish.gain(scene.label, near.runs(&region.or(&holes.and(&disc))));
    Ok(wish)
}

/// Whether the voxel of a linear index looks like the core.
fn alike<'a>(
    scene: &Scene<'a>,
    values: &Values,
    near: &Block,
    core: &Rows,
) -> Box<dyn Fn(usize) -> bool + Sync + 'a> {
    let volume = scene.volume;
    let core: Vec<usize> = near.runs(core).into_iter().flat_map(|(at, len)| at..at + len as usize).collect();
    if let Samples::Rgb8(colors) = volume.samples() {
        let color = move |at: usize| DVec3::from(colors[at].map(f64::from));
        let count = core.len().max(1) as f64;
        let mean = core.iter().map(|&at| color(at)).sum::<DVec3>() / count;
        let outer = |v: DVec3| DMat3::from_cols(v * v.x, v * v.y, v * v.z);
        let spread = core.iter().map(|&at| outer(color(at) - mean)).fold(DMat3::ZERO, |a, b| a + b);
        let floor = DMat3::from_diagonal(DVec3::splat(COLOR_FLOOR * COLOR_FLOOR));
        let inverse = (spread * count.recip() + floor).inverse();
        return Box::new(move |at| {
            let off = color(at) - mean;
            off.dot(inverse * off) <= COLOR_LIMIT * COLOR_LIMIT
        });
    }
    let [mean, sd] = spread(core.iter().map(|&at| f64::from(volume.scalar_value(at))));
    let window = Window::default_for(volume);
    let floor = values.given("floor").unwrap_or(f64::from(window.high() - window.low()) / 100.0);
    let limit = (values.number("k") * sd).max(floor);
    Box::new(move |at| (f64::from(volume.scalar_value(at)) - mean).abs() <= limit)
}
