//! The window's frame: workspaces, finding anything, reviewing with one key, small windows.

use super::states::unnamed;
use super::{MIDDLE, SIZE, Window, workspace};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Theme, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use fovea::engine::EngineOptions;
use fovea::nn::DeviceChoice;
use fovea::workspace::Workspace;

pub(super) fn control(window: &mut Window, key: Key) {
    window.press_with(Modifiers::CTRL | Modifiers::COMMAND, key);
    window.steps(3);
}

fn shows(window: &Window, name: &str) -> bool {
    window.harness.query_by_label(name).is_some()
}

#[test]
fn a_workspace_decides_which_panels_there_are_and_changes_nothing_else() {
    let mut window = Window::on("oct");
    window.press(Key::B);
    window.press(Key::ArrowDown);
    let (slice, steps) = (window.document().cursor(), window.document().history().count());
    for (key, name, panel) in [
        (Key::Num3, "Review workspace", "Queue panel"),
        (Key::Num2, "Label workspace", "Labels panel"),
        (Key::Num1, "Data set workspace", "1 open image"),
        (Key::Num4, "Learn workspace", "Learn workspace"),
    ] {
        control(&mut window, key);
        assert!(shows(&window, panel), "{name} has {panel}");
        let chosen = window.harness.get_by_label(name).accesskit_node().toggled();
        assert!(chosen.is_some_and(|toggled| toggled == egui::accesskit::Toggled::True), "{name}");
    }
    window.click("Label workspace");
    let brush = window.harness.get_by_role_and_label(Role::Button, "Brush").accesskit_node().toggled();
    assert_eq!(brush, Some(egui::accesskit::Toggled::True), "the tool is the same");
    assert_eq!((window.document().cursor(), window.document().history().count()), (slice, steps));
}

fn find(window: &mut Window, words: &str) {
    control(window, Key::K);
    window.harness.event(Event::Text(words.into()));
    window.steps(3);
}

#[test]
fn whatever_is_found_is_done_with_enter() {
    let mut window = Window::on("fundus");
    find(&mut window, "light th");
    window.press(Key::Enter);
    window.steps(3);
    assert_eq!(window.harness.ctx.theme(), Theme::Light);

    window.press(Key::N);
    window.press(Key::Enter);
    let labels: Vec<_> = window.document().labels().iter().map(|l| (l.id, l.name.clone())).collect();
    let (other, name) =
        labels.iter().find(|(id, _)| *id != window.document().selected_label()).expect("two labels").clone();
    find(&mut window, &name);
    window.press(Key::Enter);
    window.steps(3);
    assert_eq!(window.document().selected_label(), other);

    // A letter that is a tool's key goes into the field.
    find(&mut window, "e");
    assert!(window.document().stroke().is_none());
    window.press(Key::Escape);
    window.steps(3);
    assert_eq!(window.harness.query_all_by_role(Role::TextInput).count(), 0, "Escape leaves it");
}

#[test]
fn what_cannot_be_done_says_why_and_stays() {
    let mut window = Window::on("fundus");
    find(&mut window, "redo");
    let row = window.harness.get_by_role_and_label(Role::ListItem, "Redo");
    assert!(row.accesskit_node().is_disabled());
    window.press(Key::Enter);
    window.steps(3);
    assert_eq!(window.harness.query_all_by_role(Role::TextInput).count(), 1, "it stays open");
}

fn space_key(pressed: bool, repeat: bool) -> Event {
    Event::Key { key: Key::Space, physical_key: None, pressed, repeat, modifiers: Modifiers::NONE }
}

/// Space goes down, and up after so many seconds; `repeats`: so often the keyboard says meanwhile that it is down.
pub(super) fn space(window: &mut Window, secs: f64, repeats: usize) {
    window.harness.event(space_key(true, false));
    window.steps(1);
    let time = window.harness.ctx.input(|i| i.time);
    for n in 0..repeats {
        window.harness.input_mut().time = Some(time + secs * (n + 1) as f64 / (repeats + 1) as f64);
        window.harness.event(space_key(true, true));
        window.steps(1);
    }
    window.harness.input_mut().time = Some(time + secs);
    window.harness.event(space_key(false, false));
    window.steps(1);
    window.harness.input_mut().time = None;
    window.steps(2);
}

