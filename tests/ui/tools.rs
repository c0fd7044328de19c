//! Tools that follow the image, by key and mouse.

use super::states::complaints;
use super::{MIDDLE, Window, workspace};
use egui::{Event, Key, Modifiers, PointerButton, Pos2, pos2, vec2};
use egui_kittest::kittest::Queryable;
use fovea::engine::EngineOptions;
use fovea::label::{Components, Connectivity};
use fovea::nn::DeviceChoice;
use fovea::tools::TOOLS;
use fovea::workspace::Command;
use std::time::Duration;

const PRIMARY: PointerButton = PointerButton::Primary;
const SECONDARY: PointerButton = PointerButton::Secondary;

/// The middle of the axial view, where there are four.
const AXIAL: Pos2 = pos2(290.0, 230.0);

fn beside(x: f32, y: f32) -> Pos2 {
    MIDDLE + vec2(x, y)
}

fn history(window: &Window) -> Vec<String> {
    window.document().history().map(str::to_owned).collect()
}

fn undo(window: &mut Window) {
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
}

fn is_said(window: &Window, words: &str) -> bool {
    window.texts().iter().any(|text| text.contains(words))
}

#[test]
fn a_smart_brush_paints_a_part_of_what_the_brush_paints() {
    let mut window = Window::on("ct");
    let way = [AXIAL - vec2(90.0, 0.0), AXIAL + vec2(90.0, 0.0)];
    window.press(Key::B);
    window.draw(PRIMARY, &way);
    let all = window.painted();
    undo(&mut window);
    window.press(Key::U);
    window.draw(PRIMARY, &way);
    let smart = window.painted();
    assert!(smart > 0 && smart < all, "{smart} of {all}");
    assert_eq!(history(&window), ["smart_brush"]);
    window.draw(SECONDARY, &way);
    assert!(window.painted() < smart, "the other button erases");
    undo(&mut window);
    undo(&mut window);
    assert_eq!(window.painted(), 0);
    // Tab goes to the eraser and back to this brush.
    window.press(Key::Tab);
    window.press(Key::Tab);
    window.draw(PRIMARY, &way);
    assert_eq!(history(&window), ["smart_brush"]);
}

#[test]
fn a_wand_takes_more_the_further_it_is_dragged_to_the_right() {
    let mut window = Window::on("fundus");
    window.press(Key::Z);
    let place = beside(-100.0, 60.0);
    let area = |window: &mut Window, by: f32| {
        window.draw(PRIMARY, &[place, place + vec2(by, 0.0)]);
        window.settle();
        let painted = window.painted();
        undo(window);
        painted
    };
    // The first drag sets the tolerance from which the second begins.
    let less = area(&mut window, -16.0);
    let more = area(&mut window, 40.0);
    assert!(less < more, "{less} {more}");
    // While the button is down the tolerance stands at the pointer, and nothing is painted.
    window.button(PRIMARY, place, true);
    window.harness.event(Event::PointerMoved(place + vec2(4.0, 0.0)));
    window.steps(2);
    assert!(is_said(&window, "± ") && window.painted() == 0);
    window.press(Key::Escape);
    window.button(PRIMARY, place, false);
    window.settle();
    assert_eq!((window.painted(), window.document().can_undo()), (0, false));
}

#[test]
fn a_livewire_is_closed_by_enter() {
    let mut window = Window::on("fundus");
    window.press(Key::K);
    for place in [beside(-60.0, -60.0), beside(60.0, -60.0), beside(60.0, 60.0), beside(-60.0, 60.0)] {
        window.draw(PRIMARY, &[place]);
    }
    assert_eq!(window.painted(), 0);
    window.press(Key::Enter);
    window.settle();
    let found = Components::of(window.document().mask(), Connectivity::Full);
    assert_eq!((found.list.len(), history(&window)), (1, vec!["livewire".to_owned()]));
    assert!(window.painted() > 500, "{}", window.painted());
    undo(&mut window);
    assert_eq!(window.painted(), 0);
}

#[test]
fn level_tracing_shows_the_level_and_a_click_paints() {
    let mut window = Window::on("fundus");
    window.press(Key::Y);
    window.harness.event(Event::PointerMoved(MIDDLE));
    window.steps(2);
    let shown = window.texts();
    window.harness.event(Event::PointerMoved(beside(-180.0, 90.0)));
    window.steps(2);
    assert_ne!(shown, window.texts(), "the level stands at the pointer");
    assert_eq!(window.painted(), 0);
    window.draw(PRIMARY, &[MIDDLE]);
    window.settle();
    let first = window.painted();
    assert!(first > 0);
    undo(&mut window);
    // The wheel with Ctrl and Shift moves the level and not the zoom.
    let (unit, modifiers) =
        (egui::MouseWheelUnit::Line, Modifiers::COMMAND | Modifiers::CTRL | Modifiers::SHIFT);
    window.harness.event(Event::PointerMoved(MIDDLE));
    window.harness.step();
    let (phase, source) = (egui::TouchPhase::Move, egui::MouseWheelSource::Wheel);
    window.harness.event_modifiers(
        Event::MouseWheel { unit, delta: vec2(0.0, 8.0), phase, source, modifiers },
        modifiers,
    );
    window.steps(3);
    window.draw(PRIMARY, &[MIDDLE]);
    window.settle();
    assert!(window.painted() > 0 && window.painted() != first);
}

