//! A run on disk: one safetensors file with the weights (`model/…`), their average (`average/…`) where the run keeps one,
//! the best weights so far (`best/…`), the optimiser's state (`optimizer`, burn's own record as bytes) and what a pretraining
//! has beside them (`contrast/…`, `contrast-optimizer`); the rest is JSON in the metadata key `fovea-run`.

use super::{
    BestRule, OptimizerStep, Session, TrainConfig, TrainingSet,
    contrast::Contrastive,
    loss_scale::LossScale,
    session::{Best, Progress},
};
use crate::{
    nn::{InputSpec, ModelCard, NamedTensor, NamedTensors, NetworkError},
    replace::{WriteError, write_bytes},
};
use burn::tensor::Bytes;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

const KEY: &str = "fovea-run";
const OPTIMIZER: &str = "optimizer";
const CONTRAST_OPTIMIZER: &str = "contrast-optimizer";

#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint {} cannot be read: {cause}", path.display())]
    Read { path: PathBuf, cause: std::io::Error },
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("{} is not a checkpoint of a training run: {reason}", path.display())]
    Format { path: PathBuf, reason: String },
    #[error("the checkpoint {} belongs to another run: {reason}", path.display())]
    Other { path: PathBuf, reason: String },
    #[error("the weights could not be read from the device: {0}")]
    Device(NetworkError),
}

impl From<NetworkError> for CheckpointError {
    fn from(error: NetworkError) -> Self {
        Self::Device(error)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub network: String,
    pub network_config: serde_json::Value,
    /// How images are prepared. Older checkpoints do not say.
    #[serde(default)]
    input: Option<InputSpec>,
    pub config: TrainConfig,
    pub progress: Progress,
    /// Of a run that multiplies in half precision.
    #[serde(default)]
    loss_scale: Option<LossScale>,
    /// Step and value by the run's rule.
    best: Option<(u64, f64)>,
    /// Mean Dice of the best; older checkpoints have it as the value.
    #[serde(default)]
    best_dice: Option<f64>,
    /// The names of the classes. Older checkpoints do not say.
    #[serde(default)]
    labels: Option<Vec<String>>,
    /// Of what it learns from and is validated on, see [`TrainingSet::fingerprint`].
    data: String,
}

pub(super) struct Saved {
    pub header: Header,
    pub model: NamedTensors,
    /// Empty where the run keeps none.
    pub average: NamedTensors,
    pub best: Option<Best>,
    optimizer: Vec<u8>,
    /// Empty where the run is no pretraining.
    contrast: NamedTensors,
    contrast_optimizer: Vec<u8>,
}

impl Saved {
    /// Whether the checkpoint can go on with this network and this training set.
    pub fn check(&self, path: &Path, card: &ModelCard, data: String) -> Result<(), CheckpointError> {
        let other = |reason: String| Err(CheckpointError::Other { path: path.to_owned(), reason });
        if (&self.header.network, &self.header.network_config) != (&card.network, &card.config) {
            return other(format!(
                "its network is {} {}, not {} {}",
                self.header.network, self.header.network_config, card.network, card.config
            ));
        }
        if self.header.input.as_ref().is_some_and(|input| *input != card.input) {
            return other("it scales or windows the images in another way".to_owned());
        }
        let own = names(card);
        if let Some(labels) = self.header.labels.as_ref().filter(|labels| **labels != own) {
            return other(format!("its classes are {}, not {}", labels.join(", "), own.join(", ")));
        }
        if self.header.data != data {
            return other("the images or their labels have changed since; start a new run".to_owned());
        }
        Ok(())
    }

    pub fn restore_optimizer(
        &self,
        path: &Path,
        optimizer: OptimizerStep,
    ) -> Result<OptimizerStep, CheckpointError> {
        let mut optimizer = restored(path, optimizer, &self.optimizer)?;
        // A run that has left half precision does not come back to it; one that is now on another device may have to leave it.
        if optimizer.in_half() {
            optimizer.loss_scale = self.header.loss_scale;
        }
        Ok(optimizer)
    }

