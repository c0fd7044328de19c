//! The four arrangements of the window, which a person knows as workspaces. They only decide which parts are open: image, slice, zoom and tool stay
//! as they are, and so do the keys.

/// What a person is about to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// The open images as a list.
    DataSet,
    #[default]
    Label,
    /// Slice by slice through what a model predicts.
    Review,
    Learn,
}

impl Arrangement {
    pub const ALL: [Arrangement; 4] =
        [Arrangement::DataSet, Arrangement::Label, Arrangement::Review, Arrangement::Learn];

    pub fn title(self) -> &'static str {
        match self {
            Arrangement::DataSet => "Data set",
            Arrangement::Label => "Label",
            Arrangement::Review => "Review",
            Arrangement::Learn => "Learn",
        }
    }

    /// Where there is little room.
    pub fn short_title(self) -> &'static str {
        if self == Arrangement::DataSet { "Data" } else { self.title() }
    }

    /// What it is for, in one sentence.
    pub fn about(self) -> &'static str {
        match self {
            Arrangement::DataSet => "The open images as a list",
            Arrangement::Label => "Paint, correct and take over what a model predicts",
            Arrangement::Review => "Go through the slices: accept, verify, next",
            Arrangement::Learn => "Train a network on the verified slices",
        }
    }

    /// Its panels, by the names of their files, in the order of the tabs.
    pub fn panels(self) -> &'static [&'static str] {
        match self {
            Arrangement::DataSet => &["info"],
            Arrangement::Label => &["labels", "prediction", "measure", "info"],
            Arrangement::Review => &["queue", "labels", "measure", "info"],
            Arrangement::Learn => &["learn"],
        }
    }

    /// How wide its panel is before somebody changes that: at least, at first, at most. In points, in a window of this width.
    pub fn panel_width(self, window: f32) -> [f32; 3] {
        match self {
            Arrangement::Learn if window < 1200.0 => [380.0, 420.0, 480.0],
            Arrangement::Learn => [420.0, 560.0, 680.0],
            _ if window < 1000.0 => [280.0, 280.0, 360.0],
            _ => [280.0, 320.0, 480.0],
        }
    }
}
