//! All that was found, in the form in which it is written.

use super::{EvalArgs, classes::Classes, left_out::LeftOut, maps::Maps, measure::CaseMeasured};
use crate::{
    cli::warnings::Warnings,
    geom::{Grid, Unit},
    io::dataset::shortened,
    label::{LabelId, LabelTable},
    metrics::{CaseScores, Confusion, Convention, METRICS, Metric, Quantity, Report, Scores, Summary},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Of the bootstrap; the same masks give the same intervals.
const SEED: u64 = 20_211_121;

const CONVENTIONS: &str = "values per class are over the pixels that count (inside the case's valid mask, where there is \
    one); null where a value does not exist; 'mean' is over the cases that have a value, 'pooled' is of the summed counts; \
    mean_dice is over the classes; \
    'left_out' names the cases that a mean leaves out; 'summaries' have 95 % intervals of the mean by the percentile bootstrap over cases";

/// The JSON that `fovea eval` writes, and what its other forms are made from.
#[derive(Debug, Serialize)]
pub struct Evaluation {
    pub fovea: &'static str,
    pub pred: PathBuf,
    pub truth: PathBuf,
    pub conventions: &'static str,
    pub convention: &'static str,
    pub rule: &'static str,
    pub surface_tolerance: f64,
    pub units: Units,
    /// Names of the classes.
    pub labels: BTreeMap<LabelId, String>,
    #[serde(skip)]
    pub table: LabelTable,
    #[serde(flatten)]
    pub report: Report,
    /// Class → metric → over the cases.
    pub summaries: BTreeMap<LabelId, BTreeMap<&'static str, Summary>>,
    /// Class → metric → the cases that its mean leaves out, and why.
    pub left_out: BTreeMap<LabelId, BTreeMap<&'static str, Vec<LeftOut>>>,
    /// What was said of the masks.
    pub warnings: Vec<String>,
    /// Of the cases' mean Dice.
    pub mean_dice_over_cases: Option<Summary>,
    pub bootstrap: Bootstrap,
    pub pooled: Pooled,
}

#[derive(Debug, Serialize)]
pub struct Bootstrap {
    pub resamples: usize,
    pub seed: u64,
}

/// Over all pixels of the data set; means over all labels, background included.
#[derive(Debug, Serialize)]
pub struct Pooled {
    pub pixels: u64,
    pub accuracy: Option<f64>,
    pub mean_class_accuracy: Option<f64>,
    pub mean_dice: Option<f64>,
    pub mean_iou: Option<f64>,
    pub frequency_weighted_iou: Option<f64>,
    /// `counts[truth][predicted]`, flat.
    pub confusion: Confusion,
}

/// What the numbers measure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Units {
    pub length: String,
    pub volume: String,
}

impl Units {
    fn of(maps: &[Maps]) -> Self {
        let joined = |of: fn(&Grid) -> &'static str| {
            let all: BTreeSet<&str> = maps.iter().map(|m| of(&m.grid)).collect();
            all.into_iter().collect::<Vec<_>>().join(" or ")
        };
        let length = |g: &Grid| if g.unit() == Unit::Pixel { "px" } else { "mm" };
        let volume = |g: &Grid| match (g.unit(), g.dims()[2]) {
            (Unit::Pixel, _) => "px",
            (Unit::Millimetre, 1) => "mm²",
            (Unit::Millimetre, _) => "mm³",
        };
        Self { length: joined(length), volume: joined(volume) }
    }

    /// Of a metric, in JSON and CSV; empty where it has none.
    pub fn of_metric(&self, metric: &Metric) -> &str {
        match metric.quantity {
            Quantity::Share => "",
            Quantity::Length => &self.length,
            Quantity::Volume => &self.volume,
        }
    }

    /// Of a metric, where a person reads it: millilitres instead of cubic millimetres.
    pub fn shown(&self, metric: &Metric) -> &str {
        if self.in_millilitres(metric) { "ml" } else { self.of_metric(metric) }
    }

    /// A value in the unit in which a person reads it.
    pub fn scaled(&self, metric: &Metric, value: f64) -> f64 {
        if self.in_millilitres(metric) { value / 1000.0 } else { value }
    }

    /// A value as a person reads it; three decimals for shares, two or fewer for the rest.
    pub fn text(&self, metric: &Metric, value: f64) -> String {
        let value = self.scaled(metric, value);
        let decimals = match metric.quantity {
            Quantity::Share => 3,
            _ if value.abs() < 100.0 => 2,
            _ if value.abs() < 1000.0 => 1,
            _ => 0,
        };
        format!("{value:.decimals$}").replace('-', "\u{2212}")
    }

    fn in_millilitres(&self, metric: &Metric) -> bool {
        metric.quantity == Quantity::Volume && self.volume == "mm³"
    }
}

