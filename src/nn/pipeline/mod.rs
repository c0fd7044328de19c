//! From a volume to its labels with networks of volumes, one after the other: the first finds where the organs are,
//! the second looks there again (F. Zhang et al.: "Efficient Context-Aware Network for Abdominal Multi-organ
//! Segmentation", FLARE 2021). What the card does not say ([`super::VolumeSpec`]) is the same for all.

mod normalise;
mod parts;
mod region;
mod resize;
mod sliding;
#[cfg(test)]
mod tests;

pub use normalise::{Standard, standardise};
pub use parts::Parts;
pub use region::Region;
pub use resize::onto_grid;

use super::{
    ModelCard, Network, PredictError, VolumeModel,
    blocks::cost::multiply_accumulates,
    watch::{Stopped, Watch, watched},
};
use crate::{
    geom::{Oriented, Unit},
    label::LabelId,
    memory,
    volume::Volume,
};
use burn::tensor::{Tensor, TensorData};
pub use parts::runs_in_region;
use parts::runs_on_grid;
use rayon::prelude::*;
use sliding::Sliding;
use std::sync::Arc;

/// Logits of the classes after the background on a grid `[x, y, z]`: `[class][z][y][x]`.
#[derive(Clone, Debug)]
pub struct Logits {
    pub grid: [usize; 3],
    pub values: Vec<f32>,
}

impl Logits {
    /// Of one class.
    pub fn map(&self, class: usize) -> &[f32] {
        let voxels: usize = self.grid.iter().product();
        &self.values[class * voxels..(class + 1) * voxels]
    }

    /// One class after the other.
    pub fn maps(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.grid.iter().product())
    }
}

/// How the networks go over a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentOptions {
    /// The most memory that they may take, bytes; None for as much as they like.
    pub memory: Option<u64>,
    /// A window slides over the voxels as they are, instead of one pass over the region resized.
    pub sliding: bool,
}

/// Runs `(x, length)` of one class by row; rows run over y, then z.
pub type Runs = Vec<Vec<(usize, usize)>>;

/// What a model says of a whole volume.
#[derive(Clone, Debug)]
pub struct VolumeLabels {
    /// The label of each voxel in the order in which the volume is stored.
    pub labels: Vec<LabelId>,
    /// Where the last network looked; nowhere where the first has found nothing, which is an answer.
    pub region: Option<Region>,
}

/// The prediction of a volume, one step at a time.
pub struct VolumeInference {
    volume: Volume,
    oriented: Oriented,
    options: SegmentOptions,
    next: Stage,
}

enum Stage {
    Look,
    Segment(Region),
    Slide(Region, Box<Sliding>),
    /// The labels so far, and the class that is next.
    Write {
        region: Region,
        found: Found,
        labels: Vec<LabelId>,
        class: usize,
    },
    Nothing,
}

/// What the last network has found.
enum Found {
    Logits(Logits),
    Runs(Vec<Runs>),
}

/// Where an inference is after a step.
#[derive(Debug)]
pub enum VolumeStep {
    Pending,
    Done(VolumeLabels),
}

impl VolumeInference {
    /// Refuses at once what cannot be done: before any work, and saying why.
    pub fn new(model: &VolumeModel, volume: &Volume, options: SegmentOptions) -> Result<Self, PredictError> {
        let refuse = |reason: String| Err(PredictError::Unfit(reason));
        if volume.channels() != 1 {
            return refuse("the image is a colour picture, and the model takes grey volumes".to_owned());
        }
        if volume.grid().unit() != Unit::Millimetre {
            return refuse(
                "the image does not say how large its voxels are, and the model counts in millimetres; write it as NIfTI with \
                 its spacing"
                    .to_owned(),
            );
        }
        let oriented = Oriented::new(volume.grid());
        if let Some(memory) = options.memory {
            let whole = Region::whole(&oriented);
            let first = model.coarse().map_or(0, |network| pass_bytes(network, &whole));
            let second = match options.sliding {
                false => pass_bytes(model.network(), &whole),
                true => sliding::window(model.network(), &whole, memory).map_or_else(|needs| needs, |_| 0),
            };
            if memory < first.max(second) {
                return Err(PredictError::too_little(first.max(second), memory));
            }
        }
        if options.memory.is_none() && !options.sliding && !model.device().is_gpu() {
            // An estimate; refused is only what cannot be had by far.
            let whole = Region::whole(&oriented);
            let needs = pass_bytes(model.network(), &whole) / 2;
            memory::check(needs.into())
                .map_err(|e| PredictError::Unfit(format!("the image is too large for the network: {e}")))?;
        }
        Ok(Self { volume: volume.clone(), oriented, options, next: Stage::Look })
    }

