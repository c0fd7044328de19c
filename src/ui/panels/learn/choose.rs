//! The first step: what learns, from what, and who judges.

use super::{scores, training_set};
use crate::nn;
use crate::nn::train::Precision;
use crate::ui::context::PanelContext;
use crate::ui::keys::with_keys;
use crate::ui::outbox::{Outbox, Request};
use crate::ui::theme;
use crate::ui::widgets::card::{self, choice};
use crate::ui::widgets::{Icon, NumberField, empty, field, primary, section};
use crate::words::{counted, duration, listed};
use crate::workspace::{
    Command, Device, Document, StartFrom, TrainCommand, TrainOptions, Training, Unlabelled, Workspace,
    seconds_of,
};
use egui::{CollapsingHeader, RichText, Ui};

/// Below this width, in points, the alternatives stand one below the other.
const NARROW: f32 = 340.0;
/// A run learns nothing useful from fewer.
const ENOUGH: usize = 5;

#[derive(Default)]
pub struct View {
    options: TrainOptions,
    /// What someone has chosen; what is recommended where nobody has.
    start: Option<StartFrom>,
    training_set: training_set::View,
    /// Time here for time where the networks were measured, once it has been seen.
    speed: Option<f64>,
}

impl View {
    /// What a run starts from was chosen in the model library.
    pub fn start_from(&mut self, start: StartFrom) {
        self.start = Some(start);
    }

    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
        self.training_set.refresh(workspace, document);
        self.speed = workspace.speed().or(self.speed);
        if self.training_set.is_empty() {
            let missing = ENOUGH - 1;
            empty(
                ui,
                &with_keys(
                    ui.ctx(),
                    &format!(
                        "Nothing is verified yet. Paint a slice completely, press {{Slice verified, or not}}, and {missing} more."
                    ),
                ),
            );
            return;
        }
        self.starts(ui, workspace, document, out);
        let p = theme::palette(ui);
        scores::head(ui, "What it learns from", &self.training_set.counts());
        self.training_set.show(ui);
        ui.label(RichText::new(self.training_set.who_judges()).font(theme::small()).color(p.weak));
        let chosen: Vec<_> = self.training_set.chosen().map(|(_, image)| image).collect();
        let apart = !self.training_set.judges().is_empty();
        let start = self.chosen_start(workspace);
        for words in workspace.training_warnings(start, &chosen, self.options.unlabelled, apart) {
            card::warning(ui, &words);
        }
        section(ui, "Unpainted pixels", |ui| self.unpainted(ui));
        ui.add_space(8.0);
        self.details(ui, workspace);
    }

    /// What a run starts from unless someone has chosen otherwise.
    fn chosen_start(&self, workspace: &Workspace) -> StartFrom {
        let painted =
            self.training_set.chosen().flat_map(|(_, image)| image.labels.keys()).map(String::as_str);
        let recommended = workspace.recommended_start(painted).unwrap_or(StartFrom::InUse);
        self.start.unwrap_or(recommended)
    }

    /// "About 3 min.", where this machine has been measured.
    fn seconds(&self, workspace: &Workspace, start: StartFrom) -> Option<f64> {
        let (network, mut config) = workspace.training_plan(start)?;
        config.steps = self.options.steps.unwrap_or(config.steps);
        Some(seconds_of(&network, &config)? * self.speed?)
    }

    fn starts(&mut self, ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
        let labels: Vec<&str> = self.training_set.labels();
        let painted =
            self.training_set.chosen().flat_map(|(_, image)| image.labels.keys()).map(String::as_str);
        let recommended = workspace.recommended_start(painted).unwrap_or(StartFrom::InUse);
        let start = self.start.unwrap_or(recommended);
        let in_use = document.model().and_then(|version| workspace.model(version));
        // The other thing to start from, beside what is recommended.
        let fresh = match recommended {
            StartFrom::Fresh(network) => network,
            StartFrom::InUse => workspace.small_network().unwrap_or("edema/unet"),
        };
        let words = |start: StartFrom| {
            let time = self
                .seconds(workspace, start)
                .map_or(String::new(), |s| format!(" {}.", crate::words::capital(&duration(s))));
            match start {
                StartFrom::InUse => in_use.map(|model| {
                    let known = counted(model.card.labels.len(), "label");
                    match model.is_untrained() {
                        true => (model.card.title.clone(), format!("It has learned nothing yet.{time}")),
                        false => (
                            format!("Go on from “{}”", model.card.title),
                            format!("Knows {known} already.{time}"),
                        ),
                    }
                }),
                StartFrom::Fresh(network) => {
                    let of = Some(listed(&labels, 2)).filter(|words| !words.is_empty());
                    let of = of.unwrap_or_else(|| "these labels".to_owned());
                    let title = nn::find(network).map_or(network, |spec| spec.title);
                    Some(match workspace.small_network() == Some(network) {
                        true => (format!("New network: small, for {of}"), format!("{title}.{time}")),
                        false => (format!("New network: {title}"), format!("For {of}.{time}")),
                    })
                }
            }
        };
        let why = match recommended {
            StartFrom::InUse => "Recommended: it knows these labels. ",
            StartFrom::Fresh(_) if in_use.is_some() => {
                "Recommended: the model in use does not know these labels. "
            }
            StartFrom::Fresh(_) => "Recommended for this kind of image. ",
        };
        let mut chosen = None;
        let whole = ui.available_width();
        if let Some((title, text)) = words(recommended)
            && choice(ui, whole, start == recommended, Some(Icon::Star), &title, &format!("{why}{text}"))
        {
            chosen = Some(recommended);
        }
        let other = match recommended {
            StartFrom::InUse => StartFrom::Fresh(fresh),
            StartFrom::Fresh(_) => StartFrom::InUse,
        };
        let other = words(other).map(|words| (other, words));
        // Chosen in the library.
        let third = Some(start).filter(|s| *s != recommended && Some(*s) != other.as_ref().map(|(s, _)| *s));
        if let Some((title, text)) = third.and_then(words) {
            choice(ui, whole, true, None, &title, &text);
        }
        let beside = whole >= NARROW && other.is_some();
        let width = if beside { (whole - 8.0) / 2.0 } else { whole };
        let alternatives = |ui: &mut Ui| {
            if let Some((other, (title, text))) = &other
                && choice(ui, width, start == *other, None, title, text)
            {
                chosen = Some(*other);
            }
            let count = format!("{} networks, and what was trained here", nn::MODELS.len());
            if choice(ui, width, false, None, "Choose from the library…", &count) {
                out.requests.push(Request::Models);
            }
        };
        match beside {
            true => ui.horizontal_top(alternatives).inner,
            false => ui.vertical(alternatives).inner,
        }
        self.start = chosen.or(self.start);
    }

    fn unpainted(&mut self, ui: &mut Ui) {
        let tip = "A slice is verified as a whole, so a pixel without a label teaches that nothing is there. Unknown: such a \
                   pixel teaches nothing; paint a label named “background” where nothing is.";
        ui.horizontal_wrapped(|ui| {
            for (value, words) in
                [(Unlabelled::Background, "Are background"), (Unlabelled::Ignored, "Are unknown")]
            {
                ui.selectable_value(&mut self.options.unlabelled, value, words).on_hover_text(tip);
            }
            let words = RichText::new("Verified slices are painted completely.").font(theme::small());
            ui.label(words.color(theme::palette(ui).weak));
        });
    }

    fn details(&mut self, ui: &mut Ui, workspace: &Workspace) {
        let plan = workspace.training_plan(self.chosen_start(workspace)).map(|(_, config)| config);
        let halves = matches!(workspace.device(), Device::Ready { halves: true, .. });
        CollapsingHeader::new("Details").id_salt("learn details").show(ui, |ui| {
            if let Some(config) = &plan {
                let steps = self.options.steps.unwrap_or(config.steps);
                let rate = self.options.learning_rate.unwrap_or(config.lr);
                let words = format!("{steps} steps, learning rate {rate}, patches of {}", config.patch);
                ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
            }
            self.settings(ui, halves);
        });
    }

    /// `halves`: the networks' device computes in half precision too.
    fn settings(&mut self, ui: &mut Ui, halves: bool) {
        if halves {
            let mut half = self.options.precision == Precision::Half;
            let tip = "On: the graphics card multiplies in half precision, as long as network and gradients stay stable. \
                       Weights and predictions stay in single precision.";
            if ui.checkbox(&mut half, "Half precision").on_hover_text(tip).changed() {
                self.options.precision = if half { Precision::Half } else { Precision::Single };
            }
        }
        let mut own = self.options.steps.is_some();
        let tip = "Steps and learning rate, which otherwise follow from the model";
        if ui.checkbox(&mut own, "Set by hand").on_hover_text(tip).changed() {
            self.options.steps = own.then_some(200);
            self.options.learning_rate = own.then_some(1e-3);
        }
        if let Some(steps) = &mut self.options.steps {
            field(ui, "Steps", |ui| {
                NumberField::new(steps, "Steps").whole().range(10.0, 2e4).speed(5.0).show(ui)
            });
        }
        if let Some(rate) = &mut self.options.learning_rate {
            field(ui, "Learning rate", |ui| {
                let field = NumberField::new(rate, "Learning rate").range(1e-6, 0.1);
                field.speed(1e-5).written(|rate| format!("{rate:.1e}")).show(ui)
            });
        }
    }

    pub fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, out, .. } = context;
        let start = self.chosen_start(workspace);
        let busy =
            workspace.training().is_some_and(Training::is_under_way) || workspace.training_is_beginning();
        let missing = match start {
            _ if busy => Some("A run is under way"),
            _ if self.training_set.slices() == 0 => Some("Verify a slice first"),
            _ if self.training_set.teaching() == 0 => Some("One image at least has to teach"),
            StartFrom::InUse if document.model().is_none() => Some("Choose what learns first"),
            _ => None,
        };
        let text = match self.seconds(workspace, start).filter(|_| missing.is_none()) {
            Some(secs) => format!("Learn, {}", duration(secs)),
            None => "Learn".to_owned(),
        };
        let button = primary(ui, missing.is_none(), &text);
        let button = match missing {
            Some(reason) => button.on_disabled_hover_text(reason),
            None => button.on_hover_text("In the background: live prediction comes first"),
        };
        if button.clicked() {
            let images = self.training_set.chosen().map(|(id, _)| id).collect();
            let network = match start {
                StartFrom::InUse => None,
                StartFrom::Fresh(network) => Some(network.to_owned()),
            };
            let judges = self.training_set.judges();
            let options = TrainOptions { network, images, judges, ..self.options.clone() };
            out.command(Command::Train(TrainCommand::Start(options)));
        }
        let words = RichText::new("You can go on working meanwhile.").font(theme::small());
        ui.add(egui::Label::new(words.color(theme::palette(ui).weak)).truncate());
    }
}
