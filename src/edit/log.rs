use super::Patch;
use std::collections::VecDeque;

/// Undo and redo, bounded by bytes: the oldest edits leave memory first (the project file still has them).
#[derive(Debug, Default)]
pub struct EditLog {
    done: VecDeque<Patch>,
    undone: Vec<Patch>,
    max_bytes: usize,
}
