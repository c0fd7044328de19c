use crate::gpu::{
    LabelColors, PredictionDraw, PredictionSource, SliceCallback, SliceDraw, SliceImage, ViewTransform,
};
use crate::label::LabelId;
use crate::ui::context::{Panel, PanelContext};
use crate::ui::outbox::Outbox;
use crate::ui::panels::prediction::short;
use crate::ui::theme::{self, canvas, curve};
use crate::ui::widgets::{empty, field, primary, progress_bar, quiet, section, title_row};
use crate::workspace::{
    Candidate, Command, Curves, Document, ModelCommand, TrainCommand, TrainOptions, Training, TrainingState,
    Unlabelled, Verdict, Workspace,
};
use egui::{Align2, DragValue, Grid, Rect, RichText, Sense, Ui, Vec2, pos2};
use egui_plot::{Line, Plot, PlotPoints};
use std::sync::Arc;

/// Training on the verified slices: start, pause, cancel, the curves, the comparison, and every version.
#[derive(Default)]
pub struct Learn {
    options: TrainOptions,
    /// The held-out slice whose before and after are shown.
    shown: usize,
}

impl Panel for Learn {
    fn id(&self) -> &'static str {
        "learn"
    }

    fn title(&self) -> &'static str {
        "Learn"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, out, .. } = context;
        title_row(ui, "Learn from corrections", |_| {});
        ui.add_space(4.0);
        let training = workspace.training();
        match training {
            Some(training) if training.is_under_way() => under_way(ui, training, out),
            _ if workspace.interrupted_training().is_some() => interrupted(ui, out),
            _ => self.start(ui, document, out),
        }
        if let Some(training) = training {
            outcome(ui, training);
            if training.curves().loss.len() > 1 {
                section(ui, "Progress", |ui| curves(ui, training.curves()));
            }
            if let Some(candidate) = training.candidate() {
                section(ui, "Old and new on slices kept out", |ui| {
                    self.comparison(ui, training, candidate, document, out);
                });
            }
        }
        section(ui, "Versions", |ui| versions(ui, workspace, document, out));
    }
}

impl Learn {
    fn start(&mut self, ui: &mut Ui, document: &Document, out: &mut Outbox) {
        let p = theme::palette(ui);
        let verified = document.verified().len();
        let words = match verified {
            0 => "Correct a slice, then mark it verified (Ctrl+Enter). Training learns from verified slices only."
                .to_owned(),
            1 => "One slice is verified. With a second one the result can be compared on a slice kept out.".to_owned(),
            n => format!("{n} slices are verified; some of them are kept out, to compare the old model with the new."),
        };
        ui.label(RichText::new(words).font(theme::small()).color(p.weak));
        ui.add_space(2.0);
        self.settings(ui);
        let ready = verified > 0 && document.model().is_some();
        ui.add_space(2.0);
        let button = primary(ui, ready, "Start training");
        let button = match (document.model(), verified) {
            (None, _) => button.on_disabled_hover_text("Choose a model first"),
            (_, 0) => button.on_disabled_hover_text("Mark a slice as verified first"),
            _ => button.on_hover_text("In the background: you can go on working"),
        };
        if button.clicked() {
            out.command(Command::Train(TrainCommand::Start(self.options.clone())));
        }
    }

    fn settings(&mut self, ui: &mut Ui) {
        let mut background = self.options.unlabelled == Unlabelled::Background;
        let tip = "On: a slice is verified as a whole, so a pixel without a label teaches that nothing is there. Off: \
                   such a pixel teaches nothing; paint a label named \u{201c}background\u{201d} where nothing is.";
        if ui.checkbox(&mut background, "Unpainted pixels are background").on_hover_text(tip).changed() {
            self.options.unlabelled = if background { Unlabelled::Background } else { Unlabelled::Ignored };
        }
        let mut own = self.options.steps.is_some();
        let tip = "Steps and learning rate; as a rule they follow from the model";
        if ui.checkbox(&mut own, "Set by hand").on_hover_text(tip).changed() {
            self.options.steps = own.then_some(200);
            self.options.learning_rate = own.then_some(1e-3);
        }
        if let Some(steps) = &mut self.options.steps {
            field(ui, "Steps", |ui| ui.add(DragValue::new(steps).range(10..=20_000).speed(5.0)));
        }
        if let Some(rate) = &mut self.options.learning_rate {
            let written = |v: f64, _: std::ops::RangeInclusive<usize>| format!("{v:.1e}");
            field(ui, "Learning rate", |ui| {
                ui.add(DragValue::new(rate).range(1e-6..=0.1).speed(1e-5).custom_formatter(written))
            });
        }
    }

