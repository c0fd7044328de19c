//! Drawing with wgpu: slices and overlays, one pipeline a file.
//!
//! [`SliceDraw`] describes a view; [`SliceRenderer`] draws it on a GPU and [`cpu_twin`] decides every pixel the same
//! way on the CPU. Neither knows panels or the workspace. burn is met in `interop` and nowhere else.

mod colormap;
pub mod cpu_twin;
pub mod device;
mod draw;
pub mod interop;
pub mod layout;
pub mod shader;
mod system;
mod texture;
mod upload;
mod view;

pub use draw::{
    ChannelMode, Difference, DrawError, Filter, HeatMap, LabelColors, LayerStyle, MaskDraw, OverlayStyle,
    PredictionDraw, PredictionSource, PreparedSlice, SliceCallback, SliceDraw, SliceImage, SliceRenderer,
    Tone,
};
pub use interop::TensorBuffer;
pub use system::{GraphicsError, Missing, check as check_system};
pub use texture::Limits;
pub use view::{ScaleBar, ViewTransform, scale_bar};
