//! Thresholds from a histogram. Each returns the place of the last bin below, in bins; what is above it is the foreground.
//! The methods are those of their authors; where several programs differ, the numbers are those of scikit-image or ITK.

/// Counts of equally wide bins. There are at least two that are not empty.
pub struct Histogram {
    pub counts: Vec<f64>,
}

/// A method by its id.
pub type Method = fn(&Histogram) -> f64;

/// How the range of values is divided into bins. Some methods hang on a single bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bins {
    /// From the lowest value to the highest, as scikit-image has it.
    Range,
    /// A hundredth of a bin further, as ITK has it.
    Beyond,
}

/// In the order in which they are offered.
pub const METHODS: &[(&str, Method, Bins)] = &[
    ("otsu", otsu, Bins::Range),
    ("li", li, Bins::Range),
    ("yen", yen, Bins::Range),
    ("triangle", triangle, Bins::Range),
    ("isodata", isodata, Bins::Range),
    ("huang", huang, Bins::Beyond),
    ("moments", moments, Bins::Beyond),
    ("max-entropy", max_entropy, Bins::Beyond),
    ("renyi", renyi, Bins::Beyond),
    ("kittler", kittler, Bins::Beyond),
    ("intermodes", intermodes, Bins::Beyond),
];

impl Histogram {
    fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    fn len(&self) -> usize {
        self.counts.len()
    }

    /// Sums of `weight(bin) * count` up to each bin, itself included.
    fn sums(&self, weight: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut sum = 0.0;
        let add = |(bin, count): (usize, &f64)| {
            sum += weight(bin as f64) * count;
            sum
        };
        self.counts.iter().enumerate().map(add).collect()
    }

    /// First and last bin that is not empty.
    fn ends(&self) -> [usize; 2] {
        let filled = |count: &f64| *count > 0.0;
        [self.counts.iter().position(filled), self.counts.iter().rposition(filled)]
            .map(Option::unwrap_or_default)
    }

    fn shares(&self) -> Vec<f64> {
        let total = self.total();
        self.counts.iter().map(|count| count / total).collect()
    }
}

/// The first place of the largest number; NaN is none.
fn best(values: impl Iterator<Item = f64>) -> f64 {
    let pick =
        |best: (usize, f64), (at, value): (usize, f64)| if value > best.1 { (at, value) } else { best };
    values.enumerate().fold((0, f64::NEG_INFINITY), pick).0 as f64
}

/// Otsu 1979: the largest variance between the two classes.
fn otsu(histogram: &Histogram) -> f64 {
    let (below, moments) = (histogram.sums(|_| 1.0), histogram.sums(|bin| bin));
    let (total, moment) = (histogram.total(), moments[histogram.len() - 1]);
    best((0..histogram.len() - 1).map(|at| {
        let above = total - below[at];
        let apart = moments[at] / below[at] - (moment - moments[at]) / above;
        below[at] * above * apart * apart
    }))
}

/// Liao, Chen and Chung 2001: the two thresholds of three classes.
pub fn multi_otsu(histogram: &Histogram) -> [f64; 2] {
    let (below, moments) = (histogram.sums(|_| 1.0), histogram.sums(|bin| bin));
    let last = histogram.len() - 1;
    // Of the bins from `from` to `to`, both included.
    let part = |from: usize, to: usize| {
        let before = |sums: &[f64]| if from == 0 { 0.0 } else { sums[from - 1] };
        let (count, moment) = (below[to] - before(&below), moments[to] - before(&moments));
        if count > 0.0 { moment * moment / count } else { 0.0 }
    };
    let mut found = ([0, 1], f64::NEG_INFINITY);
    for first in 0..last - 1 {
        for second in first + 1..last {
            let variance = part(0, first) + part(first + 1, second) + part(second + 1, last);
            if variance > found.1 {
                found = ([first, second], variance);
            }
        }
    }
    found.0.map(|bin| bin as f64)
}

