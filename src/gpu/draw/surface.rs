//! The surface pipeline: `shaders/surface.wgsl`.
//!
//! Surfaces need a depth buffer and smooth edges, which the window's own pass has not: they are drawn into a picture of
//! their own, anew only where something about it has changed, and `shaders/picture.wgsl` shows it.

use super::{
    LabelColors,
    picture::{Picture, PicturePipeline, SAMPLES},
};
use crate::{
    gpu::{Camera, layout::SurfaceUniform, shader},
    label::Surface,
};
use glam::DVec3;
use std::sync::{Arc, Weak};
use wgpu::util::DeviceExt;

/// Labels in three dimensions: plain data, made anew for every frame.
#[derive(Clone, Debug)]
pub struct SurfaceDraw {
    pub surface: Arc<Surface>,
    /// A hidden label is not drawn.
    pub colors: LabelColors,
    pub camera: Camera,
}

/// Over the viewer's left shoulder.
const TO_LIGHT: DVec3 = DVec3::new(-0.45, 0.55, 1.0);

/// Long-lived: the pipelines, the surfaces that were uploaded, and the picture drawn last. Kept in
/// `egui_wgpu::Renderer::callback_resources`.
pub struct SurfaceRenderer {
    target_format: wgpu::TextureFormat,
    /// Made when something is drawn for the first time: many images have no depth.
    pipelines: Option<Pipelines>,
    meshes: Vec<Mesh>,
    picture: Option<Picture>,
    /// What is in the picture.
    drawn: Option<Drawn>,
    pictures_drawn: u64,
}

struct Pipelines {
    surface: wgpu::RenderPipeline,
    uniform_layout: wgpu::BindGroupLayout,
    picture: PicturePipeline,
}

/// A surface on the device.
struct Mesh {
    of: Weak<Surface>,
    positions: wgpu::Buffer,
    normals: wgpu::Buffer,
    triangles: wgpu::Buffer,
}

struct Drawn {
    surface: Weak<Surface>,
    colors: LabelColors,
    camera: Camera,
}

impl Drawn {
    fn is(&self, draw: &SurfaceDraw) -> bool {
        std::ptr::eq(self.surface.as_ptr(), Arc::as_ptr(&draw.surface))
            && self.colors == draw.colors
            && self.camera == draw.camera
    }
}

/// What one draw call binds; valid for one frame.
pub struct PreparedSurface(wgpu::BindGroup);

impl SurfaceRenderer {
    /// `target_format`: of what is drawn into.
    pub fn new(target_format: wgpu::TextureFormat) -> Self {
        Self {
            target_format,
            pipelines: None,
            meshes: Vec::new(),
            picture: None,
            drawn: None,
            pictures_drawn: 0,
        }
    }

    /// Makes the renderer once and puts it where [`super::SurfaceCallback`] finds it. Call in the app's creator.
    pub fn install(render_state: &egui_wgpu::RenderState) {
        let renderer = Self::new(render_state.target_format);
        render_state.renderer.write().callback_resources.insert(renderer);
    }

    /// Pictures drawn since the renderer was made; showing one again is not counted.
    pub fn pictures_drawn(&self) -> u64 {
        self.pictures_drawn
    }

    /// Uploads what is new and draws the picture where it has changed. `target_origin`, `size`: the view in the framebuffer,
    /// pixels.
    pub fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        draw: &SurfaceDraw,
        target_origin: [f32; 2],
        size: [u32; 2],
    ) -> Option<PreparedSurface> {
        self.meshes.retain(|mesh| mesh.of.strong_count() > 0);
        if draw.surface.is_empty() || size.contains(&0) {
            return None;
        }
        let format = self.target_format;
        let pipelines = self.pipelines.get_or_insert_with(|| Pipelines::new(device, format));
        if self.picture.as_ref().is_none_or(|picture| picture.size != size) {
            self.picture = Some(Picture::new(device, size));
            self.drawn = None;
        }
        let picture = self.picture.as_ref()?;
        if !self.drawn.as_ref().is_some_and(|drawn| drawn.is(draw)) {
            let place = Arc::as_ptr(&draw.surface);
            let mesh = match self.meshes.iter().position(|m| std::ptr::eq(m.of.as_ptr(), place)) {
                Some(at) => &self.meshes[at],
                None => self.meshes.push_mut(Mesh::new(device, &draw.surface)),
            };
            pipelines.draw(device, encoder, picture, mesh, draw);
            let surface = Arc::downgrade(&draw.surface);
            self.drawn = Some(Drawn { surface, colors: draw.colors.clone(), camera: draw.camera });
            self.pictures_drawn += 1;
        }
        Some(PreparedSurface(pipelines.picture.bind(device, queue, picture, target_origin)))
    }

    /// Draws into the viewport, which is the view.
    pub fn paint(&self, pass: &mut wgpu::RenderPass<'_>, prepared: &PreparedSurface) {
        if let Some(pipelines) = &self.pipelines {
            pipelines.picture.paint(pass, &prepared.0);
        }
    }
}

