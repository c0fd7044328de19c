//! What a network that learns makes of the slice on screen, in the place of the prediction of the model in use: while it learns,
//! and once it is there, before and now.

use super::frame::ViewFrame;
use super::overlay::EDGE;
use crate::engine::Version;
use crate::gpu::{PredictionDraw, PredictionSource};
use crate::label::{LabelId, LabelTable};
use crate::time::now_ms;
use crate::ui::arrangement::Arrangement;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::panels::learn::as_shown;
use crate::ui::theme::{self, canvas};
use crate::ui::widgets::{Segmented, key_cap};
use crate::workspace::{
    Compared, Document, DocumentId, Training, TrainingState, Validation, Workspace, class_labels,
};
use egui::{
    Align, CornerRadius, Layout, Rect, RichText, Role, Sense, Theme, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// Whose prediction the views show.
#[derive(Clone, Debug, Default)]
pub enum Learned {
    /// That of the model in use.
    #[default]
    InUse,
    /// What a network that learns made of the slice at the cursor of this document when it was measured on it last.
    AsItLearns(DocumentId),
    /// Those of the model in use and of a new one that waits for the decision.
    BeforeNow(BeforeNow),
}

/// Two models of one image, of which one is shown.
#[derive(Clone, Debug)]
pub struct BeforeNow {
    document: DocumentId,
    /// The model in use; None where nothing that has learned anything is.
    before: Option<Version>,
    now: Version,
    before_chosen: bool,
    /// While the key is held.
    held: bool,
}

impl Learned {
    /// As the work stands: only in Learn, so that everywhere else the model in use is what one sees.
    /// `compares`: two models or images are beside each other.
    pub fn refresh(&mut self, workspace: &Workspace, arrangement: Arrangement, compares: bool) {
        let learns = arrangement == Arrangement::Learn && !compares;
        let training = workspace.training().filter(|_| learns);
        *self = match (training.map(Training::state), workspace.active()) {
            (Some(TrainingState::Running | TrainingState::Paused), Some(document)) => {
                match newest(workspace, document, document.cursor()[2]) {
                    Some(_) => Learned::AsItLearns(document.id()),
                    None => Learned::InUse,
                }
            }
            (Some(TrainingState::Finished), Some(document)) => {
                let pair = training.and_then(|training| BeforeNow::of(workspace, training, document));
                pair.map_or(Learned::InUse, |pair| Learned::BeforeNow(pair.looked_at_as(self)))
            }
            _ => Learned::InUse,
        };
    }

    fn pair(&self, document: DocumentId) -> Option<&BeforeNow> {
        match self {
            Learned::BeforeNow(pair) if pair.document == document => Some(pair),
            _ => None,
        }
    }

    /// The version whose prediction is shown on a document's slice at the cursor; None of a network that still learns.
    pub fn version<'a>(&'a self, document: &'a Document) -> Option<&'a Version> {
        match self {
            Learned::AsItLearns(id) if *id == document.id() => None,
            _ => self.volume_by(document),
        }
    }

    /// The same of the other slices.
    pub fn volume_by<'a>(&'a self, document: &'a Document) -> Option<&'a Version> {
        self.pair(document.id()).map_or(document.model(), |pair| Some(pair.shown()))
    }

    /// Whether what is shown on a document is by another network than the one in use.
    pub fn is_another(&self, document: &Document) -> bool {
        self.version(document) != document.model()
    }

    /// Whether a prediction is held against the mask, which then is drawn as a line, so that it covers nothing of it.
    pub fn is_judged(&self) -> bool {
        !matches!(self, Learned::InUse)
    }

    /// What is predicted besides by the model in use.
    pub fn beside(&self, document: &Document) -> Option<Compared> {
        let pair = self.pair(document.id())?;
        let shown = Some(pair.shown()).filter(|shown| Some(*shown) != document.model());
        let version = Some(shown.unwrap_or(&pair.now).clone());
        Some(Compared { document: document.id(), version, z: Some(document.cursor()[2]) })
    }

    /// The other of two predictions is shown while the key is held; false where there is one only.
    pub fn hold(&mut self, held: bool) -> bool {
        match self {
            Learned::BeforeNow(pair) if pair.before.is_some() => pair.held = held,
            _ => return false,
        }
        true
    }

    /// The other of two predictions is shown from now on; false where there is one only.
    pub fn swap(&mut self) -> bool {
        match self {
            Learned::BeforeNow(pair) if pair.before.is_some() => pair.before_chosen = !pair.before_chosen,
            _ => return false,
        }
        true
    }
}

impl BeforeNow {
    /// None where the candidate is not made for the image.
    fn of(workspace: &Workspace, training: &Training, document: &Document) -> Option<Self> {
        let now: Version = training.candidate()?.card.version.as_str().into();
        workspace.model(&now).filter(|model| model.fits(document.volume()))?;
        let before = document.predictor().filter(|version| **version != now).cloned();
        Some(Self { document: document.id(), before, now, before_chosen: false, held: false })
    }

    /// With the choice that was made before, of the same new model.
    fn looked_at_as(self, earlier: &Learned) -> Self {
        match earlier {
            Learned::BeforeNow(BeforeNow { now, before_chosen, held, .. }) if *now == self.now => {
                Self { before_chosen: *before_chosen, held: *held, ..self }
            }
            _ => self,
        }
    }

    fn shows_before(&self) -> bool {
        self.before.is_some() && self.before_chosen != self.held
    }

    fn shown(&self) -> &Version {
        self.before.as_ref().filter(|_| self.shows_before()).unwrap_or(&self.now)
    }
}

/// What the network that learns made of a slice when it was validated last, kept from frame to frame: a new place in memory
/// would be uploaded anew.
#[derive(Default)]
pub struct AsItLearns {
    made: Option<(Key, Arc<[LabelId]>)>,
}

/// Run, step, which of the slices kept out, and the document's label of each class.
type Key = (i64, u64, usize, Vec<LabelId>);

impl AsItLearns {
    /// None of a slice that the network is not validated on, and as long as it has not been.
    pub fn draw(
        &mut self,
        workspace: &Workspace,
        document: &Document,
        z: usize,
    ) -> Option<(PredictionDraw, LabelTable)> {
        let training = workspace.training()?;
        let (at, validation) = newest(workspace, document, z)?;
        let (predicted, sample) = (validation.predicted.get(at)?, training.held_out_samples().get(at)?);
        let card = &workspace.model(training.base())?.card;
        let (classes, table) = class_labels(card, document.labels());
        let key = (training.started_ms(), validation.step, at, classes.clone());
        if self.made.as_ref().is_none_or(|(of, _)| *of != key) {
            let class = |own: &LabelId| card.class_of(*own).and_then(|class| classes.get(class));
            let labels: Arc<[LabelId]> =
                predicted.iter().map(|own| class(own).copied().unwrap_or(0)).collect();
            self.made = Some((key, as_shown(sample, &labels)));
        }
        let labels = self.made.as_ref().map(|(_, labels)| Arc::clone(labels))?;
        let source = PredictionSource::Labels(labels);
        Some((PredictionDraw { source, class_labels: classes.into() }, table))
    }
}

/// Which of the slices kept out a native slice is, and what was made of them last; None of another one, and of those whose
/// pictures are not kept.
fn newest<'a>(workspace: &'a Workspace, document: &Document, z: usize) -> Option<(usize, &'a Validation)> {
    let training = workspace.training()?;
    let at = training.held_out_at(document.id(), z)?;
    let validation = training.validations().last().filter(|validation| at < validation.predicted.len())?;
    Some((at, validation))
}

