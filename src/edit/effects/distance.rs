//! Signed distances within a slice.

/// Where the pixels of a slice are: the places of its columns and rows, in mm, each strictly growing.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub u: Vec<f64>,
    pub v: Vec<f64>,
}

impl Places {
    pub fn len(&self) -> usize {
        self.u.len() * self.v.len()
    }

    /// Size of a pixel, in mm; the mean where they differ.
    pub fn pixel(&self) -> [f64; 2] {
        [&self.u, &self.v].map(|places| match &places[..] {
            [first, .., last] => (last - first) / (places.len() - 1) as f64,
            _ => 1.0,
        })
    }

    /// Of a pixel, in mm.
    pub fn of(&self, pixel: usize) -> [f64; 2] {
        [self.u[pixel % self.u.len()], self.v[pixel / self.u.len()]]
    }

    /// The part of these columns and rows.
    pub fn within(&self, [u, v]: [std::ops::Range<usize>; 2]) -> Self {
        Self { u: self.u[u].to_vec(), v: self.v[v].to_vec() }
    }
}

/// The column or row of a place, with fractions; beyond the ends, that of the end and how far it is away.
fn index_of(places: &[f64], at: f64) -> (f64, f64) {
    let (first, last) = (places[0], places[places.len() - 1]);
    if at <= first {
        return (0.0, first - at);
    }
    if at >= last {
        return ((places.len() - 1) as f64, at - last);
    }
    let after = places.partition_point(|place| *place <= at);
    let (low, high) = (places[after - 1], places[after]);
    ((after - 1) as f64 + (at - low) / (high - low), 0.0)
}

/// Distance of each pixel from the border of a set: below 0 inside, above 0 outside, between the centres of pixels.
#[derive(Clone, Debug)]
pub(super) struct Field {
    places: Places,
    pub values: Vec<f32>,
}

impl Field {
    /// Of the pixels that are set. Outside of the slice there is neither set nor not.
    pub fn of(places: &Places, is_in: &[bool]) -> Self {
        let [from_set, from_rest] = [true, false].map(|set| squared(places, |i| is_in[i] == set));
        let signed =
            |(to_set, to_rest): (f64, f64)| if to_set > 0.0 { to_set.sqrt() } else { -to_rest.sqrt() };
        // Where there is nothing else, or nothing, it is as far as a float can say.
        let values = from_set.into_iter().zip(from_rest);
        let values = values.map(|pair| signed(pair).clamp(-1e9, 1e9) as f32).collect();
        Self { places: places.clone(), values }
    }

    /// At a place, from the four pixels around it; beyond the slice it grows with the distance from it.
    pub fn at(&self, [u, v]: [f64; 2]) -> f64 {
        let ((u, beyond_u), (v, beyond_v)) = (index_of(&self.places.u, u), index_of(&self.places.v, v));
        let width = self.places.u.len();
        let (u0, v0) = (u as usize, v as usize);
        let (u1, v1) = ((u0 + 1).min(width - 1), (v0 + 1).min(self.places.v.len() - 1));
        let value = |u: usize, v: usize| f64::from(self.values[v * width + u]);
        let mix = |a: f64, b: f64, share: f64| a + (b - a) * share;
        let (along, down) = (u - u0 as f64, v - v0 as f64);
        let inside =
            mix(mix(value(u0, v0), value(u1, v0), along), mix(value(u0, v1), value(u1, v1), along), down);
        inside + beyond_u.hypot(beyond_v)
    }
}

/// Squared distances to the nearest pixel of a set; infinite where it is empty. Felzenszwalb and Huttenlocher, "Distance
/// transforms of sampled functions" (2012), with places that need not be equally far apart.
fn squared(places: &Places, is_in: impl Fn(usize) -> bool) -> Vec<f64> {
    let (width, height) = (places.u.len(), places.v.len());
    let mut out: Vec<f64> = (0..width * height).map(|i| if is_in(i) { 0.0 } else { f64::INFINITY }).collect();
    let mut envelope = Vec::new();
    let mut line = vec![0.0; width.max(height)];
    for row in out.chunks_exact_mut(width) {
        lowest(&places.u, row, &mut envelope, &mut line);
        row.copy_from_slice(&line[..width]);
    }
    let mut column = vec![0.0; height];
    for u in 0..width {
        for v in 0..height {
            column[v] = out[v * width + u];
        }
        lowest(&places.v, &column, &mut envelope, &mut line);
        for v in 0..height {
            out[v * width + u] = line[v];
        }
    }
    out
}

/// The lower envelope of parabolas of these heights on these places, at the places.
fn lowest(places: &[f64], heights: &[f64], envelope: &mut Vec<(usize, f64)>, out: &mut [f64]) {
    envelope.clear();
    for (apex, height) in heights.iter().enumerate().filter(|(_, height)| height.is_finite()) {
        let mut from = f64::NEG_INFINITY;
        while let Some(&(last, since)) = envelope.last() {
            let (p, q) = (places[last], places[apex]);
            let crossing = (height - heights[last] + q * q - p * p) / (2.0 * (q - p));
            if crossing > since {
                from = crossing;
                break;
            }
            envelope.pop();
        }
        envelope.push((apex, from));
    }
    let mut at = 0;
    for (out, place) in out.iter_mut().zip(places) {
        while at + 1 < envelope.len() && envelope[at + 1].1 < *place {
            at += 1;
        }
        *out = envelope
            .get(at)
            .map_or(f64::INFINITY, |&(apex, _)| heights[apex] + (place - places[apex]).powi(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn distances_are_those_of_trying_every_pixel() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let places =
            Places { u: (0..13).map(|u| f64::from(u) * 0.7).collect(), v: vec![0.0, 1.0, 1.5, 4.0, 6.0] };
        let set: Vec<bool> = (0..65).map(|_| rng.random_bool(0.3)).collect();
        let field = Field::of(&places, &set);
        for (i, found) in field.values.iter().enumerate() {
            let away = |j: usize| {
                let ([a, b], [c, d]) = (places.of(i), places.of(j));
                (a - c).hypot(b - d)
            };
            let nearest = (0..65).filter(|&j| set[j] != set[i]).map(away).fold(f64::INFINITY, f64::min);
            let expected = if set[i] { -nearest } else { nearest };
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{i}: {found} {expected}");
            assert!((field.at(places.of(i)) - expected).abs() < 1e-5);
        }
        assert!((field.at([-3.0, 0.0]) - field.at([0.0, 0.0]) - 3.0).abs() < 1e-6);
    }
}
