//! The pictures of the documentation, made by the program from its own phantoms:
//! `cargo test --release --test ui pictures -- --ignored` writes them into `docs/src/images`.

use super::{MIDDLE, Window};
use egui::{Event, Key, Modifiers, vec2};
use fovea::{
    engine::{Engine, EngineOptions},
    io,
    nn::DeviceChoice,
    phantom,
    workspace::{Command, EditCommand, Place, TrainingState, Workspace, WorkspaceOptions},
};
use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use std::{path::Path, time::Duration};

const PATIENCE: Duration = Duration::from_secs(120);
/// What the test harness leaves around the window.
const MARGIN: u32 = 8;
/// Smaller than the window of the other tests, so that its text is readable in a column of a page.
const SIZE: [f32; 2] = [1216.0, 766.0];

/// What happens to the image before the window shows it.
type Before = fn(&mut Workspace, &Path);

/// A window that keeps project files in this folder, on a sample.
fn window(data: &Path, sample: &str, before: Before) -> Window {
    let mut workspace = workspace(data);
    workspace.apply(Command::Open(format!("sample:{sample}").into())).unwrap();
    assert!(workspace.wait_until(PATIENCE, |w| w.active().is_some()));
    before(&mut workspace, data);
    let mut window = shown(workspace);
    window.steps(3);
    predicted(&mut window);
    window.settle();
    window
}

fn workspace(data: &Path) -> Workspace {
    let place = Place::Directory(data.to_owned());
    let options = WorkspaceOptions { place, ..WorkspaceOptions::default() };
    Workspace::with_options(Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap(), options)
        .unwrap()
}

/// egui_kittest wants a device that nothing has drawn on.
fn shown(workspace: Workspace) -> Window {
    let graphics = super::graphics().expect("a graphics adapter");
    Window::of(workspace, SIZE, Some(graphics))
}

/// The labels as they are, and five slices verified.
fn verified(workspace: &mut Workspace, data: &Path) {
    let phantom = phantom::find("oct-shifted").unwrap().open();
    let path = data.join("truth.nii.gz");
    io::write_label_nifti(&path, &phantom.truth, phantom.volume.grid()).unwrap();
    workspace.apply(Command::Edit(EditCommand::Import { path })).unwrap();
    assert!(workspace.wait_until(PATIENCE, |w| w.is_idle()));
    let notices: Vec<u64> = workspace.notices().iter().map(|notice| notice.id).collect();
    notices.into_iter().for_each(|notice| workspace.dismiss(notice));
    for z in [4, 6, 8, 10, 12] {
        workspace.apply(Command::Edit(EditCommand::SetVerified { z, on: true })).unwrap();
    }
}

fn predicted(window: &mut Window) {
    let z = window.document().cursor()[2];
    window.until("the slice is predicted", |w| w.active().is_some_and(|d| w.prediction(d.id(), z).is_some()));
    window.steps(2);
}

/// Draws the window, without a pointer over it, and keeps the picture.
fn save(window: &mut Window, name: &str) {
    window.harness.event(Event::PointerGone);
    window.steps(30);
    let picture = image::DynamicImage::from(window.harness.render().unwrap());
    let [width, height] = [picture.width(), picture.height()].map(|side| side - 2 * MARGIN);
    let mut picture = picture.crop_imm(MARGIN, MARGIN, width, height).into_rgb8();
    // 32 levels of each colour: the noise of the phantoms would else make up most of the file.
    picture.iter_mut().for_each(|level| *level = *level & 0xf8 | *level >> 5);
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::NoFilter)
        .write_image(&picture, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/src/images");
    std::fs::write(format!("{folder}/{name}.png"), bytes).unwrap();
}

#[test]
#[ignore = "writes the pictures of the documentation"]
fn pictures_of_the_documentation() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    save(&mut shown(workspace(data)), "empty");

    let mut fundus = window(data, "fundus", |_, _| {});
    save(&mut fundus, "window");
    fundus.press(Key::Questionmark);
    save(&mut fundus, "keys");

    let mut ct = window(data, "ct", |_, _| {});
    ct.click("Predict all");
    ct.settle();
    ct.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::Enter);
    ct.settle();
    ct.until("the labels have a surface", |w| w.surface().is_some_and(|s| !s.is_empty()));
    ct.until("it is the newest", |w| !w.surface_is_behind());
    ct.click("Labels panel");
    save(&mut ct, "volume");

    let mut oct = window(data, "oct-shifted", |_, _| {});
    oct.press(Key::Enter);
    oct.settle();
    oct.press(Key::B);
    oct.drag(MIDDLE - vec2(170.0, 22.0), MIDDLE + vec2(80.0, -14.0));
    oct.settle();
    save(&mut oct, "correct");
    drop(oct);

    let mut oct = window(data, "oct-shifted", verified);
    oct.click("Learn panel");
    save(&mut oct, "learn");
    oct.click("Start training");
    oct.until("the run has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
    assert_eq!(oct.workspace().training().map(|t| t.state().clone()), Some(TrainingState::Finished));
    oct.settle();
    // The whole panel.
    oct.harness.set_size(vec2(SIZE[0], 1340.0));
    save(&mut oct, "learned");
}
