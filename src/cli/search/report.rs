//! What a study has found: lines for the terminal, and one HTML file that needs nothing beside it.

use crate::{
    cli::eval::{STYLE, escaped},
    nn::train::search::{Dimension, Range, State, Trial},
    replace::write_bytes,
    words::counted,
    workspace::study::Plan,
};
use anyhow::Result;
use serde_json::{Value, json};
use std::{fmt::Write, path::Path};

/// `KEY=VALUE` for each dimension, as `fovea train --set` takes them.
pub fn assignments(dimensions: &[Dimension], numbers: &[f64]) -> Vec<String> {
    let one =
        |(dimension, &number): (&Dimension, &f64)| format!("{}={}", dimension.key, dimension.value(number));
    dimensions.iter().zip(numbers).map(one).collect()
}

fn best(trials: &[Trial]) -> Option<&Trial> {
    trials.iter().filter(|t| t.value.is_some()).max_by(|a, b| {
        let value = |t: &Trial| t.value.unwrap_or(f64::NEG_INFINITY);
        // The earlier of two that are equal.
        value(a).total_cmp(&value(b)).then(b.number.cmp(&a.number))
    })
}

fn count(trials: &[Trial], state: State) -> usize {
    trials.iter().filter(|t| t.state == state).count()
}

/// How many trials there were, the best, and the command that trains as it did.
pub fn summary(plan: &Plan, dimensions: &[Dimension], trials: &[Trial]) -> String {
    let [finished, pruned, failed] =
        [State::Finished, State::Pruned, State::Failed].map(|state| count(trials, state));
    let mut text = format!(
        "{}: {finished} finished, {pruned} stopped early, {failed} failed",
        counted(trials.len(), "trial")
    );
    if let Some(best) = best(trials) {
        let set: String = assignments(dimensions, &best.numbers)
            .iter()
            .map(|word| format!(" --set '{}'", word.replace('\'', "'\\''")))
            .collect();
        let _ = write!(
            text,
            "\nthe best is trial {} with Dice {:.4}; this command trains it again:\n  fovea train {}{set} --run DIR",
            best.number,
            best.value.unwrap_or_default(),
            plan.training.join(" ")
        );
    }
    text
}

/// What [`write()`] writes.
pub const FILES: [&str; 2] = ["study.json", "study.html"];

/// `study.json` and `study.html`.
pub fn write(folder: &Path, plan: &Plan, dimensions: &[Dimension], trials: &[Trial]) -> Result<()> {
    let of = |trial: &Trial| {
        let values: serde_json::Map<String, Value> = (dimensions.iter().zip(&trial.numbers))
            .map(|(dimension, &number)| (dimension.key.clone(), dimension.value(number)))
            .collect();
        json!({"number": trial.number, "state": trial.state, "dice": trial.value, "validations": trial.course, "values": values})
    };
    let all = json!({
        "plan": plan,
        "best": best(trials).map(of),
        "trials": trials.iter().map(of).collect::<Vec<_>>(),
    });
    write_bytes(&folder.join(FILES[0]), serde_json::to_string_pretty(&all)?.as_bytes())?;
    write_bytes(&folder.join(FILES[1]), page(plan, dimensions, trials).as_bytes())?;
    Ok(())
}

