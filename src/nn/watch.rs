//! A forward pass through a volume lasts for many seconds. Meanwhile its layers say how far it has come, and ask
//! whether to go on.

pub use crate::watch::{Stopped, Unwatched, Watch};
use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
};

struct Watched {
    watch: Arc<dyn Watch>,
    stage: &'static str,
    done: Cell<u64>,
    /// What was told last.
    told: Cell<u64>,
    total: u64,
}

/// Progress is reported about this many times in a stage: small layers take long for the products they make, and reports layer
/// by layer would mislead the estimate of the time that is left.
const STEPS: u64 = 40;

thread_local! {
    static NOW: RefCell<Option<Watched>> = const { RefCell::new(None) };
}

/// Runs a forward pass on this thread under a watch: part of a stage of `total` multiply-accumulates, of which
/// `before` are done.
///
/// A pass that is to stop leaves by unwinding from the layer that it has come to: what it holds is dropped as after a
/// panic, but no panic is reported, and the networks stay as they were.
pub fn watched<T>(
    watch: &Arc<dyn Watch>,
    (stage, before, total): (&'static str, u64, u64),
    run: impl FnOnce() -> T,
) -> Result<T, Stopped> {
    watch.progress(stage, before, total);
    let now =
        Watched { watch: Arc::clone(watch), stage, done: Cell::new(before), told: Cell::new(before), total };
    NOW.set(Some(now));
    let result = catch_unwind(AssertUnwindSafe(run));
    NOW.set(None);
    match result {
        Ok(result) => Ok(result),
        Err(panic) if panic.is::<Stopped>() => Err(Stopped),
        Err(panic) => resume_unwind(panic),
    }
}

/// A layer has done so many multiply-accumulates. Does not come back where the pass is to stop.
pub(super) fn passed(products: u64) {
    NOW.with_borrow(|now| {
        let Some(Watched { watch, stage, done, told, total }) = now else { return };
        done.set(done.get() + products);
        if done.get() - told.get() >= total / STEPS || done.get() >= *total {
            told.set(done.get());
            watch.progress(stage, done.get().min(*total), *total);
        }
    });
    check();
}

/// Leaves the pass where it is to stop.
pub(super) fn check() {
    if current().is_some_and(|watch| watch.stop()) {
        stop();
    }
}

/// Leaves the pass.
pub(super) fn stop() -> ! {
    resume_unwind(Box::new(Stopped))
}

/// The watch of the pass on this thread, for those that compute for it on others.
pub(super) fn current() -> Option<Arc<dyn Watch>> {
    NOW.with_borrow(|now| now.as_ref().map(|now| Arc::clone(&now.watch)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Stops once it has heard of so many products.
    struct Patience(u64, AtomicU64);

    impl Watch for Patience {
        fn stop(&self) -> bool {
            self.1.load(Ordering::Relaxed) >= self.0
        }

        fn progress(&self, _stage: &'static str, done: u64, _total: u64) {
            self.1.store(done, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_pass_stops_at_the_layer_it_has_come_to_and_the_next_one_is_free() {
        let patience = |products| -> Arc<dyn Watch> { Arc::new(Patience(products, AtomicU64::new(0))) };
        let pass = |layers: &Cell<u64>| {
            for _ in 0..10 {
                layers.set(layers.get() + 1);
                passed(5);
            }
            "whole"
        };
        let layers = Cell::new(0);
        assert_eq!(watched(&patience(15), ("test", 0, 50), || pass(&layers)), Err(Stopped));
        assert_eq!(layers.get(), 3);
        assert_eq!(watched(&patience(51), ("test", 0, 50), || pass(&layers)), Ok("whole"));
        pass(&layers);
        assert_eq!(layers.get(), 23);
    }

    #[test]
    #[should_panic(expected = "another reason")]
    fn other_panics_pass_through() {
        let unwatched: Arc<dyn Watch> = Arc::new(Unwatched);
        let _ = watched(&unwatched, ("test", 0, 1), || panic!("another reason"));
    }
}