#[test]
fn a_tap_in_review_accepts_verifies_and_goes_on_as_one_step() {
    let mut window = Window::on("oct");
    control(&mut window, Key::Num3);
    let first = window.document().cursor()[2];
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.steps(2);
    space(&mut window, 1.0, 5);
    assert!(!window.document().is_verified(first), "held it is no tap");
    space(&mut window, 0.1, 0);
    window.until("it is accepted", |w| w.active().is_some_and(|d| d.is_verified(first)));
    window.steps(2);
    assert!(window.painted() > 0, "the prediction is in the mask");
    assert_eq!(window.document().cursor()[2], first + 1, "and the next slice is in front");
    control(&mut window, Key::Z);
    window.until("it is taken back", |w| w.active().is_some_and(|d| !d.is_verified(first)));
    assert_eq!(window.painted(), 0, "one undo takes both back");

    // On a slow machine a frame lasts longer than a tap: it comes within one, or ends with the next.
    window.harness.event(space_key(true, false));
    window.harness.event(space_key(false, false));
    window.until("it is accepted", |w| w.active().is_some_and(|d| d.verified().len() == 1));
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    space(&mut window, 0.8, 0);
    window.until("it is accepted", |w| w.active().is_some_and(|d| d.verified().len() == 2));
    for _ in 0..2 {
        control(&mut window, Key::Z);
        window.settle();
    }
    assert!(window.document().verified().is_empty());

    control(&mut window, Key::Num2);
    space(&mut window, 0.1, 0);
    assert!(window.document().verified().is_empty(), "elsewhere Space only moves the image");
}

#[test]
fn in_a_narrow_window_the_panel_is_a_drawer_and_nothing_lies_over_the_name() {
    let mut window = Window::on("fundus");
    window.harness.set_size(vec2(640.0, 500.0));
    window.steps(20);
    assert!(!shows(&window, "Labels panel"), "the drawer is closed at first");
    let right = |window: &Window, name: &str| window.harness.get_by_label(name).rect().right();
    for name in ["Open", "Undo", "Find anything", "More", "Tools"] {
        assert!(right(&window, name) <= 640.0, "{name}");
    }
    control(&mut window, Key::B);
    assert!(shows(&window, "Labels panel"));
    control(&mut window, Key::B);
    assert!(!shows(&window, "Labels panel"));
}

#[test]
fn what_a_model_of_phantoms_is_worth_is_said_once() {
    let mut window = Window::on("ct");
    let predicted = |w: &Workspace| w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some());
    window.until("the slice is predicted", predicted);
    let said = |window: &Window| {
        let texts = window.texts();
        texts
            .into_iter()
            .filter(|words| words.to_lowercase().contains("of no use on patients"))
            .collect::<Vec<_>>()
    };
    for layout in [Key::Num1, Key::Num2, Key::Num3] {
        window.press_with(Modifiers::COMMAND | Modifiers::ALT, layout);
        window.steps(3);
        assert_eq!(said(&window).len(), 1, "{layout:?}: {:?}", said(&window));
    }
    // In Review by the legend.
    control(&mut window, Key::Num3);
    assert_eq!(said(&window), ["Of no use on patients"]);
    window.harness.get_by_label_contains("Legend").click();
    window.steps(4);
    assert_eq!(said(&window).len(), 1, "without the legend over the image again");
}

#[test]
fn an_undone_acceptance_names_the_model_and_no_fingerprint() {
    let mut window = Window::on("oct");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.steps(2);
    window.press(Key::Enter);
    window.until("it is accepted", |w| w.active().is_some_and(|d| !d.mask().is_empty()));
    window.steps(3);
    assert!(shows(&window, "Undo: accept prediction of OCT phantom demonstration"));
}

