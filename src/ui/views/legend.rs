//! What dots, lines and colours in the view mean, at its lower left.

use super::Scene;
use super::frame::ViewFrame;
use super::overlay::DEMONSTRATION;
use super::words::{EDGE, Words};
use crate::gpu::Difference;
use crate::label::{LabelId, LabelTable};
use crate::ui::counted::Counted;
use crate::ui::reading::as_painted;
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::{Shows, ViewState};
use crate::ui::widgets::Icon;
use egui::{
    Color32, CornerRadius, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

/// More labels are only counted.
const MOST: usize = 6;
const LINE: f32 = 19.0;
/// The lower left corner has the window's numbers below it.
const ABOVE: f32 = 38.0;
const SWATCH: f32 = 10.0;

const DIFFERENCE: &[Kind] = &[Kind::OnlyPrediction, Kind::OnlyMask, Kind::OtherLabel, Kind::Both];

/// Keeps which labels a slice has from frame to frame.
#[derive(Default)]
pub struct Legend {
    predicted: Counted,
}

/// A kind of thing over the image, as it is drawn there.
enum Kind {
    Mask,
    Prediction,
    OnlyPrediction,
    OnlyMask,
    OtherLabel,
    Both,
}

impl Legend {
    /// A click puts it away. `view_state`: what of mask and prediction is shown. True where it is there; it says, too, what a model
    /// of phantoms is worth.
    pub fn show(
        &mut self,
        ui: &Ui,
        over: &mut Words,
        frame: &ViewFrame,
        scene: &Scene,
        view_state: &mut ViewState,
    ) -> bool {
        let document = scene.document;
        let z = frame.slice;
        let predicted = scene.predicted_labels(z);
        let predicted = predicted.filter(|_| !scene.is_rejected(view_state, z));
        let Some(predicted) = predicted.filter(|_| view_state.legend) else { return false };
        let Some(card) = scene.model().map(|model| &model.card) else { return false };
        let kinds: &[Kind] = match view_state.shows() {
            Shows::Difference => DIFFERENCE,
            Shows::Mask => return false,
            Shows::Prediction | Shows::Certainty if document.mask().is_empty() => &[Kind::Prediction],
            Shows::Prediction | Shows::Certainty => &[Kind::Mask, Kind::Prediction],
        };
        let (own, table) = document.wanted_labels(card);
        let labels: Vec<LabelId> = match view_state.shows() {
            Shows::Difference => Vec::new(),
            // The version's own ids, in the order of its classes.
            _ => {
                let there = self.predicted.of(predicted);
                let classes = card.labels.iter().zip(own.iter().skip(1));
                classes
                    .filter(|(label, own)| **own != 0 && there.contains_key(&label.id))
                    .map(|(_, &id)| id)
                    .collect()
            }
        };
        let caution = scene.is_demonstration();
        draw(ui, over, kinds, caution, (&labels, &table), &mut view_state.legend)
    }
}

/// A word with what stands before it.
struct Item {
    mark: Mark,
    words: String,
}

enum Mark {
    Kind(&'static Kind),
    Label(Color32),
    Caution,
    None,
}

fn draw(
    ui: &Ui,
    over: &mut Words,
    kinds: &'static [Kind],
    caution: bool,
    (labels, table): (&[LabelId], &LabelTable),
    shown: &mut bool,
) -> bool {
    let view = over.view();
    let of_kind = |kind| Item { mark: Mark::Kind(kind), words: words(kind).to_owned() };
    let of_label = |id: &LabelId| {
        let label = table.get(*id)?;
        let color = theme::label_color(label.color);
        Some(Item { mark: Mark::Label(color), words: as_painted(&label.name).to_string() })
    };
    let mut names: Vec<Item> = labels.iter().take(MOST).filter_map(of_label).collect();
    if labels.len() > MOST {
        names.push(Item { mark: Mark::None, words: format!("and {} more", labels.len() - MOST) });
    }
    let widest = (view.width() * 0.5).min(320.0);
    let mut lines = broken(ui, kinds.iter().map(of_kind).collect(), widest);
    lines.extend(broken(ui, names, widest));
    if caution {
        lines.push(vec![Item { mark: Mark::Caution, words: DEMONSTRATION[1].to_owned() }]);
    }
    let width = |line: &Vec<Item>| line.iter().map(|item| wide(ui, item)).sum::<f32>();
    let size = vec2(lines.iter().map(width).fold(0.0, f32::max) + 14.0, lines.len() as f32 * LINE + 12.0);
    let corner = pos2(view.left() + EDGE - 2.0, view.bottom() - ABOVE - size.y);
    // No room for it beside the picture's own words.
    let rect = Rect::from_min_size(corner, size);
    if size.y > view.height() * 0.4 || !over.take(rect) {
        return false;
    }
    // A drag, too: else the view below would hear the press.
    let response = ui.interact(rect, ui.scope_id().with("legend"), Sense::click_and_drag());
    let all: Vec<&str> = lines.iter().flatten().map(|item| item.words.as_str()).collect();
    let name = format!("Legend: {}. Click to put it away", all.join(", "));
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::same(7), canvas::SHADE);
    for (row, line) in lines.iter().enumerate() {
        let mut at = pos2(rect.left() + 10.0, rect.top() + 6.0 + (row as f32 + 0.5) * LINE);
        for item in line {
            paint(painter, at, item);
            at.x += wide(ui, item);
        }
    }
    let tip = "Click to put the legend away; the layers' menu brings it back";
    if response.on_hover_text(tip).clicked() {
        *shown = false;
        ui.ctx().request_repaint();
    }
    true
}

fn words(kind: &Kind) -> &'static str {
    match kind {
        Kind::Mask => "Mask",
        Kind::Prediction => "Prediction",
        Kind::OnlyPrediction => "Only the prediction",
        Kind::OnlyMask => "Only the mask",
        Kind::OtherLabel => "Another label",
        Kind::Both => "Both",
    }
}

