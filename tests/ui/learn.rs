//! The panel that trains: start, pause, go on, cancel; adopting a version and rolling it back.

use super::Window;
use egui::{
    Event, Key, Modifiers,
    accesskit::{Role, Toggled},
};
use egui_kittest::kittest::{NodeT, Queryable};
use fovea::workspace::{Asks, TrainingState};

/// The OCT sample with the prediction accepted and `verified` slices marked, the panel in front.
pub fn corrected(verified: usize) -> Window {
    correct(Window::on("oct"), verified)
}

/// The same in a window on the sample.
pub fn correct(mut window: Window, verified: usize) -> Window {
    for _ in 0..verified {
        let z = window.document().cursor()[2];
        window.until("the slice is predicted", |w| {
            w.active().is_some_and(|d| w.prediction(d.id(), z).is_some())
        });
        window.steps(2);
        window.press(Key::Enter);
        window.settle();
        assert!(window.document().mask().slice(z).iter().any(|&l| l != 0), "slice {z} was not accepted");
        window.press_with(Modifiers::COMMAND, Key::Enter);
        assert!(window.document().is_verified(z));
        window.press(Key::ArrowDown);
    }
    window.click("Learn workspace");
    window
}

/// Writes the number of steps by hand and starts.
pub fn start(window: &mut Window, steps: u64) {
    start_by(window, steps, "it has begun");
}

/// The same of a run that may have to wait.
fn start_by(window: &mut Window, steps: u64, what: &str) {
    if window.harness.query_all_by_role(Role::SpinButton).next().is_none() {
        if window.harness.query_by_label("Set by hand").is_none() {
            window.harness.get_by_label("Details").scroll_to_me();
            window.steps(3);
            window.click("Details");
            window.steps(20);
        }
        window.harness.get_by_label("Set by hand").scroll_to_me();
        window.steps(3);
        window.click("Set by hand");
    }
    let field = window.harness.query_all_by_role(Role::SpinButton).next().expect("the number of steps");
    field.scroll_to_me();
    window.steps(3);
    let field = window.harness.query_all_by_role(Role::SpinButton).next().expect("the number of steps");
    field.click();
    window.steps(2);
    window.harness.event(Event::Text(steps.to_string()));
    window.steps(1);
    window.press(Key::Enter);
    window.press_learn();
    window.until(what, |w| w.training().is_some_and(|t| t.is_under_way()));
    let training = window.workspace().training().expect("it has begun");
    assert_eq!(training.options().steps, Some(steps));
}

fn state(window: &Window) -> TrainingState {
    window.workspace().training().expect("there is a run").state().clone()
}

/// By the panel's footer, whose words depend on whether a label got worse; a notice over the views has the same button.
fn adopt(window: &mut Window) {
    let worse = window.harness.query_by_label("Adopt all the same");
    let named = window.harness.query_all_by_label("Adopt");
    let button = worse.into_iter().chain(named).max_by(|a, b| a.rect().left().total_cmp(&b.rect().left()));
    button.expect("it can be adopted").click();
    window.steps(3);
}

