//! What made a picture, told by its look, where the file does not say.

use crate::volume::{Modality, Samples, Volume};
use glam::{DMat3, DVec2, DVec3};

/// Fundus where a 2-D colour picture shows a bright disc, red before green before blue, on near-black ground: the field
/// of a fundus camera. `None` for everything else.
///
/// Endoscopes are not told: their fields have many shapes, and nothing in the colours of mucosa keeps them apart from
/// other photographs of tissue.
pub fn modality_by_look(volume: &Volume) -> Option<Modality> {
    let Samples::Rgb8(pixels) = volume.samples() else { return None };
    let [width, height, depth] = volume.dims();
    (depth == 1 && Thumbnail::of(pixels, width, height).is_fundus()).then_some(Modality::Fundus)
}

/// Says that an image's modality was guessed from its look. The caller adds how it can be corrected.
pub fn guess_note(modality: Modality) -> String {
    let kind = match modality {
        Modality::Fundus => "a fundus photograph",
        other => other.title(),
    };
    format!("Taken for {kind} by its look. If that is wrong, say what it is")
}

/// Pixels taken at equal distances, in whole.
struct Thumbnail {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

/// A thumbnail's longer side is from this to twice this, where the picture is large enough.
const SIDE: usize = 200;

#[derive(Clone, Copy, Debug)]
struct Circle {
    center: DVec2,
    radius: f64,
}

impl Thumbnail {
    fn of(pixels: &[[u8; 3]], width: usize, height: usize) -> Self {
        let step = (width.max(height) / SIDE).max(1);
        let along = |n: usize| (step / 2..n).step_by(step);
        let taken = along(height).flat_map(|y| along(width).map(move |x| pixels[y * width + x])).collect();
        Self { width: along(width).count(), height: along(height).count(), pixels: taken }
    }

    fn is_fundus(&self) -> bool {
        let bright = self.bright();
        let edge = self.edge(&bright);
        let Some(circle) = fit(&edge) else { return false };
        let on: Vec<DVec2> = edge
            .iter()
            .map(|&p| p - circle.center)
            .filter(|p| (p.length() - circle.radius).abs() < 0.02 * circle.radius)
            .collect();
        // Of 36 directions from the middle, those in which the circle is seen; cameras cut it off above and below.
        let mut seen = [false; 36];
        for p in &on {
            let turn = p.y.atan2(p.x) / std::f64::consts::TAU + 0.5;
            seen[((turn * 36.0) as usize).min(35)] = true;
        }
        let arc = seen.iter().filter(|s| **s).count() as f64 / 36.0;
        let round = on.len() as f64 >= 0.65 * edge.len() as f64 && arc >= 0.45;
        round && self.is_red_on_black(&bright, circle)
    }

    fn brightness(&self) -> impl Iterator<Item = u8> {
        self.pixels.iter().map(|&[r, g, b]| r.max(g).max(b))
    }

    /// What is not ground: brighter than a quarter of the brightest parts, so that dark pictures have a field too.
    fn bright(&self) -> Vec<bool> {
        let mut sorted: Vec<u8> = self.brightness().collect();
        sorted.sort_unstable();
        let high = sorted.get(sorted.len() * 95 / 100).copied().unwrap_or(0);
        let ground = (high / 4).clamp(16, 40);
        self.brightness().map(|v| v > ground).collect()
    }

    /// The first and last bright pixel of each row and column, but for those at the picture's border.
    fn edge(&self, bright: &[bool]) -> Vec<DVec2> {
        let (w, h) = (self.width, self.height);
        let ends = |line: &mut dyn DoubleEndedIterator<Item = usize>| Some((line.next()?, line.next_back()?));
        let mut edge = Vec::new();
        let mut add = |ends: Option<(usize, usize)>, n: usize, point: &dyn Fn(usize) -> DVec2| {
            for at in ends.into_iter().flat_map(|(first, last)| [first, last]) {
                if at > 1 && at + 2 < n {
                    edge.push(point(at));
                }
            }
        };
        for y in 0..h {
            add(ends(&mut (0..w).filter(|x| bright[y * w + x])), w, &|x| DVec2::new(x as f64, y as f64));
        }
        for x in 0..w {
            add(ends(&mut (0..h).filter(|y| bright[y * w + x])), h, &|y| DVec2::new(x as f64, y as f64));
        }
        edge
    }

