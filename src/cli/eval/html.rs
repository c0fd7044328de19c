//! The report: one HTML file that needs nothing beside it, light or dark as the reader's system is.

use super::{
    chart,
    evaluation::Evaluation,
    markup::escaped,
    pictures::{CasePictures, DIFFERENCES, Pictures},
};
use crate::{
    metrics::{Metric, Scores, Summary},
    words::counted,
};
use std::fmt::Write;

pub const STYLE: &str = include_str!("report.css");
/// The metrics whose distributions are drawn.
const DRAWN: [&str; 4] = ["dice", "surface_dice", "hd95", "volume_difference"];
/// More rows than this are folded away.
const UNFOLDED: usize = 40;

pub fn page(evaluation: &Evaluation, pictures: &Pictures) -> String {
    let body = [
        head(evaluation),
        means(evaluation),
        distributions(evaluation),
        cases(evaluation, pictures),
        every_case(evaluation),
        warnings(evaluation),
        method(evaluation),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Segmentation scores</title>\n<style>\n{STYLE}</style>\n<body>\n{}</body>\n</html>\n",
        body.concat()
    )
}

fn head(evaluation: &Evaluation) -> String {
    let mean = |summary: Option<&Summary>| {
        summary.map_or_else(
            || "–".to_owned(),
            |s| format!("{:.3}{}", s.mean, interval(s, |v| format!("{v:.3}"))),
        )
    };
    let fact = |term: &str, text: String| format!("<div><dt>{term}</dt><dd>{text}</dd></div>\n");
    format!(
        "<h1>Segmentation scores</h1>\n<p class=\"weak\"><code>{}</code> against <code>{}</code></p>\n\
         <dl class=\"facts\">\n{}{}{}</dl>\n",
        escaped(&evaluation.pred.display().to_string()),
        escaped(&evaluation.truth.display().to_string()),
        fact("Cases", evaluation.report.cases.len().to_string()),
        fact("Classes", evaluation.labels.len().to_string()),
        fact("Mean Dice of the cases", mean(evaluation.mean_dice_over_cases.as_ref())),
    )
}

/// " [low, high]", smaller, where there is an interval.
fn interval(summary: &Summary, text: impl Fn(f64) -> String) -> String {
    let [low, high] = match summary.interval {
        Some(bounds) => bounds.map(text),
        None => return String::new(),
    };
    format!(" <small>[{low}, {high}]</small>")
}

fn means(evaluation: &Evaluation) -> String {
    let metrics: Vec<&Metric> = evaluation.metrics().collect();
    let mut rows = String::new();
    for &class in evaluation.labels.keys() {
        rows += &format!("<tr><th scope=\"row\">{}</th>", class_name(evaluation, class));
        for metric in &metrics {
            rows += &match evaluation.summary(class, metric) {
                Some(s) => {
                    let text = |v: f64| evaluation.units.text(metric, v);
                    // A class may be missing from some cases, and then has no distance there.
                    let fewer = s.cases < evaluation.report.cases.len();
                    let cases = if fewer { format!("<small>n = {}</small>", s.cases) } else { String::new() };
                    format!("<td>{}{}{cases}</td>", text(s.mean), interval(s, text))
                }
                None => "<td>–</td>".to_owned(),
            };
        }
        rows += "</tr>\n";
    }
    let mut left_out = String::new();
    for &class in evaluation.labels.keys() {
        for (titles, text) in evaluation.all_left_out(class) {
            let _ = writeln!(
                left_out,
                "<li>{}: {}: {}.</li>",
                class_name(evaluation, class),
                escaped(&titles.join(", ")),
                escaped(&text)
            );
        }
    }
    if !left_out.is_empty() {
        left_out = format!("<p>Cases that a mean leaves out:</p>\n<ul>\n{left_out}</ul>\n");
    }
    format!(
        "<h2>Means over the cases</h2>\n<div class=\"wide\"><table>\n<caption>Mean, and below it the 95 % interval; \
         n where not every one of {} has a value.</caption>\n{}<tbody>\n{rows}</tbody></table></div>\n{left_out}",
        counted(evaluation.report.cases.len(), "case"),
        heading(evaluation, &metrics, "<th scope=\"col\">Class</th>"),
    )
}

fn heading(evaluation: &Evaluation, metrics: &[&Metric], first: &str) -> String {
    let mut cells = String::new();
    for metric in metrics {
        let unit = match evaluation.units.shown(metric) {
            "" => String::new(),
            unit => format!("<small>{}</small>", escaped(unit)),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            cells,
            "<th scope=\"col\" title=\"{}\">{}{unit}</th>",
            escaped(metric.meaning),
            escaped(metric.title)
        );
    }
    format!("<thead><tr>{first}{cells}</tr></thead>\n")
}

fn distributions(evaluation: &Evaluation) -> String {
    let mut out =
        "<h2>Distributions</h2>\n<p class=\"weak\">Each dot is a case; the diamond is the mean, the bar its \
                   95 % interval.</p>\n"
            .to_owned();
    for metric in evaluation.metrics().filter(|m| DRAWN.contains(&m.id)) {
        let Some(svg) = chart::strip(evaluation, metric) else { continue };
        let unit = match evaluation.units.shown(metric) {
            "" => String::new(),
            unit => format!(" <span class=\"weak\">{}</span>", escaped(unit)),
        };
        let _ = writeln!(out, "<h3>{}{unit}</h3>\n{svg}", escaped(metric.title));
    }
    out
}

