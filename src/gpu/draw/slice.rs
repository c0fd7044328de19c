//! The slice pipeline: `shaders/slice.wgsl`.

use super::{
    DrawError, Frame, MaskDraw, PredictionSource, SliceDraw, SliceImage,
    chunks::{Chunks, MAX_CHUNKS},
    pipeline::{Pipelines, bind_group_layout},
};
use crate::{
    gpu::{
        TensorBuffer, cpu_twin,
        layout::{SOURCE_LABELS, SOURCE_NONE, SOURCE_PROBABILITIES},
        texture::{Limits, SliceSamples, TiledTexture, Tiling, labels_in_rect, rect_of_box},
        upload::{Cache, Key, Origin},
    },
    label::{LabelId, LabelMap},
};
use std::sync::Arc;
use wgpu::util::DeviceExt;

/// Long-lived: the pipeline, and what was uploaded. Kept in `egui_wgpu::Renderer::callback_resources`.
pub struct SliceRenderer {
    pipelines: Pipelines,
    layout: wgpu::BindGroupLayout,
    limits: Limits,
    alignment: u64,
    textures: Cache<Arc<TiledTexture>>,
    masks: Cache<UploadedMask>,
    probabilities: Cache<wgpu::Buffer>,
    /// Bound where a view lacks a part.
    no_texture: Arc<TiledTexture>,
    no_buffer: wgpu::Buffer,
    errors: Vec<DrawError>,
    /// For the renderer's life.
    uploaded_texels: u64,
}

struct UploadedMask {
    texture: Arc<TiledTexture>,
    /// What the texture holds.
    map: LabelMap,
}

/// What one draw call binds; valid for one frame.
pub struct PreparedSlice {
    pipeline: wgpu::RenderPipeline,
    bind_group: wgpu::BindGroup,
    /// Says that the mask's texture is in use, so that another mask drawn in the same frame does not overwrite it.
    _textures: [Arc<TiledTexture>; 3],
    /// burn's memory, until it is drawn.
    _tensor: Option<Arc<TensorBuffer>>,
}

/// A buffer of probabilities, where its first value is, and what keeps it.
struct Bound {
    buffer: wgpu::Buffer,
    offset: u64,
    tensor: Option<Arc<TensorBuffer>>,
}

impl SliceRenderer {
    /// `target_format`: of what is drawn into. Colours are gamma encoded as egui's are.
    pub fn new(device: &wgpu::Device, target_format: wgpu::TextureFormat) -> Self {
        Self::with_limits(device, target_format, Limits::of(device))
    }

