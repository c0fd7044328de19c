//! Every state of the window at two sizes, in both themes, at 100 and 200 %: as a picture against the one that is kept, and by what is
//! written in it; by that in the smallest window, too.

use super::pictures::{HERE, hold, workspace};
use super::{Window, graphics};
use egui::accesskit::Role;
use egui::epaint::{ClippedShape, Shape};
use egui::{Color32, Key, Modifiers, Rect, Theme, vec2};
use egui_kittest::kittest::{By, NodeT, Queryable};
use fovea::workspace::{AcceptScope, Command, EditCommand, Workspace};
use std::time::Duration;

/// Size of the window in pixels, and the interface's scale.
pub const SIZES: [([f32; 2], f32, &str); 4] = [
    ([900.0, 600.0], 1.0, "small"),
    ([1600.0, 1000.0], 1.0, "large"),
    ([1600.0, 1000.0], 2.0, "double"),
    ([900.0, 600.0], 2.0, "least"),
];
/// No window can be made smaller than this.
pub const SMALLEST: ([f32; 2], f32, &str) = ([560.0, 480.0], 1.0, "smallest");
pub const THEMES: [(Theme, &str); 2] = [(Theme::Dark, "dark"), (Theme::Light, "light")];

/// Around the window, by the test harness.
pub const AROUND: f32 = 16.0;

macro_rules! states {
    ($($name:ident: $reach:expr),* $(,)?) => { $(
        mod $name {
            #[test]
            fn looks_as_it_did() {
                super::looks_as_it_did(stringify!($name), $reach);
            }

            #[test]
            fn nothing_is_cut_or_hidden_or_nameless() {
                super::nothing_is_cut_or_hidden_or_nameless($reach);
            }
        }
    )* };
}

states! {
    start: super::Reach { sample: None, keys: |_| {} },
    labels: super::Reach { sample: Some("ct"), keys: |window| window.click_or_open("Labels panel") },
    prediction: super::Reach { sample: Some("ct"), keys: |window| window.click_or_open("Prediction panel") },
    image: super::Reach { sample: Some("ct"), keys: |window| window.click_or_open("Image panel") },
    review: super::Reach { sample: Some("ct"), keys: |window| super::control(window, super::Key::Num3) },
    difference: super::Reach { sample: Some("ct"), keys: |window| {
        super::control(window, super::Key::Num3);
        window.press_with(super::Modifiers::SHIFT, super::Key::D);
    } },
    data_set: super::Reach { sample: Some("ct"), keys: |window| super::control(window, super::Key::Num1) },
    learn: super::Reach { sample: Some("oct"), keys: |window| super::control(window, super::Key::Num4) },
    find: super::Reach { sample: Some("ct"), keys: |window| super::control(window, super::Key::K) },
    library: super::Reach { sample: Some("ct"), keys: |window| {
        window.press_with(super::Modifiers::COMMAND | super::Modifiers::SHIFT, super::Key::M);
    } },
    effect: super::Reach { sample: Some("ct"), keys: |window| {
        let predicted = |w: &fovea::workspace::Workspace| {
            w.active().is_some_and(|d| w.prediction(d.id(), d.cursor()[2]).is_some())
        };
        window.until("the slice is predicted", predicted);
        window.press(super::Key::Enter);
        window.until("it is accepted", |w| w.active().is_some_and(|d| !d.mask().is_empty()));
        super::super::effects::find(window, "margin");
        super::super::effects::outcome(window);
    } },
    keys: super::Reach { sample: Some("fundus"), keys: |window| window.press(super::Key::F1) },
}

/// How a state is reached.
struct Reach {
    sample: Option<&'static str>,
    keys: fn(&mut Window),
}

fn control(window: &mut Window, key: Key) {
    window.press_with(Modifiers::COMMAND, key);
    window.steps(2);
}

impl Window {
    /// A tab of the panel, which a narrow window has in a drawer.
    fn click_or_open(&mut self, tab: &str) {
        if self.harness.query_by_label(tab).is_none() {
            control(self, Key::B);
        }
        self.click(tab);
    }

    pub(super) fn texts(&self) -> Vec<String> {
        texts(&self.harness.output().shapes).into_iter().map(|text| text.words).collect()
    }

    /// The colour of what is written first with these words in it.
    pub(super) fn color_of(&self, words: &str) -> Option<Color32> {
        let mut color = None;
        for clipped in &self.harness.output().shapes {
            each(&clipped.shape, &mut |shape| {
                if let Shape::Text(text) = shape
                    && text.galley.text().contains(words)
                {
                    let sections = &text.galley.job.sections;
                    color = color.or(sections.first().map(|section| section.format.color));
                }
            });
        }
        color
    }
}

