//! What a run would learn from, image by image: looked through, and left out where it should not be, before it begins.

use crate::engine::Version;
use crate::ui::theme;
use crate::ui::widgets::Icon;
use crate::words::counted;
use crate::workspace::{Document, DocumentId, TrainingImage, Unlabelled, Workspace};
use egui::{Align, Checkbox, Label, Layout, RichText, Role, Sense, Ui, Vec2, WidgetInfo};
use std::collections::BTreeSet;

#[derive(Default)]
pub struct View {
    /// Images that someone has unticked.
    left_out: BTreeSet<DocumentId>,
    /// Masks are looked through once after a change, and not in every frame.
    of: Option<(Version, Vec<(DocumentId, u64)>)>,
    images: Vec<(DocumentId, TrainingImage)>,
}

impl View {
    /// The images that are ticked.
    pub fn chosen(&self) -> impl Iterator<Item = (DocumentId, &TrainingImage)> {
        let ticked = |(id, _): &&(DocumentId, TrainingImage)| !self.left_out.contains(id);
        self.images.iter().filter(ticked).map(|(id, image)| (*id, image))
    }

    /// Verified slices of what is ticked.
    pub fn slices(&self) -> usize {
        self.chosen().map(|(_, image)| image.slices).sum()
    }

    pub fn refresh(&mut self, workspace: &Workspace, document: &Document) {
        let of = document.model().map(|version| {
            let users = workspace.documents().iter().filter(|d| d.model() == Some(version));
            (version.clone(), users.map(|d| (d.id(), d.revision())).collect())
        });
        if self.of != of {
            self.images = workspace.training_images();
            self.of = of;
        }
    }

    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, unlabelled: Unlabelled) {
        for (id, image) in &self.images {
            let mut ticked = !self.left_out.contains(id);
            let changed = row(ui, image, |ui| {
                let name = format!("Learn from {}", image.name);
                let tick = ui.add(Checkbox::without_text(&mut ticked));
                tick.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, ticked, &name));
                tick.on_hover_text(name).changed()
            });
            if changed {
                match ticked {
                    true => self.left_out.remove(id),
                    false => self.left_out.insert(*id),
                };
            }
        }
        let chosen: Vec<&TrainingImage> = self.chosen().map(|(_, image)| image).collect();
        warnings(ui, &workspace.training_warnings(&chosen, unlabelled));
    }
}

/// The images that a run learns from, or has learned from.
pub fn list(ui: &mut Ui, images: &[TrainingImage]) {
    for image in images {
        row(ui, image, |_| false);
    }
}

/// What there is to say against a run.
pub fn warnings(ui: &mut Ui, warnings: &[String]) {
    let p = theme::palette(ui);
    for words in warnings {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let (square, _) = ui.allocate_exact_size(Vec2::splat(14.0), Sense::hover());
            Icon::Warning.paint(ui.painter(), square, p.warn);
            let width = ui.available_width();
            ui.allocate_ui_with_layout(Vec2::new(width, 0.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(width);
                ui.label(RichText::new(words).font(theme::small()).color(p.weak));
            });
        });
    }
}

/// Name and number of slices, and below them the labels. True where what `tick` shows has been changed.
fn row(ui: &mut Ui, image: &TrainingImage, tick: impl FnOnce(&mut Ui) -> bool) -> bool {
    let p = theme::palette(ui);
    let changed = ui.horizontal(|ui| {
        let changed = tick(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let words = counted(image.slices, "slice");
            ui.label(RichText::new(words).font(theme::figures()).color(p.weak));
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(&image.name).truncate()).on_hover_text(image.path.display().to_string());
            });
        });
        changed
    });
    let labels: Vec<String> = image.labels.iter().map(|(name, n)| format!("{name} in {n}")).collect();
    let words = if labels.is_empty() { "no label".to_owned() } else { labels.join(", ") };
    ui.add(Label::new(RichText::new(words).font(theme::small()).color(p.faint)).wrap());
    changed.inner
}
