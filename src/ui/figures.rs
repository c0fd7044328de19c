//! Numbers with their units, as the window writes them.

use crate::geom::{Grid, Unit};

/// Between thousands: "1 412".
const THIN_SPACE: char = '\u{2009}';

/// A unit, and how measures are written in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    unit: &'static str,
    /// In mm² or mm³, or in pixels.
    one: f64,
    /// The unit of what is at least so large.
    from: f64,
}

const PIXELS: [Scale; 1] = [Scale { unit: "px", one: 1.0, from: 0.0 }];
const AREAS: [Scale; 3] = [
    Scale { unit: "mm²", one: 1.0, from: 0.01 },
    Scale { unit: "µm²", one: 1e-6, from: 0.0 },
    Scale { unit: "cm²", one: 100.0, from: 1000.0 },
];
const VOLUMES: [Scale; 2] =
    [Scale { unit: "ml", one: 1000.0, from: 1000.0 }, Scale { unit: "µl", one: 1.0, from: 0.0 }];

impl Scale {
    /// Of what a label takes in an image: an area where its depth is 1, else a volume, or pixels where the spacing is unknown.
    /// `largest` of what is written beside each other, in the unit of
    /// [`Document::label_volume`](crate::workspace::Document::label_volume).
    pub fn of_label(grid: &Grid, largest: f64) -> Self {
        match (grid.unit(), grid.dims()[2]) {
            (Unit::Millimetre, 1) | (Unit::Pixel, _) => Self::of_area(grid, largest),
            (Unit::Millimetre, _) => Self::fitting(&VOLUMES, largest),
        }
    }

    /// Of areas in one slice. `largest`: in mm², or in pixels where the spacing is unknown.
    pub fn of_area(grid: &Grid, largest: f64) -> Self {
        match grid.unit() {
            Unit::Pixel => PIXELS[0],
            Unit::Millimetre => Self::fitting(&AREAS, largest),
        }
    }

    /// The first of them is that of nothing.
    fn fitting(scales: &[Scale], largest: f64) -> Self {
        let fits = scales.iter().filter(|scale| largest > 0.0 && largest >= scale.from);
        *fits.max_by(|a, b| a.from.total_cmp(&b.from)).unwrap_or(&scales[0])
    }

    pub fn unit(self) -> &'static str {
        self.unit
    }

    /// Without its unit, for a column that names it above.
    pub fn figure(self, measure: f64) -> String {
        match self {
            scale if scale == PIXELS[0] => grouped(measure),
            scale => three_figures(measure / scale.one),
        }
    }

    pub fn written(self, measure: f64) -> String {
        format!("{} {}", self.figure(measure), self.unit)
    }
}

/// How much a label takes, in the unit that suits it. `measure` is in the unit of
/// [`Document::label_volume`](crate::workspace::Document::label_volume).
pub fn measure(measure: f64, grid: &Grid) -> String {
    Scale::of_label(grid, measure).written(measure)
}

/// "5.44", "12.3", "1 412": three figures are as many as a mask is good for.
fn three_figures(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if value < 0.0005 {
        return "< 0.001".to_owned();
    }
    let decimals = |value: f64| (2.0 - value.log10().floor()).clamp(0.0, 3.0) as usize;
    // Rounding may need one decimal less: 9.996 is 10.0.
    let rounded: f64 = format!("{value:.*}", decimals(value)).parse().unwrap_or(value);
    match decimals(rounded) {
        0 => grouped(value),
        decimals => format!("{value:.decimals$}"),
    }
}

/// A whole number with thin spaces between its thousands.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut written = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            written.push(THIN_SPACE);
        }
        written.push(digit);
    }
    written
}

/// A time that was measured: "0.02 s", "0.3 s", "12 s", "2 min 50 s". What is only expected is said by
/// [`words::duration`](crate::words::duration).
pub fn seconds(time: f64) -> String {
    match time {
        t if t < 0.095 => format!("{:.2} s", t.max(0.01)),
        t if t < 9.95 => format!("{t:.1} s"),
        t if t < 59.5 => format!("{t:.0} s"),
        t => {
            let whole = t.round() as u64;
            format!("{} min {} s", whole / 60, whole % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_written_in_the_unit_of_its_image_and_of_its_size() {
        let spaced = |dims| Grid::spaced(dims, [0.5; 3]).unwrap();
        let volume = |measured| measure(measured, &spaced([9, 9, 9]));
        assert_eq!(volume(1_234_567.0), "1\u{2009}235 ml");
        assert_eq!(volume(12_340.0), "12.3 ml");
        assert_eq!(volume(5_440.0), "5.44 ml");
        assert_eq!(volume(540.0), "540 µl");
        assert_eq!(volume(4.0), "4.00 µl");
        assert_eq!(volume(0.0), "0 ml");
        assert_eq!(volume(9_996.0), "10.0 ml");
        let area = |measured| measure(measured, &spaced([9, 9, 1]));
        assert_eq!([area(5.4), area(0.0041), area(15_230.0)], ["5.40 mm²", "4\u{2009}100 µm²", "152 cm²"]);
        assert_eq!(measure(50_000.0, &Grid::pixels([9, 9, 9]).unwrap()), "50\u{2009}000 px");
    }

    #[test]
    fn what_stands_in_a_column_has_the_unit_of_the_largest() {
        let grid = Grid::spaced([9, 9, 9], [1.0; 3]).unwrap();
        let scale = Scale::of_label(&grid, 231_200.0);
        assert_eq!(scale.unit(), "ml");
        let written = [231_200.0, 126.0, 0.2, 0.0].map(|measure| scale.figure(measure));
        assert_eq!(written, ["231", "0.126", "< 0.001", "0"]);
        // In one slice: half a square millimetre of an eye, a liver.
        assert_eq!(Scale::of_area(&grid, 0.5).written(0.5), "0.500 mm²");
        assert_eq!(Scale::of_area(&grid, 12_345.0).written(12_345.0), "123 cm²");
        let pixels = Grid::pixels([9, 9, 1]).unwrap();
        assert_eq!(Scale::of_area(&pixels, 4321.0).figure(4321.0), "4\u{2009}321");
    }

    #[test]
    fn thousands_stand_apart_and_times_have_units() {
        assert_eq!([0.0, 999.6, 1_234_567.2].map(grouped), ["0", "1\u{2009}000", "1\u{2009}234\u{2009}567"]);
        let times = [0.001, 0.04, 9.9, 41.2, 170.3].map(seconds);
        assert_eq!(times, ["0.01 s", "0.04 s", "9.9 s", "41 s", "2 min 50 s"]);
    }
}
