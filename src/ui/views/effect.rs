//! What an effect that is being set up would change, drawn over the mask.

use super::Scene;
use super::frame::ViewFrame;
use crate::gpu::{LabelColors, PredictionDraw, PredictionSource, SliceDraw};
use crate::label::LabelId;
use crate::ui::figures::measure;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::theme::{self, canvas, size};
use crate::ui::view_state::ViewState;
use crate::workspace::EffectPreview;
use egui::{CornerRadius, Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};
use std::sync::Arc;

/// An outcome that takes longer than this has a bar, in seconds.
const SLOW: f64 = 0.3;
/// From the middle of the words to the view's lower edge, above the letter there.
const ABOVE_EDGE: f32 = 48.0;
/// Around the words, on both sides together.
const PADDING: Vec2 = vec2(24.0, 12.0);
/// How strong an outcome is drawn while a newer one is being made.
const BEHIND: f32 = 0.5;

/// The slices of the outcome that are on screen, kept from frame to frame: a new place in memory would be uploaded anew.
#[derive(Default)]
pub struct Outcome {
    planes: [Option<(Key, Arc<[LabelId]>)>; 3],
    /// Since when the outcome is not that of what is wanted, in seconds of the window's time.
    behind_since: Option<f64>,
}

/// The outcome's stamp, and the slice.
type Key = (u64, usize);

impl Outcome {
    /// Draws the outcome instead of the prediction.
    pub fn put_into(
        &mut self,
        draw: &mut SliceDraw,
        frame: &ViewFrame,
        scene: &Scene,
        view_state: &ViewState,
    ) {
        let document = scene.document;
        let Some(effect) = view_state.effect(document) else {
            *self = Self::default();
            return;
        };
        draw.prediction = None;
        draw.style.difference = None;
        draw.colors = LabelColors::of(document.labels());
        let Some((preview, is_newest)) = shown(scene).filter(|_| !effect.hidden) else { return };
        let key = (preview.stamp, frame.slice);
        let kept = &mut self.planes[frame.plane as usize];
        if kept.as_ref().is_none_or(|(of, _)| *of != key) {
            *kept = Some((key, preview.mask.plane_slice(frame.axes, frame.slice).into()));
        }
        let Some((_, labels)) = kept else { return };
        draw.prediction = Some(PredictionDraw {
            source: PredictionSource::Labels(Arc::clone(labels)),
            class_labels: Arc::default(),
        });
        draw.style.preview = if is_newest { 1.0 } else { BEHIND };
    }

    /// How much it is, at the lower edge of a view: where that is said.
    pub fn pill(&mut self, ui: &mut Ui, view: Rect, scene: &Scene, view_state: &ViewState) -> Option<Rect> {
        let shown = shown(scene);
        let failure = scene.workspace.effect_failure();
        let now = ui.input(|i| i.time);
        match (shown, failure) {
            (Some((_, true)), _) | (_, Some(_)) => self.behind_since = None,
            _ => _ = self.behind_since.get_or_insert(now),
        }
        if let Some(since) = self.behind_since {
            if now - since > SLOW {
                let bar = Rect::from_min_size(view.min, vec2(view.width(), 2.0));
                ui.painter().rect_filled(bar, 0.0, theme::of(true).accent);
            } else {
                ui.ctx().request_repaint_after_secs((SLOW - (now - since)) as f32);
            }
        }
        let (preview, _) = shown.filter(|_| failure.is_none())?;
        let hidden = view_state.effect(scene.document).is_some_and(|effect| effect.hidden);
        let grid = scene.document.volume().grid();
        let [gained, lost] = preview.volumes.map(|volume| measure(volume, grid));
        let mut words = match preview.voxels {
            _ if hidden => "Without the effect".to_owned(),
            [0, 0] => "Nothing changes".to_owned(),
            [_, 0] => format!("{gained} gained"),
            [0, _] => format!("{lost} lost"),
            _ => format!("{gained} gained · {lost} lost"),
        };
        let painter = ui.painter();
        let laid_out = |words: &str| painter.layout_no_wrap(words.to_owned(), theme::body(), canvas::TEXT);
        let mut galley = laid_out(&words);
        let room = view.width() - 2.0 * PADDING.x;
        if !hidden
            && preview.voxels != [0, 0]
            && let Some(key) = shortcut_of(ui.ctx(), KeyCommand::HideMask)
        {
            let more = format!("{words} · hold {key} to compare");
            let longer = laid_out(&more);
            // The key goes first where there is little room.
            if longer.size().x <= room {
                (words, galley) = (more, longer);
            }
        }
        if galley.size().x > room {
            return None;
        }
        let wide = galley.size() + PADDING;
        let place = Rect::from_center_size(pos2(view.center().x, view.bottom() - ABOVE_EDGE), wide);
        let response = ui.interact(place, ui.scope_id().with("outcome"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &words));
        ui.painter().rect_filled(place, CornerRadius::same(size::RADIUS), canvas::SHADE);
        ui.painter().galley(place.min + PADDING / 2.0, galley, canvas::TEXT);
        Some(place)
    }
}

/// The outcome on the image of a scene, and whether it is of what is wanted now.
fn shown<'a>(scene: &Scene<'a>) -> Option<(&'a EffectPreview, bool)> {
    let (document, preview, is_newest) = scene.workspace.effect_preview()?;
    (document == scene.document.id()).then_some((preview, is_newest))
}