/// Li and Lee 1993, by the iteration of Li and Tam 1998: the least cross entropy.
fn li(histogram: &Histogram) -> f64 {
    let (below, moments) = (histogram.sums(|_| 1.0), histogram.sums(|bin| bin));
    let last = histogram.len() - 1;
    let mut at = moments[last] / below[last];
    for _ in 0..1000 {
        let bin = (at.floor().max(0.0) as usize).min(last - 1);
        let back = moments[bin] / below[bin];
        let front = (moments[last] - moments[bin]) / (below[last] - below[bin]);
        // Half a bin stands for 0, whose logarithm is none.
        let next = (back - front) / (back.max(0.5).ln() - front.ln());
        if !next.is_finite() || (next - at).abs() < 0.25 {
            break;
        }
        at = next;
    }
    at
}

/// Yen, Chang and Chang 1995.
fn yen(histogram: &Histogram) -> f64 {
    let shares = histogram.shares();
    let squares: f64 = shares.iter().map(|p| p * p).sum();
    let (mut share, mut square) = (0.0, 0.0);
    let criterion = |p: &f64| {
        share += p;
        square += p * p;
        ((share * (1.0 - share)).powi(2) / (square * (squares - square))).ln()
    };
    best(shares[..histogram.len() - 1].iter().map(criterion))
}

/// Zack, Rogers and Latt 1977: the bin farthest below the line from the peak to the end of the longer tail.
fn triangle(histogram: &Histogram) -> f64 {
    let peak = best(histogram.counts.iter().copied()) as usize;
    let [first, last] = histogram.ends();
    let flip = peak - first < last - peak;
    let mut counts = histogram.counts.clone();
    let (mut peak, mut first) = (peak, first);
    if flip {
        counts.reverse();
        (peak, first) = (counts.len() - 1 - peak, counts.len() - 1 - last);
    }
    let (width, height) = ((peak - first) as f64, counts[peak]);
    let level =
        best((0..peak - first).map(|x| height * x as f64 - width * counts[first + x])) as usize + first;
    (if flip { counts.len() - 1 - level } else { level }) as f64
}

/// Ridler and Calvard 1978: half-way between the means of the two classes.
fn isodata(histogram: &Histogram) -> f64 {
    let (below, moments) = (histogram.sums(|_| 1.0), histogram.sums(|bin| bin));
    let last = histogram.len() - 1;
    let is_half_way = |at: &usize| {
        let low = moments[*at] / below[*at];
        let high = (moments[last] - moments[*at]) / (below[last] - below[*at]);
        (0.0..1.0).contains(&((low + high) / 2.0 - *at as f64))
    };
    (0..last).find(is_half_way).unwrap_or(0) as f64
}

/// Huang and Wang 1995: the least fuzziness.
fn huang(histogram: &Histogram) -> f64 {
    let [first, last] = histogram.ends();
    let (below, moments) = (histogram.sums(|_| 1.0), histogram.sums(|bin| bin));
    let span = (last - first) as f64;
    let fuzzy = |away: f64| {
        let member = 1.0 / (1.0 + away / span);
        if away == 0.0 { 0.0 } else { -member * member.ln() - (1.0 - member) * (1.0 - member).ln() }
    };
    let entropy = |at: usize| {
        let back = (moments[at] / below[at]).round();
        let front = ((moments[last] - moments[at]) / (below[last] - below[at])).round();
        let part = |bin: usize| {
            let mean = if bin <= at { back } else { front };
            fuzzy((bin as f64 - mean).abs()) * histogram.counts[bin]
        };
        (first..=last).map(part).sum::<f64>()
    };
    first as f64 + best((first..last).map(|at| -entropy(at)))
}

/// Tsai 1985: the two-valued image has the same first three moments.
fn moments(histogram: &Histogram) -> f64 {
    let shares = histogram.shares();
    let moment =
        |power: i32| shares.iter().enumerate().map(|(bin, p)| (bin as f64).powi(power) * p).sum::<f64>();
    let [m1, m2, m3] = [1, 2, 3].map(moment);
    let cd = m2 - m1 * m1;
    let (c0, c1) = ((m1 * m3 - m2 * m2) / cd, (m1 * m2 - m3) / cd);
    let root = (c1 * c1 - 4.0 * c0).sqrt();
    let [z0, z1] = [(-c1 - root) / 2.0, (-c1 + root) / 2.0];
    let below = (z1 - m1) / (z1 - z0);
    let mut sum = 0.0;
    let reaches = |p: &f64| {
        sum += p;
        sum > below
    };
    shares.iter().position(reaches).unwrap_or(0) as f64
}

