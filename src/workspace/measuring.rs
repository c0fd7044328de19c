//! Changes of the measurements of a document.

use super::parts::Parts;
use super::{CommandError, MeasureCommand};
use crate::edit::Change;

impl Parts {
    pub fn change_measurements(&mut self, command: MeasureCommand) -> Result<(), CommandError> {
        let document = self.documents.active_mut()?;
        let (id, before) = (document.id(), document.settled()?.measurements.clone());
        let mut after = before.clone();
        match command {
            MeasureCommand::Add { kind, normal, points } => _ = after.add(kind, normal, points)?,
            MeasureCommand::Place { id, points } => after.place(id, points)?,
            MeasureCommand::Rename { id, name } => after.rename(id, &name)?,
            MeasureCommand::Remove { id } => after.remove(id)?,
        }
        match before == after {
            true => Ok(()),
            false => self.change(id, vec![Change::Measurements { before, after }]),
        }
    }
}
