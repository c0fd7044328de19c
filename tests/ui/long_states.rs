//! States of the window that take long to reach, as `states.rs` has the others: each is reached once, and then looked at in every size
//! and theme.

use super::compare::{compare, two_models};
use super::learn::{correct, start};
use super::pictures::{HERE, hold};
use super::states::{AROUND, SIZES, SMALLEST, THEMES, complaints};
use super::{SIZE, Window, graphics};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Theme, Vec2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use fovea::workspace::TrainingState;

/// The window at a size and a scale, in a theme.
fn resize(window: &mut Window, [width, height]: [f32; 2], scale: f32, theme: Theme) {
    window.harness.ctx.set_theme(theme);
    window.harness.ctx.set_zoom_factor(scale);
    window.steps(2);
    window.harness.set_size((vec2(width, height) - Vec2::splat(AROUND)) / scale);
    window.steps(8);
}

/// Holds a state in every size and theme against the pictures that are kept.
fn looks_as_it_did(window: &mut Window, name: &str) {
    for (size, scale, size_name) in SIZES {
        for (theme, theme_name) in THEMES {
            resize(window, size, scale, theme);
            hold(window, HERE, &format!("{name}-{size_name}-{theme_name}"));
        }
    }
}

fn nothing_is_cut_or_hidden_or_nameless(window: &mut Window, name: &str) {
    let mut wrong = Vec::new();
    for (size, scale, size_name) in SIZES.into_iter().chain([SMALLEST]) {
        resize(window, size, scale, Theme::Dark);
        wrong.extend(complaints(window).into_iter().map(|words| format!("{name}, {size_name}: {words}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Two models beside each other, as one chooses to see them.
fn compared(window: &mut Window, how: &str) {
    let is_it =
        |node: &egui_kittest::Node| node.accesskit_node().label().is_some_and(|label| label.starts_with(how));
    window.harness.query_all_by_role(Role::RadioButton).rfind(is_it).expect("it can be chosen").click();
    window.steps(4);
}

const WAYS: [(&str, &str); 3] =
    [("Beside", "compare_beside"), ("Swipe", "compare_swipe"), ("Difference", "compare_difference")];

#[test]
fn comparing_looks_as_it_did() {
    let Some(graphics) = graphics() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (workspace, _) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, Some(graphics));
    compare(&mut window);
    window.settle();
    for (how, name) in WAYS {
        resize(&mut window, [1280.0, 800.0], 1.0, Theme::Dark);
        compared(&mut window, how);
        looks_as_it_did(&mut window, name);
    }
}

#[test]
fn comparing_nothing_is_cut_or_hidden_or_nameless() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, _) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, None);
    compare(&mut window);
    window.settle();
    for (how, name) in WAYS {
        resize(&mut window, [1280.0, 800.0], 1.0, Theme::Dark);
        compared(&mut window, how);
        nothing_is_cut_or_hidden_or_nameless(&mut window, name);
    }
}

/// A run that rests after it was measured once: what it says does not change with the clock.
fn resting(window: Window) -> Window {
    let mut window = correct(window, 2);
    start(&mut window, 60);
    window.until("it is measured", |w| w.training().is_some_and(|t| !t.validations().is_empty()));
    window.steps(2);
    window.click("Pause");
    window.until("it rests", |w| w.training().is_some_and(|t| *t.state() == TrainingState::Paused));
    window.steps(4);
    window
}

/// A run that has come to its end, with a name that has no date in it.
fn decided(window: Window) -> Window {
    let mut window = correct(window, 2);
    start(&mut window, 12);
    window.until("it is done", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(3);
    window.click("Name of the new version");
    window.press_with(Modifiers::COMMAND, Key::A);
    window.harness.event(Event::Text("Layers and fluid, 2 slices".into()));
    window.steps(2);
    window.press(Key::Enter);
    window.settle();
    window
}

#[test]
#[ignore = "what is learned differs from machine to machine"]
fn learning_looks_as_it_did() {
    let Some(graphics) = graphics() else { return };
    looks_as_it_did(&mut resting(Window::with("oct", None, Some(graphics))), "learning");
}

#[test]
fn learning_nothing_is_cut_or_hidden_or_nameless() {
    nothing_is_cut_or_hidden_or_nameless(&mut resting(Window::on("oct")), "learning");
}

#[test]
#[ignore = "what is learned differs from machine to machine"]
fn deciding_looks_as_it_did() {
    let Some(graphics) = graphics() else { return };
    looks_as_it_did(&mut decided(Window::with("oct", None, Some(graphics))), "deciding");
}

#[test]
fn deciding_nothing_is_cut_or_hidden_or_nameless() {
    nothing_is_cut_or_hidden_or_nameless(&mut decided(Window::on("oct")), "deciding");
}
