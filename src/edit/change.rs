use super::{EditError, Patch};
use crate::geom::Axis;
use crate::label::{LabelMap, LabelTable};
use crate::metrics::measurements::{Measurement, Measurements};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Everything that a person adds to an image, and that undo and redo change: the mask, the label list, the verified
/// slices, the measurements.
pub struct Marks<'a> {
    pub mask: &'a mut LabelMap,
    pub labels: &'a mut LabelTable,
    pub verified: &'a mut BTreeSet<usize>,
    pub measurements: &'a mut Measurements,
}

/// One change, forwards and back.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Mask(Patch),
    /// A native slice is marked as verified, or no longer.
    Verified {
        slice: usize,
        on: bool,
    },
    /// A label added, renamed, recoloured, locked, hidden or removed: the list before and after.
    Labels {
        before: LabelTable,
        after: LabelTable,
    },
    /// A measurement added, moved, renamed or removed: all of them before and after.
    Measurements {
        before: Measurements,
        after: Measurements,
    },
}

impl Change {
    fn apply(&self, marks: &mut Marks) -> Result<(), EditError> {
        match self {
            Change::Mask(patch) => patch.apply(marks.mask),
            Change::Verified { slice, on } => set_verified(marks, *slice, *on),
            Change::Labels { before, after } => set_labels(marks, before, after),
            Change::Measurements { before, after } => set_measurements(marks, before, after),
        }
    }

    fn revert(&self, marks: &mut Marks) -> Result<(), EditError> {
        match self {
            Change::Mask(patch) => patch.revert(marks.mask),
            Change::Verified { slice, on } => set_verified(marks, *slice, !on),
            Change::Labels { before, after } => set_labels(marks, after, before),
            Change::Measurements { before, after } => set_measurements(marks, after, before),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Change::Mask(patch) => patch.is_empty(),
            Change::Verified { .. } => false,
            Change::Labels { before, after } => before == after,
            Change::Measurements { before, after } => before == after,
        }
    }
}

fn set_verified(marks: &mut Marks, slice: usize, on: bool) -> Result<(), EditError> {
    let changed = if on { marks.verified.insert(slice) } else { marks.verified.remove(&slice) };
    if changed { Ok(()) } else { Err(EditError::Conflict("verified slices")) }
}

fn set_labels(marks: &mut Marks, from: &LabelTable, to: &LabelTable) -> Result<(), EditError> {
    if marks.labels != from {
        return Err(EditError::Conflict("the label list"));
    }
    marks.labels.clone_from(to);
    Ok(())
}

fn set_measurements(marks: &mut Marks, from: &Measurements, to: &Measurements) -> Result<(), EditError> {
    if marks.measurements != from {
        return Err(EditError::Conflict("the measurements"));
    }
    marks.measurements.clone_from(to);
    Ok(())
}

/// What one undo takes back: a stroke, an accepted prediction, a label removed together with its voxels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    pub(super) changes: Vec<Change>,
}

impl From<Change> for Edit {
    fn from(change: Change) -> Self {
        Self { changes: vec![change] }
    }
}

impl FromIterator<Change> for Edit {
    /// Changes in the order in which they are made, each from what the ones before it leave.
    fn from_iter<T: IntoIterator<Item = Change>>(changes: T) -> Self {
        let mut edit = Edit::default();
        changes.into_iter().for_each(|change| edit.push(change));
        edit.finish()
    }
}

