//! Effects on a volume of 512×512×300 voxels of 0.7×0.7×3 mm, with a label of the size of a liver, on as many cores as there are:
//! seconds, beside the target, and the voxels that change. Each is the faster of two runs.
//!
//! `cargo bench --bench effects` measures all; `cargo bench --bench effects -- margin` those whose name has that in it.

use fovea::{
    edit::{
        MaskRules, Origin,
        effects::{EffectError, Scene, Values, effect},
    },
    geom::Grid,
    label::{LabelId, LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use std::{collections::BTreeSet, time::Instant};

const SIZE: [usize; 3] = [512, 512, 300];

/// An effect, what it is told, on which mask, and the seconds that it should take at most.
type Run = (&'static str, &'static [(&'static str, &'static str)], Mask, f64);

const RUNS: &[Run] = &[
    ("smooth", &[("method", "median")], Mask::Liver, 0.5),
    ("smooth", &[("method", "open")], Mask::Liver, 0.5),
    ("smooth", &[("method", "close")], Mask::Liver, 0.5),
    ("smooth", &[("method", "gaussian")], Mask::Liver, 0.4),
    ("joint-smooth", &[], Mask::Liver, 0.8),
    ("margin", &[("margin_mm", "3")], Mask::Liver, 0.4),
    ("margin", &[("margin_mm", "-3")], Mask::Liver, 0.4),
    ("margin", &[("margin_mm", "15")], Mask::Liver, 0.4),
    ("hollow", &[], Mask::Liver, 0.6),
    ("islands", &[], Mask::Liver, 0.3),
    ("fill-holes", &[], Mask::Liver, 0.3),
    ("fill-holes", &[("within", "slice")], Mask::Liver, 0.3),
    ("logic", &[("operation", "subtract"), ("with", "2")], Mask::Liver, 0.2),
    ("relabel", &[("to", "3")], Mask::Liver, 0.05),
    ("threshold", &[("low", "100"), ("high", "400")], Mask::Empty, 0.3),
    ("threshold", &[("method", "otsu")], Mask::Empty, 0.3),
    ("wand", &[("at", "256,256,150"), ("within", "volume"), ("tolerance", "60")], Mask::Empty, 0.4),
    ("wand", &[("at", "256,256,150"), ("tolerance", "60")], Mask::Empty, 0.016),
    ("smart-brush", &[("at", "200,256,150"), ("radius_mm", "14")], Mask::Empty, 0.002),
    ("level-tracing", &[("at", "256,256,150")], Mask::Empty, 0.016),
    ("livewire", &[("points", "150,256 160,300"), ("slice", "150")], Mask::Empty, 0.025),
    ("nudge", &[("at", "256,256,150"), ("move", "4,2"), ("radius_px", "40")], Mask::Liver, 0.006),
    ("scissors", &[("outline", "200,200 300,210 280,320")], Mask::Liver, 0.4),
    ("fill-between", &[("image", "no")], Mask::EveryTenth, 1.5),
    ("fill-between", &[], Mask::EveryTenth, 1.5),
    ("grow-from-seeds", &[], Mask::Seeds, 5.0),
];

#[derive(Clone, Copy)]
enum Mask {
    Empty,
    /// A bumpy ball of 5 million voxels with a second label in it, and litter around it.
    Liver,
    /// The same in each tenth slice.
    EveryTenth,
    /// Of both labels some voxels within a box of 256³.
    Seeds,
}

impl Mask {
    fn label(self, [x, y, z]: [usize; 3]) -> LabelId {
        let [u, v, w] = [(x as f64 - 256.0) / 130.0, (y as f64 - 256.0) / 110.0, (z as f64 - 150.0) / 90.0];
        let bumps = 0.05 * (x as f64 * 0.3).sin() * (y as f64 * 0.2).cos();
        let away = u * u + v * v + w * w + bumps;
        let inside = if away < 0.02 { 2 } else { LabelId::from(away < 1.0) };
        match self {
            Mask::Empty => 0,
            Mask::EveryTenth if !z.is_multiple_of(10) => 0,
            Mask::Seeds => {
                let is_near = |at: usize, to: usize| at.abs_diff(to) < 6;
                match (x, y, z) {
                    _ if is_near(x, 256) && is_near(y, 256) && is_near(z, 150) => 1,
                    _ if is_near(x, 135) && is_near(y, 135) && is_near(z, 30) => 2,
                    _ if is_near(x, 377) && is_near(y, 377) && is_near(z, 270) => 2,
                    _ => 0,
                }
            }
            Mask::Liver if inside == 0 && away < 1.2 && (x * 31 + y * 17 + z * 7).is_multiple_of(4999) => 1,
            _ => inside,
        }
    }

    fn map(self) -> LabelMap {
        LabelMap::from_parts(SIZE, |start, out| {
            for (at, label) in out.iter_mut().enumerate() {
                let i = start + at;
                *label = self.label([i % SIZE[0], i / SIZE[0] % SIZE[1], i / (SIZE[0] * SIZE[1])]);
            }
        })
    }
}

/// A CT: the liver at 110 HU, around it 30, in a body in air, with noise.
fn image() -> Volume {
    let voxels = SIZE.iter().product();
    let value = |i: usize| {
        let place = [i % SIZE[0], i / SIZE[0] % SIZE[1], i / (SIZE[0] * SIZE[1])];
        let noise = ((i as u64).wrapping_mul(6_364_136_223_846_793_005) >> 58) as i16 - 32;
        let [u, v] = [(place[0] as f64 - 256.0) / 230.0, (place[1] as f64 - 256.0) / 170.0];
        noise
            + match Mask::Liver.label(place) {
                1 => 110,
                _ if u * u + v * v < 1.0 => 30,
                _ => -1000,
            }
    };
    let samples: Vec<i16> = (0..voxels).map(value).collect();
    let grid = Grid::spaced(SIZE, [0.7, 0.7, 3.0]).expect("a grid");
    Volume::new(grid, Samples::I16(samples.into()), [1.0, 0.0], Modality::Ct).expect("a volume")
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let volume = image();
    let table = LabelTable::named(&["liver", "vessel", "other"]);
    let verified = BTreeSet::new();
    let rules = MaskRules::new(&table, &verified);
    println!("effect,told,seconds,target,voxels");
    for (id, said, mask, target) in RUNS {
        if !asked.is_empty() && !asked.iter().any(|asked| id.contains(asked.as_str())) {
            continue;
        }
        let map = mask.map();
        let effect = effect(id).expect("an effect's id");
        let values = Values::new(effect.parameters, said.iter().copied(), &table).expect("valid values");
        let mut best = (f64::INFINITY, 0);
        for _ in 0..2 {
            let origin = Origin::Person { tool: (*id).to_owned() };
            let start = Instant::now();
            let patch = effect.patch(&Scene::new(&volume, &map, &table, 1), &values, &rules, origin);
            let taken = start.elapsed().as_secs_f64();
            let voxels = match patch {
                Ok(patch) => patch.voxel_count(),
                Err(EffectError::Nothing(_)) => 0,
                Err(error) => panic!("{id}: {error}"),
            };
            if taken < best.0 {
                best = (taken, voxels);
            }
        }
        let said: Vec<String> = said.iter().map(|(key, value)| format!("{key}={value}")).collect();
        println!("{id},{},{:.3},{target},{}", said.join(" ").replace(',', ";"), best.0, best.1);
    }
}
