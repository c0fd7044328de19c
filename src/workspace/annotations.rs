use super::store::mask_hash;
use crate::edit::{Change, Edit, Marks, MaskRules, Origin};
use crate::label::{LabelMap, LabelTable};
use std::collections::BTreeSet;

/// What a person makes of an image: all that the journal rebuilds.
#[derive(Clone, Debug)]
pub struct Annotations {
    pub mask: LabelMap,
    pub labels: LabelTable,
    /// Native slices that a person has verified.
    pub verified: BTreeSet<usize>,
}

impl Annotations {
    pub fn empty(dims: [usize; 3], labels: LabelTable) -> Self {
        Self { mask: LabelMap::empty(dims), labels, verified: BTreeSet::new() }
    }

    /// What an edit changes.
    pub fn marks(&mut self) -> Marks<'_> {
        Marks { mask: &mut self.mask, labels: &mut self.labels, verified: &mut self.verified }
    }

    /// What an edit may not change.
    pub fn rules(&self) -> MaskRules<'_> {
        MaskRules::new(&self.labels, &self.verified)
    }

    /// The mask's identity: equal masks have equal hashes.
    pub fn mask_hash(&self) -> String {
        mask_hash(&self.mask)
    }
}

/// What the history and the journal call an edit.
pub fn title(edit: &Edit) -> String {
    let of = |change: &Change| match change {
        Change::Mask(patch) => match &patch.origin {
            Origin::Person { tool } => tool.clone(),
            Origin::Model { version } => format!("accept prediction of {version}"),
            Origin::Import { source } => format!("import {source}"),
        },
        Change::Verified { slice, on: true } => format!("verify slice {}", slice + 1),
        Change::Verified { slice, on: false } => format!("unverify slice {}", slice + 1),
        Change::Labels { before, after } => label_title(before, after),
    };
    // What comes before the voxels' change (a label that it needs) is not what the person did.
    edit.changes().last().map(of).unwrap_or_default()
}

fn label_title(before: &LabelTable, after: &LabelTable) -> String {
    if let Some(added) = after.iter().find(|l| before.get(l.id).is_none()) {
        return format!("add label “{}”", added.name);
    }
    if let Some(removed) = before.iter().find(|l| after.get(l.id).is_none()) {
        return format!("remove label “{}”", removed.name);
    }
    match after.iter().find(|l| before.get(l.id) != Some(l)) {
        Some(changed) => format!("change label “{}”", changed.name),
        None => "change labels".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_called_by_what_the_person_did() {
        let before = LabelTable::named(&["liver"]);
        let after = LabelTable::named(&["liver", "spleen"]);
        let added = Change::Labels { before: before.clone(), after: after.clone() };
        assert_eq!(title(&added.into()), "add label “spleen”");
        assert_eq!(title(&Change::Labels { before: after, after: before }.into()), "remove label “spleen”");
        assert_eq!(title(&Change::Verified { slice: 4, on: true }.into()), "verify slice 5");
    }
}
