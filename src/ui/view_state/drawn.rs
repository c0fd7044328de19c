//! What is drawn over the mask decides what is accepted.

use super::ViewState;
use crate::workspace::Document;

/// What the views draw over the mask of an image. Nothing else can be accepted: a person would not see what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    /// What an effect would change.
    Effect,
    /// What a network predicts that is not in use.
    NotInUse,
    /// What the model in use predicts.
    Prediction,
}

impl ViewState {
    pub fn drawn(&self, document: &Document) -> Drawn {
        match self.effect(document) {
            Some(_) => Drawn::Effect,
            None if self.learned.is_another(document) => Drawn::NotInUse,
            None => Drawn::Prediction,
        }
    }

    /// Whether the prediction of the model in use can be accepted. Why not, in a sentence.
    pub fn can_accept(&self, document: &Document) -> Result<(), &'static str> {
        match self.drawn(document) {
            Drawn::Prediction => Ok(()),
            Drawn::Effect => {
                Err("First apply the effect, or leave it: the prediction is not shown meanwhile")
            }
            Drawn::NotInUse => {
                Err("This is what the new network predicts: it can be accepted once it is adopted")
            }
        }
    }
}
