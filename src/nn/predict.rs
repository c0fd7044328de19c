//! The prediction of one slice, a tile a step.

use super::{
    Head, InputRule, Model, NetworkError, Outputs,
    pipeline::SegmentOptions,
    planes::Planes,
    preprocess::{slice_input, working_size},
    resample::{resize_planes, resize_tensor},
    tiling::{Tile, TilePlan, longest_side},
    watch::Stopped,
};
use crate::{memory, volume::Volume};
use burn::tensor::{
    Tensor, TensorData,
    activation::{sigmoid, softmax},
};
use std::{sync::Arc, time::Instant};

#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    #[error("slice {z} was asked for and the image has {depth}")]
    NoSlice { z: usize, depth: usize },
    #[error("the result could not be read back from the device: {0}")]
    Device(String),
    #[error(
        "the network gave values that are not finite; its weights are damaged or the device computes wrongly"
    )]
    NotFinite,
    /// The image is not one for this model; nothing has been computed.
    #[error("{0}")]
    Unfit(String),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl PredictError {
    /// `needs` bytes and `memory` allowed.
    pub(super) fn too_little(needs: u64, memory: u64) -> Self {
        Self::Unfit(format!(
            "the network needs about {} MiB for one pass and {} are allowed; allow more memory, or take a smaller network",
            needs.div_ceil(1 << 20),
            memory >> 20
        ))
    }
}

impl From<PredictError> for NetworkError {
    fn from(error: PredictError) -> Self {
        NetworkError::Device(error.to_string())
    }
}

/// Class probabilities on the graphics device, `[classes, height, width]`: whole, contiguous, f32.
#[derive(Clone, Debug)]
pub struct DeviceProbabilities {
    tensor: Arc<Tensor<3>>,
}

impl DeviceProbabilities {
    /// The tensor itself, for the one place that hands its buffer to a draw call. Use it on the thread that computes.
    pub fn tensor(&self) -> &Tensor<3> {
        &self.tensor
    }

    /// Reads the probabilities back; waits for the device.
    pub fn to_host(&self) -> Result<Arc<[f32]>, PredictError> {
        let values = self.tensor.as_ref().clone().try_into_vec_as::<f32>();
        values.map(Arc::from).map_err(|e| PredictError::Device(e.to_string()))
    }
}

/// `[classes][height][width]`, background included; they sum to 1 at each pixel.
#[derive(Clone, Debug)]
pub enum Probabilities {
    Host(Arc<[f32]>),
    Device(DeviceProbabilities),
}

impl Probabilities {
    /// The values on the host, read back where need be.
    pub fn to_host(&self) -> Result<Arc<[f32]>, PredictError> {
        match self {
            Probabilities::Host(values) => Ok(Arc::clone(values)),
            Probabilities::Device(device) => device.to_host(),
        }
    }
}

/// What a model says of one slice, in the slice's own pixels.
#[derive(Clone, Debug)]
pub struct SlicePrediction {
    /// Background included.
    pub classes: usize,
    pub width: usize,
    pub height: usize,
    pub probabilities: Probabilities,
    /// Probability of each slice-level finding, where the network has that head.
    pub detection: Option<Vec<f32>>,
    /// Time from the input to the probabilities of all tiles, waiting for the device included.
    pub forward_millis: f32,
}

/// Where a prediction is after a step.
#[derive(Debug)]
pub enum InferenceStep {
    Pending { done: usize, total: usize },
    Done(SlicePrediction),
}

/// Memory for one tile. A slice of 512² is one tile for nearly every network, so that none of it is computed twice; a
/// larger tile would keep a newer wish waiting for longer.
const TILE_BYTES: u64 = 1 << 30;

/// A slice under prediction.
pub struct SliceInference {
    input: Planes,
    native: [usize; 2],
    classes: usize,
    plan: TilePlan,
    next: usize,
    blend: Blend,
    detection: Option<Vec<f32>>,
    forward_millis: f32,
}

/// Sums of weighted probabilities, `[classes][height][width]` in working pixels.
enum Blend {
    Host(Vec<f32>),
    Device(Box<Tensor<3>>),
}

impl SliceInference {
    pub(super) fn new(model: &Model, volume: &Volume, z: usize) -> Result<Self, PredictError> {
        let network = model.network();
        let side = longest_side(network.bytes_per_pixel(), TILE_BYTES, model.device().largest_tensor());
        Self::with_tile_side(model, volume, z, side)
    }

