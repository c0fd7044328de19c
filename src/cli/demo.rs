//! `fovea demo`: the main job without a window, on pictures that the program makes itself.

use super::{overlay, say::say, targets::OverwriteArgument};
use crate::{
    edit::{Limits, Shape},
    engine::{Engine, EngineOptions, interrupt},
    file,
    geom::Plane,
    io::table_beside,
    label::{LabelId, LabelMap},
    metrics::Overlap,
    nn::DeviceChoice,
    phantom::{self, Phantom},
    replace::write_bytes,
    workspace::{
        AcceptScope, Command, Device, Document, DocumentId, EditCommand, Export, ExportFormat, NoticeLevel,
        Place, ProjectCommand, TrainCommand, TrainOptions, Verdict, Workspace, WorkspaceOptions,
    },
};
use anyhow::{Context, bail, ensure};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Predict, correct, fine-tune a little, and compare before and after, on built-in phantoms and without a window.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Folder for masks, overlays, the fine-tuned model and dice.json
    #[arg(long, default_value = FOLDER)]
    pub out: PathBuf,

    /// Training steps on the corrected slices
    #[arg(long, default_value_t = STEPS)]
    pub steps: u64,

    #[command(flatten)]
    pub overwrite: OverwriteArgument,
}

const FOLDER: &str = "fovea-demo";
const STEPS: u64 = 120;

impl Default for DemoArgs {
    fn default() -> Self {
        Self { out: FOLDER.into(), steps: STEPS, overwrite: OverwriteArgument::default() }
    }
}

/// What the demonstration writes, the report last.
const DICE: &str = "dice.json";
const FUNDUS: [&str; 2] = ["fundus.png", "fundus_mask.png"];
const BEFORE: [&str; 2] = ["oct_before.png", "oct_before.nii.gz"];
const AFTER: [&str; 2] = ["oct_after.png", "oct_after.nii.gz"];

const NOTICE: &str = "Phantoms made by the program; the numbers say nothing about patients.";

impl DemoArgs {
    fn may_write(&self) -> anyhow::Result<()> {
        let mut targets = self.overwrite.targets();
        for [picture, mask] in [FUNDUS, BEFORE, AFTER] {
            let mask = self.out.join(mask);
            targets.write(self.out.join(picture)).write(table_beside(&mask)).write(mask);
        }
        self.overwrite.ready(targets.write(self.out.join(DICE)))
    }
}

/// B-scans that the demo corrects, of the sample's 16: spread, and fewer than a third.
const CORRECTED: [usize; 5] = [1, 4, 7, 10, 13];

/// Longer than any job of the demo takes on a slow machine; past it something hangs.
const PATIENCE: Duration = Duration::from_secs(900);

pub fn run(args: DemoArgs, device: DeviceChoice) -> anyhow::Result<()> {
    let started = Instant::now();
    args.may_write()?;
    interrupt::listen();
    file::make_folder(&args.out).with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let engine =
        Engine::start(EngineOptions::headless(device)).context("cannot start the engine's threads")?;
    // The demo starts from nothing each time: no project file of an earlier run is taken up.
    let options = WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() };
    let mut demo = Demo { workspace: Workspace::with_options(engine, options)?, out: args.out };
    let fundus = demo.predict_fundus()?;
    let oct = demo.correct_and_learn(args.steps)?;
    let device = match demo.workspace.device() {
        Device::Ready { name, reason, .. } => format!("{name} ({reason})"),
        other => format!("{other:?}"),
    };
    say!("computed on {device}");
    let report = json!({
        "device": device,
        "seconds": started.elapsed().as_secs_f64(),
        "fundus": fundus,
        "oct": oct,
        "notice": NOTICE,
    });
    write_bytes(&demo.out.join(DICE), serde_json::to_string_pretty(&report)?.as_bytes())?;
    say!("wrote {} in {:.0} s", demo.out.display(), started.elapsed().as_secs_f64());
    Ok(())
}

struct Demo {
    workspace: Workspace,
    out: PathBuf,
}

impl Demo {
    fn predict_fundus(&mut self) -> anyhow::Result<serde_json::Value> {
        let (id, truth) = self.open("fundus")?;
        let title = self.model_title(id)?;
        self.predict_volume(id)?;
        let dice = mean_dice(&slice_dice(self.document(id)?, &truth.truth, [0]));
        say!("fundus: {title} finds the vessels with Dice {}", show(dice));
        self.overlay(id, 0, FUNDUS[0])?;
        self.export(id, FUNDUS[1])?;
        self.workspace.apply(Command::Close(id))?;
        Ok(json!({ "model": title, "dice_vessel": dice }))
    }

