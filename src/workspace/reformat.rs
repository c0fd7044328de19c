use super::{Document, DocumentId, SliceLabels, Workspace};
use crate::engine::Version;
use crate::geom::{Axis, PixelSteps, PlaneAxes};
use crate::label::{LabelId, LabelTable, NOT_PREDICTED};
use crate::nn::ModelCard;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pixels gathered in one refresh, well below a millisecond.
const BUDGET: usize = 300_000;

/// What a model predicts in any plane of a volume, gathered from the native slices that it has predicted.
///
/// Kept from frame to frame and refreshed a little at a time: only slices that have come, gone or changed are gathered
/// again.
#[derive(Debug, Default)]
pub struct Reformat {
    /// What it was gathered for; another reformat starts empty.
    of: Option<Of>,
    /// Labels of the document, row by row as the plane shows them.
    labels: Arc<[LabelId]>,
    /// For each native slice the stamp of the prediction that is in `labels`, 0 where there is none.
    stamps: Vec<u64>,
    behind: bool,
}

#[derive(Debug, PartialEq)]
struct Of {
    document: DocumentId,
    axes: PlaneAxes,
    slice: usize,
    dims: [usize; 3],
    /// By the model's own ids: the document's label of each.
    translation: Vec<LabelId>,
}

impl Reformat {
    /// Takes in what has been predicted of slice `slice` of a plane since the last refresh. `hidden` native slices count
    /// as not predicted. None without a version; otherwise the labels that its classes mean, as
    /// [`Document::wanted_labels`] gives them.
    pub fn refresh(
        &mut self,
        workspace: &Workspace,
        (document, version): (&Document, Option<&Version>),
        axes: PlaneAxes,
        slice: usize,
        hidden: impl Fn(usize) -> bool,
    ) -> Option<(Vec<LabelId>, LabelTable)> {
        let model = version.and_then(|version| Some((version, workspace.model(version)?)));
        let Some((version, model)) = model else {
            *self = Self::default();
            return None;
        };
        let card = &model.card;
        let (classes, table) = document.wanted_labels(card);
        let translation = translation(card, &classes);
        let dims = document.volume().dims();
        let of = Of { document: document.id(), axes, slice, dims, translation };
        let none = BTreeMap::new();
        let predicted = workspace.predicted_slices_by(document.id(), version).unwrap_or(&none);
        self.gather(of, predicted, hidden);
        Some((classes, table))
    }

    fn gather(&mut self, of: Of, predicted: &BTreeMap<usize, SliceLabels>, hidden: impl Fn(usize) -> bool) {
        let [width, height] = of.axes.size(of.dims);
        if self.of.as_ref() != Some(&of) {
            self.labels = vec![NOT_PREDICTED; width * height].into();
            self.stamps = vec![0; of.dims[2]];
        }
        let native = of.axes.normal == Axis::Z;
        let wanted = if native { of.slice..of.slice + 1 } else { 0..of.dims[2] };
        let per_slice = if native { width * height } else { width * height / of.dims[2].max(1) };
        let mut left = BUDGET;
        let mut changed: Option<Vec<LabelId>> = None;
        self.behind = false;
        for z in wanted {
            let found = predicted.get(&z).filter(|_| !hidden(z));
            let stamp = found.map_or(0, |s| s.stamp);
            if self.stamps[z] == stamp {
                continue;
            }
            if left == 0 {
                self.behind = true;
                break;
            }
            left = left.saturating_sub(per_slice);
            self.stamps[z] = stamp;
            let out = changed.get_or_insert_with(|| self.labels.to_vec());
            of.put(z, found.map(|s| &*s.labels), out);
        }
        // A new place in memory tells the renderer that this is another picture.
        if let Some(labels) = changed {
            self.labels = labels.into();
        }
        self.of = Some(of);
    }

    /// Labels of the document row by row, as the plane shows them; [`NOT_PREDICTED`] where nothing has been.
    pub fn labels(&self) -> &Arc<[LabelId]> {
        &self.labels
    }

    /// Whether native slice `z` is in it.
    pub fn has(&self, z: usize) -> bool {
        self.stamps.get(z).is_some_and(|&stamp| stamp != 0)
    }

    pub fn is_empty(&self) -> bool {
        self.stamps.iter().all(|&stamp| stamp == 0)
    }

    /// Whether there is more to gather in the next refresh.
    pub fn is_behind(&self) -> bool {
        self.behind
    }
}