    /// Limits below the device's own make tiles and chunks smaller.
    pub fn with_limits(device: &wgpu::Device, target_format: wgpu::TextureFormat, limits: Limits) -> Self {
        let limits = {
            let most = Limits::of(device);
            Limits {
                texture_side: limits.texture_side.min(most.texture_side),
                texture_layers: limits.texture_layers.min(most.texture_layers),
                binding: limits.binding.min(most.binding),
                cache: limits.cache,
            }
        };
        let layout = bind_group_layout(device);
        let tiling = Tiling { size: [1, 1], tile: [1, 1], across: 1, layers: 1 };
        Self {
            pipelines: Pipelines::new(device, &layout, target_format),
            layout,
            limits,
            alignment: device.limits().min_storage_buffer_offset_alignment.into(),
            textures: Cache::new(limits.cache / 2),
            masks: Cache::new(limits.cache / 4),
            probabilities: Cache::new(limits.cache / 4),
            no_texture: Arc::new(TiledTexture::new(device, tiling, wgpu::TextureFormat::R16Uint)),
            no_buffer: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("nothing"),
                size: 16,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            }),
            errors: Vec::new(),
            uploaded_texels: 0,
        }
    }

    /// Makes the renderer once and puts it where [`super::SliceCallback`] finds it. Call in the app's creator.
    pub fn install(render_state: &egui_wgpu::RenderState) {
        let renderer = Self::new(&render_state.device, render_state.target_format);
        render_state.renderer.write().callback_resources.insert(renderer);
    }

    /// What could not be drawn since the last call, once each.
    pub fn take_errors(render_state: &egui_wgpu::RenderState) -> Vec<DrawError> {
        let mut renderer = render_state.renderer.write();
        renderer.callback_resources.get_mut::<Self>().map(Self::drain_errors).unwrap_or_default()
    }

    pub fn drain_errors(&mut self) -> Vec<DrawError> {
        std::mem::take(&mut self.errors)
    }

    /// Bytes of textures and buffers held for slices drawn before.
    pub fn cached_bytes(&self) -> u64 {
        self.textures.bytes() + self.masks.bytes() + self.probabilities.bytes()
    }

    /// Texels written to textures since the renderer was made.
    pub fn uploaded_texels(&self) -> u64 {
        self.uploaded_texels
    }

    /// Uploads what is new. `target_origin`: the view's top left corner in the framebuffer, pixels. A part that cannot
    /// be drawn (see [`SliceRenderer::drain_errors`]) is left out; `None` where that is the image.
    pub fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        draw: &SliceDraw,
        target_origin: [f32; 2],
    ) -> Option<PreparedSlice> {
        self.textures.sweep();
        self.probabilities.sweep();
        let tiling = match Tiling::new(draw.image.size(), &self.limits) {
            Ok(tiling) => tiling,
            Err(error) => {
                self.report(error);
                return None;
            }
        };
        let mut frame = Frame::of(draw, target_origin);
        for error in std::mem::take(&mut frame.errors) {
            self.report(error);
        }
        frame.uniform.tile_size = tiling.tile.map(|v| v as i32);
        frame.uniform.tiles_across = tiling.across as i32;
        frame.variant.tiled = tiling.layers > 1;

        let image = self.image(device, queue, &draw.image, tiling);
        let mask = match &draw.mask {
            Some(mask) if frame.variant.mask => self.mask(device, queue, mask, &draw.image, tiling),
            _ => Arc::clone(&self.no_texture),
        };
        let bound = self.bind_probabilities(device, &mut frame, draw);
        let predicted = match self.predicted(device, queue, &mut frame, draw, tiling, bound.is_some()) {
            Some(texture) => texture,
            None => Arc::clone(&self.no_texture),
        };
        let bind_group = self.bind_group(device, &frame, [&image, &mask, &predicted], bound.as_ref());
        let tensor = bound.and_then(|(b, _)| b.tensor);
        let pipeline = self.pipelines.get(device, frame.variant);
        Some(PreparedSlice { pipeline, bind_group, _textures: [image, mask, predicted], _tensor: tensor })
    }

    /// Draws into the viewport, which is the view.
    pub fn paint(&self, pass: &mut wgpu::RenderPass<'_>, prepared: &PreparedSlice) {
        pass.set_pipeline(&prepared.pipeline);
        pass.set_bind_group(0, &prepared.bind_group, &[]);
        pass.draw(0..3, 0..1);
    }

    fn report(&mut self, error: DrawError) {
        if !self.errors.contains(&error) {
            log::warn!("{error}");
            self.errors.push(error);
        }
    }

    fn image(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        image: &SliceImage,
        tiling: Tiling,
    ) -> Arc<TiledTexture> {
        let key = Key { origin: Origin::of_volume(&image.volume), slice: Some((image.axes, image.slice)) };
        if let Some(texture) = self.textures.get(&key) {
            return Arc::clone(texture);
        }
        let samples = SliceSamples::of(image);
        let texture = TiledTexture::new(device, tiling, samples.format);
        texture.write_all(queue, samples.bytes());
        self.uploaded_texels += tiling.texels();
        let (bytes, texture) = (texture.bytes(), Arc::new(texture));
        self.textures.insert(key, Arc::clone(&texture), bytes);
        texture
    }

    /// Writes only the rectangles of bricks that changed.
    fn mask(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        mask: &MaskDraw,
        image: &SliceImage,
        tiling: Tiling,
    ) -> Arc<TiledTexture> {
        let (axes, slice) = (image.axes, image.slice);
        let key = Key { origin: Origin::Number(mask.document), slice: Some((axes, slice)) };
        if let Some(uploaded) = self.masks.get(&key)
            && uploaded.texture.tiling == tiling
            && let Some(boxes) = mask.map.changed_bricks(&uploaded.map, axes.normal, slice)
            // Another view of this frame may show what the texture holds now.
            && (boxes.is_empty() || Arc::strong_count(&uploaded.texture) == 1)
        {
            let mut texels = 0;
            for one in boxes {
                let rect = rect_of_box(axes, mask.map.dims(), one);
                let labels = labels_in_rect(&mask.map, axes, slice, rect);
                uploaded.texture.write(queue, rect, bytemuck::cast_slice(&labels));
                texels += labels.len() as u64;
            }
            uploaded.map = mask.map.clone();
            self.uploaded_texels += texels;
            return Arc::clone(&uploaded.texture);
        }
        let labels = mask.map.plane_slice(axes, slice);
        self.uploaded_texels += tiling.texels();
        let texture = upload_labels(device, queue, tiling, &labels);
        let uploaded = UploadedMask { texture: Arc::clone(&texture), map: mask.map.clone() };
        self.masks.insert(key, uploaded, texture.bytes());
        texture
    }

    /// The probabilities and how they are bound; `None` where there are none or they are too large to bind.
    fn bind_probabilities(
        &mut self,
        device: &wgpu::Device,
        frame: &mut Frame,
        draw: &SliceDraw,
    ) -> Option<(Bound, Chunks)> {
        if frame.variant.prediction != SOURCE_PROBABILITIES {
            return None;
        }
        let source = &draw.prediction.as_ref()?.source;
        let (classes, plane_bytes) =
            (frame.uniform.classes as usize, frame.uniform.prediction_steps[3] as u64 * 4);
        let offset = if let PredictionSource::Buffer(tensor) = source { tensor.offset } else { 0 };
        let plan = Chunks::plan(classes, plane_bytes, offset, self.limits.binding, self.alignment);
        let Some(chunks) = plan else {
            let bytes = classes as u64 * plane_bytes;
            self.report(DrawError::PredictionTooLarge { bytes, limit: self.limits.binding });
            return None;
        };
        let bound = match source {
            PredictionSource::Host(values) => {
                let key = Key { origin: Origin::of_values(values), slice: None };
                let buffer = match self.probabilities.get(&key) {
                    Some(buffer) => buffer.clone(),
                    None => {
                        let buffer = device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                            label: Some("probabilities"),
                            contents: bytemuck::cast_slice(values),
                            usage: wgpu::BufferUsages::STORAGE,
                        });
                        self.probabilities.insert(key, buffer.clone(), buffer.size());
                        buffer
                    }
                };
                Bound { buffer, offset: 0, tensor: None }
            }
            PredictionSource::Buffer(tensor) => {
                let (buffer, offset) = (tensor.buffer.clone(), tensor.offset);
                Bound { buffer, offset, tensor: Some(Arc::clone(tensor)) }
            }
            PredictionSource::Labels(_) => return None,
        };
        debug_assert_eq!(bound.offset, offset);
        frame.variant.chunked = chunks.bindings.len() > 1;
        frame.uniform.classes_per_chunk = chunks.classes_per_chunk as i32;
        for (base, chunk) in frame.uniform.chunk_base.iter_mut().zip(&chunks.bindings) {
            *base = chunk.base;
        }
        Some((bound, chunks))
    }

    /// The texture of labels that were decided outside of the shader, by the caller or because the probabilities cannot
    /// be bound.
    fn predicted(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        frame: &mut Frame,
        draw: &SliceDraw,
        tiling: Tiling,
        is_bound: bool,
    ) -> Option<Arc<TiledTexture>> {
        let source = &draw.prediction.as_ref()?.source;
        let slice = Some((draw.image.axes, draw.image.slice));
        let key = match (source, frame.variant.prediction) {
            (PredictionSource::Labels(labels), SOURCE_LABELS) => {
                Key { origin: Origin::of_labels(labels), slice }
            }
            (PredictionSource::Host(values), SOURCE_PROBABILITIES) if !is_bound => {
                Key { origin: Origin::of_values(values), slice }
            }
            (PredictionSource::Buffer(_), SOURCE_PROBABILITIES) if !is_bound => {
                frame.without_probabilities(SOURCE_NONE);
                return None;
            }
            _ => return None,
        };
        if frame.variant.prediction == SOURCE_PROBABILITIES {
            frame.without_probabilities(SOURCE_LABELS);
        }
        if let Some(texture) = self.textures.get(&key) {
            return Some(Arc::clone(texture));
        }
        let texture = match source {
            PredictionSource::Labels(labels) => upload_labels(device, queue, tiling, labels),
            _ => upload_labels(device, queue, tiling, &cpu_twin::predicted_labels(draw).ok()?),
        };
        self.uploaded_texels += tiling.texels();
        self.textures.insert(key, Arc::clone(&texture), texture.bytes());
        Some(texture)
    }

    fn bind_group(
        &self,
        device: &wgpu::Device,
        frame: &Frame,
        textures: [&TiledTexture; 3],
        bound: Option<&(Bound, Chunks)>,
    ) -> wgpu::BindGroup {
        let buffer = |contents: &[u8], usage| {
            let label = Some("slice view");
            device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label, contents, usage })
        };
        let uniform = buffer(bytemuck::bytes_of(&frame.uniform), wgpu::BufferUsages::UNIFORM);
        let tables = buffer(bytemuck::cast_slice(&frame.tables), wgpu::BufferUsages::STORAGE);
        let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
        let mut entries = vec![entry(0, uniform.as_entire_binding())];
        for (at, texture) in (1..).zip(textures) {
            entries.push(entry(at, wgpu::BindingResource::TextureView(&texture.view)));
        }
        entries.push(entry(4, tables.as_entire_binding()));
        for (at, i) in (5..).zip(0..MAX_CHUNKS) {
            let chunk = bound.and_then(|(b, chunks)| Some((b, chunks.bindings.get(i)?)));
            let resource = match chunk {
                None => self.no_buffer.as_entire_binding(),
                Some((bound, chunk)) => wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer: &bound.buffer,
                    offset: chunk.offset,
                    size: wgpu::BufferSize::new(chunk.size),
                }),
            };
            entries.push(entry(at, resource));
        }
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("slice"),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

fn upload_labels(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    tiling: Tiling,
    labels: &[LabelId],
) -> Arc<TiledTexture> {
    let texture = TiledTexture::new(device, tiling, wgpu::TextureFormat::R16Uint);
    texture.write_all(queue, bytemuck::cast_slice(labels));
    Arc::new(texture)
}