#[test]
fn every_widget_that_can_be_used_has_a_name() {
    let mut window = Window::on("oct");
    window.settle();
    for key in [Key::Num1, Key::Num2, Key::Num3, Key::Num4] {
        control(&mut window, key);
        assert_eq!(unnamed(&window), [], "{key:?}");
    }
    control(&mut window, Key::Num2);
    for panel in ["Labels panel", "Prediction panel", "Image panel"] {
        window.click(panel);
        assert_eq!(unnamed(&window), [], "{panel}");
    }
}

#[test]
fn a_panel_has_one_filled_button_in_a_place_that_does_not_scroll() {
    let mut window = Window::on("oct");
    window.click("Labels panel");
    let verify = window.harness.get_by_label("Verify slice").rect();
    assert!(verify.bottom() <= SIZE[1] - 28.0 && verify.top() > SIZE[1] - 28.0 - 56.0, "{verify:?}");
    window.harness.set_size(vec2(1000.0, 520.0));
    window.steps(4);
    let verify = window.harness.get_by_label("Verify slice").rect();
    assert!(verify.bottom() <= 520.0 - 28.0, "{verify:?}");
    window.click("Verify slice");
    let z = window.document().cursor()[2];
    assert!(window.document().is_verified(z));
    assert!(shows(&window, "Take the verified mark away"));
}

#[test]
fn the_start_screen_opens_what_its_keys_say() {
    let mut window = Window::of(workspace(EngineOptions::headless(DeviceChoice::Cpu)), SIZE, None);
    window.steps(3);
    window.press(Key::Num1);
    window.until("the sample is open", |w| w.active().is_some());
    window.steps(3);
    assert!(shows(&window, "Queue panel"), "and Review is in front");
    window.drag(MIDDLE, MIDDLE + vec2(5.0, 5.0));
    assert!(window.workspace().active().is_some());
}

#[test]
fn the_interface_is_no_larger_than_its_window_has_room_for() {
    let mut window = Window::on("fundus");
    let pixels = vec2(560.0, 480.0);
    // As a window of so many pixels is.
    let settle = |window: &mut Window| {
        for _ in 0..4 {
            let zoom = window.harness.ctx.zoom_factor();
            window.harness.set_size(pixels / zoom);
            window.steps(1);
        }
    };
    settle(&mut window);
    window.harness.ctx.set_zoom_factor(2.0);
    settle(&mut window);
    assert_eq!(window.harness.ctx.zoom_factor(), 1.2);
    control(&mut window, Key::Plus);
    settle(&mut window);
    assert_eq!(window.harness.ctx.zoom_factor(), 1.2);
    assert!(shows(&window, "This window is too small for a larger interface"));
    // In a larger one it is as large as it was wanted.
    for _ in 0..4 {
        let zoom = window.harness.ctx.zoom_factor();
        window.harness.set_size(vec2(1600.0, 1000.0) / zoom);
        window.steps(1);
    }
    assert_eq!(window.harness.ctx.zoom_factor(), 2.0);
}

#[test]
fn notices_and_a_drawer_do_not_cover_each_other() {
    let mut window = Window::on("oct");
    window.settle();
    for (size, beside) in [([600.0, 500.0], true), ([450.0, 320.0], false)] {
        window.harness.set_size(vec2(size[0], size[1]));
        window.steps(20);
        if !shows(&window, "Labels panel") {
            control(&mut window, Key::B);
        }
        window.click("Labels panel");
        // It is refused with a notice.
        let z = window.document().cursor()[2];
        if !window.document().is_verified(z) {
            window.press_with(Modifiers::COMMAND, Key::Enter);
        }
        window.press(Key::Enter);
        window.steps(4);
        let notice = window.harness.query_all_by_label("Dismiss").last().expect("a notice").rect();
        let verify = window.harness.get_by_label_contains("verified mark").rect();
        let panel = window.harness.get_by_label("Labels panel").rect();
        assert!(notice.bottom() <= verify.top(), "{size:?}: {notice:?} over the footer at {verify:?}");
        assert_eq!(notice.right() <= panel.left(), beside, "{size:?}: {notice:?} and {panel:?}");
        window.harness.query_all_by_label("Dismiss").last().expect("a notice").click();
        window.steps(4);
        assert!(window.harness.query_by_label("Dismiss").is_none(), "{size:?}: it can be reached");
    }
}
