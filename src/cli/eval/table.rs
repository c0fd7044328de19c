//! The scores as text for a terminal and as CSV.

use super::{evaluation::Evaluation, left_out::shown_in};
use crate::{
    cli::say::escaped,
    io,
    metrics::{METRICS, Metric, Scores},
    words::counted,
};
use anyhow::Result;
use std::fmt::Write;

/// The metrics that a line of a terminal has room for.
const SHOWN: [&str; 8] =
    ["dice", "iou", "sensitivity", "specificity", "auc", "surface_dice", "hd95", "volume_difference"];

/// A line for each case and class, then the means with their intervals.
pub fn text(evaluation: &Evaluation) -> String {
    let shown: Vec<&Metric> = evaluation.metrics().filter(|m| SHOWN.contains(&m.id)).collect();
    let title = |m: &Metric| match evaluation.units.shown(m) {
        "" => m.title.to_owned(),
        unit => format!("{}, {unit}", m.title),
    };
    let titles: Vec<String> = shown.iter().map(|m| title(m)).collect();
    let width = |name: &str| escaped(name).chars().count();
    let ids = evaluation.report.cases.iter().map(|c| width(&c.id));
    let case_width = ids.max().unwrap_or(0).max(4);
    let name_width = evaluation.labels.values().map(|n| width(n)).max().unwrap_or(0).max(5);
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(out, "{:case_width$}  {:name_width$}", "case", "class");
    titles.iter().for_each(|t| out.push_str(&format!("  {t:>7}")));
    out.push('\n');
    for (case, class, scores) in evaluation.rows() {
        let [id, name] = [&case.id, evaluation.name(class)].map(escaped);
        let _ = write!(out, "{id:case_width$}  {name:name_width$}");
        for (metric, title) in shown.iter().zip(&titles) {
            let width = title.chars().count().max(7);
            let value = metric.of(scores).map_or("–".to_owned(), |v| evaluation.units.text(metric, v));
            let _ = write!(out, "  {value:>width$}");
        }
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "\nmeans over {}, with 95 % intervals; surfaces agree within {} {}",
        counted(evaluation.report.cases.len(), "case"),
        evaluation.surface_tolerance,
        evaluation.units.length
    );
    let title_width = titles.iter().map(|t| t.chars().count()).max().unwrap_or(0);
    for (&class, name) in &evaluation.labels {
        for (metric, title) in shown.iter().zip(&titles) {
            let left_out =
                evaluation.left_out(class, metric).map(|text| format!("; {text}")).unwrap_or_default();
            let Some(summary) = evaluation.summary(class, metric) else {
                // No case has a value: said too, or a class that was never found would have no line.
                if !left_out.is_empty() {
                    let _ = writeln!(
                        out,
                        "{name:name_width$}  {title:title_width$}  {:>8}  {:20}  n = 0{left_out}",
                        "–", ""
                    );
                }
                continue;
            };
            let [mean, low, high] =
                [Some(summary.mean), summary.interval.map(|i| i[0]), summary.interval.map(|i| i[1])]
                    .map(|v| v.map(|v| evaluation.units.text(metric, v)));
            let interval = low.zip(high).map(|(low, high)| format!("[{low}, {high}]")).unwrap_or_default();
            let _ = writeln!(
                out,
                "{:name_width$}  {title:title_width$}  {:>8}  {interval:20}  n = {}{left_out}",
                escaped(name),
                mean.unwrap_or_default(),
                summary.cases
            );
        }
    }
    out
}

/// A row for each case and class, a column for each metric; an empty cell has no value, and the last
/// column says which masks show the class.
pub fn csv(evaluation: &Evaluation) -> Result<String> {
    let mut writer = csv::Writer::from_writer(vec![]);
    let heading = |m: &Metric| match evaluation.units.of_metric(m) {
        "" => m.id.to_owned(),
        unit => format!("{}_{}", m.id, unit.replace('²', "2").replace('³', "3").replace(' ', "_")),
    };
    let first = ["case", "class", "label", "pixels"].map(str::to_owned);
    let last = |text: &str| std::iter::once(text.to_owned());
    writer.write_record(first.into_iter().chain(METRICS.iter().map(heading)).chain(last("shown_in")))?;
    for case in &evaluation.report.cases {
        for (class, scores) in &case.classes {
            let first = [
                io::plain_cell(&case.id).into_owned(),
                class.to_string(),
                io::plain_cell(evaluation.name(*class)).into_owned(),
                case.pixels.to_string(),
            ];
            let cell = |m: &Metric, s: &Scores| m.of(s).map_or_else(String::new, |v| v.to_string());
            let cells = METRICS.iter().map(|m| cell(m, scores));
            writer.write_record(first.into_iter().chain(cells).chain(last(shown_in(scores))))?;
        }
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