#[test]
fn a_run_is_paused_goes_on_and_is_cancelled() {
    let mut window = corrected(2);
    start(&mut window, 500);
    window.until("the first step is done", |w| w.training().is_some_and(|t| t.steps()[0] > 0));
    window.steps(2);
    window.click("Pause");
    window.until("it rests", |w| w.training().is_some_and(|t| *t.state() == TrainingState::Paused));
    window.steps(2);
    window.click("Go on");
    assert_eq!(state(&window), TrainingState::Running);
    let done = window.workspace().training().map_or(0, |t| t.steps()[0]);
    window.until("it goes on", |w| w.training().is_some_and(|t| t.steps()[0] > done));
    // Here, and on the card of what takes time: nothing is thrown away without asking.
    window.until("the card is there", |w| {
        w.activities().any(|a| a.since.elapsed() > std::time::Duration::from_millis(300))
    });
    window.steps(2);
    for stop in ["Discard…", "Cancel"] {
        if stop == "Cancel" {
            window.harness.get_by_label_contains("Under way").click();
            window.steps(3);
        }
        window.click(stop);
        assert!(window.harness.query_by_label("Stop learning?").is_some(), "after {stop}");
        window.steps(5);
        window.click("Go on learning");
        assert!(window.harness.query_by_label("Stop learning?").is_none());
        assert_eq!(state(&window), TrainingState::Running);
    }
    window.click("Discard…");
    window.press(Key::Escape);
    assert!(window.harness.query_by_label("Stop learning?").is_none());
    assert_eq!(state(&window), TrainingState::Running);
    window.click("Discard…");
    window.click("Discard");
    window.until("it has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
    assert_eq!(state(&window), TrainingState::Cancelled);
}

/// Whether words are painted, which are no widget.
pub(super) fn painted(window: &Window, words: &str) -> bool {
    fn of(shape: &egui::Shape, words: &str) -> bool {
        match shape {
            egui::Shape::Text(text) => text.galley.text().contains(words),
            egui::Shape::Vec(shapes) => shapes.iter().any(|shape| of(shape, words)),
            _ => false,
        }
    }
    window.harness.output().shapes.iter().any(|shape| of(&shape.shape, words))
}

#[test]
fn the_best_so_far_is_kept_and_adopted_from_another_panel() {
    let mut window = corrected(2);
    start(&mut window, 500);
    window.until("it has learned something", |w| w.training().is_some_and(|t| t.steps()[0] > 1));
    window.steps(2);
    window.click("Keep the best so far");
    window.click("Label workspace");
    window.until("it has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(3);
    assert_eq!(state(&window), TrainingState::Finished);
    let candidate = window.workspace().training().and_then(|t| t.candidate()).expect("a candidate");
    let version = candidate.card.version.clone();
    // The notice is there in any panel, and stays.
    assert!(window.workspace().notices().iter().any(|n| n.asks == Some(Asks::Adopt)));
    window.click("Compare");
    assert!(window.harness.query_by_label("before → now").is_some());
    window.click("Label workspace");
    window.click("Adopt");
    assert_eq!(state(&window), TrainingState::Adopted);
    assert_eq!(window.document().model().map(|v| v.to_string()), Some(version));
    assert!(window.harness.query_by_label("Adopt").is_none(), "it is decided");
}

#[test]
fn an_image_is_not_closed_and_a_model_not_changed_over_a_run() {
    let mut window = corrected(2);
    start(&mut window, 500);
    window.until("it has learned something", |w| w.training().is_some_and(|t| t.steps()[0] > 1));
    window.press_with(Modifiers::COMMAND, Key::W);
    window.steps(2);
    window.click("Leave it open");
    assert_eq!((window.workspace().documents().len(), state(&window)), (1, TrainingState::Running));
    window.press_with(Modifiers::COMMAND, Key::W);
    window.steps(2);
    // In the question; the panel has one too.
    window.harness.query_all_by_label("Keep the best so far").last().expect("the question").click();
    window.steps(3);
    window.until("the run has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(5);
    // Then the image is closed as any other is: no project file is kept here.
    window.click("Close anyway");
    window.until("it is closed", |w| w.documents().is_empty());
    assert_eq!(state(&window), TrainingState::Finished);
}

#[test]
fn what_is_learned_from_is_listed_and_can_be_left_out() {
    let mut window = corrected(1);
    assert!(window.harness.query_by_label("1 slice").is_some());
    let warned = |window: &Window| {
        window.harness.query_all_by_label_contains("One slice is verified").next().is_some()
    };
    assert!(warned(&window), "too few slices are said to be too few");
    let tick = format!("Learn from {}", window.document().name());
    window.click(&tick);
    assert!(!warned(&window));
    window.press_learn();
    assert!(window.workspace().training().is_none(), "nothing is left to learn from");
    window.click(&tick);
    start(&mut window, 10);
    window.until("it is done", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(2);
    assert!(window.harness.query_by_label("Learned from 1 slice, 0 kept out").is_some());
    assert!(warned(&window), "and it stays said");
}

#[test]
fn a_model_of_phantoms_says_so_on_the_image_while_its_prediction_is_shown() {
    let words = "of no use on patients";
    let mut window = Window::on("oct");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.steps(2);
    assert!(painted(&window, words));
    window.click("Hide the prediction");
    assert!(!painted(&window, words), "the prediction is hidden");
    let mut window = Window::on("fundus");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.steps(2);
    assert!(!painted(&window, words), "this model has learned from photographs");
}

#[test]
fn an_untrained_network_offers_nothing_to_accept() {
    let mut window = Window::on("fundus");
    window.network("vessel/sa_unet");
    assert!(painted(&window, "The network has learned nothing yet"));
    window.click("Label workspace");
    window.click("Prediction panel");
    assert!(painted(&window, "This network has learned nothing yet"), "the panel is in front");
    assert!(window.harness.query_by_label("Accept").is_none());
    window.press(Key::Enter);
    window.settle();
    assert_eq!(window.painted(), 0);
}

#[test]
fn a_version_is_adopted_and_rolled_back() {
    let mut window = corrected(2);
    let base = window.document().model().expect("a model is in use").clone();
    start(&mut window, 10);
    window.until("it is done", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(2);
    assert_eq!(state(&window), TrainingState::Finished);
    assert_eq!(window.document().model(), Some(&base), "only a person adopts");
    let candidate = window.workspace().training().and_then(|t| t.candidate()).expect("a candidate");
    let version = candidate.card.version.clone();
    // The notice has the same button.
    let dismissed = |window: &Window| {
        window.harness.query_all_by_label("Dismiss").next().map(|notice| notice.click()).is_some()
    };
    while dismissed(&window) {
        window.steps(3);
    }
    adopt(&mut window);
    assert_eq!(state(&window), TrainingState::Adopted);
    assert_eq!(window.document().model().map(|v| v.to_string()), Some(version));
    window.harness.get_by_label("Earlier versions").scroll_to_me();
    window.steps(3);
    window.click("Earlier versions");
    window.steps(20);
    window.harness.get_by_label("Roll back").scroll_to_me();
    window.steps(3);
    window.click("Roll back");
    assert_eq!(window.document().model(), Some(&base));
}

#[test]
fn slices_kept_out_and_runs_are_shown_beside_each_other() {
    let mut window = corrected(2);
    for _ in 0..2 {
        window.click("Choose, step 1 of 3");
        start(&mut window, 12);
        window.until("it is done", |w| w.training().is_some_and(|t| !t.is_under_way()));
        window.steps(2);
    }
    window.click("Learn, step 2 of 3");
    let training = window.workspace().training().expect("there is a run");
    assert!(training.validations().len() > 1, "{} validations", training.validations().len());
    assert_eq!(window.document().runs().len(), 2);
    let newest = training.validations().last().expect("there are some").step;
    let shown = |window: &Window, step: u64| {
        window.harness.query_by_label_contains(&format!("Step {step}")).is_some()
    };
    assert!(shown(&window, newest));
    window.harness.get_by_label("Validation").scroll_to_me();
    window.steps(3);
    window.harness.get_by_label("Validation").focus();
    window.steps(1);
    window.press(Key::ArrowLeft);
    assert!(!shown(&window, newest), "an earlier one is shown");

    assert!(window.harness.query_by_label("another label").is_some(), "the difference's colours are told");
    window.harness.get_by_label("Decide, step 3 of 3").scroll_to_me();
    window.steps(3);
    window.click("Decide, step 3 of 3");
    assert!(window.harness.query_by_label("Name of the new version").is_some());
    window.harness.get_by_label("Runs").scroll_to_me();
    window.steps(3);
    window.click("Runs");
    window.steps(20);

    // A run of the command line, by the dialog for folders.
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("from the shell");
    std::fs::create_dir(&run).unwrap();
    std::fs::write(run.join("steps.csv"), "step,loss,lr\n1,0.5,0.001\n2,0.25,0.001\n").unwrap();
    std::fs::write(run.join("validation.csv"), "step,value,dice,best,dice of each label\n2,0.5,0.5,1,0.5\n")
        .unwrap();
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    window.steps(3);
    window.harness.event(Event::Text(run.display().to_string()));
    window.steps(2);
    window.press(Key::Enter);
    window.settle();
    assert!(window.harness.query_by_label("from the shell").is_some());
    assert_eq!(window.workspace().documents().len(), 1, "no image was opened");
    assert!(window.harness.query_by_label("another label").is_some(), "the difference's colours are told");
}

/// A run of a few steps that has come to its end, in the step Decide; the new version.
fn decided_on(verified: usize) -> (Window, String) {
    let mut window = corrected(verified);
    start(&mut window, 10);
    window.until("it is done", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(2);
    let candidate = window.workspace().training().and_then(|t| t.candidate()).expect("a candidate");
    let version = candidate.card.version.clone();
    (window, version)
}

fn chosen(window: &Window, name: &str) -> bool {
    let toggled = window.harness.get_by_role_and_label(Role::RadioButton, name).accesskit_node().toggled();
    toggled == Some(Toggled::True)
}

fn key(window: &mut Window, key: Key, pressed: bool) {
    let modifiers = Modifiers::NONE;
    window.harness.event(Event::Key { key, physical_key: None, pressed, repeat: false, modifiers });
    window.steps(3);
}

#[test]
fn the_view_shows_before_or_now_and_the_other_while_a_key_is_held() {
    let (mut window, version) = decided_on(2);
    let z = window.document().cursor()[2];
    window.until("both predict the slice", |w| {
        let document = w.active().expect("an image is open");
        w.prediction(document.id(), z).is_some() && w.prediction_by(document.id(), &version, z).is_some()
    });
    window.steps(2);
    assert!(chosen(&window, "Now") && !chosen(&window, "Before"));
    key(&mut window, Key::S, true);
    window.steps(3);
    assert!(chosen(&window, "Before"), "while the key is held");
    key(&mut window, Key::S, false);
    assert!(chosen(&window, "Now"));
    window.click("Before");
    assert!(chosen(&window, "Before"));
    window.press(Key::S);
    assert!(chosen(&window, "Now"), "a tap is a click");

    let difference = window.harness.get_by_role_and_label(Role::RadioButton, "Difference");
    difference.click();
    window.steps(3);
    assert!(painted(&window, "only now") && painted(&window, "only before"));
    key(&mut window, Key::S, true);
    assert!(chosen(&window, "Before") && !painted(&window, "only now"), "the key shows one of the two");
    key(&mut window, Key::S, false);
    window.steps(3);
    window.click("Now");
    assert!(!painted(&window, "only now"));

    // What is not in use yet is not accepted.
    let painted = window.painted();
    window.press(Key::Enter);
    window.settle();
    assert_eq!(window.painted(), painted);
    assert!(window.harness.query_by_label_contains("it can be accepted once it is adopted").is_some());

    window.click("Label workspace");
    assert!(window.harness.query_by_role_and_label(Role::RadioButton, "Before").is_none());
    window.click("Learn workspace");
    adopt(&mut window);
    assert!(window.harness.query_by_role_and_label(Role::RadioButton, "Before").is_none(), "it is decided");
}

/// All slices are accepted as they were predicted: the model in use is right by construction.
#[test]
fn a_mask_that_the_model_in_use_has_made_is_no_measure_of_it() {
    let (window, _) = decided_on(2);
    let has = |words: &str| window.harness.query_all_by_label_contains(words).next().is_some();
    assert!(has("Not to be compared with"));
    assert!(has("Measured on 1 slice"));
    assert!(has("accepted and not changed: it gets 1.00 by itself"));
    assert!(has(": own →") && !has("1.00 →"));
    assert!(has("Dice on 1 slice kept out"));
    assert!(window.harness.query_by_label("Adopt all the same").is_none(), "nothing is known to be worse");
}

#[test]
fn learning_on_goes_on_from_the_new_network() {
    let (mut window, version) = decided_on(3);
    let slices = window.workspace().training().map(|t| t.learned_from().to_vec());
    window.click("Learn on");
    let training = window.workspace().training().expect("it goes on");
    assert!(training.is_under_way() && training.base() == version);
    assert_eq!(Some(training.learned_from().to_vec()), slices);
    window.until("it is done", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(3);
    assert_eq!(state(&window), TrainingState::Finished);
    assert!(window.harness.query_by_label("What helps most next").is_some());
}

#[test]
fn a_new_network_leaves_the_model_in_use_and_is_judged_beside_it() {
    let mut window = corrected(2);
    let in_use = window.document().model().cloned();
    let card = window.harness.query_all_by_role(Role::RadioButton).find_map(|node| {
        let label = node.accesskit_node().label()?;
        label.starts_with("New network").then_some(label)
    });
    window.click(&card.expect("a new network is offered"));
    start_by(&mut window, 12, "the network is built");
    assert_eq!(window.document().model().cloned(), in_use, "it predicts on meanwhile");
    window.until("it is measured", |w| w.training().is_some_and(|t| !t.validations().is_empty()));
    window.steps(2);
    assert!(window.harness.query_by_label("in use → learning").is_some());
    window.until("it is done", |w| w.training().is_some_and(|t| !t.is_under_way()));
    window.steps(3);
    assert!(window.harness.query_by_label("before → now").is_some());
    // The slices kept out are brought into the view.
    let training = window.workspace().training().expect("there is a run");
    let z = training.place_of(0).map(|(_, z)| z).expect("one is kept out");
    window.harness.get_by_label("Show").scroll_to_me();
    window.steps(3);
    window.click("Show");
    assert_eq!(window.document().cursor()[2], z);
    window.click("Discard");
    assert_eq!((state(&window), window.document().model().cloned()), (TrainingState::Discarded, in_use));
}

#[test]
fn while_it_learns_a_slice_kept_out_shows_what_it_predicts() {
    let mut window = corrected(2);
    start(&mut window, 400);
    window.until("it is measured", |w| w.training().is_some_and(|t| !t.validations().is_empty()));
    let training = window.workspace().training().expect("there is a run");
    let (_, z) = training.place_of(0).expect("one is kept out");
    window.steps(2);
    let says = |window: &Window| window.harness.query_by_label_contains("As it learns").is_some();
    assert!(!says(&window), "not of a slice that it is not measured on");
    window.harness.get_by_label("Show").scroll_to_me();
    window.steps(3);
    window.click("Show");
    assert_eq!(window.document().cursor()[2], z);
    assert!(says(&window));
    window.click("Label workspace");
    assert!(!says(&window), "elsewhere the model in use is what one sees");
    window.click("Learn workspace");
    window.click("Keep the best so far");
    window.until("it has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
}
