//! A project file that was made on another image: asked before anything is shown.

use super::{SIZE, Window};
use egui_kittest::Harness;
use fovea::{
    edit::{Limits, Shape},
    engine::{Engine, EngineOptions},
    geom::{Grid, Plane},
    io,
    nn::DeviceChoice,
    ui::{self, App},
    volume::{Modality, Samples, Volume},
    workspace::{Command, EditCommand, Place, Workspace, WorkspaceOptions},
};
use std::{path::Path, time::Duration};

const QUESTION: &str = "These annotations are of another image";

fn write_image(path: &Path, value: u8) {
    let grid = Grid::pixels([40, 30, 1]).unwrap();
    let samples = Samples::U8(vec![value; 40 * 30].into());
    io::write_image_tiff(path, &Volume::new(grid, samples, [1.0, 0.0], Modality::Other).unwrap()).unwrap();
}

pub(super) fn workspace(folder: &Path) -> Workspace {
    let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
    let place = Place::BesideImage { data: folder.join("data") };
    Workspace::with_options(engine, WorkspaceOptions { place, ..WorkspaceOptions::default() }).unwrap()
}

/// A window that opens an image with one stroke, whose pixels have changed since.
fn window(folder: &Path) -> Window {
    let image = folder.join("image.tif");
    write_image(&image, 10);
    let mut before = workspace(folder);
    before.apply(Command::Open(image.clone())).unwrap();
    assert!(before.wait_until(Duration::from_secs(120), |w| w.active().is_some()));
    let points = vec![[5.0, 5.0, 0.0], [30.0, 5.0, 0.0]];
    let shape = Shape::Brush { plane: Plane::Axial, points, radius: 2.0, sphere: false };
    before.apply(Command::Edit(EditCommand::Draw { shape, label: 1, limits: Limits::default() })).unwrap();
    drop(before);
    write_image(&image, 20);
    let mut workspace = workspace(folder);
    workspace.apply(Command::Open(image)).unwrap();
    let builder = Harness::builder().with_size(SIZE).with_context_setup(ui::install);
    let app = App::on(workspace, None);
    let mut window = Window { harness: builder.build_ui_state(|ui, app: &mut App| app.frame(ui), app) };
    window.until("the question", |w| w.openings().iter().any(|o| o.question().is_some()));
    window.steps(3);
    assert!(window.stands(QUESTION));
    window
}

impl Window {
    fn stands(&self, words: &str) -> bool {
        use egui_kittest::kittest::Queryable;
        self.harness.query_by_label(words).is_some()
    }
}

#[test]
fn annotations_of_another_image_are_shown_only_after_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = window(folder.path());
    window.click("Keep them on this image");
    window.until("the image", |w| w.active().is_some());
    assert_eq!(window.document().journal(), [1, 1]);
    window.steps(20);
    assert!(!window.stands(QUESTION));
}

#[test]
fn set_aside_they_are_not_shown_and_cancelled_nothing_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = window(folder.path());
    first.click("Do not open it");
    assert!(first.workspace().openings().is_empty() && first.workspace().active().is_none());
    drop(first);
    std::fs::remove_file(folder.path().join("image.tif.fovea")).unwrap();
    let mut second = window(folder.path());
    second.click("Set them aside");
    second.until("the image", |w| w.active().is_some());
    assert_eq!(second.document().journal(), [0, 0]);
    assert!(folder.path().join("image.tif.fovea.of-another-image-1").exists());
}

#[test]
fn annotations_that_were_set_aside_are_opened_from_their_notice() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = window(folder.path());
    first.click("Set them aside");
    first.until("the image", |w| w.active().is_some());
    first.steps(20);
    assert!(!first.stands("Open them"), "they are of another image");
    drop(first);
    // The image before is back.
    let image = folder.path().join("image.tif");
    write_image(&image, 10);
    let mut workspace = workspace(folder.path());
    workspace.apply(Command::Open(image)).unwrap();
    let mut second = Window::of(workspace, super::SIZE, None);
    second.until("the image", |w| w.active().is_some());
    second.steps(3);
    assert_eq!(second.document().journal(), [0, 0], "nothing is opened unasked");
    second.click("Open them");
    second.until("the annotations", |w| w.active().is_some_and(|d| d.journal() == [1, 1]));
    second.steps(20);
    assert!(second.painted() > 0 && !second.stands("Open them"));
}
