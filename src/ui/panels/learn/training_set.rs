//! What a run would learn from, image by image: looked through, left out where it should not be, and who of them judges.

use crate::engine::Version;
use crate::ui::theme::{self, size};
use crate::words::{counted, listed};
use crate::workspace::{Document, DocumentId, TrainingImage, Workspace};
use egui::{Align, Button, Checkbox, Label, Layout, RichText, Role, Ui, WidgetInfo, vec2};
use std::collections::BTreeSet;

/// The active image, the model that predicts there, and the revisions of the images that use it.
type Seen = (DocumentId, Option<Version>, Vec<(DocumentId, u64)>);

#[derive(Default)]
pub struct View {
    /// Images that someone has unticked.
    left_out: BTreeSet<DocumentId>,
    /// Images that are kept out of learning as a whole, and judge the result.
    judging: BTreeSet<DocumentId>,
    /// Masks are looked through once after a change, and not in every frame.
    of: Option<Seen>,
    images: Vec<(DocumentId, TrainingImage)>,
}

impl View {
    /// The images that are ticked.
    pub fn chosen(&self) -> impl Iterator<Item = (DocumentId, &TrainingImage)> {
        let ticked = |(id, _): &&(DocumentId, TrainingImage)| !self.left_out.contains(id);
        self.images.iter().filter(ticked).map(|(id, image)| (*id, image))
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Verified slices of what is ticked.
    pub fn slices(&self) -> usize {
        self.chosen().map(|(_, image)| image.slices).sum()
    }

    /// Those of what is ticked that judge as a whole.
    pub fn judges(&self) -> Vec<DocumentId> {
        self.chosen().map(|(id, _)| id).filter(|id| self.judging.contains(id)).collect()
    }

    /// Images that are ticked and teach.
    pub fn teaching(&self) -> usize {
        self.chosen().filter(|(id, _)| !self.judging.contains(id)).count()
    }

    /// The labels that are painted in what is ticked.
    pub fn labels(&self) -> Vec<&str> {
        let names: BTreeSet<&str> =
            self.chosen().flat_map(|(_, image)| image.labels.keys()).map(String::as_str).collect();
        names.into_iter().filter(|name| !name.eq_ignore_ascii_case("background")).collect()
    }

    pub fn refresh(&mut self, workspace: &Workspace, document: &Document) {
        let model = document.predictor();
        let users =
            workspace.documents().iter().filter(|d| d.id() == document.id() || d.predictor() == model);
        let of = Some((document.id(), model.cloned(), users.map(|d| (d.id(), d.revision())).collect()));
        if self.of != of {
            self.images = workspace.training_images();
            self.of = of;
        }
    }

    /// "18 verified slices of 4 images: 14 teach, 4 judge"
    pub fn counts(&self) -> String {
        let of = |judge: bool| {
            let slices = self.chosen().filter(|(id, _)| self.judging.contains(id) == judge);
            slices.map(|(_, image)| image.slices).sum::<usize>()
        };
        let images = counted(self.chosen().count(), "image");
        let all = format!("{} of {images}", counted(self.slices(), "verified slice"));
        match of(true) {
            0 => all,
            judging => format!("{all}: {} teach, {judging} judge", of(false)),
        }
    }

    /// "Slices of b are kept out of learning and judge the result. Click a tag to change it."
    pub fn who_judges(&self) -> String {
        let judges: Vec<&str> = (self.chosen().filter(|(id, _)| self.judging.contains(id)))
            .map(|(_, image)| image.name.as_str())
            .collect();
        let change = if self.chosen().count() > 1 { " Click a tag to change it." } else { "" };
        match judges.len() {
            0 if self.slices() < 2 => format!("Nothing is kept out to judge the result.{change}"),
            0 => format!("Some slices are kept out of learning, to judge the result.{change}"),
            1 => format!("{} is kept out of learning and judges the result.{change}", judges[0]),
            _ => format!("{} are kept out of learning and judge the result.{change}", listed(&judges, 2)),
        }
    }

    pub fn show(&mut self, ui: &mut Ui) {
        let several = self.chosen().count() > 1;
        let last_teacher = self.teaching() < 2;
        for (id, image) in &self.images {
            let mut ticked = !self.left_out.contains(id);
            let judges = self.judging.contains(id);
            let is_ticked = ticked;
            let mut switched = false;
            let changed = row(
                ui,
                image,
                |ui| {
                    let name = format!("Learn from {}", image.name);
                    let tick = ui.add(Checkbox::without_text(&mut ticked));
                    tick.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, ticked, &name));
                    tick.on_hover_text(name).changed()
                },
                |ui| {
                    let free = several && is_ticked && (judges || !last_teacher);
                    switched = is_ticked && several && tag(ui, &image.name, judges, free);
                },
            );
            if switched {
                match judges {
                    true => self.judging.remove(id),
                    false => self.judging.insert(*id),
                };
            }
            if changed {
                match ticked {
                    true => self.left_out.remove(id),
                    false => self.left_out.insert(*id),
                };
            }
        }
    }
}

/// Whether an image teaches or judges; true where it was clicked.
fn tag(ui: &mut Ui, image: &str, judges: bool, free: bool) -> bool {
    let p = theme::palette(ui);
    let (words, color) = if judges { ("Judges", p.warn) } else { ("Teaches", p.accent) };
    let text = RichText::new(words).font(theme::small()).color(color);
    let button = Button::new(text).corner_radius(12).min_size(vec2(66.0, size::BUTTON - 4.0));
    let response = ui.add_enabled(free, button);
    let name = format!("{image}: {}", words.to_lowercase());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, free, &name));
    let tip = match judges {
        true => "All its slices are kept out of learning. Click: it teaches",
        false => "It is learned from. Click: it is kept out of learning, and judges the result",
    };
    response.on_hover_text(tip).on_disabled_hover_text("One image at least has to teach").clicked()
}

/// The images that a run has learned from.
pub fn list(ui: &mut Ui, images: &[TrainingImage]) {
    for image in images {
        row(ui, image, |_| false, |_| ());
    }
}

/// Name and number of slices, and below them the labels. True where what `tick` shows has been changed.
fn row(
    ui: &mut Ui,
    image: &TrainingImage,
    tick: impl FnOnce(&mut Ui) -> bool,
    tag: impl FnOnce(&mut Ui),
) -> bool {
    let p = theme::palette(ui);
    let changed = ui.horizontal(|ui| {
        let changed = tick(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            tag(ui);
            let words = counted(image.slices, "slice");
            ui.label(RichText::new(words).color(p.weak));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(&image.name).truncate()).on_hover_text(image.path.display().to_string());
            });
        });
        changed
    });
    let labels: Vec<String> = image.labels.iter().map(|(name, n)| format!("{name} in {n}")).collect();
    let words = if labels.is_empty() { "no label".to_owned() } else { labels.join(", ") };
    ui.add(Label::new(RichText::new(words).font(theme::small()).color(p.weak)).wrap());
    changed.inner
}
