//! Runs beside each other, those on the image and those of folders: their curves over one another, and what came of them.

use super::plot::{self, Curve};
use crate::engine::run_folder::PastRun;
use crate::label::LabelTable;
use crate::time::{now_ms, when};
use crate::ui::theme;
use crate::workspace::{Curves, Document, DocumentId, RunState, Training, TrainingRun, Workspace};
use egui::{Checkbox, Color32, Grid, RichText, Sense, Ui, vec2};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Runs whose curves are shown until someone chooses others: the newest.
const SHOWN: usize = 4;

#[derive(Default)]
pub struct View {
    document: Option<DocumentId>,
    /// What someone has chosen.
    chosen: BTreeMap<Key, bool>,
    loss: bool,
}

/// What a run is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// When it began, of a run on the image.
    Began(i64),
    Folder(PathBuf),
}

/// A run as the table shows it.
struct Row<'a> {
    key: Key,
    name: String,
    about: String,
    loss: &'a [[f64; 2]],
    dice: &'a [[f64; 2]],
    before: Option<f64>,
    after: Option<f64>,
}

impl<'a> Row<'a> {
    /// Of a run on the image; of the one that is under way with its live curves, which the project file is behind.
    fn on_image(run: &'a TrainingRun, workspace: &'a Workspace) -> Self {
        let training = workspace.training();
        let live = training.filter(|t| t.started_ms() == run.started_ms).map(Training::curves);
        let Curves { loss, valid_dice } = live.unwrap_or(&run.curves);
        Self {
            key: Key::Began(run.started_ms),
            name: when(run.started_ms, now_ms()),
            about: about(run, workspace),
            loss,
            dice: valid_dice,
            // A whole 1 is of masks that are the model's own predictions, and says nothing of it.
            before: run.before.filter(|dice| *dice < 1.0),
            after: run.after,
        }
    }

    fn of_folder(run: &'a PastRun) -> Self {
        let lines = [Some(run.folder.display().to_string()), run.started.clone(), run.command.clone()];
        Self {
            key: Key::Folder(run.folder.clone()),
            name: run.name.clone(),
            about: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            loss: &run.loss,
            dice: &run.valid_dice,
            before: None,
            after: run.result.as_ref().and_then(|result| result.dice),
        }
    }
}

impl View {
    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, document: &Document) {
        if self.document != Some(document.id()) {
            self.chosen.retain(|key, _| matches!(key, Key::Folder(_)));
            self.document = Some(document.id());
        }
        let on_image = document.runs().iter().map(|run| Row::on_image(run, workspace));
        let rows: Vec<Row> = on_image.chain(workspace.past_runs().iter().map(Row::of_folder)).collect();
        let newest = rows.len().saturating_sub(SHOWN);
        let shown: Vec<(bool, Color32)> = (0..)
            .zip(&rows)
            .map(|(i, row)| {
                let shown = self.chosen.get(&row.key).copied().unwrap_or(i >= newest);
                (shown, theme::label_color(LabelTable::palette_color(i as u16 + 1)))
            })
            .collect();
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.selectable_value(&mut self.loss, false, "Dice");
            ui.selectable_value(&mut self.loss, true, "Loss");
        });
        let curves: Vec<Curve> = (rows.iter().zip(&shown))
            .filter(|(_, (shown, _))| *shown)
            .map(|(row, (_, color))| (row.name.as_str(), if self.loss { row.loss } else { row.dice }, *color))
            .collect();
        plot::lines(ui, "runs", 110.0, &curves, !self.loss);
        self.table(ui, &rows, &shown);
    }

    /// The newest first, as lists of runs are read.
    fn table(&mut self, ui: &mut Ui, rows: &[Row], shown: &[(bool, Color32)]) {
        let p = theme::palette(ui);
        let head = |words: &str| RichText::new(words.to_owned()).font(theme::small()).color(p.faint);
        let figure = |words: String| RichText::new(words).font(theme::figures());
        let dice = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.2}"));
        Grid::new("runs").num_columns(4).spacing([10.0, 3.0]).show(ui, |ui| {
            for words in ["Began, or folder", "Steps", "Before", "Now"] {
                ui.label(head(words));
            }
            ui.end_row();
            for (row, &(mut shown, color)) in rows.iter().zip(shown).rev() {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 5.0;
                    // By its name on screen and for screen readers.
                    let tip = format!("Show the curves of the run {}", row.name);
                    if ui.add(Checkbox::without_text(&mut shown)).on_hover_text(tip).changed() {
                        self.chosen.insert(row.key.clone(), shown);
                    }
                    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
                    let color = if shown { color } else { p.active };
                    ui.painter().rect_filled(rect, 2.0, color);
                    ui.label(figure(row.name.clone())).on_hover_text(&row.about);
                });
                let steps = row.loss.last().map_or(0, |point| point[0] as u64);
                ui.label(figure(steps.to_string()).color(p.weak));
                ui.label(figure(dice(row.before)).color(p.weak));
                let rises = row.before.zip(row.after).is_some_and(|(old, new)| new > old);
                ui.label(figure(dice(row.after)).color(if rises { p.good } else { p.text }));
                ui.end_row();
            }
        });
    }
}

/// "From “Retina” to “Fluid, 3 slices”, adopted", and the images.
fn about(run: &TrainingRun, workspace: &Workspace) -> String {
    let title = |version: &str| {
        workspace
            .model(version)
            .map_or("a version that is gone".to_owned(), |m| format!("“{}”", m.card.title))
    };
    let made = run.made.as_deref().map_or(String::new(), |made| format!(" to {}", title(made)));
    let state = match run.state {
        RunState::Running => "under way, or interrupted",
        RunState::Finished => "not decided on",
        other => other.name(),
    };
    let images: String = run.images.iter().map(|image| format!("\n{}", image.words())).collect();
    format!("From {}{made}, {state}{images}", title(&run.from))
}
