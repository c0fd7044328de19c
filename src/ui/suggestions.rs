//! What a person might do next, said once: the first that applies, and none that was put away for this image.

use super::arrangement::Arrangement;
use super::outbox::{Outbox, Request};
use super::theme;
use super::widgets::{quiet, section};
use crate::words::counted;
use crate::workspace::{Asks, Document, DocumentId, PredictionStatus, Workspace};
use egui::{RichText, Ui};
use std::collections::BTreeSet;

/// So many verified slices are enough to learn from.
const ENOUGH: usize = 5;

/// A kind of suggestion. To add one, write its function and list it in [`KINDS`].
struct Kind {
    id: &'static str,
    find: fn(&Workspace, &Document) -> Option<Suggestion>,
}

struct Suggestion {
    words: String,
    button: &'static str,
    request: Request,
}

/// In the order of their weight.
static KINDS: &[Kind] = &[
    Kind { id: "look at what was learned", find: learned },
    Kind { id: "choose a model", find: choose_a_model },
    Kind { id: "review", find: review },
    Kind { id: "learn", find: learn },
];

/// Those that were put away.
#[derive(Default)]
pub struct Suggestions {
    away: BTreeSet<(DocumentId, &'static str)>,
}

impl Suggestions {
    /// The card, where something is to be suggested.
    pub fn show(&mut self, ui: &mut Ui, workspace: &Workspace, document: &Document, out: &mut Outbox) {
        let Some((kind, suggestion)) = first(workspace, document, &self.away) else { return };
        section(ui, "Suggested next", |ui| {
            theme::card(ui).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.add(egui::Label::new(RichText::new(&suggestion.words)).wrap());
                ui.add_space(4.0);
                ui.horizontal(|ui| {
                    if quiet(ui, true, suggestion.button).clicked() {
                        out.requests.push(suggestion.request.clone());
                    }
                    let tip = "Not for this image again";
                    if ui.button("Not now").on_hover_text(tip).clicked() {
                        self.away.insert((document.id(), kind));
                    }
                });
            });
        });
    }
}

fn first(
    workspace: &Workspace,
    document: &Document,
    away: &BTreeSet<(DocumentId, &'static str)>,
) -> Option<(&'static str, Suggestion)> {
    let wanted = KINDS.iter().filter(|kind| !away.contains(&(document.id(), kind.id)));
    wanted.into_iter().find_map(|kind| Some((kind.id, (kind.find)(workspace, document)?)))
}

fn learned(workspace: &Workspace, document: &Document) -> Option<Suggestion> {
    // As long as the decision is open.
    workspace.notices().iter().find(|notice| notice.asks == Some(Asks::Adopt))?;
    let training = workspace.training().filter(|t| t.uses(document.id()) && t.candidate().is_some())?;
    Some(Suggestion {
        words: format!("The new network is ready: {}.", training.about()),
        button: "Look at it",
        request: Request::ShowPanel("learn"),
    })
}

fn choose_a_model(workspace: &Workspace, document: &Document) -> Option<Suggestion> {
    let free = document.model().is_none() && document.mask().is_empty();
    let fit = workspace.models().iter().filter(|m| !m.is_untrained() && m.fits(document.volume())).count();
    (free && fit > 0).then(|| Suggestion {
        words: match fit {
            1 => "One model fits this image.".to_owned(),
            fit => format!("{fit} models fit this image."),
        },
        button: "See them",
        request: Request::Models,
    })
}

fn review(workspace: &Workspace, document: &Document) -> Option<Suggestion> {
    let z = document.cursor()[2];
    let status = workspace.prediction_status(document.id(), z);
    let there = matches!(status, PredictionStatus::Ready(_) | PredictionStatus::Labelled);
    let begun = !document.mask().is_empty() || !document.verified().is_empty();
    (there && !begun && document.depth() > 1).then(|| Suggestion {
        words: "A model has predicted this slice. Go through the slices and accept what is right.".to_owned(),
        button: "Review",
        request: Request::Arrange(Arrangement::Review),
    })
}

fn learn(workspace: &Workspace, document: &Document) -> Option<Suggestion> {
    let verified: usize = workspace.documents().iter().map(|d| d.verified().len()).sum();
    let free = workspace.training().is_none() && document.runs().is_empty();
    (free && verified >= ENOUGH && !document.verified().is_empty()).then(|| Suggestion {
        words: format!("{} can teach a network.", counted(verified, "verified slice")),
        button: "Learn",
        request: Request::Arrange(Arrangement::Learn),
    })
}
