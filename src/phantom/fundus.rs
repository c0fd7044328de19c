//! A fundus photograph: disc, macula, uneven light and a branching vessel tree.

use super::{
    Look, Phantom,
    noise::{Smooth, generator, normal, soften, uniform},
};
use crate::{
    geom::Grid,
    label::{LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use rand_chacha::ChaCha8Rng;

/// 512 × 512 RGB; label 1 is vessel.
pub fn fundus(seed: u64, look: Look) -> Phantom {
    fundus_sized(seed, look, 512)
}

/// As [`fundus`], `size` pixels wide and high (at least 64).
pub fn fundus_sized(seed: u64, look: Look, size: usize) -> Phantom {
    let size = size.max(64);
    let eye = Eye::new(seed, size);
    let vessels = eye.vessels(seed);
    let coverage = Coverage::draw(&vessels, size);
    let pixels = eye.photograph(seed, look, &coverage);
    let truth: Vec<u16> = coverage.inside.iter().map(|&v| u16::from(v)).collect();
    let expected = "a square of the stated size";
    Phantom {
        name: "fundus phantom",
        volume: Volume::new(
            Grid::pixels([size, size, 1]).expect(expected),
            Samples::Rgb8(pixels.into()),
            [1.0, 0.0],
            Modality::Fundus,
        )
        .expect(expected),
        truth: LabelMap::from_values([size, size, 1], &truth).expect(expected),
        labels: LabelTable::named(&["vessel"]),
    }
}

/// Lengths are in units of the picture's width; positions from its centre.
struct Eye {
    size: usize,
    disc: [f32; 2],
    macula: [f32; 2],
    /// +1 where the disc is to the right of the macula.
    side: f32,
}

/// A straight piece of vessel.
struct Piece {
    from: [f32; 2],
    to: [f32; 2],
    radius: f32,
    depth: f32,
}

const FIELD_RADIUS: f32 = 0.475;

impl Eye {
    fn new(seed: u64, size: usize) -> Self {
        let mut rng = generator(seed, 0);
        let side = if uniform(&mut rng, 0.0, 1.0) < 0.5 { -1.0 } else { 1.0 };
        let disc = [side * uniform(&mut rng, 0.20, 0.27), uniform(&mut rng, -0.04, 0.04)];
        let macula =
            [disc[0] - side * uniform(&mut rng, 0.27, 0.31), disc[1] + uniform(&mut rng, 0.01, 0.04)];
        Self { size, disc, macula, side }
    }

    /// Arteries and veins leave the disc as four arcades that bend around the macula, and branch.
    fn vessels(&self, seed: u64) -> Vec<Piece> {
        let mut rng = generator(seed, 1);
        let mut pieces = Vec::new();
        for vein in [false, true] {
            for up in [-1.0f32, 1.0] {
                for temporal in [true, false] {
                    let toward = if temporal { -self.side } else { self.side };
                    let steep =
                        if temporal { uniform(&mut rng, 0.9, 1.25) } else { uniform(&mut rng, 0.3, 0.9) };
                    let angle = (up * steep.sin()).atan2(toward * steep.cos());
                    let radius = if vein { 0.0068 } else { 0.0053 } * uniform(&mut rng, 0.85, 1.1);
                    // The arcade turns back towards the horizontal, around the macula.
                    let bend = if temporal { -up * toward * uniform(&mut rng, 2.2, 3.4) } else { 0.0 };
                    let jitter = uniform(&mut rng, -0.012, 0.012);
                    let start = [self.disc[0] + jitter, self.disc[1] + up * uniform(&mut rng, 0.0, 0.02)];
                    self.grow(
                        &mut rng,
                        &mut pieces,
                        Growth { at: start, angle, bend, radius, vein, depth: 0 },
                    );
                }
            }
        }
        pieces
    }

    fn grow(&self, rng: &mut ChaCha8Rng, pieces: &mut Vec<Piece>, mut g: Growth) {
        const STEP: f32 = 0.008;
        let thinnest = 0.0011;
        let mut wander = 0.0;
        let mut until_branch = uniform(rng, 0.04, 0.09);
        for _ in 0..110 {
            wander = 0.86 * wander + 0.9 * normal(rng);
            g.angle += STEP * (g.bend + wander * 3.0);
            g.bend *= 0.985;
            let to = [g.at[0] + STEP * g.angle.cos(), g.at[1] + STEP * g.angle.sin()];
            if to[0].hypot(to[1]) > FIELD_RADIUS {
                return;
            }
            // The fovea has no vessels.
            let from_fovea = (to[0] - self.macula[0]).hypot(to[1] - self.macula[1]);
            if from_fovea < 0.045 || g.radius < thinnest {
                return;
            }
            let depth = (if g.vein { 0.52 } else { 0.40 }) * (0.55 + 0.45 * (g.radius / 0.006).min(1.0));
            pieces.push(Piece { from: g.at, to, radius: g.radius, depth });
            g.at = to;
            g.radius *= 0.992;
            until_branch -= STEP;
            if until_branch < 0.0 && g.depth < 5 {
                until_branch = uniform(rng, 0.05, 0.12);
                let side = if uniform(rng, 0.0, 1.0) < 0.5 { -1.0 } else { 1.0 };
                // Murray's law: the cubes of the radii add up.
                let share = uniform(rng, 0.15, 0.5);
                let child = Growth {
                    angle: g.angle + side * uniform(rng, 0.5, 1.0),
                    bend: -side * uniform(rng, 0.0, 2.0),
                    radius: g.radius * share.cbrt(),
                    depth: g.depth + 1,
                    ..g
                };
                self.grow(rng, pieces, child);
                g.radius *= (1.0 - share).cbrt();
                g.angle -= side * 0.12;
            }
        }
    }

    fn photograph(&self, seed: u64, look: Look, vessels: &Coverage) -> Vec<[u8; 3]> {
        let mut rng = generator(seed, 2);
        let (texture, choroid) = (Smooth::new(&mut rng), Smooth::new(&mut rng));
        let light = [uniform(&mut rng, -0.15, 0.15), uniform(&mut rng, -0.15, 0.15)];
        let n = self.size;
        let mut planes = [vec![0.0f32; n * n], vec![0.0; n * n], vec![0.0; n * n]];
        for y in 0..n {
            for x in 0..n {
                let i = y * n + x;
                let p = [(x as f32 + 0.5) / n as f32 - 0.5, (y as f32 + 0.5) / n as f32 - 0.5];
                let edge = ((FIELD_RADIUS - p[0].hypot(p[1])) * n as f32 / 1.5).clamp(0.0, 1.0);
                if edge == 0.0 {
                    continue;
                }
                let lit = 1.0 - 1.3 * ((p[0] - light[0]).powi(2) + (p[1] - light[1]).powi(2));
                let grain = texture.rough([p[0] * 14.0, p[1] * 14.0, 0.0]);
                let streaks = choroid.rough([p[0] * 40.0 + 6.0 * p[1], p[1] * 9.0, 2.0]);
                let mut color = [0.80, 0.42, 0.20].map(|c: f32| c * lit);
                color[0] += 0.03 * grain + 0.02 * streaks;
                color[1] += 0.035 * grain + 0.03 * streaks;
                color[2] += 0.02 * grain;
                let macula = bump(p, self.macula, 0.075);
                color = [color[0] - 0.16 * macula, color[1] - 0.17 * macula, color[2] - 0.08 * macula];
                let disc = smooth_step(0.066, 0.052, (p[0] - self.disc[0]).hypot(p[1] - self.disc[1]));
                let cup = bump(p, self.disc, 0.022);
                let disc_color = [0.98, 0.80 + 0.12 * cup, 0.52 + 0.25 * cup];
                for c in 0..3 {
                    color[c] += disc * (disc_color[c] - color[c]);
                    // Blood takes green most.
                    let absorbed = vessels.shade[i] * [0.42, 1.0, 0.75][c];
                    planes[c][i] = edge * (color[c] * (1.0 - absorbed)).clamp(0.0, 1.0);
                }
            }
        }
        let (gain, gamma, blur, noise) = match look {
            Look::Standard => ([1.0, 1.0, 1.0], 1.0, 0.14, 0.016),
            Look::Shifted => ([0.74, 0.66, 0.95], 1.3, 0.24, 0.034),
        };
        for plane in &mut planes {
            soften(plane, n, blur);
        }
        let mut rng = generator(seed, 3);
        (0..n * n)
            .map(|i| {
                std::array::from_fn(|c| {
                    let clean = planes[c][i];
                    let value = if clean > 0.0 {
                        (clean * gain[c]).powf(gamma) + noise * normal(&mut rng)
                    } else {
                        0.0
                    };
                    (255.0 * value).round().clamp(0.0, 255.0) as u8
                })
            })
            .collect()
    }
}

#[derive(Clone, Copy)]
struct Growth {
    at: [f32; 2],
    angle: f32,
    /// Radians per unit length.
    bend: f32,
    radius: f32,
    vein: bool,
    depth: u8,
}

/// Which pixels have their centre in a vessel, and how much light the vessels take from each.
struct Coverage {
    inside: Vec<bool>,
    shade: Vec<f32>,
}

impl Coverage {
    fn draw(pieces: &[Piece], size: usize) -> Self {
        let n = size as f32;
        let mut this = Self { inside: vec![false; size * size], shade: vec![0.0; size * size] };
        for piece in pieces {
            let [ax, ay] = piece.from.map(|c| (c + 0.5) * n - 0.5);
            let [bx, by] = piece.to.map(|c| (c + 0.5) * n - 0.5);
            // Thinner than this is below what the pixels can show.
            let radius = (piece.radius * n).max(0.55);
            let reach = radius + 1.5;
            let span = |a: f32, b: f32| {
                let low = (a.min(b) - reach).floor().max(0.0) as usize;
                let high = ((a.max(b) + reach).ceil().max(0.0) as usize).min(size - 1);
                low..=high
            };
            for y in span(ay, by) {
                for x in span(ax, bx) {
                    let (dx, dy) = (bx - ax, by - ay);
                    let along = ((x as f32 - ax) * dx + (y as f32 - ay) * dy) / (dx * dx + dy * dy).max(1e-9);
                    let t = along.clamp(0.0, 1.0);
                    let distance = (x as f32 - ax - t * dx).hypot(y as f32 - ay - t * dy);
                    let i = y * size + x;
                    this.inside[i] |= distance <= radius;
                    let cover = (radius + 0.5 - distance).clamp(0.0, 1.0);
                    // A cylinder takes most light in its middle.
                    let bulge = (1.0 - (distance / (radius + 0.5)).powi(2)).max(0.0).sqrt();
                    this.shade[i] = this.shade[i].max(piece.depth * cover * (0.55 + 0.45 * bulge));
                }
            }
        }
        this
    }
}

fn bump(p: [f32; 2], center: [f32; 2], radius: f32) -> f32 {
    (-((p[0] - center[0]).powi(2) + (p[1] - center[1]).powi(2)) / (radius * radius)).exp()
}

fn smooth_step(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
