//! Above each of the two: which it is, what it is, and a list of what may be there instead.

use super::super::Scene;
use super::super::words::text;
use crate::ui::comparing::{images, models};
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme::{self, canvas, side, size};
use crate::ui::view_state::{CompareWith, Side, ViewState};
use crate::ui::widgets::{Icon, drop_down, menu};
use crate::workspace::{Command, Compared, Document, LibraryModel, ModelCommand, Workspace};
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{
    Align2, CornerRadius, Painter, Rect, RichText, Role, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui,
    UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

pub const HEIGHT: f32 = 34.0;
/// Across the top, in the colour of the side.
const LINE: f32 = 2.0;
/// Of the line of B.
const DASH: f32 = 12.0;
const BADGE: f32 = 18.0;

pub fn show(
    ui: &mut Ui,
    rect: Rect,
    of: Side,
    scene: &Scene,
    compared: Option<&Compared>,
    view_state: &mut ViewState,
    out: &mut Outbox,
) {
    let mut ui = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(of.letter()));
    dark(&mut ui);
    let painter = ui.painter().clone();
    painter.rect_filled(rect, 0.0, canvas::GROUND);
    line(&painter, rect, of);
    let middle = rect.center().y + LINE / 2.0;
    let badge = Rect::from_center_size(pos2(rect.left() + 20.0, middle), Vec2::splat(BADGE));
    let there = of == Side::A || compared.is_some();
    letter(&mut ui, badge, of, there, view_state);

    let (name, note) = words(of, scene, compared);
    let left = badge.right() + 6.0;
    let room = rect.right() - 8.0 - left;
    let place = |width: f32| Rect::from_min_size(pos2(left, middle - 13.0), vec2(width, 26.0));
    let cut = |words: &str, font, color, width: f32| {
        let mut job = LayoutJob::single_section(words.to_owned(), TextFormat::simple(font, color));
        job.wrap = TextWrapping::truncate_at_width(width);
        painter.layout_job(job)
    };
    const AROUND: f32 = 8.0;
    const MARK: f32 = 12.0;
    let most = room - 2.0 * AROUND - MARK - 6.0;
    let name_cut = cut(&name, theme::medium(), canvas::TEXT, most);
    let rest = most - name_cut.size().x - 8.0;
    let note_cut = (!note.is_empty() && rest > 40.0).then(|| cut(&note, theme::small(), canvas::WEAK, rest));
    let noted = note_cut.as_ref().map_or(0.0, |note| note.size().x + 8.0);
    let chip = place(name_cut.size().x + noted + 2.0 * AROUND + MARK + 6.0);
    let response = ui.interact(chip, ui.scope_id().with("chip"), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{}: {name}", of.letter())));
    let p = theme::of(true);
    if response.hovered() {
        painter.rect_filled(chip, CornerRadius::same(size::RADIUS), p.hover);
    }
    if response.has_focus() {
        painter.rect_stroke(chip, 6.0, Stroke::new(2.0, p.accent), StrokeKind::Inside);
    }
    let mut x = chip.left() + AROUND;
    for galley in [Some(name_cut), note_cut].into_iter().flatten() {
        let width = galley.size().x;
        painter.galley(pos2(x, middle - galley.size().y / 2.0), galley, canvas::TEXT);
        x += width + 8.0;
    }
    let mark = Rect::from_center_size(pos2(chip.right() - AROUND - MARK / 2.0, middle), Vec2::splat(MARK));
    Icon::Down.paint(&painter, mark, canvas::WEAK);
    menu(&response, |ui| match of {
        Side::A => a_menu(ui, scene, out),
        Side::B => b_menu(ui, scene, view_state),
    });
    response.on_hover_text(name);
}

/// Across the top: whole for A, dashed for B, so that no colour is needed to tell them apart.
fn line(painter: &Painter, rect: Rect, of: Side) {
    let edge = rect.top() + LINE / 2.0;
    let stroke = Stroke::new(LINE, of.color());
    match of {
        Side::A => _ = painter.hline(rect.x_range(), edge, stroke),
        Side::B => {
            let ends = [pos2(rect.left(), edge), pos2(rect.right(), edge)];
            painter.extend(Shape::dashed_line(&ends, stroke, DASH, DASH * 0.6));
        }
    }
}

/// The letter; a click on it chooses what one goes on with.
fn letter(ui: &mut Ui, badge: Rect, of: Side, there: bool, view_state: &mut ViewState) {
    let chosen = view_state.comparing.chosen == of;
    let reach = badge.expand(3.0);
    let response = ui.interact(reach, ui.scope_id().with("letter"), Sense::click());
    let words = format!("Go on with {}", of.letter());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, there, chosen && there, &words));
    paint_letter(ui, badge, of);
    if there && (chosen || response.hovered() || response.has_focus()) {
        let stroke = Stroke::new(if chosen { 1.5 } else { 1.0 }, canvas::CURSOR);
        ui.painter().rect_stroke(badge.expand(1.5), 5.0, stroke, StrokeKind::Outside);
    }
    if there && response.on_hover_text(words).clicked() {
        view_state.comparing.chosen = of;
    }
}

