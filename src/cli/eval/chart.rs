//! The distribution of a metric over the cases, class by class, as inline SVG: a dot for each case, the mean with its
//! interval above them.

use super::{evaluation::Evaluation, markup::escaped};
use crate::metrics::{Metric, Quantity};
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 24.0;
const ROW: f64 = 58.0;
const AXIS: f64 = 30.0;
const RADIUS: f64 = 4.0;
/// Rows of dots above and below the middle; what finds no room lies on the outermost.
const LANES: i32 = 3;

/// `None` where no case has a value.
pub fn strip(evaluation: &Evaluation, metric: &Metric) -> Option<String> {
    let classes: Vec<u16> =
        evaluation.labels.keys().copied().filter(|&c| evaluation.summary(c, metric).is_some()).collect();
    let summaries = classes.iter().filter_map(|&c| evaluation.summary(c, metric));
    let bounds = summaries.map(|s| [s.lowest, s.highest]).reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])?;
    let scaled = |value: f64| evaluation.units.scaled(metric, value);
    let ticks = ticks(bounds.map(scaled), metric.quantity);
    let (first, last) = (*ticks.first()?, *ticks.last()?);
    let place = |tick: f64| LEFT + (tick - first) / (last - first) * (WIDTH - LEFT - RIGHT);
    let x = |value: f64| place(scaled(value));
    let bottom = classes.len() as f64 * ROW;
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        r#"<svg viewBox="0 0 {WIDTH} {:.0}" role="img" aria-label="{} of each case, by class">"#,
        bottom + AXIS,
        escaped(metric.title)
    );
    for &tick in &ticks {
        let (at, text) = (place(tick), number(tick, last - first));
        let _ = write!(
            svg,
            r#"<line class="grid" x1="{at:.1}" x2="{at:.1}" y1="0" y2="{bottom:.0}"/><text class="tick" x="{at:.1}" y="{:.0}" text-anchor="middle">{text}</text>"#,
            bottom + 19.0
        );
    }
    for (row, &class) in classes.iter().enumerate() {
        row_of(&mut svg, evaluation, metric, class, row as f64 * ROW, &x);
    }
    svg.push_str("</svg>");
    Some(svg)
}

fn row_of(
    svg: &mut String,
    evaluation: &Evaluation,
    metric: &Metric,
    class: u16,
    top: f64,
    x: &dyn Fn(f64) -> f64,
) {
    let Some(summary) = evaluation.summary(class, metric) else { return };
    let [r, g, b] = evaluation.color(class);
    let text = |value: f64| evaluation.units.text(metric, value);
    let middle = top + ROW * 0.6;
    let _ = write!(
        svg,
        r#"<text class="class" x="{:.0}" y="{:.1}" text-anchor="end">{}</text>"#,
        LEFT - 14.0,
        middle + 4.0,
        escaped(&shortened(evaluation.name(class)))
    );
    let cases = evaluation.report.cases.iter();
    let mut dots: Vec<(f64, f64, &str)> = cases
        .filter_map(|case| {
            let value = metric.of(case.classes.get(&class)?)?;
            Some((x(value), value, case.id.as_str()))
        })
        .collect();
    dots.sort_by(|a, b| a.0.total_cmp(&b.0));
    let places: Vec<f64> = dots.iter().map(|d| d.0).collect();
    for ((at, value, id), lane) in dots.iter().zip(lanes(&places)) {
        let _ = write!(
            svg,
            r#"<circle class="dot" cx="{at:.1}" cy="{:.1}" r="{RADIUS}" fill="rgb({r},{g},{b})"><title>{}: {}</title></circle>"#,
            middle + f64::from(lane) * RADIUS * 1.5,
            escaped(id),
            text(*value)
        );
    }
    let (at, above) = (x(summary.mean), top + 10.0);
    if let Some([low, high]) = summary.interval {
        let _ = write!(
            svg,
            r#"<line class="mean" x1="{:.1}" x2="{:.1}" y1="{above:.1}" y2="{above:.1}"/>"#,
            x(low),
            x(high)
        );
    }
    let interval = summary.interval.map(|[low, high]| format!(" [{}, {}]", text(low), text(high)));
    let _ = write!(
        svg,
        r#"<path class="mean-at" d="M{at:.1} {:.1}l4.5 4.5-4.5 4.5-4.5-4.5z"><title>mean {}{}</title></path>"#,
        above - 4.5,
        text(summary.mean),
        interval.unwrap_or_default()
    );
}

