use crate::geom::{Frame, Unit};
use crate::ui::context::{Panel, PanelContext};
use crate::ui::notices::take_back;
use crate::ui::outbox::Outbox;
use crate::ui::reading::as_painted;
use crate::ui::theme;
use crate::ui::view_state::{CHANNELS, ImageViewState};
use crate::ui::widgets::{Icon, NumberField, Segmented, field, section, title_row};
use crate::volume::{Modality, Window, presets};
use crate::words::counted;
use crate::workspace::{Command, Document, DocumentId};
use egui::{Button, RichText, ScrollArea, Ui};

/// What the image is: its warnings first, then size, spacing, orientation, values.
#[derive(Default)]
pub struct Info {
    /// The image whose shown series was brought into view.
    in_view: Option<DocumentId>,
}

impl Panel for Info {
    fn id(&self) -> &'static str {
        "info"
    }

    fn title(&self) -> &'static str {
        "Image"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { document, view_state, out, .. } = context;
        title_row(ui, "Image", |_| {});
        ui.add(
            egui::Label::new(RichText::new(as_painted(document.name())).color(theme::palette(ui).weak))
                .truncate(),
        )
        .on_hover_text(document.source().display().to_string());
        kind(ui, document, out);
        warnings(ui, document);
        section(ui, "Grey values", |ui| tone(ui, document, view_state.image(document)));
        section(ui, "Geometry", |ui| geometry(ui, document));
        if document.series().len() > 1 {
            let moved = self.in_view != Some(document.id());
            self.in_view = Some(document.id());
            section(ui, "Images in this file", |ui| series(ui, document, moved, out));
        }
        section(ui, "Project", |ui| project(ui, document, out));
    }
}

fn warnings(ui: &mut Ui, document: &Document) {
    let p = theme::palette(ui);
    for warning in document.warnings() {
        theme::card(ui).show(ui, |ui| {
            ui.horizontal_top(|ui| {
                let (rect, _) = ui.allocate_exact_size(egui::Vec2::splat(16.0), egui::Sense::hover());
                Icon::Warning.paint(ui.painter(), rect, p.warn);
                ui.label(RichText::new(warning).font(theme::small()));
            });
        });
    }
}

fn tone(ui: &mut Ui, document: &Document, image: &mut ImageViewState) {
    let volume = document.volume();
    let Window { mut center, mut width } = image.tone.window;
    let speed = f64::from(width) * 0.004;
    field(ui, "Window", |ui| {
        let field = NumberField::new(&mut width, "Window").range(1e-3, f64::from(f32::MAX));
        field.decimals(1).speed(speed).show(ui);
    });
    field(ui, "Level", |ui| {
        NumberField::new(&mut center, "Level").decimals(1).speed(speed).show(ui);
    });
    image.tone.window = Window { center, width };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = egui::vec2(4.0, 4.0);
        for preset in presets(volume) {
            if ui.selectable_label(image.tone.window == preset.window, preset.title).clicked() {
                image.tone.window = preset.window;
            }
        }
        if ui.button("Reset").on_hover_text("The window that the image opened with").clicked() {
            image.tone = crate::gpu::Tone::of(volume);
        }
    });
    let invert = ui.checkbox(&mut image.tone.invert, "Invert");
    if volume.low_is_white() {
        invert.on_hover_text("The file asks for low values in white (MONOCHROME1); values are as stored");
    }
    if volume.channels() == 3 {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::vec2(2.0, 4.0);
            for (channels, title) in CHANNELS {
                ui.selectable_value(&mut image.tone.channels, channels, title);
            }
        });
    }
}