impl Edit {
    /// In the order in which they were made.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The patches among the changes.
    pub fn patches(&self) -> impl Iterator<Item = &Patch> {
        self.changes.iter().filter_map(|c| if let Change::Mask(patch) = c { Some(patch) } else { None })
    }

    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(Change::is_empty)
    }

    /// Makes all changes, or none where one of them no longer fits.
    pub fn apply(&self, marks: &mut Marks) -> Result<(), EditError> {
        for (i, change) in self.changes.iter().enumerate() {
            if let Err(reason) = change.apply(marks) {
                for done in self.changes[..i].iter().rev() {
                    done.revert(marks)?;
                }
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Takes all changes back, or none where one of them no longer fits.
    pub fn revert(&self, marks: &mut Marks) -> Result<(), EditError> {
        for (i, change) in self.changes.iter().enumerate().rev() {
            if let Err(reason) = change.revert(marks) {
                for undone in &self.changes[i + 1..] {
                    undone.apply(marks)?;
                }
                return Err(reason);
            }
        }
        Ok(())
    }

    /// Puts the result of all changes (`forward`), or what was before them, in place of whatever is there: for rebuilding
    /// from a journal that has lost an earlier entry. Only a mask of another size is refused.
    pub fn impose(&self, marks: &mut Marks, forward: bool) -> Result<(), EditError> {
        let one = |change: &Change, marks: &mut Marks| match change {
            Change::Mask(patch) => patch.impose(marks.mask, forward),
            Change::Verified { slice, on } => {
                if *on == forward {
                    marks.verified.insert(*slice);
                } else {
                    marks.verified.remove(slice);
                }
                Ok(())
            }
            Change::Labels { before, after } => {
                marks.labels.clone_from(if forward { after } else { before });
                Ok(())
            }
            Change::Measurements { before, after } => {
                marks.measurements.clone_from(if forward { after } else { before });
                Ok(())
            }
        };
        if forward {
            self.changes.iter().try_for_each(|change| one(change, marks))
        } else {
            self.changes.iter().rev().try_for_each(|change| one(change, marks))
        }
    }

    /// Adds a change after the others. Strokes of one origin are merged where that costs little (as in a binary
    /// counter: the newest patches of like size), so that a long drag neither piles up nor is copied at every step.
    pub(super) fn push(&mut self, change: Change) {
        if change.is_empty() {
            return;
        }
        self.changes.push(change);
        self.merge(|older, newer| older.runs.len() <= 2 * newer.runs.len());
    }

    /// Merges what is left to merge.
    pub(super) fn finish(mut self) -> Self {
        let mut merged = Edit::default();
        for change in self.changes.drain(..) {
            merged.changes.push(change);
            merged.merge(|_, _| true);
        }
        merged.changes.retain(|c| !c.is_empty());
        for change in &mut merged.changes {
            if let Change::Mask(patch) = change {
                patch.shrink();
            }
        }
        merged
    }

    /// Joins the last two changes for as long as they are patches of one origin and `worth` it.
    fn merge(&mut self, worth: impl Fn(&Patch, &Patch) -> bool) {
        while let [.., Change::Mask(older), Change::Mask(newer)] = &self.changes[..]
            && older.origin == newer.origin
            && worth(older, newer)
        {
            if let (Some(Change::Mask(newer)), Some(Change::Mask(older))) =
                (self.changes.pop(), self.changes.pop())
            {
                self.changes.push(Change::Mask(older.then(&newer)));
            }
        }
    }

    /// Voxels that it changes: how much work it is to make it or to take it back.
    pub fn voxel_count(&self) -> usize {
        self.patches().map(Patch::voxel_count).sum()
    }

    /// Bytes that it holds in memory.
    pub fn byte_len(&self) -> usize {
        let table = |t: &LabelTable| t.iter().map(|l| size_of_val(l) + l.name.len()).sum::<usize>();
        let change = |c: &Change| match c {
            Change::Mask(patch) => patch.byte_len(),
            Change::Verified { .. } => 0,
            Change::Labels { before, after } => table(before) + table(after),
            Change::Measurements { before, after } => before.byte_len() + after.byte_len(),
        };
        size_of::<Self>() + self.changes.iter().map(|c| size_of::<Change>() + change(c)).sum::<usize>()
    }

    /// First and last native slice that change, for going to where an undo happened; none for a change of the label list, or of a
    /// measurement across slices.
    pub fn slices(&self) -> Option<RangeInclusive<usize>> {
        let of = |c: &Change| match c {
            Change::Mask(patch) => patch.slices(),
            Change::Verified { slice, .. } => Some(*slice..=*slice),
            Change::Labels { .. } => None,
            Change::Measurements { before, after } => changed_slice(before, after),
        };
        self.changes.iter().filter_map(of).reduce(|a, b| *a.start().min(b.start())..=*a.end().max(b.end()))
    }

    /// First and last voxel of the box around the voxels that change, both included.
    pub fn bounds(&self) -> Option<[[usize; 3]; 2]> {
        self.patches().filter_map(Patch::bounds).reduce(|[a0, a1], [b0, b1]| {
            [std::array::from_fn(|i| a0[i].min(b0[i])), std::array::from_fn(|i| a1[i].max(b1[i]))]
        })
    }
}

/// The native slice that a measurement lies in which is in one of the lists, or not as in the other.
fn changed_slice(before: &Measurements, after: &Measurements) -> Option<RangeInclusive<usize>> {
    let differs = |one: &&Measurement, other: &Measurements| other.get(one.id) != Some(one);
    let changed =
        after.iter().find(|m| differs(m, before)).or_else(|| before.iter().find(|m| differs(m, after)));
    changed.filter(|m| m.normal == Axis::Z).map(|m| m.slice()..=m.slice())
}