/// For each dot from left to right a lane, 0 in the middle, in which it touches none before it.
fn lanes(places: &[f64]) -> Vec<i32> {
    let mut last = vec![f64::NEG_INFINITY; 2 * LANES as usize + 1];
    let from_the_middle = || (0..=LANES).flat_map(|l| if l == 0 { vec![0] } else { vec![-l, l] });
    places
        .iter()
        .map(|&at| {
            let free = |lane: &i32| at - last[(lane + LANES) as usize] >= 2.0 * RADIUS;
            let lane = from_the_middle().find(free).unwrap_or(LANES);
            last[(lane + LANES) as usize] = at;
            lane
        })
        .collect()
}

/// Round numbers around the values, evenly apart. Shares end at 1; other quantities include 0.
fn ticks([low, high]: [f64; 2], quantity: Quantity) -> Vec<f64> {
    let (low, high, least) = match quantity {
        Quantity::Share => (low, 1.0, 0.1),
        Quantity::Length | Quantity::Volume => (low.min(0.0), high.max(0.0), 1.0),
    };
    let span = (high - low).max(least);
    // What is widened is widened towards where other values could lie.
    let high = if quantity == Quantity::Share { high } else { low + span };
    let power = 10f64.powf((span / 5.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|s| s * power);
    let step = steps.into_iter().find(|s| span / s <= 6.0).unwrap_or(power * 10.0);
    let first = ((high - span) / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 1.0);
    (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect()
}

fn number(value: f64, span: f64) -> String {
    let decimals = if span < 0.05 {
        3
    } else if span < 0.5 {
        2
    } else if span < 5.0 {
        1
    } else {
        0
    };
    format!("{value:.decimals$}").replace('-', "\u{2212}")
}

fn shortened(name: &str) -> String {
    const MOST: usize = 18;
    if name.chars().count() <= MOST {
        name.to_owned()
    } else {
        name.chars().take(MOST - 1).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_every_value() {
        for (bounds, quantity) in [
            ([0.71, 0.93], Quantity::Share),
            ([1.0, 1.0], Quantity::Share),
            ([-0.2, 0.4], Quantity::Share),
            ([0.0, 1.0], Quantity::Share),
            ([0.3, 37.2], Quantity::Length),
            ([0.0, 0.0], Quantity::Length),
            ([-1200.0, 350.0], Quantity::Volume),
            ([0.0, 0.0], Quantity::Volume),
        ] {
            let ticks = ticks(bounds, quantity);
            assert!((2..=8).contains(&ticks.len()), "{bounds:?}: {ticks:?}");
            assert!(ticks[0] <= bounds[0] + 1e-9 && ticks[ticks.len() - 1] >= bounds[1] - 1e-9, "{ticks:?}");
        }
        assert_eq!(ticks([0.3, 37.2], Quantity::Length), [0.0, 10.0, 20.0, 30.0, 40.0]);
    }

    #[test]
    fn dots_that_would_touch_lie_in_different_lanes() {
        assert_eq!(lanes(&[0.0, 20.0, 40.0]), [0, 0, 0]);
        assert_eq!(lanes(&[0.0, 1.0, 2.0, 9.0]), [0, -1, 1, 0]);
        assert!(lanes(&[5.0; 100]).iter().all(|l| l.abs() <= LANES));
    }
}
