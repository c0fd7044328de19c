//! Dilation, erosion and majority by a ball in millimetres, on runs: exact, and at a cost of the rows that hold something.

use super::{
    rows::{Rows, marked},
    work,
};
use crate::watch::Stopped;

/// What is added to a radius, so that a voxel exactly at the rim is inside however its place was rounded. In mm.
const RIM: f64 = 1e-6;

/// Where the voxels of a box are.
#[derive(Clone, Debug)]
pub(super) struct Space {
    /// From voxel to voxel along x and y.
    pub step: [f64; 2],
    /// Of each slice, strictly growing.
    pub z: Vec<f64>,
}

impl Space {
    /// The place of a slice; beyond the first and the last, slices go on with the gap there.
    pub fn slice(&self, z: isize) -> f64 {
        let last = self.z.len() as isize - 1;
        let gap = |a: usize, b: usize| if last > 0 { self.z[b] - self.z[a] } else { f64::INFINITY };
        match z {
            z if z < 0 => self.z[0] + z as f64 * gap(0, 1.min(last as usize)),
            z if z > last => {
                let last = last as usize;
                self.z[last] + (z - last as isize) as f64 * gap(last.saturating_sub(1), last)
            }
            z => self.z[z as usize],
        }
    }

    /// With so many slices more on either side.
    pub fn padded(&self, by: usize) -> Self {
        let by = by as isize;
        let z = (-by..self.z.len() as isize + by).map(|z| self.slice(z)).collect();
        Self { step: self.step, z }
    }

    fn least_gap(&self) -> f64 {
        self.z.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min)
    }
}

/// An ellipsoid whose axes are those of the grid: half its size along x, y and z. Its rim belongs to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ball(pub [f64; 3]);

/// A row of a ball: steps of rows and slices from the middle, and how many voxels it has on either side of its middle one.
struct BallRow {
    dy: isize,
    dz: isize,
    half: usize,
}

impl Ball {
    pub fn of_radius(radius: f64) -> Self {
        Self([radius; 3])
    }

    /// How many voxels it reaches along x, y and z at most.
    pub fn reach(&self, space: &Space) -> [usize; 3] {
        let steps = [space.step[0], space.step[1], space.least_gap()];
        [0, 1, 2].map(|a| ((self.0[a] + RIM) / steps[a]) as usize)
    }

    /// Its rows where the middle is in slice `z`. Slices beyond the box are taken to go on.
    fn rows(&self, space: &Space, z: usize) -> Vec<BallRow> {
        let [rx, ry, rz] = self.0.map(|r| r + RIM);
        let mut rows = Vec::new();
        let [_, reach_y, reach_z] = self.reach(space).map(|n| n as isize);
        for dz in -reach_z..=reach_z {
            let off = if dz == 0 { 0.0 } else { (space.slice(z as isize + dz) - space.z[z]) / rz };
            for dy in -reach_y..=reach_y {
                let left = 1.0 - off * off - (dy as f64 * space.step[1] / ry).powi(2);
                if left >= 0.0 {
                    rows.push(BallRow { dy, dz, half: (left.sqrt() * rx / space.step[0]) as usize });
                }
            }
        }
        rows
    }

    /// The voxels within the ball around a voxel of the set. Outside of the box there is nothing.
    pub fn dilated(&self, set: &Rows, space: &Space) -> Result<Rows, Stopped> {
        let [width, height, depth] = set.size;
        let slice = |z: usize| {
            let ball = self.rows(space, z);
            let mut ends = vec![0i32; width + 1];
            let row = |y: usize, ends: &mut [i32]| {
                let mut touched = false;
                for &BallRow { dy, dz, half } in &ball {
                    let at = y.checked_add_signed(dy).zip(z.checked_add_signed(dz));
                    let Some((y, z)) = at.filter(|&(y, z)| y < height && z < depth) else { continue };
                    for &(x, len) in &set.rows[z * height + y] {
                        touched = true;
                        ends[x.saturating_sub(half)] += 1;
                        ends[(x + len + half).min(width)] -= 1;
                    }
                }
                if !touched {
                    return Vec::new();
                }
                let mut open = 0;
                for end in ends.iter_mut() {
                    open += *end;
                    *end = open;
                }
                let runs = marked(width, |x| ends[x] > 0);
                ends.fill(0);
                runs
            };
            (0..height).map(|y| row(y, &mut ends)).collect::<Vec<_>>()
        };
        let rows = work::each("growing", depth, slice)?.into_iter().flatten().collect();
        Ok(Rows { size: set.size, rows })
    }

    /// The voxels of the set that have nothing else within the ball. Outside of the box there is nothing else.
    pub fn eroded(&self, set: &Rows, space: &Space) -> Result<Rows, Stopped> {
        Ok(set.minus(&self.dilated(&set.complement(), space)?))
    }

    /// The set without what is thinner than the ball.
    pub fn opened(&self, set: &Rows, space: &Space) -> Result<Rows, Stopped> {
        self.dilated(&self.eroded(set, space)?, space)
    }

