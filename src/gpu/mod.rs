//! Drawing with wgpu: slices and overlays, and labels in three dimensions; one pipeline a file.
//!
//! [`SliceDraw`] describes a view; [`SliceRenderer`] draws it on a GPU and [`cpu_twin`] decides every pixel the same
//! way on the CPU. [`SurfaceDraw`] and [`SurfaceRenderer`] are the same for surfaces, without a twin. Nothing here
//! knows panels or the workspace, and only `interop` knows burn.

mod camera;
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

pub use camera::{Camera, Turn, corners};
pub use colormap::heat_color;
pub use draw::{
    ChannelMode, Difference, DrawError, Filter, HeatMap, LabelColors, LayerStyle, MaskDraw, OverlayStyle,
    PredictionDraw, PredictionSource, PreparedSlice, PreparedSurface, SliceCallback, SliceDraw, SliceImage,
    SliceRenderer, SurfaceCallback, SurfaceDraw, SurfaceRenderer, Tone,
};
pub use interop::TensorBuffer;
pub use system::{GraphicsError, Missing, check as check_system};
pub use texture::Limits;
pub use view::{ScaleBar, ViewTransform, scale_bar};
