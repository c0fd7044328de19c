//! What a model makes of a single voxel.

use super::{Document, Workspace, class_labels};
use crate::label::LabelTable;
use crate::nn::{ModelCard, Probabilities, SlicePrediction};

/// A label that a model holds possible at a voxel.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
    /// As the document calls it.
    pub name: String,
    /// `None` of background.
    pub color: Option<[u8; 3]>,
    /// 0 to 1; those of a voxel sum to 1.
    pub probability: f32,
}

/// Every class of a model at voxel (x, y, z), the most probable first. Empty where no probabilities are at hand: nothing is
/// predicted there, the model gives labels alone, or the values lie on the graphics device.
pub fn predicted_by(
    workspace: &Workspace,
    document: &Document,
    version: &str,
    [x, y, z]: [usize; 3],
) -> Vec<Likely> {
    let Some(predicted) = workspace.prediction_by(document.id(), version, z) else { return Vec::new() };
    let Some(model) = workspace.model(&predicted.key.version) else { return Vec::new() };
    likely(&predicted.prediction, &model.card, document.labels(), [x, y])
}

fn likely(slice: &SlicePrediction, card: &ModelCard, table: &LabelTable, [x, y]: [usize; 2]) -> Vec<Likely> {
    let Probabilities::Host(values) = &slice.probabilities else { return Vec::new() };
    if x >= slice.width || y >= slice.height {
        return Vec::new();
    }
    let (labels, table) = class_labels(card, table);
    let one = |(class, &label)| {
        let probability = *values.get((class * slice.height + y) * slice.width + x)?;
        Some(match table.get(label) {
            Some(label) => Likely { name: label.name.clone(), color: Some(label.color), probability },
            None => Likely { name: "Background".to_owned(), color: None, probability },
        })
    };
    let mut all: Vec<Likely> = labels.iter().enumerate().filter_map(one).collect();
    all.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Channels, InputSpec};
    use crate::volume::Modality;

    #[test]
    fn the_likeliest_label_of_a_voxel_comes_first() {
        let labels = LabelTable::named(&["liver", "spleen"]);
        let input = InputSpec::unit(Channels::Grey);
        let card = ModelCard::new("edema/unet", serde_json::Value::Null, input, labels, Modality::Ct);
        // Two pixels in a row: background, liver, spleen.
        let values = vec![0.1, 0.8, 0.2, 0.15, 0.7, 0.05];
        let slice = SlicePrediction {
            classes: 3,
            width: 2,
            height: 1,
            probabilities: Probabilities::Host(values.into()),
            detection: None,
            forward_millis: 1.0,
        };
        // The document calls the spleen its first label.
        let table = LabelTable::named(&["spleen"]);
        let at = |x| likely(&slice, &card, &table, [x, 0]);
        let names = |x| at(x).into_iter().map(|l| l.name).collect::<Vec<_>>();
        assert_eq!(names(0), ["spleen", "liver", "Background"]);
        assert_eq!(names(1), ["Background", "liver", "spleen"]);
        assert_eq!(at(0)[0].color, table.get(1).map(|label| label.color));
        assert_eq!((at(0)[0].probability, at(0)[2].color), (0.7, None));
        assert!(at(2).is_empty(), "outside the image");
    }
}