    fn correct_and_learn(&mut self, steps: u64) -> anyhow::Result<serde_json::Value> {
        let (id, truth) = self.open("oct-shifted")?;
        let title = self.model_title(id)?;
        let depth = self.document(id)?.depth();
        let others: Vec<usize> = (0..depth).filter(|z| !CORRECTED.contains(z)).collect();
        let seen = others[others.len() / 2];

        self.predict_volume(id)?;
        let before = slice_dice(self.document(id)?, &truth.truth, others.iter().copied());
        say!("OCT from another device: {title} has Dice {} on the slices to come", show(mean_dice(&before)));
        self.overlay(id, seen, BEFORE[0])?;
        self.export(id, BEFORE[1])?;

        for z in CORRECTED {
            self.correct(z, &truth)?;
        }
        say!("corrected and verified {} of {depth} slices", CORRECTED.len());
        self.train(steps)?;
        let verdict = match self.workspace.training().and_then(|t| t.candidate()).map(|c| c.verdict()) {
            Some(Verdict::Better(gain)) => format!("Dice rose by {gain:.3} on the slices held out"),
            Some(Verdict::Worse(gain) | Verdict::Same(gain)) => {
                format!("Dice changed by {gain:.3} on the slices held out")
            }
            Some(Verdict::OwnMasks | Verdict::New | Verdict::Unknown) | None => {
                "nothing was held out to compare on".to_owned()
            }
        };
        say!("the new version: {verdict}");
        self.workspace.apply(Command::Train(TrainCommand::Adopt))?;

        self.predict_volume(id)?;
        let after = slice_dice(self.document(id)?, &truth.truth, others.iter().copied());
        say!("after learning: Dice {} on the same slices, which nobody corrected", show(mean_dice(&after)));
        self.overlay(id, seen, AFTER[0])?;
        self.export(id, AFTER[1])?;
        Ok(json!({
            "model": title,
            "corrected_slices": CORRECTED,
            "training_steps": steps,
            "held_out": verdict,
            "dice_before": { "mean": mean_dice(&before), "labels": named(&truth, &before) },
            "dice_after": { "mean": mean_dice(&after), "labels": named(&truth, &after) },
        }))
    }

    fn open(&mut self, sample: &str) -> anyhow::Result<(DocumentId, Phantom)> {
        let phantom = phantom::find(sample).with_context(|| format!("there is no sample {sample}"))?.open();
        let path = PathBuf::from(format!("sample:{sample}"));
        self.workspace.apply(Command::Open(path.clone()))?;
        self.wait("opening", |w| w.documents().iter().any(|d| d.source() == path))?;
        let id = self.workspace.active().context("the sample did not open")?.id();
        Ok((id, phantom))
    }

    fn document(&self, id: DocumentId) -> anyhow::Result<&Document> {
        self.workspace.document(id).context("the sample was closed")
    }

    fn model_title(&self, id: DocumentId) -> anyhow::Result<String> {
        let version = self.document(id)?.model().context("no bundled model fits this picture")?;
        let model = self.workspace.model(version).context("the bundled model is gone")?;
        Ok(model.card.title.clone())
    }

    /// Predicts every slice and accepts it into the mask; verified slices stay as they are.
    fn predict_volume(&mut self, id: DocumentId) -> anyhow::Result<()> {
        self.workspace.apply(Command::Activate(id))?;
        self.workspace.look_at(id, 0);
        self.wait("predicting the first slice", |w| w.prediction(id, 0).is_some())?;
        self.workspace.apply(Command::Edit(EditCommand::Accept { scope: AcceptScope::Volume }))?;
        self.wait("predicting", |w| w.activities().next().is_none())
    }

