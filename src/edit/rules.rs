use crate::label::LabelTable;
use std::collections::BTreeSet;

/// What an edit may not touch. Applied where a patch is built, once, for every tool and every model.
#[derive(Clone, Debug)]
pub struct MaskRules<'a> {
    /// Voxels of locked labels stay, and nothing is painted with a locked label.
    pub labels: &'a LabelTable,
    /// Native slices that a person has verified: no model changes them; a person may.
    pub verified: &'a BTreeSet<usize>,
    /// Paint only where the image's value lies in this range (inclusive).
    pub value_range: Option<[f32; 2]>,
    /// Paint only over background, or over this label.
    pub only_over: Option<crate::label::LabelId>,
}
