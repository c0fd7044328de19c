//! Review: what the filled button says is what Space does.

use super::Window;
use super::frame::{control, space};
use super::learn::painted;
use egui::Key;
use egui::accesskit::{Role, Toggled};
use egui_kittest::kittest::{NodeT, Queryable};

fn predicted(window: &mut Window) {
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.steps(2);
}

#[test]
fn a_rejected_slice_without_a_mask_is_verified_only_by_the_button_that_says_so() {
    let mut window = Window::on("oct");
    control(&mut window, Key::Num3);
    predicted(&mut window);
    let first = window.document().cursor()[2];
    assert!(window.harness.query_by_label("Accept, verify, next").is_some());
    window.press(Key::Backspace);
    assert!(window.harness.query_by_label("Accept, verify, next").is_none());
    assert!(window.harness.query_by_label("Verify, next").is_none());
    space(&mut window, 0.1, 0);
    assert_eq!(window.document().cursor()[2], first + 1, "the next slice is in front");
    assert!(window.document().verified().is_empty(), "and the empty one is not verified");
    assert!(painted(&window, "Not verified: the prediction is rejected"));
    window.press(Key::ArrowUp);
    window.click("Next");
    assert_eq!((window.document().cursor()[2], window.document().verified().len()), (first + 1, 0));
    window.press(Key::ArrowUp);
    window.click("Verify as empty");
    assert!(window.document().is_verified(first) && window.painted() == 0);
}

#[test]
fn a_rejected_slice_that_has_a_mask_is_verified_as_it_is() {
    let mut window = Window::on("oct");
    control(&mut window, Key::Num3);
    predicted(&mut window);
    let first = window.document().cursor()[2];
    window.press(Key::Enter);
    window.settle();
    let painted = window.painted();
    assert!(painted > 0);
    window.press(Key::Backspace);
    assert!(window.harness.query_by_label("Verify as empty").is_none());
    window.click("Verify, next");
    window.steps(2);
    assert!(window.document().is_verified(first));
    assert_eq!(window.painted(), painted);
}

#[test]
fn what_is_shown_can_be_chosen_with_the_brush_too() {
    let mut window = Window::on("oct");
    control(&mut window, Key::Num3);
    predicted(&mut window);
    assert!(window.harness.query_by_role_and_label(Role::RadioButton, "Difference").is_some());
    window.press(Key::B);
    assert!(window.harness.query_by_role_and_label(Role::RadioButton, "Difference").is_none());
    window.click("What is shown");
    window.click("Difference");
    assert!(painted(&window, "Difference"), "the button says what is chosen");
    // With another tool it is where it was, with what was chosen.
    window.press(Key::M);
    let chosen = window.harness.get_by_role_and_label(Role::RadioButton, "Difference");
    assert_eq!(chosen.accesskit_node().toggled(), Some(Toggled::True));
}

#[test]
fn letters_stand_on_the_areas_where_they_are_wanted() {
    let mut window = Window::on("oct");
    control(&mut window, Key::Num3);
    predicted(&mut window);
    let letters = |window: &Window| {
        let texts = window.texts();
        ["R", "S", "P"].map(|letter| texts.iter().any(|text| text == letter))
    };
    assert_eq!(letters(&window), [false; 3]);
    window.click("Layers");
    window.click("Letters on areas");
    window.press(Key::Escape);
    window.steps(3);
    assert_eq!(letters(&window), [true; 3], "of REA, SRF and PED as they are predicted");
    window.press(Key::Backspace);
    window.steps(3);
    assert_eq!(letters(&window), [false; 3], "and of none that is rejected");
}

/// The deepest slices of the CT phantom, where organs end.
#[test]
fn what_does_not_fit_the_next_slice_is_said_with_its_number() {
    let mut window = Window::on("ct");
    control(&mut window, Key::Num3);
    predicted(&mut window);
    let says = |window: &Window| {
        let labels = window.harness.query_all_by_role(Role::Label);
        let words: Vec<String> = labels.filter_map(|node| node.accesskit_node().value()).collect();
        words
            .into_iter()
            .find(|words| words.contains(" here, but ") || words.contains(" here than in slice "))
    };
    let mut found = None;
    for _ in 0..16 {
        window.press(Key::ArrowUp);
        predicted(&mut window);
        let z = window.document().cursor()[2];
        window.until("its neighbours are predicted", |w| {
            w.active().is_some_and(|d| [z - 1, z + 1].iter().all(|&z| w.prediction(d.id(), z).is_some()))
        });
        window.steps(3);
        found = says(&window);
        if found.is_some() {
            break;
        }
    }
    let words = found.expect("an organ begins or ends somewhere");
    let z = window.document().cursor()[2];
    assert!([z, z + 2].iter().any(|slice| words.contains(&format!("slice {slice}"))), "{words} in {}", z + 1);
    window.press(Key::Backspace);
    window.steps(3);
    assert_eq!(says(&window), None, "what is rejected needs no doubt");
}

#[test]
fn every_layer_is_hidden_and_shown_by_itself() {
    let mut window = Window::on("oct");
    control(&mut window, Key::Num3);
    predicted(&mut window);
    window.click("Layers");
    window.click("Hide the image");
    window.press(Key::Escape);
    window.steps(3);
    assert!(window.harness.query_by_label("Layers: the image is hidden").is_some());
    window.click("Layers: the image is hidden");
    window.click("Hide the prediction");
    window.click("Show the difference");
    window.press(Key::Escape);
    window.steps(3);
    window.click("Layers: the image and prediction are hidden");
    for layer in ["Show the image", "Show the prediction", "Hide the difference"] {
        window.click(layer);
    }
    window.press(Key::Escape);
    window.steps(3);
    assert!(window.harness.query_by_label("Layers").is_some(), "as it was");
}
