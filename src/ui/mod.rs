//! The window. It reads the workspace and changes it only by commands.

mod app;
mod arrangement;
mod bars;
mod closing;
mod comparing;
mod context;
mod counted;
mod dialogs;
mod dispatch;
mod figures;
mod find;
mod fonts;
mod help;
mod keyboard;
mod keys;
mod learned;
mod library;
mod messages;
mod notices;
mod open_images;
mod other_image;
mod outbox;
mod panels;
mod parts;
mod reading;
mod readings;
mod remembered;
mod run;
mod scale;
mod seen;
mod seen_pictures;
mod shell;
mod side;
mod stack;
mod stopping;
mod suggestions;
mod tap;
mod theme;
mod tooltips;
mod view_state;
mod views;
mod welcome;
mod widgets;

pub use app::{App, Start};
pub use run::{UiError, UiOptions, run};

/// Prepares egui for the window: its looks, and the order in which it hears keys and clicks.
pub fn install(ctx: &egui::Context) {
    theme::install(ctx);
    keyboard::install(ctx);
    tooltips::install(ctx);
}
