//! What a view shows: plain data, made anew for every frame, cheap to clone.

use crate::{
    geom::{Axis, PixelSteps, PlaneAxes},
    gpu::{TensorBuffer, ViewTransform},
    label::{LabelId, LabelMap, LabelTable},
    volume::{Volume, Window},
};
use std::sync::Arc;

/// One slice and everything drawn over it.
#[derive(Clone, Debug)]
pub struct SliceDraw {
    pub image: SliceImage,
    pub tone: Tone,
    pub filter: Filter,
    pub view: ViewTransform,
    pub mask: Option<MaskDraw>,
    pub prediction: Option<PredictionDraw>,
    pub colors: LabelColors,
    pub style: OverlayStyle,
    /// How much darker the image is drawn, from 0 (as it is) to 1 (black), so that what lies over it stands out. A
    /// picture in colour is darker by [`OverlayStyle::DIM`] at least where something lies over it.
    pub dim: f32,
}

impl SliceDraw {
    /// The image alone, with default tone and style.
    pub fn of_image(image: SliceImage, view: ViewTransform) -> Self {
        let tone = Tone::of(&image.volume);
        let (colors, style) = (LabelColors::default(), OverlayStyle::default());
        Self {
            image,
            tone,
            filter: Filter::Smooth,
            view,
            mask: None,
            prediction: None,
            colors,
            style,
            dim: 0.0,
        }
    }

    /// Whether something in colour lies over the image.
    pub(crate) fn has_overlay(&self) -> bool {
        let mask = self.mask.as_ref().is_some_and(|mask| !mask.map.is_empty());
        let style = &self.style;
        let labels =
            mask && !style.mask.is_hidden() || self.prediction.is_some() && !style.prediction.is_hidden();
        let compared = mask || self.prediction.is_some();
        let instead = style.difference.is_some() || style.preview > 0.0;
        labels || self.prediction.is_some() && style.heat.is_some() || compared && instead
    }
}

/// A slice of a volume as a plane shows it.
#[derive(Clone, Debug)]
pub struct SliceImage {
    pub volume: Volume,
    pub axes: PlaneAxes,
    pub slice: usize,
}

impl SliceImage {
    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        self.axes.size(self.volume.dims())
    }
}

/// How samples become shades.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// In values (HU for CT; 0 to 255 for colour).
    pub window: Window,
    /// Only for colour images.
    pub channels: ChannelMode,
    /// White for black.
    pub invert: bool,
}

