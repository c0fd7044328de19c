//! One file per pipeline, each paired with a file of `shaders/`.

mod description;
mod slice;

pub use description::{
    ChannelMode, Difference, Filter, HeatMap, LabelColors, LayerStyle, MaskDraw, OverlayStyle,
    PredictionDraw, PredictionSource, SliceDraw, SliceImage, Tone,
};
pub use slice::{DrawError, PreparedSlice, SliceCallback, SliceRenderer};
