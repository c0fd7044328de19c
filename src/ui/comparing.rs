//! What is compared with what: two models on one image, or two images.

use super::outbox::Outbox;
use super::view_state::{CompareWith, Layout, Side, ViewState};
use crate::workspace::{Command, Compared, Comparison, Document, LibraryModel, ModelCommand, Workspace};
use glam::DVec3;

impl ViewState {
    /// What is shown beside an image. `None` where nothing is, or where it is gone: the image closed, the model no longer there.
    pub fn compared(&self, workspace: &Workspace, document: &Document) -> Option<Compared> {
        let image = self.image_of(document.id()).filter(|image| image.layout == Layout::Two)?;
        match image.compared.as_ref()? {
            CompareWith::Model(version) => {
                let version = workspace.model(version).map(|_| version.clone());
                version.map(|version| Compared {
                    document: document.id(),
                    version: Some(version),
                    z: Some(document.cursor()[2]),
                })
            }
            CompareWith::Image(id) => {
                let other = workspace.document(*id)?;
                let grid = other.volume().grid();
                let there = grid.voxel_at(grid.voxel_in(document.volume().grid(), place(document.cursor())));
                let z = there.map(|voxel| voxel[2]);
                Some(Compared { document: *id, version: other.model().cloned(), z })
            }
        }
    }

    /// Whether two are compared, or something is about to be put beside the image.
    pub fn is_comparing(&self, document: &Document) -> bool {
        self.image_of(document.id()).is_some_and(|image| image.layout == Layout::Two)
    }

    /// The keys of the queue: on is where the two differ most, back is the other of the two.
    pub fn compare_key(&mut self, by: i64, workspace: &Workspace, out: &mut Outbox) {
        if by < 0 {
            self.comparing.turned = !self.comparing.turned;
        } else if let Some(voxel) = workspace.comparison().and_then(Comparison::largest_difference) {
            out.command(Command::Cursor(voxel));
        }
    }

    /// Begins to compare, with what was put beside the image last.
    pub fn compare(&mut self, document: &Document) {
        let image = self.image(document);
        if image.layout != Layout::Two {
            image.arrange(Layout::Two);
        }
    }

    /// Goes back to the views from before a comparison; false where nothing is compared.
    pub fn leave_comparison(&mut self, document: &Document) -> bool {
        self.comparing.chosen = Side::A;
        self.image(document).leave_comparison()
    }

    /// Leaves the comparison, and goes on with what is chosen.
    pub fn go_on_with_chosen(&mut self, document: &Document, out: &mut Outbox) {
        let chosen = self.comparing.chosen;
        self.leave_comparison(document);
        match self.image(document).compared.clone() {
            Some(CompareWith::Model(version)) if chosen == Side::B => {
                let version = Some(version.to_string());
                out.command(Command::Model(ModelCommand::Use { version }));
            }
            Some(CompareWith::Image(id)) if chosen == Side::B => out.command(Command::Activate(id)),
            _ => {}
        }
    }
}

/// Voxel coordinates of a voxel's middle.
pub fn place(voxel: [usize; 3]) -> DVec3 {
    DVec3::from(voxel.map(|c| c as f64))
}

/// The models that can be put beside an image, but for the one in use.
pub fn models<'a>(
    workspace: &'a Workspace,
    document: &'a Document,
) -> impl Iterator<Item = &'a LibraryModel> + 'a {
    let in_use = document.model().map(|version| &**version);
    let trained = workspace.models().iter().filter(|model| !model.is_untrained());
    trained.filter(move |model| model.fits(document.volume()) && Some(model.version()) != in_use)
}

/// The other images that are open.
pub fn images<'a>(
    workspace: &'a Workspace,
    document: &'a Document,
) -> impl Iterator<Item = &'a Document> + 'a {
    workspace.documents().iter().filter(|other| other.id() != document.id())
}
