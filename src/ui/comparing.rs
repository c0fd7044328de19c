//! What is compared with what: two models on one image, or two images.

use super::outbox::Outbox;
use super::view_state::{CompareWith, Layout, Side, ViewState};
use crate::engine::Version;
use crate::workspace::{Command, Compared, Comparison, Document, LibraryModel, ModelCommand, Workspace};
use glam::DVec3;

/// What kind of thing is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Models,
    Images,
    BeforeNow,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Models, Kind::Images, Kind::BeforeNow];

    pub fn title(self) -> &'static str {
        match self {
            Kind::Models => "Two models",
            Kind::Images => "Two images",
            Kind::BeforeNow => "Before and now",
        }
    }

    pub fn of(with: &CompareWith) -> Self {
        match with {
            CompareWith::Model(_) => Kind::Models,
            CompareWith::Image(_) => Kind::Images,
            CompareWith::Earlier => Kind::BeforeNow,
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Kind::Models => "The model in use, and another one",
            Kind::Images => "This image, and another one that is open",
            Kind::BeforeNow => "The model in use, and the version that it was trained from",
        }
    }

    /// What is put beside an image first; why nothing can be.
    pub fn first(self, workspace: &Workspace, document: &Document) -> Result<CompareWith, &'static str> {
        match self {
            Kind::Models => {
                let other = models(workspace, document).next();
                let other = other.map(|model| CompareWith::Model(model.version().into()));
                other.ok_or("No other model fits this image: import one, or train one in Learn")
            }
            Kind::Images => {
                let other = images(workspace, document).next().map(|other| CompareWith::Image(other.id()));
                other.ok_or("No other image is open")
            }
            Kind::BeforeNow => earlier(workspace, document)
                .map(|_| CompareWith::Earlier)
                .ok_or("The model in use was not trained from another one that is here"),
        }
    }
}

impl ViewState {
    /// What is shown beside an image. `None` where nothing is, or where it is gone: the image closed, the model no longer there.
    pub fn compared(&self, workspace: &Workspace, document: &Document) -> Option<Compared> {
        let image = self.image_of(document.id()).filter(|image| image.layout == Layout::Two)?;
        let by = |version: Version| Compared {
            document: document.id(),
            version: Some(version),
            z: Some(document.cursor()[2]),
        };
        match image.compared.as_ref()? {
            CompareWith::Model(version) => workspace.model(version).map(|_| by(version.clone())),
            CompareWith::Earlier => earlier(workspace, document).map(by),
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
    pub fn go_on_with_chosen(&mut self, workspace: &Workspace, document: &Document, out: &mut Outbox) {
        let chosen = self.comparing.chosen;
        let earlier = earlier(workspace, document);
        self.leave_comparison(document);
        match self.image(document).compared.clone() {
            Some(CompareWith::Model(version)) if chosen == Side::B => {
                let version = Some(version.to_string());
                out.command(Command::Model(ModelCommand::Use { version }));
            }
            Some(CompareWith::Earlier) if chosen == Side::B => {
                let version = earlier.map(|version| version.to_string());
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

/// The version that the model in use was trained from, where it is there and has learned something.
pub fn earlier(workspace: &Workspace, document: &Document) -> Option<Version> {
    let parent = workspace.model(document.model()?)?.card.parent.as_deref()?;
    let model = workspace.model(parent).filter(|model| !model.is_untrained())?;
    Some(model.version().into())
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

#[cfg(test)]
mod tests {
    use crate::gpu::Difference;
    use crate::label::LabelTable;
    use crate::ui::theme::side;

    /// Seen apart by more than the colours of two labels are: no sum of the differences of their parts is smaller.
    #[test]
    fn what_says_which_of_two_it_is_has_the_colour_of_no_label() {
        let apart = |a: [u8; 3], b: [u8; 3]| (0..3).map(|i| u32::from(a[i].abs_diff(b[i]))).sum::<u32>();
        for id in 1..=128 {
            let label = LabelTable::palette_color(id);
            for color in [Difference::ADDED, Difference::REMOVED, Difference::CHANGED] {
                assert!(apart(color, label) >= 60, "{color:?} is nearly label {id}, {label:?}");
            }
        }
        assert_eq!(
            [side::A, side::B].map(|c| [c.r(), c.g(), c.b()]),
            [Difference::ADDED, Difference::REMOVED]
        );
    }
}