impl Mesh {
    fn new(device: &wgpu::Device, surface: &Arc<Surface>) -> Self {
        let buffer = |label, contents: &[u8], usage| {
            device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                label: Some(label),
                contents,
                usage,
            })
        };
        use wgpu::BufferUsages as U;
        Self {
            of: Arc::downgrade(surface),
            positions: buffer("positions", bytemuck::cast_slice(&surface.positions), U::VERTEX),
            normals: buffer("normals", bytemuck::cast_slice(&surface.normals), U::VERTEX),
            triangles: buffer("triangles", bytemuck::cast_slice(&surface.triangles), U::INDEX),
        }
    }
}

impl Pipelines {
    fn new(device: &wgpu::Device, target_format: wgpu::TextureFormat) -> Self {
        let uniform_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("surface"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::VERTEX_FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: false,
                    min_binding_size: wgpu::BufferSize::new(size_of::<SurfaceUniform>() as u64),
                },
                count: None,
            }],
        });
        let module = shader::module(device, "surface.wgsl");
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("surface"),
            bind_group_layouts: &[Some(&uniform_layout)],
            immediate_size: 0,
        });
        let of_vertices = |at| wgpu::VertexAttribute {
            format: wgpu::VertexFormat::Float32x3,
            offset: 0,
            shader_location: at,
        };
        let (positions, normals) = ([of_vertices(0)], [of_vertices(1)]);
        let colors =
            [wgpu::VertexAttribute { format: wgpu::VertexFormat::Unorm8x4, offset: 0, shader_location: 2 }];
        let vertices = |attributes| {
            let (array_stride, step_mode) = (size_of::<[f32; 3]>() as u64, wgpu::VertexStepMode::Vertex);
            Some(wgpu::VertexBufferLayout { array_stride, step_mode, attributes })
        };
        let labels = Some(wgpu::VertexBufferLayout {
            array_stride: size_of::<u32>() as u64,
            step_mode: wgpu::VertexStepMode::Instance,
            attributes: &colors,
        });
        let surface = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("surface"),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("place"),
                compilation_options: Default::default(),
                buffers: &[vertices(&positions), vertices(&normals), labels],
            },
            primitive: wgpu::PrimitiveState {
                // Borders between labels are there twice, once from each side.
                cull_mode: Some(wgpu::Face::Back),
                ..Default::default()
            },
            depth_stencil: Some(wgpu::DepthStencilState {
                format: Picture::DEPTH,
                depth_write_enabled: Some(true),
                depth_compare: Some(wgpu::CompareFunction::Less),
                stencil: Default::default(),
                bias: Default::default(),
            }),
            multisample: wgpu::MultisampleState { count: SAMPLES, ..Default::default() },
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("surface"),
                compilation_options: Default::default(),
                targets: &[Some(Picture::COLOR.into())],
            }),
            multiview_mask: None,
            cache: None,
        });
        Self { surface, uniform_layout, picture: PicturePipeline::new(device, target_format) }
    }

    fn draw(
        &self,
        device: &wgpu::Device,
        encoder: &mut wgpu::CommandEncoder,
        picture: &Picture,
        mesh: &Mesh,
        SurfaceDraw { surface, colors, camera }: &SurfaceDraw,
    ) {
        let direction = |seen: DVec3| camera.patient_direction(seen.normalize()).extend(0.0).as_vec4();
        let uniform = SurfaceUniform {
            clip_from_patient: camera.clip_from_patient().as_mat4().to_cols_array_2d(),
            to_light: direction(TO_LIGHT).to_array(),
            to_viewer: direction(DVec3::Z).to_array(),
        };
        let buffer = |contents: &[u8], usage| {
            let label = Some("surface view");
            device.create_buffer_init(&wgpu::util::BufferInitDescriptor { label, contents, usage })
        };
        let uniform = buffer(bytemuck::bytes_of(&uniform), wgpu::BufferUsages::UNIFORM);
        let of_parts: Vec<u32> = surface.parts.iter().map(|part| colors.of_label(part.label)).collect();
        let label_colors = buffer(bytemuck::cast_slice(&of_parts), wgpu::BufferUsages::VERTEX);
        let bind_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("surface"),
            layout: &self.uniform_layout,
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() }],
        });
        let mut pass = picture.begin(encoder);
        pass.set_pipeline(&self.surface);
        pass.set_bind_group(0, &bind_group, &[]);
        pass.set_vertex_buffer(0, mesh.positions.slice(..));
        pass.set_vertex_buffer(1, mesh.normals.slice(..));
        pass.set_vertex_buffer(2, label_colors.slice(..));
        pass.set_index_buffer(mesh.triangles.slice(..), wgpu::IndexFormat::Uint32);
        for (instance, (part, color)) in (0..).zip(surface.parts.iter().zip(&of_parts)) {
            if LabelColors::is_visible(*color) {
                pass.draw_indexed(part.indices.clone(), 0, instance..instance + 1);
            }
        }
    }
}
