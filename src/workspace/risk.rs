use super::{Document, DocumentId, SaveState, Workspace};

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
    },
    /// No project file is kept for this image, and its mask has not been exported as it is now.
    NotKept { document: DocumentId },
    /// Changes are on their way to the disk, as a rule for a few milliseconds.
    OnTheirWay { document: DocumentId, changes: usize },
    /// A stroke that is being drawn, or a large change that is being made.
    Unfinished { document: DocumentId },
    /// A training run; where it is kept, it can be resumed from its last checkpoint.
    Training { kept: bool },
}

impl Workspace {
    /// What would be lost if the program ended now; empty where it may end.
    pub fn risks(&self) -> Vec<Risk> {
        let accepting = |d: &Document| self.accepting.as_ref().is_some_and(|a| a.document == d.id);
        let mut risks = Vec::new();
        for d in &self.documents {
            let document = d.id;
            let exported = d.exported == Some(d.revision);
            let changes = (d.last_seq - d.durable_seq).max(0) as usize;
            if d.tool.is_some() || accepting(d) || self.is_making(document) {
                risks.push(Risk::Unfinished { document });
            }
            match d.save_state() {
                SaveState::Failing(reason) => {
                    risks.push(Risk::NotWritten { document, changes, reason, exported });
                }
                SaveState::Saving(changes) => risks.push(Risk::OnTheirWay { document, changes }),
                SaveState::NotKept if d.last_seq > 0 && !exported => risks.push(Risk::NotKept { document }),
                SaveState::NotKept | SaveState::Saved => {}
            }
        }
        if let Some(training) = self.training.as_ref().filter(|t| t.is_under_way()) {
            let kept = self.documents.iter().any(|d| training.uses(d.id) && d.project.is_some());
            risks.push(Risk::Training { kept });
        }
        risks
    }
}
