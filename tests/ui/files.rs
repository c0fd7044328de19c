//! The field for a path where the system has no dialog, and closing the window.

use super::{MIDDLE, Window};
use egui::{Event, Key, Modifiers, ViewportCommand, ViewportEvent, ViewportId, vec2};
use egui_kittest::kittest::Queryable;
use fovea::io;
use std::path::Path;

fn painted() -> Window {
    let mut window = Window::on("fundus");
    window.press(Key::B);
    window.drag(MIDDLE, MIDDLE + vec2(120.0, 0.0));
    assert!(window.painted() > 0);
    window
}

/// Writes a path into the dialog's field, in place of what stands there, and presses Enter.
fn export_to(window: &mut Window, path: &Path) {
    window.steps(3);
    let field = window.harness.get_by_label("Path");
    assert!(field.is_focused(), "one can write at once");
    assert!(field.value().is_some_and(|v| v.ends_with("_labels.png")), "a name is proposed");
    window.press_with(Modifiers::COMMAND, Key::A);
    window.harness.event(Event::Text(path.display().to_string()));
    window.steps(2);
    window.press(Key::Enter);
    window.settle();
}

/// Asks the window to close; what it answers.
fn close(window: &mut Window) -> Vec<ViewportCommand> {
    let viewports = &mut window.harness.input_mut().viewports;
    viewports.entry(ViewportId::ROOT).or_default().events.push(ViewportEvent::Close);
    step(window)
}

fn step(window: &mut Window) -> Vec<ViewportCommand> {
    window.harness.step();
    window.harness.output().viewport_output[&ViewportId::ROOT].commands.clone()
}

const QUESTION: &str = "Not everything is safe";

#[test]
fn a_mask_is_exported_to_the_path_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.png");
    let mut window = painted();
    window.press_with(Modifiers::COMMAND, Key::E);
    export_to(&mut window, &path);
    assert!(window.harness.query_by_label("Path").is_none(), "the dialog is gone");
    let (map, _, _) = io::open_labels(&path).unwrap();
    assert_eq!(map.counts(), window.document().mask().counts());
}

#[test]
fn buttons_and_menus_ask_for_files_as_their_keys_do() {
    let mut window = Window::on("fundus");
    let asked = |window: &Window| window.harness.query_by_label("Path").is_some();
    assert!(!asked(&window));
    window.click("Export");
    assert!(asked(&window), "the button asks where to export to");
    window.click("Cancel");
    assert!(!asked(&window));
    for item in ["File…", "Folder or DICOM series…", "Import a label image…"] {
        window.click("Open");
        // Its key stands beside it.
        window.harness.get_by_label_contains(item).click();
        window.steps(3);
        assert!(asked(&window), "{item} asks for a path");
        window.click("Cancel");
        window.steps(20);
    }
}

#[test]
fn a_window_with_nothing_to_lose_closes_at_once() {
    let mut window = Window::on("fundus");
    assert!(!close(&mut window).contains(&ViewportCommand::CancelClose));
}

#[test]
fn closing_asks_where_something_would_be_lost() {
    let mut window = painted();
    assert!(close(&mut window).contains(&ViewportCommand::CancelClose));
    window.steps(2);
    assert!(window.harness.query_by_label(QUESTION).is_some());
    // Keys do not reach the image below.
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert!(window.painted() > 0);
    window.click("Keep working");
    window.steps(20);
    assert!(window.harness.query_by_label(QUESTION).is_none());

    assert!(close(&mut window).contains(&ViewportCommand::CancelClose));
    window.steps(2);
    window.harness.get_by_label("Close anyway").click();
    let asked = (0..4).any(|_| step(&mut window).contains(&ViewportCommand::Close));
    assert!(asked, "the window is closed when the person insists");
    assert!(!close(&mut window).contains(&ViewportCommand::CancelClose));
}

#[test]
fn saving_elsewhere_lets_the_window_close_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("elsewhere.png");
    let mut window = painted();
    assert!(close(&mut window).contains(&ViewportCommand::CancelClose));
    window.steps(2);
    window.click("Save elsewhere…");
    export_to(&mut window, &path);
    assert!(path.exists());
    assert!(window.workspace().risks().is_empty());
    let closes = (0..20).any(|_| step(&mut window).contains(&ViewportCommand::Close));
    assert!(closes || window.harness.query_by_label(QUESTION).is_none());
}
