use std::collections::VecDeque;

/// One step of the history: its number in the journal, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryStep {
    pub seq: i64,
    pub title: String,
}

/// The order of everything that was done and undone, also of what has left memory and is only in the project file.
///
/// The edits themselves are in the document's edit log as far back as its memory reaches; those before are read back
/// from the project file when undo comes to them.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// Oldest first.
    done: VecDeque<HistoryStep>,
    /// The next to redo is last.
    undone: Vec<HistoryStep>,
    /// Why nothing before the oldest step can be undone, where that is not the beginning.
    floor: Option<String>,
}

impl Timeline {
    /// A new step; what was undone before it can no longer be redone (the journal still has it).
    pub fn push(&mut self, step: HistoryStep) {
        self.undone.clear();
        self.done.push_back(step);
    }

    pub fn next_undo(&self) -> Option<&HistoryStep> {
        self.done.back()
    }

    pub fn next_redo(&self) -> Option<&HistoryStep> {
        self.undone.last()
    }

    /// The last step has been taken back.
    pub fn undo(&mut self) {
        self.undone.extend(self.done.pop_back());
    }

    /// The step that was undone last has been done again.
    pub fn redo(&mut self) {
        self.done.extend(self.undone.pop());
    }

    /// Nothing so far can be undone or redone any more.
    pub fn cut(&mut self, why: String) {
        self.done.clear();
        self.undone.clear();
        self.floor = Some(why);
    }

    /// Keeps the newest `len` steps: the older ones are nowhere any more.
    pub fn forget_before(&mut self, len: usize, why: &str) {
        if self.done.len() > len {
            self.done.drain(..self.done.len() - len);
            self.floor = Some(why.to_owned());
        }
    }

    pub fn floor(&self) -> Option<&str> {
        self.floor.as_deref()
    }

    /// The steps that can be undone, oldest first.
    pub fn done(&self) -> impl DoubleEndedIterator<Item = &HistoryStep> + ExactSizeIterator {
        self.done.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(seq: i64) -> HistoryStep {
        HistoryStep { seq, title: format!("step {seq}") }
    }

    #[test]
    fn a_new_step_ends_what_could_be_redone() {
        let mut timeline = Timeline::default();
        (1..=3).for_each(|seq| timeline.push(step(seq)));
        timeline.undo();
        timeline.undo();
        timeline.redo();
        assert_eq!(timeline.next_undo(), Some(&step(2)));
        assert_eq!(timeline.next_redo(), Some(&step(3)));
        timeline.push(step(6));
        assert_eq!(timeline.next_redo(), None);
        assert_eq!(timeline.done().map(|s| s.seq).collect::<Vec<_>>(), [1, 2, 6]);
    }

    #[test]
    fn a_floor_is_said_once_steps_are_gone() {
        let mut timeline = Timeline::default();
        (1..=3).for_each(|seq| timeline.push(step(seq)));
        timeline.forget_before(3, "memory");
        assert_eq!(timeline.floor(), None);
        timeline.forget_before(1, "memory");
        assert_eq!((timeline.done().len(), timeline.floor()), (1, Some("memory")));
    }
}
