use super::{PreparedSlice, PreparedSurface, SliceDraw, SliceRenderer, SurfaceDraw, SurfaceRenderer};
use egui_wgpu::{CallbackResources, ScreenDescriptor};
use std::sync::{Mutex, PoisonError};

/// A renderer of one kind of view, as a [`ViewCallback`] uses it.
pub trait ViewRenderer: Send + Sync + 'static {
    type Draw: Send + Sync + 'static;
    type Prepared: Send + 'static;

    /// Uploads what is new; `min` and `max` are the view's corners in the framebuffer, whole pixels. `None` where nothing
    /// can be shown.
    fn prepare_view(
        &mut self,
        gpu: (&wgpu::Device, &wgpu::Queue, &mut wgpu::CommandEncoder),
        draw: &Self::Draw,
        corners: [egui::Vec2; 2],
    ) -> Option<Self::Prepared>;

    fn paint_view(&self, pass: &mut wgpu::RenderPass<'_>, prepared: &Self::Prepared);
}

/// Draws a view into a rectangle of the window: `ui.painter().add(SliceCallback::shape(rect, draw))`. The view's target is
/// `rect` in physical pixels, its corners rounded to whole ones.
pub struct ViewCallback<R: ViewRenderer> {
    rect: egui::Rect,
    draw: R::Draw,
    prepared: Mutex<Option<R::Prepared>>,
}

pub type SliceCallback = ViewCallback<SliceRenderer>;

/// One such view is shown at a time: two would draw their pictures anew in every frame.
pub type SurfaceCallback = ViewCallback<SurfaceRenderer>;

impl<R: ViewRenderer> ViewCallback<R> {
    pub fn shape(rect: egui::Rect, draw: R::Draw) -> egui::Shape {
        let callback = Self { rect, draw, prepared: Mutex::new(None) };
        egui::Shape::Callback(egui_wgpu::Callback::new_paint_callback(rect, callback))
    }
}

impl<R: ViewRenderer> egui_wgpu::CallbackTrait for ViewCallback<R> {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(renderer) = resources.get_mut::<R>() {
            // As egui rounds the viewport, but not clamped to the window: a view that sticks out keeps its place.
            let pixel = |corner: egui::Pos2| (corner.to_vec2() * screen.pixels_per_point).round();
            let corners = [pixel(self.rect.min), pixel(self.rect.max)];
            let prepared = renderer.prepare_view((device, queue, encoder), &self.draw, corners);
            *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = prepared;
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: egui::PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(renderer), Some(prepared)) = (resources.get::<R>(), prepared.as_ref()) {
            renderer.paint_view(pass, prepared);
        }
    }
}

impl ViewRenderer for SliceRenderer {
    type Draw = SliceDraw;
    type Prepared = PreparedSlice;

    fn prepare_view(
        &mut self,
        (device, queue, _): (&wgpu::Device, &wgpu::Queue, &mut wgpu::CommandEncoder),
        draw: &SliceDraw,
        [min, _]: [egui::Vec2; 2],
    ) -> Option<PreparedSlice> {
        self.prepare(device, queue, draw, min.into())
    }

    fn paint_view(&self, pass: &mut wgpu::RenderPass<'_>, prepared: &PreparedSlice) {
        self.paint(pass, prepared);
    }
}

impl ViewRenderer for SurfaceRenderer {
    type Draw = SurfaceDraw;
    type Prepared = PreparedSurface;

    fn prepare_view(
        &mut self,
        (device, queue, encoder): (&wgpu::Device, &wgpu::Queue, &mut wgpu::CommandEncoder),
        draw: &SurfaceDraw,
        [min, max]: [egui::Vec2; 2],
    ) -> Option<PreparedSurface> {
        let size = [max.x - min.x, max.y - min.y].map(|v| v.max(0.0) as u32);
        self.prepare(device, queue, encoder, draw, min.into(), size)
    }

    fn paint_view(&self, pass: &mut wgpu::RenderPass<'_>, prepared: &PreparedSurface) {
        self.paint(pass, prepared);
    }
}
