//! What becomes of annotations that were made on another image than the one that lies beside them now.

use super::DocumentId;
use super::document::{Document, Opening};
use super::model_library::ModelLibrary;
use super::parts::Parts;
use super::store::{Project, Whose, Write};
use super::training::Interrupted;
use super::{CommandError, OtherImageAnswer};
use crate::edit::{Change, MaskRules, Origin, Patch, Region};
use crate::engine::JobId;
use crate::io;
use crate::label::{LabelMap, LabelTable};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A project file that was made on another image than the one that lies beside it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherImage {
    pub project: PathBuf,
    /// How many changes it holds, where it can be read beside this image.
    pub changes: i64,
    pub differs: Differs,
    /// The annotations fit by their size, and may be shown on this image.
    pub can_keep: bool,
}

/// How the image differs from the one that annotations were made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Differs {
    /// It was one of so many columns, rows and slices.
    Size([i64; 3]),
    Content,
    /// It is the same file. An older program showed it as it is stored, and it is shown upright now, as its EXIF note says:
    /// who keeps the annotations has them turned with it.
    Turned,
}

impl Opening {
    /// What has to be decided before the image can be shown, with [`Command::OtherImage`](super::Command::OtherImage).
    pub fn question(&self) -> Option<OtherImage> {
        let found = self.found.as_ref()?;
        let restored = found.restored.as_ref();
        let differs = match found.whose {
            Whose::OtherSize(size) => Differs::Size(size),
            Whose::OtherTurn(_) => Differs::Turned,
            _ => Differs::Content,
        };
        let fits = matches!(found.whose, Whose::OtherContent | Whose::OtherTurn(None));
        Some(OtherImage {
            project: found.path.clone()?,
            changes: restored.map_or(0, |r| r.last_seq),
            differs,
            can_keep: restored.is_some() && fits,
        })
    }

    /// The mask of a project that was made on the pictures as they are stored, turned upright as they are now.
    fn turned_mask(&self) -> Option<LabelMap> {
        let turned = self.arrived.as_ref()?.image().facts().turned.as_deref()?;
        io::turned_mask(&self.found.as_ref()?.restored.as_ref()?.annotations.mask, turned)
    }
}

impl Parts {
    /// The person has said what becomes of a project file that was made on another image.
    pub fn decide_on_other_image(
        &mut self,
        library: &mut ModelLibrary,
        job: JobId,
        answer: OtherImageAnswer,
    ) -> Result<Option<Interrupted>, CommandError> {
        let opening = self.documents.opening_mut(job).filter(|o| o.found.is_some());
        let opening = opening.ok_or(CommandError::NothingAsked)?;
        let id = opening.arrived.as_ref().ok_or(CommandError::NothingAsked)?.id();
        match answer {
            OtherImageAnswer::Keep => {
                if opening.question().is_none_or(|question| !question.can_keep) {
                    return Err(CommandError::OtherSize);
                }
                let turned = match opening.question().map(|question| question.differs) {
                    Some(Differs::Turned) => Some(opening.turned_mask().ok_or(CommandError::OtherSize)?),
                    _ => None,
                };
                let Some(project) = opening.found.take() else { return Err(CommandError::NothingAsked) };
                let interrupted =
                    self.on_project(library, id, Ok(Project { whose: Whose::Same, ..*project }));
                match turned {
                    Some(mask) => self.turn(id, &mask)?,
                    None => self.write(id, Write::TakeOver(None)),
                }
                Ok(interrupted)
            }
            OtherImageAnswer::SetAside => {
                self.documents.store().set_aside(id)?;
                if let Some(opening) = self.documents.opening_mut(job) {
                    opening.found = None;
                }
                Ok(None)
            }
        }
    }

    /// The same annotations, turned with the picture, as one change that can be undone. Whoever has verified a slice has
    /// verified what is on it, and no lock holds what is only turned.
    fn turn(&mut self, id: DocumentId, mask: &LabelMap) -> Result<(), CommandError> {
        let document = self.documents.find_mut(id)?;
        let (labels, verified) = (LabelTable::default(), BTreeSet::new());
        let rules = MaskRules::new(&labels, &verified);
        let origin = Origin::Person { tool: "turn upright".to_owned() };
        let whole = whole_of(document);
        let volume = document.volume();
        let patch = Patch::replace(document.mask(), volume, &whole, &mask.to_values(), &rules, origin)?;
        match document.edit()?.change_keeping_marks(Change::Mask(patch))? {
            // With it the project is that of the upright picture: a turn that is written is never made twice.
            Some(entry) => self.journal_as(id, entry, |entry| Write::TakeOver(Some(entry))),
            None => self.write(id, Write::TakeOver(None)),
        }
        Ok(())
    }

    /// An image is not opened, because of whose project file lies beside it.
    pub fn leave_other_image(&mut self, job: JobId) {
        if self.documents.opening_mut(job).is_none_or(|o| o.found.is_none()) {
            return;
        }
        if let Some(document) = self.documents.remove_opening(job).and_then(|opening| opening.arrived) {
            // Where the thread is gone, so is its hold on the file.
            let _ = self.documents.store().close(document.id(), None);
        }
    }
}

fn whole_of(document: &Document) -> Region {
    let [width, height, depth] = document.volume().dims();
    let rows = (0..height * depth).map(|row| (row * width, width as u32));
    Region::from_runs(document.volume().grid(), rows.collect())
}
