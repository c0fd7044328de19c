//! Records the output of one layer of a network during a forward pass. Layers are known by the id of their weight, which follows
//! from its name.

use burn::{module::ParamId, tensor::Tensor};
use std::cell::RefCell;

thread_local! {
    static WATCHED: RefCell<Option<(ParamId, Option<Tensor<4>>)>> = const { RefCell::new(None) };
}

/// From now on the outputs of this layer on this thread are kept, the last one.
pub fn watch(weight: ParamId) {
    WATCHED.set(Some((weight, None)));
}

/// What the watched layer gave, if it did; nothing is watched any more.
pub fn taken() -> Option<Tensor<4>> {
    WATCHED.take()?.1
}

/// Records a layer's output `[batch, channels, height, width]` if the layer is watched.
pub(super) fn pass<const D: usize>(weight: ParamId, output: &Tensor<D>) {
    WATCHED.with_borrow_mut(|watched| {
        if let Some((layer, kept)) = watched
            && *layer == weight
            && D == 4
        {
            let dims = output.dims();
            *kept = Some(output.clone().reshape([dims[0], dims[1], dims[2], dims[3]]));
        }
    });
}