    fn comparison(
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
            Verdict::Unknown => {
                ("No slice with a label was kept out: nobody knows whether it is better".to_owned(), p.warn)
            }
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
                    for (labels, words) in [
                        (&held_out.before, format!("Old {}", short(base))),
                        (&held_out.after, format!("New {}", short(&candidate.card.version))),
                    ] {
                        thumbnail(ui, width, held_out, labels, &words, candidate);
                    }
                });
                if comparison.slices.len() > 1 {
                    ui.horizontal(|ui| {
                        let words = format!(
                            "{} ({} of {})",
                            held_out.sample.name,
                            self.shown + 1,
                            comparison.slices.len()
                        );
                        if quiet(ui, self.shown > 0, "‹").clicked() {
                            self.shown -= 1;
                        }
                        if quiet(ui, self.shown + 1 < comparison.slices.len(), "›").clicked() {
                            self.shown += 1;
                        }
                        ui.label(RichText::new(words).font(theme::small()).color(p.weak));
                    });
                }
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

/// A run that was under way when the program last stopped.
fn interrupted(ui: &mut Ui, out: &mut Outbox) {
    let words =
        "Training was under way when the program last stopped. It can go on from its last checkpoint.";
    ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        if primary(ui, true, "Go on").clicked() {
            out.command(Command::Train(TrainCommand::Resume));
        }
        let tip = "Forget this run; the model in use stays as it is";
        if quiet(ui, true, "Give up").on_hover_text(tip).clicked() {
            out.command(Command::Train(TrainCommand::Cancel));
        }
    });
}

fn under_way(ui: &mut Ui, training: &Training, out: &mut Outbox) {
    let [step, total] = training.steps();
    let p = theme::palette(ui);
    let paused = *training.state() == TrainingState::Paused;
    ui.horizontal(|ui| {
        let words = match paused {
            true => "Paused".to_owned(),
            false => capital(training.stage()),
        };
        ui.label(words);
        ui.label(RichText::new(format!("{step} / {total}")).font(theme::figures()).color(p.weak));
        if let Some(secs) = training.eta_secs().filter(|_| !paused) {
            ui.label(RichText::new(time_left(secs)).font(theme::small()).color(p.weak));
        }
    });
    progress_bar(ui, (total > 0).then(|| step as f32 / total as f32), "Training");
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        let (name, command) =
            if paused { ("Go on", TrainCommand::Resume) } else { ("Pause", TrainCommand::Pause) };
        if quiet(ui, true, name).clicked() {
            out.command(Command::Train(command));
        }
        if quiet(ui, true, "Cancel").clicked() {
            out.command(Command::Train(TrainCommand::Cancel));
        }
    });
    let (learned, held) = (training.learned_from().len(), training.held_out().len());
    let words = format!("Learning from {learned} slices, {held} kept out. Live prediction comes first.");
    ui.label(RichText::new(words).font(theme::small()).color(p.faint));
}

fn outcome(ui: &mut Ui, training: &Training) {
    let p = theme::palette(ui);
    let (words, color) = match training.state() {
        TrainingState::Failed(reason) => (format!("The last run failed: {reason}"), p.bad),
        TrainingState::Cancelled => ("The last run was cancelled; nothing was lost.".to_owned(), p.weak),
        TrainingState::Adopted => ("The new version is in use.".to_owned(), p.good),
        TrainingState::Discarded => {
            ("The new version was discarded; it stays in the list.".to_owned(), p.weak)
        }
        TrainingState::Running | TrainingState::Paused | TrainingState::Finished => return,
    };
    ui.add_space(4.0);
    ui.label(RichText::new(words).font(theme::small()).color(color));
}

fn curves(ui: &mut Ui, curves: &Curves) {
    let one = |ui: &mut Ui, name: &str, points: &[[f64; 2]], color, is_share: bool| {
        let last = points.last().map_or(String::new(), |[_, v]| format!("{v:.3}"));
        field(ui, name, |ui| ui.label(RichText::new(last).font(theme::figures())));
        let mut plot = Plot::new(name)
            .height(76.0)
            .show_axes([false, true])
            .show_x(false)
            .y_axis_min_width(26.0)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .show_grid([false, true])
            .set_margin_fraction(egui::vec2(0.01, 0.08))
            .include_y(0.0);
        if is_share {
            plot = plot.include_y(1.0);
        }
        plot.show(ui, |plot| {
            plot.line(Line::new(name, PlotPoints::from(thinned(points))).color(color).width(1.5))
        });
    };
    one(ui, "Loss", &curves.loss, curve::LOSS, false);
    if !curves.valid_dice.is_empty() {
        one(ui, "Dice on slices kept out", &curves.valid_dice, curve::DICE, true);
    }
}

/// A panel shows a few hundred points; more would only cost time.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    const MOST: usize = 300;
    let chunk = points.len().div_ceil(MOST).max(1);
    let mean = |c: &[[f64; 2]]| [c[c.len() - 1][0], c.iter().map(|p| p[1]).sum::<f64>() / c.len() as f64];
    points.chunks(chunk).map(mean).collect()
}

