//! Pickled dictionaries of numpy arrays, as Jittor's `jt.save` writes them.

use super::{
    ImportError, Tensors,
    array::{Element, View},
    pickle::{Id, Node, Pickle},
};

/// Jittor appends a SHA-1 and this to the pickle.
const JITTOR_END: &[u8] = b"HCAJSLHD";

pub(super) fn read(bytes: &[u8]) -> Result<Tensors, ImportError> {
    let (pickle, used) = Pickle::read(bytes)?;
    let rest = &bytes[used..];
    if !(rest.is_empty() || rest.ends_with(JITTOR_END)) {
        return Err(ImportError::NotWeights("more than one pickle"));
    }
    super::collect(
        &pickle,
        bytes.len(),
        |id| array(&pickle, id).is_some(),
        |name, id| {
            let broken =
                || ImportError::Tensor { name: name.to_owned(), reason: "it is not an array".to_owned() };
            let (view, raw) = array(&pickle, id).ok_or_else(broken)?;
            view.read(name, raw)
        },
    )
}

/// `_reconstruct(ndarray, …)` with the state `(version, shape, dtype, fortran, bytes)`, or `_frombuffer(bytes, dtype, shape,
/// order)` of protocol 5.
fn array(pickle: &Pickle, id: Id) -> Option<(View, &[u8])> {
    let (function, arguments, state) = pickle.call(id)?;
    let (shape, dtype, fortran, raw) = if function.ends_with("._reconstruct") {
        match pickle.sequence(state?)? {
            [_, shape, dtype, fortran, raw] => {
                (*shape, *dtype, pickle.node(*fortran) == &Node::Bool(true), bytes(pickle, *raw)?)
            }
            _ => return None,
        }
    } else if function.ends_with("._frombuffer") {
        match arguments {
            [raw, dtype, shape, order] => {
                (*shape, *dtype, pickle.str(*order) == Some("F"), bytes(pickle, *raw)?)
            }
            _ => return None,
        }
    } else {
        return None;
    };
    let shape = pickle.sizes(shape)?;
    let strides = if fortran {
        let reversed: Vec<usize> = shape.iter().rev().copied().collect();
        View::row_major(&reversed).into_iter().rev().collect()
    } else {
        View::row_major(&shape)
    };
    Some((View { element: element(pickle, dtype)?, offset: 0, shape, strides }, raw))
}

/// `numpy.dtype("f4", …)` whose state begins `(3, "<", …)`; big-endian data is not taken.
fn element(pickle: &Pickle, id: Id) -> Option<Element> {
    let ("numpy.dtype", [code, ..], state) = pickle.call(id)? else { return None };
    let order = state.and_then(|state| pickle.str(*pickle.sequence(state)?.get(1)?));
    if order == Some(">") {
        return None;
    }
    Element::of_numpy(pickle.str(*code)?)
}

fn bytes(pickle: &Pickle, id: Id) -> Option<&[u8]> {
    match pickle.node(id) {
        Node::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}