/// Over the native view: which of two predictions is shown and the other one a click away, or that the network still learns.
pub fn show(
    ui: &mut Ui,
    frame: &ViewFrame,
    workspace: &Workspace,
    document: &Document,
    learned: &mut Learned,
) {
    /// Below plane and slice, and below what is said of a demonstration.
    const TOP: f32 = 46.0;
    let at = pos2(frame.rect.left() + EDGE, frame.rect.top() + TOP);
    match learned {
        Learned::InUse => {}
        Learned::AsItLearns(_) => {
            if let Some((_, validation)) = newest(workspace, document, frame.slice) {
                pill(ui, at, &format!("As it learns · {}", ago(now_ms() - validation.at_ms)));
            }
        }
        Learned::BeforeNow(pair) if pair.document != document.id() => {}
        Learned::BeforeNow(pair) if pair.before.is_none() => pill(ui, at, "The new network, not yet adopted"),
        Learned::BeforeNow(pair) => switch(ui, at, frame.rect, pair),
    }
}

/// "3 s ago". `ms`: milliseconds that have passed.
fn ago(ms: i64) -> String {
    match ms / 1000 {
        secs if secs < 60 => format!("{} s ago", secs.max(1)),
        secs => format!("{} min ago", secs / 60),
    }
}

fn pill(ui: &mut Ui, at: egui::Pos2, words: &str) {
    let galley = ui.painter().layout_no_wrap(words.to_owned(), theme::small(), canvas::TEXT);
    let place = Rect::from_min_size(at, galley.size() + vec2(30.0, 12.0));
    let response = ui.interact(place, ui.scope_id().with("learned"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    let painter = ui.painter();
    painter.rect_filled(place, CornerRadius::same(theme::size::RADIUS), canvas::SHADE);
    painter.circle_filled(pos2(place.left() + 12.0, place.center().y), 3.0, theme::of(true).accent);
    painter.galley(place.min + vec2(22.0, 6.0), galley, canvas::TEXT);
}

fn switch(ui: &mut Ui, at: egui::Pos2, view: Rect, pair: &mut BeforeNow) {
    let room = Rect::from_min_max(at, pos2(view.right() - EDGE, at.y + theme::size::BUTTON));
    let behind = ui.painter().add(egui::Shape::Noop);
    let mut ui = ui.new_child(
        UiBuilder::new().max_rect(room).layout(Layout::left_to_right(Align::Center)).id_salt("before now"),
    );
    // Over an image it is dark in both themes.
    ui.set_style(ui.ctx().style_of(Theme::Dark));
    ui.spacing_mut().item_spacing.x = 6.0;
    let choices = [(true, "Before"), (false, "Now")];
    let tip = |before| match before {
        true => "What the model in use predicts".to_owned(),
        false => "What the new network predicts".to_owned(),
    };
    if let Some(before) = Segmented::new(pair.shows_before(), choices).show(&mut ui, tip) {
        (pair.before_chosen, pair.held) = (before, false);
    }
    let small = |words: &str| RichText::new(words).font(theme::small()).color(canvas::WEAK);
    if let Some(key) = shortcut_of(ui.ctx(), KeyCommand::HideMask) {
        ui.label(small("hold"));
        key_cap(&mut ui, &key);
        ui.label(small("for the other"));
    }
    let place = ui.min_rect().expand2(vec2(5.0, 4.0));
    let shade = egui::Shape::rect_filled(place, CornerRadius::same(theme::size::RADIUS), canvas::SHADE);
    ui.painter().set(behind, shade);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(before: Option<&str>) -> BeforeNow {
        let before = before.map(Version::from);
        BeforeNow { document: DocumentId(1), before, now: "new".into(), before_chosen: false, held: false }
    }

    #[test]
    fn the_key_shows_the_other_of_two_as_long_as_it_is_held() {
        let mut learned = Learned::BeforeNow(pair(Some("old")));
        let shown = |learned: &Learned| learned.pair(DocumentId(1)).unwrap().shown().to_string();
        assert_eq!(shown(&learned), "new");
        assert!(learned.hold(true) && shown(&learned) == "old");
        assert!(learned.hold(false) && shown(&learned) == "new");
        assert!(learned.swap() && shown(&learned) == "old");
        assert!(learned.hold(true) && shown(&learned) == "new");
        assert!(learned.pair(DocumentId(2)).is_none(), "another image has nothing of it");
    }

    #[test]
    fn without_an_earlier_model_there_is_no_other() {
        let mut learned = Learned::BeforeNow(pair(None));
        assert!(!learned.hold(true) && !learned.swap());
        assert_eq!(&**learned.pair(DocumentId(1)).unwrap().shown(), "new");
        assert!(!Learned::InUse.hold(true) && !Learned::AsItLearns(DocumentId(1)).swap());
    }

    #[test]
    fn a_choice_stays_with_its_network() {
        let chosen = Learned::BeforeNow(BeforeNow { before_chosen: true, ..pair(Some("old")) });
        assert!(pair(Some("old")).looked_at_as(&chosen).before_chosen);
        let newer = BeforeNow { now: "newer".into(), ..pair(Some("old")) };
        assert!(!newer.looked_at_as(&chosen).before_chosen);
    }

    #[test]
    fn time_that_has_passed_is_said_in_seconds_and_minutes() {
        assert_eq!(
            [0, 1_000, 59_999, 60_000, 150_000].map(ago),
            ["1 s ago", "1 s ago", "59 s ago", "1 min ago", "2 min ago"]
        );
    }
}