/// What made the image, for a person to set right.
fn kind(ui: &mut Ui, document: &Document, out: &mut Outbox) {
    let modality = document.volume().modality();
    let name = |modality: Modality| if modality == Modality::Other { "Other" } else { modality.title() };
    field(ui, "Kind", |ui| {
        let kinds = Segmented::new(modality, Modality::ALL.map(|kind| (kind, name(kind))));
        if let Some(other) = kinds.list(ui, "Kind", |_| String::new()) {
            out.command(Command::Modality(other));
        }
    });
    if document.is_by_look() {
        ui.label(
            RichText::new("Guessed from its look; choose another if it is wrong")
                .font(theme::small())
                .color(theme::palette(ui).weak),
        );
    }
}

fn geometry(ui: &mut Ui, document: &Document) {
    let volume = document.volume();
    let grid = volume.grid();
    let [w, h, d] = grid.dims();
    let value = |ui: &mut Ui, words: String| ui.label(RichText::new(words).font(theme::figures()));
    field(ui, "Size", |ui| value(ui, if d > 1 { format!("{w} × {h} × {d}") } else { format!("{w} × {h}") }));
    let [sx, sy, sz] = grid.spacing();
    let spacing = match grid.unit() {
        Unit::Pixel => "unknown".to_owned(),
        Unit::Millimetre if d == 1 => format!("{sx:.3} × {sy:.3} mm"),
        Unit::Millimetre => format!("{sx:.3} × {sy:.3} × {sz:.3} mm"),
    };
    field(ui, "Spacing", |ui| value(ui, spacing));
    if grid.has_unequal_slices() {
        field(ui, "Slice gaps", |ui| value(ui, "unequal, kept as they are".to_owned()));
    }
    if grid.frame() == Frame::Patient {
        let codes = grid.axis_codes().iter().collect::<String>();
        field(ui, "Axes point to", |ui| value(ui, codes));
    }
    field(ui, "Samples", |ui| value(ui, volume.samples().kind().name().to_owned()));
}

/// `moved`: the image has just come to the front.
fn series(ui: &mut Ui, document: &Document, moved: bool, out: &mut Outbox) {
    /// More scroll within the section, so that what comes below it stays in reach.
    const HIGHEST: f32 = 220.0;
    ScrollArea::vertical().id_salt("series").max_height(HIGHEST).show(ui, |ui| {
        for series in document.series() {
            let [w, h, d] = series.dims;
            let size = if w > 0 { format!("{w} × {h} × {d}") } else { String::new() };
            let words = if w > 0 { format!("{}   {size}", series.title) } else { series.title.clone() };
            let row = Button::selectable(series.shown, as_painted(&series.title)).right_text(size).truncate();
            let row = ui.add_sized([ui.available_width(), 0.0], row).on_hover_text(words);
            if series.shown && moved {
                row.scroll_to_me(None);
            }
            if row.clicked() && !series.shown {
                out.command(Command::OpenWith {
                    path: document.opened().to_owned(),
                    series: Some(series.id.clone()),
                    modality: None,
                });
            }
        }
    });
}

fn project(ui: &mut Ui, document: &Document, out: &mut Outbox) {
    let p = theme::palette(ui);
    let words = match document.project() {
        Some(path) => format!("Every stroke is kept in {}", path.display()),
        None => "No project file is kept for this image: export the mask to keep it.".to_owned(),
    };
    ui.label(RichText::new(words).font(theme::small()).color(p.weak));
    if let Some(millis) = document.durable_millis() {
        let words = format!("The last change was on the disk after {millis:.0} ms.");
        ui.label(RichText::new(words).font(theme::small()).color(p.weak));
    }
    let steps = document.history().count();
    if steps > 0 {
        let words = format!("{} can be undone.", counted(steps, "step"));
        ui.label(RichText::new(words).font(theme::small()).color(p.weak));
    }
    for (at, aside) in document.asides().iter().enumerate() {
        let words = format!("Annotations of this image were set aside{}.", aside.words());
        ui.label(RichText::new(words).font(theme::small()).color(p.weak))
            .on_hover_text(aside.path.display().to_string());
        take_back(ui, document.id(), at, out);
    }
    ui.label(
        RichText::new("For research and teaching; not a medical device.").font(theme::small()).color(p.faint),
    );
}
