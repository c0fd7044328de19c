//! What a shape does to a mask.

use super::patch::Wish;
use super::{EditError, MaskRules, Origin, Patch, Shape};
use crate::label::{LabelId, LabelMap};
use crate::volume::Volume;

impl Patch {
    /// The change that a shape drawn with `label` (0 erases; a copied slice and a box bring their own labels) makes under the
    /// rules. An error says why nothing can be drawn there.
    pub fn draw(
        map: &LabelMap,
        volume: &Volume,
        shape: &Shape,
        label: LabelId,
        rules: &MaskRules,
        origin: Origin,
    ) -> Result<Self, EditError> {
        let brought = |labels: &[LabelId], origin| {
            let region = shape.region(volume, map);
            // A box that does not fit into the mask marks nothing, and so has no labels.
            let fits = labels.len() == region.voxel_count();
            let labels = if fits { labels } else { &[] };
            let region = if fits { region } else { Default::default() };
            Self::build(map, volume, &region, rules, origin, &Wish::Labels(labels))
        };
        Ok(match shape {
            Shape::CopySlice { from, .. } if *from < map.dims()[2] => brought(&map.slice(*from), origin),
            Shape::CopySlice { .. } => Self::empty(map, origin),
            Shape::Labels { labels, .. } => brought(labels, origin),
            Shape::Effect(at) => {
                let drawn = at.of(volume, map, rules.labels, label);
                let drawn =
                    drawn.and_then(|(effect, values, scene)| effect.patch(&scene, &values, rules, origin));
                drawn.map_err(|why| EditError::NotDrawn(why.to_string()))?
            }
            _ => Self::paint(map, volume, &shape.region(volume, map), label, rules, origin),
        })
    }
}
