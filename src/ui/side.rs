//! The panel at the right: tabs at the top, what is in front below them, and a footer that is never scrolled away.

use super::arrangement::Arrangement;
use super::context::{Panel, PanelContext};
use super::parts::Part;
use super::theme::{self, size};
use egui::{
    Align, Area, CornerRadius, Frame, Id, LayerId, Layout, Margin, Order, Rect, ScrollArea, Sense, Stroke,
    Ui, UiBuilder, vec2,
};

/// In a window that is narrower than this the panel lies over the views, and is closed at first. In points.
const DRAWER: f32 = 860.0;
/// Takes a panel's whole place, to be filled later.
pub fn whole(ui: &mut Ui) -> Rect {
    let rect = ui.max_rect();
    ui.advance_cursor_after_rect(rect);
    rect
}

pub struct Side {
    panels: Vec<Box<dyn Panel>>,
    /// By arrangement, the panel that was in front there last.
    front: [Option<&'static str>; 4],
    /// By arrangement, how wide a person has made it beside the views, in points.
    widths: [Option<f32>; 4],
    shown: bool,
    /// As a drawer, in a narrow window.
    drawn: bool,
    /// The panel that takes the first one's place while something lasts, and whether it is in front.
    instead: Option<(&'static str, bool)>,
}

impl Side {
    pub fn new(panels: Vec<Box<dyn Panel>>) -> Self {
        Self {
            panels,
            front: [None, Some("prediction"), None, None],
            widths: [None; 4],
            shown: true,
            drawn: false,
            instead: None,
        }
    }

    /// As the window was when it was closed last.
    pub fn restore(&mut self, front: &[Option<String>; 4], widths: [Option<f32>; 4], shown: bool) {
        for (arrangement, id) in Arrangement::ALL.into_iter().zip(front) {
            let known = |name: &String| arrangement.panels().iter().copied().find(|panel| panel == name);
            if let Some(id) = id.as_ref().and_then(known) {
                self.front[arrangement as usize] = Some(id);
            }
        }
        self.widths = widths.map(|width| width.filter(|width| width.is_finite()));
        self.shown = shown;
    }

    /// By arrangement, the panel that is in front.
    pub fn remembered(&self) -> [Option<&'static str>; 4] {
        self.front
    }

    /// By arrangement, how wide a person has made it, in points.
    pub fn widths(&self) -> [Option<f32>; 4] {
        self.widths
    }

    pub fn is_drawer(window: f32) -> bool {
        window < DRAWER
    }

    pub fn is_shown(&self, window: f32) -> bool {
        if Self::is_drawer(window) { self.drawn } else { self.shown }
    }

    pub fn toggle(&mut self, window: f32) {
        let shown = if Self::is_drawer(window) { &mut self.drawn } else { &mut self.shown };
        *shown = !*shown;
    }

    /// The panel that takes the first one's place as long as something lasts: two are compared, an effect is set up. It comes to
    /// the front when that begins, and goes when it ends.
    pub fn put_first(&mut self, panel: Option<&'static str>) {
        let before = self.instead;
        self.instead = panel.map(|id| before.filter(|(old, _)| *old == id).unwrap_or((id, true)));
    }

    /// The panels of an arrangement, in the order of the tabs.
    fn tabs_of(&self, arrangement: Arrangement) -> Vec<&'static str> {
        let panels = arrangement.panels();
        match (self.instead, panels) {
            (None, _) => panels.to_vec(),
            // What is alone stays within reach.
            (Some((id, _)), [alone]) => vec![id, alone],
            (Some((id, _)), _) => [id].into_iter().chain(panels.iter().skip(1).copied()).collect(),
        }
    }

    pub fn bring_to_front(&mut self, arrangement: Arrangement, id: &str) {
        self.choose_instead(id);
        if let Some(id) = arrangement.panels().iter().find(|panel| **panel == id) {
            self.front[arrangement as usize] = Some(id);
            self.open();
        }
    }

    fn choose_instead(&mut self, chosen: &str) {
        self.instead = self.instead.map(|(id, _)| (id, id == chosen));
    }

    /// Shows the panel, in its drawer where the window is narrow.
    pub fn open(&mut self) {
        (self.shown, self.drawn) = (true, true);
    }

    /// The panel that is in front.
    pub fn front(&self, arrangement: Arrangement) -> &'static str {
        let panels = arrangement.panels();
        let front = self.front[arrangement as usize].unwrap_or(panels[0]);
        match self.instead {
            Some((id, true)) => id,
            Some((id, false)) if panels.len() > 1 && front == panels[0] => id,
            _ => front,
        }
    }

    /// The place beside the views, which [`Side::show`] fills when the views are there: Tab comes to it after them. `window`: its
    /// width in points.
    pub fn take_place(&mut self, ui: &mut Ui, arrangement: Arrangement, window: f32, frame: Frame) -> Rect {
        let [least, first, most] = arrangement.panel_width(window);
        let width = &mut self.widths[arrangement as usize];
        let place = egui::Panel::right(Id::unique(("panels", arrangement.title(), first as u32)))
            .resizable(true)
            .default_size(width.unwrap_or(first).clamp(least, most))
            .size_range(least..=most)
            .frame(frame)
            .show(ui, whole);
        let (wide, place) = (place.response.rect.width(), place.inner);
        // What a person has made of it; what the window's size asks for is none of that.
        if (wide - first).abs() >= 2.0 || width.is_some() {
            *width = Some(wide);
        }
        place
    }

