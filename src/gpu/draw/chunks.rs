//! How the probabilities of a slice are bound: in one piece, or by groups of classes where a binding may not be so large.

/// Bindings that `shaders/slice.wgsl` has for probabilities.
pub(super) const MAX_CHUNKS: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    pub classes_per_chunk: usize,
    pub bindings: Vec<Chunk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Of the binding in the buffer, bytes, a multiple of the device's alignment.
    pub offset: u64,
    /// Bytes.
    pub size: u64,
    /// Elements of the binding before the chunk's first.
    pub base: i32,
}

impl Chunks {
    /// `offset`: of the first class in the buffer, bytes. `None` where the bindings do not suffice.
    pub fn plan(classes: usize, plane_bytes: u64, offset: u64, limit: u64, alignment: u64) -> Option<Self> {
        let alignment = alignment.max(4);
        // A chunk may start up to one alignment behind its binding.
        let fitting = limit.checked_sub(alignment - 4)? / plane_bytes.max(1);
        let classes_per_chunk = (fitting as usize).min(classes);
        if classes_per_chunk == 0
            || classes.div_ceil(classes_per_chunk) > MAX_CHUNKS
            || !offset.is_multiple_of(4)
        {
            return None;
        }
        let bindings = (0..classes).step_by(classes_per_chunk).map(|first| {
            let start = offset + first as u64 * plane_bytes;
            let end = offset + (first + classes_per_chunk).min(classes) as u64 * plane_bytes;
            let aligned = start / alignment * alignment;
            Chunk { offset: aligned, size: end - aligned, base: ((start - aligned) / 4) as i32 }
        });
        Some(Self { classes_per_chunk, bindings: bindings.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_binding_where_it_fits() {
        let chunks = Chunks::plan(3, 1000, 512, 1 << 20, 256).unwrap();
        assert_eq!(chunks.bindings, [Chunk { offset: 512, size: 3000, base: 0 }]);
        let chunks = Chunks::plan(3, 1000, 516, 1 << 20, 256).unwrap();
        assert_eq!(chunks.bindings, [Chunk { offset: 512, size: 3004, base: 1 }]);
    }

    #[test]
    fn chunks_hold_every_class_within_the_limit() {
        for (classes, limit) in [(5, 2600), (8, 2600), (7, 4000), (4, 1252)] {
            let chunks = Chunks::plan(classes, 1000, 260, limit, 256).unwrap();
            for class in 0..classes {
                let chunk = chunks.bindings[class / chunks.classes_per_chunk];
                let within = (class % chunks.classes_per_chunk) as u64 * 1000;
                let start = chunk.offset + chunk.base as u64 * 4 + within;
                assert_eq!(start, 260 + class as u64 * 1000);
                assert!(start + 1000 <= chunk.offset + chunk.size);
            }
            assert!(chunks.bindings.iter().all(|c| c.size <= limit && c.offset % 256 == 0));
        }
    }

    #[test]
    fn too_large_is_refused() {
        assert_eq!(Chunks::plan(5, 1000, 0, 1300, 256), None, "five bindings");
        assert_eq!(Chunks::plan(1, 1000, 0, 900, 256), None, "a plane over the limit");
        assert_eq!(Chunks::plan(1, 1000, 0, 100, 256), None, "a limit below the alignment");
    }
}
