//! The first colours of labels, chosen so that any two can be told apart.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Okabe and Ito's colours ("Color Universal Design", 2008), told apart with every common colour blindness; without
/// the black. Sky blue first: it stands out from grey slices and from the red and orange of fundus and endoscopy alike.
const PALETTE: [[u8; 3]; 7] = [
    [86, 180, 233],
    [230, 159, 0],
    [0, 158, 115],
    [240, 228, 66],
    [204, 121, 167],
    [213, 94, 0],
    [0, 114, 178],
];

/// Colours closer than this look like one.
const NEAR: f32 = 40.0;

/// The first so many colours keep a distance from each other. Beyond them, colours are different but look alike.
const APART: usize = 128;

/// The palette, then hues a golden ratio apart, of which those near an earlier one are left out.
static CHOSEN: LazyLock<Vec<[u8; 3]>> = LazyLock::new(|| {
    let mut chosen = PALETTE.to_vec();
    let mut limit = 2.0 * NEAR;
    let mut tried = 0_u16;
    while chosen.len() < APART {
        tried += 1;
        let color = by_golden_ratio(tried);
        if chosen.iter().all(|&other| distance(color, other) >= limit) {
            chosen.push(color);
        } else if tried.is_multiple_of(256) {
            limit = NEAR.max(limit * 0.9);
        }
    }
    chosen
});

/// The `n`-th colour, from 0 on: always the same, and different from those before it.
pub fn nth(n: usize) -> [u8; 3] {
    CHOSEN.get(n).copied().unwrap_or_else(|| {
        // An odd factor makes each number below 2²⁴ another one.
        let [_, r, g, b] = (n as u32).wrapping_mul(0x009e_3779).to_be_bytes();
        [r, g, b]
    })
}

/// Gives out one colour after another, none twice.
pub struct Fresh {
    used: Vec<[u8; 3]>,
    /// The same colours as a set, once there are too many to compare one by one.
    many: Option<HashSet<[u8; 3]>>,
}

impl Fresh {
    /// Besides those in use.
    pub fn beside(used: impl IntoIterator<Item = [u8; 3]>) -> Self {
        Self { used: used.into_iter().collect(), many: None }
    }

    /// The wished colour if it can be told from all that are in use, else the next of the list from `n` on.
    pub fn take(&mut self, wish: [u8; 3], n: usize) -> [u8; 3] {
        let around = (0..APART).map(|i| nth((n + i) % APART));
        let mut candidates = [wish].into_iter().chain(around).chain((APART..1 << 24).map(nth));
        let color = if self.used.len() < APART {
            let apart = |color: &[u8; 3]| self.used.iter().all(|&other| distance(*color, other) >= NEAR);
            candidates.find(apart)
        } else {
            let many = self.many.get_or_insert_with(|| self.used.iter().copied().collect());
            candidates.find(|color| many.insert(*color))
        };
        let color = color.unwrap_or(wish);
        self.used.push(color);
        color
    }
}

/// How unlike two colours look, 0 to 765: weighted by how red they are ("redmean", T. Riemersma), good enough to keep
/// colours apart.
fn distance(a: [u8; 3], b: [u8; 3]) -> f32 {
    let [dr, dg, db] = std::array::from_fn(|i| f32::from(a[i]) - f32::from(b[i]));
    let red = (f32::from(a[0]) + f32::from(b[0])) / 2.0 / 256.0;
    ((2.0 + red) * dr * dr + 4.0 * dg * dg + (3.0 - red) * db * db).sqrt()
}

/// Hues that divide the circle evenly however many are taken, in turns of strength and brightness: never dark, and never
/// grey, as images are.
fn by_golden_ratio(n: u16) -> [u8; 3] {
    const TONES: [[f32; 2]; 5] = [[0.85, 0.95], [0.5, 0.98], [0.95, 0.62], [0.6, 0.75], [1.0, 0.8]];
    let [strength, bright] = TONES[usize::from(n) % TONES.len()];
    let hue = (f32::from(n) * 0.618_034).fract() * 6.0;
    [5.0, 3.0, 1.0].map(|shift| {
        let k = (shift + hue) % 6.0;
        let part = bright * (1.0 - strength * k.min(4.0 - k).clamp(0.0, 1.0));
        (part * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_the_list_look_like_one() {
        for (i, &a) in CHOSEN.iter().enumerate() {
            for &b in &CHOSEN[..i] {
                assert!(distance(a, b) >= NEAR, "{a:?} and {b:?}");
            }
        }
        let mut all = HashSet::new();
        assert!((0..60_000).all(|n| all.insert(nth(n))), "none comes twice, however many there are");
    }

    #[test]
    fn what_is_given_away_is_told_from_what_is_in_use() {
        let near = PALETTE[2].map(|c| c.saturating_add(3));
        let mut fresh = Fresh::beside([PALETTE[0], near, [255, 255, 255]]);
        let mut used = vec![PALETTE[0], near, [255, 255, 255]];
        for n in 0..100 {
            let color = fresh.take(PALETTE[0], n);
            assert!(used.iter().all(|&other| distance(color, other) >= NEAR), "the {n}th is {color:?}");
            used.push(color);
        }
        let mut many = Fresh::beside((0..2000).map(nth));
        let more: HashSet<[u8; 3]> = (0..500).map(|n| many.take(nth(n), n)).collect();
        assert_eq!(more.len(), 500);
        assert!((0..2000).all(|n| !more.contains(&nth(n))));
    }
}
