//! View state: how images are shown. Nothing here is data, and nothing here is saved with an image.

mod compared;
mod drawn;
mod effect;
mod image;
mod layout;
mod plane;

pub use compared::{CompareWith, Comparing, How, Side};
pub use drawn::Drawn;
pub use effect::{EffectInHand, StepInHand, Told, Where, can_apply};
pub use image::ImageViewState;
pub use layout::{Beside, Layout, Pane, layouts};
pub use plane::PlaneViewState;

use super::learned::Learned;
use crate::gpu::{ChannelMode, Difference, Filter, HeatMap, LayerStyle, OverlayStyle};
use crate::volume::Modality;
use crate::workspace::{Document, DocumentId, SurfaceOf, Workspace};
use std::collections::BTreeMap;

/// What of prediction and mask is to be seen, as one choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Prediction,
    Mask,
    Difference,
    Certainty,
}

impl Shows {
    pub const ALL: [Shows; 4] = [Shows::Prediction, Shows::Mask, Shows::Difference, Shows::Certainty];

    pub fn title(self) -> &'static str {
        match self {
            Shows::Prediction => "Prediction",
            Shows::Mask => "Mask",
            Shows::Difference => "Difference",
            Shows::Certainty => "Certainty",
        }
    }

    pub fn about(self) -> &'static str {
        match self {
            Shows::Prediction => "What the model predicts, over the mask",
            Shows::Mask => "The mask alone",
            Shows::Difference => "What accepting the prediction would change",
            Shows::Certainty => "How probable the selected label is",
        }
    }
}

/// How areas are drawn over the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AreaStyle {
    Both,
    Fill,
    Outline,
}

impl AreaStyle {
    pub const ALL: [AreaStyle; 3] = [AreaStyle::Both, AreaStyle::Fill, AreaStyle::Outline];

    pub fn title(self) -> &'static str {
        match self {
            AreaStyle::Both => "Both",
            AreaStyle::Fill => "Fill",
            AreaStyle::Outline => "Outline",
        }
    }

    pub fn next(self) -> Self {
        match self {
            AreaStyle::Both => AreaStyle::Fill,
            AreaStyle::Fill => AreaStyle::Outline,
            AreaStyle::Outline => AreaStyle::Both,
        }
    }
}

/// Where the sliders stand at first, so that both layers look as [`OverlayStyle::default`] says.
const MASK_OPACITY: f32 = 0.40;
const PREDICTION_STRENGTH: f32 = 0.35;
const DIFFERENCE_OPACITY: f32 = 0.85;

/// The view state of all images, and of the window.
#[derive(Debug)]
pub struct ViewState {
    images: BTreeMap<DocumentId, ImageViewState>,
    /// By kind of image, the place in [`layouts`] of the layout that an image begins with.
    first: BTreeMap<Modality, usize>,
    /// The left button changes window and level, whatever the tool.
    pub windowing: bool,
    pub mask_shown: bool,
    /// While the key is held.
    pub mask_held_away: bool,
    pub mask_opacity: f32,
    /// What lies over images alone is drawn where it is not.
    pub image_shown: bool,
    /// How much darker images are drawn, from 0 to 0.6.
    pub dim: f32,
    pub area: AreaStyle,
    pub prediction_shown: bool,
    /// Whose prediction that is.
    pub learned: Learned,
    pub prediction_opacity: f32,
    pub heat: bool,
    pub difference: bool,
    /// Of what mask and prediction, or two predictions, do not agree on.
    pub difference_opacity: f32,
    pub crosshair: bool,
    /// The panel of labels says what one might do next.
    pub suggests: bool,
    /// What the colours and lines mean, in Review.
    pub legend: bool,
    /// The first letters of labels stand on their areas.
    pub letters: bool,
    pub filter: Filter,
    pub comparing: Comparing,
    /// What effects were told last.
    pub told: Told,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            images: BTreeMap::new(),
            first: BTreeMap::new(),
            windowing: false,
            mask_shown: true,
            mask_held_away: false,
            mask_opacity: MASK_OPACITY,
            image_shown: true,
            dim: 0.0,
            area: AreaStyle::Both,
            prediction_shown: true,
            learned: Learned::default(),
            prediction_opacity: PREDICTION_STRENGTH,
            heat: false,
            difference: false,
            difference_opacity: DIFFERENCE_OPACITY,
            crosshair: true,
            suggests: true,
            legend: true,
            letters: false,
            filter: Filter::Smooth,
            comparing: Comparing::default(),
            told: Told::new(),
        }
    }
}

