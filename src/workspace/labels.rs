use super::document::first_of;
use super::parts::Parts;
use super::{CommandError, LabelCommand};
use crate::edit::Change;
use crate::label::{Label, LabelId, LabelTable};

impl Parts {
    pub fn change_labels(&mut self, command: LabelCommand) -> Result<(), CommandError> {
        let document = self.documents.active_mut()?;
        let now = document.settled()?;
        let id = document.id();
        let before = now.labels.clone();
        let mut after = before.clone();
        let mut select = None;
        match command {
            LabelCommand::Select(label) => {
                if label != 0 && before.get(label).is_none() {
                    return Err(CommandError::NoSuchLabel(label));
                }
                document.select(label);
                return Ok(());
            }
            LabelCommand::Add { name } => select = Some(after.add(&checked_name(&before, None, name)?)),
            LabelCommand::Rename { id, name } => {
                let name = checked_name(&before, Some(id), name)?;
                label_mut(&mut after, id)?.name = name;
            }
            LabelCommand::Recolor { id, color } => label_mut(&mut after, id)?.color = color,
            LabelCommand::Lock { id, on } => label_mut(&mut after, id)?.locked = on,
            LabelCommand::Show { id, on } => label_mut(&mut after, id)?.visible = on,
            LabelCommand::Remove { id } => {
                let voxels = now.mask.counts().get(&id).copied().unwrap_or(0);
                let removed = after.remove(id).ok_or(CommandError::NoSuchLabel(id))?;
                if voxels > 0 {
                    return Err(CommandError::LabelInUse { name: removed.name, voxels });
                }
                if document.selected_label() == id {
                    select = Some(first_of(&after));
                }
            }
        }
        if before != after {
            self.change(id, vec![Change::Labels { before, after }])?;
        }
        if let Some(label) = select {
            self.documents.active_mut()?.select(label);
        }
        Ok(())
    }
}

fn label_mut(table: &mut LabelTable, id: LabelId) -> Result<&mut Label, CommandError> {
    table.get_mut(id).ok_or(CommandError::NoSuchLabel(id))
}

fn checked_name(table: &LabelTable, own: Option<LabelId>, name: String) -> Result<String, CommandError> {
    let name = name.trim();
    let mut others = table.clone();
    own.and_then(|id| others.remove(id));
    if name.is_empty() || others.is_taken(name) {
        Err(CommandError::BadLabelName(name.to_owned()))
    } else {
        Ok(name.to_owned())
    }
}
