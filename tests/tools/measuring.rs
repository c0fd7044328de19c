//! Tools that measure: gestures become measurements, and draw nothing.

use super::{Bench, PLAIN};
use fovea::geom::{Axis, Plane};
use fovea::metrics::measurements::{MeasurementKind, Reading};
use fovea::tools::{Button, Input, ToolAction, find};

const SLICE: f64 = 7.0;

impl Bench {
    fn at(&mut self, input: Input, [x, y]: [f64; 2]) -> Vec<ToolAction> {
        self.send(input, Plane::Axial, [x, y, SLICE], PLAIN)
    }

    fn drag(&mut self, from: [f64; 2], to: [f64; 2]) {
        self.at(Input::Press(Button::Primary), from);
        self.at(Input::Drag, to);
        self.at(Input::Release(Button::Primary), to);
    }

    fn click(&mut self, place: [f64; 2]) {
        self.at(Input::Hover, place);
        self.at(Input::Press(Button::Primary), place);
        self.at(Input::Release(Button::Primary), place);
    }

    fn readings(&self) -> Vec<Reading> {
        self.measurements.iter().map(|m| m.reading(&self.volume)).collect()
    }
}

fn bench(tool: &str) -> Bench {
    Bench::new(find(tool).unwrap())
}

#[test]
fn a_ruler_is_dragged_from_point_to_point_and_its_ends_can_be_moved() {
    let mut bench = bench("ruler");
    bench.drag([10.0, 10.0], [16.0, 18.0]);
    assert_eq!(bench.readings(), [Reading::Length(5.0)], "pixels of half a millimetre");
    let measurement = bench.measurements.iter().next().unwrap();
    assert_eq!((measurement.normal, measurement.slice()), (Axis::Z, 7));
    // An end is taken hold of, and goes along with the pointer.
    bench.at(Input::Press(Button::Primary), [16.2, 18.0]);
    bench.at(Input::Drag, [22.0, 26.0]);
    let preview = bench.preview.clone().unwrap();
    assert_eq!((preview.instead_of, preview.words.unwrap().1), (Some(0), "10.0 mm".to_owned()));
    bench.at(Input::Release(Button::Primary), [22.0, 26.0]);
    assert_eq!(bench.readings(), [Reading::Length(10.0)]);
    // Escape leaves it where it was.
    bench.at(Input::Press(Button::Primary), [22.0, 26.0]);
    bench.at(Input::Drag, [40.0, 40.0]);
    bench.at(Input::Escape, [40.0, 40.0]);
    assert_eq!((bench.readings(), bench.log.undo_len()), (vec![Reading::Length(10.0)], 2));
    assert!(bench.preview.is_none() && bench.mask.is_empty());
    bench.undo_all();
    assert!(bench.readings().is_empty());
}

#[test]
fn a_click_alone_measures_nothing() {
    for tool in ["ruler", "ellipse", "rectangle"] {
        let mut bench = bench(tool);
        bench.click([10.0, 10.0]);
        assert!(bench.measurements.is_empty() && !bench.toolbox.busy(), "{tool}");
    }
}

#[test]
fn an_angle_takes_three_clicks_and_a_way_ends_with_a_double_click() {
    let mut bench = bench("angle");
    for place in [[10.0, 20.0], [10.0, 10.0], [30.0, 10.0]] {
        assert!(bench.measurements.is_empty());
        bench.click(place);
    }
    let [Reading::Angle(Some(right))] = bench.readings()[..] else { panic!("{:?}", bench.readings()) };
    assert!((right - 90.0).abs() < 1e-9 && !bench.toolbox.busy());
    bench.toolbox.select(find("path").unwrap());
    for place in [[10.0, 30.0], [16.0, 38.0], [16.0, 44.0], [16.0, 44.0]] {
        bench.click(place);
    }
    assert_eq!(bench.readings()[1], Reading::Length(8.0));
    // Backspace takes the last point back, Enter ends it.
    for place in [[2.0, 2.0], [8.0, 10.0], [50.0, 40.0]] {
        bench.click(place);
    }
    bench.at(Input::Backspace, [50.0, 40.0]);
    bench.at(Input::Enter, [50.0, 40.0]);
    let last = bench.measurements.iter().last().unwrap();
    assert_eq!((last.kind, last.points.len()), (MeasurementKind::Path, 2));
    assert_eq!(bench.readings()[2], Reading::Length(5.0));
}

#[test]
fn a_region_has_the_values_under_it() {
    let mut bench = bench("rectangle");
    bench.drag([9.5, 9.5], [19.5, 13.5]);
    let Reading::Region { area, values: Some(values) } = &bench.readings()[0] else { panic!() };
    assert!((area - 10.0).abs() < 1e-9, "{area}");
    assert_eq!((values.count, values.mean, values.sd), (40, 40.0, 0.0));
    assert_eq!(bench.readings()[0].text(&bench.volume), "10.0 mm² · 40.0 ± 0.0");
}
