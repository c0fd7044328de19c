//! Curves of training runs.

use crate::ui::theme::{self, curve};
use crate::ui::widgets::legend;
use crate::workspace::{Curves, Training};
use egui::{Align2, Color32, Response, RichText, Role, Ui, WidgetInfo};
use egui_plot::{Line, Plot, PlotPoints, Points, Text};

/// One line of a plot: its name, its points, its colour.
pub type Curve<'a> = (&'a str, &'a [[f64; 2]], Color32);

/// Height of the plot of one run, in points.
const HEIGHT: f32 = 170.0;

/// The Dice and the loss of one run over its steps, and where it was best.
pub fn run(ui: &mut Ui, training: &Training) {
    let Curves { loss, valid_dice } = training.curves();
    // A loss above 1 is drawn as a share of its highest value, so that the Dice keeps its room.
    let mut loss = thinned(loss);
    let highest = loss.iter().map(|point| point[1]).filter(|loss| loss.is_finite()).fold(1.0, f64::max);
    loss.iter_mut().for_each(|point| point[1] /= highest);
    let of_loss = if highest > 1.0 { format!("Loss, of at most {highest:.1}") } else { "Loss".to_owned() };
    legend(ui, &[(curve::DICE, "Dice on what is kept out"), (curve::LOSS, &of_loss)]);
    let total = training.steps()[1] as f64;
    let shown = plot("run", HEIGHT).include_y(1.0).include_x(total).show_x(false).show(ui, |plot| {
        plot.line(Line::new("Loss", PlotPoints::from(loss)).color(curve::LOSS).width(1.5));
        let points = PlotPoints::from(valid_dice.clone());
        plot.line(Line::new("Dice", points).color(curve::DICE).width(2.0));
        if let Some((dice, step)) = training.best() {
            let at = [step as f64, dice];
            let best = Points::new("Best", vec![at]).radius(4.0).filled(false).color(curve::DICE);
            plot.points(best);
            let words = RichText::new(format!("best {dice:.2}")).font(theme::small());
            let side = if at[0] > total / 2.0 { Align2::RIGHT_TOP } else { Align2::LEFT_TOP };
            plot.text(Text::new("Best", at.into(), words).anchor(side));
        }
    });
    called(&shown.response, "Dice and loss over the steps");
}

/// Curves over the steps, from 0; a share up to 1.
pub fn lines(ui: &mut Ui, name: &str, height: f32, curves: &[Curve], is_share: bool) {
    let mut plot = plot(name, height);
    if is_share {
        plot = plot.include_y(1.0);
    }
    let shown = plot.show(ui, |plot| {
        for (name, points, color) in curves {
            plot.line(Line::new(*name, PlotPoints::from(thinned(points))).color(*color).width(1.5));
        }
    });
    called(&shown.response, name);
}

/// A plot's name for screen readers.
fn called(plot: &Response, name: &str) {
    plot.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
}

fn plot(name: &str, height: f32) -> Plot<'_> {
    Plot::new(name)
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
        .include_y(0.0)
}

/// A panel shows a few hundred points; more would only cost time.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    const MOST: usize = 300;
    let chunk = points.len().div_ceil(MOST).max(1);
    let mean = |c: &[[f64; 2]]| [c[c.len() - 1][0], c.iter().map(|p| p[1]).sum::<f64>() / c.len() as f64];
    points.chunks(chunk).map(mean).collect()
}
