//! Effects in the window: found, set up, seen, applied.

use super::{SIZE, Window};
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::Queryable;
use fovea::engine::EngineOptions;
use fovea::nn::DeviceChoice;
use fovea::workspace::{Command, Workspace};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

/// The fundus sample with one stroke, and a dot below it.
fn window() -> Window {
    let mut window = Window::on("fundus");
    window.press(Key::B);
    let middle = super::MIDDLE;
    window.drag(middle, middle + egui::vec2(60.0, 0.0));
    window.drag(middle + egui::vec2(0.0, 120.0), middle + egui::vec2(4.0, 120.0));
    assert!(window.painted() > 0);
    window
}

fn painted(workspace: &Workspace) -> usize {
    workspace.active().map_or(0, |document| document.mask().counts().values().sum())
}

pub fn find(window: &mut Window, typed: &str) {
    window.press_with(Modifiers::COMMAND, Key::K);
    window.steps(2);
    window.harness.event(Event::Text(typed.to_owned()));
    window.steps(2);
    window.press(Key::Enter);
    window.steps(2);
}

fn shows(window: &Window, name: &str) -> bool {
    window.harness.query_by_label(name).is_some()
}

pub fn outcome(window: &mut Window) {
    window.until("the outcome is there", |w| w.effect_preview().is_some_and(|(_, _, newest)| newest));
    window.steps(2);
}

#[test]
fn it_is_found_by_name_seen_and_applied_by_enter() {
    let mut window = window();
    let before = painted(window.workspace());
    find(&mut window, "islands");
    assert!(shows(&window, "Apply") && shows(&window, "Effect panel"));
    outcome(&mut window);
    assert_eq!(painted(window.workspace()), before, "it is only shown");
    let lost = window.workspace().effect_preview().unwrap().1.voxels[1];
    assert!(lost > 0 && lost < before);
    window.press(Key::Enter);
    window.until("it is applied", |w| painted(w) == before - lost);
    window.steps(3);
    assert!(!shows(&window, "Apply"), "its panel goes");
    let step = window.document().history().last().unwrap();
    assert!(step.starts_with("islands, "), "{step}");
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.until("it is taken back", |w| painted(w) == before);
}

#[test]
fn escape_leaves_it_and_the_mask_as_it_was() {
    let mut window = window();
    let before = painted(window.workspace());
    find(&mut window, "islands");
    outcome(&mut window);
    window.press(Key::Escape);
    window.steps(2);
    assert!(!shows(&window, "Apply"));
    assert!(window.workspace().effect_preview().is_none());
    assert_eq!(painted(window.workspace()), before);
}

#[test]
fn what_it_is_told_is_seen_at_once_and_remembered() {
    let mut window = window();
    let before = painted(window.workspace());
    find(&mut window, "islands");
    outcome(&mut window);
    window.click("Keep: The largest part");
    window.click("Parts of at least a size");
    window.until("nothing would be lost", |w| {
        w.effect_preview().is_some_and(|(_, preview, newest)| newest && preview.voxels[1] < before / 2)
    });
    window.press(Key::Escape);
    find(&mut window, "islands");
    outcome(&mut window);
    assert!(
        shows(&window, "Keep: Parts of at least a size")
            && window.workspace().effect_preview().unwrap().1.voxels[1] < before / 2
    );
}

#[test]
fn another_image_ends_it() {
    let mut workspace = super::workspace(EngineOptions::headless(DeviceChoice::Cpu));
    for sample in ["oct", "ct"] {
        workspace.apply(Command::Open(format!("sample:{sample}").into())).unwrap();
        let opened = |w: &Workspace| w.openings().is_empty() && w.active().is_some();
        assert!(workspace.wait_until(PATIENCE, opened));
    }
    let mut window = Window::of(workspace, SIZE, None);
    window.steps(3);
    find(&mut window, "islands");
    outcome_or_reason(&mut window);
    assert!(shows(&window, "Apply"));
    window.press_with(Modifiers::COMMAND, Key::PageDown);
    window.steps(3);
    assert!(!shows(&window, "Apply") && window.workspace().effect_preview().is_none());
}

/// An empty label has no parts, which is said.
fn outcome_or_reason(window: &mut Window) {
    window.until("the outcome is there", |w| w.effect_preview().is_some() || w.effect_failure().is_some());
    window.steps(2);
}

#[test]
fn steps_come_one_after_the_other_and_can_be_left_out() {
    let mut window = window();
    find(&mut window, "islands");
    outcome(&mut window);
    let voxels = |window: &Window| window.workspace().effect_preview().unwrap().1.voxels;
    let alone = voxels(&window);
    window.click("Add a step");
    window.click("Margin");
    outcome(&mut window);
    let both = voxels(&window);
    assert!(alone[0] == 0 && both[0] > 0 && both[1] == alone[1], "{alone:?} {both:?}");
    window.click("Leave out Step 1 · Islands");
    outcome(&mut window);
    let margin = voxels(&window);
    assert!(margin[0] > both[0] && margin[1] == 0, "a margin around both parts: {margin:?}");
    window.click("Remove Step 1 · Islands");
    outcome(&mut window);
    assert_eq!(voxels(&window), margin);
    window.press(Key::Enter);
    window.until("it is applied", |w| w.is_idle());
    assert!(window.document().history().last().unwrap().starts_with("margin, "));
}

#[test]
fn a_prediction_that_is_not_drawn_is_not_accepted() {
    let mut window = window();
    window.until("the slice is predicted", |w| w.active().is_some_and(|d| w.prediction(d.id(), 0).is_some()));
    let before = window.document().mask_hash();
    find(&mut window, "islands");
    outcome(&mut window);
    window.click("Prediction panel");
    window.press(Key::Enter);
    window.steps(3);
    assert_eq!(
        window.document().mask_hash(),
        before,
        "neither is the effect applied where its panel is not in front"
    );
    assert!(window.workspace().effect_preview().is_some());
    window.press(Key::Escape);
    window.steps(2);
    window.press(Key::Enter);
    window.until("the prediction is accepted", |w| w.active().is_some_and(|d| d.mask_hash() != before));
}
