//! The only place with colours, sizes and fonts of the window.
//!
//! Images lie on a dark ground in both themes: a bright surround changes how greys are judged.

use super::fonts;
use egui::style::{ScrollStyle, Selection, WidgetVisuals, Widgets};
use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, TextStyle, Theme, Vec2};

/// Colours by what they are for.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Bars and panels.
    pub panel: Color32,
    /// Cards, fields and popups: one step above a panel.
    pub raised: Color32,
    pub hover: Color32,
    pub active: Color32,
    /// Hairlines between areas.
    pub line: Color32,
    pub text: Color32,
    pub weak: Color32,
    pub faint: Color32,
    /// What is chosen, and the one main button of a panel.
    pub accent: Color32,
    pub accent_ground: Color32,
    pub on_accent: Color32,
    pub good: Color32,
    pub warn: Color32,
    pub bad: Color32,
}

const DARK: Palette = Palette {
    panel: Color32::from_rgb(0x15, 0x16, 0x19),
    raised: Color32::from_rgb(0x1d, 0x1f, 0x23),
    hover: Color32::from_rgb(0x26, 0x29, 0x2e),
    active: Color32::from_rgb(0x30, 0x34, 0x3a),
    line: Color32::from_rgb(0x26, 0x28, 0x2d),
    text: Color32::from_rgb(0xea, 0xeb, 0xee),
    weak: Color32::from_rgb(0xa3, 0xa8, 0xb1),
    faint: Color32::from_rgb(0x76, 0x7b, 0x85),
    accent: Color32::from_rgb(0x7a, 0xa2, 0xff),
    accent_ground: Color32::from_rgb(0x26, 0x31, 0x4d),
    on_accent: Color32::from_rgb(0x0e, 0x14, 0x24),
    good: Color32::from_rgb(0x57, 0xc0, 0x8e),
    warn: Color32::from_rgb(0xe6, 0xae, 0x4e),
    bad: Color32::from_rgb(0xef, 0x74, 0x63),
};

const LIGHT: Palette = Palette {
    panel: Color32::from_rgb(0xfb, 0xfb, 0xfc),
    raised: Color32::from_rgb(0xf1, 0xf2, 0xf4),
    hover: Color32::from_rgb(0xe8, 0xea, 0xed),
    active: Color32::from_rgb(0xdc, 0xdf, 0xe4),
    line: Color32::from_rgb(0xe2, 0xe4, 0xe8),
    text: Color32::from_rgb(0x1b, 0x1d, 0x21),
    weak: Color32::from_rgb(0x56, 0x5b, 0x64),
    faint: Color32::from_rgb(0x7d, 0x83, 0x8d),
    accent: Color32::from_rgb(0x2c, 0x5f, 0xe0),
    accent_ground: Color32::from_rgb(0xde, 0xe8, 0xff),
    on_accent: Color32::from_rgb(0xff, 0xff, 0xff),
    good: Color32::from_rgb(0x14, 0x7a, 0x4c),
    warn: Color32::from_rgb(0x8e, 0x5a, 0x06),
    bad: Color32::from_rgb(0xc9, 0x3c, 0x2b),
};

/// On the image, in both themes.
pub mod canvas {
    use egui::Color32;

    pub const GROUND: Color32 = Color32::from_rgb(0x08, 0x09, 0x0a);
    /// Between views.
    pub const GAP: Color32 = Color32::from_rgb(0x1f, 0x21, 0x25);
    pub const TEXT: Color32 = Color32::from_rgb(0xe4, 0xe6, 0xea);
    pub const WEAK: Color32 = Color32::from_rgb(0xa8, 0xad, 0xb6);
    /// Behind text, so that it can be read on any image.
    pub const SHADE: Color32 = Color32::from_rgba_premultiplied(0, 0, 0, 0xb0);
    pub const CROSSHAIR: Color32 = Color32::from_rgba_premultiplied(0x4a, 0x66, 0x9c, 0x9c);
    pub const CURSOR: Color32 = Color32::from_rgb(0xff, 0xff, 0xff);
    /// Lines and points of measurements.
    pub const MEASURE: Color32 = Color32::from_rgb(0xff, 0xe0, 0x66);
    pub const GUIDE: Color32 = Color32::from_rgb(0xff, 0xff, 0xff);
    /// Around the view that the keys act on.
    pub const FOCUS: Color32 = Color32::from_rgb(0x46, 0x55, 0x7c);
}

/// The two sides of a comparison, as what only one of them predicts: colours that no label has.
pub mod side {
    use crate::gpu::Difference;
    use egui::Color32;

    const fn of([r, g, b]: [u8; 3]) -> Color32 {
        Color32::from_rgb(r, g, b)
    }

    pub const A: Color32 = of(Difference::ADDED);
    pub const B: Color32 = of(Difference::REMOVED);
    /// A letter on either of them.
    pub const LETTER: Color32 = Color32::from_rgb(0x0e, 0x14, 0x24);
}

