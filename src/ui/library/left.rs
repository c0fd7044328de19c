//! The left column of the model library: kind of image, what a model finds, how long it takes.

use super::entries::Entry;
use super::filter::{Filter, LIMITS, found};
use super::speed::Speed;
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::widgets::{Icon, row_ground};
use crate::volume::Modality;
use egui::{
    Align2, CornerRadius, Rect, RichText, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo,
    pos2, vec2,
};

const ROW: f32 = 28.0;
/// Structures that are offered.
const MOST: usize = 8;

pub fn show(ui: &mut Ui, filter: &mut Filter, all: &[Entry], rows: &[&Entry], speed: &Speed) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for modality in Modality::ALL {
            let own = Filter { modality: Some(modality), finds: Default::default(), ..filter.clone() };
            let chosen = filter.modality == Some(modality);
            if row(ui, modality.title(), own.of(all).len(), chosen, false) {
                filter.modality = (!chosen).then_some(modality);
            }
        }
        let names = found(rows);
        if !names.is_empty() {
            head(ui, "Finds");
        }
        for (name, count) in names.into_iter().take(MOST) {
            let chosen = filter.finds.contains(&name);
            if row(ui, &name, count, chosen, true) {
                match chosen {
                    true => _ = filter.finds.remove(&name),
                    false => _ = filter.finds.insert(name),
                }
            }
        }
        head(ui, &format!("Time on {}", speed.whose()));
        for limit in LIMITS {
            let count = Filter { under: Some(limit), ..filter.clone() }.of(all).len();
            let chosen = filter.under == Some(limit);
            let words = format!("under {limit} s{}", speed.each());
            if row(ui, &words, count, chosen, true) {
                filter.under = (!chosen).then_some(limit);
            }
        }
    });
}

fn head(ui: &mut Ui, words: &str) {
    ui.add_space(16.0);
    let words = RichText::new(words).font(theme::small_title()).color(theme::palette(ui).weak);
    ui.horizontal(|ui| {
        ui.add_space(8.0);
        ui.label(words);
    });
    ui.add_space(4.0);
}

/// What can be looked for, and how many rows there would be; true where it was clicked. `ticked`: with a box.
fn row(ui: &mut Ui, name: &str, count: usize, chosen: bool, ticked: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let role = if ticked { Role::CheckBox } else { Role::RadioButton };
    response.widget_info(|| WidgetInfo::selected(role, true, chosen, name));
    let p = theme::palette(ui);
    row_ground(ui, &response, chosen && !ticked);
    let middle = rect.center().y;
    let mut left = rect.left() + 8.0;
    if ticked {
        let square = Rect::from_center_size(pos2(left + 7.5, middle), Vec2::splat(15.0));
        let (ground, edge) = if chosen { (p.accent_ground, p.accent) } else { (p.raised, p.active) };
        let stroke = Stroke::new(1.0, edge);
        ui.painter().rect(square, CornerRadius::same(4), ground, stroke, StrokeKind::Inside);
        if chosen {
            Icon::Check.paint(ui.painter(), square.shrink(2.0), p.accent);
        }
        left = square.right() + 8.0;
    }
    let at = pos2(rect.right() - 8.0, middle);
    let count = ui.painter().text(at, Align2::RIGHT_CENTER, count, theme::figures(), p.weak);
    let clip = rect.with_max_x(count.left() - 6.0).intersect(ui.clip_rect());
    let color = if chosen { p.text } else { p.weak };
    let name = as_painted(name);
    ui.painter().with_clip_rect(clip).text(
        pos2(left, middle),
        Align2::LEFT_CENTER,
        name,
        theme::body(),
        color,
    );
    response.clicked()
}
