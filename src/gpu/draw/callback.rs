use super::{PreparedSlice, PreparedSurface, SliceDraw, SliceRenderer, SurfaceDraw, SurfaceRenderer};
use std::sync::{Mutex, PoisonError};

/// Draws a slice into a rectangle of the window: `ui.painter().add(SliceCallback::shape(rect, draw))`. The view's target
/// is `rect` in physical pixels, its corner rounded to whole ones.
pub struct SliceCallback {
    rect: egui::Rect,
    draw: SliceDraw,
    prepared: Mutex<Option<PreparedSlice>>,
}

impl SliceCallback {
    pub fn shape(rect: egui::Rect, draw: SliceDraw) -> egui::Shape {
        let callback = Self { rect, draw, prepared: Mutex::new(None) };
        egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, callback))
    }
}

impl egui_wgpu::CallbackTrait for SliceCallback {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &egui_wgpu::ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(renderer) = resources.get_mut::<SliceRenderer>() {
            // As egui rounds the viewport, but not clamped to the window: a view that sticks out keeps its place.
            let origin = (self.rect.min.to_vec2() * screen.pixels_per_point).round();
            let prepared = renderer.prepare(device, queue, &self.draw, origin.into());
            *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = prepared;
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &egui_wgpu::CallbackResources,
    ) {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(renderer), Some(prepared)) = (resources.get::<SliceRenderer>(), prepared.as_ref()) {
            renderer.paint(pass, prepared);
        }
    }
}

/// Draws surfaces into a rectangle of the window, as [`SliceCallback`] draws a slice. One such view is shown at a time: two
/// would draw their pictures anew in every frame.
pub struct SurfaceCallback {
    rect: egui::Rect,
    draw: SurfaceDraw,
    prepared: Mutex<Option<PreparedSurface>>,
}

impl SurfaceCallback {
    pub fn shape(rect: egui::Rect, draw: SurfaceDraw) -> egui::Shape {
        let callback = Self { rect, draw, prepared: Mutex::new(None) };
        egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, callback))
    }
}

impl egui_wgpu::CallbackTrait for SurfaceCallback {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &egui_wgpu::ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(renderer) = resources.get_mut::<SurfaceRenderer>() {
            let [min, max] =
                [self.rect.min, self.rect.max].map(|p| (p.to_vec2() * screen.pixels_per_point).round());
            let size = [max.x - min.x, max.y - min.y].map(|v| v.max(0.0) as u32);
            let prepared = renderer.prepare(device, queue, encoder, &self.draw, min.into(), size);
            *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = prepared;
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &egui_wgpu::CallbackResources,
    ) {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(renderer), Some(prepared)) = (resources.get::<SurfaceRenderer>(), prepared.as_ref()) {
            renderer.paint(pass, prepared);
        }
    }
}
