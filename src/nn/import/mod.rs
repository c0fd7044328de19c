//! Weights of other programs by the reference's tensor names: PyTorch checkpoints (zip and legacy), pickled dictionaries of
//! arrays, safetensors. Read as data; nothing in a file is ever run.

mod array;
mod numpy;
mod pickle;
mod recognise;
mod torch;

pub use recognise::{Recognised, fit_network, recognise};

use super::{
    AnyModel, BuildError, Channels, ComputeDevice, InputSpec, ModelCard, ModelError, NamedTensor,
    NamedTensors, Rank, VolumeSpec, find, weights::is_counter,
};
use crate::{label::LabelTable, volume::Modality};
use array::{Element, View};
use pickle::{Id, Pickle, PickleError};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::{collections::HashSet, path::Path};

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    #[error(
        "it is neither a PyTorch checkpoint, nor a pickled dictionary of arrays, nor a safetensors file; it begins with \
         {0}"
    )]
    Unknown(String),
    #[error("it is {0}")]
    NotWeights(&'static str),
    #[error("it is damaged: {0}")]
    Damaged(String),
    #[error(transparent)]
    Pickle(#[from] PickleErrorShown),
    #[error("tensor {name}: {reason}")]
    Tensor { name: String, reason: String },
    #[error("there are no tensors in it")]
    Empty,
    #[error("{0}")]
    NotRecognised(String),
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl From<std::io::Error> for ImportError {
    fn from(error: std::io::Error) -> Self {
        Self::Read(error)
    }
}

/// A pickle's error, its type kept inside.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PickleErrorShown(PickleError);

impl From<PickleError> for ImportError {
    fn from(error: PickleError) -> Self {
        ImportError::Pickle(PickleErrorShown(error))
    }
}

/// The weights of a file.
#[derive(Debug)]
pub struct Weights {
    pub tensors: NamedTensors,
    /// The dictionary inside the file that they were found in, `state_dict` for example; empty for the file itself.
    pub inside: String,
    /// What lies beside them and was left: epoch, optimizer and the like.
    pub beside: Vec<String>,
}

/// Reads the weights of a file, whatever its extension. A state dict inside a checkpoint is found by itself, the prefix
/// that DataParallel or `torch.compile` puts before every name is taken off, and batch counters are left out.
pub fn read(path: &Path) -> Result<Weights, ImportError> {
    let bytes = crate::file::read(path)?;
    let found = if torch::is_zip(&bytes) {
        torch::read_zip(&bytes)?
    } else if torch::is_legacy(&bytes) {
        torch::read_legacy(&bytes)?
    } else if is_safetensors(&bytes) {
        read_safetensors(&bytes)?
    } else if bytes.first() == Some(&0x80) {
        numpy::read(&bytes)?
    } else {
        let shown: String = bytes.iter().take(8).map(|b| format!("{b:02x} ")).collect();
        return Err(ImportError::Unknown(if shown.is_empty() { "nothing".to_owned() } else { shown }));
    };
    let Tensors { mut tensors, inside, beside } = found;
    tensors.retain(|name, _| !is_counter(name));
    for prefix in ["_orig_mod.", "module."] {
        tensors = strip(tensors, prefix);
    }
    if tensors.is_empty() {
        return Err(ImportError::Empty);
    }
    if let Some((name, _)) = tensors.iter().find(|(_, t)| t.values.iter().any(|v| !v.is_finite())) {
        let reason = "it holds values that are not finite".to_owned();
        return Err(ImportError::Tensor { name: name.clone(), reason });
    }
    Ok(Weights { tensors, inside, beside })
}

/// A model of a foreign file, its network recognised. What a file does not say of itself is left open: values scaled to 0–1,
/// labels called by their number.
pub fn model(path: &Path) -> Result<AnyModel, ImportError> {
    let weights = read(path)?;
    let Recognised { network, config } = recognise(&weights.tensors).map_err(ImportError::NotRecognised)?;
    let card = card(path, network, config)?;
    let mut model = AnyModel::build(card, 0, &ComputeDevice::cpu("import"))?;
    model.load_tensors(weights.tensors).map_err(ModelError::from)?;
    Ok(model)
}

/// The card of [`model`]. Networks of volumes are those of FLARE21's winner: with four classes they are taken for its organs, in
/// its window.
pub fn card(path: &Path, network: &str, config: Value) -> Result<ModelCard, ImportError> {
    let spec = find(network).ok_or_else(|| BuildError::UnknownNetwork { id: network.to_owned() });
    let spec = spec.map_err(ModelError::from)?;
    let (channels, head) = spec.ends(&config).map_err(ModelError::from)?;
    let of_volumes = spec.rank() == Rank::Volumes;
    let channels = if channels == 1 { Channels::Grey } else { Channels::Rgb };
    let flare = of_volumes && head.classes() == 5;
    let names: Vec<String> = match flare {
        true => ["liver", "kidneys", "spleen", "pancreas"].map(str::to_owned).to_vec(),
        false => (1..head.classes()).map(|class| format!("class {class}")).collect(),
    };
    let window = of_volumes.then_some([-325.0, 325.0]);
    let input = InputSpec { window, ..InputSpec::unit(channels) };
    let modality = if of_volumes { Modality::Ct } else { Modality::Other };
    Ok(ModelCard {
        title: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        trained_on: "unknown".to_owned(),
        notice: format!(
            "imported from {}; how its training prepared images, and what its classes are called, is not in the file",
            path.display()
        ),
        volume: of_volumes.then(|| if flare { VolumeSpec::flare() } else { VolumeSpec::whole() }),
        ..ModelCard::new(network, config, input, LabelTable::named(&names), modality)
    })
}

/// Takes a prefix off where every name has it.
fn strip(tensors: NamedTensors, prefix: &str) -> NamedTensors {
    if !tensors.keys().all(|name| name.starts_with(prefix)) {
        return tensors;
    }
    tensors.into_iter().map(|(name, tensor)| (name[prefix.len()..].to_owned(), tensor)).collect()
}

type Tensors = Weights;

/// Tensors may take this many times the bytes of their file: halves become singles, and some networks use weights twice.
const LARGEST_SHARE: usize = 16;

/// How deep a checkpoint's dictionaries are looked into.
const DEPTH: usize = 4;

/// The dictionary that holds the most tensors directly; of several alike, the first whose path does not speak of an
/// average or an optimiser.
fn collect(
    pickle: &Pickle,
    file_bytes: usize,
    is_tensor: impl Fn(Id) -> bool,
    mut read: impl FnMut(&str, Id) -> Result<NamedTensor, ImportError>,
) -> Result<Tensors, ImportError> {
    let mut found: Vec<(String, Vec<(&str, Id)>)> = vec![];
    let mut open = vec![(String::new(), pickle.root, 0)];
    // A dictionary that is referred to in many places is searched once: a small file could hold any number of paths to it.
    let mut seen = HashSet::new();
    while let Some((path, id, depth)) = open.pop() {
        let Some(entries) = pickle.entries(id).filter(|_| seen.insert(id)) else { continue };
        let mut here = vec![];
        for &(key, value) in entries.iter().rev() {
            let Some(key) = pickle.str(key) else { continue };
            if is_tensor(value) {
                here.push((key, value));
            } else if depth < DEPTH {
                let inner = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                open.push((inner, value, depth + 1));
            }
        }
        here.reverse();
        found.push((path, here));
    }
    let limit = LARGEST_SHARE.saturating_mul(file_bytes);
    let second_choice = |path: &str| ["ema", "optim", "momentum"].iter().any(|word| path.contains(word));
    let best = found
        .iter()
        .enumerate()
        .max_by_key(|(i, (path, here))| (here.len(), !second_choice(path), usize::MAX - i))
        .filter(|(_, (_, here))| !here.is_empty());
    let Some((_, (inside, here))) = best else { return Err(ImportError::Empty) };
    let top = inside.split('.').next().unwrap_or_default();
    let beside =
        pickle.entries(pickle.root).unwrap_or_default().iter().filter_map(|&(key, _)| pickle.str(key));
    let beside =
        if inside.is_empty() { vec![] } else { beside.filter(|&k| k != top).map(str::to_owned).collect() };
    let mut bytes = 0;
    let tensors = here.iter().map(|&(name, id)| {
        let tensor = read(name, id)?;
        bytes += size_of_val(&tensor.values[..]);
        if bytes > limit {
            let what = format!("its tensors repeat its data more than {LARGEST_SHARE} times");
            return Err(ImportError::Damaged(what));
        }
        Ok((name.to_owned(), tensor))
    });
    Ok(Tensors { tensors: tensors.collect::<Result<_, ImportError>>()?, inside: inside.clone(), beside })
}

/// The header's length in eight bytes (below 4 GiB), then its JSON.
fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.get(..9).is_some_and(|b| b[8] == b'{' && b[4..8] == [0; 4])
}

fn read_safetensors(bytes: &[u8]) -> Result<Tensors, ImportError> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| ImportError::Damaged(e.to_string()))?;
    let tensors = file.tensors().into_iter().map(|(name, view)| {
        let element = match view.dtype() {
            Dtype::F64 => Element::F64,
            Dtype::F32 => Element::F32,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::I64 => Element::I64,
            Dtype::I32 => Element::I32,
            Dtype::I16 => Element::I16,
            Dtype::I8 => Element::I8,
            Dtype::U8 => Element::U8,
            Dtype::BOOL => Element::Bool,
            other => {
                let reason = format!("values of type {other:?} are not weights");
                return Err(ImportError::Tensor { name, reason });
            }
        };
        let shape = view.shape().to_vec();
        let view_of = View { element, offset: 0, strides: View::row_major(&shape), shape };
        let tensor = view_of.read(&name, view.data())?;
        Ok((name, tensor))
    });
    let tensors = tensors.collect::<Result<_, ImportError>>()?;
    Ok(Tensors { tensors, inside: String::new(), beside: vec![] })
}