    pub fn restore_contrast(
        &self,
        path: &Path,
        contrast: &mut Contrastive,
        optimizer_step: OptimizerStep,
    ) -> Result<(), CheckpointError> {
        if !contrast.restore(&self.contrast) {
            let reason = "it lacks the state of the pretraining".to_owned();
            return Err(CheckpointError::Format { path: path.to_owned(), reason });
        }
        contrast.optimizer_step = restored(path, optimizer_step, &self.contrast_optimizer)?;
        Ok(())
    }
}

fn names(card: &ModelCard) -> Vec<String> {
    card.labels.iter().map(|label| label.name.clone()).collect()
}

fn restored(path: &Path, optimizer: OptimizerStep, state: &[u8]) -> Result<OptimizerStep, CheckpointError> {
    optimizer.from_bytes(Bytes::from_bytes_vec(state.to_vec())).map_err(|e| CheckpointError::Format {
        path: path.to_owned(),
        reason: format!("the optimiser's state: {e}"),
    })
}

pub(super) fn write<const D: usize>(
    session: &Session<D, impl TrainingSet<D>>,
    path: &Path,
) -> Result<(), CheckpointError> {
    let format = |reason: String| CheckpointError::Format { path: path.to_owned(), reason };
    let card = &session.model.card;
    let header = Header {
        network: card.network.clone(),
        network_config: card.config.clone(),
        input: Some(card.input.clone()),
        config: session.config.clone(),
        progress: session.progress.clone(),
        loss_scale: session.optimizer.loss_scale,
        best: session.best.as_ref().map(|b| (b.step, b.value)),
        best_dice: session.best.as_ref().and_then(|b| b.dice),
        labels: Some(names(card)),
        data: session.training_set.fingerprint(),
    };
    let optimizer = session.optimizer.to_bytes().map_err(|e| format(e.to_string()))?;
    let current = session.model.network().tensors()?;
    let state = |name: &str, bytes: &[u8]| (name.to_owned(), Dtype::U8, vec![bytes.len()], bytes.to_vec());
    let mut entries: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = vec![state(OPTIMIZER, &optimizer)];
    if let Some(contrast) = session.training_set.contrast() {
        let optimizer = contrast.optimizer_step.to_bytes().map_err(|e| format(e.to_string()))?;
        entries.push(state(CONTRAST_OPTIMIZER, &optimizer));
    }
    let mut add = |prefix: &str, tensors: &NamedTensors| {
        for (name, t) in tensors {
            let bytes = t.values.iter().flat_map(|v| v.to_le_bytes()).collect();
            entries.push((format!("{prefix}/{name}"), Dtype::F32, t.shape.clone(), bytes));
        }
    };
    add("model", &current);
    if let Some(average) = session.model.network().averaged() {
        add("average", &average.tensors()?);
    }
    if let Some(best) = &session.best {
        add("best", &best.tensors);
    }
    if let Some(contrast) = session.training_set.contrast() {
        add("contrast", &contrast.tensors()?);
    }
    let views: Vec<(String, TensorView<'_>)> = entries
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            let view = TensorView::new(*dtype, shape.clone(), bytes).map_err(|e| format(e.to_string()))?;
            Ok((name.clone(), view))
        })
        .collect::<Result<_, CheckpointError>>()?;
    let json = serde_json::to_string(&header).map_err(|e| format(e.to_string()))?;
    let metadata = HashMap::from([(KEY.to_owned(), json)]);
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(|e| format(e.to_string()))?;
    Ok(write_bytes(path, &bytes)?)
}

pub(super) fn read(path: &Path) -> Result<Saved, CheckpointError> {
    let bytes =
        crate::file::read(path).map_err(|cause| CheckpointError::Read { path: path.to_owned(), cause })?;
    let format = |reason: String| CheckpointError::Format { path: path.to_owned(), reason };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| format(e.to_string()))?;
    let json = metadata.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or_else(|| {
        format(format!("it has no \"{KEY}\" in its header; a finished model is not a checkpoint"))
    })?;
    let header: Header = serde_json::from_str(json).map_err(|e| format(e.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| format(e.to_string()))?;
    let [mut model, mut average, mut best, mut contrast] = [const { NamedTensors::new() }; 4];
    let (mut optimizer, mut contrast_optimizer) = (None, vec![]);
    for (name, view) in file.iter() {
        if name == OPTIMIZER {
            optimizer = Some(view.data().to_vec());
            continue;
        }
        if name == CONTRAST_OPTIMIZER {
            contrast_optimizer = view.data().to_vec();
            continue;
        }
        let values =
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let tensor = NamedTensor { shape: view.shape().to_vec(), values };
        if let Some(name) = name.strip_prefix("model/") {
            model.insert(name.to_owned(), tensor);
        } else if let Some(name) = name.strip_prefix("average/") {
            average.insert(name.to_owned(), tensor);
        } else if let Some(name) = name.strip_prefix("best/") {
            best.insert(name.to_owned(), tensor);
        } else if let Some(name) = name.strip_prefix("contrast/") {
            contrast.insert(name.to_owned(), tensor);
        } else {
            return Err(format(format!("it holds \"{name}\", which no run writes")));
        }
    }
    let optimizer = optimizer.ok_or_else(|| format("it lacks the optimiser's state".to_owned()))?;
    let best = header.best.map(|(step, value)| Best {
        step,
        value,
        dice: header.best_dice.or((header.config.best == BestRule::SliceDice).then_some(value)),
        tensors: best,
    });
    Ok(Saved { header, model, average, best, optimizer, contrast, contrast_optimizer })
}
