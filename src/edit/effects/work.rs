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
    let watch: Arc<dyn Watch> = watch::current();
    let done = AtomicUsize::new(0);
    let results = (0..count).into_par_iter().map(|at| {
        if watch.stop() {
            return Err(Stopped);
        }
        // What a part does may ask too.
        let result = watch::under(&watch, || part(at));
        watch.progress(stage, done.fetch_add(1, Ordering::Relaxed) as u64 + 1, count as u64);
        Ok(result)
    });
    results.collect()
}
