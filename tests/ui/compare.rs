//! Two models and two images beside each other.

use super::{SIZE, Window, workspace};
use egui::accesskit::{Action, Role};
use egui::{Event, Key, Modifiers, PointerButton, Rect, vec2};
use egui_kittest::kittest::{By, NodeT, Queryable};
use fovea::engine::{EngineOptions, Version};
use fovea::geom::{Frame, Grid, Unit};
use fovea::io;
use fovea::label::{LabelId, LabelTable};
use fovea::metrics::Overlap;
use fovea::nn::{ComputeDevice, DeviceChoice, Model, ModelCard, train::TrainConfig};
use fovea::phantom;
use fovea::volume::{Modality, Samples, Volume};
use fovea::workspace::{Command, ModelCommand, Workspace, predicted_by};
use glam::{DAffine3, DMat3, DVec3};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);
const LAYOUT: &str = "Two beside each other, to compare them";
const NOTHING: &str = "Choose what to put beside it.";
const IN_USE: &str = "ct-phantom";

/// A model of random weights that finds both its labels in the slice that the CT sample opens at.
fn other_model() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let image = phantom::find("ct").unwrap().open().volume;
        let input = TrainConfig::input_for(Modality::Ct);
        let config = serde_json::json!({
            "in_channels": input.channels.count(), "n_classes": 3, "feature_scale": 16
        });
        let labels = LabelTable::named(&["spleen", "liver"]);
        let card = ModelCard {
            title: "Random".into(),
            trained_on: "nothing".into(),
            parent: Some(IN_USE.into()),
            ..ModelCard::new("edema/unet", config, input, labels, Modality::Ct)
        };
        for seed in 1..200 {
            let mut model = Model::build(card.clone(), seed, &ComputeDevice::cpu("test")).unwrap();
            let predicted = model.predict_slice(&image, image.dims()[2] / 2).unwrap();
            let labels = predicted.labels(&model.card).unwrap();
            if [0, 1, 2].iter().all(|label| labels.iter().filter(|l| *l == label).count() > 100) {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("model.safetensors");
                model.save(&path).unwrap();
                return std::fs::read(&path).unwrap();
            }
        }
        panic!("no seed gives a model that tells its labels apart");
    })
}

/// The CT sample with its own model in use and the random one in the library; the version of the latter.
pub(super) fn two_models(folder: &Path) -> (Workspace, Version) {
    let path = folder.join("random.safetensors");
    std::fs::write(&path, other_model()).unwrap();
    let mut workspace = workspace(EngineOptions::headless(DeviceChoice::Cpu));
    workspace.apply(Command::Open("sample:ct".into())).unwrap();
    assert!(workspace.wait_until(PATIENCE, |w| w.active().is_some_and(|d| d.model().is_some())));
    let before = workspace.active().unwrap().model().cloned();
    workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    let changed = |w: &Workspace| w.active().is_some_and(|d| d.model().cloned() != before);
    assert!(workspace.wait_until(PATIENCE, changed));
    let other = workspace.active().unwrap().model().cloned().unwrap();
    let version = Some(IN_USE.to_owned());
    workspace.apply(Command::Model(ModelCommand::Use { version })).unwrap();
    (workspace, other)
}

fn shows(window: &Window, name: &str) -> bool {
    window.harness.query_by_label(name).is_some()
}

/// Puts the random model beside the one in use, and waits until the slice in front was counted.
pub(super) fn compare(window: &mut Window) {
    window.steps(3);
    window.click(LAYOUT);
    assert!(shows(window, NOTHING));
    window.click("Random");
    assert!(!shows(window, NOTHING));
    let z = window.document().cursor()[2];
    window.until("the slice is counted", |w| w.comparison().is_some_and(|c| c.slices().contains_key(&z)));
    window.steps(3);
}

