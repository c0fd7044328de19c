//! Measuring, by key and mouse.

use super::{MIDDLE, Window};
use egui::{Event, Key, Modifiers, PointerButton, vec2};
use fovea::metrics::measurements::{MeasurementKind, Reading};

const PRIMARY: PointerButton = PointerButton::Primary;

fn length(window: &Window, id: u32) -> f64 {
    let document = window.document();
    match document.measurements().get(id).expect("a measurement").reading(document.volume()) {
        Reading::Length(length) => length,
        other => panic!("{other:?}"),
    }
}

fn count(window: &Window) -> usize {
    window.document().measurements().iter().count()
}

#[test]
fn a_ruler_is_drawn_listed_moved_and_undone() {
    let mut window = Window::on("fundus");
    window.press_with(Modifiers::SHIFT, Key::R);
    let (from, to) = (MIDDLE - vec2(60.0, 0.0), MIDDLE + vec2(60.0, 0.0));
    window.draw(PRIMARY, &[from, MIDDLE, to]);
    window.settle();
    assert_eq!((count(&window), window.painted()), (1, 0));
    let first = length(&window, 0);
    assert!(first > 0.0);
    // Its length stands beside it and in the panel.
    window.click("Measure panel");
    window.steps(3);
    let words = format!("{first:.1}");
    assert!(window.texts().iter().filter(|text| text.contains(&words)).count() >= 2, "{:?}", window.texts());
    // Half of it, by its end.
    window.draw(PRIMARY, &[to, MIDDLE + vec2(10.0, 0.0), MIDDLE]);
    window.settle();
    assert_eq!(count(&window), 1);
    assert!((length(&window, 0) - first / 2.0).abs() < first * 0.03, "{} of {first}", length(&window, 0));
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
    assert!((length(&window, 0) - first).abs() < 1e-9);
    let document = window.document();
    let said =
        document.measurements().get(0).expect("the ruler").reading(document.volume()).text(document.volume());
    let row = format!("Remove Ruler, {said}");
    window.click(&row);
    window.settle();
    assert_eq!(count(&window), 0);
}

#[test]
fn every_tool_that_measures_has_its_key() {
    let mut window = Window::on("fundus");
    let at = |x: f32, y: f32| MIDDLE + vec2(x, y);
    for (key, kind, x) in
        [(Key::E, MeasurementKind::Ellipse, -50.0), (Key::B, MeasurementKind::Rectangle, 40.0)]
    {
        window.press_with(Modifiers::SHIFT, key);
        window.draw(PRIMARY, &[at(x, -40.0), at(x + 20.0, 0.0), at(x + 50.0, 40.0)]);
        window.settle();
        assert_eq!(window.document().measurements().iter().last().map(|m| m.kind), Some(kind));
    }
    // Not on the points of one another: a press there would move them.
    for (key, kind, by) in [(Key::A, MeasurementKind::Angle, 0.0), (Key::W, MeasurementKind::Path, -25.0)] {
        window.press_with(Modifiers::SHIFT, key);
        for place in [at(-90.0 + by, 0.0), at(-90.0 + by, 90.0 - by), at(90.0, 90.0 - by)] {
            window.harness.event(Event::PointerMoved(place));
            window.draw(PRIMARY, &[place]);
        }
        if kind == MeasurementKind::Path {
            window.press(Key::Enter);
        }
        window.settle();
        assert_eq!(window.document().measurements().iter().last().map(|m| m.kind), Some(kind));
    }
    assert_eq!((count(&window), window.painted()), (4, 0));
}