/// An image with a mask on one slice and a prediction.
fn opened(sample: Option<&str>) -> (Workspace, tempfile::TempDir) {
    let data = tempfile::tempdir().unwrap();
    let mut workspace = workspace(data.path());
    let until = |workspace: &mut Workspace, is_so: &dyn Fn(&Workspace) -> bool| {
        assert!(workspace.wait_until(Duration::from_secs(120), is_so));
    };
    if let Some(sample) = sample {
        workspace.apply(Command::Open(format!("sample:{sample}").into())).unwrap();
        until(&mut workspace, &|w| w.active().is_some() && w.is_idle());
        let document = workspace.active().unwrap();
        let (id, z, depth) = (document.id(), document.cursor()[2], document.depth());
        workspace.look_at(id, z);
        // With its neighbours, which are predicted ahead.
        let last = z.saturating_add(2).min(depth - 1);
        let around = move |w: &fovea::workspace::Workspace| {
            (z.saturating_sub(2)..=last).all(|z| w.prediction(id, z).is_some())
        };
        until(&mut workspace, &around);
        let edit = EditCommand::Accept { scope: AcceptScope::Slice(z) };
        workspace.apply(Command::Edit(edit)).unwrap();
        until(&mut workspace, &Workspace::is_idle);
    }
    (workspace, data)
}

/// The window in a state, at a size, in a theme.
fn reached(
    reach: &Reach,
    [width, height]: [f32; 2],
    scale: f32,
    theme: Theme,
    graphics: Option<egui_wgpu::RenderState>,
) -> (Window, tempfile::TempDir) {
    let (workspace, data) = opened(reach.sample);
    let size = [width - AROUND, height - AROUND];
    let mut window = Window::of(workspace, size, graphics);
    window.harness.ctx.set_theme(theme);
    if scale != 1.0 {
        window.harness.ctx.set_zoom_factor(scale);
        window.steps(2);
        window.harness.set_size(vec2(size[0], size[1]) / scale);
    }
    window.steps(3);
    // So wide a window that the phantom's noise is not seen, which would make up most of the picture.
    window.press_with(Modifiers::SHIFT, Key::Num3);
    (reach.keys)(&mut window);
    window.steps(6);
    window.until("the surface is there", |w| !w.surface_is_behind());
    window.steps(3);
    (window, data)
}

fn looks_as_it_did(name: &str, reach: Reach) {
    for (size, scale, size_name) in SIZES {
        for (theme, theme_name) in THEMES {
            let Some(graphics) = graphics() else { return };
            let (mut window, _data) = reached(&reach, size, scale, theme, Some(graphics));
            hold(&mut window, HERE, &format!("{name}-{size_name}-{theme_name}"));
        }
    }
}

