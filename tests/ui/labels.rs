//! The labels: choosing, locking, hiding, clearing.

use super::{MIDDLE, Window};
use egui::{Key, Modifiers, Vec2, accesskit::Role, vec2};
use egui_kittest::kittest::Queryable;
use fovea::label::LabelId;

fn stroke(window: &mut Window, from: Vec2) {
    window.press(Key::B);
    window.drag(MIDDLE + from, MIDDLE + from + vec2(100.0, 0.0));
}

fn pixels(window: &Window, label: LabelId) -> usize {
    window.document().mask().counts().get(&label).copied().unwrap_or(0)
}

fn name(window: &Window, label: LabelId) -> String {
    window.document().labels().get(label).expect("it is listed").name.clone()
}

/// A window with two labels and the panel that lists them in front; the second is selected.
fn two_labels() -> (Window, [LabelId; 2]) {
    let mut window = Window::on("fundus");
    let first = window.document().selected_label();
    window.press(Key::N);
    let second = window.document().selected_label();
    assert_ne!(first, second, "a new label is the one to paint with");
    (window, [first, second])
}

#[test]
fn strokes_are_of_the_label_that_was_chosen_by_key_or_by_click() {
    let (mut window, [first, second]) = two_labels();
    stroke(&mut window, vec2(0.0, 0.0));
    assert!(pixels(&window, second) > 50 && pixels(&window, first) == 0);
    window.press(Key::Num1);
    assert_eq!(window.document().selected_label(), first);
    stroke(&mut window, vec2(0.0, 60.0));
    let painted = pixels(&window, first);
    assert!(painted > 50);
    let name = name(&window, second);
    window.click(&name);
    assert_eq!(window.document().selected_label(), second);
    stroke(&mut window, vec2(0.0, 120.0));
    assert_eq!(pixels(&window, first), painted);
}

#[test]
fn a_locked_label_is_neither_painted_nor_painted_over() {
    let (mut window, [first, second]) = two_labels();
    stroke(&mut window, vec2(0.0, 0.0));
    let painted = pixels(&window, second);
    let lock = format!("Lock {}", name(&window, second));
    window.click(&lock);
    assert!(window.document().labels().is_locked(second));
    stroke(&mut window, vec2(0.0, 60.0));
    assert_eq!(pixels(&window, second), painted, "nothing is painted with a locked label");
    window.press(Key::Num1);
    stroke(&mut window, vec2(-20.0, 0.0));
    assert_eq!(pixels(&window, second), painted, "nothing is painted over it");
    assert!(pixels(&window, first) > 0, "but beside it");
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert!(!window.document().labels().is_locked(second), "the lock is undone like a stroke");
}

#[test]
fn a_hidden_label_keeps_its_pixels() {
    let (mut window, [_, second]) = two_labels();
    stroke(&mut window, vec2(0.0, 0.0));
    let painted = pixels(&window, second);
    let name = name(&window, second);
    window.click(&format!("Hide {name}"));
    assert!(!window.document().labels().get(second).unwrap().visible);
    assert_eq!(pixels(&window, second), painted);
    window.click(&format!("Show {name}"));
    assert!(window.document().labels().get(second).unwrap().visible);
}

#[test]
fn a_label_is_measured_and_cleared_from_its_menu() {
    let (mut window, [first, second]) = two_labels();
    stroke(&mut window, vec2(0.0, 0.0));
    window.press(Key::Num1);
    stroke(&mut window, vec2(0.0, 60.0));
    let (kept, cleared) = (pixels(&window, first), pixels(&window, second));
    // The fundus has no spacing: pixels are counted.
    window.until("both are measured", |w| {
        let measure = |id| w.active().and_then(|d| d.label_volume(id));
        measure(first) == Some(kept as f64) && measure(second) == Some(cleared as f64)
    });
    let name = name(&window, second);
    let open_menu = |window: &mut Window| {
        window.harness.get_by_role_and_label(Role::Button, &name).click_secondary();
        window.steps(3);
    };
    open_menu(&mut window);
    window.press(Key::Escape);
    window.steps(3);
    assert!(window.harness.query_by_label("Clear").is_none(), "Escape closes the menu");
    open_menu(&mut window);
    window.click("Clear");
    window.settle();
    assert_eq!([pixels(&window, first), pixels(&window, second)], [kept, 0]);
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
    assert_eq!(pixels(&window, second), cleared);
}

#[test]
fn one_thing_is_suggested_and_can_be_put_away() {
    let mut window = Window::on("oct");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.click("Labels panel");
    let suggested = |window: &Window| window.harness.query_by_label("Suggested next").is_some();
    let goes_to_review = window.harness.query_by_label_contains("Go through the slices and accept").is_some();
    assert!(suggested(&window) && goes_to_review);
    window.click("Not now");
    assert!(!suggested(&window));
    for _ in 0..5 {
        window.press_with(Modifiers::COMMAND, Key::Enter);
        window.press(Key::ArrowDown);
    }
    // It stands where a slice of this image teaches.
    assert!(window.harness.query_by_label_contains("5 verified slices can teach a network").is_some());
}

#[test]
fn many_labels_are_searched_by_name() {
    let mut window = Window::on("fundus");
    window.click("Labels panel");
    let has_field = |window: &Window| window.harness.query_by_label("Search the labels").is_some();
    assert!(!has_field(&window));
    for _ in 0..13 {
        window.press(Key::N);
    }
    assert!(has_field(&window));
    window.harness.get_by_label("Search the labels").click();
    window.steps(2);
    window.harness.event(egui::Event::Text("label 7".to_owned()));
    window.steps(3);
    let listed = |name: &str| window.harness.query_by_role_and_label(Role::Button, name).is_some();
    assert!(listed("Label 7") && !listed("Label 6"));
}
