//! What a view shows: plain data, made anew for every frame, cheap to clone.

use crate::{
    geom::{Axis, PlaneAxes},
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
}

impl SliceDraw {
    /// The image alone, with default tone and style.
    pub fn of_image(image: SliceImage, view: ViewTransform) -> Self {
        let tone = Tone::of(&image.volume);
        let (colors, style) = (LabelColors::default(), OverlayStyle::default());
        Self { image, tone, filter: Filter::Smooth, view, mask: None, prediction: None, colors, style }
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

/// How masks and predictions look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverlayStyle {
    /// Solid fill, solid outline.
    pub mask: LayerStyle,
    /// Hatched fill, dashed outline.
    pub prediction: LayerStyle,
    pub heat: Option<HeatMap>,
    /// Instead of mask and prediction: what accepting the prediction would change.
    pub difference: Option<Difference>,
}

impl Default for OverlayStyle {
    fn default() -> Self {
        Self {
            mask: LayerStyle { fill: 0.4, outline: 1.0, outline_px: 2.0 },
            prediction: LayerStyle { fill: 0.2, outline: 1.0, outline_px: 2.0 },
            heat: None,
            difference: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerStyle {
    /// Opacity of the area, 0 for none.
    pub fill: f32,
    /// Opacity of the outline, 0 for none.
    pub outline: f32,
    /// Thickness of the outline in physical screen pixels, at any zoom; rounded to whole ones, at least 1.
    pub outline_px: f32,
}

impl LayerStyle {
    pub const HIDDEN: LayerStyle = LayerStyle { fill: 0.0, outline: 0.0, outline_px: 0.0 };
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
    /// Okabe and Ito's sky blue: the prediction has a label where the mask has none.
    pub const ADDED: [u8; 3] = [86, 180, 233];
    /// Vermilion, hatched: the mask has a label where the prediction has none.
    pub const REMOVED: [u8; 3] = [213, 94, 0];
    /// Reddish purple: both have one, but not the same.
    pub const CHANGED: [u8; 3] = [204, 121, 167];
    /// Bluish green: both have the same.
    pub const KEPT: [u8; 3] = [0, 158, 115];
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
        let stride = |axis: Axis| if axis == Axis::X { 1 } else { dims[0] as i32 };
        let mut offset = 0;
        let mut along = |axis: Axis, flipped: bool| {
            let step = stride(axis);
            if flipped {
                offset += (dims[axis.index()] as i32 - 1) * step;
            }
            if flipped { -step } else { step }
        };
        let right = along(axes.right, axes.right_flipped);
        let down = along(axes.down, axes.down_flipped);
        Some(Self { offset, right, down })
    }
}
