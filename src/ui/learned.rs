//! Whose prediction the views show in Learn: that of the model in use, or what a network that learns makes of a slice.

use super::arrangement::Arrangement;
use crate::engine::Version;
use crate::workspace::{Compared, Document, DocumentId, Training, TrainingState, Validation, Workspace};

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

/// Two models of one image, of which one is shown, or what they do not agree on.
#[derive(Clone, Debug)]
pub struct BeforeNow {
    document: DocumentId,
    /// The model in use; None where nothing that has learned anything is.
    before: Option<Version>,
    now: Version,
    chosen: Look,
    /// While the key is held.
    held: bool,
}

/// What of two models is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    Before,
    #[default]
    Now,
    /// What only one of them predicts.
    Difference,
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

    /// The version that the one which is shown is held against, where it is what they do not agree on that is shown.
    pub fn differing(&self, document: &Document) -> Option<&Version> {
        let pair = self.pair(document.id()).filter(|pair| pair.look() == Look::Difference)?;
        pair.before.as_ref()
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
            Learned::BeforeNow(pair) if pair.before.is_some() => pair.chosen = pair.chosen.other(),
            _ => return false,
        }
        true
    }
}

impl Look {
    fn other(self) -> Self {
        match self {
            Look::Before => Look::Now,
            Look::Now | Look::Difference => Look::Before,
        }
    }
}

impl BeforeNow {
    /// None where the candidate is not made for the image.
    fn of(workspace: &Workspace, training: &Training, document: &Document) -> Option<Self> {
        let now: Version = training.candidate()?.card.version.as_str().into();
        workspace.model(&now).filter(|model| model.fits(document.volume()))?;
        let before = document.predictor().filter(|version| **version != now).cloned();
        Some(Self { document: document.id(), before, now, chosen: Look::default(), held: false })
    }

    /// With the choice that was made before, of the same new model.
    fn looked_at_as(self, earlier: &Learned) -> Self {
        match earlier {
            Learned::BeforeNow(BeforeNow { now, chosen, held, .. }) if *now == self.now => {
                Self { chosen: *chosen, held: *held, ..self }
            }
            _ => self,
        }
    }

    pub fn document(&self) -> DocumentId {
        self.document
    }

    /// Whether there is an earlier network to compare with.
    pub fn has_earlier(&self) -> bool {
        self.before.is_some()
    }

    /// What is shown from now on.
    pub fn choose(&mut self, look: Look) {
        (self.chosen, self.held) = (look, false);
    }

    pub fn look(&self) -> Look {
        match self.before {
            None => Look::Now,
            Some(_) if self.held => self.chosen.other(),
            Some(_) => self.chosen,
        }
    }

    fn shown(&self) -> &Version {
        self.before.as_ref().filter(|_| self.look() == Look::Before).unwrap_or(&self.now)
    }
}

/// Which of the slices kept out a native slice is, and what was made of them last; None of another one, and of those whose
/// pictures are not kept.
pub fn newest<'a>(
    workspace: &'a Workspace,
    document: &Document,
    z: usize,
) -> Option<(usize, &'a Validation)> {
    let training = workspace.training()?;
    let at = training.held_out_at(document.id(), z)?;
    let validation = training.validations().last().filter(|validation| at < validation.predicted.len())?;
    Some((at, validation))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(before: Option<&str>) -> BeforeNow {
        let before = before.map(Version::from);
        BeforeNow { document: DocumentId(1), before, now: "new".into(), chosen: Look::Now, held: false }
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
        let Learned::BeforeNow(pair) = &mut learned else { panic!() };
        pair.choose(Look::Difference);
        assert_eq!((shown(&learned).as_str(), learned.hold(true)), ("new", true));
        assert_eq!(shown(&learned), "old", "the key shows one of the two");
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
        let chosen = Learned::BeforeNow(BeforeNow { chosen: Look::Before, ..pair(Some("old")) });
        assert_eq!(pair(Some("old")).looked_at_as(&chosen).look(), Look::Before);
        let newer = BeforeNow { now: "newer".into(), ..pair(Some("old")) };
        assert_eq!(newer.looked_at_as(&chosen).look(), Look::Now);
    }
}