/// What a version predicts of a slice, by the names of its labels.
fn names(workspace: &Workspace, version: &Version, z: usize) -> Vec<String> {
    let document = workspace.active().unwrap().id();
    let slice = &workspace.predicted_slices_by(document, version).expect("predicted")[&z];
    let card = &workspace.model(version).unwrap().card;
    let name = |own: &LabelId| card.labels.get(*own).map_or(String::new(), |label| label.name.clone());
    slice.labels.iter().map(name).collect()
}

#[test]
fn dice_is_what_counting_the_two_predictions_gives_and_one_of_a_model_and_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, other) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, None);
    compare(&mut window);
    // The slice in front and two on each side.
    window.until("the neighbours too", |w| w.comparison().is_some_and(|c| c.slices().len() == 5));
    window.steps(3);
    let workspace = window.workspace();
    let in_use = window.document().model().cloned().unwrap();
    let comparison = workspace.comparison().expect("two models are compared");
    let counted: Vec<usize> = comparison.slices().keys().copied().collect();
    let (mut dice, mut seen) = (Vec::new(), BTreeSet::new());
    for label in comparison.labels().iter() {
        let mut sum = Overlap::default();
        for &z in &counted {
            let (a, b) = (names(workspace, &in_use, z), names(workspace, &other, z));
            let [a, b] = [&a, &b].map(|of| of.iter().map(String::as_str).collect::<Vec<_>>());
            sum += Overlap::of(&a, &b, None, label.name.as_str());
        }
        let found = comparison.total().get(&label.id).and_then(|total| total.overlap.dice());
        assert_eq!(found, sum.dice(), "{}", label.name);
        dice.extend(sum.dice());
        seen.insert(label.name.as_str());
    }
    assert!(seen.contains("liver") && seen.contains("spleen") && dice.len() > 2, "{seen:?}: {dice:?}");
    let mean = dice.iter().sum::<f64>() / dice.len() as f64;
    assert!(mean > 0.0 && mean < 0.9, "they differ: {mean}");
    assert!((comparison.mean_dice().unwrap() - mean).abs() < 1e-12);
    assert!(shows(&window, &format!("{mean:.2}")), "the panel says so");
    let of = format!("over {} of 48 slices", counted.len());
    assert!(shows(&window, &of), "{of}");

    // What both say below the pointer, over either of them.
    let [x, y, z] = window.document().cursor();
    let likeliest = [&in_use, &other].map(|version| {
        let first = predicted_by(workspace, window.document(), version, [x, y, z]).swap_remove(0);
        format!("{} {:.2}", first.name, first.probability)
    });
    for view in views(&window) {
        window.harness.event(Event::PointerMoved(view.center() + vec2(2.0, 2.0)));
        window.steps(3);
        for words in &likeliest {
            assert!(window.harness.query_all_by_label(words).next().is_some(), "{words}");
        }
    }

    // Where they differ most is a key away.
    let workspace = window.workspace();
    let largest = workspace.comparison().and_then(|c| c.largest_difference()).unwrap();
    let [x, y, z] = largest;
    let at = y * window.document().volume().dims()[0] + x;
    let said = [&in_use, &other].map(|version| names(workspace, version, z)[at].clone());
    assert_ne!(said[0], said[1]);
    window.press(Key::Period);
    assert_eq!(window.document().cursor(), largest);
    assert!(!window.harness.get_by_label("Take A’s").accesskit_node().is_disabled());

    let title = window.workspace().model(&in_use).unwrap().card.title.clone();
    window.click(&format!("A: {title}"));
    window.click("Random");
    window.until("it is counted", |w| w.comparison().is_some_and(|c| c.slices().len() >= counted.len()));
    assert_eq!(window.document().model(), Some(&other));
    assert_eq!(window.workspace().comparison().and_then(|c| c.mean_dice()), Some(1.0));
}

/// Where A and B are.
fn views(window: &Window) -> Vec<Rect> {
    let images = window.harness.query_all_by_role(Role::Image);
    images.map(|node| node.rect()).collect()
}