/// In lines that are no wider than this.
fn broken(ui: &Ui, items: Vec<Item>, widest: f32) -> Vec<Vec<Item>> {
    let mut lines: Vec<Vec<Item>> = Vec::new();
    let mut used = f32::INFINITY;
    for item in items {
        let width = wide(ui, &item);
        if used + width > widest {
            lines.push(Vec::new());
            used = 0.0;
        }
        used += width;
        if let Some(line) = lines.last_mut() {
            line.push(item);
        }
    }
    lines
}

fn before_words(mark: &Mark) -> f32 {
    match mark {
        Mark::Kind(_) => 29.0,
        Mark::Label(_) => SWATCH + 6.0,
        Mark::Caution => 20.0,
        Mark::None => 0.0,
    }
}

/// With the space after it.
fn wide(ui: &Ui, item: &Item) -> f32 {
    let text = ui.painter().layout_no_wrap(item.words.clone(), theme::small(), canvas::TEXT);
    before_words(&item.mark) + text.size().x + 10.0
}

fn paint(painter: &Painter, at: Pos2, item: &Item) {
    match &item.mark {
        Mark::Kind(kind) => swatch(painter, Rect::from_min_size(at - vec2(0.0, 5.5), vec2(22.0, 11.0)), kind),
        Mark::Label(color) => {
            let square = Rect::from_min_size(at - vec2(0.0, SWATCH / 2.0), vec2(SWATCH, SWATCH));
            painter.rect_filled(square, 3.0, *color);
        }
        Mark::Caution => {
            let square = Rect::from_min_size(at - vec2(0.0, 7.0), vec2(14.0, 14.0));
            Icon::Warning.paint(painter, square, theme::of(true).warn);
        }
        Mark::None => {}
    }
    let color = if matches!(item.mark, Mark::Caution) { theme::of(true).warn } else { canvas::TEXT };
    let at = at + vec2(before_words(&item.mark), 0.0);
    painter.text(at, egui::Align2::LEFT_CENTER, &item.words, theme::small(), color);
}

/// As the kind is drawn over the image: a line for the mask, dashes and dots for a prediction, plain colours for a difference.
fn swatch(painter: &Painter, rect: Rect, kind: &Kind) {
    // A colour that labels have, and no side of a difference.
    let color = theme::label_color(LabelTable::palette_color(1));
    let filled = |color: Color32, share| painter.rect_filled(rect, 2.0, color.gamma_multiply(share));
    match kind {
        Kind::Mask => {
            filled(color, 0.4);
            painter.rect_stroke(rect, 2.0, Stroke::new(1.5, color), StrokeKind::Inside);
        }
        Kind::Prediction => {
            filled(color, 0.14);
            let mut x = rect.left() + 3.0;
            while x < rect.right() - 2.0 {
                for y in [rect.top() + 3.0, rect.bottom() - 4.0] {
                    painter.rect_filled(Rect::from_min_size(pos2(x, y), vec2(1.5, 1.5)), 0.0, color);
                }
                x += 5.0;
            }
            let corners =
                [rect.left_top(), rect.right_top(), rect.right_bottom(), rect.left_bottom(), rect.left_top()];
            painter.extend(Shape::dashed_line(&corners, Stroke::new(1.5, color), 4.0, 3.0));
        }
        Kind::OnlyPrediction => _ = filled(theme::label_color(Difference::ADDED), 0.85),
        Kind::OnlyMask => _ = filled(theme::label_color(Difference::REMOVED), 0.85),
        Kind::OtherLabel => _ = filled(theme::label_color(Difference::CHANGED), 0.85),
        // Stronger than over the image, where 16 % can be seen beside its greys.
        Kind::Both => _ = filled(Color32::WHITE, 0.3),
    }
}
