use super::Region;
use crate::geom::{Grid, Plane};
use glam::DVec3;

/// Distances that differ by less than this part are equal: a voxel exactly at the rim is marked, however its place was
/// rounded.
const RIM: f64 = 1e-9;

/// The voxels whose centre is within `radius` of the path, measured in the world; in one slice of the plane, or in all.
/// The voxels that the path itself crosses are marked too.
pub(super) fn region(grid: &Grid, plane: Plane, points: &[[f64; 3]], radius: f64, sphere: bool) -> Region {
    let dims = grid.dims();
    let usable = |p: &&[f64; 3]| p.iter().all(|c| c.abs() < 1e7);
    let mut path: Vec<DVec3> = points.iter().filter(usable).map(|&p| p.into()).collect();
    let Some(&start) = path.first() else { return Region::default() };
    let mut low = [0i64; 3];
    let mut high = dims.map(|d| d as i64 - 1);
    if !sphere {
        let normal = grid.plane_axes(plane).normal.index();
        let slice = start[normal].round();
        for point in &mut path {
            point[normal] = slice;
        }
        (low[normal], high[normal]) = (low[normal].max(slice as i64), high[normal].min(slice as i64));
    }
    if path.len() == 1 {
        path.push(path[0]);
    }
    let bounds = Bounds { low, high };
    let mut runs = Vec::new();
    for ends in path.windows(2) {
        if radius.is_finite() && radius > 0.0 {
            Capsule::new(grid, ends[0], ends[1], radius).rasterise(grid, &bounds, &mut runs);
        }
        trace(grid, ends[0], ends[1], &bounds, &mut runs);
    }
    Region::from_runs(grid, runs)
}

/// First and last voxel that may be marked, both included; empty where `low > high`.
struct Bounds {
    low: [i64; 3],
    high: [i64; 3],
}

/// All places within a radius of a line between two voxel coordinates. Everything is in world coordinates.
struct Capsule {
    from: DVec3,
    along: DVec3,
    length: f64,
    radius: f64,
    /// Box of voxel steps, slices counted in equal steps.
    step_low: DVec3,
    step_high: DVec3,
}

impl Capsule {
    fn new(grid: &Grid, from: DVec3, to: DVec3, radius: f64) -> Self {
        let (a, b) = (grid.patient_of(from), grid.patient_of(to));
        let inverse = grid.patient_from_voxel().inverse();
        // How far a sphere reaches along a voxel axis: the length of that row of the inverse.
        let rows = inverse.matrix3.transpose();
        let reach = radius * DVec3::new(rows.x_axis.length(), rows.y_axis.length(), rows.z_axis.length());
        let (sa, sb) = (inverse.transform_point3(a), inverse.transform_point3(b));
        let length = a.distance(b);
        Self {
            from: a,
            along: (b - a).normalize_or_zero(),
            length,
            radius,
            step_low: sa.min(sb) - reach,
            step_high: sa.max(sb) + reach,
        }
    }

    fn contains(&self, place: DVec3) -> bool {
        let to_place = place - self.from;
        let t = to_place.dot(self.along).clamp(0.0, self.length);
        to_place.distance_squared(self.along * t) <= self.radius * self.radius * (1.0 + RIM)
    }

    fn rasterise(&self, grid: &Grid, bounds: &Bounds, runs: &mut Vec<(usize, u32)>) {
        const SLACK: f64 = 1e-6;
        let z_step = grid.spacing()[2];
        let y_first = bounds.low[1].max((self.step_low.y - SLACK).ceil() as i64);
        let y_last = bounds.high[1].min((self.step_high.y + SLACK).floor() as i64);
        let step = |z: i64| grid.slice_position(z as usize) / z_step;
        let along_row = grid.patient_from_voxel().matrix3.x_axis;
        for z in bounds.low[2]..=bounds.high[2] {
            if step(z) < self.step_low.z - SLACK || step(z) > self.step_high.z + SLACK {
                continue;
            }
            for y in y_first..=y_last {
                let row = grid.patient_of(DVec3::new(0.0, y as f64, z as f64));
                let Some((t0, t1)) = self.cross(row, along_row) else { continue };
                let mut first = ((t0 - SLACK).ceil() as i64).max(bounds.low[0]);
                let mut last = ((t1 + SLACK).floor() as i64).min(bounds.high[0]);
                // The crossing is a candidate; the distance decides at its ends. Between them all is inside: a capsule is
                // convex.
                while first <= last && !self.contains(row + along_row * first as f64) {
                    first += 1;
                }
                while first < last && !self.contains(row + along_row * last as f64) {
                    last -= 1;
                }
                if first <= last {
                    let start = grid.index([first as usize, y as usize, z as usize]);
                    runs.push((start, (last - first + 1) as u32));
                }
            }
        }
    }

    /// Where the line `origin + t direction` is inside: from the smallest to the largest `t` of the two end balls and of the
    /// cylinder between them.
    fn cross(&self, origin: DVec3, direction: DVec3) -> Option<(f64, f64)> {
        let radius2 = self.radius * self.radius * (1.0 + 2.0 * RIM);
        let ball = |center: DVec3| {
            let o = origin - center;
            roots(direction.length_squared(), direction.dot(o), o.length_squared() - radius2)
        };
        let cylinder = || {
            let o = origin - self.from;
            let (o_along, d_along) = (o.dot(self.along), direction.dot(self.along));
            let (o_off, d_off) = (o - self.along * o_along, direction - self.along * d_along);
            let (t0, t1) = roots(d_off.length_squared(), d_off.dot(o_off), o_off.length_squared() - radius2)?;
            let (s0, s1) = if d_along.abs() < 1e-12 * direction.length() {
                if (0.0..=self.length).contains(&o_along) {
                    (f64::NEG_INFINITY, f64::INFINITY)
                } else {
                    return None;
                }
            } else {
                let (a, b) = (-o_along / d_along, (self.length - o_along) / d_along);
                (a.min(b), a.max(b))
            };
            let (t0, t1) = (t0.max(s0), t1.min(s1));
            (t0 <= t1 && t0.is_finite() && t1.is_finite()).then_some((t0, t1))
        };
        let pieces = [ball(self.from), ball(self.from + self.along * self.length), cylinder()];
        pieces.into_iter().flatten().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// Where `a t² + 2 b t + c <= 0`.
fn roots(a: f64, b: f64, c: f64) -> Option<(f64, f64)> {
    if a < 1e-24 {
        // The line runs along the cylinder: all of it is inside, or nothing.
        return (c <= 0.0).then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let discriminant = b * b - a * c;
    (discriminant >= 0.0).then(|| {
        let root = discriminant.sqrt();
        ((-b - root) / a, (-b + root) / a)
    })
}

/// Marks the voxels that lie under a line, in steps of half a voxel.
fn trace(grid: &Grid, from: DVec3, to: DVec3, bounds: &Bounds, runs: &mut Vec<(usize, u32)>) {
    let steps = ((to - from).abs().max_element() * 2.0).ceil().max(1.0);
    let mut previous = None;
    for i in 0..=steps as usize {
        let at = from.lerp(to, i as f64 / steps).round();
        let voxel = [at.x as i64, at.y as i64, at.z as i64];
        if previous != Some(voxel) && (0..3).all(|a| (bounds.low[a]..=bounds.high[a]).contains(&voxel[a])) {
            runs.push((grid.index(voxel.map(|v| v as usize)), 1));
        }
        previous = Some(voxel);
    }
}
