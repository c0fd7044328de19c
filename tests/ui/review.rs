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
