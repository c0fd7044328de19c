use glam::DVec3;

/// Points in space, sorted so that the one nearest to a place is found without looking at all of them (a k-d tree: the
/// middle point by one coordinate, those below it before, those above it behind, each half sorted so by the next coordinate).
#[derive(Debug)]
pub struct Nearest {
    points: Vec<DVec3>,
}

/// Fewer points are sorted faster on one core.
const SHARED: usize = 1 << 14;

impl Nearest {
    pub fn new(mut points: Vec<DVec3>) -> Self {
        sort(&mut points, 0);
        Self { points }
    }

    /// Distance to the nearest point; infinite where there are none.
    pub fn distance(&self, from: DVec3) -> f64 {
        let mut squared = f64::INFINITY;
        look(&self.points, 0, from, &mut squared);
        squared.sqrt()
    }
}

fn sort(points: &mut [DVec3], axis: usize) {
    let middle = points.len() / 2;
    if middle == 0 {
        return;
    }
    points.select_nth_unstable_by(middle, |a, b| a[axis].total_cmp(&b[axis]));
    let (below, rest) = points.split_at_mut(middle);
    let (above, next) = (&mut rest[1..], (axis + 1) % 3);
    if middle < SHARED {
        sort(below, next);
        sort(above, next);
    } else {
        rayon::join(|| sort(below, next), || sort(above, next));
    }
}

/// Lowers `squared` to the square of the distance to the nearest of the points, where that is less.
fn look(points: &[DVec3], axis: usize, from: DVec3, squared: &mut f64) {
    let Some(&point) = points.get(points.len() / 2) else { return };
    *squared = squared.min(point.distance_squared(from));
    let (below, above) = (&points[..points.len() / 2], &points[points.len() / 2 + 1..]);
    let (off, next) = (from[axis] - point[axis], (axis + 1) % 3);
    let (near, far) = if off < 0.0 { (below, above) } else { (above, below) };
    look(near, next, from, squared);
    if off * off < *squared {
        look(far, next, from, squared);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn distances_are_those_of_trying_every_point() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        // Whole numbers, so that many coordinates are equal.
        let mut place = || DVec3::new(0.0, 0.0, 0.0).map(|_| f64::from(rng.random_range(0u8..9)));
        for count in [0, 1, 2, 3, 50, 400] {
            let points: Vec<DVec3> = (0..count).map(|_| place()).collect();
            let nearest = Nearest::new(points.clone());
            for _ in 0..100 {
                let from = place() * 1.3 - 1.0;
                let tried = points.iter().map(|p| p.distance(from)).fold(f64::INFINITY, f64::min);
                assert_eq!(nearest.distance(from), tried, "{count} points");
            }
        }
    }
}
