//! What the network made of the slices kept out, validation by validation.

use super::thumbnail;
use crate::gpu::{Difference, LabelColors};
use crate::label::{Label, LabelId, LabelTable, NOT_PREDICTED};
use crate::nn::ModelCard;
use crate::nn::train::{IGNORE, TrainSample};
use crate::ui::outbox::Outbox;
use crate::ui::theme;
use crate::ui::widgets::{field, legend};
use crate::workspace::{Training, Workspace};
use egui::{RichText, Slider, Ui};
use std::sync::Arc;

#[derive(Default)]
pub struct View {
    /// The validation that is shown; the newest where nobody has chosen.
    step: Option<u64>,
    /// The slice.
    shown: usize,
    made: Option<Made>,
}

/// The labels of the three pictures: a new place in memory would be uploaded anew.
struct Made {
    /// Run, step, slice.
    of: (i64, u64, usize),
    predicted: Arc<[LabelId]>,
    truth: Arc<[LabelId]>,
    difference: Arc<[LabelId]>,
}

/// What [`compared`] writes for a pixel.
const ADDED: LabelId = 1;
const REMOVED: LabelId = 2;
const CHANGED: LabelId = 3;
const KEPT: LabelId = 4;

pub const COLORS: [(LabelId, [u8; 3], &str); 4] = [
    (ADDED, Difference::ADDED, "too much"),
    (REMOVED, Difference::REMOVED, "missed"),
    (CHANGED, Difference::CHANGED, "another label"),
    (KEPT, Difference::KEPT, "as it should be"),
];

impl View {
    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, training: &Training, out: &mut Outbox) {
        let validations = training.validations();
        let at = self.step.and_then(|step| validations.iter().position(|v| v.step == step));
        let mut at = at.unwrap_or(validations.len().saturating_sub(1));
        let Some(validation) = validations.get(at) else { return };
        let Some(model) = workspace.model(training.base()) else { return };
        self.shown = self.shown.min(validation.predicted.len().saturating_sub(1));
        let slice = training.held_out_samples().get(self.shown).zip(validation.predicted.get(self.shown));
        let Some((sample, predicted)) = slice else { return };

        let dice = validation.dice.map_or(String::new(), |dice| format!(", Dice {dice:.2}"));
        field(ui, &format!("Step {}{dice}", validation.step), |ui| {
            if validations.len() > 1 {
                ui.spacing_mut().slider_width = 96.0;
                let slider = ui.add(Slider::new(&mut at, 0..=validations.len() - 1).show_value(false));
                slider.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Slider, true, "Validation"));
                if slider.changed() {
                    // At the end it goes on with the run.
                    self.step = (at + 1 < validations.len()).then(|| validations[at].step);
                }
            }
        });
        let of = (training.started_ms(), validation.step, self.shown);
        let made = match self.made.take().filter(|made| made.of == of) {
            Some(made) => made,
            None => {
                let truth = truth(&model.card, sample);
                let shown = |labels: &Arc<[LabelId]>| thumbnail::as_shown(sample, labels);
                let difference = shown(&compared(predicted, &truth));
                Made { of, predicted: shown(predicted), truth: shown(&truth), difference }
            }
        };
        let colors = LabelColors::of(&model.card.labels);
        let pictures = [
            (Arc::clone(&made.predicted), colors.clone(), "What it predicts now".to_owned()),
            (Arc::clone(&made.truth), colors, "As verified".to_owned()),
            (Arc::clone(&made.difference), difference_colors(), "Difference".to_owned()),
        ];
        thumbnail::row(ui, sample, &pictures);
        legend(ui, &COLORS.map(|(_, color, words)| (theme::label_color(color), words)));
        let words = format!("{} ({} of {})", sample.name, self.shown + 1, validation.predicted.len());
        let at = self.shown;
        if thumbnail::steps(ui, &mut self.shown, validation.predicted.len(), &words) {
            thumbnail::look_at(workspace, training, at, out);
        }
        if validation.predicted.len() < training.held_out_samples().len() {
            let words = format!(
                "The first {} of {} slices kept out",
                validation.predicted.len(),
                training.held_out_samples().len()
            );
            ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
        }
        self.made = Some(made);
    }
}

/// Label ids of a sample's classes; [`NOT_PREDICTED`] where the truth is not known.
pub fn truth(card: &ModelCard, sample: &TrainSample) -> Arc<[LabelId]> {
    let label = |&class: &u16| match class {
        IGNORE => NOT_PREDICTED,
        class => card.label_of(usize::from(class)),
    };
    sample.labels.iter().map(label).collect()
}

/// For each pixel one of the four, 0 where both are background, [`NOT_PREDICTED`] where the truth is not known.
pub fn compared(predicted: &[LabelId], truth: &[LabelId]) -> Arc<[LabelId]> {
    let one = |(&predicted, &truth): (&LabelId, &LabelId)| match (predicted, truth) {
        (_, NOT_PREDICTED) => NOT_PREDICTED,
        (0, 0) => 0,
        (_, 0) => ADDED,
        (0, _) => REMOVED,
        (a, b) if a == b => KEPT,
        _ => CHANGED,
    };
    predicted.iter().zip(truth).map(one).collect()
}

pub fn difference_colors() -> LabelColors {
    let mut table = LabelTable::default();
    for (id, color, name) in COLORS {
        table.insert(Label { id, name: name.to_owned(), color, locked: false, visible: true });
    }
    LabelColors::of(&table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_right_too_much_missed_or_another() {
        let found = compared(&[0, 1, 0, 2, 1, 1], &[0, 1, 1, 1, 0, NOT_PREDICTED]);
        assert_eq!(*found, [0, KEPT, REMOVED, CHANGED, ADDED, NOT_PREDICTED]);
        let colors: Vec<_> = COLORS.iter().map(|(id, ..)| *id).collect();
        assert_eq!(colors, [ADDED, REMOVED, CHANGED, KEPT]);
    }
}
