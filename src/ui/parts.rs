//! The parts of the window that F6 goes through, in the order in which Tab goes through what is in them.

use super::theme::{self, size};
use egui::{
    Context, CornerRadius, Id, LayerId, Order, Popup, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Top,
    Tools,
    Options,
    Views,
    Panel,
    Footer,
    Status,
}

impl Part {
    const ALL: [Part; 7] =
        [Part::Top, Part::Tools, Part::Options, Part::Views, Part::Panel, Part::Footer, Part::Status];

    fn title(self) -> &'static str {
        match self {
            Part::Top => "Bar at the top",
            Part::Tools => "Tools",
            Part::Options => "Options of the tool and of the view",
            Part::Views => "Views of the image",
            Part::Panel => "Panel",
            Part::Footer => "Lower end of the panel",
            Part::Status => "Status",
        }
    }

    fn id(self) -> Id {
        Id::unique(("part of the window", self as usize))
    }

    /// Where a part begins, before anything in it: the keyboard can come to it, and the next Tab goes to what is first in it.
    pub fn begin(self, ui: &Ui) {
        let rect = ui.max_rect();
        let response = ui.interact(rect, self.id(), Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Group, true, self.title()));
        if response.has_focus() {
            let stroke = Stroke::new(2.0, theme::palette(ui).accent);
            let round = CornerRadius::same(size::RADIUS);
            let layer = LayerId::new(Order::Foreground, Id::unique("part with the keyboard"));
            let above = ui.ctx().layer_painter(layer);
            above.rect_stroke(rect.shrink(1.0), round, stroke, StrokeKind::Inside);
        }
    }
}

/// Draws a ring around the widget that the keyboard has come to, after all else is drawn. `sheet`: one stands over the window, through
/// which Tab always goes, as arrows go through an open menu. A field that is written in shows by itself that it has the keyboard.
pub fn show_focus(ctx: &Context, sheet: bool) {
    let Some(focused) = ctx.memory(|memory| memory.focused()) else { return };
    let is_part = Part::ALL.iter().any(|part| part.id() == focused);
    let goes = sheet || is_walking(ctx) || Popup::is_any_open(ctx);
    if is_part || ctx.text_edit_focused() || !goes {
        return;
    }
    let Some(response) = ctx.read_response(focused) else { return };
    let palette = theme::of(ctx.theme() == egui::Theme::Dark);
    // No further than what is to be seen of it.
    let painter =
        ctx.layer_painter(response.layer_id).with_clip_rect(response.interact_rect.expand(RING + 1.0));
    let round = CornerRadius::same(size::RADIUS + 1);
    painter.rect_stroke(
        response.rect.expand(1.0),
        round,
        Stroke::new(RING, palette.accent),
        StrokeKind::Outside,
    );
}

/// How thick the ring is, in points.
const RING: f32 = 2.0;

/// The keyboard goes so many parts further, from where it is; from the views where it is nowhere.
pub fn go(ctx: &Context, by: i64) {
    let shown: Vec<_> =
        Part::ALL.iter().filter_map(|part| Some((*part, ctx.read_response(part.id())?.rect))).collect();
    if shown.is_empty() {
        return;
    }
    let focused = ctx.memory(|memory| memory.focused()).and_then(|id| ctx.read_response(id));
    let at = focused.and_then(|focused| {
        let own = shown.iter().position(|(part, _)| part.id() == focused.id);
        own.or_else(|| shown.iter().position(|(_, rect)| rect.contains(focused.rect.center())))
    });
    let views = || shown.iter().position(|(part, _)| *part == Part::Views);
    let at = at.or_else(views).unwrap_or(0) as i64;
    let next = (at + by).rem_euclid(shown.len() as i64) as usize;
    ctx.memory_mut(|memory| memory.request_focus(shown[next].0.id()));
}

/// Whether the keyboard is at a widget outside the views, to which it was brought by F6 or Tab: Tab, Enter, Space and the arrows are
/// that widget's then.
pub fn is_walking(ctx: &Context) -> bool {
    let focused = ctx.memory(|memory| memory.focused());
    focused.is_some_and(|id| id != Part::Views.id())
        && ctx.data(|data| data.get_temp(walking())) == Some(true)
}

/// The keyboard was brought somewhere, or the pointer is used again.
pub fn set_walking(ctx: &Context, on: bool) {
    ctx.data_mut(|data| data.insert_temp(walking(), on));
}

fn walking() -> Id {
    Id::unique("the keyboard goes through widgets")
}
