//! Pipelines that colour every pixel of a target by itself.

/// What such a pipeline runs: `entry` of a module that also has `cover`, one triangle over the whole target.
pub(super) struct Cover<'a> {
    pub label: &'a str,
    pub module: &'a wgpu::ShaderModule,
    pub layout: &'a wgpu::BindGroupLayout,
    pub entry: &'a str,
    /// Besides `ENCODED_TARGET`: whether the target encodes what is written to it.
    pub constants: &'a [(&'a str, f64)],
    pub target: wgpu::ColorTargetState,
}

impl Cover<'_> {
    pub fn pipeline(self, device: &wgpu::Device) -> wgpu::RenderPipeline {
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(self.label),
            bind_group_layouts: &[Some(self.layout)],
            immediate_size: 0,
        });
        let mut constants = self.constants.to_vec();
        constants.push(("ENCODED_TARGET", f64::from(u8::from(self.target.format.is_srgb()))));
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(self.label),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: self.module,
                entry_point: Some("cover"),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: Default::default(),
            depth_stencil: None,
            multisample: Default::default(),
            fragment: Some(wgpu::FragmentState {
                module: self.module,
                entry_point: Some(self.entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants: &constants,
                    ..Default::default()
                },
                targets: &[Some(self.target)],
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}