fn nothing_is_cut_or_hidden_or_nameless(reach: Reach) {
    let mut wrong = Vec::new();
    for (size, scale, size_name) in SIZES.into_iter().chain([SMALLEST]) {
        let (window, _data) = reached(&reach, size, scale, Theme::Dark, None);
        wrong.extend(complaints(&window).into_iter().map(|words| format!("{size_name}: {words}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// What is wrong with what is written in a window, and with its widgets.
pub fn complaints(window: &Window) -> Vec<String> {
    let (shapes, rect) = (&window.harness.output().shapes, window.harness.ctx.content_rect());
    let mut all = Vec::new();
    let mut complain = |what: &str, of: Vec<String>| {
        if !of.is_empty() {
            all.push(format!("{what}: {of:?}"));
        }
    };
    complain("cut off", cut(&texts(shapes)));
    complain("words over words", over_each_other(shapes));
    complain("below a plate", under_plates(shapes, rect));
    complain("without a name", unnamed(window).iter().map(|widget| format!("{widget:?}")).collect());
    let filled: Vec<String> = filled(shapes, rect).iter().map(|rect| format!("{rect:?}")).collect();
    complain("several filled buttons", if filled.len() > 1 { filled } else { Vec::new() });
    complain(
        "nothing is written at all",
        if window.texts().is_empty() { vec![String::new()] } else { Vec::new() },
    );
    all
}

/// Words as they are drawn.
struct Text {
    words: String,
    rect: Rect,
    /// Nothing is drawn outside it.
    clip: Rect,
}

fn each<'a>(shape: &'a Shape, look: &mut dyn FnMut(&'a Shape)) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| each(shape, look)),
        shape => look(shape),
    }
}

fn text_of(shape: &Shape, clip: Rect) -> Option<Text> {
    let Shape::Text(text) = shape else { return None };
    let words = text.galley.text().trim().to_owned();
    let rect = text.galley.mesh_bounds.translate(text.pos.to_vec2());
    let drawn = !words.is_empty() && rect.is_positive() && rect.intersects(clip);
    drawn.then_some(Text { words, rect, clip })
}

fn texts(shapes: &[ClippedShape]) -> Vec<Text> {
    let mut all = Vec::new();
    for clipped in shapes {
        each(&clipped.shape, &mut |shape| all.extend(text_of(shape, clipped.clip_rect)));
    }
    all
}

/// Words of which something is outside the place where they are drawn, at the left or right. Where two images share a view, each has its
/// part of the same words.
fn cut(texts: &[Text]) -> Vec<String> {
    let is_within = |text: &Text| {
        text.rect.right() <= text.clip.right() + 1.0 && text.rect.left() >= text.clip.left() - 1.0
    };
    let is_cut = |text: &&Text| {
        let is_same =
            |other: &&Text| other.words == text.words && other.rect.contains_rect(text.rect.shrink(1.0));
        !is_within(text) && !texts.iter().filter(is_same).any(is_within)
    };
    texts.iter().filter(is_cut).map(|text| text.words.clone()).collect()
}

/// Looks at each shape with the words that are still to be seen when it is drawn: nothing opaque lies over them.
fn each_over<'a>(shapes: &'a [ClippedShape], look: &mut dyn FnMut(&'a Shape, Rect, &[Text])) {
    let mut seen: Vec<Text> = Vec::new();
    for clipped in shapes {
        each(&clipped.shape, &mut |shape| {
            let opaque = match shape {
                Shape::Rect(rect) if rect.fill.is_opaque() => Some(rect.rect),
                // An image.
                Shape::Callback(image) => Some(image.rect),
                _ => None,
            };
            if let Some(opaque) = opaque {
                let cover = opaque.intersect(clipped.clip_rect).expand(2.0);
                seen.iter_mut().for_each(|text| text.clip = uncovered(text.rect.intersect(text.clip), cover));
                seen.retain(|text| text.clip.is_positive());
            }
            look(shape, clipped.clip_rect, &seen);
            seen.extend(text_of(shape, clipped.clip_rect));
        });
    }
}

/// Pairs of words that lie over each other.
fn over_each_other(shapes: &[ClippedShape]) -> Vec<String> {
    let mut pairs = Vec::new();
    each_over(shapes, &mut |shape, clip, seen| {
        let Some(text) = text_of(shape, clip) else { return };
        let visible = text.rect.intersect(text.clip).shrink(1.5);
        for other in seen {
            let common = visible.intersect(other.rect.intersect(other.clip));
            // The same words a point lower are their shadow.
            if common.is_positive() && common.height() > 3.0 && other.words != text.words {
                pairs.push(format!("“{}” over “{}”", text.words, other.words));
            }
        }
    });
    pairs
}

/// Words that a plate was drawn over through which they can still be seen.
fn under_plates(shapes: &[ClippedShape], window: Rect) -> Vec<String> {
    let mut all = Vec::new();
    each_over(shapes, &mut |shape, clip, seen| {
        let Shape::Rect(rect) = shape else { return };
        let plate = rect.rect.intersect(clip);
        // What darkens the views or the window is meant to lie over all that is in them.
        let darkens = plate.area() > 0.4 * window.area();
        let is_shadow = rect.blur_width > 0.0;
        if rect.fill.is_opaque() || rect.fill.a() < 0x40 || darkens || is_shadow {
            return;
        }
        for text in seen {
            let common = plate.intersect(text.rect.intersect(text.clip));
            if common.is_positive() && common.height() > 1.5 && common.width() > 1.5 {
                all.push(text.words.clone());
            }
        }
    });
    all
}

/// What is left of a rectangle, as one rectangle, where another covers a side of it or all.
fn uncovered(rect: Rect, cover: Rect) -> Rect {
    if !cover.intersects(rect) {
        return rect;
    }
    let (x, y) = (cover.x_range(), cover.y_range());
    let (across, down) = (
        x.contains(rect.left()) && x.contains(rect.right()),
        y.contains(rect.top()) && y.contains(rect.bottom()),
    );
    match (across, down) {
        (true, true) => Rect::NOTHING,
        (true, false) if y.contains(rect.top()) => rect.with_min_y(cover.bottom()),
        (true, false) if y.contains(rect.bottom()) => rect.with_max_y(cover.top()),
        (false, true) if x.contains(rect.left()) => rect.with_min_x(cover.right()),
        (false, true) if x.contains(rect.right()) => rect.with_max_x(cover.left()),
        _ => rect,
    }
}

/// The grounds of filled buttons, but for those behind a sheet.
fn filled(shapes: &[ClippedShape], window: Rect) -> Vec<Rect> {
    // The accent of the dark theme.
    const ACCENT: Color32 = Color32::from_rgb(0x7a, 0xa2, 0xff);
    let mut all = Vec::new();
    for clipped in shapes {
        each(&clipped.shape, &mut |shape| {
            let Shape::Rect(rect) = shape else { return };
            if rect.fill == ACCENT && rect.rect.height() >= 24.0 && rect.rect.width() > 30.0 {
                all.push(rect.rect);
            }
            // What darkens the whole window lies between it and a sheet.
            if !rect.fill.is_opaque() && rect.fill.a() > 0 && rect.rect.contains_rect(window) {
                all.clear();
            }
        });
    }
    all
}

/// Widgets that can be used and have no name for a screen reader.
pub fn unnamed(window: &Window) -> Vec<(Role, Option<egui::accesskit::Rect>)> {
    let all = window.harness.query_all(By::new());
    let usable = all.filter(|node| {
        let node = node.accesskit_node();
        // egui's own bars have none.
        let own = node.role() == Role::ScrollBar;
        let acts = node.data().supports_action(egui::accesskit::Action::Click) && !node.is_disabled() && !own;
        acts && node.label().is_none_or(|label| label.is_empty()) && node.value().is_none()
    });
    usable.map(|node| (node.accesskit_node().role(), node.accesskit_node().raw_bounds())).collect()
}
