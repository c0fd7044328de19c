//! A CT of an abdomen: skin, fat, muscle, bone, lung bases, vessels and four labelled organs.

use super::{
    Look, Phantom,
    noise::{Smooth, generator, normal, soften, uniform},
};
use crate::{
    geom::{Frame, Grid, Unit},
    label::{LabelMap, LabelTable},
    volume::{Modality, Samples, Volume},
};
use glam::{DAffine3, DMat3, DVec3};

/// 128 × 128 × 48 voxels of 2.8 × 2.8 × 5 mm, int16 HU; labels 1 liver, 2 kidneys, 3 spleen, 4 pancreas.
pub fn ct(seed: u64, look: Look) -> Phantom {
    ct_sized(seed, look, [128, 128, 48])
}

/// As [`ct`], with another number of voxels over the same 358 × 358 × 240 mm.
pub fn ct_sized(seed: u64, look: Look, dims: [usize; 3]) -> Phantom {
    let dims = [dims[0].max(32), dims[1].max(32), dims[2].max(1)];
    scan(
        seed,
        look,
        &Body::new(seed, look, 1.0),
        &View { dims, center: [0.0; 3], half: [1.0; 3], noise: 1.0 },
    )
}

/// Abdomens that differ from one another as patients and scanners do: organs in size and place, the field of view, the
/// number of voxels and their spacing, the noise, and the order in which the voxels are stored.
pub fn abdomen(seed: u64, look: Look) -> Phantom {
    let mut rng = generator(seed, 30);
    let mut between = |low: f32, high: f32| uniform(&mut rng, low, high);
    let view = View {
        dims: [between(64.0, 104.0), between(64.0, 104.0), between(28.0, 64.0)].map(|n| n as usize),
        center: [between(-0.12, 0.12), between(-0.1, 0.1), between(-0.1, 0.1)],
        half: [between(0.95, 1.2), between(0.85, 1.1), between(0.9, 1.15)],
        noise: between(0.5, 1.8),
    };
    let turned = [between(0.0, 1.0) < 0.5, between(0.0, 1.0) < 0.5, between(0.0, 1.0) < 0.5];
    let order = [[0, 1, 2], [0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1]][between(0.0, 4.99) as usize];
    let phantom = scan(seed, look, &Body::new(seed, look, 1.6), &view);
    Phantom { name: "Abdomen phantom", ..stored(phantom, order, turned) }
}

/// What a scanner sees of a [`Body`]: the middle of its field and half its sides, in the body's units; the voxels; and
/// the noise against the usual one.
struct View {
    dims: [usize; 3],
    center: [f32; 3],
    half: [f32; 3],
    noise: f32,
}

/// Half the sides of a body's box in millimetres.
const HALF_MM: [f64; 3] = [179.0, 179.0, 120.0];

fn scan(seed: u64, look: Look, body: &Body, view: &View) -> Phantom {
    let &View { dims, center, half, .. } = view;
    let [w, h, d] = dims;
    let (noise, blur) = match look {
        Look::Standard => (14.0 * view.noise, 0.12),
        Look::Shifted => (34.0 * view.noise, 0.22),
    };
    let mut samples = Vec::with_capacity(w * h * d);
    let mut truth = Vec::with_capacity(w * h * d);
    for z in 0..d {
        let mut plane = Vec::with_capacity(w * h);
        for y in 0..h {
            for x in 0..w {
                let unit = |i: usize, a: usize| {
                    center[a] + half[a] * ((i as f32 + 0.5) / dims[a] as f32 * 2.0 - 1.0)
                };
                let (hu, label) = body.at([unit(x, 0), unit(y, 1), unit(z, 2)]);
                plane.push(hu);
                truth.push(label);
            }
        }
        soften(&mut plane, w, blur);
        let mut rng = generator(seed, 200 + z as u64);
        let mut grain: Vec<f32> = plane.iter().map(|_| noise * normal(&mut rng)).collect();
        // The reconstruction filter correlates neighbouring noise.
        soften(&mut grain, w, 0.15);
        samples.extend(plane.iter().zip(&grain).map(|(v, g)| (v + g).round().clamp(-1024.0, 3071.0) as i16));
    }
    let sides: [f64; 3] = std::array::from_fn(|a| 2.0 * HALF_MM[a] * f64::from(half[a]));
    let spacing: [f64; 3] = std::array::from_fn(|a| sides[a] / dims[a] as f64);
    let corner = |a: usize| HALF_MM[a] * f64::from(center[a]) - sides[a] / 2.0;
    let affine = DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::from_array(spacing)),
        translation: DVec3::new(corner(0) + spacing[0] / 2.0, corner(1) + spacing[1] / 2.0, corner(2)),
    };
    let expected = "a box of the stated size";
    Phantom {
        name: "CT phantom",
        volume: Volume::new(
            Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).expect(expected),
            Samples::I16(samples.into()),
            [1.0, 0.0],
            Modality::Ct,
        )
        .expect(expected),
        truth: LabelMap::from_values(dims, &truth).expect(expected),
        labels: LabelTable::named(&["liver", "kidneys", "spleen", "pancreas"]),
    }
}

