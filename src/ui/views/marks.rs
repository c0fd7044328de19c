use crate::workspace::{Document, DocumentId};

/// Which native slices carry labels, kept up to date a little at a time: a frame has no time to look at a whole volume.
#[derive(Default)]
pub struct SliceMarks {
    document: Option<DocumentId>,
    revision: u64,
    /// For each native slice, whether any voxel is labelled.
    labelled: Vec<bool>,
    /// Slices from here on have not been looked at since the mask last changed.
    next: usize,
}

/// Voxels looked at in a frame, about a tenth of a millisecond.
const BUDGET: usize = 400_000;

impl SliceMarks {
    pub fn refresh(&mut self, document: &Document) {
        let mask = document.mask();
        let depth = document.depth();
        if self.document != Some(document.id()) || self.labelled.len() != depth {
            *self =
                Self { document: Some(document.id()), labelled: vec![false; depth], revision: 0, next: 0 };
        }
        if self.revision != mask.revision() {
            self.revision = mask.revision();
            self.next = 0;
            // What is looked at shows at once; the others follow.
            let here = document.cursor()[2];
            if let Some(mark) = self.labelled.get_mut(here) {
                *mark = !mask.is_slice_empty(here);
            }
        }
        let [w, h, _] = mask.dims();
        let mut left = BUDGET;
        while self.next < depth && left > 0 {
            self.labelled[self.next] = !mask.is_slice_empty(self.next);
            self.next += 1;
            left = left.saturating_sub(w * h);
        }
    }

    /// Whether there is more to look at in the next frame.
    pub fn is_behind(&self) -> bool {
        self.next < self.labelled.len()
    }

    pub fn is_labelled(&self, z: usize) -> bool {
        self.labelled.get(z).copied().unwrap_or(false)
    }
}
