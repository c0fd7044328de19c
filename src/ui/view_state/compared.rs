//! What is put beside an image to be compared with it, and how the two are shown.

use super::PlaneViewState;
use crate::engine::Version;
use crate::ui::theme::side;
use crate::workspace::DocumentId;
use egui::Color32;

/// What is put beside an image and the model in use there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompareWith {
    /// Another model on the same image.
    Model(Version),
    /// Another image, with the model in use there.
    Image(DocumentId),
    /// The version that the model in use was trained from.
    Earlier,
}

/// The two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The active image and the model in use.
    A,
    /// What is put beside it.
    B,
}

impl Side {
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    pub fn letter(self) -> &'static str {
        match self {
            Side::A => "A",
            Side::B => "B",
        }
    }

    pub fn color(self) -> Color32 {
        match self {
            Side::A => side::A,
            Side::B => side::B,
        }
    }
}

/// How two are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum How {
    #[default]
    Beside,
    /// B over A, as far as a line that can be drawn aside.
    Swipe,
    /// One after the other.
    Blink,
    /// What only one of the two predicts.
    Difference,
}

impl How {
    pub const ALL: [How; 4] = [How::Beside, How::Swipe, How::Blink, How::Difference];

    pub fn title(self) -> &'static str {
        match self {
            How::Beside => "Beside",
            How::Swipe => "Swipe",
            How::Blink => "Blink",
            How::Difference => "Difference",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            How::Beside => "A at the left, B at the right",
            How::Swipe => "B over A: draw the line aside",
            How::Blink => "A and B one after the other",
            How::Difference => "What only one of the two predicts",
        }
    }
}

/// How comparisons are shown, in all images.
#[derive(Clone, Debug)]
pub struct Comparing {
    pub how: How,
    /// Zoom and place of B follow those of A.
    pub linked: bool,
    /// Those of B where they do not.
    pub own: PlaneViewState,
    /// Where the line of [`How::Swipe`] is: a share of the view's width.
    pub line: f32,
    /// In [`How::Blink`] without motion: B is shown.
    pub turned: bool,
    /// What one goes on with.
    pub chosen: Side,
}

impl Default for Comparing {
    fn default() -> Self {
        Self {
            how: How::default(),
            linked: true,
            own: PlaneViewState::default(),
            line: 0.5,
            turned: false,
            chosen: Side::A,
        }
    }
}
