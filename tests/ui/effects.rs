//! Effects in the window: found, set up, seen, applied.

use super::{SIZE, Window};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
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

/// Chooses a line of a list.
fn choose(window: &mut Window, list: &str, line: &str) {
    window.click(list);
    window.click(line);
}

fn number_field<'a>(window: &'a Window, name: &'a str) -> Option<egui_kittest::Node<'a>> {
    window.harness.query_by_role_and_label(Role::SpinButton, name)
}

fn number(window: &Window, name: &str) -> f64 {
    let field = number_field(window, name).expect("the field is there");
    field.accesskit_node().numeric_value().expect("it has a number")
}

/// Writes into the field of a number, and ends it with a key.
fn write(window: &mut Window, name: &str, text: &str, end: Key) {
    number_field(window, name).expect("the field is there").scroll_to_me();
    window.steps(2);
    number_field(window, name).expect("the field is there").click();
    window.steps(3);
    window.harness.event(Event::Text(text.to_owned()));
    window.steps(2);
    window.press(end);
    window.steps(2);
}

/// The OCT sample with the prediction of one slice accepted.
fn volume() -> Window {
    let mut window = Window::on("oct");
    let predicted = |w: &Workspace| w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some());
    window.until("the slice is predicted", predicted);
    window.steps(2);
    window.press(Key::Enter);
    window.until("it is accepted", |w| painted(w) > 0);
    window
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
    choose(&mut window, "Keep: The largest part", "Parts of at least a size");
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

/// Two images, the first one in front.
fn two_images() -> Window {
    let mut workspace = super::workspace(EngineOptions::headless(DeviceChoice::Cpu));
    for sample in ["oct", "ct"] {
        workspace.apply(Command::Open(format!("sample:{sample}").into())).unwrap();
        let opened = |w: &Workspace| w.openings().is_empty() && w.active().is_some();
        assert!(workspace.wait_until(PATIENCE, opened));
    }
    let mut window = Window::of(workspace, SIZE, None);
    window.steps(3);
    window
}