#[test]
fn a_nudge_moves_the_border_and_undo_brings_it_back() {
    let mut window = Window::on("fundus");
    window.press(Key::O);
    let square = [beside(-60.0, -60.0), beside(60.0, -60.0), beside(60.0, 60.0), beside(-60.0, 60.0)];
    window.draw(PRIMARY, &square);
    window.settle();
    let (before, painted) = (window.document().mask_hash(), window.painted());
    window.press(Key::J);
    window.draw(PRIMARY, &[beside(56.0, 0.0), beside(80.0, 0.0)]);
    window.settle();
    assert!(window.painted() > painted, "from inside it is pushed out");
    assert_eq!(history(&window), ["lasso", "nudge"]);
    undo(&mut window);
    assert_eq!(window.document().mask_hash(), before);
    // Cancelled, nothing is left of it.
    window.button(PRIMARY, beside(56.0, 0.0), true);
    window.harness.event(Event::PointerMoved(beside(80.0, 0.0)));
    window.steps(2);
    assert!(window.painted() > painted, "it shows while it is pushed");
    window.press(Key::Escape);
    window.button(PRIMARY, beside(80.0, 0.0), false);
    window.settle();
    assert_eq!(window.document().mask_hash(), before);
}

#[test]
fn scissors_cut_through_slices_and_leave_verified_ones() {
    let mut window = Window::on("ct");
    // A wand through the volume gives something to cut.
    window.press(Key::Z);
    window.click("Whole volume");
    window.draw(PRIMARY, &[AXIAL]);
    window.settle();
    let (all, z) = (window.painted(), window.document().cursor()[2]);
    let slice = |window: &Window, z: usize| window.document().mask().slice(z);
    assert!(all > 0);
    window.press(Key::ArrowDown);
    window.press_with(Modifiers::COMMAND, Key::Enter);
    assert!(window.document().is_verified(z + 1));
    window.press(Key::ArrowUp);
    let before = [z, z + 1].map(|z| slice(&window, z));
    window.press_with(Modifiers::SHIFT, Key::X);
    let around = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]| AXIAL + vec2(x, y) * 60.0);
    window.draw(PRIMARY, &around);
    window.settle();
    assert!(window.painted() < all, "{} of {all}", window.painted());
    assert_ne!(slice(&window, z), before[0]);
    assert_eq!(slice(&window, z + 1), before[1], "a verified slice is left");
    assert!(window.document().is_verified(z + 1));
    assert!(is_said(&window, "Left as before: 1 verified slice"));
    undo(&mut window);
    assert_eq!(window.painted(), all);
}

#[test]
fn a_slice_that_is_verified_loses_its_mark_where_a_tool_changes_it_and_undo_brings_it_back() {
    let mut window = Window::on("ct");
    let z = window.document().cursor()[2];
    for (key, points) in
        [(Key::U, vec![AXIAL, AXIAL + vec2(20.0, 0.0)]), (Key::Z, vec![AXIAL]), (Key::Y, vec![AXIAL])]
    {
        window.press_with(Modifiers::COMMAND, Key::Enter);
        assert!(window.document().is_verified(z));
        window.press(key);
        window.draw(PRIMARY, &points);
        window.settle();
        assert!(window.painted() > 0 && !window.document().is_verified(z), "{key:?}");
        undo(&mut window);
        assert!(window.painted() == 0 && window.document().is_verified(z), "{key:?}");
        window.press_with(Modifiers::COMMAND, Key::Enter);
    }
}

#[test]
fn keys_open_the_effects_between_slices() {
    let mut window = Window::on("ct");
    for (key, title) in [(Key::I, "Fill between slices"), (Key::G, "Grow from seeds")] {
        window.press_with(Modifiers::SHIFT, key);
        window.steps(2);
        assert!(window.harness.query_by_label("Effect panel").is_some());
        assert!(is_said(&window, title), "{title}");
        window.press(Key::Escape);
        window.steps(2);
        assert!(window.harness.query_by_label("Effect panel").is_none());
    }
    // Find names the key, and lists what has a tool once.
    window.press_with(Modifiers::COMMAND, Key::K);
    window.steps(2);
    window.harness.event(Event::Text("magic wand".to_owned()));
    window.steps(2);
    let lines = window.texts().iter().filter(|text| *text == "Magic wand").count();
    assert_eq!(lines, 1);
    window.press(Key::Escape);
}

#[test]
fn the_options_of_every_tool_have_room_in_every_window() {
    let mut wrong = Vec::new();
    for (size, scale) in
        [([560.0, 480.0], 1.0), ([900.0, 600.0], 1.0), ([1280.0, 800.0], 1.0), ([900.0, 600.0], 2.0)]
    {
        let mut workspace = workspace(EngineOptions::headless(DeviceChoice::Cpu));
        workspace.apply(Command::Open("sample:ct".into())).unwrap();
        assert!(workspace.wait_until(Duration::from_secs(120), |w| w.active().is_some()));
        let size = size.map(|side| side - 16.0);
        let mut window = Window::of(workspace, size, None);
        if scale != 1.0 {
            window.harness.ctx.set_zoom_factor(scale);
            window.steps(2);
            window.harness.set_size(vec2(size[0], size[1]) / scale);
        }
        window.steps(3);
        for tool in TOOLS {
            let shift = if tool.key.is_uppercase() { Modifiers::SHIFT } else { Modifiers::NONE };
            let key = Key::from_name(&tool.key.to_ascii_uppercase().to_string()).unwrap();
            window.press_with(shift, key);
            window.steps(2);
            let said = complaints(&window);
            wrong.extend(said.into_iter().map(|what| format!("{size:?} {scale} {}: {what}", tool.id)));
        }
        // The longest row that scissors can have.
        if size[0] > 1000.0 {
            window.press_with(Modifiers::SHIFT, Key::X);
            window.steps(2);
            window.click("Through all slices");
            window.click("Through near slices");
            window.press(Key::Escape);
            wrong.extend(complaints(&window));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