    /// The set with the gaps that are thinner than the ball. It may reach over the border and come back.
    pub fn closed(&self, set: &Rows, space: &Space) -> Result<Rows, Stopped> {
        let reach = self.reach(space);
        let pad = reach.map(|n| n as isize);
        let size = [0, 1, 2].map(|a| set.size[a] + 2 * reach[a]);
        let space = space.padded(reach[2]);
        let grown = self.dilated(&set.moved(pad.map(|n| -n), size), &space)?;
        Ok(self.eroded(&grown, &space)?.moved(pad, set.size))
    }

    /// The voxels around which more than half of the ball is of the set. Beyond the border the voxels there are repeated.
    pub fn majority(&self, set: &Rows, space: &Space) -> Result<Rows, Stopped> {
        let [width, height, depth] = set.size;
        let slice = |z: usize| {
            let ball = self.rows(space, z);
            let voxels: usize = ball.iter().map(|row| 2 * row.half + 1).sum();
            let widest = ball.iter().map(|row| row.half).max().unwrap_or(0);
            // Second differences of the count along a row, from `2 * widest` before it on.
            let before = 2 * widest as isize;
            let mut bends = vec![0i32; width + 4 * widest + 2];
            let row = |y: usize, bends: &mut [i32]| {
                let mut touched = false;
                for &BallRow { dy, dz, half } in &ball {
                    let clamped =
                        |at: usize, by: isize, count: usize| at.saturating_add_signed(by).min(count - 1);
                    let (y, z) = (clamped(y, dy, height), clamped(z, dz, depth));
                    let half = half as isize;
                    for &(x, len) in &set.rows[z * height + y] {
                        touched = true;
                        let from = if x == 0 { -half } else { x as isize };
                        let to = if x + len == width { width as isize + half } else { (x + len) as isize };
                        for (at, bend) in
                            [(from - half, 1), (to - half, -1), (from + half + 1, -1), (to + half + 1, 1)]
                        {
                            if let Some(bend_at) = bends.get_mut((at + before) as usize) {
                                *bend_at += bend;
                            }
                        }
                    }
                }
                if !touched {
                    return Vec::new();
                }
                let (mut slope, mut count) = (0, 0);
                for bend in bends.iter_mut() {
                    slope += *bend;
                    count += slope;
                    *bend = count;
                }
                let runs = marked(width, |x| 2 * bends[x + before as usize] as usize > voxels);
                bends.fill(0);
                runs
            };
            (0..height).map(|y| row(y, &mut bends)).collect::<Vec<_>>()
        };
        let rows = work::each("smoothing", depth, slice)?.into_iter().flatten().collect();
        Ok(Rows { size: set.size, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Every pair of voxels, measured.
    fn near(size: [usize; 3], space: &Space, radius: f64, of: usize) -> Vec<usize> {
        let place = |i: usize| {
            let (x, y, z) = (i % size[0], i / size[0] % size[1], i / (size[0] * size[1]));
            [x as f64 * space.step[0], y as f64 * space.step[1], space.z[z]]
        };
        let (here, count) = (place(of), size.iter().product::<usize>());
        let distance = |i: &usize| {
            let there = place(*i);
            (0..3).map(|a| (here[a] - there[a]).powi(2)).sum::<f64>().sqrt()
        };
        (0..count).filter(|i| distance(i) <= radius + 1e-6).collect()
    }

    #[test]
    fn a_ball_is_measured_in_millimetres_between_true_places() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let size = [11, 7, 5];
        let space = Space { step: [0.7, 0.9], z: vec![0.0, 1.0, 1.5, 4.0, 4.5] };
        for radius in [0.5, 1.0, 2.1, 3.0] {
            let set: Vec<bool> = (0..385).map(|_| rng.random_bool(0.1)).collect();
            let rows = Rows::of_each(size, |i| set[i]);
            let ball = Ball::of_radius(radius);
            let grown = ball.dilated(&rows, &space).unwrap().dense();
            let shrunk = ball.eroded(&rows.complement(), &space).unwrap().dense();
            for i in 0..set.len() {
                let expected = near(size, &space, radius, i).iter().any(|&j| set[j]);
                assert_eq!(grown[i], expected, "{radius} {i}");
                assert_eq!(shrunk[i], !expected, "{radius} {i}");
            }
        }
    }

    #[test]
    fn closing_adds_and_opening_takes_away() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let size = [12, 9, 4];
        let space = Space { step: [1.0, 1.0], z: vec![0.0, 2.0, 4.0, 6.0] };
        let rows = Rows::of_each(size, |_| true);
        let some: Vec<bool> = (0..432).map(|_| rng.random_bool(0.5)).collect();
        let some = Rows::of_each(size, |i| some[i]);
        let ball = Ball::of_radius(2.0);
        assert!(some.minus(&ball.closed(&some, &space).unwrap()).is_empty());
        assert!(ball.opened(&some, &space).unwrap().minus(&some).is_empty());
        for all in [ball.closed(&rows, &space), ball.opened(&rows, &space), ball.majority(&rows, &space)] {
            assert_eq!(all.unwrap(), rows);
        }
    }
}
