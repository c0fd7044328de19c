//! Keys that a person changes, and the way through the window without a mouse.

use super::learn::painted;
use super::{MIDDLE, Window};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, Rect, vec2};
use egui_kittest::kittest::{NodeT, Queryable};

fn click_line(window: &mut Window, line: &str) {
    window.harness.get_by_label_contains(line).click();
    window.steps(3);
}

#[test]
fn a_line_of_the_list_takes_the_key_that_is_pressed() {
    let mut window = Window::on("oct");
    window.press(Key::F1);
    click_line(&mut window, "Next slice: Down");
    // Shift goes down first, as on a keyboard.
    window.press_with(Modifiers::SHIFT, Key::ShiftLeft);
    window.press_with(Modifiers::SHIFT, Key::J);
    window.steps(2);
    assert!(window.harness.query_by_label_contains("Next slice: Shift+J").is_some());
    window.press(Key::Escape);
    window.steps(20);
    let z = window.document().cursor()[2];
    window.press(Key::ArrowDown);
    assert_eq!(window.document().cursor()[2], z, "its first key has gone");
    window.press_with(Modifiers::SHIFT, Key::J);
    assert_eq!(window.document().cursor()[2], z + 1);
    // And back.
    window.press(Key::F1);
    window.click("All keys as at first");
    window.press(Key::Escape);
    window.steps(20);
    window.press(Key::ArrowDown);
    assert_eq!(window.document().cursor()[2], z + 2);
}

#[test]
fn a_key_that_means_something_is_taken_only_when_the_person_says_so() {
    let mut window = Window::on("oct");
    window.press(Key::F1);
    click_line(&mut window, "Next slice: Down");
    window.press(Key::ArrowUp);
    assert!(window.harness.query_by_label_contains("Up is “Previous slice”").is_some());
    window.click("Leave it");
    assert!(window.harness.query_by_label_contains("Next slice: Down").is_some());
    click_line(&mut window, "Next slice: Down");
    window.press(Key::Space);
    assert!(window.harness.query_by_label_contains("cannot be given to anything else").is_some());
    window.press(Key::ArrowUp);
    window.click("Take it from there");
    window.press(Key::Escape);
    window.steps(20);
    let z = window.document().cursor()[2];
    window.press(Key::ArrowUp);
    assert_eq!(window.document().cursor()[2], z + 1);
}

/// What has the keyboard: its name, and where it is.
fn at(window: &Window) -> Option<(String, Rect)> {
    let all = window.harness.query_all(egui_kittest::kittest::By::new());
    let has_it = all.filter(|node| node.accesskit_node().is_focused());
    has_it.filter_map(|node| Some((node.accesskit_node().label()?, node.rect()))).next()
}

fn focused(window: &Window) -> String {
    at(window).map(|(name, _)| name).unwrap_or_default()
}

/// Goes on to a part of the window.
fn go_to(window: &mut Window, part: &str) {
    for _ in 0..7 {
        window.press(Key::F6);
        if focused(window) == part {
            return;
        }
    }
    panic!("F6 does not come to “{part}”");
}

#[test]
fn what_can_be_done_about_a_taken_key_is_within_reach_of_the_keyboard() {
    let mut window = Window::on("oct");
    let wait = |window: &mut Window| {
        window.press(Key::F1);
        click_line(window, "Next slice: Down");
        // Keys that go through widgets elsewhere can be given as well.
        window.press(Key::Tab);
        assert!(window.harness.query_by_label_contains("Tab is “Swap brush and eraser”").is_some());
    };
    wait(&mut window);
    assert_eq!(focused(&window), "Take it from there");
    window.press(Key::Tab);
    assert_eq!(focused(&window), "Leave it");
    window.press(Key::Enter);
    window.steps(2);
    assert!(window.harness.query_by_label_contains("Next slice: Down").is_some());
    window.press(Key::Escape);
    window.steps(20);
    wait(&mut window);
    window.press(Key::Enter);
    window.steps(2);
    assert!(window.harness.query_by_label_contains("Next slice: Tab").is_some());
    window.press(Key::Escape);
    window.steps(20);
    let z = window.document().cursor()[2];
    window.press(Key::Tab);
    assert_eq!(window.document().cursor()[2], z + 1);
    // And the sheet opens with each of its keys all the same.
    for (modifiers, key) in [
        (Modifiers::NONE, Key::F1),
        (Modifiers::NONE, Key::Questionmark),
        (Modifiers::SHIFT, Key::Questionmark),
        (Modifiers::SHIFT, Key::Slash),
    ] {
        window.press_with(modifiers, key);
        window.steps(2);
        assert!(window.harness.query_by_label_contains("Next slice: Tab").is_some(), "{modifiers:?} {key:?}");
        window.press(Key::Escape);
        window.steps(20);
    }
}

#[test]
fn the_question_mark_opens_the_list_again_where_shift_was_released_first() {
    let mut window = Window::on("fundus");
    let slash = |key, pressed, modifiers| Event::Key {
        key,
        physical_key: Some(Key::Slash),
        pressed,
        repeat: false,
        modifiers,
    };
    for _ in 0..3 {
        window.harness.event(slash(Key::Questionmark, true, Modifiers::SHIFT));
        window.steps(2);
        window.harness.event(slash(Key::Slash, false, Modifiers::NONE));
        window.steps(2);
        assert!(window.harness.query_by_label("Search the keys").is_some());
        window.press(Key::Escape);
        window.steps(20);
        assert!(window.harness.query_by_label("Search the keys").is_none());
    }
}

