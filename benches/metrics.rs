//! What scoring costs: five organs of a large CT, every metric; and what their surfaces cost that one looks at.
//!
//! `cargo bench --bench metrics`

use fovea::{
    geom::Grid,
    label::{LabelId, LabelMap, Surface},
    metrics::{Comparison, Measured},
};
use rayon::prelude::*;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

const DIMS: [usize; 3] = [512, 512, 300];
const SPACING: [f64; 3] = [0.75, 0.75, 1.5];
const RUNS: usize = 3;

/// Centre and half axes in millimetres: liver, spleen, both kidneys, pancreas.
const ORGANS: [([f64; 3], [f64; 3]); 5] = [
    ([120.0, 170.0, 270.0], [95.0, 75.0, 80.0]),
    ([290.0, 230.0, 290.0], [35.0, 45.0, 60.0]),
    ([130.0, 270.0, 190.0], [30.0, 28.0, 55.0]),
    ([260.0, 270.0, 190.0], [30.0, 28.0, 55.0]),
    ([200.0, 190.0, 230.0], [70.0, 16.0, 22.0]),
];

/// The organs as ellipsoids with wavy surfaces, shifted by `shift` millimetres.
fn organs(shift: f64) -> Vec<LabelId> {
    let [width, height, depth] = DIMS;
    let label = |voxel: [usize; 3]| -> LabelId {
        let at = [0, 1, 2].map(|a| voxel[a] as f64 * SPACING[a] - shift);
        let inside = |(centre, axes): &([f64; 3], [f64; 3])| {
            let off = [0, 1, 2].map(|a| (at[a] - centre[a]) / axes[a]);
            let wave = 0.05 * ((at[0] * 0.2).sin() + (at[1] * 0.23).sin() + (at[2] * 0.17).sin());
            off.iter().map(|o| o * o).sum::<f64>() < 1.0 + wave
        };
        ORGANS.iter().position(inside).map_or(0, |i| i as LabelId + 1)
    };
    (0..depth)
        .into_par_iter()
        .flat_map_iter(|z| (0..height).flat_map(move |y| (0..width).map(move |x| label([x, y, z]))))
        .collect()
}

fn main() {
    let (truth, predicted) = (organs(0.0), organs(2.0));
    let labels: BTreeSet<LabelId> = (0..=ORGANS.len() as LabelId).collect();
    let compared = Comparison::new(DIMS, SPACING, &predicted, &truth, None);
    println!(
        "{} x {} x {} voxels, five organs, {} threads",
        DIMS[0],
        DIMS[1],
        DIMS[2],
        rayon::current_num_threads()
    );
    let mut best = [Duration::MAX; 2];
    for run in 0..RUNS {
        let start = Instant::now();
        let confusion = compared.confusion(&labels);
        let counted = start.elapsed();
        for label in labels.iter().copied().filter(|&label| label != 0) {
            let surfaces = compared.surfaces(label);
            let scores = surfaces.scores(1.0);
            let measured =
                Measured { counts: confusion.overlap(label), surfaces: Some(scores), ..Measured::default() };
            assert!(
                measured.counts.in_truth() > 0 && scores.hd95.is_some_and(|d| d > 0.0),
                "nothing measured"
            );
            if run == 0 {
                println!(
                    "  organ {label}: {:>8} voxels, {:>6} surface elements, Dice {:.3}, surface Dice {:.3}, HD95 {:.2} mm",
                    measured.counts.in_truth(),
                    surfaces.from_truth.len(),
                    measured.counts.dice().unwrap_or(0.0),
                    scores.surface_dice.unwrap_or(0.0),
                    scores.hd95.unwrap_or(0.0)
                );
            }
        }
        best = [best[0].min(counted), best[1].min(start.elapsed())];
    }
    println!("{:<34} {:>8.2} s, the best of {RUNS}", "counts of every pair of labels", best[0].as_secs_f64());
    println!(
        "{:<34} {:>8.2} s, the best of {RUNS}",
        "with the surfaces of five organs",
        best[1].as_secs_f64()
    );
    let grid = Grid::spaced(DIMS, SPACING).expect("a valid grid");
    let map = LabelMap::from_values(DIMS, &truth).expect("as many labels as voxels");
    let start = Instant::now();
    let surface = Surface::of_map(&map, &grid, &|| false).expect("nobody stops it");
    println!(
        "{:<34} {:>8.2} s, {} triangles",
        "surfaces to look at",
        start.elapsed().as_secs_f64(),
        surface.triangles.len() / 3
    );
}
