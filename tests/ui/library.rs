//! The model library: a model is found, used, or learned with.

use super::Window;
use egui::{Event, Key, accesskit::Role};
use egui_kittest::kittest::{NodeT, Queryable};

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
