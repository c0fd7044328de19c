//! Writing a label's name in its place, and what ends it.

use super::{MIDDLE, Window};
use egui::{
    Event, Key, Modifiers, PointerButton, Pos2, ViewportCommand, ViewportEvent, ViewportId, accesskit::Role,
    vec2,
};
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
    window.click("Layers");
    assert_eq!(name(&window, label), "tree");
    // What it has opened has the keys until it is closed.
    window.press(Key::Escape);
    has_ended(&mut window, "a button");
}

#[test]
fn a_new_label_is_named_at_once() {
    let (mut window, label) = window();
    write(&mut window, label, "vessels");
    let at = window.harness.get_by_label("New label").rect().center();
    let button = |pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    // All in one frame, as on a slow machine.
    let typed = [Event::PointerMoved(at), button(true), button(false), Event::Text("disc".into())];
    window.harness.input_mut().events.extend(typed);
    window.steps(4);
    assert!(window.harness.get_by_label(FIELD).is_focused());
    window.press(Key::Enter);
    let second = window.document().selected_label();
    assert_eq!([name(&window, label), name(&window, second)], ["vessels", "disc"]);
    assert_eq!(window.document().labels().len(), 2);
    has_ended(&mut window, "Enter");

    window.press(Key::F2);
    window.harness.event(Event::Text("cup".into()));
    window.steps(2);
    window.press(Key::Enter);
    let third = window.document().selected_label();
    assert_eq!(name(&window, third), "cup", "the one that a key has added");
}

fn row(window: &Window, label: LabelId) -> Pos2 {
    let name = name(window, label);
    window.harness.get_by_role_and_label(Role::Button, &name).rect().center()
}

#[test]
fn two_clicks_on_a_row_name_its_label_however_slow_they_are() {
    let (mut window, label) = window();
    let at = row(&window, label);
    let button = |pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let before = name(&window, label);
    window.click(&before);
    // A second later, with what is typed after the click in the same frame.
    let time = window.harness.ctx.input(|i| i.time);
    window.harness.input_mut().time = Some(time + 1.0);
    let key = |key, text: &str| {
        let event =
            Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE };
        [event, Event::Text(text.to_owned())]
    };
    let typed = [key(Key::N, "n"), key(Key::E, "e"), key(Key::T, "t")].concat();
    window.harness.input_mut().events.extend([button(true), button(false)].into_iter().chain(typed));
    window.steps(3);
    window.press(Key::Enter);
    assert_eq!(name(&window, label), "net");
    assert_eq!(window.document().labels().len(), 1, "no letter was a key of the window");
}

#[test]
fn a_row_that_was_clicked_keeps_enter_from_the_image() {
    let mut window = Window::on("oct");
    window.click("Labels panel");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    let label = window.document().selected_label();
    let before = name(&window, label);
    window.click(&before);
    for key in [Key::Enter, Key::C, Key::V] {
        window.press_with(Modifiers::SHIFT, key);
    }
    assert!(window.harness.query_by_label_contains("selected row of the list").is_some());
    window.press(Key::Enter);
    assert!(window.harness.get_by_label(FIELD).is_focused(), "Enter names it");
    window.press(Key::Escape);
    window.settle();
    assert!(!window.document().can_undo(), "{:?}", window.document().undo_title());
    // Over the image the keys are the image's.
    window.click(&before);
    window.harness.event(Event::PointerMoved(MIDDLE));
    window.steps(2);
    window.press(Key::Enter);
    window.until("the prediction is in the mask", |w| w.active().is_some_and(|d| !d.mask().is_empty()));
}

/// Control and a key, in the frame in which letters come before it and after it.
fn control(window: &mut Window, key: Key, before: &str, after: &str) {
    let modifiers = Modifiers::CTRL | Modifiers::COMMAND;
    let key = Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers };
    let text = |text: &str| Event::Text(text.to_owned());
    window.harness.input_mut().events.extend([text(before), key, text(after)]);
    window.steps(4);
}

