use super::ends::RightEnd;
use super::layers;
use crate::tools::{Scene, Toolbox};
use crate::ui::arrangement::Arrangement;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::outbox::Outbox;
use crate::ui::theme;
use crate::ui::view_state::{Layout as ViewLayout, Pane, Shows, ViewState, layouts as layouts_of};
use crate::ui::views::show_compare_row;
use crate::ui::widgets::{Icon, IconButton, Segmented, divider, drop_down, menu};
use crate::volume::presets;
use crate::workspace::{Document, Workspace};
use egui::{Align, Button, Layout, Popup, PopupCloseBehavior, RichText, Ui, UiBuilder};

/// The options of a tool need about this much room each, in points; those without it are behind a button.
const EACH: f32 = 150.0;

/// The current tool's options at the left; how the image is shown at the right.
pub fn show(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    arrangement: Arrangement,
    toolbox: &mut Toolbox,
    view_state: &mut ViewState,
    out: &mut Outbox,
) {
    let bar = ui.max_rect();
    let narrow = ui.ctx().content_rect().width() < super::STRIP_AWAY;
    let (compares, paints) = (view_state.is_comparing(document), toolbox.tool().paints);
    let right = RightEnd::of(ui, "view", bar);
    let rest = bar.with_max_x(right.left() - 8.0);
    let mut left = ui.new_child(
        UiBuilder::new().max_rect(rest).layout(Layout::left_to_right(Align::Center)).id_salt("tool"),
    );
    left.set_clip_rect(rest.intersect(ui.clip_rect()));
    match arrangement {
        _ if compares && !paints => {
            if !narrow {
                title(&mut left, "Compare");
            }
            show_compare_row(&mut left, workspace, document, view_state, out);
        }
        Arrangement::Review if !paints => {
            if !narrow {
                title(&mut left, "Review");
            }
            shows(&mut left, view_state, true);
        }
        _ => tool(&mut left, document, toolbox, view_state, narrow, out),
    }
    right.show(ui, |ui| {
        if arrangement == Arrangement::Review && paints && !compares {
            // The options of the tool have the place in which it is with the others.
            shows(ui, view_state, false);
        }
        windows(ui, document, view_state, narrow);
        layers::show(ui, document, view_state);
        divider(ui);
        match narrow {
            true => {
                let (icon, _) = icon_of(view_state.image(document).layout);
                let button = ui.add(IconButton::new(icon, "Layouts"));
                menu(&button, |ui| layouts(ui, document, view_state, true));
            }
            false => layouts(ui, document, view_state, false),
        }
    });
}

fn title(ui: &mut Ui, words: &str) {
    ui.label(RichText::new(words).font(theme::title()));
    ui.add_space(8.0);
}

/// What of prediction and mask is shown, in Review. `room`: there is room for all of it, side by side.
fn shows(ui: &mut Ui, view_state: &mut ViewState, room: bool) {
    let choices = Segmented::new(view_state.shows(), Shows::ALL.map(|shows| (shows, shows.title())));
    let (name, tip) = ("What is shown", |shows: Shows| shows.about().to_owned());
    let chosen = match room {
        true => choices.show_or_list(ui, name, tip),
        false => choices.list(ui, name, tip),
    };
    if let Some(shows) = chosen {
        view_state.show(shows);
    }
}

fn tool(
    ui: &mut Ui,
    document: &Document,
    toolbox: &mut Toolbox,
    view_state: &mut ViewState,
    narrow: bool,
    out: &mut Outbox,
) {
    let scene = Scene::of(document, 1.0);
    if view_state.windowing {
        return title(ui, "Window and level");
    }
    if narrow {
        super::Strip::menu(ui, toolbox, out);
    }
    title(ui, toolbox.tool().title);
    let options = toolbox.tool().options;
    let shown = ((ui.available_width() / EACH) as usize).min(options.len());
    let (first, behind) = options.split_at(shown);
    toolbox.options_row(ui, first, &scene);
    if !behind.is_empty() {
        let more = ui.add(IconButton::new(Icon::More, "More options of the tool"));
        Popup::menu(&more).close_behavior(PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
            for option in behind {
                ui.horizontal(|ui| toolbox.options_row(ui, &[*option], &scene));
            }
        });
    }
}

/// How a layout is drawn on its button, and whether one of this kind is shown.
fn icon_of(layout: ViewLayout) -> (Icon, fn(ViewLayout, ViewLayout) -> bool) {
    match layout {
        // Whichever plane it shows.
        ViewLayout::One(Pane::Plane(_)) => {
            (Icon::Single, |_, shown| matches!(shown, ViewLayout::One(Pane::Plane(_))))
        }
        ViewLayout::One(Pane::Surface) => (Icon::Cube, |own, shown| own == shown),
        ViewLayout::Four => (Icon::Grid, |own, shown| own == shown),
        ViewLayout::OneAndThree => (Icon::OneAndThree, |own, shown| own == shown),
        ViewLayout::Two => (Icon::Two, |own, shown| own == shown),
    }
}

/// `listed`: as lines of a menu.
fn layouts(ui: &mut Ui, document: &Document, view_state: &mut ViewState, listed: bool) {
    let native = document.native_plane();
    // A single slice has one plane.
    let flat = document.depth() == 1;
    let image = view_state.image(document);
    for (index, (layout, name)) in layouts_of(native).into_iter().enumerate() {
        if flat && layout.needs_slices() {
            continue;
        }
        let (icon, is_shown) = icon_of(layout);
        let (selected, command) = (is_shown(layout, image.layout), KeyCommand::Layout(index));
        let clicked = match listed {
            true => {
                let key = shortcut_of(ui.ctx(), command).unwrap_or_default();
                ui.add(Button::selectable(selected, name).shortcut_text(key)).clicked()
            }
            false => ui.add(IconButton::new(icon, name).key(command).selected(selected)).clicked(),
        };
        if clicked && !selected {
            image.arrange(layout);
        }
    }
}

/// `narrow`: the button has an icon and no words.
fn windows(ui: &mut Ui, document: &Document, view_state: &mut ViewState, narrow: bool) {
    let presets = presets(document.volume());
    if presets.is_empty() {
        return;
    }
    let image = view_state.image(document);
    let chosen = presets.iter().find(|p| p.window == image.tone.window);
    let button = match narrow {
        true => ui.add(IconButton::new(Icon::Window, "Window preset")),
        false => drop_down(ui, chosen.map_or("Window", |p| p.title), "Window preset"),
    };
    menu(&button, |ui| {
        ui.set_min_width(170.0);
        for (index, preset) in presets.iter().enumerate() {
            let key = shortcut_of(ui.ctx(), KeyCommand::Preset(index)).unwrap_or_default();
            if ui.add(Button::new(preset.title).shortcut_text(key)).clicked() {
                image.tone.window = preset.window;
            }
        }
    });
}
