//! Room for everything: many open images, many series, and cards that stay where they are.

use super::learn::{corrected, start};
use super::{Window, workspace};
use egui::{Event, Key, Modifiers, Pos2, Rect, Vec2, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use fovea::engine::EngineOptions;
use fovea::geom::Grid;
use fovea::io;
use fovea::nn::DeviceChoice;
use fovea::volume::{Modality, Samples, Volume};
use fovea::workspace::Command;
use std::path::Path;

const SMALL: [f32; 2] = [900.0, 600.0];

fn picture(path: &Path) {
    let samples: Vec<u8> = (0..32 * 24).map(|i| (i % 251) as u8).collect();
    let grid = Grid::pixels([32, 24, 1]).unwrap();
    let volume = Volume::new(grid, Samples::U8(samples.into()), [1.0, 0.0], Modality::Other).unwrap();
    io::write_image_tiff(path, &volume).unwrap();
}

/// A NIfTI of as many volumes as asked for, by hand: no writer makes one.
fn time_series(path: &Path, volumes: u16) {
    let mut bytes = vec![0u8; 352];
    bytes[0..4].copy_from_slice(&348i32.to_le_bytes());
    for (i, n) in [4, 8, 8, 2, volumes, 1, 1, 1].into_iter().enumerate() {
        bytes[40 + 2 * i..42 + 2 * i].copy_from_slice(&n.to_le_bytes());
    }
    bytes[70..72].copy_from_slice(&2i16.to_le_bytes());
    bytes[72..74].copy_from_slice(&8i16.to_le_bytes());
    for i in 0..5 {
        bytes[76 + 4 * i..80 + 4 * i].copy_from_slice(&1f32.to_le_bytes());
    }
    bytes[108..112].copy_from_slice(&352f32.to_le_bytes());
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes.extend((0..128 * usize::from(volumes)).map(|i| (i % 200) as u8));
    std::fs::write(path, bytes).unwrap();
}

fn opened(paths: &[std::path::PathBuf]) -> Window {
    let mut workspace = workspace(EngineOptions::headless(DeviceChoice::Cpu));
    for path in paths {
        workspace.apply(Command::Open(path.clone())).unwrap();
    }
    let mut window = Window::of(workspace, SMALL, None);
    let count = paths.len();
    window.until("all are open", |w| w.documents().len() == count && w.openings().is_empty());
    window.steps(30);
    window
}

fn rect(window: &Window, name: &str) -> Rect {
    window.harness.get_by_label(name).rect()
}

#[test]
fn many_open_images_leave_the_toolbar_free_and_the_active_one_in_sight() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..14).map(|n| format!("a patient with a long name {n:02}.tif")).collect();
    let paths: Vec<_> = names.iter().map(|name| folder.path().join(name)).collect();
    paths.iter().for_each(|path| picture(path));
    let mut window = opened(&paths);
    let order: Vec<&str> = window.workspace().documents().iter().map(|d| d.name()).collect();
    assert_eq!(order, names, "as they were asked for, whichever came first");
    let start = window.document().name().to_owned();
    for step in 0..names.len() {
        let next = rect(&window, "Next image");
        for name in ["Data set workspace", "Find anything", "Undo", "Panels", "More"] {
            let button = rect(&window, name);
            assert!(button.left() >= next.right() && button.right() <= SMALL[0], "{name} at {button:?}");
        }
        let active = window.document().name().to_owned();
        let number = &active[active.len() - 6..];
        let shown = window.harness.get_by_label_contains(number).rect();
        let list = rect(&window, "All open images");
        assert!(
            rect(&window, "Previous image").right() <= shown.left(),
            "step {step}: {active} lies at {shown:?}"
        );
        assert!(shown.right() <= list.left(), "step {step}: {active} lies at {shown:?}");
        assert!(list.right() <= next.left());
        window.press_with(Modifiers::CTRL | Modifiers::COMMAND, Key::PageDown);
        window.steps(4);
    }
    assert_eq!(window.document().name(), start, "round all of them");
    window.click("Previous image");
    window.click("Next image");
    assert_eq!(window.document().name(), start);
    while window.document().name() != names[13] {
        window.press_with(Modifiers::CTRL | Modifiers::COMMAND, Key::Tab);
    }
    window.click("All open images");
    // The list moves to the image in front.
    window.steps(40);
    let row = |window: &Window, name: &str| -> Rect {
        let mut rows = window.harness.query_all_by_label_contains(name).map(|n| n.rect());
        rows.find(|r| r.top() > 44.0).expect("the list names it")
    };
    assert!(row(&window, "13.tif").bottom() < SMALL[1]);
    let other = row(&window, "12.tif").center();
    click_at(&mut window, other);
    assert_eq!(window.document().name(), names[12]);

    window.click("All open images");
    window.harness.event(Event::Text("name 05".into()));
    window.steps(3);
    let rows = window.harness.query_all_by_label_contains(".tif").filter(|n| n.rect().top() > 44.0).count();
    assert_eq!(rows, 1, "what is typed filters the list");
    window.press(Key::Enter);
    window.steps(3);
    assert_eq!(window.document().name(), names[5]);
}

