//! What a person should know before they believe a prediction.

use crate::geom::Unit;
use crate::nn::ModelCard;
use crate::ui::theme;
use crate::ui::widgets::card::{self, Mood};
use crate::volume::Modality;
use crate::workspace::Document;
use egui::{RichText, Ui};

/// A shorter CT volume lacks most organs of the trunk, or cuts through them. In millimetres.
const SHORT: f64 = 100.0;

/// A title, and a sentence.
type Caution = (String, &'static str);

/// One card for each.
pub fn show(ui: &mut Ui, document: &Document, card: &ModelCard) {
    let volume = document.volume();
    let grid = volume.grid();
    let known = grid.unit() == Unit::Millimetre && volume.modality() == Modality::Ct;
    let length = known.then(|| grid.dims()[2] as f64 * grid.spacing()[2]);
    for (title, text) in cautions(volume.modality(), length, card) {
        ui.add_space(2.0);
        card::said(ui, Mood::Warn, RichText::new(title).font(theme::small()), text);
    }
}

/// `length`: how many millimetres of the body the slices are long, where that is known.
fn cautions(modality: Modality, length: Option<f64>, card: &ModelCard) -> Vec<Caution> {
    let phantom = card.is_demonstration().then(|| {
        let title = "Demonstration: finds nothing useful in patients.".to_owned();
        (title, "It has learned from phantoms only.")
    });
    let kind = (!card.fits(modality)).then(|| {
        let title = format!("Made for another kind of image: {}.", card.modality.title());
        (title, "What it finds here means little.")
    });
    // A network of slices has never seen more than one.
    let short = length.filter(|length| *length < SHORT && card.volume.is_some()).map(|length| {
        let title = format!("Only {length:.0} mm of the body are here.");
        (title, "Structures at the first and last slices may be wrong.")
    });
    [phantom, kind, short].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{bundled, weights};

    fn said(model: &str, modality: Modality, length: Option<f64>) -> Vec<String> {
        let card = weights::card_of(bundled::find(model).unwrap().bytes).unwrap();
        cautions(modality, length, &card).into_iter().map(|(title, _)| title).collect()
    }

    #[test]
    fn a_caution_stands_for_each_reason_to_doubt_and_for_no_other() {
        assert!(said("vessel", Modality::Fundus, None).is_empty());
        let other = said("vessel", Modality::Ct, Some(40.0));
        assert_eq!(
            other,
            ["Made for another kind of image: Fundus."],
            "it looks at slices, so that their number is no matter"
        );
        let short = said("abdomen-phantom", Modality::Ct, Some(40.0));
        assert_eq!(short.len(), 2);
        assert!(short[0].starts_with("Demonstration") && short[1] == "Only 40 mm of the body are here.");
        assert_eq!(said("abdomen-phantom", Modality::Ct, Some(400.0)).len(), 1);
    }
}
