//! A model that labels whole volumes at once: asked for with one button, accepted by component and by slice.

use super::Window;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use fovea::workspace::PredictionStatus;

#[test]
fn a_volume_is_segmented_with_one_button_and_accepted_by_component_and_by_slice() {
    let mut window = Window::with("ct", Some("abdomen-phantom"), None);
    let labelled = |window: &Window| {
        let (document, z) = (window.document().id(), window.document().cursor()[2]);
        matches!(window.workspace().prediction_status(document, z), PredictionStatus::Labelled)
    };
    window.settle();
    assert!(window.harness.query_by_label("Labels the whole volume at once").is_some());
    assert!(!labelled(&window), "nothing is computed before it is asked for");
    assert!(window.harness.query_by_label("Accept slice").is_none(), "there is nothing to accept");
    assert!(window.harness.query_by_label("Show Certainty").is_none(), "it gives no probabilities");
    window.click("Segment the volume");
    window.settle();
    assert!(labelled(&window));
    assert!(window.harness.query_by_label("Segment the volume").is_none(), "nothing is left to do");
    assert!(window.harness.query_by_label_contains("Whole volume, predicted today").is_some());

    let ([x, y, z], [width, ..]) = (window.document().cursor(), window.document().volume().dims());
    let slices = window.workspace().predicted_slices(window.document().id()).expect("all");
    assert_eq!(slices.len(), window.document().depth());
    assert_ne!(slices[&z].labels[y * width + x], 0, "an organ lies at the crosshair");
    window.click("All slices");
    window.click("The part at the crosshair");
    window.settle();
    let component = window.painted();
    assert!(component > 0);
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
    assert_eq!(window.painted(), 0, "one step");
    window.click("Accept slice");
    window.settle();
    assert!(window.painted() > component, "more than one organ");
}

#[test]
fn how_long_a_volume_takes_is_said_once_it_has_been_measured() {
    let mut window = Window::with("ct", Some("abdomen-phantom"), None);
    window.settle();
    window.click("Segment the volume");
    window.settle();
    window.press_with(Modifiers::COMMAND, Key::K);
    window.harness.event(Event::Text("OCT volume with layers".to_owned()));
    window.steps(3);
    window.press(Key::Enter);
    window.until("the other image is open", |w| w.documents().len() == 2 && w.openings().is_empty());
    window.steps(3);
    window.click("Model");
    window.click("All");
    window.harness.event(Event::Text("abdomen phantoms".to_owned()));
    window.steps(3);
    window.press(Key::Enter);
    window.settle();
    assert!(window.harness.query_by_label("Segment the volume").is_none());
    assert!(window.harness.query_by_label_contains("Segment the volume, ").is_some(), "as the CT has shown");
    assert!(window.harness.query_by_label("Made for another kind of image: CT.").is_some());
}
