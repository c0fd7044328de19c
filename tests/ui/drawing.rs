//! Lasso, polygon and fill, drawn by a scripted hand.

use super::{MIDDLE, Window};
use egui::{Key, Modifiers, PointerButton, Pos2, vec2};
use fovea::label::{Components, Connectivity};

/// Corners of a square around the view's middle.
fn square(side: f32) -> [Pos2; 4] {
    let half = side / 2.0;
    [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]].map(|[x, y]| MIDDLE + vec2(x, y) * half)
}

/// Share of the box around the only painted region that is painted.
fn share_of_box(window: &Window) -> f64 {
    let components = Components::of(window.document().mask(), Connectivity::Full);
    assert_eq!(components.list.len(), 1, "one region");
    let [from, to] = components.list[0].bounds;
    let area: usize = (0..3).map(|a| to[a] - from[a] + 1).product();
    assert!(area > 400, "too small to say anything: {area} pixels");
    components.list[0].voxel_count as f64 / area as f64
}

#[test]
fn a_lasso_fills_what_it_goes_around_and_the_other_button_erases() {
    let mut window = Window::on("fundus");
    window.press(Key::O);
    let [a, b, c, d] = square(120.0);
    window.draw(PointerButton::Primary, &[a, b, c, d]);
    window.settle();
    let share = share_of_box(&window);
    assert!(share > 0.95, "a square fills its box: {share}");
    let painted = window.painted();
    let [e, f, g, h] = square(60.0);
    window.draw(PointerButton::Secondary, &[e, f, g, h]);
    window.settle();
    let hole = (painted - window.painted()) as f64 / painted as f64;
    assert!((0.2..0.3).contains(&hole), "half the side is a quarter of the area: {hole}");
    assert_eq!(window.document().history().collect::<Vec<_>>(), ["lasso", "lasso"]);
}

#[test]
fn escape_leaves_a_lasso_without_a_trace() {
    let mut window = Window::on("fundus");
    window.press(Key::O);
    let [a, b, c, _] = square(120.0);
    window.button(PointerButton::Primary, a, true);
    for to in [b, c] {
        window.harness.event(egui::Event::PointerMoved(to));
        window.steps(1);
    }
    window.press(Key::Escape);
    window.button(PointerButton::Primary, c, false);
    window.settle();
    assert_eq!((window.painted(), window.document().can_undo()), (0, false));
}

#[test]
fn a_polygon_is_closed_by_enter_and_left_by_escape() {
    let mut window = Window::on("fundus");
    window.press(Key::G);
    let [a, b, c, d] = square(120.0);
    let click = |window: &mut Window, at| window.draw(PointerButton::Primary, &[at]);
    for at in [a, b, c] {
        click(&mut window, at);
    }
    window.press(Key::Escape);
    window.settle();
    assert_eq!(window.painted(), 0);
    // The last corner is taken back, so that a triangle is left.
    for at in [a, b, c, d] {
        click(&mut window, at);
    }
    window.press(Key::Backspace);
    assert_eq!(window.painted(), 0);
    window.press(Key::Enter);
    window.settle();
    let share = share_of_box(&window);
    assert!((0.45..0.55).contains(&share), "a triangle fills half of its box: {share}");
}

#[test]
fn fill_takes_what_is_connected_in_the_slice_or_through_the_volume() {
    let mut window = Window::on("ct");
    window.press(Key::F);
    window.draw(PointerButton::Primary, &[MIDDLE - vec2(190.0, 190.0)]);
    window.settle();
    let slice = window.painted();
    assert!(slice > 0, "nothing was filled");
    let components = Components::of(window.document().mask(), Connectivity::Faces);
    assert_eq!(components.list.len(), 1);
    let [from, to] = components.list[0].bounds;
    assert!((0..3).any(|a| from[a] == to[a]), "a slice is filled and no more: {from:?} {to:?}");
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
    assert_eq!(window.painted(), 0);

    window.click("Whole volume");
    window.draw(PointerButton::Primary, &[MIDDLE - vec2(190.0, 190.0)]);
    window.settle();
    let components = Components::of(window.document().mask(), Connectivity::Faces);
    assert_eq!(components.list.len(), 1);
    let [from, to] = components.list[0].bounds;
    assert!((0..3).all(|a| from[a] < to[a]) && window.painted() > slice, "{from:?} {to:?}");
    // The right button takes the connected region away.
    window.draw(PointerButton::Secondary, &[MIDDLE - vec2(190.0, 190.0)]);
    window.settle();
    assert_eq!(window.painted(), 0);
    assert_eq!(window.document().history().collect::<Vec<_>>(), ["fill", "fill"]);
}

#[test]
fn undo_and_redo_by_keys_go_back_step_by_step() {
    let mut window = Window::on("fundus");
    window.press(Key::B);
    let mut hashes = vec![window.document().mask_hash()];
    for down in [0.0, 60.0, 120.0] {
        let from = MIDDLE + vec2(0.0, down);
        window.drag(from, from + vec2(100.0, 0.0));
        hashes.push(window.document().mask_hash());
    }
    for before in hashes[..3].iter().rev() {
        window.press_with(Modifiers::COMMAND, Key::Z);
        assert_eq!(&window.document().mask_hash(), before);
    }
    window.press_with(Modifiers::COMMAND, Key::Z);
    assert_eq!(window.document().mask_hash(), hashes[0], "there is nothing before the beginning");
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(window.document().mask_hash(), hashes[1]);
    window.press_with(Modifiers::COMMAND, Key::Y);
    assert_eq!(window.document().mask_hash(), hashes[2]);
    // A new stroke ends what could be redone.
    window.drag(MIDDLE - vec2(0.0, 80.0), MIDDLE - vec2(80.0, 80.0));
    let latest = window.document().mask_hash();
    window.press_with(Modifiers::COMMAND, Key::Y);
    assert_eq!((window.document().mask_hash(), window.document().can_redo()), (latest, false));
}