    /// As [`Model::begin_slice`] with tiles of at most `side` pixels.
    pub fn with_tile_side(
        model: &Model,
        volume: &Volume,
        z: usize,
        side: usize,
    ) -> Result<Self, PredictError> {
        Self::planned(model, volume, z, |size, rule| Ok(TilePlan::new(size, rule, side)))
    }

    /// As [`Model::begin_slice`] within a limit of memory, or with a sliding window.
    pub fn with_options(
        model: &Model,
        volume: &Volume,
        z: usize,
        options: SegmentOptions,
    ) -> Result<Self, PredictError> {
        let (each, largest) = (model.network().bytes_per_pixel(), model.device().largest_tensor());
        let memory = options.memory.unwrap_or(TILE_BYTES);
        let side = longest_side(each, memory.min(TILE_BYTES), largest);
        Self::planned(model, volume, z, |size, rule| {
            let plan = if options.sliding {
                TilePlan::sliding(size, rule, side)
            } else {
                TilePlan::new(size, rule, side)
            };
            let needs = (plan.tile[0] * plan.tile[1] * each) as u64;
            if options.memory.is_some_and(|memory| memory < needs) {
                return Err(PredictError::too_little(needs, memory));
            }
            Ok(plan)
        })
    }

    fn planned(
        model: &Model,
        volume: &Volume,
        z: usize,
        plan: impl FnOnce([usize; 2], &InputRule) -> Result<TilePlan, PredictError>,
    ) -> Result<Self, PredictError> {
        let [width, height, depth] = volume.dims();
        if z >= depth {
            return Err(PredictError::NoSlice { z, depth });
        }
        let network = model.network();
        room_for(model, [width, height])?;
        let input = slice_input(volume, z, &model.card.input);
        let classes = network.head().classes();
        let plan = plan([input.width, input.height], &network.input())?;
        if !model.device().is_gpu() {
            let needs = (plan.tile[0] as u128) * plan.tile[1] as u128 * network.bytes_per_pixel() as u128;
            memory::check(needs)
                .map_err(|e| PredictError::Unfit(format!("the network is too large: {e}")))?;
        }
        let shape = [classes, input.height, input.width];
        let blend = if model.device().is_gpu() {
            Blend::Device(Box::new(Tensor::zeros(shape, model.device().burn())))
        } else {
            Blend::Host(vec![0.0; shape.iter().product()])
        };
        Ok(Self {
            input,
            native: [width, height],
            classes,
            plan,
            next: 0,
            blend,
            detection: None,
            forward_millis: 0.0,
        })
    }

    /// Steps that there are in all.
    pub fn total(&self) -> usize {
        self.plan.tiles.len()
    }

    /// Steps that are done.
    pub fn done(&self) -> usize {
        self.next
    }

    /// Predicts the next tile. `model` is the one that the slice was begun with.
    pub fn step(&mut self, model: &Model) -> Result<InferenceStep, PredictError> {
        if let Some(&tile) = self.plan.tiles.get(self.next) {
            self.predict(model, tile)?;
            self.next += 1;
        }
        let (done, total) = (self.next, self.total());
        if done < total {
            Ok(InferenceStep::Pending { done, total })
        } else {
            self.finish(model).map(InferenceStep::Done)
        }
    }

