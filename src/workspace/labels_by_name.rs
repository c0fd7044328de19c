//! Which labels of a document those of a model or of a mask are: those of the same names.

use crate::label::{Label, LabelId, LabelTable};
use crate::nn::ModelCard;
use std::collections::BTreeSet;

/// The label of a document's table that each class of a model means (class 0, background, is label 0), and the table
/// with the labels that it lacks: [`by_name`].
pub fn class_labels(card: &ModelCard, table: &LabelTable) -> (Vec<LabelId>, LabelTable) {
    let (labels, table) = by_name(card.labels.iter(), table);
    ([0].into_iter().chain(labels).collect(), table)
}

/// As [`class_labels`], of a model of which only a part is wanted: classes whose names are `left_out` mean nothing, and bring no
/// labels.
pub fn wanted_labels(
    card: &ModelCard,
    table: &LabelTable,
    left_out: &BTreeSet<String>,
) -> (Vec<LabelId>, LabelTable) {
    let (mut labels, mut after) = class_labels(card, table);
    let own = labels.iter_mut().skip(1).zip(card.labels.iter());
    for (label, _) in own.filter(|(_, class)| left_out.contains(&class.name)) {
        if table.get(*label).is_none() {
            after.remove(*label);
        }
        *label = 0;
    }
    (labels, after)
}

/// The label of a document's table for each label from elsewhere, a model or a mask, and the table with those that it lacks.
///
/// It is the label of exactly its name, whatever its id. One that no label is called after becomes a new label: with
/// its own id where that is free, else with another. None is ever taken for a label of another name, and no two for one
/// label.
pub(super) fn by_name<'a>(
    theirs: impl Iterator<Item = &'a Label> + Clone,
    table: &LabelTable,
) -> (Vec<LabelId>, LabelTable) {
    let mut table = table.clone();
    let mut labels = Vec::new();
    for label in theirs.clone() {
        let same = table.iter().find(|l| l.name == label.name && !labels.contains(&l.id));
        labels.push(same.map_or(0, |label| label.id));
    }
    let bring = |table: &mut LabelTable, label: &mut LabelId, own: &Label, id: LabelId| {
        table.bring(Label { id, locked: false, visible: true, ..own.clone() });
        *label = id;
    };
    for (label, own) in labels.iter_mut().zip(theirs.clone()) {
        if *label == 0 && table.get(own.id).is_none() {
            bring(&mut table, label, own, own.id);
        }
    }
    for (label, own) in labels.iter_mut().zip(theirs) {
        if *label == 0 {
            let id = table.free_id();
            bring(&mut table, label, own, id);
        }
    }
    (labels, table)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Channels, InputSpec};
    use crate::volume::Modality;

    fn card(names: &[&str]) -> ModelCard {
        let input = InputSpec::unit(Channels::Grey);
        ModelCard::new("edema/unet", serde_json::Value::Null, input, LabelTable::named(names), Modality::Ct)
    }

    #[test]
    fn a_class_is_the_label_of_its_name_and_never_another_structure() {
        let table = LabelTable::named(&["spleen", "lesion"]);
        let (labels, after) = class_labels(&card(&["liver", "spleen", "kidneys"]), &table);
        // Liver's own id 1 is the spleen's here; kidneys' id 3 is free.
        assert_eq!(labels, [0, 4, 1, 3]);
        assert_eq!(after.get(4).map(|l| l.name.as_str()), Some("liver"));
        assert_eq!(after.get(1).map(|l| l.name.as_str()), Some("spleen"));
        assert_eq!(after.len(), 4);
    }

    #[test]
    fn a_class_that_is_left_out_means_nothing_and_brings_no_label() {
        let (card, table) = (card(&["liver", "spleen", "kidneys"]), LabelTable::named(&["spleen"]));
        let left_out = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(wanted_labels(&card, &table, &left_out(&[])), class_labels(&card, &table));
        let (labels, after) = wanted_labels(&card, &table, &left_out(&["spleen", "kidneys"]));
        assert_eq!(labels[0], 0);
        assert_eq!(after.get(labels[1]).map(|l| l.name.as_str()), Some("liver"));
        assert_eq!((&labels[2..], after.len()), (&[0, 0][..], 2), "the spleen stays a label of the image");
    }

    #[test]
    fn a_label_is_never_a_class_for_its_id_alone() {
        let (labels, after) = class_labels(&card(&["vessel"]), &LabelTable::named(&["label 1"]));
        assert_eq!(labels, [0, 2]);
        let names: Vec<&str> = after.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, ["label 1", "vessel"]);
    }

    #[test]
    fn names_that_differ_in_capitals_are_two_classes() {
        let table = LabelTable::named(&["label 1", "Label 1"]);
        assert_eq!(class_labels(&card(&["label 1", "Label 1"]), &table), (vec![0, 1, 2], table.clone()));
        assert_eq!(class_labels(&card(&["Label 1", "label 1"]), &table), (vec![0, 2, 1], table));
        let (labels, after) = class_labels(&card(&["Liver"]), &LabelTable::named(&["liver"]));
        assert_eq!((labels, after.len()), (vec![0, 2], 2), "another structure, as far as anyone knows");
    }

    #[test]
    fn no_class_takes_a_label_that_is_another_class() {
        // "tumour" could have id 1 if "label 1" were nobody's.
        let (labels, after) = class_labels(&card(&["tumour", "label 1"]), &LabelTable::named(&["label 1"]));
        assert_eq!(labels, [0, 2, 1]);
        let names: Vec<&str> = after.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, ["label 1", "tumour"]);
        let (labels, _) = class_labels(&card(&["cyst", "cyst"]), &LabelTable::default());
        assert_eq!(labels, [0, 1, 2], "a card that names two classes alike");
    }

    #[test]
    fn a_label_that_a_model_brings_has_a_colour_of_its_own() {
        let mut table = LabelTable::named(&["liver"]);
        table.get_mut(1).expect("it is there").color = LabelTable::palette_color(2);
        let (_, after) = class_labels(&card(&["liver", "spleen"]), &table);
        assert_ne!(after.get(2).map(|l| l.color), Some(LabelTable::palette_color(2)));
    }
}
