use super::patch::Wish;
use super::{EditError, MaskRules, Origin, Patch, Region};
use crate::label::{Connectivity, LabelId, LabelMap, flood};
use crate::volume::Volume;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The labels that a model gives to native slices.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// The model's version.
    pub version: String,
    /// The labels that the model knows, without background. Where it predicts background, voxels with other labels stay
    /// as they are.
    pub known: Vec<LabelId>,
    /// Labels of each predicted native slice, row by row.
    pub slices: BTreeMap<usize, Arc<[LabelId]>>,
}

/// How much of a prediction goes into the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Accept {
    /// One native slice.
    Slice(usize),
    /// Every native slice; all must have been predicted.
    Volume,
    /// One label in every native slice; where the mask has it and the prediction does not, it is removed. All slices
    /// must have been predicted.
    Label(LabelId),
    /// The connected voxels (sharing faces, across predicted slices) of the label that is predicted at a voxel; nothing
    /// where that is background.
    Component([usize; 3]),
}

impl Accept {
    /// Whether it takes something from every slice.
    pub fn is_of_all_slices(self) -> bool {
        matches!(self, Accept::Volume | Accept::Label(_))
    }
}

impl Patch {
    /// The change that accepting a prediction makes. Its origin is the model, so verified slices stay as they are.
    pub fn accept(
        map: &LabelMap,
        volume: &Volume,
        prediction: &Prediction,
        scope: Accept,
        rules: &MaskRules,
    ) -> Result<Self, EditError> {
        let origin = Origin::Model { version: prediction.version.clone() };
        let all: Vec<usize> = (0..map.dims()[2]).collect();
        match scope {
            Accept::Slice(z) => prediction.slices_patch(map, volume, &[z], rules, origin),
            Accept::Volume => prediction.slices_patch(map, volume, &all, rules, origin),
            Accept::Label(label) => prediction.of_label(label).slices_patch(map, volume, &all, rules, origin),
            Accept::Component(voxel) => {
                let region = prediction.component(volume, voxel)?;
                let label = prediction.label_at(map.dims(), voxel)?;
                Ok(Patch::paint(map, volume, &region, label, rules, origin))
            }
        }
    }
}

impl Prediction {
    /// The predicted voxels that [`Accept::Component`] would take at a voxel, for showing them first.
    pub fn component(&self, volume: &Volume, voxel: [usize; 3]) -> Result<Region, EditError> {
        let dims = volume.dims();
        let label = self.label_at(dims, voxel)?;
        if label == 0 {
            return Ok(Region::default());
        }
        let [width, height, _] = dims;
        for labels in self.slices.values() {
            check_len(labels, width * height)?;
        }
        let spans = flood(dims, voxel, Connectivity::Faces, |y, z, row| {
            if let Some(labels) = self.slices.get(&z) {
                for (open, &id) in row.iter_mut().zip(&labels[y * width..]) {
                    *open = id == label;
                }
            }
        });
        let grid = volume.grid();
        Ok(Region::from_runs(grid, spans.into_iter().map(|(at, len)| (grid.index(at), len as u32)).collect()))
    }

    /// What a model that knows only this label would predict.
    fn of_label(&self, label: LabelId) -> Self {
        let only =
            |labels: &Arc<[LabelId]>| labels.iter().map(|&id| if id == label { label } else { 0 }).collect();
        let slices = self.slices.par_iter().map(|(&z, labels)| (z, only(labels))).collect();
        Self { version: self.version.clone(), known: vec![label], slices }
    }

    fn slices_patch(
        &self,
        map: &LabelMap,
        volume: &Volume,
        wanted: &[usize],
        rules: &MaskRules,
        origin: Origin,
    ) -> Result<Patch, EditError> {
        let slice_len = map.dims()[0] * map.dims()[1];
        let parts: Vec<Patch> = wanted
            .par_iter()
            .map(|z| {
                let labels = self.slices.get(z).ok_or(EditError::NotPredicted(*z))?;
                check_len(labels, slice_len)?;
                let region = Region::native_slice(volume.grid(), *z);
                let wish = Wish::Predicted { labels, known: &self.known };
                Ok(Patch::build(map, volume, &region, rules, origin.clone(), &wish))
            })
            .collect::<Result<_, EditError>>()?;
        let mut patch = Patch::empty(map, origin);
        for run in parts.into_iter().flat_map(|part| part.runs) {
            patch.push(run.start, run.len as usize, run.before, run.after);
        }
        Ok(patch)
    }

    fn label_at(&self, dims: [usize; 3], [x, y, z]: [usize; 3]) -> Result<LabelId, EditError> {
        let labels = self.slices.get(&z).ok_or(EditError::NotPredicted(z))?;
        check_len(labels, dims[0] * dims[1])?;
        Ok(if x < dims[0] { labels.get(y * dims[0] + x).copied().unwrap_or(0) } else { 0 })
    }
}

fn check_len(labels: &[LabelId], voxels: usize) -> Result<(), EditError> {
    if labels.len() == voxels { Ok(()) } else { Err(EditError::LabelCount { voxels, labels: labels.len() }) }
}