/// A letter on its colour.
pub fn paint_letter(ui: &Ui, square: Rect, of: Side) {
    // The edge is seen on a light ground only.
    let edge = Stroke::new(1.0, side::LETTER.gamma_multiply(0.5));
    ui.painter().rect(square, CornerRadius::same(4), of.color(), edge, StrokeKind::Inside);
    let font = theme::small_title();
    ui.painter().text(square.center(), Align2::CENTER_CENTER, of.letter(), font, side::LETTER);
}

/// What it is called, and what there is to say of it.
fn words(of: Side, scene: &Scene, compared: Option<&Compared>) -> (String, String) {
    let title = |model: Option<&LibraryModel>| {
        model.map_or("No model".to_owned(), |model| as_painted(&model.card.title))
    };
    let in_use = |document: &Document| title(document.model().and_then(|v| scene.workspace.model(v)));
    let image = |document: &Document| (as_painted(document.name()), in_use(document));
    let other = compared.filter(|compared| compared.document != scene.document.id());
    match (of, compared, other) {
        (Side::A, _, Some(_)) => image(scene.document),
        (Side::A, _, None) => (in_use(scene.document), "in use".to_owned()),
        (Side::B, None, _) => ("Choose…".to_owned(), String::new()),
        (Side::B, _, Some(other)) => {
            scene.workspace.document(other.document).map_or_else(Default::default, image)
        }
        (Side::B, Some(other), None) => {
            let model = other.version.as_ref().and_then(|v| scene.workspace.model(v));
            let parent = scene.model().and_then(|model| model.card.parent.as_deref());
            let before = model.is_some_and(|model| Some(model.version()) == parent);
            (title(model), if before { "before".to_owned() } else { String::new() })
        }
    }
}

fn a_menu(ui: &mut Ui, scene: &Scene, out: &mut Outbox) {
    if let Some(version) = list_models(ui, scene.workspace, scene.document, None) {
        out.command(Command::Model(ModelCommand::Use { version: Some(version) }));
    }
}

fn b_menu(ui: &mut Ui, scene: &Scene, view_state: &mut ViewState) {
    let chosen = view_state.image(scene.document).compared.clone();
    if let Some(with) = choose(ui, scene.workspace, scene.document, chosen.as_ref()) {
        view_state.image(scene.document).compared = Some(with);
    }
}

/// A list of what can be put beside an image; what was clicked.
pub fn choose(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    chosen: Option<&CompareWith>,
) -> Option<CompareWith> {
    let model = match chosen {
        Some(CompareWith::Model(version)) => Some(&**version),
        _ => None,
    };
    let mut clicked = list_models(ui, workspace, document, model)
        .map(|version| CompareWith::Model(version.as_str().into()));
    if images(workspace, document).next().is_some() {
        ui.add_space(6.0);
        caption(ui, "Open images");
        for other in images(workspace, document) {
            let with = CompareWith::Image(other.id());
            if ui.selectable_label(chosen == Some(&with), as_painted(other.name())).clicked() {
                clicked = Some(with);
            }
        }
    }
    clicked
}

/// The models that fit; the version that was clicked.
fn list_models(
    ui: &mut Ui,
    workspace: &Workspace,
    document: &Document,
    chosen: Option<&str>,
) -> Option<String> {
    const HIGHEST: f32 = 300.0;
    ui.set_min_width(220.0);
    caption(ui, "Models");
    let mut clicked = None;
    ScrollArea::vertical().max_height(HIGHEST).show(ui, |ui| {
        for model in models(workspace, document) {
            let title = as_painted(&model.card.title);
            if ui.selectable_label(chosen == Some(model.version()), title).clicked() {
                clicked = Some(model.version().to_owned());
            }
        }
        if models(workspace, document).next().is_none() {
            let words = "No other model fits this image: import one, or train one in Learn.";
            ui.label(RichText::new(words).font(theme::small()).color(theme::palette(ui).weak));
        }
    });
    clicked
}

fn caption(ui: &mut Ui, words: &str) {
    ui.label(RichText::new(words).font(theme::small_title()).color(theme::palette(ui).weak));
}

/// What stands instead of B where nothing has been chosen.
pub fn nothing(ui: &mut Ui, rect: Rect, scene: &Scene, view_state: &mut ViewState) {
    ui.painter().rect_filled(rect, 0.0, canvas::GROUND);
    let at = rect.center() - vec2(0.0, 24.0);
    let words = "Choose what to put beside it.";
    let words = text(ui.painter(), at, Align2::CENTER_CENTER, words, theme::body(), canvas::TEXT);
    let button = Rect::from_center_size(pos2(at.x, words.bottom() + 26.0), vec2(88.0, size::BUTTON));
    let mut ui = ui.new_child(UiBuilder::new().max_rect(button).id_salt("nothing beside it"));
    dark(&mut ui);
    let response = drop_down(&mut ui, "Choose", "Choose what to put beside it");
    menu(&response, |ui| b_menu(ui, scene, view_state));
}

/// What lies over images is dark in both themes.
pub fn dark(ui: &mut Ui) {
    let visuals = ui.ctx().style_of(egui::Theme::Dark).visuals.clone();
    ui.style_mut().visuals = visuals;
}