    /// The disc is filled and of the fundus's colours, and there is ground around it, and it is black.
    fn is_red_on_black(&self, bright: &[bool], circle: Circle) -> bool {
        let (mut inside, mut filled, mut outside, mut lit) = (0.0, 0.0, 0.0, 0.0);
        let mut color = DVec3::ZERO;
        for (i, (&pixel, &bright)) in self.pixels.iter().zip(bright).enumerate() {
            let at = DVec2::new((i % self.width) as f64, (i / self.width) as f64);
            let from_middle = at.distance(circle.center) / circle.radius;
            let bright = f64::from(u8::from(bright));
            if from_middle < 0.95 {
                inside += 1.0;
                filled += bright;
                color += DVec3::from(pixel.map(f64::from));
            } else if from_middle > 1.03 {
                outside += 1.0;
                lit += bright;
            }
        }
        let [red, green, blue] = color.to_array();
        filled > 0.95 * inside
            && outside > 0.06 * self.pixels.len() as f64
            && lit < 0.025 * outside
            && green < 0.83 * red
            && blue < 0.6 * red
            && blue < green
    }
}

/// The circle through most of the points: least squares (Kåsa 1976), again and again without what lies far from it.
fn fit(points: &[DVec2]) -> Option<Circle> {
    const FEWEST: usize = 20;
    let mut kept = points.to_vec();
    let mut circle = None;
    for _ in 0..6 {
        if kept.len() < FEWEST {
            return None;
        }
        let through = least_squares(&kept)?;
        circle = Some(through);
        let far = |p: &DVec2| (p.distance(through.center) - through.radius).abs();
        let mut sorted: Vec<f64> = points.iter().map(far).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let most = (2.0 * sorted[sorted.len() / 2]).max(1.5);
        kept = points.iter().copied().filter(|p| far(p) <= most).collect();
    }
    circle
}

/// Minimises the sum of (|p|² - 2 p·center - c)² with c = radius² - |center|²: linear in the centre and c.
fn least_squares(points: &[DVec2]) -> Option<Circle> {
    let middle = points.iter().sum::<DVec2>() / points.len() as f64;
    let (mut normal, mut right) = (DMat3::ZERO, DVec3::ZERO);
    for &p in points {
        let row = (p - middle).extend(1.0);
        normal += DMat3::from_cols(row * row.x, row * row.y, row);
        right += row * (p - middle).length_squared();
    }
    if normal.determinant().abs() < 1e-6 {
        return None;
    }
    let solution = normal.inverse() * right;
    let center = solution.truncate() / 2.0;
    let radius = (solution.z + center.length_squared()).sqrt();
    (radius.is_finite() && radius > 0.0).then_some(Circle { center: center + middle, radius })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geom::Grid, phantom};

    fn picture(width: usize, height: usize, color: impl Fn(f64, f64) -> [u8; 3]) -> Volume {
        let samples = (0..width * height).map(|i| color((i % width) as f64, (i / width) as f64)).collect();
        let grid = Grid::pixels([width, height, 1]).unwrap();
        Volume::new(grid, Samples::Rgb8(samples), [1.0, 0.0], Modality::Other).unwrap()
    }

    /// A field of radius 150 in 300 x `height` pixels.
    fn field(height: usize, inside: [u8; 3], outside: [u8; 3], is_in: impl Fn(f64, f64) -> bool) -> Volume {
        let middle = height as f64 / 2.0;
        picture(340, height, |x, y| if is_in(x - 170.0, y - middle) { inside } else { outside })
    }

    const RED: [u8; 3] = [180, 80, 30];
    const BLACK: [u8; 3] = [4, 3, 3];

    #[test]
    fn phantom_photographs_are_fundus() {
        for look in [phantom::Look::Standard, phantom::Look::Shifted] {
            for seed in 1..4 {
                let volume = phantom::fundus(seed, look).volume;
                assert_eq!(modality_by_look(&volume), Some(Modality::Fundus), "{look:?} {seed}");
            }
        }
    }

    #[test]
    fn a_red_disc_on_black_is_fundus_also_where_the_frame_cuts_it() {
        let disc = |x: f64, y: f64| x.hypot(y) < 150.0;
        for height in [330, 230] {
            assert_eq!(
                modality_by_look(&field(height, RED, BLACK, disc)),
                Some(Modality::Fundus),
                "{height}"
            );
        }
        // On another ground, of another colour, or grey it is none.
        for (inside, outside) in
            [(RED, [90, 90, 90]), ([60, 150, 60], BLACK), ([150; 3], BLACK), ([150, 120, 110], BLACK)]
        {
            assert_eq!(modality_by_look(&field(330, inside, outside, disc)), None, "{inside:?} {outside:?}");
        }
    }

    #[test]
    fn other_shapes_are_not_fundus() {
        // The whole picture, a rectangle, an octagon, and a rectangle with rounded corners: fields of endoscopes.
        assert_eq!(modality_by_look(&field(330, RED, BLACK, |_, _| true)), None);
        assert_eq!(
            modality_by_look(&field(330, RED, BLACK, |x, y| x.abs() < 150.0 && y.abs() < 140.0)),
            None
        );
        let octagon = |x: f64, y: f64| x.abs().max(y.abs()) < 150.0 && x.abs() + y.abs() < 215.0;
        assert_eq!(modality_by_look(&field(330, RED, BLACK, octagon)), None);
        let rounded = |x: f64, y: f64| {
            let corner = DVec2::new((x.abs() - 90.0).max(0.0), (y.abs() - 80.0).max(0.0));
            corner.length() < 60.0
        };
        assert_eq!(modality_by_look(&field(330, RED, BLACK, rounded)), None);
    }

    #[test]
    fn small_and_empty_pictures_are_passed_over() {
        assert_eq!(modality_by_look(&picture(1, 1, |_, _| RED)), None);
        assert_eq!(modality_by_look(&picture(50, 40, |_, _| BLACK)), None);
    }
}
