//! Work that cannot be saved: notices and questions that offer another place, the end by a signal, and several images in one
//! file.

use super::learn::{corrected, start};
use super::{MIDDLE, Window, other_image::workspace};
use egui::{Key, Modifiers, PointerButton, ViewportCommand, ViewportId, vec2};
use egui_kittest::kittest::Queryable;
use fovea::{
    geom::Grid,
    io,
    volume::{Modality, Samples, Volume},
    workspace::{Command, Risk, SaveState},
};
use std::path::Path;

const SIZE: [usize; 3] = [40, 30, 1];

fn picture(path: &Path) {
    let samples = Samples::U8((0..SIZE.iter().product()).map(|i| (i % 251) as u8).collect());
    let volume = Volume::new(Grid::pixels(SIZE).unwrap(), samples, [1.0, 0.0], Modality::Other).unwrap();
    io::write_image_tiff(path, &volume).unwrap();
}

/// A window with an image whose project lies beside it, and one stroke in it.
fn begun(folder: &Path) -> Window {
    let image = folder.join("image.tif");
    picture(&image);
    let mut workspace = workspace(folder);
    workspace.apply(Command::Open(image)).unwrap();
    let mut window = Window::of(workspace, super::SIZE, None);
    window.until("the image", |w| w.active().is_some());
    window.steps(3);
    stroke(&mut window, 0.0);
    window.until("the stroke on the disk", saved);
    window
}

fn stroke(window: &mut Window, down: f32) {
    window.press(Key::B);
    let from = MIDDLE + vec2(0.0, down);
    window.drag(from, from + vec2(120.0, 0.0));
}

fn saved(w: &fovea::workspace::Workspace) -> bool {
    w.active().is_some_and(|d| d.save_state() == SaveState::Saved && d.journal()[0] > 0)
}

fn fails(w: &fovea::workspace::Workspace) -> bool {
    w.active().is_some_and(|d| matches!(d.save_state(), SaveState::Failing(_)))
}

/// The same, with its project file removed and another stroke that waits.
fn without_project(folder: &Path) -> Window {
    let mut window = begun(folder);
    std::fs::remove_file(folder.join("image.tif.fovea")).unwrap();
    stroke(&mut window, 60.0);
    window.until("the notice", fails);
    window.steps(3);
    window
}

fn stands(window: &Window, words: &str) -> bool {
    window.harness.query_by_label(words).is_some()
}

const QUESTION: &str = "Not everything is safe";
const ELSEWHERE: &str = "Keep in Fovea's folder";

#[test]
fn the_notice_of_work_that_cannot_be_saved_offers_another_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = without_project(folder.path());
    window.click(ELSEWHERE);
    window.until("the project in its new place", saved);
    window.steps(3);
    assert!(!stands(&window, ELSEWHERE));
    let project = window.document().project().unwrap().to_owned();
    assert!(project.starts_with(folder.path().join("data")) && project.exists(), "{project:?}");
    assert_eq!(window.document().journal(), [2, 2]);
}

#[test]
fn an_image_alone_is_closed_with_the_question_of_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = without_project(folder.path());
    let close = |window: &mut Window| {
        window.press_with(Modifiers::COMMAND, Key::W);
        window.steps(3);
        assert!(stands(window, QUESTION));
        assert_eq!(window.workspace().documents().len(), 1);
    };
    close(&mut window);
    window.click("Keep working");
    window.steps(20);
    assert!(!stands(&window, QUESTION) && window.workspace().active().is_some());
    // Where it is kept after all it closes by itself.
    close(&mut window);
    let buttons = window.harness.query_all_by_label(ELSEWHERE);
    buttons.last().expect("the button of the question").click();
    window.until("the image is closed", |w| w.documents().is_empty());
    window.steps(20);
    assert!(!stands(&window, QUESTION));
    let kept = std::fs::read_dir(folder.path().join("data")).unwrap().count();
    assert!(kept >= 1);
}

#[test]
fn an_image_alone_is_closed_unsaved_when_a_person_insists() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = without_project(folder.path());
    window.press_with(Modifiers::COMMAND, Key::W);
    window.steps(3);
    window.click("Close anyway");
    window.until("the image is closed", |w| w.documents().is_empty());
    window.steps(20);
    assert!(!stands(&window, QUESTION) && !stands(&window, ELSEWHERE));
    let output = &window.harness.output().viewport_output[&ViewportId::ROOT];
    assert!(!output.commands.contains(&ViewportCommand::Close), "the window stays");
}

/// So many frames, in none of which the window closes.
fn stays(window: &mut Window, frames: usize) {
    for _ in 0..frames {
        window.steps(1);
        let output = &window.harness.output().viewport_output[&ViewportId::ROOT];
        assert!(!output.commands.contains(&ViewportCommand::Close), "the window closes");
    }
}

