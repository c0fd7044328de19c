//! Long work in parts, on several threads, under the watch of the thread that began it.

use crate::watch::{self, Stopped, Watch};
use rayon::prelude::*;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Does each of `count` parts, and returns what they give in order. Asks before each part whether to go on: no part should take
/// longer than a tenth of a second.
pub(super) fn each<T: Send>(
    stage: &'static str,
    count: usize,
    part: impl Fn(usize) -> T + Sync,
) -> Result<Vec<T>, Stopped> {
    let parts = Parts::new(stage, count);
    (0..count).into_par_iter().map(|at| parts.one(|| part(at))).collect()
}

/// Fills parts of `len` elements in place, as [`each`] does its parts; the last one may be shorter.
pub(super) fn fill<T: Send>(
    stage: &'static str,
    out: &mut [T],
    len: usize,
    part: impl Fn(usize, &mut [T]) + Sync,
) -> Result<(), Stopped> {
    let len = len.max(1);
    let parts = Parts::new(stage, out.len().div_ceil(len));
    out.par_chunks_mut(len).enumerate().try_for_each(|(at, out)| parts.one(|| part(at, out)))
}

struct Parts {
    watch: Arc<dyn Watch>,
    stage: &'static str,
    done: AtomicUsize,
    count: usize,
}

impl Parts {
    fn new(stage: &'static str, count: usize) -> Self {
        Self { watch: watch::current(), stage, done: AtomicUsize::new(0), count }
    }

    fn one<T>(&self, part: impl FnOnce() -> T) -> Result<T, Stopped> {
        if self.watch.stop() {
            return Err(Stopped);
        }
        // What a part does may ask too.
        let result = watch::under(&self.watch, part);
        let done = self.done.fetch_add(1, Ordering::Relaxed) as u64 + 1;
        self.watch.progress(self.stage, done, self.count as u64);
        Ok(result)
    }
}
