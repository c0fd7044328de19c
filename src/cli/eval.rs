//! `fovea eval`: masks against the truth, per case and class.

mod chart;
mod classes;
mod evaluation;
mod html;
mod left_out;
mod maps;
mod markup;
mod measure;
mod names;
mod pairs;
mod pictures;
mod table;

pub(super) use html::STYLE;
pub(super) use markup::escaped;

use super::{
    dataset::values_written,
    report::Shown,
    say::{self, note},
    targets::{OverwriteArgument, ending},
};
use crate::{
    engine::{Engine, EngineOptions, interrupt},
    io::{
        self,
        dataset::{Values, shortened},
    },
    label::{LabelId, LabelTable},
    metrics::Convention,
    nn::DeviceChoice,
    watch,
};
use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use classes::Classes;
use evaluation::Evaluation;
use maps::{Maps, Told};
use names::Tables;
use pairs::Pair;
use pictures::Pictures;
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

const EXAMPLES: &str = "\
Examples:
  fovea eval --pred masks/ --truth truth/ --json scores.json
  fovea eval --pred mask.nii.gz --truth truth.nii.gz
  fovea eval --pred masks/ --truth lists/drive.csv --html report.html
  fovea eval --pred masks/ --truth lists/totalsegmentator.csv --labels liver=5,kidneys=2+3 --json scores.json
  fovea eval --pred masks/ --truth truth/ --images scans/ --html report.html --surface-tolerance 2

Pairs: if the truth is a folder, files are matched by their names without the extension. If it is a LIST.csv, masks are
matched with the ids of the cases, and pixels outside a case's valid mask do not count. A mask whose grid differs from its
truth's (in size, spacing, orientation or position) is an error.

Missing classes: a class that is in neither mask has no score in that case. If it is in one of the two only, its overlaps
(Dice, IoU, surface Dice) are 0 and it has no distance (HD95, HD, ASSD), because there is nothing to measure to. A model that
misses structures therefore does not get a worse mean distance: each mean names the cases that it leaves out. --convention
chooses other rules.

Labels: if every mask has 0 and one other value, predictions and truth have one class, whatever the values are. The names of
the classes come from labels.txt beside the masks. If the truth has such a file too (or a dataset.json), labels are matched by
name. With names, the probability maps of `fovea segment --probability` give the AUC.";

/// Score masks against the truth.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EvalArgs {
    /// The masks to score: a folder, as `fovea segment` writes it, or one mask
    #[arg(long)]
    pred: PathBuf,
    /// The true masks: a folder, a LIST.csv, or one mask
    #[arg(long, visible_alias = "list")]
    truth: PathBuf,
    /// Score only the cases of this split (with a LIST.csv as --truth)
    #[arg(long, value_enum)]
    split: Option<SplitArgument>,
    /// Which values of the truth are which label: liver=5,kidneys=2+3,polyp=128..255; in colour pictures vessel=#ff0000;
    /// ignore=254 for pixels that do not count. All other values are background. If there is a labels.txt, use its names
    #[arg(long, value_delimiter = ',', value_name = "NAME=VALUES")]
    labels: Vec<String>,
    /// How far apart two surfaces may be and still agree, for surface Dice; in millimetres (in pixels if there is no spacing)
    #[arg(long, value_name = "MM", default_value_t = 1.0, value_parser = tolerance)]
    surface_tolerance: f64,
    /// Rule for the scores of a class that is missing from one mask or from both
    #[arg(long, value_enum, default_value_t)]
    convention: ConventionArgument,
    /// Write all scores to this file, as JSON
    #[arg(long, value_name = "FILE", value_parser = ending(&["json"]))]
    json: Option<PathBuf>,
    /// Write the scores of each case and class to this file, as a table
    #[arg(long, value_name = "FILE", value_parser = ending(&["csv"]))]
    csv: Option<PathBuf>,
    /// Write a report with pictures to this HTML file
    #[arg(long, value_name = "FILE", value_parser = ending(&["html", "htm"]))]
    html: Option<PathBuf>,
    /// Images for the report's pictures: a folder with images named like the masks; for one mask, its image. A LIST.csv names
    /// its images itself
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArgument,
}

