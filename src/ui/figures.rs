//! Numbers with their units, as the window writes them.

use crate::geom::{Grid, Unit};

/// Between thousands: "1 412".
const THIN_SPACE: char = '\u{2009}';

/// How much a label takes: millilitres, or mm² on an image of depth 1, or pixels where the spacing is unknown. `measure` is in the
/// unit of [`Document::label_volume`](crate::workspace::Document::label_volume).
pub fn measure(measure: f64, grid: &Grid) -> String {
    format!("{} {}", figure(measure, grid), unit(grid))
}

/// What [`figure`] is counted in.
pub fn unit(grid: &Grid) -> &'static str {
    match grid.unit() {
        Unit::Pixel => "px",
        Unit::Millimetre if grid.dims()[2] == 1 => "mm²",
        Unit::Millimetre => "ml",
    }
}

/// [`measure`] without its unit, for a column that names it above.
pub fn figure(measure: f64, grid: &Grid) -> String {
    let value = match unit(grid) {
        "px" => return grouped(measure),
        "ml" => measure / 1000.0,
        _ => measure,
    };
    // Two or three figures are as many as a mask is good for.
    match value {
        0.0 => "0".to_owned(),
        v if v < 0.005 => "< 0.01".to_owned(),
        v if v < 0.995 => format!("{v:.2}"),
        v if v < 9.95 => format!("{v:.1}"),
        v => grouped(v),
    }
}

/// A whole number with thin spaces between its thousands.
fn grouped(value: f64) -> String {
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
    fn a_measure_is_written_in_the_unit_of_its_image() {
        let spaced = |dims| Grid::spaced(dims, [0.5; 3]).unwrap();
        let volume = |measured| measure(measured, &spaced([9, 9, 9]));
        assert_eq!(volume(1_234_567.0), "1\u{2009}235 ml");
        assert_eq!(volume(12_340.0), "12 ml");
        assert_eq!(volume(5_440.0), "5.4 ml");
        assert_eq!(volume(540.0), "0.54 ml");
        assert_eq!(volume(4.0), "< 0.01 ml");
        assert_eq!(volume(0.0), "0 ml");
        assert_eq!(volume(9_960.0), "10 ml");
        assert_eq!(measure(5.4, &spaced([9, 9, 1])), "5.4 mm²");
        assert_eq!(measure(50_000.0, &Grid::pixels([9, 9, 9]).unwrap()), "50\u{2009}000 px");
    }

    #[test]
    fn figures_are_as_long_as_they_are_worth() {
        let grid = Grid::spaced([9, 9, 9], [1.0; 3]).unwrap();
        let written = |ml: f64| figure(ml * 1000.0, &grid);
        assert_eq!(written(1412.4), "1\u{2009}412");
        assert_eq!(written(1_234_567.0), "1\u{2009}234\u{2009}567");
        assert_eq!(
            [written(231.2), written(9.94), written(0.126), written(0.0)],
            ["231", "9.9", "0.13", "0"]
        );
        assert_eq!(figure(4321.0, &Grid::pixels([9, 9, 1]).unwrap()), "4\u{2009}321");
    }

    #[test]
    fn thousands_stand_apart_and_times_have_units() {
        assert_eq!([0.0, 999.6, 1_234_567.2].map(grouped), ["0", "1\u{2009}000", "1\u{2009}234\u{2009}567"]);
        let times = [0.001, 0.04, 9.9, 41.2, 170.3].map(seconds);
        assert_eq!(times, ["0.01 s", "0.04 s", "9.9 s", "41 s", "2 min 50 s"]);
    }
}
