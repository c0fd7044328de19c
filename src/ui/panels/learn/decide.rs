//! The third step: how good the new version is, beside the one in use, and whether it takes its place.

use super::{gallery, scores, thumbnail, training_set};
use crate::gpu::LabelColors;
use crate::ui::context::PanelContext;
use crate::ui::outbox::Outbox;
use crate::ui::theme;
use crate::ui::widgets::card::{self, Mood};
use crate::ui::widgets::{Icon, legend, primary, quiet, section};
use crate::words::{capital, counted};
use crate::workspace::{
    Candidate, Command, LabelChange, Quality, TrainCommand, Training, TrainingState, Verdict, Workspace,
};
use egui::{Align, Layout, RichText, Role, Sense, TextEdit, Ui, Vec2, WidgetInfo, vec2};

/// Words beside the buttons need so much room, in points.
const ROOM_FOR_WORDS: f32 = 170.0;

#[derive(Default)]
pub struct View {
    /// Which of the slices kept out is shown, the worst being 0.
    shown: usize,
    /// The version that the name is of, and the name as it is written now.
    name: Option<(String, String)>,
}

impl View {
    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, training: &Training, out: &mut Outbox) {
        let Some(candidate) = training.candidate() else { return };
        verdict(ui, workspace, training, candidate);
        self.named(ui, training, candidate);
        if candidate.result.comparison.is_some() {
            table(ui, candidate);
            self.pictures(ui, workspace, training, candidate, out);
        }
        if let Some(words) = training.helps_most() {
            section(ui, "What helps most next", |ui| helps_most(ui, &words));
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
    fn pictures(
        &mut self,
        ui: &mut Ui,
        workspace: &Workspace,
        training: &Training,
        candidate: &Candidate,
        out: &mut Outbox,
    ) {
        let Some(comparison) = &candidate.result.comparison else { return };
        let order = candidate.worst_first();
        let count = order.len();
        self.shown = self.shown.min(count.saturating_sub(1));
        let Some(&at) = order.get(self.shown) else { return };
        let Some(held_out) = comparison.slices.get(at) else { return };
        let figure = |dice: Option<f64>| dice.map_or("unknown".to_owned(), |dice| format!("{dice:.2}"));
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
            let own = LabelColors::of(&candidate.card.labels);
            // Of the labels that both know, as the table has it.
            let means = comparison.means_on(at);
            let after = means.map(|[_, after]| after);
            let after = after.or_else(|| comparison.after.cases.get(at)?.mean_dice);
            let before = held_out.before.as_ref().map(|labels| {
                let words = match means {
                    Some([1.0, _]) => "Before: the mask itself".to_owned(),
                    means => format!("Before: {}", figure(means.map(|[before, _]| before))),
                };
                (wrong(labels), of_difference.clone(), words)
            });
            let now = [
                (wrong(&held_out.after), of_difference, format!("Now: {}", figure(after))),
                (shown(&held_out.after), own.clone(), "As it predicts now".to_owned()),
            ];
            let verified = before.is_none().then(|| (shown(&truth), own, "As verified".to_owned()));
            let pictures: Vec<_> = before.into_iter().chain(now).chain(verified).collect();
            thumbnail::row(ui, &held_out.sample, &pictures);
            legend(ui, &gallery::COLORS.map(|(_, color, words)| (theme::label_color(color), words)));
            if thumbnail::steps(ui, &mut self.shown, count, "From the worst to the best") {
                thumbnail::look_at(workspace, training, at, out);
            }
        });
    }

    pub fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, out, .. } = context;
        let Some(training) = workspace.training().filter(|t| *t.state() == TrainingState::Finished) else {
            let words = RichText::new("It is decided.").font(theme::small());
            ui.label(words.color(theme::palette(ui).weak));
            return;
        };
        let Some(candidate) = training.candidate() else { return };
        let worse = candidate.by_label().iter().any(LabelChange::is_worse);
        let text = if worse { "Adopt all the same" } else { "Adopt" };
        let button = primary(ui, true, text);
        let renamed = || {
            let name = self.name.as_ref().map(|(_, name)| name.trim()).filter(|name| !name.is_empty())?;
            let name = (name != candidate.card.title).then(|| name.to_owned())?;
            Some(Command::Train(TrainCommand::Name(name)))
        };
        if button.on_hover_text("Predict with the new version. The old one stays in the list").clicked() {
            renamed().into_iter().for_each(|command| out.command(command));
            out.command(Command::Train(TrainCommand::Adopt));
        }
        let [taken, _] = training.steps();
        let tip = format!(
            "Go on from the new network with the same slices, about {taken} steps more. It stays in the list as it is now"
        );
        if quiet(ui, true, "Learn on").on_hover_text(tip).clicked() {
            renamed().into_iter().for_each(|command| out.command(command));
            out.command(Command::Train(TrainCommand::LearnOn));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "Go on with the old version; the new one stays in the list";
            if quiet(ui, true, "Discard").on_hover_text(tip).clicked() {
                out.command(Command::Train(TrainCommand::Discard));
            }
            if ui.available_width() > ROOM_FOR_WORDS {
                let words = RichText::new("The old version stays in the list.").font(theme::small());
                ui.add(egui::Label::new(words.color(theme::palette(ui).weak)).truncate());
            }
        });
    }
}

