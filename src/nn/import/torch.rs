//! PyTorch's containers: the zip of `torch.save` and the legacy stream before it.

use super::{
    ImportError, Tensors,
    array::{Element, View},
    pickle::{Id, Node, Pickle},
};
use std::collections::HashMap;
use std::io::{Cursor, Read};

/// Bytes that a legacy file begins with: the pickle of its magic number.
const LEGACY_MAGIC: &[u8] = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";

pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

pub(super) fn is_legacy(bytes: &[u8]) -> bool {
    bytes.starts_with(LEGACY_MAGIC)
}

/// A zip file may unpack to so many times its size: checkpoints are stored and not compressed.
const MOST_INFLATION: u64 = 32;

/// Raw elements by storage key.
type Storages = HashMap<String, Vec<u8>>;

/// `data.pkl` and the storages `data/0…` beside it, in a folder of any name.
pub(super) fn read_zip(bytes: &[u8]) -> Result<Tensors, ImportError> {
    let damaged = |e: zip::result::ZipError| ImportError::Damaged(e.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let names = archive.file_names().map(|name| Ok(name.map_err(damaged)?.into_owned()));
    let names = names.collect::<Result<Vec<String>, ImportError>>()?;
    let Some(root) = names.iter().find_map(|name| name.strip_suffix("data.pkl")) else {
        let torch_script = names.iter().any(|name| name.ends_with("constants.pkl"));
        return Err(ImportError::NotWeights(if torch_script {
            "a TorchScript program; save its state dict instead"
        } else {
            "a zip file without PyTorch's data.pkl"
        }));
    };
    // A stored entry is as long as it says; the limit keeps a compressed bomb, or entries that lie over each other, from
    // filling the memory.
    let mut left = (bytes.len() as u64).saturating_mul(MOST_INFLATION);
    let mut entry = |name: &str| -> Result<Vec<u8>, ImportError> {
        let file = archive.by_name(name).map_err(damaged)?;
        let mut data = Vec::new();
        file.take(left + 1)
            .read_to_end(&mut data)
            .map_err(|e| ImportError::Damaged(format!("{name}: {e}")))?;
        left = left.checked_sub(data.len() as u64).ok_or_else(|| {
            ImportError::Damaged(format!("unpacked it is more than {MOST_INFLATION} times as large"))
        })?;
        Ok(data)
    };
    if names.contains(&format!("{root}byteorder"))
        && entry(&format!("{root}byteorder"))?.trim_ascii() == b"big"
    {
        return Err(ImportError::NotWeights("a checkpoint of a big-endian machine"));
    }
    let (pickle, _) = Pickle::read(&entry(&format!("{root}data.pkl"))?)?;
    let prefix = format!("{root}data/");
    let mut storages = Storages::new();
    for name in &names {
        if let Some(key) = name.strip_prefix(&prefix) {
            storages.insert(key.to_owned(), entry(name)?);
        }
    }
    tensors(&pickle, bytes.len().saturating_mul(MOST_INFLATION as usize), &storages)
}

/// Five pickles (magic, protocol, system, object, storage keys), then each storage: its length and its elements.
pub(super) fn read_legacy(bytes: &[u8]) -> Result<Tensors, ImportError> {
    let mut at = 0;
    let mut next = || -> Result<Pickle, ImportError> {
        let (pickle, used) = Pickle::read(&bytes[at..])?;
        at += used;
        Ok(pickle)
    };
    let (_magic, _protocol, _system) = (next()?, next()?, next()?);
    let (object, keys) = (next()?, next()?);
    let mut elements = HashMap::new();
    for node in &object.nodes {
        if let Node::Persistent(id) = node
            && let Some((key, element)) = storage(&object, *id)
        {
            elements.insert(key.to_owned(), element);
        }
    }
    let cut = || ImportError::Damaged("it ends before its last tensor".to_owned());
    let keys = keys.sequence(keys.root).unwrap_or_default().iter().map(|&id| keys.str(id));
    let mut storages = Storages::new();
    for key in keys {
        let key = key.ok_or_else(|| ImportError::Damaged("a storage has no name".to_owned()))?;
        let element = elements
            .get(key)
            .ok_or_else(|| ImportError::Damaged(format!("the type of storage {key} is not known")))?;
        let length = bytes.get(at..at + 8).ok_or_else(cut)?;
        let length = u64::from_le_bytes(std::array::from_fn(|i| length[i]));
        let size =
            usize::try_from(length).ok().and_then(|n| n.checked_mul(element.bytes())).ok_or_else(cut)?;
        let end = (at + 8).checked_add(size).ok_or_else(cut)?;
        storages.insert(key.to_owned(), bytes.get(at + 8..end).ok_or_else(cut)?.to_vec());
        at = end;
    }
    tensors(&object, bytes.len(), &storages)
}

/// Key and element type of `("storage", class, key, location, length)`.
fn storage(pickle: &Pickle, id: Id) -> Option<(&str, Element)> {
    let parts = pickle.sequence(id)?;
    let [kind, class, key, ..] = parts else { return None };
    let Node::Global(class) = pickle.node(*class) else { return None };
    (pickle.str(*kind) == Some("storage")).then_some(())?;
    Some((pickle.str(*key)?, Element::of_storage(class)?))
}

/// The weights among the pickle's dictionaries.
fn tensors(pickle: &Pickle, file_bytes: usize, storages: &Storages) -> Result<Tensors, ImportError> {
    let broken = |name: &str, reason: String| ImportError::Tensor { name: name.to_owned(), reason };
    super::collect(
        pickle,
        file_bytes,
        |id| view(pickle, id).is_some(),
        |name, id| {
            let (key, view) =
                view(pickle, id).ok_or_else(|| broken(name, "it is not a tensor".to_owned()))?;
            let missing = || broken(name, format!("its data ({key}) is missing from the file"));
            view.read(name, storages.get(key).ok_or_else(missing)?)
        },
    )
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, …)`, also inside `_rebuild_parameter(tensor, …)`.
fn view(pickle: &Pickle, mut id: Id) -> Option<(&str, View)> {
    // A parameter lies before whatever wraps it, so that this ends.
    while let ("torch._utils._rebuild_parameter", [tensor, ..], _) = pickle.call(id)? {
        id = Some(*tensor).filter(|tensor| *tensor < id)?;
    }
    let (function, arguments, _) = pickle.call(id)?;
    match (function, arguments) {
        ("torch._utils._rebuild_tensor_v2", [place, offset, shape, strides, ..]) => {
            let Node::Persistent(place) = pickle.node(*place) else { return None };
            let (key, element) = storage(pickle, *place)?;
            Some((
                key,
                View {
                    element,
                    offset: usize::try_from(pickle.int(*offset)?).ok()?,
                    shape: pickle.sizes(*shape)?,
                    strides: pickle.sizes(*strides)?,
                },
            ))
        }
        _ => None,
    }
}
