//! Weights files: safetensors with the reference's tensor names, and the model card in the header.

use super::{ModelCard, NamedTensor, NamedTensors};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{collections::HashMap, path::Path};

/// The metadata key that holds the card as JSON.
pub const CARD_KEY: &str = "fovea";

#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("{path}: {reason}")]
    File { path: String, reason: String },
    #[error("this is not a whole safetensors file: {0}")]
    Format(String),
    #[error(
        "the file has no model card, so its labels and preprocessing are unknown and it is not run; \
         `fovea models import` makes a model of it"
    )]
    NoCard,
    #[error("the model card cannot be read: {0}")]
    Card(String),
    #[error("tensor {name} has type {dtype}; weights must be 32- or 16-bit floating point")]
    Dtype { name: String, dtype: String },
    #[error("tensor {0} holds values that are not finite; the file is damaged")]
    NotFinite(String),
    #[error(
        "the weights do not match the version {card} on their card (they hash to {found}); the file is damaged"
    )]
    Version { card: String, found: String },
}

impl WeightsError {
    fn file(path: &Path, reason: impl ToString) -> Self {
        WeightsError::File { path: path.display().to_string(), reason: reason.to_string() }
    }
}

/// First 12 hexadecimal digits of the BLAKE3 hash of names, shapes and values, in the order of the names.
pub fn version(tensors: &NamedTensors) -> String {
    let mut hash = blake3::Hasher::new();
    for (name, tensor) in tensors {
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(&(tensor.shape.len() as u64).to_le_bytes());
        for &n in &tensor.shape {
            hash.update(&(n as u64).to_le_bytes());
        }
        hash.update(&bytes_of(tensor));
    }
    hash.finalize().to_hex().as_str()[..12].to_owned()
}

fn bytes_of(tensor: &NamedTensor) -> Vec<u8> {
    tensor.values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// A weights file's bytes; the same card and tensors give the same bytes.
pub fn to_bytes(card: &ModelCard, tensors: &NamedTensors) -> Result<Vec<u8>, WeightsError> {
    let card = serde_json::to_string(card).map_err(|e| WeightsError::Card(e.to_string()))?;
    let data: Vec<(&String, &NamedTensor, Vec<u8>)> =
        tensors.iter().map(|(name, tensor)| (name, tensor, bytes_of(tensor))).collect();
    let views: Vec<(&String, TensorView<'_>)> = data
        .iter()
        .map(|(name, tensor, bytes)| {
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytes)
                .map(|view| (*name, view))
                .map_err(|e| WeightsError::Format(e.to_string()))
        })
        .collect::<Result<_, _>>()?;
    let metadata = HashMap::from([(CARD_KEY.to_owned(), card)]);
    safetensors::serialize(views, Some(metadata)).map_err(|e| WeightsError::Format(e.to_string()))
}

/// The card alone; the tensors are not read.
pub fn card_of(bytes: &[u8]) -> Result<ModelCard, WeightsError> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| WeightsError::Format(e.to_string()))?;
    let card = metadata.metadata().as_ref().and_then(|m| m.get(CARD_KEY)).ok_or(WeightsError::NoCard)?;
    // A card that a person has edited may begin with a byte-order mark.
    serde_json::from_str(card.trim_start_matches('\u{feff}')).map_err(|e| WeightsError::Card(e.to_string()))
}

/// Card and tensors; the tensors must hash to the card's version.
pub fn from_bytes(bytes: &[u8]) -> Result<(ModelCard, NamedTensors), WeightsError> {
    let card = card_of(bytes)?;
    let tensors = tensors_of(bytes)?;
    let found = version(&tensors);
    if found != card.version {
        return Err(WeightsError::Version { card: card.version, found });
    }
    Ok((card, tensors))
}

/// The tensors of any safetensors file as f32.
pub fn tensors_of(bytes: &[u8]) -> Result<NamedTensors, WeightsError> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| WeightsError::Format(e.to_string()))?;
    file.tensors()
        .into_iter()
        .filter(|(name, _)| !is_counter(name))
        .map(|(name, view)| {
            let values = floats(&name, view.dtype(), view.data())?;
            let tensor = NamedTensor { shape: view.shape().to_vec(), values };
            Ok((name, tensor))
        })
        .collect()
}

pub(super) fn floats(name: &str, dtype: Dtype, data: &[u8]) -> Result<Vec<f32>, WeightsError> {
    use burn::tensor::{bf16, f16};
    let halves = || data.as_chunks::<2>().0.iter();
    let values: Vec<f32> = match dtype {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F16 => halves().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
        Dtype::BF16 => halves().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
        other => return Err(WeightsError::Dtype { name: name.to_owned(), dtype: format!("{other:?}") }),
    };
    if values.iter().all(|v| v.is_finite()) {
        Ok(values)
    } else {
        Err(WeightsError::NotFinite(name.to_owned()))
    }
}

/// PyTorch's batch counters, which no forward pass uses.
pub fn is_counter(name: &str) -> bool {
    name.ends_with("num_batches_tracked")
}

pub fn read_file(path: &Path) -> Result<Vec<u8>, WeightsError> {
    crate::file::read(path).map_err(|e| WeightsError::file(path, e))
}