impl Of {
    /// Puts what the reformat shows of native slice `z` in place.
    fn put(&self, z: usize, labels: Option<&[LabelId]>, out: &mut [LabelId]) {
        let [width, height] = self.axes.size(self.dims);
        // Only the row or column of slice `z` is written where the plane crosses the slices.
        let strides = [1, self.dims[0] as isize, 0];
        let PixelSteps { first, right, down } = self.axes.steps(self.dims, strides, self.slice);
        let lines = |axis: Axis, flipped: bool, all: usize| {
            let at = if flipped { all - 1 - z.min(all - 1) } else { z };
            if axis == Axis::Z { at..at + 1 } else { 0..all }
        };
        let columns = lines(self.axes.right, self.axes.right_flipped, width);
        for y in lines(self.axes.down, self.axes.down_flipped, height) {
            for x in columns.clone() {
                let at = first + right * x as isize + down * y as isize;
                out[y * width + x] = match labels {
                    Some(labels) => self.translated(labels[at as usize]),
                    None => NOT_PREDICTED,
                };
            }
        }
    }

    fn translated(&self, own: LabelId) -> LabelId {
        self.translation.get(usize::from(own)).copied().unwrap_or(0)
    }
}

/// The document's label of each of the model's own ids.
pub fn translation(card: &ModelCard, classes: &[LabelId]) -> Vec<LabelId> {
    let own = |class| usize::from(card.label_of(class));
    let mut translation = vec![0; (0..classes.len()).map(own).max().unwrap_or(0) + 1];
    for (class, &label) in classes.iter().enumerate() {
        translation[own(class)] = label;
    }
    translation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geom::Plane;
    use crate::phantom;

    fn slices(
        of: impl IntoIterator<Item = usize>,
        truth: &crate::label::LabelMap,
    ) -> BTreeMap<usize, SliceLabels> {
        of.into_iter()
            .map(|z| (z, SliceLabels { labels: truth.slice(z).into(), detection: None, stamp: z as u64 + 1 }))
            .collect()
    }

    #[test]
    fn every_plane_shows_the_labels_that_are_there_and_only_slices_that_are_predicted() {
        let phantom = phantom::ct_sized(2, phantom::Look::Standard, [40, 32, 24]);
        let (truth, dims) = (&phantom.truth, phantom.volume.dims());
        let translation: Vec<LabelId> = (0..10).map(|own| if own == 0 { 0 } else { 10 - own }).collect();
        let mut seen = 0;
        for plane in Plane::ALL {
            let axes = phantom.volume.grid().plane_axes(plane);
            let slice = axes.slice_count(dims) / 2;
            let of = || Of { document: DocumentId(1), axes, slice, dims, translation: translation.clone() };
            let mut reformat = Reformat::default();
            // Every other slice first, then all, then without one that is hidden.
            for (step, from) in [(2, 0), (1, 0), (1, 5)] {
                let predicted = slices((from..dims[2]).step_by(step), truth);
                reformat.gather(of(), &predicted, |z| z == 12 && from > 0);
                let [width, height] = axes.size(dims);
                for i in 0..width * height {
                    let pixel = [(i % width) as f64, (i / width) as f64];
                    let [x, y, z] =
                        axes.voxel_of_pixel(dims, slice as f64, pixel).to_array().map(|v| v as usize);
                    let there = predicted.contains_key(&z) && !(z == 12 && from > 0);
                    let expected =
                        if there { translation[usize::from(truth.get([x, y, z]))] } else { NOT_PREDICTED };
                    assert_eq!(reformat.labels()[i], expected, "{plane:?} {step} {from}: voxel {x} {y} {z}");
                    seen += usize::from(there && expected != 0);
                }
            }
        }
        assert!(seen > 500, "{seen} labelled pixels were compared");
    }

    #[test]
    fn a_large_section_comes_in_pieces_and_what_is_there_is_not_made_again() {
        let phantom = phantom::ct_sized(2, phantom::Look::Standard, [40, 32, 24]);
        // Wide slices, so that the budget holds a few of them only.
        let dims = [BUDGET / 4, 1, 24];
        let axes = phantom.volume.grid().plane_axes(Plane::Coronal);
        let labels: Arc<[LabelId]> = vec![1; dims[0]].into();
        let predicted: BTreeMap<usize, SliceLabels> = (0..24)
            .map(|z| (z, SliceLabels { labels: Arc::clone(&labels), detection: None, stamp: 9 }))
            .collect();
        let mut reformat = Reformat::default();
        let mut rounds = 0;
        loop {
            let of = Of { document: DocumentId(1), axes, slice: 0, dims, translation: vec![0, 1] };
            reformat.gather(of, &predicted, |_| false);
            rounds += 1;
            if !reformat.is_behind() {
                break;
            }
        }
        assert_eq!(rounds, 6);
        assert!((0..24).all(|z| reformat.has(z)) && reformat.labels().iter().all(|&l| l == 1));
        let before = Arc::clone(reformat.labels());
        let of = Of { document: DocumentId(1), axes, slice: 0, dims, translation: vec![0, 1] };
        reformat.gather(of, &predicted, |_| false);
        assert!(Arc::ptr_eq(&before, reformat.labels()), "nothing has changed");
    }
}