impl EvalArgs {
    /// Checks the reports before anything is opened.
    fn may_write(&self, pairs: &[Pair]) -> Result<()> {
        let mut targets = self.overwrite.targets();
        if self.truth.is_file() {
            targets.read(&self.truth);
        }
        let labels = [&self.pred, &self.truth].map(|path| {
            let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
            folder.and_then(io::dataset::labels_in)
        });
        labels.iter().flatten().chain(pairs.iter().flat_map(Pair::files)).for_each(|file| {
            targets.read(file);
        });
        for report in [&self.json, &self.csv, &self.html].into_iter().flatten() {
            targets.write(report);
        }
        self.overwrite.ready(&targets)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitArgument {
    Train,
    Val,
    Test,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ConventionArgument {
    /// In neither mask: no score. In one mask only: overlaps 0, no distance
    #[default]
    Fovea,
    /// No score if the class is not in the truth
    Edema,
    /// In neither mask: overlaps 1. In one mask only: overlaps 0
    Flare21,
    /// As flare21, but surface Dice is 0 if Dice is below 0.2, and scores have four decimals
    Flare22,
}

impl From<ConventionArgument> for Convention {
    fn from(argument: ConventionArgument) -> Self {
        match argument {
            ConventionArgument::Fovea => Convention::Fovea,
            ConventionArgument::Edema => Convention::Edema,
            ConventionArgument::Flare21 => Convention::Flare21,
            ConventionArgument::Flare22 => Convention::Flare22,
        }
    }
}

fn tolerance(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if value.is_finite() && value >= 0.0 { Ok(value) } else { Err("not a distance".to_owned()) }
}

/// What was found, and the pictures for the report where one is wanted.
type Found = (Evaluation, Option<Pictures>);

fn evaluate(args: &EvalArgs, heard: Told<'_>) -> Result<Found> {
    let tables = Tables::read(args)?;
    let values = match args.labels.is_empty() {
        true => Values::Ids,
        false => values_written(&args.labels, tables.either())?,
    };
    let labels = tables.either().cloned().or_else(|| values.labels()).unwrap_or_default();
    let folders = [&args.pred, &args.truth].into_iter().filter(|path| path.is_dir());
    let passed_over: Vec<String> = folders.filter_map(|folder| pairs::not_looked_at(folder)).collect();
    let pairs = match names::of_files(args, &labels)? {
        Some(pair) => vec![pair],
        None => pairs::pairs(args, &labels)
            .map_err(|e| anyhow!([vec![format!("{e:#}")], passed_over.clone()].concat().join("; ")))?,
    };
    args.may_write(&pairs)?;
    let mut maps = maps::open(&pairs, &values, heard)?;
    let mut notes = [tables.notes.clone(), passed_over].concat();
    if values == Values::Ids {
        notes.extend(classes::named_as_predicted(&mut maps, &tables)?);
    }
    let chosen = values.labels();
    let one_label =
        [&tables.pred, &tables.truth, &chosen].into_iter().flatten().all(|table| table.len() <= 1);
    let classes = Classes::of(&maps, one_label);
    notes.extend(classes.notes.iter().cloned());
    notes.extend(absent(chosen.as_ref(), &maps));
    let measured = measure::measure(&maps, (&classes, &labels), args.surface_tolerance, heard)?;
    let mut evaluation = Evaluation::of(args, &labels, &classes, &maps, measured);
    notes.append(&mut evaluation.warnings);
    evaluation.warnings = notes;
    let pictures = args.html.as_ref().map(|_| pictures::draw(&evaluation, &classes, &maps)).transpose()?;
    Ok((evaluation, pictures))
}

/// The labels that were asked for and that no truth has: their values may have been mistyped.
fn absent(chosen: Option<&LabelTable>, maps: &[Maps]) -> Option<String> {
    let found: BTreeSet<LabelId> = maps.iter().flat_map(|m| m.truth.counts().into_keys()).collect();
    let absent = chosen.into_iter().flat_map(LabelTable::iter).filter(|label| !found.contains(&label.id));
    let names: Vec<String> = absent.map(|label| label.name.clone()).collect();
    (!names.is_empty()).then(|| {
        format!("no truth has a voxel with the values that --labels gives for {}", shortened(&names))
    })
}

pub fn run(args: EvalArgs) -> Result<()> {
    interrupt::listen_and_leave();
    let engine =
        Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).context("threads could not be started")?;
    let args = Arc::new(args);
    let of_job = Arc::clone(&args);
    let evaluated = engine.run(move |context| {
        let told = |stage, done, total| -> Result<()> {
            context.check()?;
            context.progress(stage, done, total);
            Ok(())
        };
        watch::under(&context.watch(), || evaluate(&of_job, &told))
    });
    let mut shown = Shown::new();
    let found = engine.result_of(&evaluated, |event| shown.show(event));
    shown.clear();
    let (evaluation, pictures) = found?;
    evaluation.warnings.iter().for_each(|warning| note!("warning: {warning}"));
    say::lines(&table::text(&evaluation));
    let mut reports = vec![];
    if let Some(path) = &args.json {
        let mut text = serde_json::to_string_pretty(&evaluation)?;
        text.push('\n');
        reports.push(io::write_text(path, &text).context("--json"));
    }
    if let Some(path) = &args.csv {
        reports.push(io::write_text(path, &table::csv(&evaluation)?).context("--csv"));
    }
    if let (Some(path), Some(pictures)) = (&args.html, pictures) {
        reports.push(io::write_text(path, &html::page(&evaluation, &pictures)).context("--html"));
    }
    // One that cannot be written does not keep the others from it.
    reports.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{geom::Grid, label::LabelMap, metrics::Report};
    use anyhow::bail;

    fn folder(masks: &[(&str, [u16; 4])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, values) in masks {
            let map = LabelMap::from_values([2, 2, 1], values).unwrap();
            io::write_label_png(&folder.path().join(name), &map).unwrap();
        }
        folder
    }

    fn args(pred: &tempfile::TempDir, truth: PathBuf) -> EvalArgs {
        EvalArgs {
            pred: pred.path().to_owned(),
            truth,
            split: None,
            labels: vec![],
            surface_tolerance: 1.0,
            convention: ConventionArgument::Fovea,
            json: None,
            csv: None,
            html: None,
            images: None,
            overwrite: OverwriteArgument::default(),
        }
    }

    fn report(args: &EvalArgs) -> Result<Report> {
        Ok(evaluate(args, &|_, _, _| Ok(()))?.0.report)
    }

    #[test]
    fn pairs_are_matched_by_name_and_scored() {
        let pred = folder(&[("a.png", [1, 1, 0, 0]), ("b.png", [0, 1, 0, 0])]);
        let truth = folder(&[("a.png", [255, 0, 0, 0]), ("b.png", [0, 255, 0, 0])]);
        let report = report(&args(&pred, truth.path().to_owned())).unwrap();
        assert_eq!(report.cases[0].classes[&1].dice, Some(2.0 / 3.0));
        assert_eq!(report.classes[&1].mean.dice, Some((1.0 + 2.0 / 3.0) / 2.0));
    }

    #[test]
    fn every_case_is_told_of_and_the_work_can_be_stopped() {
        let masks = [("a.png", [1, 1, 0, 0]), ("b.png", [0, 1, 0, 0])];
        let (pred, truth) = (folder(&masks), folder(&masks));
        let args = args(&pred, truth.path().to_owned());
        let heard = std::sync::Mutex::new(vec![]);
        evaluate(&args, &|stage, done, total| {
            heard.lock().unwrap().push((stage, done, total));
            Ok(())
        })
        .unwrap();
        let heard = heard.into_inner().unwrap();
        assert!(heard.contains(&("reading", 2, 2)) && heard.contains(&("measuring", 2, 2)), "{heard:?}");
        for stop in ["reading", "measuring"] {
            let told = |stage, _, _| if stage == stop { bail!("stopped") } else { Ok(()) };
            let error = evaluate(&args, &told).map(|_| ()).unwrap_err();
            assert_eq!(error.root_cause().to_string(), "stopped", "while {stop}");
        }
    }

    #[test]
    fn every_missing_partner_is_named() {
        let pred = folder(&[("a.png", [1; 4]), ("x.png", [1; 4])]);
        let truth = folder(&[("a.png", [1; 4]), ("b.png", [1; 4]), ("c.png", [1; 4])]);
        let error = report(&args(&pred, truth.path().to_owned())).unwrap_err().to_string();
        assert!(["b, c", "x"].iter().all(|w| error.contains(w)), "{error}");
    }

    #[test]
    fn a_list_gives_ids_and_valid_masks() {
        let pred = folder(&[("case1.png", [1, 1, 0, 0]), ("other.png", [0; 4])]);
        let truth = folder(&[("t.png", [255, 0, 0, 0]), ("v.png", [255, 0, 255, 255])]);
        let list = truth.path().join("list.csv");
        std::fs::write(&list, "id,image,label,valid,split\ncase1,t.png,t.png,v.png,test\n").unwrap();
        let report = report(&args(&pred, list)).unwrap();
        assert_eq!(report.cases[0].pixels, 3);
        assert_eq!(report.cases[0].classes[&1].dice, Some(1.0), "the false pixel is outside the valid mask");
    }

    #[test]
    fn a_valid_mask_that_leaves_everything_out_is_said() {
        let pred = folder(&[("case1.png", [1, 1, 0, 0])]);
        let truth = folder(&[("t.png", [255, 0, 0, 0]), ("v.png", [0; 4])]);
        let list = truth.path().join("list.csv");
        std::fs::write(&list, "id,image,label,valid,split\ncase1,t.png,t.png,v.png,test\n").unwrap();
        let warnings = evaluate(&args(&pred, list), &|_, _, _| Ok(())).unwrap().0.warnings;
        assert!(
            warnings.iter().any(|w| w.contains("case1") && w.contains("none of its pixels counts")),
            "{warnings:?}"
        );
    }

    #[test]
    fn several_classes_keep_their_ids() {
        let pred = folder(&[("a.png", [2, 2, 0, 1])]);
        let truth = folder(&[("a.png", [2, 0, 0, 0])]);
        let report = report(&args(&pred, truth.path().to_owned())).unwrap();
        assert_eq!(report.cases[0].classes[&2].dice, Some(2.0 / 3.0));
        assert_eq!(report.cases[0].classes[&1].dice, Some(0.0));
    }

    #[test]
    fn probability_maps_beside_the_masks_give_the_auc() {
        let pred = folder(&[("a.png", [1, 1, 0, 0])]);
        let truth = folder(&[("a.png", [1, 0, 0, 0])]);
        let table = LabelTable::named(&["Soft Drusen"]);
        io::write_table(&pred.path().join("labels.txt"), &table).unwrap();
        let map = pred.path().join("a_soft-drusen.png");
        io::write_probability_png(&map, &[&[0.8, 0.9, 0.1, 0.2]], &Grid::pixels([2, 2, 1]).unwrap()).unwrap();
        let report = report(&args(&pred, truth.path().to_owned())).unwrap();
        assert_eq!(report.cases[0].classes[&1].auc, Some(2.0 / 3.0));
        assert_eq!(report.classes[&1].pooled.auc, Some(2.0 / 3.0));
        assert_eq!(report.cases.len(), 1, "a probability map is no case");
    }

    #[test]
    fn the_convention_decides_what_an_absent_class_scores() {
        let pred = folder(&[("a.png", [1, 1, 0, 0]), ("b.png", [0; 4])]);
        let truth = folder(&[("a.png", [1, 1, 0, 0]), ("b.png", [0; 4])]);
        let mut args = args(&pred, truth.path().to_owned());
        let dice = |args: &EvalArgs| report(args).unwrap().cases[1].classes[&1].dice;
        assert_eq!(dice(&args), None);
        args.convention = ConventionArgument::Flare21;
        assert_eq!(dice(&args), Some(1.0));
    }

    #[test]
    fn a_report_leaves_out_what_no_mask_has() {
        let pred = folder(&[("a.png", [1, 2, 0, 0]), ("b.png", [1, 0, 0, 0])]);
        let truth = folder(&[("a.png", [1, 0, 0, 2]), ("b.png", [1, 0, 0, 0])]);
        let html = truth.path().join("report.html");
        run(EvalArgs { html: Some(html.clone()), ..args(&pred, truth.path().to_owned()) }).unwrap();
        let page = std::fs::read_to_string(html).unwrap();
        assert!(page.contains("<summary>3 rows</summary>"), "b has no class 2");
        assert_eq!(page.matches("<img").count(), 2 * 3, "without an image, three pictures a case");
        assert_eq!(page.matches("no image was given").count(), 2);
        assert!(page.contains("<small>n = 1</small>"), "class 2 has a Dice in one case");
    }
}