/// The same scan with its voxels in another order: axis `k` is the old axis `order[k]`, some turned round.
fn stored(phantom: Phantom, order: [usize; 3], turned: [bool; 3]) -> Phantom {
    let (volume, old) = (&phantom.volume, phantom.volume.dims());
    let dims = order.map(|axis| old[axis]);
    let voxel = |at: [usize; 3]| {
        let mut place = [0; 3];
        for k in 0..3 {
            place[order[k]] = if turned[k] { dims[k] - 1 - at[k] } else { at[k] };
        }
        place
    };
    let at =
        |i: usize| volume.grid().index(voxel([i % dims[0], i / dims[0] % dims[1], i / (dims[0] * dims[1])]));
    let count = dims.iter().product();
    let samples: Vec<i16> = (0..count).map(|i| volume.samples().scalar(at(i)) as i16).collect();
    let labels = phantom.truth.to_values();
    let labels: Vec<u16> = (0..count).map(|i| labels[at(i)]).collect();
    let affine = volume.grid().patient_from_voxel();
    let column = |k: usize| affine.matrix3.col(order[k]) * if turned[k] { -1.0 } else { 1.0 };
    let affine = DAffine3 {
        matrix3: DMat3::from_cols(column(0), column(1), column(2)),
        translation: affine.transform_point3(DVec3::from_array(voxel([0; 3]).map(|n| n as f64))),
    };
    let expected = "a box of the stated size";
    let grid = Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).expect(expected);
    Phantom {
        volume: Volume::new(grid, Samples::I16(samples.into()), [1.0, 0.0], Modality::Ct).expect(expected),
        truth: LabelMap::from_values(dims, &labels).expect(expected),
        ..phantom
    }
}

/// Positions are in [-1, 1]³ of the scan: x to the patient's left, y to the back, z to the head.
struct Body {
    outline: [f32; 2],
    fat: f32,
    bend: Smooth,
    mottle: Smooth,
    bowel: Smooth,
    organs: Vec<Organ>,
}

struct Organ {
    center: [f32; 3],
    radius: [f32; 3],
    /// Rotation in the axial plane.
    turn: f32,
    hu: f32,
    label: u16,
    /// How far the surface leaves the ellipsoid.
    rough: f32,
}

impl Organ {
    /// Below 1 inside.
    fn field(&self, p: [f32; 3], bend: &Smooth) -> f32 {
        let v: [f32; 3] = std::array::from_fn(|a| p[a] - self.center[a]);
        let (sin, cos) = self.turn.sin_cos();
        let turned = [cos * v[0] + sin * v[1], cos * v[1] - sin * v[0], v[2]];
        let r2: f32 = (0..3).map(|a| (turned[a] / self.radius[a]).powi(2)).sum();
        let k = 5.0 + f32::from(self.label);
        r2.sqrt() + self.rough * bend.at([p[0] * k, p[1] * k, p[2] * 3.0])
    }
}

impl Body {
    /// `spread` is by how much more than usual organs differ in size and place.
    fn new(seed: u64, look: Look, spread: f32) -> Self {
        let mut rng = generator(seed, 20);
        let (bend, mottle, bowel) = (Smooth::new(&mut rng), Smooth::new(&mut rng), Smooth::new(&mut rng));
        let outline = [uniform(&mut rng, 0.84, 0.93), uniform(&mut rng, 0.60, 0.70)];
        let fat = uniform(&mut rng, 0.07, 0.12);
        // Contrast medium in the portal phase, or none.
        let hu = match look {
            Look::Standard => [112.0, 165.0, 126.0, 92.0, 170.0],
            Look::Shifted => [60.0, 38.0, 50.0, 40.0, 45.0],
        };
        let mut organ = |center: [f32; 3], radius: [f32; 3], turn: f32, hu: f32, label: u16, rough: f32| {
            let shift = |c: f32, by: f32, rng: &mut _| c + spread * uniform(rng, -by, by);
            let size = 1.0 + spread * (uniform(&mut rng, 0.9, 1.12) - 1.0);
            Organ {
                center: [
                    shift(center[0], 0.03, &mut rng),
                    shift(center[1], 0.03, &mut rng),
                    shift(center[2], 0.07, &mut rng),
                ],
                radius: radius.map(|r| r * size),
                turn: shift(turn, 0.12, &mut rng),
                hu,
                label,
                rough,
            }
        };
        let organs = vec![
            // Unlabelled first: a later organ lies over an earlier one.
            organ([0.22, -0.28, 0.30], [0.20, 0.13, 0.34], 0.5, 28.0, 0, 0.10), // stomach
            organ([0.04, 0.16, 0.0], [0.055, 0.055, 3.0], 0.0, hu[4], 0, 0.0),  // aorta
            organ([-0.11, 0.14, 0.0], [0.065, 0.05, 3.0], 0.0, hu[4] - 20.0, 0, 0.0), // vena cava
            organ([0.02, -0.04, 0.05], [0.27, 0.065, 0.13], -0.35, hu[3], 4, 0.16),
            organ([-0.37, -0.06, 0.38], [0.40, 0.36, 0.48], 0.35, hu[0], 1, 0.09),
            organ([0.52, 0.18, 0.38], [0.15, 0.24, 0.30], -0.5, hu[2], 3, 0.07),
            organ([-0.33, 0.27, -0.22], [0.12, 0.145, 0.32], -0.3, hu[1], 2, 0.05),
            organ([0.36, 0.27, -0.12], [0.12, 0.145, 0.32], 0.3, hu[1], 2, 0.05),
        ];
        Self { outline, fat, bend, mottle, bowel, organs }
    }