/// The pixels that are connected with one in a slice of this width and have what it has.
fn connected<T: PartialEq>(values: &[T], width: usize, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        let x = at % width;
        let beside = [(x > 0).then(|| at - 1), (x + 1 < width).then_some(at + 1)];
        let over = [at.checked_sub(width), (at + width < values.len()).then_some(at + width)];
        for to in beside.into_iter().chain(over).flatten() {
            if values[to] == values[from] && found.insert(to) {
                next.push(to);
            }
        }
    }
    found
}

#[test]
fn what_b_says_of_a_part_goes_into_the_mask_as_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let (mut workspace, other) = two_models(folder.path());
    let document = workspace.active().unwrap();
    let (id, z, width) = (document.id(), document.cursor()[2], document.volume().dims()[0]);
    let in_use = document.model().cloned().unwrap();
    for version in [&other, &in_use] {
        let version = Some(version.to_string());
        workspace.apply(Command::Model(ModelCommand::Use { version })).unwrap();
        workspace.look_at(id, z);
        assert!(workspace.wait_until(PATIENCE, |w| w.predicted_labels(id, z).is_some()));
    }
    // A place at which only B has the liver.
    let (a, b) = (names(&workspace, &in_use, z), names(&workspace, &other, z));
    let both: Vec<(&String, &String)> = a.iter().zip(&b).collect();
    let at = both.iter().position(|(a, b)| a.is_empty() && *b == "liver").expect("they differ");
    let part = connected(&both, width, at);
    workspace.apply(Command::Cursor([at % width, at / width, z])).unwrap();
    let mut window = Window::of(workspace, SIZE, None);
    compare(&mut window);

    window.click("Take B’s");
    window.settle();
    let painted: BTreeSet<usize> = {
        let liver = window.document().labels().by_name("liver").expect("it came along").id;
        let slice = window.document().mask().slice(z);
        (0..slice.len()).filter(|&i| slice[i] == liver).collect()
    };
    assert_eq!(painted, part);
    assert_eq!(window.painted(), part.len());
    assert_eq!(window.document().history().count(), 1);
    window.click("Take A’s");
    window.settle();
    assert_eq!(window.painted(), 0, "A says background there");
    window.click("Take A’s");
    window.settle();
    let says =
        |window: &Window, words: &str| window.harness.query_all_by_label_contains(words).next().is_some();
    assert!(says(&window, "he mask has background there already"), "it says why nothing happens");
    assert!(!says(&window, "the prediction is the same"));
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
    assert_eq!(window.painted(), part.len());
    window.click("Neither");
    window.settle();
    assert_eq!(window.painted(), 0);
    for _ in 0..2 {
        window.press_with(Modifiers::COMMAND, Key::Z);
        window.settle();
    }
    assert_eq!(window.painted(), 0, "one step took B’s word back");
    assert!(!window.document().can_undo());
}

#[test]
fn escape_leaves_after_what_is_innermost_and_the_footer_goes_on_with_what_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, other) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, None);
    compare(&mut window);
    assert!(shows(&window, "Compare panel") && !shows(&window, "Coronal view"));
    window.press(Key::B);
    let at = window.harness.get_by_label("Axial view").rect().center();
    let button = |pressed| Event::PointerButton {
        pos: at,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    window.harness.event(Event::PointerMoved(at));
    window.harness.step();
    window.harness.event(button(true));
    window.steps(2);
    window.harness.event(Event::PointerMoved(at + vec2(20.0, 0.0)));
    window.steps(2);
    assert!(window.painted() > 0, "a tool draws in A");
    window.press(Key::Escape);
    window.harness.event(button(false));
    window.steps(2);
    assert_eq!(window.painted(), 0);
    assert!(shows(&window, "Compare panel"), "the stroke went first");
    window.press(Key::Escape);
    window.steps(2);
    assert!(!shows(&window, "Compare panel") && shows(&window, "Coronal view"), "the views from before");
    assert!(window.workspace().comparison().is_none());

    // What was put beside it last is there again, and can be gone on with.
    window.click(LAYOUT);
    assert!(!shows(&window, NOTHING));
    window.click("Go on with B");
    window.click("Use B from here on");
    assert_eq!(window.document().model(), Some(&other));
    assert!(!shows(&window, "Compare panel"));
}

