//! The field for a path where the system has no dialog, and closing the window.

use super::{MIDDLE, SIZE, Window};
use egui::{
    Event, Key, Modifiers, PointerButton, ViewportCommand, ViewportEvent, ViewportId, accesskit::Role, pos2,
    vec2,
};
use egui_kittest::kittest::Queryable;
use fovea::{engine::EngineOptions, io, nn::DeviceChoice};
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
    window.click("More");
    window.harness.get_by_label_contains("Export the mask…").click();
    window.steps(3);
    assert!(asked(&window), "the menu asks where to export to");
    window.click("Cancel");
    assert!(!asked(&window));
    for item in ["File…", "Folder or DICOM series…", "Import a label image…"] {
        window.click("More to open");
        // Its key stands beside it.
        window.harness.get_by_label_contains(item).click();
        window.steps(3);
        assert!(asked(&window), "{item} asks for a path");
        window.click("Cancel");
        window.steps(20);
    }
}

#[test]
fn a_click_beside_the_dialog_keeps_the_path_that_was_written() {
    let mut window = Window::on("fundus");
    window.press_with(Modifiers::COMMAND, Key::O);
    window.steps(3);
    window.harness.event(Event::Text("/data/eye.png".into()));
    window.steps(2);
    for pressed in [true, false] {
        window.button(PointerButton::Primary, pos2(20.0, 400.0), pressed);
    }
    let written = |window: &Window| window.harness.query_by_label("Path").and_then(|field| field.value());
    assert_eq!(written(&window).as_deref(), Some("/data/eye.png"));
    window.press(Key::Escape);
    window.steps(20);
    assert_eq!(written(&window), None, "Escape leaves it");
}

#[test]
fn every_format_that_is_read_is_named_where_nothing_is_open() {
    let mut window = Window::of(super::workspace(EngineOptions::headless(DeviceChoice::Cpu)), SIZE, None);
    window.steps(3);
    let words = window.harness.get_by_label_contains("Drop a file or a folder here").value();
    let words = words.expect("it is a text");
    for format in io::FORMATS.iter().filter(|format| !format.extensions.is_empty()) {
        assert!(words.contains(format.title), "{}: {words}", format.title);
    }
    assert!(words.contains("NumPy"));
}

#[test]
fn of_a_single_picture_nothing_is_said_of_slices_and_the_licence_stands_whole() {
    let mut window = Window::on("fundus");
    let slice = window.harness.query_all_by_role(Role::Label).find(|label| {
        label.value().is_some_and(|words| words.to_lowercase().contains("slice") && !words.contains("Dice"))
    });
    assert!(slice.is_none(), "{:?}", slice.map(|label| label.value()));
    window.settle();
    let model = window.document().model().and_then(|v| window.workspace().model(v)).expect("a model");
    let licence = model.card.licence.clone();
    assert!(licence.len() > 40, "{licence}");
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::M);
    window.steps(3);
    window.click("Fingerprint, licence, files");
    window.steps(20);
    let label = window.harness.query_all_by_role(Role::Label).find(|l| l.value().as_ref() == Some(&licence));
    let rect = label.expect("it is there").rect();
    assert!(
        rect.height() > 24.0 && rect.right() <= SIZE[0],
        "more than one line, within the window: {rect:?}"
    );
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