/// The curves of a training run.
pub mod curve {
    use egui::Color32;

    /// Okabe and Ito's sky blue and orange, as for labels.
    pub const LOSS: Color32 = Color32::from_rgb(0x56, 0xb4, 0xe9);
    pub const DICE: Color32 = Color32::from_rgb(0xe6, 0x9f, 0x00);
}

/// Heights and widths that several files share, in points.
pub mod size {
    pub const TOP_BAR: f32 = 44.0;
    pub const STATUS_BAR: f32 = 28.0;
    pub const TOOL_STRIP: f32 = 48.0;
    pub const OPTIONS_ROW: f32 = 38.0;
    /// What stays at the lower edge of a panel.
    pub const FOOTER: f32 = 56.0;
    /// The tabs of the panel.
    pub const TABS: f32 = 40.0;
    pub const BUTTON: f32 = 28.0;
    pub const TOOL: f32 = 34.0;
    pub const GAP: f32 = 8.0;
    pub const RADIUS: u8 = 6;
    pub const KEY_CAP: f32 = 11.0;
    pub const SMALL_TEXT: f32 = 11.5;
    pub const FIND: f32 = 15.0;
    pub const TEXT: f32 = 13.0;
    pub const TITLE: f32 = 13.5;
    pub const LARGE_TITLE: f32 = 15.0;
    pub const HEADLINE: f32 = 20.0;
}

pub fn palette(ui: &egui::Ui) -> Palette {
    of(ui.visuals().dark_mode)
}

pub fn of(dark: bool) -> Palette {
    if dark { DARK } else { LIGHT }
}

