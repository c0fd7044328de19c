use super::Origin;
use crate::label::{LabelId, LabelTable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an edit may not touch. Applied where a patch is built, once, for every tool and every model.
#[derive(Clone, Copy, Debug)]
pub struct MaskRules<'a> {
    /// Voxels of locked labels stay, and nothing is painted with a locked label.
    pub labels: &'a LabelTable,
    /// Native slices that a person has verified: no model changes them; a person may.
    pub verified: &'a BTreeSet<usize>,
    /// The limits that the person has set for painting.
    pub limits: Limits,
}

/// Where a painting tool may paint, by the person's choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Only where the image's value (HU for CT, luma for colour) lies in this range, both ends included.
    pub value_range: Option<[f32; 2]>,
    /// Only over voxels of this label (0: background).
    pub only_over: Option<LabelId>,
}

impl<'a> MaskRules<'a> {
    /// Rules without limits of value or label.
    pub fn new(labels: &'a LabelTable, verified: &'a BTreeSet<usize>) -> Self {
        Self { labels, verified, limits: Limits::default() }
    }

    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Whether an edit of this origin may change native slice `z` at all.
    pub(super) fn allows_slice(&self, z: usize, origin: &Origin) -> bool {
        !(matches!(origin, Origin::Model { .. }) && self.verified.contains(&z))
    }

    /// Whether label `before` may become `after`.
    pub(super) fn allows(&self, before: LabelId, after: LabelId) -> bool {
        before != after
            && !self.labels.is_locked(before)
            && !self.labels.is_locked(after)
            && self.limits.only_over.is_none_or(|only| only == before)
    }
}