#[test]
fn a_command_with_control_takes_the_name_and_is_done() {
    let (mut window, label) = window();
    let closed = |window: &Window| window.workspace().documents().is_empty();
    write(&mut window, label, "vesse");
    control(&mut window, Key::E, "ls", "b");
    assert_eq!(name(&window, label), "vessels");
    assert!(window.harness.query_by_label("Export the mask").is_some(), "the question of Ctrl+E");
    window.press(Key::Escape);
    has_ended(&mut window, "Ctrl+E");

    // What a field does itself stays in it.
    let steps = window.document().history().count();
    write(&mut window, label, "lines");
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert!(window.harness.get_by_label(FIELD).is_focused());
    assert_eq!(window.document().history().count(), steps);
    window.press(Key::Escape);
    assert_eq!(name(&window, label), "vessels");

    write(&mut window, label, "gone with it");
    control(&mut window, Key::W, "", "");
    window.until("the question, or the end", |w| w.documents().is_empty() || !w.risks().is_empty());
    assert!(!closed(&window), "the new name alone is something to lose");
    assert_eq!(name(&window, label), "gone with it");
}

#[test]
fn closing_the_window_takes_the_name_first() {
    let (mut window, label) = window();
    let sent = |window: &Window, command: ViewportCommand| {
        window.harness.output().viewport_output[&ViewportId::ROOT].commands.contains(&command)
    };
    write(&mut window, label, "vessel");
    window.harness.input_mut().events.push(Event::Text("s".into()));
    let viewport = window.harness.input_mut().viewports.entry(ViewportId::ROOT).or_default();
    viewport.events.push(ViewportEvent::Close);
    window.harness.step();
    assert!(sent(&window, ViewportCommand::CancelClose));
    window.harness.input_mut().viewports.entry(ViewportId::ROOT).or_default().events.clear();
    window.steps(4);
    assert_eq!(name(&window, label), "vessels");
    assert!(window.harness.query_by_label("Not everything is safe").is_some());
}

#[test]
fn control_q_quits_and_asks_where_something_would_be_lost() {
    let quits = |window: &mut Window| {
        let mut closed = false;
        let modifiers = Modifiers::CTRL | Modifiers::COMMAND;
        let key = Event::Key { key: Key::Q, physical_key: None, pressed: true, repeat: false, modifiers };
        window.harness.input_mut().events.push(key);
        for _ in 0..4 {
            window.harness.step();
            let output = &window.harness.output().viewport_output[&ViewportId::ROOT];
            closed |= output.commands.contains(&ViewportCommand::Close);
        }
        closed
    };
    let (mut window, label) = window();
    write(&mut window, label, "vessels");
    assert!(!quits(&mut window));
    assert!(window.harness.query_by_label("Not everything is safe").is_some());
    assert_eq!(name(&window, label), "vessels");
    let mut window = Window::on("fundus");
    assert!(quits(&mut window));
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
    let hidden = |window: &Window| window.harness.query_by_label("Layers: the mask is hidden").is_some();
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
    window.click("More to open");
    let other = SAMPLES.iter().find(|s| s.id == "oct").expect("it is built in");
    window.click(other.title);
    window.until("the other is open", |w| w.documents().len() == 2 && w.openings().is_empty());
    window.steps(3);
    let second = window.document().id();
    assert_ne!(first, second);
    let before = window.workspace().document(first).map(|d| d.labels().clone());
    let label = window.document().labels().get(label).expect("label 1").id;
    write(&mut window, label, "of the second");
    window.click("Previous image");
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
fn a_number_is_taken_by_a_click_and_by_control_and_left_by_escape() {
    let mut window = Window::on("oct");
    window.press(Key::B);
    let radius = |window: &Window| {
        let field = window.harness.query_all_by_role(Role::SpinButton).next().expect("the radius");
        field.value().expect("it has a value")
    };
    let begin = |window: &mut Window, text: &str| {
        window.harness.query_all_by_role(Role::SpinButton).next().expect("the radius").click();
        window.steps(3);
        window.harness.event(Event::Text(text.to_owned()));
        window.steps(2);
    };
    let before = radius(&window);
    begin(&mut window, "0.1");
    window.press(Key::Escape);
    window.steps(2);
    assert_eq!(radius(&window), before);

    begin(&mut window, "0.1");
    control(&mut window, Key::E, "1", "");
    window.press(Key::Escape);
    window.steps(2);
    assert!(radius(&window).starts_with("0.11"), "{}", radius(&window));

    begin(&mut window, "0.1");
    let press = |pressed| Event::PointerButton {
        pos: MIDDLE,
        button: PointerButton::Middle,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let events = [Event::Text("5".into()), Event::PointerMoved(MIDDLE), press(true), press(false)];
    window.harness.input_mut().events.extend(events);
    window.steps(4);
    assert!(radius(&window).starts_with("0.15"), "{}", radius(&window));
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
    assert!(window.harness.query_by_label_contains("another label has it").is_some(), "and it is said why");
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.document().labels().len(), 12);
}
