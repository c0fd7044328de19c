//! The bars around the views.

mod images;
mod options;
mod status;
mod strip;
mod top;

pub use images::Images;
pub use options::show as options;
pub use status::show as status;
pub use strip::show as strip;
pub use top::show as top;
