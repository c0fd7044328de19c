//! What a forward pass costs: multiply-accumulates of its convolutions and products.

use std::cell::Cell;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// Adds `each` multiply-accumulates for every element of a tensor of this shape.
pub(super) fn add<const D: usize>(shape: [usize; D], each: usize) {
    let elements: usize = shape.iter().product();
    COUNT.with(|count| count.set(count.get().wrapping_add(elements as u64 * each as u64)));
}

/// The multiply-accumulates of the layers that `run` passes through on this thread: convolutions, transposed convolutions
/// and linear layers, as the usual counters have it; element-wise work, norms and attention products are not counted.
pub fn multiply_accumulates<T>(run: impl FnOnce() -> T) -> (T, u64) {
    let before = COUNT.get();
    let result = run();
    (result, COUNT.get().wrapping_sub(before))
}