#[test]
fn several_images_have_room_in_the_smallest_windows() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> =
        (0..3).map(|n| folder.path().join(format!("a patient with a long name {n:02}.tif"))).collect();
    paths.iter().for_each(|path| picture(path));
    let mut window = opened(&paths);
    // As 900 × 600 pixels at 200 %, and the smallest that there is.
    for size in [[450.0, 300.0], [560.0, 480.0], [680.0, 480.0], [760.0, 480.0]] {
        window.harness.set_size(Vec2::from(size));
        window.steps(4);
        assert_eq!(super::states::complaints(&window), Vec::<String>::new(), "{size:?}");
        let [previous, next, undo, more] =
            ["Previous image", "Next image", "Undo", "More"].map(|name| rect(&window, name));
        assert!(previous.right() < next.left() && next.right() < undo.left(), "{size:?}: {next:?} {undo:?}");
        assert!(more.right() <= size[0], "{size:?}: {more:?}");
        window.press_with(Modifiers::COMMAND, Key::B);
        window.steps(20);
        assert_eq!(super::states::complaints(&window), Vec::<String>::new(), "{size:?} with the panel");
        window.press_with(Modifiers::COMMAND, Key::B);
        window.steps(20);
    }
}

fn click_at(window: &mut Window, at: Pos2) {
    window.button(egui::PointerButton::Primary, at, true);
    window.button(egui::PointerButton::Primary, at, false);
    window.steps(3);
}

#[test]
fn many_series_scroll_within_their_section() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("time.nii");
    time_series(&path, 24);
    let mut window = opened(&[path]);
    assert_eq!(window.document().series().len(), 24);
    window.click("Image panel");
    window.steps(20);
    let panel = rect(&window, "Image panel");
    assert!(panel.right() <= SMALL[0], "the tabs are on screen");
    let head = rect(&window, "Images in this file");
    let below = rect(&window, "Project");
    assert!(below.top() - head.bottom() < 260.0, "from {head:?} to {below:?}");
    assert!(below.right() <= SMALL[0]);
}

/// Asks for a file that is not there: its notice stays.
fn complain(window: &mut Window, name: &str) {
    window.press_with(Modifiers::COMMAND, Key::O);
    window.steps(3);
    window.harness.event(Event::Text(format!("/nowhere/{name}")));
    window.steps(2);
    window.press(Key::Enter);
    window.settle();
    window.steps(20);
    assert!(window.harness.query_by_label_contains(name).is_some(), "{name} is not complained of");
}

#[test]
fn cards_do_not_move_under_the_pointer() {
    let mut window = Window::on("fundus");
    complain(&mut window, "first.png");
    complain(&mut window, "second.png");
    let place = |window: &Window, name: &str| window.harness.get_by_label_contains(name).rect();
    let (first, second) = (place(&window, "first.png"), place(&window, "second.png"));
    assert!(second.bottom() < first.top(), "new ones come above, so that nothing moves");
    let dismiss: Vec<Rect> = window.harness.query_all_by_label("Dismiss").map(|n| n.rect()).collect();
    let lower = dismiss.iter().max_by(|a, b| a.top().total_cmp(&b.top())).expect("two").center();
    window.harness.event(Event::PointerMoved(lower));
    window.steps(2);
    complain(&mut window, "third.png");
    assert_eq!((place(&window, "first.png"), place(&window, "second.png")), (first, second));
    click_at(&mut window, lower);
    assert!(window.harness.query_by_label_contains("first.png").is_none());
    assert_eq!(place(&window, "second.png"), second, "it leaves a gap while the pointer is there");
    window.harness.event(Event::PointerMoved(pos2(300.0, 300.0)));
    window.steps(4);
    assert!(place(&window, "second.png").top() > second.top(), "and closes it afterwards");
}

#[test]
fn notices_keep_away_from_what_takes_time() {
    let mut window = corrected(2);
    window.settle();
    for name in ["one.png", "two.png", "three.png", "four.png", "five.png", "six.png"] {
        complain(&mut window, name);
    }
    let cards = window.harness.query_all_by_label("Dismiss").count();
    assert_eq!(cards, 3);
    assert!(window.harness.query_by_label("and 3 more").is_some(), "those without a place are counted");
    // A run, as all else that a sample asks for may be over before it is shown.
    start(&mut window, 5000);
    window.click("Label workspace");
    window.until("it takes time", |w| {
        w.activities().any(|a| a.since.elapsed() > std::time::Duration::from_millis(200))
    });
    window.steps(3);
    window.harness.get_by_label_contains("Under way").click();
    window.steps(3);
    let cancel = window
        .harness
        .query_all_by_label("Cancel")
        .map(|n| n.rect())
        .max_by(|a, b| a.top().total_cmp(&b.top()));
    let cancel = cancel.expect("it can be cancelled").expand2(vec2(4.0, 4.0));
    for card in window.harness.query_all_by_label_contains("nowhere") {
        assert!(!card.rect().intersects(cancel), "{:?} lies over {cancel:?}", card.accesskit_node().label());
    }
}

#[test]
fn many_notices_are_dismissed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..6).map(|n| folder.path().join(format!("{n}.png"))).collect();
    for path in &paths {
        // A transparent pixel is worth a word.
        image::GrayAlphaImage::from_pixel(8, 8, image::LumaA([9, 0])).save(path).unwrap();
    }
    let mut window = opened(&paths);
    let said = |window: &Window| window.workspace().notices().len();
    assert!(said(&window) >= 6, "{:?}", window.workspace().notices());
    window.click("Dismiss all");
    window.steps(3);
    assert_eq!(said(&window), 0);
}