#[test]
fn what_comes_over_the_window_ends_its_tooltips() {
    let mut window = Window::on("fundus");
    let at = window.harness.get_by_label("Panels").rect().center();
    window.harness.event(Event::PointerMoved(at));
    window.steps(8);
    let shown = |window: &Window| window.texts().contains(&"Panels".to_owned());
    assert!(shown(&window));
    window.press(Key::F1);
    window.steps(8);
    assert!(!shown(&window), "below the list of keys");
    window.press(Key::Escape);
    window.steps(20);
    window.harness.event(Event::PointerMoved(at + vec2(1.0, 0.0)));
    window.steps(8);
    assert!(shown(&window), "and again when that has gone");
}

#[test]
fn hints_name_the_keys_that_count() {
    let mut window = Window::on("fundus");
    window.press(Key::B);
    window.steps(2);
    assert!(painted(&window, "[ ] or Shift+wheel"));
    window.press(Key::F1);
    click_line(&mut window, "Smaller brush: [");
    window.press(Key::F7);
    window.press(Key::Escape);
    window.steps(20);
    assert!(painted(&window, "F7 ] or Shift+wheel"));
}

#[test]
fn tab_goes_through_a_bar_as_it_is_seen() {
    for width in [1280.0, 620.0] {
        let mut window = Window::on("oct");
        window.harness.set_size(vec2(width, 600.0));
        window.settle();
        window.steps(4);
        for part in ["Bar at the top", "Options of the tool and of the view"] {
            go_to(&mut window, part);
            let bar = at(&window).unwrap().1;
            let mut lefts = Vec::new();
            loop {
                window.press(Key::Tab);
                let (_, rect) = at(&window).expect("something has the keyboard");
                if !bar.contains(rect.center()) || lefts.len() > 40 {
                    break;
                }
                lefts.push(rect.left());
            }
            assert!(lefts.len() >= 3, "{part}: {lefts:?}");
            assert!(lefts.is_sorted(), "{part}, {width} wide: {lefts:?}");
        }
    }
}

#[test]
fn what_the_keyboard_comes_to_has_a_ring() {
    let mut window = Window::on("oct");
    window.click("Labels panel");
    window.settle();
    let is_ringed = |window: &Window, rect: Rect| {
        let mut ringed = false;
        for clipped in &window.harness.output().shapes {
            if let egui::Shape::Rect(shape) = &clipped.shape {
                ringed |= shape.stroke.width == 2.0
                    && shape.rect.contains_rect(rect)
                    && rect.expand(3.0).contains_rect(shape.rect)
                    && clipped.clip_rect.contains_rect(rect);
            }
        }
        ringed
    };
    let verify = window.harness.get_by_label("Verify slice").rect();
    assert!(!is_ringed(&window, verify));
    go_to(&mut window, "Lower end of the panel");
    window.press(Key::Tab);
    assert_eq!(focused(&window), "Verify slice");
    assert!(is_ringed(&window, verify));
    for part in ["Bar at the top", "Tools", "Status"] {
        go_to(&mut window, part);
        window.press(Key::Tab);
        let (name, rect) = at(&window).expect("something has the keyboard");
        assert!(is_ringed(&window, rect), "{part}: {name}");
    }
    // With the pointer again it goes.
    window.drag(MIDDLE, MIDDLE);
    assert!(!is_ringed(&window, verify));
}

#[test]
fn the_keyboard_goes_through_the_parts_of_the_window() {
    let mut window = Window::on("oct");
    window.settle();
    let mut parts = Vec::new();
    for _ in 0..7 {
        window.press(Key::F6);
        parts.push(focused(&window));
    }
    let wanted = [
        "Panel",
        "Lower end of the panel",
        "Status",
        "Bar at the top",
        "Tools",
        "Options of the tool and of the view",
        "Views of the image",
    ];
    assert_eq!(parts, wanted);
    // From the tools Tab goes to the first of them, and Enter uses it.
    window.press_with(Modifiers::SHIFT, Key::F6);
    window.press_with(Modifiers::SHIFT, Key::F6);
    assert_eq!(focused(&window), "Tools");
    for _ in 0..3 {
        window.press(Key::Tab);
    }
    assert_eq!(focused(&window), "Brush");
    window.press(Key::Enter);
    window.steps(3);
    let brush = window.harness.get_by_role_and_label(Role::Button, "Brush");
    assert_eq!(brush.accesskit_node().toggled(), Some(egui::accesskit::Toggled::True));
    // Over the image the key swaps brush and eraser again.
    window.drag(MIDDLE, MIDDLE);
    window.press(Key::Tab);
    let eraser = window.harness.get_by_role_and_label(Role::Button, "Eraser");
    assert_eq!(eraser.accesskit_node().toggled(), Some(egui::accesskit::Toggled::True));
}

fn open_messages(window: &mut Window) {
    window.press_with(Modifiers::COMMAND, Key::K);
    for letter in "messages".chars() {
        window.harness.event(egui::Event::Text(letter.to_string()));
        window.harness.step();
    }
    window.press(Key::Enter);
    window.steps(3);
}

#[test]
fn what_was_said_is_listed_when_the_notice_has_gone() {
    let mut window = Window::on("fundus");
    open_messages(&mut window);
    assert!(window.harness.query_by_label("Nothing has been said yet.").is_some());
    window.press(Key::Escape);
    window.steps(20);
    assert!(window.harness.query_by_label("Messages since the start").is_none());
    // A model changes no verified image, and says so.
    window.press_with(Modifiers::COMMAND, Key::Enter);
    window.press(Key::Enter);
    window.steps(3);
    open_messages(&mut window);
    assert!(window.harness.query_by_label("Nothing has been said yet.").is_none());
    assert!(window.harness.query_all_by_label_contains("verified").next().is_some());
}