impl Tone {
    pub fn of(volume: &Volume) -> Self {
        let (window, channels) = (Window::default_for(volume), ChannelMode::Color);
        Self { window, channels, invert: volume.low_is_white() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelMode {
    Color,
    /// One channel as grey: the green one shows vessels of the fundus best.
    Red,
    Green,
    Blue,
    /// ITU-R BT.601.
    Luma,
}

/// How the image is resampled to the screen. Labels are never interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Bilinear; the mean of up to 4 x 4 points where several pixels fall on one of the screen.
    Smooth,
    Nearest,
}

/// A mask over the slice: only what changed since the last frame is uploaded.
#[derive(Clone, Debug)]
pub struct MaskDraw {
    /// Tells masks of different documents apart (any number that stays the same while the document is open).
    pub document: u64,
    /// A snapshot; on the grid of the image.
    pub map: LabelMap,
}

/// A network's prediction for the slice.
#[derive(Clone, Debug)]
pub struct PredictionDraw {
    pub source: PredictionSource,
    /// Label id of each class; class 0 is background (label 0).
    pub class_labels: Arc<[LabelId]>,
}

#[derive(Clone, Debug)]
pub enum PredictionSource {
    /// Probabilities of the volume's native slice (normal axis Z), `[classes][height][width]`, row major; the most
    /// probable class is taken, the first of equals. Shown only in the plane whose normal is Z, flips applied.
    Host(Arc<[f32]>),
    /// The same in a buffer of the drawing device.
    Buffer(Arc<TensorBuffer>),
    /// Label ids (not classes) already decided, row by row as the plane shows the slice;
    /// [`NOT_PREDICTED`](crate::label::NOT_PREDICTED) where nothing is known, and nothing drawn.
    Labels(Arc<[LabelId]>),
}

/// Colour and visibility of every label id.
///
/// An id that the table lacks is white: what is in a mask is never hidden by accident.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelColors(Arc<[u32]>);

impl LabelColors {
    const VISIBLE: u32 = 0xff00_0000;
    pub(crate) const UNKNOWN: u32 = 0xffff_ffff;

    pub fn of(table: &LabelTable) -> Self {
        let len = table.iter().map(|l| usize::from(l.id) + 1).max().unwrap_or(1);
        let mut colors = vec![Self::UNKNOWN; len];
        colors[0] = 0;
        for label in table.iter().filter(|l| l.id != 0) {
            let [r, g, b] = label.color.map(u32::from);
            let visible = if label.visible { Self::VISIBLE } else { 0 };
            colors[usize::from(label.id)] = r | g << 8 | b << 16 | visible;
        }
        Self(colors.into())
    }

    /// `0xAABBGGRR`; alpha 0 is hidden.
    pub(crate) fn of_label(&self, label: LabelId) -> u32 {
        self.0.get(usize::from(label)).copied().unwrap_or(Self::UNKNOWN)
    }

    pub(crate) fn is_visible(packed: u32) -> bool {
        packed & Self::VISIBLE != 0
    }

    /// `0xAABBGGRR`, indexed by label id; alpha 0 is hidden.
    pub(crate) fn packed(&self) -> &[u32] {
        &self.0
    }
}

impl Default for LabelColors {
    fn default() -> Self {
        Self::of(&LabelTable::default())
    }
}

/// How masks and predictions look. Colour says which label; dots and lines say which of the two, at any zoom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverlayStyle {
    /// Even fill, solid outline.
    pub mask: LayerStyle,
    /// Dots over a faint fill, dashed outline.
    pub prediction: LayerStyle,
    pub heat: Option<HeatMap>,
    /// Instead of mask and prediction: what accepting the prediction would change.
    pub difference: Option<Difference>,
    /// Instead of the prediction: it is what the mask is about to become, and what would change is hatched where a label is
    /// gained, dark with dots where one is lost, with a white rim around both. An opacity, 0 for none.
    pub preview: f32,
    /// Physical screen pixels for each point, in which sizes are given.
    pub scale: f32,
}

impl OverlayStyle {
    /// Of a picture in colour below an overlay: at 40 %, sky blue over orange is grey.
    pub const DIM: f32 = 0.15;
    /// Points: a part that is thinner has no outline, and is filled more strongly.
    pub const THIN: f32 = 6.0;
    /// Points from dot to dot, and the side of one.
    pub const DOTS: [f32; 2] = [5.0, 2.0];
    /// Points from dash to dash along a row, and the length of one.
    pub const DASHES: [f32; 2] = [9.0, 5.0];
    /// Of the white rim around what a preview changes, as a share of its opacity.
    pub const RIM: f32 = 0.55;
    /// Points along a row from line to line of a preview's hatch, and the length of one.
    pub const HATCH: [f32; 2] = [8.0, 3.5];
}

impl Default for OverlayStyle {
    fn default() -> Self {
        Self {
            mask: LayerStyle::MASK,
            prediction: LayerStyle::PREDICTION,
            heat: None,
            difference: None,
            preview: 0.0,
            scale: 1.0,
        }
    }
}

/// Opacities, 0 for none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerStyle {
    /// Of the area.
    pub fill: f32,
    /// Of the dots over the area; a mask has none.
    pub dots: f32,
    /// Of the outline.
    pub outline: f32,
    /// Of parts too thin for an outline, instead of both.
    pub thin: f32,
    /// Thickness of the outline in points, at any zoom; rounded to whole pixels of the screen, at least 1.
    pub width: f32,
}

impl LayerStyle {
    pub const HIDDEN: LayerStyle = LayerStyle { fill: 0.0, dots: 0.0, outline: 0.0, thin: 0.0, width: 0.0 };
    pub const MASK: LayerStyle = LayerStyle { fill: 0.40, dots: 0.0, outline: 0.95, thin: 0.85, width: 1.5 };
    pub const PREDICTION: LayerStyle =
        LayerStyle { fill: 0.14, dots: 0.55, outline: 1.0, thin: 0.85, width: 1.8 };

    fn is_hidden(&self) -> bool {
        [self.fill, self.dots, self.outline, self.thin].iter().all(|opacity| *opacity <= 0.0)
    }
}

/// Probability of one class as colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeatMap {
    /// Index of the class (not a label id).
    pub class: usize,
    pub opacity: f32,
}

/// Where mask and prediction differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub opacity: f32,
}

impl Difference {
    /// Green: the prediction has a label where the mask has none. Like the other two it is the colour of no label, and bright
    /// enough to be told from them in grey.
    pub const ADDED: [u8; 3] = [92, 255, 92];
    /// Magenta: the mask has a label where the prediction has none.
    pub const REMOVED: [u8; 3] = [255, 77, 255];
    /// Pale yellow: both have one, but not the same.
    pub const CHANGED: [u8; 3] = [255, 255, 176];
    /// White, and faint: both have the same.
    pub const KEPT: [u8; 3] = [255, 255, 255];
    /// The opacity of what is the same, as a share of that of what differs: 0.16 of 0.85.
    pub const KEPT_SHARE: f32 = 0.1875;
}

/// Where the value of a slice's pixel lies in an array over the native slice: `offset + right * x + down * y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    pub offset: i32,
    pub right: i32,
    pub down: i32,
}

impl Steps {
    /// `None` unless the plane shows native slices (normal axis Z).
    pub(crate) fn of_native(axes: PlaneAxes, dims: [usize; 3]) -> Option<Self> {
        if axes.normal != Axis::Z {
            return None;
        }
        let PixelSteps { first, right, down } = axes.steps(dims, [1, dims[0] as isize, 0], 0);
        let [offset, right, down] = [first, right, down].map(|step| step as i32);
        Some(Self { offset, right, down })
    }
}
