//! Weights of other programs: PyTorch checkpoints and plain safetensors files, by the reference's tensor names.

use super::{
    NamedTensor, NamedTensors,
    weights::{self, WeightsError, is_counter},
};
use burn::store::pytorch_reader::{DType, PytorchReader};
use std::path::Path;

/// Reads the tensors of a `.pth`, `.pt`, `.pth.tar` or `.safetensors` file as f32. A state dict inside a checkpoint is
/// found by itself, and the `module.` that DataParallel puts before every name is taken off.
pub fn read_tensors(path: &Path) -> Result<NamedTensors, WeightsError> {
    let tensors = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors")) {
        weights::tensors_of(&weights::read_file(path)?)?
    } else {
        read_pytorch(path)?
    };
    Ok(strip(tensors, "module."))
}

fn read_pytorch(path: &Path) -> Result<NamedTensors, WeightsError> {
    let fail = |reason: String| WeightsError::File { path: path.display().to_string(), reason };
    let reader = PytorchReader::new(path).map_err(|e| fail(format!("not a PyTorch checkpoint: {e}")))?;
    let all = reader.tensors();
    // Where the state dict is one entry beside others (epoch, optimiser), its names begin with the entry's.
    let inside = ["state_dict.", "model_state_dict.", "model."]
        .into_iter()
        .find(|prefix| all.keys().any(|name| name.starts_with(prefix)))
        .unwrap_or("");
    all.iter()
        .filter_map(|(name, tensor)| name.strip_prefix(inside).map(|name| (name, tensor)))
        .filter(|(name, _)| !is_counter(name))
        .map(|(name, tensor)| {
            let bytes = tensor.read().map_err(|e| fail(e.to_string()))?;
            let dtype = match tensor.dtype() {
                DType::F32 => safetensors::Dtype::F32,
                DType::F16 => safetensors::Dtype::F16,
                DType::BF16 => safetensors::Dtype::BF16,
                other => {
                    return Err(WeightsError::Dtype { name: name.to_owned(), dtype: format!("{other:?}") });
                }
            };
            let values = weights::floats(name, dtype, &bytes)?;
            Ok((name.to_owned(), NamedTensor { shape: tensor.shape().to_vec(), values }))
        })
        .collect()
}

/// Takes a prefix off where every name has it.
fn strip(tensors: NamedTensors, prefix: &str) -> NamedTensors {
    if !tensors.keys().all(|name| name.starts_with(prefix)) {
        return tensors;
    }
    tensors.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect()
}
