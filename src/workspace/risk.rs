use super::{Document, DocumentId, SaveState};
use crate::words::counted;
use std::fmt;

/// Something that would be lost, or is waited for, if the program ended now.
#[derive(Clone, Debug, PartialEq)]
pub enum Risk {
    /// The project file cannot be written: changes are in memory only.
    NotWritten {
        document: DocumentId,
        changes: usize,
        reason: String,
        /// The mask as it is now has been written to another file.
        exported: bool,
        /// The project could be kept in the program's own folder instead.
        can_move: bool,
    },
    /// No project file is kept for this image, and its mask has not been exported as it is now.
    NotKept { document: DocumentId },
    /// Changes are on their way to the disk, as a rule for a few milliseconds.
    OnTheirWay { document: DocumentId, changes: usize },
    /// A stroke that is being drawn, or a large change that is being made.
    Unfinished { document: DocumentId },
    /// A training run; where it is kept, it can be resumed from its last checkpoint.
    Training { kept: bool },
    /// What a run has learned, where no project file keeps it.
    Learned,
}

impl Risk {
    /// The image that it is about; none for a training run.
    pub fn document(&self) -> Option<DocumentId> {
        match self {
            Risk::NotWritten { document, .. }
            | Risk::NotKept { document }
            | Risk::OnTheirWay { document, .. }
            | Risk::Unfinished { document } => Some(*document),
            Risk::Training { .. } | Risk::Learned => None,
        }
    }
}

/// In words, without the image's name.
impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Risk::NotWritten { changes: 0, reason, .. } => {
                write!(f, "its project file is not there. {reason}")
            }
            Risk::NotWritten { exported: true, reason, .. } => {
                write!(f, "the mask is exported, but its history and verified slices would be lost. {reason}")
            }
            Risk::NotWritten { changes: n, reason, .. } => {
                write!(f, "{} would be lost. {reason}", counted(*n, "change"))
            }
            Risk::NotKept { .. } => {
                f.write_str("no project file is kept for this image, and its mask has not been exported")
            }
            Risk::OnTheirWay { changes: n, .. } => {
                write!(f, "{} on the way to the disk", counted(*n, "change"))
            }
            Risk::Unfinished { .. } => f.write_str("a change is still being made"),
            Risk::Training { kept: true } => f.write_str(
                "a training run is under way. It would stop, and can be resumed from its last checkpoint",
            ),
            Risk::Learned => f.write_str(
                "no project file is kept for the images of the last training run: what it has learned would be lost",
            ),
            Risk::Training { kept: false } => {
                f.write_str("a training run is under way, and no project file keeps it: it would be lost")
            }
        }
    }
}

impl Document {
    /// What of it would be lost if it were closed now; empty where it may be closed. `changing`: a large change of it is on its
    /// way.
    pub(super) fn risks(&self, changing: bool) -> Vec<Risk> {
        let document = self.id();
        let exported = self.saving().is_exported(self.revision());
        let changes = (self.newest() - self.saving().durable()).max(0) as usize;
        let mut risks = Vec::new();
        if self.stroke().is_some() || changing {
            risks.push(Risk::Unfinished { document });
        }
        let can_move = self.saving().can_move();
        match self.save_state() {
            SaveState::Failing(reason) => {
                risks.push(Risk::NotWritten { document, changes, reason, exported, can_move });
            }
            SaveState::Saving(changes) => risks.push(Risk::OnTheirWay { document, changes }),
            SaveState::NotKept if self.newest() > 0 && !exported => risks.push(Risk::NotKept { document }),
            SaveState::NotKept | SaveState::Saved => {}
        }
        risks
    }
}
