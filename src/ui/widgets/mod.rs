//! Small widgets that several panels use.

mod button;
mod icon;
mod progress;
mod section;

pub use button::{IconButton, primary, quiet};
pub use icon::Icon;
pub use progress::progress_bar;
pub use section::{empty, field, legend, section, slider_row, title_row};
