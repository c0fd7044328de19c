//! The bars around the views.

mod case;
mod ends;
mod jobs;
mod layers;
mod options;
mod status;
mod strip;
mod top;

pub use case::Case;
pub use jobs::look_again;
pub use options::show as options;
pub use status::show as status;
pub use strip::Strip;
pub use top::show as top;

/// In a window that is narrower than this the strip of tools is one button in the row of options. In points.
pub const STRIP_AWAY: f32 = 760.0;