/// Kapur, Sahoo and Wong 1985.
fn max_entropy(histogram: &Histogram) -> f64 {
    let shares = histogram.shares();
    entropies(&shares, |side, whole| {
        -side.iter().filter(|p| **p > 0.0).map(|p| p / whole * (p / whole).ln()).sum::<f64>()
    })
}

/// The place at which the sum of the entropies of both sides is largest.
fn entropies(shares: &[f64], entropy: impl Fn(&[f64], f64) -> f64) -> f64 {
    best((0..shares.len() - 1).map(|at| {
        let (back, front) = shares.split_at(at + 1);
        let whole: f64 = back.iter().sum();
        if whole <= 0.0 || 1.0 - whole <= 1e-12 {
            return f64::NEG_INFINITY;
        }
        entropy(back, whole) + entropy(front, 1.0 - whole)
    }))
}

/// Sahoo, Wilkins and Yeager 1997: a mean of three thresholds.
fn renyi(histogram: &Histogram) -> f64 {
    let shares = histogram.shares();
    let order = |order: f64| {
        entropies(&shares, |side, whole| {
            side.iter().map(|p| (p / whole).powf(order)).sum::<f64>().ln() / (1.0 - order)
        })
    };
    let mut at = [order(0.5), max_entropy(histogram), order(2.0)];
    at.sort_by(f64::total_cmp);
    let [first, middle, last] = at;
    let near = [middle - first <= 5.0, last - middle <= 5.0];
    let betas = match near {
        [true, false] => [0.0, 1.0, 3.0],
        [false, true] => [3.0, 1.0, 0.0],
        _ => [1.0, 2.0, 1.0],
    };
    let up_to = |at: f64| shares[..=at as usize].iter().sum::<f64>();
    let omega = up_to(last) - up_to(first);
    first * (up_to(first) + 0.25 * omega * betas[0])
        + 0.25 * middle * omega * betas[1]
        + last * (1.0 - up_to(last) + 0.25 * omega * betas[2])
}

/// Kittler and Illingworth 1986: the least error of two Gaussians, by iteration from the mean.
fn kittler(histogram: &Histogram) -> f64 {
    let (a, b, c) = (histogram.sums(|_| 1.0), histogram.sums(|bin| bin), histogram.sums(|bin| bin * bin));
    let last = histogram.len() - 1;
    let mut at = (b[last] / a[last]).floor();
    for _ in 0..1000 {
        let t = (at.max(0.0) as usize).min(last - 1);
        let (mu, nu) = (b[t] / a[t], (b[last] - b[t]) / (a[last] - a[t]));
        let (p, q) = (a[t] / a[last], (a[last] - a[t]) / a[last]);
        let (sigma, tau) = (c[t] / a[t] - mu * mu, (c[last] - c[t]) / (a[last] - a[t]) - nu * nu);
        let w0 = 1.0 / sigma - 1.0 / tau;
        let w1 = mu / sigma - nu / tau;
        let w2 = mu * mu / sigma - nu * nu / tau + ((sigma * q * q) / (tau * p * p)).log10();
        let root = w1 * w1 - w0 * w2;
        let next = ((w1 + root.sqrt()) / w0).floor();
        if !next.is_finite() || next == at {
            break;
        }
        at = next;
    }
    at
}

/// Prewitt and Mendelsohn 1966: half-way between the two peaks of the smoothed histogram.
fn intermodes(histogram: &Histogram) -> f64 {
    let mut counts = histogram.counts.clone();
    for _ in 0..10_000 {
        let peaks: Vec<usize> = (1..counts.len() - 1)
            .filter(|&at| counts[at] > counts[at - 1] && counts[at] > counts[at + 1])
            .collect();
        match peaks[..] {
            [a, b] => return (a + b) as f64 / 2.0,
            [] | [_] => return peaks.first().map_or(0.0, |peak| *peak as f64),
            _ => {}
        }
        let before = counts.clone();
        let at = |bin: Option<usize>| bin.and_then(|bin| before.get(bin)).copied().unwrap_or(0.0);
        for (bin, count) in counts.iter_mut().enumerate() {
            *count = (at(bin.checked_sub(1)) + before[bin] + at(Some(bin + 1))) / 3.0;
        }
    }
    0.0
}