    /// Beside the views.
    pub fn show(&mut self, ui: &mut Ui, place: Rect, arrangement: Arrangement, context: &mut PanelContext) {
        let builder = UiBuilder::new().max_rect(place).id_salt(arrangement.title());
        ui.scope_builder(builder, |ui| self.content(ui, arrangement, context));
    }

    /// Over the views, at their right; where it is.
    pub fn show_drawer(
        &mut self,
        ui: &mut Ui,
        arrangement: Arrangement,
        views: Rect,
        frame: Frame,
        context: &mut PanelContext,
    ) -> Rect {
        let width = arrangement.panel_width(0.0)[1].min(views.width());
        let place = views.with_min_x(views.right() - width);
        let layer = Self::drawer();
        Area::new(layer.id).order(layer.order).fixed_pos(place.min).show(ui.ctx(), |ui| {
            ui.set_max_size(place.size());
            frame.show(ui, |ui| {
                ui.set_min_size(place.size());
                self.content(ui, arrangement, context);
            });
        });
        place
    }

    /// The layer of the panel in a narrow window.
    pub fn drawer() -> LayerId {
        LayerId::new(Order::Middle, Id::unique("drawer"))
    }

    fn content(&mut self, ui: &mut Ui, arrangement: Arrangement, context: &mut PanelContext) {
        Part::Panel.begin(ui);
        // The other tab is shown in the next frame, so that a text field of this panel can end first.
        let id = self.front(arrangement);
        if self.tabs_of(arrangement).len() > 1 {
            self.tabs(ui, arrangement);
        }
        let Some(panel) = self.panels.iter_mut().find(|panel| panel.id() == id) else { return };
        if panel.has_header() {
            let place = ui.available_rect_before_wrap();
            let place = place.with_max_y(place.top() + size::TABS);
            ui.painter().hline(place.x_range(), place.bottom(), Stroke::new(1.0, theme::palette(ui).line));
            let row = UiBuilder::new().max_rect(place.shrink2(vec2(8.0, 0.0))).id_salt("header");
            let mut header = ui.new_child(row.layout(Layout::left_to_right(Align::Center)));
            panel.header(&mut header, context);
            ui.advance_cursor_after_rect(place);
        }
        let rest = ui.available_rect_before_wrap();
        let footer = if panel.has_footer(context) { size::FOOTER } else { 0.0 };
        let body = rest.with_max_y(rest.bottom() - footer);
        let mut body_ui =
            ui.new_child(UiBuilder::new().max_rect(body).layout(Layout::top_down(Align::Min)).id_salt(id));
        body_ui.set_clip_rect(body.intersect(ui.clip_rect()));
        ScrollArea::vertical().id_salt(id).auto_shrink(false).show(&mut body_ui, |ui| {
            Frame::new().inner_margin(Margin::symmetric(16, 14)).show(ui, |ui| panel.ui(ui, context));
        });
        if footer > 0.0 {
            let place = rest.with_min_y(body.bottom());
            let line = Rect::from_min_size(place.min, vec2(place.width(), 1.0));
            ui.painter().rect_filled(line, 0.0, theme::palette(ui).line);
            let inner = place.shrink2(vec2(16.0, 0.0));
            let builder = UiBuilder::new()
                .max_rect(inner)
                .layout(Layout::left_to_right(Align::Center))
                .id_salt("footer");
            let mut footer = ui.new_child(builder);
            Part::Footer.begin(&footer);
            panel.footer(&mut footer, context);
        }
        ui.advance_cursor_after_rect(rest);
    }

    fn tabs(&mut self, ui: &mut Ui, arrangement: Arrangement) {
        let p = theme::palette(ui);
        let at_front = self.front(arrangement);
        let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), size::TABS), Sense::hover());
        ui.painter().rect_filled(bar.with_min_y(bar.bottom() - 1.0), 0.0, p.line);
        let mut left = bar.left() + 8.0;
        for id in self.tabs_of(arrangement) {
            let Some(panel) = self.panels.iter().find(|panel| panel.id() == id) else { continue };
            let front = id == at_front;
            let title = panel.title();
            let color = if front { p.text } else { p.weak };
            let text = ui.painter().layout_no_wrap(title.to_owned(), theme::medium(), color);
            let tab =
                Rect::from_min_size(egui::pos2(left, bar.top()), vec2(text.size().x + 16.0, size::TABS));
            left = tab.right() + 2.0;
            let response = ui.interact(tab, ui.scope_id().with(("tab", id)), Sense::click());
            response.widget_info(|| {
                egui::WidgetInfo::selected(egui::Role::Tab, true, front, format!("{title} panel"))
            });
            if response.hovered() && !front {
                let ground = tab.shrink2(vec2(0.0, 6.0));
                ui.painter().rect_filled(ground, CornerRadius::same(size::RADIUS), p.raised);
            }
            ui.painter().galley(tab.center() - text.size() / 2.0, text, color);
            if front {
                let from = tab.left_bottom() + vec2(8.0, -1.0);
                let to = tab.right_bottom() + vec2(-8.0, -1.0);
                ui.painter().line_segment([from, to], Stroke::new(2.0, p.accent));
            }
            if response.clicked() {
                self.choose_instead(id);
                if self.instead.is_none_or(|(instead, _)| instead != id) {
                    self.front[arrangement as usize] = Some(id);
                }
                ui.ctx().request_repaint();
            }
        }
    }
}
