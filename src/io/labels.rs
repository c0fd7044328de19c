use super::OpenError;
use crate::{
    geom::Grid,
    label::{LabelId, LabelMap},
};
use std::{collections::BTreeSet, path::Path};

/// Reads a mask: NIfTI, PNG, GIF, TIFF (and what else [`super::open`] reads as one channel), with its grid and
/// warnings. Ids are kept as they are stored; a mask of 0 and 255 keeps its 255, see [`binary`].
pub fn open_labels(path: &Path) -> Result<(LabelMap, Grid, Vec<String>), OpenError> {
    Err(OpenError::unsupported(path, "A mask", "This reader is being written"))
}

/// The mapping for two-valued masks: where the ids are 0 and one other of 255 or 1, that other is class 1.
///
/// Data sets store "structure" as 255 (DRIVE, CHASE, polyps) or as 1. Training and evaluation by a LIST.csv apply this
/// to every mask and its prediction alike; opening a mask for editing does not, so that saving gives back the same ids.
/// `None` where the mask is not of that kind: its ids then are classes.
pub fn binary(ids: &BTreeSet<LabelId>) -> Option<LabelId> {
    let mut others = ids.iter().copied().filter(|&id| id != 0);
    match (others.next(), others.next()) {
        (Some(only @ (1 | 255)), None) => Some(only),
        _ => None,
    }
}
