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
    volume::{Samples, Volume, Window},
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
            kind: Kind::Number { default: Some(8.0), range: [0.001, 10_000.0], whole: false, unit: "mm" },
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
        Parameter {
            key: "like",
            title: "What it looks for",
            help: "MEAN,DEVIATION of the values in place of those of the middle; of a colour image the mean RED,GREEN,BLUE and three rows of the covariance.",
            when: None,
            kind: Kind::Points,
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
    let Dab { near, disc, core } = Dab::of(scene, values)?;
    let tissue = Tissue::said(scene, values).unwrap_or_else(|| Tissue::of(scene, &near, &core));
    let alike = alike(scene, values, tissue);
    let candidates = Rows::of_each(near.size, |at| alike(near.index(at))).and(&disc);
    let region = candidates.touching(&candidates.and(&core), Connectivity::Faces);
    let holes = Rows::of_parts(near.size, &region.holes());
    let mut wish = Wish::default();
    wish.gain(scene.label, near.runs(&region.or(&holes.and(&disc))));
    Ok(wish)
}

/// The voxels that a dab can touch, and those of its middle, in a box around them: so a dab costs what it covers.
struct Dab {
    near: Block,
    disc: Rows,
    core: Rows,
}

impl Dab {
    fn of(scene: &Scene<'_>, values: &Values) -> Result<Self, EffectError> {
        let (_, block, own) = place(scene, values)?;
        let radius = values.number("radius_mm");
        let space = scene.space(&block);
        let pixel = space.step[0].min(space.step[1]);
        let disc = Ball::of_radius(radius);
        let core = Ball::of_radius((CORE * radius).max(CORE_PIXELS * pixel));
        // The middle of a small disc is larger than the disc.
        let [disc_reach, core_reach] = [disc.reach(&space), core.reach(&space)];
        let reach = [0, 1, 2].map(|a| disc_reach[a].max(core_reach[a]));
        let near = block.around([own, own], reach);
        let own = [0, 1, 2].map(|a| own[a] + block.low[a] - near.low[a]);
        let space = scene.space(&near);
        let middle = Rows::of_one(near.size, (own[2] * near.size[1] + own[1]) * near.size[0] + own[0]);
        let (disc, core) = (disc.dilated(&middle, &space)?, core.dilated(&middle, &space)?);
        Ok(Self { near, disc, core })
    }
}

/// What the voxels look like that a smart brush paints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tissue {
    /// Mean and standard deviation of the values.
    Grey { mean: f64, deviation: f64 },
    /// Mean and covariance of red, green and blue.
    Color { mean: DVec3, covariance: DMat3 },
}

impl Tissue {
    /// That of the middle of a dab: of the effect with these parameters on this scene.
    pub fn of_middle(scene: &Scene<'_>, values: &Values) -> Result<Self, EffectError> {
        let Dab { near, core, .. } = Dab::of(scene, values)?;
        Ok(Self::of(scene, &near, &core))
    }

    fn of(scene: &Scene<'_>, near: &Block, core: &Rows) -> Self {
        let volume = scene.volume;
        let core = near.runs(core).into_iter().flat_map(|(at, len)| at..at + len as usize);
        let core: Vec<usize> = core.collect();
        let Samples::Rgb8(colors) = volume.samples() else {
            let [mean, deviation] = spread(core.iter().map(|&at| f64::from(volume.scalar_value(at))));
            return Self::Grey { mean, deviation };
        };
        let color = move |at: usize| DVec3::from(colors[at].map(f64::from));
        let count = core.len().max(1) as f64;
        let mean = core.iter().map(|&at| color(at)).sum::<DVec3>() / count;
        let outer = |v: DVec3| DMat3::from_cols(v * v.x, v * v.y, v * v.z);
        let sum = core.iter().map(|&at| outer(color(at) - mean)).fold(DMat3::ZERO, |a, b| a + b);
        Self::Color { mean, covariance: sum * count.recip() }
    }

    /// What was said in place of the middle's.
    fn said(scene: &Scene<'_>, values: &Values) -> Option<Self> {
        match (scene.volume.samples(), values.points("like")) {
            (Samples::Rgb8(_), &[mean, a, b, c]) => {
                Some(Self::Color { mean: mean.into(), covariance: DMat3::from_cols_array_2d(&[a, b, c]) })
            }
            (_, &[[mean, deviation, _]]) => Some(Self::Grey { mean, deviation }),
            _ => None,
        }
    }

    /// As the parameter `like` takes it, to the last digit.
    pub fn text(&self) -> String {
        match self {
            Self::Grey { mean, deviation } => format!("{mean},{deviation}"),
            Self::Color { mean, covariance } => {
                let row = |v: DVec3| format!("{},{},{}", v.x, v.y, v.z);
                let columns = [*mean, covariance.x_axis, covariance.y_axis, covariance.z_axis];
                columns.map(row).join(" ")
            }
        }
    }

    /// A share of the way to another: so that a brush goes along with slow changes and keeps its tissue.
    pub fn toward(self, next: Self, share: f64) -> Self {
        match (self, next) {
            (Self::Grey { mean, deviation }, Self::Grey { mean: to_mean, deviation: to_deviation }) => {
                let mix = |a: f64, b: f64| a + (b - a) * share;
                Self::Grey { mean: mix(mean, to_mean), deviation: mix(deviation, to_deviation) }
            }
            (Self::Color { mean, covariance }, Self::Color { mean: to_mean, covariance: to_covariance }) => {
                let covariance = covariance * (1.0 - share) + to_covariance * share;
                Self::Color { mean: mean.lerp(to_mean, share), covariance }
            }
            _ => next,
        }
    }
}

/// Whether the voxel of a linear index looks like a tissue.
fn alike<'a>(scene: &Scene<'a>, values: &Values, tissue: Tissue) -> Box<dyn Fn(usize) -> bool + Sync + 'a> {
    let volume = scene.volume;
    match (tissue, volume.samples()) {
        (Tissue::Color { mean, covariance }, Samples::Rgb8(colors)) => {
            let floor = DMat3::from_diagonal(DVec3::splat(COLOR_FLOOR * COLOR_FLOOR));
            let inverse = (covariance + floor).inverse();
            Box::new(move |at| {
                let off = DVec3::from(colors[at].map(f64::from)) - mean;
                off.dot(inverse * off) <= COLOR_LIMIT * COLOR_LIMIT
            })
        }
        (Tissue::Grey { mean, deviation }, _) => {
            let floor = values.given("floor").unwrap_or_else(|| least_tolerance(volume));
            let limit = (values.number("k") * deviation).max(floor);
            Box::new(move |at| (f64::from(volume.scalar_value(at)) - mean).abs() <= limit)
        }
        // A colour is looked for in an image of greys: nothing is like it.
        (Tissue::Color { .. }, _) => Box::new(|_| false),
    }
}

/// How far a value may be from the mean however even the tissue is: 1 % of the window.
fn least_tolerance(volume: &Volume) -> f64 {
    let window = Window::default_for(volume);
    f64::from(window.high() - window.low()) / 100.0
}