#[test]
fn it_waits_on_its_image_while_another_is_in_front() {
    let mut window = two_images();
    find(&mut window, "islands");
    outcome_or_reason(&mut window);
    choose(&mut window, "Keep: The largest part", "All, each part as a label");
    assert!(shows(&window, "Apply"));
    window.press_with(Modifiers::COMMAND, Key::PageDown);
    window.steps(3);
    assert!(!shows(&window, "Apply") && window.workspace().effect_preview().is_none());
    // There another one is set up meanwhile.
    find(&mut window, "margin");
    assert!(number_field(&window, "Margin").is_some());
    window.press_with(Modifiers::COMMAND, Key::PageDown);
    window.steps(3);
    assert!(shows(&window, "Apply") && shows(&window, "Keep: All, each part as a label"));
    outcome_or_reason(&mut window);
    window.press_with(Modifiers::COMMAND, Key::PageDown);
    window.steps(3);
    assert!(!shows(&window, "Islands") && number_field(&window, "Margin").is_some());
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
    assert!(window.harness.get_by_label("Accept").accesskit_node().is_disabled());
    let one = window.harness.query_all_by_label_contains("alone").next().expect("a structure was found");
    assert!(one.accesskit_node().is_disabled());
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

#[test]
fn an_open_list_has_its_own_keys() {
    let mut window = volume();
    let slice = window.document().cursor()[2];
    let before = painted(window.workspace());
    find(&mut window, "islands");
    outcome(&mut window);
    window.click("Keep: The largest part");
    for _ in 0..2 {
        window.press(Key::ArrowDown);
    }
    window.press(Key::ArrowDown);
    window.press(Key::ArrowUp);
    window.press(Key::Enter);
    window.steps(2);
    assert_eq!(window.document().cursor()[2], slice, "the slice stays");
    assert!(shows(&window, "Keep: Parts of at least a size"), "Enter takes the line");
    assert!(!shows(&window, "The part at a place"), "and the list closes");
    window.settle();
    assert_eq!(painted(window.workspace()), before, "nothing is applied");
    window.click("Keep: Parts of at least a size");
    assert!(shows(&window, "The part at a place"));
    window.press(Key::B);
    window.press(Key::Escape);
    assert!(!shows(&window, "The part at a place"));
    assert!(shows(&window, "Apply"), "Escape closes the list alone");
    let brush = window.harness.get_by_role_and_label(Role::Button, "Brush").accesskit_node().toggled();
    assert_ne!(brush, Some(egui::accesskit::Toggled::True), "the letter was the list's");
    // A command with Ctrl ends it, as it ends a text field.
    window.click("Keep: Parts of at least a size");
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.until("it is taken back", |w| painted(w) == 0);
    window.steps(2);
    assert!(!shows(&window, "The part at a place"));
}

#[test]
fn a_line_of_any_menu_is_taken_by_enter_and_the_menu_closes() {
    let mut window = Window::on("oct");
    window.click("More");
    let is_open = |window: &Window| window.texts().iter().any(|text| text == "Messages");
    assert!(is_open(&window));
    let theme = window.harness.ctx.theme();
    window.press(Key::ArrowDown);
    window.press(Key::ArrowDown);
    window.press(Key::ArrowDown);
    window.press(Key::Enter);
    window.steps(3);
    assert_ne!(window.harness.ctx.theme(), theme, "the third line is the theme");
    assert!(!is_open(&window));
}

#[test]
fn escape_in_a_field_ends_the_field_alone() {
    let mut window = volume();
    find(&mut window, "margin");
    outcome(&mut window);
    let before = number(&window, "Margin");
    write(&mut window, "Margin", "7", Key::Escape);
    assert!(shows(&window, "Apply"));
    assert_eq!(number(&window, "Margin"), before);
    window.press(Key::Escape);
    window.steps(2);
    assert!(!shows(&window, "Apply"));
}

#[test]
fn a_number_is_read_as_people_write_it_and_nonsense_is_refused_in_words() {
    let mut window = volume();
    find(&mut window, "margin");
    outcome(&mut window);
    write(&mut window, "Margin", "2,5", Key::Enter);
    assert_eq!(number(&window, "Margin"), 2.5);
    for text in ["nan", "abc"] {
        write(&mut window, "Margin", text, Key::Enter);
        assert_eq!(number(&window, "Margin"), 2.5);
        assert!(shows(&window, &format!("“{text}” is no number")));
    }
    assert!(shows(&window, "Apply"), "Enter is the field's");
    window.press(Key::Escape);
    find(&mut window, "islands");
    choose(&mut window, "Keep: The largest part", "Parts of at least a size");
    write(&mut window, "Least size", "0", Key::Enter);
    assert_eq!(number(&window, "Least size"), 1.0);
    assert!(shows(&window, "1 voxels is the least"));
    write(&mut window, "Least size", "2,5", Key::Enter);
    assert_eq!(number(&window, "Least size"), 1.0);
    assert!(shows(&window, "Only a whole number"));
}

#[test]
fn enter_does_nothing_where_nothing_would_change_and_says_so() {
    let mut window = Window::on("fundus");
    window.press(Key::B);
    window.drag(super::MIDDLE, super::MIDDLE + egui::vec2(60.0, 0.0));
    find(&mut window, "islands");
    outcome(&mut window);
    assert!(window.harness.get_by_label("Apply").accesskit_node().is_disabled());
    let steps = window.document().history().count();
    window.press(Key::Enter);
    window.steps(3);
    assert!(shows(&window, "Apply"), "its panel stays");
    assert!(shows(&window, "The effect changes nothing"));
    assert_eq!(window.document().history().count(), steps);
    window.click("Leave the effect");
    assert!(!shows(&window, "Apply"));
}

#[test]
fn slices_from_and_to_take_each_other_along() {
    let mut window = volume();
    find(&mut window, "islands");
    outcome(&mut window);
    window.click("Slices");
    let last = number(&window, "Last slice");
    let beyond = last + 3.0;
    write(&mut window, "First slice", &beyond.to_string(), Key::Enter);
    assert_eq!([number(&window, "First slice"), number(&window, "Last slice")], [beyond; 2]);
    write(&mut window, "Last slice", "2", Key::Enter);
    assert_eq!([number(&window, "First slice"), number(&window, "Last slice")], [2.0; 2]);
}

#[test]
fn what_it_was_told_last_is_said_and_one_click_away_from_the_defaults() {
    let mut window = volume();
    find(&mut window, "margin");
    outcome(&mut window);
    assert!(!shows(&window, "set as last time") && !shows(&window, "Defaults"));
    write(&mut window, "Margin", "9", Key::Enter);
    assert!(!shows(&window, "set as last time") && shows(&window, "Defaults"));
    window.press(Key::Escape);
    find(&mut window, "margin");
    outcome(&mut window);
    assert!(shows(&window, "set as last time") && number(&window, "Margin") == 9.0);
    window.click("Defaults");
    assert_eq!(number(&window, "Margin"), 3.0);
    assert!(!shows(&window, "set as last time") && !shows(&window, "Defaults"));
}

#[test]
fn what_was_typed_counts_before_enter_does() {
    let mut window = volume();
    window.press_with(Modifiers::COMMAND, Key::K);
    window.steps(2);
    let modifiers = Modifiers::NONE;
    let enter = Event::Key { key: Key::Enter, physical_key: None, pressed: true, repeat: false, modifiers };
    window.harness.input_mut().events.extend([Event::Text("islands".into()), enter]);
    window.steps(4);
    assert!(shows(&window, "Apply") && shows(&window, "Islands"));
}

#[test]
fn from_the_list_it_is_applied_at_once_where_one_says() {
    let mut window = volume();
    let before = painted(window.workspace());
    window.press_with(Modifiers::COMMAND, Key::K);
    window.steps(2);
    window.harness.event(Event::Text("margin".into()));
    window.steps(2);
    let said = |window: &Window, words: &str| window.texts().iter().any(|text| text.contains(words));
    assert!(said(&window, "whole volume"));
    window.press(Key::Tab);
    assert!(said(&window, "this slice"));
    window.press_with(Modifiers::COMMAND, Key::Enter);
    window.until("it is applied", |w| painted(w) > before);
    window.steps(3);
    assert!(!shows(&window, "Apply") && window.harness.query_by_role(Role::TextInput).is_none());
    let z = window.document().cursor()[2];
    let labelled = |window: &Window, z: usize| window.document().mask().slice(z).iter().any(|&l| l != 0);
    assert!(labelled(&window, z) && !labelled(&window, z + 1), "in this slice alone");
    // Over an effect that is set up it is not: what is set up would be lost.
    find(&mut window, "islands");
    outcome(&mut window);
    let before = window.document().mask_hash();
    window.press_with(Modifiers::COMMAND, Key::K);
    window.steps(2);
    window.harness.event(Event::Text("margin".into()));
    window.steps(2);
    window.press_with(Modifiers::COMMAND, Key::Enter);
    window.settle();
    assert_eq!(window.document().mask_hash(), before);
    assert!(shows(&window, "Apply") && shows(&window, "Islands"));
}

#[test]
fn a_step_is_added_without_moving_the_button_that_adds_it() {
    let mut window = volume();
    window.harness.set_size(egui::vec2(1000.0, 520.0));
    window.steps(4);
    find(&mut window, "margin");
    outcome(&mut window);
    window.harness.get_by_label("Add a step").scroll_to_me();
    window.steps(20);
    let before = window.harness.get_by_label("Add a step").rect();
    window.click("Add a step");
    window.click("Hollow");
    window.steps(20);
    let after = window.harness.get_by_label("Add a step").rect();
    assert!((after.top() - before.top()).abs() < 2.0, "{before:?} {after:?}");
    // Its choices have room, one below the other.
    assert_eq!(super::states::complaints(&window), Vec::<String>::new());
}

#[test]
fn what_is_missing_is_asked_for_without_alarm() {
    let mut window = volume();
    find(&mut window, "mask by");
    outcome_or_reason(&mut window);
    let why = window.workspace().effect_failure().expect("it needs another label").to_owned();
    let why = why[1..].to_owned();
    let color = window.color_of(&why).expect("it is said");
    // The weak words of the dark theme, which are grey.
    let [r, g, b, _] = color.to_array();
    assert!(r.abs_diff(g) < 0x10 && g.abs_diff(b) < 0x10, "{why} is said in {color:?}");
}

#[test]
fn while_the_key_is_held_the_words_are_those_of_what_is_drawn() {
    let mut window = window();
    find(&mut window, "islands");
    outcome(&mut window);
    let says = |window: &Window, words: &str| window.texts().iter().any(|text| text.contains(words));
    assert!(says(&window, "hold S to compare"));
    let key = |pressed| {
        let modifiers = Modifiers::NONE;
        Event::Key { key: Key::S, physical_key: None, pressed, repeat: false, modifiers }
    };
    window.harness.event(key(true));
    window.steps(3);
    assert!(says(&window, "Without the effect") && !says(&window, "hold S to compare"));
    window.harness.event(key(false));
    window.steps(3);
    assert!(says(&window, "hold S to compare") && !says(&window, "Without the effect"));
}

#[test]
fn what_is_typed_right_behind_the_key_of_find_is_written_there() {
    let mut window = Window::on("ct");
    let labels = window.document().labels().iter().count();
    // All of it in one frame, as on a slow machine.
    let key = |key, modifiers| egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers,
    };
    window.harness.event(key(Key::K, Modifiers::COMMAND));
    for letter in ["i", "s", "l", "a", "n", "d", "s"] {
        window.harness.event(key(Key::from_name(&letter.to_uppercase()).unwrap(), Modifiers::NONE));
        window.harness.event(egui::Event::Text(letter.to_owned()));
    }
    window.harness.event(key(Key::Enter, Modifiers::NONE));
    window.steps(3);
    assert!(window.texts().iter().any(|text| text == "Islands"), "{:?}", window.texts());
    assert_eq!(window.document().labels().iter().count(), labels, "no letter was a command");
}
