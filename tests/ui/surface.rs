//! The labels in three dimensions, in the window.

use super::Window;
use egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, TouchPhase, pos2, vec2};
use egui_kittest::kittest::Queryable;

/// Middles of the views of four.
const AXIAL: Pos2 = pos2(280.0, 250.0);
const BESIDE: Pos2 = pos2(750.0, 600.0);

/// The CT sample with a stroke of the brush, and its surface made.
fn painted(window: &mut Window) {
    window.press(Key::B);
    window.drag(AXIAL, AXIAL + vec2(60.0, 30.0));
    window.settle();
    window.until("the mask has a surface", |w| w.surface().is_some_and(|s| !s.is_empty()));
    window.until("it is the newest", |w| !w.surface_is_behind());
    window.steps(2);
}

/// Pixels around the middle of the view beside the planes in the colour of the selected label, however bright they are.
fn label_pixels(window: &mut Window) -> usize {
    let around = |x: u32, y: u32| x.abs_diff(BESIDE.x as u32) < 150 && y.abs_diff(BESIDE.y as u32) < 120;
    let shares = |[r, g, b]: [u8; 3]| {
        let sum = f64::from(r) + f64::from(g) + f64::from(b);
        [r, g, b].map(|c| f64::from(c) / sum)
    };
    let document = window.document();
    let color = shares(document.labels().get(document.selected_label()).expect("it is listed").color);
    let is_label = |p: &image::Rgba<u8>| {
        let [r, g, b, _] = p.0;
        let own = shares([r, g, b]);
        r.max(g).max(b) > 60 && own.iter().zip(color).all(|(own, color)| (own - color).abs() < 0.04)
    };
    let picture = window.harness.render().unwrap();
    picture.enumerate_pixels().filter(|(x, y, p)| around(*x, *y) && is_label(p)).count()
}

#[test]
fn what_is_painted_is_seen_turned_and_hidden() {
    let Some(graphics) = super::graphics() else { return };
    let mut window = Window::with("ct", None, Some(graphics));
    painted(&mut window);
    let first = label_pixels(&mut window);
    assert!(first > 20, "{first} pixels of the label are seen");
    let painted = window.painted();
    window.drag(BESIDE, BESIDE + vec2(40.0, 160.0));
    let turned = label_pixels(&mut window);
    assert!(turned.abs_diff(first) > 20, "a disc seen from above is larger than from the side");
    assert_eq!(window.painted(), painted, "turning paints nothing");

    let wheel = Event::MouseWheel {
        unit: MouseWheelUnit::Line,
        delta: vec2(0.0, 4.0),
        phase: TouchPhase::Move,
        source: MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    };
    let cursor = window.document().cursor();
    window.harness.event(Event::PointerMoved(BESIDE));
    window.steps(1);
    window.harness.event(wheel);
    window.steps(2);
    assert!(label_pixels(&mut window) > turned, "the wheel magnifies");
    assert_eq!(window.document().cursor(), cursor, "and moves through no slices");
    window.press(Key::R);
    assert_eq!(label_pixels(&mut window), first, "as it was at first");

    window.click("Labels panel");
    let label = window.document().selected_label();
    let name = window.document().labels().get(label).expect("it is listed").name.clone();
    window.click(&format!("Hide {name}"));
    assert_eq!(label_pixels(&mut window), 0);
}

#[test]
fn the_view_follows_the_mask_and_makes_room_for_the_slices() {
    let mut window = Window::on("ct");
    painted(&mut window);
    let triangles = |window: &Window| window.workspace().surface().map_or(0, |s| s.triangles.len());
    let first = triangles(&window);
    window.drag(AXIAL + vec2(0.0, 60.0), AXIAL + vec2(60.0, 100.0));
    window.settle();
    window.until("the surface has grown", |w| w.surface().is_some_and(|s| s.triangles.len() > first));
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.until("undo takes it back", |w| w.surface().is_some_and(|s| s.triangles.len() == first));

    window.click("Slices beside the planes");
    assert!(window.workspace().surface().is_none(), "nobody looks at it");
    window.click("Mask beside the planes");
    window.until("it is made again", |w| w.surface().is_some());
    assert!(window.harness.query_by_label("Coronal view").is_some());
    window.harness.event(Event::PointerMoved(BESIDE));
    window.steps(2);
    window.press(Key::V);
    assert!(window.harness.query_by_label("Coronal view").is_none(), "one large view");
    assert!(window.harness.query_by_label("3-D view").is_some());
    window.press(Key::V);
    assert!(window.harness.query_by_label("Coronal view").is_some(), "and back");
}

#[test]
fn as_long_as_the_mask_is_empty_the_prediction_is_shown() {
    let mut window = Window::on("ct");
    window.until("what is predicted has a surface", |w| w.surface().is_some_and(|s| !s.is_empty()));
    assert!(window.document().mask().is_empty());
    // The demonstration finds its organs in the slice that is looked at.
    let labels: Vec<_> = window.workspace().surface().unwrap().parts.iter().map(|part| part.label).collect();
    let z = window.document().cursor()[2];
    let id = window.document().id();
    let predicted = window.workspace().predicted_labels(id, z).expect("it is predicted");
    assert!(labels.iter().any(|label| predicted.contains(label)), "{labels:?}");
}