fn scores(
    ui: &mut Ui,
    candidate: &Candidate,
    before: &crate::metrics::Report,
    after: &crate::metrics::Report,
) {
    let p = theme::palette(ui);
    let figure = |v: Option<f64>| v.map_or("–".to_owned(), |v| format!("{v:.3}"));
    let head = |words: &str| RichText::new(words.to_owned()).font(theme::small()).color(p.faint);
    Grid::new("scores").num_columns(3).spacing([18.0, 3.0]).show(ui, |ui| {
        ui.label(head("Dice"));
        ui.label(head("Old"));
        ui.label(head("New"));
        ui.end_row();
        let mut row = |name: &str, old: Option<f64>, new: Option<f64>| {
            ui.label(name);
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

fn thumbnail(
    ui: &mut Ui,
    width: f32,
    held_out: &crate::engine::HeldOut,
    labels: &Arc<[LabelId]>,
    words: &str,
    candidate: &Candidate,
) {
    let sample = &held_out.sample;
    let grid = sample.volume.grid();
    let axes = grid.plane_axes(grid.native_plane());
    let (size, pixel_size) = (axes.size(grid.dims()), axes.pixel_size(grid));
    let shape = (size[1] as f64 * pixel_size[1]) / (size[0] as f64 * pixel_size[0]);
    let height = (width * shape as f32).clamp(60.0, 220.0);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(width, height), Sense::hover());
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    let ppp = f64::from(ui.ctx().pixels_per_point());
    let target = [f64::from(rect.width()) * ppp, f64::from(rect.height()) * ppp];
    let view = ViewTransform::fit(target, pixel_size, size);
    let image = SliceImage { volume: sample.volume.clone(), axes, slice: sample.z };
    let mut draw = SliceDraw::of_image(image, view);
    draw.colors = LabelColors::of(&candidate.card.labels);
    let source = PredictionSource::Labels(as_shown(labels, grid.dims(), axes, sample.z));
    draw.prediction = Some(PredictionDraw { source, class_labels: Arc::from([]) });
    draw.style.prediction.outline_px = ppp as f32;
    ui.painter().add(SliceCallback::shape(rect, draw));
    let at = pos2(rect.left() + 5.0, rect.top() + 4.0);
    let ground = Rect::from_min_size(rect.min, egui::vec2(rect.width(), 18.0));
    ui.painter().rect_filled(ground, 0.0, canvas::SHADE);
    ui.painter().text(at, Align2::LEFT_TOP, words, theme::small(), canvas::TEXT);
}

/// Labels of a native slice in the order in which the plane shows them.
fn as_shown(
    labels: &Arc<[LabelId]>,
    dims: [usize; 3],
    axes: crate::geom::PlaneAxes,
    z: usize,
) -> Arc<[LabelId]> {
    let plain = axes.right == crate::geom::Axis::X && !axes.right_flipped && !axes.down_flipped;
    if plain {
        return Arc::clone(labels);
    }
    let [w, h] = axes.size(dims);
    let at = |x: usize, y: usize| {
        let voxel = axes.voxel_of_pixel(dims, z as f64, [x as f64, y as f64]);
        labels.get(voxel.y as usize * dims[0] + voxel.x as usize).copied().unwrap_or(0)
    };
    (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| at(x, y)).collect()
}

/// Every version stays and can be gone back to.
fn versions(ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
    let p = theme::palette(ui);
    let fitting: Vec<_> = workspace.shelf().iter().filter(|m| m.fits(document.volume())).collect();
    if fitting.is_empty() {
        empty(ui, "No model is made for this kind of image; import one in the Prediction panel.");
        return;
    }
    for model in fitting {
        let in_use = document.model().is_some_and(|v| &**v == model.version());
        theme::card(ui).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 1.0;
                    let title = RichText::new(&model.card.title);
                    ui.set_max_width(ui.available_width() - 62.0);
                    ui.add(egui::Label::new(if in_use { title.color(p.accent) } else { title }).truncate());
                    let mut words = short(model.version()).to_owned();
                    if let Some(parent) = &model.card.parent {
                        words += &format!(", from {}", short(parent));
                    }
                    if let Some(dice) = model.card.metrics.values().next() {
                        words += &format!(", Dice {dice:.2}");
                    }
                    ui.label(RichText::new(words).font(theme::figures()).color(p.faint));
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if in_use {
                        ui.label(RichText::new("In use").font(theme::small()).color(p.accent));
                    } else if quiet(ui, true, "Use").clicked() {
                        let version = Some(model.version().to_owned());
                        out.command(Command::Model(ModelCommand::Use { version }));
                    }
                });
            });
        });
    }
    let parent = document.model().and_then(|v| workspace.model(v)).and_then(|m| m.card.parent.as_ref());
    if let Some(parent) = parent {
        let tip = format!("Back to {}, which the version in use was trained from", short(parent));
        if quiet(ui, workspace.model(parent).is_some(), "Roll back").on_hover_text(tip).clicked() {
            out.command(Command::Model(ModelCommand::RollBack));
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// "about 2 min left".
pub fn time_left(secs: f64) -> String {
    match secs {
        s if s < 1.5 => "a second left".to_owned(),
        s if s < 90.0 => format!("about {s:.0} s left"),
        s if s < 5400.0 => format!("about {:.0} min left", s / 60.0),
        s => format!("about {:.1} h left", s / 3600.0),
    }
}