/// A label's colour as egui takes it.
pub fn label_color([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// The verdict or question that a whole view is about.
pub fn headline() -> FontId {
    FontId::new(size::HEADLINE, fonts::semibold())
}

/// Of a sheet, a dialog, or the thing that a panel shows.
pub fn large_title() -> FontId {
    FontId::new(size::LARGE_TITLE, fonts::semibold())
}

/// Of a panel.
pub fn title() -> FontId {
    FontId::new(size::TITLE, fonts::semibold())
}

/// Words that stand out in a row: the name of the tool, the one main button.
pub fn strong() -> FontId {
    FontId::new(size::TEXT, fonts::semibold())
}

/// What is chosen among others.
pub fn medium() -> FontId {
    FontId::new(size::TEXT, fonts::medium())
}

pub fn body() -> FontId {
    FontId::proportional(size::TEXT)
}

/// Above a part of a panel, and at the head of a column.
pub fn small_title() -> FontId {
    FontId::new(size::SMALL_TEXT, fonts::medium())
}

pub fn small() -> FontId {
    FontId::proportional(size::SMALL_TEXT)
}

/// Figures that change while one looks at them. They stand still, because all are equally wide.
pub fn figures() -> FontId {
    small()
}

/// Of the field that finds anything.
pub fn find() -> FontId {
    FontId::proportional(size::FIND)
}

/// Of a key beside what it does.
pub fn key_cap() -> FontId {
    FontId::proportional(size::KEY_CAP)
}

/// Gives the fonts and both themes to a context.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts::own());
    for theme in [Theme::Dark, Theme::Light] {
        let dark = theme == Theme::Dark;
        ctx.style_mut_of(theme, |style| {
            style.visuals = visuals(dark);
            style.text_styles = [
                (TextStyle::Heading, headline()),
                (TextStyle::Body, body()),
                (TextStyle::Button, body()),
                (TextStyle::Small, small()),
                (TextStyle::Monospace, FontId::new(12.0, FontFamily::Monospace)),
            ]
            .into();
            let s = &mut style.spacing;
            s.item_spacing = Vec2::new(8.0, 6.0);
            s.button_padding = Vec2::new(10.0, 4.0);
            s.interact_size = Vec2::new(36.0, 26.0);
            s.menu_margin = Margin::same(6);
            s.window_margin = Margin::same(16);
            s.slider_width = 120.0;
            s.slider_rail_height = 4.0;
            s.combo_width = 120.0;
            s.icon_width = 15.0;
            s.icon_width_inner = 9.0;
            s.scroll = ScrollStyle { bar_width: 6.0, ..ScrollStyle::floating() };
            style.interaction.tooltip_delay = 0.4;
            style.animation_time = MOTION;
        });
    }
    ctx.set_theme(egui::ThemePreference::Dark);
    // The window has keys of its own for its size.
    ctx.options_mut(|o| o.zoom_with_keyboard = false);
    // A stroke over the image is no click, and ends the writing in a field all the same.
    ctx.options_mut(|o| o.input_options.surrender_focus_on = egui::SurrenderFocusOn::Presses);
}

/// How long panels and sheets take to open, in seconds.
const MOTION: f32 = 0.1;

/// Everything opens at once, or not.
pub fn reduce_motion(ctx: &egui::Context, reduce: bool) {
    ctx.all_styles_mut(|style| style.animation_time = if reduce { 0.0 } else { MOTION });
}

pub fn is_motion_reduced(ctx: &egui::Context) -> bool {
    ctx.global_style().animation_time == 0.0
}

fn visuals(dark: bool) -> egui::Visuals {
    let p = of(dark);
    let base = if dark { egui::Visuals::dark() } else { egui::Visuals::light() };
    let radius = CornerRadius::same(size::RADIUS);
    let widget = |ground: Color32, text: Color32, border: Color32| WidgetVisuals {
        bg_fill: ground,
        weak_bg_fill: ground,
        bg_stroke: Stroke::new(1.0, border),
        corner_radius: radius,
        fg_stroke: Stroke::new(1.2, text),
        expansion: 0.0,
    };
    egui::Visuals {
        widgets: Widgets {
            noninteractive: WidgetVisuals {
                bg_stroke: Stroke::new(1.0, p.line),
                ..widget(p.panel, p.text, p.line)
            },
            inactive: widget(p.raised, p.text, p.line),
            hovered: widget(p.hover, p.text, p.active),
            active: widget(p.active, p.text, p.active),
            open: widget(p.hover, p.text, p.active),
        },
        selection: Selection {
            bg_fill: p.accent_ground,
            stroke: Stroke::new(1.0, if dark { p.text } else { p.accent }),
        },
        hyperlink_color: p.accent,
        faint_bg_color: p.raised,
        extreme_bg_color: if dark { Color32::from_rgb(0x0f, 0x10, 0x12) } else { Color32::WHITE },
        weak_text_color: Some(p.weak),
        warn_fg_color: p.warn,
        error_fg_color: p.bad,
        window_corner_radius: CornerRadius::same(10),
        window_fill: p.panel,
        window_stroke: Stroke::new(1.0, p.line),
        window_shadow: Shadow {
            offset: [0, 12],
            blur: 32,
            spread: 0,
            color: Color32::from_black_alpha(if dark { 120 } else { 40 }),
        },
        popup_shadow: Shadow {
            offset: [0, 6],
            blur: 16,
            spread: 0,
            color: Color32::from_black_alpha(if dark { 100 } else { 30 }),
        },
        menu_corner_radius: CornerRadius::same(8),
        panel_fill: p.panel,
        slider_trailing_fill: true,
        ..base
    }
}

/// A panel's frame: its ground and its margin.
pub fn panel_frame(dark: bool, margin: Margin) -> egui::Frame {
    egui::Frame::new().fill(of(dark).panel).inner_margin(margin)
}

/// The frame of a question over the window.
pub fn dialog_frame(ctx: &egui::Context) -> egui::Frame {
    egui::Frame::popup(&ctx.global_style()).inner_margin(Margin::symmetric(20, 16))
}

/// A raised area within a panel.
pub fn card(ui: &egui::Ui) -> egui::Frame {
    let p = palette(ui);
    egui::Frame::new().fill(p.raised).corner_radius(size::RADIUS).inner_margin(Margin::symmetric(10, 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |c: Color32| {
            let linear = |c: u8| {
                let c = f32::from(c) / 255.0;
                if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.1: 4.5 for text, 3 for large text and marks.
    #[test]
    fn words_over_an_image_can_be_read_wherever_they_lie() {
        let dark = of(true);
        for ground in [Color32::BLACK, canvas::GROUND] {
            for words in [canvas::TEXT, canvas::WEAK, dark.warn, dark.accent] {
                assert!(contrast(words, ground) >= 4.5, "{words:?} on {ground:?}");
            }
        }
        // The brightest image, through what stands behind the words.
        let shaded = Color32::WHITE.lerp_to_gamma(Color32::BLACK, f32::from(canvas::SHADE.a()) / 255.0);
        assert!(contrast(canvas::TEXT, shaded) >= 4.5);
        for words in [canvas::WEAK, dark.warn, dark.accent] {
            assert!(contrast(words, shaded) >= 3.0, "{words:?}");
        }
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for dark in [true, false] {
            let p = of(dark);
            for ground in [p.panel, p.raised] {
                assert!(contrast(p.text, ground) >= 7.0, "text, dark {dark}");
                assert!(contrast(p.weak, ground) >= 4.5, "weak, dark {dark}");
                assert!(contrast(p.faint, ground) >= 3.0, "faint, dark {dark}");
                for word in [p.good, p.warn, p.bad, p.accent] {
                    assert!(contrast(word, ground) >= 4.5, "{word:?}, dark {dark}");
                }
            }
            assert!(contrast(p.on_accent, p.accent) >= 4.5, "button, dark {dark}");
        }
    }
}
