//! The third step: how good the new version is, beside the one in use, and whether it takes its place.

use super::card::{self, Mood};
use super::{gallery, thumbnail, training_set};
use crate::gpu::LabelColors;
use crate::ui::context::PanelContext;
use crate::ui::theme;
use crate::ui::widgets::{legend, primary, quiet, section};
use crate::words::{capital, counted};
use crate::workspace::{
    Candidate, Command, LabelChange, Quality, TrainCommand, Training, TrainingState, Workspace,
};
use egui::{Align, Layout, RichText, Role, Sense, TextEdit, Ui, Vec2, WidgetInfo, vec2};

#[derive(Default)]
pub struct View {
    /// Which of the slices kept out is shown, the worst being 0.
    shown: usize,
    /// The version that the name is of, and the name as it is written now.
    name: Option<(String, String)>,
}

impl View {
    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, training: &Training) {
        let Some(candidate) = training.candidate() else { return };
        verdict(ui, workspace, training, candidate);
        self.named(ui, training, candidate);
        if candidate.result.comparison.is_some() {
            section(ui, "Dice on slices kept out, before → now", |ui| table(ui, candidate));
            self.pictures(ui, candidate);
        }
        let (learned, held) = (training.learned_from().len(), training.held_out().len());
        section(ui, &format!("Learned from {}, {held} kept out", counted(learned, "slice")), |ui| {
            training_set::list(ui, training.images());
            for words in training.warnings() {
                card::warning(ui, words);
            }
        });
    }

    fn named(&mut self, ui: &mut Ui, training: &Training, candidate: &Candidate) {
        let version = &candidate.card.version;
        if self.name.as_ref().is_none_or(|(of, _)| of != version) {
            self.name = Some((version.clone(), candidate.card.title.clone()));
            self.shown = 0;
        }
        let Some((_, name)) = &mut self.name else { return };
        let open = *training.state() == TrainingState::Finished;
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Name").color(theme::palette(ui).weak));
            let field = TextEdit::singleline(name).desired_width(ui.available_width());
            let field = ui.add_enabled(open, field.min_size(vec2(0.0, theme::size::BUTTON)));
            field.widget_info(|| WidgetInfo::labeled(Role::TextInput, open, "Name of the new version"));
        });
    }

    /// The slices kept out, the worst first: what was wrong before and is wrong now, and what it predicts now.
    fn pictures(&mut self, ui: &mut Ui, candidate: &Candidate) {
        let Some(comparison) = &candidate.result.comparison else { return };
        let order = candidate.worst_first();
        let count = order.len();
        self.shown = self.shown.min(count.saturating_sub(1));
        let Some(&at) = order.get(self.shown) else { return };
        let Some(held_out) = comparison.slices.get(at) else { return };
        let dice = |cases: &[crate::metrics::CaseScores]| {
            cases
                .get(at)
                .and_then(|case| case.mean_dice)
                .map_or("unknown".to_owned(), |dice| format!("{dice:.2}"))
        };
        let place = match (self.shown, count) {
            (_, 1) => String::new(),
            (0, count) => format!(", the worst of {count}"),
            (shown, count) => format!(", {} of {count}", shown + 1),
        };
        section(ui, &format!("{}{place}", capital(&held_out.sample.name)), |ui| {
            let truth = gallery::truth(&candidate.card, &held_out.sample);
            let shown = |labels: &_| thumbnail::as_shown(&held_out.sample, labels);
            let wrong = |predicted| shown(&gallery::compared(predicted, &truth));
            let of_difference = gallery::difference_colors();
            let pictures = [
                (
                    wrong(&held_out.before),
                    of_difference.clone(),
                    format!("Before: {}", dice(&comparison.before.cases)),
                ),
                (wrong(&held_out.after), of_difference, format!("Now: {}", dice(&comparison.after.cases))),
                (
                    shown(&held_out.after),
                    LabelColors::of(&candidate.card.labels),
                    "As it predicts now".to_owned(),
                ),
            ];
            thumbnail::row(ui, &held_out.sample, &pictures);
            legend(ui, &gallery::COLORS.map(|(_, color, words)| (theme::label_color(color), words)));
            thumbnail::steps(ui, &mut self.shown, count, "From the worst to the best");
        });
    }

    pub fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, out, .. } = context;
        let Some(training) = workspace.training().filter(|t| *t.state() == TrainingState::Finished) else {
            let words = RichText::new("It is decided.").font(theme::small());
            ui.label(words.color(theme::palette(ui).weak));
            return;
        };
        let Some(candidate) = training.candidate() else { return };
        let worse = candidate.by_label().iter().any(LabelChange::is_worse);
        let text = if worse { "Adopt all the same" } else { "Adopt" };
        let button = primary(ui, document.model().is_some(), text);
        if button.on_hover_text("Predict with the new version. The old one stays in the list").clicked() {
            let name = self.name.as_ref().map(|(_, name)| name.trim()).filter(|name| !name.is_empty());
            if let Some(name) = name.filter(|name| *name != candidate.card.title) {
                out.command(Command::Train(TrainCommand::Name(name.to_owned())));
            }
            out.command(Command::Train(TrainCommand::Adopt));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "Go on with the old version; the new one stays in the list";
            if quiet(ui, true, "Discard").on_hover_text(tip).clicked() {
                out.command(Command::Train(TrainCommand::Discard));
            }
            let words = RichText::new("The old version stays in the list.").font(theme::small());
            ui.add(egui::Label::new(words.color(theme::palette(ui).weak)).truncate());
        });
    }
}

