//! The tab Prediction: what is found, what is said of the model, and what is taken from it.

use super::learn::painted;
use super::{SIZE, Window};
use egui::accesskit::{Role, Toggled};
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use fovea::label::LabelId;
use fovea::nn;

/// The CT sample, all of it predicted and measured.
fn predicted() -> Window {
    let mut window = Window::on("ct");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    window.steps(2);
    window.click("Predict all");
    window.settle();
    window.until("it is measured", |w| w.active().is_some_and(|d| w.predicted_volumes(d.id()).is_some()));
    window.steps(3);
    window
}

fn find(window: &mut Window, words: &str) {
    window.press_with(Modifiers::COMMAND, Key::K);
    window.harness.event(Event::Text(words.to_owned()));
    window.steps(3);
}

fn is_there(window: &Window, name: &str) -> bool {
    window.harness.query_by_label(name).is_some()
}

#[test]
fn a_structure_is_accepted_alone_and_undo_takes_it_back() {
    let mut window = predicted();
    assert!(is_there(&window, "Found 4 of 4"));
    let row = |window: &Window| {
        let row = window.harness.get_by_label_contains("spleen, predicted");
        row.accesskit_node().label().expect("it has a name")
    };
    assert!(row(&window).ends_with("mask 0 ml"), "{}", row(&window));
    // It says which slices it changes.
    let open = window.document().depth();
    window.click(&format!("Accept spleen alone, in all {open} slices that are not verified"));
    window.settle();
    let document = window.document();
    let spleen = document.labels().iter().find(|label| label.name == "spleen").expect("it came along").id;
    let counts = document.mask().counts();
    assert!(counts.get(&spleen).is_some_and(|count| *count > 0));
    let others: Vec<&LabelId> = counts.keys().filter(|id| **id != 0 && **id != spleen).collect();
    assert!(others.is_empty(), "{others:?} were accepted too");
    window.until("the mask is measured", |w| {
        w.active().and_then(|d| d.label_volume(spleen)).is_some_and(|volume| volume > 0.0)
    });
    window.steps(3);
    let words = row(&window);
    let figures: Vec<&str> = words.split(", ").collect();
    assert_eq!(figures[1].strip_prefix("predicted "), figures[2].strip_prefix("mask "), "{words}");
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
    assert_eq!(window.painted(), 0, "one undo takes all of it back");
}

#[test]
fn what_is_shown_is_one_choice_with_its_legend() {
    let mut window = predicted();
    let chosen = |window: &Window, name: &str| {
        window.harness.get_by_label(name).accesskit_node().toggled() == Some(Toggled::True)
    };
    assert!(chosen(&window, "Show Areas") && !chosen(&window, "Show Difference"));
    assert!(!is_there(&window, "would be added"));
    window.click("Show Difference");
    assert!(chosen(&window, "Show Difference") && is_there(&window, "would be added"));
    window.click("Show Certainty");
    assert!(!is_there(&window, "would be added") && is_there(&window, "From improbable to certain"));
    window.click("Hide the prediction");
    assert!(!chosen(&window, "Show Certainty"), "nothing of it is shown");
    window.click("Show Areas");
    assert!(is_there(&window, "Hide the prediction"), "and it is back");
}

#[test]
fn what_a_model_of_phantoms_is_worth_stands_in_the_tab_without_scrolling() {
    let mut window = Window::with("fundus", Some("ct-phantom"), None);
    for size in [SIZE, [900.0, 600.0], [640.0, 500.0]] {
        window.harness.set_size(vec2(size[0], size[1]));
        window.steps(4);
        if !is_there(&window, "Prediction panel") {
            window.press_with(Modifiers::COMMAND, Key::B);
            window.steps(3);
        }
        let body = window.harness.get_by_label("Prediction panel").rect().bottom()..size[1] - 28.0 - 56.0;
        for title in
            ["Demonstration: finds nothing useful in patients.", "Made for another kind of image: CT."]
        {
            let card = window.harness.get_by_label(title).rect();
            assert!(card.top() >= body.start && card.bottom() <= body.end, "{title} at {size:?}: {card:?}");
        }
    }
}

#[test]
fn an_untrained_network_that_is_found_leads_to_learn() {
    let mut window = Window::on("fundus");
    let title = nn::find("polyp/unetpp").expect("it is in the registry").title;
    find(&mut window, title);
    window.press(Key::Enter);
    window.until("it is in use", |w| {
        let model = w.active().and_then(|d| d.model()).and_then(|version| w.model(version));
        model.is_some_and(|m| m.is_untrained() && m.card.network == "polyp/unetpp")
    });
    window.steps(3);
    let learn = window.harness.get_by_label("Learn workspace").accesskit_node().toggled();
    assert_eq!(learn, Some(Toggled::True));
    window.press(Key::Enter);
    window.settle();
    assert_eq!(window.painted(), 0, "it predicts no noise");
}

