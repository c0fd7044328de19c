//! Curves of training runs.

use crate::ui::theme::{self, curve};
use crate::ui::widgets::field;
use crate::workspace::Curves;
use egui::{Color32, RichText, Ui};
use egui_plot::{Line, Plot, PlotPoints};

/// One line of a plot: its name, its points, its colour.
pub type Curve<'a> = (&'a str, &'a [[f64; 2]], Color32);

/// The loss and the Dice of one run.
pub fn curves(ui: &mut Ui, curves: &Curves) {
    let one = |ui: &mut Ui, name: &str, points: &[[f64; 2]], color, is_share: bool| {
        let last = points.last().map_or(String::new(), |[_, v]| format!("{v:.3}"));
        field(ui, name, |ui| ui.label(RichText::new(last).font(theme::figures())));
        lines(ui, name, 76.0, &[(name, points, color)], is_share);
    };
    one(ui, "Loss", &curves.loss, curve::LOSS, false);
    if !curves.valid_dice.is_empty() {
        one(ui, "Dice on slices kept out", &curves.valid_dice, curve::DICE, true);
    }
}

/// Curves over the steps, from 0; a share up to 1.
pub fn lines(ui: &mut Ui, name: &str, height: f32, curves: &[Curve], is_share: bool) {
    let mut plot = Plot::new(name)
        .height(height)
        .show_axes([false, true])
        .show_x(false)
        .y_axis_min_width(26.0)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_grid([false, true])
        .set_margin_fraction(egui::vec2(0.01, 0.08))
        .include_y(0.0);
    if is_share {
        plot = plot.include_y(1.0);
    }
    plot.show(ui, |plot| {
        for (name, points, color) in curves {
            plot.line(Line::new(*name, PlotPoints::from(thinned(points))).color(*color).width(1.5));
        }
    });
}

/// A panel shows a few hundred points; more would only cost time.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    const MOST: usize = 300;
    let chunk = points.len().div_ceil(MOST).max(1);
    let mean = |c: &[[f64; 2]]| [c[c.len() - 1][0], c.iter().map(|p| p[1]).sum::<f64>() / c.len() as f64];
    points.chunks(chunk).map(mean).collect()
}