/// What would help most, with a mark before it.
fn helps_most(ui: &mut Ui, words: &str) {
    let p = theme::palette(ui);
    theme::card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            let (square, _) = ui.allocate_exact_size(Vec2::splat(16.0), Sense::hover());
            Icon::Flag.paint(ui.painter(), square, p.accent);
            ui.add(egui::Label::new(RichText::new(words).font(theme::small())).wrap());
        });
    });
}

fn verdict(ui: &mut Ui, workspace: &Workspace, training: &Training, candidate: &Candidate) {
    let fresh = workspace.model(training.base()).is_some_and(|model| model.is_untrained());
    let earlier = training.earlier().and_then(|version| workspace.model(version));
    let Some(judged) = training.judged(fresh, earlier.map(|model| model.card.title.as_str())) else { return };
    let worse = candidate.by_label().iter().any(LabelChange::is_worse);
    let mood = match (candidate.verdict(), candidate.dice().map(Quality::of)) {
        (_, Some(Quality::Poor)) => Mood::Bad,
        (_, None | Some(Quality::Fair)) => Mood::Warn,
        (Verdict::Worse(_) | Verdict::Same(_) | Verdict::OwnMasks | Verdict::Unknown, _) => Mood::Warn,
        (Verdict::Better(_) | Verdict::New, _) if worse => Mood::Warn,
        (Verdict::Better(_) | Verdict::New, _) => Mood::Good,
    };
    card::said(ui, mood, RichText::new(judged.title).size(15.0).strong(), &judged.text);
}

fn table(ui: &mut Ui, candidate: &Candidate) {
    let Some(comparison) = &candidate.result.comparison else { return };
    let slices = counted(comparison.slices.len(), "slice");
    scores::head(ui, &format!("Dice on {slices} kept out"), "before → now");
    let changes = candidate.by_label();
    scores::labels(ui, &changes, &candidate.card.labels);
    // The mean of one label is that label once more.
    let measured = changes.iter().filter(|change| change.after.is_some()).count();
    if measured < 2 {
        return;
    }
    let of = if measured == changes.len() { String::new() } else { format!(" of the {measured} measured") };
    let own = changes.iter().any(|change| change.is_own);
    let all_known = changes.iter().all(|change| !change.is_new);
    match comparison.means().filter(|_| !own) {
        Some([before, after]) if all_known => {
            scores::mean(ui, &format!("Mean{of}"), Some(before), Some(after))
        }
        Some([before, after]) => {
            scores::mean(ui, "Mean of those that both know", Some(before), Some(after));
            scores::mean(ui, "Mean of all", None, comparison.after.mean_dice);
        }
        None => scores::mean(ui, &format!("Mean{of}"), None, comparison.after.mean_dice),
    }
}
