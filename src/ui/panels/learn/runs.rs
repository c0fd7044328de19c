//! The runs of an image beside each other: their curves over one another, and what came of them.

use super::plot::{self, Curve};
use crate::label::LabelTable;
use crate::ui::panels::prediction::short;
use crate::ui::theme;
use crate::workspace::{Curves, Document, DocumentId, Run, RunState, Training};
use egui::{Checkbox, Color32, Grid, RichText, Sense, Ui, vec2};
use std::collections::BTreeMap;

/// Runs whose curves are shown until someone chooses others: the newest.
const SHOWN: usize = 4;

#[derive(Default)]
pub struct View {
    document: Option<DocumentId>,
    /// By when they began: what someone has chosen.
    chosen: BTreeMap<i64, bool>,
    loss: bool,
}

impl View {
    pub fn show<'a>(&mut self, ui: &mut Ui, document: &'a Document, training: Option<&'a Training>) {
        if self.document != Some(document.id()) {
            *self = Self { document: Some(document.id()), loss: self.loss, ..Self::default() };
        }
        let newest = document.runs().len().saturating_sub(SHOWN);
        let runs: Vec<(&'a Run, &'a Curves, bool, Color32)> = (0..)
            .zip(document.runs())
            .map(|(i, run)| {
                // The project file is behind a run that is under way.
                let live = training.filter(|t| t.started_ms() == run.started_ms).map(Training::curves);
                let shown = self.chosen.get(&run.started_ms).copied().unwrap_or(i >= newest);
                let color = LabelTable::palette_color(i as u16 + 1);
                (run, live.unwrap_or(&run.curves), shown, theme::label_color(color))
            })
            .collect();
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 2.0;
            ui.selectable_value(&mut self.loss, false, "Dice");
            ui.selectable_value(&mut self.loss, true, "Loss");
        });
        let of = |curves: &'a Curves| if self.loss { &curves.loss } else { &curves.valid_dice };
        let names: Vec<String> = runs.iter().map(|(run, ..)| run.started()).collect();
        let curves: Vec<Curve> = (runs.iter().zip(&names))
            .filter(|((_, _, shown, _), _)| *shown)
            .map(|((_, curves, _, color), name)| (name.as_str(), of(curves).as_slice(), *color))
            .collect();
        plot::lines(ui, "runs", 110.0, &curves, !self.loss);
        self.table(ui, &runs);
    }

    /// The newest first, as lists of runs are read.
    fn table(&mut self, ui: &mut Ui, runs: &[(&Run, &Curves, bool, Color32)]) {
        let p = theme::palette(ui);
        let head = |words: &str| RichText::new(words.to_owned()).font(theme::small()).color(p.faint);
        let figure = |words: String| RichText::new(words).font(theme::figures());
        let dice = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
        Grid::new("runs").num_columns(4).spacing([10.0, 3.0]).show(ui, |ui| {
            for words in ["Began (UTC)", "Steps", "Old", "New"] {
                ui.label(head(words));
            }
            ui.end_row();
            for &(run, _, mut shown, color) in runs.iter().rev() {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = 5.0;
                    // By its name on screen and for screen readers.
                    let name = run.started().split_off(5);
                    let tip = format!("Show the curves of the run of {}", run.started());
                    if ui.add(Checkbox::without_text(&mut shown)).on_hover_text(tip).changed() {
                        self.chosen.insert(run.started_ms, shown);
                    }
                    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
                    let color = if shown { color } else { p.active };
                    ui.painter().rect_filled(rect, 2.0, color);
                    ui.label(figure(name)).on_hover_text(about(run));
                });
                ui.label(figure(run.steps().to_string()).color(p.weak));
                ui.label(figure(dice(run.before)).color(p.weak));
                let rises = run.before.zip(run.after).is_some_and(|(old, new)| new > old);
                ui.label(figure(dice(run.after)).color(if rises { p.good } else { p.text }));
                ui.end_row();
            }
        });
    }
}

/// "From 0123456 to 89abcde, adopted".
fn about(run: &Run) -> String {
    let made = run.made.as_deref().map_or(String::new(), |made| format!(" to {}", short(made)));
    let state = match run.state {
        RunState::Running => "under way, or interrupted",
        RunState::Finished => "not decided on",
        other => other.name(),
    };
    format!("From {}{made}, {state}", short(&run.from))
}
