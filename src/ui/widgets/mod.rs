//! Small widgets that several panels use.

mod button;
pub mod card;
mod icon;
mod inline;
mod menu;
mod number;
mod progress;
mod section;
mod segmented;

pub use button::{IconButton, drop_down, key_cap, primary, primary_key, primary_with, quiet};
pub use icon::Icon;
pub use inline::InlineEdit;
pub use menu::menu;
pub use number::NumberField;
pub use progress::{progress, progress_bar};
pub use section::{
    cut_at_the_end, cut_in_the_middle, empty, field, legend, row_ground, section, slider_row, title_row,
};
pub use segmented::{Segmented, divider, wide};
