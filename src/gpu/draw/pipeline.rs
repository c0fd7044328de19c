//! The pipelines of `shaders/slice.wgsl` and what they bind.

use super::{chunks::MAX_CHUNKS, cover::Cover};
use crate::gpu::{
    layout::{SliceUniform, SliceVariant},
    shader,
};

pub(super) fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let buffer = |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None };
    let uniform_size = wgpu::BufferSize::new(size_of::<SliceUniform>() as u64);
    let entries: Vec<_> = (0..5 + MAX_CHUNKS as u32)
        .map(|binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: match binding {
                0 => wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: uniform_size,
                },
                1..=3 => wgpu::BindingType::Texture {
                    sample_type: wgpu::TextureSampleType::Uint,
                    view_dimension: wgpu::TextureViewDimension::D2Array,
                    multisampled: false,
                },
                _ => buffer(wgpu::BufferBindingType::Storage { read_only: true }),
            },
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("slice"),
        entries: &entries,
    })
}

/// One pipeline for each variant that was drawn, made when it first is.
pub(super) struct Pipelines {
    module: wgpu::ShaderModule,
    layout: wgpu::BindGroupLayout,
    format: wgpu::TextureFormat,
    made: Vec<(SliceVariant, wgpu::RenderPipeline)>,
}

impl Pipelines {
    pub fn new(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, format: wgpu::TextureFormat) -> Self {
        let module = shader::module(device, "slice.wgsl");
        let layout = layout.clone();
        Self { module, layout, format, made: Vec::new() }
    }

    pub fn get(&mut self, device: &wgpu::Device, variant: SliceVariant) -> wgpu::RenderPipeline {
        if let Some((_, pipeline)) = self.made.iter().find(|(v, _)| *v == variant) {
            return pipeline.clone();
        }
        let cover = Cover {
            label: "slice",
            module: &self.module,
            layout: &self.layout,
            entry: "slice",
            constants: &variant.constants(),
            target: self.format.into(),
        };
        let pipeline = cover.pipeline(device);
        self.made.push((variant, pipeline.clone()));
        pipeline
    }
}
