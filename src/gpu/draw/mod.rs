//! What a view shows, and the pipelines that draw it: slices (`shaders/slice.wgsl`), and surfaces (`shaders/surface.wgsl`)
//! in a picture of their own (`shaders/picture.wgsl`).

mod callback;
mod chunks;
mod cover;
mod description;
mod frame;
mod picture;
mod pipeline;
mod slice;
mod surface;

pub use callback::{SliceCallback, SurfaceCallback};
pub use description::{
    ChannelMode, Difference, Filter, HeatMap, LabelColors, LayerStyle, MaskDraw, OverlayStyle,
    PredictionDraw, PredictionSource, SliceDraw, SliceImage, Tone,
};
pub(crate) use frame::Frame;
pub use slice::{PreparedSlice, SliceRenderer};
pub use surface::{PreparedSurface, SurfaceDraw, SurfaceRenderer};

/// Why a view stays without its picture or without a part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    #[error(
        "the slice of {0} x {1} pixels needs {2} tiles, but the graphics adapter has room for {3}; use an adapter with \
         larger textures"
    )]
    TooLarge(usize, usize, usize, u32),
    #[error(
        "the prediction has {values} values where {classes} classes of {width} x {height} pixels need {expected}"
    )]
    PredictionSize { classes: usize, width: usize, height: usize, expected: usize, values: usize },
    #[error(
        "the prediction of {bytes} bytes exceeds what the graphics adapter reads at once ({limit} bytes): no heat map, \
         and on the device no overlay"
    )]
    PredictionTooLarge { bytes: u64, limit: u64 },
    #[error("the mask has size {0:?} but the image {1:?}")]
    MaskSize([usize; 3], [usize; 3]),
}
