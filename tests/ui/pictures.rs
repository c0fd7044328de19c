//! Pictures of the main screens, held against those that are kept: the ones of the documentation in `docs/src/images`, the others in
//! `tests/ui/pictures`. `FOVEA_WRITE=1 cargo test --release --test ui pictures -- --include-ignored` writes all of them anew.
//! They show the program's own phantoms.

use super::{MIDDLE, Window};
use egui::{Event, Key, Modifiers, vec2};
use fovea::{
    engine::{Engine, EngineOptions},
    io,
    label::LabelMap,
    nn::DeviceChoice,
    phantom,
    workspace::{Command, EditCommand, Place, TrainingState, Workspace, WorkspaceOptions},
};
use image::{
    ExtendedColorType, ImageEncoder, RgbImage,
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

/// A window that keeps project files in this folder, on a sample; none where nothing can draw it.
fn window(data: &Path, sample: &str, before: Before) -> Option<Window> {
    let mut workspace = workspace(data);
    workspace.apply(Command::Open(format!("sample:{sample}").into())).unwrap();
    assert!(workspace.wait_until(PATIENCE, |w| w.active().is_some()));
    before(&mut workspace, data);
    let mut window = shown(workspace, SIZE)?;
    window.steps(3);
    predicted(&mut window);
    window.settle();
    Some(window)
}

pub fn workspace(data: &Path) -> Workspace {
    let place = Place::Directory(data.to_owned());
    let options = WorkspaceOptions { place, ..WorkspaceOptions::default() };
    Workspace::with_options(Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap(), options)
        .unwrap()
}

/// egui_kittest wants a device that nothing has drawn on.
fn shown(workspace: Workspace, size: [f32; 2]) -> Option<Window> {
    Some(Window::of(workspace, size, Some(super::graphics()?)))
}

/// The labels in every fourth slice.
fn every_fourth(workspace: &mut Workspace, data: &Path) {
    let phantom = phantom::find("ct").unwrap().open();
    let path = data.join("truth.nii.gz");
    let [width, height, _] = phantom.truth.dims();
    let labels = phantom.truth.to_values().into_iter().enumerate();
    let drawn = labels.map(|(at, label)| if at / (width * height) % 4 == 0 { label } else { 0 });
    let mask = LabelMap::from_values(phantom.truth.dims(), &drawn.collect::<Vec<_>>()).unwrap();
    io::write_label_nifti(&path, &mask, phantom.volume.grid()).unwrap();
    workspace.apply(Command::Edit(EditCommand::Import { path })).unwrap();
    assert!(workspace.wait_until(PATIENCE, |w| w.is_idle()));
    let notices: Vec<u64> = workspace.notices().iter().map(|notice| notice.id).collect();
    notices.into_iter().for_each(|notice| workspace.dismiss(notice));
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

/// The window, without a pointer over it.
fn drawn(window: &mut Window) -> RgbImage {
    window.harness.event(Event::PointerGone);
    window.steps(30);
    let picture = image::DynamicImage::from(window.harness.render().unwrap());
    let [width, height] = [picture.width(), picture.height()].map(|side| side - 2 * MARGIN);
    let mut picture = picture.crop_imm(MARGIN, MARGIN, width, height).into_rgb8();
    // 32 levels of each colour: the noise of the phantoms would else make up most of the file.
    picture.iter_mut().for_each(|level| *level = *level & 0xf8 | *level >> 5);
    picture
}

const WRITE: &str = "FOVEA_WRITE=1 cargo test --release --test ui pictures -- --include-ignored";

/// Holds the window against the picture that is kept of it, or keeps a new one. Numbers that differ from run to run (how long a
/// prediction took) and the edges of lines on another adapter may differ; a part of the window that has moved may not.
pub fn hold(window: &mut Window, folder: &str, name: &str) {
    const FAR: u8 = 40;
    const MOST: f64 = 0.01;
    let picture = drawn(window);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{name}.png"));
    if std::env::var_os("FOVEA_WRITE").is_some() {
        let mut bytes = Vec::new();
        PngEncoder::new_with_quality(&mut bytes, CompressionType::Best, FilterType::NoFilter)
            .write_image(&picture, picture.width(), picture.height(), ExtendedColorType::Rgb8)
            .unwrap();
        std::fs::write(path, bytes).unwrap();
        return;
    }
    let kept = image::open(&path).unwrap_or_else(|e| panic!("{}: {e}; {WRITE}", path.display())).into_rgb8();
    assert_eq!(picture.dimensions(), kept.dimensions(), "{name}: {WRITE}");
    let differs = |(a, b): &(&image::Rgb<u8>, &image::Rgb<u8>)| (0..3).any(|i| a.0[i].abs_diff(b.0[i]) > FAR);
    let differing = picture.pixels().zip(kept.pixels()).filter(differs).count();
    let share = differing as f64 / f64::from(picture.width() * picture.height());
    if share > MOST {
        let new = std::env::temp_dir().join(format!("fovea-{name}.png"));
        picture.save(&new).unwrap();
        panic!(
            "{name}: {:.1} % of the pixels are not those of {}; what is drawn now is {}. If it is meant so: {WRITE}",
            100.0 * share,
            path.display(),
            new.display()
        );
    }
}

const DOCS: &str = "docs/src/images";
pub const HERE: &str = "tests/ui/pictures";

fn in_a_folder(show: impl FnOnce(&Path) -> Option<()>) {
    let data = tempfile::tempdir().unwrap();
    // Without an adapter there is nothing to hold; `graphics` has said so.
    let _drawn = show(data.path());
}

#[test]
fn the_empty_window() {
    in_a_folder(|data| {
        hold(&mut shown(workspace(data), SIZE)?, DOCS, "empty");
        Some(())
    });
}

#[test]
fn the_empty_window_is_small() {
    in_a_folder(|data| {
        hold(&mut shown(workspace(data), [816.0, 516.0])?, HERE, "empty-small");
        Some(())
    });
}

#[test]
fn fundus_photograph_and_keys() {
    in_a_folder(|data| {
        let mut fundus = window(data, "fundus", |_, _| {})?;
        hold(&mut fundus, DOCS, "window");
        fundus.press(Key::Questionmark);
        hold(&mut fundus, DOCS, "keys");
        Some(())
    });
}

#[test]
fn fundus_photograph_in_the_light_theme_and_a_small_window() {
    in_a_folder(|data| {
        let mut fundus = window(data, "fundus", |_, _| {})?;
        fundus.harness.ctx.set_theme(egui::Theme::Light);
        hold(&mut fundus, HERE, "fundus-light");
        fundus.harness.set_size(vec2(816.0, 516.0));
        hold(&mut fundus, HERE, "fundus-light-small");
        Some(())
    });
}

#[test]
fn ct_with_its_labels_in_space() {
    in_a_folder(|data| {
        let mut ct = window(data, "ct", |_, _| {})?;
        ct.click("Predict all");
        ct.settle();
        ct.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::Enter);
        ct.settle();
        ct.until("the labels have a surface", |w| w.surface().is_some_and(|s| !s.is_empty()));
        ct.until("it is the newest", |w| !w.surface_is_behind());
        ct.click("Labels panel");
        hold(&mut ct, DOCS, "volume");
        Some(())
    });
}

#[test]
fn slices_between_drawn_ones_before_they_are_filled() {
    in_a_folder(|data| {
        let mut ct = window(data, "ct", every_fourth)?;
        ct.press_with(Modifiers::SHIFT, Key::I);
        ct.until("the outcome is there", |w| w.effect_preview().is_some_and(|(.., newest)| newest));
        hold(&mut ct, DOCS, "fill");
        Some(())
    });
}

#[test]
fn a_ruler_and_a_region_on_a_photograph() {
    in_a_folder(|data| {
        let mut fundus = window(data, "fundus", |_, _| {})?;
        let primary = egui::PointerButton::Primary;
        fundus.press_with(Modifiers::SHIFT, Key::R);
        fundus.draw(primary, &[MIDDLE - vec2(150.0, 90.0), MIDDLE, MIDDLE + vec2(0.0, 60.0)]);
        fundus.press_with(Modifiers::SHIFT, Key::E);
        fundus.draw(primary, &[MIDDLE + vec2(40.0, -120.0), MIDDLE, MIDDLE + vec2(130.0, -40.0)]);
        fundus.settle();
        fundus.click("Measure panel");
        hold(&mut fundus, DOCS, "measure");
        Some(())
    });
}

#[test]
fn oct_that_is_corrected() {
    in_a_folder(|data| {
        let mut oct = window(data, "oct-shifted", |_, _| {})?;
        oct.press(Key::Enter);
        oct.settle();
        oct.press(Key::B);
        oct.drag(MIDDLE - vec2(170.0, 22.0), MIDDLE + vec2(80.0, -14.0));
        oct.settle();
        hold(&mut oct, DOCS, "correct");
        Some(())
    });
}

#[test]
fn oct_before_it_is_learned_from() {
    in_a_folder(|data| {
        let mut oct = window(data, "oct-shifted", verified)?;
        oct.click("Learn workspace");
        hold(&mut oct, DOCS, "learn");
        oct.harness.ctx.set_theme(egui::Theme::Light);
        hold(&mut oct, HERE, "learn-light");
        Some(())
    });
}

#[test]
#[ignore = "its curves differ from machine to machine: for the documentation"]
fn oct_that_was_learned_from() {
    in_a_folder(|data| {
        let mut oct = window(data, "oct-shifted", verified)?;
        oct.click("Learn workspace");
        oct.press_learn();
        oct.until("the run has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
        assert_eq!(oct.workspace().training().map(|t| t.state().clone()), Some(TrainingState::Finished));
        oct.settle();
        // The whole panel.
        oct.harness.set_size(vec2(SIZE[0], 1340.0));
        hold(&mut oct, DOCS, "learned");
        Some(())
    });
}
