//! Products in half precision. P. Micikevicius et al.: "Mixed Precision Training", ICLR 2018: weights, and everything between
//! the products, stay in single precision; convolutions and linear layers multiply halves, sum them in singles and give singles
//! again.

use burn::tensor::{FloatDType, Tensor};
use std::cell::Cell;

thread_local! {
    static HALF: Cell<bool> = const { Cell::new(false) };
}

/// In which precision the layers multiply that `run` passes through on this thread. A pass that has begun in halves stays so,
/// its gradients too.
pub fn in_half<T>(half: bool, run: impl FnOnce() -> T) -> T {
    /// Sets back what was before, where `run` is left by unwinding too.
    struct Before(bool);
    impl Drop for Before {
        fn drop(&mut self) {
            HALF.set(self.0);
        }
    }
    let _before = Before(HALF.replace(HALF.get() || half));
    run()
}

pub(super) fn is_half() -> bool {
    HALF.get()
}

/// The matrix product, in the thread's precision.
pub(super) fn matmul<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    if !is_half() {
        return a.matmul(b);
    }
    a.cast(FloatDType::F16).matmul(b.cast(FloatDType::F16)).cast(FloatDType::F32)
}