    /// What a careful person does: wipes a slice, draws every label where it belongs, and calls it verified.
    fn correct(&mut self, z: usize, phantom: &Phantom) -> anyhow::Result<()> {
        let [width, height, _] = phantom.volume.dims();
        let draw = |rect: [usize; 4], label: LabelId| {
            let [x0, y0, x1, y1] = rect.map(|c| c as f64 - 0.5);
            let corners = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
            let points = corners.map(|[x, y]| [x, y, z as f64]).to_vec();
            let shape = Shape::Outline { plane: Plane::Axial, slice: z, points };
            Command::Edit(EditCommand::Draw { shape, label, limits: Limits::default() })
        };
        self.workspace.apply(Command::Edit(EditCommand::Begin { tool: "polygon".to_owned() }))?;
        self.workspace.apply(draw([0, 0, width, height], 0))?;
        let labels = phantom.truth.slice(z);
        for (y, row) in labels.chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run[0] != 0 {
                    self.workspace.apply(draw([x, y, x + run.len(), y + 1], run[0]))?;
                }
                x += run.len();
            }
        }
        self.workspace.apply(Command::Edit(EditCommand::Commit))?;
        self.workspace.apply(Command::Edit(EditCommand::SetVerified { z, on: true }))?;
        let drawn = self.workspace.active().map(|d| d.mask().slice(z));
        ensure!(drawn.as_deref() == Some(labels.as_slice()), "slice {z} is not what was drawn");
        Ok(())
    }

    fn train(&mut self, steps: u64) -> anyhow::Result<()> {
        let options = TrainOptions { steps: Some(steps), ..TrainOptions::default() };
        self.workspace.apply(Command::Train(TrainCommand::Start(options)))?;
        let end = Instant::now() + PATIENCE;
        let mut told = 0;
        while self.workspace.training().is_some_and(|t| t.is_under_way()) {
            interrupt::check()?;
            ensure!(Instant::now() < end, "training did not end");
            self.workspace
                .wait_until(Duration::from_millis(200), |w| w.training().is_none_or(|t| !t.is_under_way()));
            if let Some(training) = self.workspace.training()
                && let Some([step, loss]) = training.curves().loss.last()
                && *step as u64 / 10 > told
            {
                told = *step as u64 / 10;
                say!("  step {step:.0} of {}, loss {loss:.3}", training.steps()[1]);
            }
        }
        let state = self.workspace.training().map(|t| t.state().clone());
        ensure!(
            self.workspace.training().is_some_and(|t| t.candidate().is_some()),
            "training made no new version: {state:?}"
        );
        Ok(())
    }

    fn wait(&mut self, what: &str, is_so: impl Fn(&Workspace) -> bool) -> anyhow::Result<()> {
        let failed = |w: &Workspace| w.notices().iter().any(|n| n.level == NoticeLevel::Error);
        let arrived =
            self.workspace.wait_until(PATIENCE, |w| is_so(w) || failed(w) || interrupt::check().is_err());
        interrupt::check()?;
        if let Some(notice) = self.workspace.notices().iter().find(|n| n.level == NoticeLevel::Error) {
            bail!("{what}: {}", notice.text);
        }
        ensure!(arrived, "{what} did not end within {} s", PATIENCE.as_secs());
        Ok(())
    }

    fn overlay(&self, id: DocumentId, z: usize, name: &str) -> anyhow::Result<()> {
        let document = self.document(id)?;
        overlay::write(&self.out.join(name), document.volume(), document.mask(), document.labels(), z)
    }

    fn export(&mut self, id: DocumentId, name: &str) -> anyhow::Result<()> {
        self.workspace.apply(Command::Activate(id))?;
        let path = self.out.join(name);
        let format =
            ExportFormat::of_path(&path).with_context(|| format!("{name} names no format of masks"))?;
        let export = Export { path, format, replace: true };
        self.workspace.apply(Command::Project(ProjectCommand::Export(export)))?;
        self.wait("exporting", |w| w.activities().next().is_none())
    }
}

/// Overlap with the truth by label, over the given slices.
fn slice_dice(
    document: &Document,
    truth: &LabelMap,
    slices: impl IntoIterator<Item = usize>,
) -> BTreeMap<LabelId, Overlap> {
    let mut counts: BTreeMap<LabelId, Overlap> = BTreeMap::new();
    for z in slices {
        let (drawn, is) = (document.mask().slice(z), truth.slice(z));
        for label in document.labels().iter() {
            *counts.entry(label.id).or_default() += Overlap::of(&drawn, &is, None, label.id);
        }
    }
    counts
}

/// Over the labels that occur in the mask or in the truth.
fn mean_dice(counts: &BTreeMap<LabelId, Overlap>) -> Option<f64> {
    let dice: Vec<f64> = counts.values().filter_map(Overlap::dice).collect();
    (!dice.is_empty()).then(|| dice.iter().sum::<f64>() / dice.len() as f64)
}

fn named(phantom: &Phantom, counts: &BTreeMap<LabelId, Overlap>) -> BTreeMap<String, Option<f64>> {
    let name =
        |id: &LabelId| phantom.labels.get(*id).map_or_else(|| format!("label {id}"), |l| l.name.clone());
    counts.iter().map(|(id, overlap)| (name(id), overlap.dice())).collect()
}

fn show(dice: Option<f64>) -> String {
    dice.map_or_else(|| "undefined".to_owned(), |d| format!("{d:.3}"))
}
