//! The model library: a model is found, used, or learned with.

use super::Window;
use egui::accesskit::{Role, Toggled};
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use fovea::nn;

fn rows(window: &Window) -> usize {
    window.harness.query_all_by_role(Role::ListItem).count()
}

fn typed(window: &mut Window, words: &str) {
    window.harness.event(Event::Text(words.to_owned()));
    window.steps(3);
}

#[test]
fn what_is_typed_is_searched_and_enter_uses_what_is_chosen() {
    let mut window = Window::on("ct");
    window.click("Model");
    let all = rows(&window);
    typed(&mut window, "kidneys");
    let found = rows(&window);
    assert!(found > 0 && found < all, "{found} of {all} rows");
    window.press(Key::ArrowDown);
    window.press(Key::Enter);
    assert!(window.harness.query_by_label("Search the models").is_none(), "the sheet has closed");
    let version = window.document().model().expect("a model is in use");
    let model = window.workspace().model(version).expect("it is in the library");
    assert!(model.card.labels.iter().any(|label| label.name == "kidneys"));
    assert_eq!(window.painted(), 0, "Enter accepted nothing");
}

#[test]
fn escape_closes_the_library_and_changes_nothing() {
    let mut window = Window::on("ct");
    let before = window.document().model().cloned();
    window.click("Model");
    window.press(Key::ArrowDown);
    window.press(Key::Escape);
    window.steps(3);
    assert!(window.harness.query_by_label("Search the models").is_none());
    assert_eq!(window.document().model().cloned(), before);
}

#[test]
fn an_untrained_network_leads_to_learn() {
    let mut window = Window::on("fundus");
    window.network("edema/unet");
    let learn = window.harness.get_by_label("Learn workspace").accesskit_node().toggled();
    assert_eq!(learn, Some(egui::accesskit::Toggled::True), "the workspace Learn is in front");
}

/// The title of a network.
fn title(id: &str) -> &'static str {
    nn::find(id).expect("a network of the registry").title
}

fn listed(window: &Window, name: &str) -> bool {
    window.harness.query_by_role_and_label(Role::ListItem, name).is_some()
}

fn is_there(window: &Window, name: &str) -> bool {
    window.harness.query_by_label(name).is_some()
}

#[test]
fn what_is_slower_than_was_asked_for_is_hidden() {
    let mut window = Window::on("fundus");
    // What has learned nothing does not predict, so that the times are those of the table.
    window.network("vessel/sa_unet");
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::M);
    window.steps(3);
    assert!(is_there(&window, "Time on a two-core CPU"));
    typed(&mut window, "polyp/resunet");
    let (slow, fast) = (title("polyp/resunet"), title("polyp/resunetpp"));
    assert!(listed(&window, slow) && listed(&window, fast));
    window.click("under 3 s");
    assert!(!listed(&window, slow) && listed(&window, fast));
    window.click("under 0.3 s");
    assert!(!listed(&window, slow) && !listed(&window, fast));
    assert!(is_there(&window, "No model is like this."));
    window.click("Look in all models");
    assert!(listed(&window, slow) && listed(&window, fast), "without the other filters");
}

#[test]
fn only_rows_on_screen_are_laid_out_and_the_chosen_one_stays_there() {
    let mut window = Window::on("ct");
    window.click("Model");
    window.click("All");
    let shown = rows(&window);
    assert!(shown > 5 && shown < nn::MODELS.len() / 2, "{shown} rows");
    for _ in 0..40 {
        window.press(Key::ArrowDown);
    }
    window.steps(20);
    let list = window.harness.query_all_by_role(Role::ListItem);
    let chosen: Vec<_> = list.filter(|row| row.accesskit_node().toggled() == Some(Toggled::True)).collect();
    assert_eq!(chosen.len(), 1, "the chosen row is on screen");
    let sheet = window.harness.get_by_label("Search the models").rect();
    assert!(chosen[0].rect().top() > sheet.bottom() && chosen[0].rect().bottom() < 800.0);
}

#[test]
fn a_model_is_learned_from() {
    let mut window = Window::on("fundus");
    // Painted with a label that the model does not know: a new network would be recommended.
    window.press(Key::N);
    window.press(Key::B);
    window.drag(super::MIDDLE, super::MIDDLE + vec2(80.0, 0.0));
    window.press_with(Modifiers::COMMAND, Key::Enter);
    window.click("Learn workspace");
    let goes_on = "Go on from “Retinal vessels in fundus photographs”";
    let chosen = |window: &Window| {
        window.harness.get_by_label(goes_on).accesskit_node().toggled() == Some(Toggled::True)
    };
    assert!(!chosen(&window));
    window.click("Label workspace");
    window.click("Prediction panel");
    window.click("Model");
    window.click("Learn from it");
    let learn = window.harness.get_by_label("Learn workspace").accesskit_node().toggled();
    assert_eq!(learn, Some(Toggled::True));
    assert!(chosen(&window), "and the model is what the run starts from");
    // From Learn it is what the library is opened for.
    window.click("Choose from the library…");
    assert!(is_there(&window, "Search the models"));
    window.press(Key::Enter);
    assert!(!is_there(&window, "Search the models") && chosen(&window));
}

#[test]
fn what_to_try_first_is_marked_and_chosen() {
    let mut window = Window::on("ct");
    window.click("Model");
    assert!(super::learn::painted(&window, "recommended"));
    window.click("Networks");
    let chosen = window.harness.get_by_role_and_label(Role::ListItem, title("edema/unet"));
    assert_eq!(chosen.accesskit_node().toggled(), Some(Toggled::True), "the first is the recommended one");
    assert!(is_there(&window, "Recommended: small, and soon trained"));
}