    /// Does the next piece: a network's pass, or one class written back. After [`PredictError::Stopped`] the same
    /// piece is next.
    pub fn step(&mut self, model: &VolumeModel, watch: &Arc<dyn Watch>) -> Result<VolumeStep, PredictError> {
        self.next = match &mut self.next {
            Stage::Look => match model.coarse() {
                None => Stage::Segment(Region::whole(&self.oriented)),
                Some(coarse) => self.look(model, coarse, watch)?.map_or(Stage::Nothing, Stage::Segment),
            },
            &mut Stage::Segment(region) if self.options.sliding => {
                Stage::Slide(region, Box::new(self.slide(model, region)?))
            }
            &mut Stage::Segment(region) => {
                let logits = self.pass(model, model.network(), &region, "segmenting", watch)?;
                self.write(region, Found::Logits(logits))
            }
            Stage::Slide(region, sliding) => {
                let region = *region;
                match sliding.step(model.network(), &self.volume, &self.oriented, watch)? {
                    Some(rows) => self.write(region, Found::Runs(rows)),
                    None => return Ok(VolumeStep::Pending),
                }
            }
            Stage::Write { region, found, labels, class } => {
                let classes = model.network().head().channels();
                if watch.stop() {
                    return Err(Stopped.into());
                }
                watch.progress("writing back", *class as u64, classes as u64);
                if *class < classes {
                    let rows = match found {
                        Found::Runs(rows) => std::mem::take(&mut rows[*class]),
                        Found::Logits(logits) => {
                            runs_in_region(logits.map(*class), logits.grid, &self.oriented, region)
                        }
                    };
                    write_class(&model.card, &self.oriented, region, &rows, *class, labels);
                    *class += 1;
                    return Ok(VolumeStep::Pending);
                }
                watch.progress("writing back", classes as u64, classes as u64);
                let (labels, region) = (std::mem::take(labels), Some(*region));
                return Ok(VolumeStep::Done(VolumeLabels { labels, region }));
            }
            Stage::Nothing => {
                let labels = vec![0; self.volume.grid().voxel_count()];
                return Ok(VolumeStep::Done(VolumeLabels { labels, region: None }));
            }
        };
        Ok(VolumeStep::Pending)
    }

    fn write(&self, region: Region, found: Found) -> Stage {
        Stage::Write { region, found, labels: vec![0; self.volume.grid().voxel_count()], class: 0 }
    }

    fn slide(&self, model: &VolumeModel, region: Region) -> Result<Sliding, PredictError> {
        let memory = self.options.memory.unwrap_or(u64::MAX);
        let size = sliding::window(model.network(), &region, memory)
            .map_err(|needs| PredictError::too_little(needs, memory))?;
        let input = &model.card.input;
        let [width, height, _] = region.dims();
        let value = |i: usize| {
            let at = [i % width, i / width % height, i / (width * height)];
            self.volume.scalar_value(self.oriented.index(std::array::from_fn(|a| region.start[a] + at[a])))
        };
        let values = (0..region.dims().iter().product()).into_par_iter().map(value);
        let standard = Standard::new(values, input.window.unwrap_or([0.0, 1.0]), &input.mean, &input.std);
        Ok(Sliding::new(model.network(), region, size, standard))
    }

    /// Where the coarse network sees something.
    fn look(
        &self,
        model: &VolumeModel,
        coarse: &dyn Network<5>,
        watch: &Arc<dyn Watch>,
    ) -> Result<Option<Region>, PredictError> {
        let spec = model.card.volume.as_ref().and_then(|volume| volume.coarse.as_ref());
        let (least_mm3, margin_mm) = spec.map_or((0.0, 0.0), |spec| (spec.least_mm3, spec.margin_mm));
        let whole = Region::whole(&self.oriented);
        let logits = self.pass(model, coarse, &whole, "finding the organs", watch)?;
        let parts = coarse_parts(&model.card, &logits, &self.oriented, least_mm3);
        Ok(Parts::bounds(&parts).map(|found| Region::around(found, logits.grid, &self.oriented, margin_mm)))
    }

