use super::NoticeLevel;
use super::store::mask_hash;
use crate::edit::{Change, Edit, Marks, MaskRules, Origin};
use crate::label::{LabelMap, LabelTable};
use crate::metrics::measurements::{Measurement, Measurements};
use std::collections::BTreeSet;

/// The annotations of an image: everything that the journal rebuilds.
#[derive(Clone, Debug)]
pub struct Annotations {
    pub mask: LabelMap,
    pub labels: LabelTable,
    /// Native slices that a person has verified.
    pub verified: BTreeSet<usize>,
    pub measurements: Measurements,
}

impl Annotations {
    pub fn empty(dims: [usize; 3], labels: LabelTable) -> Self {
        let (verified, measurements) = (BTreeSet::new(), Measurements::default());
        Self { mask: LabelMap::empty(dims), labels, verified, measurements }
    }

    /// What an edit changes.
    pub fn marks(&mut self) -> Marks<'_> {
        let Self { mask, labels, verified, measurements } = self;
        Marks { mask, labels, verified, measurements }
    }

    /// What an edit may not change.
    pub fn rules(&self) -> MaskRules<'_> {
        MaskRules::new(&self.labels, &self.verified)
    }

    /// A change, after the marks that it takes away: who changes a verified slice has to look at it again.
    pub fn with_marks(&self, change: Change) -> Vec<Change> {
        let touched = match &change {
            Change::Mask(patch) if !self.verified.is_empty() => patch.touched(),
            _ => BTreeSet::new(),
        };
        let taken = touched.intersection(&self.verified).map(|&slice| Change::Verified { slice, on: false });
        taken.chain([change]).collect()
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
        Change::Measurements { before, after } => measurement_title(before, after),
    };
    // What comes before the voxels' change (a label that it needs) is not what the person did.
    edit.changes().last().map(of).unwrap_or_default()
}

/// What a person should hear of an edit that took marks away in passing; none where it took none, or nothing else.
pub fn marks_taken(edit: &Edit, depth: usize) -> Option<(NoticeLevel, String)> {
    edit.patches().next()?;
    let of = |change: &Change| match change {
        Change::Verified { slice, on: false } => Some(slice + 1),
        _ => None,
    };
    let slices: Vec<usize> = edit.changes().iter().filter_map(of).collect();
    Some(match slices[..] {
        [] => return None,
        [_] if depth == 1 => (
            NoticeLevel::Info,
            "The image was verified and has been changed: it is not marked as verified any more. Undo brings the mark back"
                .to_owned(),
        ),
        [slice] => (
            NoticeLevel::Info,
            format!(
                "Slice {slice} was verified and has been changed: it is not marked as verified any more. Undo brings the mark back"
            ),
        ),
        _ => (
            NoticeLevel::Warning,
            format!(
                "{} verified slices have been changed (slices {}): they are not marked as verified any more. Undo brings the marks back",
                slices.len(),
                listed(&slices)
            ),
        ),
    })
}

/// "3, 5, 9 and 12 more".
fn listed(slices: &[usize]) -> String {
    const MOST: usize = 8;
    let mut words: Vec<String> = slices.iter().take(MOST).map(usize::to_string).collect();
    let last = match slices.len().saturating_sub(MOST) {
        0 => words.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    format!("{} and {last}", words.join(", "))
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

fn measurement_title(before: &Measurements, after: &Measurements) -> String {
    let name = |m: &Measurement| m.kind.title().to_lowercase();
    if let Some(added) = after.iter().find(|m| before.get(m.id).is_none()) {
        return format!("measure: {}", name(added));
    }
    if let Some(removed) = before.iter().find(|m| after.get(m.id).is_none()) {
        return format!("remove measurement: {}", name(removed));
    }
    match after.iter().find(|m| before.get(m.id) != Some(m)) {
        Some(changed) => format!("change measurement: {}", name(changed)),
        None => "change measurements".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Patch;

    #[test]
    fn an_edit_is_called_by_what_the_person_did() {
        let before = LabelTable::named(&["liver"]);
        let after = LabelTable::named(&["liver", "spleen"]);
        let added = Change::Labels { before: before.clone(), after: after.clone() };
        assert_eq!(title(&added.into()), "add label “spleen”");
        assert_eq!(title(&Change::Labels { before: after, after: before }.into()), "remove label “spleen”");
        assert_eq!(title(&Change::Verified { slice: 4, on: true }.into()), "verify slice 5");
    }

    #[test]
    fn the_marks_that_an_edit_takes_are_named() {
        let mark = |slice, on| Change::Verified { slice, on };
        let volume = crate::phantom::ct_sized(1, crate::phantom::Look::Standard, [8, 8, 20]).volume;
        let map = LabelMap::empty(volume.dims());
        let (table, none) = (LabelTable::named(&["a"]), BTreeSet::new());
        let rules = MaskRules::new(&table, &none);
        let everywhere = crate::edit::Region::native_slice(volume.grid(), 3);
        let patch =
            Patch::paint(&map, &volume, &everywhere, 1, &rules, Origin::Person { tool: "brush".into() });
        let said = |marks: Vec<Change>| {
            let edit: Edit = marks.into_iter().chain([Change::Mask(patch.clone())]).collect();
            marks_taken(&edit, 20).map(|(_, text)| text)
        };
        assert_eq!(said(vec![]), None);
        assert!(said(vec![mark(3, false)]).is_some_and(|text| text.starts_with("Slice 4 was verified")));
        let many = said((0..12).map(|z| mark(z, false)).collect()).expect("twelve");
        assert!(many.contains("(slices 1, 2, 3, 4, 5, 6, 7, 8 and 4 more)"), "{many}");
        assert!(
            said(vec![mark(1, false), mark(4, false)]).is_some_and(|text| text.contains("(slices 2 and 5)"))
        );
        assert_eq!(marks_taken(&mark(3, false).into(), 20), None, "the person took it away");
    }
}
