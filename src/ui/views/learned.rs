//! What a network that learns makes of the slice on screen, instead of what the model in use predicts: while it learns,
//! and once it is there, before and now.

use super::Scene;
use super::frame::ViewFrame;
use super::words::{EDGE, Words};
use crate::gpu::{PredictionDraw, PredictionSource};
use crate::label::{LabelId, LabelTable};
use crate::time::now_ms;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::learned::{BeforeNow, Learned, Look, newest};
use crate::ui::panels::learn::as_shown;
use crate::ui::theme::{self, canvas};
use crate::ui::widgets::{Segmented, key_cap};
use crate::workspace::{Document, Workspace, class_labels};
use egui::{
    Align, CornerRadius, Layout, Rect, RichText, Role, Sense, Theme, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// What the network that learns made of a slice when it was validated last, kept from frame to frame: a new place in memory
/// would be uploaded anew.
#[derive(Default)]
pub struct AsItLearns {
    made: Option<(Key, Arc<[LabelId]>)>,
}

/// Run, step, which of the slices kept out, and the document's label of each class.
type Key = (i64, u64, usize, Vec<LabelId>);

impl AsItLearns {
    /// None of a slice that the network is not validated on, and as long as it has not been.
    pub fn draw(
        &mut self,
        workspace: &Workspace,
        document: &Document,
        z: usize,
    ) -> Option<(PredictionDraw, LabelTable)> {
        let training = workspace.training()?;
        let (at, validation) = newest(workspace, document, z)?;
        let (predicted, sample) = (validation.predicted.get(at)?, training.held_out_samples().get(at)?);
        let card = &workspace.model(training.base())?.card;
        let (classes, table) = class_labels(card, document.labels());
        let key = (training.started_ms(), validation.step, at, classes.clone());
        if self.made.as_ref().is_none_or(|(of, _)| *of != key) {
            let class = |own: &LabelId| card.class_of(*own).and_then(|class| classes.get(class));
            let labels: Arc<[LabelId]> =
                predicted.iter().map(|own| class(own).copied().unwrap_or(0)).collect();
            self.made = Some((key, as_shown(sample, &labels)));
        }
        let labels = self.made.as_ref().map(|(_, labels)| Arc::clone(labels))?;
        let source = PredictionSource::Labels(labels);
        Some((PredictionDraw { source, class_labels: classes.into() }, table))
    }
}

/// Over the native view: which of two predictions is shown and the other one a click away, or that the network still learns. True
/// where something is said.
pub fn show(ui: &mut Ui, words: &mut Words, frame: &ViewFrame, scene: &Scene, learned: &mut Learned) -> bool {
    let at = pos2(frame.rect.left() + EDGE, words.below());
    let document = scene.document;
    let place = match learned {
        Learned::InUse => return false,
        Learned::AsItLearns(_) => match newest(scene.workspace, document, frame.slice) {
            Some((_, validation)) => {
                pill(ui, at, &format!("As it learns · {}", ago(now_ms() - validation.at_ms)))
            }
            None => return false,
        },
        Learned::BeforeNow(pair) if pair.document() != document.id() => return false,
        Learned::BeforeNow(pair) if !pair.has_earlier() => pill(ui, at, "The new network, not yet adopted"),
        Learned::BeforeNow(pair) => switch(ui, at, frame.rect, pair),
    };
    words.take(place.intersect(frame.rect));
    true
}

/// "3 s ago". `ms`: milliseconds that have passed.
fn ago(ms: i64) -> String {
    match ms / 1000 {
        secs if secs < 60 => format!("{} s ago", secs.max(1)),
        secs => format!("{} min ago", secs / 60),
    }
}

fn pill(ui: &mut Ui, at: egui::Pos2, words: &str) -> Rect {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::small(), canvas::TEXT);
    let place = Rect::from_min_size(at, galley.size() + vec2(30.0, 12.0));
    let response = ui.interact(place, ui.scope_id().with("learned"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    let painter = ui.painter();
    painter.rect_filled(place, CornerRadius::same(theme::size::RADIUS), canvas::SHADE);
    painter.circle_filled(pos2(place.left() + 12.0, place.center().y), 3.0, theme::of(true).accent);
    painter.galley(place.min + vec2(22.0, 6.0), galley, canvas::TEXT);
    place
}

fn switch(ui: &mut Ui, at: egui::Pos2, view: Rect, pair: &mut BeforeNow) -> Rect {
    let room = Rect::from_min_max(at, pos2(view.right() - EDGE, at.y + theme::size::BUTTON));
    let behind = ui.painter().add(egui::Shape::Noop);
    let mut ui = ui.new_child(
        UiBuilder::new().max_rect(room).layout(Layout::left_to_right(Align::Center)).id_salt("before now"),
    );
    // Over an image it is dark in both themes.
    ui.set_style(ui.ctx().style_of(Theme::Dark));
    ui.spacing_mut().item_spacing.x = 6.0;
    let choices = [(Look::Before, "Before"), (Look::Now, "Now"), (Look::Difference, "Difference")];
    let tip = |look| match look {
        Look::Before => "What the model in use predicts".to_owned(),
        Look::Now => "What the new network predicts".to_owned(),
        Look::Difference => "What only one of the two predicts".to_owned(),
    };
    if let Some(look) = Segmented::new(pair.look(), choices).show(&mut ui, tip) {
        pair.choose(look);
    }
    let small = |words: &str| RichText::new(words).font(theme::small()).color(canvas::WEAK);
    if let Some(key) = shortcut_of(ui.ctx(), KeyCommand::HideMask) {
        ui.label(small("hold"));
        key_cap(&mut ui, &key);
        ui.label(small("for the other"));
    }
    let place = ui.min_rect().expand2(vec2(5.0, 4.0));
    let shade = egui::Shape::rect_filled(place, CornerRadius::same(theme::size::RADIUS), canvas::SHADE);
    ui.painter().set(behind, shade);
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_has_passed_is_said_in_seconds_and_minutes() {
        assert_eq!(
            [0, 1_000, 59_999, 60_000, 150_000].map(ago),
            ["1 s ago", "1 s ago", "59 s ago", "1 min ago", "2 min ago"]
        );
    }
}
