use super::{DocumentId, SliceKey, Version, schedule::Wish};
use crate::label::LabelId;
use crate::nn::{ModelCard, pipeline::SegmentOptions};
use crate::volume::Volume;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a model comes from.
#[derive(Clone, Debug)]
pub enum ModelSource {
    /// One of the models inside the program, by id.
    Bundled(String),
    File(PathBuf),
    /// A model file's bytes, as the project file keeps them.
    Stored(Arc<[u8]>),
    /// A network that has learned nothing yet: the card says which; its weights are drawn from the seed.
    Fresh {
        card: Box<ModelCard>,
        seed: u64,
    },
}

/// Slices predicted ahead at most, for one wish.
pub const MAX_AHEAD: usize = 8;

/// What the person looks at. The newest wish replaces the older one; what only the older one asked for is abandoned.
#[derive(Clone, Debug)]
pub struct WantSlice {
    pub document: DocumentId,
    pub volume: Volume,
    /// A model that has been loaded.
    pub version: Version,
    /// Native slices to predict, the visible one first; none where nothing is wanted any more. At most [`MAX_AHEAD`]
    /// after the first are used.
    pub slices: Vec<usize>,
}

impl WantSlice {
    /// Asks for slice `z` and then for `ahead` neighbours on each side, the nearest first, leaving out what the caller
    /// `has` already.
    pub fn around(
        document: DocumentId,
        volume: &Volume,
        version: Version,
        z: usize,
        ahead: usize,
        has: impl Fn(usize) -> bool,
    ) -> Self {
        let depth = volume.dims()[2];
        let neighbours = (1..=ahead).flat_map(|d| [z.checked_add(d), z.checked_sub(d)]).flatten();
        let slices = std::iter::once(z).chain(neighbours).filter(|&z| z < depth && !has(z)).collect();
        Self { document, volume: volume.clone(), version, slices }
    }
}

impl Wish for WantSlice {
    type Key = SliceKey;

    fn keys(&self) -> Vec<SliceKey> {
        let key = |&z: &usize| SliceKey { document: self.document, version: Arc::clone(&self.version), z };
        self.slices.iter().take(1 + MAX_AHEAD).map(key).collect()
    }
}

/// Asks for slices of a volume, all of them as a rule.
#[derive(Clone, Debug)]
pub struct SegmentVolume {
    pub document: DocumentId,
    pub volume: Volume,
    pub version: Version,
    /// Native slices to predict; those that are known already may be left out.
    pub slices: Vec<usize>,
    /// Whether the probabilities are wanted too: four bytes for each class and voxel.
    pub probabilities: bool,
    pub options: SegmentOptions,
}

/// The segmentation of a volume, by native slice.
#[derive(Debug)]
pub struct VolumeSegmentation {
    pub document: DocumentId,
    pub version: Version,
    /// Classes of the probabilities, background included.
    pub classes: usize,
    /// The most probable label of each pixel, row by row.
    pub labels: BTreeMap<usize, Arc<[LabelId]>>,
    /// `[class][row][column]`, background included; empty where they were not asked for.
    pub probabilities: BTreeMap<usize, Arc<[f32]>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        geom::Grid,
        volume::{Modality, Samples},
    };

    #[test]
    fn neighbours_come_nearest_first_and_only_within_the_volume() {
        let grid = Grid::pixels([1, 1, 6]).unwrap();
        let volume = Volume::new(grid, Samples::U8([0; 6].into()), [1.0, 0.0], Modality::Other).unwrap();
        let slices = |z, has: fn(usize) -> bool| {
            WantSlice::around(DocumentId(1), &volume, "v".into(), z, 2, has).slices
        };
        assert_eq!(slices(3, |_| false), [3, 4, 2, 5, 1]);
        assert_eq!(slices(0, |_| false), [0, 1, 2]);
        assert_eq!(slices(5, |z| z >= 4), [3]);
    }
}