fn verdict(ui: &mut Ui, workspace: &Workspace, training: &Training, candidate: &Candidate) {
    let base = workspace.model(training.base());
    let fresh = base.is_some_and(|model| model.is_untrained());
    let title = training.headline(fresh).unwrap_or_default();
    let beside = match base.filter(|model| !model.is_untrained()) {
        Some(model) => candidate.compared_with(&model.card.title),
        None => "It is new: there is nothing to compare it with.".to_owned(),
    };
    let worse = candidate.by_label().iter().any(LabelChange::is_worse);
    let mood = match candidate.dice().map(Quality::of) {
        Some(Quality::Poor) => Mood::Bad,
        None | Some(Quality::Fair) => Mood::Warn,
        Some(_) if worse => Mood::Warn,
        Some(_) => Mood::Good,
    };
    card::said(ui, mood, RichText::new(title).size(15.0).strong(), &beside);
}

fn table(ui: &mut Ui, candidate: &Candidate) {
    let Some(comparison) = &candidate.result.comparison else { return };
    for change in candidate.by_label() {
        let color = candidate.card.labels.get(change.id).map(|label| label.color);
        score(ui, &change.name, color, [change.before, change.after], change.is_worse());
    }
    score(ui, "Mean", None, [comparison.before.mean_dice, comparison.after.mean_dice], false);
}

/// "Liver 0.86 → 0.93 very good"
fn score(ui: &mut Ui, name: &str, color: Option<[u8; 3]>, [before, after]: [Option<f64>; 2], worse: bool) {
    let p = theme::palette(ui);
    let figure = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.2}"));
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        if let Some(color) = color {
            let (square, _) = ui.allocate_exact_size(Vec2::splat(12.0), Sense::hover());
            ui.painter().rect_filled(square, 3.0, theme::label_color(color));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let quality = after.map(Quality::of);
            let (words, color) = match quality {
                Some(quality) if worse => (format!("{}, worse", quality.word()), p.warn),
                Some(quality @ (Quality::Good | Quality::VeryGood)) => (quality.word().to_owned(), p.good),
                Some(Quality::Fair) => ("fair".to_owned(), p.warn),
                Some(Quality::Poor) => ("poor".to_owned(), p.bad),
                None => ("unknown".to_owned(), p.weak),
            };
            ui.allocate_ui_with_layout(vec2(84.0, 20.0), Layout::right_to_left(Align::Center), |ui| {
                ui.set_min_width(84.0);
                ui.label(RichText::new(words).font(theme::small()).color(color));
            });
            ui.label(RichText::new(figure(after)).font(theme::figures()).color(p.text).strong());
            ui.label(RichText::new(format!("{} →", figure(before))).font(theme::figures()).color(p.weak));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let name = RichText::new(name).color(if worse { p.warn } else { p.text });
                ui.add(egui::Label::new(name).truncate());
            });
        });
    });
}
