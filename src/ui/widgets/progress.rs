use crate::ui::theme;
use egui::{CornerRadius, Rect, Response, Role, Sense, Ui, Vec2, WidgetInfo};

/// A thin bar. Without a share, a piece of it moves each time it is drawn. It asks for no frames, which would cost time
/// while one waits.
pub fn progress_bar(ui: &mut Ui, share: Option<f32>, name: &str) -> Response {
    progress(ui, 4.0, share, name)
}

/// The same of another height, in points.
pub fn progress(ui: &mut Ui, height: f32, share: Option<f32>, name: &str) -> Response {
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, name));
    let p = theme::palette(ui);
    let round = CornerRadius::same((height / 2.0) as u8);
    ui.painter().rect_filled(rect, round, p.active);
    let (from, to) = match share {
        Some(share) => (0.0, share.clamp(0.0, 1.0)),
        None => {
            let at = (ui.input(|i| i.time) * 0.6).fract() as f32;
            ((at * 1.3 - 0.3).max(0.0), (at * 1.3).min(1.0))
        }
    };
    let x = |t: f32| rect.left() + rect.width() * t;
    if to > from {
        let bar = Rect::from_x_y_ranges(x(from)..=x(to), rect.y_range());
        ui.painter().rect_filled(bar, round, p.accent);
    }
    response
}