    /// HU and label.
    fn at(&self, p: [f32; 3]) -> (f32, u16) {
        let wobble = 0.02 * self.bend.at([p[0] * 2.0, p[1] * 2.0, p[2]]);
        let r = (p[0] / self.outline[0]).hypot(p[1] / self.outline[1]) + wobble;
        if r > 1.0 {
            // The table under the patient.
            let table = (p[1] - 0.80 - 0.06 * p[0] * p[0]).abs() < 0.012 && p[0].abs() < 0.75;
            return (if table { -250.0 } else { -1000.0 }, 0);
        }
        if r > 0.985 {
            return (-10.0, 0);
        }
        let mottle = 8.0 * self.mottle.rough([p[0] * 18.0, p[1] * 18.0, p[2] * 9.0]);
        let wall = 1.0 - self.fat;
        if r > wall {
            return (-105.0 + mottle, 0);
        }
        if let Some(hu) = self.bone(p, r, wall) {
            return (hu + 6.0 * mottle, 0);
        }
        let back = (p[0].abs() - 0.2).hypot((p[1] - 0.36) * 1.3) < 0.15;
        if r > wall - 0.10 || back {
            return (56.0 + mottle, 0);
        }
        // The lungs' bases over the domes of the diaphragm.
        let dome = 0.70 - 1.1 * ((p[0].abs() - 0.38).powi(2) + (p[1] - 0.05).powi(2));
        if p[2] > dome + 0.12 && p[0].abs() > 0.10 {
            return (-860.0 + 4.0 * mottle, 0);
        }
        let inside = self.organs.iter().rev().find(|o| o.field(p, &self.bend) < 1.0);
        if let Some(organ) = inside {
            let mut hu = organ.hu + mottle;
            // Calyces; air over fluid in the stomach.
            if organ.label == 2 && organ.field(p, &self.bend) < 0.45 {
                hu = 10.0 + mottle;
            }
            if organ.label == 0 && organ.hu < 30.0 && p[1] < organ.center[1] - 0.04 {
                hu = -900.0;
            }
            return (hu, organ.label);
        }
        // Bowel loops in fat.
        let loops = self.bowel.rough([p[0] * 5.5, p[1] * 5.5, p[2] * 4.0]);
        let hu = match loops {
            l if p[1] < 0.1 && l > 0.62 => -700.0,
            l if p[1] < 0.22 && l > 0.05 => 34.0,
            _ => -98.0,
        };
        (hu + mottle, 0)
    }

    /// Vertebra and ribs.
    fn bone(&self, p: [f32; 3], r: f32, wall: f32) -> Option<f32> {
        let disc = (p[2] * 5.0).rem_euclid(1.0) < 0.16;
        let vertebra = (p[0] / 0.125).hypot((p[1] - 0.33) / 0.105);
        if vertebra < 1.0 {
            return Some(if disc {
                85.0
            } else if vertebra > 0.86 {
                520.0
            } else {
                210.0
            });
        }
        let canal = (p[0] / 0.05).hypot((p[1] - 0.475) / 0.045);
        if canal < 1.0 {
            return Some(25.0);
        }
        let arch = (p[0] / 0.10).hypot((p[1] - 0.475) / 0.085) < 1.0;
        let spine = p[0].abs() < 0.022 && (0.5..0.60).contains(&p[1]) && r < wall;
        let transverse = (p[1] - 0.44).abs() < 0.022 && p[0].abs() < 0.23;
        if (arch || spine || transverse) && !disc {
            return Some(420.0);
        }
        // Ribs run down and forward in the wall.
        let around = p[0].abs().atan2(p[1]);
        let row = (p[2] * 5.0 + around * 1.1).rem_euclid(1.0);
        let in_wall = (r - (wall - 0.055)).abs() < 0.032;
        (in_wall && row < 0.34 && around > 0.5 && p[2] > -0.35 && p[1] > -0.45).then_some(380.0)
    }
}