fn page(plan: &Plan, dimensions: &[Dimension], trials: &[Trial]) -> String {
    let fact = |term: &str, text: String| format!("<div><dt>{term}</dt><dd>{text}</dd></div>\n");
    let three = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
    let mut body = format!(
        "<h1>Search</h1>\n<p class=\"weak\"><code>fovea train {}</code></p>\n<dl class=\"facts\">\n{}{}{}{}</dl>\n",
        escaped(&plan.training.join(" ")),
        fact("Best Dice", three(best(trials).and_then(|t| t.value))),
        fact("Finished", count(trials, State::Finished).to_string()),
        fact("Stopped early", count(trials, State::Pruned).to_string()),
        fact("Failed", count(trials, State::Failed).to_string()),
    );
    let _ = writeln!(
        body,
        "<h2>Trials</h2>\n<p class=\"weak\">Each dot is a trial, hollow if it was stopped early, at the Dice that it had \
         reached; the line is the best so far.</p>\n{}",
        history(trials)
    );
    let _ =
        writeln!(body, "<h2>Courses</h2>\n<p class=\"weak\">Dice by validation.</p>\n{}", courses(trials));
    body += "<h2>Values</h2>\n";
    for (i, dimension) in dimensions.iter().enumerate() {
        let _ = writeln!(
            body,
            "<h3><code>{}</code></h3>\n{}",
            escaped(&dimension.key),
            values(i, dimension, trials)
        );
    }
    body += &table(dimensions, trials);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Search</title>\n<style>\n{STYLE}\
         svg .line {{ fill: none; stroke: var(--accent); stroke-width: 1.5; }}\n\
         svg .faint {{ fill: none; stroke: var(--weak); stroke-opacity: 0.5; }}\n\
         svg .trial {{ fill: var(--accent); stroke: var(--accent); }}\n\
         svg .hollow {{ fill: none; stroke: var(--weak); }}\n</style>\n<body>\n{body}\
         <p class=\"weak\">Fovea {}. For research and teaching; not a medical device.</p>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    )
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 28.0;
const EDGE: f64 = 10.0;

/// A chart's axes: what lies at its ends, and how a point becomes a place.
struct Axes {
    x: [f64; 2],
    y: [f64; 2],
}

impl Axes {
    /// Wide enough for the points; None of no point.
    fn around(points: impl Iterator<Item = [f64; 2]>) -> Option<Self> {
        let one = |[x, y]: [f64; 2]| Self { x: [x, x], y: [y, y] };
        let wider = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        let all = points.map(one).reduce(|a, b| Self { x: wider(a.x, b.x), y: wider(a.y, b.y) })?;
        let open = |[low, high]: [f64; 2]| if high > low { [low, high] } else { [low - 0.5, high + 0.5] };
        Some(Self { x: open(all.x), y: open(all.y) })
    }

    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let share = |v: f64, [low, high]: [f64; 2]| (v - low) / (high - low);
        [
            LEFT + EDGE + share(x, self.x) * (WIDTH - LEFT - 2.0 * EDGE),
            HEIGHT - BOTTOM - EDGE - share(y, self.y) * (HEIGHT - BOTTOM - 2.0 * EDGE),
        ]
    }

    /// The frame with three lines across; `ticks` are places on x and their words.
    fn svg(&self, label: &str, ticks: &[(f64, String)], inside: &str) -> String {
        let mut svg =
            format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#, escaped(label));
        for value in [self.y[0], (self.y[0] + self.y[1]) / 2.0, self.y[1]] {
            let [_, y] = self.place([self.x[0], value]);
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                r#"<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y:.1}" y2="{y:.1}"/><text class="tick" x="{:.0}" y="{:.1}" text-anchor="end">{value:.3}</text>"#,
                LEFT - 8.0,
                y + 4.0
            );
        }
        for (at, word) in ticks {
            let [x, _] = self.place([*at, self.y[0]]);
            let anchor = if x > WIDTH - 60.0 { "end" } else { "middle" };
            let _ = write!(
                svg,
                r#"<text class="tick" x="{x:.1}" y="{:.0}" text-anchor="{anchor}">{}</text>"#,
                HEIGHT - 8.0,
                escaped(word)
            );
        }
        svg + inside + "</svg>"
    }

    fn line(&self, class: &str, points: impl Iterator<Item = [f64; 2]>) -> String {
        let places: Vec<String> = points
            .map(|point| {
                let [x, y] = self.place(point);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        format!(r#"<polyline class="{class}" points="{}"/>"#, places.join(" "))
    }

    fn dot(&self, point: [f64; 2], trial: &Trial) -> String {
        let [x, y] = self.place(point);
        let class = if trial.state == State::Finished { "trial" } else { "hollow" };
        format!(
            r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="4"><title>trial {}: {:.4}</title></circle>"#,
            trial.number, point[1]
        )
    }
}

const NONE: &str = "<p class=\"weak\">None yet.</p>";

/// What a trial is drawn at: its result, or how far it had come.
fn height(trial: &Trial) -> Option<f64> {
    trial.value.or(trial.course.last().copied())
}

fn history(trials: &[Trial]) -> String {
    let points = || trials.iter().filter_map(|t| Some((t, [t.number as f64, height(t)?])));
    let Some(axes) = Axes::around(points().map(|(_, point)| point)) else { return NONE.to_owned() };
    let mut best = f64::NEG_INFINITY;
    let so_far = trials.iter().filter_map(|t| {
        best = best.max(t.value?);
        Some([t.number as f64, best])
    });
    let line = axes.line("line", so_far);
    let dots: String = points().map(|(trial, point)| axes.dot(point, trial)).collect();
    let ends = axes.x.map(|n| (n, format!("{n:.0}")));
    axes.svg("Dice of each trial", &ends, &(line + &dots))
}

fn courses(trials: &[Trial]) -> String {
    let points = |trial: &Trial| (1u32..).zip(trial.course.clone()).map(|(i, v)| [f64::from(i), v]);
    let Some(axes) = Axes::around(trials.iter().flat_map(points)) else { return NONE.to_owned() };
    let top = best(trials).map(|t| t.number);
    let lines: String = trials
        .iter()
        .map(|t| axes.line(if Some(t.number) == top { "line" } else { "faint" }, points(t)))
        .collect();
    let ends = axes.x.map(|n| (n, format!("{n:.0}")));
    axes.svg("Dice of each trial by validation", &ends, &lines)
}

fn values(i: usize, dimension: &Dimension, trials: &[Trial]) -> String {
    let log = matches!(dimension.range, Range::Real { log: true, .. });
    let at = |number: f64| if log { number.log10() } else { number };
    let points = || trials.iter().filter_map(|t| Some((t, [at(*t.numbers.get(i)?), height(t)?])));
    let Some(mut axes) = Axes::around(points().map(|(_, point)| point)) else { return NONE.to_owned() };
    let ticks: Vec<(f64, String)> = match &dimension.range {
        Range::OneOf(choices) => {
            let word = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
            choices.iter().enumerate().map(|(i, v)| (i as f64, word(v))).collect()
        }
        Range::Whole { low, high } => [low, high].map(|n| (*n as f64, n.to_string())).into(),
        Range::Real { low, high, .. } | Range::Around { low, high } => {
            [low, high].map(|n| (at(*n), if log { format!("{n:e}") } else { n.to_string() })).into()
        }
    };
    if let (Some(first), Some(last)) = (ticks.first(), ticks.last()) {
        axes.x = [first.0, last.0];
    }
    let dots: String = points().map(|(trial, point)| axes.dot(point, trial)).collect();
    axes.svg(&format!("Dice by {}", dimension.key), &ticks, &dots)
}

fn table(dimensions: &[Dimension], trials: &[Trial]) -> String {
    let mut sorted: Vec<&Trial> = trials.iter().collect();
    sorted.sort_by(|a, b| b.value.unwrap_or(-1.0).total_cmp(&a.value.unwrap_or(-1.0)));
    let mut rows = String::new();
    for trial in sorted {
        let state = match trial.state {
            State::Begun => "cut off",
            State::Finished => "finished",
            State::Pruned => "stopped early",
            State::Failed => "failed",
        };
        let dice = height(trial).map_or("–".to_owned(), |v| format!("{v:.4}"));
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td class=\"name\">{state}</td><td>{dice}</td>",
            trial.number
        );
        for (dimension, &number) in dimensions.iter().zip(&trial.numbers) {
            let text = match dimension.value(number) {
                Value::Number(n) if n.is_f64() => format!("{:.4e}", number),
                other => other.to_string(),
            };
            let _ = write!(rows, "<td>{}</td>", escaped(&text));
        }
        rows += "</tr>\n";
    }
    let heads: String =
        dimensions.iter().map(|d| format!("<th scope=\"col\">{}</th>", escaped(&d.key))).collect();
    format!(
        "<h2>All trials</h2>\n<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">Trial</th>\
         <th scope=\"col\" class=\"name\">State</th><th scope=\"col\">Dice</th>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\
         </table></div>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: u64, state: State, numbers: [f64; 2], course: &[f64]) -> Trial {
        let value = (state == State::Finished).then(|| course.last().copied()).flatten();
        Trial { number, state, numbers: numbers.into(), course: course.to_vec(), value }
    }

    #[test]
    fn the_report_has_every_trial_and_the_command_of_the_best() {
        let dimensions: Vec<Dimension> =
            ["train.lr=log(1e-4,1e-1)", "train.loss=one(ce | 0.5*ce+iou)"].map(|t| t.parse().unwrap()).into();
        let plan = Plan { ranges: vec![], training: vec!["--data".into(), "x".into()], seed: 1 };
        let trials = [
            trial(0, State::Finished, [1e-2, 1.0], &[0.4, 0.6]),
            trial(1, State::Pruned, [1e-3, 0.0], &[0.1]),
            trial(2, State::Failed, [1e-1, 0.0], &[]),
            trial(3, State::Finished, [1e-3, 0.0], &[0.5, 0.6]),
        ];
        let told = summary(&plan, &dimensions, &trials);
        assert!(told.starts_with("4 trials: 2 finished, 1 stopped early, 1 failed"), "{told}");
        assert!(told.contains("trial 0 with Dice 0.6000"), "the earlier of two that are equal: {told}");
        assert!(
            told.contains(r#"fovea train --data x --set 'train.lr=0.01' --set 'train.loss="0.5*ce+iou"'"#),
            "{told}"
        );
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &plan, &dimensions, &trials).unwrap();
        let page = std::fs::read_to_string(folder.path().join("study.html")).unwrap();
        assert_eq!(page.matches("<tr><th scope=\"row\">").count(), 4);
        // A chart of the trials and one for each of two dimensions, with three trials that came to something.
        assert_eq!(
            (page.matches("class=\"trial\"").count(), page.matches("class=\"hollow\"").count()),
            (6, 3)
        );
        assert!(!page.contains("NaN") && !page.contains("src="), "it needs nothing beside it");
        let json: Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("study.json")).unwrap()).unwrap();
        assert_eq!(json["best"]["values"]["train.loss"], "0.5*ce+iou");
        write(folder.path(), &plan, &dimensions, &[]).unwrap();
    }
}
