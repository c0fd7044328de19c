//! The panel of an effect: what it is told is made from its parameters, and its outcome is in the views meanwhile.

use crate::edit::effects::{EFFECTS, Effect, Kind, On, Over, Parameter, preset_modality};
use crate::label::LabelTable;
use crate::ui::context::{Panel, PanelContext};
use crate::ui::figures::{grouped, measure};
use crate::ui::keys::KeyCommand;
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme::{self, size};
use crate::ui::view_state::{EffectInHand, StepInHand, Where, can_apply};
use crate::ui::widgets::{
    Icon, IconButton, NumberField, Segmented, drop_down, field, menu, primary_key, quiet, section, wide,
};
use crate::volume::Modality;
use crate::words::capital;
use crate::workspace::{Command, Document, LabelCommand, Workspace};
use egui::style::ScrollAnimation;
use egui::{Align, Label, Layout, Response, RichText, Role, Slider, SliderClamping, Ui, WidgetInfo, vec2};

#[derive(Default)]
pub struct EffectPanel {
    /// Where the button that adds a step was when one was added: it stays there.
    added_at: Option<f32>,
}

/// Of the field of a number, in points.
const NUMBER: f32 = 76.0;
/// A slider whose ends are farther apart than this is logarithmic.
const FAR: f64 = 1000.0;
/// Height of the head of a step, in points.
const HEAD: f32 = 22.0;
/// A slider ends here, whatever larger number can be typed.
const SLIDER_END: f64 = 1e6;

/// Whether everything that an effect needs can be said in its panel. What is drawn in the view has a tool.
pub fn can_be_set_up(effect: &Effect) -> bool {
    !effect.parameters.iter().any(|parameter| matches!(parameter.kind, Kind::Points))
}

impl Panel for EffectPanel {
    fn id(&self) -> &'static str {
        "effect"
    }

    fn title(&self) -> &'static str {
        "Effect"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        let plane = view_state.image(document).focus_plane(document);
        let normal = document.volume().grid().plane_axes(plane).normal;
        let count = document.volume().dims()[normal.index()];
        let cursor = document.cursor();
        let Some(hand) = view_state.effect_mut(document) else { return };
        let one = hand.steps.len() == 1;
        // Those of further steps are below their heads: what is above stays where it is.
        if let Some(first) = hand.steps.first() {
            summary(ui, first.effect);
        }
        ui.add_space(8.0);
        let on_one = hand.steps.iter().any(|step| step.effect.on == On::One);
        if on_one {
            field(ui, "On", |ui| label(ui, document, out));
        } else {
            field(ui, "On", |ui| ui.label("All labels"));
        }
        scope(ui, hand, document, cursor[normal.index()], count);
        let takes = [(Over::Background, "Background"), (Over::All, "Labels too")];
        let tip = |over| match over {
            Over::Background => "What is gained was background before",
            Over::All => "What is gained may have been another label, but no locked one",
        };
        field(ui, "Takes from", |ui| {
            let takes = Segmented::new(hand.over, takes).padding(8.0);
            if let Some(over) = takes.show(ui, |over| tip(over).to_owned()) {
                hand.over = over;
            }
        });
        let mut removed = None;
        for (index, step) in hand.steps.iter_mut().enumerate() {
            if one && step.effect.parameters.is_empty() {
                continue;
            }
            let title = match one {
                true => "How".to_owned(),
                false => format!("Step {} · {}", index + 1, step.effect.title),
            };
            ui.push_id(index, |ui| {
                if head(ui, &title, (!one).then_some(&mut step.on)) {
                    removed = Some(index);
                }
                if index > 0 {
                    summary(ui, step.effect);
                }
                if step.on {
                    for parameter in step.effect.parameters {
                        if step.counts(parameter) {
                            row(ui, parameter, step, document, cursor);
                        }
                    }
                }
            });
        }
        if let Some(index) = removed {
            hand.steps.remove(index);
        }
        let asks = hand.steps.iter().any(StepInHand::is_open);
        let (button, chosen) = add(ui);
        let top = button.rect.top();
        if let Some(before) = self.added_at.take() {
            ui.scroll_with_delta_animation(vec2(0.0, before - top), ScrollAnimation::none());
        }
        if let Some(effect) = chosen {
            view_state.add_effect(document, effect);
            self.added_at = Some(top);
        }
        section(ui, "What changes", |ui| outcome(ui, workspace, document, asks));
    }

    fn has_header(&self) -> bool {
        true
    }

    fn header(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { document, view_state, .. } = context;
        let back = IconButton::new(Icon::Left, "Leave the effect").key(KeyCommand::Abort);
        if ui.add(back).clicked() {
            view_state.leave_effect(document);
        }
        let Some(hand) = view_state.effect_mut(document) else { return };
        let (differs, as_last) = hand.is_told();
        let titles: Vec<&str> = hand.steps.iter().map(|step| step.effect.title).collect();
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let tip = "Every number and choice as at first";
            if differs && quiet(ui, true, "Defaults").on_hover_text(tip).clicked() {
                hand.forget_told();
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.vertical(|ui| {
                    ui.spacing_mut().item_spacing.y = 0.0;
                    let small = theme::small();
                    let lines = if as_last { theme::title().size + small.size } else { theme::title().size };
                    ui.add_space(((size::TABS - 1.35 * lines) / 2.0).max(0.0));
                    let title = RichText::new(titles.join(", then ")).font(theme::title());
                    ui.add(Label::new(title).truncate());
                    if as_last {
                        let words = RichText::new("set as last time").font(small);
                        ui.label(words.color(theme::palette(ui).weak));
                    }
                });
            });
        });
    }

    fn has_footer(&self, _: &PanelContext) -> bool {
        true
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { workspace, document, view_state, out, .. } = context;
        ui.spacing_mut().item_spacing.x = 6.0;
        let can = can_apply(workspace);
        let apply = primary_key(ui, can.is_ok(), "Apply", KeyCommand::Accept(crate::ui::keys::Scope::Slice));
        match can {
            Err(why) => _ = apply.on_disabled_hover_text(why),
            Ok(()) if apply.clicked() => view_state.apply_effect(document, out),
            Ok(()) => {}
        }
        if quiet(ui, true, "Cancel").on_hover_text("Escape").clicked() {
            view_state.leave_effect(document);
        }
    }
}

