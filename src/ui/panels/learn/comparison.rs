//! The old and the new version on the slices that were kept out, and the decision between them.

use super::thumbnail;
use crate::gpu::LabelColors;
use crate::metrics::Report;
use crate::ui::outbox::Outbox;
use crate::ui::panels::prediction::short;
use crate::ui::theme;
use crate::ui::widgets::{primary, quiet};
use crate::workspace::{Candidate, Command, Document, TrainCommand, Training, TrainingState, Verdict};
use egui::{Grid, RichText, Ui};

#[derive(Default)]
pub struct View {
    /// The held-out slice whose before and after are shown.
    shown: usize,
}

impl View {
    pub fn show(
        &mut self,
        ui: &mut Ui,
        training: &Training,
        candidate: &Candidate,
        document: &Document,
        out: &mut Outbox,
    ) {
        let p = theme::palette(ui);
        let (words, color) = match candidate.verdict() {
            Verdict::Better(gain) => (format!("Better: Dice rose by {gain:.3}"), p.good),
            Verdict::NotBetter(change) => (format!("Not better: Dice changed by {change:+.3}"), p.warn),
            Verdict::Unknown => (
                "No slice with a label was kept out, so it is not known whether it is better".to_owned(),
                p.warn,
            ),
        };
        ui.label(RichText::new(words).color(color));
        if let Some(comparison) = &candidate.result.comparison {
            scores(ui, candidate, &comparison.before, &comparison.after);
            if !comparison.slices.is_empty() {
                self.shown = self.shown.min(comparison.slices.len() - 1);
                let held_out = &comparison.slices[self.shown];
                ui.horizontal(|ui| {
                    let width = (ui.available_width() - 6.0) / 2.0;
                    ui.spacing_mut().item_spacing.x = 6.0;
                    let base = training.base();
                    let colors = LabelColors::of(&candidate.card.labels);
                    for (labels, words) in [
                        (&held_out.before, format!("Old {}", short(base))),
                        (&held_out.after, format!("New {}", short(&candidate.card.version))),
                    ] {
                        let labels = thumbnail::as_shown(&held_out.sample, labels);
                        thumbnail::show(ui, width, &held_out.sample, labels, colors.clone(), &words);
                    }
                });
                let [name, count] = [&held_out.sample.name, &comparison.slices.len().to_string()];
                let words = format!("{name} ({} of {count})", self.shown + 1);
                thumbnail::steps(ui, &mut self.shown, comparison.slices.len(), &words);
            }
        }
        if *training.state() == TrainingState::Finished {
            ui.horizontal(|ui| {
                if primary(ui, document.model().is_some(), "Adopt")
                    .on_hover_text("Predict with the new version")
                    .clicked()
                {
                    out.command(Command::Train(TrainCommand::Adopt));
                }
                let tip = "Go on with the old version; the new one stays in the project file";
                if quiet(ui, true, "Discard").on_hover_text(tip).clicked() {
                    out.command(Command::Train(TrainCommand::Discard));
                }
            });
        }
    }
}

fn scores(ui: &mut Ui, candidate: &Candidate, before: &Report, after: &Report) {
    let p = theme::palette(ui);
    let figure = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
    let head = |words: &str| RichText::new(words.to_owned()).font(theme::small()).color(p.faint);
    Grid::new("scores").num_columns(3).spacing([18.0, 3.0]).show(ui, |ui| {
        ui.label(head("Dice"));
        ui.label(head("Old"));
        ui.label(head("New"));
        ui.end_row();
        let mut row = |name: &str, old: Option<f64>, new: Option<f64>| {
            // The panel is no wider for a long name.
            ui.scope(|ui| {
                ui.set_max_width(124.0);
                ui.add(egui::Label::new(name).truncate());
            });
            ui.label(RichText::new(figure(old)).font(theme::figures()).color(p.weak));
            let rises = old.zip(new).is_some_and(|(old, new)| new > old);
            let color = if rises { p.good } else { p.text };
            ui.label(RichText::new(figure(new)).font(theme::figures()).color(color));
            ui.end_row();
        };
        for (id, scores) in &after.classes {
            let name = candidate.card.labels.get(*id).map_or(format!("label {id}"), |l| l.name.clone());
            row(&name, before.classes.get(id).and_then(|s| s.mean.dice), scores.mean.dice);
        }
        row("Mean", before.mean_dice, after.mean_dice);
    });
}