#[test]
fn what_was_learned_without_a_project_file_is_not_lost_with_a_question() {
    let mut window = corrected(2);
    start(&mut window, 500);
    window.until("it has learned something", |w| w.training().is_some_and(|t| t.steps()[0] > 1));
    // While a question stands the window hears no key.
    window.press_with(Modifiers::COMMAND, Key::W);
    stays(&mut window, 2);
    assert!(stands(&window, "Leave it open"));
    window.press_with(Modifiers::COMMAND, Key::Q);
    stays(&mut window, 3);
    assert!(stands(&window, "Leave it open") && !stands(&window, QUESTION));
    window.harness.query_all_by_label("Leave it open").last().expect("the question").click();
    stays(&mut window, 4);
    // The end of the program keeps the best network, and does not lose it afterwards.
    window.press_with(Modifiers::COMMAND, Key::Q);
    stays(&mut window, 3);
    assert!(stands(&window, QUESTION));
    window.harness.query_all_by_label("Keep the best so far").last().expect("the question").click();
    window.until("the run has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
    stays(&mut window, 10);
    assert!(stands(&window, QUESTION));
    assert!(window.workspace().risks().contains(&Risk::Learned), "{:?}", window.workspace().risks());
    window.click("Keep working");
    stays(&mut window, 20);
    assert!(window.workspace().training().is_some_and(|t| t.candidate().is_some()));
}

/// What [`a_signal_ends_the_window_with_everything_in_one_file`] sends a signal to: set, and the folder.
const CHILD: &str = "FOVEA_SIGNAL_CHILD";

#[cfg(unix)]
#[test]
fn child_paints_until_it_is_told_to_end() {
    let Some(folder) = std::env::var_os(CHILD).map(std::path::PathBuf::from) else { return };
    fovea::engine::interrupt::listen();
    let mut window = begun(&folder);
    // The button is down, so that the stroke has no end yet.
    window.button(PointerButton::Primary, MIDDLE + vec2(0.0, 60.0), true);
    window.harness.event(egui::Event::PointerMoved(MIDDLE + vec2(90.0, 60.0)));
    window.steps(2);
    assert!(window.document().stroke().is_some());
    println!("\nPAINTING {}", window.painted());
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        window.steps(1);
        let output = &window.harness.output().viewport_output[&ViewportId::ROOT];
        if output.commands.contains(&ViewportCommand::Close) {
            break;
        }
        assert!(std::time::Instant::now() < end, "the window was not closed");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert!(window.workspace().risks().is_empty());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_window_with_everything_in_one_file() {
    use std::io::{BufRead, BufReader};
    if !fovea::testing::signals_arrive() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "unsaved::child_paints_until_it_is_told_to_end", "--nocapture"])
        .env(CHILD, folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = said.find(|line| line.starts_with("PAINTING")).expect("it paints");
    let painted: usize = line.split(' ').next_back().unwrap().parse().unwrap();
    let killed =
        std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let rest: Vec<String> = said.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    for beside in ["-wal", "-shm", "-open"] {
        let path = folder.path().join(format!("image.tif.fovea{beside}"));
        assert!(!path.exists(), "{path:?} is left");
    }
    let mut workspace = workspace(folder.path());
    workspace.apply(Command::Open(folder.path().join("image.tif"))).unwrap();
    assert!(workspace.wait_until(std::time::Duration::from_secs(60), |w| w.active().is_some()));
    let document = workspace.active().unwrap();
    assert_eq!(document.journal(), [2, 2], "the stroke under the pointer is kept too");
    assert_eq!(document.mask().counts().values().sum::<usize>(), painted);
}

/// A TIFF of two images, by their sizes.
fn two_images(path: &Path) {
    let mut encoder = tiff::encoder::TiffEncoder::new(std::fs::File::create(path).unwrap()).unwrap();
    for (width, height) in [(40u32, 30u32), (20, 24)] {
        let samples: Vec<u8> = (0..width * height).map(|i| (i % 251) as u8).collect();
        encoder.write_image::<tiff::encoder::colortype::Gray8>(width, height, &samples).unwrap();
    }
}

#[test]
fn each_image_of_several_in_a_file_keeps_its_own_strokes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.tif");
    two_images(&path);
    let open = |strokes: i64| {
        let mut workspace = workspace(folder.path());
        workspace.apply(Command::Open(path.clone())).unwrap();
        let mut window = Window::of(workspace, super::SIZE, None);
        window.until("the first image", |w| w.active().is_some());
        window.steps(3);
        assert_eq!(window.document().journal(), [strokes; 2]);
        window.click("Image panel");
        window.harness.get_by_label_contains("20 x 24").click();
        window.until("the second image", |w| w.documents().len() == 2 && w.openings().is_empty());
        window.steps(3);
        window
    };
    let mut window = open(0);
    assert_eq!(window.document().volume().dims(), [20, 24, 1]);
    assert_eq!(window.document().journal(), [0, 0]);
    stroke(&mut window, 0.0);
    window.until("the stroke on the disk", saved);
    let painted = window.painted();
    let second = window.document().project().unwrap().to_owned();
    window.press_with(Modifiers::CTRL | Modifiers::COMMAND, Key::Tab);
    window.steps(3);
    assert_eq!((window.document().volume().dims(), window.painted()), (SIZE, 0));
    stroke(&mut window, 60.0);
    window.until("the stroke on the disk", saved);
    assert_ne!(window.document().project().unwrap(), second);
    drop(window);
    let window = open(1);
    assert_eq!((window.document().journal(), window.painted()), ([1, 1], painted));
    assert_eq!(window.document().project().unwrap(), second);
}
