//! Writing a label's name in its place, and what ends it.

use super::{MIDDLE, Window};
use egui::{Event, Key, Modifiers, PointerButton, accesskit::Role, vec2};
use egui_kittest::kittest::Queryable;
use fovea::label::LabelId;
use fovea::phantom::SAMPLES;
use std::collections::HashSet;

const FIELD: &str = "Name of the label";

/// The fundus with its one label, and the panel that lists it in front.
fn window() -> (Window, LabelId) {
    let mut window = Window::on("fundus");
    window.click("Labels panel");
    let label = window.document().selected_label();
    (window, label)
}

fn name(window: &Window, label: LabelId) -> String {
    window.document().labels().get(label).expect("it is listed").name.clone()
}

/// Begins to rename a label from its menu, and writes another name over the old one.
fn write(window: &mut Window, label: LabelId, text: &str) {
    let old = name(window, label);
    window.harness.get_by_role_and_label(Role::Button, &old).click_secondary();
    window.steps(3);
    window.click("Rename");
    assert!(window.harness.get_by_label(FIELD).is_focused(), "one can write at once");
    window.harness.event(Event::Text(text.to_owned()));
    window.steps(2);
}

/// The field has gone, and the keys are the tools' again.
fn has_ended(window: &mut Window, how: &str) {
    window.steps(2);
    assert!(window.harness.query_by_label(FIELD).is_none(), "{how}: the field is still there");
    let labels = window.document().labels().len();
    window.press(Key::N);
    assert_eq!(window.document().labels().len(), labels + 1, "{how}: a key did not reach the window");
}

#[test]
fn enter_tab_and_a_click_elsewhere_take_the_name() {
    let (mut window, label) = window();
    write(&mut window, label, "arteries");
    window.press(Key::Enter);
    assert_eq!(name(&window, label), "arteries");
    has_ended(&mut window, "Enter");

    write(&mut window, label, "veins");
    window.press(Key::Tab);
    has_ended(&mut window, "Tab");
    assert_eq!(name(&window, label), "veins");

    write(&mut window, label, "vessels");
    window.button(PointerButton::Primary, MIDDLE, true);
    window.button(PointerButton::Primary, MIDDLE, false);
    has_ended(&mut window, "a click on the image");
    assert_eq!(name(&window, label), "vessels");

    // The button beside it does what it is for, too.
    write(&mut window, label, "tree");
    window.click("New label");
    assert_eq!(name(&window, label), "tree");
    has_ended(&mut window, "a button");
}

#[test]
fn letters_of_the_frame_in_which_one_clicks_elsewhere_are_kept() {
    let (mut window, label) = window();
    write(&mut window, label, "vesse");
    let press = |pressed| Event::PointerButton {
        pos: MIDDLE,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let text = |text: &str| Event::Text(text.to_owned());
    window.harness.input_mut().events.extend([
        text("l"),
        text("s"),
        Event::PointerMoved(MIDDLE),
        press(true),
        text("n"),
    ]);
    window.steps(1);
    window.harness.input_mut().events.push(press(false));
    has_ended(&mut window, "a click in the same frame");
    assert_eq!(name(&window, label), "vessels");
}

#[test]
fn saving_does_not_hide_the_mask_and_a_quick_tap_does() {
    let (mut window, _) = window();
    let key_of =
        |key, pressed, modifiers| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
    let key = |pressed, modifiers| key_of(Key::S, pressed, modifiers);
    let hidden = |window: &Window| window.harness.query_by_label("Hide the mask").is_none();
    // Both within one frame, as on a slow machine.
    window.harness.input_mut().events.extend([key(true, Modifiers::NONE), key(false, Modifiers::NONE)]);
    window.steps(2);
    assert!(hidden(&window));
    window.press(Key::S);
    assert!(!hidden(&window));
    // Control is let go of before S.
    let control = Modifiers::CTRL | Modifiers::COMMAND;
    window.harness.input_mut().events.push(key(true, control));
    window.steps(1);
    window.harness.input_mut().events.push(key_of(Key::F20, false, Modifiers::NONE));
    window.steps(2);
    window.harness.input_mut().events.push(key(false, Modifiers::NONE));
    window.steps(2);
    assert!(!hidden(&window));
}

#[test]
fn escape_leaves_the_name_and_nothing_else() {
    let (mut window, label) = window();
    let before = name(&window, label);
    let steps = window.document().history().count();
    write(&mut window, label, "a mistake");
    window.press(Key::Escape);
    assert_eq!(name(&window, label), before);
    assert_eq!(window.document().history().count(), steps);
    has_ended(&mut window, "Escape");
}

#[test]
fn a_stroke_or_another_panel_takes_the_name() {
    let (mut window, label) = window();
    window.press(Key::B);
    write(&mut window, label, "drawn");
    window.drag(MIDDLE, MIDDLE + vec2(80.0, 0.0));
    assert_eq!(name(&window, label), "drawn");
    assert!(window.painted() > 0, "the stroke is a stroke all the same");
    has_ended(&mut window, "a stroke");

    write(&mut window, label, "seen elsewhere");
    window.click("Image panel");
    assert_eq!(name(&window, label), "seen elsewhere");
}

#[test]
fn the_name_goes_to_its_own_image_when_a_click_brings_another() {
    let (mut window, label) = window();
    let first = window.document().id();
    let tab = window.document().name().to_owned();
    window.click("Open");
    let other = SAMPLES.iter().find(|s| s.id == "oct").expect("it is built in");
    window.click(other.title);
    window.until("the other is open", |w| w.documents().len() == 2 && w.openings().is_empty());
    window.steps(3);
    let second = window.document().id();
    assert_ne!(first, second);
    let before = window.workspace().document(first).map(|d| d.labels().clone());
    let label = window.document().labels().get(label).expect("label 1").id;
    write(&mut window, label, "of the second");
    window.click(&tab);
    assert_eq!(window.document().id(), first);
    let renamed = window.workspace().document(second).and_then(|d| d.labels().get(label)).map(|l| &*l.name);
    assert_eq!(renamed, Some("of the second"));
    assert_eq!(window.workspace().document(first).map(|d| d.labels().clone()), before);
    has_ended(&mut window, "another image");
}

#[test]
fn a_field_for_a_number_ends_with_enter_too() {
    let mut window = Window::on("fundus");
    window.click("Image panel");
    let field = window.harness.query_all_by_role(Role::SpinButton).next().expect("window");
    field.click();
    window.steps(2);
    window.harness.event(Event::Text("90".into()));
    window.steps(1);
    window.press(Key::Enter);
    let labels = window.document().labels().len();
    window.press(Key::N);
    assert_eq!(window.document().labels().len(), labels + 1);
}

#[test]
fn new_labels_have_names_and_colours_of_their_own() {
    let (mut window, label) = window();
    write(&mut window, label, "LABEL 2");
    window.press(Key::Enter);
    for _ in 0..12 {
        window.press(Key::N);
    }
    let labels = window.document().labels();
    assert_eq!(labels.len(), 13);
    let names: HashSet<String> = labels.iter().map(|l| l.name.to_lowercase()).collect();
    let colors: HashSet<[u8; 3]> = labels.iter().map(|l| l.color).collect();
    assert_eq!((names.len(), colors.len()), (13, 13), "{labels:?}");

    // A name that is taken is refused, and the label keeps its own.
    let second = window.document().selected_label();
    let before = name(&window, second);
    write(&mut window, second, "label 2");
    window.press(Key::Enter);
    assert_eq!(name(&window, second), before);
    assert!(window.harness.query_by_label_contains("no other label has").is_some(), "and it is said why");
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.document().labels().len(), 12);
}
