use crate::tools;
use crate::ui::theme::{self, size};
use crate::words;
use egui::{CornerRadius, Response, Role, Stroke, StrokeKind, Ui, WidgetInfo, emath::Numeric, vec2};
use std::cell::RefCell;

/// How long a field says why it did not take what was written, in seconds.
const SAID: f64 = 6.0;

/// A field for a number with its unit. What is written counts when the field ends, so that Escape leaves the number as it was. What is
/// no number leaves it, too, and the field says why.
pub struct NumberField<'a, N> {
    value: &'a mut N,
    name: &'a str,
    range: [f64; 2],
    whole: bool,
    unit: &'a str,
    decimals: Option<usize>,
    speed: f64,
    written: Option<fn(f64) -> String>,
    width: Option<f32>,
}

impl<'a, N: Numeric> NumberField<'a, N> {
    /// `name`: what it is called by screen readers.
    pub fn new(value: &'a mut N, name: &'a str) -> Self {
        let range = [f64::NEG_INFINITY, f64::INFINITY];
        let (decimals, written, width) = (None, None, None);
        Self { value, name, range, whole: false, unit: "", decimals, speed: 1.0, written, width }
    }

    /// The least and the greatest number.
    pub fn range(mut self, least: f64, greatest: f64) -> Self {
        self.range = [least, greatest];
        self
    }

    /// Only whole numbers.
    pub fn whole(self) -> Self {
        Self { whole: true, ..self.decimals(0) }
    }

    /// Behind the number; it may be written with it.
    pub fn unit(mut self, unit: &'a str) -> Self {
        self.unit = unit;
        self
    }

    /// So many are shown at most.
    pub fn decimals(mut self, most: usize) -> Self {
        self.decimals = Some(most);
        self
    }

    /// How much a drag by one point changes it.
    pub fn speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// How the number is shown.
    pub fn written(mut self, written: fn(f64) -> String) -> Self {
        self.written = Some(written);
        self
    }

    /// In points, whatever is written in it.
    pub fn width(mut self, width: f32) -> Self {
        self.width = Some(width);
        self
    }

    pub fn show(self, ui: &mut Ui) -> Response {
        let Self { value, name, range, whole, unit, decimals, speed, written, width } = self;
        let refused = RefCell::new(None);
        let parse = |text: &str| {
            let (number, why) = read(text, range, whole, unit);
            *refused.borrow_mut() = why;
            number
        };
        let mut field = tools::number(value).speed(speed).range(range[0]..=range[1]).custom_parser(parse);
        if !unit.is_empty() {
            field = field.suffix(format!(" {unit}"));
        }
        if let Some(decimals) = decimals {
            field = field.max_decimals(decimals);
        }
        if let Some(written) = written {
            field = field.custom_formatter(move |number, _| written(number));
        }
        let response = match width {
            Some(width) => ui.add_sized(vec2(width, size::BUTTON), field.clip_text(true)),
            None => ui.add(field),
        };
        response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, ui.is_enabled(), name));
        say_why(ui, &response, refused.into_inner());
        response
    }
}

/// Below the field, for a while, or until it is used again.
fn say_why(ui: &Ui, response: &Response, refused: Option<String>) {
    let (id, now) = (response.id.with("refused"), ui.input(|i| i.time));
    if let Some(why) = refused {
        ui.data_mut(|data| data.insert_temp(id, (why, now)));
    } else if response.has_focus() || response.changed() {
        ui.data_mut(|data| data.remove_temp::<(String, f64)>(id));
    }
    let said: Option<(String, f64)> = ui.data(|data| data.get_temp(id));
    let Some((why, since)) = said.filter(|(_, since)| now - since < SAID) else { return };
    let edge = Stroke::new(1.5, theme::palette(ui).warn);
    ui.painter().rect_stroke(response.rect, CornerRadius::same(size::RADIUS), edge, StrokeKind::Inside);
    response.show_tooltip_text(why);
    ui.ctx().request_repaint_after_secs((SAID - (now - since)) as f32 + 0.05);
}

/// What is written, where it is a number, within the range; and why it is not taken as it is written.
fn read(text: &str, [least, greatest]: [f64; 2], whole: bool, unit: &str) -> (Option<f64>, Option<String>) {
    let text = text.trim();
    let bare = text.strip_suffix(unit).unwrap_or(text);
    let of_unit = |number: f64| format!("{number} {unit}").trim_end().to_owned();
    match words::number(bare) {
        None => (None, Some(format!("“{text}” is no number"))),
        Some(number) if number < least => (Some(least), Some(format!("{} is the least", of_unit(least)))),
        Some(number) if number > greatest => {
            (Some(greatest), Some(format!("{} is the most", of_unit(greatest))))
        }
        Some(number) if whole && number.fract() != 0.0 => (None, Some("Only a whole number".to_owned())),
        Some(number) => (Some(number), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_not_taken_and_why_is_said() {
        let of = |text| read(text, [0.0, 100.0], false, "mm");
        assert_eq!(of("2,5"), (Some(2.5), None));
        assert_eq!(of("2.5 mm"), (Some(2.5), None));
        for text in ["nan", "inf", "abc", "", "1,2,3"] {
            let (number, why) = of(text);
            assert!(number.is_none() && why.is_some_and(|why| why.contains("no number")), "{text}");
        }
        assert_eq!(of("500"), (Some(100.0), Some("100 mm is the most".to_owned())));
        assert_eq!(of("-1"), (Some(0.0), Some("0 mm is the least".to_owned())));
        assert_eq!(read("2,5", [1.0, 9.0], true, "").0, None);
        assert_eq!(read("2", [1.0, 9.0], true, ""), (Some(2.0), None));
    }
}