    /// One network over a region of the volume.
    fn pass(
        &self,
        model: &VolumeModel,
        network: &dyn Network<5>,
        region: &Region,
        stage: &'static str,
        watch: &Arc<dyn Watch>,
    ) -> Result<Logits, PredictError> {
        let grid = grid_of(network, region);
        let input = &model.card.input;
        let window = input.window.unwrap_or([0.0, 1.0]);
        let mut values = onto_grid(&self.volume, &self.oriented, region, grid, window[0]);
        standardise(&mut values, window, &input.mean, &input.std);
        infer(network, values, grid, watch, (stage, 0, cost(network, grid)))
    }
}

/// The grid `[x, y, z]` that a network sees a region on: its own, or the region's voxels made up to sides that it
/// takes.
fn grid_of(network: &dyn Network<5>, region: &Region) -> [usize; 3] {
    match network.grid() {
        Some([depth, height, width]) => [width, height, depth],
        None => region.dims().map(|side| network.input().side(side)),
    }
}

/// The multiply-accumulates of a pass over a grid `[x, y, z]`; a batch of none goes through the layers. Graphics
/// devices know no empty buffers, and there the answer is 0: it is not known.
pub fn cost(network: &dyn Network<5>, [width, height, depth]: [usize; 3]) -> u64 {
    if network.device().is_gpu() {
        return 0;
    }
    let empty = TensorData::new(Vec::<f32>::new(), [0, network.channels(), depth, height, width]);
    let device = network.device().burn();
    multiply_accumulates(|| network.infer(Tensor::<5>::from_data(empty, device))).1
}

/// One pass of a network over standardised values on a grid.
pub(super) fn infer(
    network: &dyn Network<5>,
    values: Vec<f32>,
    grid: [usize; 3],
    watch: &Arc<dyn Watch>,
    work: (&'static str, u64, u64),
) -> Result<Logits, PredictError> {
    let [width, height, depth] = grid;
    let input = TensorData::new(values, [1, 1, depth, height, width]);
    let device = network.device().burn();
    let values = watched(watch, work, || {
        let logits = network.infer(Tensor::<5>::from_data(input, device)).logits;
        logits.try_into_vec_as::<f32>()
    })?;
    let values = values.map_err(|e| PredictError::Device(e.to_string()))?;
    if values.iter().any(|v| !v.is_finite()) {
        return Err(PredictError::NotFinite);
    }
    Ok(Logits { grid, values })
}

/// What the coarse network has found, class by class, on its own grid.
pub fn coarse_parts(card: &ModelCard, logits: &Logits, oriented: &Oriented, least_mm3: f64) -> Vec<Parts> {
    let [dims, spacing] = [oriented.dims().map(|n| n as f64), oriented.spacing()];
    let voxel: f64 = (0..3).map(|a| spacing[a] * dims[a] / logits.grid[a] as f64).product();
    let most = |class: usize| card.volume.as_ref().map_or(usize::MAX, |spec| spec.most_parts(class));
    let parts = |(class, map)| {
        let rows = runs_on_grid(map, logits.grid[0]);
        Parts::of_runs(logits.grid, &rows, most(class), least_mm3 / voxel)
    };
    logits.maps().enumerate().map(parts).collect()
}

/// Writes the parts of one class (from 0, the background not counted) among the labels, over those of the classes
/// before it. `rows` are its runs in the region.
pub fn write_class(
    card: &ModelCard,
    oriented: &Oriented,
    region: &Region,
    rows: &[Vec<(usize, usize)>],
    class: usize,
    labels: &mut [LabelId],
) {
    let spec = card.volume.as_ref();
    let (most, least_mm3) = spec.map_or((usize::MAX, 0.0), |s| (s.most_parts(class), s.least_mm3));
    let voxel: f64 = oriented.spacing().iter().product();
    let dims @ [width, height, _] = region.dims();
    let parts = Parts::of_runs(dims, rows, most, least_mm3 / voxel);
    let label = card.label_of(class + 1);
    let step = oriented.steps()[0];
    for &(at, length) in parts.list.iter().flat_map(|part| &part.runs) {
        let [x, y, z] = [at % width, at / width % height, at / (width * height)];
        let mut index = oriented.index([region.start[0] + x, region.start[1] + y, region.start[2] + z]);
        for _ in 0..length {
            labels[index] = label;
            index = index.wrapping_add_signed(step);
        }
    }
}

/// About how much memory the pass of a network over a region takes.
fn pass_bytes(network: &dyn Network<5>, region: &Region) -> u64 {
    let sides = grid_of(network, region).into_iter().chain([network.bytes_per_pixel()]);
    sides.fold(1, |bytes, side| bytes.saturating_mul(side as u64))
}
