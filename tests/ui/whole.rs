//! A model that labels whole volumes at once: asked for with one button, accepted by component and by slice.

use super::Window;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
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
    assert!(window.harness.get_by_label("Accept slice").accesskit_node().is_disabled());
    window.click("Segment the volume");
    window.settle();
    assert!(labelled(&window));
    assert!(window.harness.query_by_label("Segment the volume").is_none(), "nothing is left to do");

    let ([x, y, z], [width, ..]) = (window.document().cursor(), window.document().volume().dims());
    let slices = window.workspace().predicted_slices(window.document().id()).expect("all");
    assert_eq!(slices.len(), window.document().depth());
    assert_ne!(slices[&z].labels[y * width + x], 0, "an organ lies at the crosshair");
    window.click("Component");
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