    fn predict(&mut self, model: &Model, tile: Tile) -> Result<(), PredictError> {
        let start = Instant::now();
        let network = model.network();
        let cut = self.plan.cut(&self.input, tile);
        let data = TensorData::new(cut.values, [1, cut.channels, cut.height, cut.width]);
        let outputs = network.infer(Tensor::from_data(data, model.device().burn()));
        if let Some(found) = &outputs.detection {
            let found = sigmoid(found.clone()).try_into_vec_as::<f32>();
            self.add_detection(found.map_err(|e| PredictError::Device(e.to_string()))?);
        }
        let [width, height] = self.plan.inside(tile);
        let single = self.plan.tiles.len() == 1;
        let probabilities = probabilities(network.head(), outputs).narrow(1, 0, height).narrow(2, 0, width);
        match &mut self.blend {
            Blend::Host(sum) => {
                let values: Vec<f32> =
                    probabilities.try_into_vec_as().map_err(|e| PredictError::Device(e.to_string()))?;
                if single {
                    *sum = values;
                } else {
                    let weights = self.plan.weights(tile);
                    let area = self.plan.size[0] * self.plan.size[1];
                    for (plane, values) in sum.chunks_exact_mut(area).zip(values.chunks_exact(width * height))
                    {
                        let weighted: Vec<f32> = values.iter().zip(&weights).map(|(v, w)| v * w).collect();
                        self.plan.add(plane, tile, &weighted, |v| v);
                    }
                }
            }
            Blend::Device(sum) => {
                let [x, y] = tile.origin;
                let region = [0..self.classes, y..y + height, x..x + width];
                let part = if single {
                    probabilities
                } else {
                    let weights = TensorData::new(self.plan.weights(tile), [1, height, width]);
                    let weights = Tensor::<3>::from_data(weights, model.device().burn());
                    sum.as_ref().clone().slice(region.clone()) + probabilities * weights
                };
                // Assigned into a whole tensor, so that the result is contiguous and starts at its buffer's start.
                sum.inplace(|sum| sum.slice_assign(region, part));
                // So that the time is the computation's, and an error on the device is this tile's.
                model.device().burn().sync().map_err(|e| PredictError::Device(e.to_string()))?;
            }
        }
        self.forward_millis += start.elapsed().as_secs_f32() * 1e3;
        Ok(())
    }

    /// A finding of any tile is one of the slice.
    fn add_detection(&mut self, found: Vec<f32>) {
        self.detection = Some(match self.detection.take() {
            None => found,
            Some(old) => old.into_iter().zip(found).map(|(a, b)| a.max(b)).collect(),
        });
    }

    fn finish(&mut self, model: &Model) -> Result<SlicePrediction, PredictError> {
        let [width, height] = self.native;
        let tiled = self.plan.tiles.len() > 1;
        let probabilities = match std::mem::replace(&mut self.blend, Blend::Host(vec![])) {
            Blend::Host(mut values) => {
                if tiled {
                    let weight = self.plan.weight_sum();
                    for plane in values.chunks_exact_mut(weight.len()) {
                        plane.iter_mut().zip(&weight).for_each(|(v, w)| *v /= w);
                    }
                }
                if values.iter().any(|v| !v.is_finite()) {
                    return Err(PredictError::NotFinite);
                }
                let planes = Planes {
                    channels: self.classes,
                    height: self.input.height,
                    width: self.input.width,
                    values,
                };
                Probabilities::Host(resize_planes(planes, self.native).values.into())
            }
            Blend::Device(sum) => {
                let mut sum = *sum;
                let device = model.device().burn();
                if tiled {
                    let weight =
                        TensorData::new(self.plan.weight_sum(), [1, self.input.height, self.input.width]);
                    sum = sum / Tensor::<3>::from_data(weight, device);
                }
                Probabilities::Device(DeviceProbabilities {
                    tensor: Arc::new(resize_tensor(sum, self.native, device)),
                })
            }
        };
        Ok(SlicePrediction {
            classes: self.classes,
            width,
            height,
            probabilities,
            detection: self.detection.take(),
            forward_millis: self.forward_millis,
        })
    }
}

/// Whether there is memory for a slice of `[width, height]` beside its tiles: its input, and the probabilities in the
/// network's pixels and in its own.
fn room_for(model: &Model, native: [usize; 2]) -> Result<(), PredictError> {
    let area = |[width, height]: [usize; 2]| width as u128 * height as u128;
    let working = area(working_size(native, &model.card.input));
    let planes = (model.network().channels() + model.network().head().classes()) as u128;
    let bytes = 2 * size_of::<f32>() as u128 * planes * (area(native) + working);
    memory::check(bytes)
        .map_err(|e| PredictError::Unfit(format!("one slice is too large for the network: {e}")))
}

/// `[classes, height, width]` of the first picture of a batch.
fn probabilities(head: Head, outputs: Outputs) -> Tensor<3> {
    let logits: Tensor<3> = outputs.logits.narrow(0, 0, 1).squeeze_dim(0);
    match head {
        Head::Softmax { .. } => softmax(logits, 0),
        Head::Sigmoid => {
            let p = sigmoid(logits);
            Tensor::cat(vec![p.clone().neg() + 1.0, p], 0)
        }
        Head::Sigmoids { .. } => {
            let p = sigmoid(logits);
            Tensor::cat(vec![p.clone().max_dim(0).neg() + 1.0, p], 0)
        }
    }
}
