//! What a forward pass costs: multiply-accumulates of its convolutions and products.

use crate::nn::watch;
use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Adds `each` multiply-accumulates for every element of a tensor of this shape: a layer has been passed. A batch of none
/// counts as one, so that what a pass will cost can be asked without computing anything.
pub(super) fn add<const D: usize>(shape: [usize; D], each: usize) {
    let elements: usize = shape.iter().enumerate().map(|(i, &n)| if i == 0 { n.max(1) } else { n }).product();
    let products = elements as u64 * each as u64;
    COUNT.with(|count| count.set(count.get().wrapping_add(products)));
    watch::passed(products);
}

/// The multiply-accumulates of the layers that `run` passes through on this thread: convolutions, transposed convolutions
/// and linear layers, as the usual counters have it; element-wise work, norms and attention products are not counted.
pub fn multiply_accumulates<T>(run: impl FnOnce() -> T) -> (T, u64) {
    let before = COUNT.get();
    let result = run();
    (result, COUNT.get().wrapping_sub(before))
}