impl ViewState {
    /// The view state of an image; made on first use.
    pub fn image(&mut self, document: &Document) -> &mut ImageViewState {
        let first = &self.first;
        self.images.entry(document.id()).or_insert_with(|| {
            let mut state = ImageViewState::of(document.volume());
            let layout = first.get(&document.volume().modality()).filter(|_| document.depth() > 1);
            if let Some((layout, _)) =
                layout.and_then(|&at| layouts(document.native_plane()).get(at).copied())
            {
                state.layout = layout;
            }
            state
        })
    }

    /// By kind of image, the layout that images begin with.
    pub fn begin_with(&mut self, first: &BTreeMap<Modality, usize>) {
        if self.first != *first {
            self.first.clone_from(first);
        }
    }

    /// By kind of image, the layout that one of that kind had last: those of `before`, and that of the image in front.
    pub fn layouts(
        &self,
        front: Option<&Document>,
        before: &BTreeMap<Modality, usize>,
    ) -> BTreeMap<Modality, usize> {
        let mut all = before.clone();
        let Some(document) = front.filter(|document| document.depth() > 1) else { return all };
        let Some(image) = self.image_of(document.id()) else { return all };
        // A comparison is begun by a person.
        let is_it = |(layout, _): &(Layout, &str)| *layout == image.layout && *layout != Layout::Two;
        if let Some(at) = layouts(document.native_plane()).iter().position(is_it) {
            all.insert(document.volume().modality(), at);
        }
        all
    }

    /// As [`ViewState::image`], for reading.
    pub fn image_of(&self, id: DocumentId) -> Option<&ImageViewState> {
        self.images.get(&id)
    }

    /// Removes the state of images that are no longer open.
    pub fn keep_only(&mut self, open: impl Fn(DocumentId) -> bool) {
        self.images.retain(|id, _| open(*id));
    }

    /// The surface that is on screen.
    pub fn surface_of(&self, workspace: &Workspace, document: &Document) -> Option<SurfaceOf> {
        let image = self.image_of(document.id())?;
        if matches!(image.layout, Layout::One(Pane::Plane(_)) | Layout::Two) {
            return None;
        }
        let predicted = || workspace.predicted_slices(document.id()).is_some_and(|slices| !slices.is_empty());
        let of_prediction = match image.beside_in(image.layout) {
            Beside::Slices => return None,
            Beside::Mask => false,
            Beside::Prediction => true,
            Beside::Labels => document.mask().is_empty() && predicted(),
        };
        let rejected = |z: &usize| self.is_rejected(document, *z);
        Some(match of_prediction {
            true => SurfaceOf::Prediction { hidden: (0..document.depth()).filter(rejected).collect() },
            false => SurfaceOf::Mask,
        })
    }

    /// What of prediction and mask is to be seen.
    pub fn shows(&self) -> Shows {
        match (self.difference, self.prediction_shown, self.heat) {
            (true, ..) => Shows::Difference,
            (false, false, _) => Shows::Mask,
            (false, true, true) => Shows::Certainty,
            (false, true, false) => Shows::Prediction,
        }
    }

    pub fn show(&mut self, shows: Shows) {
        self.difference = shows == Shows::Difference;
        self.heat = shows == Shows::Certainty;
        self.prediction_shown = shows != Shows::Mask;
    }

    /// While the key is held: what was there before an effect on the image in front, the other of two predictions, or the image
    /// without the mask.
    pub fn hold(&mut self, front: Option<&Document>, held: bool) {
        if let Some(effect) = front.and_then(|document| self.effect_mut(document)) {
            effect.hidden = held;
            return;
        }
        self.mask_held_away = !self.learned.hold(held) && held;
    }

    /// The key was tapped.
    pub fn tap(&mut self, front: Option<&Document>) {
        let is_effect = front.is_some_and(|document| self.effect(document).is_some());
        if !is_effect && !self.learned.swap() {
            self.mask_shown = !self.mask_shown;
        }
    }

    /// How much darker an image is drawn, from 0 (as it is) to 1 (black).
    pub fn darker(&self) -> f32 {
        if self.image_shown { self.dim } else { 1.0 }
    }