fn summary(ui: &mut Ui, effect: &Effect) {
    ui.label(RichText::new(effect.summary).color(theme::palette(ui).weak));
}

/// The head of a step, with what leaves it out, and what removes it; true where it is to be removed.
fn head(ui: &mut Ui, title: &str, on: Option<&mut bool>) -> bool {
    let mut removed = false;
    ui.add_space(10.0);
    field(ui, title, |ui| {
        ui.set_min_height(HEAD);
        let Some(on) = on else { return };
        let icon = |icon, name: String| IconButton::new(icon, name).side(HEAD).faint(true);
        removed = ui.add(icon(Icon::Close, format!("Remove {title}"))).clicked();
        let (shown, name) = match *on {
            true => (Icon::Eye, format!("Leave out {title}")),
            false => (Icon::EyeOff, format!("Take in {title}")),
        };
        if ui.add(icon(shown, name)).clicked() {
            *on = !*on;
        }
    });
    removed
}

/// The button, and the effect that comes behind the others.
fn add(ui: &mut Ui) -> (Response, Option<&'static Effect>) {
    let button = quiet(ui, true, "Add a step");
    let mut chosen = None;
    menu(&button, |ui| {
        egui::ScrollArea::vertical().max_height(280.0).show(ui, |ui| {
            for effect in EFFECTS.iter().copied().filter(|effect| can_be_set_up(effect)) {
                if ui.button(effect.title).on_hover_text(effect.summary).clicked() {
                    chosen = Some(effect);
                    ui.close();
                }
            }
        });
    });
    (button, chosen)
}

/// The label that the effect is done for.
fn label(ui: &mut Ui, document: &Document, out: &mut Outbox) {
    let labels = document.labels();
    let name = labels.get(document.selected_label()).map_or("none", |label| &label.name);
    if let Some(id) = choose_label(ui, labels, name, "Label that the effect is done for") {
        out.command(Command::Labels(LabelCommand::Select(id)));
    }
}

fn choose_label(ui: &mut Ui, labels: &LabelTable, shown: &str, name: &str) -> Option<crate::label::LabelId> {
    let button = drop_down(ui, shown, name);
    let mut chosen = None;
    menu(&button, |ui| {
        egui::ScrollArea::vertical().max_height(280.0).show(ui, |ui| {
            for label in labels.iter() {
                if ui.selectable_label(label.name == shown, as_painted(&label.name)).clicked() {
                    chosen = Some(label.id);
                    ui.close();
                }
            }
        });
    });
    chosen
}