#[test]
fn all_slices_count_when_both_have_predicted_all() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, other) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, None);
    compare(&mut window);
    window.click("All slices");
    window.settle();
    let depth = window.document().depth();
    window.until("all are counted", |w| w.comparison().is_some_and(|c| c.slices().len() == depth));
    window.steps(3);
    assert!(shows(&window, "over all 48 slices"));
    let id = window.document().id();
    assert_eq!(window.workspace().predicted_slices_by(id, &other).map(|slices| slices.len()), Some(depth));
    let order = |window: &Window| window.document().cursor()[2];
    window.click("Largest difference");
    let first = order(&window);
    window.click("Next");
    let comparison = window.workspace().comparison().unwrap();
    let dice = |z: usize| comparison.slices()[&z].mean_dice().unwrap();
    assert!(order(&window) != first && dice(first) <= dice(order(&window)));
    assert!(comparison.slices().values().filter_map(|s| s.mean_dice()).all(|other| other >= dice(first)));
    for how in ["Swipe", "Blink", "Difference", "Beside"] {
        let choices = window.harness.query_all_by_role(Role::RadioButton);
        let found: Vec<_> = choices
            .filter(|node| node.accesskit_node().label().is_some_and(|label| label.starts_with(how)))
            .collect();
        assert_eq!(found.len(), 1, "{how}");
        found[0].click();
        window.steps(4);
        assert_eq!(shows(&window, "Line between A and B"), how == "Swipe");
        if how == "Swipe" {
            draw_the_line_aside(&mut window);
        }
        let usable = window.harness.query_all(By::new()).filter(|node| {
            let node = node.accesskit_node();
            node.data().supports_action(Action::Click)
                && node.role() != Role::ScrollBar
                && node.value().is_none()
        });
        let unnamed =
            usable.filter(|node| node.accesskit_node().label().is_none_or(|label| label.is_empty()));
        assert_eq!(unnamed.map(|node| node.rect()).collect::<Vec<_>>(), [], "{how}");
    }
}

/// The view below does not take it for its own.
fn draw_the_line_aside(window: &mut Window) {
    let line = |window: &Window| window.harness.get_by_label("Line between A and B").rect().center();
    let (from, cursor) = (line(window), window.document().cursor());
    window.drag(from, from - vec2(150.0, 0.0));
    window.steps(2);
    assert!((line(window).x - (from.x - 150.0)).abs() < 2.0, "{:?} from {from:?}", line(window));
    assert_eq!(window.document().cursor(), cursor, "the crosshair stays");
}

/// A CT of this grid, written as a file.
fn write(path: &Path, grid: Grid) {
    let [w, h, d] = grid.dims();
    let samples: Vec<i16> =
        (0..w * h * d).map(|i| (i % w * 7 + i / w % h * 3 + i / (w * h) * 11) as i16).collect();
    let volume = Volume::new(grid, Samples::I16(samples.into()), [1.0, 0.0], Modality::Ct).unwrap();
    io::write_volume_nifti(path, &volume).unwrap();
}

fn grid(dims: [usize; 3], columns: [[f64; 3]; 3], origin: [f64; 3]) -> Grid {
    let affine = DAffine3 { matrix3: DMat3::from_cols_array_2d(&columns), translation: DVec3::from(origin) };
    Grid::new(dims, affine, Unit::Millimetre, Frame::Patient).unwrap()
}