    pub fn mask_visible(&self) -> bool {
        self.mask_shown && !self.mask_held_away
    }

    /// Whether a person does not want to see what is predicted of a slice by the version that is shown.
    pub fn is_rejected(&self, document: &Document, z: usize) -> bool {
        let Some(version) = self.learned.version(document) else { return false };
        self.images.get(&document.id()).is_some_and(|i| i.rejected.contains(&(version.clone(), z)))
    }

    /// The overlay's style. `heat_class`: the class of the model that the heat map shows. `scale`: physical pixels for
    /// each point.
    pub fn overlay(&self, heat_class: Option<usize>, scale: f32) -> OverlayStyle {
        // `times`: where the slider stands, against where it stood at first.
        let layer = |shown: bool, style: LayerStyle, times: f32| {
            if !shown {
                return LayerStyle::HIDDEN;
            }
            let stronger = |opacity: f32| (opacity * times).min(1.0);
            let outline = (style.outline * (0.5 + 0.5 * times)).min(1.0);
            let (fill, dots, thin) = (stronger(style.fill), stronger(style.dots), stronger(style.thin));
            match self.area {
                AreaStyle::Both => LayerStyle { fill, dots, thin, outline, ..style },
                AreaStyle::Fill => LayerStyle { fill, dots, thin, outline: 0.0, ..style },
                // What is too thin for an outline is one.
                AreaStyle::Outline => {
                    let thin = if style.thin > 0.0 { outline } else { 0.0 };
                    LayerStyle { fill: 0.0, dots: 0.0, thin, outline, ..style }
                }
            }
        };
        // Nothing of a prediction that is judged lies below it: what is too thin for an outline is not drawn.
        let mask = match self.learned.is_judged() {
            true => LayerStyle { fill: 0.0, thin: 0.0, ..LayerStyle::MASK },
            false => LayerStyle::MASK,
        };
        let prediction_times = self.prediction_opacity / PREDICTION_STRENGTH;
        OverlayStyle {
            mask: layer(self.mask_visible(), mask, self.mask_opacity / MASK_OPACITY),
            prediction: layer(self.prediction_shown, LayerStyle::PREDICTION, prediction_times),
            heat: heat_class
                .filter(|_| self.heat && self.prediction_shown)
                .map(|class| HeatMap { class, opacity: (self.prediction_opacity + 0.3).min(1.0) }),
            difference: self.difference.then_some(Difference { opacity: self.difference_opacity }),
            preview: 0.0,
            scale,
        }
    }
}

/// The channels of a colour image, with their names.
pub const CHANNELS: [(ChannelMode, &str); 5] = [
    (ChannelMode::Color, "Colour"),
    (ChannelMode::Red, "Red"),
    (ChannelMode::Green, "Green"),
    (ChannelMode::Blue, "Blue"),
    (ChannelMode::Luma, "Grey"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_look_as_designed_until_a_slider_moves() {
        let mut state = ViewState::default();
        assert_eq!(state.overlay(None, 2.0), OverlayStyle { scale: 2.0, ..OverlayStyle::default() });
        state.difference = true;
        assert_eq!(state.overlay(None, 1.0).difference, Some(Difference { opacity: 0.85 }));
        (state.difference_opacity, state.image_shown) = (0.3, false);
        assert_eq!(state.overlay(None, 1.0).difference, Some(Difference { opacity: 0.3 }));
        assert_eq!((state.darker(), state.dim), (1.0, 0.0));
        for area in AreaStyle::ALL {
            state.area = area;
            (state.mask_opacity, state.prediction_opacity) = (0.1, 0.1);
            let faint = state.overlay(None, 1.0);
            (state.mask_opacity, state.prediction_opacity) = (1.0, 1.0);
            let strong = state.overlay(None, 1.0);
            for (faint, strong) in [(faint.mask, strong.mask), (faint.prediction, strong.prediction)] {
                assert!(strong.fill >= faint.fill && strong.outline >= faint.outline, "{area:?}");
                assert!(strong.thin > faint.thin && strong.thin <= 1.0, "{area:?}: {strong:?}");
            }
            state.learned = Learned::AsItLearns(DocumentId(1));
            let mask = state.overlay(None, 1.0).mask;
            assert_eq!(
                (mask.fill, mask.thin),
                (0.0, 0.0),
                "{area:?}: a prediction that is judged is covered"
            );
            state.learned = Learned::InUse;
        }
    }
}