/// `slice` of `count`: where the views are.
fn scope(ui: &mut Ui, hand: &mut EffectInHand, document: &Document, slice: usize, count: usize) {
    if count > 1 {
        let slices = match hand.scope {
            Where::Slices(slices) => slices,
            _ => [slice, slice],
        };
        let choices = [(Where::Slice, "Slice"), (Where::Slices(slices), "Slices"), (Where::Volume, "Volume")];
        let tip = |chosen| match chosen {
            Where::Slice => "The slice on screen, as if there were no others",
            Where::Slices(_) => "From one slice to another",
            Where::Volume => "The whole image",
        };
        field(ui, "Where", |ui| {
            let chosen = Segmented::new(hand.scope, choices).padding(8.0);
            if let Some(scope) = chosen.show(ui, |chosen| tip(chosen).to_owned()) {
                hand.scope = scope;
            }
        });
    }
    if let Where::Slices([first, last]) = &mut hand.scope {
        field(ui, "From slice", |ui| {
            // What would come behind the other takes it along.
            if number_of_slice(ui, last, count, "Last slice") {
                *first = (*first).min(*last);
            }
            ui.label("to");
            if number_of_slice(ui, first, count, "First slice") {
                *last = (*last).max(*first);
            }
        });
    }
    let verified = document.verified().len();
    if verified > 0 {
        let words = format!("Also in verified slices ({verified})");
        ui.checkbox(&mut hand.also_verified, words)
            .on_hover_text("Slices that change are no longer verified then");
    }
}

/// Slices count from 1 for people. True where it was changed.
fn number_of_slice(ui: &mut Ui, slice: &mut usize, count: usize, name: &str) -> bool {
    let before = *slice;
    let mut number = before + 1;
    NumberField::new(&mut number, name).whole().range(1.0, count as f64).show(ui);
    *slice = number.saturating_sub(1);
    *slice != before
}

/// A parameter and what it is set to.
fn row(ui: &mut Ui, parameter: &Parameter, step: &mut StepInHand, document: &Document, cursor: [usize; 3]) {
    let now = step.set(parameter);
    let told = match &parameter.kind {
        Kind::Choice(options) => {
            let own = document.volume().modality();
            // Presets of other kinds of images mean nothing here.
            let fits = |id: &str| {
                preset_modality(id).is_none_or(|modality| modality == own || own == Modality::Other)
            };
            let options = || options.iter().copied().filter(|(id, _)| fits(id));
            let now = options().map(|(id, _)| id).find(|id| *id == now).unwrap_or("");
            let words = options().find(|(id, _)| *id == now).map_or("choose one", |(_, words)| words);
            let name = format!("{}: {words}", parameter.title);
            let choice = Segmented::new(now, options()).padding(8.0);
            let room = ui.available_width() - wide(ui, parameter.title) - 2.0 * ui.spacing().item_spacing.x;
            let tip = |_| parameter.help.to_owned();
            // Whichever is chosen, so that nothing moves with the choice.
            let chosen = match choice.width(ui).min(choice.widest_in_list(ui)) <= room {
                true => titled(ui, parameter, |ui| choice.show_or_list(ui, &name, tip)),
                false => {
                    titled(ui, parameter, |_| {});
                    let below = Layout::right_to_left(Align::Center);
                    ui.allocate_ui_with_layout(vec2(ui.available_width(), size::BUTTON), below, |ui| {
                        choice.show_or_list(ui, &name, tip)
                    })
                    .inner
                }
            };
            chosen.map(str::to_owned)
        }
        Kind::Number { default, range, whole, unit } => titled(ui, parameter, |ui| {
            if default.is_none() && !now.is_empty() {
                let button = IconButton::new(Icon::Close, format!("{}: not set", parameter.title));
                if ui.add(button.side(size::BUTTON).faint(true)).clicked() {
                    return Some(String::new());
                }
            }
            number(ui, parameter.title, &now, (*default, *range), *whole, unit)
        }),
        Kind::Switch(_) => {
            let mut on = now == "yes";
            let changed = ui.checkbox(&mut on, parameter.title).on_hover_text(parameter.help).changed();
            changed.then(|| if on { "yes" } else { "no" }.to_owned())
        }
        Kind::Label => titled(ui, parameter, |ui| {
            let labels = document.labels();
            let known = now.parse().ok().and_then(|id| labels.get(id));
            let shown = known.map_or("Choose…", |label| &label.name);
            choose_label(ui, labels, shown, parameter.title).map(|id| id.to_string())
        }),
        Kind::Voxel => titled(ui, parameter, |ui| {
            let button = quiet(ui, true, "Take the crosshair").on_hover_text(parameter.help);
            if !now.is_empty() {
                ui.label(RichText::new(from_one(&now)).font(theme::figures()));
            }
            button.clicked().then(|| cursor.map(|c| c.to_string()).join(","))
        }),
        // These have a tool.
        Kind::Points => None,
    };
    if let Some(text) = told {
        step.tell(parameter, text);
    }
}