#[test]
fn a_model_of_phantoms_is_named_so_where_it_is_found() {
    let mut window = Window::on("fundus");
    find(&mut window, "CT phantom demonstration");
    assert!(painted(&window, "Made for CT: not for this kind of image"));
    window.press(Key::Escape);
    window.steps(3);
    let mut window = Window::on("ct");
    find(&mut window, "CT phantom demonstration");
    assert!(painted(&window, "Only for phantoms"));
}

#[test]
fn a_fingerprint_is_shown_in_the_library_only() {
    let mut window = predicted();
    window.press(Key::Enter);
    window.settle();
    window.press_with(Modifiers::COMMAND, Key::Enter);
    let version = window.document().model().expect("a model is in use").to_string();
    let shown = |window: &Window| {
        painted(window, &version) || window.harness.query_all_by_label_contains(&version).next().is_some()
    };
    for workspace in ["Data set", "Review", "Learn", "Label"] {
        window.click(&format!("{workspace} workspace"));
        for panel in ["Labels panel", "Prediction panel", "Queue panel", "Image panel"] {
            if is_there(&window, panel) {
                window.click(panel);
            }
            assert!(!shown(&window), "{workspace}, {panel}");
        }
    }
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::M);
    window.steps(3);
    assert!(!shown(&window), "and there it is folded");
    window.click("Fingerprint, licence, files");
    window.steps(20);
    assert!(shown(&window));
}

#[test]
fn without_a_model_the_one_button_leads_to_the_library() {
    let mut window = without_a_model();
    assert!(!is_there(&window, "Accept") && !is_there(&window, "Show Areas"));
    window.click("Choose a model…");
    assert!(is_there(&window, "Search the models"));
}

/// A photograph that is said to be something for which there is no model.
fn without_a_model() -> Window {
    use fovea::{engine::EngineOptions, nn::DeviceChoice, workspace::Command, workspace::ModelCommand};
    let mut workspace = super::workspace(EngineOptions::headless(DeviceChoice::Cpu));
    workspace.apply(Command::Open("sample:fundus".into())).unwrap();
    assert!(workspace.wait_until(std::time::Duration::from_secs(120), |w| w.active().is_some()));
    workspace.apply(Command::Model(ModelCommand::Use { version: None })).unwrap();
    let mut window = Window::of(workspace, SIZE, None);
    window.steps(3);
    window
}

#[test]
fn only_the_chosen_structures_are_accepted() {
    let mut window = predicted();
    window.click("Only these…");
    window.harness.get_by_role_and_label(Role::CheckBox, "liver").click();
    window.steps(3);
    assert!(is_there(&window, "Only 3 of 4…"));
    window.press(Key::Escape);
    window.steps(3);
    let row = window.harness.get_by_label_contains("liver, predicted").accesskit_node().label().unwrap();
    assert!(row.ends_with("left out"), "{row}");
    assert!(window.harness.get_by_label_contains("Accept liver alone").accesskit_node().is_disabled());
    window.click("All slices");
    window.click("Every structure");
    window.settle();
    let document = window.document();
    let liver = document.labels().iter().find(|label| label.name == "liver").map(|label| label.id);
    let counts = document.mask().counts();
    let taken = liver.and_then(|id| counts.get(&id)).copied().unwrap_or(0);
    assert!(window.painted() > 0 && taken == 0, "{taken} voxels of what was left out");
}

#[test]
fn what_is_below_the_structures_stays_in_its_place_when_they_are_measured() {
    let mut window = Window::on("ct");
    window.until("the slice is predicted", |w| {
        w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
    });
    // Every structure is found in the first slices that are predicted.
    window.steps(10);
    let line = |window: &Window| {
        let line = window.harness.get_by_label_contains("accepts a structure in all 48 slices");
        (line.accesskit_node().value().expect("it has words"), line.rect())
    };
    let (before, place) = line(&window);
    assert!(before.starts_with("Volumes are measured once every slice is predicted."), "{before}");
    window.click("Predict all");
    window.settle();
    window.until("it is measured", |w| w.active().is_some_and(|d| w.predicted_volumes(d.id()).is_some()));
    window.steps(3);
    let (after, now) = line(&window);
    assert!(after.starts_with("Volumes are of all slices."), "{after}");
    assert_eq!(place.height(), now.height());
}

#[test]
fn a_locked_label_is_not_accepted_and_says_why() {
    let mut window = predicted();
    window.click("Accept spleen alone, in all 48 slices that are not verified");
    window.settle();
    let spleen = window.document().labels().by_name("spleen").expect("it came along").id;
    let painted = window.painted();
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.settle();
    window.click("Labels panel");
    if window.document().labels().by_name("spleen").is_none() {
        window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
        window.settle();
        assert_eq!(window.painted(), painted);
    }
    window.click("Lock spleen");
    assert!(window.document().labels().is_locked(spleen));
    window.click("Prediction panel");
    let button = window.harness.get_by_label_contains("Accept spleen alone");
    assert!(button.accesskit_node().is_disabled());
    button.hover();
    window.steps(20);
    assert!(is_there(&window, "The label is locked: unlock it in the panel Labels first"));
}
