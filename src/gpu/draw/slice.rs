//! The slice pipeline: `shaders/slice.wgsl`.

use super::SliceDraw;

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
    #[error("the mask has size {0:?} but the image {1:?}")]
    MaskSize([usize; 3], [usize; 3]),
}

/// Long-lived: the pipeline and the textures. Kept in `egui_wgpu::Renderer::callback_resources`.
pub struct SliceRenderer {}

/// What one draw call binds.
pub struct PreparedSlice {}

impl SliceRenderer {
    /// `target_format`: of what is drawn into, not sRGB (egui's convention: colours are gamma encoded).
    pub fn new(_device: &wgpu::Device, _target_format: wgpu::TextureFormat) -> Self {
        Self {}
    }

    /// Makes the renderer once and puts it where [`SliceCallback`] finds it. Call in the app's creator.
    pub fn install(render_state: &egui_wgpu::RenderState) {
        let renderer = Self::new(&render_state.device, render_state.target_format);
        render_state.renderer.write().callback_resources.insert(renderer);
    }

    /// What could not be drawn since the last call, once each.
    pub fn take_errors(_render_state: &egui_wgpu::RenderState) -> Vec<DrawError> {
        Vec::new()
    }
}

/// Draws a slice into a rectangle of the window:
/// `ui.painter().add(SliceCallback::shape(rect, draw))`. The view's target is `rect` in physical pixels.
pub struct SliceCallback {
    _draw: SliceDraw,
}

impl SliceCallback {
    pub fn shape(rect: egui::Rect, draw: SliceDraw) -> egui::Shape {
        egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, Self { _draw: draw }))
    }
}

impl egui_wgpu::CallbackTrait for SliceCallback {
    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        _pass: &mut wgpu::RenderPass<'static>,
        _resources: &egui_wgpu::CallbackResources,
    ) {
    }
}