impl Evaluation {
    pub fn of(
        args: &EvalArgs,
        table: &LabelTable,
        classes: &Classes,
        maps: &[Maps],
        measured: Vec<CaseMeasured>,
    ) -> Self {
        let (mut cases, mut confusions, mut warnings) = (vec![], vec![], Warnings::default());
        for (m, measured) in maps.iter().zip(measured) {
            let told = m.warnings.iter().chain(&measured.warnings);
            told.for_each(|warning| warnings.add(&m.pair.id, warning));
            cases.push((m.pair.id.clone(), measured.classes));
            confusions.push(measured.confusion);
        }
        let convention = Convention::from(args.convention);
        let report = Report::of_measured(cases, convention);
        let mut all_labels = classes.ids.clone();
        all_labels.insert(0);
        let mut pooled = Confusion::empty(&all_labels);
        confusions.iter().for_each(|c| pooled += c);
        let mut named = LabelTable::default();
        for label in table.iter() {
            let mut label = label.clone();
            label.id = classes.of_label(label.id, table);
            named.insert(label);
        }
        named.name_unknown(report.classes.keys().copied());
        let name = |&id: &LabelId| (id, named.get(id).map_or_else(|| id.to_string(), |l| l.name.clone()));
        let of_cases: Vec<f64> = report.cases.iter().filter_map(|c| c.mean_dice).collect();
        Self {
            fovea: env!("CARGO_PKG_VERSION"),
            pred: args.pred.clone(),
            truth: args.truth.clone(),
            conventions: CONVENTIONS,
            convention: convention.id(),
            rule: convention.rule(),
            surface_tolerance: args.surface_tolerance,
            units: Units::of(maps),
            labels: report.classes.keys().map(name).collect(),
            summaries: report.classes.keys().map(|&class| (class, summaries(&report, class))).collect(),
            left_out: report.classes.keys().map(|&class| (class, LeftOut::of(&report, class))).collect(),
            warnings: warnings.lines(),
            mean_dice_over_cases: Summary::of(&of_cases, SEED),
            bootstrap: Bootstrap { resamples: Summary::RESAMPLES, seed: SEED },
            pooled: Pooled {
                pixels: pooled.total(),
                accuracy: pooled.accuracy(),
                mean_class_accuracy: pooled.mean_class_accuracy(),
                mean_dice: pooled.mean_dice(),
                mean_iou: pooled.mean_iou(),
                frequency_weighted_iou: pooled.frequency_weighted_iou(),
                confusion: pooled,
            },
            table: named,
            report,
        }
    }

    /// The metrics that any case has.
    pub fn metrics(&self) -> impl Iterator<Item = &'static Metric> {
        METRICS.iter().filter(|metric| self.summaries.values().any(|s| s.contains_key(metric.id)))
    }

    pub fn summary(&self, class: LabelId, metric: &Metric) -> Option<&Summary> {
        self.summaries.get(&class)?.get(metric.id)
    }

    /// The cases and classes that are worth a line where a person reads: those that either mask has, or that the
    /// convention scores.
    pub fn rows(&self) -> impl Iterator<Item = (&CaseScores, LabelId, &Scores)> {
        let shown = |s: &Scores| s.dice.is_some() || s.volume.is_some_and(|v| v > 0.0);
        let all =
            self.report.cases.iter().flat_map(|c| c.classes.iter().map(move |(&class, s)| (c, class, s)));
        all.filter(move |(.., scores)| shown(scores))
    }

    /// "3 of 10 cases have no distance: one of the masks is empty: c7, c8, c9", where the metric's mean leaves cases out.
    pub fn left_out(&self, class: LabelId, metric: &Metric) -> Option<String> {
        let all = self.report.cases.len();
        let what = if metric.quantity == Quantity::Length { "distance" } else { "value" };
        let reasons = self.left_out.get(&class)?.get(metric.id)?;
        let text = |left: &LeftOut| {
            let of = match left.cases.len() {
                1 if all == 1 => "the only case has".to_owned(),
                1 => format!("1 of {all} cases has"),
                n if n == all => format!("all {all} cases have"),
                n => format!("{n} of {all} cases have"),
            };
            format!("{of} no {what}: {}: {}", left.reason, shortened(&left.cases))
        };
        Some(reasons.iter().map(text).collect::<Vec<_>>().join("; "))
    }

    /// The same sentences for all metrics of a class, those of equal words together: titles and sentence.
    pub fn all_left_out(&self, class: LabelId) -> Vec<(Vec<&'static str>, String)> {
        let mut found: Vec<(Vec<&'static str>, String)> = vec![];
        for metric in METRICS {
            let Some(text) = self.left_out(class, metric) else { continue };
            match found.iter_mut().find(|(_, known)| *known == text) {
                Some((titles, _)) => titles.push(metric.title),
                None => found.push((vec![metric.title], text)),
            }
        }
        found
    }

    pub fn name(&self, class: LabelId) -> &str {
        self.labels.get(&class).map_or("", String::as_str)
    }

    pub fn color(&self, class: LabelId) -> [u8; 3] {
        self.table.get(class).map_or_else(|| LabelTable::palette_color(class), |label| label.color)
    }
}

fn summaries(report: &Report, class: LabelId) -> BTreeMap<&'static str, Summary> {
    let of = |metric: &Metric| {
        let scores = report.cases.iter().filter_map(|case| case.classes.get(&class));
        Summary::of(&scores.filter_map(|s| metric.of(s)).collect::<Vec<_>>(), SEED)
    };
    METRICS.iter().filter_map(|metric| Some((metric.id, of(metric)?))).collect()
}