fn titled<R>(ui: &mut Ui, parameter: &Parameter, content: impl FnOnce(&mut Ui) -> R) -> R {
    ui.horizontal(|ui| {
        ui.set_min_height(size::BUTTON);
        let p = theme::palette(ui);
        ui.label(RichText::new(parameter.title).color(p.weak)).on_hover_text(parameter.help);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), content).inner
    })
    .inner
}

/// Voxels count from 1 for people.
fn from_one(voxel: &str) -> String {
    let of = |c: &str| c.parse::<usize>().map_or_else(|_| c.to_owned(), |c| (c + 1).to_string());
    voxel.split(',').map(of).collect::<Vec<_>>().join(" · ")
}

/// `now`: empty where it is not set, which only a number without a default can be.
fn number(
    ui: &mut Ui,
    name: &str,
    now: &str,
    (default, [low, high]): (Option<f64>, [f64; 2]),
    whole: bool,
    unit: &str,
) -> Option<String> {
    let written = |number: f64| {
        if whole { format!("{number:.0}") } else { format!("{}", (number * 1e4).round() / 1e4) }
    };
    let Ok(mut value) = now.parse::<f64>() else {
        let start = default.unwrap_or(0.0).clamp(low, high);
        return quiet(ui, true, "Set…").clicked().then(|| written(start));
    };
    let before = value;
    let field = NumberField::new(&mut value, name).range(low, high).unit(unit).width(NUMBER);
    match whole {
        true => field.whole().show(ui),
        false => field.decimals(3).speed(0.05).show(ui),
    };
    if low.is_finite() && high.is_finite() && low > -SLIDER_END {
        ui.spacing_mut().slider_width = (ui.available_width() - 8.0).clamp(40.0, 110.0);
        let end = high.min(SLIDER_END);
        let slider = Slider::new(&mut value, low..=end)
            .show_value(false)
            .clamping(SliderClamping::Never)
            .logarithmic(end - low > FAR);
        let slider = if whole { slider.step_by(1.0) } else { slider };
        ui.add(slider).widget_info(|| WidgetInfo::labeled(Role::Slider, true, name));
    }
    (value != before).then(|| written(value))
}

/// How much it is, or why it is nothing. `asks`: something is still to be set, which is no fault.
fn outcome(ui: &mut Ui, workspace: &Workspace, document: &Document, asks: bool) {
    let p = theme::palette(ui);
    if let Some(why) = workspace.effect_failure() {
        ui.label(RichText::new(capital(why)).color(if asks { p.weak } else { p.warn }));
        return;
    }
    let Some((_, preview, _)) = workspace.effect_preview() else {
        ui.label(RichText::new("Being looked at…").color(p.weak));
        return;
    };
    let grid = document.volume().grid();
    for (name, side) in [("Gained", 0), ("Lost", 1)] {
        field(ui, name, |ui| {
            let words = match preview.voxels[side] {
                1 => "1 voxel".to_owned(),
                n => format!("{} voxels", grouped(n as f64)),
            };
            ui.label(RichText::new(words).font(theme::small()).color(p.weak));
            ui.label(RichText::new(measure(preview.volumes[side], grid)).font(theme::figures()));
        });
    }
    if preview.skipped > 0 {
        let words = match preview.skipped {
            1 => "1 verified slice is left as it is".to_owned(),
            n => format!("{n} verified slices are left as they are"),
        };
        ui.label(RichText::new(words).font(theme::small()).color(p.weak));
    }
    for note in &preview.notes {
        ui.label(RichText::new(capital(note)).font(theme::small()).color(p.weak));
    }
}