/// A window on `a.nii`, with `b.nii` open beside it: of other spacing, other place and slices from the other end.
fn two_images(folder: &Path) -> Window {
    let a = grid([40, 36, 12], [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 5.0]], [-40.0, -30.0, 10.0]);
    let b = grid([64, 70, 50], [[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0]], [32.0, -33.0, 64.0]);
    let mut workspace = workspace(EngineOptions::headless(DeviceChoice::Cpu));
    for (name, grid) in [("b.nii", b), ("a.nii", a)] {
        let path = folder.join(name);
        write(&path, grid);
        let path_given = path.clone();
        let modality = Some(Modality::Ct);
        workspace.apply(Command::OpenWith { path: path_given, series: None, modality }).unwrap();
        assert!(workspace.wait_until(PATIENCE, |w| w.active().is_some_and(|d| d.source() == path)));
    }
    let mut window = Window::of(workspace, SIZE, None);
    window.steps(3);
    window.click(LAYOUT);
    window.click("b.nii");
    window
}

/// Where the view of B says that its crosshair is.
fn place_in_b(window: &Window) -> DVec3 {
    let views = window.harness.query_all_by_role(Role::Image);
    let names: Vec<String> =
        views.filter_map(|node| node.accesskit_node().label().map(|l| l.to_string())).collect();
    let said = names.iter().find_map(|name| name.split_once("view of B, ")).expect("B is shown").1;
    let (_, place) = said.split_once("crosshair at ").unwrap();
    let figures: Vec<f64> = place.split(' ').filter_map(|word| word.parse().ok()).collect();
    DVec3::from_slice(&figures)
}

fn place_in_a(window: &Window) -> DVec3 {
    let document = window.document();
    document.volume().grid().patient_of(DVec3::from(document.cursor().map(|c| c as f64)))
}

/// Half a voxel of B, and the rounding of what is said.
const NEAR: DVec3 = DVec3::new(0.56, 0.56, 0.56);

fn assert_same_place(window: &Window) {
    let apart = (place_in_b(window) - place_in_a(window)).abs();
    assert!(apart.cmple(NEAR).all(), "{} and {}", place_in_b(window), place_in_a(window));
}

#[test]
fn the_crosshair_of_two_images_is_at_the_same_place_in_millimetres() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = two_images(folder.path());
    assert_same_place(&window);
    let before = place_in_a(&window);
    window.press(Key::ArrowDown);
    window.press(Key::ArrowDown);
    assert!((place_in_a(&window) - before).length() > 9.0);
    assert_same_place(&window);

    // A click into B moves both, and a turn of the wheel over it is a slice of A.
    let view = views(&window).into_iter().max_by(|a, b| a.left().total_cmp(&b.left()));
    let at = view.unwrap().center() + vec2(31.0, -24.0);
    window.draw(PointerButton::Primary, &[at, at]);
    window.steps(2);
    assert!((place_in_a(&window) - before).truncate().length() > 4.0, "the crosshair followed");
    assert_same_place(&window);
    let z = window.document().cursor()[2];
    window.harness.event(Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, 1.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    window.steps(3);
    assert_eq!(window.document().cursor()[2].abs_diff(z), 1);
    assert_same_place(&window);

    window.press(Key::Home);
    assert!(place_in_a(&window).z < 14.0, "the lowest slice of A is below all of B");
    let images = window.harness.query_all_by_role(Role::Image);
    let b = images.filter(|node| node.accesskit_node().label().is_some_and(|l| l.contains("of B"))).count();
    assert_eq!(b, 0, "what B does not have is not shown");
}

#[test]
fn closing_the_compared_image_ends_the_comparison() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = two_images(folder.path());
    assert!(!shows(&window, NOTHING));
    let (a, b) = (window.document().id(), window.workspace().documents().iter().map(|d| d.id()));
    let b = b.into_iter().find(|id| *id != a).unwrap();
    // B is in front, and closed from there.
    window.click("Go on with B");
    window.click("Work on B from here on");
    assert_eq!(window.document().id(), b);
    window.press_with(Modifiers::COMMAND, Key::W);
    window.until("it is closed", |w| w.document(b).is_none());
    window.steps(3);
    assert_eq!(window.document().id(), a);
    window.click(LAYOUT);
    assert!(shows(&window, NOTHING), "nothing is beside A any more");
    assert!(window.workspace().comparison().is_none());
    window.press(Key::Escape);
    assert!(!shows(&window, NOTHING));
}