fn cases(evaluation: &Evaluation, pictures: &Pictures) -> String {
    let classes = evaluation.labels.len();
    let mut legend = String::new();
    for (_, words, color) in DIFFERENCES.iter().filter(|(id, ..)| classes > 1 || *id != 4) {
        let _ = write!(legend, "<li>{}{words}</li>", swatch(*color));
    }
    let mut out = format!("<h2>Worst and best cases</h2>\n<ul class=\"legend\">{legend}</ul>\n");
    for (title, ends) in [("Lowest mean Dice", &pictures.worst), ("Highest mean Dice", &pictures.best)] {
        if !ends.is_empty() {
            let _ = writeln!(out, "<h3>{title}</h3>");
        }
        ends.iter().for_each(|case| out += &figure(evaluation, case));
    }
    out
}

fn figure(evaluation: &Evaluation, pictures: &CasePictures) -> String {
    let case = &evaluation.report.cases[pictures.case];
    let three = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
    let mut words = format!("<strong>{}</strong> · Dice {}", escaped(&case.id), three(case.mean_dice));
    let dice = |(&c, s): (&u16, &Scores)| Some(format!("{} {:.3}", escaped(evaluation.name(c)), s.dice?));
    let each: Vec<String> = case.classes.iter().filter_map(dice).collect();
    if each.len() > 1 {
        let _ = write!(words, " ({})", each.join(", "));
    }
    if let Some([z, depth]) = pictures.slice {
        let _ = write!(words, " · slice {} of {depth}, where the two differ most", z + 1);
    }
    if let Some(note) = &pictures.note {
        let _ = write!(words, " · {}", escaped(note));
    }
    let mut panels = String::new();
    for panel in &pictures.panels {
        let [width, height] = panel.size;
        let _ = writeln!(
            panels,
            "<div>{0}<img width=\"{width}\" height=\"{height}\" alt=\"{0} of {1}\" src=\"data:image/png;base64,{2}\"></div>",
            panel.title,
            escaped(&case.id),
            base64(&panel.png)
        );
    }
    format!("<figure><figcaption>{words}</figcaption>\n<div class=\"panels\">\n{panels}</div></figure>\n")
}

fn every_case(evaluation: &Evaluation) -> String {
    let metrics: Vec<&Metric> = evaluation.metrics().collect();
    let mut rows = String::new();
    let mut count = 0;
    for (case, class, scores) in evaluation.rows() {
        count += 1;
        let (id, class) = (escaped(&case.id), class_name(evaluation, class));
        let _ = write!(rows, "<tr><th scope=\"row\">{id}</th><td class=\"name\">{class}</td>");
        for metric in &metrics {
            let text = metric.of(scores).map_or("–".to_owned(), |v| evaluation.units.text(metric, v));
            let _ = write!(rows, "<td>{text}</td>");
        }
        rows += "</tr>\n";
    }
    let first = "<th scope=\"col\">Case</th><th scope=\"col\" class=\"name\">Class</th>";
    let table = format!(
        "<div class=\"wide\"><table>\n{}<tbody>\n{rows}</tbody></table></div>\n",
        heading(evaluation, &metrics, first)
    );
    let open = if count > UNFOLDED { "" } else { " open" };
    format!("<h2>Every case</h2>\n<details{open}><summary>{count} rows</summary>\n{table}</details>\n")
}

/// What was said of the masks, where anything was.
fn warnings(evaluation: &Evaluation) -> String {
    let lines: String =
        evaluation.warnings.iter().map(|warning| format!("<li>{}</li>\n", escaped(warning))).collect();
    if lines.is_empty() { lines } else { format!("<h2>Warnings</h2>\n<ul>\n{lines}</ul>\n") }
}

fn method(evaluation: &Evaluation) -> String {
    let mut terms = String::new();
    for metric in evaluation.metrics() {
        let _ = writeln!(terms, "<dt>{}</dt><dd>{}.</dd>", escaped(metric.title), escaped(metric.meaning));
    }
    let pooled = &evaluation.pooled;
    let three = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
    format!(
        "<h2>How it was measured</h2>\n<p>Counts are over the pixels that count: those inside the case’s valid mask, \
         where it has one. Empty masks (<code>{}</code>): {}. Surfaces agree where they are no further than {} {} apart; \
         they and their areas are those of DeepMind’s surface-distance, and distances exist where both masks have the \
         class. Intervals are of the mean over cases, by the percentile bootstrap with {} resamples; a single case has \
         none.</p>\n<dl class=\"terms\">\n{terms}</dl>\n\
         <p>Over all {} pixels of the data set, background included: accuracy {}, mean Dice {}, mean IoU {}, \
         frequency-weighted IoU {}.</p>\n<p class=\"weak\">Fovea {}. For research and teaching; not a medical device.</p>\n",
        evaluation.convention,
        escaped(evaluation.rule),
        evaluation.surface_tolerance,
        escaped(&evaluation.units.length),
        evaluation.bootstrap.resamples,
        pooled.pixels,
        three(pooled.accuracy),
        three(pooled.mean_dice),
        three(pooled.mean_iou),
        three(pooled.frequency_weighted_iou),
        evaluation.fovea,
    )
}

fn class_name(evaluation: &Evaluation, class: u16) -> String {
    format!("{}{}", swatch(evaluation.color(class)), escaped(evaluation.name(class)))
}

fn swatch([r, g, b]: [u8; 3]) -> String {
    format!("<span class=\"swatch\" style=\"background:rgb({r},{g},{b})\"></span>")
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0u32, |bits, i| bits << 8 | u32::from(group.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
            text.push(if i <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
    }
}