#[test]
fn closing_the_image_while_two_models_are_compared_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, _) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, None);
    window.steps(3);
    window.press_with(Modifiers::COMMAND, Key::K);
    window.harness.event(Event::Text("compare two".into()));
    window.steps(3);
    window.press(Key::Enter);
    window.steps(3);
    window.click("Random");
    window.until("they are compared", |w| w.comparison().is_some());
    window.press_with(Modifiers::COMMAND, Key::W);
    window.until("it is closed", |w| w.documents().is_empty());
    window.steps(5);
    assert!(window.workspace().comparison().is_none());
}

/// Whether a choice in the row above the views can be made.
fn can(window: &Window, kind: &str) -> bool {
    !window.harness.get_by_role_and_label(Role::RadioButton, kind).accesskit_node().is_disabled()
}

#[test]
fn the_row_says_what_is_compared_and_offers_what_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let (mut workspace, other) = two_models(folder.path());
    let version = Some(other.to_string());
    workspace.apply(Command::Model(ModelCommand::Use { version })).unwrap();
    let mut window = Window::of(workspace, SIZE, None);
    window.steps(3);
    window.click(LAYOUT);
    assert!(shows(&window, NOTHING));
    assert!(can(&window, "Two models") && !can(&window, "Two images"), "no other image is open");
    window.click("Before and now");
    let beside = |w: &Workspace| w.comparison().is_some_and(|c| !c.slices().is_empty());
    window.until("the version it was trained from is beside it", beside);
    window.steps(3);
    let title = window.workspace().model(IN_USE).unwrap().card.title.clone();
    assert!(shows(&window, &format!("B: {title}")));
    // The one in use is the earlier one from now on, which was trained from none that is here.
    window.click("Go on with B");
    window.click("Use B from here on");
    let in_use = window.document().model().cloned();
    assert_eq!(in_use.as_deref(), window.workspace().model(IN_USE).map(|model| model.version()));
    window.steps(3);
    window.click(LAYOUT);
    assert!(!can(&window, "Before and now"));
}

#[test]
fn structures_that_are_left_out_are_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, _) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, None);
    compare(&mut window);
    let compared = |workspace: &Workspace| -> BTreeSet<String> {
        let comparison = workspace.comparison().expect("two models are compared");
        let name = |id: &LabelId| comparison.labels().get(*id).map(|label| label.name.clone());
        comparison.total().keys().filter_map(name).collect()
    };
    let before = compared(window.workspace());
    assert!(before.contains("liver") && before.len() > 2, "{before:?}");
    window.click("What is drawn of the two");
    window.harness.get_by_role_and_label(Role::CheckBox, "liver").click();
    window.steps(3);
    assert!(window.document().left_out().contains("liver"));
    window.until("it is counted anew", |w| w.comparison().is_some_and(|c| !c.slices().is_empty()));
    let after = compared(window.workspace());
    assert!(!after.contains("liver") && after.len() == before.len() - 1, "{after:?}");
}

#[test]
fn what_chooses_how_two_are_shown_covers_nothing_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (workspace, _) = two_models(folder.path());
    let mut window = Window::of(workspace, SIZE, None);
    compare(&mut window);
    let choices = window.harness.query_all_by_role(Role::RadioButton);
    let beside = choices
        .filter(|node| node.accesskit_node().label().is_some_and(|label| label.starts_with("Beside")))
        .map(|node| node.rect())
        .next()
        .expect("a choice");
    for view in views(&window) {
        assert!(view.bottom() <= beside.top(), "{view:?} and {beside:?}");
    }
}
